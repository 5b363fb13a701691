"""What a store overwrites and saves is read as it was saved, where it is read in another order.

``stack.append(y[:k].copy())`` and ``y[:k] += a * np.flip(y[:k])`` would compute the sum in a
temporary, since the loop writes places that it has to read later on. With ``old = y[:k].copy()``,
which is made where it is saved, it is ``y[:k] += a * np.flip(old)``, one loop.
"""

from __future__ import annotations

from dataclasses import replace

from .. import ir
from ..build import copy
from ..ir import Assign, Block, Expr, Index, Push, Store, Var
from ..types import Type
from .code import Fresh
from .contraction import within_blocks
from .numbers import is_elementwise


def with_copies_first(program: ir.Program, fresh: Fresh) -> ir.Program:
    """Return a program whose stores read what they overwrite where it is saved."""
    types = dict(program.types)
    return replace(program, body=_changed(program.body, fresh, types), types=types)


def _changed(block: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    block = [within_blocks(s, lambda inner: _changed(inner, fresh, types)) for s in block]
    out: Block = []
    for s in block:
        match out[-1:], s:
            case (
                [Push(value=Index(base=Var() as base, index=index) as place) as push],
                Store(target=target, value=value),
            ) if (target, s.index) == (base, index) and _is_turned(value, place):
                old = Var(place.type, fresh("old"))
                types[old.name] = old.type
                out[-1:] = [Assign(old.name, copy(place)), replace(push, value=old, copy=False)]
                s = replace(s, value=_read(value, place, old))
        out.append(s)
    return out


def _is_turned(value: Expr, place: Index) -> bool:
    """Tell whether a value reads a place in another order, and no other part of its array."""
    assert isinstance(place.base, Var)
    rest = _read(value, place, Var(place.type, ""))
    is_alone = place.base.name not in ir.names_in(rest)
    return is_alone and place.type.is_array and _is_inside(value, place)


def _is_inside(e: Expr, place: Index) -> bool:
    if e == place:
        return False
    if isinstance(e, ir.Call) and is_elementwise(e):
        return any(_is_inside(x, place) for x in ir.children(e))
    return any(x == place for x in ir.walk(e))


def _read(value: Expr, place: Index, name: Var) -> Expr:
    return ir.rewrite(value, lambda e: name if e == place else e)
