"""Axes of one place are left out, and loops over them.

``np.sum(x, axis=1, keepdims=True)`` has as many elements as rows. Without its second axis it is a
number for each row, which a loop over rows can keep in a register.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from .. import ir
from ..ir import Block, Dim, Expr, Index, Var, statements
from ..types import Type
from .code import Fresh, Loop, Make, Put, mapped, number, renamed
from .contraction import Reindex, all_reindexed, mentions, within_blocks
from .folding import folded

_ONE = number(1)


def without_units(block: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return a kernel whose own arrays have no axes of one place, as far as it can."""
    block = _unlooped(block)
    dropped = {}
    for name, makes in _makes(block).items():
        units = set.intersection(
            *({k for k, e in enumerate(s.extents) if e == _ONE} for s in makes)
        )
        if units and len(units) < types[name].ndim:
            dropped[name] = units
    dropped = {name: dropped[name] for name in of_elements(block, dropped)}
    return with_fewer_axes(block, dropped, fresh, types) if dropped else block


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
    return bool(of_elements(block, [name]))


def of_elements(block: Block, names: Iterable[str]) -> list[str]:
    """Return the arrays of which nothing but elements and sizes is used, besides their making."""
    other: Counter[str] = Counter()
    for s in statements(block):
        other.update(mentions(s))
        if isinstance(s, (Make, Put)):
            other[s.name if isinstance(s, Make) else s.array.name] -= 1
        for expr in ir.expressions(s):
            for e in ir.walk(expr):
                if isinstance(e, (Index, Dim)) and isinstance(e.base, Var):
                    other[e.base.name] -= 1
    return [name for name in names if not other[name]]


def with_sizes(block: Block, make: Make) -> Block:
    """Return a block that does not ask an array for its sizes."""

    def size(e: Expr) -> Expr:
        match e:
            case Dim(base=Var(name=name), axis=axis) if name == make.name:
                return make.extents[axis]
        return e

    return [mapped(s, lambda e: ir.rewrite(e, size)) for s in block]


def with_fewer_axes(
    block: Block, dropped: dict[str, set[int]], fresh: Fresh, types: dict[str, Type]
) -> Block:
    """Return a block in which arrays are without some axes, or are numbers."""
    kept = {n: [k for k in range(types[n].ndim) if k not in axes] for n, axes in dropped.items()}
    new = {name: _smaller(name, kept[name], fresh, types) for name in dropped}

    def size(e: Expr) -> Expr:
        match e:
            case Dim(base=Var(name=name), axis=axis) if name in dropped:
                gone = axis in dropped[name]
                return _ONE if gone else Dim(e.type, new[name], kept[name].index(axis))
        return e

    def place(name: str) -> Reindex:
        return lambda index: (new[name], tuple(index[k] for k in kept[name]))

    places = {name: place(name) for name in dropped}
    block = [mapped(s, lambda e: ir.rewrite(e, size)) for s in block]
    return _remade([all_reindexed(s, places) for s in block], new, kept)


def _smaller(name: str, kept: list[int], fresh: Fresh, types: dict[str, Type]) -> Var:
    old = types[name]
    new = Var(replace(old, sizes=tuple(old.sizes[k] for k in kept)), fresh(name))
    types[new.name] = new.type if kept else Type("python", old.dtype)
    return new


def _remade(block: Block, new: dict[str, Var], kept: dict[str, list[int]]) -> Block:
    """Return a block that makes arrays of other axes, or none."""
    out: Block = []
    for s in block:
        if not (isinstance(s, Make) and s.name in new):
            out.append(within_blocks(s, lambda inner: _remade(inner, new, kept)))
        elif kept[s.name]:
            extents = tuple(s.extents[k] for k in kept[s.name])
            out.append(replace(s, name=new[s.name].name, extents=extents))
    return out
