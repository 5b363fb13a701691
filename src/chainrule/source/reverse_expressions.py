"""Handing cotangents on: from an expression to the variables in it, by the rules of its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import ir
from .accumulate import BORROWED, OWNED, Cotangents, repeats
from .activity import depends
from .build import CONTIGUOUS, DISPLAYS, base_variable, call, literal, zeros_like
from .fitting import as_sized, may_be_smaller, restore, restore_later, spread
from .ir import Assign, Block, Call, Choice, Expr, Index, Seq, Stmt, Var
from .parts import merged
from .rulecode import Rules
from .types import Type


class Contributions:
    """Writes what an expression contributes to the cotangents of variables."""

    def __init__(
        self,
        program: ir.Program,
        varied: set[str],
        rules: Rules,
        fresh: Callable[[str, Type], Var],
    ) -> None:
        self.program = program
        self.rules = rules
        self.fresh = fresh
        self.block: Block = []
        self.aliases = {
            s.name: s.value for s in ir.statements(program.body) if isinstance(s, ir.Alias)
        }
        self.cts = Cotangents(program.types, program.buffers, varied, self.emit, fresh)
        self.cts.reshaped |= set(self.reshaped())

    def emit(self, statement: Stmt) -> None:
        """Append to the block that is being written."""
        self.block.append(statement)

    @contextmanager
    def into(self, block: Block) -> Any:
        """Write into another block for a while."""
        outer, self.block = self.block, block
        try:
            yield
        finally:
            self.block = outer

    def expand(self, expr: Expr) -> Expr:
        """Write views as parts of their buffers."""

        def change(e: Expr) -> Expr:
            if isinstance(e, Var) and e.name in self.aliases:
                return self.expand(self.aliases[e.name])
            return merged(e) if isinstance(e, Index) else e

        return ir.rewrite(expr, change)

    def reshaped(self) -> Iterator[str]:
        """Yield the buffers of which all or a part is reshaped."""
        for s in ir.statements(self.program.body):
            for e in (e for expr in ir.expressions(s) for e in ir.walk(expr)):
                if isinstance(e, Call) and e.fn in CONTIGUOUS:
                    base = base_variable(self.expand(e.args[0]), self.program.buffers)
                    if base is not None and base.name in self.program.buffers:
                        yield base.name

    def name_it(self, expr: Expr, hint: str) -> Var:
        """Assign an expression to a variable of its own."""
        var = self.fresh(hint, expr.type)
        self.emit(Assign(var.name, expr))
        return var

    def is_varied(self, expr: Expr) -> bool:
        """Whether the derivative can reach an input through an expression."""
        return depends(expr, self.cts.varied)

    def pull(self, expr: Expr, ct: Expr, y: Expr | None = None) -> None:
        """Hand the cotangent ``ct`` of an expression to the variables in it.

        ``y``: a variable that holds the value of the expression.
        """
        if not self.is_varied(expr):
            return
        if isinstance(expr, Var | Index) and base_variable(expr, self.program.buffers) is not None:
            self.cts.add(expr, ct)
            return
        match expr:
            case Index(base=base) if not base.type.ndim:  # w.diagonal()[1][None]
                self.pull(base, Call(base.type, np.sum, (ct,)))
            case Index(base=base, index=index):
                inner = self.name_it(zeros_like(base), "part_ct")
                self.emit(ir.Store(inner, index, ct, "add", repeats(expr)))
                self.pull(base, inner)
            case Seq(items=items):
                for k, item in enumerate(items):
                    if self.is_varied(item):
                        self.pull(item, restore(Index(item.type, ct, (literal(k),)), item))
            case Choice(condition=condition, a=a, b=b):
                self.pull_choice(condition, a, b, ct)
            case Call(fn=fn) if fn in DISPLAYS:
                self.pull_display(expr.args[0], spread(ct, expr), ())
            case Call():
                self.pull_call(expr, ct, y)
            case _:
                raise AssertionError(expr)

    def pull_call(self, expr: Call, ct: Expr, y: Expr | None) -> None:
        """Hand a cotangent to the operands of a call, by its rule."""
        wanted = [(i, arg) for i, arg in self.rules.operands(expr) if self.is_varied(arg)]
        if len(wanted) > 1 and not isinstance(ct, Var):
            ct = self.name_it(ct, "t_ct")
        if expr.fn is np.multiply and expr.args[0] == expr.args[1]:
            expr, wanted = call(np.square, expr.args[0]), wanted[:1]
        for i, arg in wanted:
            with self.rules.writing(self.block):
                contribution = self.contribution(expr, i, arg, ct, y)
            if self.rules.is_exact(expr):
                contribution = as_sized(contribution, arg)
            self.pull(arg, self.restored(contribution, arg))

    def contribution(self, expr: Call, i: int, arg: Expr, ct: Expr, y: Expr | None) -> Expr:
        """Return what argument ``i`` gets; it broadcasts to the whole expression.

        A smaller cotangent stands for one that is spread over the whole expression, which must be
        there before it is summed for an operand that was broadcast.
        """
        if not self.rules.is_elementwise(expr):
            return self.rules.vjp(expr, i, spread(ct, expr), y)
        found = self.rules.vjp(expr, i, ct, y)
        if may_be_smaller(found, expr):
            found = self.rules.vjp(expr, i, spread(ct, expr), y)
        return found if arg.type.sizes == expr.type.sizes else spread(found, expr)

    def restored(self, ct: Expr, expr: Expr) -> Expr:
        """Give a contribution the shape and dtype of an expression, or leave it to its operands."""
        broadcasts = isinstance(expr, Call) and self.rules.is_elementwise(expr)
        return restore_later(ct, expr) if broadcasts else restore(ct, expr)

    def pull_choice(self, condition: Expr, a: Expr, b: Expr, ct: Expr) -> None:
        """Hand a cotangent to the chosen one of two expressions."""
        if not isinstance(ct, Var):
            ct = self.name_it(ct, "t_ct")
        choice = ir.If(condition=condition)
        before = dict(self.cts.state)
        ends = []
        for arm, block in ((a, choice.then), (b, choice.orelse)):
            self.cts.state = dict(before)
            with self.into(block):
                self.pull(arm, restore(ct, arm))
            ends.append(self.cts.state)
        self.join(ends, (choice.then, choice.orelse))
        self.emit(choice)

    def join(self, ends: Sequence[dict[str, str]], blocks: Sequence[Block]) -> None:
        """Let all arms of a branch end with the same cotangents: the missing ones are zeros."""
        names = set[str]().union(*ends)
        common = {}
        for name in names:
            states = {state.get(name, OWNED) for state in ends}
            common[name] = BORROWED if BORROWED in states else OWNED
        for state, block in zip(ends, blocks, strict=True):
            self.cts.state = state
            with self.into(block):
                for name in sorted(names - state.keys()):
                    self.cts.start(name)
        self.cts.state = common

    def pull_display(self, display: Expr, ct: Expr, path: tuple[Expr, ...]) -> None:
        """Take the cotangent of ``np.array([[a, b], [c, d]])`` apart."""
        if not isinstance(ct, Var):
            ct = self.name_it(ct, "t_ct")
        if isinstance(display, Seq):
            for k, item in enumerate(display.items):
                self.pull_display(item, ct, (*path, literal(k)))
        elif self.is_varied(display):
            sizes = ct.type.sizes[len(path) :]
            kind = "array" if sizes else "scalar"
            part = Index(Type(kind, ct.type.dtype, sizes), ct, path) if path else ct
            self.pull(display, restore(part, display))
