"""Which loops over small arrays are written out, and which arrays cannot become numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import ir
from ..ir import Block, Call, Expr, Index, Lit, Stmt, Var
from .code import Loop, Put, bindings, expressions

STATEMENTS = 256
"""Loops are written out into at most so many statements each."""
TRIPS = 16
"""Loops of more iterations stay loops."""

Shape = tuple[int, ...]


class Reach:
    """Finds the arrays with places that are not known when all loops over them are written out."""

    def __init__(self, shapes: dict[str, Shape]) -> None:
        self.shapes = shapes
        self.refused: set[str] = set()
        self.users: dict[int, set[str]] = {}
        """Loops that can be written out -> the arrays whose places they run through."""

    def of(self, block: Block) -> set[str]:
        """Return the arrays that have to stay arrays."""
        self._count(block, {})
        return self.refused

    def _count(self, block: Block, around: dict[str, tuple[int, range]]) -> int:
        """Return how many statements a block comes to; ``around``: loops by their variables."""
        total = 0
        for s in block:
            for name, index in places(s):
                if name in self.shapes:
                    self._look(name, index, around)
            trips = literal_trips(s)
            inner = dict(around)
            if trips is not None:
                inner[variable_of(s)] = id(s), trips
                self.users[id(s)] = set()
            elif isinstance(s, (Loop, ir.For)):
                inner.pop(s.var.name, None)
            count = sum(self._count(body, inner) for body in s.blocks)
            if trips is not None and (users := self.users[id(s)]):
                count *= max(len(trips), 1)
                if count > STATEMENTS:
                    self.refused |= users
            total += 1 + count
        return total

    def _look(
        self, name: str, index: tuple[Expr, ...], around: dict[str, tuple[int, range]]
    ) -> None:
        trips = {variable: trips for variable, (_, trips) in around.items()}
        for place, size in zip(index, self.shapes[name], strict=True):
            ends = _ends(place, trips)
            if ends is None or not (ends[0] >= 0 and ends[1] < size):
                self.refused.add(name)
                return
            for variable in ir.names_in(place):
                self.users[around[variable][0]].add(name)


def literal_trips(s: Stmt) -> range | None:
    """Return the values that a loop's variable takes, where they are known and few."""
    found: range | None = None
    if isinstance(s, Loop) and isinstance(s.extent, Lit):
        found = range(s.extent.value)
    elif isinstance(s, ir.For) and not s.until and s.var.name not in {*bindings(s.body)}:
        bounds = [e.value for e in (s.start, s.stop, s.step) if isinstance(e, Lit)]
        found = range(*bounds) if len(bounds) == 3 else None
    return found if found is not None and len(found) <= TRIPS else None


def variable_of(s: Stmt) -> str:
    """Return the variable of a loop."""
    assert isinstance(s, (Loop, ir.For))
    return s.var.name


_COUNTABLE: dict[Any, Callable[[int, int], int]] = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
}


def _ends(place: Expr, trips: dict[str, range]) -> tuple[int, int] | None:
    """Return the least and the greatest value of a place; None if it is not known."""
    match place:
        case Lit(value=value):
            return value, value
        case Var(name=name) if trips.get(name):
            return min(trips[name]), max(trips[name])
        case Call(fn=fn, args=(a, b)) if fn in _COUNTABLE:
            first, second = _ends(a, trips), _ends(b, trips)
            if first is not None and second is not None:
                found = [_COUNTABLE[fn](x, y) for x in first for y in second]
                return min(found), max(found)
    return None


def places(s: Stmt) -> Iterator[tuple[str, tuple[Expr, ...]]]:
    """Yield the elements that a statement itself touches."""
    if isinstance(s, Put):
        yield s.array.name, s.index
    for expr in expressions(s):
        for e in ir.walk(expr):
            if isinstance(e, Index) and isinstance(e.base, Var):
                yield e.base.name, e.index
