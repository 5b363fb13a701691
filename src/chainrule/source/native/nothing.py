"""Variables that may hold None instead of a number or an array: a truth value goes with each.

Only variables that some statement compares with None have one; of others nobody can tell.
"""

from __future__ import annotations

import operator
from typing import Any

from .. import ir
from ..ir import Assign, Call, Expr, Lit, Var
from .code import BOOL, apply
from .numbers import literal
from .state import State

_TESTS: tuple[Any, ...] = (operator.is_, operator.is_not)


def is_test(expr: Expr) -> bool:
    """Tell whether an expression compares something typed with None."""
    return (
        isinstance(expr, Call)
        and any(expr.fn is test for test in _TESTS)
        and len(expr.args) == 2
        and expr.args[0].type.dtype is not None
        and isinstance(expr.args[1], Lit)
        and expr.args[1].value is None
    )


def note_tests(state: State) -> None:
    """Give each variable that is compared with None its truth value, at the start."""
    program = state.program
    given = {*(p.name for p in program.parameters), *program.hidden}
    for s in ir.statements(program.body):
        for expr in ir.expressions(s):
            for e in ir.walk(expr):
                match e:
                    case Call(args=(Var(name=name), *_)) if is_test(e) and name not in state.flags:
                        state.flags[name] = state.named(f"{name}_is_set", literal(name in given))


def test(state: State, call: Call) -> Expr:
    """Return whether a variable is None, or is not."""
    flag = state.flags.get(call.args[0].name) if isinstance(call.args[0], Var) else None
    is_set: Expr = literal(True) if flag is None else flag
    return apply(operator.not_, BOOL, is_set) if call.fn is operator.is_ else is_set


def note(state: State, name: str, value: Expr) -> None:
    """Note whether a variable is set by an assignment."""
    if name in state.flags:
        is_set: Expr = literal(value.type.dtype is not None)
        if isinstance(value, Var):
            is_set = state.flags.get(value.name, is_set)
        state.emit(Assign(state.flags[name].name, is_set))


def move(state: State, statement: ir.Move) -> None:
    """Hand the truth values on with the arrays."""
    pairs = list(zip(statement.targets, statement.sources, strict=True))
    if any(target in state.flags for target, _ in pairs):
        before = [state.named("is_set", state.flags.get(v.name, literal(True))) for _, v in pairs]
        for (target, _), is_set in zip(pairs, before, strict=True):
            if target in state.flags:
                state.emit(Assign(state.flags[target].name, is_set))
