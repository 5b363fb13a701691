"""Compare derivatives with differences of the function's values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._trees import leaves_of, map_leaves, rebuild
from ..errors import ArgumentError, CheckError
from ._calls import Function, check_callable, inexact_dtype, is_differentiable, name_of
from .first_order import jvp, vjp


def check_grads(
    f: Function,
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
    seed: int = 0,
) -> None:
    """Check the derivatives of ``f`` along random directions, up to the given order.

    Forward mode is compared with central differences of the values, reverse mode with forward
    differences through <ct, J t> = <J^T ct, t>; for order 2 the derivatives themselves are checked
    so, in all mixes of the modes.

    Args:
        f: function of ``args``; it is called many times and must be deterministic.
        args: tuple of arguments (containers too), at a point where ``f`` is smooth. What holds no
            number (None, text) is handed to ``f`` as it is.
        order: highest order of derivative.
        modes: "fwd", "rev" or both.
        atol: absolute tolerance; by default 1e-6 for float64 and 2e-2 for float32, and no more than
            rtol times the size of the derivative, and what rounding takes from the differences.
        rtol: relative tolerance; 1e-6 for float64 and 2e-2 for float32 by default.
        eps: step of the differences; by default the cube root of the dtype's epsilon.
        seed: of the random directions.

    Raises:
        CheckError: where the two do not agree, with the mode, the order and both numbers.

    >>> import numpy as np
    >>> check_grads(lambda x: np.sin(x) * x, (np.array([0.5, 1.0]),))
    """
    check_callable(f, "check_grads")
    if not isinstance(args, (tuple, list)):
        raise ArgumentError("check_grads takes a tuple of arguments", "cr.check_grads(f, (x,))")
    unknown = set(modes) - {"fwd", "rev"}
    if unknown:
        raise ArgumentError(f"unknown modes {sorted(unknown)}", 'modes=("fwd", "rev")')
    args = tuple(map_leaves(_as_float, arg) for arg in args)
    single = any(
        inexact_dtype(x).itemsize <= 4 for x in leaves_of(list(args)) if is_differentiable(x)
    )
    epsilon = np.finfo(np.float32 if single else np.float64).eps
    step = eps if eps is not None else float(epsilon ** (1 / 3))
    tolerance = 2e-2 if single else 1e-6
    checker = _Checker(
        step,
        tolerance if atol is None else atol,
        tolerance if rtol is None else rtol,
        np.random.default_rng(seed),
        tuple(modes),
        float(epsilon),
        is_relative=atol is None,
    )
    checker.check(*_of_differentiable(f, args), order, name_of(f))


def _of_differentiable(f: Function, args: tuple[Any, ...]) -> tuple[Function, tuple[Any, ...]]:
    """Leave out the arguments that hold no number, such as None and strings."""
    active = [i for i, arg in enumerate(args) if any(map(is_differentiable, leaves_of(arg)))]
    if len(active) == len(args):
        return f, args

    def of_active(*given: Any) -> Any:
        whole = list(args)
        for i, arg in zip(active, given, strict=True):
            whole[i] = arg
        return f(*whole)

    return of_active, tuple(args[i] for i in active)


def _as_float(leaf: Any) -> Any:
    if not is_differentiable(leaf):
        return leaf
    return np.asarray(leaf, inexact_dtype(leaf))[()]


def _inner(a: Any, b: Any) -> float:
    """Real inner product of two containers."""
    total = 0.0
    for x, y in zip(leaves_of(a), leaves_of(b), strict=True):
        if x is not None and y is not None:
            total += float(np.real(np.vdot(x, y)))
    return total


def _sizes(a: Any, b: Any) -> float:
    """Return the size of what adds up to an inner product."""
    pairs = zip(leaves_of(a), leaves_of(b), strict=True)
    products = [np.asarray(x) * np.asarray(y) for x, y in pairs if x is not None and y is not None]
    return sum(float(np.sum(np.abs(product))) for product in products)


class _Measured:
    """A number that is computed by floating-point numbers, and how far it is to be trusted."""

    def __init__(self, compute: Callable[[float], float], at: float, others: list[float]) -> None:
        self.compute, self.others = compute, others
        self.value = compute(at)

    def spread(self) -> float:
        """Return what rounding, and what is cut off, may have done to the value."""
        with np.errstate(all="ignore"):
            found = [self.compute(other) for other in self.others]
        return 3 * float(np.nanmax([abs(value - self.value) for value in found]))


_STEPS = [0.3, 0.5, 0.7, 1.5, 2.0, 3.0]
"""Of other differences, relative to the usual step."""

_SHIFTS = [-3e-3, -1e-3, 1e-3, 2e-3]
"""Of the point of other products, relative to the step: nothing but rounding may notice."""


class _Checker:
    """The numerical comparison, with its settings."""

    def __init__(
        self,
        step: float,
        atol: float,
        rtol: float,
        rng: Any,
        modes: tuple[str, ...],
        epsilon: float,
        is_relative: bool,
    ) -> None:
        self.step, self.atol, self.rtol, self.rng, self.modes = step, atol, rtol, rng, modes
        self.epsilon, self.is_relative = epsilon, is_relative

    def direction(self, tree: Any) -> Any:
        """Return a random direction of a container's structure."""

        def draw(leaf: Any) -> Any:
            if not is_differentiable(leaf):
                return None
            dtype = inexact_dtype(leaf)
            x = self.rng.standard_normal(np.shape(leaf))
            if dtype.kind == "c":
                x = x + 1j * self.rng.standard_normal(np.shape(leaf))
            return np.asarray(x, dtype)[()]

        return map_leaves(draw, tree)

    def check(
        self, f: Function, args: tuple[Any, ...], order: int, name: str, size: float = 0.0
    ) -> None:
        """Check one order, then the derivatives themselves.

        ``size``: of the function that ``f`` is a derivative of; it computes with such numbers.
        """
        tangents = self.direction(args)
        y = f(*args)
        ct = self.direction(y)
        size = max(size, _sizes(ct, y))
        rounding = [10 * s / self.step * self.epsilon for s in (_sizes(ct, y), size)]
        moved = self.mover(args, tangents)

        def by_difference(step: float) -> float:
            ends = _inner(ct, f(*moved(step))), _inner(ct, f(*moved(-step)))
            return (ends[0] - ends[1]) / (2 * step * self.step)

        def forward(at: float) -> tuple[Any, Any]:
            return ct, jvp(f, moved(at), tangents)[1]

        def reverse(at: float) -> tuple[Any, Any]:
            return vjp(f, *moved(at))[1](ct), tangents

        expected = _Measured(by_difference, 1.0, _STEPS)
        for mode, pair, what in (("fwd", forward, "forward"), ("rev", reverse, "reverse")):
            if mode in self.modes:
                self.compare(pair, expected, rounding, f"{what} mode of {name}")
        if order > 1:
            if "fwd" in self.modes:
                what = f"the jvp of {name}"
                self.check(lambda *a: jvp(f, a, tangents)[1], args, order - 1, what, size)
            if "rev" in self.modes:
                what = f"the vjp of {name}"
                self.check(lambda *a: vjp(f, *a)[1](ct), args, order - 1, what, size)

    def mover(self, args: tuple[Any, ...], tangents: Any) -> Callable[[float], tuple[Any, ...]]:
        """Return the point that lies some steps from ``args`` along the tangents."""

        def moved(steps: float) -> Any:
            pairs = zip(leaves_of(args), leaves_of(tangents), strict=True)
            leaves = [
                x if t is None else np.asarray(x + steps * self.step * t, inexact_dtype(x))[()]
                for x, t in pairs
            ]
            return rebuild(args, iter(leaves)) if steps else args

        return moved

    def compare(
        self,
        pair: Callable[[float], tuple[Any, Any]],
        expected: _Measured,
        rounding: list[float],
        what: str,
    ) -> None:
        """Raise if the inner product of a pair, and a difference, are not the same number."""
        product = pair(0.0)
        found = _inner(*product)
        error = abs(found - expected.value)
        allowed = self.atol + self.rtol * abs(expected.value) + rounding[0]
        if self.is_relative and error <= allowed:
            own = self.rtol * max(_sizes(*product), abs(expected.value)) + rounding[1]
            if error > own:  # it may be rounding that is compared with rounding
                computed = _Measured(lambda at: _inner(*pair(at)), 0.0, _SHIFTS)
                nothing = 0.0 if expected.value else 100 * self.epsilon
                allowed = min(allowed, own + expected.spread() + computed.spread() + nothing)
        if not error <= allowed:
            raise CheckError(
                f"The {what} gives {found:.10g} along a random direction, "
                f"differences give {expected.value:.10g}",
                "check the rule, or whether the function is smooth and deterministic there",
            )
