"""Networks and particles as JAX's users write them."""

import jax
import jax.numpy as jnp
from jax.lax import conv_general_dilated, fori_loop, reduce_window, scan


def softmax(x):
    y = jax.nn.softmax(x, axis=-1)
    return jnp.sum(y * y)


def conv2d(x, weights):
    layout = ("NHWC", "HWIO", "NHWC")
    return conv_general_dilated(x, weights, (1, 1), "VALID", dimension_numbers=layout)


def conv2d_bias(x, weights, bias):
    y = conv2d(x, weights) + bias
    return jnp.sum(y * y)


def maxpool(x):
    window = (1, 2, 2, 1)
    return reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")


def lenet(x, w1, b1, w2, b2, w3, b3, w4, b4, w5, b5):
    x = maxpool(jax.nn.relu(conv2d(x, w1) + b1))
    x = maxpool(jax.nn.relu(conv2d(x, w2) + b2))
    x = x.reshape(x.shape[0], -1)
    x = jax.nn.relu(x @ w3 + b3)
    x = jax.nn.relu(x @ w4 + b4) @ w5 + b5
    return jnp.sum(x * x)


def mlp(w1, b1, w2, b2, w3, b3, x, labels):
    a1 = jax.nn.relu(x @ w1 + b1)
    a2 = jax.nn.relu(a1 @ w2 + b2)
    return -jnp.mean(jax.nn.log_softmax(a2 @ w3 + b3)[jnp.arange(len(labels)), labels])


def acceleration(pos, mass, softening):
    d = pos[None, :, :] - pos[:, None, :]
    inverse = (jnp.sum(d * d, axis=2) + softening**2) ** -1.5
    return jnp.einsum("ijd,ij,j->id", d, inverse, mass[:, 0])


def n_body(mass, pos, vel, dt, steps):
    vel = vel - jnp.mean(mass * vel, axis=0) / jnp.mean(mass)

    def step(_, state):
        pos, vel, acc = state
        vel = vel + acc * dt / 2.0
        pos = pos + vel * dt
        acc = acceleration(pos, mass, 0.1)
        return pos, vel + acc * dt / 2.0, acc

    pos, vel, _ = fori_loop(0, steps, step, (pos, vel, acceleration(pos, mass, 0.1)))
    return jnp.sum(pos * pos) + jnp.sum(mass * vel * vel)


def lstm_batch(xs, wx, wh, b):
    n = wh.shape[0]
    zero = jnp.zeros((xs.shape[1], n))

    def step(state, x):
        h, c = state
        i, f, o, g = jnp.split(x @ wx + h @ wh + b, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    (h, _), _ = scan(step, (zero, zero), xs)
    return jnp.sum(h * h)
