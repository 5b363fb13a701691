"""Joining and splitting arrays: concatenate and what is built on it, split, pad, insert."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .._core import is_traced, plain
from ..errors import UnsupportedError
from ._forms import composite, linear
from .indexing import setitem

# -------------------------------------------------------------------------- concatenate


def _concatenate(*arrays, axis, dtype, casting):
    return np.concatenate(arrays, axis=axis, dtype=dtype, casting=casting)


@linear(_concatenate, joint=True, name="concatenate")
def concatenate_arrays(ct, i, *arrays, axis, dtype, casting):
    axis = axis % np.ndim(arrays[i])
    start = sum(np.shape(x)[axis] for x in arrays[:i])
    stop = start + np.shape(arrays[i])[axis]
    return ct[(slice(None),) * axis + (slice(start, stop),)]


@composite(np.concatenate)
def concatenate(arrays, axis=0, dtype=None, casting="same_kind"):
    arrays = _arrays(arrays)
    if axis is None:
        arrays, axis = [np.ravel(x) for x in arrays], 0
    return concatenate_arrays(*arrays, axis=axis, dtype=dtype, casting=casting)


def _arrays(values):
    return [x if is_traced(x) else np.asarray(x) for x in values]


@composite(np.stack)
def stack(arrays, axis=0, dtype=None, casting="same_kind"):
    arrays = _arrays(arrays)
    shapes = sorted({np.shape(x) for x in arrays})
    if len(shapes) != 1:
        raise ValueError(f"np.stack takes arrays of one shape, not {shapes}")
    expanded = [np.expand_dims(x, axis) for x in arrays]
    return np.concatenate(expanded, axis=axis, dtype=dtype, casting=casting)


@composite(np.vstack)
def vstack(tup, dtype=None, casting="same_kind"):
    return np.concatenate([np.atleast_2d(x) for x in tup], 0, dtype=dtype, casting=casting)


@composite(np.hstack)
def hstack(tup, dtype=None, casting="same_kind"):
    arrays = [np.atleast_1d(x) for x in tup]
    axis = 0 if np.ndim(arrays[0]) == 1 else 1
    return np.concatenate(arrays, axis, dtype=dtype, casting=casting)


@composite(np.dstack)
def dstack(tup):
    return np.concatenate([np.atleast_3d(x) for x in tup], 2)


@composite(np.column_stack)
def column_stack(tup):
    columns = [x if np.ndim(x) > 1 else np.reshape(x, (-1, 1)) for x in _arrays(tup)]
    return np.concatenate(columns, 1)


@composite(np.block)
def block(arrays):
    leaves, depth = _leaves(arrays)
    ndim = max([depth, *(np.ndim(x) for x in leaves)])
    if depth == 0:
        return np.copy(arrays)
    return _join_blocks(arrays, ndim, ndim - depth)


def _leaves(nested):
    """Return the blocks and the depth of the lists that hold them."""
    if isinstance(nested, tuple):
        raise TypeError("np.block takes lists of lists, not tuples")
    if not isinstance(nested, list):
        return [nested], 0
    inner = [_leaves(item) for item in nested]
    if len({depth for _, depth in inner}) != 1:
        raise ValueError("np.block takes lists that are equally deep and not empty")
    return [leaf for leaves, _ in inner for leaf in leaves], 1 + inner[0][1]


def _join_blocks(nested, ndim, axis):
    if not isinstance(nested, list):
        return np.reshape(nested, (1,) * (ndim - np.ndim(nested)) + np.shape(nested))
    return np.concatenate([_join_blocks(item, ndim, axis + 1) for item in nested], axis)


# --------------------------------------------------------------------------- insert, append, delete


@composite(np.append)
def append(arr, values, axis=None):
    return np.concatenate([arr, values], axis)


@composite(np.insert)
def insert(arr, obj, values, axis=None):
    if axis is None:
        arr, axis = np.ravel(arr), 0
    arr, values = _arrays([arr, values])
    axis, n = axis % np.ndim(arr), np.shape(arr)[axis]
    obj = _as_places(obj, n)
    if obj.size == 1:
        values = np.reshape(values, (1,) * (np.ndim(arr) - np.ndim(values)) + np.shape(values))
        values = np.moveaxis(values, 0, axis) if obj.ndim == 0 else values
        places = _one_place(obj, n) + np.arange(np.shape(values)[axis])
    else:
        places = _several_places(obj, n)
    sizes = [places.size if k == axis else size for k, size in enumerate(np.shape(arr))]
    values = np.broadcast_to(values, sizes)
    values = values if values.dtype == arr.dtype else values.astype(arr.dtype)
    return np.take(np.concatenate([arr, values], axis), _interleaved(places, n), axis)


def _as_places(obj, n):
    if isinstance(obj, slice):
        return np.arange(n)[obj]
    obj = np.array(obj)
    if obj.ndim > 1:
        raise ValueError("np.insert: the index must be one-dimensional or a scalar")
    if obj.dtype == bool:
        return np.flatnonzero(obj)
    return obj if obj.size else obj.astype(np.intp)


def _one_place(obj, n):
    place = int(obj.item())
    if not -n <= place <= n:
        raise IndexError(f"index {place} is out of bounds for an axis of size {n}")
    return place + n if place < 0 else place


def _several_places(obj, n):
    """Places in the result: each new value moves the later ones on."""
    places = np.where(obj < 0, obj + n, obj)
    places[np.argsort(places, kind="stable")] += np.arange(places.size)
    return places


def _interleaved(places, n):
    """Return the order in which n old and then the new elements make up the result."""
    order = np.empty(n + places.size, np.intp)
    order[places] = n + np.arange(places.size)
    is_old = np.ones(order.size, bool)
    is_old[places] = False
    order[is_old] = np.arange(n)
    return order


@composite(np.delete)
def delete(arr, obj, axis=None):
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis, n = axis % np.ndim(arr), np.shape(arr)[axis]
    keep = np.zeros(n, bool)
    keep[np.delete(np.arange(n), obj)] = True
    places = np.flatnonzero(keep)
    if isinstance(obj, slice) or np.size(obj) == 1:
        return np.take(arr, places, axis)  # by rows, as NumPy has it; others lie as it indexes
    return arr[(slice(None),) * axis + (places,)]


# ------------------------------------------------------------------------------------ splitting


@composite(np.array_split)
def array_split(ary, indices_or_sections, axis=0):
    n = np.shape(ary)[axis]
    if np.ndim(indices_or_sections):
        points = [0, *indices_or_sections, n]
    else:
        sections = int(indices_or_sections)
        if sections <= 0:
            raise ValueError("number sections must be larger than 0.")
        size, longer = divmod(n, sections)
        points = [k * size + min(k, longer) for k in range(sections + 1)]
    before = (slice(None),) * (axis % np.ndim(ary))
    return [ary[(*before, slice(start, stop))] for start, stop in itertools.pairwise(points)]


@composite(np.split)
def split(ary, indices_or_sections, axis=0):
    if not np.ndim(indices_or_sections) and np.shape(ary)[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return array_split(ary, indices_or_sections, axis)


@composite(np.hsplit)
def hsplit(ary, indices_or_sections):
    return split(ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


@composite(np.vsplit)
def vsplit(ary, indices_or_sections):
    if np.ndim(ary) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@composite(np.dsplit)
def dsplit(ary, indices_or_sections):
    if np.ndim(ary) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)


def unstack(x, axis=0):
    before = (slice(None),) * (axis % np.ndim(x))
    return tuple(x[(*before, k)] for k in range(np.shape(x)[axis]))


if hasattr(np, "unstack"):  # NumPy 2.1
    composite(np.unstack)(unstack)


# -------------------------------------------------------------------------------------- padding

_PAD_OPTIONS: dict[str, tuple[str, Any]] = {
    "constant": ("constant_values", 0),
    "linear_ramp": ("end_values", 0),
    "maximum": ("stat_length", None),
    "minimum": ("stat_length", None),
    "mean": ("stat_length", None),
    "median": ("stat_length", None),
    "reflect": ("reflect_type", "even"),
    "symmetric": ("reflect_type", "even"),
    "edge": ("", None),
    "wrap": ("", None),
}


@composite(np.pad)
def pad(array, pad_width, mode="constant", **kwargs):
    if mode not in _PAD_OPTIONS:
        given = repr(mode) if isinstance(mode, str) else "a function"
        raise UnsupportedError(
            f"np.pad with {given} as its mode has no derivative rule",
            f"use one of the modes {', '.join(_PAD_OPTIONS)}",
        )
    name, default = _PAD_OPTIONS[mode]
    if set(kwargs) - {name}:
        raise ValueError(f"unsupported keyword arguments for mode {mode!r}: {set(kwargs) - {name}}")
    option = kwargs.get(name, default)
    widths = _widths(pad_width, np.ndim(array))
    if not widths:
        return np.copy(array)
    if mode == "constant":
        return _pad_constant(array, widths, option)
    options = [option] * len(widths) if name == "reflect_type" else _pairs(option, len(widths))
    for axis, (width, chosen) in enumerate(zip(widths, options, strict=True)):
        if any(width):
            array = _pad_axis(array, axis, width, mode, chosen)
    return array if any(map(any, widths)) else np.copy(array)


def _widths(pad_width, ndim):
    if isinstance(pad_width, dict):
        given = {axis % ndim: width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(given.get(axis, 0), 2) for axis in range(ndim)]
    pad_width = np.asarray(pad_width)
    if pad_width.dtype.kind != "i":
        raise TypeError("`pad_width` must be of integral type.")
    if (pad_width < 0).any():
        raise ValueError("index can't contain negative values")
    return np.broadcast_to(pad_width, (ndim, 2)).tolist()


def _pairs(option, ndim):
    """Return (before, after) for every axis; the values may be traced."""
    if is_traced(option):
        option = np.broadcast_to(option, (ndim, 2))
        return [(option[axis, 0], option[axis, 1]) for axis in range(ndim)]
    if not isinstance(option, (list, tuple)):
        option = np.asarray(option, dtype=None if option is not None else object).tolist()
    if not isinstance(option, (list, tuple)):
        return [(option, option)] * ndim
    if any(isinstance(row, (list, tuple, np.ndarray)) for row in option):
        rows = [tuple(row) if np.ndim(row) else (row,) for row in option]
    else:
        rows = [tuple(option)]
    pairs = [(row[0], row[-1]) for row in rows]
    if len(pairs) not in (1, ndim) or any(len(row) > 2 for row in rows):
        raise ValueError(f"np.pad: {option} does not give one pair for each of {ndim} axes")
    return pairs * ndim if len(pairs) == 1 else pairs


def _pad_constant(array, widths, values):
    pairs = _pairs(values, len(widths))
    if any(is_traced(value) for pair in pairs for value in pair):
        for axis, (width, pair) in enumerate(zip(widths, pairs, strict=True)):
            blocks = [_block(x, array, axis, n) for x, n in zip(pair, width, strict=True)]
            array = np.concatenate([blocks[0], array, blocks[1]], axis)
        return array
    frame = np.pad(np.zeros(np.shape(array), array.dtype), widths, constant_values=plain(values))
    sizes = np.shape(array)
    inside = [slice(before, before + n) for (before, _), n in zip(widths, sizes, strict=True)]
    return setitem(frame, tuple(inside), array)


def _block(value, array, axis, width):
    """Return ``value``, broadcast to ``width`` places beside ``array``."""
    sizes = [width if k == axis else size for k, size in enumerate(np.shape(array))]
    block = np.broadcast_to(value, sizes)
    return block if block.dtype == array.dtype else block.astype(array.dtype)


def _pad_axis(array, axis, width, mode, chosen):
    """Pad one axis by (before, after) places."""
    if np.shape(array)[axis] == 0:
        raise ValueError(f"can't extend empty axis {axis} using modes other than 'constant'")
    if mode == "linear_ramp":
        before, after = _ramps(array, axis, width, chosen)
    elif mode in _STATISTICS:
        before, after = _statistics(array, axis, width, mode, chosen)
    else:
        before, after = _mirrored(array, axis, width, mode, chosen)
    return np.concatenate([before, array, after], axis)


def _ramps(array, axis, width, ends):
    first, last = np.take(array, 0, axis), np.take(array, -1, axis)
    before = np.linspace(ends[0], first, width[0], endpoint=False, axis=axis)
    after = np.linspace(ends[1], last, width[1], endpoint=False, axis=axis)
    return before, np.flip(after, axis)


_STATISTICS: dict[str, Any] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}


def _statistics(array, axis, width, mode, lengths):
    n = np.shape(array)[axis]
    before, after = (n if length is None else min(int(length), n) for length in lengths)
    blocks = []
    for count, part in zip(width, (slice(0, before), slice(n - after, n)), strict=True):
        chunk = array[(slice(None),) * axis + (part,)]
        value = _STATISTICS[mode](chunk, axis=axis, keepdims=True)
        blocks.append(_block(value, array, axis, count))
    return blocks


def _mirrored(array, axis, width, mode, kind):
    """Repeat elements beyond the ends: NumPy itself, padding 0, 1, 2, ..., says which."""
    n = np.shape(array)[axis]
    places = np.pad(np.arange(n), width, mode)
    parts = [slice(0, width[0]), slice(width[0] + n, None)]
    blocks = [np.take(array, places[part], axis) for part in parts]
    if kind != "odd" or n == 1:
        return blocks
    shape = [-1 if k == axis else 1 for k in range(np.ndim(array))]
    sign, *weights = (np.reshape(x, shape) for x in _odd_weights(n, width, mode, array.dtype))
    ends = [np.take(array, [k], axis) for k in (0, n - 1)]
    before = (slice(None),) * axis
    return [
        sign[(*before, part)] * block
        + weights[0][(*before, part)] * ends[0]
        + weights[1][(*before, part)] * ends[1]
        for block, part in zip(blocks, parts, strict=True)
    ]


def _odd_weights(n, width, mode, dtype):
    """What a place has of the element mirrored there, of the first and of the last element.

    Odd reflection is linear: padding unit vectors gives the weights. Between the ends a place has
    one mirrored element, and its sign; the ends enter again with every reflection.
    """
    between, first, last = np.ones(n, int), np.zeros(n, int), np.zeros(n, int)
    between[[0, -1]] = 0
    first[0], last[-1] = 1, 1
    padded = [np.pad(x, width, mode, reflect_type="odd") for x in (between, first, last)]
    return [x.astype(dtype) for x in padded]
