"""NumPy's functions of whole arrays, each as views, loops or a call of Numba's own."""

from __future__ import annotations

from . import (
    creation,
    diagonals,
    joining,
    linalg,
    products,
    reductions,
    running,
    selection,
    shapes,
    sorting,
    views,
)

__all__ = [
    "creation",
    "diagonals",
    "joining",
    "linalg",
    "products",
    "reductions",
    "running",
    "selection",
    "shapes",
    "sorting",
    "views",
]
