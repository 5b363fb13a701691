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


@njit
def laplacian(field, i, j, k):
    around = field[i + 1, j, k] + field[i - 1, j, k] + field[i, j + 1, k] + field[i, j - 1, k]
    return 4.0 * field[i, j, k] - around


@njit
def limited(change, slope):
    return 0.0 if change * slope > 0 else change


@njit
def hdiff(field, coeff):
    n, m, levels = coeff.shape
    lap = np.empty((n + 2, m + 2, levels))
    for i in range(n + 2):
        for j in range(m + 2):
            for k in range(levels):
                lap[i, j, k] = laplacian(field, i + 1, j + 1, k)
    total = 0.0
    for i in range(n):
        for j in range(m):
            for k in range(levels):
                here, mid = field[i + 2, j + 2, k], lap[i + 1, j + 1, k]
                east = limited(lap[i + 2, j + 1, k] - mid, field[i + 3, j + 2, k] - here)
                west = limited(mid - lap[i, j + 1, k], here - field[i + 1, j + 2, k])
                north = limited(lap[i + 1, j + 2, k] - mid, field[i + 2, j + 3, k] - here)
                south = limited(mid - lap[i + 1, j, k], here - field[i + 2, j + 1, k])
                x = here - coeff[i, j, k] * (east - west + north - south)
                total += x * x
    return total


@njit
def heat_half(a, b):
    n, m, l = a.shape
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            for k in range(1, l - 1):
                x = a[i, j, k]
                b[i, j, k] = (
                    0.125 * (a[i + 1, j, k] - 2.0 * x + a[i - 1, j, k])
                    + 0.125 * (a[i, j + 1, k] - 2.0 * x + a[i, j - 1, k])
                    + 0.125 * (a[i, j, k + 1] - 2.0 * x + a[i, j, k - 1])
                    + x
                )


@njit
def heat_3d(a, steps):
    a = a.copy()
    b = a.copy()
    for _ in range(steps):
        heat_half(a, b)
        heat_half(b, a)
    return squares(a)


@njit
def fdtd_2d(ex, ey, hz, source):
    ex, ey, hz = ex.copy(), ey.copy(), hz.copy()
    n, m = ex.shape
    for t in range(len(source)):
        for j in range(m):
            ey[0, j] = source[t]
        for i in range(1, n):
            for j in range(m):
                ey[i, j] -= 0.5 * (hz[i, j] - hz[i - 1, j])
        for i in range(n):
            for j in range(1, m):
                ex[i, j] -= 0.5 * (hz[i, j] - hz[i, j - 1])
        for i in range(n - 1):
            for j in range(m - 1):
                hz[i, j] -= 0.7 * (ex[i, j + 1] - ex[i, j] + ey[i + 1, j] - ey[i, j])
    return squares(ex) + squares(ey) + squares(hz)


@njit
def adi(u, steps):
    u = u.copy()
    n = u.shape[0]
    v, p, q = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n))
    dx, dt = 1.0 / n, 1.0 / steps
    mul1, mul2 = 2.0 * dt / dx**2, dt / dx**2
    a, d = -mul1 / 2.0, -mul2 / 2.0
    b, e = 1.0 - 2.0 * a, 1.0 - 2.0 * d
    for _ in range(steps):
        for i in range(1, n - 1):
            v[0, i], p[i, 0], q[i, 0] = 1.0, 0.0, 1.0
            for j in range(1, n - 1):
                divisor = a * p[i, j - 1] + b
                p[i, j] = -a / divisor
                right = -d * u[j, i - 1] + (1.0 + 2.0 * d) * u[j, i] - d * u[j, i + 1]
                q[i, j] = (right - a * q[i, j - 1]) / divisor
            v[n - 1, i] = 1.0
            for j in range(n - 2, 0, -1):
                v[j, i] = p[i, j] * v[j + 1, i] + q[i, j]
        for i in range(1, n - 1):
            u[i, 0], p[i, 0], q[i, 0] = 1.0, 0.0, 1.0
            for j in range(1, n - 1):
                divisor = d * p[i, j - 1] + e
                p[i, j] = -d / divisor
                right = -a * v[i - 1, j] + (1.0 + 2.0 * a) * v[i, j] - a * v[i + 1, j]
                q[i, j] = (right - d * q[i, j - 1]) / divisor
            u[i, n - 1] = 1.0
            for j in range(n - 2, 0, -1):
                u[i, j] = p[i, j] * u[i, j + 1] + q[i, j]
    return squares(u)


@njit
def relaxed(p, pn, b, sweeps, dx):
    n = p.shape[0]
    for _ in range(sweeps):
        pn[:] = p
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                around = pn[i, j + 1] + pn[i, j - 1] + pn[i + 1, j] + pn[i - 1, j]
                p[i, j] = 0.25 * around - 0.25 * dx**2 * b[i, j]
        for i in range(n):
            p[i, n - 1] = p[i, n - 2]
        for j in range(n):
            p[0, j] = p[1, j]
        for i in range(n):
            p[i, 0] = p[i, 1]
        for j in range(n):
            p[n - 1, j] = 0.0


@njit
def cavity(u, v, p, steps, sweeps):
    u, v, p = 0.1 * u, 0.1 * v, 0.1 * p
    n = u.shape[0]
    rho, nu, dt, dx = 1.0, 0.1, 0.0002, 2.0 / (n - 1)
    un, vn, pn, b = np.empty_like(u), np.empty_like(u), np.empty_like(u), np.empty_like(u)
    c, d, f = dt / dx, nu * dt / dx**2, dt / (2 * rho * dx)
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                x = (u[i, j + 1] - u[i, j - 1]) / (2 * dx)
                y = (v[i + 1, j] - v[i - 1, j]) / (2 * dx)
                cross = (u[i + 1, j] - u[i - 1, j]) * (v[i, j + 1] - v[i, j - 1]) / (4 * dx * dx)
                b[i, j] = rho * ((x + y) / dt - x * x - 2 * cross - y * y)
        relaxed(p, pn, b, sweeps, dx)
        un[:], vn[:] = u, v
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                x, y = un[i, j], vn[i, j]
                u[i, j] = (
                    x - x * c * (x - un[i, j - 1]) - y * c * (x - un[i - 1, j])
                    - f * (p[i, j + 1] - p[i, j - 1])
                    + d * (un[i, j + 1] - 2 * x + un[i, j - 1])
                    + d * (un[i + 1, j] - 2 * x + un[i - 1, j])
                )  # fmt: skip
                v[i, j] = (
                    y - x * c * (y - vn[i, j - 1]) - y * c * (y - vn[i - 1, j])
                    - f * (p[i + 1, j] - p[i - 1, j])
                    + d * (vn[i, j + 1] - 2 * y + vn[i, j - 1])
                    + d * (vn[i + 1, j] - 2 * y + vn[i - 1, j])
                )  # fmt: skip
        for i in range(n):
            u[0, i] = u[i, 0] = u[i, n - 1] = 0.0
            v[0, i] = v[n - 1, i] = v[i, 0] = v[i, n - 1] = 0.0
        u[n - 1, :] = 1.0
    return squares(u) + squares(v) + squares(p)
