"""Linear algebra and statistics written with loops, as they are in plain NumPy."""

import numpy as np

from benchmarks._compiled_cases import case, normal, uniform


def dominant(quick, full):
    n = 6 if quick else full
    return uniform(n, n, low=-1.0) + n * np.eye(n)


@case("LU without pivots, element by element, 120 x 120", lambda q: (dominant(q, 120),), 0)
def lu(a):
    a = a.copy()
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[k, j]
            a[i, j] /= a[j, j]
        for j in range(i, n):
            for k in range(i):
                a[i, j] -= a[i, k] * a[k, j]
    return np.sum(a * a)


@case("Gram-Schmidt, modified, 120 x 100", lambda q: (normal(*((7, 5) if q else (120, 100))),), 0)
def gramschmidt(a):
    a = a.copy()
    q = np.zeros(a.shape)
    r = np.zeros((a.shape[1], a.shape[1]))
    for k in range(a.shape[1]):
        r[k, k] = np.sqrt(np.dot(a[:, k], a[:, k]))
        q[:, k] = a[:, k] / r[k, k]
        for j in range(k + 1, a.shape[1]):
            r[k, j] = np.dot(q[:, k], a[:, j])
            a[:, j] -= q[:, k] * r[k, j]
    return np.sum(r * r * r) + np.sum(q[0] * q[1])


@case("Durbin's recursion for a Toeplitz system, 1000 unknowns", lambda q: (toeplitz(q),), 0)
def durbin(r):
    n = len(r)
    y = np.zeros(n)
    alpha, beta = -r[0], 1.0
    y[0] = -r[0]
    for k in range(1, n):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y * y)


def toeplitz(quick):
    n = 8 if quick else 1000
    return 0.4 * uniform(n, low=-1.0) / np.arange(1, n + 1)


@case(
    "covariance matrix of 300 variables, 400 observations",
    lambda q: (uniform(*((7, 5) if q else (400, 300))),),
    0,
)
def covariance(data):
    n, m = data.shape
    centred = data - np.mean(data, axis=0)
    cov = np.zeros((m, m))
    for i in range(m):
        cov[i:, i] = cov[i, i:] = centred[:, i] @ centred[:, i:] / (n - 1.0)
    return np.sum(cov * cov)
