"""Operators that classes of the user define: ``__add__``, ``__rmul__`` and the like."""

from __future__ import annotations

from typing import TypeGuard

from ..values import Items, Record, Value
from .containers import describe
from .state import State


def defines(value: Value, method: str) -> TypeGuard[Record | Items]:
    """Tell whether an object's class has an operator: a namedtuple one that tuples have not."""
    if isinstance(value, Items) and isinstance(value.cls, type) and issubclass(value.cls, tuple):
        return getattr(value.cls, method, None) is not getattr(tuple, method, None)
    return isinstance(value, Record) and hasattr(value.cls, method)


def overloaded(state: State, name: str, operands: list[Value]) -> Value:
    """Call the user's own ``__add__`` or ``__radd__``."""
    from .calls import call_attribute

    for receiver, rest, method in (
        (operands[0], operands[1:], name),
        (operands[-1], operands[:-1], f"__r{name[2:]}"),
    ):
        if defines(receiver, method):
            return call_attribute(state, receiver, method, rest)
    raise state.error(
        f"A {' and a '.join(map(describe, operands))} meet in an operator that they do not define",
        "use their arrays",
    )
