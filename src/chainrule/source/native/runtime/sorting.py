"""Sorting, and searching in what is sorted."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np

from ..pipeline import part_of_kernels
from .memory import empty


@part_of_kernels
def _before(a, b):
    """Tell whether ``a`` comes before ``b``: NaN comes last."""
    return a < b or (b != b and a == a)


@part_of_kernels
def _order(x, order, other):
    """Fill ``order`` with the places of a vector from the smallest on; ``other`` is for work."""
    n = x.size
    for low in range(0, n, 8):
        for i in range(low, min(low + 8, n)):
            j = i
            while j > low and _before(x[i], x[order[j - 1]]):
                order[j] = order[j - 1]
                j -= 1
            order[j] = i
    width = 8
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (j >= high or not _before(x[order[j]], x[order[i]])):
                    other[k] = order[i]
                    i += 1
                else:
                    other[k] = order[j]
                    j += 1
        for k in range(n):
            order[k] = other[k]
        width *= 2


@part_of_kernels
def order_of_rows(x):
    """Return the places of each row along the last axis from the smallest on, in a stable order."""
    order = empty(x.shape, np.int64)
    n = x.shape[-1]
    if n:
        rows, orders = x.reshape(x.size // n, n), order.reshape(x.size // n, n)
        other = empty(n, np.int64)
        for r in range(rows.shape[0]):
            _order(rows[r], orders[r], other)
    return order


@part_of_kernels
def sorted_rows(x):
    """Return each row along the last axis sorted."""
    result = empty(x.shape, x.dtype)
    n = x.shape[-1]
    if n:
        rows, results = x.reshape(x.size // n, n), result.reshape(x.size // n, n)
        order, other = empty(n, np.int64), empty(n, np.int64)
        for r in range(rows.shape[0]):
            _order(rows[r], order, other)
            for k in range(n):
                results[r, k] = rows[r, order[k]]
    return result


@part_of_kernels
def search(edges, value, right):
    """Return the place in a sorted vector before which a value belongs."""
    low, high = 0, edges.size
    while low < high:
        middle = (low + high) // 2
        edge = edges[middle]
        if (not _before(value, edge)) if right else _before(edge, value):
            low = middle + 1
        else:
            high = middle
    return low


@part_of_kernels
def search_all(edges, values, right):
    """Return the places in a sorted vector before which values belong."""
    places = empty(values.shape, np.int64)
    flat, found = values.reshape(values.size), places.reshape(values.size)
    for k in range(flat.size):
        found[k] = search(edges, flat[k], right)
    return places


@part_of_kernels
def is_sorted(edges):
    """Tell whether no element of a vector is smaller than the one before it."""
    for k in range(1, edges.size):  # noqa: SIM110 (a generator would take longer to compile)
        if not edges[k - 1] <= edges[k]:
            return False
    return True
