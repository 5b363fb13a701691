"""What is done once, for all rules: the guarded product, unbroadcasting, dtypes, conjugates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import Tracer


def kind(x: Any) -> str:
    """Return the dtype kind of an array, a number or a traced value: 'f', 'c', 'i', ..."""
    dtype = getattr(x, "dtype", None)
    return dtype.kind if dtype is not None else np.asarray(x).dtype.kind


def conjugate(x: Any) -> Any:
    """Complex conjugate, or ``x`` itself where it is real."""
    return np.conjugate(x) if kind(x) == "c" else x


def unbroadcast(ct: Any, shape: tuple[int, ...]) -> Any:
    """Sum ``ct`` over the axes along which an argument of this shape was broadcast."""
    if not shape:
        return np.sum(ct)
    if ct.ndim < len(shape):
        ct = np.reshape(ct, (1,) * (len(shape) - ct.ndim) + ct.shape)
    extra = ct.ndim - len(shape)
    kept = ct.shape[extra:]
    stretched = tuple(extra + i for i, n in enumerate(shape) if n == 1 and kept[i] != 1)
    if extra or stretched:
        ct = np.sum(ct, axis=(*range(extra), *stretched), keepdims=True)
        ct = np.reshape(ct, ct.shape[extra:])
    return ct if ct.shape == shape else np.broadcast_to(ct, shape)


def restore(ct: Any, like: Any) -> Any:
    """Give a raw cotangent the shape and dtype of the argument that it belongs to."""
    if not hasattr(ct, "dtype"):
        ct = np.asarray(ct)[()]
    shape = like.shape if hasattr(like, "shape") else np.shape(like)
    if ct.shape != shape:
        ct = unbroadcast(ct, shape)
    dtype = like.dtype if hasattr(like, "dtype") else np.asarray(like).dtype
    if ct.dtype != dtype and dtype.kind in "fc":
        if ct.dtype.kind == "c" and dtype.kind != "c":
            ct = np.real(ct)
        ct = ct.astype(dtype)
    return ct


def product(ct: Any, slope: Any) -> Any:
    """Multiply; a zero ``ct`` beats an infinite or NaN ``slope``."""
    if isinstance(ct, Tracer) or isinstance(slope, Tracer):
        from .guarded import guarded_product

        return guarded_product(ct, slope)
    return plain_guarded_product(ct, slope)


def plain_guarded_product(ct: Any, slope: Any) -> Any:
    """Compute the guarded product of plain values, with the guard only where it is needed."""
    with np.errstate(invalid="ignore"):
        y = np.multiply(ct, slope)
    return y if not has_nan(y) else np.where(np.equal(ct, 0), y.dtype.type(0), y)[()]


_FEW = 16
"""Numbers that Python adds up faster than NumPy is called."""


def has_nan(y: Any) -> bool:
    """Tell whether a plain array or number holds a NaN, in one pass: squares cannot cancel."""
    if not isinstance(y, np.ndarray) or y.ndim == 0:
        total: Any = y
    elif type(y) is np.ndarray and y.ndim == 1:
        total = sum(y.tolist()) if y.size <= _FEW else y.dot(y)
    else:
        total = np.vdot(y, y)
    return bool(total != total) and bool(np.isnan(y).any())


def holds_nan(x: Any) -> bool:
    """Tell whether any of the numbers behind a traced or plain value is a NaN."""
    if isinstance(x, Tracer):
        return any(holds_nan(part) for part in x.current().parts())
    return has_nan(x)


def total(terms: Sequence[Any]) -> Any:
    """Add up the tangents that reach one value."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def zeros(x: Any) -> Any:
    """Zeros of the shape and floating dtype of ``x``."""
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    if dtype.kind not in "fc":
        dtype = np.dtype(float)
    return np.zeros(np.shape(x), dtype)[()]


def keep_axes(x: Any, axis: Any, ndim: int, keepdims: bool) -> Any:
    """Put the axes that a reduction removed back, as axes of size 1."""
    if keepdims or ndim == 0:
        return x
    if axis is None:
        return np.reshape(x, (1,) * ndim)
    if type(axis) is int and type(x) is np.ndarray:  # as np.expand_dims, many times faster
        return x[(slice(None),) * (axis % ndim) + (None,)]
    return np.expand_dims(x, axis)


_SMALL = 4096


def stretch(x: Any, shape: tuple[int, ...]) -> Any:
    """Broadcast as ``np.broadcast_to``, which takes longer than to write a small array."""
    if type(x) is not np.ndarray or math.prod(shape) > _SMALL:
        return np.broadcast_to(x, shape)
    y = np.empty(shape, x.dtype)
    y[...] = x
    return y
