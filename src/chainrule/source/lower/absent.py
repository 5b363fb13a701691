"""Values that may be None: a value and a flag that says whether there is none.

Where a name is None on one path and a number or an array on another, both are kept. The flag
answers ``x is None``; where that is known to be false, by the test of a branch around it, the name
stands for the value. Anywhere else the program tests it before it is read. On a path without a
value, the variable holds a stand-in: NaN, zero for an integer, or an array of size zero.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..ir import Call, If, Lit, Raise
from ..types import OBJECT, Type
from ..values import Known, Leaf, Record, Scope, Value
from . import operators, slots
from .containers import is_none
from .state import State


class Maybe:
    """Stands for the class of a value that may be None."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def is_maybe(value: Value | None) -> bool:
    """Tell a value that may be None."""
    return isinstance(value, Record) and isinstance(value.cls, Maybe)


def paired(state: State, base: str, a: Value, b: Value) -> tuple[Value, Value]:
    """Return two values as ones that may be None, if either is or may be."""
    if not (is_none(a) or is_none(b) or is_maybe(a) or is_maybe(b)):
        return a, b
    found = [_type(x) for x in (a, b) if not is_none(x)]
    if not found or not all(is_none(x) or is_maybe(x) or slots.is_leaf(x) for x in (a, b)):
        return a, b
    wanted = found[0]
    if wanted is None or not _has_stand_in(wanted):
        return a, b
    kind = Maybe(
        state.error(
            f"{base} may be None here, or a number or an array",
            f"test it by itself before: if {base} is not None",
        )
    )
    return _wrapped(state, kind, a, wanted), _wrapped(state, kind, b, wanted)


def like(state: State, plan: Value, value: Value) -> Value:
    """Return a value as one that may be None, if the plan for its place says so."""
    from .cells import Cell

    if not is_maybe(plan) or is_maybe(value):
        return value
    assert isinstance(plan, Record)
    cell = plan.attributes["value"]
    assert isinstance(cell, Cell)
    return _wrapped(state, plan.cls, value, cell.type)


def _type(value: Value) -> Type | None:
    if isinstance(value, Record):
        value = value.attributes["value"]
    return slots.leaf_type(value) if slots.is_leaf(value) else None


def _has_stand_in(wanted: Type) -> bool:
    return wanted.dtype is not None and wanted.dtype.kind in "fciu"


def _wrapped(state: State, kind: Maybe, value: Value, wanted: Type) -> Value:
    if is_maybe(value):
        return value
    none = is_none(value)
    parts = {"none": Known(none), "value": stand_in(wanted) if none else value}
    made = Record(kind, parts)
    state.kept.append(made)
    return made


def stand_in(wanted: Type) -> Value:
    """Return what a variable of a type holds where there is no value."""
    assert wanted.dtype is not None
    if wanted.dtype.kind == "b" and not wanted.is_array:
        return Known(False)
    if not wanted.is_array:
        return Known(0 if wanted.dtype.kind in "iu" else float("nan"))
    shape, dtype = Lit(OBJECT, (0,) * wanted.ndim), Lit(OBJECT, wanted.dtype)
    return Leaf(Call(wanted, np.zeros, (shape,), (("dtype", dtype),)))


# ------------------------------------------------------------------------------------- reading


def read(state: State, value: Value, node: str | ast.expr) -> Value:
    """Return what can be read; where it may be None, the program tests that it is not."""
    if not is_maybe(value):
        return slots.readable(value)
    text = node if isinstance(node, str) else ast.unparse(node)
    assert isinstance(value, Record)
    flag = value.attributes["none"]
    if isinstance(flag, Known):
        return Known(None) if flag.value else slots.readable(value.attributes["value"])
    assert isinstance(flag, Leaf)
    with state.deeper([]) as block:
        problem = Lit(OBJECT, f"{text} is None where a number or an array is read")
        state.emit(Raise(Call(OBJECT, TypeError, (problem,))))
    state.emit(If(flag.expr, block))
    return slots.readable(value.attributes["value"])


def evaluated(state: State, node: ast.expr) -> Value:
    """Evaluate an expression whose value is only kept: it may be None."""
    from . import expressions

    if isinstance(node, (ast.Call, ast.IfExp, ast.BoolOp)):
        found = expressions.unread(state, node)
        return found if is_maybe(found) else slots.readable(found)
    return raw(state, node) or expressions.evaluate(state, node)


def discarded(state: State, node: ast.expr) -> None:
    """Evaluate an expression whose value nobody reads: ``done and print(x)`` is a branch."""
    from . import branches, expressions

    match node:
        case ast.IfExp(test=test, body=then, orelse=orelse):
            pass
        case ast.BoolOp(op=op, values=[test, *rest]):
            then = rest[0] if len(rest) == 1 else ast.copy_location(ast.BoolOp(op, rest), node)
            orelse = ast.copy_location(ast.Constant(None), node)
            if isinstance(op, ast.Or):
                then, orelse = orelse, then
        case _:
            evaluated(state, node)
            return
    condition = expressions.condition(state, test)
    branches.branch(
        state, condition, lambda: discarded(state, then), lambda: discarded(state, orelse)
    )


def end_of_slice(state: State, value: Value, otherwise: int) -> Value:
    """Return the end of a slice; None is ``otherwise``."""
    if not is_maybe(value):
        return value
    assert isinstance(value, Record)
    none, found = value.attributes["none"], slots.readable(value.attributes["value"])
    if isinstance(none, Known):
        return Known(None) if none.value else found
    assert isinstance(none, Leaf)
    assert isinstance(found, (Known, Leaf))
    return operators.choice(state, none, Known(otherwise), found)


def place_of(state: State, node: ast.expr) -> tuple[slots.Holder, str] | None:
    """Return where the value of a name or an attribute is kept."""
    from . import expressions

    if isinstance(node, ast.Name):
        scope: Scope | None = state.scope
        while scope is not None and node.id not in scope.variables:
            if node.id in scope.local_names:
                return None
            scope = scope.outer
        return None if scope is None else (scope.variables, node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        found = place_of(state, node.value)
        owner = None if found is None else found[0][found[1]]
        if isinstance(owner, Record) and node.attr in owner.attributes and not is_maybe(owner):
            expressions.evaluate(state, node.value)
            return owner.attributes, node.attr
    return None


def raw(state: State, node: ast.expr) -> Value | None:
    """Return what a name or an attribute holds if that may be None."""
    place = place_of(state, node)
    found = None if place is None else slots.read(*place)
    return found if is_maybe(found) else None


def tested(state: State, node: ast.Compare) -> Value | None:
    """Return ``x is None`` of a value that may be None."""
    if not _is_none_test(node):
        return None
    found = raw(state, node.left)
    if not isinstance(found, Record):
        return None
    flag = found.attributes["none"]
    return flag if isinstance(node.ops[0], ast.Is) else operators.negation(state, flag)


def _is_none_test(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], (ast.Is, ast.IsNot))
        and isinstance(node.comparators[0], ast.Constant)
        and node.comparators[0].value is None
    )


def _not_none(test: ast.expr, truth: bool) -> Iterator[ast.expr]:
    """Yield what is not None where a test has come out so."""
    match test:
        case ast.Compare(left=left, ops=[op]) if _is_none_test(test):
            if isinstance(op, ast.IsNot) is truth:
                yield left
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _not_none(operand, not truth)
        case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And) is truth:
            for part in values:
                yield from _not_none(part, truth)


def assume(state: State, test: ast.expr, truth: bool) -> list[tuple[slots.Holder, str, Value]]:
    """Let names stand for their values where a test says that they are not None."""
    found: list[tuple[slots.Holder, str, Value]] = []
    for node in _not_none(test, truth):
        place, maybe = place_of(state, node), raw(state, node)
        if place is not None and isinstance(maybe, Record):
            holder, key = place
            found.append((holder, key, maybe))
            holder[key] = maybe.attributes["value"]
    return found


@contextmanager
def assuming(state: State, test: ast.expr, truth: bool) -> Iterator[None]:
    """Evaluate a part of an expression under the assumption that a test has come out so."""
    found = assume(state, test, truth)
    yield
    for holder, key, maybe in found:
        holder[key] = maybe
