"""Tangents of expressions: from the leaves up, with names only for what is used twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from .._core import TABLE, Composite
from ..rules.indexing import last_written
from . import ir
from .activity import can_vary, depends
from .build import DISPLAYS, literal, zeros_like
from .helpers import unbroadcast
from .ir import Assign, Block, Call, Choice, Expr, Index, Lit, Seq, Stmt, Var
from .lower.containers import expression
from .rulecode import _value as value_of
from .types import Type

LINEAR = {unbroadcast, np.astype, last_written}
"""Functions that appear in adjoints, linear in their first argument, the only one of interest."""

OUTPUT = "'y"
"""Stands for the output of a call while the text of its rule is made; no variable has a quote."""


class Expressions:
    """Writes tangents of expressions into the current block."""

    def __init__(
        self,
        types: dict[str, Type],
        varied: set[str],
        rules: Any,
        fresh: Callable[[str, Type], Var],
    ) -> None:
        self.types = types
        self.varied = varied
        self.rules = rules
        self.fresh = fresh
        self.block: Block = []
        self.dots: dict[str, Var] = {}

    def emit(self, statement: Stmt) -> None:
        """Append a statement to the block being written."""
        self.block.append(statement)

    @contextmanager
    def into(self, block: Block) -> Iterator[None]:
        """Write into another block for a while."""
        outer, self.block = self.block, block
        try:
            yield
        finally:
            self.block = outer

    def dot(self, name: str) -> Var:
        """The variable that holds the tangent of another."""
        if name not in self.dots:
            self.dots[name] = self.fresh(f"{name}_dot", self.types[name])
        return self.dots[name]

    def tangent_of(self, expr: Expr) -> Expr | None:
        """Return the tangent of an expression; None where it is zero."""
        return self.inner(expr)[1]

    def pair(self, expr: Expr, rule: Block) -> tuple[Expr, Expr | None]:
        """Return an expression, parts of it named where that saves work, and its tangent.

        What the rule of the outermost call is computed with goes to ``rule``; it and the tangent
        may read the output by the name ``OUTPUT``.
        """
        if not depends(expr, self.varied):
            return expr, None
        match expr:
            case Var(name=name):
                return expr, self.dot(name)
            case Index(base=base):
                primal, tangent = self.inner(base)
                if tangent is None:
                    return expr, None
                return replace(expr, base=primal), replace(expr, base=tangent)
            case Choice():
                return self.choice(expr)
            case Call(fn=fn) if fn in DISPLAYS:
                primal, tangent = self.display(expr.args[0])
                rest = expr.args[1:]
                return replace(expr, args=(primal, *rest)), replace(expr, args=(tangent, *rest))
            case Call(fn=fn) if isinstance(TABLE.get(fn), Composite):
                return self.inner(self.expanded(expr))
            case Call():
                return self.call(expr, rule)
        raise AssertionError(expr)

    def expanded(self, expr: Call) -> Expr:
        """Write a call by the functions that express it, and their tangents with it.

        Adjoints contain such calls whole: what they depend on did not vary when they were made.
        """
        entry = TABLE[expr.fn]
        body: Block = []
        with self.rules.writing(body):
            args = [value_of(a) for a in expr.args]
            found = self.rules.inline(entry.body, args, {k: value_of(v) for k, v in expr.kwargs})
            result = expression(self.rules.state, found)
        for s in body:
            names = [n for n in ir.written(s) if can_vary(self.types[n])]
            if isinstance(s, Assign) and depends(s.value, self.varied):
                self.varied |= set(names)
            self.statement(s)
        return result

    def statement(self, s: Stmt) -> None:
        """Write a statement, and its tangent with it."""
        raise NotImplementedError

    def inner(self, expr: Expr) -> tuple[Expr, Expr | None]:
        """Return ``pair`` of a part of an expression, named where its rule reads its output."""
        rule: Block = []
        primal, tangent = self.pair(expr, rule)
        if tangent is not None and OUTPUT in names_in_block([*rule, Assign("", tangent)]):
            y = self.fresh("t", expr.type)
            self.emit(Assign(y.name, primal))
            rule = [renamed(r, {OUTPUT: y}) for r in rule]
            primal, tangent = y, substituted(tangent, {OUTPUT: y})
        self.block += rule
        return primal, tangent

    def call(self, expr: Call, rule: Block) -> tuple[Expr, Expr | None]:
        """Apply the rule of a call to the tangents of its operands."""
        if expr.fn in LINEAR:
            primal, dot = self.inner(expr.args[0])
            rest = expr.args[1:]
            if dot is None:
                return expr, None
            return replace(expr, args=(primal, *rest)), replace(expr, args=(dot, *rest))
        expr = distinct(expr)
        tangents: dict[int, Expr] = {}
        whole: dict[int, Expr] = {}
        stand_ins: dict[str, Expr] = {}
        operands = self.rules.operands(expr)
        for i, arg in operands:
            primal, tangent = self.inner(arg)
            if tangent is not None:
                tangents[i] = tangent
            if is_cheap(primal):
                whole[id(arg)] = primal
            else:
                whole[id(arg)] = Var(primal.type, f"'{len(stand_ins)}")
                stand_ins[f"'{len(stand_ins)}"] = primal
        if not tangents:
            return expr, None
        with_names = replaced(expr, whole)
        with self.rules.writing(rule):
            tangent = self.rules.jvp(with_names, tangents, Var(expr.type, OUTPUT))
        first = tangents.get(0) if expr.fn is np.multiply else None
        tangent = slopes_first(tangent, [t for t in tangents.values() if t is not first])
        y = Var(expr.type, OUTPUT)
        tangent = ir.rewrite(tangent, lambda e: y if e == with_names else e)
        used = names_in_block([*rule, Assign("", tangent)])
        for name, primal in stand_ins.items():
            if name in used:
                stand_ins[name] = self.fresh("t", primal.type)
                self.emit(Assign(stand_ins[name].name, primal))  # type: ignore[attr-defined]
        rule[:] = [renamed(r, stand_ins) for r in rule]
        return substituted(with_names, stand_ins), substituted(tangent, stand_ins)

    def display(self, expr: Expr) -> tuple[Expr, Expr]:
        """``[[a, b], [c, d]]``: the tangents in the same places, zeros where there is none."""
        if isinstance(expr, Seq):
            pairs = [self.display(item) for item in expr.items]
            primals, tangents = (tuple(part) for part in zip(*pairs, strict=True))
            return replace(expr, items=primals), replace(expr, items=tangents)
        if isinstance(expr, Lit) and isinstance(expr.value, (list, tuple)):  # a row of numbers
            return expr, Lit(expr.type, np.zeros(np.shape(expr.value)).tolist())
        primal, tangent = self.inner(expr)
        if tangent is None:
            tangent = zeros_like(primal) if primal.type.is_array else literal(0.0)
        return primal, tangent

    def choice(self, expr: Choice) -> tuple[Expr, Expr]:
        """``a if condition else b``: only the tangent of the chosen one is evaluated."""
        arms = []
        for arm in (expr.a, expr.b):
            block: Block = []
            with self.into(block):
                primal, tangent = self.inner(arm)
            arms.append((block, primal, zeros_like(primal) if tangent is None else tangent))
        if not any(block for block, _, _ in arms):
            (_, a, a_dot), (_, b, b_dot) = arms
            return replace(expr, a=a, b=b), replace(expr, a=a_dot, b=b_dot)
        y, y_dot = self.fresh("t", expr.type), self.fresh("t_dot", expr.type)
        for block, primal, tangent in arms:
            block += [Assign(y_dot.name, tangent), Assign(y.name, primal)]
        self.emit(ir.If(expr.condition, arms[0][0], arms[1][0]))
        return y, y_dot


def is_cheap(expr: Expr) -> bool:
    """Tell whether it costs nothing to write an expression a second time."""
    match expr:
        case Index(base=base):
            return is_cheap(base) and not any(e.type.is_array for e in expr.index)
        case Call(args=args):
            small = all(isinstance(a, (Var, ir.Lit, ir.Dim)) for a in args)
            return expr.type.is_number and isinstance(expr.fn, np.ufunc) and small
    return not isinstance(expr, Choice)


def slopes_first(tangent: Expr, dots: list[Expr]) -> Expr:
    """Write ``np.cos(x) * x_dot``, as textbooks do, for ``x_dot * np.cos(x)``."""

    def change(e: Expr) -> Expr:
        if isinstance(e, Call) and e.fn is np.multiply and e.args[0] in dots:
            return replace(e, args=(e.args[1], e.args[0]))
        return e

    return ir.rewrite(tangent, change)


def distinct(expr: Call) -> Call:
    """Make the operands of a call different objects: of ``a * a``, one may be put elsewhere."""
    return replace(expr, args=tuple(_copied(a) for a in expr.args))


def _copied(expr: Expr) -> Expr:
    if isinstance(expr, Seq):
        return replace(expr, items=tuple(_copied(item) for item in expr.items))
    return replace(expr) if dataclasses.is_dataclass(expr) else expr


def replaced(expr: Expr, new: dict[int, Expr]) -> Expr:
    """Put new operands, by identity, into a call, also within its tuples and lists."""
    if id(expr) in new:
        return new[id(expr)]
    match expr:
        case Call(args=args, kwargs=kwargs):
            keywords = tuple((key, replaced(value, new)) for key, value in kwargs)
            return replace(expr, args=tuple(replaced(a, new) for a in args), kwargs=keywords)
        case Seq(items=items):
            return replace(expr, items=tuple(replaced(item, new) for item in items))
    return expr


def substituted(expr: Expr, new: dict[str, Any]) -> Expr:
    """Put expressions in the place of variables."""
    return ir.rewrite(expr, lambda e: new.get(e.name, e) if isinstance(e, Var) else e)


def renamed(statement: Stmt, new: dict[str, Any]) -> Stmt:
    """Put expressions in the place of variables that a statement reads."""
    changed: dict[str, Any] = {}
    for f in dataclasses.fields(statement):
        value = getattr(statement, f.name)
        if isinstance(value, Expr):
            changed[f.name] = substituted(value, new)
        elif isinstance(value, tuple):
            parts = (substituted(v, new) if isinstance(v, Expr) else v for v in value)
            changed[f.name] = tuple(parts)
        elif isinstance(value, list):
            changed[f.name] = [renamed(inner, new) for inner in value]
    return replace(statement, **changed)


def names_in_block(block: Block) -> set[str]:
    """Return the variables that the statements of a block read."""
    found = (ir.expressions(s) for s in ir.statements(block))
    return {name for expressions in found for e in expressions for name in ir.names_in(e)}
