"""Sizes that branches and loops compute, or compare, are computed and compared before them.

``w = wcon[1:] + wcon[:-1]`` in a branch has a size of its own until it is compared with another
one. Known from the start to be the same, it lets loops of different branches be one.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Stmt
from .code import Check, bindings, bound_by
from .contraction import within_blocks
from .early import is_simple


def raised(block: Block, given: set[str], may_leave: bool) -> Block:
    """Return a kernel that computes sizes outside branches and loops, as far as it can.

    ``given``: its parameters. ``may_leave``: sizes may be compared for nothing, where NumPy runs
    the program in case they differ.
    """
    binders = Counter(bindings(block))
    known = {name for name in given if not binders[name]}
    once = {name for name, n in binders.items() if n == 1}
    out: Block = []
    for s in block:
        if s.blocks:
            early = _early([s], once, set(known), may_leave)
            out += early
            known |= {name for t in early for name in bound_by(t)}
            s = _without(s, {id(t) for t in early})
        else:
            known |= {name for name in bound_by(s) if name in once}
        out.append(s)
    return out


def _early(block: Block, once: set[str], known: set[str], may_leave: bool) -> Block:
    """Return what inner blocks compute of what is known; all of it is known then."""
    found: Block = []
    for s in block:
        for inner in s.blocks:
            for t in inner:
                if _is_early(t, once, known, may_leave):
                    found.append(t)
                    known |= {*bound_by(t)}
            found += _early(inner, once, known, may_leave)
    return found


def _is_early(s: Stmt, once: set[str], known: set[str], may_leave: bool) -> bool:
    match s:
        case Assign(name=name, value=value):
            is_size = name in once and value.type.dtype == np.dtype(np.int64)
            return is_size and is_simple(value) and ir.names_in(value) <= known
        case Check(holds=Call(fn=np.equal, args=(a, b))) if may_leave:
            return is_simple(a) and is_simple(b) and ir.names_in(a, b) <= known
    return False


def _without(s: Stmt, early: set[int]) -> Stmt:
    return within_blocks(s, lambda block: [_without(t, early) for t in block if id(t) not in early])
