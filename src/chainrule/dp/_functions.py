"""The two functions that need care with overflow: sigmoid and softmax.

Their values are kept inside (0, 1): far out, exp rounds them to exactly 0 or 1, and log(0) or
log(1 - 1) in the loss would be infinite. The derivatives are the textbook ones, in terms of the
value y that was kept; so a loss like -log(softmax) has its true slope even out there. They are
declared as everybody can declare the derivative of an own function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..transforms import primitive
from ._matrix import Matrix


@primitive
def sigmoid(a: Matrix) -> Matrix:
    """1 / (1 + exp(-a)), written with exp(-|a|), which cannot overflow."""
    small = np.exp(-np.abs(a))
    return _inside_unit_interval(np.where(a >= 0, 1, small) / (1 + small))


@sigmoid.defvjp
def sigmoid_vjp(ct: Any, y: Any, a: Any) -> Any:
    """dy/da = y (1 - y)."""
    return ct * y * (1 - y)


@primitive
def softmax(a: Matrix) -> Matrix:
    """exp(a) / sum of exp(a) in each row, shifted by the row's maximum, which changes nothing."""
    powers = np.exp(a - np.max(a, axis=1, keepdims=True))
    return _inside_unit_interval(powers / np.sum(powers, axis=1, keepdims=True))


@softmax.defvjp
def softmax_vjp(ct: Any, y: Any, a: Any) -> Any:
    """The Jacobian of a row is diag(y) - y y^T; it is symmetric."""
    return y * (ct - np.sum(ct * y, axis=1, keepdims=True))


def _inside_unit_interval(y: Matrix) -> Matrix:
    """Move values at the edges of (0, 1) inside, leaving room for 1 / y and 1 / (1 - y)."""
    info = np.finfo(y.dtype)
    nearly_one = np.nextafter(np.ones((), y.dtype), np.zeros((), y.dtype))
    return np.clip(y, info.tiny / info.eps, nearly_one)
