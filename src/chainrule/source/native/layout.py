"""Arrays that only the kernel sees lie in memory in the order in which they are walked through.

A column operation in a loop, ``a[:, j] -= q[:, k] * r``, steps through memory a row at a time. An
array that the kernel makes for itself is transposed instead; one that it takes or returns is
copied, if loops run through it often enough for that to pay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Set
from dataclasses import replace

from .. import ir
from ..ir import Block, Dim, Expr, Index, Lit, Stmt, Var, statements
from ..types import Type
from .code import INT, Fresh, Loop, Make, Put, Return, dtype_of, expressions, load
from .contraction import Reindex, all_reindexed, uses, within_blocks

_DEEPER = 8
"""How many times as often a statement is taken to be run in a loop than beside it."""


def laid_out(block: Block, given: Set[str], fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return a kernel whose arrays have the axis last along which its innermost loops run.

    ``given``: its parameters.
    """
    makes = Counter(s.name for s in statements(block) if isinstance(s, Make))
    makes.update(name for name in given if types[name].is_array)
    once = {name: types[name].ndim for name, n in makes.items() if n == 1}
    walks = _Walks({name: ndim for name, ndim in once.items() if ndim > 1})
    walks.look(block, None, 1)
    total = uses(block)
    layout = _Layout(fresh, types)
    turned: dict[str, list[int]] = {}
    for name, votes in walks.votes.items():
        ndim = types[name].ndim
        best = max(range(ndim), key=lambda axis: (votes[axis], axis))
        others = total[name] - walks.seen[name]
        again = walks.again[name]
        pays = again[best] > again[ndim - 1] + _DEEPER**ndim
        if best == ndim - 1:
            continue
        axes = [*(k for k in range(ndim) if k != best), best]
        if name in given:
            if pays and others == walks.sizes[name] and not walks.written & given:
                block = layout.taken(block, name, axes)
        elif others == 1:
            turned[name] = axes
        elif pays and others == 2:
            block = layout.returned(block, name, axes)
    return layout.transposed(block, turned) if turned else block


class _Walks:
    """Which axes of arrays the innermost loops run along."""

    def __init__(self, ndims: dict[str, int]) -> None:
        self.ndims = ndims
        self.votes: dict[str, Counter[int]] = {name: Counter() for name in sorted(ndims)}
        self.again: dict[str, Counter[int]] = {name: Counter() for name in sorted(ndims)}
        """The same of loops that run through an array repeatedly."""
        self.seen = Counter[str]()
        """How many elements are mentioned."""
        self.sizes = Counter[str]()
        """How often the sizes are read."""
        self.written: set[str] = set()

    def look(self, block: Block, var: Var | None, weight: int) -> None:
        """Look at a block; ``var``: that of the loop around it."""
        for s in block:
            if isinstance(s, Put):
                self.written.add(s.array.name)
                self._touch(s.array.name, s.index, var, weight)
            for expr in expressions(s):
                for e in ir.walk(expr):
                    if isinstance(e, Index) and isinstance(e.base, Var):
                        self._touch(e.base.name, e.index, var, weight)
                    elif isinstance(e, Dim) and isinstance(e.base, Var):
                        self.sizes[e.base.name] += 1
            inner, more = (s.var, _DEEPER) if isinstance(s, (Loop, ir.For)) else (var, 1)
            for part in s.blocks:
                self.look(part, inner, weight * more)

    def _touch(self, name: str, index: tuple[Expr, ...], var: Var | None, weight: int) -> None:
        is_element = len(index) == self.ndims.get(name) and all(p.type.is_number for p in index)
        if is_element:  # parts stay where they are: their axes have an order too
            self.seen[name] += 1
            if any(isinstance(place, Lit) for place in index):
                return  # the numbers of a small array, side by side
            for axis, place in enumerate(index):
                if var is not None and var.name in ir.names_in(place):
                    self.votes[name][axis] += weight
                    self.again[name][axis] += weight * (weight > _DEEPER ** len(index))


class _Layout:
    """Gives arrays another order of axes."""

    def __init__(self, fresh: Fresh, types: dict[str, Type]) -> None:
        self.fresh = fresh
        self.types = types

    def _renamed(self, block: Block, axes: dict[str, list[int]]) -> tuple[Block, dict[str, Var]]:
        """Return a block that uses other arrays in place of some, and those arrays."""
        new = {name: self._ordered(name, own) for name, own in axes.items()}

        def place(name: str) -> Reindex:
            return lambda index: (new[name], _ordered(index, axes[name]))

        places = {name: place(name) for name in axes}
        return [all_reindexed(s, places) for s in block], new

    def _ordered(self, name: str, axes: list[int]) -> Var:
        old, new = self.types[name], self.fresh(name)
        self.types[new] = replace(old, sizes=tuple(old.sizes[k] for k in axes))
        return Var(self.types[new], new)

    def transposed(self, block: Block, axes: dict[str, list[int]]) -> Block:
        """Return a block that makes arrays with their axes in another order."""
        block, new = self._renamed(block, axes)

        def made(s: Stmt) -> Stmt:
            if isinstance(s, Make) and s.name in new:
                extents = _ordered(s.extents, axes[s.name])
                return replace(s, name=new[s.name].name, extents=extents)
            return within_blocks(s, lambda inner: [made(t) for t in inner])

        return [made(s) for s in block]

    def returned(self, block: Block, name: str, axes: list[int]) -> Block:
        """Return a block that transposes an array before it returns it."""
        makes = [s for s in block if isinstance(s, Make) and s.name == name]
        *rest, last = block
        if not makes or not isinstance(last, Return) or name not in ir.names_in(*last.values):
            return block
        rest = [s for s in rest if s is not makes[0]]
        changed, new = self._renamed(rest, {name: axes})
        var = new[name]
        place = next(k for k, s in enumerate(block) if s is makes[0])
        changed.insert(
            place, replace(makes[0], name=var.name, extents=_ordered(makes[0].extents, axes))
        )
        old = Var(self.types[name], name)
        copy = self._copy(makes[0].extents, old, lambda i: load(var, _ordered(i, axes)))
        return [*changed, makes[0], copy, last]

    def taken(self, block: Block, name: str, axes: list[int]) -> Block:
        """Return a block that transposes an array that it takes."""
        changed, new = self._renamed(block, {name: axes})
        old, var = Var(self.types[name], name), new[name]
        extents = tuple(Dim(INT, old, k) for k in axes)
        back = tuple(axes.index(k) for k in range(len(axes)))
        copy = self._copy(extents, var, lambda i: load(old, _ordered(i, back)))
        return [Make(var.name, dtype_of(old), extents), copy, *changed]

    def _copy(
        self, extents: tuple[Expr, ...], array: Var, value: Callable[[tuple[Expr, ...]], Expr]
    ) -> Stmt:
        index = tuple(Var(INT, self.fresh("i")) for _ in extents)
        self.types |= {var.name: INT for var in index}
        inner: Stmt = Put(array, index, value(index))
        for k in reversed(range(len(extents))):
            inner = Loop(index[k], extents[k], [inner], ("layout", index[k].name))
        return inner


def _ordered(items: tuple[Expr, ...], axes: list[int] | tuple[int, ...]) -> tuple[Expr, ...]:
    return tuple(items[k] for k in axes)
