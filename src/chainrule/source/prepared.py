"""Programs made ready for going back: conditions that stay, loops that count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from . import ir
from .build import add, integer, multiply
from .ir import Assign, Block, Call, Expr, Index, Stmt, Var
from .types import BOOL, INT, Type


def prepare(block: Block, fresh: Callable[[str, Type], Var]) -> Block:
    """Copy a program's statements, made ready for going back.

    Conditions and bounds that change inside get names; loops whose end is not known beforehand
    count their iterations.
    """
    out: Block = []
    for s in block:
        s = replace(s)
        match s:
            case ir.If():
                s.condition = _steady(s.condition, s, fresh, out, BOOL)
                s.then, s.orelse = prepare(s.then, fresh), prepare(s.orelse, fresh)
            case ir.For():
                if s.backwards and s.trips:  # so many steps from the start
                    s.stop, s.trips = _after(s.start, s.step, Var(INT, s.trips)), None
                for bound in ("start", "stop", "step", "snapshots"):
                    if getattr(s, bound) is not None:
                        setattr(s, bound, _steady(getattr(s, bound), s, fresh, out, INT))
                _counted(s, fresh, out)
            case ir.While():
                _counted(s, fresh, out)
            case ir.Opaque():
                s.pullback = fresh(f"{s.name}_pullback", Type("object")).name
        out.append(s)
    return out


def _after(start: Expr, step: Expr, trips: Var) -> Expr:
    """Return ``start + trips * step``."""
    return add(start, multiply(trips, step))


def _steady(
    expr: Expr, s: Stmt, fresh: Callable[[str, Type], Var], out: Block, type_: Type
) -> Expr:
    """Return an expression that has the same value after the statement as before it."""
    simple = isinstance(expr, Var | ir.Lit) or all(
        e.type.kind in ("python", "none", "object") and not isinstance(e, Index)
        for e in ir.walk(expr)
    )
    changed = {name for block in s.blocks for t in ir.statements(block) for name in ir.written(t)}
    if isinstance(expr, ir.Lit) or (simple and not ir.names_in(expr) & changed):
        return expr
    var = fresh("branch" if type_ is BOOL else "bound", type_)
    out.append(Assign(var.name, expr, origin=s.origin))
    return var


def _counted(s: ir.For | ir.While, fresh: Callable[[str, Type], Var], out: Block) -> None:
    s.body = prepare(s.body, fresh)
    if isinstance(s, ir.While) or s.until:
        trips = fresh("trips", INT)
        s.trips = trips.name
        out.append(Assign(trips.name, integer(0), origin=s.origin))
        count = Call(INT, np.add, (trips, integer(1)))
        s.body.append(Assign(trips.name, count, origin=s.origin))
