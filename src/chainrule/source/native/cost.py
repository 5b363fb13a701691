"""How much work an iteration of a loop is, roughly: in additions, some before it is known."""

from __future__ import annotations

from collections.abc import Set

import numpy as np

from .. import ir
from ..ir import Block, Call, Expr, Index, Lit, Stmt, Var
from .code import INT, Loop, apply, bindings, number, plus, renamed, times
from .hoisting import trips

_SOME = 8
"""Iterations of a loop of which nothing is known."""
_FUNCTION, _DIVISION = 20, 5
_SIMPLE = {
    np.add, np.subtract, np.multiply, np.negative, np.absolute, np.less, np.greater, np.equal,
    np.less_equal, np.greater_equal, np.not_equal, max, min, abs
}  # fmt: skip
_SLOWER = {np.divide, np.sqrt, np.floor_divide, np.remainder}


def cost_of(loop: Loop | ir.For) -> Expr:
    """Return the work of one iteration as an integer that is known before the loop."""
    inside = {loop.var.name, *bindings(loop.body)}
    half = apply(np.floor_divide, INT, trips(loop), number(2))
    return _block(loop.body, inside, {loop.var.name: half})


def _block(block: Block, inside: Set[str], middle: dict[str, Expr]) -> Expr:
    found: Expr = number(0)
    for s in block:
        found = plus(found, _statement(s, inside, middle))
    return found


def _statement(s: Stmt, inside: Set[str], middle: dict[str, Expr]) -> Expr:
    own = number(1 + sum(_expression(e) for e in ir.expressions(s)))
    match s:
        case Loop(body=body) | ir.For(body=body):
            count = renamed(trips(s), middle)
            if ir.names_in(count) & inside:
                count = number(_SOME)
            return plus(times(count, _block(body, inside, middle)), own)
        case ir.While(body=body):
            return plus(times(number(_SOME), _block(body, inside, middle)), own)
        case ir.If(then=then, orelse=orelse):
            arms = (_block(arm, inside, middle) for arm in (then, orelse))
            return plus(apply(max, INT, *arms), own)
    return own


def _expression(expr: Expr) -> int:
    """Return the work of an expression; names and numbers are there for nothing."""
    found = 0
    for e in ir.walk(expr):
        if isinstance(e, Call):
            found += _call(e)
        elif not isinstance(e, (Var, Lit)):
            found += isinstance(e, Index)
    return found


def _call(e: Call) -> int:
    try:
        return 1 if e.fn in _SIMPLE else _DIVISION if e.fn in _SLOWER else _of_other(e)
    except TypeError:  # a function without a hash
        return _FUNCTION


def _of_other(e: Call) -> int:
    kind = np.dtype(e.type.dtype).kind if e.type.dtype is not None else "O"
    return _FUNCTION if kind == "f" else 1


_CHEAP = {np.add, np.subtract, np.multiply, np.negative, np.less, np.greater, np.equal}


def is_cheap(e: Expr) -> bool:
    """Tell whether an expression may be computed without being needed: no loads, no calls."""
    return all(isinstance(x, (Var, Lit)) or _is_one_of(_CHEAP, x) for x in ir.walk(e))


def _is_one_of(functions: Set[object], e: Expr) -> bool:
    try:
        return isinstance(e, Call) and e.fn in functions
    except TypeError:  # a function without a hash
        return False
