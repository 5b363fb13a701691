"""What is copied and only read is read where it lies: no copy is made of it.

That is so for saved values, for arguments by another name, and for arrays in reverse. The elements
of a row have to lie one after the other still, be it from the last to the first.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Block, Call, Dim, Expr, Index, Stmt, Var
from .accesses import Alias, aliases, touched
from .code import Loop, Make, Put, mapped, renamed, split_shift
from .contraction import Looked, mentions_array, uses, within_blocks
from .slots import SAVED
from .terms import nest_of


def forwarded(block: Block) -> Block:
    """Return a kernel with fewer copies."""
    return _forwarded(block, uses(block), aliases(block))


class _Looked(Looked):
    """What a statement changes, too."""

    def __init__(self, s: Stmt, alias: Alias) -> None:
        super().__init__(s)
        self.alias = alias

    @functools.cached_property
    def changed(self) -> set[str]:
        """The arrays, by the names that stand for them, of which it writes or binds something."""
        own = touched([self.statement], self.alias)
        return own.arrays("write", "add") | own.bound


def _forwarded(block: Block, total: Counter[str], alias: Alias) -> Block:
    block = [within_blocks(s, lambda inner: _forwarded(inner, total, alias)) for s in block]
    copies = [found for s in block if (found := _copied(s))]
    looked = [_Looked(s, alias) for s in block] if copies else []
    for copy in copies:
        loops, put = copy
        path = [loop.var for loop in loops]
        name = put.array.name
        users = [k for k, own in enumerate(looked) if name in own.uses]
        make = block[users[0]]
        if (
            isinstance(make, Make)
            and len(users) > 1
            and _copied(block[users[1]]) == copy
            and _is_whole(make, loops, put)
            and sum(looked[k].uses[name] for k in users) == total[name]
            and _is_kept(looked[users[0] :], put, path, alias)
        ):
            new = {k: _read(block[k], make, put, path) for k in users[2:]}
            if not any(mentions_array(s, name) for s in new.values()):
                kept = [k for k in range(len(block)) if k not in users[:2]]
                block = [new.get(k, block[k]) for k in kept]
                looked = [_Looked(new[k], alias) if k in new else looked[k] for k in kept]
    return block


def _copied(s: Stmt) -> tuple[tuple[Loop, ...], Put] | None:
    """Return the loops of a nest that copies an array, place by place, and what they do."""
    nest = nest_of(s)
    match nest:
        case loops, Put(op=None, array=array, index=index, value=Index(base=Var() as base) as read):
            path = tuple(loop.var for loop in loops)
            is_same = base.type.dtype == array.type.dtype
            return nest if index == path and is_same and _is_along(read.index, path[-1]) else None
    return None


def _is_whole(make: Make, loops: Sequence[Loop], put: Put) -> bool:
    """Tell whether all of an array is filled."""
    assert isinstance(put.value, Index) and isinstance(put.value.base, Var)
    extents = tuple(loop.extent for loop in loops)
    return make.extents == extents or put.value.base.name.startswith(SAVED)


def _is_along(index: Sequence[Expr], var: Var) -> bool:
    """Tell whether a loop finds each element next to the one before."""
    *rest, last = index
    base, _ = split_shift(last)
    if isinstance(base, Call) and base.fn is np.subtract and base.args[1] == var:
        base, moves = base.args[0], False  # n - 1 - i
    else:
        moves = base != var
    return (
        not moves
        and var.name not in ir.names_in(*rest)
        and (base == var or var.name not in ir.names_in(base))
    )


def _is_kept(block: list[_Looked], put: Put, path: Sequence[Var], alias: Alias) -> bool:
    """Tell whether a block leaves what is copied as it is, and the names in its places."""
    value = put.value
    assert isinstance(value, Index) and isinstance(value.base, Var)
    source = alias(value.base.name)
    fixed = {value.base.name, *ir.names_in(*value.index)} - {var.name for var in path}
    return source != alias(put.array.name) and not any(
        source in own.changed or fixed & own.bound for own in block
    )


def _read(s: Stmt, make: Make, put: Put, path: Sequence[Var]) -> Stmt:
    """Return a statement that reads the elements of an array where they came from."""

    def element(e: Expr) -> Expr:
        match e:
            case Index(base=Var(name=name), index=index) if name == make.name and len(index) == len(
                path
            ):
                places = {var.name: place for var, place in zip(path, index, strict=True)}
                value = put.value
                assert isinstance(value, Index)
                return replace(value, index=tuple(renamed(i, places) for i in value.index))
            case Dim(base=Var(name=name), axis=axis) if name == make.name:
                return make.extents[axis]
        return e

    return mapped(s, lambda e: ir.rewrite(e, element))
