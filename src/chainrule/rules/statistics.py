"""Averages, covariances, and the reductions that leave NaN out."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import plain
from ._central import conjugate, kind
from ._forms import composite
from .reductions import ABSENT, TIES, as_array, masked, reduced_axes

# ------------------------------------------------------------------------------------- averages


@composite(np.average)
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    a = as_array(a)
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keepdims)
        total = np.asarray(a.size / result.size, result.dtype)
    else:
        weights = _aligned(as_array(weights), a, axis)
        total = np.sum(weights, axis=axis, keepdims=keepdims)
        if np.any(total == 0):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        result = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (result, _total_weight(total, result)) if returned else result


def _total_weight(total: Any, result: Any) -> Any:
    """Give the sum of the weights the shape and dtype of the averages."""
    if total.shape != result.shape:
        total = np.copy(np.broadcast_to(total, result.shape))
    return as_array(total, result.dtype)[()]


def _aligned(weights: Any, a: Any, axis: Any) -> Any:
    """Give weights along ``axis`` alone the axes of ``a``."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError("axis is needed where the shapes of a and weights differ")
    axes = reduced_axes(a, axis)
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ValueError(f"weights of shape {weights.shape} do not fit axis {axis} of {a.shape}")
    ordered = np.transpose(weights, np.argsort(axes))
    return np.reshape(ordered, [n if i in axes else 1 for i, n in enumerate(a.shape)])


# ----------------------------------------------------------------------------------- covariances


@composite(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    x = _variables(as_array(m), rowvar, dtype)
    if y is not None:
        x = np.concatenate([x, _variables(as_array(y), rowvar, dtype)], axis=0)
    if x.shape[0] == 0:
        return np.zeros((0, 0))
    weights, divisor = _cov_weights(x.shape[1], bias, ddof, fweights, aweights)
    x = x - np.average(x, axis=1, weights=weights)[:, None]
    weighted = x if weights is None else x * weights
    return np.squeeze(np.dot(x, conjugate(weighted.T)) * np.true_divide(1, divisor))


def _variables(x: Any, rowvar: bool, dtype: Any) -> Any:
    """Return a variable per row, in double precision at least."""
    if x.ndim > 2:
        raise ValueError(f"cov takes arrays of at most 2 dimensions, not {x.ndim}")
    x = np.transpose(x) if not rowvar and x.ndim == 2 else np.atleast_2d(x)
    return as_array(x, np.result_type(x.dtype, np.float64) if dtype is None else dtype)


def _cov_weights(n: int, bias: bool, ddof: Any, fweights: Any, aweights: Any) -> tuple[Any, Any]:
    """Return the weights, or None, and the divisor."""
    # NumPy refuses weights that do not fit.
    checked = {"fweights": plain(fweights), "aweights": plain(aweights)}
    np.cov(np.arange(n, dtype=float), ddof=ddof, **checked)
    lost = ddof if ddof is not None else 1 - int(bool(bias))
    if fweights is None and aweights is None:
        return None, max(n - lost, 0)
    analytic = np.ones(n) if aweights is None else as_array(aweights, float)
    weights = analytic if fweights is None else analytic * np.asarray(fweights, float)
    total = np.sum(weights)
    share = 1 if aweights is None else np.sum(weights * analytic) / total
    return weights, max(total - lost * share, 0)


@composite(np.corrcoef)
def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    if kind(c) != "c":
        return np.clip(c, -1, 1)
    return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)


# ---------------------------------------------------------------------------- leaving NaN out


def _filled(a: Any, fill: float) -> Any:
    """Put ``fill`` in the place of NaN."""
    return np.where(np.isnan(a), fill, a)


@composite(np.nansum)
def nansum(a, axis=None, dtype=None, *, keepdims=False, initial=0, where=True):
    return np.sum(
        _filled(a, 0), axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where
    )


@composite(np.nanprod)
def nanprod(a, axis=None, dtype=None, *, keepdims=False, initial=1, where=True):
    return np.prod(
        _filled(a, 1), axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where
    )


@composite(np.nancumsum)
def nancumsum(a, axis=None, dtype=None):
    return np.cumsum(_filled(a, 0), axis=axis, dtype=dtype)


@composite(np.nancumprod)
def nancumprod(a, axis=None, dtype=None):
    return np.cumprod(_filled(a, 1), axis=axis, dtype=dtype)


@composite(np.nanmax, kinks=TIES)
def nanmax(a, axis=None, *, keepdims=False, initial=None, where=True):
    filled = _filled(a, -np.inf)
    result = np.max(filled, axis=axis, keepdims=keepdims, initial=initial, where=where)
    return _nan_where_all_are(result, a, axis, keepdims, initial, where)


@composite(np.nanmin, kinks=TIES)
def nanmin(a, axis=None, *, keepdims=False, initial=None, where=True):
    filled = _filled(a, np.inf)
    result = np.min(filled, axis=axis, keepdims=keepdims, initial=initial, where=where)
    return _nan_where_all_are(result, a, axis, keepdims, initial, where)


def _nan_where_all_are(
    result: Any, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any
) -> Any:
    nothing = np.all(np.isnan(a), axis=axis, keepdims=keepdims, where=where)
    if initial is not None or not np.any(nothing):
        return result
    return np.where(nothing, np.nan, result)


@composite(np.nanmean)
def nanmean(a, axis=None, dtype=None, *, keepdims=False, where=True):
    total = np.sum(_filled(a, 0), axis=axis, dtype=dtype, keepdims=keepdims, where=where)
    return total / _valid(a, axis, keepdims, where).astype(total.dtype)


def _valid(a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    """Count the elements that are not NaN."""
    return np.sum(~np.isnan(a), axis=axis, keepdims=keepdims, where=where)


@composite(np.nanvar)
def nanvar(a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True, correction=ABSENT):
    lost = ddof if correction is ABSENT else correction
    center = np.nanmean(a, axis=axis, dtype=dtype, keepdims=True, where=where)
    distance = masked(np.where(np.isnan(a), 0, a - center), where, 0)
    squares = np.real(distance * conjugate(distance)) if kind(a) == "c" else distance * distance
    total = np.sum(squares, axis=axis, dtype=dtype, keepdims=keepdims)
    free = (_valid(a, axis, keepdims, where) - lost).astype(total.dtype)
    return total / np.where(free > 0, free, np.nan).astype(total.dtype)


@composite(np.nanstd, kinks={"nanstd(a) == 0": "0"})
def nanstd(a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True, correction=ABSENT):
    variance = np.nanvar(
        a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, correction=correction
    )
    return np.where(variance == 0, 0, np.sqrt(np.where(variance == 0, 1, variance)))[()]
