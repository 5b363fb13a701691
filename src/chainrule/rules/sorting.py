"""Sorting and what rests on it: order statistics, unique values, selection by a condition.

The order itself is piecewise constant: it is found on plain values, and picks the elements.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import is_traced, plain
from ..errors import UnsupportedError
from ._forms import composite
from .reductions import as_array, reduced_axes

TIES = {"elements tie": "as the stable order picks"}


# ------------------------------------------------------------------------------ sort, partition


@composite(np.sort, kinks=TIES)
def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    a, axis = (np.reshape(a, -1), -1) if axis is None else (a, axis)
    return np.take_along_axis(a, _stable_order(a, axis), axis=axis)


@composite(np.partition, kinks=TIES)
def partition(a, kth, axis=-1, kind="introselect", order=None):
    a, axis = (np.reshape(a, -1), -1) if axis is None else (a, axis)
    arranged = np.partition(plain(a), kth, axis=axis)
    # Equal values correspond when both arrangements are sorted.
    ranks = _stable_order(_stable_order(arranged, axis), axis)
    chosen = np.take_along_axis(_stable_order(a, axis), ranks, axis=axis)
    return np.take_along_axis(a, chosen, axis=axis)


def _stable_order(a: Any, axis: int) -> Any:
    return np.argsort(plain(a), axis=axis, kind="stable")


# ----------------------------------------------------------------------------- order statistics


@composite(np.median, kinks=TIES)
def median(a, axis=None, *, overwrite_input=False, keepdims=False):
    if plain(a).size == 0:
        return np.median(plain(a), axis=axis, keepdims=keepdims)
    rows = _rows(a, axis)
    n = rows.shape[-1]
    order = _stable_order(rows, -1)
    nan = np.isnan(np.take_along_axis(plain(rows), order[..., -1:], -1))
    low = _picked(rows, order, np.where(nan, n - 1, (n - 1) // 2))
    high = _picked(rows, order, np.where(nan, n - 1, n // 2))
    return _placed((low + high) / 2 if n % 2 == 0 else low, a, axis, (), keepdims)


@composite(np.nanmedian, kinks=TIES)
def nanmedian(a, axis=None, *, overwrite_input=False, keepdims=False):
    if plain(a).size == 0:
        return np.nanmedian(plain(a), axis=axis, keepdims=keepdims)
    rows = _rows(a, axis)
    order = _stable_order(rows, -1)
    n = np.sum(~np.isnan(plain(rows)), axis=-1, keepdims=True)
    low = _picked(rows, order, np.maximum(n - 1, 0) // 2)
    high = _picked(rows, order, np.minimum(n // 2, rows.shape[-1] - 1))
    middle = np.where(n % 2 == 0, (low + high) / 2, low)
    return _placed(middle, a, axis, (), keepdims)


@composite(np.quantile, kinks=TIES)
def quantile(
    a, q, axis=None, *, overwrite_input=False, method="linear", keepdims=False, weights=None
):
    return _order_statistic(np.quantile, a, q, axis, method, keepdims, weights)


@composite(np.percentile, kinks=TIES)
def percentile(
    a, q, axis=None, *, overwrite_input=False, method="linear", keepdims=False, weights=None
):
    return _order_statistic(np.percentile, a, q, axis, method, keepdims, weights)


@composite(np.nanquantile, kinks=TIES)
def nanquantile(
    a, q, axis=None, *, overwrite_input=False, method="linear", keepdims=False, weights=None
):
    return _order_statistic(np.quantile, a, q, axis, method, keepdims, weights, skip_nan=True)


@composite(np.nanpercentile, kinks=TIES)
def nanpercentile(
    a, q, axis=None, *, overwrite_input=False, method="linear", keepdims=False, weights=None
):
    return _order_statistic(np.percentile, a, q, axis, method, keepdims, weights, skip_nan=True)


def _order_statistic(
    function: Any,
    a: Any,
    q: Any,
    axis: Any,
    method: str,
    keepdims: bool,
    weights: Any,
    skip_nan: bool = False,
) -> Any:
    """Interpolate between two sorted neighbours, at the position that NumPy itself finds."""
    name = ("nan" if skip_nan else "") + function.__name__
    if weights is not None:
        raise UnsupportedError(
            f"{name} with weights has no rule", "leave weights out, or sort with np.argsort"
        )
    if is_traced(q):
        raise UnsupportedError(
            f"{name} has no derivative rule for q", "pass cr.stop_gradient(q), if q is constant"
        )
    if plain(a).size == 0:
        return getattr(np, name)(plain(a), q, axis=axis, method=method, keepdims=keepdims)
    rows = _rows(a, axis)
    order = _stable_order(rows, -1)
    position = _positions(function, plain(rows), q, method, skip_nan)
    low = np.floor(position).astype(np.intp)
    between = position - low
    # NumPy decides which q promotes single precision.
    dtype = function(np.zeros(1, rows.dtype), q, method=method).dtype
    first = _picked(rows, order, low)
    second = _picked(rows, order, np.ceil(position).astype(np.intp))
    # Measured from the nearer end, as NumPy does, so that the last bit agrees.
    step = second - first
    from_first = first + step * between.astype(dtype)
    value = np.where(between < 0.5, from_first, second - step * (1 - between).astype(dtype))
    found = _placed(value, a, axis, np.shape(q), keepdims)
    # NumPy lays the results for several q one after the other, unless it leaves NaN out.
    return found if skip_nan or np.ndim(q) == 0 else np.copy(found, order="C")


def _positions(function: Any, rows: Any, q: Any, method: str, skip_nan: bool) -> Any:
    """Where in the sorted row the quantile lies, per row and q: the quantile of 0, 1, 2, ..."""
    n = rows.shape[-1]
    valid = np.sum(~np.isnan(rows), axis=-1)
    counts, which = np.unique(valid if skip_nan else np.full(valid.shape, n), return_inverse=True)
    ramps = [np.arange(max(count, 1), dtype=float) for count in counts]
    found = np.stack([np.ravel(function(ramp, q, method=method)) for ramp in ramps])
    position = found[which.reshape(valid.shape)]
    return position if skip_nan else np.where((valid < n)[..., None], n - 1, position)


def _rows(a: Any, axis: Any) -> Any:
    """Put the reduced axes last, as one."""
    axes = reduced_axes(a, axis)
    kept = [i for i in range(a.ndim) if i not in axes]
    length = math.prod(a.shape[i] for i in axes)
    return np.reshape(np.transpose(a, (*kept, *axes)), (*[a.shape[i] for i in kept], length))


def _picked(rows: Any, order: Any, index: Any) -> Any:
    """Take the elements at these places of the sorted order."""
    return np.take_along_axis(rows, np.take_along_axis(order, index, axis=-1), axis=-1)


def _placed(values: Any, a: Any, axis: Any, q_shape: tuple[int, ...], keepdims: bool) -> Any:
    """Give ``values``, one per row and q, the shape of the result: q's axes first."""
    axes = reduced_axes(a, axis)
    sizes = [1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i not in axes]
    return np.reshape(np.moveaxis(values, -1, 0), (*q_shape, *sizes))[()]


# ------------------------------------------------------------------------- picking by the values


@composite(np.unique, kinks={"elements are equal": "the first one is picked"})
def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, **kwargs):
    found = np.unique(plain(ar), True, return_inverse, return_counts, axis, **kwargs)
    index = found[1]
    flat = np.reshape(ar, -1) if axis is None else ar
    values = np.take(flat, index, axis=0 if axis is None else axis)
    extra = found[1:] if return_index else found[2:]
    return (values, *extra) if extra else values


def _unique_relative(function: Any) -> Any:
    """Make the body of a relative of ``np.unique``, whose values are in an order of its own."""

    def body(x, /):
        found = function(plain(x))
        values = found[0] if isinstance(found, tuple) else found
        first = np.unique(plain(x), return_index=True, equal_nan=False)[1]
        ranks = np.argsort(np.argsort(values, kind="stable"))
        picked = np.take(np.reshape(x, -1), first[ranks])
        return type(found)(picked, *found[1:]) if isinstance(found, tuple) else picked

    return body


for _relative in (np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all):
    composite(_relative, kinks={"elements are equal": "the first one is picked"})(
        _unique_relative(_relative)
    )


@composite(np.extract)
def extract(condition, arr):
    return np.take(np.reshape(arr, -1), np.flatnonzero(plain(condition)))


@composite(np.compress)
def compress(condition, a, axis=None):
    flat = np.reshape(a, -1) if axis is None else a
    return np.take(flat, np.flatnonzero(plain(condition)), axis=0 if axis is None else axis)


@composite(np.trim_zeros)
def trim_zeros(filt, trim="fb", axis=None):
    if trim.lower() not in {"f", "b", "fb", "bf"}:
        raise ValueError(f"trim is one of 'f', 'b', 'fb', not {trim!r}")
    found = np.nonzero(plain(filt))
    slices = [slice(None)] * filt.ndim
    for i in reduced_axes(filt, axis):
        first = found[i].min(initial=filt.shape[i]) if "f" in trim.lower() else None
        last = found[i].max(initial=-1) + 1 if "b" in trim.lower() else None
        slices[i] = slice(first, last)
    return filt[tuple(slices)]


@composite(np.ediff1d)
def ediff1d(ary, to_end=None, to_begin=None):
    flat = np.reshape(ary, -1)
    parts = [to_begin, flat[1:] - flat[:-1], to_end]
    parts = [np.reshape(as_array(x, flat.dtype), -1) for x in parts if x is not None]
    return np.concatenate(parts)
