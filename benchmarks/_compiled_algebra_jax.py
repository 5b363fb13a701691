"""Linear algebra and statistics as JAX's users write them, loop for loop.

Slices whose length changes are masks; loops whose ends change run over everything.
"""

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


def durbin(r):
    n = len(r)
    places = jnp.arange(n)

    def step(state, k):
        y, alpha, beta = state
        beta = beta * (1.0 - alpha * alpha)
        back = (k - 1 - places) % n
        before = places < k
        alpha = -(r[k] + jnp.sum(jnp.where(before, r[back] * y, 0.0))) / beta
        y = y + alpha * jnp.where(before, y[back], 0.0)
        return (y.at[k].set(alpha), alpha, beta), None

    start = jnp.zeros(n).at[0].set(-r[0]), -r[0], 1.0
    (y, _, _), _ = scan(step, start, places[1:])
    return jnp.sum(y * y)


def covariance(data):
    n, m = data.shape
    centred = data - jnp.mean(data, axis=0)
    places = jnp.arange(m)

    def row(i, cov):
        values = jnp.where(places >= i, centred[:, i] @ centred / (n - 1.0), cov[i])
        return cov.at[:, i].set(values).at[i, :].set(values)

    cov = fori_loop(0, m, row, jnp.zeros((m, m)))
    return jnp.sum(cov * cov)
