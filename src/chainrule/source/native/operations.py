"""NumPy's functions of whole arrays, each as views, loops or a call of Numba's own."""

from __future__ import annotations

from . import creation, joining, linalg, products, reductions, selection, sorting, views

__all__ = [
    "creation",
    "joining",
    "linalg",
    "products",
    "reductions",
    "selection",
    "sorting",
    "views",
]
