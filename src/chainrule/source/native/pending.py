"""Stores that are put off to the end of a run of statements.

A loop that reads all it needs before it writes anything is one that LLVM can vectorise: a value
that it keeps for the next iteration may not be used by a store before it is loaded. What is read
from a place after it was written comes from the register, and ``+=`` of several statements to one
place load and store it once.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from .. import ir
from ..ir import Assign, Expr, Stmt, Var
from .code import Gather, Put, bound_by, split_shift

_Key = tuple[str, tuple[Expr, ...]]


class Pending:
    """Values by the places where they will be stored: no two of these can be the same place."""

    def __init__(self) -> None:
        self.stores: dict[_Key, tuple[Any, Any]] = {}

    def get(self, array: str, index: tuple[Expr, ...]) -> tuple[Any, Any] | None:
        """Return the pointer to a place, and what will be stored there, if it will."""
        return self.stores.get((array, index))

    def put(self, array: str, index: tuple[Expr, ...], pointer: Any, value: Any) -> None:
        """Put off a store."""
        self.stores[array, index] = pointer, value

    def taken(self) -> list[tuple[Any, Any]]:
        """Return the stores that were put off, which are no longer."""
        found = [*self.stores.values()]
        self.stores.clear()
        return found

    def forbids(self, s: Stmt, shared: Set[str]) -> bool:
        """Tell whether a statement may touch a place of these under another name for it.

        ``shared``: arrays that may lie in the memory of others.
        """
        if not self.stores:
            return False
        if not isinstance(s, (Put, Assign, Gather)):
            return True
        touched = [
            (e.base.name, e.index)
            for expr in ir.expressions(s)
            for e in ir.walk(expr)
            if isinstance(e, ir.Index) and isinstance(e.base, Var)
        ]
        if isinstance(s, Put):
            touched.append((s.array.name, s.index))
        if any(ir.names_in(*index) & {*bound_by(s)} for _, index in self.stores):
            return True
        return any(_may_meet(own, other, shared) for own in self.stores for other in touched)


def _may_meet(a: _Key, b: _Key, shared: Set[str]) -> bool:
    """Tell whether two places may be one, though they are not written in the same way."""
    if a[0] != b[0]:
        return a[0] in shared and b[0] in shared
    return a[1] != b[1] and not _is_apart(a[1], b[1])


def _is_apart(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> bool:
    pairs = [(split_shift(x), split_shift(y)) for x, y in zip(a, b, strict=True)]
    return any(x[0] == y[0] and x[1] != y[1] for x, y in pairs)
