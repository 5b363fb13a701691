"""Reductions and cumulative functions: sum, mean, prod, max, min, var, std, cumsum, cumprod.

Parameters that NumPy takes after ``out`` are keywords here, so that no call by position can slip.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._core import is_traced, plain
from ..errors import UnsupportedError
from ._central import conjugate, keep_axes, stretch
from ._forms import composite, explicit, linear, reduction

ABSENT: Any = np._NoValue
"""NumPy's own "not given", where no value means the same."""

TIES = {"n elements tie": "1/n each"}


# ------------------------------------------------------------------------------------- helpers


def reduced_axes(a: Any, axis: Any) -> tuple[int, ...]:
    """Return the axes that ``axis`` names, none of them negative."""
    if axis is None:
        return tuple(range(a.ndim))
    axes: tuple[int, ...] = np.lib.array_utils.normalize_axis_tuple(axis, a.ndim)
    return axes


def as_array(x: Any, dtype: Any = None) -> Any:
    """Make an array of a list or a number, of the given dtype; a traced value is one already."""
    x = x if is_traced(x) else np.asarray(x)
    return x if dtype is None or x.dtype == dtype else x.astype(dtype)


def masked(x: Any, where: Any, fill: float) -> Any:
    """Put ``fill`` where the mask is False; the mask True costs nothing."""
    return x if where is True else np.where(where, x, fill)


def part(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """Return ``x[start:stop]`` along ``axis``, which is not negative."""
    return x[(slice(None),) * axis + (slice(start, stop),)]


def _count(a: Any, axis: Any, where: Any) -> Any:
    """How many elements are reduced to one; an array with the axes kept where a mask decides."""
    if where is True:
        return a.size if axis is None else math.prod(a.shape[i] for i in reduced_axes(a, axis))
    return np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=True)


def _spread(kept: Any, a: Any, where: Any) -> Any:
    """Hand a cotangent, its reduced axes kept, to every element of ``a`` that was counted."""
    return stretch(masked(kept, where, 0), a.shape)


def _shifted(x: Any, axis: int, first: float) -> Any:
    """Move ``x`` one step along ``axis``: ``first`` comes in, the last element drops out."""
    head = part(x, axis, 0, 1)
    return np.concatenate([np.full(head.shape, first, head.dtype), part(x, axis, 0, -1)], axis)


# ---------------------------------------------------------------------------------- sum and mean


@linear(np.sum, args=("a", "initial"), joint=True)
def sum_(ct, a, axis=None, dtype=None, *, keepdims=False, initial=0, where=True):
    kept = keep_axes(ct, axis, a.ndim, keepdims)
    return _spread(kept, a, where), np.sum(ct)


@linear(np.mean)
def mean(ct, a, axis=None, dtype=None, *, keepdims=False, where=True):
    kept = keep_axes(ct, axis, a.ndim, keepdims)
    return _spread(kept / _at_least_one(_count(a, axis, where)), a, where)


def _at_least_one(count: Any) -> Any:
    return max(count, 1) if type(count) is int else np.maximum(count, 1)


# ------------------------------------------------------------------------------ variance and std


@reduction(np.var)
def var(y, a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True, correction=ABSENT):
    return 2 * _deviation(a, axis, dtype, where) / _freedom(a, axis, where, ddof, correction)


@reduction(np.std, kinks={"std(a) == 0": "0"})
def std(y, a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True, correction=ABSENT):
    slope = _deviation(a, axis, dtype, where) / _freedom(a, axis, where, ddof, correction)
    return np.where(y == 0, 0, slope / np.where(y == 0, 1, y))


def _deviation(a: Any, axis: Any, dtype: Any, where: Any) -> Any:
    """Distance from the mean (conjugated: d|z|^2 = 2 Re(conj(z) dz)); 0 where not counted.

    The mean's own derivative drops out of the variance, because the distances sum to zero.
    """
    distance = a - np.mean(a, axis=axis, dtype=dtype, keepdims=True, where=where)
    return masked(conjugate(distance), where, 0)


def _freedom(a: Any, axis: Any, where: Any, ddof: Any, correction: Any) -> Any:
    """Degrees of freedom: the divisor of the variance."""
    lost = ddof if correction is ABSENT else correction
    return np.maximum(_count(a, axis, where) - lost, 0)


# --------------------------------------------------------------------------------------- product


@reduction(np.prod)
def prod(y, a, axis=None, dtype=None, *, keepdims=False, initial=1, where=True):
    others = _product_of_others(masked(as_array(a, dtype), where, 1), axis)
    return masked(others * initial, where, 0)


def _product_of_others(a: Any, axis: Any) -> Any:
    """For every element the product of all others along ``axis``, without a division."""
    axes = reduced_axes(a, axis if a.ndim else None)
    if len(axes) == 1:
        return _product_of_others_along(a, axes[0])
    last = tuple(range(a.ndim - len(axes), a.ndim))
    moved = np.moveaxis(a, axes, last)
    rest = moved.shape[: a.ndim - len(axes)]
    rows = np.reshape(moved, (*rest, math.prod(moved.shape[len(rest) :])))
    others = np.reshape(_product_of_others_along(rows, len(rest)), moved.shape)
    return np.moveaxis(others, last, axes)


def _product_of_others_along(a: Any, axis: int) -> Any:
    before = _shifted(np.cumprod(a, axis=axis), axis, 1)
    after = _shifted(np.cumprod(np.flip(a, axis), axis=axis), axis, 1)
    return before * np.flip(after, axis)


# ------------------------------------------------------------------------------- max, min, ptp


@reduction(np.max, np.amax, kinks=TIES)
def max_(y, a, axis=None, *, keepdims=False, initial=None, where=True):
    return _shares(y, a, axis, initial, where)


@reduction(np.min, np.amin, kinks=TIES)
def min_(y, a, axis=None, *, keepdims=False, initial=None, where=True):
    return _shares(y, a, axis, initial, where)


def _shares(y: Any, a: Any, axis: Any, initial: Any, where: Any) -> Any:
    """Share 1 equally among the elements that are the result; NaN elements are a NaN result.

    ``initial`` takes part in a tie.
    """
    chosen = ((a == y) | (a != a)) & where
    ties = np.sum(chosen, axis=axis, keepdims=True)
    if initial is not None:
        ties = ties + (y == initial)
    return chosen * (1 / np.maximum(ties, 1).astype(a.dtype))


@composite(np.ptp, kinks=TIES)
def ptp(a, axis=None, *, keepdims=False):
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


# ------------------------------------------------------------------------- cumulative functions


@linear(np.cumsum)
def cumsum(ct, a, axis=None, dtype=None):
    along = 0 if axis is None else axis
    sums = np.flip(np.cumsum(np.flip(ct, along), axis=along), along)
    return np.reshape(sums, a.shape)


@explicit(np.cumprod)
def cumprod(t, y, a, axis=None, dtype=None):
    """y[k] = a[k] y[k-1], so the tangent is r[k] = t[k] y[k-1] + a[k] r[k-1]."""
    axis = axis if a.ndim else None
    along = 0 if axis is None else reduced_axes(a, axis)[0]
    before = _shifted(y, along, 1)
    return _recurrence(_flat(t, axis) * before, _flat(as_array(a, dtype), axis), along)


@cumprod.vjp
def cumprod_vjp(ct, y, a, axis=None, dtype=None):
    """ct_a[j] = y[j-1] r[j] with r[j] = ct[j] + a[j+1] r[j+1], the recurrence run backwards."""
    axis = axis if a.ndim else None
    along = 0 if axis is None else reduced_axes(a, axis)[0]
    factors = _shifted(np.flip(_flat(as_array(a, dtype), axis), along), along, 0)
    r = np.flip(_recurrence(np.flip(ct, along), factors, along), along)
    return np.reshape(_shifted(y, along, 1) * r, a.shape)


def _flat(x: Any, axis: Any) -> Any:
    return np.reshape(x, -1) if axis is None else x


def _recurrence(b: Any, a: Any, axis: int) -> Any:
    """Solve r[k] = b[k] + a[k] r[k-1] along ``axis`` in log2(n) vectorized passes.

    After the pass with step s, r[k] is exact for k < 2 s, and a[k] is the product of 2 s factors
    (Hillis and Steele, Data parallel algorithms, CACM 29, 1986). Nothing is divided.
    """
    n, step = b.shape[axis], 1
    while step < n:
        earlier = part(b, axis, 0, n - step)
        later = part(b, axis, step, n) + part(a, axis, step, n) * earlier
        b = np.concatenate([part(b, axis, 0, step), later], axis)
        products = part(a, axis, step, n) * part(a, axis, 0, n - step)
        a = np.concatenate([part(a, axis, 0, step), products], axis)
        step *= 2
    return b


def _cumulative(cumulate: Any, first: float) -> Any:
    """Make the array API's form of a cumulative function."""

    def function(x, /, *, axis=None, dtype=None, include_initial=False):
        x = np.atleast_1d(x)
        if axis is None and x.ndim != 1:
            raise ValueError(f"axis is needed for an array of {x.ndim} dimensions")
        along = 0 if axis is None else reduced_axes(x, axis)[0]
        y = cumulate(x, axis=along, dtype=dtype)
        if not include_initial:
            return y
        head = (*y.shape[:along], 1, *y.shape[along + 1 :])
        return np.concatenate([np.full(head, first, y.dtype), y], along)

    return function


# From NumPy 2.1 on.
if hasattr(np, "cumulative_sum"):
    composite(np.cumulative_sum)(_cumulative(np.cumsum, 0))
    composite(np.cumulative_prod)(_cumulative(np.cumprod, 1))


# ------------------------------------------------------------------------------------- logaddexp


def logaddexp_reduce(array, axis=0, dtype=None, *, keepdims=False, initial=-np.inf, where=True):
    """Return log(sum(exp(a))) along ``axis``, as NumPy's ufunc method computes it."""
    return np.logaddexp.reduce(
        array, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where
    )


def logaddexp2_reduce(array, axis=0, dtype=None, *, keepdims=False, initial=-np.inf, where=True):
    """Return log2(sum(2**a)) along ``axis``, as NumPy's ufunc method computes it."""
    return np.logaddexp2.reduce(
        array, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where
    )


@reduction(logaddexp_reduce)
def logsumexp(y, array, axis=0, dtype=None, *, keepdims=False, initial=-np.inf, where=True):
    """Softmax; a sum of nothing (-inf) has slope 0."""
    return masked(np.exp(array - np.where(y == -np.inf, 0, y)), where, 0)


@reduction(logaddexp2_reduce)
def log2sumexp2(y, array, axis=0, dtype=None, *, keepdims=False, initial=-np.inf, where=True):
    return masked(np.exp2(array - np.where(y == -np.inf, 0, y)), where, 0)


# --------------------------------------------------------------------------------- ufunc methods


def _reducer(function: Any) -> Any:
    """Turn a reduction over all axes into a ufunc's ``reduce``, over the first axis."""

    def reduce(array, axis=0, **kwargs):
        return function(array, axis=axis, **kwargs)

    return reduce


def add_reduceat(array, indices, axis=0, dtype=None):
    """Return the sums over ``indices[i]:indices[i + 1]``, which must increase."""
    if np.any(np.diff(indices) <= 0):
        raise UnsupportedError(
            "np.add.reduceat of a traced value takes strictly increasing indices only",
            "write the segments as slices: np.stack([np.sum(x[i:j]) for i, j in segments])",
        )
    return np.add.reduceat(array, indices, axis=axis, dtype=dtype)


@linear(add_reduceat)
def segment_sums(ct, array, indices, axis=0, dtype=None):
    segment = np.searchsorted(indices, np.arange(array.shape[axis]), side="right") - 1
    along = np.expand_dims(segment, tuple(range(1, array.ndim - axis % array.ndim)))
    return np.where(along < 0, 0, np.take(ct, np.maximum(segment, 0), axis=axis))


def _record(ufunc: Any) -> Any:
    """Make ``accumulate`` of maximum or minimum: every element that sets a record is picked."""

    def accumulate(array, axis=0, dtype=None):
        along = reduced_axes(array, axis)[0]
        best = ufunc.accumulate(plain(array), axis=along)
        before, after = part(best, along, 0, -1), part(best, along, 1, None)
        same = (before == after) | (before != before)
        record = np.concatenate([np.zeros(part(best, along, 0, 1).shape, bool), ~same], along)
        steps = np.arange(best.shape[along]).reshape(-1, *(1,) * (best.ndim - along - 1))
        index = np.maximum.accumulate(np.where(record, steps, 0), axis=along)
        return np.take_along_axis(array, index, axis=along)

    return accumulate


UFUNC_METHODS: dict[tuple[Any, str], Any] = {
    (np.add, "reduce"): _reducer(np.sum),
    (np.multiply, "reduce"): _reducer(np.prod),
    (np.maximum, "reduce"): _reducer(np.max),
    (np.minimum, "reduce"): _reducer(np.min),
    (np.logaddexp, "reduce"): logsumexp,
    (np.logaddexp2, "reduce"): log2sumexp2,
    (np.add, "accumulate"): _reducer(np.cumsum),
    (np.multiply, "accumulate"): _reducer(np.cumprod),
    (np.maximum, "accumulate"): _record(np.maximum),
    (np.minimum, "accumulate"): _record(np.minimum),
    (np.add, "reduceat"): segment_sums,
}
"""(ufunc, method) -> a function with the method's own signature, for values under a trace.

``outer`` is the same for all ufuncs, so it is not listed.
"""
