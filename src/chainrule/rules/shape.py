"""Changing the shape or the order of elements: linear functions, the transpose undoes them."""

from __future__ import annotations

import numpy as np

from .._core import TABLE, is_traced
from ..errors import UnsupportedError
from ._forms import composite, linear
from .indexing import scatter_add

# ------------------------------------------------------------------------------ reshape, ravel


def _reshape(a, shape, order="C", copy=None):
    if order == "A":  # the layout of tangents and cotangents may be another
        raise UnsupportedError(
            "np.reshape with order='A' has no derivative rule: it depends on the memory layout",
            "give order='C' or order='F'",
        )
    if copy is None:
        if type(a) is np.ndarray:  # the method is faster by half a microsecond
            return a.reshape(shape, order=order)
        return np.reshape(a, shape, order=order)
    return np.reshape(a, shape, order=order, copy=copy)


@linear(_reshape, name="reshape")
def reshape(ct, a, shape, order="C", copy=None):
    return np.reshape(ct, np.shape(a), order=order)


TABLE[np.reshape] = TABLE.pop(_reshape)


@composite(np.ravel)
def ravel(a, order="C"):
    a = a if is_traced(a) else np.asarray(a)
    if order == "K":
        a, order = np.transpose(a, _as_in_memory(a.strides)), "C"
    if order == "A":
        order = "F" if a.flags.fnc else "C"
    flat = np.reshape(a, -1, order=order)
    return flat if a.flags[f"{order}_CONTIGUOUS"] else np.copy(flat)  # never a strided view


def _as_in_memory(strides):
    """Return the axes as they follow each other in memory: the one with the longest stride first.

    One of stride 0 stays where it is, as do those of equal strides.
    """
    axes: list[int] = []
    for k in reversed(range(len(strides))):
        place = 0
        for i, axis in enumerate(axes):
            if strides[axis] and strides[k]:
                if abs(strides[axis]) <= abs(strides[k]):
                    break
                place = i + 1
        axes.insert(place, k)
    return axes


# --------------------------------------------------------------------------- moving axes about


@linear(np.transpose)
def transpose(ct, a, axes=None):
    return np.transpose(ct, None if axes is None else inverse_permutation(axes))


def inverse_permutation(axes):
    """Return the permutation that undoes ``axes``."""
    return np.argsort([axis % len(axes) for axis in axes])


@linear(np.swapaxes)
def swapaxes(ct, a, axis1, axis2):
    return np.swapaxes(ct, axis1, axis2)


@linear(np.moveaxis)
def moveaxis(ct, a, source, destination):
    return np.moveaxis(ct, destination, source)


@composite(np.matrix_transpose)
def matrix_transpose(x):
    return np.swapaxes(x, -1, -2)


@composite(np.linalg.matrix_transpose)
def linalg_matrix_transpose(x):
    return np.swapaxes(x, -1, -2)


@composite(np.rollaxis)
def rollaxis(a, axis, start=0):
    n = np.ndim(a)
    axis, start = axis % n, start + n if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


# ------------------------------------------------------------------------- axes of size 1


@linear(np.squeeze)
def squeeze(ct, a, axis=None):
    return np.reshape(ct, np.shape(a))


@linear(np.expand_dims)
def expand_dims(ct, a, axis):
    return np.reshape(ct, np.shape(a))


@linear(np.broadcast_to)
def broadcast_to(ct, array, shape, subok=False):
    return ct  # summed centrally, as wherever an argument was broadcast


@composite(np.broadcast_arrays)
def broadcast_arrays(*args, subok=False):
    shape = np.broadcast_shapes(*(np.shape(x) for x in args))
    return tuple(np.broadcast_to(x, shape, subok=subok) for x in args)


@composite(np.atleast_1d)
def atleast_1d(*arys):
    results = tuple(x if np.ndim(x) else np.reshape(x, 1) for x in map(_array, arys))
    return results[0] if len(results) == 1 else results


@composite(np.atleast_2d)
def atleast_2d(*arys):
    results = tuple(x if np.ndim(x) > 1 else np.reshape(x, (1, -1)) for x in map(_array, arys))
    return results[0] if len(results) == 1 else results


@composite(np.atleast_3d)
def atleast_3d(*arys):
    results = tuple(
        np.expand_dims(x, -1) if np.ndim(x) == 2 else x if np.ndim(x) > 2 else _row_3d(x)
        for x in map(_array, arys)
    )
    return results[0] if len(results) == 1 else results


def _row_3d(x):
    return np.reshape(x, (1, np.size(x), 1))


def _array(x):
    return x if is_traced(x) else np.asarray(x)


# ------------------------------------------------------------------- the elements in another order


@linear(np.flip)
def flip(ct, m, axis=None):
    return np.flip(ct, axis)


@linear(np.fliplr)
def fliplr(ct, m):
    return np.fliplr(ct)


@linear(np.flipud)
def flipud(ct, m):
    return np.flipud(ct)


def opposite(shift):
    """Return the way back; the negative of an unsigned integer would be a large one."""
    return -shift if isinstance(shift, int) else np.negative(np.int64(shift))


@linear(np.roll)
def roll(ct, a, shift, axis=None):
    return np.roll(ct, opposite(shift), axis)


@linear(np.rot90)
def rot90(ct, m, k=1, axes=(0, 1)):
    return np.rot90(ct, -k, axes)


@linear(np.fft.fftshift)
def fftshift(ct, x, axes=None):
    return np.fft.ifftshift(ct, axes)


@linear(np.fft.ifftshift)
def ifftshift(ct, x, axes=None):
    return np.fft.fftshift(ct, axes)


# --------------------------------------------------------------------------------- repetitions


@linear(np.tile)
def tile(ct, A, reps):
    return np.sum(np.reshape(ct, _tiles(np.shape(A), reps)), axis=_tile_axes(np.ndim(A), reps))


def _tiles(shape, reps):
    """Shape of the tiled array with each axis split into (repetitions, original axis)."""
    reps = tuple(np.atleast_1d(reps).tolist())
    n = max(len(reps), len(shape))
    reps = (1,) * (n - len(reps)) + reps
    shape = (1,) * (n - len(shape)) + shape
    return [size for pair in zip(reps, shape, strict=True) for size in pair]


def _tile_axes(ndim, reps):
    return tuple(range(0, 2 * max(np.size(reps), ndim), 2))


@linear(np.repeat)
def repeat(ct, a, repeats, axis=None):
    return np.reshape(_summed_repeats(ct, np.shape(a), repeats, axis), np.shape(a))


def _summed_repeats(ct, shape, repeats, axis):
    """Add up what came from the same element."""
    if axis is None or not shape:
        shape, axis = (int(np.prod(shape)),), 0
    axis = axis % len(shape)
    if np.size(repeats) == 1:
        split = (*shape[: axis + 1], int(np.reshape(repeats, ())), *shape[axis + 1 :])
        return np.sum(np.reshape(ct, split), axis=axis + 1)
    source = np.repeat(np.arange(shape[axis]), repeats)
    return scatter_add(ct, (slice(None),) * axis + (source,), shape)


@composite(np.resize)
def resize(a, new_shape):
    count = int(np.prod(new_shape))
    if np.size(a) == 0 or count == 0:
        return np.zeros_like(a, shape=new_shape)
    return np.reshape(np.ravel(a)[np.arange(count) % np.size(a)], new_shape)


@linear(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(ct, x, window_shape, axis=None, subok=False, writeable=False):
    return scatter_add(ct, _windows(np.shape(x), window_shape, axis), np.shape(x))


def _windows(shape, window_shape, axis):
    """Return the index arrays that read every window, the windows' own axes last."""
    sizes = np.atleast_1d(window_shape).tolist()
    axes = list(range(len(shape))) if axis is None else np.atleast_1d(axis).tolist()
    axes = [k % len(shape) for k in axes]
    starts = list(shape)
    for k, size in zip(axes, sizes, strict=True):
        starts[k] -= size - 1
    grids = np.ix_(*map(np.arange, starts), *map(np.arange, sizes))
    offsets = list(zip(axes, grids[len(shape) :], strict=True))
    return tuple(
        grids[k] + sum(offset for axis, offset in offsets if axis == k) for k in range(len(shape))
    )


# ------------------------------------------------------------------------ diagonals, triangles


@linear(np.diagonal)
def diagonal(ct, a, offset=0, axis1=0, axis2=1):
    return on_diagonal(ct, np.shape(a), offset, axis1, axis2)


@linear(np.linalg.diagonal)
def linalg_diagonal(ct, x, offset=0):
    return on_diagonal(ct, np.shape(x), offset, -2, -1)


def on_diagonal(ct, shape, offset, axis1, axis2):
    """Zeros of ``shape`` with the last axis of ``ct`` along a diagonal of two of its axes."""
    n, m = shape[axis1], shape[axis2]
    pair = (axis1 % len(shape), axis2 % len(shape))
    rest = [size for k, size in enumerate(shape) if k not in pair]
    # Read row by row as one axis, a diagonal is a slice: no place is named twice.
    start = offset if offset >= 0 else -offset * m
    stop = start + np.shape(ct)[-1] * (m + 1)
    flat = scatter_add(np.moveaxis(ct, -1, 0), slice(start, stop, m + 1), (n * m, *rest))
    return np.moveaxis(np.reshape(flat, (n, m, *rest)), (0, 1), (axis1, axis2))


@linear(np.diag)
def diag(ct, v, k=0):
    return np.diagonal(ct, k) if np.ndim(v) == 1 else on_diagonal(ct, np.shape(v), k, 0, 1)


@composite(np.diagflat)
def diagflat(v, k=0):
    return np.diag(np.ravel(v), k)


@composite(np.trace)
def trace(a, offset=0, axis1=0, axis2=1):
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@composite(np.linalg.trace)
def linalg_trace(x, offset=0):
    return np.sum(np.diagonal(x, offset, -2, -1), axis=-1)


@linear(np.triu)
def triu(ct, m, k=0):
    return np.triu(ct, k)


@linear(np.tril)
def tril(ct, m, k=0):
    return np.tril(ct, k)


# --------------------------------------------------------------------------- a function along axes


@composite(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    axis = axis % np.ndim(arr)
    lines = np.moveaxis(arr, axis, -1)
    outer = np.shape(lines)[:-1]
    if 0 in outer:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [func1d(lines[(*place, Ellipsis)], *args, **kwargs) for place in np.ndindex(outer)]
    inner = np.shape(results[0])
    table = np.reshape(np.copy(np.stack(results), order="C"), (*outer, *inner))
    ends = range(len(outer), len(outer) + len(inner))
    return np.moveaxis(table, tuple(ends), tuple(range(axis, axis + len(inner))))


@composite(np.apply_over_axes)
def apply_over_axes(func, a, axes):
    value = a
    for axis in np.atleast_1d(axes).tolist():
        axis = axis % np.ndim(a)
        result = func(value, axis)
        value = result if np.ndim(result) == np.ndim(value) else np.expand_dims(result, axis)
    return value


@composite(np.meshgrid)
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = 1, 0
    grids = tuple(_along(x, axis, len(xi)) for x, axis in zip(xi, axes, strict=True))
    if not sparse:
        grids = np.broadcast_arrays(*grids, subok=True)
    return tuple(np.copy(x, order="C") for x in grids) if copy else grids


def _along(x, axis, n):
    """Lay a vector along one of ``n`` axes."""
    return np.reshape(x, [-1 if k == axis else 1 for k in range(n)])
