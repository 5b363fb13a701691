"""Numbers among the arguments that a function changes, beside names of what they were."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")


def part_grows(x, n):
    m = n
    for _ in range(2):
        n = n + 1
    return np.sum(x[m:n] ** 2) * (n - m)


def part_moves(x, n):
    total = 0.0
    for _ in range(3):
        m = n
        n = n + 1
        total = total + np.sum(x[m:n] * n)
    return total


def part_of_the_last_turn(x, n):
    total = 0.0
    for i in range(3):
        total = total + np.sum(x[:n] ** 2)
        n = i + 1
    return total


def until_none_is_left(x, n):
    total = np.sum(x[:n])
    while n > 1:
        total = total + np.sum(x[:n] ** 2) * n
        n = n - 1
    return total


def in_a_branch(x, n):
    m = n
    if x[0] > 0.5:
        n = 5
    return np.sum(x[m:n] ** 2) * (n - m)


def masked_places(x, n):
    y = x * x * n
    m = y > 0.5
    y[m] = np.cos(y[m])
    return np.sum(y)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize(
    "f",
    [
        *(part_grows, part_moves, part_of_the_last_turn, until_none_is_left, in_a_branch),
        masked_places,
    ],
)
def test_changed_numbers(f, n):
    program, other = (cr.compile(f, backend=b) for b in ("numba", "numpy"))
    for first in (0.9, 0.1):
        x = np.linspace(first, 1.5, 8)
        np.testing.assert_allclose(program(x, n), f(x, n), rtol=1e-14)
        expected = cr.grad(other)(x, n)
        np.testing.assert_allclose(cr.grad(program)(x, n), expected, rtol=1e-13)

        def of_x(x):
            return f(x, n)

        _, pullback = cr.vjp(cr.compile(of_x, backend="numba"), x)
        np.testing.assert_allclose(pullback(1.0)[0], expected, rtol=1e-13)


def bound_to_another_shape(w, c):
    for i in range(3):
        w = c.sum(-1) * (i + 1)
    return w * w


def bound_to_another_shape_by_and_by(w, c):
    while len(w) > 3:
        w = w[1:] * c[0, 0]
    return w * w


@pytest.mark.parametrize("f", [bound_to_another_shape, bound_to_another_shape_by_and_by])
def test_arrays_that_are_bound_to_another_shape(f):
    w, c = np.linspace(0.3, 1.3, 6), np.linspace(0.2, 1.2, 8).reshape(2, 4)
    found, expected = (
        cr.vjp(cr.compile(f, backend=b), w, c)[1](f(w, c)) for b in ("numba", "numpy")
    )
    for one, other, x in zip(found, expected, (w, c), strict=True):
        assert one.shape == x.shape
        np.testing.assert_allclose(one, other, rtol=1e-13)
