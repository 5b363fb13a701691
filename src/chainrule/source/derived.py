"""Derivatives of Programs, which are Programs again: a gradient, a tangent, a pullback.

They take values by *role*: the parameters of the function, then ``dot u`` for the tangent of ``u``
or ``ct`` for the cotangent of the result. Places say by which leaves a derivative is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._trees import is_container, leaves_of
from ..rules._central import has_nan
from .again import again
from .effects import cannot_be_repeated
from .program import Program
from .signature import Place
from .specialise import Specialisation, infinite_slopes


class Roles:
    """Stands for a binder: the names of what a derived program takes."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.bare_count = len(self.names)

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Take the values one by one."""
        return args


class Derived(Program):
    """A derivative of another Program."""

    def __init__(self, base: Program, places: Sequence[Place], extra: Sequence[str] = ()) -> None:
        roles = Roles([*base.binder.names, *extra])
        super().__init__(base.fn, roles, base.backend, base.parallel)
        self.base = base
        self.places_of = list(places)

    @property
    def root(self) -> Program:
        """The Program that derivatives were taken of first."""
        root: Program = self.base.root
        return root

    def __reduce__(self) -> Any:
        raise TypeError(f"{self!r} is a part of a derivative: pickle the function itself")

    def below(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return the values that the base takes."""
        return values[: len(self.base.binder.names)]

    def check_sharing(self, spec: Specialisation, values: Sequence[Any]) -> None:
        """Refuse what the base refuses."""
        self.base.check_sharing(spec, self.below(values))


class Checked(Derived):
    """A derivative that is computed again with guarded products where it holds a NaN."""

    def made(self, values: Sequence[Any], guarded: bool) -> Specialisation:
        """Return the derivative program for the types of these values."""
        raise NotImplementedError

    def below_made(self, values: Sequence[Any], guarded: bool) -> Specialisation:
        """Return the program of the base, guarded if it is a derivative too."""
        values = self.below(values)
        if isinstance(self.base, Checked):
            return self.base.made(values, guarded)
        return self.base.specialised(values)

    def specialised(self, values: Sequence[Any]) -> Specialisation:
        """Return the derivative program: guarded from the start if it cannot run twice."""
        return self.made(values, self.must_be_guarded(values))

    def must_be_guarded(self, values: Sequence[Any]) -> bool:
        """Tell whether a second run is out of the question."""
        function = self.root.specialised(values[: len(self.root.binder.names)])
        return cannot_be_repeated(function.program)

    def run(self, spec: Specialisation, values: Sequence[Any]) -> Any:
        """Run the program made for these values, and again if need be."""
        with infinite_slopes():
            result = super().run(spec, values)
        return self.checked(values, result)

    def checked(self, values: Sequence[Any], result: Any) -> Any:
        """Return a result; one that holds a NaN is computed again with guarded products."""
        if not holds_nan(self.derivatives_in(result)):
            return result
        if self.must_be_guarded(values):
            return result
        with again({}), infinite_slopes():
            return self.made(values, True).run(self.binder.names, values)

    def unchecked(self, spec: Specialisation, values: Sequence[Any]) -> Callable[..., Any] | None:
        """Return the function that is called; its results may hold a NaN."""
        return super().repeating(spec, values)

    def derivatives_in(self, result: Any) -> Any:
        """Return the part of the result that is a derivative."""
        return result[1]

    def repeating(self, spec: Specialisation, values: Sequence[Any]) -> Callable[..., Any] | None:
        """Look at every result: it may hold a NaN."""
        function = self.unchecked(spec, values)
        return function and (lambda *values: self.checked(values, function(*values)))


class Tangent(Checked):
    """Result and tangent of the base."""

    def __init__(self, base: Program, places: Sequence[Place]) -> None:
        parameters = dict.fromkeys(name for name, _ in places)
        order, below = 1, base
        while isinstance(below, Derived):
            order, below = order + isinstance(below, Tangent), below.base
        super().__init__(base, places, [f"dot{order} {name}" for name in parameters])
        self.parameters = list(parameters)

    def made(self, values: Sequence[Any], guarded: bool) -> Specialisation:
        """Return the tangent program for the types of these values."""
        return self.below_made(values, guarded).tangent(self.places_of, guarded)


class Adjoint(Checked):
    """A derivative that goes backwards."""


def holds_nan(tree: Any) -> bool:
    """Tell whether a leaf of a result holds a NaN."""
    if type(tree) is tuple:
        return any([holds_nan(x) for x in tree])
    return any(map(is_nan, leaves_of(tree))) if is_container(tree) else is_nan(tree)


def is_nan(x: Any) -> bool:
    """Tell whether a leaf holds a NaN."""
    if type(x) is np.float64 or type(x) is float:
        return x != x
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype.kind in "fc" and x.size > 0 and has_nan(x)
    return isinstance(x, complex) and x != x


class Gradient(Adjoint):
    """The gradient of the base, which has one real number as its result."""

    def __init__(
        self,
        base: Program,
        places: Sequence[Place],
        single: bool = False,
        has_aux: bool = False,
        with_value: bool = False,
    ) -> None:
        super().__init__(base, places)
        self.options = (single, has_aux, with_value)

    def made(self, values: Sequence[Any], guarded: bool) -> Specialisation:
        """Return the gradient program for the types of these values."""
        base = self.below_made(values, guarded)
        return base.gradient(self.places_of, *self.options, guarded)

    def derivatives_in(self, result: Any) -> Any:
        """Leave value and aux out."""
        _, has_aux, with_value = self.options
        return result[1] if with_value else result[0] if has_aux else result

    def primals_in(self, result: Any) -> Any:
        """Return the value, the aux value or both."""
        _, has_aux, with_value = self.options
        return result[0] if with_value else result[1] if has_aux else None

    def gradients(self, result: Any) -> Sequence[Any]:
        """Return one gradient per place."""
        found = self.derivatives_in(result)
        return [found] if self.options[0] else list(found)


class Pullback(Adjoint):
    """The result of the base, and the cotangents at some places for a cotangent of it."""

    def __init__(self, base: Program, places: Sequence[Place]) -> None:
        super().__init__(base, places, ["ct"])

    def made(self, values: Sequence[Any], guarded: bool) -> Specialisation:
        """Return the program of result and cotangents for the types of these values."""
        return self.below_made(values, guarded).pullback(self.places_of, guarded)


class Cotangents(Pullback):
    """The cotangents alone."""

    def made(self, values: Sequence[Any], guarded: bool) -> Specialisation:
        """Return the program of cotangents for the types of these values."""
        return self.below_made(values, guarded).pullback(self.places_of, guarded, alone=True)

    def derivatives_in(self, result: Any) -> Any:
        """Return all."""
        return result
