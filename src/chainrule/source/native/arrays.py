"""Arrays in memory: new ones, elements computed into them, other shapes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ir
from ..ir import Assign, Expr, Index, Lit, Var
from ..types import Type
from .code import INT, Make, Put, Reshape, number, plus, times
from .elements import in_memory
from .numbers import cast
from .state import Elements, Extent, State


def marks(extents: tuple[Extent, ...]) -> tuple[Var, ...]:
    """Return what stands for a place, to look at what is done with it."""
    return tuple(Var(INT, f"'{k}") for k in range(len(extents)))


def new_array(state: State, hint: str, dtype: np.dtype[Any], extents: tuple[Extent, ...]) -> Var:
    """Return a variable that holds a new array, with nothing in it yet."""
    type_ = Type("array", dtype, tuple(extent.size for extent in extents))
    name = state.fresh(hint)
    state.types[name] = type_
    state.emit(Make(name, dtype, tuple(extent.expr for extent in extents)))
    return Var(type_, name)


def materialised(state: State, source: Elements, dtype: np.dtype[Any] | None = None) -> Var:
    """Compute elements into an array of their own."""
    name = state.fresh("t")
    sizes = tuple(extent.size for extent in source.extents)
    state.types[name] = Type("array", dtype or source.dtype, sizes)
    compute(state, name, source)
    return Var(state.types[name], name)


def held(state: State, source: Elements) -> Elements:
    """Return elements that cost nothing to be read again and again."""
    if not source.extents:
        value = source.at(())
        found = value if isinstance(value, (Lit, Var)) else state.named("t", value)
        return Elements((), source.dtype, lambda _: found)
    return in_memory(materialised(state, source))


def compute(state: State, name: str, source: Elements, type_: Type | None = None) -> None:
    """Compute elements into a variable: a new array, or its own one where that makes no odds."""
    type_ = type_ or state.types[name]
    dtype = type_.dtype
    assert dtype is not None
    made = name
    if not _in_place(state, name, source, type_):
        probe = source.at(tuple(number(0) for _ in source.extents))
        state.note_shape(name, source.extents)
        for size, extent in zip(type_.sizes, source.extents, strict=True):
            state.rename_size(size, extent)
        if name in ir.names_in(probe):
            made = state.fresh(name)
        state.types[made] = type_
        state.emit(Make(made, dtype, tuple(extent.expr for extent in source.extents)))
    target = Var(type_, made)
    state.nest(
        source.extents, lambda index: state.emit(Put(target, index, cast(source.at(index), dtype)))
    )
    if made != name:
        state.emit(Assign(name, target))


def _in_place(state: State, name: str, source: Elements, type_: Type) -> bool:
    """Tell whether an array may be overwritten by what is computed from it."""
    if name not in state.unshared:
        return False
    here = marks(source.extents)
    parts = list(ir.walk(source.at(here)))
    reads = [e for e in parts if isinstance(e, Var) and e.name == name]
    loads = [e for e in parts if isinstance(e, Index) and e.base in reads]
    same = all(e.index == here for e in loads) and len(loads) == len(reads) > 0
    return same and tuple(e.size for e in source.extents) == type_.sizes


def is_whole(state: State, source: Elements) -> bool:
    """Tell whether elements are all those of an array in memory, in their order."""
    assert source.root is not None and source.index is not None
    here = marks(source.extents)
    sizes = [state.named_size(extent.size) for extent in source.extents]
    own = [state.named_size(size) for size in source.root.type.sizes]
    return source.index(here) == here and sizes == own


def in_shape(state: State, array: Var, extents: tuple[Extent, ...], always: bool = False) -> Var:
    """Return the memory of an array in another shape, also (``always``) of as many axes."""
    if len(extents) == array.type.ndim and not always:
        return array
    type_ = Type("array", array.type.dtype, tuple(extent.size for extent in extents))
    name = state.fresh(array.name)
    state.types[name] = type_
    state.memory[name] = array.name
    state.emit(Reshape(name, array, tuple(extent.expr for extent in extents)))
    return Var(type_, name)


def in_order(
    state: State, extents: tuple[Extent, ...], body: Callable[[tuple[Expr, ...]], None]
) -> None:
    """Write loops that run through all places one after the other."""
    index = tuple(state.counter() for _ in extents)
    with state.into([]) as inner:
        body(index)
    for var, extent in reversed(list(zip(index, extents, strict=True))):
        inner = [ir.For(var, number(0), extent.expr, number(1), inner)]
    state.block += inner


def ordinal(index: tuple[Expr, ...], extents: tuple[Extent, ...]) -> Expr:
    """Return how many places come before one."""
    count: Expr = number(0)
    for i, extent in zip(index, extents, strict=True):
        count = plus(times(count, extent.expr), i)
    return count
