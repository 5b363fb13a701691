"""Running a kernel: compiled by Numba, called with the arguments of the program."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import ir
from ..emit import emit, namespace
from ..ir import Call, Effect, Expr, Lit, Var
from ..templates import map_template
from ..types import OBJECT, Type
from .cache import compiled
from .lowering import Kernel, to_kernel
from .owning import owns_results
from .runtime import Leave
from .state import NotNative
from .writer import numba_type, write


def native(program: ir.Program, by_numpy: Callable[[], Callable[..., Any]]) -> Native:
    """Return the program as machine code; ``by_numpy`` makes the function that NumPy runs.

    Raises ``NotNative`` where it cannot be.
    """
    return Native(program, by_numpy)


class Native:
    """A compiled program."""

    def __init__(self, program: ir.Program, by_numpy: Callable[[], Callable[..., Any]]) -> None:
        self.program = program
        self.by_numpy = by_numpy
        self.kernel = to_kernel(program)
        self.text = write(self.kernel)
        self.entry = _compiled(self.kernel, self.text)
        self.owns_results = owns_results(self.kernel)
        self.function = self._caller()

    def _caller(self) -> Callable[..., Any]:
        """Return the function with the program's own parameters and result."""
        bare, run = self._is_bare(), self._run
        function = self.entry if bare else self._emitted()

        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Leave:
                return self.by_numpy()(*args, **kwargs)
            except TypeError:
                if not bare:
                    raise
            try:
                return run(*args, **kwargs)
            except Leave:
                return self.by_numpy()(*args, **kwargs)

        return called

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.entry(*args, **kwargs)
        except TypeError:  # arrays that lie in memory in another way
            named = {name: _in_c_order(arg) for name, arg in kwargs.items()}
            return self.entry(*map(_in_c_order, args), **named)

    def _is_bare(self) -> bool:
        """Tell whether parameters and result of the program are those of the kernel."""
        kernel, program = self.kernel, self.program
        passed = [_passed(Var(kernel.types[name], name)) for name in kernel.parameters]
        result, own = kernel.template, dict(kernel.returned)
        return (
            kernel.parameters == [p.name for p in program.parameters]
            and {p.kind for p in program.parameters} <= {"positional or keyword", "positional-only"}
            and all(isinstance(expr, Var) for expr in passed)
            and isinstance(result, Var)
            and result.name in own
            and _boxed(result, own) == Var(OBJECT, result.name)
        )

    def _emitted(self) -> Callable[..., Any]:
        """Return a function that takes arguments apart and puts results together."""
        kernel = self.kernel
        types = {**kernel.types, **{name: OBJECT for name, _ in kernel.returned}}
        args = tuple(_passed(Var(types[name], name)) for name in kernel.parameters)
        call = Effect(Call(OBJECT, self._run, args), tuple(name for name, _ in kernel.returned))
        own = dict(kernel.returned)
        template = map_template(lambda e: _boxed(e, own), kernel.template)
        caller = replace(
            self.program, body=[*kernel.opening, call], result=template, types=types, stack=""
        )
        text = emit(caller)
        space = dict(namespace(caller))
        file = f"<chainrule {self.program.name} call {id(self):x}>"
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        exec(compile(text, file, "exec"), space)
        made: Callable[..., Any] = space[self.program.name]
        return made


def _in_c_order(x: Any) -> Any:
    return np.require(x, requirements=["C", "A", "W"]) if isinstance(x, np.ndarray) else x


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
    try:
        return compiled(text, f"({types}{',' * (len(kernel.parameters) == 1)})")
    except (NumbaError, RuntimeError) as fault:  # RuntimeError: LLVM found Numba's code at fault
        raise NotNative(f"Numba could not compile it: {str(fault).strip()[:500]}") from fault


__all__ = ["Native", "NotNative", "native"]
