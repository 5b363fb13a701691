"""Saved values that are only read are read where they lie: no copy is made of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from .. import ir
from ..ir import Block, Dim, Expr, Index, Stmt, Var
from .code import Loop, Make, Put, bound_by, mapped, statements
from .contraction import mentions_array, uses, within_blocks
from .slots import SAVED


def forwarded(block: Block) -> Block:
    """Return a kernel with fewer copies of saved values."""
    return _forwarded(block, uses(block))


def _forwarded(block: Block, total: Counter[str]) -> Block:
    block = [within_blocks(s, lambda inner: _forwarded(inner, total)) for s in block]
    for put, source in [found for s in block if (found := _copied(s))]:
        name = put.array.name
        users = [k for k, s in enumerate(block) if mentions_array(s, name)]
        make = block[users[0]]
        if (
            isinstance(make, Make)
            and _copied(block[users[1]]) == (put, source)
            and uses(block)[name] == total[name]
            and _is_kept(block[users[0] :], source)
        ):
            rest = [s for k, s in enumerate(block) if k not in users[:2]]
            changed = [_read(s, make, source) if mentions_array(s, name) else s for s in rest]
            if not any(mentions_array(s, name) for s in changed):
                block = changed
    return block


def _copied(s: Stmt) -> tuple[Put, Index] | None:
    """Return what a nest of loops copies, place by place, and from where: ``saved[k, i, j]``."""
    path: list[Expr] = []
    while isinstance(s, Loop) and len(s.body) == 1:
        path.append(s.var)
        s = s.body[0]
    match s:
        case Put(op=None, value=Index(base=Var(name=source), index=index) as value):
            first = index[: len(index) - len(path)]
            is_whole = s.index == tuple(path) == index[len(first) :]
            if (
                source.startswith(SAVED)
                and is_whole
                and not ir.names_in(*first) & ir.names_in(*path)
            ):
                return s, replace(value, index=first)
    return None


def _is_kept(block: Block, source: Index) -> bool:
    """Tell whether a block leaves an array, and the place of a part of it, as they are."""
    fixed = {source.base.name, *ir.names_in(*source.index)}  # type: ignore[attr-defined]
    for s in statements(block):
        if {*bound_by(s)} & fixed or (isinstance(s, Put) and s.array.name in fixed):
            return False
    return True


def _read(s: Stmt, make: Make, source: Index) -> Stmt:
    """Return a statement that reads the elements of an array where they came from."""

    def element(e: Expr) -> Expr:
        match e:
            case Index(base=Var(name=name), index=index) if name == make.name:
                return replace(e, base=source.base, index=(*source.index, *index))
            case Dim(base=Var(name=name), axis=axis) if name == make.name:
                return make.extents[axis]
        return e

    return mapped(s, lambda e: ir.rewrite(e, element))
