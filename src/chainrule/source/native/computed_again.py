"""A large array that is cheap to compute is computed where it is read, and not kept.

The condition of ``np.where(change * slope > 0, 0, change)`` is needed on both ways, with ``change``
and ``slope`` differences of neighbours: to write them, and to read them back from far away, takes
longer than to subtract again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Expr, Index, Stmt, Var
from .accesses import Alias, touched
from .code import INT, Loop, Make, Put, bindings, expressions, mapped
from .contraction import uses, within_blocks
from .gathering import moved

_LOADS, _STEPS, _READS = 2, 2, 2
"""What an element may take, and at how many places of the text it may be read later on."""
_LIGHT = {np.add, np.subtract, np.multiply, np.negative}


def computed_again(block: Block, alias: Alias) -> Block:
    """Return a kernel that reads fewer large arrays; those that nothing reads are still filled."""
    return _changed(block, uses(block), alias)


@dataclass(frozen=True)
class _Filled:
    """What an array holds at each of its places."""

    array: Var
    loops: tuple[Loop, ...]
    value: Expr

    @property
    def name(self) -> str:
        """The name of the array."""
        return self.array.name

    @property
    def vars(self) -> tuple[Var, ...]:
        """The variables that say which place it is."""
        return tuple(loop.var for loop in self.loops)

    def is_all(self, extents: tuple[Expr, ...]) -> bool:
        """Tell whether these are all places of the array: elsewhere there is nothing to read."""
        axes = zip(self.loops, self.array.type.sizes, extents, strict=True)
        return all(loop.size == size or loop.extent == extent for loop, size, extent in axes)


def _changed(block: Block, total: Counter[str], alias: Alias) -> Block:
    block = [within_blocks(s, lambda inner: _changed(inner, total, alias)) for s in block]
    large = {s.name: s.extents for s in block if isinstance(s, Make) and len(s.extents) > 1}
    reads = _reads(block) if large else {}
    for k in range(len(block)):
        for filled in _filled(block[k], ()):
            if filled.name not in large or not _is_cheap(filled.value):
                continue
            if not filled.is_all(large[filled.name]):
                continue
            here = [depth for at, depth in reads.get(filled.name, ()) if at == k]
            later = [depth for at, depth in reads.get(filled.name, ()) if at > k]
            is_often = len(later) > _READS or max(later, default=9) > len(filled.vars)
            is_all = total[filled.name] == 2 + len(here) + len(later)
            if is_all and not is_often and _stays(block[k:], filled, alias):
                total.subtract(uses(block[k:]))
                block[k:] = [_without(t, filled) for t in block[k:]]
                total.update(uses(block[k:]))
                reads = _reads(block)
    return block


def _reads(block: Block) -> dict[str, list[tuple[int, int]]]:
    """Return where elements of arrays are read: in which statement, and in how many loops in it."""
    found: dict[str, list[tuple[int, int]]] = {}
    for k, s in enumerate(block):
        for name, depth in _elements([s]):
            found.setdefault(name, []).append((k, depth))
    return found


def _filled(s: Stmt, around: tuple[Loop, ...]) -> Iterator[_Filled]:
    """Yield the arrays that a nest fills, each place by the loops around."""
    if isinstance(s, Loop):
        for t in s.body:
            yield from _filled(t, (*around, s))
    elif isinstance(s, Put) and s.op is None and _is_same_kind(s):
        filled = _Filled(s.array, around, s.value)
        if s.index == filled.vars:
            yield filled


def _is_same_kind(put: Put) -> bool:
    return put.value.type.dtype == put.array.type.dtype


def _elements(block: Block, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield the arrays of which elements are read, and in how many loops, place by place."""
    for s in block:
        for e in (e for expr in expressions(s) for e in ir.walk(expr)):
            if isinstance(e, Index) and isinstance(e.base, Var):
                yield e.base.name, depth
        inside = depth + isinstance(s, (Loop, ir.For, ir.While))
        for inner in s.blocks:
            yield from _elements(inner, inside)


def _is_element(e: Expr, name: str) -> bool:
    return isinstance(e, Index) and isinstance(e.base, Var) and e.base.name == name


def _is_cheap(value: Expr) -> bool:
    calls = [e for e in ir.walk(value) if isinstance(e, Call) and e.type.dtype != INT.dtype]
    loads = [e for e in ir.walk(value) if isinstance(e, Index)]
    is_light = all(any(e.fn is fn for fn in _LIGHT) for e in calls)
    return is_light and len(calls) <= _STEPS and 0 < len(loads) <= _LOADS


def _stays(block: Block, filled: _Filled, alias: Alias) -> bool:
    """Tell whether what an array is computed from stays as it is in a block."""
    names = ir.names_in(filled.value) - {var.name for var in filled.vars}
    read = touched([Assign("", filled.value)], alias).arrays("read")
    found = touched(block, alias)
    return not (found.arrays("write", "add") | {*bindings(block)}) & (read | names)


def _without(s: Stmt, filled: _Filled) -> Stmt:
    """Return a statement that computes the elements of an array."""

    def element(e: Expr) -> Expr:
        if _is_element(e, filled.name):
            assert isinstance(e, Index)
            return moved(filled.value, filled.vars, e.index)
        return e

    return mapped(s, lambda e: ir.rewrite(e, element))
