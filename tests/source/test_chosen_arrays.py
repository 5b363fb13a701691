"""Names of one of two arrays, or of other parts in each iteration, that are stored into."""

import numpy as np
import pytest

from chainrule.errors import UnsupportedError
from chainrule.source.program import compile_
from source.oracles import Compiled, along, assert_close, copied, inner, random_like, vector

R = np.random.default_rng(0)
X, Y, A = R.uniform(0.2, 1, 6), R.uniform(0.2, 1, 6), R.uniform(0.1, 1, (4, 3))


def array_chosen_by_an_expression(x, y):
    a, b = x.copy(), y.copy()
    v = a if a[0] > b[0] else b
    v[1:] *= 2 * v[0]
    return np.sum(a**2) + np.sum(b**3) + np.sum(v)


def part_chosen_by_an_if(x, y):
    a, b = x.copy(), y.copy()
    v = a[:3]
    if a[0] < b[0]:
        v = b[1:4]
    v += a[0]
    v[0] = v[1] * v[2]
    return np.sum(a**2) + np.sum(b**3) + v[2]


def row_carried_through_a_loop(a):
    u = a.copy()
    row = u[0]
    for i in range(1, 4):
        row *= 1.5
        nxt = u[i]
        nxt += row
        row = nxt
    return np.sum(u**2) + row[0]


def row_chosen_by_a_number(a, k):
    u = a.copy()
    r = u[k] if a[0, 0] > 5 else u[k - 1]
    r *= 2
    return np.sum(u**2)


def arrays_in_turn(x, y, n):
    a, b = x.copy(), y.copy()
    for k in range(n):
        src, dst = (a, b) if k % 2 == 0 else (b, a)
        dst[1:] = 0.5 * (src[:-1] + src[1:])
        dst[0] = src[0] ** 2
    return np.sum(a * b)


def arrays_of_a_list_in_turn(x, y):
    a, b = x.copy(), y.copy()
    bufs = [a, b]
    for k in range(4):
        bufs[k % 2][1:] += bufs[(k + 1) % 2][:-1] * 0.3
    i = 0 if a[0] > b[0] else 1
    return np.sum(a**2) + np.sum(bufs[i])


def half_of_an_array(x):
    u = x.copy()
    half = u[:3] if x[0] > 0.1 else u[3:]
    half[:] = np.sort(half)[::-1]
    half *= half[0]
    return np.sum(u * np.arange(6))


def array_or_its_copy(x, y):
    a = x.copy()
    b = a if x[0] > 0.3 else a.copy()
    b *= 2
    return np.sum(a**2) + np.sum(b)


def part_of_a_part(a):
    u = a.copy()
    v = u
    for _ in range(3):
        v = v[1:]
        v *= 1.1
    return np.sum(u**2)


def halves_swapped(x):
    u = x.copy()
    lo, hi = u[:3], u[3:]
    for _ in range(3):
        lo += hi * 0.5
        lo, hi = hi, lo
    return np.sum(u**2) + lo[0]


def branch_in_a_branch(x, y):
    a, b, c = x.copy(), y.copy(), x * y
    if a[0] > 2:
        v = a
    elif b[0] > 0.1:
        v = b[::-1]
    else:
        v = c
    for i in range(1, 6):
        v[i] += 0.5 * v[i - 1]
    return np.sum(a**2) + np.sum(b**3) + np.sum(c)


def read_after_a_change_of_either(x, y):
    a, b = x.copy(), y.copy()
    best = a if np.sum(a) > np.sum(b) else b
    a *= 2
    b[0] = a[1]
    return np.sum(best**2)


def axes_named_anew(a):
    u = a[:3].copy()
    diagonal = np.einsum("ii->i", u)
    diagonal[:] = diagonal * a[0]
    across = np.einsum("ij->ji", u)
    across[0] *= a[1]
    return np.sum(u**2) * diagonal.sum()


def rows_carried_by_name(a, n):
    u = np.zeros((n, 3))
    u[0], old = a[0], a[1]
    row = u[0]
    for k in range(1, n):
        u[k] = 0.5 * row * old + a[k]
        old, row = row, u[k]
        row[0] += old[1]
    return np.sum(u**2) * row[0]


def place_in_a_list(x, order):
    total = 0.0
    for k in order:
        total += x[k] ** (1 + order.index(k))
    return total


def values_of_other_kinds(x, y):
    total = x if x[0] > 0 else 0.0
    curve = np.tanh if y[0] > 5 else np.sin
    part = (x[1], x[2]) if x[3] > 5 else x[3]
    scale = part[0] if isinstance(part, tuple) else 2 * part
    return np.sum(curve(total) * y) * scale


def kinds_that_sizes_decide(a, n):
    u = a @ a[0] if a.shape[0] else a
    v = (a, n) if n > 2 else a
    w = v[0] if isinstance(v, tuple) else 2 * v
    unread = [a[:1]] if n > 3 else a * 2  # noqa: F841
    return np.sum(u) * np.sum(w**2)


def lists_of_other_lengths(x, y):
    terms, named = [x[0]], {"x": x[1]}
    if y[0] > 0.1:
        terms.append(y[0] * y[1])
        named["y"] = y[2]
    if y[1] > 5:
        terms.append(x[2])
    return sum(t**2 for t in terms) / len(terms) + sum(named.values()) ** 2


PROGRAMS = [
    (rows_carried_by_name, (A, 4)),
    (place_in_a_list, (X, [3, 1, 4])),
    (values_of_other_kinds, (X, Y)),
    (kinds_that_sizes_decide, (A, 2)),
    (kinds_that_sizes_decide, (A[:0], 3)),
    (lists_of_other_lengths, (X, Y)),
    (array_chosen_by_an_expression, (X, Y)),
    (part_chosen_by_an_if, (X, Y)),
    (row_carried_through_a_loop, (A,)),
    (row_chosen_by_a_number, (A, 2)),
    (arrays_in_turn, (X, Y, 4)),
    (arrays_of_a_list_in_turn, (X, Y)),
    (half_of_an_array, (X,)),
    (array_or_its_copy, (X, Y)),
    (part_of_a_part, (A,)),
    (halves_swapped, (X,)),
    (axes_named_anew, (A,)),
    (branch_in_a_branch, (X, Y)),
    (read_after_a_change_of_either, (X, Y)),
]


@pytest.mark.parametrize(
    ("f", "args"), PROGRAMS, ids=[f"{f.__name__}-{k}" for k, (f, _) in enumerate(PROGRAMS)]
)
def test_values_and_derivatives(f, args):
    wrt = [k for k, x in enumerate(args) if isinstance(x, np.ndarray)]
    engine, rng = Compiled(f, args, wrt), np.random.default_rng(1)
    y, chosen = f(*copied(args)), [args[k] for k in wrt]
    t, ct = random_like(rng, chosen), random_like(rng, y)
    slope = along(f, args, wrt, vector(t), 2.0**-9)
    assert_close(vector(engine.program(*copied(args))), vector(y), "value", 1e-13)
    assert_close(vector(engine.push(copied(args), t)[1]), slope, "tangent")
    assert_close(inner(engine.pull(copied(args), ct)[1], t), vector(ct) @ slope, "cotangent")


def test_what_follows_a_branch_stands_in_both_arms():
    text = compile_(arrays_in_turn).specialise(X, Y, 4).source
    assert "b[0] = a[0] ** 2" in text
    assert "a[0] = b[0] ** 2" in text
    assert "copy" not in text.partition("for")[2]


def chosen_by_a_function(x):
    a, b = x.copy(), x * 2

    def pick(c):
        if c > 0.5:
            return a
        return b

    pick(x[0])[1] = 3.0
    return np.sum(a) + np.sum(b)


def other_parts_of_a_long_loop(x, n):
    u = x.copy()
    best = u[:2]
    for i in range(n):
        if u[i] > best[0]:
            best = u[i : i + 2]
    best[1] = 10.0
    return u


@pytest.mark.parametrize(
    ("f", "args"), [(chosen_by_a_function, (X,)), (other_parts_of_a_long_loop, (X, 4))]
)
def test_the_advice_names_both_ways_out(f, args):
    with pytest.raises(UnsupportedError, match=r"\.copy\(\).*both arms"):
        compile_(f)(*args)
