"""The functions of a program, with what they close over handed down as further parameters."""

from __future__ import annotations

import re
from dataclasses import replace

from .. import sizes
from ..deadcode import reads_before, remove_dead_code
from ..fold import map_blocks
from ..ir import (
    Assign,
    Block,
    Call,
    Effect,
    Invoke,
    Parameter,
    Program,
    Seq,
    Stmt,
    Var,
    statements,
)
from ..tidy import renamed
from ..types import OBJECT, Type
from . import memory
from .apart import FUNCTION, Apart
from .state import State


def functions_of(state: State) -> dict[str, Program]:
    """Return the functions that a program calls; complete the calls of them."""
    wanted = _reached(state)
    if not wanted:
        return {}
    for apart in wanted.values():  # what is not needed must not be handed down either
        *apart.body, _ = remove_dead_code([*apart.body, _outputs(apart)])
    captured = _captured(state, wanted)
    for name, apart in wanted.items():
        read = {state.roots.get(x, x) for x in captured[name]}
        for root in sorted(apart.changed_roots.keys() & read):
            state.origin = apart.changed_roots[root]
            raise state.error(
                f"{name} calls itself, and changes an array that it can see by another name too",
                "pass a copy",
            )
    state.block[:] = _completed(state, state.block, captured, frozenset())
    return {name: _program(state, apart, captured) for name, apart in wanted.items()}


def _outputs(apart: Apart) -> Effect:
    return Effect(Seq(OBJECT, apart.outputs))


def _called(block: Block) -> list[str]:
    return [s.function for s in statements(block) if isinstance(s, Invoke)]


def _reached(state: State) -> dict[str, Apart]:
    found: dict[str, Apart] = {}
    waiting = _called(state.block)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = state.functions[name]
            waiting += _called(found[name].body)
    return found


def _outside(state: State, apart: Apart) -> set[str]:
    """Return the variables that a function may close over."""
    return {*apart.outer, *state.hidden}


def _captured(state: State, wanted: dict[str, Apart]) -> dict[str, list[str]]:
    """Return the variables of the functions around it that each function needs, or hands on."""
    found = {}
    for name, apart in wanted.items():
        read = reads_before([*apart.body, _outputs(apart)])
        found[name] = read & _outside(state, apart) - {*apart.parameters}
    while True:
        more = {
            name: set(found[name]).union(
                *(found[inner] & _outside(state, apart) for inner in _called(apart.body))
            )
            for name, apart in wanted.items()
        }
        if more == found:
            return {name: sorted(names) for name, names in found.items()}
        found = more


def _completed(
    state: State, block: Block, captured: dict[str, list[str]], values: frozenset[str]
) -> Block:
    """Return a block whose calls hand down what is captured; buffers but ``values`` are copied."""
    done: Block = []
    for s in block:
        s = map_blocks(s, lambda inner: _completed(state, inner, captured, values))
        if isinstance(s, Invoke):
            more = [_value(state, name, values, done, s) for name in captured[s.function]]
            s = replace(s, args=(*s.args, *more))
        done.append(s)
    return done


def _value(state: State, name: str, values: frozenset[str], done: Block, call: Stmt) -> Var:
    var = Var(state.types[name], name)
    if name in values or not (name in state.buffers or name in state.roots):
        return var
    copied = Var(var.type, state.fresh(f"{name}_value"))
    state.types[copied.name] = var.type
    done.append(Assign(copied.name, Call(var.type, memory.COPY, (var,)), origin=call.origin))
    return copied


def _program(state: State, apart: Apart, captured: dict[str, list[str]]) -> Program:
    more = captured[apart.name]
    names = [*apart.parameters, *more]
    before = set(state.types)
    body = _completed(state, apart.body, captured, frozenset(apart.outer))
    copies = state.types.keys() - before
    types = {name: state.types[name] for name in (*more, *copies)} | apart.types
    # Names of integers outside, by which sizes are called: no variable of a pass may get them.
    outside = {n for found in types.values() for size in found.sizes for n in sizes.integers(size)}
    types = {name: state.types[name] for name in outside & state.types.keys()} | types
    program = Program(
        apart.name, [], body, apart.outputs, types, {}, apart.buffers,
        file=apart.function.scope.file, line=apart.function.node.lineno,
    )  # fmt: skip
    short = _shorter(state, types, {*more})
    program = renamed(program, short)
    program.spliced = frozenset(short.get(n, n) for n in types if n in state.spliced)
    names = [short.get(name, name) for name in names]
    program.parameters = [Parameter(name) for name in names]
    program.inputs = {n: (n, ()) for n in names if program.types[n].is_differentiable}
    return program


def _shorter(state: State, types: dict[str, Type], kept: set[str]) -> dict[str, str]:
    """Map ``x_2`` to ``x`` where a function has no other ``x``; sizes know integers by name."""
    taken = {*types, *(name for name, found in state.types.items() if found == FUNCTION)}
    found = {}
    for name in sorted(types.keys() - kept):
        base = re.sub(r"_\d+$", "", name)
        if base not in taken and types[name].is_differentiable:
            found[name] = base
            taken.add(base)
    return found
