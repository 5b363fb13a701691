"""Linear algebra of small matrices."""

# mypy: ignore-errors
from __future__ import annotations

import math

import numpy as np

from ..leaving import Leave
from ..pipeline import part_of_kernels
from .memory import empty, zeros


@part_of_kernels
def _eliminate(a, x):
    """Bring a matrix to upper triangular form in place, and ``x`` along.

    Return the sign of the exchanges of rows, 0 where the matrix is singular.
    """
    n, m, sign = a.shape[0], x.shape[1], 1
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[p, k]):
                p = i
        if a[p, k] == 0:
            return 0
        if p != k:
            sign = -sign
            for j in range(k, n):
                a[k, j], a[p, j] = a[p, j], a[k, j]
            for j in range(m):
                x[k, j], x[p, j] = x[p, j], x[k, j]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= factor * a[k, j]
            for j in range(m):
                x[i, j] -= factor * x[k, j]
    return sign


@part_of_kernels
def _solve(a, x):
    """Solve linear equations in place: ``a`` is used up, ``x`` becomes the solution."""
    if _eliminate(a, x) == 0:
        raise Leave
    n, m = x.shape
    for k in range(n - 1, -1, -1):
        for i in range(k + 1, n):
            for j in range(m):
                x[k, j] -= a[k, i] * x[i, j]
        for j in range(m):
            x[k, j] /= a[k, k]


@part_of_kernels
def solve(a, b):
    """Return the solutions of linear equations, for each of a stack."""
    a, x = a.copy(), b.copy()
    for s in range(a.shape[0]):
        _solve(a[s], x[s])
    return x


@part_of_kernels
def inv(a):
    """Return the inverse of each matrix of a stack."""
    a, x = a.copy(), zeros(a.shape, a.dtype)
    for s in range(a.shape[0]):
        for k in range(a.shape[1]):
            x[s, k, k] = 1
        _solve(a[s], x[s])
    return x


@part_of_kernels
def cholesky(a):
    """Return the lower factor of each positive definite matrix of a stack."""
    out = zeros(a.shape, a.dtype)
    for s in range(a.shape[0]):
        low, own = out[s], a[s]
        for i in range(own.shape[0]):
            for j in range(i + 1):
                total = own[i, j]
                for k in range(j):
                    total -= low[i, k] * np.conj(low[j, k])
                if i > j:
                    low[i, j] = total / low[j, j]
                elif total.real > 0:
                    low[i, i] = math.sqrt(total.real)
                else:
                    raise Leave
    return out


@part_of_kernels
def dets(a):
    """Return the determinant of each matrix of a stack."""
    a, found = a.copy(), empty(a.shape[0], a.dtype)
    nothing = empty((a.shape[1], 0), a.dtype)
    for s in range(a.shape[0]):
        found[s] = _eliminate(a[s], nothing)
        if found[s] != 0:
            for k in range(a.shape[1]):
                found[s] *= a[s, k, k]
    return found


@part_of_kernels
def signs_of_det(a):
    """Return the sign of the determinant of each matrix of a stack."""
    a, found = a.copy(), empty(a.shape[0], a.dtype)
    nothing = empty((a.shape[1], 0), a.dtype)
    for s in range(a.shape[0]):
        found[s] = _eliminate(a[s], nothing)
        if found[s] != 0:
            for k in range(a.shape[1]):
                found[s] *= a[s, k, k] / abs(a[s, k, k])
    return found


@part_of_kernels
def logs_of_det(a):
    """Return the logarithm of the absolute value of the determinant of each matrix of a stack."""
    a, found = a.copy(), empty(a.shape[0], a.real.dtype)
    nothing = empty((a.shape[1], 0), a.dtype)
    for s in range(a.shape[0]):
        found[s] = 0 if _eliminate(a[s], nothing) != 0 else -np.inf
        for k in range(a.shape[1]):
            if found[s] > -np.inf:
                found[s] += math.log(abs(a[s, k, k]))
    return found


@part_of_kernels
def pinv(a):
    """Return the pseudo-inverse of a matrix."""
    return np.ascontiguousarray(np.linalg.pinv(a))


@part_of_kernels
def singular_values(a):
    """Return the singular values of a matrix."""
    return np.linalg.svd(a, False)[1]


@part_of_kernels
def cond(a):
    """Return the condition number of a matrix in the 2-norm."""
    values = singular_values(a)
    if not values[-1] > 0:
        raise Leave
    return values[0] / values[-1]
