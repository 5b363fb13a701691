"""Numbers inside loops as what they are before the outermost one: sizes, bounds, their extremes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ir
from ..ir import Assign, Call, Dim, Expr, Lit, Var
from ..sizes import is_integer
from ..types import Size, Type
from . import runtime
from .code import INT, apply, bindings, minus, number, plus, split_shift
from .early import is_simple
from .state import Extent, State

Range = tuple[Expr, Expr, int]
"""The lowest number of a loop's variable, how many numbers there are from there on, and by how
much they differ."""


class Ahead:
    """What is known before the outermost loop around the statement that is being lowered."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.bounds: dict[str, tuple[Expr, Expr]] = {}
        """The lowest number of each loop around, and the one after the highest."""
        self.depth: int | None = None
        """Of the loop whose bounds are looked at, as they are when it begins."""
        program = state.program
        given = {*(p.name for p in program.parameters), *program.hidden}
        once = {s.name for s in program.body if isinstance(s, Assign)}
        self.fixed = {n for n in given if not state.written[n]}
        self.fixed |= {n for n in once if state.written[n] == 1}

    def named(self, value: Expr) -> Expr:
        """Compute an integer before the outermost loop."""
        if isinstance(value, (Lit, Var)):
            return value
        before, self.state.block = self.state.block, self.state.around[0].before
        found = self.state.named("n", value)
        self.state.block = before
        self.state.definitions[found.name] = (value, 1)
        return found

    def ranges(self) -> list[Range] | None:
        """Return the ranges of the loops around, None if they are not known before them.

        One of them may grow with an outer one, up to all of its range: half of the places are used.
        """
        found: list[Range] = []
        growing = 0
        for k, around in enumerate(self.state.around):
            if around.var not in self.state.numbers:  # its own body sets it
                return None
            self.depth = k
            start, stop = self.expr(around.start), self.expr(around.stop)
            self.depth = None
            step = around.step.value if isinstance(around.step, Lit) else 0
            if start is None or stop is None or step < -1 or not step:
                return None
            if step > 1 and self._outer(start, stop):
                return None
            if step < 0:
                start, stop = plus(stop, number(1)), plus(start, number(1))
            growing += self._outer(start, stop) != set()
            if growing > 1 or not self._fills(start, stop):
                return None
            low, high = self._extreme(start, False), self._extreme(stop, True)
            low = self.named(low)
            count = apply(max, INT, minus(high, low), number(0))
            if step > 1:
                count = apply(runtime.count, INT, low, high, number(step))
            found.append((low, count, abs(step)))
            self.bounds[around.var] = (low, high)
        return found

    def _outer(self, *exprs: Expr) -> set[str]:
        return ir.names_in(*exprs) & {*self.bounds}

    def _fills(self, start: Expr, stop: Expr) -> bool:
        """Tell whether a range is always the same, or ends where an outer one does, or starts."""
        outer = self._outer(start, stop)
        if not outer:
            return True
        low, high = self.bounds[next(iter(outer))]
        if self._outer(start):
            return not self._outer(stop) and stop == high and split_shift(start)[0] in _loops(outer)
        starts = start == low or (
            isinstance(start, Lit) and isinstance(low, Lit) and start.value <= low.value
        )
        return starts and split_shift(stop)[0] in _loops(outer)

    def extent(self, extent: Extent) -> Expr | None:
        """Return how long an axis is, in terms of the loops around; None if that is not known."""
        found = self.size(extent.size)
        return self.expr(extent.expr) if found is None else found

    def most(self, value: Expr) -> Expr:
        """Return the most that an integer can be."""
        return self._extreme(value, True)

    def expr(self, value: Expr) -> Expr | None:
        """Return an integer in terms of the loops around and of what is known before them."""
        match value:
            case Lit():
                return value
            case Var(name=name):
                return self._variable(name)
            case Dim(base=Var(name=name)) if name in self.fixed:
                return value
            case Call(fn=fn, args=args) if is_simple(value):
                known = [found for arg in args if (found := self.expr(arg)) is not None]
                if len(known) < len(args):
                    return None
                if fn is runtime.bound and self._is_natural(known[0]):
                    fn = min  # where a slice ends that does not count from the end
                if fn in _KNOWN:
                    return _KNOWN[fn](*known)
                loops = {around.var for around in self.state.around}
                return None if ir.names_in(*known) & loops else apply(fn, INT, *known)
        return None

    def _is_natural(self, value: Expr) -> bool:
        """Tell whether an integer is not negative in any iteration of the loops."""
        least = self._extreme(value, False) if self._outer(value) else value
        return isinstance(least, Lit) and least.value >= 0

    def _variable(self, name: str) -> Expr | None:
        if any(around.var == name for around in self.state.around):
            return Var(INT, name)
        size = self.state.numbers.get(name)
        found = None if size is None or is_integer(size) else self.size(size)
        if found is not None:
            return found
        value, depth = self.state.definitions.get(name, (None, 0))
        if depth == 1:
            other = self.expr(value) if isinstance(value, Var) and self._stays(value.name) else None
            return Var(INT, name) if other is None else other
        if name in self.fixed:
            return Var(INT, name)
        last = self._assigned(name)
        return None if last is None else self.expr(last)

    def _stays(self, name: str) -> bool:
        """Tell whether a variable is bound once, outside of all loops."""
        return name in self.fixed or self.state.definitions.get(name, (None, 0))[1] == 1

    def _assigned(self, name: str) -> Expr | None:
        """Return what a variable was set to last in a loop that is open, if that holds still."""
        around = self.state.around
        inside = len(around) if self.depth is None else self.depth
        later: set[str] = set()
        for k in range(inside, 0, -1):
            for s in reversed(around[k].before if k < len(around) else self.state.block):
                bound = {*bindings([s])}
                if name in bound:
                    holds = isinstance(s, Assign) and not ir.names_in(s.value) & (later | bound)
                    return s.value if holds else None  # type: ignore[attr-defined]
                later |= bound
            if name in around[k - 1].changed:  # further on in its body
                return None
        return None

    def size(self, size: Size) -> Expr | None:
        """Return the expression of a size."""
        if isinstance(size, int):
            return number(size)
        known = self.state.extents[0].get(size)
        if known is not None:
            return self.expr(known.expr)
        if is_integer(size):
            return self._variable(size[1])
        match size:
            case ("max0", inner):
                found = self.size(inner)
                return None if found is None else apply(max, INT, found, number(0))
            case ("sum", constant, terms):
                return self._sum(constant, terms)
        return None

    def _sum(self, constant: int, terms: tuple[tuple[Size, int], ...]) -> Expr | None:
        total: Expr = number(0)
        for atom, factor in terms:
            found = self.size(atom)
            if found is None or abs(factor) != 1:
                return None
            total = plus(total, found) if factor == 1 else minus(total, found)
        return plus(total, number(constant))

    def _extreme(self, value: Expr, is_most: bool) -> Expr:
        """Return the most, or the least, that an integer is in any iteration of the loops."""
        if not self._outer(value):
            return value
        match value:
            case Var(name=name) if name in self.bounds:
                low, high = self.bounds[name]
                return minus(high, number(1)) if is_most else low
            case Call(fn=np.subtract, args=(a, b)):
                return minus(self._extreme(a, is_most), self._extreme(b, not is_most))
            case Call(fn=fn, args=(a, b)):
                return _KNOWN[fn](self._extreme(a, is_most), self._extreme(b, is_most))
        return value


def whole_shape(state: State, type_: Type) -> tuple[Expr, ...] | None:
    """Return the shape of arrays of a type, None if it is not known here, outside all loops."""
    if len(state.extents) > 1:
        return None
    ahead = Ahead(state)
    found: list[Expr] = []
    for size in type_.sizes:
        value = ahead.size(size)
        if value is None:
            return None
        found.append(state.integer(value))
        state.rename_size(size, Extent(found[-1], size))
    return tuple(found)


def _loops(names: set[str]) -> set[Expr]:
    return {Var(INT, name) for name in names}


_KNOWN: dict[Any, Callable[[Expr, Expr], Expr]] = {
    np.add: plus,
    np.subtract: minus,
    max: lambda a, b: apply(max, INT, a, b),
    min: lambda a, b: apply(min, INT, a, b),
}
"""Functions of integers that grow with their arguments, or shrink with the second one."""
