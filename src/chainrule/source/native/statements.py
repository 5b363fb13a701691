"""Statements of a program as loops over numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from .. import ir
from ..effects import is_draw
from ..ir import Assign, Block, Call, Choice, Expr, Index, Lit, Stmt, Var
from ..types import OBJECT, Type
from . import interpreter, nothing, runtime, saved, slots, stores
from .ahead import whole_shape
from .arrays import compute
from .code import BOOL, INT, Gather, Make, apply, minus, number, plus, times
from .elements import (
    VALUES,
    VIEWS,
    elements,
    known,
    number_of,
    parts_of,
    truth,
)
from .numbers import cast, is_elementwise, literal
from .state import Around, NotNative, State, Unknown, is_axes


def lower_block(state: State, block: Block) -> None:
    """Append the loops of all statements of a block."""
    for statement in block:
        lower(state, statement)


def lower(state: State, statement: Stmt) -> None:
    """Append the loops of a statement; what has none is run by the interpreter."""
    before, known = len(state.block), dict(state.extents[-1])
    try:
        _lower(state, statement)
    except NotNative as why:
        del state.block[before:]
        state.extents[-1] = known
        _by_interpreter(state, statement, str(why))


def _by_interpreter(state: State, statement: Stmt, why: str) -> None:
    match statement:
        case ir.Assign(name=name):
            interpreter.run(state, statement, [name], why)
        case ir.Store():
            interpreter.store(state, statement, why)
        case _:
            raise NotNative(why)


def _lower(state: State, statement: Stmt) -> None:
    match statement:
        case ir.Assign(name=name, value=value):
            bind(state, name, value)
        case ir.Alias(name=name, value=value, root=root):
            _alias(state, name, value, root)
        case ir.Store():
            stores.store(state, statement)
        case ir.If():
            _if(state, statement)
        case ir.For():
            _for(state, statement)
        case ir.While():
            _while(state, statement)
        case ir.Move(targets=targets, sources=sources):
            nothing.move(state, statement)
            state.emit(ir.Move(targets, sources))
        case ir.Push() | ir.Pop() if slots.moves(state, statement):
            pass
        case ir.Push(value=value, stack=stack):
            state.list = stack
            saved.push(state, value)
        case ir.Pop(stack=stack):
            state.list = stack
            saved.pop(state, statement)
        case ir.Raise():
            _raise(state, statement)
        case ir.Effect():
            _effect(state, statement)
        case ir.Opaque(name=name, pullback=pullback):
            names = [name] if pullback is None else [name, pullback]
            called = getattr(statement.fn, "__name__", statement.fn)
            interpreter.run(state, statement, names, f"only the tape can follow {called}")
        case ir.Note():
            pass
        case _:
            raise NotNative(f"{type(statement).__name__} of a function that NumPy has to run")


def _effect(state: State, effect: ir.Effect) -> None:
    value, names = effect.value, effect.names
    if names == (state.program.stack,):
        return  # the stack of a sweep back is read, never consumed
    if len(names) == 1 and not is_draw(effect):
        bind(state, names[0], value)
    else:
        interpreter.run(state, effect, names, "it is done for its effect")


def _raise(state: State, statement: ir.Raise) -> None:
    if state.may_leave:
        state.check(literal(False))
        return
    throw = Call(OBJECT, runtime.throw, (statement.value,))
    interpreter.run(state, ir.Effect(throw), [], "it raises an exception")


# ----------------------------------------------------------------------------- assignments


def bind(state: State, name: str, value: Expr) -> None:
    """Append ``name = value``."""
    type_ = state.types.get(name, value.type)
    if type_.dtype is None and value.type.dtype is not None:
        type_ = value.type
    state.types[name] = type_
    if name in state.flags and isinstance(value, Choice):
        _if(state, ir.If(value.condition, [Assign(name, value.a)], [Assign(name, value.b)]))
        return
    nothing.note(state, name, value)
    if not is_axes(type_):
        if type_.dtype is None:
            parts = parts_of(state, value)
            if parts is not None and name not in state.tuples:
                state.tuples[name] = parts
                return
            _bind_object(state, name, value)
            return
        state.emit(Assign(name, cast(number_of(state, value), type_.dtype)))
        return
    if value.type.dtype is None:  # None: nothing reads it before it is set
        shape = None if name in state.flags else whole_shape(state, type_)
        if shape is None:
            state.unset.add(name)
            shape = tuple(number(size if isinstance(size, int) else 0) for size in type_.sizes)
        state.emit(Make(name, type_.dtype or np.dtype(float), shape))
        return
    _bind_array(state, name, value, type_)


def _bind_object(state: State, name: str, value: Expr) -> None:
    """Keep an object for what the interpreter runs, if anything reads it."""
    if name not in state.read:
        return
    if isinstance(value, Lit) and state.written[name] == 1:
        state.literals[name] = value
        return
    interpreter.run(state, Assign(name, value), [name], f"{name} is an object")


def _bind_array(state: State, name: str, value: Expr, type_: Type) -> None:
    match value:
        case Var() if value.name not in state.views and _dtype(state, value) == type_.dtype:
            state.emit(Assign(name, value))
        case Choice(condition=condition, a=a, b=b):
            branch = ir.If(condition, [Assign(name, a)], [Assign(name, b)])
            _if(state, branch)
        case Call(fn=fn) if known(fn, VALUES):
            before, extents = len(state.block), dict(state.extents[-1])
            try:
                VALUES[fn](state, name, value)
            except NotNative as refusal:
                del state.block[before:]
                state.extents[-1] = extents
                interpreter.run(state, Assign(name, value), [name], str(refusal))
        case Call() if not is_elementwise(value) and not _has_elements(value):
            why = f"Numba has no {getattr(value.fn, '__name__', value.fn)}"
            interpreter.run(state, Assign(name, value), [name], why)
        case _:
            compute(state, name, elements(state, value), type_)


def _dtype(state: State, var: Var) -> Any:
    return state.types.get(var.name, var.type).dtype


def _has_elements(call: Call) -> bool:
    return known(call.fn, VIEWS)


def _alias(state: State, name: str, value: Expr, root: str) -> None:
    """Note what a view is a view of; nothing is computed."""
    value = _frozen(state, value)
    found: Any
    try:
        found = elements(state, value)
        is_place = found.root is not None and found.index is not None
        if not is_place or state.memory_of(found.root.name) != state.memory_of(root):
            raise NotNative(f"the view {name}")
    except NotNative as why:
        found = Unknown(str(why))
    state.views[name] = (found, value)


def _frozen(state: State, value: Expr) -> Expr:
    """Return a view with the numbers that it is made by as they are now."""

    def freeze(e: Expr) -> Expr:
        if not isinstance(e, Var) or is_axes(e.type) or e.type.dtype is None:
            return e
        changes = e.name not in state.numbers and e.name not in state.views
        return replace(state.named(e.name, number_of(state, e)), type=e.type) if changes else e

    match value:
        case Index(base=base, index=index):
            index = tuple(ir.rewrite(entry, freeze) for entry in index)
            return replace(value, base=_frozen(state, base), index=index)
        case Call(args=(first, *rest)):
            frozen = (ir.rewrite(arg, freeze) for arg in rest)
            return replace(value, args=(_frozen(state, first), *frozen))
    return value


# ------------------------------------------------------------------------- branches and loops


def _if(state: State, branch: ir.If) -> None:
    condition = truth(state, branch.condition)
    views, ends = dict(state.views), []
    arms: list[Block] = []
    for arm in (branch.then, branch.orelse):
        state.views = dict(views)
        with state.into([]) as block:
            lower_block(state, arm)
        arms.append(block)
        ends.append(state.views)
    state.views = _joined(*ends)
    state.emit(ir.If(condition, *arms))


def _joined(*ends: dict[str, Any]) -> dict[str, Any]:
    """Return the views that are the same whatever way was taken."""
    first = ends[0]
    names = dict.fromkeys(name for end in ends for name in end)
    joined = {}
    for name in names:
        made_by = {end[name][1] if name in end else None for end in ends}
        is_same = len(made_by) == 1 and name in first
        joined[name] = first[name] if is_same else (_either(name), None)
    return joined


@contextmanager
def _repeated(state: State, body: Block) -> Iterator[None]:
    """Lower the body of a loop; a view made in it may be another one in the next iteration."""
    before = dict(state.views)
    for s in ir.statements(body):
        if isinstance(s, ir.Alias) and before.get(s.name, (None, None))[1] != s.value:
            state.views[s.name] = (_either(s.name), None)
    yield
    state.views = _joined(before, state.views)


def _either(name: str) -> Any:
    return Unknown(f"{name} is a view of one place or another")


def _for(state: State, loop: ir.For) -> None:
    start, stop = (_integer(state, e) for e in (loop.start, loop.stop))
    step = _integer(state, loop.step)
    if not isinstance(step, Lit):
        state.check(apply(np.not_equal, BOOL, step, number(0)))
    if loop.backwards:
        start, stop, step = _backwards(state, loop, start, stop, step)
    changed = {name for s in ir.statements(loop.body) for name in ir.written(s)}
    around = Around(
        loop.var.name, start, stop, step, state.block, changed | {loop.var.name},
        frozenset(state.types),
    )  # fmt: skip
    state.types[loop.var.name] = INT
    state.around.append(around)
    with state.into([], is_sure=True) as body:
        if loop.trips and not loop.backwards:
            state.emit(Gather(loop.trips, np.add, number(1), INT))
        with _repeated(state, loop.body):
            lower_block(state, loop.body)
    state.around.pop()
    if loop.trips and not loop.backwards:
        state.types[loop.trips] = INT
        state.emit(Assign(loop.trips, number(0)))
    var = Var(INT, loop.var.name)
    state.emit(ir.For(var, start, stop, step, body, loop.until, is_sweep=loop.is_sweep))


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
        with _repeated(state, loop.body):
            lower_block(state, loop.body)
        with state.into([]) as again:
            state.emit(Assign(flag.name, truth(state, loop.condition)))
        if loop.until:
            state.emit(ir.If(Var(BOOL, loop.until), [], again))
        else:
            state.block += again
    state.emit(ir.While(flag, body, until=loop.until))
