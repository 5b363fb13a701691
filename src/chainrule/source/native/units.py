"""Axes of one place are left out, and loops over them.

``np.sum(x, axis=1, keepdims=True)`` has as many elements as rows. Without its second axis it is a
number for each row, which a loop over rows can keep in a register.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from .. import ir
from ..ir import Block, Dim, Expr, Index, Var
from ..types import Type
from .code import Fresh, Loop, Make, Put, mapped, number, renamed, statements
from .contraction import mentions, mentions_array, reindexed, within_blocks
from .folding import folded

_ONE = number(1)


def without_units(block: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return a kernel whose own arrays have no axes of one place, as far as it can."""
    block = _unlooped(block)
    for name, makes in _makes(block).items():
        units = [{k for k, e in enumerate(s.extents) if e == _ONE} for s in makes]
        dropped = set.intersection(*units)
        if dropped and len(dropped) < types[name].ndim and is_of_elements(block, name):
            block = with_fewer_axes(block, name, dropped, fresh, types)
    return block


def _unlooped(block: Block) -> Block:
    """Return a block with loops of one iteration as that iteration."""
    out: Block = []
    for s in block:
        s = within_blocks(s, _unlooped)
        if isinstance(s, Loop) and s.extent == _ONE:
            out += _at_first_place(s)
        else:
            out.append(s)
    return out


def _at_first_place(loop: Loop) -> Block:
    zero: dict[str, Expr] = {loop.var.name: number(0)}
    return [mapped(s, lambda e: folded(renamed(e, zero))) for s in loop.body]


def _makes(block: Block) -> dict[str, list[Make]]:
    found: dict[str, list[Make]] = {}
    for s in statements(block):
        if isinstance(s, Make):
            found.setdefault(s.name, []).append(s)
    return found


def is_of_elements(block: Block, name: str) -> bool:
    """Tell whether an array is made, and otherwise only its elements and sizes are used."""
    total: Counter[str] = Counter()
    for s in statements(block):
        total.update({name: mentions(s).count(name)})
        if isinstance(s, Make) or (isinstance(s, Put) and s.array.name == name):
            total[name] -= s.name == name if isinstance(s, Make) else 1
        for expr in ir.expressions(s):
            total[name] -= sum(_is_part(e, name) for e in ir.walk(expr))
    return not total[name]


def _is_part(e: Expr, name: str) -> bool:
    return isinstance(e, (Index, Dim)) and isinstance(e.base, Var) and e.base.name == name


def with_sizes(block: Block, make: Make) -> Block:
    """Return a block that does not ask an array for its sizes."""

    def size(e: Expr) -> Expr:
        match e:
            case Dim(base=Var(name=name), axis=axis) if name == make.name:
                return make.extents[axis]
        return e

    return [mapped(s, lambda e: ir.rewrite(e, size)) for s in block]


def with_fewer_axes(
    block: Block, name: str, dropped: Collection[int], fresh: Fresh, types: dict[str, Type]
) -> Block:
    """Return a block in which an array is without some axes, or is a number."""
    old = types[name]
    kept = [k for k in range(old.ndim) if k not in dropped]
    new = Var(replace(old, sizes=tuple(old.sizes[k] for k in kept)), fresh(name))
    types[new.name] = new.type if kept else Type("python", old.dtype)

    def size(e: Expr) -> Expr:
        if isinstance(e, Dim) and _is_part(e, name):
            return _ONE if e.axis in dropped else Dim(e.type, new, kept.index(e.axis))
        return e

    def changed(s: ir.Stmt) -> ir.Stmt:
        s = mapped(s, lambda e: ir.rewrite(e, size))
        return reindexed(s, name, lambda index: (new, tuple(index[k] for k in kept)))

    block = [changed(s) if mentions_array(s, name) else s for s in block]
    return _remade(block, name, new.name, kept)


def _remade(block: Block, name: str, new: str, kept: list[int]) -> Block:
    """Return a block that makes an array of other axes, or none."""
    out: Block = []
    for s in block:
        if not (isinstance(s, Make) and s.name == name):
            out.append(within_blocks(s, lambda inner: _remade(inner, name, new, kept)))
        elif kept:
            out.append(replace(s, name=new, extents=tuple(s.extents[k] for k in kept)))
    return out
