"""What an iteration has not bound itself is not carried from the one before for nothing.

The sweep forward saves, at the end of each iteration, numbers that the way back needs. Where only a
branch binds one, what is saved in other iterations is not looked at; but to save what the iteration
before has left would make each of them wait for it. Here it is zero.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .. import ir
from ..build import zeros_like
from ..ir import Assign, Block, Expr, Lit, Push, Stmt, Var
from ..templates import template_leaves
from .flow import live_after

_FEW = 16
"""Larger arrays are not made anew."""


def forgetting(program: ir.Program) -> ir.Program:
    """Return a program whose iterations begin without what they save, and need not."""
    results = ir.names_in(*(leaf for _, leaf in template_leaves(program.result)))
    return replace(program, body=_Forgetting(program.body, results).block(program.body))


class _Forgetting:
    def __init__(self, body: Block, results: set[str]) -> None:
        self.body = body
        self.results = results

    def block(self, block: Block) -> Block:
        return [self._statement(s) for s in block]

    def _statement(self, s: Stmt) -> Stmt:
        match s:
            case ir.If(then=then, orelse=orelse):
                return replace(s, then=self.block(then), orelse=self.block(orelse))
            case ir.For(body=body) | ir.While(body=body):
                return replace(s, body=[*self._zeros(s), *self.block(body)])
        return s

    def _zeros(self, loop: ir.For | ir.While) -> Block:
        """Return what forgets the values that nothing reads but where the loop saves them."""
        saves = [t for t in loop.body if isinstance(t, Push) and t.local]
        saved = [t.value for t in saves if isinstance(t.value, Var) and _is_small(t.value)]
        if not saved:
            return []
        live = live_after(self.body, self.results, {id(t) for t in saves})[id(loop)]
        if isinstance(loop, ir.While):
            live = live | ir.names_in(loop.condition)
        return [Assign(var.name, _zero(var)) for var in saved if var.name not in live]


def _is_small(var: Var) -> bool:
    """Tell a number, or an array of few, from what costs something."""
    known = [size for size in var.type.sizes if isinstance(size, int)]
    is_known = len(known) == var.type.ndim and math.prod(known) <= _FEW
    return var.type.dtype is not None and is_known


def _zero(var: Var) -> Expr:
    if var.type.is_array:
        return zeros_like(var)
    return Lit(var.type, np.dtype(var.type.dtype).type(0).item())
