"""The programs on grids as loops for Numba, written by hand."""

import numpy as np
from numba import njit


@njit
def squares(a):
    total = 0.0
    flat = a.ravel()
    for i in range(flat.size):
        total += flat[i] * flat[i]
    return total


@njit
def jacobi_2d(a, steps):
    a = a.copy()
    b = a.copy()
    n, m = a.shape
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                b[i, j] = 0.2 * (a[i, j] + a[i, j - 1] + a[i, j + 1] + a[i + 1, j] + a[i - 1, j])
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                a[i, j] = 0.2 * (b[i, j] + b[i, j - 1] + b[i, j + 1] + b[i + 1, j] + b[i - 1, j])
    return squares(a)


@njit
def seidel_2d(a, steps):
    a = a.copy()
    n = a.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                a[i, j] = (
                    a[i - 1, j - 1] + a[i - 1, j] + a[i - 1, j + 1]
                    + a[i, j - 1] + a[i, j] + a[i, j + 1]
                    + a[i + 1, j - 1] + a[i + 1, j] + a[i + 1, j + 1]
                ) / 9.0  # fmt: skip
    return squares(a)


@njit
def burgers(u, v, nu, steps):
    n, m = u.shape
    dx = 2.0 / (n - 1)
    dt = min(0.1 * dx * dx / nu, 0.2 * dx)
    c, d = dt / dx, nu * dt / dx**2
    u, v = u.copy(), v.copy()
    un, vn = np.empty_like(u), np.empty_like(v)
    for _ in range(steps):
        un[:], vn[:] = u, v
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                p, q = un[i, j], vn[i, j]
                u[i, j] = (
                    p - c * p * (p - un[i, j - 1]) - c * q * (p - un[i - 1, j])
                    + d * (un[i, j + 1] - 2 * p + un[i, j - 1])
                    + d * (un[i + 1, j] - 2 * p + un[i - 1, j])
                )  # fmt: skip
                v[i, j] = (
                    q - c * p * (q - vn[i, j - 1]) - c * q * (q - vn[i - 1, j])
                    + d * (vn[i, j + 1] - 2 * q + vn[i, j - 1])
                    + d * (vn[i + 1, j] - 2 * q + vn[i - 1, j])
                )  # fmt: skip
        u[0, :] = 1.0
        u[-1, :] = 1.0
        v[:, 0] = 1.0
        v[:, -1] = 1.0
    return squares(u) + squares(v)


@njit
def vadv(utens_stage, u_stage, wcon, u_pos, utens, dtr):
    late, early = 0.55, 0.45
    n, m, levels = u_stage.shape
    c, d = np.empty(levels), np.empty(levels)
    total = 0.0
    for i in range(n):
        for j in range(m):
            for k in range(levels):
                right = dtr * u_pos[i, j, k] + utens[i, j, k] + utens_stage[i, j, k]
                middle, upper = dtr, 0.0
                if k < levels - 1:
                    w = 0.25 * (wcon[i + 1, j, k + 1] + wcon[i, j, k + 1])
                    right -= w * early * (u_stage[i, j, k + 1] - u_stage[i, j, k])
                    upper = w * late
                    middle -= upper
                if k > 0:
                    w = -0.25 * (wcon[i + 1, j, k] + wcon[i, j, k])
                    right -= w * early * (u_stage[i, j, k - 1] - u_stage[i, j, k])
                    a = w * late
                    middle -= a + c[k - 1] * a
                    right -= d[k - 1] * a
                c[k] = upper / middle
                d[k] = right / middle
            x = 0.0
            for k in range(levels - 1, -1, -1):
                x = d[k] - c[k] * x
                total += (dtr * (x - u_pos[i, j, k])) ** 2
    return total
