"""Products with the derivative of a compiled function: pullbacks, tangents, the linear map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .._core import top_trace
from .._trees import leaves_of, map_leaves, rebuild
from ..errors import ArgumentError
from ..rules._central import zeros
from ..source.again import again
from ..source.alike import OTHER
from ..source.primitive import as_before, is_number, snapshot
from ..source.products import pull, pullback_of, push, tangent_of
from ..source.program import Program
from ..source.residuals import Pulled, run_once
from ..source.specialise import Specialisation
from ..source.two_sweeps import Split
from ._calls import Call, Function, matching, name_of
from ._compiled_calls import Arguments, arguments_of, own, settled
from ._linear_map import LinearMap
from ._pull_shortcuts import pull_shortcut
from ._runs import split_aux
from ._shortcuts import attempt, push_shortcut


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
    if not has_aux:
        for shortcut in program.pulling.shortcuts:
            found = shortcut(primals, {})
            if found is not OTHER:
                return found
    arguments = _arguments(program, primals)
    result, back, made = pulled_back(arguments.core, arguments.values, arguments)
    out, aux = _with_aux(result, has_aux, program)
    pullback = pullback_for(arguments, out, aux, back, has_aux)
    back_map = LinearMap(f"pullback of {name_of(program)}", pullback, made)
    if has_aux:
        return out, back_map, aux
    if type(arguments.core) is Program:
        attempt(program.pulling, partial(pull_shortcut, program, arguments, out, _restarted))
    return out, back_map


def _restarted(program: Program, primals: Sequence[Any], out: Any, pulled: Pulled) -> Function:
    """Return the pullback that takes any cotangents, from what a run has left."""
    return pullback_for(_arguments(program, primals), out, None, pulled, False)


def pullback_for(
    arguments: Arguments, out: Any, aux: Any, back: Function, has_aux: bool
) -> Function:
    """Return the pullback of a result, for ``back`` that gives cotangents place by place."""
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
        return tuple(own(trees, arguments.core, arguments.values, given))

    return pullback


def _like(x: Any) -> Any:
    """Return what has the shape and dtype of a leaf, and hardly any memory."""
    return np.broadcast_to(np.zeros((), x.dtype), x.shape) if type(x) is np.ndarray else x


def jvp(
    program: Program, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> Any:
    """See ``chainrule.jvp``."""
    if not has_aux:
        for shortcut in program.pushing.shortcuts:
            found = shortcut((primals, tangents), {})
            if found is not OTHER:
                return found
    moved = tuple(k for k, t in enumerate(tangents) if t is not None)
    arguments = arguments_of(program, Call(program, moved, tuple(primals), {}))
    directions = [tangents[k] for k in moved]
    value, dot, raw = _pushed(arguments, arguments.values, directions, program, has_aux)
    if has_aux:
        out, aux = _with_aux(value, has_aux, program)
        return out, dot, aux
    write = partial(push_shortcut, program, arguments, tangents, raw, (value, dot))
    attempt(program.pushing, write)
    return value, dot


def _pushed(
    arguments: Arguments,
    values: Sequence[Any],
    tangents: Sequence[Any],
    program: Program,
    has_aux: bool = False,
) -> tuple[Any, Any, Any]:
    """Return value and tangent, the latter of the output alone, and both as they were computed."""
    core = arguments.core
    dots = arguments.dots(tangents)
    result, dot = raw = push(core, values, arguments.places, dots)
    out, _ = _with_aux(result, has_aux, program)
    dot = dot[0] if has_aux else dot
    dot = rebuild(out, iter(list(settled(leaves_of(dot), leaves_of(out)))))
    result, dot = own((result, dot), core, values, dots)
    return result, dot, raw


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
