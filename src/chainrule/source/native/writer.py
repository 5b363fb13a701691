"""Kernels as Python text that Numba compiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import ir
from ..helpers import helper_texts
from ..ir import statements
from ..layout import INDENT, wrap
from ..names import Names
from ..spelling import POSTFIX, TERNARY, Speller
from . import runtime
from .chunks import ParallelRegion
from .code import (
    Check,
    Do,
    Gather,
    Loop,
    Make,
    Parallel,
    Part,
    Put,
    Python,
    Reshape,
    Return,
)
from .lowering import Kernel
from .pieces import Pieces, supported
from .regions import Region

_FLUSHED = "denormal numbers count as zero"
"""Said of loops in a text, which stands for its machine code in the cache."""
_PLAIN = ("float64", "int64", "bool", "complex128")


def write(kernel: Kernel) -> str:
    """Return the text of a module with the function ``kernel``.

    The kernel then knows what it mentions, and the pieces that the interpreter runs.
    """
    return _Writer(kernel).module()


class _Names(Names):
    """Names of a kernel: the functions of ``runtime`` are reached through their module."""

    runtime = ""

    def of(self, value: Any) -> str:
        name = _RUNTIME.get(id(value))
        if name is None:
            return super().of(value)
        self.runtime = self.runtime or self.free("rt")
        return f"{self.runtime}.{name}"

    def imports(self) -> list[str]:
        package, _, module = runtime.__name__.rpartition(".")
        own = f"from {package} import {module} as {self.runtime}"
        return super().imports() + ([own] if self.runtime else [])


_RUNTIME = {
    id(value): name for name in runtime.__all__ if callable(value := getattr(runtime, name))
}


class _Speller(Speller):
    """Writes numbers; ``counters`` are variables that are never negative."""

    counters: set[str]

    def _spell(self, expr: ir.Expr) -> tuple[str, int]:
        if isinstance(expr, ir.Lit) and expr.type.dtype is not None:
            name = expr.type.dtype.name
            if name not in _PLAIN:
                return f"{self.names.of(expr.type.dtype.type)}({self.literal(expr.value)})", POSTFIX
        return super()._spell(expr)

    def index(self, index: tuple[ir.Expr, ...]) -> str:
        return ", ".join(map(self._place, index))

    def _place(self, place: ir.Expr) -> str:
        text = self(place, TERNARY)
        if isinstance(place, ir.Lit) or (isinstance(place, ir.Var) and place.name in self.counters):
            return text
        return f"{self.names.of(runtime.u)}({text})"


class _Writer:
    """Writes one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.names = _Names(
            {*kernel.types, *kernel.parameters, "kernel", "status", *kernel.regions}
        )
        self.spell = _Speller(self.names)
        self.pieces = Pieces({*kernel.types, *kernel.parameters})
        every = [
            *statements(kernel.body),
            *(t for r in kernel.regions.values() for t in statements(r.body)),
        ]
        self.spell.counters = {s.var.name for s in every if isinstance(s, Loop)}

    def module(self) -> str:
        lines = self._function()
        helpers = helper_texts(self.names)
        self.kernel.outside, self.kernel.pieces = dict(self.names.objects), self.pieces
        imports = "\n".join(self.names.imports())
        return "\n\n\n".join(filter(None, [imports, *helpers, "\n".join(lines)])) + "\n"

    def _function(self) -> list[str]:
        kernel = self.kernel
        body: list[str] = []
        for name, dtype in kernel.stacks.items():
            if kernel.stack != "taken":
                body.append(
                    f"{INDENT}{name} = {self.names.of(runtime.empty)}(0, {self._dtype(dtype)})"
                )
            elif kernel.pushes:
                body += [f"{INDENT}{name} = {name}.copy()"]
        body += self._block(kernel.body, INDENT)
        notes = [f"# {self._head(loop)} {note}" for loop, note in kernel.notes]
        return [*notes, *wrap(f"def kernel({', '.join(kernel.parameters)}):"), *body]

    def _head(self, loop: ir.Stmt) -> str:
        """Return the first line of a loop."""
        bare = replace(loop, body=[])  # type: ignore[call-arg]
        return next(line for line in self._statement(bare, "") if not line.startswith("#"))

    def _block(self, block: Sequence[ir.Stmt], indent: str) -> list[str]:
        lines = [line for s in block for line in self._statement(s, indent)]
        return lines or [f"{indent}pass"]

    def _dtype(self, dtype: np.dtype[Any]) -> str:
        supported(dtype)
        return self.names.of(np.bool_ if dtype.kind == "b" else dtype.type)

    def _statement(self, s: ir.Stmt, indent: str) -> list[str]:
        inner = indent + INDENT
        match s:
            case Loop(var=var, extent=extent, body=body):
                head = f"for {var.name} in range({self.spell(extent)}):"
                return [*wrap(head, indent), *self._block(body, inner)]
            case ir.If(condition=condition, then=then, orelse=orelse):
                lines = wrap(f"if {self.spell(condition)}:", indent) + self._block(then, inner)
                if orelse:
                    lines += [f"{indent}else:", *self._block(orelse, inner)]
                return lines
            case ir.For(var=var, start=start, stop=stop, step=step, body=body, until=until):
                bounds = ", ".join(self.spell(e, TERNARY) for e in (start, stop, step))
                lines = [f"{indent}# {_FLUSHED}"] * s.is_sweep
                lines += wrap(f"for {var.name} in range({bounds}):", indent)
                return lines + self._block(body, inner) + self._until(until, inner)
            case ir.While(condition=condition, body=body, until=until):
                lines = wrap(f"while {self.spell(condition)}:", indent)
                return lines + self._block(body, inner) + self._until(until, inner)
            case Python():
                return self._python(s, indent)
            case Region():
                return self._region(s, indent)
        return wrap(self._simple(s), indent)

    def _region(self, s: Region, indent: str) -> list[str]:
        """A call of LLVM's code, below the loops that it was made from."""
        given = ", ".join(var.name for var in (*s.arrays, *s.numbers))
        status = "status"
        results = "".join(f"{var.name}, " for var in s.results)
        lines = [f"{indent}# {_FLUSHED}"] * s.is_sweep
        lines += [f"{indent}# {line}".rstrip() for line in self._block(s.body, "")]
        if isinstance(s, ParallelRegion):
            lines.insert(0, f"{indent}# {self._chunks(s.loop)}")
        lines += wrap(f"{results}{status}{',' * (not results)} = {s.name}({given})", indent)
        if s.may_leave:
            lines += [f"{indent}{self.names.of(runtime.left)}({status})"]
        return lines

    def _chunks(self, s: Parallel) -> str:
        """Say how the chunks of a parallel loop are put together."""
        parts = {
            "own": s.own,
            "copies of": s.summed,
            "sums": s.sums,
            "saving": s.tops,
            "last": s.last,
        }
        names = {what: ", ".join(var.name for var in found) for what, found in parts.items()}
        found = [f"{what} {text}" for what, text in names.items() if text]
        found += ["neighbours apart"] * s.apart
        return "; ".join([f"in {s.chunks.name} chunks", *found])

    def _until(self, until: str | None, indent: str) -> list[str]:
        return [f"{indent}if {until}:", f"{indent}{INDENT}break"] if until else []

    def _simple(self, s: ir.Stmt) -> str:
        spell = self.spell
        match s:
            case ir.Assign(name=name, value=value):
                return f"{name} = {spell(value)}"
            case ir.Move(targets=targets, sources=sources):
                return f"{', '.join(targets)} = {', '.join(map(spell, sources))}"
            case Make(name=name, dtype=dtype, extents=extents):
                shape = self._shape(extents)
                return f"{name} = {self.names.of(runtime.empty)}({shape}, {self._dtype(dtype)})"
            case Put(array=array, index=index, value=value, op=op):
                sign = {None: "=", "add": "+=", "subtract": "-="}[op]
                return f"{array.name}[{spell.index(index)}] {sign} {spell(value)}"
            case Gather(name=name, fn=fn, value=value, type=type_):
                step = ir.Call(type_, fn, (ir.Var(type_, name), value))
                return f"{name} = {spell(step)}"
            case Return(values=values):
                return f"return {', '.join(map(spell, values))}"
            case Check(holds=holds):
                return f"{self.names.of(runtime.check)}({spell(holds)})"
            case Do(names=names, fn=fn, args=args):
                given = ", ".join(spell(arg, TERNARY) for arg in args)
                left = f"{', '.join(names)} = " if names else ""
                return f"{left}{self.names.of(fn)}({given})"
            case Part(name=name, array=array, start=start, extents=extents):
                given = f"{array.name}, {spell(start, TERNARY)}, {self._shape(extents)}"
                return f"{name} = {self.names.of(runtime.part)}({given})"
            case Reshape(name=name, array=array, extents=extents):
                given = f"{array.name}, {self._shape(extents)}"
                return f"{name} = {self.names.of(runtime.shaped)}({given})"
        raise TypeError(f"no text for {s!r}")

    def _shape(self, extents: tuple[ir.Expr, ...]) -> str:
        text = ", ".join(self.spell(e, TERNARY) for e in extents)
        return f"({text},)" if len(extents) == 1 else f"({text})"

    def _python(self, s: Python, indent: str) -> list[str]:
        """A call of what the interpreter runs."""
        function, given = self.pieces.add(s)
        results = ", ".join(name for name, _ in s.results)
        left = f"{results} = " if results else ""
        call = f"{left}{function}({', '.join([self.kernel.call, *given])})"
        return [f"{indent}# by Python: {s.why}", *wrap(call, indent)]
