"""The rule table: derivative rules as plain NumPy code. Importing it fills ``_core.TABLE``."""

from . import (
    calculus,
    complex,
    constants,
    counting,
    creation,
    elementwise,
    guarded,
    indexing,
    joining,
    norms,
    products,
    reductions,
    selection,
    shape,
    sorting,
    statistics,
)

__all__ = [
    "calculus",
    "complex",
    "constants",
    "counting",
    "creation",
    "elementwise",
    "guarded",
    "indexing",
    "joining",
    "norms",
    "products",
    "reductions",
    "selection",
    "shape",
    "sorting",
    "statistics",
]
