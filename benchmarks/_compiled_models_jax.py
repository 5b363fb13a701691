"""The models as JAX's users write them: `vmap` over points and observations, `scan` over time."""

import jax
import jax.numpy as jnp
from jax.lax import scan
from jax.scipy.special import logsumexp


def gmm(alphas, means, log_diag, lower, x):
    n, d = x.shape
    columns, rows = jnp.triu_indices(d, 1)  # the triangle column by column

    def factor(log_diag, lower):
        return jnp.diag(jnp.exp(log_diag)).at[rows, columns].set(lower)

    q = jax.vmap(factor)(log_diag, lower)
    y = jnp.einsum("kij,nkj->nki", q, x[:, None, :] - means)
    terms = alphas + jnp.sum(log_diag, axis=1) - 0.5 * jnp.sum(y * y, axis=2)
    wishart = 0.5 * (jnp.sum(jnp.exp(2 * log_diag)) + jnp.sum(lower * lower)) - jnp.sum(log_diag)
    return jnp.sum(logsumexp(terms, axis=1)) - n * logsumexp(alphas) - wishart


def rotated(rotation, x):
    squared = jnp.sum(rotation * rotation)
    theta = jnp.sqrt(jnp.where(squared == 0.0, 1.0, squared))
    axis = rotation / theta
    turned = (
        x * jnp.cos(theta)
        + jnp.cross(axis, x) * jnp.sin(theta)
        + axis * (jnp.dot(axis, x) * (1.0 - jnp.cos(theta)))
    )
    return jnp.where(squared == 0.0, x + jnp.cross(rotation, x), turned)


def projected(cam, x):
    seen = rotated(cam[0:3], x - cam[3:6])
    flat = seen[:2] / seen[2]
    r2 = jnp.sum(flat * flat)
    return flat * (1.0 + cam[9] * r2 + cam[10] * r2 * r2) * cam[6] + cam[7:9]


def bundle(cams, points, weights, obs, features):
    seen = jax.vmap(projected)(cams[obs[:, 0]], points[obs[:, 1]])
    error = weights[:, None] * (seen - features)
    slack = 1.0 - weights * weights
    return jnp.sum(error * error) + jnp.sum(slack * slack)


def lstm(main, extra, state, text):
    length, size = text.shape

    def layer(x, hidden, cell, weight, bias):
        weight, bias = weight.reshape(4, size), bias.reshape(4, size)
        forget = jax.nn.sigmoid(x * weight[0] + bias[0])
        keep = jax.nn.sigmoid(hidden * weight[1] + bias[1])
        out = jax.nn.sigmoid(x * weight[2] + bias[2])
        change = jnp.tanh(hidden * weight[3] + bias[3])
        cell = cell * forget + keep * change
        return out * jnp.tanh(cell), cell

    def step(state, letters):
        now, after = letters
        x, rows = now * extra[0], []
        for i in range(0, len(state), 2):
            x, cell = layer(x, state[i], state[i + 1], main[i], main[i + 1])
            rows += [x, cell]
        guess = x * extra[1] + extra[2]
        guess = guess - jnp.log(jnp.sum(jnp.exp(guess)) + 2.0)
        return jnp.stack(rows), jnp.sum(after * guess)

    _, terms = scan(step, state, (text[:-1], text[1:]))
    return -jnp.sum(terms) / (size * (length - 1))
