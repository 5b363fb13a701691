"""Branches that only choose what a generated temporary is, written as one expression.

Only for the text that is shown: a rule's ``a if condition else b`` is a branch to all other passes.
"""

from __future__ import annotations

from collections.abc import Callable

from . import ir
from .fold import map_blocks


def conditional_expressions(block: ir.Block, generated: Callable[[str], bool]) -> ir.Block:
    """Return the block with ``x = a if condition else b`` where two arms only bind ``x``."""

    def visit(s: ir.Stmt) -> ir.Stmt:
        s = map_blocks(s, lambda inner: list(map(visit, inner)))
        match s:
            case ir.If(
                then=[ir.Assign(name=name, value=a)], orelse=[ir.Assign(name=other, value=b)]
            ) if name == other and generated(name):
                return ir.Assign(name, ir.Choice(a.type, _truth(s.condition), a, b))
        return s

    return list(map(visit, block))


def _truth(condition: ir.Expr) -> ir.Expr:
    """A condition without the ``bool()`` that a branch does not need."""
    match condition:
        case ir.Call(fn=fn, args=(value,), kwargs=()) if fn is bool:
            return value
    return condition
