"""Kernels as Python text that Numba compiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ir
from ..emit import statement_text
from ..helpers import helper_texts
from ..layout import INDENT, wrap
from ..names import Names
from ..spelling import POSTFIX, TERNARY, Speller
from ..types import Type
from . import runtime
from .code import (
    Check,
    Do,
    Gather,
    Loop,
    Make,
    Part,
    Put,
    Python,
    Reshape,
    Return,
    statements,
)
from .lowering import Kernel
from .state import NotNative

_PLAIN = ("float64", "int64", "bool", "complex128")


def write(kernel: Kernel) -> str:
    """Return the text of a module with the function ``kernel``."""
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
    id(value): name
    for name, value in vars(runtime).items()
    if callable(value) and getattr(value, "__module__", "") == runtime.__name__
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
        self.names = _Names({*kernel.types, *kernel.parameters, "kernel"})
        self.spell = _Speller(self.names)
        self.outside = Speller(self.names)
        self.spell.counters = {s.var.name for s in statements(kernel.body) if isinstance(s, Loop)}

    def module(self) -> str:
        lines = self._function()
        helpers = helper_texts(self.names)
        if self.names.objects:
            raise NotNative(f"{', '.join(self.names.objects)}: NumPy has to call it")
        imports = "\n".join(self.names.imports())
        return "\n\n\n".join(filter(None, [imports, *helpers, "\n".join(lines)])) + "\n"

    def _function(self) -> list[str]:
        kernel = self.kernel
        body: list[str] = []
        for name, dtype in kernel.stacks.items():
            body += [
                f"{INDENT}{name} = {self.names.of(np.empty)}(0, {self._dtype(dtype)})",
                f"{INDENT}top{name[5:]} = 0",
            ]
        body += self._block(kernel.body, INDENT)
        return [*wrap(f"def kernel({', '.join(kernel.parameters)}):"), *body]

    def _block(self, block: Sequence[ir.Stmt], indent: str) -> list[str]:
        lines = [line for s in block for line in self._statement(s, indent)]
        return lines or [f"{indent}pass"]

    def _dtype(self, dtype: np.dtype[Any]) -> str:
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
                head = wrap(f"for {var.name} in range({bounds}):", indent)
                return head + self._block(body, inner) + self._until(until, inner)
            case ir.While(condition=condition, body=body, until=until):
                head = wrap(f"while {self.spell(condition)}:", indent)
                return head + self._block(body, inner) + self._until(until, inner)
            case Python():
                return self._python(s, indent)
        return wrap(self._simple(s), indent)

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
                return f"{name} = {self.names.of(np.empty)}({shape}, {self._dtype(dtype)})"
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
                return f"{name} = {self.names.of(runtime.shaped)}({array.name}, {self._shape(extents)})"
        raise TypeError(f"no text for {s!r}")

    def _shape(self, extents: tuple[ir.Expr, ...]) -> str:
        text = ", ".join(self.spell(e, TERNARY) for e in extents)
        return f"({text},)" if len(extents) == 1 else f"({text})"

    # ------------------------------------------------------------------------ the interpreter

    def _python(self, s: Python, indent: str) -> list[str]:
        from numba import objmode

        given = ", ".join(f'{name}="{numba_type(type_)}"' for name, type_ in s.results)
        text = statement_text(s.statement, self.outside)
        inner = indent + INDENT
        lines = [f"{indent}# {s.why}", f"{indent}with {self._objmode(objmode)}({given}):"]
        lines += wrap(text, inner)
        for name, type_ in s.results:
            if type_.is_array and type_.ndim:
                lines.append(f"{inner}{name} = {self.names.of(np.ascontiguousarray)}({name})")
            else:
                convert = {"b": bool, "i": int, "u": int, "f": float, "c": complex}
                assert type_.dtype is not None
                lines.append(f"{inner}{name} = {self.names.of(convert[type_.dtype.kind])}({name})")
        return lines

    def _objmode(self, objmode: Any) -> str:
        return f"{self.names.module('numba')}.objmode"


def numba_type(type_: Type) -> str:
    """Return Numba's name of a type."""
    assert type_.dtype is not None
    name = "boolean" if type_.dtype.kind == "b" else type_.dtype.name
    if not type_.is_array or not type_.ndim:
        return name
    return f"{name}[{', '.join([':'] * (type_.ndim - 1) + ['::1'])}]"
