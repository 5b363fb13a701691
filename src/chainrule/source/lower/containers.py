"""Abstract containers: tuples, lists, dicts and objects of the user, and how they become text."""

from __future__ import annotations

import ast
from typing import Any

from ..ir import Access, Dim, Effect, Expr, Lit, Seq, Slice, Var
from ..types import OBJECT
from ..values import Items, Known, Leaf, Mapping, Record, Value
from .state import State

NONE = Known(None)
TRUE = Known(True)
FALSE = Known(False)
ZERO = Known(0)
ONE = Known(1)
LAST = Known(-1)
EMPTY = Known(())
"""Default values of parameters."""


def expression(state: State, value: Value) -> Expr:
    """Return the expression that stands for a value in the emitted program."""
    if isinstance(value, Cut):
        return cut(state, value)
    if isinstance(value, (Known, Leaf)):
        return value.expr
    if isinstance(value, Items) and value.kind == "slice":
        ends = [None if is_none(part) else expression(state, part) for part in value.items]
        return Slice(OBJECT, *ends)
    if (
        isinstance(value, Items)
        and value.kind != "iterator"
        and not (value.cls is not None and value.kind == "tuple")
    ):
        items = tuple(expression(state, item) for item in value.items)
        if all(isinstance(item, Lit) for item in items):
            found = [item.value for item in items if isinstance(item, Lit)]
            return Lit(OBJECT, tuple(found) if value.kind == "tuple" else found)
        return Seq(OBJECT, items, value.kind)
    raise state.error(
        f"A {describe(value)} stands where a number, an array or a tuple of them is needed",
        "pass the arrays in it one by one",
    )


class Cut(Leaf):
    """A number or array whose derivative is cut off: what ``plain`` returns."""

    __slots__ = ()


def cut(state: State, value: Cut) -> Expr:
    """Bind a value to a variable that carries no derivative."""
    if not value.type.is_differentiable:
        return value.expr
    expr = value.expr if isinstance(value.expr, Var) else state.temporary(value.expr)
    name = state.fresh("plain")
    state.types[name] = value.type
    state.constants.add(name)
    state.emit(Effect(expr, (name,)))
    return Var(value.type, name)


def uncut(value: Value) -> Value:
    """Return a value as the argument of a function whose result has no derivative anyway."""
    return Leaf(value.expr, value.root, value.size) if isinstance(value, Cut) else value


def describe(value: Value) -> str:
    """Name a value for an error message."""
    match value:
        case Known(value=known):
            return type(known).__name__
        case Leaf():
            return {"array": "array", "object": "object"}.get(value.type.kind, "number")
        case Items(kind=kind, cls=cls):
            return cls.__name__ if cls else kind
        case Mapping():
            return "dict"
        case Record(cls=cls):
            return str(cls.__name__)
    return type(value).__name__.lower()


def is_none(value: Value) -> bool:
    """Tell None itself: the dtype float64 is equal to it."""
    return isinstance(value, Known) and value.value is None


def known(value: Value) -> tuple[bool, Any]:
    """Tell whether a value is known now, with all that is in it; and what it is."""
    match value:
        case Known(value=found):
            return True, found
        case Items(items=items, kind=kind, cls=cls):
            parts = [known(item) for item in items]
            if not all(ok for ok, _ in parts):
                return False, None
            found = [part for _, part in parts]
            if kind == "slice":
                return True, slice(*found)
            return True, cls(*found) if cls else tuple(found) if kind == "tuple" else found
        case Mapping(items=entries):
            pairs = {key: known(item) for key, item in entries.items()}
            if not all(ok for ok, _ in pairs.values()):
                return False, None
            return True, {key: part for key, (_, part) in pairs.items()}
    return False, None


def lift(value: Any) -> Value:
    """Return a Python object as an abstract value, its containers taken apart."""
    return _lift(value, {})


def _lift(value: Any, seen: dict[int, Value]) -> Value:
    """Lift a part; what is there twice (``[[0.0]] * 2``) stays one."""
    if id(value) in seen:
        return seen[id(value)]
    found: Value = Known(value)
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        found = Items([_lift(item, seen) for item in value], type(value).__name__)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        found = Items([_lift(item, seen) for item in value], "tuple", type(value))
    elif type(value) is dict:
        found = Mapping({key: _lift(item, seen) for key, item in value.items()})
    if not isinstance(found, Known):
        seen[id(value)] = found
    return found


def settle(state: State, value: Value) -> Value:
    """Give what a container is about to hold a name, so that it keeps its value."""
    if isinstance(value, Leaf) and not isinstance(value.expr, (Var, Lit, Access)):
        return Leaf(state.temporary(value.expr), value.root, value.size)
    return value


def settled(state: State, value: Value) -> Value:
    """Give a number that is used twice a name, unless it is short."""
    if isinstance(value, Leaf) and not isinstance(value.expr, (Var, Lit, Access, Dim)):
        return settle(state, value)
    return value


def items_of(state: State, value: Value, count: int | None = None) -> list[Value]:
    """Return what iterating over a value of known length yields; ``count`` are expected."""
    match value:
        case Items(items=items, kind=kind):
            found = list(items)
            if kind == "iterator":
                from .going import check

                check(state, value)
                items.clear()
            return found
        case Mapping(items=entries):
            return [lift(key) for key in entries]
        case Known(value=found) if hasattr(found, "__iter__") and not hasattr(found, "__next__"):
            return [lift(item) for item in found]
        case Leaf() if value.type.is_array and value.type.ndim:
            return _rows(state, value, count)
    raise state.error(
        f"A {describe(value)} cannot be taken apart: its length is not known",
        "use a tuple or a list, or a for loop over range(...)",
    )


def _rows(state: State, value: Leaf, count: int | None) -> list[Value]:
    from .attributes import size_value
    from .indexing import subscript

    size = value.type.sizes[0]
    if isinstance(size, int):
        count = size
    elif count is None:
        count = state.static(size_value(state, value, 0), "the number of rows that are taken apart")
    if not isinstance(value.expr, (Var, Access)):
        named = settle(state, value)
        assert isinstance(named, Leaf)
        value = named
    return [subscript(state, value, Known(k)) for k in range(count)]


def attribute_of(state: State, value: Record | Items, name: str) -> Value | None:
    """Return a field of a record or a namedtuple, None where it has no such field."""
    if isinstance(value, Record):
        return value.attributes.get(name)
    fields = getattr(value.cls, "_fields", ())
    return value.items[fields.index(name)] if name in fields else None


def spread(state: State, nodes: list[ast.expr]) -> list[Value]:
    """Evaluate the elements of a display or the arguments of a call, ``*rest`` among them."""
    from .expressions import evaluate_all

    bare = [node.value if isinstance(node, ast.Starred) else node for node in nodes]
    found: list[Value] = []
    for node, value in zip(nodes, evaluate_all(state, bare), strict=True):
        found += items_of(state, value) if isinstance(node, ast.Starred) else [value]
    return found


# ---------------------------------------------------------------------------- of collections


class Deque(list[Any]):
    """Stands for the class of a deque."""

    maxlen: int | None = None

    def __init__(self, *items: Any) -> None:
        super().__init__(items)


def is_deque(value: Value) -> bool:
    """Tell a deque."""
    return isinstance(value, Items) and isinstance(value.cls, type) and issubclass(value.cls, Deque)


def missing(state: State, a: Mapping, key: Any) -> Value:
    """Return the value of a key that a dict lacks, which it has from now on."""
    from . import calls

    if a.factory is None:
        raise state.error(f"The {describe(a)} has no key {key!r}", "use a key that exists")
    if id(a) in state.foreign:
        raise state.error("A dict from outside gets another key", "make a new one")
    found = a.items[key] = settle(state, calls.call(state, a.factory, [], {}))
    return found
