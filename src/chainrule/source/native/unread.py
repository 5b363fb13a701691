"""What nothing reads is not computed: arrays that are made and filled, and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Expr, Stmt, statements
from .code import Gather, Loop, Make, Part, Put
from .contraction import mentions
from .early import ALWAYS


def without_unread(block: Block, names: Set[str]) -> Block:
    """Leave out those of these arrays that are made and filled, and that nothing reads."""
    while unread := _unread(block) & names:
        block = _without(block, unread)
    return block


def without_dead(block: Block) -> Block:
    """Leave out the arrays and numbers that nothing reads, if nothing else is lost with them."""
    kept: set[str] = set()
    while unread := _unread(block) - kept:
        kept |= {_bound(s) for s in statements(block) if _bound(s) in unread and not _is_safe(s)}
        block = _without(block, unread - kept)
    return block


def _unread(block: Block) -> set[str]:
    """Return what is bound, or stored into, and not mentioned otherwise."""
    total: Counter[str] = Counter()
    bound: Counter[str] = Counter()
    for s in statements(block):
        total.update(mentions(s))
        bound[_bound(s)] += 1
    return {name for name, n in bound.items() if name and n == total[name]}


def _bound(s: Stmt) -> str:
    """Return what a statement makes, fills or sets, and "" for all others."""
    if isinstance(s, Put):
        return s.array.name
    return s.name if isinstance(s, Assign | Gather | Make | Part) else ""


def _is_safe(s: Stmt) -> bool:
    """Tell whether a statement does nothing but to compute a value: it never leaves the kernel."""
    if isinstance(s, Put):
        return all(map(_cannot_leave, (s.value, *s.index)))
    if isinstance(s, Assign | Gather):
        return not s.value.type.is_array and _cannot_leave(s.value)
    return isinstance(s, Make)


def _cannot_leave(value: Expr) -> bool:
    calls = [e for e in ir.walk(value) if isinstance(e, Call)]
    return all(e.fn in ALWAYS if _is_integer(e) else isinstance(e.fn, np.ufunc) for e in calls)


def _is_integer(e: Expr) -> bool:
    return e.type.dtype is None or e.type.dtype.kind not in "fb"


def _without(block: Block, unread: Set[str]) -> Block:
    out: Block = []
    for s in block:
        if isinstance(s, (Loop, ir.For, ir.While)):
            s = replace(s, body=_without(s.body, unread))
        elif isinstance(s, ir.If):
            s = ir.If(s.condition, _without(s.then, unread), _without(s.orelse, unread))
        if _bound(s) not in unread and not (isinstance(s, Loop) and not s.body):
            out.append(s)
    return out
