"""What a Node may hold: a matrix of floating-point numbers, and which matrices combine.

Two dimensions, always. A number is a 1 x 1 matrix. The shapes that NumPy would stretch without a
word are the commonest source of wrong training code, so only the unmistakable ones combine.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import ArgumentError, ShapeError

Matrix = NDArray[Any]


def as_matrix(value: Any, number_dtype: DTypeLike = np.float64) -> Matrix:
    """Return a copy of ``value`` as a matrix of floats.

    Numbers, and 1-d arrays with one element, become (1, 1). Integers, booleans and half precision,
    in which nothing can be trained, become float64.
    A number takes the dtype ``number_dtype``, so that ``2 * a`` keeps the precision of ``a``.
    Raises ArgumentError for what is no array of real numbers, ShapeError for other dimensions.
    """
    try:
        array = np.array(value, subok=False)
    except ValueError as error:
        raise ArgumentError(
            f"A Node cannot hold this value: {error}", "give rows of equal length"
        ) from None
    if array.dtype.kind in "biu" or array.dtype == np.float16:
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise ArgumentError(
            f"A Node holds real numbers, not {type(value).__name__} of dtype {array.dtype}.",
            "give a number or a 2-d array of numbers; another Node needs no wrapping",
        )
    if array.ndim == 0:
        return array.astype(number_dtype).reshape(1, 1)
    return _two_dimensional(array)


def _two_dimensional(array: Matrix) -> Matrix:
    if array.ndim == 2:
        return array
    if array.shape == (1,):
        return array.reshape(1, 1)
    if array.ndim == 1:
        raise ShapeError(
            f"A 1-d array of length {array.size} can mean a row or a column.",
            f"write x.reshape(1, -1) for a row (1, {array.size}), "
            f"x.reshape(-1, 1) for a column ({array.size}, 1)",
        )
    raise ShapeError(
        f"A Node has two dimensions, this array has shape {array.shape}.",
        "reshape it to (rows, columns), one example a row: x.reshape(len(x), -1)",
    )


def check_elementwise(symbol: str, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Refuse shapes that do not combine element by element.

    Allowed, beside equal shapes: a row (1, n), a column (m, 1) or a number (1, 1) against (m, n).
    A row against a column is refused: NumPy would make a table of all pairs of it.
    """
    if a == b or (1, 1) in (a, b):
        return
    stretched = tuple(max(pair) if 0 not in pair else 0 for pair in zip(a, b, strict=True))
    fits = all(1 in pair or pair[0] == pair[1] for pair in zip(a, b, strict=True))
    if fits and stretched in (a, b):
        return
    if fits:
        raise ShapeError(
            f"{a} {symbol} {b} would stretch both sides, to {stretched}.",
            "reshape one side if they were meant to have one shape; "
            "for a table of all pairs, stretch one yourself: column.dot(np.ones((1, n)))",
        )
    raise ShapeError(
        f"{a} {symbol} {b}: these shapes do not combine.",
        "use equal shapes, or a row (1, n), a column (m, 1) or a number against (m, n); "
        "the matrix product is a.dot(b)",
    )


def check_dot(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Refuse a matrix product whose inner dimensions differ."""
    if a[1] != b[0]:
        raise ShapeError(
            f"{a} dot {b}: the columns of the first, {a[1]}, must be the rows of the second, "
            f"{b[0]}.",
            "transpose one with .T, or use * for the product element by element",
        )


def check_reshape(matrix: Matrix, wanted: tuple[Any, ...]) -> None:
    """Refuse shapes that are no matrix's, or have not as many elements."""
    if len(wanted) != 2:
        raise ShapeError(
            f"A Node has two dimensions, not {len(wanted)}: reshape{wanted}.",
            "x.reshape(1, -1) makes a row, x.reshape(-1, 1) a column",
        )
    try:
        np.reshape(matrix, wanted)
    except ValueError:
        raise ShapeError(
            f"The {matrix.size} elements of {matrix.shape} do not fill {wanted}.",
            "choose rows * columns equal to the number of elements",
        ) from None


def check_concatenate(a: tuple[int, ...], b: tuple[int, ...], axis: int) -> None:
    """Refuse matrices that differ in the other axis."""
    check_axis("concatenate", axis, (0, 1, -1, -2))
    if a[1 - axis % 2] != b[1 - axis % 2]:
        raise ShapeError(
            f"{a} and {b} do not fit together along axis {axis}.",
            "give both the same number of columns (axis=0) or rows (axis=1)",
        )


def check_axis(what: str, axis: int | None, allowed: tuple[int | None, ...]) -> None:
    """Refuse what is no axis of a matrix."""
    if axis not in allowed or isinstance(axis, bool):
        raise ArgumentError(
            f"{what} has no axis {axis!r}.", "axis=0 goes down the columns, axis=1 along the rows"
        )


def seed_matrix(seed: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Matrix:
    """Return what the backward walk from a Node of this shape starts with."""
    start = as_matrix(seed).astype(dtype)
    if start.shape == shape:
        return start
    if start.shape != (1, 1):
        raise ShapeError(
            f"The seed has shape {start.shape}, the Node {shape}.",
            "use grad(1) for the gradient of a scalar",
        )
    raise ShapeError(
        f"The gradient is that of a scalar; this Node has shape {shape}.",
        "reduce it to one number first, for example node.sum().grad(1)",
    )


def slice_key(key: Any, shape: tuple[int, ...]) -> Any:
    """Turn the integers of an index into slices of length one, so that no dimension is lost."""
    keys = key if isinstance(key, tuple) else (key,)
    if len(keys) > 2:
        raise ArgumentError(f"A Node has two dimensions, this index has {len(keys)}.", "x[i, j]")
    kept = [_keep(k, size) for k, size in zip(keys, shape, strict=False)]
    return tuple(kept)


def _keep(key: Any, size: int) -> Any:
    """One part of an index: integers become slices, slices and lists of integers stay."""
    if isinstance(key, slice) or key is Ellipsis:
        return key
    if np.ndim(key) == 1 and np.asarray(key).dtype.kind in "biu":
        return np.asarray(key)
    try:
        i = operator.index(key)
    except TypeError:
        raise ArgumentError(
            f"A Node cannot be indexed with {key!r}.",
            "use integers, slices, or one list of row numbers: x[0], x[:, 1:], x[[0, 2]]",
        ) from None
    if not -size <= i < size:
        raise IndexError(f"index {i} is out of range for a dimension of size {size}")
    i %= size
    return slice(i, i + 1)
