"""Networks and particles as loops for Numba, written by hand; large products are BLAS's."""

from math import exp, log, sqrt, tanh

import numpy as np
from numba import njit

from benchmarks._compiled_grids_hand import squares


@njit
def softmax(x):
    total = 0.0
    rows = x.reshape(-1, x.shape[-1])
    e = np.empty(rows.shape[1])
    for i in range(rows.shape[0]):
        top = rows[i, 0]
        for j in range(len(e)):
            top = max(top, rows[i, j])
        s = 0.0
        for j in range(len(e)):
            e[j] = exp(rows[i, j] - top)
            s += e[j]
        for j in range(len(e)):
            total += (e[j] / s) ** 2
    return total


@njit
def conv2d(x, weights, bias):
    k, _, channels, outs = weights.shape
    n, h, w = x.shape[0], x.shape[1] - k + 1, x.shape[2] - k + 1
    out = np.empty((n, h, w, outs))
    for b in range(n):
        for i in range(h):
            for j in range(w):
                for o in range(outs):
                    out[b, i, j, o] = bias[o]
                for p in range(k):
                    for q in range(k):
                        for c in range(channels):
                            y = x[b, i + p, j + q, c]
                            for o in range(outs):
                                out[b, i, j, o] += y * weights[p, q, c, o]
    return out


@njit
def conv2d_bias(x, weights, bias):
    return squares(conv2d(x, weights, bias))


@njit
def relu(x):
    flat = x.ravel()
    for i in range(flat.size):
        flat[i] = max(flat[i], 0.0)
    return x


@njit
def maxpool(x):
    n, h, w, c = x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]
    out = np.empty((n, h, w, c))
    for b in range(n):
        for i in range(h):
            for j in range(w):
                for k in range(c):
                    top = x[b, 2 * i, 2 * j, k]
                    for di in range(2):
                        for dj in range(2):
                            top = max(top, x[b, 2 * i + di, 2 * j + dj, k])
                    out[b, i, j, k] = top
    return out


@njit
def lenet(x, w1, b1, w2, b2, w3, b3, w4, b4, w5, b5):
    x = maxpool(relu(conv2d(x, w1, b1)))
    x = maxpool(relu(conv2d(x, w2, b2)))
    y = relu(x.reshape(x.shape[0], -1) @ w3 + b3)
    return squares(relu(y @ w4 + b4) @ w5 + b5)


@njit
def mlp(w1, b1, w2, b2, w3, b3, x, labels):
    z = relu(relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3
    total = 0.0
    for i in range(z.shape[0]):
        top, s = z[i, 0], 0.0
        for j in range(z.shape[1]):
            top = max(top, z[i, j])
        for j in range(z.shape[1]):
            s += exp(z[i, j] - top)
        total += z[i, labels[i]] - top - log(s)
    return -total / z.shape[0]


@njit
def accelerate(acc, pos, mass):
    n = len(pos)
    for i in range(n):
        ax, ay, az = 0.0, 0.0, 0.0
        for j in range(n):
            dx, dy, dz = pos[j, 0] - pos[i, 0], pos[j, 1] - pos[i, 1], pos[j, 2] - pos[i, 2]
            r2 = dx * dx + dy * dy + dz * dz + 0.01
            pull = mass[j, 0] / (r2 * sqrt(r2))
            ax += dx * pull
            ay += dy * pull
            az += dz * pull
        acc[i, 0], acc[i, 1], acc[i, 2] = ax, ay, az


@njit
def n_body(mass, pos, vel, dt, steps):
    n = len(pos)
    pos, vel, acc = pos.copy(), vel.copy(), np.empty((n, 3))
    for d in range(3):
        momentum, all_mass = 0.0, 0.0
        for i in range(n):
            momentum += mass[i, 0] * vel[i, d]
            all_mass += mass[i, 0]
        for i in range(n):
            vel[i, d] -= momentum / all_mass
    accelerate(acc, pos, mass)
    for _ in range(steps):
        for i in range(n):
            for d in range(3):
                vel[i, d] += acc[i, d] * dt / 2.0
                pos[i, d] += vel[i, d] * dt
        accelerate(acc, pos, mass)
        for i in range(n):
            for d in range(3):
                vel[i, d] += acc[i, d] * dt / 2.0
    total = squares(pos)
    for i in range(n):
        for d in range(3):
            total += mass[i, 0] * vel[i, d] * vel[i, d]
    return total


@njit
def sigmoid(x):
    return 1.0 / (1.0 + exp(-x))


@njit
def lstm_batch(xs, wx, wh, b):
    steps, batch, inputs = xs.shape
    n = wh.shape[0]
    h, c, z = np.zeros((batch, n)), np.zeros((batch, n)), np.empty(4 * n)
    for t in range(steps):
        for r in range(batch):
            z[:] = b
            for k in range(inputs):
                for j in range(4 * n):
                    z[j] += xs[t, r, k] * wx[k, j]
            for k in range(n):
                for j in range(4 * n):
                    z[j] += h[r, k] * wh[k, j]
            for j in range(n):
                keep = sigmoid(z[n + j]) * c[r, j]
                c[r, j] = keep + sigmoid(z[j]) * tanh(z[3 * n + j])
                h[r, j] = sigmoid(z[2 * n + j]) * tanh(c[r, j])
    return squares(h)
