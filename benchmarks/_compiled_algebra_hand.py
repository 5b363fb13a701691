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


@njit
def durbin(r):
    n = len(r)
    y, z = np.zeros(n), np.empty(n)
    alpha, beta = -r[0], 1.0
    y[0] = -r[0]
    for k in range(1, n):
        beta *= 1.0 - alpha * alpha
        s = 0.0
        for i in range(k):
            s += r[k - 1 - i] * y[i]
        alpha = -(r[k] + s) / beta
        for i in range(k):
            z[i] = y[i] + alpha * y[k - 1 - i]
        for i in range(k):
            y[i] = z[i]
        y[k] = alpha
    return squares(y)


@njit
def covariance(data):
    n, m = data.shape
    centred = data.copy()
    for j in range(m):
        s = 0.0
        for i in range(n):
            s += data[i, j]
        for i in range(n):
            centred[i, j] -= s / n
    cov = np.zeros((m, m))
    for i in range(m):
        for k in range(n):
            for j in range(i, m):
                cov[i, j] += centred[k, i] * centred[k, j]
    total = 0.0
    for i in range(m):
        for j in range(i, m):
            x = cov[i, j] / (n - 1.0)
            total += x * x if i == j else 2 * x * x
    return total
