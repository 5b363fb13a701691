"""Questions about a type that a traced value answers otherwise than what it stands for.

``isinstance(x, float)`` is False of a traced number, and the function would take another way than
without a derivative. The source engine knows the types.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from .rules import TRACED, Value

_STOOD_FOR = (np.float64, np.complex128, np.ndarray)
_OF_CONTAINERS = frozenset({"__len__", "__iter__"})
"""Attributes that every traced value has, a number too."""


def question(callee: Value, node: ast.Call, args: Sequence[Value]) -> str:
    """Return what a call asks about the type of a traced value, nothing if it asks no such thing.

    ``type`` itself is no question: what is done with the answer may be.
    """
    if not args or not args[0].bits & TRACED:
        return ""
    if is_one_of(callee, isinstance) and len(args) > 1:
        return class_question(args[1])
    if is_one_of(callee, np.isscalar):
        return "np.isscalar of a traced value"
    name = getattr(node.args[-1], "value", None)
    if is_one_of(callee, hasattr) and isinstance(name, str) and name in _OF_CONTAINERS:
        return f"hasattr(..., {name!r}) of a traced value"
    return ""


def class_question(classes: Value) -> str:
    """Return what is asked where a traced value may be an instance of the classes."""
    for cls in (getattr(ref, "object", None) for ref in classes.refs):
        if isinstance(cls, type) and cls is not object and _may_be(cls):
            return f"isinstance(..., {cls.__name__}) of a traced value"
    return ""


def _may_be(cls: type) -> bool:
    return any(issubclass(kind, cls) for kind in _STOOD_FOR)


def is_one_of(value: Value, *objects: Any) -> bool:
    """Whether a value may be one of these objects (an array must not be asked for equality)."""
    found = [getattr(ref, "object", None) for ref in value.refs]
    return any(thing is wanted for thing in found for wanted in objects)
