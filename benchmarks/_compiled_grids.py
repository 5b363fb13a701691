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
    x = d[:, :, levels - 1]
    out[:, :, levels - 1] = dtr * (x - u_pos[:, :, levels - 1])
    for k in range(levels - 2, -1, -1):
        x = d[:, :, k] - c[:, :, k] * x
        out[:, :, k] = dtr * (x - u_pos[:, :, k])
    return np.sum(out * out)
