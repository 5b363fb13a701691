"""The arguments of derivatives of Programs: the tape's answers, and the tape's refusals."""

from __future__ import annotations

import collections
import copy
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule._trees import leaves_of

A = np.array([1.5, 0.5, 2.0])
B = np.array([0.3, 0.7, 1.1])


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class State:
    position: Any
    label: str = "x"
    speed: float = 1.0


@dataclasses.dataclass(frozen=True)
class Frozen:
    position: Any
    n: int = 2


def many(x, y=2.0, *rest, k=3.0, **more):
    return np.sum(x * x) * y * k + sum(rest) + sum(more.values())


def positional(x, /, y):
    return x * y


def first(x, y=None):
    return np.sum(x) if y is None else np.sum(x * x)


def scaled(x, n):
    return np.sum(x) * n


def chosen(x, mode):
    return np.sum(x) if mode == "sum" else np.prod(x)


def picked(x, where):
    return np.sum(x[where])


def tree(p):
    return p["a"] * np.sum(p["b"])


def deep(p):
    return p[0]["w"][1] * np.sum(p[1].a)


def moved(s):
    return np.sum(s.position) * s.speed


CASES = {
    "a position": (many, 0, (A,), {}),
    "from the end": (many, -1, (A, 3.0), {}),
    "from the end, twice": (many, -2, (A, 3.0), {}),
    "too far from the end": (many, -3, (A, 3.0), {}),
    "a name": (many, "x", (A,), {}),
    "left at its default": (many, "y", (A,), {}),
    "left at its default, by number": (many, 1, (A,), {}),
    "a keyword by number": (many, 1, (A,), {"y": 3.0}),
    "keyword-only": (many, "k", (A,), {"k": 2.0}),
    "keyword-only, at its default": (many, "k", (A,), {}),
    "in *args": (many, 3, (A, 1.0, 5.0, 6.0), {}),
    "in *args, from the end": (many, -1, (A, 1.0, 5.0, 6.0), {}),
    "the name of *args": (many, "rest", (A, 1.0, 5.0), {}),
    "in **kwargs": (many, "z", (A,), {"z": 2.0}),
    "the name of **kwargs": (many, "more", (A,), {"z": 2.0}),
    "several": (many, (0, "k"), (A,), {"k": 2.0}),
    "a list": (many, [1, 0], (A, 2.0), {}),
    "a range": (many, range(2), (A, 2.0), {}),
    "the same one twice": (many, (0, "x"), (A,), {}),
    "an unknown name": (many, "nope", (A,), {}),
    "out of range": (many, 7, (A,), {}),
    "nothing given": (many, 0, (), {}),
    "too many given": (scaled, 0, (A, 1.0, 2.0), {}),
    "an unknown keyword": (scaled, 0, (A, 1.0), {"q": 2}),
    "too few given": (scaled, 0, (A,), {}),
    "positional-only by name": (positional, "x", (2.0, 3.0), {}),
    "beside a positional-only one": (positional, "y", (2.0,), {"y": 3.0}),
    "None beside": (first, 0, (A, None), {}),
    "by None": (first, 1, (A, None), {}),
    "by a string": (chosen, 1, (A, "sum"), {}),
    "by a bool": (first, 1, (A, True), {}),
    "a string beside": (chosen, 0, (A, "prod"), {}),
    "an int beside": (scaled, 0, (A, 3), {}),
    "by an int": (scaled, 1, (A, 3), {}),
    "by an int too": (scaled, (0, 1), (A, 3), {}),
    "a mask beside": (picked, 0, (A, A > 1), {}),
    "by a mask": (picked, 1, (A, A > 1), {}),
    "indices beside": (picked, 0, (A, np.array([0, 0, 2])), {}),
    "by integers": (first, 0, (np.arange(3),), {}),
    "by a NumPy integer": (scaled, "n", (A, np.int32(3)), {}),
    "a dict": (tree, 0, ({"a": 2.0, "b": A},), {}),
    "a dict of many kinds": (
        *(tree, 0),
        ({"a": 2.0, "b": A, "c": "text", "d": None, "e": True, "f": 3, "g": []},),
        {},
    ),
    "a namedtuple": (lambda p: np.sum(p.a * p.b), 0, (Pair(A, B),), {}),
    "a namedtuple with None": (deep, 0, ([{"w": (1.0, 2.0)}, Pair(A, None)],), {}),
    "a dataclass": (moved, 0, (State(A, "y", 2.0),), {}),
    "a frozen dataclass": (lambda s: np.sum(s.position) ** s.n, 0, (Frozen(A),), {}),
    "a dataclass by name": (moved, "s", (), {"s": State(A)}),
    "a subclass of dict": (tree, 0, (collections.OrderedDict(a=2.0, b=A),), {}),
    "lists of lists": (lambda x: x[0][1] * x[1][0], 0, ([[1.0, 2.0], [3.0, 4.0]],), {}),
    "an empty list": (lambda x: 1.0, 0, ([],), {}),
    "an argument that is not used": (lambda x, y: np.sum(y), 0, (A, B), {}),
    "one array as two arguments": (lambda x, y: np.sum(x * y), (0, 1), (A, A), {}),
    "an array of no axes": (lambda x: x * x, 0, (np.array(2.0),), {}),
    "an empty array": (first, 0, (np.zeros(0),), {}),
    "half precision": (lambda x: np.sum(x * x), 0, (A.astype(np.float16),), {}),
    "single precision": (lambda x: np.sum(x * x), 0, (A.astype(np.float32),), {}),
    "a single-precision scalar": (lambda x: x * x, 0, (np.float32(2.0),), {}),
    "complex numbers": (lambda z: np.sum(np.abs(z)), 0, (A + 1j * B,), {}),
    "a complex number": (lambda z: np.abs(z * z), 0, (1 + 2j,), {}),
    "a masked array": (first, 0, (np.ma.array([1.0]),), {}),
    "an array of objects": (first, 0, (np.array([1.0, None]),), {}),
    "an output array": (lambda x: x * 2, 0, (A,), {}),
    "an output array of one element": (lambda x: x[:1] * 2, 0, (A,), {}),
    "an integer output": (lambda x: 3, 0, (A,), {}),
    "a truth value": (lambda x: True, 0, (A,), {}),
    "no output": (lambda x: None, 0, (A,), {}),
    "a dict of outputs": (lambda x: {"a": x}, 0, (A,), {}),
    "a tuple of outputs": (lambda x: (x[0], x[1] * x[0]), 0, (A,), {}),
    "a string": (lambda x: "text", 0, (A,), {}),
    "a complex output": (lambda x: x * 1j, 0, (1.0,), {}),
    "the input itself": (lambda x: x, 0, (2.0,), {}),
}
MODES = [cr.grad, cr.value_and_grad, cr.jacrev, cr.jacfwd, cr.hessian]
DICTS = "a subclass of dict"
"""A program returns plain dicts, and its Hessian is the derivative of such a one."""


def outcome(function, args, kwargs):
    """What a call returns, or the error that it raises."""
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError) as error:
        return error


def same_leaf(a, b):
    if isinstance(a, (np.ndarray, np.generic)):
        assert (type(a), a.dtype, a.shape) == (type(b), b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    else:
        assert type(a) is type(b)
        assert a == b


@pytest.mark.parametrize("mode", MODES, ids=lambda m: m.__name__)
@pytest.mark.parametrize("name", CASES)
def test_the_same_answer_as_from_the_tape(mode, name):
    f, argnums, args, kwargs = CASES[name]
    with cr.engine("tape"):
        expected = outcome(mode(f, argnums), args, kwargs)
    before = copy.deepcopy((args, kwargs))
    derivative = mode(cr.compile(f), argnums)
    for _ in range(2):  # the second call may take a shorter way
        found = outcome(derivative, args, kwargs)
        if isinstance(expected, Exception):
            assert type(found) is type(expected), (found, expected)
            continue
        assert not isinstance(found, Exception), found
        assert type(found) is type(expected) or (mode is cr.hessian and name == DICTS)
        for a, b in zip(leaves_of(found), leaves_of(expected), strict=True):
            same_leaf(a, b)
    for a, b in zip(leaves_of((args, kwargs)), leaves_of(before), strict=True):
        assert type(a) is type(b)
        assert np.array_equal(a, b)


def test_derivatives_do_not_change_containers():
    def f(p, items):
        p["a"][0] = 5.0
        p["b"] = p["a"] * 2.0
        items.append(p["b"])
        return np.sum(items[0] * items[-1]) * p["c"]

    p, items = {"a": A.copy(), "b": 1.0, "c": 2.0}, [B.copy()]
    for call in (
        lambda f: f(p, items),
        lambda f: cr.grad(f, (0, 1))(p, items),
        lambda f: cr.jacfwd(f, (0, 1))(p, items),
        lambda f: cr.vjp(f, p, items)[1](1.0),
        lambda f: cr.linearize(f, p, items)[1](p, items),
        lambda f: cr.hessian(f)(p, items),
    ):
        call(cr.compile(f))
        assert list(p) == ["a", "b", "c"]
        assert np.array_equal(p["a"], A)
        assert (p["b"], p["c"], len(items)) == (1.0, 2.0, 1)
        assert np.array_equal(items[0], B)


@pytest.mark.parametrize("bad", [np.ones(2), np.ones((3, 1)), 1j * np.ones(3), {"a": 1.0}, [1.0]])
def test_tangents_and_cotangents_are_checked_as_by_the_tape(bad):
    f = lambda x: np.sin(x) * 2.0

    def outcomes(f):
        yield outcome(cr.vjp(f, A)[1], (bad,), {})
        yield outcome(cr.jvp, (f, (A,), (bad,)), {})
        yield outcome(cr.linearize(f, A)[1], (bad,), {})
        yield outcome(cr.vjp(f, A)[1], (A, bad), {})
        yield outcome(cr.linearize(f, A)[1], (), {})

    with cr.engine("tape"):
        expected = list(outcomes(f))
    for found, error in zip(outcomes(cr.compile(f)), expected, strict=True):
        assert isinstance(error, Exception)
        assert (type(found), str(found).splitlines()[0]) == (
            type(error),
            str(error).splitlines()[0],
        )
