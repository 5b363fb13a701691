"""Running a kernel: compiled by Numba, called with the arguments of the program."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..._allocator import keep_freed_memory
from ..._trees import map_leaves
from .. import ir
from ..build import literal
from ..emit import emit, namespace
from ..ir import Call, Effect, Expr, Lit, Seq, Var
from ..templates import map_template
from ..types import OBJECT, Size, Type
from . import pool
from .cache import compiled
from .chunks import ParallelRegion
from .interpreter import OBJECTS
from .leaving import DivisionByZero, Leave, OtherSizes, OutOfRange
from .lowering import Kernel, to_kernel
from .owning import owns_results
from .regions import intrinsic_of
from .runtime import holding
from .saved import top_of
from .state import NotNative
from .writer import numba_type, write

_LEAVING = (Leave, ValueError, ArithmeticError, LookupError)


def why_not(program: ir.Program) -> str:
    """Return why there can be no machine code for a program, "" if there can be."""
    try:
        write(to_kernel(program))
    except NotNative as why:
        return str(why)
    return ""


class Saved:
    """The stacks of saved values that a forward sweep leaves to the sweep back."""

    def __init__(self, stacks: dict[str, tuple[Any, int]], objects: list[Any]) -> None:
        self.stacks = stacks
        self.objects = objects

    def __iter__(self) -> Any:
        """Leave what NumPy runs: it cannot take these values one by one."""
        raise Leave


class Native:
    """A program run by machine code; ``function`` has its own parameters and result.

    ``by_numpy`` makes the function that NumPy runs; ``sizes`` is what the symbols of sizes stand
    for in the first call. Raises ``NotNative`` where there can be no machine code.
    """

    def __init__(
        self,
        program: ir.Program,
        by_numpy: Callable[[], Callable[..., Any]],
        sizes: dict[Size, int] | None = None,
        parallel: bool = False,
    ) -> None:
        self.program = program
        self.parallel = parallel
        self.by_numpy = by_numpy
        self.sizes = sizes or {}
        self.wraps = False
        self.is_careful = False
        self._use(Code(program, sizes=self.sizes, parallel=parallel))
        self.owns_results = self.code.owns_results
        """Whether the arrays that a call returns belong to nobody else."""
        self.goes_on = self.code.kernel.may_leave and self.code.kernel.stack != "taken"
        """Whether a call that machine code leaves is made otherwise."""
        self.function = self._guarded()

    def _use(self, code: Code) -> Callable[..., Any]:
        """Let this code be what a call comes down to."""
        self.code = code
        self.called = code.careful if self.is_careful else code.function
        return self.called

    @property
    def text(self) -> str:
        """The kernel as Numba reads it."""
        return self.code.text

    FAULTS = (TypeError, *_LEAVING)
    """What ``called`` raises where the call has to be made ``otherwise``."""

    def _guarded(self) -> Callable[..., Any]:
        """Return the function that runs NumPy's program where machine code leaves."""
        if self.code.kernel.stack == "taken":
            return self._sweep_back
        if not self.goes_on:
            return self._once

        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return self.called(*args, **kwargs)
            except self.FAULTS as why:
                return self.otherwise(why, args, kwargs)

        return called

    def otherwise(self, why: Exception, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run by other code: for arrays in any order, for any sizes, or by NumPy."""
        if isinstance(why, TypeError):
            called = self._for_all_orders()
        elif isinstance(why, OtherSizes):
            called = self._for_all_sizes()
        else:
            return self._again(args, kwargs)
        try:
            return called(*args, **kwargs)
        except _LEAVING as another:
            return self.otherwise(another, args, kwargs)

    def _for_all_orders(self) -> Callable[..., Any]:
        """Go over to looking at all arrays: they do not lie in C's order in every call."""
        self.is_careful = True
        return self._use(self.code)

    def _for_all_sizes(self) -> Callable[..., Any]:
        """Go over to code for arguments of any sizes: they do not have few places in every call."""
        if self.sizes:
            self.sizes = {}
            self._use(Code(self.program, self.wraps, parallel=self.parallel))
        return self.called

    def _again(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run by NumPy what machine code left; what NumPy raises is what the function raises.

        Otherwise negative indices are expected from now on. What then leaves is NumPy's.
        """
        result = self._by_numpy(*args, **kwargs)
        if self.wraps:
            self.called = self._by_numpy
        else:
            self.wraps = True
            again = Code(self.program, wraps=True, sizes=self.sizes, parallel=self.parallel)
            self._use(again)
        return result

    def _by_numpy(self, *args: Any, **kwargs: Any) -> Any:
        """Run NumPy's program; its arrays are new ones if those of machine code are."""
        result = self.by_numpy()(*args, **kwargs)
        if not self.owns_results:
            return result
        return map_leaves(lambda x: x.copy() if isinstance(x, np.ndarray) else x, result)

    def _once(self, *args: Any, **kwargs: Any) -> Any:
        """Run a program with effects, which must not happen twice."""
        try:
            try:
                return self.code.careful(*args, **kwargs)
            except OtherSizes:  # that is looked at before anything else
                self._for_all_sizes()
                return self.code.careful(*args, **kwargs)
        except OutOfRange:
            raise IndexError("an index is out of bounds for its axis") from None
        except DivisionByZero:
            raise ZeroDivisionError("division by zero") from None
        except Leave:
            raise ValueError(
                "sizes that do not fit together, or a number that only Python has: "
                'backend="numpy" says which'
            ) from None

    def _sweep_back(self, *args: Any, **kwargs: Any) -> Any:
        """Run a sweep back; one from what NumPy's forward sweep left is run by NumPy."""
        names = [p.name for p in self.program.parameters]
        if isinstance(args[names.index(self.program.stack)], Saved):
            return self._once(*args, **kwargs)  # what it goes back from, NumPy could not read
        return self.by_numpy()(*args, **kwargs)


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
        self.entry = _compiled(self.kernel, self.text)
        self.owns_results = owns_results(self.kernel)
        self.function = self._caller(careful=False)

    @cached_property
    def careful(self) -> Callable[..., Any]:
        """The function for arguments that may lie in memory in any way."""
        return self._caller(careful=True)

    def _caller(self, careful: bool) -> Callable[..., Any]:
        """Return the function with the program's own parameters and result."""
        if not self._is_bare():
            return self._emitted(careful)
        entry = self.entry
        return (lambda *args: entry(*map(_in_order, args))) if careful else entry

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

    def _emitted(self, careful: bool) -> Callable[..., Any]:
        """Return a function that takes arguments apart, calls the kernel and makes the result."""
        kernel = self.kernel
        own = dict(kernel.returned)
        names = [*own, *kernel.made, *[self.program.stack] * (kernel.stack == "given")]
        types = {**kernel.types, **dict.fromkeys(names, OBJECT)}
        inner = {*_apart(kernel)}
        args = [_passed(Var(types[name], name)) for name in kernel.parameters if name not in inner]
        run: Any = self.entry
        if careful:
            args = [Call(OBJECT, _in_order, (arg,)) for arg in args]
        if kernel.call or kernel.stack:
            run = self._run_with_objects
            stack = Var(OBJECT, self.program.stack) if kernel.stack == "taken" else literal(None)
            objects = tuple(Var(OBJECT, name) for name in kernel.objects)
            args = [stack, Seq(OBJECT, objects), *args]
        call = Effect(Call(OBJECT, run, tuple(args)), tuple(names))
        template = map_template(lambda e: _boxed(e, own), kernel.template)
        caller = replace(
            self.program, body=[*kernel.opening, call], result=template, types=types, stack=""
        )
        text = emit(caller)
        space = dict(namespace(caller))
        file = f"<chainrule {self.program.name} call {id(self):x}>"
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        exec(compile(text, file, "exec"), space)
        function: Callable[..., Any] = space[self.program.name]
        return function

    def _run_with_objects(self, saved: Saved | None, given: Sequence[Any], *args: Any) -> Any:
        """Run a kernel that has objects kept for it, or stacks of saved values given to it."""
        kernel = self.kernel
        objects = dict(zip(kernel.objects, given, strict=True))
        objects[OBJECTS] = [] if saved is None else list(saved.objects)
        if saved is not None:
            empty = {name: (np.empty(0, dtype), 0) for name, dtype in kernel.stacks.items()}
            args += tuple(x for name in empty for x in saved.stacks.get(name, empty[name]))
        with holding(objects) as call:
            found = self.entry(*args, *[call] * bool(kernel.call))
        count = len(kernel.results)
        results = [] if count == 0 else [found] if count == 1 else list(found)
        rest = results[len(kernel.returned) :]
        results = results[: len(kernel.returned)] + [objects.get(name) for name in kernel.made]
        if kernel.stack == "given":
            pairs = zip(rest[::2], rest[1::2], strict=True)
            stacks = dict(zip(kernel.stacks, pairs, strict=True))
            results.append(Saved(stacks, objects[OBJECTS]))
        return results[0] if len(results) == 1 else tuple(results)


def _apart(kernel: Kernel) -> list[str]:
    """Return the parameters of a kernel that are not the program's own."""
    stacks = [n for name in kernel.stacks for n in (name, top_of(name))]
    return [kernel.call, *stacks] if kernel.stack == "taken" else [kernel.call]


def _in_order(x: Any) -> Any:
    """Return an argument as kernels take it: an array in C's order, or a number."""
    if not isinstance(x, np.ndarray):
        return x
    if x.flags.carray and type(x) is np.ndarray:
        return x if x.ndim else x[()]
    return np.require(x, requirements=["C", "A", "W"])


def _passed(var: Var) -> Expr:
    """Return what is passed to a kernel: arrays without axes go as numbers."""
    if var.type.is_array and not var.type.ndim:
        return ir.Index(OBJECT, var, (Lit(OBJECT, ()),))
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


def _compiled(kernel: Kernel, text: str) -> Callable[..., Any]:
    from numba.core.errors import NumbaError

    types = ", ".join(numba_type(kernel.types[name]) for name in kernel.parameters)
    is_parallel = any(isinstance(r, ParallelRegion) for r in kernel.regions.values())
    if is_parallel:
        pool.install()
    try:
        made = compiled(
            text,
            f"({types}{',' * (len(kernel.parameters) == 1)})",
            kernel.outside,
            {name: partial(intrinsic_of, r, kernel.types) for name, r in kernel.regions.items()},
            nogil=not kernel.call and "objmode" not in text,
        )
        return pool.WithThreads(made) if is_parallel else made
    except (NumbaError, RuntimeError) as fault:  # RuntimeError: LLVM found Numba's code at fault
        raise NotNative(f"Numba could not compile it: {str(fault).strip()[:500]}") from fault


__all__ = ["Native", "NotNative", "why_not"]
