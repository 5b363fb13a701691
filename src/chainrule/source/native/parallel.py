"""Large loops whose iterations do not need each other are given to several threads.

Only the outermost such loop of a nest is: ``independence`` says which those are. Its iterations are
cut into *chunks*, how many depends on sizes alone (``runtime.chunks``), and so do results. What
each chunk has of its own lies in an array with room for all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from functools import reduce

from .. import ir
from ..ir import Assign, Block, Dim, Expr, Lit, Stmt, Var, statements
from ..types import Type
from . import runtime
from .accesses import aliases
from .affine import above_in
from .chunks import may_leave
from .code import (
    INT,
    Fresh,
    Loop,
    Make,
    Parallel,
    Part,
    apply,
    bindings,
    mapped,
    number,
    plus,
    renamed,
    times,
)
from .cost import cost_of
from .flow import live_after
from .hoisting import escaping, hoist, merged, reserve, trips
from .independence import Dependent, Plan, Surroundings, plan
from .machine import NoInstructions

_SMALL = 2 * runtime.GRAIN
"""Loops that are known to take less work stay as they are."""


Notes = list[tuple[Stmt, str]]
"""Loops, and whether they run in parallel."""


def spread(
    block: Block, given: set[str], stacks: set[str], fresh: Fresh, types: dict[str, Type]
) -> tuple[Block, Notes]:
    """Return a kernel with its allocations moved and its loops cut, and what became of each.

    ``given``: its parameters; ``stacks``: its stacks of saved values.
    """
    kept = escaping(block) | given
    made = {s.name for s in statements(block) if isinstance(s, Make)}
    block = merged(reserve(hoist(block, kept | made)))
    spreader = _Spreader(block, given, stacks, fresh, types)
    block = spreader.block(block, frozenset())
    return hoist(block, escaping(block) | given), spreader.notes


class _Spreader:
    def __init__(
        self,
        block: Block,
        given: set[str],
        stacks: set[str],
        fresh: Fresh,
        types: dict[str, Type],
    ) -> None:
        self.fresh = fresh
        self.types = types
        self.stacks = stacks
        self.notes: Notes = []
        self.live = live_after(block)
        self.alias = aliases(block)
        self.extents = _extents(block, given)

    def block(self, block: Block, above: Set[str]) -> Block:
        return [t for s in block for t in self._statement(s, above)]

    def _statement(self, s: Stmt, above: Set[str]) -> Block:
        match s:
            case Loop() | ir.For():
                found = self._cut(s, above)
                if found is not None:
                    return found
                return [replace(s, body=self.block(s.body, above_in(s, above)))]
            case ir.While(body=body):
                return [replace(s, body=self.block(body, above))]
            case ir.If(then=then, orelse=orelse):
                arms = (self.block(arm, above) for arm in (then, orelse))
                return [ir.If(s.condition, *arms)]
        return [s]

    def _cut(self, loop: Loop | ir.For, above: Set[str]) -> Block | None:
        """Return a loop in chunks, None if it has to stay as it is."""
        count = trips(loop)
        cost = cost_of(loop)
        total = times(count, cost)
        if isinstance(total, Lit) and total.value < _SMALL:
            return None
        around = Surroundings(
            self.live[id(loop)], above, self.alias, self.types, self.extents, self.stacks
        )
        try:
            found = plan(loop, around)
            made = _Cut(loop, found, self.fresh, self.types, self.extents).made(count, cost)
            assert isinstance(made[-1], Parallel)
            may_leave(made[-1], self.types)  # which is to write it
        except (Dependent, NoInstructions) as why:
            self.notes.append((loop, f"in order: {why}"))
            return None
        self.notes.append((loop, f"in parallel{_sharing(found)}"))
        return made


def _sharing(plan: Plan) -> str:
    """Say what chunks have of their own, and what they share."""
    own = [*plan.sums, *plan.summed]
    found = [f"sums of chunks are added in order ({', '.join(own)})"] * bool(own)
    found += ["neighbouring chunks one after the other"] * (plan.reach > 0)
    return f": {'; '.join(found)}" if found else ""


def _extents(block: Block, given: set[str]) -> dict[str, tuple[Expr, ...]]:
    """Return the extents of arrays that are made in one place, by names that are bound once."""
    binders = Counter([*bindings(block), *given])
    return {
        s.name: s.extents
        for s in statements(block)
        if isinstance(s, Make)
        and binders[s.name] == 1
        and all(binders[name] <= 1 for name in ir.names_in(*s.extents))
    }


class _Cut:
    """Writes a loop as chunks, and before it what they need."""

    def __init__(
        self,
        loop: Loop | ir.For,
        plan: Plan,
        fresh: Fresh,
        types: dict[str, Type],
        extents: dict[str, tuple[Expr, ...]],
    ) -> None:
        self.loop = loop
        self.plan = plan
        self.fresh = fresh
        self.types = types
        self.extents = extents
        self.before: Block = []
        self.inside = {loop.var.name, *bindings(loop.body)}

    def made(self, count: Expr, cost: Expr) -> Block:
        trips_ = self._number("trips", count)
        sizes = [self._number("size", self._size(name)) for name in self.plan.summed]
        shared = _folded(plus, sizes, 0)
        given = (trips_, cost, shared, number(self.plan.reach))
        chunks = self._number("chunks", apply(runtime.chunks, INT, *given))
        others = plus(chunks, number(-1))
        copies = [
            self._memory(name, times(others, size))
            for name, size in zip(self.plan.summed, sizes, strict=True)
        ]
        loop, own, own_sizes = self._with_own(chunks)
        tops = [Var(INT, name) for name in self.plan.tops]
        statement = Parallel(
            [loop],
            trips_,
            chunks,
            tuple(own),
            tuple(own_sizes),
            tuple(self._var(name) for name in self.plan.summed),
            tuple(copies),
            tuple(sizes),
            tuple(self._var(name) for name in self.plan.sums),
            tuple(self.plan.sums.values()),
            tuple(tops),
            tuple(self._number("change", change) for change in self.plan.tops.values()),
            tuple(self._var(name) for name in self.plan.last),
            self.plan.reach > 0,
        )
        return [*self.before, statement]

    def _var(self, name: str) -> Var:
        return Var(self.types[name], name)

    def _number(self, hint: str, value: Expr) -> Var:
        name = self.fresh(hint)
        self.types[name] = INT
        self.before.append(Assign(name, value))
        return Var(INT, name)

    def _memory(self, base: str, size: Expr) -> Var:
        """Make a one-axis array."""
        name = self.fresh(f"{base}_of_chunks")
        dtype = self.types[base].dtype
        assert dtype is not None
        self.types[name] = Type("array", dtype, (f"len({name})",))
        self.before.append(Make(name, dtype, (size,)))
        return self._var(name)

    def _size(self, name: str) -> Expr:
        """Return how many elements an array has that is there before the loop."""
        var = self._var(name)
        return _folded(times, [Dim(INT, var, axis) for axis in range(var.type.ndim)])

    def _with_own(self, chunks: Var) -> tuple[Stmt, list[Var], list[Var]]:
        """Return the loop with arrays in memory that was made before it."""
        body = self.loop.body
        for name in self.plan.scratch:
            own = self.fresh(name)
            self.types[own] = self.types[name]
            dtype = self.types[name].dtype
            assert dtype is not None
            body = [Make(own, dtype, self.extents[name]), *self._about(body, name, own)]
        memories: list[Var] = []
        sizes: list[Var] = []
        made: dict[int, Stmt] = {}
        for s in statements(body):
            if isinstance(s, Make):
                if ir.names_in(*s.extents) & self.inside:
                    raise Dependent(f"the size of {s.name} is not known before it")
                size = self._number("size", _folded(times, s.extents))
                memory = self._memory(s.name, times(chunks, size))
                made[id(s)] = Part(s.name, memory, number(0), size, s.extents)
                memories.append(memory)
                sizes.append(size)
        return replace(self.loop, body=_replaced(body, made)), memories, sizes

    def _about(self, block: Block, old: str, new: str) -> Block:
        """Return statements about another array."""
        return [mapped(s, lambda e: renamed(e, {old: self._var(new)})) for s in block]


def _folded(fn: Callable[[Expr, Expr], Expr], items: Sequence[Expr], first: int = 1) -> Expr:
    start: Expr = number(first)
    return reduce(fn, items, start)


def _replaced(block: Block, new: dict[int, Stmt]) -> Block:
    """Return a block with other statements in place of some."""
    return [new.get(id(s)) or _within(s, lambda b: _replaced(b, new)) for s in block]


def _within(s: Stmt, change: Callable[[Block], Block]) -> Stmt:
    match s:
        case Loop(body=body) | ir.For(body=body) | ir.While(body=body):
            return replace(s, body=change(body))
        case ir.If(then=then, orelse=orelse):
            return replace(s, then=change(then), orelse=change(orelse))
    return s
