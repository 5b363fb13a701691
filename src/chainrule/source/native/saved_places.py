"""Where the iterations of a loop save values, and take them: on one stack, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Expr, Lit, Stmt, Var, statements
from .code import (
    INT,
    Loop,
    Part,
    Put,
    apply,
    bindings,
    bound_by,
    number,
    plus,
    split_shift,
    times,
)
from .hoisting import trips


def net_change(block: Block, top: str, changing: Set[str]) -> Expr | None:
    """Return by how much a block changes a number; None if not always by as much.

    ``changing``: variables that do not have the same value at all times.
    """
    found: Expr = number(0)
    for s in block:
        change = _change(s, top, changing)
        if change is None:
            return None
        found = plus(found, change)
    return found


def _change(s: Stmt, top: str, changing: Set[str]) -> Expr | None:
    if not any(top in bound_by(t) for t in statements([s])):
        return number(0)
    match s:
        case Assign(value=Call(fn=fn, args=(Var(name=name), by))) if name == top:
            if fn in (np.add, np.subtract) and not ir.names_in(by) & changing:
                return by if fn is np.add else _minus(by)
        case ir.If(then=then, orelse=orelse):
            yes, no = (net_change(arm, top, changing) for arm in (then, orelse))
            return yes if yes == no else None
        case Loop(body=body) | ir.For(body=body):
            each, count = net_change(body, top, changing), trips(s)
            stops_early = isinstance(s, ir.For) and s.until
            if each is not None and not stops_early and not ir.names_in(count) & changing:
                return times(each, count)
    return None


def _minus(e: Expr) -> Expr:
    return number(-e.value) if isinstance(e, Lit) else apply(np.negative, INT, e)


def saves_in_order(block: Block, stack: str, top: str) -> bool:
    """Tell whether each value is saved above the top of a stack, which then is that much higher."""
    if not all(saves_in_order(b, stack, top) for s in block for b in s.blocks):
        return False
    tops = {
        s.name: k
        for k, s in enumerate(block)
        if isinstance(s, Assign) and isinstance(s.value, Var) and s.value.name == top
    }
    several = Counter(bindings(block))
    for k, s in enumerate(block):
        match s:
            case Assign(name=name, value=value) if name == top:
                if not (isinstance(value, Call) and value.fn is np.add):
                    return False  # it takes values too
                continue
            case Put(array=array, index=(place,)) if array.name == stack:
                size: Expr = number(1)
            case Part(array=array, start=place, size=size) if array.name == stack:
                pass
            case _:
                continue
        start, shift = split_shift(place)
        if not isinstance(start, Var) or shift < 0:
            return False
        if start.name in tops and several[start.name] == 1 and tops[start.name] < k:
            k = tops[start.name]
        elif start.name != top:
            return False
        if not _makes_room(block[k + 1 :], top, plus(size, number(shift))):
            return False
    return True


def _makes_room(block: Block, top: str, size: Expr) -> bool:
    """Tell whether a stack gets so much higher where its height changes next."""
    s = next((t for t in block if _binds(t, top)), None)
    if not isinstance(s, Assign):
        return False
    match s.value:
        case Call(fn=np.add, args=(Var(name=name), by)) if name == top:
            if isinstance(by, Lit) and isinstance(size, Lit):
                return bool(size.value <= by.value)
            return by == size
    return False


def _binds(s: Stmt, name: str) -> bool:
    return any(name in bound_by(t) for t in statements([s]))
