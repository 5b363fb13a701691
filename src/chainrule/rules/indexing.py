"""Reading and storing by index: getitem, its transpose scatter_add, setitem, take and relatives.

``getitem`` and ``scatter_add`` are each other's transpose, and primitives of our own: engines apply
them for ``a[index]`` and for what its cotangent needs. ``setitem`` is the store as a function: it
returns a changed copy. ``MUTATORS`` says which store each of NumPy's mutating functions is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import is_traced, plain
from ._forms import linear, piecewise_constant

# ---------------------------------------------------------------- getitem, scatter_add, setitem


def _getitem(a, index):
    return a[index] if hasattr(a, "dtype") else np.asarray(a)[index]


@linear(_getitem, name="getitem")
def getitem(ct, a, index):
    return scatter_add(ct, index, np.shape(a))


def _scatter_add(ct, index, shape):
    """Zeros of ``shape`` with ``ct`` added at ``index``, as often as the index names a place."""
    if is_traced(ct):
        return scatter_add(ct, index, shape)
    sums = np.zeros(shape, ct.dtype if hasattr(ct, "dtype") else np.result_type(ct))
    if may_repeat(index):
        _add_at(sums, index, ct)
    else:
        sums[index] = ct
    return sums


def _add_at(sums, index, ct):
    """Perform ``np.add.at``; three times faster than it where rows are added up."""
    if sums.ndim == 1 or 8 * np.size(ct) < sums.size:
        np.add.at(sums, index, ct)
    else:  # NumPy is fast on one axis: number the places
        places = np.arange(sums.size).reshape(sums.shape)[index]
        np.add.at(sums.reshape(-1), places.ravel(), np.ravel(ct))


@linear(_scatter_add, name="scatter_add")
def scatter_add(ct, ct_a, index, shape):
    return getitem(ct, index)


def _setitem(a, index, value):
    """Return a copy of ``a`` after the store ``a[index] = value``."""
    if is_traced(a) or is_traced(value):
        return setitem(a, index, value)
    stored = np.array(a)
    stored[index] = value
    return stored


@linear(_setitem, args=("a", "value"), joint=True, name="setitem")
def setitem(ct, a, index, value):
    return erased(ct, index), stored_value(getitem(ct, index), a, index, value)


def erased(ct, index):
    """Return a copy of ``ct`` with zeros at ``index``."""
    return setitem(ct, index, 0)


def may_repeat(index):
    """Tell whether an index can name one place twice: only arrays of integers can."""
    if isinstance(index, tuple):
        return any(_is_integer_array(part) for part in index)
    return _is_integer_array(index)


_SINGLE = (int, slice, np.generic)


def _is_integer_array(part):
    if part is None or part is Ellipsis or isinstance(part, _SINGLE):
        return False
    array = np.asarray(part)
    return array.dtype != bool and array.ndim > 0


def stored_value(ct, a, index, value):
    """Return the cotangent of the stored value, where ``ct`` is what stands at the index now."""
    if may_repeat(index):
        ct = last_written(ct, a, index, value)
    extra = np.ndim(value) - np.ndim(ct)  # a store accepts leading axes of size 1
    return np.reshape(ct, (1,) * extra + np.shape(ct)) if extra > 0 else ct


def last_written(ct, a, index, value):
    """Zero the cotangent of values that a later value of the same store has overwritten."""
    shape = np.shape(ct)
    # NumPy's order of writing follows the memory layout: let it write the numbers 0, 1, 2, ...
    like = plain(value)
    same = np.shape(like) == shape and isinstance(like, np.ndarray)
    number = np.empty_like(like, dtype=np.intp) if same else np.empty(shape, np.intp)
    number[...] = np.arange(number.size).reshape(shape)
    written = np.full(np.shape(a), -1)
    written[index] = number
    is_last = written[index] == number
    return ct if is_last.all() else np.where(is_last, ct, 0)


# ------------------------------------------------------------------------ take, take_along_axis


@linear(np.take)
def take(ct, a, indices, axis=None, mode="raise"):
    return np.reshape(
        scatter_add(ct, take_index(indices, np.shape(a), axis, mode), flat_shape(a, axis)),
        np.shape(a),
    )


def flat_shape(a, axis):
    """Shape of ``a`` as a function with ``axis=None`` for the flattened array sees it."""
    return np.shape(a) if axis is not None and np.ndim(a) else (np.size(a),)


def take_index(indices, shape, axis, mode):
    """Return the index under which ``getitem`` reads what ``np.take`` reads."""
    flat = axis is None or not shape
    n = int(np.prod(shape)) if flat else shape[axis]
    before = 0 if flat else axis % len(shape)
    return (slice(None),) * before + (in_range(indices, n, mode),)


def in_range(indices, n, mode):
    """Bring indices into range as NumPy's modes say; 'raise' leaves that to NumPy."""
    indices = np.asarray(indices)
    indices = indices if indices.size else indices.astype(np.intp)
    if mode == "wrap" and n:
        return indices % n
    return np.clip(indices, 0, n - 1) if mode == "clip" else indices


@linear(np.take_along_axis)
def take_along_axis(ct, arr, indices, axis=-1):
    return np.reshape(
        scatter_add(ct, along_axis(indices, np.shape(arr), axis), flat_shape(arr, axis)),
        np.shape(arr),
    )


def along_axis(indices, shape, axis):
    """Return the index that pairs ``indices`` along ``axis`` with every place of other axes."""
    if axis is None:
        return (np.asarray(indices),)
    places = list(np.ix_(*map(np.arange, shape)))
    places[axis] = np.asarray(indices)
    return tuple(places)


piecewise_constant(np.ix_)

# ------------------------------------------------------------ NumPy's mutators, as stores


def _copyto(dst, src, casting="same_kind", where=True):
    kind = src.dtype if hasattr(src, "dtype") else np.asarray(src).dtype
    if not np.can_cast(kind, dst.dtype, casting):
        raise TypeError(
            f"Cannot cast array data from {kind!r} to {dst.dtype!r} according to {casting!r}"
        )
    if where is True:
        return Ellipsis, src
    where = np.broadcast_to(where, dst.shape)
    extra = max(np.ndim(src) - dst.ndim, 0)  # a store drops leading axes of length 1
    src = np.reshape(src, np.shape(src)[extra:])
    return where, np.broadcast_to(src, dst.shape)[where]


def _put(a, ind, v, mode="raise"):
    size = int(np.prod(a.shape))
    flat = np.ravel(ind).astype(np.intp)
    if mode == "raise" and flat.size and (flat.min() < -size or flat.max() >= size):
        raise IndexError(f"np.put: an index is out of bounds for an array of size {size}")
    flat = in_range(flat, size, "wrap" if mode == "raise" else mode)
    if np.size(v) == 0:
        flat = flat[:0]
    if not a.shape:  # the last write is the one that stays
        return np.asarray(flat.size > 0), _repeated(v, np.arange(flat.size)[-1:])
    return np.unravel_index(flat, a.shape), _repeated(v, np.arange(flat.size))


def _place(arr, mask, vals):
    mask = _same_size(mask, arr)
    count = int(np.count_nonzero(mask))
    if count and np.size(vals) == 0:
        raise ValueError("np.place: cannot insert from an empty array")
    return mask, _repeated(vals, np.arange(count))


def _putmask(a, mask, values):
    mask = _same_size(mask, a)
    if np.size(values) == 0:
        return (slice(0, 0),), 0.0
    return mask, _repeated(values, np.flatnonzero(mask))


def _same_size(mask, a):
    mask = np.asarray(mask, dtype=bool)
    if mask.size != int(np.prod(a.shape)):
        raise ValueError(f"the mask has shape {mask.shape}, the array {a.shape}")
    return mask.reshape(a.shape)


def _repeated(values, places):
    """Values at the given places of the endless repetition of ``values``."""
    return np.take(np.ravel(values), places % max(np.size(values), 1))


def _put_along_axis(arr, indices, values, axis):
    if axis is None:
        return np.unravel_index(np.asarray(indices), arr.shape), values
    return along_axis(indices, arr.shape, axis), values


def _fill_diagonal(a, val, wrap=False):
    if a.ndim < 2:
        raise ValueError("np.fill_diagonal: the array must be at least 2-d")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ValueError(f"np.fill_diagonal: all axes must have one length, not {a.shape}")
    if a.ndim == 2 and wrap:
        flat = np.arange(0, int(np.prod(a.shape)), a.shape[1] + 1)
        index = np.unravel_index(flat, a.shape)
    else:
        index = (np.arange(min(a.shape)),) * a.ndim
    return index, _repeated(val, np.arange(index[0].size))


MUTATORS: dict[Callable[..., Any], Callable[..., tuple[Any, Any]]] = {
    np.copyto: _copyto,
    np.put: _put,
    np.place: _place,
    np.putmask: _putmask,
    np.put_along_axis: _put_along_axis,
    np.fill_diagonal: _fill_diagonal,
}
"""Mutating NumPy function -> function of its arguments that returns ``(index, value)`` such that
``a[index] = value`` is the same store into its first argument."""
