"""A Program called on traced values: one primitive, whose products are Programs themselves."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Primitive, Tracer, apply, top_trace
from .._trees import leaves_of, map_leaves, rebuild
from ..rules._central import restore, zeros
from .again import again
from .signature import leaves, replaced

if TYPE_CHECKING:
    from .program import Program


def is_number(x: Any) -> bool:
    """Tell whether a leaf of a result can carry a derivative."""
    if isinstance(x, (bool, np.bool_)):
        return False
    if isinstance(x, (Tracer, np.ndarray)):
        return x.dtype.kind in "fc"
    return isinstance(x, (float, complex, np.inexact))


def traced_call(program: Program, values: Sequence[Any]) -> Any:
    """Call a Program on values of which some are traced."""
    call = TracedCall(program, values)
    outputs = call(*[leaf for _, leaf in call.active])
    given = iter(outputs if isinstance(outputs, tuple) else (outputs,))
    return map_leaves(lambda x: next(given) if is_number(x) else x, call.result)


class TracedCall(Primitive):
    """One call of a Program as a primitive of its traced leaves."""

    form = "program"

    def __init__(self, program: Program, values: Sequence[Any]) -> None:
        super().__init__(program, program.fn, 0, ("values",), name=program.__name__)
        self.program = program
        self.values = list(values)
        self.active = [(p, x) for p, x in program.places(values) if isinstance(x, Tracer)]
        self.result: Any = None
        self.reads = program.reads(values)
        self.held = snapshot(self.values)

    def bind(self, *args: Any) -> tuple[Any, ...]:
        """The traced leaves are the arguments in normal form."""
        return args

    def bind_checked(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return the traced leaves."""
        return tuple(args)

    def arrays(self, args: Sequence[Any]) -> Sequence[int]:
        """All of them can be differentiated."""
        return range(len(args))

    def given(self, values: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """Return the values of all parameters, with these leaves in their places."""
        found = dict(zip([p for p, _ in self.active], args, strict=True))
        names = self.program.binder.names
        return [replaced(x, name, (), found) for name, x in zip(names, values, strict=True)]

    def given_again(self, args: Sequence[Any]) -> list[Any]:
        """Return the values of all parameters as they were at the call."""
        return self.given(as_before(self.held), args)

    def call(self, *args: Any) -> Any:
        """Run the Program; a tuple of outputs if they are several."""
        if top_trace(args) is not None:
            return apply(self, args)
        self.result = self.program.call(self.given(self.values, args))
        outputs = [x for x in leaves_of(self.result) if is_number(x)]
        outputs = [x if hasattr(x, "dtype") else np.asarray(x)[()] for x in outputs]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Run the tangent program."""
        from .products import push

        places = [self.active[i][0] for i in tangents]
        with again(self.reads):
            given = self.given_again(args)
            _, dots = push(self.program, given, places, list(tangents.values()))
        pairs = zip(leaves_of(self.result), leaves_of(dots), strict=True)
        found = [dot for x, dot in pairs if is_number(x)]
        outputs = y if isinstance(y, tuple) else (y,)
        fitted = [restore(dot, out) for dot, out in zip(found, outputs, strict=True)]
        return tuple(fitted) if isinstance(y, tuple) else fitted[0]

    def vjp_all(self, positions: Sequence[int], ct: Any, y: Any, args: Sequence[Any]) -> list[Any]:
        """Run the adjoint program."""
        from .products import pull

        outputs = y if isinstance(y, tuple) else (y,)
        flat = list(ct) if isinstance(ct, (tuple, list)) else [ct]
        flat = [zeros(out) if c is None else c for c, out in zip(flat, outputs, strict=True)]
        given = iter(flat)
        ct_tree = rebuild(
            self.result,
            iter([next(given) if is_number(x) else None for x in leaves_of(self.result)]),
        )
        places = [self.active[i][0] for i in positions]
        with again(self.reads):
            cts = pull(self.program, self.given(self.held, args), places, ct_tree)
        return [restore(c, args[i]) for c, i in zip(cts, positions, strict=True)]

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Return the cotangent of one argument."""
        return self.vjp_all([i], ct, y, args)[0]


_GENERATORS = (np.random.Generator, np.random.RandomState)


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
    copied = []
    for value in values:
        found = {
            ("", path): copy.deepcopy(leaf, memo) if isinstance(leaf, kinds) else leaf
            for path, leaf in leaves(value)
            if anew or isinstance(leaf, kinds)
        }
        copied.append(replaced(value, "", (), found) if found else value)
    return copied
