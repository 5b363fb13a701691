"""Kernels compiled by Numba, and how they are called with the arguments of a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..._allocator import keep_freed_memory
from .. import ir
from ..build import literal
from ..emit import emit, namespace
from ..ir import Call, Effect, Expr, Lit, Seq, Var
from ..templates import map_template
from ..types import OBJECT, Size, Type
from . import pool
from .cache import compiled, is_kept, machine_name
from .chunks import ParallelRegion
from .interpreter import OBJECTS
from .loaded import Saved, WithStacks, defined, in_any_order, in_order
from .lowering import Kernel, to_kernel
from .owning import owns_results
from .records import Record
from .regions import intrinsic_of
from .runtime import holding
from .saved import given_top_of
from .state import NotNative
from .writer import numba_type, write


def why_not(program: ir.Program) -> str:
    """Return why there can be no machine code for a program, "" if there can be."""
    try:
        text_of(program)
    except NotNative as why:
        return str(why)
    return ""


def text_of(
    program: ir.Program,
    wraps: bool = False,
    sizes: dict[Size, int] | None = None,
    parallel: bool = False,
) -> str:
    """Return the kernel of a program as Numba reads it."""
    return write(to_kernel(program, wraps, sizes, parallel))


class Code:
    """A kernel compiled by Numba: its text, and a function with the parameters of the program."""

    def __init__(
        self,
        program: ir.Program,
        wraps: bool = False,
        sizes: dict[Size, int] | None = None,
        parallel: bool = False,
    ) -> None:
        keep_freed_memory()
        self.program = program
        self.kernel = to_kernel(program, wraps, sizes, parallel)
        self.text = write(self.kernel)
        self.types = _types_of(self.kernel)
        self.entry = _compiled(self.kernel, self.text, self.types)
        self.may_leave, self.stack = self.kernel.may_leave, self.kernel.stack
        returned, stacks = len(self.kernel.returned), self.kernel.stacks
        self.with_stacks = WithStacks(self.entry, self.stack, stacks, returned)
        self.run: Any = self.with_stacks if self.stack else self.entry
        self.owns_results = owns_results(self.kernel)
        self.function = self._caller(careful=False)

    @cached_property
    def careful(self) -> Callable[..., Any]:
        """The function for arguments that may lie in memory in any way."""
        return self._caller(careful=True)

    @property
    def stack_at(self) -> int:
        """Which parameter of the program takes stacks of saved values, -1 if none does."""
        names = [p.name for p in self.program.parameters]
        return names.index(self.program.stack) if self.stack == "taken" else -1

    def _caller(self, careful: bool) -> Callable[..., Any]:
        """Return the function with the program's own parameters and result."""
        if not self._is_bare():
            return defined(self.program.name, *self._emitted(careful))
        return in_any_order(self.entry) if careful else self.entry

    def _is_bare(self) -> bool:
        """Tell whether parameters and result of the program are those of the kernel."""
        kernel, program = self.kernel, self.program
        passed = [_passed(Var(kernel.types[name], name)) for name in kernel.parameters]
        result, own = kernel.template, dict(kernel.returned)
        return (
            kernel.parameters == [p.name for p in program.parameters]
            and not program.hidden
            and {p.kind for p in program.parameters} <= {"positional or keyword", "positional-only"}
            and all(isinstance(expr, Var) for expr in passed)
            and isinstance(result, Var)
            and result.name in own
            and _boxed(result, own) == Var(OBJECT, result.name)
        )

    def _emitted(self, careful: bool) -> tuple[str, dict[str, Any]]:
        """Return what takes arguments apart, calls the kernel and makes the result, as a text.

        With it come the objects that it mentions.
        """
        kernel = self.kernel
        own = dict(kernel.returned)
        names = [*own, *kernel.made, *[self.program.stack] * (kernel.stack == "given")]
        types = {**kernel.types, **dict.fromkeys(names, OBJECT)}
        inner = {*_apart(kernel)}
        given = [Var(types[name], name) for name in kernel.parameters if name not in inner]
        run = self._run_with_objects if kernel.call else self.run
        args = [Call(OBJECT, in_order, (x,)) if careful else _passed(x) for x in given]
        if kernel.call or kernel.stack:
            stack = Var(OBJECT, self.program.stack) if kernel.stack == "taken" else literal(None)
            objects = tuple(Var(OBJECT, name) for name in kernel.objects)
            args = [stack, Seq(OBJECT, objects), *args]
        call = Effect(Call(OBJECT, run, tuple(args)), tuple(names))
        template = map_template(lambda e: _boxed(e, own), kernel.template)
        caller = replace(
            self.program, body=[*kernel.opening, call], result=template, types=types, stack=""
        )
        return emit(caller), dict(namespace(caller))

    def _run_with_objects(self, saved: Saved | None, given: Sequence[Any], *args: Any) -> Any:
        """Run a kernel that has objects kept for it."""
        kernel = self.kernel
        objects = dict(zip(kernel.objects, given, strict=True))
        objects[OBJECTS] = [] if saved is None else list(saved.objects)
        with holding(objects) as call:
            results, saved = self.with_stacks.run(saved, objects[OBJECTS], args, call)
        results += [objects.get(name) for name in kernel.made]
        results += [saved] * (kernel.stack == "given")
        return results[0] if len(results) == 1 else tuple(results)

    def record(self, classes: Sequence[type], added: dict[str, str]) -> Record | None:
        """Return how the machine code is called from another process, None where it cannot be.

        ``classes``: those that other processes know too; ``added``: see ``Record``.
        """
        kernel, texts, objects = self.kernel, [], {}
        machine = machine_name(self.text, self.types)
        if kernel.call or not is_kept(machine):
            return None
        for text, space in [] if self._is_bare() else map(self._emitted, (False, True)):
            texts.append(text)
            for name, value in space.items():
                places = [k for k, cls in enumerate(classes) if cls is value]
                if value is not self.run and not places:
                    return None
                objects[name] = -1 if value is self.run else places[0]
        return Record(
            self.program.name, machine, self.types, kernel.parameters, kernel.may_leave,
            self.owns_results, isinstance(self.entry, pool.WithThreads), texts, objects, added,
            kernel.stack, self.stack_at, {n: np.dtype(d).str for n, d in kernel.stacks.items()},
            len(kernel.returned),
        )  # fmt: skip


def _apart(kernel: Kernel) -> list[str]:
    """Return the parameters of a kernel that are not the program's own."""
    stacks = [n for name in kernel.stacks for n in (name, given_top_of(name))]
    return [kernel.call, *stacks] if kernel.stack == "taken" else [kernel.call]


def _passed(var: Var) -> Expr:
    """Return what is passed to a kernel: arrays without axes go as numbers."""
    if var.type.is_array and not var.type.ndim:
        return ir.Index(OBJECT, var, ())
    return var


def _boxed(expr: Expr, own: dict[str, Type]) -> Expr:
    """Return a result in NumPy's own type."""
    if not isinstance(expr, Var) or expr.name not in own:
        return expr
    type_ = own[expr.name]
    assert type_.dtype is not None
    var = Var(OBJECT, expr.name)
    if type_.is_array and not type_.ndim:
        return Call(OBJECT, np.array, (var,), (("dtype", Lit(OBJECT, type_.dtype)),))
    if type_.kind == "scalar":
        return Call(OBJECT, type_.dtype.type, (var,))
    return var


def _types_of(kernel: Kernel) -> str:
    """Return the types of a kernel's arguments, as Numba writes them."""
    types = ", ".join(numba_type(kernel.types[name]) for name in kernel.parameters)
    return f"({types}{',' * (len(kernel.parameters) == 1)})"


def _compiled(kernel: Kernel, text: str, types: str) -> Callable[..., Any]:
    from numba.core.errors import NumbaError

    is_parallel = any(isinstance(r, ParallelRegion) for r in kernel.regions.values())
    if is_parallel:
        pool.install()
    try:
        made = compiled(
            text,
            types,
            kernel.outside,
            {name: partial(intrinsic_of, r, kernel.types) for name, r in kernel.regions.items()},
            nogil=not kernel.call and "objmode" not in text,
        )
        return pool.WithThreads(made) if is_parallel else made
    except (NumbaError, RuntimeError) as fault:  # RuntimeError: LLVM found Numba's code at fault
        raise NotNative(f"Numba could not compile it: {str(fault).strip()[:500]}") from fault


__all__ = ["Code", "NotNative", "why_not"]
