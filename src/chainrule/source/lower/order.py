"""What has been evaluated but not computed yet, before statements that change what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..ir import (
    Access,
    Assign,
    Block,
    Expr,
    Move,
    Pop,
    Stmt,
    Store,
    Var,
    names_in,
    statements,
    walk,
    written,
)
from ..values import Items, Known, Leaf, Mapping, Method, Record, Value
from . import memory, rows
from .state import State


def keep_before(state: State, values: list[Value], mark: int) -> list[Value]:
    """Compute pending expressions before the statements that were emitted since ``mark``.

    Only where one of these changes what an expression reads. Parts of memory are named there; where
    it is not known whether something is a part or a copy, it is refused.
    """
    changes = _Changes(state, list(statements(state.block[mark:])))
    seen: set[int] = set()

    def kept(value: Value) -> Value:
        match value:
            case Method():
                return Method(kept(value.receiver), value.name)
            case Items(kind="tuple", items=items, cls=cls):
                return Items([kept(item) for item in items], "tuple", cls)
            case Items() | Mapping() | Record() if id(value) in seen:
                return value
            case Items(items=items):
                seen.add(id(value))
                items[:] = [kept(item) for item in items]
            case Mapping(items=entries) | Record(attributes=entries):
                seen.add(id(value))
                entries.update({key: kept(item) for key, item in entries.items()})
            case Leaf():
                return _kept_leaf(state, value, changes, mark)
        return value

    return [kept(value) for value in values]


def in_turn(state: State, items: list[Value]) -> Iterator[Value]:
    """Yield items one by one, the later ones as they were before what is done with the first."""
    rest = list(items)
    while rest and not all(isinstance(item, Known) for item in rest):
        mark = len(state.block)
        yield rest.pop(0)
        if len(state.block) > mark:
            rest = keep_before(state, rest, mark)
    yield from rest


def each(state: State, items: list[Value], make: Callable[[Value], Value]) -> list[Value]:
    """Return what is made of each item, as it was before the later ones were made."""
    found: list[Value] = []
    for item in in_turn(state, items):
        mark = len(state.block)
        made = make(item)
        if len(state.block) > mark:
            found = keep_before(state, found, mark)
        found.append(made)
    return found


class _Changes:
    """What some statements change: variables, and the memory of buffers."""

    def __init__(self, state: State, emitted: list[Stmt]) -> None:
        self.names = {name for statement in emitted for name in written(statement)}
        stores = [s for s in emitted if isinstance(s, (Store, Move, Pop))]
        self.buffers = {state.roots.get(name, name) for s in stores for name in written(s)}


def _kept_leaf(state: State, value: Leaf, changes: _Changes, mark: int) -> Leaf:
    expr = value.expr
    for site in memory.sites_of(state, expr):
        if isinstance(site, tuple) and site[0] == "copy" and changes.buffers & set(site[1]):
            raise memory.conflict(state, site)
    root = memory.root_of(state, expr)
    if root is None:
        return value if not _is_touched(expr, changes) else _computed(state, value, mark)
    if root in changes.buffers:
        part = rows.uncertain(state, expr)
        if part is not None:
            raise rows.refusal(state, part.fn.__name__, part.args[0])
    places = {n for n in names_in(expr) if n not in state.roots and n not in state.buffers}
    if not places & changes.names:
        return value  # a part of memory is read later in any case
    before: Block = []
    with state.into(before):
        named = memory.alias(state, expr, "view")
    state.block[mark:mark] = before
    return Leaf(named, root, value.size)


def _computed(state: State, value: Leaf, mark: int) -> Leaf:
    name = state.fresh("t")
    state.types[name] = value.type
    state.definitions[name] = value.expr
    memory.note_sites(state, name, memory.sites_of(state, value.expr))
    state.block.insert(mark, Assign(name, value.expr, origin=state.origin))
    return Leaf(Var(value.type, name), None, value.size)


def _is_touched(expr: Expr, changes: _Changes) -> bool:
    """Tell whether what an expression is computed from is no longer there."""
    if names_in(expr) & changes.names:
        return not isinstance(expr, Var) or not expr.type.is_array
    return bool(changes.buffers) and _reads_arrays(expr)


def _reads_arrays(expr: Expr) -> bool:
    return not isinstance(expr, Var) and any(
        isinstance(e, (Var, Access)) and e.type.is_array for e in walk(expr)
    )
