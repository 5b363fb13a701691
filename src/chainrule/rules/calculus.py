"""Differences, gradients on grids, integrals, interpolation, convolution and polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import is_traced, plain
from ._forms import composite, linear
from .reductions import ABSENT, as_array, part, reduced_axes

# ---------------------------------------------------------------------- differences and integrals


@composite(np.diff)
def diff(a, n=1, axis=-1, prepend=ABSENT, append=ABSENT):
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    if n == 0:
        return a
    a = as_array(a)
    along = reduced_axes(a, axis)[0]
    ends = [_end(x, a, along) for x in (prepend, append)]
    parts = [x for x in (ends[0], a, ends[1]) if x is not None]
    a = np.concatenate(parts, axis=along) if len(parts) > 1 else a
    for _ in range(n):
        a = part(a, along, 1, None) - part(a, along, 0, -1)
    return a


def _end(x: Any, a: Any, axis: int) -> Any:
    """Shape what is prepended or appended: a number becomes one more row."""
    if x is ABSENT:
        return None
    x = as_array(x)
    row = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    return np.broadcast_to(x, row) if x.ndim == 0 else x


@composite(np.trapezoid)
def trapezoid(y, x=None, dx=1.0, axis=-1):
    y = as_array(y)
    along = reduced_axes(y, axis)[0]
    width = dx
    if x is not None:
        x = as_array(x)
        width = np.diff(x) if x.ndim == 1 else np.diff(x, axis=axis)
        if x.ndim == 1:
            width = np.reshape(width, [-1 if i == along else 1 for i in range(y.ndim)])
    pairs = part(y, along, 1, None) + part(y, along, 0, -1)
    return np.sum(width * pairs / 2.0, axis=along)


# ----------------------------------------------------------------------------- gradient on a grid


@composite(np.gradient)
def gradient(f, *varargs, axis=None, edge_order=1):
    f = as_array(f)
    f = f if f.dtype.kind in "fc" else as_array(f, np.float64)
    axes = reduced_axes(f, axis)
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    steps = _steps(f, varargs, axes)
    found = [_gradient_along(f, h, i, edge_order) for i, h in zip(axes, steps, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _steps(f: Any, spacing: tuple[Any, ...], axes: tuple[int, ...]) -> list[Any]:
    """Return for each axis one step, or an array of steps between coordinates."""
    if not spacing:
        return [1.0] * len(axes)
    if len(spacing) == 1 and np.ndim(spacing[0]) == 0:
        return [spacing[0]] * len(axes)
    if len(spacing) != len(axes):
        raise TypeError(f"{len(axes)} axes take 1 or {len(axes)} spacings, not {len(spacing)}")
    return [_step(x, f.shape[i]) for x, i in zip(spacing, axes, strict=True)]


def _step(x: Any, n: int) -> Any:
    if np.ndim(x) == 0:
        return x
    x = as_array(x)
    if x.shape != (n,):
        raise ValueError(f"coordinates of shape {x.shape} do not fit {n} points along the axis")
    steps = np.diff(x if x.dtype.kind in "fc" else as_array(x, np.float64))
    # As NumPy does, for the last bit; traced coordinates each keep their own derivative.
    return steps[0] if not is_traced(x) and (steps == steps[0]).all() else steps


def _gradient_along(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Central differences inside, one-sided ones at the ends."""
    if f.shape[axis] < edge_order + 1:
        raise ValueError(f"axis {axis} needs at least {edge_order + 1} points, not {f.shape[axis]}")
    even = np.ndim(h) == 0
    first, last = (h, h) if even else (h[0], h[-1])
    if even:
        middle = (part(f, axis, 2, None) - part(f, axis, 0, -2)) / (2.0 * h)
    else:
        middle = _weighted(f, axis, (0, -2), _central_weights(h[:-1], h[1:]))
    if edge_order == 1:
        left = (part(f, axis, 1, 2) - part(f, axis, 0, 1)) / first
        right = (part(f, axis, -1, None) - part(f, axis, -2, -1)) / last
    else:
        second, third = (h, h) if even else (h[1], h[-2])
        weights = _edge_weights(first, second, even)
        left = _weighted(f, axis, (0, 1), weights)
        a, b, c = _edge_weights(last, third, even)
        right = _weighted(f, axis, (-3, -2), (-c, -b, -a))
    return as_array(np.concatenate([left, middle, right], axis=axis), f.dtype)


def _weighted(f: Any, axis: int, span: tuple[int, int], weights: tuple[Any, Any, Any]) -> Any:
    """Sum of three neighbours times their weights; ``span`` is where the first neighbour lies."""
    start, stop = span
    shape = [-1 if i == axis else 1 for i in range(f.ndim)]
    total = None
    for k, weight in enumerate(weights):
        term = np.reshape(weight, shape) * part(f, axis, start + k, stop + k or None)
        total = term if total is None else total + term
    return total


def _central_weights(before: Any, after: Any) -> tuple[Any, Any, Any]:
    """Second-order weights on an uneven grid (the parabola through three points)."""
    both = before + after
    return -after / (before * both), (after - before) / (before * after), before / (after * both)


def _edge_weights(near: Any, far: Any, even: bool) -> tuple[Any, Any, Any]:
    """Second-order weights of the three outermost points, the outermost first."""
    if even:
        return -1.5 / near, 2.0 / near, -0.5 / near
    both = near + far
    return -(2.0 * near + far) / (near * both), both / (near * far), -near / (far * both)


# ---------------------------------------------------------------------------------- interpolation


@composite(
    np.interp,
    kinks={"x == xp[j]": "the slope to the right", "x == xp[-1]": "the slope to the left"},
)
def interp(x, xp, fp, left=None, right=None, period=None):
    x, xp, fp = _double(x), _double(xp), _double(fp)
    if "c" in (x.dtype.kind, xp.dtype.kind):
        raise TypeError("np.interp: x and xp must be real")
    if xp.size == 0:  # an error, or nothing of nothing, as this version of NumPy has it
        return np.interp(plain(x), plain(xp), plain(fp))
    if xp.ndim != 1 or fp.ndim != 1 or xp.shape != fp.shape:
        raise ValueError(f"xp and fp must be sequences of one length, not {xp.shape}, {fp.shape}")
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, np.abs(period))
        left = right = None
    low = fp[0] if left is None else left
    high = fp[-1] if right is None else right
    inside = fp[0] if xp.size == 1 else _between(x, xp, fp)
    return np.where(x < xp[0], low, np.where(x > xp[-1], high, inside))[()]


def _double(x: Any) -> Any:
    """Interpolation is in double precision."""
    x = as_array(x)
    return as_array(x, np.complex128 if x.dtype.kind == "c" else np.float64)


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Bring the points into one period and repeat one at each end."""
    if period == 0:
        raise ValueError("period must be a non-zero value")
    xp = xp % period
    order = np.argsort(plain(xp))
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x % period, xp, np.concatenate([fp[-1:], fp, fp[:1]])


def _between(x: Any, xp: Any, fp: Any) -> Any:
    """Follow the line through two neighbours; at the last point it is measured from there."""
    j = np.clip(np.searchsorted(plain(xp), plain(x), side="right") - 1, 0, xp.size - 2)
    width = xp[j + 1] - xp[j]
    slope = (fp[j + 1] - fp[j]) / np.where(width == 0, 1, width)
    anchor = j + (x == xp[-1])
    return slope * (x - xp[anchor]) + fp[anchor]


# ------------------------------------------------------------------------------------ convolution


@linear(np.convolve, args=("a", "v"))
def convolve(ct, a, v, mode="full"):
    full = _embedded(ct, np.size(a), np.size(v), mode)
    return (
        np.convolve(full, np.flip(np.reshape(v, -1)), "valid"),
        np.convolve(full, np.flip(np.reshape(a, -1)), "valid"),
    )


def _offset(n: int, m: int, mode: str) -> tuple[int, int]:
    """Where in the full convolution of n and m points a mode's result starts, and its length."""
    short, long = min(n, m), max(n, m)
    starts = {"full": 0, "same": (short - 1) // 2, "valid": short - 1}
    if mode not in starts:
        raise ValueError(f"mode is one of 'full', 'same', 'valid', not {mode!r}")
    return starts[mode], {"full": n + m - 1, "same": long, "valid": long - short + 1}[mode]


def _embedded(ct: Any, n: int, m: int, mode: str) -> Any:
    """Put zeros where the mode left results of the full convolution out."""
    start, length = _offset(n, m, mode)
    zeros = [np.zeros(k, ct.dtype) for k in (start, n + m - 1 - start - length)]
    return np.concatenate([zeros[0], ct, zeros[1]])


@composite(np.correlate)
def correlate(a, v, mode="valid"):
    if np.size(a) < np.size(v):  # Swapped, as NumPy does: it decides what "same" keeps.
        return np.conjugate(np.flip(np.correlate(v, a, mode)))
    return np.convolve(a, np.conjugate(np.flip(np.reshape(v, -1))), mode)


# ------------------------------------------------------------------------------------ polynomials


@composite(np.vander)
def vander(x, N=None, increasing=False):
    if x.ndim != 1:
        raise ValueError(f"x must be one-dimensional, not of shape {x.shape}")
    x = as_array(x, np.promote_types(x.dtype, int))
    columns = x.shape[0] if N is None else N
    ones = np.ones((x.shape[0], min(columns, 1)), x.dtype)
    factors = np.broadcast_to(x[:, None], (x.shape[0], max(columns - 1, 0)))
    powers = np.concatenate([ones, np.cumprod(factors, axis=1)], axis=1)
    return powers if increasing else np.copy(np.flip(powers, 1), order="C")


@composite(np.polyval)
def polyval(p, x):
    p, x = as_array(p), as_array(x)
    y = np.zeros_like(plain(x))
    for k in range(p.shape[0]):
        y = y * x + p[k]
    return y


@composite(np.polyadd)
def polyadd(a1, a2):
    longest = max(np.size(a1), np.size(a2))
    return _padded(a1, longest) + _padded(a2, longest)


@composite(np.polysub)
def polysub(a1, a2):
    longest = max(np.size(a1), np.size(a2))
    return _padded(a1, longest) - _padded(a2, longest)


def _padded(p: Any, n: int) -> Any:
    """Put zero coefficients of higher powers in front."""
    p = np.atleast_1d(as_array(p))
    return p if len(p) == n else np.concatenate([np.zeros(n - len(p), p.dtype), p])


@composite(np.polymul)
def polymul(a1, a2):
    return np.convolve(_leading(a1), _leading(a2))


def _leading(p: Any) -> Any:
    """Drop zeros in front; nothing but zeros is one zero, and has no derivative, as in NumPy."""
    p = np.atleast_1d(as_array(p))
    nonzero = np.flatnonzero(plain(p))
    return p[nonzero[0] :] if nonzero.size else np.zeros(1, p.dtype)


@composite(np.polyder)
def polyder(p, m=1):
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    p = as_array(p)
    for _ in range(int(m)):
        p = p[:-1] * np.arange(p.shape[0] - 1, 0, -1)
    return p


@composite(np.polyint)
def polyint(p, m=1, k=None):
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants = np.zeros(m) if k is None else np.atleast_1d(as_array(k))
    constants = np.broadcast_to(constants, (m,)) if len(constants) == 1 else constants
    if len(constants) < m:
        raise ValueError(f"k has {len(constants)} constants; {m} integrations need {m}, or one")
    p = as_array(p)
    for i in range(int(m)):
        p = np.concatenate([p / np.arange(p.shape[0], 0, -1), constants[i : i + 1]])
    return p
