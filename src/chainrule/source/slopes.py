"""Partial derivatives of what NumPy computes: they do not raise where Python's numbers do.

``x / a`` of an array and Python's number 0.0 is infinite; ``1 / a`` is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .build import is_literal
from .ir import Call, Expr, walk
from .types import Type
from .values import Leaf, Value

_SAFE = frozenset({np.negative, np.positive, np.add, np.subtract, np.multiply, np.absolute})


def slope(
    partial: Callable[[Sequence[Value]], Expr], values: Sequence[Value], of: Type, drawn: bool
) -> Expr:
    """Return a partial derivative of a result of type ``of``.

    ``drawn``: whether a quotient 1 / a will be drawn out of its product, and is none of Python's.
    """
    found = partial(values)
    if found.type.kind != "python" or of.kind == "python" or not _may_raise(found):
        return found
    if drawn and isinstance(found, Call) and found.fn is np.divide:
        numerator, denominator = found.args
        if is_literal(numerator, 1) and not _may_raise(denominator):
            return found
    return partial([_of_numpy(value, of) for value in values])


def _may_raise(expr: Expr) -> bool:
    return any(isinstance(part, Call) and part.fn not in _SAFE for part in walk(expr))


def _of_numpy(value: Value, of: Type) -> Value:
    """Make a number of NumPy of one of Python's, of a dtype that changes no other's."""
    if not isinstance(value, Leaf) or value.type.kind != "python" or of.dtype is None:
        return value
    assert value.type.dtype is not None
    if value.type.dtype.kind not in "if":
        return value
    dtype = np.zeros(0, of.dtype).real.dtype
    return Leaf(Call(Type("scalar", dtype), dtype.type, (value.expr,)))
