"""Masked parts of arrays are saved as whole arrays, so that places need not be counted.

``stack.append(x[m])`` and ``x[m] = stack.pop()`` go through an array place by place, in order: each
place lies where those before it end. With all of ``x`` saved, both are loops like any others.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Block, Call, Index, Pop, Push, Store, Var
from ..types import Type
from .code import Fresh
from .masked import covers
from .pairs import Pair, pairs_of


def with_whole_saves(program: ir.Program, fresh: Fresh) -> ir.Program:
    """Return a program that saves arrays where it saved what is at the places of a mask."""
    pairs = [pair for pair in pairs_of(program.body, in_loops=False) if _is_masked(pair)]
    if not pairs:
        return program
    changed = {id(s) for pair in pairs for s in (pair.push, pair.pop)}
    types = dict(program.types)
    body = _changed(program.body, changed, fresh, types)
    return replace(program, body=body, types=types)


def _changed(block: Block, which: Set[int], fresh: Fresh, types: dict[str, Type]) -> Block:
    out: Block = []
    for s in block:
        match s:
            case Push(value=Index(base=base)) if id(s) in which:
                out.append(replace(s, value=base, copy=True))
            case Pop(target=target, index=(mask,)) if id(s) in which:
                saved = Var(target.type, fresh("saved"))
                types[saved.name] = saved.type
                where = Call(target.type, np.where, (mask, saved, target))
                out += [replace(s, target=saved, index=None), Store(target, (), where)]
            case ir.If(then=then, orelse=orelse):
                yes, no = (_changed(arm, which, fresh, types) for arm in (then, orelse))
                out.append(replace(s, then=yes, orelse=no))
            case ir.For(body=body) | ir.While(body=body):
                out.append(replace(s, body=_changed(body, which, fresh, types)))
            case _:
                out.append(s)
    return out


def _is_masked(pair: Pair) -> bool:
    """Tell whether a part of an array is saved by a mask, and put back by one."""
    match pair:
        case Pair(
            push=Push(value=Index(base=Var() as base, index=(mask,))),
            pop=Pop(target=target, index=(other,)),
        ):
            dtype = base.type.dtype
            is_same = base.type.sizes == target.type.sizes and dtype == target.type.dtype
            is_real = dtype is not None and dtype.kind in "biuf"
            return is_same and is_real and covers(mask, base.type) and covers(other, target.type)
    return False
