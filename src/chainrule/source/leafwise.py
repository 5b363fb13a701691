"""Functions of the leaves of a Program's arguments, for its result, tangents and cotangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .alike import Lines, NoShortcut, is_leaf, written
from .effects import cannot_be_repeated, has_effects
from .shortcuts import called
from .signature import replaced

if TYPE_CHECKING:
    from .program import Program
    from .signature import Place
    from .specialise import Specialisation


def stand_in(x: Any) -> Any:
    """Return what stands for a value as an example: of an array one that holds hardly memory."""
    return np.broadcast_to(np.zeros((), x.dtype), x.shape) if type(x) is np.ndarray else x


class Leafwise:
    """Functions for arguments like ``values``, written once, that do no more than to run programs.

    They take the leaves of the arguments, in the order of ``places``; then tangents or a cotangent;
    then what the Program closes over. They may be called twice as well as once, and do not look
    for NaNs. Raises ``NoShortcut`` where there are none.
    """

    def __init__(self, program: Program, spec: Specialisation, values: Sequence[Any]) -> None:
        if has_effects(spec.stages[0][1]) or cannot_be_repeated(spec.program):
            raise NoShortcut
        self.program = program
        self.spec = spec
        self.places: list[Place] = [p for p, x in program.places(values) if is_leaf(x)]
        light = {p: stand_in(x) for p, x in program.places(values) if type(x) is np.ndarray}
        pairs = zip(program.binder.names, values, strict=True)
        self.values = {name: replaced(x, name, (), light) for name, x in pairs}
        self.outside = list(spec.program.hidden)
        """Names of what the Program closes over."""

    def run(self) -> Callable[..., Any]:
        """Return the function of the result."""
        return self._written(self.program, self.spec, Lines())

    def tangent(self, places: Sequence[Place]) -> Callable[..., Any]:
        """Return the function of result and tangent, for tangents at some places."""
        from .products import tangent_of

        made, spec = tangent_of(self.program, places), self.spec.tangent(places)
        names = [f"t{k}" for k in range(len(places))]
        dots = dict(zip(places, names, strict=True))
        lines = Lines()
        moved = {name: self.values[name] for name, _ in places}
        given = [written(lines, x, (name, ()), dots, "None") for name, x in moved.items()]
        return self._written(made, spec, lines, names, given, [*moved.values()])

    def pullback(self, places: Sequence[Place], result: Any) -> Callable[..., Any]:
        """Return the function of the cotangents at some places, for one of a result like this."""
        from .products import cotangents_of

        made, spec = cotangents_of(self.program, places), self.spec.pullback(places, alone=True)
        return self._written(made, spec, Lines(), ["ct"], ["ct"], [result])

    def gathering(self) -> Callable[..., Sequence[Any]]:
        """Return the function of the arguments that leaves make."""
        lines = Lines()
        leaves, passed = self._arguments(lines)
        lines.lines.append(f"return [{', '.join(passed)}]")
        return lines.function(", ".join(leaves), "gathered")

    def _written(
        self,
        made: Program,
        spec: Specialisation,
        lines: Lines,
        names: Sequence[str] = (),
        given: Sequence[str] = (),
        more: Sequence[Any] = (),
    ) -> Callable[..., Any]:
        """Return the function that calls a program.

        What it takes more than leaves has ``names``; ``given`` are the arguments that these make,
        ``more`` examples of them.
        """
        _ = spec.function  # compiled now
        leaves, passed = self._arguments(lines)
        outside = {name: f"h{k}" for k, name in enumerate(self.outside)}
        values = [*self.values.values(), *more]
        result = called(lines, made, spec, values, [*passed, *given], outside, must_pass=True)
        lines.lines.append(f"return {result}")
        return lines.function(", ".join([*leaves, *names, *outside.values()]), "run")

    def _arguments(self, lines: Lines) -> tuple[list[str], list[str]]:
        """Return names of the leaves, and the arguments of the Program that they make."""
        leaves = [f"a{k}" for k in range(len(self.places))]
        texts = dict(zip(self.places, leaves, strict=True))
        passed = [written(lines, x, (name, ()), texts) for name, x in self.values.items()]
        return leaves, passed
