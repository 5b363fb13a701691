"""Constructs of Python beside arithmetic: their values have the types that Python gives them."""

import collections
import functools
import itertools
import math
import operator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pytest

from chainrule.errors import UnsupportedError
from chainrule.source.program import compile_
from source.oracles import Compiled, along, assert_close, copied, inner, random_like, vector

V = np.random.default_rng(0).uniform(0.3, 0.9, 5)


# -- order and choice ------------------------------------------------------------------------------


def sorted_numbers(v):
    a, b, c = sorted([float(v[2]), 0.5, float(v[0])])
    down = sorted(v, reverse=True)
    return [a + 2 * b * c, down[0], down[4] * len(down)]


def sorted_by_a_key(v):
    order = sorted(range(len(v)), key=lambda i: -v[i])
    pairs = sorted([(v[i] ** 2, i, v[i]) for i in range(5)])
    named = sorted({"b": v[0], "a": v[1]}.items())
    kept = [v[0] - 0.5, 0.0, v[1] - 0.5]
    kept.sort(key=abs)
    return v[order[0]] * pairs[1][2] + pairs[0][0] * order[2] + named[0][1] * kept[2]


def equal_keys_keep_their_order(v):
    rows = [(1.0, v[0]), (v[1] * 0, v[2]), (1.0, v[3])]
    up = sorted(rows, key=operator.itemgetter(0))
    down = sorted(rows, key=operator.itemgetter(0), reverse=True)
    first = max(rows, key=operator.itemgetter(0))
    return up[0][1] + 2 * up[1][1] ** 2 + 3 * down[0][1] * down[1][1] + first[1] ** 3


def extremes_by_a_key(v):
    far = max(v[0] - 0.5, v[1] - 0.5, key=abs)
    return [far * 2, min(zip(v, v[::-1], strict=True))[1], max(v, key=lambda t: t * (1 - t))]


# -- iterables that are gone through once ----------------------------------------------------------


def iterators_end(v):
    pairs, squares = zip(v, v[::-1], strict=True), (x * x for x in v[:2])
    rest = iter(v)
    s = next(rest)
    for x in rest:
        s *= x
    first = sum(p * q for p, q in pairs) + 3 * sum(squares)
    return first + 10 * sum(p * q for p, q in pairs) + 10 * sum(squares) + s + next(rest, 0.5)


def tools_of_itertools(v):
    s = 0.0
    for x, y in itertools.zip_longest(v[:3], v, fillvalue=1.0):
        s += x * y
    for x in itertools.islice(itertools.chain.from_iterable([v[:2], v[2:]]), 1, 4, 2):
        s *= x
    for x in itertools.accumulate(v, operator.mul, initial=2.0):
        s += x
    return s + sum(itertools.starmap(operator.mul, zip(v, v, strict=True))) * sum(
        itertools.repeat(v[0], 3)
    )


# -- operators as functions, numbers ---------------------------------------------------------------


def getters(v):
    two, part = operator.itemgetter(1, -1), operator.methodcaller("clip", 0.4, max=0.6)
    a, b = two(v)
    return np.sum(part(v)) * a + operator.attrgetter("T.real")(v)[0] * operator.getitem(v, 2) * b


def distance_along_one_axis(v):
    return math.dist((v[0],), (2.0,)) * math.hypot(-v[1]) + math.dist([v[2], 1.0], [0.0, v[3]])


def an_exact_sum_is_a_float(v):
    return math.fsum(x * x for x in v)


# -- objects and dicts -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Body:
    """What is replaced, not changed."""

    x: float
    v: np.ndarray = field(default_factory=lambda: np.ones(5))

    def moved(self, dt):
        """Return it a step later."""
        return replace(self, x=self.x + dt * np.sum(self.v))


class Pair(NamedTuple):
    """A tuple whose fields have the names of parameters elsewhere."""

    a: float
    state: float = 2.0


class Waiting:
    """What is to be done."""

    def __init__(self):
        self.items = []

    def __len__(self):
        return len(self.items)


def objects_with_a_truth_value(v):
    waiting, s = Waiting(), 0.0
    for x in v:
        waiting.items.append(x)
    while waiting:
        s = s * 0.5 + waiting.items.pop() ** 2
    return s * (2.0 if not waiting else 1.0)


def frozen_objects(v):
    body = Body(v[0]).moved(v[1])
    return type(body)(body.x, v).moved(0.5).x * Body(x=1.0, v=v).__class__(v[2]).x


def fields_of_any_name(v):
    pair = Pair(v[0])._replace(a=v[1] ** 2, state=v[2])
    names = dict(values=v[0], state=v[3])
    names.update(other=v[4], a=v[0])
    names |= {"b": pair.a}
    both = functools.partial(lambda fn, state: fn * state, fn=v[1])
    return math.prod((names | {"a": 2.0}).values()) * pair.state + both(state=v[2])


# -- arrays ----------------------------------------------------------------------------------------


@np.vectorize
def bent(t, c):
    """One branch for each element."""
    return t * c if t > 0.5 else math.sin(t)


def functions_of_elements(v):
    rows = np.vectorize(lambda t: t * t, otypes=[float])(v[:4].reshape(2, 2))
    return [bent(v, v[0]), bent(0.7, v[1]), bent(v[:2], rows) * rows]


def pasted_arrays(v):
    row = np.r_[v, 0.5, v[1:3], 1, 0:3, 0:1:3j]
    table = np.c_[v, v[::-1] ** 2, np.stack([v, v], axis=1)]
    return [row * np.arange(len(row)), table]


def flat_arrays(v):
    a, s = np.outer(v, v), 0.0
    for x in a.flat:
        s += x**3
    a.flat[:: len(v) + 1] = v * 2
    return [s, a, a.flat[7]]


def axes_of_a_loop(v):
    a, s = np.outer(v, v[:3]), 0.0
    for axis in (0, 1, -1):
        s += np.sum(np.max(a, axis=axis) ** 2)
    for axis in range(a.ndim):
        s += np.prod(np.mean(a, axis))
    return s


# -- branches --------------------------------------------------------------------------------------


def patterns(v):
    s = 0.0
    for item in (
        *(("add", v[0]), ("mul", v[1], v[2]), ("none",), [v[3], v[4], v[0]], 3.0, None, "s", 7),
        *({"kind": "a", "v": v[0]}, Body(v[1], v), Pair(v[2])),
    ):
        match item:
            case ("add", a):
                s += a
            case ("mul", a, b) if len(item) == 3:
                s *= a * b
            case ("none",):
                s += 1
            case [first, *rest] if len(rest) > 1:
                s += first * sum(rest)
            case {"kind": "a", "v": x}:
                s += x**2
            case Pair(a, state=2.0):
                s *= a
            case Body(x, v=u):
                s += x * u[1]
            case (float() | int()) as f:
                s += f * v[1]
            case None | "s":
                s += 0.25
            case _:
                raise ValueError
    return s


def finally_without_except(v):
    s = 1.0

    def doubled(x):
        nonlocal s
        try:
            s *= 2
            return x * s
        finally:
            s += x

    try:
        for x in v[:2]:
            s *= x
    finally:
        s += 1
    return doubled(v[0]) + s


def endless_counters(v):
    total, last = 0.0, 0
    for k in itertools.count(1):
        total += v[k % 5] ** k * 0.9
        last = k
        if total > 0.8 or k > 9:
            break
    for k, x in zip(itertools.count(2, 3), v):
        total *= 1 + x / k
    return [total * last, sum(x * k for x, k in zip(v, itertools.count(), strict=False))]


def sum_of_one_array(v):
    w = v * v
    total = sum([w])
    w[0] = 0.0
    return [total, w]


def columns_of_places(v):
    grid, total = v[:4].reshape(2, 2), 0.0
    for i, j in zip(*np.nonzero(grid > 0.4), strict=False):
        total = total * grid[0, 1] + grid[i, j] ** 2 * (j + 1)
    for x, (i, j), k in zip(v, *[np.argwhere(grid > 0.1), range(3)], strict=False):
        total *= 1 + x * grid[i, j] * k
    for x, y in zip(v[1:], v[:4], strict=True):
        total = total * x + y
    return [total, sum(a * b for a, b in zip(*[v, v[1:]], strict=False))]


def lists_of_other_lengths(v):
    rows, halves = [v[k : k + 2] for k in range(4)], 0
    while len(rows) > 1:
        rows = [0.3 * a + 0.7 * b * b for a, b in itertools.pairwise(rows)]
    tree = (v[0], (v[1], (v[2], v[3])))
    while isinstance(tree, tuple):
        halves, tree = halves + tree[0] * halves + 1, tree[1]
    return [rows[0], halves * tree]


def grids_of_computed_sizes(v):
    n, m = 3, 0
    for x in v:
        m += int(x > 0.4) + 1
    i, j = np.mgrid[0:n, 1:m:2]
    row, column = np.ogrid[:n, 0:1:0.25]
    places = np.mgrid[0:n, 0:m].reshape(2, -1).T
    return [v[0] * i + v[1] * j, row * column * v[2], places @ v[:2], np.mgrid[0:m] * v[3]]


def ufuncs_at_places(v):
    largest, c, k = np.full(3, -1.0), np.outer(v[:3], v[:4]), np.zeros(3, int)
    places = np.array([0, 2, 2, 1])
    np.maximum.at(largest, places, v[1:])
    np.multiply.at(c, (places[:3], [1, 1, 3]), v[:3])
    np.divide.at(c.T, [0, 0], v[:3] + 1)
    np.negative.at(c, places)
    np.multiply.at(c, c[:, 1] < -0.3, 1.5)
    np.maximum.at(k, places, [4, 1, 3, 2])
    return [largest, c, k * v[:3]]


def shapes_that_are_assigned(v):
    y = np.arange(6) * v[0]
    z, w = y, np.zeros((3, 2))
    z.shape = 2, -1
    w[:, 0] = v[:3]
    flat = w
    flat.shape = 6
    flat[1] = v[3]
    i, j = np.mgrid[0:2, 0:3]
    i.shape = j.shape = y.size
    return [y @ y.T, w * v[1], i * v[2] + j]


def containers_of_collections(v):
    last, s = collections.deque(maxlen=2), 0.0
    for x in v:
        last.append(x)
        s += sum(last) * np.mean(last) / len(last) + last[-1]
    todo, sums = collections.deque([(0, v[0])]), collections.defaultdict(float)
    while todo:
        k, x = todo.popleft()
        sums[k % 2] += x
        if k < 2:
            todo.append((k + 1, x * v[k]))
            todo.appendleft((k + 2, x + v[k + 1]))
    last.extendleft([s, 2.0])
    last.rotate()
    counts = collections.Counter("abca")
    counts["b"] += 1
    rows = collections.defaultdict(list)
    for k in range(4):
        rows["xy"[k % 2]].append(v[k])
    ordered = collections.OrderedDict(a=v[0], b=np.prod(rows["y"]))
    return [last[0] * last[1], *sums.values(), counts["a"] * v[1] + counts["z"], *ordered.values()]


PROGRAMS = (
    containers_of_collections,
    *(grids_of_computed_sizes, shapes_that_are_assigned, ufuncs_at_places),
    *(sorted_numbers, sorted_by_a_key, equal_keys_keep_their_order, extremes_by_a_key),
    *(iterators_end, tools_of_itertools),
    *(getters, distance_along_one_axis, an_exact_sum_is_a_float),
    *(frozen_objects, fields_of_any_name),
    *(functions_of_elements, pasted_arrays, flat_arrays, patterns, finally_without_except),
    *(axes_of_a_loop, objects_with_a_truth_value),
    *(endless_counters, sum_of_one_array, columns_of_places, lists_of_other_lengths),
)


def types_of(value):
    """Return the types of a result and its parts."""
    parts = [types_of(part) for part in value] if isinstance(value, (list, tuple)) else []
    return [type(value), getattr(value, "dtype", None), *parts]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values_types_and_derivatives(f):
    engine, rng = Compiled(f, [V], (0,)), np.random.default_rng(1)
    y, found = f(V.copy()), engine.program(V)
    assert types_of(found) == types_of(y)
    t, ct = random_like(rng, [V]), random_like(rng, y)
    slope = along(f, [V], (0,), vector(t), 2.0**-9)
    assert_close(vector(found), vector(y), "value", 1e-13)
    assert_close(vector(engine.push(copied([V]), t)[1]), slope, "tangent")
    assert_close(inner(engine.pull(copied([V]), ct)[1], t), vector(ct) @ slope, "cotangent")


def test_a_number_beside_single_precision_does_not_widen_it():
    made = compile_(lambda v: np.r_[v, 1.0, v[0]])(np.float32(V))
    assert made.dtype == np.float32


def test_a_strict_zip_of_other_lengths_is_a_value_error():
    def f(v, w):
        total = 0.0
        for a, b in zip(v, w, strict=True):
            total = total * a + b
        return total

    program = compile_(f)
    assert program(V, V) == f(V, V)
    for g in (program, f):
        with pytest.raises(ValueError, match="zip"):
            g(V, V[1:])


def unordered(v):
    return sorted([v, v + 1])


def iterator_returned(v):
    return (x * x for x in v[:2])


def length_of_an_iterator(v):
    return len(zip(v, v, strict=True)) * v[0]


def item_of_an_iterator(v):
    return map(abs, v)[0]


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (unordered, "order"),
        (iterator_returned, "iterator"),
        (length_of_an_iterator, "iterator"),
        (item_of_an_iterator, "iterator takes no index"),
    ],
)
def test_what_python_has_no_answer_for_is_refused(f, says):
    with pytest.raises(UnsupportedError, match=says):
        compile_(f)(V)
