"""Sizes are computed, and compared, before anything else; sizes found to be equal become one.

Lowering finds out at an addition that two arrays have the same size, after loops over each of them.
Computed first, that knowledge lets these loops be joined.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TypeGuard

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Dim, Expr, Lit, Stmt, Var
from . import runtime
from .code import INT, Check, Loop, bindings, bound_by, mapped, renamed
from .folding import folded

ALWAYS = {
    np.add, np.subtract, np.multiply, max, min, runtime.count, runtime.bound, runtime.chunks
}  # fmt: skip
"""Functions of integers that can be computed whether or not they are needed."""


def sizes_first(block: Block, given: set[str]) -> Block:
    """Return a kernel with its sizes first; ``given``: its parameters."""
    binders = Counter(bindings(block))
    once = {name for name, n in binders.items() if n == 1} | {n for n in given if not binders[n]}
    return _settled(block, once, {n for n in given if not binders[n]}, {})


def _settled(block: Block, once: set[str], known: set[str], equal: dict[str, Expr]) -> Block:
    """Return a block, and those in it, with sizes first; ``known``: what is bound before.

    ``equal``: what names are known to be there.
    """
    first: Block = []
    rest: Block = []
    known = set(known)
    equal = dict(equal)
    computed: dict[Expr, Expr] = {}
    for s in block:
        if isinstance(s, (Assign, Check)):
            s = mapped(s, lambda e: folded(renamed(e, equal)))
        if _is_early(s, once, known):
            if isinstance(s, Assign) and not isinstance(s.value, (Lit, Var)):
                same = computed.setdefault(s.value, Var(INT, s.name))
                s = s if same == Var(INT, s.name) else replace(s, value=same)
            if not _says_nothing(s):
                first.append(s)
            known |= {*bound_by(s)}
            _note(s, equal)
        else:
            rest.append(s)
    later = known | {name for s in rest for name in bound_by(s) if name in once}
    out: Block = []
    for k, s in enumerate(rest):
        s = _within(s, once, later, equal)
        if not _says_nothing(s):
            out.append(s)
        if _is_name_of(s, once) and s.name not in {*bindings(rest[k + 1 :])}:
            equal[s.name] = s.value
    return [*first, *out]


def _is_name_of(s: Stmt, once: set[str]) -> TypeGuard[Assign]:
    """Tell whether a statement gives an integer that does not change another name."""
    if not isinstance(s, Assign) or s.value.type.dtype != np.dtype(np.int64):
        return False
    return isinstance(s.value, Lit) or (isinstance(s.value, Var) and s.value.name in once)


def _within(s: Stmt, once: set[str], known: set[str], equal: dict[str, Expr]) -> Stmt:
    def change(e: Expr) -> Expr:
        return folded(renamed(e, equal))

    match s:
        case ir.If(condition=condition, then=then, orelse=orelse):
            arms = (_settled(arm, once, known, equal) for arm in (then, orelse))
            return ir.If(change(condition), *arms)
        case ir.For(start=start, stop=stop, var=var, step=step, body=body):
            inside = _settled(body, once, known | {var.name}, equal)
            start, stop, step = map(change, (start, stop, step))
            return replace(s, start=start, stop=stop, step=step, body=inside)
        case ir.While(condition=condition, body=body):
            return replace(s, condition=change(condition), body=_settled(body, once, known, equal))
        case Loop(extent=extent, body=body):
            return replace(s, extent=change(extent), body=_settled(body, once, known, equal))
    return mapped(s, change)


def _is_early(s: Stmt, once: set[str], known: set[str]) -> bool:
    """Tell whether a statement computes or compares sizes that are known at the block's start."""
    match s:
        case Assign(name=name, value=value):
            is_size = name in once and value.type.dtype == np.dtype(np.int64)
            return is_size and is_simple(value) and ir.names_in(value) <= known
        case Check(holds=Call(fn=np.equal, args=(a, b))):
            return is_simple(a) and is_simple(b) and ir.names_in(a, b) <= known
    return False


def _says_nothing(s: Stmt) -> bool:
    match s:
        case Check(holds=Call(fn=np.equal, args=(a, b))):
            return a == b
        case Check(holds=Lit(value=value)):
            return bool(value)
    return False


def _note(s: Stmt, equal: dict[str, Expr]) -> None:
    """Note that a variable is another one, or a number, from here on."""
    match s:
        case Assign(name=name, value=Var() | Lit() as value):
            equal[name] = value
        case Check(holds=Call(fn=np.equal, args=(a, b))):
            old, new = (b, a) if isinstance(b, Var) else (a, b)
            if isinstance(old, Var) and isinstance(new, (Var, Lit)) and old != new:
                for name, other in equal.items():
                    if other == old:
                        equal[name] = new
                equal[old.name] = new


def is_simple(expr: Expr) -> bool:
    """Tell whether an integer can be computed at any time: nothing in it can fail."""
    return all(
        isinstance(e, (Var, Lit, Dim)) or (isinstance(e, Call) and e.fn in ALWAYS)
        for e in ir.walk(expr)
    )
