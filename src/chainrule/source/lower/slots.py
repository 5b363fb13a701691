"""The places where the interpreter keeps values: variables of scopes, items of containers.

A branch or a loop is lowered from one state of all places; afterwards the places are compared and
what differs is joined. A *slot* is one place: a dict or a list, and a key of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ..ir import Assign, Call, Expr, Lit, Var
from ..liveness import is_live
from ..types import OBJECT, Type, type_of
from ..values import (
    Derivative,
    Function,
    Items,
    Known,
    Leaf,
    Mapping,
    Method,
    Record,
    Scope,
    Value,
)
from . import memory
from .state import State, Unreadable, is_plain_number

Holder = Any
"""A dict or a list of values."""

Slot = tuple[int, Any]
"""The identity of a holder, and a key of it."""


def inside(value: Value) -> list[Holder]:
    """Return the holders that a value consists of."""
    match value:
        case Items(items=items):
            return [items]
        case Mapping(items=entries):
            return [entries]
        case Record(attributes=attributes):
            return [attributes]
        case Function(scope=scope, first=first, keywords=keywords, defaults=defaults):
            return [list(first), keywords, defaults, *_of_scope(scope)]
        case Method(receiver=inner) | Derivative(function=inner):
            return inside(inner)
    return []


def _of_scope(scope: Scope | None) -> Iterator[Holder]:
    while scope is not None:
        yield scope.variables
        scope = scope.outer


def holders(state: State) -> dict[int, Holder]:
    """Return all places where values are kept, by identity."""
    found: dict[int, Holder] = {}
    pending = [h for scope in (*state.frames, state.scope) for h in _of_scope(scope)]
    pending.reverse()
    while pending:
        holder = pending.pop()
        if id(holder) in found:
            continue
        found[id(holder)] = holder
        for _, value in entries(holder):
            pending += inside(value)
    return found


def entries(holder: Holder) -> list[tuple[Any, Value]]:
    """Return the keys and values of a holder."""
    return list(holder.items() if isinstance(holder, dict) else enumerate(holder))


@dataclass(slots=True)
class Snapshot:
    """The contents of all places at one moment."""

    holders: dict[int, Holder]
    contents: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def take(cls, state: State) -> Snapshot:
        """Remember the contents of all places."""
        found = holders(state)
        return cls(found, {key: holder.copy() for key, holder in found.items()})

    def restore(self) -> None:
        """Put back the contents of all places."""
        for key, holder in self.holders.items():
            fill(holder, self.contents[key])

    def get(self, slot: Slot) -> Value | None:
        """Return what a slot held, None for nothing."""
        contents = self.contents.get(slot[0])
        if contents is None:
            return None
        return read(contents, slot[1])

    def children(self, value: Value) -> list[tuple[Any, Value, Slot]]:
        """Return what a container held at that moment: keys, values and places."""
        holder = inside(value)[0]
        contents = self.contents.get(id(holder), holder)
        return [(key, item, (id(holder), key)) for key, item in entries(contents)]

    def has_two_names(self, value: Value) -> bool:
        """Tell whether a container that can change has a second name."""
        is_object = isinstance(value, Record) and isinstance(value.cls, type)
        mutable = (
            isinstance(value, Mapping)
            or is_object
            or (isinstance(value, Items) and value.kind in ("list", "iterator"))
        )
        wanted = {id(holder) for holder in inside(value)} if mutable else set()
        found = [
            1
            for contents in self.contents.values()
            for _, other in entries(contents)
            if not isinstance(other, (Function, Derivative))
            and wanted & {id(h) for h in inside(other)}
        ]
        return len(found) > 1

    def differs(self, after: Snapshot) -> bool:
        """Tell whether something has been bound or changed since."""
        for key, held in self.contents.items():
            pairs = zip(entries(held), entries(after.contents.get(key, held)), strict=False)
            if len(held) != len(after.contents.get(key, held)):
                return True
            if any(a is not b for (_, a), (_, b) in pairs):
                return True
        return False

    def slots(self) -> Iterator[tuple[Slot, Value]]:
        """Yield all slots with what they held."""
        for key, contents in self.contents.items():
            for name, value in entries(contents):
                yield (key, name), value


def forget(state: State, live: frozenset[str] | None) -> None:
    """Drop the variables of the current function that nothing reads any more."""
    variables = state.scope.variables
    for name in [name for name in variables if not is_live(name, live)]:
        del variables[name]


def read(contents: Holder, key: Any) -> Value | None:
    """Return what is at a key, None for nothing."""
    if isinstance(contents, dict):
        return contents.get(key)
    return contents[key] if key < len(contents) else None


def fill(holder: Holder, contents: Holder) -> None:
    """Give a holder new contents."""
    if isinstance(holder, dict):
        holder.clear()
        holder.update(contents)
    else:
        holder[:] = contents


def mentioned(state: State, but: Slot | None = None) -> set[str]:
    """Return the variables of the program that any place needs, one slot excepted."""
    found: set[str] = set()
    for key, holder in holders(state).items():
        for name, value in entries(holder):
            if (key, name) != but and isinstance(value, (Leaf, Known)):
                found |= memory.mentions(state, value)
    return found


def is_same(a: Value | None, b: Value | None) -> bool:
    """Tell whether two values are the same at every run."""
    if a is b:
        return True
    if isinstance(a, Known) and isinstance(b, Known):
        return same_known(a.value, b.value) and a.name == b.name
    if isinstance(a, Leaf) and isinstance(b, Leaf):
        return a.expr == b.expr
    if isinstance(a, Items) and isinstance(b, Items) and a.kind == b.kind == "tuple":
        pairs = zip(a.items, b.items, strict=False)
        return len(a.items) == len(b.items) and all(is_same(x, y) for x, y in pairs)
    if isinstance(a, Unreadable) and isinstance(b, Unreadable):
        return True
    if isinstance(a, Function) and isinstance(b, Function):
        return a.node is b.node and a.scope is b.scope
    if isinstance(a, Derivative) and isinstance(b, Derivative):
        options = (a.transform, a.argnums, a.has_aux) == (b.transform, b.argnums, b.has_aux)
        return options and is_same(a.function, b.function)
    return False


def same_known(a: Any, b: Any) -> bool:
    """Tell whether two Python objects are one, or equal literals."""
    if a is b:
        return True
    plain = (bool, int, float, complex, str, bytes, slice, tuple, range)
    return type(a) is type(b) and isinstance(a, plain) and repr(a) == repr(b)


def sharing(state: State, name: str) -> bool:
    """Tell whether several places name memory that a variable may name."""
    sites = state.sites.get(name, frozenset())
    found = [
        value
        for holder in holders(state).values()
        for _, value in entries(holder)
        if isinstance(value, Leaf) and sites & memory.sites_of(state, value.expr)
    ]
    return len(found) > 1


def spoil_copies(state: State, root: str) -> None:
    """After a change of a buffer, what was copied of it at a join must not be read."""
    if not any(s for sites in state.sites.values() for s in sites if _is_copy_of(s, root)):
        return
    for holder in holders(state).values():
        for key, value in entries(holder):
            if isinstance(value, Leaf):
                site = memory.is_copy(state, value.expr, root)
                if site is not None:
                    holder[key] = Unreadable(memory.conflict(state, site))


def _is_copy_of(site: Any, root: str) -> bool:
    return isinstance(site, tuple) and site[0] == "copy" and root in site[1]


def base(key: Any) -> str:
    """Return the name of a variable for a place: a Python name, one of ``hidden_name``, an item."""
    if not isinstance(key, str):
        return "item"
    return key[1:-1].split()[0] if key.startswith("<") else key


def base_at(state: State, slot: Slot) -> str:
    """Return the name of a variable for a place, an item of a named container included."""
    scope: Scope | None = state.scope
    while scope is not None:
        for name, value in scope.variables.items():
            if any(id(holder) == slot[0] for holder in inside(value)):
                return f"{base(name)}_{slot[1]}"
        scope = scope.outer
    return base(slot[1])


def readable(value: Value) -> Value:
    """Return a value unless it must not be read."""
    if isinstance(value, Unreadable):
        raise value.error
    if isinstance(value, Record) and isinstance(getattr(value.cls, "error", None), Exception):
        raise value.cls.error  # it may be None
    return value


def is_leaf(value: Value) -> bool:
    """Tell a number or an array, known or not."""
    return isinstance(value, Leaf) or is_plain_number(value)


def leaf_type(value: Value) -> Type:
    """Return the type of a number or an array."""
    assert isinstance(value, (Leaf, Known))
    return value.type if isinstance(value, Leaf) else type_of(value.value)


def own_expr(value: Value) -> Expr:
    """Return the expression of a number or an array, a literal as it is."""
    assert isinstance(value, (Leaf, Known))
    return Lit(type_of(value.value), value.value) if isinstance(value, Known) else value.expr


def parts(value: Value) -> Iterator[Value]:
    """Yield a value and all that is in it."""
    yield value
    for holder in [] if isinstance(value, (Function, Derivative)) else inside(value):
        for _, item in entries(holder):
            yield from parts(item)


def leaf_expr(value: Value, wanted: Type) -> Expr:
    """Return the expression of a number or an array; a literal as a number of the wanted kind."""
    assert isinstance(value, (Leaf, Known))
    if isinstance(value, Known) and value.name is None:
        return literal(value.value, wanted)
    return value.expr


def as_numbers(a: Value, b: Value) -> tuple[Value, Value]:
    """Return a mask as numbers where the other of two values is made of them: what a rule means."""
    if not (isinstance(a, Leaf) and isinstance(b, Leaf)):
        return a, b
    return _like(a, b), _like(b, a)


def _like(mask: Leaf, other: Leaf) -> Leaf:
    dtype = other.type.dtype
    if mask.type.dtype != np.dtype(bool) or dtype is None or dtype.kind not in "fc":
        return mask
    if not mask.type.is_array:
        return Leaf(Call(Type("scalar", dtype), dtype.type, (mask.expr,)))
    made = Type("array", dtype, mask.type.sizes)
    return Leaf(Call(made, np.ndarray.astype, (mask.expr, Lit(OBJECT, dtype.type))))


def literal(value: Any, wanted: Type) -> Lit:
    """Return a number as a literal, an integer as a float where a float is wanted."""
    if type(value) is int and wanted.dtype is not None and wanted.dtype.kind in "fc":
        value = float(value)
    return Lit(type_of(value), value)


def is_lacking(state: State, expr: Expr) -> bool:
    """Tell whether some path lacks a variable, because the function has returned on it."""
    return isinstance(expr, Var) and bool(state.unbound.get(expr.name))


def is_hidden(key: Any) -> bool:
    """Tell the key of a flag or a result."""
    return isinstance(key, str) and key.startswith("<")


def is_unbound(state: State, expr: Expr, name: str) -> bool:
    """Tell whether copying to another variable might read one that is not bound.

    On a path on which the function has returned, nothing will be read: a stand-in is bound there.
    """
    if not isinstance(expr, Var) or expr.name == name or expr.name not in state.unbound:
        return False
    blocks = state.unbound[expr.name]
    if blocks is None or expr.name in state.roots:
        return True
    from .absent import stand_in

    for block in blocks:
        value = own_expr(stand_in(expr.type))
        block.append(Assign(expr.name, value, origin=block[-1].origin if block else state.origin))
    state.definitions[expr.name] = None
    del state.unbound[expr.name]
    return False


def unbound_error(state: State, name: str) -> UnsupportedError:
    """Return the error for a name that is bound on some paths only."""
    return state.error(
        f"{name} is bound on some paths only, to values of different kinds",
        f"bind {name} before the branch or loop",
    )


def alike(a: Value, b: Value) -> bool:
    """Tell whether two values are containers of one kind."""
    match a, b:
        case Items(), Items():
            return (a.kind, a.cls) == (b.kind, b.cls)
        case Record(), Record():
            return a.cls is b.cls or type(a.cls) is type(b.cls) is not type
    return isinstance(a, Mapping) and isinstance(b, Mapping)


def rebuilt(value: Value, parts: dict[Any, Value]) -> Value:
    """Return a container of the same kind with other contents."""
    match value:
        case Items(kind=kind, cls=cls):
            return Items(list(parts.values()), kind, cls)
        case Record(cls=cls):
            return Record(cls, parts)
    return Mapping(parts, getattr(value, "factory", None))


def maybe_unbound(value: Value) -> Value:
    """A number that is only bound on one path is read from its variable, if that is bound."""
    if isinstance(value, Known) and isinstance(value.name, Var):
        return Leaf(value.name)
    return value
