"""Factorizations, solves and products written with loops; dynamic programming over matrices."""

# ruff: noqa: B007, PLR1730 - as scientists write it

from math import sqrt

import numpy as np

from source.programs.catalogue import numbers, program


def spd(n, seed):
    b = numbers(n, n, seed=seed)
    return b @ b.T + n * np.eye(n)


@program(numbers(5, 5, seed=1) + 5 * np.eye(5), analytic=True)
def lu(A):
    for i in range(A.shape[0]):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, A.shape[0]):
            A[i, j] -= A[i, :i] @ A[:i, j]
    return A


@program(numbers(5, 5, seed=2) + 4 * np.eye(5), numbers(5, seed=3))
def ludcmp(A, b):
    """Factor and solve, all with scalar accumulators."""
    n = A.shape[0]
    x = np.zeros_like(b)
    y = np.zeros_like(b)
    for i in range(n):
        for j in range(i):
            w = A[i, j]
            for k in range(j):
                w -= A[i, k] * A[k, j]
            A[i, j] = w / A[j, j]
        for j in range(i, n):
            w = A[i, j]
            for k in range(i):
                w -= A[i, k] * A[k, j]
            A[i, j] = w
    for i in range(n):
        y[i] = b[i] - A[i, :i] @ y[:i]
    for i in range(n - 1, -1, -1):
        x[i] = (y[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x, y


@program(numbers(4, 4, seed=4), numbers(4, seed=5))
def gauss_with_pivoting(M, rhs):
    """Rows are exchanged by fancy indexing; the pivot comes from argmax."""
    a = np.column_stack((M, rhs))
    n = len(rhs)
    for col in range(n):
        piv = col + np.argmax(np.abs(a[col:, col]))
        if piv != col:
            a[[col, piv]] = a[[piv, col]]
        for row in range(col + 1, n):
            a[row, col:] -= a[row, col] / a[col, col] * a[col, col:]
    x = np.zeros(n)
    for row in reversed(range(n)):
        x[row] = (a[row, -1] - np.dot(a[row, row + 1 : n], x[row + 1 :])) / a[row, row]
    return x


@program(spd(4, 6))
def cholesky(A):
    """In place, in the lower triangle; the upper one keeps what it had."""
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])
    return A


@program(spd(4, 7), numbers(4, seed=8))
def gaussian_logpdf(cov, x):
    """Cholesky with Python's sum and math.sqrt, then forward substitution."""
    n = len(x)
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = sum(L[i, k] * L[j, k] for k in range(j))
            if i == j:
                L[i, i] = sqrt(cov[i, i] - s)
            else:
                L[i, j] = (cov[i, j] - s) / L[j, j]
    z = np.empty(n)
    for i in range(n):
        z[i] = (x[i] - L[i, :i] @ z[:i]) / L[i, i]
    return -0.5 * z @ z - np.log(np.diag(L)).sum() - 0.5 * n * np.log(2 * np.pi)


@program(numbers(5, 4, seed=9))
def gram_schmidt(A):
    Q = np.zeros_like(A)
    R = np.zeros((A.shape[1], A.shape[1]), dtype=A.dtype)
    for k in range(A.shape[1]):
        nrm = np.dot(A[:, k], A[:, k])
        R[k, k] = np.sqrt(nrm)
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, A.shape[1]):
            R[k, j] = np.dot(Q[:, k], A[:, j])
            A[:, j] -= Q[:, k] * R[k, j]
    return Q, R


@program(numbers(5, 3, seed=10))
def householder_qr(A):
    """Reflections applied to views of the matrix."""
    m, n = A.shape
    R = A.copy()
    Q = np.eye(m)
    for k in range(n):
        x = R[k:, k]
        v = x.copy()
        alpha = np.linalg.norm(x)
        if v[0] > 0:
            v[0] += alpha
        else:
            v[0] -= alpha
        v /= np.linalg.norm(v)
        R[k:, k:] -= 2.0 * np.outer(v, v @ R[k:, k:])
        Q[:, k:] -= 2.0 * np.outer(Q[:, k:] @ v, v)
    return Q[:, :n], np.triu(R[:n])


@program(np.tril(numbers(5, 5, seed=11)) + 3 * np.eye(5), numbers(5, seed=12), numbers(5, seed=13))
def triangular_solve(L, x, b):
    for i in range(L.shape[0]):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]
    return x


@program(numbers(5, seed=14) * 0.4, analytic=True)
def durbin(r):
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


@program(1.5, 1.2, numbers(4, 4, seed=15), numbers(4, 3, seed=16))
def syrk(alpha, beta, C, A):
    """Symmetric rank-k update of the lower triangle."""
    for i in range(A.shape[0]):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += alpha * A[i, k] * A[: i + 1, k]
    return C


@program(1.5, 0.7, numbers(4, 3, seed=17), numbers(4, 4, seed=18), numbers(4, 3, seed=19))
def symm(alpha, beta, C, A, B):
    temp2 = np.empty((C.shape[1],), dtype=C.dtype)
    C *= beta
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            C[:i, j] += alpha * B[i, j] * A[i, :i]
            temp2[j] = B[:i, j] @ A[i, :i]
        C[i, :] += alpha * B[i, :] * A[i, i] + alpha * temp2
    return C


@program(1.1, numbers(4, 4, seed=20), numbers(4, 3, seed=21))
def trmm(alpha, A, B):
    for i in range(B.shape[0]):
        for j in range(B.shape[1]):
            B[i, j] += np.dot(A[i + 1 :, i], B[i + 1 :, j])
    B *= alpha
    return B


@program(numbers(6, 6, seed=22, low=0.5, high=4.0))
def floyd_warshall(path):
    for k in range(path.shape[0]):
        path[:] = np.minimum(path[:], np.add.outer(path[:, k], path[k, :]))
    return path


@program(numbers(5, 5, seed=23, low=0.5, high=4.0), 5)
def floyd_warshall_scalar(dist, n):
    """The same with a branch in the innermost of three loops."""
    d = dist.copy()
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if d[i, j] > d[i, k] + d[k, j]:
                    d[i, j] = d[i, k] + d[k, j]
    return d


@program(spd(5, 24) - 4 * np.eye(5), numbers(5, seed=25), step=2.0**-11)
def conjugate_gradients(A, b):
    """Until the residual is tiny; a break inside a for loop."""
    A = 0.5 * (A + A.T)
    x = np.zeros_like(b)
    r = b - A @ x
    p = r
    rs = r @ r
    for i in range(3 * len(b)):
        Ap = A @ p
        alpha = rs / (p @ Ap)
        x = x + alpha * p
        r = r - alpha * Ap
        rs_new = r @ r
        if np.sqrt(rs_new) < 1e-9:
            break
        p = r + (rs_new / rs) * p
        rs = rs_new
    return x


@program(
    numbers(9, seed=26), np.array([0, 2, 1, 3, 0, 4, 2, 3, 4]), np.array([0, 2, 4, 4, 7, 9]),
    numbers(5, seed=27),
)  # fmt: skip
def csr_matvec(vals, cols, row_ptr, x):
    """Sparse matrix by vector; the third row is empty."""
    y = np.empty(row_ptr.size - 1, dtype=x.dtype)
    for i in range(row_ptr.size - 1):
        start, end = row_ptr[i], row_ptr[i + 1]
        y[i] = vals[start:end] @ x[cols[start:end]]
    return y


@program(
    numbers(9, seed=28), np.array([0, 2, 1, 3, 0, 4, 2, 3, 4]), np.array([0, 2, 4, 4, 7, 9]),
    numbers(5, seed=29), 3,
)  # fmt: skip
def csr_power(vals, cols, row_ptr, x, steps):
    """Repeated products with normalization, one scalar at a time."""
    n = len(row_ptr) - 1
    for it in range(steps):
        y = np.zeros(n)
        for i in range(n):
            for jj in range(row_ptr[i], row_ptr[i + 1]):
                y[i] += vals[jj] * x[cols[jj]]
        x = y / np.sqrt(1.0 + (y**2).sum())
    return x
