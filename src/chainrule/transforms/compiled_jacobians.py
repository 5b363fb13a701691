"""Jacobians and Hessians of compiled functions, a row or a column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .._trees import leaves_of, rebuild
from ..source.again import again
from ..source.alike import OTHER
from ..source.primitive import as_before, is_number, snapshot
from ..source.products import pullback_of, spread, tangent_of
from ..source.program import Program
from ._calls import Argnums, Function, derivative_of, inexact_dtype, is_differentiable
from ._compiled_calls import Arguments, Derivative, own, settle
from ._jacobian_shortcuts import jacobian_shortcut
from ._shortcuts import attempt
from .compiled import grad
from .compiled_products import jvp, pulled_back
from .jacobians import _basis, _check_output, _stack


class JacobianProgram(Derivative):
    """The Jacobian of a Program: one array per output and argument."""

    def __init__(self, program: Program, argnums: Argnums, forward: bool) -> None:
        name = "jacfwd" if forward else "jacrev"
        super().__init__(program, argnums, name, forward)
        derivative_of(self, name, program, argnums, False)
        self.forward = forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the Jacobian."""
        for shortcut in self.shortcuts:
            result = shortcut(args, kwargs)
            if result is not OTHER:
                return result
        arguments = self.arguments(args, kwargs)
        out, result = self._forward(arguments) if self.forward else self._reverse(arguments)
        if self.forward or type(arguments.core) is Program:
            attempt(self, partial(jacobian_shortcut, self, arguments, out, result, self.forward))
        return result

    def specialise(self, *args: Any, **kwargs: Any) -> Program:
        """Make the program for these arguments without running it; return the Program itself."""
        arguments = self.arguments(args, kwargs)
        core, places, values = arguments.core, arguments.places, arguments.values
        if not self.forward and type(core) is Program:
            self.show(core.made_for(values).split(places))
        else:
            of = tangent_of if self.forward else pullback_of
            self.show(of(core, places).made_for(values))
        return self

    def _forward(self, arguments: Arguments) -> tuple[Any, Any]:
        """Run the function once for its value, then its tangent for each element of the inputs."""
        core, values = arguments.core, arguments.values
        arguments.values = snapshot(values)
        reads = core.reads(values)
        out = own(core.call(values), core, values)
        self._check(arguments, out)
        with again(reads):
            parts = self._columns(arguments, out)
            self.show(tangent_of(core, arguments.places).made_for(arguments.values))
        return out, rebuild(out, iter(parts))

    def _reverse(self, arguments: Arguments) -> tuple[Any, Any]:
        """Run the function once, then its reverse sweep for each element of the output."""
        out, back, made = pulled_back(arguments.core, arguments.values, arguments)
        self._check(arguments, out)
        parts = self._rows(arguments, out, back)
        self.show(made())
        return out, rebuild(out, iter(parts))

    def _check(self, arguments: Arguments, out: Any) -> None:
        for leaf in leaves_of(out):
            if leaf is not None:
                _check_output(leaf, arguments.primals, self.program)

    def _columns(self, arguments: Arguments, out: Any) -> list[Any]:
        """Return the Jacobians of the output's leaves, from one tangent per input element."""
        core, values = arguments.core, arguments.values
        made = tangent_of(core, arguments.places)
        inputs = [x for primal in arguments.primals for x in leaves_of(primal)]
        inputs = [x for x in inputs if is_differentiable(x)]
        found: list[list[Any]] = []
        for k, x in enumerate(inputs):
            tangents = []
            for unit in _basis(x):
                dots = [np.zeros(np.shape(i), inexact_dtype(i))[()] for i in inputs]
                dots[k] = unit
                _, dot = made.call(
                    [*as_before(values), *spread(core, values, arguments.places, dots)]
                )
                tangents.append(list(leaves_of(dot)))
            found.append(
                [
                    _stack([settle(t[j], y) for t in tangents], np.shape(x), y, -1)
                    if is_differentiable(y)
                    else None
                    for j, y in enumerate(leaves_of(out))
                ]
            )
        return [
            None if y is None else self._of_output(arguments, [column[j] for column in found])
            for j, y in enumerate(leaves_of(out))
        ]

    def _rows(self, arguments: Arguments, out: Any, back: Function) -> list[Any]:
        """Return the Jacobians of the output's leaves, from one cotangent per output element."""
        leaves = list(leaves_of(out))
        found: list[Any] = []
        for j, y in enumerate(leaves):
            if y is None:
                found.append(None)
                continue
            rows = [self._row(arguments, out, j, unit, back) for unit in _basis(y)]
            inputs = [x for primal in arguments.primals for x in leaves_of(primal)]
            inputs = [x for x in inputs if is_differentiable(x)]
            stacked = [
                _stack([settle(row[k], x) for row in rows], np.shape(y), x, 0)
                if inexact_dtype(y).kind != "c"
                else _stack([row[k] for row in rows], np.shape(y), x, 0)
                for k, x in enumerate(inputs)
            ]
            found.append(self._of_output(arguments, stacked))
        return found

    def _row(
        self, arguments: Arguments, out: Any, j: int, unit: Any, back: Function
    ) -> Sequence[Any]:
        """Return one row: of a complex output, taken as holomorphic in what is complex."""
        if not is_number(list(leaves_of(out))[j]):  # an integer output has no derivative
            return [np.zeros(np.shape(x)) for p in arguments.primals for x in leaves_of(p)]
        real: Sequence[Any] = back(_with_unit(out, j, unit))
        if inexact_dtype(unit).kind != "c":
            return real
        imaginary = back(_with_unit(out, j, 1j * unit))
        return [
            np.conjugate(a) if inexact_dtype(a).kind == "c" else a + 1j * b
            for a, b in zip(real, imaginary, strict=True)
        ]

    def _of_output(self, arguments: Arguments, flat: Sequence[Any]) -> Any:
        """Put the Jacobians of one output into the containers of the arguments."""
        return arguments.call.result(arguments.gathered(flat))


def _with_unit(out: Any, j: int, unit: Any) -> Any:
    """Return a cotangent like the output, of which leaf ``j`` is not zero."""
    cts = [
        (unit if i == j else np.zeros(np.shape(y), inexact_dtype(y))[()]) if is_number(y) else None
        for i, y in enumerate(leaves_of(out))
    ]
    return rebuild(out, iter(cts))


def jacrev(program: Program, argnums: Argnums) -> Program:
    """See ``chainrule.jacrev``."""
    return JacobianProgram(program, argnums, forward=False)


def jacfwd(program: Program, argnums: Argnums) -> Program:
    """See ``chainrule.jacfwd``."""
    return JacobianProgram(program, argnums, forward=True)


def hessian(program: Program, argnums: Argnums) -> Program:
    """See ``chainrule.hessian``."""
    return JacobianProgram(grad(program, argnums, has_aux=False), argnums, forward=True)


def hvp(program: Program, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """See ``chainrule.hvp``."""
    argnums: Argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(program, argnums, has_aux=False), primals, tangents)[1]
