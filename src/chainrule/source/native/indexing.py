"""Indices of arrays as arithmetic on places: integers, slices, new axes, index arrays and masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..integers import size_of
from ..ir import Assign, Expr, If, Index, Lit, Seq, Slice, Var
from ..sizes import slice_size
from ..types import Size, Type, unknown_size
from . import runtime
from .code import (
    INT,
    Gather,
    Make,
    Put,
    apply,
    dtype_of,
    minus,
    number,
    plus,
    scalar,
    split_shift,
    times,
    whole,
)
from .elements import aligned, array, broadcast, elements, listed, number_of
from .numbers import literal
from .state import Elements, Extent, NotNative, State, is_axes

Where = Callable[[tuple[Expr, ...]], Expr]
"""The place along one axis of the base, from an index of the result."""


def indexed(state: State, expr: Index) -> Elements:
    """Return the elements of ``base[index]``."""
    return subscript(state, elements(state, expr.base), expr.index)


def subscript(state: State, base: Elements, index: tuple[Expr, ...]) -> Elements:
    """Return the part of an array that an index names."""
    made = _Subscript(state, base)
    for entry in _entries(state, base, index):
        made.take(entry)
    return made.result()


def is_plain_index(index: tuple[Expr, ...]) -> bool:
    """Tell whether no place is named twice for certain: there are no index arrays."""
    return not any(
        is_axes(entry.type) or isinstance(entry, Seq) or isinstance(_known(entry), _ARRAYS)
        for entry in entries_of(index)
    )


_ARRAYS = (list, tuple, range, np.ndarray)
"""Types of known entries of an index that are index arrays."""


def _known(entry: Expr) -> Any:
    """Return what is known of an entry."""
    return entry.value if isinstance(entry, Lit) else None


def entries_of(index: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Return the entries of an index that may be one tuple; in it a tuple is an index array."""
    if len(index) != 1:
        return index
    (whole,) = index
    if isinstance(whole, Lit) and isinstance(whole.value, tuple):
        return tuple(Lit(whole.type, entry) for entry in whole.value)
    return whole.items if isinstance(whole, Seq) and whole.kind == "tuple" else index


def _entries(state: State, base: Elements, index: tuple[Expr, ...]) -> list[Any]:
    """Return one entry for each axis of the base, and None for each new axis."""
    found: list[Any] = []
    for entry in entries_of(index):
        found += _opened(state, entry)
    taken = sum(1 for entry in found if entry is not None and entry is not Ellipsis)
    missing = [slice(None)] * (len(base.extents) - taken)
    if Ellipsis not in [entry if entry is Ellipsis else 0 for entry in found]:
        return found + missing
    k = next(k for k, entry in enumerate(found) if entry is Ellipsis)
    return found[:k] + missing + found[k + 1 :]


def _opened(state: State, entry: Expr) -> list[Any]:
    if isinstance(entry, Lit):
        value = entry.value
        if value is None or value is Ellipsis:
            return [value]
        if isinstance(value, slice):
            return [value]
        if isinstance(value, (bool, np.bool_)):
            raise NotNative(f"the index {value!r}")
        if isinstance(value, _ARRAYS):
            return _known_places(state, np.asarray(value))
        if not isinstance(value, (int, np.integer)):
            raise NotNative(f"the index {value!r}")
        return [literal(value)]
    if isinstance(entry, Slice):
        return [entry]
    if isinstance(entry, Seq):
        return [_list(state, entry)]
    if is_axes(entry.type):
        if entry.type.dtype == np.dtype(bool):
            extents = elements(state, entry).extents
            return [*map(_Masked, places(state, entry), extents)]
        return [_at_places(elements(state, entry))]
    if entry.type.dtype is None or entry.type.dtype.kind not in "iu":
        raise NotNative("an index that is neither an integer nor a slice")
    return [number_of(state, entry)]


def _at_places(entry: Elements) -> Elements:
    """Return an index array whose elements are places."""
    return replace(entry, dtype=np.dtype(np.int64), at=lambda i: whole(entry.at(i)))


def _known_places(state: State, value: Any) -> list[Any]:
    """Return an index array that is known, or those of a mask."""
    arrays = np.nonzero(value) if value.dtype == bool else [value.astype(np.int64)]
    if not all(array.ndim for array in arrays):
        return [literal(array) for array in arrays]
    return [elements(state, Lit(Type("array", a.dtype, a.shape), a)) for a in arrays]


def _list(state: State, entry: Seq) -> Elements:
    """Return a list of integers as an index array."""
    dtypes = [item.type.dtype for item in entry.items]
    if any(is_axes(item.type) for item in entry.items) or not all(
        dtype is not None and dtype.kind in "iu" for dtype in dtypes
    ):
        raise NotNative("a list of other things than integers as an index")
    type_ = Type("array", np.dtype(np.int64), (len(entry.items),))
    items = [whole(number_of(state, item)) for item in entry.items]
    return elements(state, listed(state, type_, type_.sizes, items))


class _Masked(NamedTuple):
    """The places along an axis where a mask is true, and how many the mask has itself."""

    places: Elements
    extent: Extent


class _Subscript:
    """An index that is taken apart entry by entry."""

    def __init__(self, state: State, base: Elements) -> None:
        self.state, self.base = state, base
        self.left = list(base.extents)
        self.where: list[Any] = []
        """For each axis of the base: a place, ``(axis of the result, start, step)`` or an array."""
        self.axes: list[Extent] = []
        """The extent of each axis of the result, without those of the index arrays."""
        self.arrays: list[Elements] = []
        self.first_array: int | None = None
        self.apart = False

    def take(self, entry: Any) -> None:
        if entry is None:
            self.axes.append(Extent(number(1), 1))
            return
        extent = self.left.pop(0)
        if isinstance(entry, (slice, Slice)):
            start, step, places = _slice(self.state, entry, extent)
            self.where.append((len(self.axes), start, step))
            self.axes.append(places)
        elif isinstance(entry, _Masked):
            self.state.same(extent, entry.extent)
            self._array(entry.places, extent)
        elif isinstance(entry, Elements):
            self._array(entry, extent)
        else:
            self.where.append(self.state.place(entry, extent.expr))

    def _array(self, entry: Elements, extent: Extent) -> None:
        if self.first_array is None:
            self.first_array = len(self.axes)
        elif len(self.axes) != self.first_array:
            self.apart = True
        self.where.append((entry, extent))
        self.arrays.append(entry)

    def result(self) -> Elements:
        """Return the part."""
        joint = broadcast(self.state, [x.extents for x in self.arrays])
        at = 0 if self.apart or self.first_array is None else self.first_array
        n = len(joint)
        extents = (*self.axes[:at], *joint, *self.axes[at:])
        steps = [self._step(w, at, n, joint) for w in self.where]

        def index(places: tuple[Expr, ...]) -> tuple[Expr, ...]:
            return tuple(step(places) for step in steps)

        base = self.base
        inner = base.index
        return Elements(
            extents,
            base.dtype,
            lambda places: base.at(index(places)),
            base.root,
            None if inner is None else lambda places: inner(index(places)),
            base.part,
        )

    def _step(self, where: Any, at: int, n: int, joint: tuple[Extent, ...]) -> Where:
        if isinstance(where, Expr):
            return lambda _: where
        if isinstance(where[0], Elements):
            entry, extent = where
            place = aligned(self.state, entry.extents, joint)
            return lambda i: apply(runtime.at, INT, entry.at(place(i[at : at + n])), extent.expr)
        axis, start, step = where
        axis = axis + n if axis >= at and n and self.first_array is not None else axis

        def along(i: tuple[Expr, ...]) -> Expr:
            return plus(times(i[axis], step), start)

        return along


def _slice(state: State, entry: slice | Slice, extent: Extent) -> tuple[Expr, Expr, Extent]:
    """Return where a slice starts, its step, and how many places it has."""
    parts: list[Expr | None] = []
    for part in (entry.start, entry.stop, entry.step):
        value = part if part is None or isinstance(part, Expr) else Lit(INT, part)
        is_none = value is None or (isinstance(value, Lit) and value.value is None)
        parts.append(None if is_none else value)
    size = _size(state, extent.size, parts)
    start, stop, step = [None if part is None else whole(number_of(state, part)) for part in parts]
    n = extent.expr
    if step is None and _is_one_place(state, start, stop):
        assert start is not None
        state.rely_on_place(start, n)
        return start, number(1), Extent(number(1), 1)
    if step is None or (isinstance(step, Lit) and step.value == 1):
        low: Expr = number(0) if start is None else _start(state, start, n)
        if stop is None and isinstance(low, Lit) and low.value == 0:
            return low, number(1), extent
        return low, number(1), _forwards(state, low, stop, n, size)
    if not isinstance(step, Lit):
        raise NotNative("a slice whose step is not known")
    if step.value > 0:
        low = number(0) if start is None else _start(state, start, n)
        high = n if stop is None else _bound(state, stop, n)
    else:
        low = plus(n, number(-1)) if start is None else _down(state, start, n)
        high = number(-1) if stop is None else _down(state, stop, n)
    low = state.integer(low, "low")
    places = state.integer(apply(runtime.count, INT, low, high, step))
    return low, step, Extent(places, size)


def _is_one_place(state: State, start: Expr | None, stop: Expr | None) -> bool:
    """Tell whether a slice is ``i : i + 1``; it is relied on that there is such a place."""
    if state.wraps or start is None or stop is None or isinstance(start, Lit):
        return False
    (base, shift), (other, next_shift) = split_shift(start), split_shift(stop)
    return base == other and next_shift == shift + 1


def _size(state: State, n: Size, parts: list[Expr | None]) -> Size:
    """Return the symbol of the size of a slice."""
    ends = [None if part is None else size_of(part, state.numbers) for part in parts]
    if any(part is not None and end is None for part, end in zip(parts, ends, strict=True)):
        return unknown_size()
    return slice_size(n, ends[0], ends[1], 1 if ends[2] is None else ends[2])


def _forwards(state: State, low: Expr, stop: Expr | None, n: Expr, size: Size) -> Extent:
    """Return how many places lie between two ends."""
    found = state.known_extent(size)
    if found is None:
        high = n if stop is None else _bound(state, stop, n)
        places = minus(high, low)
        if isinstance(places, Lit):
            places = number(max(places.value, 0))
        else:
            places = state.integer(apply(max, INT, places, number(0)))
        found = state.note_extent(size, places)
    return found


def _start(state: State, place: Expr, n: Expr) -> Expr:
    """Return where a slice starts; one that starts behind the end has no places."""
    return place if isinstance(place, Lit) and place.value >= 0 else _bound(state, place, n)


def _bound(state: State, place: Expr, n: Expr) -> Expr:
    if isinstance(n, Lit) and isinstance(place, Lit):
        return number(slice(place.value, None).indices(n.value)[0])
    if isinstance(place, Lit) and place.value == 0:
        return place
    if isinstance(place, Lit) and place.value < 0:
        return plus(n, place)
    return state.integer(apply(runtime.bound, INT, place, n), "low")


def _down(state: State, place: Expr, n: Expr) -> Expr:
    return state.integer(apply(runtime.bound_down, INT, place, n), "low")


# ---------------------------------------------------------------------------------- masks


def places(state: State, mask: Expr) -> list[Elements]:
    """Return the places where a mask is true, as one array of indices for each of its axes."""
    where = elements(state, array(state, mask))
    total = state.fresh("count")
    state.types[total] = INT
    state.emit(Assign(total, number(0)))

    def count(index: tuple[Expr, ...]) -> None:
        state.emit(If(where.at(index), [Gather(total, np.add, number(1), INT)], []))

    state.nest(where.extents, count)
    size = unknown_size()
    extent = Extent(Var(INT, total), size)
    type_ = Type("array", np.dtype(np.int64), (size,))
    found = [Var(type_, state.fresh("places")) for _ in where.extents]
    for var in found:
        state.types[var.name] = type_
        state.emit(Make(var.name, np.dtype(np.int64), (extent.expr,)))
    at = state.counter("at")
    state.emit(Assign(at.name, number(0)))

    def note(index: tuple[Expr, ...]) -> None:
        with state.into([]) as then:
            for var, place in zip(found, index, strict=True):
                state.emit(Put(var, (at,), place))
            state.emit(Assign(at.name, plus(at, number(1))))
        state.emit(If(where.at(index), then, []))

    state.nest(where.extents, note)
    return [Elements((extent,), dtype_of(var), _of(var)) for var in found]


def _of(var: Var) -> Callable[[tuple[Expr, ...]], Expr]:
    return lambda index: Index(scalar(np.int64), var, index)
