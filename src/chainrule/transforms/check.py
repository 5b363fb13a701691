"""Compare derivatives with differences of the function's values."""

from __future__ import annotations

from collections.abc import Sequence
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
        atol: absolute tolerance; by default 1e-6 for float64 and 2e-2 for float32.
        rtol: relative tolerance; the same by default.
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


class _Checker:
    """The numerical comparison, with its settings."""

    def __init__(
        self, step: float, atol: float, rtol: float, rng: Any, modes: tuple[str, ...]
    ) -> None:
        self.step, self.atol, self.rtol, self.rng, self.modes = step, atol, rtol, rng, modes

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

    def check(self, f: Function, args: tuple[Any, ...], order: int, name: str) -> None:
        """Check one order, then the derivatives themselves."""
        tangents = self.direction(args)
        y = f(*args)
        ct = self.direction(y)
        expected = self.difference(f, args, tangents, ct)
        scale = self.scale(ct, y) / self.step * np.finfo(float).eps
        if "fwd" in self.modes:
            found = _inner(ct, jvp(f, args, tangents)[1])
            self.compare(found, expected, scale, f"forward mode of {name}")
        if "rev" in self.modes:
            found = _inner(vjp(f, *args)[1](ct), tangents)
            self.compare(found, expected, scale, f"reverse mode of {name}")
        if order > 1:
            if "fwd" in self.modes:
                self.check(lambda *a: jvp(f, a, tangents)[1], args, order - 1, f"the jvp of {name}")
            if "rev" in self.modes:
                self.check(lambda *a: vjp(f, *a)[1](ct), args, order - 1, f"the vjp of {name}")

    def scale(self, ct: Any, y: Any) -> float:
        """Return the size of what cancels in the difference."""
        sizes = [
            float(np.sum(np.abs(np.asarray(c) * np.asarray(v))))
            for c, v in zip(leaves_of(ct), leaves_of(y), strict=True)
            if c is not None
        ]
        return sum(sizes)

    def difference(self, f: Function, args: tuple[Any, ...], tangents: Any, ct: Any) -> float:
        """Return <ct, J t> by a central difference."""

        def moved(sign: int) -> Any:
            pairs = zip(leaves_of(args), leaves_of(tangents), strict=True)
            leaves = [
                x if t is None else np.asarray(x + sign * self.step * t, inexact_dtype(x))[()]
                for x, t in pairs
            ]
            return f(*rebuild(args, iter(leaves)))

        return (_inner(ct, moved(1)) - _inner(ct, moved(-1))) / (2 * self.step)

    def compare(self, found: float, expected: float, scale: float, what: str) -> None:
        """Raise if two numbers differ."""
        if not abs(found - expected) <= self.atol + self.rtol * abs(expected) + 10 * scale:
            raise CheckError(
                f"The {what} gives {found:.10g} along a random direction, "
                f"differences give {expected:.10g}",
                "check the rule, or whether the function is smooth and deterministic there",
            )
