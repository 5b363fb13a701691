"""Saved values: one stack for each dtype, in memory that grows when it must."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ir
from ..ir import Assign, Expr, Index, Lit, Var
from ..types import Type
from . import runtime
from .code import INT, PART, STACK, Do, Make, Part, Put, minus, number, plus, scalar, times
from .elements import elements, number_of
from .indexing import subscript
from .state import Elements, NotNative, State, is_axes

_INTEGERS = np.dtype(np.int64)


def stack_of(state: State, dtype: np.dtype[Any]) -> tuple[Var, Var]:
    """Return the stack of a dtype and the number of its elements in use."""
    name = f"{STACK}{dtype.str[1:]}"
    if name not in state.types:
        state.types[name] = Type("array", dtype, ("stack",))
        state.types[f"top_{dtype.str[1:]}"] = INT
        state.stacks[name] = dtype
    return Var(state.types[name], name), Var(INT, f"top_{dtype.str[1:]}")


def push(state: State, value: Expr) -> None:
    """Save a number, or an array with its shape."""
    if value.type.dtype is None:
        if isinstance(value, Lit):
            return
        raise NotNative("a saved value that is neither a number nor an array")
    if not is_axes(value.type):
        found = number_of(state, value)
        _save(state, found, value.type.dtype)
        return
    source = elements(state, value)
    stack, top = stack_of(state, source.dtype)
    size: Expr = number(1)
    for extent in source.extents:
        size = times(size, extent.expr)
    size = state.integer(size)
    state.emit(Do((stack.name,), runtime.room, (stack, top, size), (stack.type,)))
    # as an array with axes of its own, so that the loops are like any others
    part = Var(
        Type("array", source.dtype, value.type.sizes), state.fresh(f"{stack.name}{PART[:-1]}")
    )
    state.types[part.name] = part.type
    extents = tuple(extent.expr for extent in source.extents)
    state.emit(Part(part.name, stack, top, size, extents))
    state.nest(source.extents, lambda index: state.emit(Put(part, index, source.at(index))))
    state.emit(Assign(top.name, plus(top, size)))
    for extent in source.extents:
        _save(state, extent.expr, _INTEGERS)


def _save(state: State, value: Expr, dtype: np.dtype[Any]) -> None:
    stack, top = stack_of(state, dtype)
    state.emit(Do((stack.name,), runtime.room, (stack, top, number(1)), (stack.type,)))
    state.emit(Put(stack, (top,), value))
    state.emit(Assign(top.name, plus(top, number(1))))


def _restore(state: State, dtype: np.dtype[Any], hint: str) -> Var:
    stack, top = stack_of(state, dtype)
    state.emit(Assign(top.name, minus(top, number(1))))
    return state.named(hint, Index(scalar(dtype), stack, (top,)))


def pop(state: State, statement: ir.Pop) -> None:
    """Take what was saved last."""
    target = statement.target
    type_ = state.types[target.name]
    if statement.index is not None:
        _pop_into(state, statement)
    elif type_.dtype is None:
        raise NotNative("a saved value that is neither a number nor an array")
    elif not is_axes(type_):
        found = _restore(state, type_.dtype, "saved")
        state.emit(Assign(target.name, found))
    else:
        _pop_array(state, target.name, type_, statement.copy)


def _pop_array(state: State, name: str, type_: Type, copy: bool) -> None:
    extents: list[Expr] = []
    for size in reversed(type_.sizes):
        found = _restore(state, _INTEGERS, "n")
        extents.insert(0, number(size) if isinstance(size, int) else found)
    assert type_.dtype is not None
    part = _taken(state, type_, tuple(extents))
    if not copy and state.pops_are_final:
        state.emit(Assign(name, part))
        return
    state.emit(Make(name, type_.dtype, tuple(extents)))
    source = elements(state, part)
    target = Var(type_, name)
    state.nest(source.extents, lambda index: state.emit(Put(target, index, source.at(index))))


def _taken(state: State, type_: Type, extents: tuple[Expr, ...]) -> Var:
    """Return the array that was saved last, where it lies on the stack."""
    assert type_.dtype is not None
    stack, top = stack_of(state, type_.dtype)
    size: Expr = number(1)
    for extent in extents:
        size = times(size, extent)
    size = state.integer(size)
    state.emit(Assign(top.name, minus(top, size)))
    part = Var(type_, state.fresh(f"{stack.name}{PART[:-1]}"))
    state.types[part.name] = type_
    state.emit(Part(part.name, stack, top, size, extents))
    return part


def _pop_into(state: State, statement: ir.Pop) -> None:
    assert statement.index is not None
    whole = elements(state, statement.target)
    if not whole.extents:
        state.emit(Assign(statement.target.name, _restore(state, whole.dtype, "saved")))
        return
    place = subscript(state, whole, statement.index) if statement.index else whole
    if place.root is None or place.index is None:
        raise NotNative(f"a store into {statement.target.name}")
    if not place.extents:
        state.emit(Put(place.root, place.index(()), _restore(state, place.dtype, "saved")))
        return
    source = _saved_like(state, place)
    root, index = place.root, place.index
    state.nest(place.extents, lambda i: state.emit(Put(root, index(i), source.at(i))))


def _saved_like(state: State, place: Elements) -> Elements:
    """Return what was saved of a part of an array."""
    _, top = stack_of(state, _INTEGERS)
    state.emit(Assign(top.name, minus(top, number(len(place.extents)))))
    type_ = Type("array", place.dtype, tuple(extent.size for extent in place.extents))
    part = _taken(state, type_, tuple(extent.expr for extent in place.extents))
    return Elements(place.extents, place.dtype, lambda i: Index(scalar(place.dtype), part, i))
