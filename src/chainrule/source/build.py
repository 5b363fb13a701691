"""Building typed expressions for generated code, with the algebra that costs nothing.

Only rewrites that hold for every float are done here: 1 * x, x * -1, -(-x). Not 0 * x or x - x.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any

import numpy as np

from ..rules.products import einsum_of_arrays
from .ir import Call, Expr, Index, Lit, Slice, Var
from .results import call
from .types import INT, type_of

__all__ = [
    "CONTIGUOUS",
    "DISPLAYS",
    "VIEWS",
    "add",
    "base_variable",
    "call",
    "copy",
    "integer",
    "is_literal",
    "literal",
    "multiply",
    "negative",
    "zeros_like",
]


def literal(value: Any) -> Lit:
    """Return a Python object as an expression."""
    return Lit(type_of(value), value)


def is_literal(expr: Expr, value: float) -> bool:
    """Tell whether an expression is this Python number."""
    return isinstance(expr, Lit) and type(expr.value) in (int, float) and expr.value == value


def negative(a: Expr) -> Expr:
    """``-a``."""
    if isinstance(a, Call) and a.fn is np.negative:
        return a.args[0]
    if isinstance(a, Lit) and type(a.value) in (int, float):
        return literal(-a.value)
    return call(np.negative, a)


def multiply(a: Expr, b: Expr) -> Expr:
    """``a * b``; a quotient or a sign in ``b`` is drawn out of it."""
    for one, other in ((a, b), (b, a)):
        if is_literal(one, 1):
            return other
        if is_literal(one, -1):
            return negative(other)
    if isinstance(b, Call) and b.fn is np.negative:
        return negative(multiply(a, b.args[0]))
    if isinstance(a, Call) and a.fn is np.negative:
        return negative(multiply(a.args[0], b))
    if isinstance(b, Call) and b.fn is np.divide and is_literal(b.args[0], 1):
        return call(np.divide, a, b.args[1])
    return call(np.multiply, a, b)


def add(a: Expr, b: Expr) -> Expr:
    """``a + b``."""
    if isinstance(b, Call) and b.fn is np.negative:
        return call(np.subtract, a, b.args[0])
    return call(np.add, a, b)


def zeros_like(x: Expr) -> Expr:
    """Zeros of the shape and dtype of ``x``."""
    if x.type.is_number:
        return literal(0.0) if x.type.kind == "python" else call(x.type.dtype.type, literal(0))  # type: ignore[union-attr]
    return Call(x.type, np.zeros_like, (x,))


def copy(x: Expr) -> Expr:
    """A copy of an array; numbers need none."""
    return x if x.type.is_number else Call(x.type, np.ndarray.copy, (x,))


def integer(value: int) -> Lit:
    """Return a Python integer as an expression."""
    return Lit(INT, value)


def base_variable(expr: Expr, buffers: Collection[str] = ()) -> Var | None:
    """The variable at the base of a chain of indices and view-making calls.

    ``buffers``: variables whose memory is contiguous, so that reshaping them makes a view.
    """
    while True:
        match expr:
            case Var():
                return expr
            case Index(base=base):
                expr = base
            case Call(args=(first, *_)) if expr.fn in VIEWS or is_rearranging(expr):
                expr = first
            case Call(args=(first, *_)) if expr.fn in CONTIGUOUS:
                whole = in_one_piece_of(first)
                return whole if whole is not None and whole.name in buffers else None
            case _:
                return None


def in_one_piece_of(expr: Expr) -> Var | None:
    """Return the variable of which an expression is all, or a part without gaps, row by row."""
    while isinstance(expr, Index) and is_one_piece(expr.index):
        expr = expr.base
    return expr if isinstance(expr, Var) else None


def is_one_piece(index: tuple[Expr, ...]) -> bool:
    """Tell ``[i, j, a:b]``: integers, then a slice of neighbours, then whole axes."""
    integers = list(itertools.takewhile(_is_integer, index))
    run, *rest = [*index[len(integers) :], None]
    return (run is None or _is_run(run)) and all(e is None or _is_all(e) for e in rest)


def _is_integer(entry: Expr) -> bool:
    return entry.type.is_number and entry.type.dtype is not None and entry.type.dtype.kind in "iu"


def _is_run(entry: Expr) -> bool:
    if isinstance(entry, Lit):
        return isinstance(entry.value, slice) and entry.value.step in (None, 1)
    return isinstance(entry, Slice) and entry.step is None


def _is_all(entry: Expr) -> bool:
    return isinstance(entry, Lit) and entry.value == slice(None)


def is_rearranging(call: Call) -> bool:
    """Tell ``np.einsum`` that sums nothing: it names the axes of an array anew, which is a view."""
    if call.fn is not einsum_of_arrays.fn or len(call.args) != 1:
        return False
    text = dict(call.kwargs)["subscripts"]
    assert isinstance(text, Lit)
    before, _, after = text.value.partition("->")
    return set(before) <= set(after)


VIEWS: frozenset[Any] = frozenset(
    {
        *(np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze),
        *(np.flip, np.fliplr, np.flipud, np.rot90, np.asarray, np.asanyarray),
        *(np.atleast_1d, np.atleast_2d, np.atleast_3d, np.real, np.imag),
    }
)
"""Calls whose result is a view of their first argument, whatever its memory layout."""

DISPLAYS: frozenset[Any] = frozenset({np.array, np.asarray})
"""Functions of a display of numbers and arrays, or of a single one."""

CONTIGUOUS: frozenset[Any] = frozenset({np.reshape, np.ravel})
"""Calls whose result is a view of a contiguous argument."""
