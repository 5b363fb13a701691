"""Products with the derivative of a compiled function: pullbacks, tangents, the linear map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import top_trace
from .._trees import leaves_of, map_leaves, rebuild
from ..errors import ArgumentError
from ..rules._central import zeros
from ..source.again import again
from ..source.primitive import as_before, is_number, snapshot
from ..source.products import pull, pullback_of, push, tangent_of
from ..source.program import Program
from ..source.residuals import run_once
from ..source.specialise import Specialisation
from ..source.two_sweeps import Split
from ._calls import Call, Function, matching, name_of
from ._compiled_calls import Arguments, arguments_of, own, settled
from ._runs import split_aux


class LinearMap:
    """A pullback, or the map from tangents to tangents; ``source`` is the text that computes it."""

    def __init__(
        self, name: str, function: Function, made: Callable[[], Specialisation | Split]
    ) -> None:
        self.__name__ = name
        self._function = function
        self._made = made

    def __call__(self, *given: Any) -> Any:
        """Apply the map."""
        return self._function(*given)

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    @property
    def source(self) -> str:
        """The text: of a pullback the run of the function, then the way back."""
        return self._made().text

    def explain(self) -> str:
        """Return the program after each pass."""
        return self._made().explain()


def _arguments(program: Program, primals: Sequence[Any]) -> Arguments:
    return arguments_of(program, Call(program, tuple(range(len(primals))), tuple(primals), {}))


def _with_aux(result: Any, has_aux: bool, program: Program) -> tuple[Any, Any]:
    return split_aux(result, program) if has_aux else (result, None)


def pulled_back(
    core: Program, values: Sequence[Any], arguments: Arguments
) -> tuple[Any, Function, Callable[[], Specialisation | Split]]:
    """Run a Program; return its result, the map of cotangents, one per place, and its text.

    The function itself is run once; where it is a derivative, or traced, the reverse sweep comes
    with a run of its own.
    """
    places = arguments.places
    if type(core) is Program and top_trace([x for _, x in core.places(values)]) is None:
        result, pulled = run_once(core, values, places)
        return own(result, core, values), pulled, lambda: pulled.made
    held, reads = snapshot(values), core.reads(values)
    result = own(core.call(values), core, values)

    def again_and_back(ct: Any) -> Sequence[Any]:
        with again(reads):
            return pull(core, held, places, ct)

    return result, again_and_back, lambda: pullback_of(core, places).made_for(held)


def vjp(program: Program, *primals: Any, has_aux: bool = False) -> Any:
    """See ``chainrule.vjp``."""
    arguments = _arguments(program, primals)
    core, values = arguments.core, arguments.values
    result, back, made = pulled_back(core, values, arguments)
    out, aux = _with_aux(result, has_aux, program)
    # What the caller does to the result must not reach the pullback.
    like = map_leaves(_like, out)
    no_aux = map_leaves(lambda x: zeros(_like(x)) if is_number(x) else None, aux)

    def pullback(*given: Any) -> tuple[Any, ...]:
        if len(given) != 1:
            raise ArgumentError(
                f"The pullback takes one cotangent, not {len(given)}",
                "give one, of the structure of the output",
            )
        cts = [
            ct if is_number(leaf) else None
            for leaf, ct in zip(leaves_of(like), matching(given[0], like, "cotangent"), strict=True)
        ]
        ct = rebuild(like, iter(cts))
        trees = arguments.gradients(arguments.gathered(back((ct, no_aux) if has_aux else ct)))
        return tuple(own(trees, core, values, given))

    back_map = LinearMap(f"pullback of {name_of(program)}", pullback, made)
    return (out, back_map, aux) if has_aux else (out, back_map)


def _like(x: Any) -> Any:
    """Return what has the shape and dtype of a leaf, and hardly any memory."""
    return np.broadcast_to(np.zeros((), x.dtype), x.shape) if type(x) is np.ndarray else x


def jvp(
    program: Program, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> Any:
    """See ``chainrule.jvp``."""
    moved = tuple(k for k, t in enumerate(tangents) if t is not None)
    arguments = arguments_of(program, Call(program, moved, tuple(primals), {}))
    tangents = [tangents[k] for k in moved]
    value, dot = _pushed(arguments, arguments.values, tangents, program, has_aux)
    out, aux = _with_aux(value, has_aux, program)
    return (out, dot, aux) if has_aux else (out, dot)


def _pushed(
    arguments: Arguments,
    values: Sequence[Any],
    tangents: Sequence[Any],
    program: Program,
    has_aux: bool = False,
) -> tuple[Any, Any]:
    """Return value and tangent, the latter of the output alone."""
    core = arguments.core
    dots = arguments.dots(tangents)
    result, dot = push(core, values, arguments.places, dots)
    out, _ = _with_aux(result, has_aux, program)
    dot = dot[0] if has_aux else dot
    dot = rebuild(out, iter(list(settled(leaves_of(dot), leaves_of(out)))))
    result, dot = own((result, dot), core, values, dots)
    return result, dot


def linearize(program: Program, *primals: Any) -> tuple[Any, LinearMap]:
    """See ``chainrule.linearize``."""
    arguments = _arguments(program, primals)
    core, held = arguments.core, snapshot(arguments.values)
    reads = core.reads(held)
    out = own(core.call(arguments.values), core, arguments.values)

    def f_jvp(*tangents: Any) -> Any:
        if len(tangents) != len(primals):
            raise ArgumentError(
                f"f_jvp takes {len(primals)} tangents, not {len(tangents)}", "one for each primal"
            )
        with again(reads):
            return _pushed(arguments, as_before(held), tangents, program)[1]

    def made() -> Specialisation | Split:
        return tangent_of(core, arguments.places).made_for(held)

    return out, LinearMap(f"linear map of {name_of(program)}", f_jvp, made)
