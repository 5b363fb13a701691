"""Networks and particles, as they are written in plain NumPy."""

import numpy as np

from benchmarks._compiled_cases import case, normal, uniform


@case(
    "softmax over the last axis, 8 x 8 x 128 x 128",
    lambda q: (normal(*((2, 3, 4, 5) if q else (8, 8, 128, 128))),),
    0,
)
def softmax(x):
    top = np.max(x, axis=-1, keepdims=True)
    e = np.exp(x - top)
    y = e / np.sum(e, axis=-1, keepdims=True)
    return np.sum(y * y)


def convolution(quick):
    n, h, w, c, k, out = (2, 6, 5, 2, 2, 3) if quick else (8, 32, 32, 3, 5, 16)
    return normal(n, h, w, c), normal(k, k, c, out, seed=1), normal(out, seed=2)


def conv2d(x, weights):
    k = weights.shape[0]
    n, h, w = x.shape[0], x.shape[1] - k + 1, x.shape[2] - k + 1
    out = np.zeros((n, h, w, weights.shape[3]))
    for i in range(h):
        for j in range(w):
            out[:, i, j, :] = np.sum(
                x[:, i : i + k, j : j + k, :, None] * weights[None], axis=(1, 2, 3)
            )
    return out


@case("convolution and bias: 8 images 32 x 32 x 3, 5 x 5, 16 channels", convolution, 0, 1, 2)
def conv2d_bias(x, weights, bias):
    y = conv2d(x, weights) + bias
    return np.sum(y * y)


def maxpool(x):
    h, w = x.shape[1] // 2, x.shape[2] // 2
    out = np.zeros((x.shape[0], h, w, x.shape[3]))
    for i in range(h):
        for j in range(w):
            out[:, i, j, :] = np.max(x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, :], axis=(1, 2))
    return out


def lenet_inputs(quick):
    n, side, (c1, c2, f1, f2) = (2, 16, (2, 3, 5, 4)) if quick else (4, 28, (6, 16, 120, 84))
    flat = c2 * (((side - 4) // 2 - 4) // 2) ** 2
    return (
        normal(n, side, side, 1),
        *(normal(5, 5, 1, c1, seed=1, scale=0.3), 0.5 + normal(c1, seed=2, scale=0.1)),
        *(normal(5, 5, c1, c2, seed=3, scale=0.1), 0.5 + normal(c2, seed=4, scale=0.1)),
        *(normal(flat, f1, seed=5, scale=0.1), 0.5 + normal(f1, seed=6, scale=0.1)),
        *(normal(f1, f2, seed=7, scale=0.1), 0.5 + normal(f2, seed=8, scale=0.1)),
        *(normal(f2, 10, seed=9, scale=0.1), normal(10, seed=10, scale=0.1)),
    )


@case("LeNet-5, 4 images 28 x 28", lenet_inputs, *range(1, 11))
def lenet(x, w1, b1, w2, b2, w3, b3, w4, b4, w5, b5):
    x = maxpool(np.maximum(conv2d(x, w1) + b1, 0))
    x = maxpool(np.maximum(conv2d(x, w2) + b2, 0))
    x = x.reshape(x.shape[0], -1)
    x = np.maximum(x @ w3 + b3, 0)
    x = np.maximum(x @ w4 + b4, 0)
    x = x @ w5 + b5
    return np.sum(x * x)


def layers(quick):
    sizes = (3, 8, 6, 5) if quick else (784, 500, 200, 10)
    n = 7 if quick else 64
    parameters = []
    for i in range(3):
        shape = sizes[i], sizes[i + 1]
        parameters += [normal(*shape, seed=i, scale=sizes[i] ** -0.5), np.zeros(sizes[i + 1])]
    labels = np.random.default_rng(8).integers(sizes[3], size=n)
    return *parameters, uniform(n, sizes[0], seed=9), labels


@case("network 784-500-200-10, batch 64, cross-entropy", layers, *range(6))
def mlp(w1, b1, w2, b2, w3, b3, x, labels):
    a1 = np.maximum(x @ w1 + b1, 0)
    a2 = np.maximum(a1 @ w2 + b2, 0)
    z = a2 @ w3 + b3
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    p = e / np.sum(e, axis=-1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


def bodies(quick):
    n, steps = (5, 3) if quick else (50, 50)
    return uniform(n, 1, low=0.2), normal(n, 3, seed=1), normal(n, 3, seed=2), 0.01, steps


def acceleration(pos, mass, softening):
    x, y, z = pos[:, 0:1], pos[:, 1:2], pos[:, 2:3]
    dx, dy, dz = x.T - x, y.T - y, z.T - z
    inverse = dx**2 + dy**2 + dz**2 + softening**2
    inverse[inverse > 0] = inverse[inverse > 0] ** (-1.5)
    ax = (dx * inverse) @ mass
    ay = (dy * inverse) @ mass
    az = (dz * inverse) @ mass
    return np.hstack((ax, ay, az))


@case("all pairs of 50 bodies, leapfrog, 50 steps", bodies, 0, 1, 2)
def n_body(mass, pos, vel, dt, steps):
    pos, vel = pos.copy(), vel - np.mean(mass * vel, axis=0) / np.mean(mass)
    acc = acceleration(pos, mass, 0.1)
    for _ in range(steps):
        vel += acc * dt / 2.0
        pos += vel * dt
        acc = acceleration(pos, mass, 0.1)
        vel += acc * dt / 2.0
    return np.sum(pos * pos) + np.sum(mass * vel * vel)


def sequence(quick):
    steps, batch, inputs, hidden = (4, 3, 2, 3) if quick else (100, 32, 8, 8)
    return (
        normal(steps, batch, inputs),
        normal(inputs, 4 * hidden, seed=1, scale=0.3),
        normal(hidden, 4 * hidden, seed=2, scale=0.3),
        normal(4 * hidden, seed=3, scale=0.1),
    )


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@case("LSTM, 100 steps, batch 32, 8 inputs, 8 hidden units", sequence, 1, 2, 3)
def lstm_batch(xs, wx, wh, b):
    n = wh.shape[0]
    h = np.zeros((xs.shape[1], n))
    c = np.zeros((xs.shape[1], n))
    for x in xs:
        z = x @ wx + h @ wh + b
        i, f = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n])
        o, g = sigmoid(z[:, 2 * n : 3 * n]), np.tanh(z[:, 3 * n :])
        c = f * c + i * g
        h = o * np.tanh(c)
    return np.sum(h * h)
