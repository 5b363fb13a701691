"""The programs on grids as JAX's users write them: `scan` and `fori_loop` over updated arrays."""

import jax
import jax.numpy as jnp
from jax.lax import fori_loop, scan


def jacobi_2d(a, steps):
    def half(a, b):
        return b.at[1:-1, 1:-1].set(
            0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])
        )

    def step(_, state):
        a, b = state
        b = half(a, b)
        return half(b, a), b

    a, _ = fori_loop(0, steps, step, (a, a))
    return jnp.sum(a * a)


def seidel_2d(a, steps):
    n = a.shape[0]

    def point(place, a):
        i, j = place // (n - 2) % (n - 2) + 1, place % (n - 2) + 1
        around = jax.lax.dynamic_slice(a, (i - 1, j - 1), (3, 3))
        return a.at[i, j].set(jnp.sum(around) / 9.0)

    a = fori_loop(0, steps * (n - 2) ** 2, point, a)
    return jnp.sum(a * a)


def burgers(u, v, nu, steps):
    dx = 2.0 / (u.shape[0] - 1)
    dt = min(0.1 * dx * dx / nu, 0.2 * dx)
    c, d = dt / dx, nu * dt / dx**2

    def moved(w, u, v):
        mid = w[1:-1, 1:-1]
        return (
            mid
            - c * u[1:-1, 1:-1] * (mid - w[1:-1, :-2])
            - c * v[1:-1, 1:-1] * (mid - w[:-2, 1:-1])
            + d * (w[1:-1, 2:] - 2 * mid + w[1:-1, :-2])
            + d * (w[2:, 1:-1] - 2 * mid + w[:-2, 1:-1])
        )

    def step(state, _):
        u, v = state
        new_u = u.at[1:-1, 1:-1].set(moved(u, u, v)).at[0, :].set(1.0).at[-1, :].set(1.0)
        new_v = v.at[1:-1, 1:-1].set(moved(v, u, v)).at[:, 0].set(1.0).at[:, -1].set(1.0)
        return (new_u, new_v), None

    (u, v), _ = scan(step, (u, v), None, length=steps)
    return jnp.sum(u * u) + jnp.sum(v * v)


def vadv(utens_stage, u_stage, wcon, u_pos, utens, dtr):
    late, early = 0.55, 0.45
    levels = u_stage.shape[2]
    wind = jnp.pad(0.25 * (wcon[1:] + wcon[:-1])[:, :, 1:], ((0, 0), (0, 0), (1, 1)))
    beyond = jnp.pad(u_stage, ((0, 0), (0, 0), (1, 1)))

    def forward(state, k):
        c, d = state
        below, here, above = beyond[:, :, k], beyond[:, :, k + 1], beyond[:, :, k + 2]
        down, up = -wind[:, :, k], wind[:, :, k + 1]
        right = dtr * u_pos[:, :, k] + utens[:, :, k] + utens_stage[:, :, k]
        right = right - up * early * (above - here) - down * early * (below - here)
        a = down * late
        middle = dtr - up * late - a - c * a
        state = up * late / middle, (right - d * a) / middle
        return state, state

    zero = jnp.zeros(u_stage.shape[:2])
    _, (c, d) = scan(forward, (zero, zero), jnp.arange(levels))

    def backward(x, k):
        x = d[k] - c[k] * x
        return x, dtr * (x - u_pos[:, :, k])

    _, out = scan(backward, zero, jnp.arange(levels), reverse=True)
    return jnp.sum(out * out)


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
    flux_x = jnp.where(change * slope > 0, 0.0, change)
    change = lap[1 : n + 1, 1:] - lap[1 : n + 1, :-1]
    slope = field[2 : n + 2, 2 : m + 3] - field[2 : n + 2, 1 : m + 2]
    flux_y = jnp.where(change * slope > 0, 0.0, change)
    out = field[2 : n + 2, 2 : m + 2] - coeff * (
        flux_x[1:] - flux_x[:-1] + flux_y[:, 1:] - flux_y[:, :-1]
    )
    return jnp.sum(out * out)


def heat_3d(a, steps):
    def half(a, b):
        mid = a[1:-1, 1:-1, 1:-1]
        return b.at[1:-1, 1:-1, 1:-1].set(
            0.125 * (a[2:, 1:-1, 1:-1] - 2.0 * mid + a[:-2, 1:-1, 1:-1])
            + 0.125 * (a[1:-1, 2:, 1:-1] - 2.0 * mid + a[1:-1, :-2, 1:-1])
            + 0.125 * (a[1:-1, 1:-1, 2:] - 2.0 * mid + a[1:-1, 1:-1, :-2])
            + mid
        )

    def step(_, state):
        a, b = state
        b = half(a, b)
        return half(b, a), b

    a, _ = fori_loop(0, steps, step, (a, a))
    return jnp.sum(a * a)


def fdtd_2d(ex, ey, hz, source):
    def step(state, now):
        ex, ey, hz = state
        ey = ey.at[0, :].set(now).at[1:, :].add(-0.5 * (hz[1:, :] - hz[:-1, :]))
        ex = ex.at[:, 1:].add(-0.5 * (hz[:, 1:] - hz[:, :-1]))
        turn = ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1]
        return (ex, ey, hz.at[:-1, :-1].add(-0.7 * turn)), None

    (ex, ey, hz), _ = scan(step, (ex, ey, hz), source)
    return jnp.sum(ex * ex) + jnp.sum(ey * ey) + jnp.sum(hz * hz)


def adi(u, steps):
    n = u.shape[0]
    dx, dt = 1.0 / n, 1.0 / steps
    mul1, mul2 = 2.0 * dt / dx**2, dt / dx**2
    a, d = -mul1 / 2.0, -mul2 / 2.0
    ones = jnp.ones(n - 2)

    def half(u, outer, a, d):  # implicit along the first axis of u, explicit along the second
        def forward(state, row):
            p, q = state
            divisor = a * p + 1.0 - 2.0 * a
            right = -d * row[:-2] + (1.0 + 2.0 * d) * row[1:-1] - d * row[2:]
            state = -a / divisor, (right - a * q) / divisor
            return state, state

        def backward(v, pq):
            v = pq[0] * v + pq[1]
            return v, v

        _, pq = scan(forward, (jnp.zeros(n - 2), ones), u[1:-1])
        _, inner = scan(backward, ones, pq, reverse=True)
        outer = outer.at[0, 1:-1].set(1.0).at[-1, 1:-1].set(1.0)
        return outer.at[1:-1, 1:-1].set(inner)

    def step(_, state):
        u, v = state
        v = half(u, v, a, d)
        return half(v.T, u.T, d, a).T, v

    u, _ = fori_loop(0, steps, step, (u, jnp.zeros((n, n))))
    return jnp.sum(u * u)


def cavity(u, v, p, steps, sweeps):
    n = u.shape[0]
    rho, nu, dt, dx = 1.0, 0.1, 0.0002, 2.0 / (n - 1)

    def moved(w, u, v, push):
        mid = w[1:-1, 1:-1]
        return w.at[1:-1, 1:-1].set(
            mid
            - u[1:-1, 1:-1] * dt / dx * (mid - w[1:-1, :-2])
            - v[1:-1, 1:-1] * dt / dx * (mid - w[:-2, 1:-1])
            - dt / (2 * rho * dx) * push
            + nu * dt / dx**2 * (w[1:-1, 2:] - 2 * mid + w[1:-1, :-2])
            + nu * dt / dx**2 * (w[2:, 1:-1] - 2 * mid + w[:-2, 1:-1])
        )

    def step(_, state):
        u, v, p = state
        du_dx = (u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx)
        dv_dy = (v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dx)
        du_dy = (u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dx)
        dv_dx = (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dx)
        b = rho * ((du_dx + dv_dy) / dt - du_dx**2 - 2 * du_dy * dv_dx - dv_dy**2)

        def sweep(_, p):
            around = p[1:-1, 2:] + p[1:-1, :-2] + p[2:, 1:-1] + p[:-2, 1:-1]
            p = p.at[1:-1, 1:-1].set(0.25 * around - 0.25 * dx**2 * b)
            p = p.at[:, -1].set(p[:, -2])
            p = p.at[0, :].set(p[1, :])
            return p.at[:, 0].set(p[:, 1]).at[-1, :].set(0.0)

        p = fori_loop(0, sweeps, sweep, p)
        new_u = moved(u, u, v, p[1:-1, 2:] - p[1:-1, :-2])
        new_v = moved(v, u, v, p[2:, 1:-1] - p[:-2, 1:-1])
        new_u = new_u.at[0, :].set(0.0).at[:, 0].set(0.0).at[:, -1].set(0.0).at[-1, :].set(1.0)
        new_v = new_v.at[0, :].set(0.0).at[-1, :].set(0.0).at[:, 0].set(0.0).at[:, -1].set(0.0)
        return new_u, new_v, p

    u, v, p = fori_loop(0, steps, step, (0.1 * u, 0.1 * v, 0.1 * p))
    return jnp.sum(u * u) + jnp.sum(v * v) + jnp.sum(p * p)
