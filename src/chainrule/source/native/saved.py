"""Saved values: one stack for each dtype, in memory that grows when it must."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import ir
from ..ir import Assign, Choice, Dim, Expr, If, Index, Lit, Var
from ..types import Size, Type
from . import interpreter, runtime
from .arrays import in_order
from .code import (
    BOOL,
    INT,
    PART,
    STACK,
    Do,
    Make,
    Part,
    Put,
    apply,
    minus,
    number,
    plus,
    scalar,
    times,
)
from .elements import elements, number_of, truth, write
from .indexing import subscript
from .masked import covers
from .state import Elements, Extent, NotNative, State, is_axes

_INTEGERS = np.dtype(np.int64)


def stack_of(state: State, dtype: np.dtype[Any]) -> tuple[Var, Var]:
    """Return the stack of a dtype and the number of its elements in use."""
    name = f"{STACK}{state.list}{'_' * bool(state.list)}{dtype.str[1:]}"
    if name not in state.stacks:
        state.types[name] = Type("array", dtype, ("stack",))
        state.types[top_of(name)] = INT
        state.stacks[name] = dtype
    return Var(state.types[name], name), Var(INT, top_of(name))


def top_of(stack: str) -> str:
    """Return the variable that says how many numbers lie on a stack."""
    return stack.replace("stack", "top", 1)


def given_top_of(stack: str) -> str:
    """Return the parameter that says how much is on a stack when a kernel is called."""
    return f"{top_of(stack)}_given"


def push(state: State, value: Expr) -> None:
    """Save a number, or an array with its shape."""
    if value.type.dtype is None:
        interpreter.push(state, value)
        return
    if not is_axes(value.type):
        if isinstance(value, Var) and value.name in state.flags:
            raise NotNative("a saved number that may be None")
        found = number_of(state, value)
        _save(state, found, value.type.dtype)
        return
    if isinstance(value, Var) and value.name in state.flags:
        _push_if(state, state.flags[value.name], value)
        return
    if isinstance(value, Choice) and isinstance(value.b, Lit) and value.b.value is None:
        _push_if(state, truth(state, value.condition), value.a)
        return
    if isinstance(value, Index) and len(value.index) == 1:
        (mask,) = value.index
        if covers(mask, value.base.type):
            _push_masked(state, elements(state, value.base), elements(state, mask))
            return
    source = elements(state, value)
    if isinstance(value, Var) and value.name in state.unset:
        source = replace(source, extents=_own_extents(value, source))
    _push_elements(state, source, value.type)


def _own_extents(array: Var, source: Elements) -> tuple[Extent, ...]:
    """Return the extents of an array as it is: it is empty where it was not set."""
    return tuple(
        extent
        if isinstance(extent.expr, Lit)
        else Extent(Dim(INT, array, axis), f"{array.name}'{axis}")
        for axis, extent in enumerate(source.extents)
    )


def _push_if(state: State, is_set: Expr, value: Expr) -> None:
    """Save an array, or that there is none: by -1 as its last size."""
    with state.into([]) as then:
        _push_elements(state, elements(state, value), value.type)
    with state.into([]) as orelse:
        for k in reversed(range(value.type.ndim)):
            _save(state, number(-(k == 0)), _INTEGERS)
    state.emit(If(is_set, then, orelse))


def _room(state: State, source: Elements) -> tuple[Var, Var, Expr]:
    """Make room on a stack for all elements of an array; return how many they are, too."""
    stack, top = stack_of(state, source.dtype)
    size = state.integer(_product([extent.expr for extent in source.extents]))
    state.emit(Do((stack.name,), runtime.room, (stack, top, size), (stack.type,)))
    return stack, top, size


def _product(factors: Iterable[Expr]) -> Expr:
    found: Expr = number(1)
    for factor in factors:
        found = times(found, factor)
    return found


def _push_elements(state: State, source: Elements, type_: Type) -> None:
    stack, top, size = _room(state, source)
    # as an array with axes of its own, so that the loops are like any others
    part = Var(Type("array", source.dtype, type_.sizes), state.fresh(f"{stack.name}{PART[:-1]}"))
    state.types[part.name] = part.type
    extents = tuple(extent.expr for extent in source.extents)
    state.emit(Part(part.name, stack, top, size, extents))
    state.nest(source.extents, lambda index: state.emit(Put(part, index, source.at(index))))
    state.emit(Assign(top.name, plus(top, size)))
    for extent in source.extents:
        _save(state, extent.expr, _INTEGERS)


def _push_masked(state: State, source: Elements, mask: Elements) -> None:
    """Save the elements where a mask is true, one after the other, and how many they are."""
    stack, top, _ = _room(state, source)
    before = state.named("before", top)

    def save(i: tuple[Expr, ...]) -> None:
        with state.into([]) as then:
            state.emit(Put(stack, (top,), source.at(i)))
            state.emit(Assign(top.name, plus(top, number(1))))
        state.emit(If(mask.at(i), then, []))

    in_order(state, source.extents, save)
    _save(state, minus(top, before), _INTEGERS)


def _pop_masked(state: State, place: Elements, mask: Elements) -> None:
    """Put elements that were saved back where a mask is true."""
    count = _restore(state, _INTEGERS, "count")
    stack, top = stack_of(state, place.dtype)
    state.emit(Assign(top.name, minus(top, count)))
    at = state.named("at", top)

    def restore(i: tuple[Expr, ...]) -> None:
        with state.into([]) as then:
            write(state, place, i, Index(scalar(place.dtype), stack, (at,)))
            state.emit(Assign(at.name, plus(at, number(1))))
        state.emit(If(mask.at(i), then, []))

    in_order(state, place.extents, restore)


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
    type_ = state.types.setdefault(target.name, target.type)
    if statement.index is not None:
        _pop_into(state, statement)
    elif type_.dtype is None:
        interpreter.pop(state, target.name)
    elif not is_axes(type_):
        if target.name in state.flags:
            raise NotNative("a saved number that may be None")
        found = _restore(state, type_.dtype, "saved")
        state.emit(Assign(target.name, found))
    else:
        _pop_array(state, target.name, type_, statement.copy)


def _pop_array(state: State, name: str, type_: Type, copy: bool) -> None:
    extents: list[Expr] = []
    for size in reversed(type_.sizes):
        found: Expr = _restore(state, _INTEGERS, "n")
        if name in state.flags and not extents:
            flag = state.flags[name]
            state.emit(Assign(flag.name, apply(np.greater_equal, BOOL, found, number(0))))
        if name in state.flags:
            found = state.integer(apply(max, INT, found, number(0)))
        known = _saved_extent(state, name, size)
        extents.insert(0, known.expr if known else found)
    assert type_.dtype is not None
    part = _taken(state, type_, tuple(extents))
    if not copy and state.pops_are_final:
        state.emit(Assign(name, part))
        return
    state.emit(Make(name, type_.dtype, tuple(extents)))
    source = elements(state, part)
    target = Var(type_, name)
    state.nest(source.extents, lambda index: state.emit(Put(target, index, source.at(index))))


def _saved_extent(state: State, name: str, size: Size) -> Extent | None:
    """Return the extent of what was saved if it is known without looking.

    Arrays that were not set are saved as empty ones.
    """
    is_given = state.program.stack in {p.name for p in state.program.parameters}
    if isinstance(size, int):
        return None if name in state.flags else state.known_extent(size)
    return None if state.flags or state.unset or is_given else state.known_extent(size)


def _taken(state: State, type_: Type, extents: tuple[Expr, ...]) -> Var:
    """Return the array that was saved last, where it lies on the stack."""
    assert type_.dtype is not None
    stack, top = stack_of(state, type_.dtype)
    size = state.integer(_product(extents))
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
    if len(statement.index) == 1 and covers(statement.index[0], statement.target.type):
        if whole.root is None or whole.index is None:
            raise NotNative(f"a store into {statement.target.name}")
        _pop_masked(state, whole, elements(state, statement.index[0]))
        return
    place = subscript(state, whole, statement.index) if statement.index else whole
    if place.root is None or place.index is None:
        raise NotNative(f"a store into {statement.target.name}")
    if not place.extents:
        write(state, place, (), _restore(state, place.dtype, "saved"))
        return
    source = _saved_like(state, place)
    state.nest(place.extents, lambda i: write(state, place, i, source.at(i)))


def _saved_like(state: State, place: Elements) -> Elements:
    """Return what was saved of a part of an array."""
    _, top = stack_of(state, _INTEGERS)
    state.emit(Assign(top.name, minus(top, number(len(place.extents)))))
    type_ = Type("array", place.dtype, tuple(extent.size for extent in place.extents))
    part = _taken(state, type_, tuple(extent.expr for extent in place.extents))
    return Elements(place.extents, place.dtype, lambda i: Index(scalar(place.dtype), part, i))
