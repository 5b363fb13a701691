"""Whether an array lies in memory row by row, so that reshaping it makes a view of it, not a copy.

What the function makes itself is known, or follows from what it is computed from. An argument is
looked at: a program that depends on its layout is made for that layout.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..build import CONTIGUOUS, DISPLAYS, in_one_piece_of, is_one_piece
from ..ir import Call, Expr, Index, Lit, Seq, Var, walk
from ..signature import LAYOUT, Place
from ..types import Type
from .state import Refine, State

_MAKERS: tuple[Any, ...] = (np.zeros, np.ones, np.empty, np.full, np.eye, np.identity, np.arange)
_BY_ROWS = frozenset({*_MAKERS, np.ndarray.copy, np.linspace, np.outer, np.matmul, np.dot})
"""Functions whose result lies by rows."""

_LIKE = frozenset({
    *(np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.copy, np.sort, np.where),
    *(np.cumsum, np.concatenate),
})  # fmt: skip
"""Functions whose result is laid out as their arguments are, as that of ufuncs is."""


def is_by_rows(state: State, expr: Expr) -> bool:
    """Tell an array, or a part of one, that surely lies in one piece, row by row."""
    if state.origin is None:  # the text of a rule, which only reads
        return True
    match expr:
        case Var():
            return _is_variable_by_rows(state, expr)
        case Index(base=base, index=(Expr(type=Type(kind="array")) as places,)):
            return base.type.ndim == 1 and is_by_rows(state, places)
        case Index(base=base, index=index):
            return is_one_piece(index) and is_by_rows(state, base)
        case Call():
            return _is_result_by_rows(state, expr)
        case Lit(value=np.ndarray() as value):
            return bool(value.flags.c_contiguous)
    return False


def uncertain(state: State, expr: Expr) -> Call | None:
    """Return what may be a view or a copy, depending on the layout of the memory."""
    for part in walk(expr):
        if not isinstance(part, Call) or part.fn not in CONTIGUOUS:
            continue
        has_gaps = in_one_piece_of(part.args[0]) is None
        if "order" in dict(part.kwargs) or has_gaps or not is_by_rows(state, part.args[0]):
            return part
    return None


def refusal(state: State, name: str, array: Expr) -> Exception:
    """Return the error that says so."""
    whole = isinstance(array, Var)
    what = "an array" if whole else "a part of an array"
    return state.error(
        f"{name} of {what} that is changed in place: "
        "whether it is a view or a copy depends on its layout",
        "write .copy() after it, or change the array through its own indices"
        + whole * "; make it with np.zeros(shape) or .copy() if a view is meant",
    )


def order_in_memory(state: State, expr: Expr) -> str | None:
    """Return 'C' for an array that surely lies by rows, 'F' for one by columns, else None."""
    if expr.type.ndim < 2 or is_by_rows(state, expr):
        return "C"
    match expr:
        case Var(name=name) if name not in state.rebound:
            made = state.definitions.get(name)
            return None if made is None else order_in_memory(state, made)
        case Call(args=(base,), kwargs=()) if expr.fn is np.transpose and is_by_rows(state, base):
            return "F"
    return None


def is_argument_by_columns(state: State, expr: Expr) -> bool:
    """Tell an argument that surely does not lie in one piece, row by row."""
    place = _argument(state, expr)
    return place is not None and expr.type.ndim > 0 and not _layout(state, place)


def _argument(state: State, expr: Expr) -> Place | None:
    if not isinstance(expr, Var) or expr.name in state.rebound:
        return None
    return state.arguments.get(expr.name)


def _is_variable_by_rows(state: State, expr: Var) -> bool:
    place = _argument(state, expr)
    if place is not None:
        return _layout(state, place)
    if expr.type.ndim < 2 and expr.name in state.buffers:
        return True
    made = state.definitions.get(expr.name)
    return made is not None and expr.name not in state.rebound and is_by_rows(state, made)


def _layout(state: State, place: Place) -> bool:
    """Look at an argument; lowering starts over the first time."""
    name, path = place
    key = (name, (*path, LAYOUT))
    if key not in state.looked_at:
        raise Refine(("static", key))
    return bool(state.looked_at[key])


def _items(display: Expr) -> list[Expr]:
    """Return what stands in nested brackets."""
    if not isinstance(display, Seq):
        return [display]
    return [part for item in display.items for part in _items(item)]


def _is_result_by_rows(state: State, call: Call) -> bool:
    options = dict(call.kwargs)
    if "order" in options and options["order"] != Lit(options["order"].type, "C"):
        return False
    arrays = [a for a in call.args if a.type.is_array and a.type.ndim > 1]
    if call.fn in CONTIGUOUS:
        return is_by_rows(state, call.args[0])
    if call.fn in _BY_ROWS:
        return True
    if call.fn in DISPLAYS:  # np.stack is one too: it keeps the order of matrices
        arrays = [x for x in _items(call.args[0]) if x.type.is_array and x.type.ndim > 1]
    if isinstance(call.fn, np.ufunc) or call.fn in _LIKE or call.fn in DISPLAYS:
        return "shape" not in options and all(is_by_rows(state, a) for a in arrays)
    return False


__all__ = ["is_argument_by_columns", "is_by_rows", "order_in_memory", "refusal", "uncertain"]
