"""Tangents of calls of a program's own functions, and of these functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from . import ir
from .build import zeros_like
from .callees import floats
from .ir import Expr, Invoke, Turn

if TYPE_CHECKING:
    from .tangent import Tangents

Start = Callable[[ir.Program, Sequence[str]], "Tangents"]
"""Begins the tangents of a function, by some of its inputs."""


def write_call(made: Tangents, s: Invoke, start: Start) -> None:
    """Call the tangent of a function.

    That of a function in two halves is taken by all that can vary: both halves must agree.
    """
    function = made.callees.functions[s.function]
    if s.half:
        active = tuple(floats(function))
    else:
        active = made.callees.active(s.function, s.args, made.varied)
    name = made.callees.version(
        s.function, ("tangent", active), "jvp", lambda new: _tangent(function, new, active, start)
    )
    head, names = (s.args[:1], s.names) if s.half == "reverse" else ((), s.names)
    given = s.args[len(head) :]
    if s.half != "reverse":
        dots = [_dot(made, given[k]) for k in active]
    else:
        dots = [_dot(made, ct) for ct in given if ct.type.is_differentiable]
    tail = (names[-1:], names[:-1]) if s.half == "forward" else ((), names)
    saved, results = tail
    result_dots = [made.dot(n).name for n in results if made.types[n].is_differentiable]
    made.emit(
        replace(s, function=name, args=(*s.args, *dots), names=(*results, *result_dots, *saved))
    )


def write_turn(made: Tangents, s: Turn) -> None:
    """Hand out the tangents of the results too, and take those of the cotangents."""
    dots = [_dot(made, value) for value in s.values if value.type.is_differentiable]
    names = [made.dot(name).name for name in s.names]
    made.emit(replace(s, values=(*s.values, *dots), names=(*s.names, *names)))


def _dot(made: Tangents, expr: Expr) -> Expr:
    found = made.tangent_of(expr)
    return zeros_like(expr) if found is None else found


def _tangent(function: ir.Program, name: str, active: Sequence[int], start: Start) -> ir.Program:
    """Return the function of the results and their tangents."""
    wrt = [function.parameters[k].name for k in active]
    cts = [n for s in function.body if isinstance(s, Turn) for n in s.names]
    made = start(function, [*wrt, *cts])
    body = made.beginning() + made.whole(function.body)
    with made.into(body):
        dots = [_dot(made, value) for value in function.result if value.type.is_differentiable]
    new = [made.dot(n).name for n in wrt]
    return replace(
        function,
        name=name,
        parameters=[*function.parameters, *map(ir.Parameter, new)],
        body=body,
        result=(*function.result, *dots),
        types=made.types,
        inputs=function.inputs | {made.dot(n).name: (made.dot(n).name, ()) for n in (*wrt, *cts)},
        buffers=function.buffers | made.buffer_dots(),
    )
