"""Small algebra on generated expressions: ``1 * x``, ``0 + x``, ``-(-x)``, ``x - (-y)``.

Only what holds for every number is rewritten, up to the sign of a zero: not ``0 * x``, which is NaN
for an infinite ``x``, and no product of complex numbers, whose parts mix. A result keeps its dtype.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from . import ir
from .sharing import copied, holders, is_fresh
from .types import type_of


def simplified(expr: ir.Expr, is_stored: bool = False) -> ir.Expr:
    """Return the expression with the algebra applied inside it, from the leaves up.

    ``is_stored``: the value is stored into an array, so it may be a bare variable. Elsewhere
    ``1 * x`` has memory of its own, and becomes ``x.copy()``.
    """
    done = ir.rewrite(expr, _step)
    if is_stored or Counter(holders(done)) <= Counter(holders(expr)):
        return done
    if isinstance(expr, ir.Seq):
        return replace(expr, items=tuple(map(simplified, expr.items)))
    if not isinstance(expr, ir.Call):
        return expr
    inside = replace(expr, args=tuple(ir.rewrite(arg, _step) for arg in expr.args))
    bare = _step(inside)
    if isinstance(bare, (ir.Var, ir.Index)) and bare.type == expr.type:
        return ir.Call(expr.type, np.ndarray.copy, (bare,))
    if Counter(holders(inside)) <= Counter(holders(expr)):
        return inside
    return replace(expr, args=tuple(map(simplified, expr.args)))  # a view of something


def _step(expr: ir.Expr) -> ir.Expr:
    """Rewrite one call whose operands are done."""
    if not isinstance(expr, ir.Call) or expr.kwargs:
        return expr
    expr = _without_fill(_without_copies(expr))
    match expr.fn, expr.args:
        case np.negative, (ir.Call(fn=np.negative, args=(x,), kwargs=()),):
            return _as(expr, x)
        case ((np.add | np.subtract), (a, b)):
            return _sum(expr, a, b)
        case np.multiply, (a, b) if _is_real(expr):
            return _product(expr, a, b)
        case np.power, (a, b) if is_number(b, 1) and _is_real(expr):
            return _as(expr, a)
        case np.negative, (ir.Lit(value=int() | float() as value),) if type(value) is not bool:
            return ir.Lit(type_of(value), -value)
        case np.conjugate, (a,) if _is_real(expr):
            return _as(expr, a)
        case np.bitwise_and, (a, ir.Lit(value=bool(value))) if value and a.type == expr.type:
            return a if a.type.dtype == np.dtype(bool) else expr
        case ((np.reshape | np.moveaxis), (a, *rest)) if _stays(expr, a, rest):
            return a
        case ((np.copy | np.ndarray.copy), (ir.Index() as a,)) if is_fresh(a):
            return a
        case ((np.zeros_like | np.ones_like | np.full_like), (a, *rest)):
            return replace(expr, args=(_plainest(a), *rest))
    return expr


def _stays(expr: ir.Call, a: ir.Expr, rest: list[ir.Expr]) -> bool:
    """Tell whether a change of shape changes nothing."""
    if expr.fn is np.reshape or expr.type.ndim == 1:
        return expr.type == a.type
    places = [place.value for place in rest if isinstance(place, ir.Lit)]
    return len(places) == 2 and places[0] == places[1]


def _without_copies(expr: ir.Call) -> ir.Call:
    """Compute with an array instead of a copy of it, or of a choice that always chooses it."""
    if not isinstance(expr.fn, np.ufunc):
        return expr
    return replace(expr, args=tuple(map(_original, expr.args)))


def plain(expr: ir.Expr) -> ir.Expr:
    """Return what to read instead of a copy, or of all of an array: as good for one look at it."""
    original = copied(expr)
    if original is not None:
        return plain(original)
    if isinstance(expr, ir.Index) and all(map(_is_whole, expr.index)):
        return expr.base if expr.type == expr.base.type else expr
    return expr


def _is_whole(entry: ir.Expr) -> bool:
    is_slice = isinstance(entry, ir.Slice) and not list(ir.children(entry))
    value = entry.value if isinstance(entry, ir.Lit) else None
    return is_slice or value is Ellipsis or (type(value) is slice and value == slice(None))


def _original(expr: ir.Expr) -> ir.Expr:
    match expr:
        case ir.Call(fn=np.copy | np.ndarray.copy, args=(a,), kwargs=()):
            return a if a.type.dtype == expr.type.dtype and a.type.is_array else expr
        case ir.Call(fn=np.where, args=(ir.Call(fn=np.bitwise_and, args=(_, no)), _, b), kwargs=()):
            same = (b.type.dtype, b.type.sizes) == (expr.type.dtype, expr.type.sizes)
            is_no = isinstance(no, ir.Lit) and no.value is False
            return b if is_no and same and b.type.kind != "python" else expr
    return expr


def _without_fill(expr: ir.Call) -> ir.Call:
    """Compute with a number instead of an array that holds it everywhere."""
    if expr.fn not in (np.multiply, np.divide, np.add, np.subtract) or len(expr.args) != 2:
        return expr
    a, b = expr.args
    number = _fill(a, b)
    return replace(expr, args=(a, _fill(b, a) or b) if number is None else (number, b))


def _fill(array: ir.Expr, other: ir.Expr) -> ir.Expr | None:
    """Return the number that an array is full of, where ``other`` gives result shape and dtype."""
    match array:
        case ir.Call(fn=np.full_like, args=(_, number), kwargs=()):
            weak = number.type.kind == "python" and number.type.dtype != np.dtype(complex)
            if array.type == other.type and (weak or number.type.dtype == array.type.dtype):
                return number if number.type.ndim == 0 else None
        case ir.Call(fn=np.broadcast_to, args=(small, _), kwargs=()):
            return (
                small if array.type == other.type and small.type.dtype == other.type.dtype else None
            )
    return None


def _plainest(array: ir.Expr) -> ir.Expr:
    """Return an operand of the same type: as good where only shape and dtype are looked at."""
    if isinstance(array, ir.Call) and isinstance(array.fn, np.ufunc) and array.type.is_array:
        for arg in array.args:
            if arg.type == array.type:
                return _plainest(arg)
    return array


def _sum(expr: ir.Call, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    is_add = expr.fn is np.add
    if is_add and is_number(a, 0):
        return _as(expr, b)
    if is_number(b, 0):
        return _as(expr, a)
    positive = without_sign(b)
    if positive is not None and positive.type.dtype == b.type.dtype:
        return replace(expr, fn=np.subtract if is_add else np.add, args=(a, positive))
    return expr


def _product(expr: ir.Call, a: ir.Expr, b: ir.Expr) -> ir.Expr:
    numbers = [x.value for x in (a, b) if isinstance(x, ir.Lit) and type(x.value) in (int, float)]
    if len(numbers) == 2:
        return ir.Lit(type_of(numbers[0] * numbers[1]), numbers[0] * numbers[1])
    for one, other in ((a, b), (b, a)):
        if is_number(one, 1):
            return _as(expr, other)
        if is_number(one, -1) and _same_type(expr, other):
            return replace(expr, fn=np.negative, args=(other,))
    return expr


def without_sign(expr: ir.Expr) -> ir.Expr | None:
    """Return ``x`` where the expression is ``-x``, else None."""
    if not isinstance(expr, ir.Call) or expr.kwargs or expr.type.dtype is None:
        return None
    if expr.type.dtype.kind not in "fc":
        return None
    match expr.fn, expr.args:
        case np.negative, (x,):
            return x if _same_type(expr, x) else None
        case ((np.multiply | np.divide), (a, b)) if _is_real(expr):
            positive = _negated_number(a) or without_sign(a)
            return None if positive is None else replace(expr, args=(positive, b))
    return None


def _negated_number(expr: ir.Expr) -> ir.Expr | None:
    if isinstance(expr, ir.Lit) and type(expr.value) in (int, float) and expr.value < 0:
        return replace(expr, value=-expr.value)
    return None


def is_number(expr: ir.Expr, value: float) -> bool:
    """Tell whether an expression is this plain Python number."""
    return isinstance(expr, ir.Lit) and type(expr.value) in (int, float) and expr.value == value


def _as(expr: ir.Expr, other: ir.Expr) -> ir.Expr:
    """Return ``other`` in place of ``expr`` if it has the same type."""
    return other if _same_type(expr, other) else expr


def _same_type(a: ir.Expr, b: ir.Expr) -> bool:
    same = (a.type.kind, a.type.dtype, a.type.ndim) == (b.type.kind, b.type.dtype, b.type.ndim)
    return same and a.type.dtype is not None and a.type.dtype.kind in "ifc"


def _is_real(expr: ir.Expr) -> bool:
    return expr.type.dtype is not None and expr.type.dtype.kind in "if"
