"""Linear algebra and statistics as JAX's users write them, loop for loop.

Slices whose length changes are masks; loops whose ends change run over everything.
"""

import jax
import jax.numpy as jnp
from jax.lax import fori_loop, scan


def lu(a):
    n = a.shape[0]
    places = jnp.arange(n)

    def element(place, a):
        i, j = place // n, place % n
        before = places < jnp.minimum(i, j)
        x = a[i, j] - jnp.where(before, a[i], 0.0) @ jnp.where(before, a[:, j], 0.0)
        return a.at[i, j].set(jnp.where(j < i, x / a[j, j], x))

    a = fori_loop(0, n * n, element, a)
    return jnp.sum(a * a)


def gramschmidt(a):
    n = a.shape[1]

    def column(k, state):
        a, q, r = state
        r = r.at[k, k].set(jnp.sqrt(a[:, k] @ a[:, k]))
        q = q.at[:, k].set(a[:, k] / r[k, k])

        def other(j, state):
            a, r = state
            x = jnp.where(j > k, q[:, k] @ a[:, j], 0.0)
            return a.at[:, j].add(-q[:, k] * x), r.at[k, j].add(x)

        a, r = fori_loop(0, n, other, (a, r))
        return a, q, r

    _, q, r = fori_loop(0, n, column, (a, jnp.zeros(a.shape), jnp.zeros((n, n))))
    return jnp.sum(r * r * r) + jnp.sum(q[0] * q[1])
