"""Derivatives inside a program: ``cr.grad(f)(x)`` in a function that is compiled itself.

``grad`` and its relatives make an abstract value of a function. Where that is called, the function
becomes a piece of the program, followed by its reverse sweep, or with its tangents beside it. What
comes out is code like any other, which an outer derivative differentiates once more.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from .. import derivatives
from ..build import copy, literal
from ..ir import Call, Expr, Lit, Var
from ..templates import as_template
from ..types import Type
from ..values import Derivative, Function, Items, Known, Leaf, LinearMap, Value
from . import calls, functions, jacobians, memory, pieces, slots
from .containers import FALSE, ZERO, Cut, cut, describe, items_of
from .pieces import Piece
from .state import State

# ------------------------------------------------------------------------------ the transforms


def _made(transform: str) -> Any:
    def make(state: State, f: Value, argnums: Value = ZERO, has_aux: Value = FALSE) -> Value:
        wanted = state.static(argnums, "argnums")
        return Derivative(transform, f, wanted, bool(state.static(has_aux, "has_aux")))

    return make


def _vjp(state: State, f: Value, *primals: Value, has_aux: Value = FALSE) -> Value:
    aux = bool(state.static(has_aux, "has_aux"))
    piece = pieces.piece_of(state, f, range(len(primals)), list(primals), {}, aux)
    piece, run = _taken(state, piece)
    found: list[Value] = [run.out, LinearMap("vjp", piece)]
    return Items([*found, run.aux] if aux else found)


def _linearize(state: State, f: Value, *primals: Value) -> Value:
    piece = pieces.piece_of(state, f, range(len(primals)), list(primals), {})
    piece, run = _taken(state, piece)
    return Items([run.out, LinearMap("linearize", piece)])


def _taken(state: State, piece: Piece) -> tuple[Piece, Piece]:
    """Run a piece where it stands; return it as it is there before it is run, and the run."""
    piece = pieces.frozen(state, piece)
    run = pieces.instance(state, piece, silent=False)
    pieces.emit_block(state, run.body)
    return piece, run


def _jvp(state: State, f: Value, primals: Value, tangents: Value, has_aux: Value = FALSE) -> Value:
    aux = bool(state.static(has_aux, "has_aux"))
    args, given = items_of(state, primals), items_of(state, tangents)
    if len(args) != len(given):
        raise ArgumentError(
            f"jvp got {len(args)} primals and {len(given)} tangents",
            "give one tangent each",
            state.location,
        )
    piece = pieces.piece_of(state, f, range(len(args)), args, {}, aux)
    dot = pieces.tangents(state, piece, _dots(state, piece, given))
    return Items([piece.out, dot, piece.aux] if aux else [piece.out, dot])


def _hvp(state: State, f: Value, primals: Value, tangents: Value) -> Value:
    count = len(items_of(state, primals))
    gradient = Derivative("grad", f, 0 if count == 1 else tuple(range(count)))
    found = _jvp(state, gradient, primals, tangents)
    assert isinstance(found, Items)
    return found.items[1]


def _stop_gradient(state: State, x: Value) -> Value:
    def detached(leaf: Value) -> Value:
        if not isinstance(leaf, Leaf) or not leaf.type.is_differentiable:
            return leaf
        if not leaf.type.is_array:
            return Leaf(cut(state, Cut(leaf.expr)))
        return Leaf(copy(cut(state, Cut(state.temporary(copy(leaf.expr))))))  # of its own, for sure

    return pieces.mapped(x, detached)


def _compile(state: State, f: Value, *, backend: Value = FALSE, parallel: Value = FALSE) -> Value:
    return f  # it becomes a part of the program anyway


HANDLERS: dict[str, Any] = {
    **{name: _made(name) for name in ("grad", "value_and_grad", "jacfwd", "jacrev", "hessian")},
    "jacobian": _made("jacrev"),
    "compile": _compile,
    "vjp": _vjp,
    "jvp": _jvp,
    "linearize": _linearize,
    "hvp": _hvp,
    "stop_gradient": _stop_gradient,
}
"""Name of a transform -> ``handler(state, *args, **kwargs) -> Value``."""


# ------------------------------------------------------------------------------ calling them


def call_derivative(
    state: State, d: Derivative | LinearMap, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Call a gradient, a Jacobian or a pullback."""
    if isinstance(d, LinearMap):
        apply = _pulled if d.transform == "vjp" else _pushed
        return apply(state, d.piece, args)
    if d.transform == "hessian":
        d = Derivative("jacfwd", Derivative("grad", d.function, d.argnums), d.argnums)
    if d.transform in ("jacfwd", "jacrev"):
        return _jacobian(state, d, args, kwargs)
    return _gradient(state, d, args, kwargs)


def _gradient(state: State, d: Derivative, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Return the gradient, with the value or the aux value beside it."""
    piece, single = _piece(state, d, args, kwargs)
    program = pieces.program_of(state, piece)
    program.name = _name_of(d.function)
    program.result = as_template(piece.out, lambda leaf, _: leaf.expr)
    if isinstance(piece.out, Known):
        program.result = piece.out.expr
    try:
        out, _ = derivatives.scalar_result(program, False)
    except (ArgumentError, ShapeError) as error:
        raise type(error)(error.problem, error.instead, state.location) from None
    rest = piece.out if d.transform == "value_and_grad" else Known(None)
    if d.has_aux:
        rest = Items([rest, piece.aux]) if d.transform == "value_and_grad" else piece.aux
    with state.into(piece.body):
        rest = pieces.kept(state, rest)
    found = list(pieces.cotangents(state, piece, [(out, literal(1.0))]))
    gradient = found[0] if single else Items(found)
    if d.transform == "value_and_grad":
        return Items([rest, gradient])
    return Items([gradient, rest]) if d.has_aux else gradient


def _piece(
    state: State, d: Derivative, args: list[Value], kwargs: dict[str, Value]
) -> tuple[Piece, bool]:
    """Return the function with these arguments; whether it is differentiated by a single one."""
    single = isinstance(d.argnums, (int, str))
    wanted = [d.argnums] if isinstance(d.argnums, (int, str)) else list(d.argnums)
    found = [_slot(state, d.function, n, args, kwargs) for n in wanted]
    if len(set(found)) < len(found):
        raise ArgumentError(
            f"argnums={d.argnums!r} names an argument twice",
            "name each argument once",
            state.location,
        )
    return pieces.piece_of(state, d.function, found, args, kwargs, d.has_aux), single


def _slot(
    state: State, function: Value, n: int | str, args: list[Value], kwargs: dict[str, Value]
) -> int | str:
    """Return where an argument is: its position, or its keyword."""
    if isinstance(n, str) and n in kwargs:
        return n
    if isinstance(n, int) and -len(args) <= n < len(args):
        return n % len(args)
    names = _parameters(state, function)
    if isinstance(n, str) and n in names[: len(args)]:
        return names.index(n)
    if isinstance(n, int) and 0 <= n < len(names) and names[n] in kwargs:
        return names[n]
    raise ArgumentError(
        f"argnums={n!r}, but {_name_of(function)} was called with {len(args)} positional "
        f"arguments and the keywords {sorted(kwargs)}",
        "give the argument in the call, or another argnums",
        state.location,
    )


def _parameters(state: State, function: Value) -> list[str]:
    """Return the names of the arguments that a call of a function may give by position."""
    while isinstance(function, Derivative):
        function = function.function
    if isinstance(function, Known):
        return list(inspect.signature(function.value).parameters)
    if not isinstance(function, Function):
        return []
    a = function.node.args
    return [p.arg for p in (*a.posonlyargs, *a.args)][len(function.first) :]


def _name_of(function: Value) -> str:
    if isinstance(function, Derivative):
        return f"{function.transform}({_name_of(function.function)})"
    if isinstance(function, Function):
        return functions.name_of(function)
    return str(getattr(getattr(function, "value", None), "__name__", describe(function)))


# ------------------------------------------------------------------------------- linear maps


def _pulled(state: State, piece: Piece, given: list[Value]) -> Value:
    """Call a pullback: the function is run again where it was, and then backwards."""
    if len(given) != 1:
        raise ArgumentError(
            f"The pullback takes one cotangent, not {len(given)}",
            "give one, of the structure of the output",
            state.location,
        )
    run = pieces.instance(state, piece)
    outputs = list(_matched(state, run.out, given[0], "cotangent"))
    return Items(list(pieces.cotangents(state, run, outputs)))


def _pushed(state: State, piece: Piece, given: list[Value]) -> Value:
    """Call the map of tangents to tangents."""
    if len(given) != len(piece.primals):
        raise ArgumentError(
            f"f_jvp takes {len(piece.primals)} tangents, not {len(given)}",
            "one for each primal",
            state.location,
        )
    run = pieces.instance(state, piece)
    return pieces.tangents(state, run, _dots(state, run, given))


def _dots(state: State, piece: Piece, given: list[Value]) -> dict[str, Expr]:
    """Return the tangents of the variables by which a piece is differentiated."""
    found = {}
    for primal, tangent in zip(piece.primals, given, strict=True):
        for place, dot in _matched(state, primal, tangent, "tangent"):
            assert isinstance(place, Var)
            found[place.name] = dot
    return found


def _matched(state: State, value: Value, given: Value, what: str) -> list[tuple[Expr, Expr]]:
    """Pair the numbers and arrays of a value with those of its tangent or cotangent."""
    if isinstance(given, Known) and given.value is None:
        return []
    if isinstance(value, (Leaf, Known)):
        if not pieces.is_number(value):
            return []
        return [(value.expr, _as_like(state, given, value.expr.type, what))]
    mine, others = (
        {key: x for holder in slots.inside(x) for key, x in slots.entries(holder)}
        for x in (value, given)
    )
    if mine.keys() != others.keys():
        raise ArgumentError(
            f"The {what} has not the structure of its value: a {describe(value)}, and it is a "
            f"{describe(given)}",
            f"give a {what} of the same containers, with None where it is zero",
            state.location,
        )
    return [pair for key, x in mine.items() for pair in _matched(state, x, others[key], what)]


def _as_like(state: State, given: Value, like: Type, what: str) -> Expr:
    """Check one tangent or cotangent; give it the dtype of its value, and a name."""
    if isinstance(given, Items):
        given = calls.call(state, Known(np.array), [given], {})
    if not isinstance(given, (Leaf, Known)) or given.expr.type.dtype is None:
        raise ArgumentError(
            f"The {what} is a {describe(given)}",
            "give a number or an array like the value",
            state.location,
        )
    expr = given.expr
    found = expr.type
    if found.ndim != like.ndim:
        raise ShapeError(
            f"The {what} has {found.ndim} axes, its value {like.ndim}",
            f"give a {what} of the shape of the value",
            state.location,
        )
    assert found.dtype is not None and like.dtype is not None
    if found.dtype.kind == "c" and like.dtype.kind != "c":
        raise ArgumentError(
            f"A complex {what} for a real value",
            f"give a real {what}, or make the value complex",
            state.location,
        )
    if isinstance(expr, Lit) and like.is_number:
        return literal(complex(expr.value) if like.dtype.kind == "c" else float(expr.value))
    if found.dtype != like.dtype and like.is_array:
        expr = Call(like, np.ndarray.astype, (expr, Lit(Type("object"), like.dtype.type)))
    elif not found.is_differentiable:
        expr = Call(like, float, (expr,))
    if memory.root_of(state, expr) is not None:
        expr = copy(expr)
    return state.temporary(expr, f"y_{'ct' if what == 'cotangent' else 'dot'}")


# ---------------------------------------------------------------------------------- Jacobians


def _jacobian(state: State, d: Derivative, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Return one array for each pair of an output and an argument."""
    piece, single = _piece(state, d, args, kwargs)
    piece, run = _taken(state, piece)
    values = pieces.leaves(run.out)

    def of_output(y: Value) -> Value:
        value = next(values)
        if not pieces.is_number(y):
            raise ArgumentError(
                f"{_name_of(d.function)} returned a {describe(y)}, which has no Jacobian",
                "return numbers or arrays of floats",
                state.location,
            )
        found = [
            pieces.mapped(
                primal,
                lambda x: _block(state, d.transform, Piece(piece.body, [x], y, Known(None)), value),
            )
            for primal in piece.primals
        ]
        return found[0] if single else Items(found)

    return pieces.mapped(piece.out, of_output)


def _block(state: State, transform: str, piece: Piece, value: Value) -> Value:
    """Return the Jacobian of one output by one input, a row or a column at a time."""
    (x,), y = piece.primals, piece.out
    if not isinstance(x, Leaf) or not x.type.is_differentiable:
        return Known(None)
    if any(leaf.expr.type.dtype.kind == "c" for leaf in (x, y)):  # type: ignore[attr-defined]
        raise state.error(
            "A Jacobian of complex values inside a function that is compiled",
            "use cr.vjp or cr.jvp, or real and imaginary parts",
        )
    by_rows = transform == "jacrev"
    text = functions.function_value(state, jacobians.by_rows if by_rows else jacobians.by_columns)
    assert text is not None
    linear = LinearMap("vjp" if by_rows else "linearize", piece)
    return functions.inline(state, text, [linear, x, value], {})
