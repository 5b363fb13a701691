"""Small arrays of integers whose elements decide what a program does: parents of nodes, orders.

A program that needs one known is made for these elements, and for no others.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..build import base_variable
from ..ir import Dim, Expr, Index, Var, walk
from ..signature import CONTENTS
from ..values import Value
from .containers import known
from .state import Refine, State

_FEW = 256
"""So many elements are known at most."""


def ask(state: State, expr: Expr, seen: set[str] | None = None) -> None:
    """Request the first array of which an expression reads an element; return if there is none."""
    seen = set() if seen is None else seen
    for part in walk(expr):
        if isinstance(part, Var) and part.name not in seen:
            seen.add(part.name)
            definition = state.definitions.get(part.name)
            if definition is not None:
                ask(state, definition, seen)
        if isinstance(part, Dim) or (isinstance(part, Index) and part.type.is_number):
            _ask(state, base_variable(part.base))


def _ask(state: State, array: Var | None) -> None:
    if array is None or array.name in state.buffers or array.name in state.contents:
        return
    if array.type.dtype is None or array.type.dtype.kind not in "biu":
        return
    if array.name in state.hidden and state.hidden[array.name]().size <= _FEW:
        raise Refine(("contents", array.name))
    if array.name in state.arguments:
        name, path = state.arguments[array.name]
        sizes = [n for n in array.type.sizes if isinstance(n, int)]
        if len(sizes) < array.type.ndim:
            raise Refine(("sizes", (name, path)))
        if math.prod(sizes) <= _FEW:
            raise Refine(("static", (name, (*path, CONTENTS))))


def part(state: State, base: Expr, parts: Sequence[Value]) -> Any:
    """Return what is known of a part of an array, else None."""
    if isinstance(base, Var) and base.name in state.buffers:
        return None
    whole = state.contents.get(_key(base))
    places = [known(x) for x in parts]
    if whole is None or not all(ok and isinstance(k, (int, np.integer)) for ok, k in places):
        return None
    with suppress(IndexError):  # the run raises it
        return whole[tuple(k for _, k in places)]
    return None


def note(state: State, array: Expr, elements: Any) -> None:
    """Remember the elements of an array."""
    state.contents[_key(array)] = elements


def _key(array: Expr) -> Hashable:
    return array.name if isinstance(array, Var) else array
