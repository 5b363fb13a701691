"""Derivatives of compiled functions: the same names, arguments and answers as for plain ones."""

from __future__ import annotations

from typing import Any

from ..source.again import again
from ..source.alike import OTHER
from ..source.derivatives import scalar_result
from ..source.derived import Gradient
from ..source.primitive import snapshot
from ..source.products import pull, tangent_of, with_value_by
from ..source.program import Program, compile_
from ..source.repeated import Repeated
from ..source.signature import exact_key
from ._calls import Argnums, Function, derivative_of, inexact_dtype
from ._compiled_calls import Arguments, Derivative, Resolved, own
from ._opaque import register
from ._plans import Plan, plan_of
from .compiled_products import jvp, linearize, vjp

__all__ = ["grad", "is_compiled", "jvp", "linearize", "program_of", "value_and_grad", "vjp"]

register()  # the source engine hands functions that it cannot read to the tape


def program_of(f: Function, backend: str | None, parallel: bool | None) -> Program:
    """Return the Program of a function (see ``chainrule.compile``)."""
    return compile_(f, backend=backend, parallel=parallel)


# ------------------------------------------------------------------------------------ gradients


def is_compiled(f: Any) -> bool:
    """Tell whether the derivatives of a function are those of this module."""
    return isinstance(f, GradientProgram) or (
        isinstance(f, Program) and not isinstance(f, Derivative)
    )


class GradientProgram(Derivative):
    """The gradient of a Program; with its value for ``value_and_grad``."""

    def __init__(self, program: Program, argnums: Argnums, has_aux: bool, with_value: bool) -> None:
        name = "value_and_grad" if with_value else "grad"
        super().__init__(program, argnums, name, has_aux, with_value)
        self.has_aux = has_aux
        self.with_value = with_value
        derivative_of(self, name, program, argnums, has_aux)
        self._plans = Repeated[Plan](self.binder.names)

    def resolved(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Resolved:
        """Return a Program that computes the gradient, and the values of its parameters."""
        arguments = self.arguments(args, kwargs)
        return self.core(arguments), arguments.values

    def core(self, arguments: Arguments) -> Gradient:
        """Return the program of the gradient by these arguments."""
        single, prefixes = arguments.call.single, arguments.prefixes
        options = (single, self.has_aux, self.with_value)
        base = arguments.core
        made = base.derived(
            ("gradient", *prefixes, *options), lambda: Gradient(base, prefixes, *options)
        )
        assert isinstance(made, Gradient)
        return made

    def specialise(self, *args: Any, **kwargs: Any) -> Program:
        """Make the program for these arguments without running it; return the Program itself."""
        arguments = self.arguments(args, kwargs)
        self.shown = self.core(arguments)
        self.shown._last = self.shown.specialised(arguments.values)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the gradient, with what was asked for beside it."""
        for shortcut in self.shortcuts:
            result = shortcut(args, kwargs)
            if result is not OTHER:
                return result
        key = (exact_key(args), tuple(kwargs), exact_key(kwargs.values()))
        if key in self._plans:
            plan = self._plans.find(key, self.binder(args, kwargs))
            if plan is not None and (result := plan.shortcut(args, kwargs)) is not OTHER:
                if plan.looks:
                    self.try_first(plan.shortcut)
                return result
        arguments = self.arguments(args, kwargs)
        self.shown = core = self.core(arguments)
        raw = core.call(arguments.values)
        result = self._finished(arguments, core, raw)
        plan = plan_of(self, core, arguments, args, kwargs, raw, result)
        if plan is not None:
            self._plans.note(key, arguments.values, plan)
        return result

    def carefully(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], core: Gradient, raw: Any
    ) -> Any:
        """Return a gradient that holds a NaN, or memory of others."""
        arguments = self.arguments(args, kwargs)
        core._ran.spec = core.specialised(arguments.values)
        raw = core.checked(arguments.values, raw)
        return self._finished(arguments, core, raw)

    def _finished(self, arguments: Arguments, core: Gradient, result: Any) -> Any:
        """Put the gradients into containers, with memory of their own."""
        gradients = arguments.gradients(core.gradients(result))
        rest = core.primals_in(result)
        gradients, rest = own((gradients, rest), core, arguments.values)
        gradient = arguments.call.result(list(gradients))
        if self.with_value:
            return rest, gradient
        return (gradient, rest) if self.has_aux else gradient


class SecondGradient(Derivative):
    """The gradient of a gradient that is one number: by symmetry it is a tangent of the latter."""

    def __init__(self, program: Program, argnums: Argnums, has_aux: bool, with_value: bool) -> None:
        name = "value_and_grad" if with_value else "grad"
        super().__init__(program, argnums, name, has_aux, with_value)
        self.has_aux = has_aux
        self.with_value = with_value
        derivative_of(self, name, program, argnums, has_aux)

    def specialise(self, *args: Any, **kwargs: Any) -> Program:
        """Make the program for these arguments without running it; return the Program itself."""
        arguments = self.arguments(args, kwargs)
        self._show(arguments)
        return self

    def _show(self, arguments: Arguments) -> None:
        core = arguments.core
        assert isinstance(core, Gradient)
        self.shown = tangent_of(with_value_by(core, arguments.places), core.places_of)
        self.shown.show(self.shown.made_for(arguments.values))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the gradient, with what was asked for beside it."""
        arguments = self.arguments(args, kwargs)
        core, values = arguments.core, arguments.values
        scalar_result(core.made_for(values).program, self.has_aux)
        held, reads = snapshot(values), core.reads(values)
        result = core.call(values)
        out = result[0] if self.has_aux else result
        one = inexact_dtype(out).type(1)
        with again(reads):
            flat = pull(core, held, arguments.places, (one, None) if self.has_aux else one)
        trees = arguments.gradients(arguments.gathered(flat))
        trees, result = own((trees, result), core, values)
        self._show(arguments)
        gradient = arguments.call.result(list(trees))
        if self.with_value:
            return result, gradient
        return (gradient, result[1]) if self.has_aux else gradient


def value_and_grad(program: Program, argnums: Argnums, has_aux: bool) -> Program:
    """See ``chainrule.value_and_grad``."""
    return _gradient(program, argnums, has_aux, with_value=True)


def grad(program: Program, argnums: Argnums, has_aux: bool) -> Program:
    """See ``chainrule.grad``."""
    return _gradient(program, argnums, has_aux, with_value=False)


def _gradient(program: Program, argnums: Argnums, has_aux: bool, with_value: bool) -> Program:
    """Make it once: the programs that it has made so far, and their texts, are kept with it."""
    key = (
        "gradient",
        tuple(argnums) if isinstance(argnums, list) else argnums,
        has_aux,
        with_value,
    )
    order = SecondGradient if isinstance(program, GradientProgram) else GradientProgram
    return program.derived(key, lambda: order(program, argnums, has_aux, with_value))
