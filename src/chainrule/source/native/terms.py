"""Terms: loops that do nothing but add to an array, at places that the loops' variables say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import ir
from ..ir import Expr, Stmt, Var
from .code import Loop, Put, dtype_of, split_shift


@dataclass(frozen=True, slots=True)
class Term:
    """``array[index] op= value`` at all places of loops with these variables."""

    position: int
    """Which statement of the block it is."""
    vars: tuple[Var, ...]
    loops: tuple[Loop, ...]
    put: Put
    fixed: tuple[Expr, ...]
    """The index along the array's first axes, which the loops do not move."""
    shifts: tuple[int, ...]
    """By how much the loops' variables are moved along the others."""


def term_of(s: Stmt, position: int, may_set: bool = False) -> Term | None:
    """Return a statement as a term, None if it is something else.

    ``may_set``: it may also set the places, as if they were zero before.
    """
    found = nest_of(s)
    if found is None or dtype_of(found[1].array).kind != "f":
        return None
    if found[1].op is None and not may_set:
        return None
    loops, put = found
    names = {loop.var.name for loop in loops}
    count = len(put.index) - len(loops)
    if count < 0 or ir.names_in(*put.index[:count]) & names:
        return None
    pairs = [split_shift(index) for index in put.index[count:]]
    variables = tuple(loop.var for loop in loops)
    if tuple(base for base, _ in pairs) != variables:
        return None
    shifts = tuple(shift for _, shift in pairs)
    return Term(position, variables, loops, put, put.index[:count], shifts)


def nest_of(s: Stmt) -> tuple[tuple[Loop, ...], Put] | None:
    """Return loops that hold nothing but each other, and what is stored in the innermost one."""
    loops: list[Loop] = []
    while isinstance(s, Loop) and len(s.body) == 1:
        loops.append(s)
        s = s.body[0]
    return (tuple(loops), s) if loops and isinstance(s, Put) else None


def alike(a: Term, b: Term) -> bool:
    """Tell whether two terms are about one array, and as many places of it."""
    return (
        a.put.array.name == b.put.array.name
        and a.fixed == b.fixed
        and a.put.value.type.dtype == b.put.value.type.dtype
        and as_large(a.loops, b.loops)
    )


def as_large(a: Sequence[Loop], b: Sequence[Loop]) -> bool:
    """Tell whether loops go over as many places as others."""
    return len(a) == len(b) and all(
        x.size == y.size or x.extent == y.extent for x, y in zip(a, b, strict=True)
    )
