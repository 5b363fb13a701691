"""Binding of Python names: which variable of the program gets the value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .. import sizes
from ..ir import Access, Call, Expr, Index, Lit, Var
from ..jumps import RESULT
from ..types import type_of
from ..values import Items, Known, Leaf, Value
from . import common_types, memory, rows, slots
from .state import State, Unreadable, in_rule, is_plain_number


def bind(state: State, name: str, value: Value, fresh: bool = False) -> None:
    """Bind a Python name in its scope; ``fresh``: to a variable not used before."""
    inner = state.scope
    state.scope = state.nonlocals.get((id(inner), name), inner)
    try:
        _bind(state, name, value, fresh)
    finally:
        state.scope = inner


def _bind(state: State, name: str, value: Value, fresh: bool) -> None:
    has_name = isinstance(value, Known) or (isinstance(value, Leaf) and isinstance(value.expr, Var))
    if has_name and state.is_straight and in_rule(state):
        state.scope.variables[name] = value  # a rule's own names need not show
        return
    if isinstance(value, Leaf):
        value = _bind_leaf(state, name, value, fresh)
    elif isinstance(value, Known) and isinstance(value.value, np.ndarray):
        expr = Lit(type_of(value.value), value.value)
        value = _bind_leaf(state, name, Leaf(expr), fresh)
    elif isinstance(value, Known) and is_plain_number(value):
        expr = Lit(type_of(value.value), value.value)
        value = Known(value.value, _assigned(state, name, expr, fresh))
    elif isinstance(value, Items) and value.kind == "tuple" and not state.is_straight:
        state.scope.variables.pop(name, None)
        kept = memory.held(state, value)
        assert isinstance(kept, Items)
        value = _bind_tuple(state, (name,), kept)
    else:
        value = memory.held(state, value, slots.base(name))
    state.scope.variables[name] = value


def _bind_tuple(state: State, path: tuple[Any, ...], value: Items) -> Items:
    """Give the numbers in a tuple variables that are the same wherever this name is bound."""
    key = id(state.scope.variables)
    again = {state.homes.get((key, (*path, k)), "") for k in range(len(value.items))}
    items = [apart(state, item, again) for item in value.items]
    for k, item in enumerate(items):
        here = (*path, k)
        if isinstance(item, Items) and item.kind == "tuple":
            items[k] = _bind_tuple(state, here, item)
        elif slots.is_leaf(item) and memory.root_of(state, slots.own_expr(item)) is None:
            expr = slots.own_expr(item)
            var = _assigned(state, here, expr, False)
            size = item.size if isinstance(item, Leaf) else None
            items[k] = Known(item.value, var) if isinstance(item, Known) else Leaf(var, None, size)
    return Items(items, "tuple", value.cls)


def _bind_leaf(state: State, name: str, leaf: Leaf, fresh: bool) -> Leaf:
    if name == RESULT and state.is_straight:
        return leaf
    expr = leaf.expr
    if expr.type.is_array:
        root = memory.root_of(state, expr)
        if root is not None:
            if isinstance(expr, Var):
                return Leaf(expr, root)
            named = memory.alias(state, expr, slots.base(name), not name.startswith("<"))
            return Leaf(named, memory.root_of(state, named))
    var = _assigned(state, name, expr, fresh)
    return Leaf(var, var.name if var.name in state.buffers else None, _size(state, var, leaf.size))


def _size(state: State, var: Var, size: Any) -> Any:
    """Return the size that an integer equals: by the name of a variable assigned once, else."""
    is_integer = var.type.is_number and var.type.dtype is not None and var.type.dtype.kind in "iu"
    if size is not None or not is_integer or state.definitions.get(var.name) is None:
        return size
    return sizes.integer(var.name)


def _assigned(state: State, name: Any, expr: Expr, fresh: bool) -> Var:
    """Assign an expression to the variable for a Python name, or for a path into a tuple."""
    home = None if fresh else _home(state, name, expr)
    if home is None:
        path = name if isinstance(name, tuple) else (name,)
        base = "_".join([slots.base(path[0]), *map(str, path[1:])])
        home = state.fresh(base, not path[0].startswith("<"))
    state.homes[id(state.scope.variables), name] = home
    memory.assign(state, home, expr)
    return Var(expr.type, home)


def _home(state: State, name: Any, expr: Expr) -> str | None:
    """Return the variable to assign again, inside of loops and branches; None for a new one."""
    if state.is_straight:
        return None
    home = state.homes.get((id(state.scope.variables), name))
    if home is None or home in state.loops or home in state.roots:
        return None
    known = state.types.get(home)
    if known is None or not common_types.fits(known, expr.type):
        return None
    if expr.type.is_array and (home in state.buffers) != memory.is_buffer_made(state, expr):
        return None
    if memory.is_copy(state, Var(known, home)) is not None:
        return None  # what is assigned here is no copy: it may outlive a change of the original
    others = slots.mentioned(state, (id(state.scope.variables), name))
    return None if home in others else home


def apart(state: State, value: Value, rewritten: set[str]) -> Value:
    """Compute what a later target gets before earlier ones are written."""
    value = memory.held(state, value)
    if not isinstance(value, Leaf) or memory.root_of(state, value.expr) is not None:
        return value
    if memory.mentions(state, value) & rewritten:
        return Leaf(state.temporary(value.expr), None, value.size)
    return value


def named(state: State, target: Leaf) -> Leaf:
    """Give a new array that is stored into at once a name: ``out=np.empty_like(x)``."""
    if not target.type.is_array:
        return target
    expr = _of_named(state, target.expr)
    return Leaf(expr, memory.root_of(state, expr))


def _of_named(state: State, expr: Expr) -> Expr:
    if isinstance(expr, (Var, Access)) or memory.root_of(state, expr) is not None:
        return expr
    base = memory.shares(expr)
    if base is None:
        return state.temporary(expr, "out")
    inner = _of_named(state, base)
    if isinstance(expr, Index):
        return replace(expr, base=inner)
    assert isinstance(expr, Call)
    return replace(expr, args=(inner, *expr.args[1:]))


def reshape(state: State, array: Leaf, shape: Value) -> None:
    """``array.shape = shape``: all names of the array have one of another shape from now on."""
    from . import calls

    if not rows.is_by_rows(state, array.expr):
        raise state.error(
            "The shape of an array is assigned that may not lie in memory row by row",
            "bind the reshaped array to a name: y = y.reshape(...)",
        )
    given = calls.call(state, Known(np.reshape), [array, shape], {})
    made, same = memory.held(state, given, "reshaped"), _origin(state, array.expr)
    sites = memory.sites_of(state, array.expr)
    is_unknown = _is_bound_again(state, same)
    for holder in slots.holders(state).values():
        for key, value in slots.entries(holder):
            if not isinstance(value, Leaf) or not value.type.is_array:
                continue
            other = _origin(state, value.expr)
            if other == same:
                holder[key] = made
                continue
            may_be_same = is_unknown or _is_bound_again(state, other)
            if may_be_same and sites & memory.sites_of(state, value.expr):
                holder[key] = Unreadable(
                    state.error(
                        "The shape of an array is assigned that may have another name here",
                        "bind the reshaped array to a name: y = y.reshape(...)",
                    )
                )


def _origin(state: State, expr: Expr) -> Expr:
    """Return the variable that an array was first bound to, as far as that is known."""
    while isinstance(expr, Var) and isinstance(made := state.definitions.get(expr.name), Var):
        expr = made
    return expr


def _is_bound_again(state: State, expr: Expr) -> bool:
    """Tell a variable that may hold one of several arrays, which may have other names too."""
    if not isinstance(expr, Var) or expr.name in state.roots:
        return False
    return state.definitions.get(expr.name) is None and expr.name in state.rebound
