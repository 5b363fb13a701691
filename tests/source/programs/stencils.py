"""Loop kernels on grids: Jacobi, Seidel, heat, waves, Maxwell, diffusion, ADI."""

# ruff: noqa: B007, SIM108 - as scientists write it

import numpy as np

from source.programs.catalogue import numbers, program

C0 = 0.5


@program(numbers(9, seed=1), 3, analytic=True)
def jacobi_1d(A, steps):
    B = A.copy()
    for t in range(1, steps + 1):
        B[1:-1] = 0.33333 * (A[:-2] + A[1:-1] + A[2:])
        A[1:-1] = 0.33333 * (B[:-2] + B[1:-1] + B[2:])
    return A


def apply_stencil(src, dst):
    """Fill the interior of dst; the caller owns both arrays."""
    dst[1:-1, 1:-1] = 0.2 * (
        src[1:-1, 1:-1] + src[1:-1, :-2] + src[1:-1, 2:] + src[2:, 1:-1] + src[:-2, 1:-1]
    )


@program(3, numbers(6, 5, seed=2), numbers(6, 5, seed=3))
def jacobi_2d(TSTEPS, A, B):
    """Both arrays are changed; nothing but the loop hands them on."""
    for t in range(1, TSTEPS):
        apply_stencil(A, B)
        apply_stencil(B, A)
    return A, B


@program(numbers(6, 6, seed=4), numbers(6, 6, seed=5), 1e-3, wrt=(0, 1), step=2.0**-12)
def laplace_until_quiet(u, source, tol):
    """Jacobi sweeps with swapped arrays until the norm of the change is small."""
    unew = np.empty_like(u)
    unew[:] = u
    h2 = (1.0 / (u.shape[0] - 1)) ** 2
    change = 1.0
    count = 0
    while change > tol and count < 200:
        unew[1:-1, 1:-1] = 0.25 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - h2 * source[1:-1, 1:-1]
        )
        change = np.sqrt(np.sum((unew - u) ** 2))
        u, unew = unew, u
        count += 1
    return u


@program(3, numbers(6, 6, seed=6))
def seidel_2d(TSTEPS, A):
    N = len(A)
    for t in range(TSTEPS):
        for i in range(1, N - 1):
            A[i, 1:-1] += (
                A[i - 1, :-2] + A[i - 1, 1:-1] + A[i - 1, 2:] + A[i, 2:] + A[i + 1, :-2]
                + A[i + 1, 1:-1] + A[i + 1, 2:]
            )  # fmt: skip
            for j in range(1, N - 1):
                A[i, j] += A[i, j - 1]
                A[i, j] /= 9.0
    return A


@program(3, numbers(5, 5, 5, seed=7), numbers(5, 5, 5, seed=8))
def heat_3d(TSTEPS, A, B):
    for t in range(1, TSTEPS):
        for X, Y in ((A, B), (B, A)):
            Y[1:-1, 1:-1, 1:-1] = (
                0.125 * (X[2:, 1:-1, 1:-1] - 2.0 * X[1:-1, 1:-1, 1:-1] + X[:-2, 1:-1, 1:-1])
                + 0.125 * (X[1:-1, 2:, 1:-1] - 2.0 * X[1:-1, 1:-1, 1:-1] + X[1:-1, :-2, 1:-1])
                + 0.125 * (X[1:-1, 1:-1, 2:] - 2.0 * X[1:-1, 1:-1, 1:-1] + X[1:-1, 1:-1, 0:-2])
                + X[1:-1, 1:-1, 1:-1]
            )
    return A


@program(numbers(8, seed=9), 0.4, 1.0, -0.5, analytic=True)
def heat_with_ends(T, r, left, right):
    """The history of a rod: one row of the table per time step."""
    nt = 4
    hist = np.zeros((nt + 1, T.shape[0]), dtype=T.dtype)
    hist[0] = T
    for n in range(nt):
        hist[n + 1, 1:-1] = hist[n, 1:-1] + r * np.diff(hist[n], n=2)
        hist[n + 1, 0] = left
        hist[n + 1, -1] = right
    return hist


@program(numbers(10, seed=10), numbers(10, seed=11, low=0.3, high=0.8))
def wave_1d(u0, c):
    """Three time levels that take turns; a reflecting left end and an absorbing right end."""
    u_prev = u0.copy()
    u = u0.copy()
    u_next = np.zeros(len(u0))
    for step in range(5):
        for i in range(1, len(u) - 1):
            u_next[i] = 2 * u[i] - u_prev[i] + c[i] ** 2 * (u[i + 1] - 2 * u[i] + u[i - 1])
        u_next[0] = u_next[1]
        u_next[-1] = u[-1] - c[-1] * (u[-1] - u[-2])
        u_prev, u, u_next = u, u_next, u_prev
    return u, np.sum(u**2) + np.sum((u - u_prev) ** 2)


@program(4, numbers(5, 6, seed=12), numbers(5, 6, seed=13), numbers(5, 6, seed=14), numbers(4))
def fdtd_2d(TMAX, ex, ey, hz, _fict_):
    """Electric and magnetic fields on a staggered grid."""
    for t in range(TMAX):
        ey[0, :] = _fict_[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= C0 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return ex, ey, hz


@program(numbers(7, 6, 3, seed=15), numbers(7, 6, 3, seed=16, low=0.1), 3, 2, 3)
def horizontal_diffusion(in_field, coeff, I, J, K):
    """Fourth-order diffusion of a weather model, with flux limiters."""
    out_field = np.empty((I, J, K))
    lap_field = 4.0 * in_field[1 : I + 3, 1 : J + 3, :] - (
        in_field[2 : I + 4, 1 : J + 3, :]
        + in_field[0 : I + 2, 1 : J + 3, :]
        + in_field[1 : I + 3, 2 : J + 4, :]
        + in_field[1 : I + 3, 0 : J + 2, :]
    )
    res = lap_field[1:, 1 : J + 1, :] - lap_field[:-1, 1 : J + 1, :]
    flx_field = np.where(
        (res * (in_field[2 : I + 3, 2 : J + 2, :] - in_field[1 : I + 2, 2 : J + 2, :])) > 0, 0, res
    )
    res = lap_field[1 : I + 1, 1:, :] - lap_field[1 : I + 1, :-1, :]
    fly_field = np.where(
        (res * (in_field[2 : I + 2, 2 : J + 3, :] - in_field[2 : I + 2, 1 : J + 2, :])) > 0, 0, res
    )
    out_field[:, :, :] = in_field[2 : I + 2, 2 : J + 2, :] - coeff[2 : I + 2, 2 : J + 2, :] * (
        flx_field[1:, :, :] - flx_field[:-1, :, :] + fly_field[:, 1:, :] - fly_field[:, :-1, :]
    )
    return out_field


BET_M = 0.5
BET_P = 0.5


@program(
    numbers(3, 2, 4, seed=17), numbers(4, 2, 4, seed=18), numbers(3, 2, 4, seed=19),
    numbers(3, 2, 4, seed=20), numbers(3, 2, 4, seed=21), 0.05,
)  # fmt: skip
def vertical_advection(utens_stage, wcon, u_stage, u_pos, utens, dtr_stage):
    """Implicit vertical advection: coefficients level by level, then a Thomas solve in place."""
    I, J, K = utens_stage.shape
    ccol = np.ndarray((I, J, K), dtype=utens_stage.dtype)
    dcol = np.ndarray((I, J, K), dtype=utens_stage.dtype)
    data_col = np.ndarray((I, J), dtype=utens_stage.dtype)
    for k in range(1):
        gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
        cs = gcv * BET_M
        ccol[:, :, k] = gcv * BET_P
        bcol = dtr_stage - ccol[:, :, k] + 2.0
        correction_term = -cs * (u_stage[:, :, k + 1] - u_stage[:, :, k])
        dcol[:, :, k] = (
            dtr_stage * u_pos[:, :, k] + utens[:, :, k] + utens_stage[:, :, k] + correction_term
        )
        divided = 1.0 / bcol
        ccol[:, :, k] = ccol[:, :, k] * divided
        dcol[:, :, k] = dcol[:, :, k] * divided
    for k in range(1, K):
        gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
        as_ = gav * BET_M
        acol = gav * BET_P
        correction_term = -as_ * (u_stage[:, :, k - 1] - u_stage[:, :, k])
        if k < K - 1:
            gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
            ccol[:, :, k] = gcv * BET_P
            correction_term -= gcv * BET_M * (u_stage[:, :, k + 1] - u_stage[:, :, k])
            bcol = dtr_stage - acol - ccol[:, :, k] + 2.0
        else:
            bcol = dtr_stage - acol + 2.0
        dcol[:, :, k] = (
            dtr_stage * u_pos[:, :, k] + utens[:, :, k] + utens_stage[:, :, k] + correction_term
        )
        divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
        if k < K - 1:
            ccol[:, :, k] = ccol[:, :, k] * divided
        dcol[:, :, k] = (dcol[:, :, k] - dcol[:, :, k - 1] * acol) * divided
    for k in range(K - 1, -1, -1):
        if k == K - 1:
            datacol = dcol[:, :, k]
        else:
            datacol = dcol[:, :, k] - ccol[:, :, k] * data_col[:, :]
        data_col[:] = datacol
        utens_stage[:, :, k] = dtr_stage * (datacol - u_pos[:, :, k])
    return utens_stage


@program(2, 5, numbers(5, 5, seed=22))
def adi(TSTEPS, N, u):
    """Alternating directions: two sweeps of tridiagonal solves per step."""
    v = np.empty(u.shape, dtype=u.dtype)
    p = np.empty(u.shape, dtype=u.dtype)
    q = np.empty(u.shape, dtype=u.dtype)
    DX, DY, DT = 1.0 / N, 1.0 / N, 1.0 / TSTEPS
    mul1, mul2 = 2.0 * DT / DX**2 * 0.01, DT / DY**2 * 0.01
    a = -mul1 / 2.0
    b = 1.0 + mul1
    c = a
    d = -mul2 / 2.0
    e = 1.0 + mul2
    f = d
    for t in range(1, TSTEPS + 1):
        v[0, 1 : N - 1] = 1.0
        p[1 : N - 1, 0] = 0.0
        q[1 : N - 1, 0] = v[0, 1 : N - 1]
        for j in range(1, N - 1):
            p[1 : N - 1, j] = -c / (a * p[1 : N - 1, j - 1] + b)
            q[1 : N - 1, j] = (
                -d * u[j, 0 : N - 2]
                + (1.0 + 2.0 * d) * u[j, 1 : N - 1]
                - f * u[j, 2:N]
                - a * q[1 : N - 1, j - 1]
            ) / (a * p[1 : N - 1, j - 1] + b)
        v[N - 1, 1 : N - 1] = 1.0
        for j in range(N - 2, 0, -1):
            v[j, 1 : N - 1] = p[1 : N - 1, j] * v[j + 1, 1 : N - 1] + q[1 : N - 1, j]

        u[1 : N - 1, 0] = 1.0
        p[1 : N - 1, 0] = 0.0
        q[1 : N - 1, 0] = u[1 : N - 1, 0]
        for j in range(1, N - 1):
            p[1 : N - 1, j] = -f / (d * p[1 : N - 1, j - 1] + e)
            q[1 : N - 1, j] = (
                -a * v[0 : N - 2, j]
                + (1.0 + 2.0 * a) * v[1 : N - 1, j]
                - c * v[2:N, j]
                - d * q[1 : N - 1, j - 1]
            ) / (d * p[1 : N - 1, j - 1] + e)
        u[1 : N - 1, N - 1] = 1.0
        for j in range(N - 2, 0, -1):
            u[1 : N - 1, j] = p[1 : N - 1, j] * u[1 : N - 1, j + 1] + q[1 : N - 1, j]
    return u
