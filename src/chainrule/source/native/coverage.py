"""Does a piece of a kernel write all elements of an array that it reads, before it does?"""

from __future__ import annotations

from collections.abc import Iterable

from .. import ir
from ..ir import Block, Dim, Expr, Index, Lit, Stmt, Var
from .code import Loop, Put, bindings, bound_by, number

_Place = tuple[Expr | None, ...]
"""An index; None stands for all places along an axis."""
_FEW = 16


def is_overwritten(block: Block, name: str, extents: tuple[Expr, ...]) -> bool:
    """Tell whether a block reads of an array what it has written itself, and nothing else.

    ``extents``: those of the array, as variables and numbers that the block does not bind.
    """
    return _Coverage(name, extents).block(block, set())


class _Coverage:
    def __init__(self, name: str, extents: tuple[Expr, ...]) -> None:
        self.name = name
        self.extents = extents

    def block(self, block: Block, written: set[_Place]) -> bool:
        """Look at a block; add to ``written`` what it writes in any case."""
        return all(self._statement(s, written) for s in block)

    def _statement(self, s: Stmt, written: set[_Place]) -> bool:
        read = (*s.index, s.value) if isinstance(s, Put) else ir.expressions(s)
        if not all(self._reads(e, written) for e in read):
            return False
        match s:
            case Put(array=array, index=index, op=op) if array.name == self.name:
                if op is not None:
                    return self._is_known(index, written)
                written.add(index)
                self._joined(written)
            case ir.If(then=then, orelse=orelse):
                yes, no = set(written), set(written)
                if not (self.block(then, yes) and self.block(orelse, no)):
                    return False
                written.clear()
                written |= yes & no
            case Loop() | ir.For() | ir.While():
                return self._loop(s, written)
        self._forget(bound_by(s), written)
        return True

    def _loop(self, s: Loop | ir.For | ir.While, written: set[_Place]) -> bool:
        self._forget([*bindings([s])], written)
        inside = set(written)
        if not self.block(s.body, inside):
            return False
        if not isinstance(s, ir.While):
            written |= self._after(s, inside - written)
        return True

    def _reads(self, expr: Expr, written: set[_Place]) -> bool:
        """Tell whether all that an expression reads of the array has been written."""
        count = 0
        for e in ir.walk(expr):
            if isinstance(e, Index) and isinstance(e.base, Var) and e.base.name == self.name:
                if not self._is_known(e.index, written):
                    return False
                count += 1
            elif isinstance(e, Dim):
                count += isinstance(e.base, Var) and e.base.name == self.name
        return count == sum(isinstance(e, Var) and e.name == self.name for e in ir.walk(expr))

    def _is_known(self, index: tuple[Expr, ...], written: set[_Place]) -> bool:
        return any(
            all(x is None or x == y for x, y in zip(place, index, strict=True)) for place in written
        )

    def _after(self, loop: Loop | ir.For, new: set[_Place]) -> set[_Place]:
        """Return what is written after a loop, by what each iteration writes."""
        if isinstance(loop, ir.For) and loop.until:
            return set()
        extent = loop.extent if isinstance(loop, Loop) else loop.stop
        if isinstance(loop, ir.For) and (loop.start, loop.step) != (number(0), number(1)):
            return set()
        found = set()
        for place in new:
            whole = tuple(
                None if _is(x, loop.var) and extent == self.extents[axis] else x
                for axis, x in enumerate(place)
            )
            rest = [x for x in whole if x is not None]
            if whole != place and loop.var.name not in ir.names_in(*rest):
                found.add(whole)
        return found

    def _joined(self, written: set[_Place]) -> None:
        """Note an axis of a few places that are all written one by one."""
        for axis, extent in enumerate(self.extents):
            if not isinstance(extent, Lit) or not 0 < extent.value <= _FEW:
                continue
            for place in [p for p in written if isinstance(p[axis], Lit)]:
                others = (_with(place, axis, number(k)) for k in range(extent.value))
                if all(other in written for other in others):
                    written.add(_with(place, axis, None))

    def _forget(self, names: Iterable[str], written: set[_Place]) -> None:
        """Forget places that are said by variables which are bound anew."""
        new = {*names}
        written -= {p for p in written if new & ir.names_in(*(x for x in p if x is not None))}


def _is(x: Expr | None, var: Var) -> bool:
    return isinstance(x, Var) and x.name == var.name


def _with(place: _Place, axis: int, x: Expr | None) -> _Place:
    return (*place[:axis], x, *place[axis + 1 :])
