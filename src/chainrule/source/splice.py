"""Derivatives as parts of a program: the sweeps of a piece of it, put where it was called.

What a piece reads from the program around it stays a variable of that program, so the derivative
of the whole sees it. A piece is ready for that once its saves go to a list of their own, and every
array that a sweep changes in place is a buffer: it shares memory with no other variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..rules._central import plain_guarded_product
from . import ir
from .activity import varied
from .adjoint import sweeps
from .build import CONTIGUOUS, copy
from .effects import cannot_be_repeated, without_effects
from .fold import fold, map_blocks, map_expressions
from .helpers import holds_nan, unbroadcast
from .ir import Alias, Assign, Block, Call, Effect, Expr, Index, Lit, Seq, Var
from .rulecode import Rules
from .sharing import holders, is_fresh
from .simplify import algebra
from .tangent import Tangents, fresh_names
from .types import BOOL, OBJECT, Type

Outputs = Sequence[tuple[Expr, Expr]]
"""Expressions at the end of a piece, with their cotangents or tangents."""


def reversed_piece(
    piece: ir.Program, wrt: Sequence[str], outputs: Outputs
) -> tuple[ir.Program, list[Expr]]:
    """Return a piece followed by its reverse sweep, and the cotangents of some inputs."""
    fresh = fresh_names(piece)
    kinds = [True] if cannot_be_repeated(piece) else [False, True]
    rules = [Rules(piece, fresh, kind) for kind in kinds]
    forward, backs = sweeps(piece, wrt, varied(piece, wrt), rules, fresh, outputs)
    blocks = [[*forward, *back] for back, _ in backs]
    cts = [[found[name] for name in wrt] for _, found in backs]
    body, results = _simplified(*_unless_nan(piece, blocks, cts, fresh))
    return _settled(replace(piece, body=body, types=fresh.types), fresh), results


def tangent_piece(
    piece: ir.Program, dots: dict[str, Expr], outputs: Sequence[Expr]
) -> tuple[ir.Program, list[Expr | None]]:
    """Return a piece with its tangents, for those of some inputs, and the tangents of outputs."""
    fresh = fresh_names(piece)
    kinds = [True] if cannot_be_repeated(piece) else [False, True]
    blocks, found = [], []
    for kind in kinds:
        made = Tangents(piece, list(dots), Rules(piece, fresh, kind), fresh, fresh.types)
        opening: Block = [Assign(made.dot(name).name, dot) for name, dot in dots.items()]
        block = [*opening, *made.whole(piece.body)]
        with made.into(block):
            found.append([made.tangent_of(output) for output in outputs])
        blocks.append(block)
    is_zero = [any(dot is None for dot in same) for same in zip(*found, strict=True)]
    given = [[dot for dot in dots_of if dot is not None] for dots_of in found]
    body, results = _simplified(*_unless_nan(piece, blocks, given, fresh))
    rest = iter(results)
    tangents = [None if zero else next(rest) for zero in is_zero]
    return _settled(replace(piece, body=body, types=fresh.types), fresh), tangents


def _unless_nan(
    piece: ir.Program,
    blocks: Sequence[Block],
    results: Sequence[list[Expr]],
    fresh: Callable[[str, Type], Var],
) -> tuple[Block, list[Expr]]:
    """Return a derivative that is computed again with guarded products where it holds a NaN.

    ``blocks``: without guards and with them, or with them alone.
    """
    plain, guarded = blocks[0], blocks[-1]
    if plain is guarded or not _can_be_infinite(piece, guarded):
        return plain, results[0]
    held = [fresh(f"{_hint(expr)}_value", expr.type) for expr in results[0]]
    first, second = (
        [*block, *(Assign(var.name, expr) for var, expr in zip(held, found, strict=True))]
        for block, found in zip((plain, guarded), results, strict=True)
    )
    again = without_effects(replace(piece, body=second)).body
    is_nan = Call(BOOL, holds_nan, tuple(held))
    return [*first, ir.If(is_nan, again)], list(held)


def _hint(expr: Expr) -> str:
    return expr.name if isinstance(expr, Var) else "derivative"


_FINITE: frozenset[object] = frozenset(
    {
        *(np.add, np.subtract, np.multiply, np.negative, np.positive, np.square, np.sin, np.cos),
        *(np.tanh, np.arctan, np.sign, np.absolute, np.conjugate, np.real, np.imag, np.floor),
        *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
        *(float, int, range, len, np.shape, np.array, np.asarray, np.float64, np.float32),
        *(np.ndarray.astype, np.copy, np.ndarray.copy, np.zeros, np.empty, np.ones, np.eye),
        *(np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.full, np.arange),
        *(np.sum, np.cumsum, np.matmul, np.dot, np.outer, np.tensordot, np.concatenate, np.stack),
        *(np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.expand_dims),
        *(np.squeeze, np.broadcast_to, np.flip, np.roll, np.repeat, np.tile, np.diagonal),
        *(np.logical_and, np.logical_or, np.logical_not, plain_guarded_product, unbroadcast),
    }
)
"""Functions whose values are finite where their arguments are, overflow of large numbers aside.

``np.where`` and its like are not among them: what they leave out may be infinite.
"""


def _can_be_infinite(piece: ir.Program, guarded: Block) -> bool:
    """Tell whether a zero cotangent may meet a slope that is infinite, or NaN.

    Where nothing has a pole, an infinite slope comes from around the piece; the result itself is
    then no number, unless a part of what is computed is left out.
    """
    exprs = [e for s in ir.statements(guarded) for x in ir.expressions(s) for e in ir.walk(x)]
    if not any(isinstance(e, Call) and e.fn is plain_guarded_product for e in exprs):
        return False
    made = {name for s in ir.statements(piece.body) for name in ir.written(s)}
    parts = (e.base for e in exprs if isinstance(e, Index))
    return any(isinstance(base, Var) and base.name in made for base in parts) or not all(
        _has_no_pole(e) for e in exprs if isinstance(e, Call)
    )


def _has_no_pole(call: Call) -> bool:
    if call.fn in (np.divide, np.power) and isinstance(call.args[1], Lit):
        number = call.args[1].value
        return bool(number != 0 if call.fn is np.divide else number >= 0)
    return call.fn in _FINITE


# ---------------------------------------------------------------- ready to be differentiated


def _settled(piece: ir.Program, fresh: Callable[[str, Type], Var]) -> ir.Program:
    """Return a derivative as a part of a program that can be differentiated itself."""
    changed = set(_changed(piece.body))
    unordered = changed - piece.buffers
    stack = ""
    if any(isinstance(s, ir.Push) and not s.stack for s in ir.statements(piece.body)):
        stack = fresh("inner_stack", OBJECT).name

    def one(s: ir.Stmt) -> ir.Stmt:
        s = map_blocks(s, lambda block: list(map(one, block)))
        if not isinstance(s, Alias):
            s = map_expressions(s, lambda expr: ir.rewrite(expr, lambda e: _ordered(e, unordered)))
        match s:
            case ir.Push(stack="") | ir.Pop(stack=""):
                s = replace(s, stack=stack)
            case Assign(name=name, value=value) if value.type.is_array and not is_fresh(value):
                if name in changed or changed & set(holders(value)):
                    s = replace(s, value=copy(value))
        return s

    body = list(map(one, piece.body))
    views = {s.name for s in ir.statements(body) if isinstance(s, Alias)}
    return replace(piece, body=body, buffers=piece.buffers | (changed - views))


def _simplified(block: Block, results: Sequence[Expr]) -> tuple[Block, list[Expr]]:
    """Put numbers and constant arrays where they are used, so that none of them is saved."""
    block = [*block, Effect(Seq(OBJECT, tuple(results)))]
    before: set[str] | None = None
    while (constants := set(_constants(block))) != before:
        before = constants
        block = algebra(fold(block, constants.__contains__), lambda name: False)
    *block, last = block
    assert isinstance(last, Effect) and isinstance(last.value, Seq)
    return block, list(last.value.items)


def _constants(block: Block) -> Iterator[str]:
    """Yield the derivatives that are numbers, or arrays of one number."""
    for s in ir.statements(block):
        if isinstance(s, Assign) and re.search(r"_(ct|dot)(_\d+)?$", s.name):
            value = s.value
            if isinstance(value, Call) and value.fn is np.full_like:
                value = value.args[1]
            if isinstance(value, Lit) and value.value is not None:
                yield s.name


def _changed(block: Block) -> Iterator[str]:
    """Yield the arrays that some statement changes in place or hands over."""
    for s in ir.statements(block):
        match s:
            case ir.Store(target=target) | ir.Pop(target=target, index=tuple()):
                yield target.name
            case Alias(root=root):
                yield root
            case ir.Move(targets=targets, sources=sources):
                yield from targets
                yield from (source.name for source in sources)


def _ordered(expr: Expr, unordered: Collection[str]) -> Expr:
    """Reshape a copy of what may not lie in memory row by row: the result is no view for sure."""
    match expr:
        case Call(fn=fn, args=(Var(name=name) as first, *rest)) if fn in CONTIGUOUS:
            if name in unordered:
                return replace(expr, args=(copy(first), *rest))
    return expr


def read_from_around(piece: ir.Program, results: Sequence[Expr]) -> set[str]:
    """Return the variables that a piece reads and does not bind itself."""
    bound = {name for s in ir.statements(piece.body) for name in ir.written(s)}
    read = ir.names_in(*results, *(e for s in ir.statements(piece.body) for e in ir.expressions(s)))
    read |= {s.root for s in ir.statements(piece.body) if isinstance(s, Alias)}
    return read - bound


__all__ = ["Outputs", "read_from_around", "reversed_piece", "tangent_piece"]
