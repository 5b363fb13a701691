"""Zeros that a sweep adds to: where the terms are gathered they are written, not added.

A reverse sweep zeroes the cotangent of what a loop overwrites, and adds to it again in the next
statement, or in the next iteration. Then the zeros need not be written at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from .. import ir
from ..ir import Block, Expr, Lit, Stmt, Var
from ..types import Type
from .accesses import Alias, Touched, touched
from .code import Fresh, Loop, Make, bindings, dtype_of, split_shift
from .fusion import renamed_block
from .terms import Term, as_large, nest_of, term_of


def set_by(terms: Sequence[Term]) -> tuple[int, ...] | None:
    """Return which places the first term sets, by how much they are moved; None if it adds."""
    if terms[0].put.op is not None:
        return None
    columns = zip(*(term.shifts for term in terms), strict=True)
    return tuple(column[0] - min(column) for column in columns)


def take_zeros(before: Block, terms: Sequence[Term], alias: Alias) -> tuple[int, ...] | None:
    """Take loops out of a block that set places of terms after it to zero; return which.

    By how much the places are moved, from the first that any of the terms reaches.
    """
    columns = [*zip(*(term.shifts for term in terms), strict=True)]
    array = alias(terms[0].put.array.name)
    for k in range(len(before) - 1, -1, -1):
        found = _zeroed(before[k], terms[0])
        if found is not None and all(
            min(c) <= shift <= max(c) for shift, c in zip(found, columns, strict=True)
        ):
            del before[k]
            return tuple(shift - min(c) for shift, c in zip(found, columns, strict=True))
        own = touched([before[k]], alias)
        if own.bound & ir.names_in(*terms[0].fixed) or uses_array(own, array, alias):
            return None
    return None


def _zeroed(s: Stmt, term: Term) -> tuple[int, ...] | None:
    """Return by how much the places of a term are moved that loops set to zero, if they do that."""
    found = nest_of(s)
    if found is None or not _is_fill(s):
        return None
    loops, put = found
    count = len(term.fixed)
    if put.array.name != term.put.array.name or put.index[:count] != term.fixed:
        return None
    pairs = [split_shift(index) for index in put.index[count:]]
    along = tuple(base for base, _ in pairs) == tuple(loop.var for loop in loops)
    return tuple(shift for _, shift in pairs) if along and as_large(loops, term.loops) else None


def uses_array(found: Touched, array: str, alias: Alias) -> bool:
    """Tell whether statements touch an array, or bind it."""
    names = {alias(name) for name in found.bound | found.read}
    return array in names | found.arrays("read", "write", "add")


def turned(
    before: Block, s: ir.For, few: int, alias: Alias, fresh: Fresh, types: dict[str, Type]
) -> tuple[Stmt, Block]:
    """Let a loop begin with zeros that its iterations end with; return what follows it then.

    That is the same if what is set to zero is zero before the loop. ``few``: so many terms make it
    worth while.
    """
    body: Block = list(s.body)
    after: Block = []
    terms = Counter(t.put.array.name for k, u in enumerate(body) if (t := term_of(u, k)))
    first: Block = []
    for zeros in [u for u in body if _is_fill(u)]:
        name = nest_of(zeros)[1].array.name  # type: ignore[index]
        rest = [u for u in body if u is not zeros]
        k = next(k for k, u in enumerate(body) if u is zeros)
        if (
            terms[name] >= few
            and not _bound_in(zeros, s)
            and not any(uses_array(touched([u], alias), alias(name), alias) for u in body[k + 1 :])
            and _is_zero(before, name, alias)
        ):
            body = rest
            first.append(zeros)
            after.append(_copied(zeros, fresh, types))
    return (replace(s, body=[*first, *body]), after) if first else (s, [])


def _is_fill(s: Stmt) -> bool:
    """Tell whether loops set places to zero and do nothing else."""
    found = nest_of(s)
    if found is None or found[1].op is not None:
        return False
    value = found[1].value
    return isinstance(value, Lit) and dtype_of(value).kind == "f" and value.value == 0


def _bound_in(zeros: Stmt, loop: ir.For) -> bool:
    """Tell whether what is set to zero depends on the iteration."""
    own = {*bindings([zeros])}
    read = {n for x in _expressions(zeros) for n in ir.names_in(x)} - own
    bound = {loop.var.name, *bindings([u for u in loop.body if u is not zeros])}
    return bool(read & bound)


def _expressions(s: Stmt) -> list[Expr]:
    loops, put = nest_of(s)  # type: ignore[misc]
    return [*(loop.extent for loop in loops), put.array, *put.index]


def _is_zero(before: Block, name: str, alias: Alias) -> bool:
    """Tell whether all of an array is set to zero before a loop, and then left as it is."""
    filled: tuple[Expr, ...] | None = None
    for s in reversed(before):
        if isinstance(s, Make) and s.name == name:
            return filled == s.extents
        if filled is None and _is_fill(s):
            loops, put = nest_of(s)  # type: ignore[misc]
            if put.array.name == name and put.index == tuple(loop.var for loop in loops):
                filled = tuple(loop.extent for loop in loops)
                continue
        if uses_array(touched([s], alias), alias(name), alias):
            return False
    return False


def _copied(s: Stmt, fresh: Fresh, types: dict[str, Type]) -> Stmt:
    """Return loops with variables of their own."""
    if not isinstance(s, Loop):
        return s
    var = Var(s.var.type, fresh(s.var.name))
    types[var.name] = var.type
    body = [_copied(t, fresh, types) for t in renamed_block(s.body, s.var, var)]
    return replace(s, var=var, body=body)
