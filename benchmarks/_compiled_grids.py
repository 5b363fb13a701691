"""Programs on grids, as they are written in plain NumPy. Each ends in one number."""

import numpy as np

from benchmarks._compiled_cases import case, uniform


def square(full, seed=0):
    return lambda quick: uniform(9 if quick else full, 9 if quick else full, seed=seed)


@case("five points, two arrays in turn, 350 x 350, 40 steps", lambda q: (square(350)(q), 40), 0)
def jacobi_2d(a, steps):
    a = a.copy()
    b = a.copy()
    for _ in range(steps):
        b[1:-1, 1:-1] = 0.2 * (
            a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1]
        )
        a[1:-1, 1:-1] = 0.2 * (
            b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1]
        )
    return np.sum(a * a)


@case(
    "nine points, in place, 100 x 100, 15 sweeps",
    lambda q: (square(100)(q), 3 if q else 15),
    0,
)
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
    return np.sum(a * a)


@case(
    "Burgers in two dimensions, two fields, 200 x 200, 30 steps",
    lambda q: (square(200)(q), square(200, 1)(q), 0.01, 3 if q else 30),
    *(0, 1),
)
def burgers(u, v, nu, steps):
    n = u.shape[0]
    dx = 2.0 / (n - 1)
    dt = min(0.1 * dx * dx / nu, 0.2 * dx)
    u, v = u.copy(), v.copy()
    for _ in range(steps):
        un, vn = u.copy(), v.copy()
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - dt / dx * un[1:-1, 1:-1] * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - dt / dx * vn[1:-1, 1:-1] * (un[1:-1, 1:-1] - un[:-2, 1:-1])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, :-2])
            + nu * dt / dx**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[:-2, 1:-1])
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - dt / dx * un[1:-1, 1:-1] * (vn[1:-1, 1:-1] - vn[1:-1, :-2])
            - dt / dx * vn[1:-1, 1:-1] * (vn[1:-1, 1:-1] - vn[:-2, 1:-1])
            + nu * dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, :-2])
            + nu * dt / dx**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[:-2, 1:-1])
        )
        u[0, :] = u[-1, :] = 1.0
        v[:, 0] = v[:, -1] = 1.0
    return np.sum(u * u) + np.sum(v * v)


def column(quick):
    shape = (4, 4, 5) if quick else (60, 60, 40)
    wide = (shape[0] + 1, *shape[1:])
    fields = [uniform(*shape, seed=s) for s in range(4)]
    return fields[0], fields[1], uniform(*wide, seed=4), fields[2], fields[3], 3.0


@case(
    "vertical advection: an implicit (Thomas) solve in each column, 60 x 60 x 40",
    column,
    *(0, 1, 2, 3, 4),
)
def vadv(utens_stage, u_stage, wcon, u_pos, utens, dtr):
    late, early = 0.55, 0.45
    levels = u_stage.shape[2]
    c = np.zeros(u_stage.shape)
    d = np.zeros(u_stage.shape)
    for k in range(levels):
        right = dtr * u_pos[:, :, k] + utens[:, :, k] + utens_stage[:, :, k]
        middle = np.full(u_stage.shape[:2], dtr)
        if k < levels - 1:
            w = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
            right = right - w * early * (u_stage[:, :, k + 1] - u_stage[:, :, k])
            c[:, :, k] = w * late
            middle = middle - w * late
        if k > 0:
            w = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
            right = right - w * early * (u_stage[:, :, k - 1] - u_stage[:, :, k])
            a = w * late
            middle = middle - a - c[:, :, k - 1] * a
            right = right - d[:, :, k - 1] * a
        c[:, :, k] /= middle
        d[:, :, k] = right / middle
    out = np.zeros(u_stage.shape)
    x = np.zeros(u_stage.shape[:2])
    for k in range(levels - 1, -1, -1):
        x[:] = d[:, :, k] - c[:, :, k] * x
        out[:, :, k] = dtr * (x - u_pos[:, :, k])
    return np.sum(out * out)


@case(
    "horizontal diffusion with a flux limiter, 64 x 64 x 60",
    lambda q: (
        uniform(*((9, 9, 3) if q else (68, 68, 60))),
        uniform(*((5, 5, 3) if q else (64, 64, 60)), seed=1),
    ),
    *(0, 1),
)
def hdiff(field, coeff):
    n, m = coeff.shape[:2]
    lap = 4.0 * field[1 : n + 3, 1 : m + 3] - (
        field[2 : n + 4, 1 : m + 3]
        + field[0 : n + 2, 1 : m + 3]
        + field[1 : n + 3, 2 : m + 4]
        + field[1 : n + 3, 0 : m + 2]
    )
    change = lap[1:, 1 : m + 1] - lap[:-1, 1 : m + 1]
    slope = field[2 : n + 3, 2 : m + 2] - field[1 : n + 2, 2 : m + 2]
    flux_x = np.where(change * slope > 0, 0.0, change)
    change = lap[1 : n + 1, 1:] - lap[1 : n + 1, :-1]
    slope = field[2 : n + 2, 2 : m + 3] - field[2 : n + 2, 1 : m + 2]
    flux_y = np.where(change * slope > 0, 0.0, change)
    out = field[2 : n + 2, 2 : m + 2] - coeff * (
        flux_x[1:] - flux_x[:-1] + flux_y[:, 1:] - flux_y[:, :-1]
    )
    return np.sum(out * out)


@case(
    "heat in three dimensions, two arrays in turn, 40 x 40 x 40, 20 steps",
    lambda q: (uniform(*((7, 7, 7) if q else (40, 40, 40))), 3 if q else 20),
    0,
)
def heat_3d(a, steps):
    a = a.copy()
    b = a.copy()
    for _ in range(steps):
        b[1:-1, 1:-1, 1:-1] = (
            0.125 * (a[2:, 1:-1, 1:-1] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[:-2, 1:-1, 1:-1])
            + 0.125 * (a[1:-1, 2:, 1:-1] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[1:-1, :-2, 1:-1])
            + 0.125 * (a[1:-1, 1:-1, 2:] - 2.0 * a[1:-1, 1:-1, 1:-1] + a[1:-1, 1:-1, :-2])
            + a[1:-1, 1:-1, 1:-1]
        )
        a[1:-1, 1:-1, 1:-1] = (
            0.125 * (b[2:, 1:-1, 1:-1] - 2.0 * b[1:-1, 1:-1, 1:-1] + b[:-2, 1:-1, 1:-1])
            + 0.125 * (b[1:-1, 2:, 1:-1] - 2.0 * b[1:-1, 1:-1, 1:-1] + b[1:-1, :-2, 1:-1])
            + 0.125 * (b[1:-1, 1:-1, 2:] - 2.0 * b[1:-1, 1:-1, 1:-1] + b[1:-1, 1:-1, :-2])
            + b[1:-1, 1:-1, 1:-1]
        )
    return np.sum(a * a)


@case(
    "electromagnetic waves (FDTD) in two dimensions, 200 x 220, 40 steps",
    lambda q: (
        *(uniform(*((6, 7) if q else (200, 220)), seed=s) for s in range(3)),
        uniform(4 if q else 40, seed=3),
    ),
    *(0, 1, 2, 3),
)
def fdtd_2d(ex, ey, hz, source):
    ex, ey, hz = ex.copy(), ey.copy(), hz.copy()
    for t in range(len(source)):
        ey[0, :] = source[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return np.sum(ex * ex) + np.sum(ey * ey) + np.sum(hz * hz)


@case(
    "alternating directions (ADI), 100 x 100, 10 steps",
    lambda q: (square(100)(q), 3 if q else 10),
    0,
)
def adi(u, steps):
    u = u.copy()
    n = u.shape[0]
    v, p, q = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n))
    dx, dt = 1.0 / n, 1.0 / steps
    mul1, mul2 = 2.0 * dt / dx**2, dt / dx**2
    a, d = -mul1 / 2.0, -mul2 / 2.0
    b, e = 1.0 - 2.0 * a, 1.0 - 2.0 * d
    for _ in range(steps):
        v[0, 1:-1] = 1.0
        p[1:-1, 0] = 0.0
        q[1:-1, 0] = v[0, 1:-1]
        for j in range(1, n - 1):
            p[1:-1, j] = -a / (a * p[1:-1, j - 1] + b)
            q[1:-1, j] = (
                -d * u[j, :-2] + (1.0 + 2.0 * d) * u[j, 1:-1] - d * u[j, 2:] - a * q[1:-1, j - 1]
            ) / (a * p[1:-1, j - 1] + b)
        v[n - 1, 1:-1] = 1.0
        for j in range(n - 2, 0, -1):
            v[j, 1:-1] = p[1:-1, j] * v[j + 1, 1:-1] + q[1:-1, j]
        u[1:-1, 0] = 1.0
        p[1:-1, 0] = 0.0
        q[1:-1, 0] = u[1:-1, 0]
        for j in range(1, n - 1):
            p[1:-1, j] = -d / (d * p[1:-1, j - 1] + e)
            q[1:-1, j] = (
                -a * v[:-2, j] + (1.0 + 2.0 * a) * v[1:-1, j] - a * v[2:, j] - d * q[1:-1, j - 1]
            ) / (d * p[1:-1, j - 1] + e)
        u[1:-1, n - 1] = 1.0
        for j in range(n - 2, 0, -1):
            u[1:-1, j] = p[1:-1, j] * u[1:-1, j + 1] + q[1:-1, j]
    return np.sum(u * u)


@case(
    "flow in a cavity (pressure and velocities), 61 x 61, 20 steps of 10 sweeps",
    lambda q: (square(61)(q), square(61, 1)(q), square(61, 2)(q), *((2, 2) if q else (20, 10))),
    *(0, 1, 2),
)
def cavity(u, v, p, steps, sweeps):
    u, v, p = 0.1 * u, 0.1 * v, 0.1 * p
    n = u.shape[0]
    rho, nu, dt, dx = 1.0, 0.1, 0.0002, 2.0 / (n - 1)
    for _ in range(steps):
        du_dx = (u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx)
        dv_dy = (v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dx)
        du_dy = (u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dx)
        dv_dx = (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dx)
        b = rho * ((du_dx + dv_dy) / dt - du_dx**2 - 2 * du_dy * dv_dx - dv_dy**2)
        for _ in range(sweeps):
            pn = p.copy()
            p[1:-1, 1:-1] = (
                0.25 * (pn[1:-1, 2:] + pn[1:-1, :-2] + pn[2:, 1:-1] + pn[:-2, 1:-1])
                - 0.25 * dx**2 * b
            )
            p[:, -1] = p[:, -2]
            p[0, :] = p[1, :]
            p[:, 0] = p[:, 1]
            p[-1, :] = 0.0
        un, vn = u.copy(), v.copy()
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - vn[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[:-2, 1:-1])
            - dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, :-2])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, :-2])
            + nu * dt / dx**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[:-2, 1:-1])
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, :-2])
            - vn[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[:-2, 1:-1])
            - dt / (2 * rho * dx) * (p[2:, 1:-1] - p[:-2, 1:-1])
            + nu * dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, :-2])
            + nu * dt / dx**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[:-2, 1:-1])
        )
        u[0, :] = u[:, 0] = u[:, -1] = 0.0
        u[-1, :] = 1.0
        v[0, :] = v[-1, :] = v[:, 0] = v[:, -1] = 0.0
    return np.sum(u * u) + np.sum(v * v) + np.sum(p * p)
