"""Programs whose parts change what other parts read: everything happens once, in Python's order."""

import functools
import linecache

import numpy as np
import pytest

from chainrule.errors import UnsupportedError
from source.oracles import Compiled, along, assert_close, copied, inner, random_like, vector

V = np.random.default_rng(0).uniform(0.3, 0.9, 5)


# -- iterables of loops and comprehensions ---------------------------------------------------------


def the_iterable_of_a_sum_is_evaluated_once(v):
    calls = [1]

    def get():
        calls.append(1)
        return v

    found = sum(x * len(calls) for x in get())
    return found * len(calls) + sum(x for x in [get()[0]]) * len(calls)


def the_iterable_of_a_loop_is_evaluated_once(v):
    calls, s = [1], 0.0

    def get():
        calls.append(1)
        return v

    for x in get().reshape(-1):
        s += x * len(calls)
    for x in get()[1:].tolist():
        s += x**2 * len(calls)
    return s * len(calls)


# -- stores ----------------------------------------------------------------------------------------


def the_value_is_computed_before_the_index(v):
    t, u, kept = v[0] + 1.0, np.zeros(4), [0.0, 0.0, 0.0]

    def bump():
        nonlocal t
        t *= 2
        u[3] += t
        return 1

    for _ in range(3):
        u[bump()] = t + u[3]
        u[bump() + 1] += u[3]
        kept[bump()] = (t, 0.0)[0]
        kept[2] = (t, bump(), t)[0] * t
        u[0] += kept[1] * kept[2]
    return u * 1e-4


def a_tuple_holds_what_its_parts_were(v):
    t, s = v[0], 0.0

    def bump():
        nonlocal t
        t += v[1]
        return t

    def f(pair, x):
        return pair[0] * x**2 + pair[1]

    for _ in range(3):
        s += f((t, 1.0), bump()) + f([t, bump()], bump())
    return s


# -- comparisons -----------------------------------------------------------------------------------


def a_chain_of_comparisons_ends_at_the_first_that_fails(v):
    u, n = v.copy(), 0.0

    def bump():
        u[0] += 1.0
        return u[0]

    if 5 < u[1] < bump():
        n += 1
    if 0 < u[1] < bump():
        n += 2
    if 0 < u[2] < 9 < u[3] < bump():
        n += 4
    return u[0] ** 2 + n * u[1]


# -- names that one path binds ---------------------------------------------------------------------


def several_results_of_a_loop_over_parts(v):
    a = np.array([v, v**2])
    for part in (v[:3], a[:, 1]):
        u = np.zeros(2)
        for k in range(2):
            m = a * 0.5
            if u[k] > 9.0:
                out = v * 2
                out[0] = u[1]
                return v[0], m, out * 0.5
            u[k] += part[0]
    a[0] += 1.0
    last = v * 2
    last[1] = 0.0
    return v[1], a, last


# -- values kept from before a change --------------------------------------------------------------


def defaults_and_given_arguments_keep_their_values(v):
    b = v.copy()

    def scaled(x, y=b[1], *, z=b[2]):
        b[:] = b * 2
        return x * y + z

    given = functools.partial(scaled, b[3], z=b[4])
    bare = lambda x=b[0]: x + b[0]
    return scaled(b[0]) + 2 * given() + 3 * scaled(b[0], b[2]) + bare()


def dicts_keep_their_values(v):
    b, d = v.copy(), {}
    d.update(a=b[0])
    d.setdefault("b", b[1])
    d |= dict([("c", b[2])], d=b[3])
    b *= 0
    return d["a"] * d["b"] + d["c"] * d["d"]


def a_repeated_list_is_one_list(v):
    rows, pairs = [[0.0, 1.0]] * 2, [[0.0]] * 3
    rows[0][1] = v[0]
    pairs[1].append(v[1])
    return rows[1][1] * pairs[2][1] + len(pairs[0])


def stores_into_new_arrays_without_a_name(v):
    b = v.copy()
    b[[1, 2]][0] = 5.0
    (b + b)[1:][0] += 4.0
    b[1:3][1] = b[0]
    u = np.multiply(b, v, out=np.empty_like(b))
    for k in range(2):
        u = np.add(u, v[k], out=np.empty_like(u))
        u[0] *= 2
    return u * np.sum(np.outer(v, v), axis=0, out=np.zeros(5))


def ends_of_slices_that_may_be_none(v):
    s, skipped = 0.0, v.copy()
    for k in range(3):
        stop = None if v[k] > 0.5 else k + 1
        s += v[k] * v[:stop].sum() + np.sum(v[k or None :] ** 2)
        skipped[: -k or None] *= v[k]
    return s * skipped


def changed(w):
    w *= 2.0
    w[0] = w[1] * 3.0
    return w[1, 1] * 1.0


def total(a, b):
    return np.sum(a) * b


def parts_are_named_before_they_change(v):
    w = np.outer(v, v**2)
    s = total(w.reshape(-1), changed(w)) + total(np.squeeze(w), changed(w))
    s += total(b=changed(w), a=w[1:].reshape(-1)) + np.sum(np.diagonal(w) * changed(w))
    several = {"a": np.moveaxis(w, 0, 1), "b": [changed(w), np.broadcast_to(w[0], (2, 5))]}
    pairs = [w.ravel(), np.sum(w), changed(w)]
    s += np.sum(several["a"]) * several["b"][0] + np.sum(several["b"][1])
    return s * 1e-4 + np.sum(pairs[0]) * pairs[1] * pairs[2] * 1e-6


def copies_are_named_before_they_change(v):
    w = np.outer(v, v**2)
    s = total(w.T.flatten(), changed(w)) + total(w[[0, 1]], changed(w)) + total(w * 2, changed(w))
    kept = {"a": np.sum(w), "b": changed(w)}
    rows = [np.sum(w) * changed(w) for _ in range(2)]
    return s * 1e-4 + kept["a"] * kept["b"] * 1e-4 + rows[0] * rows[1] * 1e-8


PROGRAMS = (
    parts_are_named_before_they_change,
    copies_are_named_before_they_change,
    defaults_and_given_arguments_keep_their_values,
    dicts_keep_their_values,
    a_repeated_list_is_one_list,
    stores_into_new_arrays_without_a_name,
    ends_of_slices_that_may_be_none,
    the_iterable_of_a_sum_is_evaluated_once,
    the_iterable_of_a_loop_is_evaluated_once,
    the_value_is_computed_before_the_index,
    a_tuple_holds_what_its_parts_were,
    a_chain_of_comparisons_ends_at_the_first_that_fails,
    several_results_of_a_loop_over_parts,
)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values_and_derivatives(f):
    engine, rng = Compiled(f, [V], (0,)), np.random.default_rng(1)
    y = f(V.copy())
    t, ct = random_like(rng, [V]), random_like(rng, y)
    slope = along(f, [V], (0,), vector(t), 2.0**-9)
    assert_close(vector(engine.program(V)), vector(y), "value", 1e-13)
    assert_close(vector(engine.push(copied([V]), t)[1]), slope, "tangent")
    assert_close(inner(engine.pull(copied([V]), ct)[1], t), vector(ct) @ slope, "cotangent")


CHOSEN = "(w if w[0, 0] > -9 else w * 2)"
USES = [
    "np.sum({}) * changed(w)",
    "total({}, changed(w))",
    "total(b=changed(w), a=1.0) * np.sum({})",
    "(lambda d: np.sum(d['a']) * d['b'])({{'a': {}, 'b': changed(w)}})",
    "sum(np.sum(q) * changed(w) for q in ({0}, {0}))",
    "sum([np.sum(q) * k for q, k in zip([{}], [changed(w)])])",
    "sum(map(lambda q: np.sum(q) * changed(w), [{0}, {0}]))",
    "functools.reduce(lambda a, b: a + np.sum(b) * changed(w), [{0}, {0}], 0.0)",
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("part", [CHOSEN, "w.T.reshape(-1)", "w[:, 1:].ravel()", "w[1:, 0]"])
def test_what_may_be_a_part_is_right_or_refused(use, part):
    text = f"def f(w):\n    w = w * 1.0\n    return {use.format(part)}\n"
    space = {"np": np, "changed": changed, "total": total, "functools": functools}
    file = f"<order {use} {part}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    exec(compile(text, file, "exec"), space)
    f, w = space["f"], np.outer(V, V)
    engine = Compiled(f, [w], (0,))
    try:
        found = engine.push([w], [w])
    except UnsupportedError as error:
        assert part != "w[1:, 0]" and ".copy()" in str(error)
        return
    assert_close(vector(found[0]), vector(f(w)), "value", 1e-13)
    slope = along(f, [w], (0,), vector(w), 2.0**-9)
    assert_close(vector(found[1]), slope, "tangent")
    assert_close(inner(engine.pull([w], 1.0)[1], [w]), slope[0], "cotangent")


def test_random_numbers_of_a_sum_are_drawn_once():
    def f(v, rng):
        long = sum(x * v[0] for x in rng.standard_normal(v.size))
        return long + sum(x * y for x, y in zip(v, rng.standard_normal(5), strict=True))

    engine = Compiled(f, [V, np.random.default_rng(3)], (0,))
    assert_close(engine.program(V, np.random.default_rng(3)), f(V, np.random.default_rng(3)), "f")
