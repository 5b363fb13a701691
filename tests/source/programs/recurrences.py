"""Recursive filters, Markov chains, dynamic programming: the next value needs the last ones."""

# ruff: noqa: B905 - as scientists write it

import math
from collections import namedtuple

import numpy as np

from source.programs.catalogue import numbers, program


@program(0.25, numbers(5, 4, seed=1))
def deriche(alpha, imgIn):
    """A recursive edge filter: forward and backward passes over rows, then over columns."""
    k = (
        (1.0 - math.exp(-alpha))
        * (1.0 - math.exp(-alpha))
        / (1.0 + 2.0 * alpha * math.exp(-alpha) - math.exp(2.0 * alpha) * 0.5)
    )
    a1 = a5 = k
    a2 = a6 = k * math.exp(-alpha) * (alpha - 1.0)
    a3 = a7 = k * math.exp(-alpha) * (alpha + 1.0)
    a4 = a8 = -k * math.exp(-2.0 * alpha)
    b1 = 2.0 ** (-alpha)
    b2 = -math.exp(-2.0 * alpha)
    c1 = c2 = 1

    y1 = np.empty_like(imgIn)
    y1[:, 0] = a1 * imgIn[:, 0]
    y1[:, 1] = a1 * imgIn[:, 1] + a2 * imgIn[:, 0] + b1 * y1[:, 0]
    for j in range(2, imgIn.shape[1]):
        y1[:, j] = a1 * imgIn[:, j] + a2 * imgIn[:, j - 1] + b1 * y1[:, j - 1] + b2 * y1[:, j - 2]

    y2 = np.empty_like(imgIn)
    y2[:, -1] = 0.0
    y2[:, -2] = a3 * imgIn[:, -1]
    for j in range(imgIn.shape[1] - 3, -1, -1):
        y2[:, j] = (
            a3 * imgIn[:, j + 1] + a4 * imgIn[:, j + 2] + b1 * y2[:, j + 1] + b2 * y2[:, j + 2]
        )
    imgOut = c1 * (y1 + y2)

    y1[0, :] = a5 * imgOut[0, :]
    y1[1, :] = a5 * imgOut[1, :] + a6 * imgOut[0, :] + b1 * y1[0, :]
    for i in range(2, imgIn.shape[0]):
        y1[i, :] = a5 * imgOut[i, :] + a6 * imgOut[i - 1, :] + b1 * y1[i - 1, :] + b2 * y1[i - 2, :]

    y2[-1, :] = 0.0
    y2[-2, :] = a7 * imgOut[-1, :]
    for i in range(imgIn.shape[0] - 3, -1, -1):
        y2[i, :] = (
            a7 * imgOut[i + 1, :] + a8 * imgOut[i + 2, :] + b1 * y2[i + 1, :] + b2 * y2[i + 2, :]
        )
    imgOut[:] = c2 * (y1 + y2)
    return imgOut


@program(numbers(3, seed=2), numbers(2, seed=3) * 0.5, numbers(8, seed=4), analytic=True)
def iir_filter(b, a, x):
    """Direct form: the output is fed back, history before the start counts as zero."""
    y = np.zeros_like(x)
    for n in range(len(x)):
        acc = 0.0
        for k in range(len(b)):
            if n - k >= 0:
                acc += b[k] * x[n - k]
        for k in range(1, len(a) + 1):
            if n >= k:
                acc -= a[k - 1] * y[n - k]
        y[n] = acc
    return y


@program([numbers(6, seed=5)[:3] * 0.4, numbers(3, seed=6) * 0.4], numbers(7, seed=7))
def biquad_cascade(sections, signal):
    """Transposed direct form II; the state is a list of two numbers per section."""
    out = np.array(signal)
    for coeffs in sections:
        g, p, q = coeffs
        state = [0.0, 0.0]
        for n, s in enumerate(out):
            v = g * s + state[0]
            state[0] = p * s - q * v + state[1]
            state[1] = s - p * v
            out[n] = v
    return out


@program(numbers(6, seed=8, low=0.5, high=2.0), 0.3)
def smoothing_both_ways(series, alpha):
    """Exponential averages from the left and from the right, then their worst-case blend."""
    fwd = np.empty(len(series))
    bwd = np.empty(len(series))
    last = series[0]
    for i, value in enumerate(series):
        last = alpha * value + (1 - alpha) * last
        fwd[i] = last
    last = series[-1]
    for i in range(len(series) - 1, -1, -1):
        last = alpha * series[i] + (1 - alpha) * last
        bwd[i] = last
    blend = [math.hypot(f, b) if f > b else f * b for f, b in zip(fwd, bwd)]
    return np.array(blend)


HMM = namedtuple("HMM", ["start", "move", "emit"])


@program(
    HMM(numbers(3, seed=9), numbers(3, 3, seed=10), numbers(3, 4, seed=11)),
    np.array([0, 3, 1, 2, 2]),
)  # fmt: skip
def hidden_markov(model, observations):
    """Forward algorithm with scaling; the model is a namedtuple of unnormalized logits."""

    def normalize(w):
        e = np.exp(w)
        return e / e.sum(axis=-1, keepdims=True)

    pi, T, E = normalize(model.start), normalize(model.move), normalize(model.emit)
    logp = 0.0
    belief = pi * E[:, observations[0]]
    for o in observations[1:]:
        scale = belief.sum()
        logp += math.log(scale)
        belief = (belief / scale) @ T * E[:, o]
    return logp + math.log(belief.sum())


@program(np.float64(0.02), np.float64(0.1), np.float64(0.8), numbers(8, seed=12))
def garch_likelihood(omega, alpha, beta, returns):
    var = returns.var()
    nll = 0.0
    for r in returns:
        nll += 0.5 * (math.log(2 * math.pi * var) + r * r / var)
        var = omega + alpha * r**2 + beta * var
    return nll


@program(numbers(4, seed=13), numbers(5, seed=14), 0.5)
def soft_dtw(x, y, gamma):
    """A table filled cell by cell, with a nested soft minimum of three numbers."""

    def softmin(a, b, c):
        m = min(a, b, c)
        return m - gamma * math.log(
            math.exp(-(a - m) / gamma) + math.exp(-(b - m) / gamma) + math.exp(-(c - m) / gamma)
        )

    n, m = len(x), len(y)
    D = np.full((n + 1, m + 1), 1e2)
    D[0, 0] = 0.0
    for i in range(n):
        for j in range(m):
            cost = (x[i] - y[j]) ** 2
            D[i + 1, j + 1] = cost + softmin(D[i, j + 1], D[i + 1, j], D[i, j])
    return D[n, m]


@program(numbers(5, 5, seed=15), 5)
def matrix_chain(score, n):
    """Best bracketing of a sequence: max over a triangular table, shorter spans first."""
    best = np.zeros((n, n))
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            top = -1e9
            for k in range(i, j):
                top = max(top, best[i, k] + best[k + 1, j] + score[i, j] * (k - i + 1))
            best[i, j] = top
    return best[0, n - 1]


@program(0.4, 3.3, 6)
def logistic_map(x, r, n):
    """The orbit, gathered in a list."""
    orbit = [x]
    while len(orbit) < n:
        x = r * x * (1 - x)
        orbit.append(x)
    return np.array(orbit)


@program(numbers(3, 3, seed=16), numbers(3, seed=17), 4)
def option_lattice(u, strikes, depth):
    """A binomial tree rolled back in place, early exercise by maximum."""
    total = 0.0
    for row, k in zip(u, strikes):
        up, down, rate = 1.1 + 0.1 * row[0], 0.9 + 0.05 * row[1], 1.0 + 0.02 * row[2]
        q = (rate - down) / (up - down)
        price = up ** np.arange(depth + 1) * down ** (depth - np.arange(depth + 1))
        value = np.maximum(price - (1 + 0.1 * k), 0)
        for level in range(depth, 0, -1):
            price = price[1:] / up
            value[:level] = (q * value[1 : level + 1] + (1 - q) * value[:level]) / rate
            value[:level] = np.maximum(value[:level], price[:level] - (1 + 0.1 * k))
        total += value[0]
    return total
