"""Arrays made from traced values: linspace and its relatives, full_like."""

from __future__ import annotations

import numpy as np

from .._core import is_traced, plain
from ..errors import UnsupportedError
from ._central import kind
from ._forms import composite, linear
from .indexing import setitem

# ---------------------------------------------------------------------- linspace and relatives


def _linspace(start, stop, num, endpoint, axis):
    return np.linspace(start, stop, num, endpoint=endpoint, axis=axis)


@linear(_linspace, args=("start", "stop"), joint=True, name="linspace")
def linspace_array(ct, start, stop, num, endpoint, axis):
    return (
        np.tensordot(1 - _fractions(num, endpoint), np.moveaxis(ct, axis, 0), 1),
        np.tensordot(_fractions(num, endpoint), np.moveaxis(ct, axis, 0), 1),
    )


def _fractions(num, endpoint):
    """How far along the way from start to stop each element stands."""
    return np.arange(num) / max(num - 1 if endpoint else num, 1)


@composite(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    # Lists become arrays; Python's numbers stay as they are, so that float32 stays float32.
    start, stop = (np.asarray(x) if isinstance(x, (list, tuple)) else x for x in (start, stop))
    y = _cast(linspace_array(start, stop, num=num, endpoint=endpoint, axis=axis), dtype)
    if not retstep:
        return y
    steps = num - 1 if endpoint else num
    return y, np.subtract(stop, start) / steps if steps > 0 else np.nan


def _cast(y, dtype):
    """Give ``y`` the dtype asked for; integers would cut the derivative off."""
    if dtype is None or y.dtype == dtype:
        return y
    if np.dtype(dtype).kind not in "fc":
        raise UnsupportedError(
            f"dtype={np.dtype(dtype)} would round a traced value, and with it its derivative",
            "leave dtype out, or give a floating dtype",
        )
    return y.astype(dtype)


@composite(np.logspace)
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    if np.ndim(base):
        ndim = max(np.ndim(start), np.ndim(stop), np.ndim(base))
        start, stop, base = (
            np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x)) for x in (start, stop, base)
        )
        base = np.expand_dims(base, axis)
    y = np.linspace(start, stop, num=num, endpoint=endpoint, axis=axis)
    return _cast(np.power(base, y), dtype)


@composite(np.geomspace)
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    start, stop = (x if is_traced(x) else np.asarray(x)[()] for x in (start, stop))
    if "c" in (kind(start), kind(stop)):
        raise UnsupportedError(
            "np.geomspace with complex ends has no derivative rule",
            "write start * np.exp(np.linspace(0, 1, num) * np.log(stop / start))",
        )
    # NumPy computes in double precision unless dtype= asks for another.
    real = np.result_type(plain(start), plain(stop), 1.0, np.zeros((), dtype).real)
    sign = np.sign(np.asarray(plain(start), real))
    if not np.all(sign) or not np.all(plain(stop)):
        raise ValueError("Geometric sequence cannot include zero")
    start, stop = start / sign, stop / sign  # now positive, and of that precision
    y = np.logspace(np.log10(start), np.log10(stop), num=num, endpoint=endpoint)
    if num > 0:  # the ends exactly, which a power of a logarithm may miss
        y = setitem(y, 0, start)
    if num > 1 and endpoint:
        y = setitem(y, -1, stop)
    return _cast(np.moveaxis(y * sign, 0, axis), dtype)


# ------------------------------------------------------------------------------------ full_like


@composite(np.full_like)
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None):
    dtype = np.dtype(dtype or plain(a).dtype)
    if is_traced(fill_value) and dtype.kind not in "fc":
        raise UnsupportedError(
            f"np.full_like would round the traced fill value to {dtype}",
            "give dtype=float",
        )
    shape = np.shape(a) if shape is None else shape
    return setitem(np.zeros_like(a, dtype=dtype, order=order, shape=shape), Ellipsis, fill_value)
