"""The same gradients by hand, and as users of jax and autograd would write them.

jax has no stores: its loops are `fori_loop` over arrays updated by `.at`, compiled before the clock
starts. autograd has none either, and takes what can be written without.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._source_programs import Kernel

Factory = Callable[[Kernel, tuple[Any, ...]], Callable[[], Any]]


# -- by hand ---------------------------------------------------------------------------------------


def spread(ct: Any, other_ct: Any) -> None:
    """One half sweep of Jacobi backward: what `ct` got from the inner points goes to `other_ct`."""
    part = 0.2 * ct[1:-1, 1:-1]
    ct[1:-1, 1:-1] = 0
    other_ct[1:-1, 1:-1] += part
    other_ct[1:-1, :-2] += part
    other_ct[1:-1, 2:] += part
    other_ct[2:, 1:-1] += part
    other_ct[:-2, 1:-1] += part


def jacobi_by_hand(kernel: Kernel, args: tuple[Any, ...]) -> Callable[[], Any]:
    """The program and its sweep backward, which needs nothing but the last array."""

    def gradient() -> Any:
        a, steps = args[0].copy(), args[1]
        b = a.copy()
        for _ in range(steps // 2):
            b[1:-1, 1:-1] = 0.2 * (
                a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1]
            )
            a[1:-1, 1:-1] = 0.2 * (
                b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1]
            )
        np.sum(a * a)
        a_ct, b_ct = 2 * a, np.zeros_like(a)
        for _ in range(steps // 2):
            spread(a_ct, b_ct)
            spread(b_ct, a_ct)
        return a_ct + b_ct

    return gradient


def mlp_by_hand(kernel: Kernel, args: tuple[Any, ...]) -> Callable[[], Any]:
    """Back-propagation as a textbook writes it."""
    w1, b1, w2, b2, w3, b3, x, labels = args
    rows = np.arange(len(x))

    def gradient() -> Any:
        a1 = np.maximum(x @ w1 + b1, 0)
        a2 = np.maximum(a1 @ w2 + b2, 0)
        z = a2 @ w3 + b3
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        np.mean((z - np.log(total))[rows, labels])
        d3 = e / total
        d3[rows, labels] -= 1
        d3 /= len(x)
        d2 = (d3 @ w3.T) * (a2 > 0)
        d1 = (d2 @ w2.T) * (a1 > 0)
        return [x.T @ d1, d1.sum(0), a1.T @ d2, d2.sum(0), a2.T @ d3, d3.sum(0)]

    return gradient


# -- jax -------------------------------------------------------------------------------------------


def compiled(function: Callable[..., Any], kernel: Kernel, args: tuple[Any, ...]) -> Any:
    """The jitted gradient; plain numbers among the arguments are constants."""
    import jax
    import jax.numpy as jnp

    static = tuple(i for i, arg in enumerate(args) if isinstance(arg, int | float))
    gradient = jax.jit(jax.grad(function, argnums=kernel.argnums), static_argnums=static)
    moved = [jnp.asarray(arg) if isinstance(arg, np.ndarray) else arg for arg in args]
    jax.block_until_ready(gradient(*moved))
    return lambda: jax.block_until_ready(gradient(*moved))


def jacobi_in_jax(kernel: Kernel, args: tuple[Any, ...]) -> Any:
    import jax
    import jax.numpy as jnp

    def half(a: Any, b: Any) -> Any:
        return b.at[1:-1, 1:-1].set(
            0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])
        )

    def loss(a: Any, steps: int) -> Any:
        def sweep(state: Any, _: Any) -> Any:
            a, b = state
            b = half(a, b)
            return (half(b, a), b), None

        (a, _), _ = jax.lax.scan(sweep, (a, a), None, length=steps // 2)
        return jnp.sum(a * a)

    return compiled(loss, kernel, args)


def burgers_in_jax(kernel: Kernel, args: tuple[Any, ...]) -> Any:
    import jax
    import jax.numpy as jnp

    def moved(w: Any, u: Any, v: Any, c: float, d: float) -> Any:
        mid = w[1:-1, 1:-1]
        return (
            mid
            - c * u[1:-1, 1:-1] * (mid - w[1:-1, :-2])
            - c * v[1:-1, 1:-1] * (mid - w[:-2, 1:-1])
            + d * (w[1:-1, 2:] - 2 * mid + w[1:-1, :-2])
            + d * (w[2:, 1:-1] - 2 * mid + w[:-2, 1:-1])
        )

    def loss(u: Any, v: Any, nu: float, steps: int) -> Any:
        dx = 2.0 / (u.shape[0] - 1)
        dt = min(0.1 * dx * dx / nu, 0.2 * dx)

        def step(state: Any, _: Any) -> Any:
            u, v = state
            new_u = u.at[1:-1, 1:-1].set(moved(u, u, v, dt / dx, nu * dt / dx**2))
            new_v = v.at[1:-1, 1:-1].set(moved(v, u, v, dt / dx, nu * dt / dx**2))
            new_u = new_u.at[0, :].set(1.0).at[-1, :].set(1.0)
            return (new_u, new_v.at[:, 0].set(1.0).at[:, -1].set(1.0)), None

        (u, v), _ = jax.lax.scan(step, (u, v), None, length=steps)
        return jnp.sum(u * u) + jnp.sum(v * v)

    return compiled(loss, kernel, args)


def lu_rows_in_jax(kernel: Kernel, args: tuple[Any, ...]) -> Any:
    import jax
    import jax.numpy as jnp

    def loss(a: Any) -> Any:
        n = a.shape[0]
        places = jnp.arange(n)

        def step(a: Any, k: Any) -> Any:  # slices of changing length are masks here
            below = places > k
            column = jnp.where(below, a[:, k] / a[k, k], 0.0)
            a = a.at[:, k].set(jnp.where(below, column, a[:, k]))
            return a - jnp.outer(column, jnp.where(below, a[k], 0.0)), None

        a, _ = jax.lax.scan(step, a, places[:-1])
        return jnp.sum(jnp.log(jnp.diag(a)))

    return compiled(loss, kernel, args)


def mlp_in_jax(kernel: Kernel, args: tuple[Any, ...]) -> Any:
    import jax
    import jax.numpy as jnp

    def loss(w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, x: Any, labels: Any) -> Any:
        a1 = jax.nn.relu(x @ w1 + b1)
        a2 = jax.nn.relu(a1 @ w2 + b2)
        return -jnp.mean(jax.nn.log_softmax(a2 @ w3 + b3)[jnp.arange(len(labels)), labels])

    return compiled(loss, kernel, args)


def n_body_in_jax(kernel: Kernel, args: tuple[Any, ...]) -> Any:
    import jax
    import jax.numpy as jnp

    def loss(pos: Any, vel: Any, dt: float, steps: int) -> Any:
        def step(state: Any, _: Any) -> Any:
            pos, vel = state
            d = pos[None, :, :] - pos[:, None, :]
            weight = jnp.sum(d * d, axis=2)
            weight = jnp.where(weight > 0, (weight + 0.01) ** -1.5, weight)
            vel = vel + dt * jnp.sum(d * weight[:, :, None], axis=1)
            return (pos + dt * vel, vel), None

        (pos, vel), _ = jax.lax.scan(step, (pos, vel), None, length=steps)
        return jnp.sum(pos * pos) + jnp.sum(vel * vel)

    return compiled(loss, kernel, args)


# -- autograd --------------------------------------------------------------------------------------


def by_autograd(function: Callable[..., Any], kernel: Kernel, args: tuple[Any, ...]) -> Any:
    import autograd

    gradient = autograd.grad(function, argnum=kernel.argnums)
    return lambda: gradient(*args)


def mlp_in_autograd(kernel: Kernel, args: tuple[Any, ...]) -> Any:
    import autograd.numpy as anp

    def loss(w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, x: Any, labels: Any) -> Any:
        a1 = anp.maximum(x @ w1 + b1, 0)
        a2 = anp.maximum(a1 @ w2 + b2, 0)
        z = a2 @ w3 + b3
        z = z - anp.max(z, axis=1, keepdims=True)
        log_p = z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True))
        return -anp.mean(log_p[anp.arange(len(labels)), labels])

    return by_autograd(loss, kernel, args)


def n_body_in_autograd(kernel: Kernel, args: tuple[Any, ...]) -> Any:
    import autograd.numpy as anp

    def loss(pos: Any, vel: Any, dt: float, steps: int) -> Any:
        for _ in range(steps):
            d = pos[None, :, :] - pos[:, None, :]
            weight = anp.sum(d * d, axis=2)
            weight = anp.where(weight > 0, (weight + 0.01) ** -1.5, weight)
            vel = vel + dt * anp.sum(d * weight[:, :, None], axis=1)
            pos = pos + dt * vel
        return anp.sum(pos * pos) + anp.sum(vel * vel)

    return by_autograd(loss, kernel, args)


HAND: dict[str, Factory] = {"jacobi": jacobi_by_hand, "mlp": mlp_by_hand}

PEERS: dict[str, dict[str, Factory]] = {
    "jax": {
        "jacobi": jacobi_in_jax,
        "burgers": burgers_in_jax,
        "lu_rows": lu_rows_in_jax,
        "mlp": mlp_in_jax,
        "n_body": n_body_in_jax,
    },
    "autograd": {"mlp": mlp_in_autograd, "n_body": n_body_in_autograd},
}
