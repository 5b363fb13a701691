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
from .code import INT, Loop, Make, Put, bindings, blocks_of, expressions, mapped
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

    name: str
    vars: tuple[Var, ...]
    value: Expr


def _changed(block: Block, total: Counter[str], alias: Alias) -> Block:
    block = [within_blocks(s, lambda inner: _changed(inner, total, alias)) for s in block]
    large = {s.name for s in block if isinstance(s, Make) and len(s.extents) > 1}
    for k in range(len(block)):
        for filled in _filled(block[k], ()):
            rest = block[k:]
            later = [*_depths(rest[1:], filled.name)]
            is_all = total[filled.name] == 2 + len([*_depths(rest, filled.name)])
            is_often = len(later) > _READS or max(later, default=9) > len(filled.vars)
            is_worth_it = filled.name in large and not is_often and _is_cheap(filled.value)
            if is_all and is_worth_it and _stays(rest, filled, alias):
                block[k:] = [_without(t, filled) for t in rest]
    return block


def _filled(s: Stmt, around: tuple[Loop, ...]) -> Iterator[_Filled]:
    """Yield the arrays that a nest fills, each place by the loops around."""
    path = tuple(loop.var for loop in around)
    if isinstance(s, Loop):
        for t in s.body:
            yield from _filled(t, (*around, s))
    elif isinstance(s, Put) and s.op is None and s.index == path and _is_same_kind(s):
        yield _Filled(s.array.name, path, s.value)


def _is_same_kind(put: Put) -> bool:
    return put.value.type.dtype == put.array.type.dtype


def _depths(block: Block, name: str, depth: int = 0) -> Iterator[int]:
    """Yield in how many loops an element of an array is read, for each place of the text."""
    for s in block:
        every = (e for expr in expressions(s) for e in ir.walk(expr))
        yield from (depth for e in every if _is_element(e, name))
        inside = depth + isinstance(s, (Loop, ir.For, ir.While))
        for inner in blocks_of(s):
            yield from _depths(inner, name, inside)


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
