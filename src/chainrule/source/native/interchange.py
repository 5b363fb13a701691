"""A sequential loop around parallel ones moves inside the outermost of them.

``for k: c[:, :, k] = f(c[:, :, k - 1])`` runs through all columns at each level ``k``, in steps as
long as a column. If no column needs another one, one row of columns after the other can do all its
levels: memory is walked in order, and what is made for a level is a row that stays in the cache.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Expr, If, Stmt, Var, statements
from ..types import Type
from .accesses import aliases, touched
from .code import Check, Fresh, Loop, Make, expressions, mapped, renamed
from .contraction import uses, within_blocks
from .early import ALWAYS
from .fusion import renamed_block
from .nests import Nest, nest_of
from .straight import straightened
from .units import with_fewer_axes


def interchange(block: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return a kernel with sequential loops inside parallel ones, where that is right and pays."""
    return _used(_Interchange(block, fresh, types).inside(block))


class _Interchange:
    def __init__(self, block: Block, fresh: Fresh, types: dict[str, Type]) -> None:
        self.fresh = fresh
        self.types = types
        self.total = uses(block)
        self.alias = aliases(block)
        self.loops = Counter[str]()
        self.makes: dict[str, list[Make]] = {}
        for s in statements(block):
            if isinstance(s, Make):
                self.makes.setdefault(s.name, []).append(s)
            if isinstance(s, ir.For):
                self.loops[s.var.name] += uses([s])[s.var.name]

    def inside(self, block: Block) -> Block:
        """Return a block with its loops, and those in it, in another order."""
        out: Block = []
        for s in block:
            s = within_blocks(s, self.inside)
            out += (self._inner(s) if isinstance(s, ir.For) else None) or [s]
        return out

    def _inner(self, loop: ir.For) -> Block | None:
        """Return a sequential loop inside the parallel ones that it contains, None if it stays."""
        nest = nest_of(loop)
        if nest is None:
            return None
        own = uses([loop])
        names = nest.levels | nest.within
        if any(own[n] != self.total[n] for n in names - nest.sums):
            return None
        if self.loops[loop.var.name] != self.total[loop.var.name]:
            return None
        if not (nest.variables_allow() and nest.elements_allow(self.alias)):
            return None
        made = self._made(nest, own)
        if made is None or not nest.pays({*made}):
            return None
        var = self._copy(loop.var)  # so that it does not keep loops apart
        spliced = renamed_block(_spliced(nest.body), loop.var, var)
        body: Block = [replace(loop, var=var, body=spliced)]
        bound = {*touched(spliced).bound}
        for name, makes in made.items():
            axis = nest.axis(name)
            if axis is None:
                return None
            if len(makes) > 1:  # the places of one are those of the other
                body = [makes[0], *_without_makes(body, name)]
            body = with_fewer_axes(body, {name: {axis}}, self.fresh, self.types)
        body = [self._straightened(s, bound) for s in body]
        new = [*self._checks(loop), Loop(nest.var, nest.extent, body, nest.size)]
        self.total.update(uses(new))
        self.total.subtract(own)
        self.loops[loop.var.name] -= own[loop.var.name]
        return new

    def _straightened(self, s: Stmt, bound: set[str]) -> Stmt:
        if not isinstance(s, ir.For):
            return s
        names = {n for t in s.body if isinstance(t, If) for n in ir.names_in(t.condition)}
        return replace(s, body=straightened(s.body, names - bound, self.fresh, self.types))

    def _made(self, nest: Nest, own: Counter[str]) -> dict[str, list[Make]] | None:
        """Return where arrays are made that the loop alone uses; None if others are made in it."""
        inside = {s.name for s in statements(nest.body) if isinstance(s, Make)}
        found: dict[str, list[Make]] = {name: self.makes[name] for name in sorted(inside)}
        bound = {*touched(nest.body).bound, nest.loop.var.name}
        for name, makes in found.items():
            outside = len(makes) - sum(s.name == name for s in statements(nest.body)
                                       if isinstance(s, Make))  # fmt: skip
            if own[name] + outside != self.total[name]:
                return None
            if len(makes) > 1 and (
                len({s.extents for s in makes}) > 1 or ir.names_in(*makes[0].extents) & bound
            ):
                return None
        return found

    def _checks(self, loop: ir.For) -> Block:
        """Return what may leave in a loop as one of its own: it is done even for empty arrays."""
        body = _without_loops(loop.body)
        if not any(
            _may_leave(e) for s in statements(body) for x in expressions(s) for e in ir.walk(x)
        ) and not any(isinstance(s, Check) for s in statements(body)):
            return []
        names: dict[str, Expr] = {loop.var.name: self._copy(loop.var)}
        for s in statements(body):
            if isinstance(s, Assign):
                names.setdefault(s.name, self._copy(Var(self.types[s.name], s.name)))
        new = [_called(mapped(s, lambda e: renamed(e, names)), names) for s in body]
        var = names[loop.var.name]
        assert isinstance(var, Var)
        return [replace(loop, var=var, body=new)]

    def _copy(self, var: Var) -> Var:
        name = self.fresh(var.name)
        self.types[name] = self.types[var.name]
        return Var(var.type, name)


def _spliced(block: Block) -> Block:
    """Return a block with the bodies of its parallel loops in their places."""
    out: Block = []
    for s in block:
        if isinstance(s, Loop):
            out += s.body
        elif not isinstance(s, Check):  # which ``_checks`` has seen to
            out.append(within_blocks(s, _spliced) if isinstance(s, If) else s)
    return out


def _without_loops(block: Block) -> Block:
    kept = (s for s in block if not isinstance(s, (Loop, Make)))
    return [within_blocks(s, _without_loops) for s in kept]


def _called(s: Stmt, names: dict[str, Expr]) -> Stmt:
    """Return a statement that binds numbers by other names."""
    if isinstance(s, Assign):
        new = names[s.name]
        assert isinstance(new, Var)
        return replace(s, name=new.name)
    return within_blocks(s, lambda block: [_called(t, names) for t in block])


def _without_makes(block: Block, name: str) -> Block:
    kept = (s for s in block if not (isinstance(s, Make) and s.name == name))
    return [within_blocks(s, lambda inner: _without_makes(inner, name)) for s in kept]


def _used(block: Block) -> Block:
    """Return a block without arrays that nothing uses."""
    total = uses(block)
    return [s for s in block if not (isinstance(s, Make) and total[s.name] == 1)]


_SAFE = {*ALWAYS, np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}


def _may_leave(e: Expr) -> bool:
    return isinstance(e, Call) and e.fn not in _SAFE
