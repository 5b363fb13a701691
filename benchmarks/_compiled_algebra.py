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
