"""Stores: what is written into a part of an array."""

from __future__ import annotations

import numpy as np

from .. import ir
from ..ir import Assign, Expr, Index, Var
from ..types import Type
from .arrays import held, in_order, marks
from .code import apply, number
from .elements import aligned, elements, number_of, write
from .indexing import is_plain_index, subscript
from .numbers import cast, elementwise
from .state import Elements, Extent, NotNative, State, is_axes


def store(state: State, statement: ir.Store) -> None:
    """Append a store."""
    target = statement.target
    if not is_axes(target.type) and target.name not in state.views:
        _store_number(state, statement)
        return
    whole = elements(state, target)
    place = whole
    if statement.index:
        place = subscript(state, whole, statement.index)
    if place.root is None or place.index is None:
        raise NotNative(f"a store into {target.name}")
    put(state, place, statement.value, statement.op, statement.at, is_plain_index(statement.index))


def _store_number(state: State, statement: ir.Store) -> None:
    """Store into an array without axes, which is a number here."""
    type_ = Type("python", statement.target.type.dtype)
    value = number_of(state, statement.value)
    if statement.op is not None:
        value = apply(getattr(np, statement.op), type_, Var(type_, statement.target.name), value)
    assert type_.dtype is not None
    state.emit(Assign(statement.target.name, cast(value, type_.dtype)))


def put(
    state: State, place: Elements, value: Expr, op: str | None, at: bool, is_plain: bool
) -> None:
    """Write a value into a part of an array; the value is computed before anything is written."""
    source = _without_leading_axes(state, elements(state, value), len(place.extents))
    if _overlaps(state, source, place, is_plain):
        source = held(state, source)
    own = aligned(state, source.extents, place.extents)
    _fits(state, source, place)
    if op is not None and not at and not is_plain:
        source, op = _applied(state, place, value, source, op), None
        own = tuple

    def body(i: tuple[Expr, ...]) -> None:
        write(state, place, i, source.at(own(i)), op)

    if is_plain:
        state.nest(place.extents, body)
    else:
        in_order(state, place.extents, body)


def _without_leading_axes(state: State, source: Elements, ndim: int) -> Elements:
    """Leave out the axes of one place that a value has more than its place, as NumPy does."""
    extra = max(len(source.extents) - ndim, 0)
    if not extra:
        return source
    for extent in source.extents[:extra]:
        state.same(extent, Extent(number(1), 1))
    first = (number(0),) * extra
    return Elements(source.extents[extra:], source.dtype, lambda i: source.at((*first, *i)))


def _applied(state: State, place: Elements, value: Expr, source: Elements, op: str) -> Elements:
    """Compute ``place op value``: with index arrays all is read before anything is written."""
    own = aligned(state, source.extents, place.extents)
    type_ = Type("array", place.dtype, tuple(extent.size for extent in place.extents))
    call = ir.Call(type_, getattr(np, op), (Var(type_, "a"), Var(value.type, "b")))
    both = Elements(
        place.extents,
        place.dtype,
        lambda i: elementwise(call, [place.at(i), source.at(own(i))]),
    )
    return held(state, both)


def _fits(state: State, source: Elements, place: Elements) -> None:
    """Rely on the value having the sizes of the part, or size 1."""
    pairs = zip(reversed(source.extents), reversed(place.extents), strict=False)
    for own, extent in pairs:
        if own.size != 1:
            state.same(own, extent)


def _overlaps(state: State, source: Elements, place: Elements, is_plain: bool) -> bool:
    """Tell whether a value reads what is written, other than at the place being written.

    Index arrays (``is_plain`` is False) may name a place twice: it is read after it was written.
    In another shape the same memory has other indices.
    """
    assert place.root is not None and place.index is not None
    ndim = len(place.extents)
    here = marks(place.extents)
    own = here[ndim - len(source.extents) :]
    target = place.index(here)
    for e in ir.walk(source.at(own)):
        if not isinstance(e, Index) or not isinstance(e.base, Var):
            continue
        if state.memory_of(e.base.name) != state.memory_of(place.root.name):
            continue
        is_here = e.base.name == place.root.name and e.index == target
        if not is_here or len(source.extents) != ndim or not is_plain:
            return ndim > 0
    return False
