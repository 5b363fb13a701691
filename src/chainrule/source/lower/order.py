"""What has been evaluated but not computed yet, before statements that change what it reads."""

from __future__ import annotations

from ..ir import Access, Assign, Expr, Move, Pop, Store, Var, names_in, statements, walk, written
from ..values import Items, Leaf, Method, Value
from . import memory
from .state import State


def keep_before(state: State, values: list[Value], mark: int) -> list[Value]:
    """Compute pending expressions before the statements that were emitted since ``mark``.

    Only where one of these changes what an expression reads.
    """
    emitted = list(statements(state.block[mark:]))
    changed = {name for statement in emitted for name in written(statement)}
    stores = any(isinstance(s, (Store, Move, Pop)) for s in emitted)

    def kept(value: Value) -> Value:
        if isinstance(value, Method):
            return Method(kept(value.receiver), value.name)
        if isinstance(value, Items):
            items = [kept(item) for item in value.items]
            if value.kind == "tuple":
                return Items(items, "tuple", value.cls)
            value.items[:] = items
        if not isinstance(value, Leaf) or not _is_touched(value, changed, stores):
            return value
        name = state.fresh("t")
        state.types[name] = value.type
        state.definitions[name] = value.expr
        memory.note_sites(state, name, memory.sites_of(state, value.expr))
        state.block.insert(mark, Assign(name, value.expr, origin=state.origin))
        return Leaf(Var(value.type, name), None, value.size)

    return [kept(value) for value in values]


def _is_touched(value: Leaf, changed: set[str], stores: bool) -> bool:
    """A view is read later in any case; what it is computed from must still be there."""
    names = names_in(value.expr)
    if names & changed and not (value.root is not None and value.root in changed):
        return not isinstance(value.expr, Var) or not value.type.is_array
    return stores and value.root is None and _reads_arrays(value.expr)


def _reads_arrays(expr: Expr) -> bool:
    return not isinstance(expr, Var) and any(
        isinstance(e, (Var, Access)) and e.type.is_array for e in walk(expr)
    )
