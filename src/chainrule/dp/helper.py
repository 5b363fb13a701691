"""Small helpers for preparing data."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, ShapeError
from ._matrix import Matrix


class Helper:
    """A drawer of functions; nothing to construct.

    >>> Helper.one_hot_encoding([1, 0], classes=3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """

    @staticmethod
    def one_hot_encoding(labels: ArrayLike, classes: int | None = None) -> Matrix:
        """Turn class numbers into rows that hold a 1 at the class and 0 elsewhere.

        ``labels`` are n whole numbers from 0, as (n,) or (n, 1); the result is (n, classes).
        Without ``classes`` there are as many as the largest label asks for; give it, so that a part
        of the data in which the last class is missing gets the same number of columns.

        >>> Helper.one_hot_encoding([0, 2, 1])
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 1., 0.]])
        """
        numbers = _class_numbers(labels)
        needed = int(numbers.max()) + 1
        count = needed if classes is None else classes
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < needed:
            raise ArgumentError(
                f"Label {needed - 1} does not fit into classes={classes!r}: labels count from 0.",
                f"give classes={needed} or more",
            )
        encoded = np.zeros((numbers.size, int(count)))
        encoded[np.arange(numbers.size), numbers] = 1
        return encoded


def _class_numbers(labels: ArrayLike) -> Matrix:
    """Check the labels and return them as (n,) integers."""
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0:
        raise ShapeError(
            f"Labels come as (n,) or (n, 1) with n > 0, not as {array.shape}.",
            "give one class number for each example",
        )
    if array.dtype.kind not in "iuf" or not np.all(np.mod(array, 1) == 0) or np.any(array < 0):
        raise ArgumentError(
            "Labels are whole numbers from 0.",
            "number the classes first: names, labels = np.unique(labels, return_inverse=True)",
        )
    return array.astype(np.int64)
