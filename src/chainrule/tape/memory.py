"""Regions of memory: indices, steps to a view, copies that are laid out alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import Tracer, array_behind, is_traced, top_trace

Steps = tuple[tuple[Any, tuple[Any, ...]], ...]
"""How to get from an owner's array to a view's region: calls with their further arguments."""

_BASIC = frozenset((int, slice, type(None), type(Ellipsis), np.int64, np.intp))


def walk(steps: Steps, array: Any) -> Any:
    """Follow the steps of a view from its owner's array."""
    for call, args in steps:
        array = call(array, *args)
    return array


def is_basic(index: Any) -> bool:
    """Tell whether an index makes a view: integers, slices, None and Ellipsis."""
    kind = type(index)
    if kind in _BASIC:
        return True
    if kind is tuple:
        for item in index:  # noqa: SIM110 - twice as fast as a generator
            if type(item) not in _BASIC and not is_basic(item):
                return False
        return True
    return isinstance(index, np.integer)


def frozen(index: Any) -> Any:
    """Copy the arrays and lists of an advanced index: they may change before the sweep."""
    if type(index) is tuple:
        return tuple(frozen(i) for i in index)
    if isinstance(index, list):
        return np.array(index) if index else np.array(index, np.intp)
    return index.copy("K") if isinstance(index, np.ndarray) else index


def is_mask(index: Any) -> bool:
    """Tell a boolean mask."""
    return isinstance(index, np.ndarray) and index.dtype == bool


def writable_copy(value: Any) -> Any:
    """Copy an array; the copy is laid out alike, so that it has the same views."""
    return laid_out_as(value, value)


def laid_out_as(like: Any, value: Any) -> Any:
    """Copy ``value`` into memory laid out as ``like``; either may be traced."""
    model = array_behind(like)
    if is_traced(value) and model.flags.forc and array_behind(value).strides == model.strides:
        return np.copy(value)
    copy = lift(with_layout(model, array_behind(value).dtype), value)
    copy[...] = value
    return copy


def zeros_laid_out_as(value: Any) -> Any:
    """Make zeros of the same shape, dtype and strides."""
    if value.flags.forc or may_overlap_itself(value):
        return np.zeros_like(value)
    return with_layout(value)


def with_layout(value: Any, dtype: Any = None) -> Any:
    """Make an array of the same shape, dtype and strides; zeros, if it is not in one piece."""
    is_another = dtype is not None and dtype != value.dtype
    if value.flags.forc or may_overlap_itself(value) or is_another:
        return np.empty_like(value, dtype)
    low, high = np.lib.array_utils.byte_bounds(value)
    memory = np.zeros(high - low, np.uint8)
    start = value.__array_interface__["data"][0] - low
    return np.ndarray(value.shape, value.dtype, memory, start, value.strides)


def may_overlap_itself(value: Any) -> bool:
    """Tell whether two places of an array may be one in memory, as those of windows are."""
    reach = 0
    axes = zip(value.strides, value.shape, strict=True)
    for stride, n in sorted((abs(s), n) for s, n in axes if n > 1):
        if stride <= reach:
            return True
        reach += stride * (n - 1)
    return False


def lift(buffer: Any, value: Any) -> Any:
    """Make a buffer one of all the outer traces that the value to be stored belongs to."""
    top = top_trace([value])
    if top is None or (isinstance(buffer, Tracer) and buffer.scope.level >= top.level):
        return buffer
    for part in value.current().parts():
        buffer = lift(buffer, part)
    return top.constant(buffer)


def winners_of(target: Any, index: Any) -> Any:
    """Mask of the stored elements that survive: of duplicates in an index the last one does."""
    if is_mask(index):
        return None
    order = np.full(target.shape, -1)
    stored = np.arange(order[index].size).reshape(order[index].shape)
    order[index] = stored
    survive = order[index] == stored
    return None if survive.all() else survive
