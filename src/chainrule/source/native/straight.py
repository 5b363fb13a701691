"""Iterations in which all branches go the usual way have a body of their own, without branches.

``if k > 0:`` and ``if k < n - 1:`` hold in all iterations but one. Where they do, the loops of
their arms are neighbours of those around them and can be joined, so that what passes from one to
the next stays in registers.
"""

from __future__ import annotations

import operator
from collections.abc import Set

import numpy as np

from .. import ir
from ..ir import Block, Call, Expr, If, Logic, statements
from ..types import Type
from .code import BOOL, Fresh, Loop, Make, apply
from .contraction import renamed_array
from .exposure import exposed


def straightened(block: Block, fixed: Set[str], fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return the body of a loop with a second one beside it, if its branches hold loops.

    ``fixed``: variables that do not change within an iteration.
    """
    branches = [s for s in block if isinstance(s, If) and _holds_loops(s)]
    if not branches or not all(ir.names_in(s.condition) <= fixed for s in branches):
        return block
    straight: Block = []
    for s in block:
        straight += _usual(s) if isinstance(s, If) and _holds_loops(s) else [s]
    made = {s.name for s in statements(straight) if isinstance(s, Make)}
    for name in sorted(made - exposed(block)):
        new = fresh(name)
        types[new] = types[name]
        straight = [renamed_array(s, name, new) for s in straight]
    return [If(_all([_holds(s) for s in branches]), straight, block)]


def _holds_loops(s: If) -> bool:
    return any(isinstance(t, Loop) for t in statements([s]))


def _is_rare(s: If) -> bool:
    """Tell whether a condition holds in one iteration."""
    return isinstance(s.condition, Call) and s.condition.fn is np.equal


def _usual(s: If) -> Block:
    return s.orelse if _is_rare(s) else s.then


def _holds(s: If) -> Expr:
    return apply(operator.not_, BOOL, s.condition) if _is_rare(s) else s.condition


def _all(conditions: list[Expr]) -> Expr:
    return conditions[0] if len(conditions) == 1 else Logic(BOOL, "and", tuple(conditions))
