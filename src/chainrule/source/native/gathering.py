"""The reverse of a stencil, which adds to shifted places, as a loop that adds at one place.

``for i: b[i] += t[i]`` and ``for i: b[i + 1] += t[i]`` are ``for i: b[i] += t[i] + t[i - 1]``, but
for both ends. Each place of ``b`` is then read and written once for all terms, and what they have
in common need not lie in memory in between: a temporary that is computed from few numbers is
computed again for each term. Along the last axis the places that not all terms reach are written
out; where a term does not reach a whole row, each term has a loop of its own, as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Block, Call, Expr, Index, Lit, Stmt, Var
from ..types import Type
from .accesses import Alias, Touched, independent, touched
from .code import (
    BOOL,
    INT,
    Fresh,
    Loop,
    Put,
    apply,
    dtype_of,
    minus,
    number,
    plus,
    renamed,
    scalar,
    split_shift,
)
from .filling import set_by, take_zeros, turned, uses_array
from .terms import Term, alike, as_large, nest_of, term_of
from .unread import without_unread

FEWEST = 3
"""Terms at so many different places are gathered."""
WIDEST = 4
"""How far apart the places of two terms may be along an axis."""
_LOADS, _STEPS = 3, 4
"""What a temporary may take to be computed again for each term."""
_LIGHT = {np.add, np.subtract, np.multiply, np.negative}


def gather(block: Block, alias: Alias, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return a block with terms at neighbouring places of an array added at once."""
    found = _Block(alias, fresh, types)
    return without_unread(found.gathered(block), found.copied)


class _Block:
    """Gathers the terms in a block and those in it."""

    def __init__(self, alias: Alias, fresh: Fresh, types: dict[str, Type]) -> None:
        self.alias = alias
        self.fresh = fresh
        self.types = types
        self.copied: set[str] = set()
        """Temporaries that terms compute for themselves."""

    def gathered(self, block: Block) -> Block:
        """Return a block with its terms gathered."""
        block = [self._inside(s) for s in self._turned(block)]
        k = 0
        while k < len(block):
            made = _Gathering(block, k, self.alias, self.fresh, self.types)
            found = made.result()
            if found is None:
                k += 1
            else:
                block = found
                self.copied |= made.copied
        return block

    def _turned(self, block: Block) -> Block:
        out: Block = []
        for s in block:
            after: Block = []
            if isinstance(s, ir.For):
                s, after = turned(out, s, FEWEST, self.alias, self.fresh, self.types)
            out += [s, *after]
        return out

    def _inside(self, s: Stmt) -> Stmt:
        match s:
            case ir.For(body=body) | ir.While(body=body):
                return replace(s, body=self.gathered(body))
            case ir.If(then=then, orelse=orelse):
                return ir.If(s.condition, self.gathered(then), self.gathered(orelse))
        return s


class _Gathering:
    """Terms of one array that begin with a given statement of a block."""

    def __init__(
        self, block: Block, k: int, alias: Alias, fresh: Fresh, types: dict[str, Type]
    ) -> None:
        self.block = block
        self.alias = alias
        self.fresh = fresh
        self.types = types
        self.read_at: dict[str, set[int]] = {}
        """Which statements read what the terms read."""
        self.copied: set[str] = set()
        self.zeros: tuple[int, ...] | None = None
        """By how much places are moved that were set to zero, from the first that terms reach."""
        self.terms = self._terms(k)
        self.array = self.terms[0].put.array.name if self.terms else ""

    def _terms(self, k: int) -> list[Term]:
        first = term_of(self.block[k], k, may_set=True)
        if first is None:
            return []
        found = [first]
        own = self.alias(first.put.array.name)
        for position in range(k + 1, len(self.block)):
            s = self.block[position]
            term = term_of(s, position)
            if term is not None and alike(first, term):
                found.append(term)
                continue
            if uses_array(touched([s], self.alias), own, self.alias):
                break
        return found

    def result(self) -> Block | None:
        """Return the block with the terms gathered, None if that cannot or should not be."""
        if len({term.shifts for term in self.terms}) < FEWEST or self._is_wide():
            return None
        values = [self._value(term) for term in self.terms]
        self.values = [value for value in values if value is not None]
        if len(self.values) < len(values) or self.alias(self.array) in self.read_at:
            return None
        positions = {term.position for term in self.terms}
        start = min(positions.union(*self.read_at.values()))
        last = self.terms[-1].position
        between = [k for k in range(start, last) if k not in positions]
        found = self._sorted(between)
        if found is None:
            return None
        above, below = found
        before = [*self.block[:start], *above]
        self.zeros = set_by(self.terms) or take_zeros(before, self.terms, self.alias)
        return [*before, *self._written(), *below, *self.block[last + 1 :]]

    def _is_wide(self) -> bool:
        columns = zip(*(term.shifts for term in self.terms), strict=True)
        return any(max(column) - min(column) > WIDEST for column in columns)

    # --------------------------------------------------------------------------- temporaries

    def _value(self, term: Term) -> Expr | None:
        """Return a value with temporaries as what they are; None where that takes too much."""
        for expr in (*term.fixed, *(loop.extent for loop in term.loops)):
            self._note(expr, term.position)
        value = self._inlined(term.put.value, term.position, term)
        elements = [e for e in ir.walk(value) if isinstance(e, Index)]
        calls = [e for e in ir.walk(value) if isinstance(e, Call) and e.type != INT]
        few = len(elements) <= _LOADS and len(calls) <= _STEPS and all(map(_is_light, calls))
        return value if few and all(_is_in_line(e, term) for e in elements) else None

    def _inlined(self, value: Expr, position: int, term: Term, depth: int = 0) -> Expr:
        """Return what a value of a statement is made of."""
        self._note(value, position)

        def change(e: Expr) -> Expr:
            found = self._made(e, term, position) if depth < _STEPS else None
            return e if found is None else self._inlined(*found, term, depth + 1)

        return ir.rewrite(value, change)

    def _note(self, value: Expr, position: int) -> None:
        for name in ir.names_in(value):
            self.read_at.setdefault(self.alias(name), set()).add(position)

    def _made(self, e: Expr, term: Term, before: int) -> tuple[Expr, int] | None:
        """Return what a temporary is at a place, and which statement made it."""
        if not (isinstance(e, Index) and isinstance(e.base, Var) and e.index == term.vars):
            return None
        for k in range(before - 1, -1, -1):
            s = self.block[k]
            nest = nest_of(s)
            if nest is not None and nest[1].array.name == e.base.name:
                value = _filled(nest, e, term)
                if value is not None:
                    self.copied.add(e.base.name)
                return None if value is None else (value, k)
            own = touched([s], self.alias)
            if self.alias(e.base.name) in own.arrays("write", "add") | own.bound:
                return None
        return None

    # -------------------------------------------------------------------------------- order

    def _sorted(self, between: list[int]) -> tuple[Block, Block] | None:
        """Split what lies between the terms into what goes before and after all of them."""
        above: Block = []
        below: Block = []
        stay: list[Touched] = []
        for k in between:
            s = self.block[k]
            own = touched([s], self.alias)
            changed = own.arrays("write", "add") | own.bound | {*own.gathered}
            reads = [at for name in changed for at in self.read_at.get(name, ())]
            if all(at > k for at in reads) and all(independent(own, other) for other in stay):
                above.append(s)
            elif all(at <= k for at in reads) and not own.checks and not self._is_own(own):
                below.append(s)
                stay.append(own)
            else:
                return None
        return above, below

    def _is_own(self, other: Touched) -> bool:
        return uses_array(other, self.alias(self.array), self.alias)

    # -------------------------------------------------------------------------------- loops

    def _written(self) -> Block:
        """Return the loops over the rows of all places that a term reaches."""
        first = self.terms[0]
        columns = [*zip(*(term.shifts for term in self.terms), strict=True)]
        low = [min(column) for column in columns]
        spread = [max(column) - min(column) for column in columns]
        rows = tuple(self._var(v.name) for v in first.vars[:-1])
        extents = [loop.extent for loop in first.loops]
        inside = [
            test
            for row, extent, wide in zip(rows, extents, spread, strict=False)
            for test in _between(row, number(wide), extent)
        ]
        inside.append(apply(np.greater_equal, BOOL, extents[-1], number(spread[-1])))
        body: Block = [ir.If(_all(inside), self._full(rows, low, spread), self._partial(rows, low))]
        for row, extent, wide, loop in reversed(
            [*zip(rows, extents, spread, first.loops, strict=False)]
        ):
            size = ("gathered", loop.size, wide)
            body = [Loop(row, plus(extent, number(wide)), body, size)]
        return body

    def _var(self, hint: str) -> Var:
        name = self.fresh(hint.rstrip("_0123456789") or "i")
        self.types[name] = INT
        return Var(INT, name)

    def _full(self, rows: tuple[Var, ...], low: list[int], spread: list[int]) -> Block:
        """Write a row that all terms reach: its first places, all others, its last ones."""
        width, loop = spread[-1], self.terms[0].loops[-1]
        extent = loop.extent
        row = [plus(v, number(shift)) for v, shift in zip(rows, low[:-1], strict=True)]
        out: Block = []
        for k in range(width):
            reach = [t for t in range(len(self.terms)) if self._along(t, low) <= k]
            is_zero = self.zeros is not None and k >= self.zeros[-1]
            out.append(self._at(row, number(k), low, reach, is_zero))
        var = self._var(self.terms[0].vars[-1].name)
        place, every = plus(var, number(width)), range(len(self.terms))
        body: Block = [self._at(row, place, low, every, self.zeros is not None)]
        out.append(Loop(var, minus(extent, number(width)), body, ("core", loop.size, width)))
        for k in range(width):
            reach = [t for t in range(len(self.terms)) if self._along(t, low) > k]
            is_zero = self.zeros is not None and k < self.zeros[-1]
            out.append(self._at(row, plus(extent, number(k)), low, reach, is_zero))
        return out

    def _along(self, t: int, low: list[int]) -> int:
        return self.terms[t].shifts[-1] - low[-1]

    def _at(
        self, row: list[Expr], place: Expr, low: list[int], reach: Sequence[int], is_zero: bool
    ) -> Put:
        """Write all terms at one place, counted from the first that any of them reaches."""
        index = [*row, plus(place, number(low[-1]))]
        total: Expr | None = None
        put = self.terms[0].put
        for t in reach:
            term = self.terms[t]
            own = [plus(i, number(-s)) for i, s in zip(index, term.shifts, strict=True)]
            value = moved(self.values[t], term.vars, own)
            is_less = term.put.op == "subtract"
            if total is None:
                total = apply(np.negative, value.type, value) if is_less else value
            else:
                total = apply(np.subtract if is_less else np.add, value.type, total, value)
        assert total is not None
        op = None if is_zero else "add"
        return Put(put.array, (*self.terms[0].fixed, *index), total, op)

    def _partial(self, rows: tuple[Var, ...], low: list[int]) -> Block:
        """Write a row that not all terms reach, term by term."""
        out: Block = []
        if self.zeros is not None and self.terms[0].put.op is not None:
            out.append(self._emptied(rows, low, self.zeros))
        for term, value in zip(self.terms, self.values, strict=True):
            steps = [s - a for s, a in zip(term.shifts, low, strict=True)]
            var = self._var(term.vars[-1].name)
            own: list[Expr] = [
                plus(r, number(-step)) for r, step in zip(rows, steps[:-1], strict=True)
            ]
            own.append(var)
            index = [plus(i, number(s)) for i, s in zip(own, term.shifts, strict=True)]
            put = replace(term.put, index=(*term.fixed, *index), value=moved(value, term.vars, own))
            last = term.loops[-1]
            loop = Loop(var, last.extent, [put], last.size)
            tests = [
                test
                for r, step, nest in zip(rows, steps, term.loops, strict=False)
                for test in _between(r, number(step), plus(nest.extent, number(step)))
            ]
            out.append(ir.If(_all(tests), [loop], []) if tests else loop)
        return out

    def _emptied(self, rows: tuple[Var, ...], low: list[int], zeros: tuple[int, ...]) -> Stmt:
        """Set to zero what was so in a row, before terms are added to it."""
        first = self.terms[0]
        var = self._var(first.vars[-1].name)
        index = [plus(v, number(shift)) for v, shift in zip(rows, low[:-1], strict=True)]
        index.append(plus(var, number(zeros[-1] + low[-1])))
        zero = Lit(scalar(dtype_of(first.put.array)), 0.0)
        last = first.loops[-1]
        put = Put(first.put.array, (*first.fixed, *index), zero)
        loop = Loop(var, last.extent, [put], last.size)
        tests = [
            test
            for r, step, nest in zip(rows, zeros, first.loops, strict=False)
            for test in _between(r, number(step), plus(nest.extent, number(step)))
        ]
        return ir.If(_all(tests), [loop], []) if tests else loop


def _filled(nest: tuple[tuple[Loop, ...], Put], e: Index, term: Term) -> Expr | None:
    """Return what loops have stored at a place of a temporary, if they fill all of it."""
    loops, put = nest
    own = tuple(loop.var for loop in loops)
    is_whole = put.op is None and put.index == own and as_large(loops, term.loops)
    if not is_whole or dtype_of(put.value) != dtype_of(e):
        return None
    names: dict[str, Expr] = {v.name: w for v, w in zip(own, term.vars, strict=True)}
    return renamed(put.value, names)


def _is_in_line(e: Index, term: Term) -> bool:
    """Tell whether a loop along a row finds an element next to that of the place before."""
    if any(isinstance(x, Index) for i in e.index for x in ir.walk(i)):
        return False
    *rest, last = e.index
    var = term.vars[-1]
    moves = split_shift(last)[0] == var or var.name not in ir.names_in(last)
    return moves and var.name not in ir.names_in(*rest)


def _is_light(e: Call) -> bool:
    return any(e.fn is fn for fn in _LIGHT)


def _between(i: Expr, low: Expr, high: Expr) -> list[Expr]:
    """Return that an integer is at least ``low`` and less than ``high``."""
    tests = [apply(np.less, BOOL, i, high)]
    if low != number(0):
        tests.append(apply(np.greater_equal, BOOL, i, low))
    return tests


def _all(tests: list[Expr]) -> Expr:
    found = tests[0]
    for test in tests[1:]:
        found = apply(np.bitwise_and, BOOL, found, test)
    return found


def moved(value: Expr, variables: Sequence[Var], own: Sequence[Expr]) -> Expr:
    """Return a value at another place."""
    places = {v.name: place for v, place in zip(variables, own, strict=True)}

    def change(e: Expr) -> Expr:
        if isinstance(e, Var):
            return places.get(e.name, e)
        if isinstance(e, Call) and e.type == INT and e.fn in (np.add, np.subtract):
            first, second = e.args
            if isinstance(second, Lit):
                return plus(first, number(second.value if e.fn is np.add else -second.value))
        return e

    return ir.rewrite(value, change)
