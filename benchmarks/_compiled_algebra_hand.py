"""Linear algebra and statistics as loops for Numba, written by hand."""

import numpy as np
from numba import njit

from benchmarks._compiled_grids_hand import squares


@njit
def lu(a):
    a = a.copy()
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            x = a[i, j]
            for k in range(j):
                x -= a[i, k] * a[k, j]
            a[i, j] = x / a[j, j]
        for j in range(i, n):
            x = a[i, j]
            for k in range(i):
                x -= a[i, k] * a[k, j]
            a[i, j] = x
    return squares(a)


@njit
def gramschmidt(a):
    a = a.copy()
    m, n = a.shape
    q = np.zeros((m, n))
    r = np.zeros((n, n))
    for k in range(n):
        s = 0.0
        for i in range(m):
            s += a[i, k] * a[i, k]
        r[k, k] = np.sqrt(s)
        for i in range(m):
            q[i, k] = a[i, k] / r[k, k]
        for i in range(m):
            for j in range(k + 1, n):
                r[k, j] += q[i, k] * a[i, j]
        for i in range(m):
            for j in range(k + 1, n):
                a[i, j] -= q[i, k] * r[k, j]
    total = 0.0
    for k in range(n):
        for j in range(n):
            total += r[k, j] ** 3
        total += q[0, k] * q[1, k]
    return total
