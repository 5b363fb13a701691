"""Functions of integers that are known are computed before the program runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir import Call, Expr, Lit, rewrite
from . import runtime
from .code import BOOL, INT, number


def _bound(place: int, n: int) -> int:
    return min(max(place + n * (place < 0), 0), n)


def _bound_down(place: int, n: int) -> int:
    return min(max(place + n * (place < 0), -1), n - 1)


_KNOWN: dict[Any, Callable[..., int]] = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    max: max,
    min: min,
    runtime.bound: _bound,
    runtime.bound_down: _bound_down,
    runtime.count: lambda low, high, step: len(range(low, high, step)),
    np.equal: lambda a, b: a == b,
    np.greater: lambda a, b: a > b,
    np.greater_equal: lambda a, b: a >= b,
    np.less: lambda a, b: a < b,
}


_LARGE = 2**62
"""What is larger may not be a number that machine code computes with."""


def folded(expr: Expr) -> Expr:
    """Return an expression with what is known of the places and sizes in it computed."""
    return rewrite(expr, _of_literals)


def _of_literals(e: Expr) -> Expr:
    if not (isinstance(e, Call) and e.type in (INT, BOOL) and _is_known(e.fn)):
        return e
    values = [a.value for a in e.args if isinstance(a, Lit) and type(a.value) is int]
    if len(values) < len(e.args) or e.kwargs:
        return e
    found = _KNOWN[e.fn](*values)
    if abs(found) > _LARGE:
        return e
    return number(found) if e.type == INT else Lit(BOOL, bool(found))


def _is_known(fn: Any) -> bool:
    try:
        return fn in _KNOWN
    except TypeError:  # an object that cannot be a key
        return False
