"""Tangent programs against central differences, statement by statement."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule._trees import leaves_of, map_leaves
from chainrule.source.products import push, tangent_of
from chainrule.source.program import compile_
from chainrule.source.signature import leaves


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def shifted(x, t, h):
    if isinstance(x, (list, tuple)):
        return type(x)([shifted(a, b, h) for a, b in zip(x, t, strict=True)])
    if isinstance(x, dict):
        return {k: shifted(x[k], t[k], h) for k in x}
    return x if t is None else x + h * t


def direction(x, rng):
    if isinstance(x, (bool, str)) or x is None or isinstance(x, int):
        return None
    return rng.normal(size=np.shape(x))[()] if np.ndim(x) else float(rng.normal())


def check(f, *args, tol=1e-7):
    """Compare the tangent of all floating leaves with a central difference; return the source."""
    program = compile_(f)
    rng = np.random.default_rng(1)
    dots = [map_leaves(lambda x: direction(x, rng), a) for a in args]
    names = program.binder.names
    places = [
        ((name, path), t)
        for name, dot in zip(names, dots, strict=True)
        for path, t in leaves(dot)
        if t is not None
    ]
    before = [np.copy(x) if isinstance(x, np.ndarray) else x for x in leaves_of(list(args))]
    result, found = push(program, args, [p for p, _ in places], [t for _, t in places])
    for a, b in zip(before, leaves_of(list(args)), strict=True):
        assert np.array_equal(a, b)
    expected = f(*map_leaves(lambda x: np.copy(x) if isinstance(x, np.ndarray) else x, args))
    h = 1e-6
    plus, minus = (f(*[shifted(a, t, s) for a, t in zip(args, dots, strict=True)]) for s in (h, -h))
    flat = [list(leaves_of(tree)) for tree in (result, expected, found, plus, minus)]
    for value, wanted, dot, a, b in zip(*flat, strict=True):
        assert np.array_equal(value, wanted)
        assert isinstance(value, type(wanted))
        if dot is None:
            assert not isinstance(value, (float, np.floating, np.ndarray))
            continue
        assert np.shape(dot) == np.shape(value)
        np.testing.assert_allclose(dot, (a - b) / (2 * h), rtol=tol, atol=tol)
    made = tangent_of(program, [p for p, _ in places])
    return made.source


# ---------------------------------------------------------------------------------- the cases


def straight(x, y):
    a = np.sin(x) * y
    b = np.exp(a / (1 + x**2))
    return b - np.sqrt(x * y)


def broadcast(x, s):
    return x * s + s, np.sum(x, axis=0) / s


def reassigned(x):
    for _ in range(3):
        x = np.exp(-x) * x
    return x


def unused_argument(x, y):
    return np.cos(x)


def constant_result(x):
    return 2.0, np.ones(3), x


def stores(x):
    y = np.zeros(5)
    y[0] = x[0] ** 2
    for i in range(1, 5):
        y[i] = y[i - 1] * x[i] + 1.0
    y[1:3] *= 2.0
    y[::-1] += x
    return y


def empty_then_filled(x):
    y = np.empty_like(x)
    y[:] = 3.0
    y[1:] = x[:-1]
    return y * y


def overlap(x):
    x = x.copy()
    x[1:] = x[:-1] * x[1:]
    x[:-1] -= x[1:] * 2.0
    return x


def argument_changed(x, n):
    for k in range(n):
        x[k] = x[k] * x[k - 1]
    return np.sum(x)


def views(x):
    y = x * 1.0
    top, bottom = y[:2], y[2:]
    top += bottom[:2] ** 2
    transposed = y.reshape(2, 2).T
    transposed[0, 1] = top[0] * 3.0
    return y


def swapped(u):
    v = np.zeros_like(u)
    for _ in range(3):
        v[1:-1] = 0.5 * (u[2:] * u[:-2])
        u, v = v, u
    return u


def alias_of_constant(c):
    a = np.ones(4)
    b = a + 0.0
    a[1] = c
    b[2] = a[1] * 2
    return a, b


def fresh_or_not(x):
    a = x + 0.0
    b = a + 0.0
    a[0] = 5.0
    return a * b


def branches(x, s):
    if s > 1.0:
        y = x * s
    elif s > 0.0:
        y = np.ones(3)
    else:
        y = -x
    return y


def one_arm(x, s):
    total = 0.0
    if s > 0:
        total = np.sum(x) * s
    return total


def conditional(x, s):
    a = np.sin(s) * 2.0 if s > 0.7 else s
    return x * a if a > 0 else x / a


def while_loop(x):
    n = 0
    while x > 1e-2:
        x = x * 0.5 * math.cos(x)
        n += 1
    return x, n


def break_loop(x):
    total = 0.0
    for k in range(10):
        total += x[k] ** 2
        if total > 2.0:
            break
    return total


def containers(params, scale):
    w, b = params["w"], params["b"]
    y = np.tanh(w @ np.ones(3) + b) * scale[0]
    return {"y": y, "pair": [y[0], scale[1] * scale[0]], "name": "text"}


def display(x, y):
    return np.array([[x, 2.0], [y * x, x - y]])


def mask(x):
    y = x.copy()
    y[y > 1.0] = 0.0
    y[x < 0.8] *= x[x < 0.8]
    return y


def fancy(x):
    index = np.array([0, 2, 2])
    y = np.zeros(3)
    np.add.at(y, index, x)
    return y[index] * x


def maxima(x, y):
    return np.maximum(x, y) ** 2 + np.minimum(x * y, 1.0) + np.where(x > y, x, x * y)


def rows(a):
    total = 0.0
    for row in a:
        total = total + np.dot(row, row) * row[0]
    return total


def math_functions(x):
    return math.sin(x) * math.exp(x) + abs(x) + max(x, 0.2) + float(x) ** 2


def helper(a):
    a[0] = a[1] ** 2


def calls_that_change(x):
    y = x * 1.0
    helper(y)
    helper(y[1:])
    return y


def slope_one_and_then_a_change(x):
    straight, fraction = np.unwrap(x), np.modf(x)[0]
    x[0] = 0.5
    x *= 2.0
    return straight * fraction, x


def products_of_what_changes_later(x):
    y = np.cumprod(x, axis=0)
    x.sort()
    return y * x


CASES: list[tuple[Any, tuple[Any, ...]]] = [
    (straight, (numbers(3), numbers(3, seed=1))),
    (slope_one_and_then_a_change, (numbers(3),)),
    (products_of_what_changes_later, (numbers(3),)),
    (broadcast, (numbers(2, 3), 1.5)),
    (broadcast, (numbers(2, 3), numbers(3))),
    (reassigned, (numbers(3),)),
    (reassigned, (0.7,)),
    (unused_argument, (numbers(3), 1.0)),
    (constant_result, (1.5,)),
    (stores, (numbers(5),)),
    (empty_then_filled, (numbers(4),)),
    (overlap, (numbers(5),)),
    (argument_changed, (numbers(4), 3)),
    (views, (numbers(4),)),
    (swapped, (numbers(6),)),
    (alias_of_constant, (1.5,)),
    (fresh_or_not, (numbers(3),)),
    (branches, (numbers(3), 1.5)),
    (branches, (numbers(3), 0.5)),
    (branches, (numbers(3), -1.5)),
    (one_arm, (numbers(3), 1.0)),
    (one_arm, (numbers(3), -1.0)),
    (conditional, (numbers(3), 1.0)),
    (conditional, (numbers(3), 0.5)),
    (while_loop, (1.0,)),
    (break_loop, (numbers(10),)),
    (containers, ({"w": numbers(2, 3), "b": 0.5}, (1.5, 2.5))),
    (display, (0.5, 1.5)),
    (mask, (numbers(6),)),
    (fancy, (numbers(3),)),
    (maxima, (numbers(4), numbers(4, seed=2))),
    (rows, (numbers(3, 2),)),
    (math_functions, (0.7,)),
    (calls_that_change, (numbers(4),)),
]


@pytest.mark.parametrize("f, args", CASES, ids=lambda x: getattr(x, "__name__", ""))
def test_tangents_are_those_of_central_differences(f, args):
    check(f, *args)


def test_a_parameter_may_vary_later():
    def f(x, y, n):
        for _ in range(n):
            y = y * x
        return y

    program = compile_(f)
    result, dot = push(program, (2.0, 3.0, 2), [("x", ())], [1.0])
    assert (result, dot) == (12.0, 12.0)
    result, dot = push(program, (2.0, 3.0, 0), [("x", ())], [1.0])
    assert (result, dot) == (3.0, 0.0)


def test_tangents_read_as_a_person_writes_them():
    def f(x):
        y = np.sin(x)
        return y * x

    assert (
        check(f, numbers(3))
        == """\
import numpy as np


def f_jvp(x, x_dot):
    y_dot = np.cos(x) * x_dot
    y = np.sin(x)
    return y * x, y_dot * x + y * x_dot
"""
    )


def test_tangents_of_tangents():
    program = compile_(lambda x: np.sin(x) * x)
    first = tangent_of(program, [("x", ())])
    (y, y1), (y1_, y2) = push(first, [0.5, 1.0], [("x", ())], [1.0])
    assert y == np.sin(0.5) * 0.5
    assert y1 == y1_
    np.testing.assert_allclose(y1, np.cos(0.5) * 0.5 + np.sin(0.5))
    np.testing.assert_allclose(y2, 2 * np.cos(0.5) - np.sin(0.5) * 0.5)


def test_what_does_not_vary_has_no_tangent():
    def f(x, c):
        a = np.exp(c) * 2.0
        return x * a

    program = compile_(f)
    push(program, (1.0, 2.0), [("x", ())], [1.0])
    source = tangent_of(program, [("x", ())]).source
    assert "a_dot" not in source
    assert "c_dot" not in source


def test_float32_stays_float32():
    def f(x, s):
        return np.sin(x) * s + np.sum(x)

    x = numbers(3).astype(np.float32)
    value, dot = push(compile_(f), (x, 2.0), [("x", ()), ("s", ())], [np.ones_like(x), 1.0])
    assert value.dtype == dot.dtype == np.float32


def test_a_display_with_a_row_of_known_numbers():
    def f(c):
        k = np.array([[c, 0], [0, 1]])
        return np.sum(k @ k)

    value, tangent = cr.jvp(cr.compile(f), (2.0,), (1.0,))
    assert (value, tangent) == (5.0, 4.0)


def test_a_rule_with_a_loop_whose_operand_is_an_expression():
    def f(a):
        return np.cumprod(a.T, axis=1), np.cumprod(a[:, 1:] * a[0, 0], axis=0)

    a = np.random.default_rng(0).normal(size=(3, 4))
    cr.check_grads(cr.compile(f, backend="numpy"), (a,), order=2)


def test_a_row_that_is_stored_into_a_column_of_its_array():
    """NumPy gets ``u[:, 2] = u[1]`` wrong: the tangent of a sum must not be such a store."""

    def f(a, x):
        u = np.outer(a, x)
        u[:, 2] = u[1] + 0.1
        u[3] = u.T[1] - 0.1
        return np.sum(np.sin(u))

    a, x = np.linspace(0.5, 1.2, 5), np.linspace(0.4, 0.9, 5)
    cr.check_grads(cr.compile(f, backend="numpy"), (a, x), order=2)
