"""A program's own functions, which may call one another, and the derivatives of them.

A pass makes of each function what it needs, once: a recursive function's derivative calls itself.
In reverse mode a function becomes one of two sweeps with a ``Turn`` between them. Passes see both
as one body with the same variables; ``halves`` takes them apart at the very end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping

from . import ir
from .activity import depends, varied


class Callees:
    """The functions of a program, and what a pass makes of them."""

    def __init__(self, functions: dict[str, ir.Program]) -> None:
        self.functions = dict(functions)
        self.made: dict[Hashable, str] = {}

    def version(
        self, name: str, kind: Hashable, suffix: str, make: Callable[[str], ir.Program]
    ) -> str:
        """Return the name of a function that is made of another one, once for each kind."""
        key = (name, kind)
        if key not in self.made:
            new = self.made[key] = self._free(f"{name}_{suffix}")
            self.functions[new] = make(new)
        return self.made[key]

    def _free(self, base: str) -> str:
        taken = {*self.functions, *self.made.values()}.union(
            *(f.types for f in self.functions.values())
        )
        name, count = base, 1
        while name in taken or back_name(name) in taken:
            count += 1
            name = f"{base}_{count}"
        return name

    def active(
        self, name: str, args: Collection[ir.Expr], found: Collection[str]
    ) -> tuple[int, ...]:
        """Return which parameters vary in a call, or in the calls of it that follow from that."""
        function = self.functions[name]
        active = {k for k, arg in enumerate(args) if depends(arg, found)} & {*floats(function)}
        while True:
            inside = varied(function, {function.parameters[k].name for k in active})
            more = {
                k
                for s in ir.statements(function.body)
                if isinstance(s, ir.Invoke) and s.function == name
                for k, arg in enumerate(s.args)
                if depends(arg, inside)
            } & {*floats(function)}
            if more <= active:
                return tuple(sorted(active))
            active |= more


def all_statements(program: ir.Program) -> Iterator[ir.Stmt]:
    """Yield all statements of a program and of the functions that it may call."""
    return reached(program.body, program.functions)


def reached(block: ir.Block, functions: Mapping[str, ir.Program]) -> Iterator[ir.Stmt]:
    """Yield all statements of a block and of the functions that it may call."""
    seen, waiting = set[str](), [block]
    while waiting:
        for statement in ir.statements(waiting.pop()):
            yield statement
            if isinstance(statement, ir.Invoke) and statement.function not in seen:
                seen.add(statement.function)
                waiting.append(functions[statement.function].body)


def floats(function: ir.Program) -> list[int]:
    """Return which parameters of a function can be differentiated."""
    names = enumerate(p.name for p in function.parameters)
    return [k for k, name in names if function.types[name].is_differentiable]


def back_name(name: str) -> str:
    """Return the name of the second half of a function that is called in two."""
    before, found, after = name.rpartition("_forward")
    return f"{before}_reverse{after}" if found else name
