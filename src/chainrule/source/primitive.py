"""A Program called on traced values: one primitive, whose products are Programs themselves."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Primitive, Tracer, apply, copied, is_array, top_trace
from .._trees import leaves_of, map_leaves, rebuild
from ..rules._central import restore, zeros
from .again import Reads, again
from .effects import cannot_be_repeated, has_effects
from .signature import NUMBERS, Place, leaves, replaced

if TYPE_CHECKING:
    from .program import Program


def is_number(x: Any) -> bool:
    """Tell whether a leaf of a result can carry a derivative."""
    if type(x) is np.float64 or type(x) is float:
        return True
    if isinstance(x, (bool, np.bool_)):
        return False
    if isinstance(x, (Tracer, np.ndarray)):
        return x.dtype.kind in "fc"
    return isinstance(x, (float, complex, np.inexact))


@dataclass(slots=True)
class ProgramCall:
    """One call of a Program."""

    values: Sequence[Any]
    held: Sequence[Any]
    """The values as they were: the caller may change them afterwards."""
    reads: Reads | None
    """The closed-over values as they were; None where there are none."""
    result: Any = None


class TracedCall(Primitive):
    """Calls of a Program, as a primitive of their traced leaves.

    The calls have arguments of the same types, of which the same leaves are traced. In normal form
    the first argument is the call itself.
    """

    form = "program"

    def __init__(self, program: Program, values: Sequence[Any]) -> None:
        from .products import cotangents_of, pull, push, tangent_of  # which are made of Programs

        super().__init__(program, program.fn, 0, ("values",), name=program.__name__)
        self._pull, self._push = pull, push
        self._cotangents_of, self._tangent_of = cotangents_of, tangent_of
        self.program = program
        self.spec = program.made_for(values)
        self.places = [p for p, x in program.places(values) if isinstance(x, Tracer)]
        names = list(program.binder.names)
        self.slots = [names.index(name) for name, _ in self.places]
        self._is_flat = not any(path for _, path in self.places)
        self._mutable = [k for k, x in enumerate(values) if not isinstance(x, _IMMUTABLE)]
        function = self.spec.stages[0][1]
        self._reads = bool(function.hidden or function.guards or has_effects(function))
        self._run: Callable[..., Any] | None = None
        self._backs: dict[tuple[int, ...], Callable[..., Any] | None] = {}
        self._fronts: dict[tuple[int, ...], Callable[..., Any] | None] = {}

    def traced(self, *values: Any) -> Any:
        """Call the Program with a value for each parameter."""
        held: Sequence[Any] = values
        if self._mutable:
            copies = iter(snapshot([values[k] for k in self._mutable]))
            held = [next(copies) if k in self._mutable else x for k, x in enumerate(values)]
        reads = self.program.reads(values) if self._reads else None
        call = ProgramCall(values, held, reads)
        outputs = self._applied(call, self._leaves(values))
        if call.result is outputs or is_number(call.result):
            return outputs
        given = iter(outputs if isinstance(outputs, tuple) else (outputs,))
        return map_leaves(lambda x: next(given) if is_number(x) else x, call.result)

    def briefly(self, values: Sequence[Any], result: Any) -> Any:
        """Return the ``BriefCall`` for further calls, where there can be one."""
        from .brief import briefly

        return briefly(self, values, result)

    def _leaves(self, values: Sequence[Any]) -> list[Any]:
        """Return the traced leaves."""
        if self._is_flat:
            return [values[k] for k in self.slots]
        return [x for _, x in self.program.places(values) if isinstance(x, Tracer)]

    def _applied(self, call: ProgramCall, tracers: Sequence[Any]) -> Any:
        """Apply the primitive to leaves of which some are traced."""
        args = [call, *tracers]
        scope = tracers[0].scope
        if all([x.scope is scope for x in tracers]):
            return scope.record(self, args, dict(enumerate(tracers, 1)))
        return apply(self, args)

    def refuse_closure(self, outputs: Any, level: int) -> None:
        """Refuse results that came in by another way: through what the function closes over."""
        if self._reads:
            super().refuse_closure(outputs, level)

    def bind_checked(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return the arguments, which are in normal form."""
        return tuple(args)

    def arrays(self, args: Sequence[Any]) -> Sequence[int]:
        """All leaves can be differentiated."""
        return range(1, len(args))

    def _given(self, values: Sequence[Any], leaves: Sequence[Any]) -> Sequence[Any]:
        """Return the values of all parameters, with these leaves in their places."""
        if self._is_flat:
            given = list(values)
            for k, leaf in zip(self.slots, leaves, strict=True):
                given[k] = leaf
            return given
        found = dict(zip(self.places, leaves, strict=True))
        names = self.program.binder.names
        return [replaced(x, name, (), found) for name, x in zip(names, values, strict=True)]

    def call(self, call: ProgramCall, *leaves: Any) -> Any:
        """Run the Program; a tuple of outputs if they are several."""
        if top_trace(leaves) is not None:
            return apply(self, (call, *leaves))
        given = self._given(call.values, leaves)
        call.result = result = self._run(*given) if self._run else self.program.call(given)
        if self._run is None and not self._reads:  # the types of all further calls are these
            self._run = self.program.repeating(self.spec, given)
        if is_number(result):
            return result if hasattr(result, "dtype") else np.asarray(result)[()]
        outputs = [x for x in leaves_of(result) if is_number(x)]
        outputs = [x if hasattr(x, "dtype") else np.asarray(x)[()] for x in outputs]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Run the tangent program."""
        call: ProgramCall = args[0]
        given, dots = self._given(call.held, args[1:]), list(tangents.values())
        if call.reads is None:
            tree = self._pushed(tuple(tangents), given, dots)
        else:
            with again(call.reads):
                _, tree = self._push(self.program, as_before(given), self._places(tangents), dots)
        if is_number(call.result):
            return restore(tree, y)
        outputs = y if isinstance(y, tuple) else (y,)
        pairs = zip(leaves_of(call.result), leaves_of(tree), strict=True)
        found = [dot for x, dot in pairs if is_number(x)]
        fitted = [restore(dot, out) for dot, out in zip(found, outputs, strict=True)]
        return tuple(fitted) if isinstance(y, tuple) else fitted[0]

    def vjp_all(self, positions: Sequence[int], ct: Any, y: Any, args: Sequence[Any]) -> list[Any]:
        """Run the adjoint program."""
        call: ProgramCall = args[0]
        given = self._given(call.held, args[1:])
        seed = _seed(call.result, y, ct)
        if call.reads is None:
            cts = self._pulled(tuple(positions), given, seed)
        else:
            with again(call.reads):
                cts = self._pull(self.program, given, self._places(positions), seed)
        return [
            c if type(c) is type(args[i]) is np.float64 else restore(c, args[i])
            for c, i in zip(cts, positions, strict=True)
        ]

    def _places(self, positions: Iterable[int]) -> list[Place]:
        return [self.places[i - 1] for i in positions]

    # The programs of both products, once they were found for plain values.

    def _pulled(self, positions: tuple[int, ...], given: Sequence[Any], seed: Any) -> Sequence[Any]:
        if positions not in self._backs:
            made = self._cotangents_of(self.program, self._places(positions))
            self._backs[positions] = self._repeating(made, [*given, seed])
        back = self._backs[positions]
        if back is None or not self._are_plain(given, seed):
            return self._pull(self.program, given, self._places(positions), seed)
        return back(*given, seed)  # type: ignore[no-any-return]

    def _pushed(self, positions: tuple[int, ...], given: Sequence[Any], dots: Sequence[Any]) -> Any:
        if positions not in self._fronts:
            made = self._tangent_of(self.program, self._places(positions))
            self._fronts[positions] = self._repeating(made, [*given, *dots])
        front = self._fronts[positions]
        if front is None or not self._is_flat or not self._are_plain(given, tuple(dots)):
            given = as_before(given)
            return self._push(self.program, given, self._places(positions), dots)[1]
        return front(*given, *dots)[1]

    def _are_plain(self, given: Sequence[Any], more: Any) -> bool:
        for x in given if self._is_flat else leaves_of(list(given)):
            if isinstance(x, Tracer):
                return False
        return type(more) in NUMBERS or top_trace([*leaves_of(more)]) is None

    def _repeating(self, made: Program, values: Sequence[Any]) -> Callable[..., Any] | None:
        """Return the function of a derivative, if all there is to a call is to call it."""
        is_first = self.program.root is self.program  # of gradients a tangent is taken
        if not is_first or cannot_be_repeated(self.spec.program):
            return None
        return made.repeating(made.made_for(values), values)

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Return the cotangent of one argument."""
        return self.vjp_all([i], ct, y, args)[0]


def _seed(result: Any, y: Any, ct: Any) -> Any:
    """Return the cotangent of a result in its containers."""
    if is_number(result):
        return ct[()] if type(ct) is np.ndarray and not ct.ndim and not is_array(y) else ct
    outputs = y if isinstance(y, tuple) else (y,)
    flat = list(ct) if isinstance(ct, (tuple, list)) else [ct]
    flat = [zeros(out) if c is None else c for c, out in zip(flat, outputs, strict=True)]
    given = iter([c if is_array(out) else c[()] for c, out in zip(flat, outputs, strict=True)])
    return rebuild(result, iter([next(given) if is_number(x) else None for x in leaves_of(result)]))


_GENERATORS = (np.random.Generator, np.random.RandomState)
_IMMUTABLE = (Tracer, int, float, complex, str, np.generic, type(None))
"""What nobody can change after a call; of a traced value its record is held."""


def snapshot(values: Sequence[Any]) -> list[Any]:
    """Copy what the caller, or a random draw, may change before a program is run again."""
    return _copied(values, (np.ndarray, *_GENERATORS), anew=True)


def with_generators(values: Sequence[Any], live: Sequence[Any]) -> list[Any]:
    """Return the values of a snapshot with the generators themselves, which advance."""
    given = []
    for value, other in zip(values, live, strict=True):
        found = {("", path): x for path, x in leaves(other) if isinstance(x, _GENERATORS)}
        given.append(replaced(value, "", (), found) if found else value)
    return given


def as_before(values: Sequence[Any]) -> list[Any]:
    """Return the values for one run of several: generators as they are now, arrays themselves."""
    return _copied(values, _GENERATORS, anew=False)


def _copied(values: Sequence[Any], kinds: tuple[type, ...], anew: bool) -> list[Any]:
    """Copy leaves of some kinds, one that occurs twice once; ``anew``: all containers too."""
    memo: dict[int, Any] = {}
    copies = []
    for value in values:
        if type(value) in NUMBERS or (type(value) is np.ndarray and not anew):
            copies.append(value)
            continue
        found = {
            ("", path): _copy(leaf, memo) if isinstance(leaf, kinds) else leaf
            for path, leaf in leaves(value)
            if anew or isinstance(leaf, kinds)
        }
        copies.append(replaced(value, "", (), found) if found else value)
    return copies


def _copy(leaf: Any, memo: dict[int, Any]) -> Any:
    if type(leaf) is not np.ndarray or leaf.dtype.hasobject:
        return copy.deepcopy(leaf, memo)
    if id(leaf) not in memo:
        memo[id(leaf)] = copied(leaf)
    return memo[id(leaf)]
