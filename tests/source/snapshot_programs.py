"""Small programs whose derivatives are kept as text, to be read: see the folder ``snapshots``."""

import numpy as np


def heat(u, nu):
    """A stencil in place."""
    u = u.copy()
    for _ in range(10):
        u[1:-1] += nu * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def seidel(a, sweeps):
    """Element by element, each from the newest values."""
    n = a.shape[0]
    for _ in range(sweeps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                a[i, j] = 0.25 * (a[i - 1, j] + a[i, j - 1] + a[i + 1, j] * a[i, j + 1])
    return a


def lu(a):
    """Factors in place, by slices."""
    n = a.shape[0]
    for k in range(n):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a


def square_root(a):
    """Newton's method until nothing changes."""
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = 0.5 * (x + a / x)
    return x


def capped_sum(x, cap):
    """A branch and an early exit from a loop."""
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            total = total + np.sqrt(x[i])
        else:
            total = total * np.exp(x[i])
        if total > cap:
            break
    return total


def perceptron(w1, b1, w2, x, y):
    """Matrix products, a mean."""
    hidden = np.tanh(x @ w1 + b1)
    out = hidden @ w2
    return np.mean((out - y) ** 2)


def leapfrog(x, v, dt):
    """Two arrays that take turns."""
    new = np.empty_like(x)
    for _ in range(5):
        new[:] = x + dt * v
        v = v - dt * np.sin(new)
        x, new = new, x
    return np.sum(x * v)


def softmax_loss(z, target):
    """Reductions and an index."""
    z = z - np.max(z)
    return np.log(np.sum(np.exp(z))) - z[target]


def softmax_in_place(x):
    """Whole arrays that are overwritten."""
    x -= np.max(x, axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= np.sum(x, axis=-1, keepdims=True)
    return np.sum(x * x)


def rank_update(alpha, beta, c, a):
    """Parts that are overwritten again and again, and read once before that."""
    for i in range(a.shape[0]):
        c[i, : i + 1] *= beta
        for k in range(a.shape[1]):
            c[i, : i + 1] += alpha * a[i, k] * a[: i + 1, k]
    return np.sum(c * c)
