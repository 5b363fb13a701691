"""Slopes of the elementwise functions against mpmath, far out and near their edges."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest

import chainrule as cr
from chainrule._core import TABLE
from chainrule.rules import load

load()
TINY, HUGE = 1e-150, 1e150
EVERYWHERE = [-30.0, -1.5, -0.3, -1e-8, -TINY, TINY, 1e-8, 0.2, 1.0, 2.5, 30.0]
INSIDE = [-1 + 1e-12, -0.7, -TINY, 1e-9, 0.5, 0.99, 1 - 1e-12]
POSITIVE = [TINY, 1e-8, 0.3, 1.0, 7.0, 1e8, HUGE]


def log(base: float) -> Any:
    return lambda x: mp.log(x) / mp.log(base)


UNARY: dict[Any, tuple[Any, list[float]]] = {
    np.exp: (mp.exp, [-700.0, *EVERYWHERE, 700.0]),
    np.exp2: (lambda x: mp.mpf(2) ** x, EVERYWHERE),
    np.expm1: (mp.expm1, [-40.0, *EVERYWHERE]),
    np.log: (mp.log, POSITIVE),
    np.log2: (log(2), POSITIVE),
    np.log10: (log(10), POSITIVE),
    np.log1p: (mp.log1p, [-1 + 1e-12, -0.5, *POSITIVE]),
    np.sqrt: (mp.sqrt, POSITIVE),
    np.cbrt: (lambda x: mp.sign(x) * mp.cbrt(abs(x)), [-8.0, -1e-100, *POSITIVE]),
    np.reciprocal: (lambda x: 1 / x, [-3.0, 1e-100, 0.2, 1e100]),
    np.sin: (mp.sin, [x for x in EVERYWHERE if abs(x) < 9]),
    np.cos: (mp.cos, EVERYWHERE),
    np.tan: (mp.tan, EVERYWHERE),
    np.arcsin: (mp.asin, INSIDE),
    np.arccos: (mp.acos, INSIDE),
    np.arctan: (mp.atan, [-1e100, *EVERYWHERE, 1e100]),
    np.sinh: (mp.sinh, EVERYWHERE),
    np.cosh: (mp.cosh, EVERYWHERE),
    np.tanh: (mp.tanh, [x for x in EVERYWHERE if abs(x) < 2]),
    np.arcsinh: (mp.asinh, [-1e100, *EVERYWHERE, 1e100]),
    np.arccosh: (mp.acosh, [1 + 1e-12, 1.5, 1e8, HUGE * HUGE]),
    np.arctanh: (mp.atanh, INSIDE),
    np.sinc: (mp.sincpi, [x for x in EVERYWHERE if abs(x) not in (1.0, 30.0)] + [0.079, 0.081]),
}
BINARY: dict[Any, tuple[Any, list[tuple[float, float]]]] = {
    np.arctan2: (mp.atan2, [(1.0, 2.0), (1e-200, 1e-200), (1e200, -1e200), (3.0, 1e-9)]),
    np.hypot: (mp.hypot, [(3.0, 4.0), (1e200, 1e200), (1e-200, 1e-200), (1e-9, 1.0)]),
    np.logaddexp: (
        lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
        [(0.3, 0.2), (-700.0, -705.0), (700.0, 690.0), (30.0, -5.0)],
    ),
    np.logaddexp2: (lambda a, b: mp.log(2**a + 2**b) / mp.log(2), [(0.3, 0.2), (-900.0, -905.0)]),
    np.power: (lambda a, b: a**b, [(0.2, 3.5), (1e-30, 2.0), (7.0, -4.0), (1e30, 5.0)]),
    np.divide: (lambda a, b: a / b, [(1.0, 3.0), (1e200, 1e-5), (1e-5, 1e100)]),
}


def slope(f: Any, point: tuple[float, ...], k: int) -> float:
    """Differentiate by the argument ``k`` with steps far below double precision."""
    with mp.workdps(700):
        exact = [mp.mpf(x) for x in point]
        step = abs(exact[k]) * mp.mpf(10) ** -100
        ahead = [x + step * (i == k) for i, x in enumerate(exact)]
        behind = [x - step * (i == k) for i, x in enumerate(exact)]
        return float((f(*ahead) - f(*behind)) / (2 * step))


@pytest.mark.parametrize("fn", UNARY, ids=lambda fn: fn.__name__)
def test_slopes_of_unary_functions(fn: Any) -> None:
    f, points = UNARY[fn]
    x = np.array(points)
    exact = [slope(f, (p,), 0) for p in points]
    # Amplification by the formula or by the argument itself (1 - x near 1) is at most about 100.
    np.testing.assert_allclose(cr.vjp(fn, x)[1](np.ones_like(x))[0], exact, rtol=3e-14)


@pytest.mark.parametrize("fn", BINARY, ids=lambda fn: fn.__name__)
def test_slopes_of_binary_functions(fn: Any) -> None:
    f, points = BINARY[fn]
    a, b = np.array(points).T.copy()
    got = cr.vjp(fn, a, b)[1](np.ones_like(a))
    for k in (0, 1):
        # exp(a - y) carries the rounding of y, about 700 * eps.
        np.testing.assert_allclose(got[k], [slope(f, p, k) for p in points], rtol=2e-13)


def test_second_derivative_of_sinc_is_right_at_zero_and_beside_it() -> None:
    x = np.array([0.0, 1e-9, 0.05, 0.0799, 0.0801])
    second = cr.jvp(lambda x: cr.vjp(np.sinc, x)[1](np.ones(5))[0], (x,), (np.ones(5),))[1]
    with mp.workdps(60):
        exact = [float(mp.diff(mp.sincpi, p, 2, h=mp.mpf(10) ** -15)) for p in x]
    np.testing.assert_allclose(second, exact, rtol=1e-12)


def test_a_zero_cotangent_beats_an_infinite_slope() -> None:
    x = np.array([0.0, 4.0])
    roots = cr.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(x)
    np.testing.assert_array_equal(roots, [0.0, 0.25])


@pytest.mark.parametrize(
    "fn", [np.maximum, np.minimum, np.fmax, np.fmin, np.exp2, np.log2, np.sinc]
)
def test_single_precision_is_kept_inside_the_rule(fn: Any) -> None:
    """A slope in double precision would be rounded in the end, but cost twice the memory."""
    x = np.array([0.5, 1.0, 2.0], np.float32)
    entry = TABLE[fn]
    args = (x, x[::-1])[: fn.nin if isinstance(fn, np.ufunc) else 1]
    slope = entry.entry(0)(fn(*args), *args)
    assert slope.dtype in (np.float32, bool)
