"""Fourth order of multiply and power, in all sixteen mixes of modes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr


def forward(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: cr.jvp(f, (x,), (np.ones_like(x)[()],))[1]


def reverse(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: cr.vjp(f, x)[1](np.ones_like(x)[()])[0]


MIXES = list(itertools.product((forward, reverse), repeat=4))
X = np.array([0.7, 1.0, 1.9])
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "x*x*x*x*x": (lambda x: x * x * x * x * x, 120 * X),
    "x**5": (lambda x: x**5, 120 * X),
    "x**2.5": (lambda x: x**2.5, 2.5 * 1.5 * 0.5 * -0.5 * X**-1.5),
    "np.power(x, 6)": (lambda x: np.power(x, 6), 360 * X**2),
    "2**x": (lambda x: 2.0**x, np.log(2) ** 4 * 2**X),
    "x**-1": (lambda x: x**-1.0, 24 * X**-5),
}


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: "-".join(m.__name__ for m in mix))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_fourth_derivative(name: str, mix: tuple[Any, ...]) -> None:
    f, exact = FUNCTIONS[name]
    for mode in mix:
        f = mode(f)
    np.testing.assert_allclose(f(X), exact, rtol=1e-12)


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: "-".join(m.__name__ for m in mix))
def test_fourth_derivative_of_x_to_the_x(mix: tuple[Any, ...]) -> None:
    """Base and exponent traced together: by the recurrence f' = f * (1 + log x)."""
    f: Callable[[Any], Any] = lambda x: x**x
    for mode in mix:
        f = mode(f)
    s, y = 1 + np.log(X), X**X
    exact = y * (s**4 + 6 * s**2 / X + 3 / X**2 - 4 * s / X**2 + 2 / X**3)
    np.testing.assert_allclose(f(X), exact, rtol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("mode", [forward, reverse])
def test_powers_at_zero_have_all_derivatives(mode: Any, n: int) -> None:
    f: Callable[[Any], Any] = lambda x: np.power(x, n)
    for order in range(1, 5):
        f = mode(f)
        expected = float(np.prod(range(1, n + 1))) if order == n else 0.0
        np.testing.assert_array_equal(f(np.zeros(2)), np.full(2, expected))
