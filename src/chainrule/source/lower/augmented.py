"""Augmented assignment: in place for arrays and lists, a new binding for numbers."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from ..ir import Expr, Var
from ..values import Items, Known, Leaf, Mapping, Value
from . import (
    binding,
    containers,
    expressions,
    indexing,
    inplace,
    memory,
    operators,
    order,
    plain_calls,
    slots,
    statements,
)
from .state import State


def augmented(state: State, node: ast.AugAssign) -> None:
    """``target += value``."""
    ufunc = expressions.ufunc_of(node.op)
    match node.target:
        case ast.Name(id=name):
            old = state.lookup(name)
            new = in_place(state, ufunc, old, expressions.evaluate(state, node.value))
            if new is not None:
                binding.bind(state, name, new)
        case ast.Subscript(value=base, slice=index):
            owner = expressions.evaluate(state, base)
            _augmented_item(state, ufunc, owner, index, node.value)
        case ast.Attribute(value=base, attr=name):
            owner = expressions.evaluate(state, base)
            old = expressions.evaluate(state, ast.Attribute(node.target.value, name, ast.Load()))
            new = in_place(state, ufunc, old, expressions.evaluate(state, node.value))
            if new is not None:
                statements.assign_attribute(state, owner, name, new)


def in_place(state: State, ufunc: Any, old: Value, value: Value) -> Value | None:
    """``old += value``: None where it is done in place, else what is to be bound."""
    if isinstance(old, Items) and old.kind == "list" and ufunc is np.add:
        statements.check_own(state, old)
        old.items += [memory.held(state, item) for item in containers.items_of(state, value)]
        return None
    if isinstance(old, Mapping) and isinstance(value, Mapping) and ufunc is np.bitwise_or:
        statements.check_own(state, old)
        old.items.update(value.items)
        return None
    if isinstance(old, Leaf) and old.type.is_array and not _is_mixed(state, old):
        _store_with(state, ufunc, old, (), old, value)
        return None
    return operators.binary(state, ufunc, old, value)


def _is_mixed(state: State, old: Leaf) -> bool:
    """Tell whether a variable starts as a number, so that ``+=`` makes a new array of it."""
    if not isinstance(old.expr, Var) or old.expr.name not in state.mixed:
        return False
    others = slots.sharing(state, old.expr.name)
    if others:
        raise state.error(
            f"{old.expr.name} starts as a number, becomes an array and shares it with another name",
            "start with np.zeros of the right shape",
        )
    return True


_OPS = {np.add: "add", np.subtract: "subtract"}


def _store_with(
    state: State, ufunc: Any, base: Leaf, index: tuple[Expr, ...], old: Value, value: Value
) -> None:
    if isinstance(old, Leaf) and old.type.is_array:
        _check(state, ufunc, old, value)
    if ufunc in _OPS:
        memory.store(state, base, index, statements.array_expression(state, value), _OPS[ufunc])
    else:
        new = operators.binary(state, ufunc, old, value)
        memory.store(state, base, index, containers.expression(state, new))


def _check(state: State, ufunc: Any, old: Leaf, value: Value) -> None:
    """Refuse what NumPy refuses, ``+= 0.5`` on an array of integers."""
    if old.type.dtype is None or old.type.dtype.kind not in "biuf":
        return
    given = Leaf(statements.array_expression(state, value))
    if given.type.dtype is not None and given.type.dtype.kind in "biufc":
        made = plain_calls.typed(state, ufunc, [old, given], {})
        inplace.check_cast(state, f"np.{ufunc.__name__} in place", made, old)


def _augmented_item(
    state: State, ufunc: Any, owner: Value, node: ast.expr, value_node: ast.expr
) -> None:
    if isinstance(owner, Leaf):
        index = indexing.index_value(state, node)
        index = _reusable(state, index)
        old = indexing.subscript(state, owner, index)
        mark = len(state.block)
        value = expressions.evaluate(state, value_node)
        places = indexing.index_expressions(state, index)
        kept = order.keep_before(state, [old], mark)[0]
        if kept is old:
            _store_with(state, ufunc, owner, places, old, value)
        else:  # evaluating the value has changed what stood there
            value = operators.binary(state, ufunc, kept, value)
            memory.store(state, owner, places, containers.expression(state, value))
        return
    key = statements.container_key(state, owner, node)
    old = indexing.subscript(state, owner, Known(key))
    new = in_place(state, ufunc, old, expressions.evaluate(state, value_node))
    if new is not None:
        statements.assign_item(state, owner, ast.copy_location(ast.Constant(key), node), new)


def _reusable(state: State, index: Value) -> Value:
    """Name the computed parts of an index that is written twice."""
    match index:
        case Leaf() if not operators.is_cheap(index.expr) or index.type.is_array:
            return memory.held(state, index)
        case Items(items=items, kind=kind):
            return Items([_reusable(state, item) for item in items], kind)
    return index
