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
