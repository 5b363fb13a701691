"""What functions close over: whether it is the same at two calls, and stays as it is in one."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from ..ir import Expr, Var
from ..values import Function, Leaf, Mapping, Record, Scope, Value
from . import memory, slots
from .state import Refine, Site, State


def is_same(a: Function, b: Function) -> bool:
    """Tell whether two functions have the same text and are defined in the same place."""
    return a.node is b.node and _is_same_scope(a.scope, b.scope)


def _is_same_scope(a: Scope, b: Scope) -> bool:
    if a is b:
        return True
    plain = not (a.outer or b.outer or a.variables or b.variables)
    cells = a.cells.keys() == b.cells.keys() and all(a.cells[k] is b.cells[k] for k in a.cells)
    return plain and cells and a.globals is b.globals


class Closure:
    """The values of the names that a function reads from the functions around it."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.values: dict[tuple[int, Any], Value] = {}
        self.scopes: dict[int, dict[str, Value]] = {}
        self._add_function(function)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Closure) or not is_same(self.function, other.function):
            return False
        same = self.values.keys() == other.values.keys()
        return same and all(slots.is_same(x, other.values[k]) for k, x in self.values.items())

    __hash__ = None  # type: ignore[assignment]

    def _add_function(self, function: Function) -> None:
        names = (n.id for n in ast.walk(function.node) if isinstance(n, ast.Name))
        for name in dict.fromkeys(names):
            scope: Scope | None = function.scope
            while scope is not None and name not in scope.variables:
                scope = scope.outer
            if scope is not None:
                self.scopes[id(scope.variables)] = scope.variables
                self._add((id(scope.variables), name), scope.variables[name])

    def _add(self, slot: tuple[int, Any], value: Value) -> None:
        if slot in self.values:
            return
        self.values[slot] = value
        if isinstance(value, Function):
            self._add_function(value)
            return
        for holder in slots.inside(value):
            for key, item in slots.entries(holder):
                self._add((id(holder), key), item)


def closure(function: Function) -> Closure:
    """Return what a function closes over now."""
    return Closure(function)


def others(state: State, outer: frozenset[Site], expr: Expr) -> frozenset[Site]:
    """Return the arrays that a function's result may be, other than those that it has made."""
    found = origins(state, expr)
    return frozenset(s for s in found if s in outer or s[0] == "handed over")  # type: ignore[index]


def origins(state: State, expr: Expr) -> frozenset[Site]:
    """Return where the array that an expression names, or is a view of, may have been made."""
    root = memory.root_of(state, expr) if expr.type.is_array else None
    return memory.sites_of(state, expr) | state.sites.get(root or "", frozenset())


def check_unchanged(state: State, before: slots.Snapshot, result: Value, name: str) -> None:
    """Refuse a function that binds names around it, or changes or returns others' containers."""
    for part in slots.parts(result):
        is_mutable = isinstance(part, (Mapping, Record)) or getattr(part, "kind", "") == "list"
        if is_mutable and any(id(h) in before.contents for h in slots.inside(part)):
            raise state.error(
                f"{name} calls itself, and returns a list, a dict or an object that it was given",
                "return a new one: list(x), dict(x)",
            )
    after = slots.Snapshot.take(state)
    for key, held in before.contents.items():
        now = after.contents.get(key, held)
        same = len(held) == len(now) and all(
            slots.is_same(value, slots.read(now, k)) for k, value in slots.entries(held)
        )
        if not same:
            raise state.error(
                f"{name} calls itself, and changes a list, a dict, an object or a name that is "
                "not its own",
                "return the new value",
            )


# ------------------------------------------------------------- arrays of others that are changed


def changed_arrays(state: State, function: Function, place: Hashable) -> dict[str, Value]:
    """Return the closed-over arrays that a function changes: further arguments of it."""
    wanted = {key[2] for key in state.refinements if key[:2] == ("closed over", place)}
    if not wanted:
        return {}
    found = Closure(function)
    return {
        f"<{name} {list(found.scopes).index(key)}>": value
        for (key, name), value in found.values.items()
        if name in wanted and key in found.scopes and isinstance(value, Leaf)
    }


def is_closed_over(name: str) -> bool:
    """Tell the name of such an argument."""
    return name.startswith("<")


@contextmanager
def replaced(function: Function, values: dict[str, Value]) -> Iterator[None]:
    """Bind the names of closed-over arrays to other values for a while."""
    scopes = list(Closure(function).scopes.values())
    held = []
    for key, value in values.items():
        name, k = key[1:-1].split()
        held.append((scopes[int(k)], name, scopes[int(k)][name]))
        scopes[int(k)][name] = value
    try:
        yield
    finally:
        for variables, name, value in held:
            variables[name] = value


def ask_for(state: State, function: Function, place: Hashable, root: str) -> None:
    """Ask that a function be given a closed-over array which it changes."""
    found = Closure(function)
    for (key, name), value in found.values.items():
        is_it = isinstance(value, Leaf) and isinstance(value.expr, Var) and value.expr.name == root
        if is_it and key in found.scopes:
            raise Refine(("closed over", place, name))
    raise state.error(
        "A function that calls itself changes an array that is not its own",
        "pass the array as an argument",
    )
