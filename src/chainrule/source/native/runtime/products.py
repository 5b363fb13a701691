"""Products of matrices; ``t`` stands for a transposed operand, ``n`` for one as it is."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from numba import njit

_SMALL = 2_000
"""Products with fewer multiplications are faster as loops than a call of BLAS."""


@njit
def _product(a, b, out):
    n, m, k = a.shape[0], a.shape[1], b.shape[1]
    if n * m * k > _SMALL:
        np.dot(a, b, out)
        return
    for i in range(n):
        for l in range(k):
            out[i, l] = 0
        for j in range(m):
            for l in range(k):
                out[i, l] += a[i, j] * b[j, l]


@njit
def _product_tn(a, b, out):
    m, n, k = a.shape[0], a.shape[1], b.shape[1]
    if n * m * k > _SMALL:
        np.dot(a.T, b, out)
        return
    for i in range(n):
        for l in range(k):
            out[i, l] = 0
    for j in range(m):
        for i in range(n):
            for l in range(k):
                out[i, l] += a[j, i] * b[j, l]


@njit
def _product_nt(a, b, out):
    n, m, k = a.shape[0], a.shape[1], b.shape[0]
    if n * m * k > _SMALL:
        np.dot(a, b.T, out)
        return
    for i in range(n):
        for l in range(k):
            out[i, l] = 0
            for j in range(m):
                out[i, l] += a[i, j] * b[l, j]


@njit
def _product_tt(a, b, out):
    m, n, k = a.shape[0], a.shape[1], b.shape[0]
    if n * m * k > _SMALL:
        np.dot(a.T, b.T, out)
        return
    for i in range(n):
        for l in range(k):
            out[i, l] = 0
    for j in range(m):
        for i in range(n):
            for l in range(k):
                out[i, l] += a[j, i] * b[l, j]


def _of_two(into, row, column):
    """Make the product of two matrices, with the axes that the result has."""

    @njit
    def product(a, b):
        out = np.empty((a.shape[row], b.shape[column]), a.dtype)
        into(a, b, out)
        return out

    return product


def _of_stacks(into, row, column):
    """Make the product of each matrix of a stack with that of another."""
    row, column = row + 1, column + 1

    @njit
    def products(x, y):
        out = np.empty((x.shape[0], x.shape[row], y.shape[column]), x.dtype)
        for s in range(x.shape[0]):
            into(x[s], y[s], out[s])
        return out

    return products


product, products = _of_two(_product, 0, 1), _of_stacks(_product, 0, 1)
product_tn, products_tn = _of_two(_product_tn, 1, 1), _of_stacks(_product_tn, 1, 1)
product_nt, products_nt = _of_two(_product_nt, 0, 0), _of_stacks(_product_nt, 0, 0)
product_tt, products_tt = _of_two(_product_tt, 1, 0), _of_stacks(_product_tt, 1, 0)
PRODUCTS = frozenset(
    (product, product_tn, product_nt, product_tt, products, products_tn, products_nt, products_tt)
)
