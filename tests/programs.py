"""Plain NumPy programs that every engine and mode must agree on.

Each is a function of float arrays, as a scientist writes it: loops, branches, in-place stores. None
knows that it will be differentiated, except that a new array is made like an argument
(``np.zeros_like``), as every tracing tool needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Program(NamedTuple):
    """A function with example arguments; the output is one array or a tuple of arrays."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]


PROGRAMS: list[Program] = []


def program(*args: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function into the list, with example arguments."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append(Program(function.__name__, function, args))
        return function

    return enter


def numbers(*shape: int, seed: int = 0, low: float = -1.0, high: float = 1.0) -> Any:
    return np.random.default_rng(seed).uniform(low, high, shape)


# -- stencils and partial differential equations ---------------------------------------------------


@program(numbers(8), np.float64(0.3))
def heat_1d(u, nu):
    """Explicit steps of the heat equation with fixed ends."""
    u = u.copy()
    for _ in range(4):
        u[1:-1] += nu * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u


@program(numbers(5, 5))
def jacobi_2d(a):
    """Two arrays that take turns."""
    b = np.zeros_like(a)
    b[...] = a
    for _ in range(3):
        b[1:-1, 1:-1] = 0.2 * (
            a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1]
        )
        a, b = b, a.copy()
    return a


@program(numbers(4, 4))
def seidel_2d(a):
    """Gauss-Seidel, element by element in place."""
    a = a * 1.0
    n = a.shape[0]
    for _ in range(2):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                a[i, j] = (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] + a[i, j] ** 2) / 5
    return a


@program(numbers(6, low=0.5), np.float64(0.05))
def burgers(u, nu):
    """Upwind steps of Burgers' equation on a ring, with a branch on the sign."""
    dt, dx = 0.01, 0.2
    for _ in range(4):
        left, right = np.roll(u, 1), np.roll(u, -1)
        slope = np.where(u > 0, u - left, right - u) / dx
        u = u - dt * u * slope + dt * nu * (right - 2 * u + left) / dx**2
    return u


@program(numbers(6, 5, seed=3), numbers(3, 2, seed=4))
def convolution_by_slices(image, kernel):
    rows, columns = (i - k + 1 for i, k in zip(image.shape, kernel.shape, strict=True))
    out = np.zeros_like(image, shape=(rows, columns))
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            out += kernel[i, j] * image[i : i + rows, j : j + columns]
    return np.maximum(out, 0.05 * out)


# -- linear algebra written with loops -------------------------------------------------------------


@program(numbers(4, seed=1), numbers(5, seed=2, low=3, high=4), numbers(4, seed=3), numbers(5))
def thomas(lower, diagonal, upper, right):
    """Tridiagonal solve: forward elimination and back substitution in place."""
    n = diagonal.shape[0]
    d, x = diagonal.copy(), right.copy()
    for i in range(1, n):
        w = lower[i - 1] / d[i - 1]
        d[i] -= w * upper[i - 1]
        x[i] -= w * x[i - 1]
    x[-1] /= d[-1]
    for i in range(n - 2, -1, -1):
        x[i] = (x[i] - upper[i] * x[i + 1]) / d[i]
    return x


@program(numbers(4, 4, seed=5))
def cholesky(b):
    """Cholesky factor of b b^T + 2, a row at a time."""
    a = b @ b.T + 2 * np.eye(b.shape[0])
    n = a.shape[0]
    factor = np.zeros_like(a)
    for i in range(n):
        for j in range(i):
            factor[i, j] = (a[i, j] - factor[i, :j] @ factor[j, :j]) / factor[j, j]
        factor[i, i] = np.sqrt(a[i, i] - np.sum(factor[i, :i] ** 2))
    return factor


@program(numbers(4, 4, seed=6) + 3 * np.eye(4))
def lu_in_place(a):
    """LU factors in the memory of the matrix, without pivoting."""
    a = a * 1.0
    n = a.shape[0]
    for k in range(n - 1):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a


@program(numbers(4, 3, seed=7))
def gram_schmidt(a):
    q = np.zeros_like(a)
    for j in range(a.shape[1]):
        v = a[:, j].copy()
        for i in range(j):
            v -= (q[:, i] @ v) * q[:, i]
        q[:, j] = v / np.sqrt(v @ v)
    return q


@program(numbers(3, 3, seed=8), numbers(3, seed=9))
def power_iteration(b, v):
    a = b @ b.T + np.diag([1.0, 2.0, 4.0])
    for _ in range(6):
        v = a @ v
        v = v / np.linalg.norm(v)
    return v @ a @ v, v


# -- dynamics --------------------------------------------------------------------------------------


@program(numbers(2, seed=10, low=0.5, high=1.5), numbers(4, seed=11, low=0.3, high=0.9))
def runge_kutta(state, rates):
    """Lotka-Volterra by the classical fourth-order method; every state is kept."""

    def slope(y):
        prey, predator = y
        a, b, c, d = rates
        return np.stack([a * prey - b * prey * predator, c * prey * predator - d * predator])

    h = 0.1
    path = np.zeros_like(state, shape=(5, 2))
    path[0] = state
    for i in range(4):
        y = path[i]
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        path[i + 1] = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return path


@program(numbers(4, 2, seed=12), numbers(4, 2, seed=13), numbers(4, seed=14, low=0.5, high=2))
def n_body(position, velocity, mass):
    """Leapfrog with softened gravity, pair by pair, in place."""
    x, v = position.copy(), velocity.copy()
    for _ in range(2):
        for i in range(4):
            for j in range(i):
                r = x[j] - x[i]
                pull = r / (r @ r + 0.1) ** 1.5
                v[i] += 0.01 * mass[j] * pull
                v[j] -= 0.01 * mass[i] * pull
        x += 0.01 * v
    return x, v


@program(
    numbers(3, seed=15), numbers(3, 3, seed=16), numbers(2, 3, seed=17), numbers(4, 2, seed=18)
)
def kalman_filter(mean, spread, observe, data):
    """Log-likelihood and last state of a linear Gaussian model."""
    move = np.eye(3) + 0.1 * np.eye(3, k=1)
    cov = spread @ spread.T + np.eye(3)
    loss = 0.0
    for z in data:
        mean = move @ mean
        cov = move @ cov @ move.T + 0.1 * np.eye(3)
        s = observe @ cov @ observe.T + 0.5 * np.eye(2)
        det = s[0, 0] * s[1, 1] - s[0, 1] * s[1, 0]
        inverse = np.stack([np.stack([s[1, 1], -s[0, 1]]), np.stack([-s[1, 0], s[0, 0]])]) / det
        error = z - observe @ mean
        gain = cov @ observe.T @ inverse
        loss = loss + 0.5 * (error @ inverse @ error + np.log(det))
        mean = mean + gain @ error
        cov = cov - gain @ observe @ cov
    return loss, mean


@program(numbers(2, 3, seed=19), np.float64(1.7))
def newton_until_converged(a, x):
    """Roots of cubics by Newton's method; the number of steps depends on the values."""
    roots = np.zeros_like(a, shape=3)
    for j in range(3):
        t = x
        for _ in range(50):
            f = t**3 + a[0, j] * t**2 * 0.1 + a[1, j] - 2
            step = f / (3 * t**2 + 0.2 * a[0, j] * t)
            t = t - step
            if abs(step) < 1e-13:
                break
        roots[j] = t
    return roots


# -- learning --------------------------------------------------------------------------------------


@program(
    numbers(5, 4, seed=20), numbers(4, 6, seed=21), numbers(6, seed=22), numbers(6, 3, seed=23)
)
def mlp_cross_entropy(x, w1, b1, w2):
    labels = np.array([0, 2, 1, 1, 0])
    hidden = np.maximum(x @ w1 + b1, 0)
    logits = hidden @ w2
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(5), labels])


@program(numbers(4, 2, seed=24), numbers(5, 12, seed=25), numbers(12, seed=26))
def lstm(inputs, w, b):
    h = c = np.zeros_like(inputs, shape=3)
    outputs = []
    for x in inputs:
        i, f, o, g = np.split(np.concatenate([x, h]) @ w + b, 4)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        outputs.append(h)
    return np.stack(outputs)


@program(numbers(4, 3, seed=27), numbers(3, 3, seed=28), numbers(3, 3, seed=29))
def attention(x, wq, wk):
    """Softmax in place on the scores, with a causal mask."""
    scores = (x @ wq) @ (x @ wk).T / np.sqrt(3)
    scores[np.triu_indices(4, 1)] = -np.inf
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return np.einsum("ij,jk->ik", scores, x)


@program(numbers(6, 2, seed=30), numbers(3, 2, seed=31), numbers(3, seed=32))
def mixture_of_gaussians(points, centres, weights):
    """Negative log-likelihood by log-sum-exp."""
    square = np.sum((points[:, None, :] - centres) ** 2, axis=-1)
    terms = weights - np.log(np.sum(np.exp(weights))) - square
    top = np.max(terms, axis=1, keepdims=True)
    return -np.sum(top[:, 0] + np.log(np.sum(np.exp(terms - top), axis=1)))


@program(numbers(5, seed=33, low=0.5, high=2), numbers(3, seed=34))
def momentum_descent(data, start):
    """An optimizer's own path: derivatives of what learning arrives at."""
    x, v = start.copy(), np.zeros_like(start)
    for k in range(6):
        gradient = 2 * data[k % 5] * x * np.mean(data) + np.sin(x)
        v *= 0.8
        v -= 0.05 * gradient
        x += v
    return x


# -- transforms, dynamic programming, numbers ------------------------------------------------------


@program(numbers(8, seed=35) + 1j * numbers(8, seed=36))
def fft_by_hand(z):
    """Radix-2 fast Fourier transform, in place on a copy."""
    n = z.shape[0]
    bits = n.bit_length() - 1
    order = [int(format(i, f"0{bits}b")[::-1], 2) for i in range(n)]
    y = z[order]
    size = 2
    while size <= n:
        twiddle = np.exp(-2j * np.pi * np.arange(size // 2) / size)
        for start in range(0, n, size):
            even = y[start : start + size // 2].copy()
            odd = y[start + size // 2 : start + size] * twiddle
            y[start : start + size // 2] = even + odd
            y[start + size // 2 : start + size] = even - odd
        size *= 2
    return y


@program(numbers(8, seed=37))
def power_spectrum(signal):
    spectrum = fft_by_hand(signal * np.hanning(8) + 0j)
    return np.abs(spectrum[:4]) ** 2


@program(numbers(4, seed=38), numbers(5, seed=39))
def soft_alignment(a, b):
    """Soft dynamic time warping: a table filled cell by cell."""
    table = np.full_like(a, 1e3, shape=(5, 6))
    table[0, 0] = 0.0
    for i in range(1, 5):
        for j in range(1, 6):
            before = np.stack([table[i - 1, j], table[i, j - 1], table[i - 1, j - 1]])
            low = np.min(before)
            table[i, j] = (a[i - 1] - b[j - 1]) ** 2 + low - np.log(np.sum(np.exp(low - before)))
    return table[-1, -1]


@program(np.float64(1.3), numbers(6, seed=40))
def horner_and_bisect(x, coefficients):
    """A polynomial by Horner's rule, and a search that branches on values."""
    y = coefficients[0] * 0
    for c in coefficients:
        y = y * x + c
    low, high = 0.0, 4.0
    for _ in range(3):  # few: the bounds must not move with small changes
        middle = (low + high) / 2
        if middle**2 < abs(y) + 1:
            low = middle
        else:
            high = middle
    return y * low + np.sum(coefficients[::2] ** 2) * x


@program(numbers(7, seed=41), numbers(7, seed=42, low=0.1))
def sorted_portfolio(returns, weights):
    """Expected shortfall: sorting, cumulative sums, a mask and an index array."""
    share = weights / weights.sum()
    order = np.argsort(returns)
    ranked, mass = returns[order], np.cumsum(share[order])
    tail = np.where(mass < 0.4, ranked * share[order], 0.0)
    out = np.zeros_like(returns)
    out[order[:3]] = tail[:3] ** 2
    np.add.at(out, order[[0, 0, 1]], ranked[:3])
    out[out > 0.1] *= 2
    return out
