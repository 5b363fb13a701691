"""What the loops of compiled programs look like: what costs time that no result shows."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")

from llvmlite import ir as llvm

from chainrule.source.native.accesses import Touched, independent
from chainrule.source.native.lowering import to_kernel
from chainrule.source.native.regions import function
from chainrule.source.program import compile_


def instructions(f, *args):
    """Return what LLVM gets of the last region of a function, as lines."""
    return instructions_of(compile_(f).specialised(args))


def instructions_of(spec):
    kernel = to_kernel(spec.simplified)
    region = [*kernel.regions.values()][-1]
    names = ([v.name for v in vs] for vs in (region.arrays, region.numbers, region.results))
    module = llvm.Module()
    function(module, "region", region.body, *names, kernel.types, [*region.apart], region.is_sweep)
    return str(module).splitlines()


TINY = np.nextafter(0.0, 1.0)


def decaying(x, b, c):
    for i in range(len(b)):
        x = c * x + b[i]
    return np.sum(x)


def decaying_rows(x, w, n):
    for _ in range(n):
        x = x @ w
    return np.sum(x)


@pytest.mark.parametrize("x", [1.0, np.ones(5)])
def test_cotangents_fade_away_to_zero(x):
    args = (x, np.zeros(5000), 0.7)
    assert np.all(cr.grad(cr.compile(decaying, backend="numpy"))(*args) == TINY)
    program = cr.compile(decaying, backend="numba")
    assert np.all(cr.grad(program)(*args) == 0)
    assert np.all(cr.vjp(program, *args)[1](1.0)[0] == 0)
    assert program(*args) > 0
    assert np.float64(TINY) * 0.9 == TINY  # the mode of the processor is as it was


def test_products_of_fading_cotangents():
    gradient = cr.grad(cr.compile(decaying_rows, backend="numba"))
    assert np.all(gradient(np.ones((30, 20)), 0.02 * np.ones((20, 20)), 5000) == 0)
    assert np.float64(TINY) * 0.9 == TINY


def test_the_mode_of_the_processor_is_set_back_wherever_a_sweep_ends():
    def f(x, k):
        for i in range(3):
            x = x * k[i] / (1 + i)
        return x

    spec = compile_(f).specialised((1.5, np.array([2, 1, 0])))
    lines = instructions_of(spec.gradient([("x", ())], True, False, False))
    sets = [bool(re.search("call.*ldmxcsr|msr fpcr", line)) for line in lines]
    begins = [k for k, line in enumerate(lines) if re.match("leave.*:", line)]
    assert begins
    assert all(any(sets[k : lines.index("}")][:5]) for k in begins)
    assert sum(sets) == len(begins) + 2


def text_of(f, *args):
    """Return the loops of a function, as `explain` shows them."""
    program = cr.compile(f, backend="numba")
    program(*args)
    return program.explain().split("# ---- after loops")[-1]


U = np.linspace(0.0, 1.0, 8)


def test_numbers_are_computed_before_the_loop():
    def f(u, dx, k):
        return k / dx**2 * u + k / dx**2 * u * u

    text = text_of(f, U, 0.5, 2.0)
    assert text.count("nonzero") == 1
    assert text.index("nonzero") < text.index("for ")


def test_a_number_that_changes_is_computed_again():
    def f(u, n):
        total = 0.0
        for _ in range(n):
            u = u / total + total / u if total else u * u
            total += 1.0 + u[0]
        return u

    expected = cr.compile(f, backend="numpy")(U + 1, 3)
    np.testing.assert_allclose(cr.compile(f, backend="numba")(U + 1, 3), expected, rtol=1e-12)


def columns_of_squares(x):
    a = np.sin(np.outer(x, x) + x[0])
    rows = np.sum(a, axis=1)
    columns = np.sum(np.cos(a), axis=0)
    return np.sum(columns * rows[::-1] + np.sum(a * a, axis=0))


def pairs(x):
    d, e = x[:, None] - x, x[:, None] * x
    w = 1 / (1 + d * d + e)
    first, second = (d * w) @ x, (e * w) @ x
    return np.sum(first * np.cos(second))


def filled_where_it_is_read(x):
    n = len(x)
    t, a = np.zeros((n, n)), np.outer(x, x)
    t[0] = 3.0
    t[:, 1] = 2.0
    a[:, 0] = t[1] + np.sum(t * a, axis=0)
    t[2] = 1.0
    return a + np.sum(a * t, axis=0) * np.sum(t, axis=1)


def sums_one_after_the_other(x):
    d = np.sin(np.outer(x, x))
    w = 1 / (1 + d * d)
    out = x * x
    out += np.sum(d * w, axis=0)
    out += np.sum(d * d * w, axis=0)
    out += np.sum(w, axis=1)
    return out + np.sum(w * w, axis=0)


def what_is_summed_is_read_again(x):
    d = np.outer(x, x)
    out = x * x
    out += np.sum(d, axis=0)
    d[1] += out
    d *= out[2]
    out += np.sum(d * d, axis=0)
    return out


@pytest.mark.parametrize(
    "f",
    [
        columns_of_squares,
        pairs,
        filled_where_it_is_read,
        sums_one_after_the_other,
        what_is_summed_is_read_again,
    ],
)
@pytest.mark.parametrize("n", [5, 9])
def test_joined_nests(f, n, rng):
    x = rng.uniform(0.5, 1.5, n)
    by_numpy, by_numba = (cr.compile(f, backend=name) for name in ("numpy", "numba"))
    np.testing.assert_allclose(by_numba(x), by_numpy(x), rtol=1e-12)
    slopes = [cr.grad(cr.compile(lambda x, p=p: np.sum(p(x))))(x) for p in (by_numpy, by_numba)]
    np.testing.assert_allclose(*slopes, rtol=1e-11, atol=1e-13)


def test_sums_of_columns_of_a_square_matrix_are_formed_with_it():
    text = text_of(lambda x: np.sum(np.sum(np.sin(np.outer(x, x)), axis=0) ** 2), U)
    assert "rt.empty((n_1, n_1)" not in text


def test_what_is_added_between_two_nests_does_not_keep_them_apart():
    assert "rt.empty((n_1, n_1)" not in text_of(sums_one_after_the_other, U)


def test_a_loop_reads_all_before_it_writes_anything():
    def f(u, v):
        a, b = np.empty_like(u), np.empty_like(v)
        for k in range(1, 3):
            a[1:-1] = u[2:] - k * u[1:-1]
            b[1:-1] = v[2:] - k * v[1:-1] + u[2:]
        return a, b

    lines = instructions(f, U, U)
    stores = [k for k, line in enumerate(lines) if re.search(r"store double %.*access.group", line)]
    loads = [k for k, line in enumerate(lines) if re.search(r"load double.*access.group", line)]
    assert len(stores) == 2
    assert len(loads) == 5
    assert max(loads) < min(stores)


def test_what_was_written_is_read_where_it_was_written():
    def f(a, i, j):
        a = a.copy()
        for k in range(3):
            a[i] = a[j] + k
            a[j] = 2 * a[i]
            a[i] += a[j] * a[i + 1]
            a[i + 1] -= a[i]
        return a

    program = cr.compile(f, backend="numba")
    for i, j in ((0, 0), (0, 1), (1, 0), (2, 5)):
        np.testing.assert_allclose(program(U, i, j), f(U, i, j), rtol=1e-12)


def stencils(u, c, n):
    """Reads of shifted places, so that cotangents go to shifted places."""
    u = u.copy()
    v = u.copy()
    for k in range(n):
        v[1:-1, 2:-1] = c[1:-1, 2:-1] * (u[2:, 2:-1] - 2 * u[1:-1, 2:-1] + u[:-2, 2:-1]) + 0.5 * (
            u[1:-1, 1:-2] - u[1:-1, 3:] + k * u[1:-1, :-3]
        )
        u[1:-1] = v[1:-1] - 0.1 * (v[2:] + v[:-2] - v[1:-1]) + u[1:-1] * v[:-2]
        u[0] = 2 * v[0]
    return np.sum(u * v)


def rows(u, n):
    """Along one axis, in single steps, and a fixed place along the first axis."""
    s = np.zeros((n + 1, len(u)))
    s[0] = u
    for t in range(n):
        s[t + 1, 1:-1] = s[t, 1:-1] - 0.25 * (s[t, 2:] - 2 * s[t, 1:-1] + s[t, :-2]) * s[t, 1:-1]
    return np.sum(s[n] * s[n - 1])


def in_three_dimensions(u, n):
    u = u.copy()
    i = slice(1, -1)
    for _ in range(n):
        v = u.copy()
        u[i, i, i] = v[i, i, i] - 0.1 * (
            v[2:, i, i] + v[:-2, i, i] + v[i, 2:, i] + v[i, :-2, i] + v[i, i, 2:] - 5 * v[i, i, :-2]
        )
    return np.sum(u * u)


def two_fields(u, c, n):
    u, v, i = u.copy(), c.copy(), slice(1, -1)
    for _ in range(n):
        old, own = u.copy(), v.copy()
        u[i, i] = 0.5 * old[i, i] * (old[i, :-2] - own[:-2, i]) + 0.1 * (old[2:, i] + old[i, 2:])
        v[i, i] = 0.5 * own[i, i] * (old[i, :-2] + own[2:, i]) - 0.1 * (own[:-2, i] - own[i, 2:])
    return np.sum(u * v)


GATHERED = [stencils, rows, in_three_dimensions, two_fields]
GATHERING = {f: cr.compile(f, backend="numba") for f in GATHERED}


@pytest.mark.parametrize("size", [*range(3, 9), 40])
@pytest.mark.parametrize("f", GATHERED)
def test_what_is_gathered_is_what_would_be_scattered(f, size):
    rng = np.random.default_rng(size)
    shape = {rows: (size,), in_three_dimensions: (size, 4, 5)}.get(f, (size, size + 1))
    is_of_two = f in (stencils, two_fields)
    args = (rng.uniform(-1, 1, shape), *[rng.uniform(-1, 1, shape)] * is_of_two, 3)
    wrt = (0, 1) if is_of_two else (0,)
    expected = cr.grad(cr.compile(f, backend="numpy"), argnums=wrt)(*args)
    found = cr.grad(GATHERING[f], argnums=wrt)(*args)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_rows_of_two_arrays_are_one_loop():
    gradient = cr.grad(GATHERING[two_fields], argnums=(0, 1))
    gradient(np.ones((20, 21)), np.ones((20, 21)), 3)
    kernel = gradient.explain().rpartition("# ----")[2]
    assert len(re.findall(r"if \(.* >= 2\) & \(", kernel)) == 1


def test_branches_of_one_test_are_one_if_it_stays_the_same():
    def f(x, s):
        y = x.copy()
        for k in range(len(x)):
            if k > 2:
                y += x[k]
            if k > 2:
                y[1:] *= y[:-1]
            if s > 0:
                s = s - 1
                y = y * 0.5
            if s > 0:
                y += 1.0
        return np.sum(y * y)

    found, expected = (cr.grad(cr.compile(f, backend=b)) for b in ("numba", "numpy"))
    for s in (0, 1, 5, 100):
        np.testing.assert_allclose(found(U, s), expected(U, s), rtol=1e-11)
    text = text_of(f, U, 3)
    assert text.count("if k > 2") == 1
    assert len(re.findall(r"if s\w* > 0", text)) == 2


def test_branches_of_one_test_stay_apart_where_it_reads_what_the_first_one_writes():
    def f(x, s):
        m, y = np.array([True, False, True]), x.copy()
        for k in range(3):
            if m[k]:
                m[k] = s > k
                y = y * x[k]
            if m[k]:
                y = y + np.sin(x[k])
        return np.sum(y * y)

    found, expected = (cr.grad(cr.compile(f, backend=b)) for b in ("numba", "numpy"))
    for s in (0, 1, 5):
        np.testing.assert_allclose(found(U, s), expected(U, s), rtol=1e-11)


def test_gathered_numbers_keep_their_precision():
    u = np.random.default_rng(0).uniform(-1, 1, 12).astype(np.float32)
    expected = cr.grad(cr.compile(rows, backend="numpy"))(u, 3)
    found = cr.grad(GATHERING[rows])(u, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_stencil_adds_once_at_each_place():
    def f(a, n):
        a = a.copy()
        b = a.copy()
        for _ in range(n):
            b[1:-1] = 0.3 * (a[2:] + a[1:-1] + a[:-2])
            a[1:-1] = 0.3 * (b[2:] + b[1:-1] + b[:-2])
        return np.sum(a * a)

    gradient = cr.grad(cr.compile(f, backend="numba"))
    gradient(U, 2)
    sweep = gradient.explain().split("# ---- after loops")[-1].split("- 1, -1, -1")[1]
    assert re.search(r"\* 0.3\s.*\* 0.3\s.*\* 0.3", sweep, re.DOTALL)
    assert "rt.empty" not in sweep  # nothing lies in memory in between


def test_steps_of_two_kinds_keep_their_order():
    sums, largest = (Touched(gathered={"t": fn}) for fn in (np.add, np.maximum))
    assert independent(sums, sums)
    assert not independent(sums, largest)
