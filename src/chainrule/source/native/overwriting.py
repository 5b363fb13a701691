"""Places that loops set and later ones set again, or add to, are written once.

The cotangent of an array begins with zeros everywhere, and most of them are overwritten by the
first term, which reaches all places but those at the border: only these are zeroed. And where a
sweep zeroes the inside of an array and then adds to all of it, the inside is set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np

from .. import ir
from ..ir import Block, Expr, Lit, Var, statements
from ..types import Type
from .accesses import Alias, touched
from .code import (
    BOOL,
    INT,
    Fresh,
    Loop,
    Make,
    Put,
    apply,
    bindings,
    dtype_of,
    minus,
    number,
    plus,
    scalar,
)
from .contraction import within_blocks
from .filling import uses_array
from .gathering import moved
from .terms import Term, as_large, term_of

Inside = Callable[[Put], Block]

_FEWEST = 2
"""Nests of so many loops are worth it."""


class Overwriting:
    """Takes nests apart that share most of their places with others."""

    def __init__(self, block: Block, alias: Alias, fresh: Fresh, types: dict[str, Type]) -> None:
        self.alias = alias
        self.fresh = fresh
        self.types = types
        makes = [s for s in statements(block) if isinstance(s, Make)]
        count = Counter(s.name for s in makes)
        self.extents = {s.name: s.extents for s in makes if count[s.name] == 1}

    def without_vain_fills(self, block: Block) -> Block:
        """Return a block that does not fill the places that a later nest sets."""
        block = [within_blocks(s, self.without_vain_fills) for s in block]
        out: Block = []
        for k, s in enumerate(block):
            found = self._fill_and_next(block, k)
            is_vain = found is not None and found[1].put.op is None
            out += self._apart(*found, lambda put: []) if found and is_vain else [s]
        return out

    def with_sums_set(self, block: Block) -> Block:
        """Return a block that sets places to what is added to zeros there."""
        block = [within_blocks(s, self.with_sums_set) for s in block]
        new: dict[int, Block] = {}
        for k in range(len(block)):
            found = self._fill_and_next(block, k)
            if found and found[1].put.op == "add" and self._covers(*found):
                fill, later = found
                new[k] = []
                new[later.position] = self._apart(later, fill, lambda put: [_set(put)])
        return [t for k, s in enumerate(block) for t in new.get(k, [s])]

    def _fill_and_next(self, block: Block, k: int) -> tuple[Term, Term] | None:
        """Return a nest that zeroes part of an array, and the next one, if it sets or adds."""
        fill = term_of(block[k], k, may_set=True)
        if fill is None or not _is_zero(fill.put) or len(fill.vars) < _FEWEST:
            return None
        array = self.alias(fill.put.array.name)
        at = k + 1
        while at < len(block) and not uses_array(
            touched([block[at]], self.alias), array, self.alias
        ):
            at += 1
        later = term_of(block[at], at, may_set=True) if at < len(block) else None
        if later is None or later.put.array != fill.put.array or later.fixed != fill.fixed:
            return None
        sizes = [loop.extent for loop in (*fill.loops, *later.loops)]
        is_changed = ir.names_in(*fill.fixed, *sizes) & {*bindings(block[k:at])}
        is_read = array in touched([later.put], self.alias).arrays("read")
        return None if is_changed or is_read or len(fill.vars) != len(later.vars) else (fill, later)

    def _covers(self, fill: Term, later: Term) -> bool:
        """Tell whether a nest goes over all places of an array."""
        extents = self.extents.get(fill.put.array.name)
        if extents is None:
            return False
        axes = zip(later.loops, later.shifts, extents[len(later.fixed) :], strict=True)
        return all(shift == 0 and loop.extent == extent for loop, shift, extent in axes)

    def _apart(self, first: Term, second: Term, inside: Inside) -> Block:
        """Return a nest that does something else at the places that another one reaches."""
        if any(a > b for a, b in zip(first.shifts, second.shifts, strict=True)):
            return _Apart(first, first, self._var, lambda put: [put]).nest(0, [], True)
        return _Apart(first, second, self._var, inside).nest(0, [], True)

    def _var(self) -> Var:
        name = self.fresh("i")
        self.types[name] = INT
        return Var(INT, name)


@dataclass(frozen=True)
class _Apart:
    """Writes a nest anew: what it does at the places of another one is for ``inside`` to say."""

    first: Term
    second: Term
    new_var: Callable[[], Var]
    inside: Inside

    def nest(self, k: int, places: list[Expr], meets: bool) -> Block:
        """Return the loops over the axes from ``k`` on.

        ``places``: along those before; ``meets``: whether the other nest reaches these.
        """
        first = self.first
        if k == len(first.loops):
            index = [moved(i, first.vars, places) for i in first.put.index]
            value = moved(first.put.value, first.vars, places)
            put = replace(first.put, index=tuple(index), value=value)
            return self.inside(put) if meets else [put]
        loop, other = first.loops[k], self.second.loops[k]
        low = self.second.shifts[k] - first.shifts[k]
        if not meets or (low == 0 and as_large([loop], [other])):
            return self._along(k, places, loop.extent, number(0), loop.size, meets)
        if k == len(first.loops) - 1:
            return self._row(k, places, low)
        var = self.new_var()
        is_met = apply(np.less, BOOL, var, plus(other.extent, number(low)))
        if low:
            is_above = apply(np.greater_equal, BOOL, var, number(low))
            is_met = apply(np.bitwise_and, BOOL, is_met, is_above)
        yes, no = (self.nest(k + 1, [*places, var], met) for met in (True, False))
        return [Loop(var, loop.extent, [ir.If(is_met, yes, no)], loop.size)]

    def _row(self, k: int, places: list[Expr], low: int) -> Block:
        """Return the loops over what lies before, between and after the places of the other."""
        loop, other = self.first.loops[k], self.second.loops[k]
        before, end = apply(min, INT, number(low), loop.extent), plus(other.extent, number(low))
        sizes = ("before", loop.size, low), other.size, ("after", loop.size, other.size, low)
        out = self._along(k, places, before, number(0), sizes[0], False) if low else []
        out += self._along(k, places, other.extent, number(low), sizes[1], True)
        return out + self._along(k, places, minus(loop.extent, end), end, sizes[2], False)

    def _along(
        self, k: int, places: list[Expr], extent: Expr, start: Expr, size: Hashable, meets: bool
    ) -> Block:
        var = self.new_var()
        body = self.nest(k + 1, [*places, plus(var, start)], meets)
        return [Loop(var, extent, body, size)] if body else []


def _set(put: Put) -> Put:
    """Return what sets a place to what is added to a zero there: ``0.0 + -0.0`` is 0.0."""
    zero = Lit(scalar(dtype_of(put.array)), 0.0)
    return replace(put, op=None, value=apply(np.add, put.value.type, zero, put.value))


def _is_zero(put: Put) -> bool:
    return put.op is None and isinstance(put.value, Lit) and put.value.value == 0
