"""Jacobians as a program computes them: a row or a column at a time.

These functions are not called: their text becomes part of the program that asks for a Jacobian.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def by_rows(pullback: Any, x: Any, y: Any) -> Any:
    """Pull back the unit vectors of the output."""
    if np.ndim(y) == 0:
        return pullback(1.0)[0]
    rows = np.zeros((np.size(y), *np.shape(x)))
    for k in range(np.size(y)):
        unit = np.zeros(np.size(y))
        unit[k] = 1.0
        rows[k] = pullback(unit.reshape(np.shape(y)))[0]
    return rows.reshape(np.shape(y) + np.shape(x))


def by_columns(linear: Any, x: Any, y: Any) -> Any:
    """Apply the derivative to the unit vectors of the input."""
    if np.ndim(x) == 0:
        return linear(1.0)
    columns = np.zeros((*np.shape(y), np.size(x)))
    for k in range(np.size(x)):
        unit = np.zeros(np.size(x))
        unit[k] = 1.0
        columns[..., k] = linear(unit.reshape(np.shape(x)))
    return columns.reshape(np.shape(y) + np.shape(x))
