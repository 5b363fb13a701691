"""What a reverse sweep computes or copies once too often.

A value that two terms of a sum need is computed for the first of them. A place that is read, set to
zero and then used needs no copy if it is set to zero afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from . import ir
from .algebra import is_number
from .fold import map_blocks, map_expressions
from .sharing import Sharing, copied


class _Names:
    """How often variables are bound and read, and which may share memory."""

    def __init__(self, block: ir.Block) -> None:
        self.sharing = Sharing(block)
        all_statements = list(ir.statements(block))
        self.bound = Counter(name for s in all_statements for name in ir.written(s))
        self.reads = Counter(
            e.name
            for s in all_statements
            for expr in ir.expressions(s)
            for e in ir.walk(expr)
            if isinstance(e, ir.Var)
        )
        names = self.bound.keys() | self.reads.keys()
        self.members = Counter(map(self.sharing.of, names))
        self.returned = ir.names_in(*ir.expressions(block[-1])) if block else set()

    def is_alone(self, name: str) -> bool:
        """Tell whether no other variable has its memory, and nothing changes it or takes it out."""
        place = self.sharing.of(name)
        is_plain = place not in self.sharing.stored and self.members[place] == 1
        return is_plain and name not in self.returned

    def is_free_of(self, s: ir.Stmt, name: str) -> bool:
        """Tell whether a statement neither reads nor changes the memory of a variable."""
        names = ir.names_in(*ir.expressions(s)) | set(ir.written(s))
        return self.sharing.of(name) not in map(self.sharing.of, names)


# --------------------------------------------------------------------------- computed only once


def computed_once(block: ir.Block, may_go: Callable[[str], bool]) -> ir.Block:
    """Return the block with variables instead of values that they hold already."""
    names = _Names(block)

    def visit(block: ir.Block) -> ir.Block:
        known: dict[ir.Expr, tuple[str, set[str]]] = {}
        same: dict[str, str] = {}
        done: ir.Block = []

        def first_name(e: ir.Expr) -> ir.Expr:
            return replace(e, name=same.get(e.name, e.name)) if isinstance(e, ir.Var) else e

        for s in block:
            s = map_blocks(s, visit)
            if isinstance(s, ir.Assign) and _is_candidate(s, names, may_go):
                read = set(map(names.sharing.of, ir.names_in(s.value)))
                first, _ = known.setdefault(ir.rewrite(s.value, first_name), (s.name, read))
                if first != s.name:
                    same[s.name] = first
                    s = ir.Assign(s.name, ir.Var(s.value.type, first), origin=s.origin)
            written = {x for inner in ir.statements([s]) for x in ir.written(inner)}
            places = set(map(names.sharing.of, written))
            known = {value: held for value, held in known.items() if places.isdisjoint(held[1])}
            done.append(s)
        return done

    return visit(block)


def _is_candidate(s: ir.Assign, names: _Names, may_go: Callable[[str], bool]) -> bool:
    value = s.value
    if not isinstance(value, ir.Call) or value.kwargs:
        return False
    is_elementwise = isinstance(value.fn, np.ufunc) or value.fn is np.where
    if not is_elementwise or names.bound[s.name] != 1 or not may_go(s.name):
        return False
    return value.type.is_number or names.is_alone(s.name)


# ------------------------------------------------------------------------------- zeros later on


def late_zeros(block: ir.Block) -> ir.Block:
    """Return the block with places set to zero after their last use instead of copied before it."""
    names = _Names(block)

    def visit(block: ir.Block) -> ir.Block:
        done: ir.Block = []
        for s in block:
            s = map_blocks(s, visit)
            used = _used_in_place(done[-2], done[-1], s, names) if len(done) > 1 else None
            if used is None:
                done.append(s)
            else:
                done[-2:] = [used, done[-1]]
        return done

    return visit(block)


def _place(value: ir.Expr) -> tuple[ir.Expr, tuple[ir.Expr, ...]] | None:
    """Return the target and index of what is read, or copied where it is an array."""
    if value.type.is_array:
        original = copied(value)
        if original is None:
            return None
        value = original
    if isinstance(value, ir.Index) and isinstance(value.base, ir.Var):
        return value.base, value.index
    return None


def _used_in_place(taken: ir.Stmt, zero: ir.Stmt, s: ir.Stmt, names: _Names) -> ir.Stmt | None:
    """Return the third of three statements with the place itself in it, None if that cannot be.

    The first reads the place, the second sets it to zero.
    """
    if not isinstance(taken, ir.Assign) or not isinstance(zero, ir.Store):
        return None
    is_zero = is_number(zero.value, 0) and zero.op is None and not zero.at
    if not is_zero or _place(taken.value) != (zero.target, zero.index):
        return None
    if not isinstance(s, (ir.Assign, ir.Store)) or names.reads[taken.name] != 1:
        return None
    if names.bound[taken.name] != 1 or taken.name not in ir.names_in(s.value):
        return None
    if not names.is_free_of(s, zero.target.name) or set(ir.written(s)) & ir.names_in(*zero.index):
        return None
    place = copied(taken.value) or taken.value
    if taken.value.type.is_array and not _is_operand(s.value, taken.name):
        return None

    def change(e: ir.Expr) -> ir.Expr:
        return place if isinstance(e, ir.Var) and e.name == taken.name else e

    return map_expressions(s, lambda expr: ir.rewrite(expr, change))


def _is_operand(expr: ir.Expr, name: str) -> bool:
    """Tell whether a variable is computed with, by functions that make new arrays."""
    if not isinstance(expr, ir.Call) or not isinstance(expr.fn, np.ufunc):
        return False
    return any(
        (isinstance(arg, ir.Var) and arg.name == name) or _is_operand(arg, name)
        for arg in expr.args
    )
