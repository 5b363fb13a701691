"""Vector and matrix norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import plain
from ._central import conjugate
from ._forms import composite, reduction
from .reductions import reduced_axes
from .singular import KINKS as SINGULAR_KINKS
from .singular import norm_of_singular_values

KINKS = {"norm(x) == 0": "0", "x[i] == 0 (ord below 2)": "0 for x[i]", "n elements tie": "1/n each"}
MATRIX_KINKS = {**KINKS, **SINGULAR_KINKS}


def euclidean_norm(a, axis=None, keepdims=False):
    """Return the square root of the sum of squares over any axes, as NumPy computes it."""
    if isinstance(axis, tuple) and len(axis) > 2:
        return np.linalg.vector_norm(a, axis=axis, keepdims=keepdims)
    return np.linalg.norm(a, axis=axis, keepdims=keepdims)


@reduction(euclidean_norm, kinks={"norm(a) == 0": "0"})
def euclidean(y, a, axis=None, keepdims=False):
    """The unit vector; conjugated, because d|z| = Re(conj(z) dz) / |z|."""
    return np.where(y == 0, 0, conjugate(a) / np.where(y == 0, 1, y))


@composite(np.linalg.norm, kinks=MATRIX_KINKS)
def norm(x, ord=None, axis=None, keepdims=False):
    if ord is None:
        return euclidean(x, axis=axis, keepdims=keepdims)
    axes = reduced_axes(x, axis)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    # NumPy's own error.
    return np.linalg.norm(plain(x), ord, axis, keepdims)


if hasattr(np.linalg, "vector_norm"):  # From NumPy 2.0 on.

    @composite(np.linalg.vector_norm, kinks=KINKS)
    def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
        return _vector_norm(x, ord, axis, keepdims)

    @composite(np.linalg.matrix_norm, kinks=MATRIX_KINKS)
    def matrix_norm(x, /, *, keepdims=False, ord="fro"):
        return norm(x, "fro" if ord is None else ord, (-2, -1), keepdims)


def _vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order {ord!r} for vectors")
    if ord is None or ord == 2:
        return euclidean(x, axis=axis, keepdims=keepdims)
    if ord == 0:
        counts = np.sum(x != 0, axis=axis, keepdims=keepdims)
        return counts.astype(plain(x).real.dtype)
    size = np.abs(x)
    if ord == np.inf:
        return np.max(size, axis=axis, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if ord < 0:
        return np.sum(size**ord, axis=axis, keepdims=keepdims) ** (1 / ord)
    # Zeros are kept away from the powers, whose slopes may be infinite there.
    powers = np.where(size == 0, 0, np.where(size == 0, 1, size) ** ord)
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    return np.where(total == 0, 0, np.where(total == 0, 1, total) ** (1 / ord))[()]


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord in ("fro", "f"):
        return euclidean(x, axis=axes, keepdims=keepdims)
    if ord in (2, -2, "nuc"):
        return norm_of_singular_values(x, ord, axes, keepdims)
    if ord not in (1, -1, np.inf, -np.inf):
        # NumPy's own error.
        return np.linalg.norm(plain(x), ord, axes, keepdims)
    rows, columns = axes
    sums = np.sum(np.abs(x), axis=rows if abs(ord) == 1 else columns, keepdims=True)
    if ord < 0:
        return np.min(sums, axis=axes, keepdims=keepdims)
    return np.max(sums, axis=axes, keepdims=keepdims, initial=0)
