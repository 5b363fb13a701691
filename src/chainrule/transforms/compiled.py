"""Derivatives of compiled functions: the same names, arguments and answers as for plain ones."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Hashable
from typing import Any

import numpy as np

from .._core import top_trace
from ..rules._central import has_nan
from ..source.derivatives import scalar_result
from ..source.derived import Gradient
from ..source.primitive import snapshot
from ..source.products import pull, tangent_of, with_value_by
from ..source.program import Program, compile_
from ..source.signature import exact_key
from ..source.specialise import Specialisation, again, infinite_slopes
from ._calls import Argnums, Function, derivative_of, inexact_dtype
from ._compiled_calls import Arguments, Derivative, Resolved, own, settle
from ._opaque import register
from .compiled_products import jvp, linearize, vjp

__all__ = ["grad", "is_compiled", "jvp", "linearize", "program_of", "value_and_grad", "vjp"]

register()  # the source engine hands functions that it cannot read to the tape


def program_of(f: Function, backend: str | None) -> Program:
    """Return the Program of a function (see ``chainrule.compile``)."""
    return compile_(f, backend=backend)


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
        self._plans: dict[Hashable, _Plan] = {}

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
        if not kwargs:
            plan = self._plans.get(exact_key(args))
            if plan is not None:
                return self._planned(plan, args)
        arguments = self.arguments(args, kwargs)
        self.shown = core = self.core(arguments)
        result = core.call(arguments.values)
        if not kwargs:
            self._plan(args, arguments, core, result)
        return self._finished(arguments, core, result)

    def _finished(self, arguments: Arguments, core: Gradient, result: Any) -> Any:
        """Put the gradients into containers, with memory of their own."""
        gradients = arguments.gradients(core.gradients(result))
        rest = core.primals_in(result)
        gradients, rest = own((gradients, rest), core, arguments.values)
        gradient = arguments.call.result(list(gradients))
        if self.with_value:
            return rest, gradient
        return (gradient, rest) if self.has_aux else gradient

    # A call of types seen before, of numbers and floating arrays alone, takes a short way.

    def _plan(
        self, args: tuple[Any, ...], arguments: Arguments, core: Gradient, result: Any
    ) -> None:
        call = arguments.call
        slots = [slot for slot in call.slots if isinstance(slot, int)]
        simple = all(_is_simple(args[slot]) for slot in slots) and not self.has_aux
        first_order = type(core.base) is Program
        values = arguments.values
        as_given = len(args) == len(values) and all(map(operator.is_, args, values))
        if not (simple and first_order and as_given) or top_trace(args) is not None:
            return
        spec = core.specialised(args)
        function = spec.direct(core.binder.names)
        if function is not None:
            if len(self._plans) >= _MANY:
                self._plans.clear()
            plan = _Plan(function, spec, core, slots, call.single)
            plan.is_ready = self._is_ready(plan, args, result)
            self._plans[exact_key(args)] = plan

    def _is_ready(self, plan: _Plan, args: tuple[Any, ...], result: Any) -> bool:
        """Tell whether machine code gives results as they are returned: new arrays that fit."""
        native = plan.spec.native
        if native is None or not native.owns_results:
            return False
        value, gradients = result if self.with_value else (None, result)
        found = [gradients] if plan.single else list(gradients)
        fits = zip(found, (args[slot] for slot in plan.slots), strict=True)
        return type(value) not in (float, complex) and all(
            type(g) is np.ndarray and type(x) is np.ndarray and g.dtype == x.dtype for g, x in fits
        )

    def _planned(self, plan: _Plan, args: tuple[Any, ...]) -> Any:
        """Call the emitted function; look for NaNs and shared memory."""
        if plan.is_ready:
            result = plan.function(*args)
            self.shown, plan.core._last = plan.core, plan.spec
            gradients = result[1] if self.with_value else result
            if not (has_nan(gradients) if plan.single else any(map(has_nan, gradients))):
                return result
        else:
            with infinite_slopes():
                result = plan.function(*args)
            self.shown, plan.core._last = plan.core, plan.spec
        value, gradients = result if self.with_value else (None, result)
        found = [gradients] if plan.single else list(gradients)
        for k, slot in enumerate(plan.slots):
            g = found[k]
            if type(g) is np.ndarray:
                if g.dtype != args[slot].dtype or has_nan(g) or _is_shared(g, args, found[:k]):
                    break
            elif g != g:
                break
            else:
                found[k] = settle(g, args[slot])
        else:
            gradient = found[0] if plan.single else tuple(found)
            value = np.asarray(value)[()] if type(value) in (float, complex) else value
            return (value, gradient) if self.with_value else gradient
        checked = plan.core.checked(args, result)
        return self._finished(self.arguments(args, {}), plan.core, checked)


def _is_shared(g: Any, args: tuple[Any, ...], others: list[Any]) -> bool:
    """Tell whether an array may be memory of an argument or of another result."""
    if g.base is None:
        return any([g is x for x in args]) or any([g is x for x in others])
    return isinstance(g.base, np.ndarray) or any(
        [np.may_share_memory(g, x) for x in (*args, *others) if type(x) is np.ndarray]
    )


_MANY = 512
"""Plans kept for each gradient, by the exact shapes of the arguments."""


@dataclasses.dataclass(slots=True)
class _Plan:
    """How to call a gradient again for arguments of the same types."""

    function: Function
    spec: Specialisation
    core: Gradient
    slots: list[int]
    single: bool
    is_ready: bool = False
    """Whether results are returned as they are, unless they hold a NaN."""


def _is_simple(x: Any) -> bool:
    """Tell a floating array or number, which is differentiated by as it is."""
    if type(x) is np.ndarray:
        return x.dtype.kind in "fc" and x.ndim > 0
    return isinstance(x, (float, np.inexact))


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
