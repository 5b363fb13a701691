"""Sums into shifted places of one row become one sum at each place.

A reverse sweep scatters: ``a[j] += t[j]``, ``a[j + 1] += t[j]``, ``a[j + 2] += t[j]``, each a loop that
reads and writes the whole row. Turned around, ``a[j + 2] += t[j + 2] + t[j + 1] + t[j]``, it is one;
the few places at both ends, where some of the terms are missing, keep their own loops.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .. import ir
from ..ir import Block, Expr, Stmt, Var
from .accesses import independent, touched
from .code import (
    INT,
    Fresh,
    Loop,
    Put,
    apply,
    blocks_of,
    minus,
    number,
    plus,
    renamed,
    scalar,
    split_shift,
)


@dataclass(slots=True)
class _Term:
    """One loop ``for var: array[..., var + shift] += value``."""

    loop: Loop
    put: Put
    shift: int

    @property
    def row(self) -> tuple[object, ...]:
        """Return what terms of one sum have in common."""
        return (self.put.array.name, self.put.index[:-1], self.loop.size, self.loop.extent)


def gather(block: Block, fresh: Fresh) -> Block:
    """Turn the scattering loops of a block, and of the blocks in it, around."""
    block = [_inside(s, fresh) for s in block]
    out: Block = []
    for s in block:
        term = _term(s)
        if term is None or not _join(out, term):
            out.append(s)
    return [t for s in out for t in (_made(s, fresh) if isinstance(s, _Sum) else [s])]


def _inside(s: Stmt, fresh: Fresh) -> Stmt:
    match s:
        case Loop(body=body) | ir.For(body=body) | ir.While(body=body):
            return replace(s, body=gather(body, fresh))
        case ir.If(then=then, orelse=orelse):
            return replace(s, then=gather(then, fresh), orelse=gather(orelse, fresh))
    return s


@dataclass(slots=True)
class _Sum(Stmt):
    """Terms that are gathered, in place of the loop of the first one."""

    terms: list[_Term]


def _term(s: Stmt) -> _Term | None:
    """Return a loop as a term if it is one, else None."""
    if not (isinstance(s, Loop) and len(s.body) == 1 and isinstance(s.body[0], Put)):
        return None
    put = s.body[0]
    base, shift = split_shift(put.index[-1])
    if put.op is None or base != s.var or put.array.type.dtype.kind != "f":  # type: ignore[union-attr]
        return None
    if s.var.name in ir.names_in(*put.index[:-1]):
        return None
    own = touched([s])
    reads = {a.array for a in own.elements if a.kind == "read"}
    return None if put.array.name in reads or own.checks else _Term(s, put, shift)


def _join(out: Block, term: _Term) -> bool:
    """Add a term to a sum before it, or make one of two terms; what lies between must not care."""
    own = touched([term.loop])
    for k in range(len(out) - 1, -1, -1):
        before = out[k]
        if isinstance(before, _Sum) and before.terms[0].row == term.row:
            before.terms.append(term)
            return True
        first = _term(before)
        if first is not None and first.row == term.row and first.shift != term.shift:
            out[k] = _Sum([first, term])
            return True
        parts = [t.loop for t in before.terms] if isinstance(before, _Sum) else [before]
        if blocks_of(before) and not isinstance(before, Loop):
            return False
        if not independent(touched(parts), own):
            return False
    return False


def _made(total: _Sum, fresh: Fresh) -> Block:
    """Return the loops of a sum: the places that all terms reach, then the ends."""
    terms = total.terms
    high, low = max(t.shift for t in terms), min(t.shift for t in terms)
    first = terms[0]
    extent = first.loop.extent
    var = Var(INT, fresh("i"))
    common = apply(max, INT, plus(extent, number(low - high)), number(0))
    sum_: Expr | None = None
    for t in terms:
        value = renamed(t.put.value, {t.loop.var.name: plus(var, number(high - t.shift))})
        sum_ = _added(sum_, value, t.put.op)
    assert sum_ is not None
    index = (*first.put.index[:-1], plus(var, number(high)))
    put = Put(first.put.array, index, sum_, "add")
    found: Block = [Loop(var, common, [put], ("inner", first.loop.size, high - low))]
    for t in terms:
        found += _ends(t, low, high, common, fresh)
    return found


def _added(total: Expr | None, value: Expr, op: str | None) -> Expr:
    kind = scalar(value.type.dtype)
    if total is None:
        return value if op == "add" else apply(np.negative, kind, value)
    return apply(np.add if op == "add" else np.subtract, kind, total, value)


def _ends(term: _Term, low: int, high: int, common: Expr, fresh: Fresh) -> Block:
    """Return the loops over the places of a term before and after those of all terms."""
    extent = term.loop.extent
    found: Block = []
    front: Expr = number(0)
    if high != term.shift:
        front = apply(min, INT, extent, number(high - term.shift))
        found.append(_over(term, number(0), front, fresh))
    if low != term.shift:
        start = plus(common, front)
        found.append(_over(term, start, minus(extent, start), fresh))
    return found


def _over(term: _Term, start: Expr, extent: Expr, fresh: Fresh) -> Loop:
    var = Var(INT, fresh("i"))
    names: dict[str, Expr] = {term.loop.var.name: plus(var, start)}
    index = (*term.put.index[:-1], renamed(term.put.index[-1], names))
    put = replace(term.put, index=index, value=renamed(term.put.value, names))
    return Loop(var, extent, [put], ("end", extent))
