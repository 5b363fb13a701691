"""Calls of a Program on traced values that take no more than to run it: code for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Primitive, Tracer, apply, copied, is_array, plain
from ..rules._central import holds_nan, restore
from .alike import NoShortcut, is_leaf
from .leafwise import Leafwise, stand_in
from .primitive import ProgramCall, TracedCall, is_number
from .program import Program

if TYPE_CHECKING:
    from .signature import Place

Positions = tuple[int, ...]


class BriefCall(Primitive):
    """Calls of a Program as a primitive of all that it takes: leaves, and what it closes over.

    Its arguments are the numbers and arrays in those of the Program, of which the same ones are
    traced in each call, and then the closed-over values. The result is one number or array.
    """

    form = "program"
    pullback: Any = None
    """What a tape has written to pull back to all arguments that are traced."""

    def __init__(self, long: TracedCall, values: Sequence[Any], result: Any) -> None:
        self.long = long
        self.leafwise = Leafwise(long.program, long.spec, [plain(x) for x in values])
        self.result = stand_in(plain(result))
        found = [(p, x) for p, x in long.program.places(values) if is_leaf(x)]
        self.places: list[Place] = [place for place, _ in found]
        self.slots: Positions = tuple(k for k, (_, x) in enumerate(found) if isinstance(x, Tracer))
        self.hidden = [*long.spec.program.hidden.values()]
        self.guards = dict(long.spec.program.guards)
        taken = [*(plain(x) for _, x in found), *(read() for read in self.hidden)]
        self.examples = [stand_in(x) for x in taken]
        names = [f"argument {k}" for k in range(len(self.examples))]
        super().__init__(long.fn, long.rule, 0, names, name=long.name)
        self.run = self.leafwise.run()
        self._gathered = self.leafwise.gathering()
        self._backs: dict[Positions, Callable[..., Any] | None] = {}
        self._fronts: dict[Positions, Callable[..., Any] | None] = {}
        recorder = found[self.slots[0]][1].scope.recorder(self)
        self.recording: Callable[..., Any] = recorder or self.traced
        """Takes all arguments; calls, and records the call."""

    @property
    def count(self) -> int:
        """How many of the arguments are not from outside."""
        return len(self.places)

    def traced(self, *args: Any) -> Any:
        """Call the Program, and record it."""
        kept = [copied(x) if type(x) is np.ndarray else x for x in args]
        active = {k: args[k] for k in self.slots}
        scope = args[self.slots[0]].scope
        for x in active.values():
            if x.scope is not scope:
                return apply(self, kept)
        return scope.record(self, kept, active)

    def arrays(self, args: Sequence[Any]) -> Sequence[int]:
        """Return the arguments that are traced."""
        return self.slots

    def refuse_closure(self, outputs: Any, level: int) -> None:
        """What the function closes over has been looked at: it is plain."""

    def call(self, *args: Any) -> Any:
        """Run the Program."""
        for k in self.slots:
            if isinstance(args[k], Tracer):
                return apply(self, args)
        result = self.run(*args)
        return np.float64(result) if type(result) is float else result

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Run the tangent program."""
        places = {1 + self.slots.index(k): dot for k, dot in tangents.items()}
        return self.long.jvp(places, y, self._at_length(args, y))

    def vjp_all(self, positions: Sequence[int], ct: Any, y: Any, args: Sequence[Any]) -> list[Any]:
        """Run the adjoint program."""
        back = self.back(tuple(positions))
        if back is not None and not any([isinstance(x, Tracer) for x in (ct, *args)]):
            seed = ct[()] if type(ct) is np.ndarray and not ct.ndim and not is_array(y) else ct
            cts = back(*args[: self.count], seed, *args[self.count :])
            cts = [restore(g, args[k]) for g, k in zip(cts, positions, strict=True)]
            if not any(map(holds_nan, cts)):
                return cts
        places = [1 + self.slots.index(k) for k in positions]
        return self.long.vjp_all(places, ct, y, self._at_length(args, y))

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Return the cotangent of one argument."""
        return self.vjp_all([i], ct, y, args)[0]

    def _at_length(self, args: Sequence[Any], y: Any) -> Sequence[Any]:
        values = self._gathered(*args[: self.count])
        outside = zip(self.hidden, args[self.count :], strict=True)
        reads = dict(outside) | self.guards
        return [ProgramCall(values, values, reads or None, y), *[args[k] for k in self.slots]]

    # -- functions of both products ------------------------------------------------------------

    def back(self, positions: Positions) -> Callable[..., Any] | None:
        """Return the function of all arguments, the cotangent before those from outside.

        It returns the cotangents at some positions; NaNs are for others to look for.
        """
        if positions not in self._backs:
            places = [self.places[k] for k in positions]
            self._backs[positions] = _tried(self.leafwise.pullback, places, self.result)
        return self._backs[positions]

    def front(self, positions: Positions) -> Callable[..., Any] | None:
        """Return the function of all arguments, the tangents before those from outside.

        It returns value and tangent; NaNs are for others to look for.
        """
        if positions not in self._fronts:
            places = [self.places[k] for k in positions]
            self._fronts[positions] = _tried(self.leafwise.tangent, places)
        return self._fronts[positions]


def _tried(write: Callable[..., Callable[..., Any]], *args: Any) -> Callable[..., Any] | None:
    try:
        return write(*args)
    except NoShortcut:
        return None


def briefly(long: TracedCall, values: Sequence[Any], result: Any) -> BriefCall | None:
    """Return the brief form of calls like one that gave this result; None where there is none."""
    is_plain = type(long.program) is Program and is_number(result)
    if not is_plain or (is_array(result) and not result.ndim):
        return None
    tracers = [x.current() for _, x in long.program.places(values) if isinstance(x, Tracer)]
    if any(isinstance(part, Tracer) for x in tracers for part in x.parts()):  # of an outer trace
        return None
    try:
        return BriefCall(long, values, result)
    except NoShortcut:
        return None
