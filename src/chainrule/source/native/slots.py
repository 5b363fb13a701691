"""Saved values of loops in arrays of their own, where it is known how much there will be.

What the iteration ``k`` of a loop saves goes to place ``k`` of an array that is made before the
loop, and the sweep back reads it there: no sizes have to be saved with it, no room made, and the
iterations do not depend on each other by way of a stack. What is not known ahead stays on a stack.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import ir
from ..ir import Assign, Expr, Index, Pop, Push, Var
from ..types import Type
from .ahead import Ahead
from .code import INT, Make, Put, apply, dtype_of, minus, number, renamed, scalar
from .elements import elements, write
from .indexing import subscript
from .numbers import cast
from .pairs import Pair, pairs_of
from .state import Elements, Extent, NotNative, State, is_axes

SAVED = "saved_by_"
"""In the names of the arrays of slots."""


@dataclass(slots=True)
class Slot:
    """Where a pair has its value: ``array[(k - low) // step, ...]``, with ``k`` of its loops."""

    pair: Pair
    array: Var | None = None
    variables: tuple[str, ...] = ()
    lows: tuple[Expr, ...] = ()
    steps: tuple[int, ...] = ()
    shape: tuple[Expr, ...] = ()
    """Of what is saved in an iteration, in terms of ``variables``."""


def note_slots(state: State, body: ir.Block) -> None:
    """Give each pair of a program a slot, still without an array."""
    for pair in pairs_of(body):
        slot = Slot(pair)
        state.slots[id(pair.push)] = state.slots[id(pair.pop)] = slot


def moves(state: State, statement: Push | Pop) -> bool:
    """Append a push or a pop of a value that has a slot; return False if it has none."""
    if isinstance(statement, Push):
        return _save(state, statement)
    return _restore(state, statement)


def _save(state: State, push: Push) -> bool:
    """Save a value in its slot; return False if there can be none."""
    slot = state.slots.get(id(push))
    if slot is None or not _can_be(state, slot):
        return False
    before, known = len(state.block), dict(state.extents[-1])
    source = elements(state, push.value)
    if not _is_made(state, slot, source, push.value.type):
        del state.block[before:]
        state.extents[-1] = known
        return False
    assert slot.array is not None
    array, here = slot.array, _place(state, slot)
    state.nest(
        source.extents,
        lambda i: state.emit(Put(array, (*here, *i), cast(source.at(i), source.dtype))),
    )
    return True


def _can_be(state: State, slot: Slot) -> bool:
    value, target = slot.pair.push.value, slot.pair.pop.target
    odd = {*state.flags, *state.unset}
    places = [*(value.index if isinstance(value, Index) else ()), *(slot.pair.pop.index or ())]
    return (
        value.type.dtype is not None
        and not isinstance(value, ir.Choice)
        and not any(is_axes(place.type) for place in places)
        and not (ir.names_in(value) | {target.name}) & odd
        and len(state.around) == len(slot.pair.loops)
    )


def _is_made(state: State, slot: Slot, source: Elements, type_: Type) -> bool:
    """Make the array of a slot before the outermost loop, if its shape can be known there."""
    ahead = Ahead(state)
    ranges = ahead.ranges()
    shape = [ahead.extent(extent) for extent in source.extents]
    most = [None if e is None or ranges is None else ahead.most(e) for e in shape]
    if ranges is None or any(e is None for e in most):
        return False
    name = state.fresh(f"{SAVED}{source.dtype.str[1:]}")
    state.types[name] = Type("array", source.dtype, tuple(f"{name}'{k}" for k in range(
        len(ranges) + len(shape))))  # fmt: skip
    extents = [ahead.named(e) for e in (*(count for _, count, _ in ranges), *filter(None, most))]
    state.around[0].before.append(Make(name, source.dtype, tuple(extents)))
    slot.array = Var(state.types[name], name)
    slot.variables = tuple(around.var for around in state.around)
    slot.lows = tuple(ahead.named(low) for low, _, _ in ranges)
    slot.steps = tuple(step for _, _, step in ranges)
    inner = {around.var for around in state.around}
    slot.shape = tuple(
        e if ir.names_in(e) & inner else ahead.named(e) for e in shape if e is not None
    )
    return True


def _place(state: State, slot: Slot) -> tuple[Expr, ...]:
    loops = (Var(INT, around.var) for around in state.around)
    ahead = [minus(k, low) for k, low in zip(loops, slot.lows, strict=True)]
    return tuple(
        place if step == 1 else apply(np.floor_divide, INT, place, number(step))
        for place, step in zip(ahead, slot.steps, strict=True)
    )


def _restore(state: State, pop: Pop) -> bool:
    """Take a value back from its slot; return False if it has none."""
    slot = state.slots.get(id(pop))
    if slot is None or slot.array is None:
        return False
    array, here = slot.array, _place(state, slot)
    type_ = scalar(array.type.dtype)

    def saved(i: tuple[Expr, ...]) -> Expr:
        return Index(type_, array, (*here, *i))

    name = pop.target.name
    if pop.index is not None:
        whole = elements(state, pop.target)
        place = subscript(state, whole, pop.index) if pop.index and whole.extents else whole
        if not whole.extents:
            state.emit(Assign(name, saved(())))
        elif place.root is None or place.index is None:
            raise NotNative(f"a store into {name}")
        else:
            state.nest(place.extents, lambda i: write(state, place, i, saved(i)))
        return True
    target = state.types.setdefault(name, pop.target.type)
    dtype = dtype_of(Var(target, name))
    if not is_axes(target):
        state.emit(Assign(name, cast(saved(()), dtype)))
        return True
    pairs = zip(slot.variables, state.around, strict=True)
    now: dict[str, Expr] = {old: Var(INT, around.var) for old, around in pairs}
    moved = [renamed(e, now) for e in slot.shape]
    shape = [e if isinstance(e, Var) else state.integer(e) for e in moved]
    extents = tuple(Extent(e, s) for e, s in zip(shape, target.sizes, strict=True))
    state.emit(Make(name, dtype, tuple(shape)))
    for extent in extents:
        state.rename_size(extent.size, extent)
    state.nest(extents, lambda i: state.emit(Put(Var(target, name), i, cast(saved(i), dtype))))
    return True
