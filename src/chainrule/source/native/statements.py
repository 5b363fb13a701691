"""Statements of a program as loops over numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Choice, Expr, Index, Lit, Stmt, Var
from ..types import Type
from . import runtime, saved
from .code import BOOL, INT, Gather, Make, Python, Put, apply, minus, number, plus, times
from .elements import (
    VALUES,
    aligned,
    by_python,
    computed,
    elements,
    known,
    number_of,
    outside,
    parts_of,
    truth,
)
from .indexing import subscript
from .numbers import cast, is_elementwise, literal
from .state import Around, Elements, Extent, NotNative, State, is_axes


def lower_block(state: State, block: Block) -> None:
    """Append the loops of all statements of a block."""
    for statement in block:
        lower(state, statement)


def lower(state: State, statement: Stmt) -> None:
    """Append the loops of a statement."""
    match statement:
        case ir.Assign(name=name, value=value):
            bind(state, name, value)
        case ir.Alias(name=name, value=value):
            _alias(state, name, value)
        case ir.Store():
            _store(state, statement)
        case ir.If():
            _if(state, statement)
        case ir.For():
            _for(state, statement)
        case ir.While():
            _while(state, statement)
        case ir.Move(targets=targets, sources=sources):
            state.emit(ir.Move(targets, sources))
        case ir.Push(value=value):
            saved.push(state, value)
        case ir.Pop():
            saved.pop(state, statement)
        case ir.Raise():
            if not state.may_leave:
                raise NotNative("an exception in a program that must not run twice")
            state.check(literal(False))
        case ir.Effect():
            _effect(state, statement)
        case ir.Note():
            pass
        case _:
            raise NotNative(f"{type(statement).__name__} of a function that NumPy has to run")


def _effect(state: State, effect: ir.Effect) -> None:
    results = tuple((name, state.types[name]) for name in effect.names)
    if any(type_.dtype is None for _, type_ in results):
        raise NotNative("a result that is neither a number nor an array")
    kept = replace(effect, value=outside(state, effect.value))
    state.emit(Python(kept, results, "it is done for its effect"))


# ----------------------------------------------------------------------------- assignments


def bind(state: State, name: str, value: Expr) -> None:
    """Append ``name = value``."""
    type_ = state.types.get(name, value.type)
    if type_.dtype is None and value.type.dtype is not None:
        type_ = value.type
    state.types[name] = type_
    if not is_axes(type_):
        if type_.dtype is None:
            if isinstance(value, Lit):
                return  # nothing but a statement that reads it could mind
            parts = parts_of(state, value)
            if parts is not None and name not in state.tuples:
                state.tuples[name] = parts
                return
            raise NotNative(f"{name} is neither a number nor an array")
        state.emit(Assign(name, cast(number_of(state, value), type_.dtype)))
        return
    if value.type.dtype is None:  # None: nothing reads it before it is set
        empty = tuple(number(0) for _ in type_.sizes)
        state.emit(Make(name, type_.dtype or np.dtype(float), empty))
        return
    _bind_array(state, name, value, type_)


def _bind_array(state: State, name: str, value: Expr, type_: Type) -> None:
    match value:
        case Var() if value.name not in state.views:
            state.emit(Assign(name, value))
        case Choice(condition=condition, a=a, b=b):
            branch = ir.If(condition, [Assign(name, a)], [Assign(name, b)])
            _if(state, branch)
        case Call(fn=fn) if known(fn, VALUES):
            before, extents = len(state.block), dict(state.extents[-1])
            try:
                VALUES[fn](state, name, value)
            except NotNative as why:
                del state.block[before:]
                state.extents[-1] = extents
                state.emit(Assign(name, by_python(state, value, str(why))))
        case Call() if not is_elementwise(value) and not _has_elements(value):
            found = by_python(
                state, value, f"Numba has no {getattr(value.fn, '__name__', value.fn)}"
            )
            state.emit(Assign(name, found))
        case _:
            compute(state, name, elements(state, value), type_)


def _has_elements(call: Call) -> bool:
    from .elements import VIEWS

    return known(call.fn, VIEWS)


def compute(state: State, name: str, source: Elements, type_: Type | None = None) -> None:
    """Compute elements into a variable: a new array, or its own one where that makes no odds."""
    type_ = type_ or state.types[name]
    dtype = type_.dtype
    assert dtype is not None
    if _in_place(state, name, source, type_):
        target = Var(type_, name)
        state.nest(
            source.extents,
            lambda index: state.emit(Put(target, index, cast(source.at(index), dtype))),
        )
        return
    probe = source.at(tuple(literal(0) for _ in source.extents))
    made = state.fresh(name) if name in ir.names_in(probe) else name
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
    marks = tuple(Var(INT, f"'{k}") for k in range(len(source.extents)))
    reads = [e for e in ir.walk(source.at(marks)) if isinstance(e, Var) and e.name == name]
    loads = [
        e
        for e in ir.walk(source.at(marks))
        if isinstance(e, Index) and isinstance(e.base, Var) and e.base.name == name
    ]
    same = all(e.index == marks for e in loads) and len(loads) == len(reads) > 0
    return same and tuple(e.size for e in source.extents) == type_.sizes


def _alias(state: State, name: str, value: Expr) -> None:
    """Note what a view is a view of; nothing is computed."""
    found = elements(state, value)
    if found.root is None or found.index is None:
        raise NotNative(f"the view {name}")
    if name in state.views and state.views[name][1] != value:
        raise NotNative(f"a name of several views, {name}")
    state.views[name] = (found, value)


# ---------------------------------------------------------------------------------- stores


def _store(state: State, store: ir.Store) -> None:
    target = store.target
    if not is_axes(target.type) and target.name not in state.views:
        _store_number(state, store)
        return
    whole = elements(state, target)
    place = whole
    if store.index:
        place = subscript(state, whole, store.index)
    if place.root is None or place.index is None:
        raise NotNative(f"a store into {target.name}")
    put(state, place, store.value, store.op, store.at, _is_plain(store))


def _store_number(state: State, store: ir.Store) -> None:
    """Store into an array without axes, which is a number here."""
    type_ = Type("python", store.target.type.dtype)
    value = number_of(state, store.value)
    if store.op is not None:
        value = apply(getattr(np, store.op), type_, Var(type_, store.target.name), value)
    assert type_.dtype is not None
    state.emit(Assign(store.target.name, cast(value, type_.dtype)))


def _is_plain(store: ir.Store) -> bool:
    """Tell whether no place is named twice for certain: there are no index arrays."""
    return not any(is_axes(e.type) for e in store.index)


def put(
    state: State, place: Elements, value: Expr, op: str | None, at: bool, is_plain: bool
) -> None:
    """Write a value into a part of an array; the value is computed before anything is written."""
    root, index = place.root, place.index
    assert root is not None and index is not None
    source = elements(state, value)
    if _overlaps(source, place) or (op is not None and not at and not is_plain):
        source = elements(state, computed(state, _whole(state, value, place, op, is_plain)))
        op = None if not is_plain and not at else op
    own = aligned(state, source.extents, place.extents)
    _fits(state, source, place)

    def body(i: tuple[Expr, ...]) -> None:
        state.emit(Put(root, index(i), cast(source.at(own(i)), place.dtype), op))

    state.nest(place.extents, body)


def _whole(state: State, value: Expr, place: Elements, op: str | None, is_plain: bool) -> Expr:
    """Return what is stored as an array of its own: with index arrays ``+=`` is read, then written."""
    if op is None or is_plain:
        return value
    raise NotNative("+= with an index array")


def _fits(state: State, source: Elements, place: Elements) -> None:
    """Rely on the value having the sizes of the part, or size 1."""
    pairs = zip(reversed(source.extents), reversed(place.extents), strict=False)
    for own, extent in pairs:
        if own.size != 1:
            state.same(own, extent)


def _overlaps(source: Elements, place: Elements) -> bool:
    """Tell whether a value reads what is written, other than at the place being written."""
    assert place.root is not None and place.index is not None
    ndim = len(place.extents)
    marks = tuple(Var(INT, f"'{k}") for k in range(ndim))
    if len(source.extents) > ndim:
        return True
    own = marks[ndim - len(source.extents) :]
    target = place.index(marks)
    for e in ir.walk(source.at(own)):
        if isinstance(e, Index) and isinstance(e.base, Var) and e.base.name == place.root.name:
            if e.index != target or len(source.extents) != ndim:
                return ndim > 0
    return False


# ------------------------------------------------------------------------- branches and loops


def _if(state: State, branch: ir.If) -> None:
    condition = truth(state, branch.condition)
    with state.into([]) as then:
        lower_block(state, branch.then)
    with state.into([]) as orelse:
        lower_block(state, branch.orelse)
    state.emit(ir.If(condition, then, orelse))


def _for(state: State, loop: ir.For) -> None:
    start, stop = (_integer(state, e) for e in (loop.start, loop.stop))
    step = number_of(state, loop.step)
    if loop.backwards:
        start, stop, step = _backwards(state, loop, start, stop, step)
    changed = {name for s in ir.statements(loop.body) for name in ir.written(s)}
    around = Around(
        loop.var.name, start, stop, step, state.block, changed | {loop.var.name}, depth=-1
    )
    state.types[loop.var.name] = INT
    state.around.append(around)
    with state.into([]) as body:
        if loop.trips and not loop.backwards:
            state.emit(Gather(loop.trips, np.add, number(1), INT))
        lower_block(state, loop.body)
    state.around.pop()
    if loop.trips and not loop.backwards:
        state.types[loop.trips] = INT
        state.emit(Assign(loop.trips, number(0)))
    var = Var(INT, loop.var.name)
    state.emit(ir.For(var, start, stop, step, body, until=loop.until))


def _integer(state: State, expr: Expr) -> Expr:
    found = number_of(state, expr)
    return found if isinstance(found, Lit) else state.integer(found)


def _backwards(
    state: State, loop: ir.For, start: Expr, stop: Expr, step: Expr
) -> tuple[Expr, Expr, Expr]:
    """Return the bounds of the range that runs from the last number to the first."""
    if isinstance(step, Lit) and step.value == 1 and not loop.trips:
        return plus(stop, number(-1)), plus(start, number(-1)), number(-1)
    count: Expr = apply(runtime.count, INT, start, stop, step)
    if loop.trips:
        count = Var(INT, loop.trips)
    back = minus(number(0), step)
    last = plus(start, times(plus(count, number(-1)), step))
    return state.integer(last), state.integer(plus(start, back)), back


def _while(state: State, loop: ir.While) -> None:
    if loop.trips:
        state.types[loop.trips] = INT
        state.emit(Assign(loop.trips, number(0)))
    flag = state.named("goes_on", truth(state, loop.condition))
    with state.into([]) as body:
        if loop.trips:
            state.emit(Gather(loop.trips, np.add, number(1), INT))
        lower_block(state, loop.body)
        with state.into([]) as again:
            state.emit(Assign(flag.name, truth(state, loop.condition)))
        if loop.until:
            state.emit(ir.If(Var(BOOL, loop.until), [], again))
        else:
            state.block += again
    state.emit(ir.While(flag, body, until=loop.until))
