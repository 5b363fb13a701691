"""A function at some values as a piece of the program: what a derivative inside a program is of.

The function is lowered where its derivative is called, with variables of its own for the values
that it is differentiated by. Whatever else it reads, closed-over variables of the functions around
it among them, stays what it is, so nothing is confused with what an outer derivative is taken by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import ArgumentError
from .. import ir, results, splice
from ..build import copy
from ..effects import without_effects
from ..ir import Assign, Block, Call, Expr, Invoke, Lit, Opaque, Var, statements, written
from ..tidy import renamed
from ..types import FLOAT, type_of
from ..values import Items, Known, Leaf, Mapping, Record, Value
from . import calls, memory, slots
from .state import Place, State, is_plain_number


@dataclass(slots=True)
class Piece:
    """What a function computes: statements, the arguments by which it is differentiated, results.

    The leaves of ``primals`` that can be differentiated are variables.
    """

    body: Block
    primals: list[Value]
    out: Value
    aux: Value

    @property
    def wrt(self) -> list[str]:
        """The variables by which it is differentiated."""
        return [leaf.expr.name for x in self.primals for leaf in inputs_in(x)]  # type: ignore[attr-defined]


def mapped(value: Value, change: Callable[[Value], Value]) -> Value:
    """Return a container of the same kind, with its numbers and arrays changed."""
    match value:
        case Leaf() | Known():
            return change(value)
        case Items(items=items):
            return slots.rebuilt(value, {k: mapped(x, change) for k, x in enumerate(items)})
        case Mapping(items=entries) | Record(attributes=entries):
            return slots.rebuilt(value, {k: mapped(x, change) for k, x in entries.items()})
    return value


def leaves(value: Value) -> Iterator[Value]:
    """Yield the numbers and arrays in a value, and whatever else is known."""
    found: list[Value] = []

    def note(leaf: Value) -> Value:
        found.append(leaf)
        return leaf

    mapped(value, note)
    yield from found


def is_number(leaf: Value) -> bool:
    """Tell whether a leaf of a result can carry a derivative."""
    if isinstance(leaf, Leaf):
        return leaf.type.is_differentiable
    return isinstance(leaf, Known) and type_of(leaf.value).is_differentiable


def inputs_in(value: Value) -> Iterator[Leaf]:
    """Yield the variables of an argument by which a function is differentiated."""
    for leaf in leaves(value):
        if isinstance(leaf, Leaf) and leaf.type.is_differentiable:
            yield leaf


# ---------------------------------------------------------------------------------- making one


def piece_of(
    state: State,
    function: Value,
    wanted: Sequence[int | str],
    args: list[Value],
    kwargs: dict[str, Value],
    has_aux: bool = False,
) -> Piece:
    """Lower a call of a function as a piece of its own; ``wanted``: which arguments vary."""
    before = set(state.types)
    given, named, primals = list(args), dict(kwargs), []
    for slot in wanted:
        hint = slot if isinstance(slot, str) else f"x{slot + 1}"
        value = given[slot] if isinstance(slot, int) else named[slot]
        primals.append(mapped(value, lambda x, hint=hint: _as_input(state, x, hint)))  # type: ignore[misc]
        if isinstance(slot, int):
            given[slot] = primals[-1]
        else:
            named[slot] = primals[-1]
        if not any(True for _ in inputs_in(primals[-1])):
            raise ArgumentError(
                f"Argument {slot!r} of a derivative has nothing to differentiate by",
                "pass a float, an array or a container of them, or name another argument "
                "by argnums=",
                state.location,
            )
    inputs = {leaf.expr.name for x in primals for leaf in inputs_in(x)}  # type: ignore[attr-defined]
    body: Block = []
    with state.into(body):
        result = memory.held(state, calls.call(state, function, given, named), "y")
    _check(state, body, before, inputs)
    out, aux = _split_aux(state, result, has_aux)
    return Piece(body, primals, out, aux)


def _as_input(state: State, x: Value, hint: str) -> Value:
    """Give a number or an array a variable of its own; integers count as floats."""
    if isinstance(x, Known):
        is_array = isinstance(x.value, np.ndarray) and x.value.dtype.kind in "iufc"
        if not is_array and (not is_plain_number(x) or isinstance(x.value, (bool, np.bool_))):
            return x
        value = x.value if type_of(x.value).is_differentiable else np.multiply(x.value, 1.0)
        value = float(value) if type(x.value) is int else value
        x = Leaf(Lit(type_of(value), value))
    if not isinstance(x, Leaf) or x.type.dtype is None or x.type.dtype.kind == "b":
        return x
    expr = x.expr
    if not x.type.is_differentiable:
        is_python = x.type.kind == "python"
        expr = Call(FLOAT, float, (expr,)) if is_python else results.call(
            np.multiply, expr, Lit(FLOAT, 1.0)
        )  # fmt: skip
    return _own_variable(state, expr, hint)


def _own_variable(state: State, expr: Expr, hint: str) -> Leaf:
    """Bind a value to a variable that may be changed in place without changing anything else."""
    name, here = state.fresh(hint), state.origin and (state.origin.file, state.origin.line)
    site = ("input", state.path, here, hint)
    is_buffer = expr.type.is_array and ("buffer", site) in state.refinements
    is_shared = is_buffer or memory.root_of(state, expr) is not None
    state.types[name] = expr.type
    state.spliced.add(name)
    state.definitions[name] = None  # it varies, whatever it is made of
    state.emit(Assign(name, copy(expr) if expr.type.is_array and is_shared else expr))
    if expr.type.is_array:
        state.sites[name] = frozenset({site})
    if is_buffer:
        state.buffers.add(name)
        state.definitions[name] = copy(expr)
    return Leaf(Var(expr.type, name), name if is_buffer else None)


def _check(state: State, body: Block, before: set[str], inputs: set[str]) -> None:
    """Refuse what the function leaves behind around it, and what only the tape can follow."""
    for s in statements(body):
        if isinstance(s, Opaque):
            raise state.error(
                f"A derivative, inside a function that is compiled, of "
                f"{getattr(s.fn, '__name__', s.fn)}, which has neither a rule nor source",
                "give it a rule with cr.primitive",
            )
        if isinstance(s, Invoke):
            raise state.error(
                f"A derivative, inside a function that is compiled, of {s.function}, which calls "
                "itself until something that is computed says stop",
                "differentiate the whole: cr.grad(cr.compile(f)); or write a loop",
            )
        for name in written(s):
            root = state.roots.get(name, name) if isinstance(s, ir.Store) else name
            if root in before:
                raise state.error(
                    f"A function that is differentiated inside another one changes {root}, "
                    "which belongs to the latter",
                    "let it return the new value, or change a copy",
                )
    inner = set(state.types) - before - inputs - set(state.hidden)
    for place, holder in slots.holders(state).items():
        for key, value in slots.entries(holder):
            if memory.mentions(state, value) & inner:
                raise state.error(
                    f"A function that is differentiated inside another one keeps a value in "
                    f"{slots.base_at(state, (place, key))}, which belongs to the latter",
                    "return it from that function, with has_aux=True",
                )


def _split_aux(state: State, result: Value, has_aux: bool) -> tuple[Value, Value]:
    if not has_aux:
        return result, Known(None)
    if not (isinstance(result, Items) and result.kind == "tuple" and len(result.items) == 2):
        raise ArgumentError(
            "has_aux=True, but the function did not return a pair (output, aux)",
            "return two values, or leave has_aux out",
            state.location,
        )
    return result.items[0], result.items[1]


# ---------------------------------------------------------------------- derivatives of a piece


def program_of(state: State, piece: Piece) -> ir.Program:
    """Return a piece as a program, whose parameters are the variables that it reads."""
    exprs = [x.expr for part in (piece.out, piece.aux) for x in leaves(part) if is_number(x)]  # type: ignore[attr-defined]
    inputs: dict[str, Place] = {name: (name, ()) for name in piece.wrt}
    program = ir.Program(
        "piece", [], piece.body, None, dict(state.types), inputs, frozenset(state.buffers),
    )  # fmt: skip
    around = splice.read_from_around(program, exprs) - inputs.keys()
    program.parameters = [ir.Parameter(name) for name in sorted(around)]
    return program


def emit(state: State, made: ir.Program) -> None:
    """Add a derivative of a piece to the program."""
    for name, found in made.types.items():
        if name not in state.types:
            state.types[name] = found
            state.definitions[name] = None
            state.spliced.add(name)
    state.buffers |= made.buffers
    emit_block(state, made.body)


def emit_block(state: State, block: Block) -> None:
    """Add statements to the program; the line of what has none is that of the call."""
    for s in statements(block):
        s.origin = s.origin or state.origin
        if isinstance(s, ir.Alias):
            state.roots[s.name] = s.root
    for s in block:
        state.emit(s)


def cotangents(state: State, piece: Piece, outputs: Sequence[tuple[Expr, Expr]]) -> Iterator[Value]:
    """Run a piece and its reverse sweep; yield the cotangents of its primals."""
    made, found = splice.reversed_piece(program_of(state, piece), piece.wrt, outputs)
    emit(state, made)
    by_name = dict(zip(piece.wrt, found, strict=True))

    def ct_of(x: Value) -> Value:
        if not isinstance(x, Leaf) or not x.type.is_differentiable:
            return Known(None)
        assert isinstance(x.expr, Var)
        return named(state, by_name[x.expr.name], f"{x.expr.name}_ct")

    for primal in piece.primals:
        yield mapped(primal, ct_of)


def tangents(state: State, piece: Piece, dots: dict[str, Expr]) -> Value:
    """Run a piece along a direction; return the tangent of its output."""
    outputs = [x.expr for x in leaves(piece.out) if is_number(x)]  # type: ignore[attr-defined]
    made, found = splice.tangent_piece(program_of(state, piece), dots, outputs)
    emit(state, made)
    rest = iter(found)

    def dot_of(x: Value) -> Value:
        if not is_number(x):
            return Known(None)
        dot = next(rest)
        assert isinstance(x, (Leaf, Known))
        return zeros(state, x) if dot is None else named(state, dot, "y_dot")

    return mapped(piece.out, dot_of)


def zeros(state: State, x: Leaf | Known) -> Value:
    """Return zeros like a number or an array."""
    if x.expr.type.is_number:
        return Known(0.0)
    return named(state, Call(x.expr.type, np.zeros_like, (x.expr,)), "y_dot")


def named(state: State, expr: Expr, hint: str) -> Leaf:
    """Keep a derivative in a variable, which may be changed in place later."""
    if not expr.type.is_array:
        return Leaf(expr if isinstance(expr, Lit) else state.temporary(expr, hint))
    if isinstance(expr, Var) and expr.name in state.buffers:
        return Leaf(expr, expr.name)
    whole, name = copy(expr), state.fresh(hint)
    is_buffer = memory.is_buffer_made(state, whole)
    memory.assign(state, name, whole if is_buffer else expr)
    memory.note_sites(state, name, memory.sites_of(state, whole))
    return Leaf(Var(expr.type, name), name if is_buffer else None)


def kept(state: State, value: Value) -> Value:
    """Save results of a piece from what a reverse sweep overwrites."""

    def keep(x: Value) -> Value:
        if not isinstance(x, Leaf) or isinstance(x.expr, Lit):
            return x
        is_array = x.type.is_array
        return named(state, copy(x.expr) if is_array else x.expr, "y_value")

    return mapped(value, keep)


# ------------------------------------------------------------------- pieces that are used again


def frozen(state: State, piece: Piece) -> Piece:
    """Return a piece that reads what it reads as it is now, whatever is assigned later."""
    program = program_of(state, piece)
    names = {}
    for parameter in program.parameters:
        if parameter.name in state.hidden or parameter.name not in state.types:
            continue
        var = Var(state.types[parameter.name], parameter.name)
        names[parameter.name] = state.fresh(parameter.name)
        is_kept = memory.root_of(state, var) is not None
        memory.assign(state, names[parameter.name], copy(var) if is_kept else var)
        state.spliced.add(names[parameter.name])
    return _renamed(piece, program, names)


def instance(state: State, piece: Piece, silent: bool = True) -> Piece:
    """Return a piece with variables of its own, to be run once; ``silent``: it prints nothing."""
    program = program_of(state, piece)
    program = without_effects(program) if silent else program
    bound = {name for s in statements(program.body) for name in written(s)}
    names = {}
    for name in sorted(bound | set(piece.wrt)):
        names[name] = state.fresh(name)
        state.types[names[name]] = state.types[name]
        state.definitions[names[name]] = None
        state.spliced.add(names[name])
        if name in state.buffers:
            state.buffers.add(names[name])
    for name in piece.wrt:
        var = Var(state.types[name], name)
        shared = name in state.buffers
        state.emit(Assign(names[name], copy(var) if shared else var))
    return _renamed(piece, program, names)


def _renamed(piece: Piece, program: ir.Program, names: dict[str, str]) -> Piece:
    parts = [*piece.primals, piece.out, piece.aux]
    exprs = [x.expr for part in parts for x in leaves(part) if isinstance(x, Leaf)]
    made = renamed(replace(program, result=exprs), names)
    rest = iter(made.result)
    found = [
        mapped(part, lambda x: Leaf(next(rest), x.root and names.get(x.root, x.root))
               if isinstance(x, Leaf) else x)
        for part in parts
    ]  # fmt: skip
    return Piece(made.body, found[: len(piece.primals)], found[-2], found[-1])
