"""Running a kernel: compiled by Numba, called with the arguments of the program."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import ir
from ..emit import emit, namespace
from ..ir import Call, Effect, Expr, Lit, Var
from ..templates import map_template
from ..types import OBJECT, Type
from .lowering import Kernel, to_kernel
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
        self.function = self._caller()

    def _caller(self) -> Callable[..., Any]:
        """Return the function with the program's own parameters and result."""
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
        function: Callable[..., Any] = space[self.program.name]

        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except (Leave, np.linalg.LinAlgError):
                return self._again(args, kwargs)

        return called

    def _run(self, *args: Any) -> Any:
        try:
            return self.entry(*args)
        except TypeError:  # arrays that lie in memory in another way
            return self.entry(*[_in_c_order(arg) for arg in args])

    def _again(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run by NumPy what machine code left, and expect negative indices from now on."""
        result = self.by_numpy()(*args, **kwargs)
        return result


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
    import numba

    file = f"<chainrule kernel {kernel.name} {id(kernel):x}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space: dict[str, Any] = {}
    exec(compile(text, file, "exec"), space)
    types = ", ".join(numba_type(kernel.types[name]) for name in kernel.parameters)
    made: Callable[..., Any] = numba.njit(
        f"({types}{',' * (len(kernel.parameters) == 1)})", nogil=True, error_model="numpy"
    )(space["kernel"])
    return made


__all__ = ["Native", "NotNative", "native"]
