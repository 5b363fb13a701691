"""The models as loops for Numba, written by hand."""

from math import cos, exp, log, sin, sqrt, tanh

import numpy as np
from numba import njit


@njit
def log_sum_exp(a):
    top = a[0]
    for i in range(len(a)):
        top = max(top, a[i])
    total = 0.0
    for i in range(len(a)):
        total += exp(a[i] - top)
    return log(total) + top


@njit
def gmm(alphas, means, log_diag, lower, x):
    n, d = x.shape
    parts = len(alphas)
    diag = np.exp(log_diag)
    sums = np.empty(parts)
    wishart = 0.0
    for k in range(parts):
        sums[k] = 0.0
        for j in range(d):
            sums[k] += log_diag[k, j]
            wishart += 0.5 * diag[k, j] ** 2
        for j in range(lower.shape[1]):
            wishart += 0.5 * lower[k, j] ** 2
        wishart -= sums[k]
    term, c, y = np.empty(parts), np.empty(d), np.empty(d)
    total = 0.0
    for i in range(n):
        for k in range(parts):
            for j in range(d):
                c[j] = x[i, j] - means[k, j]
                y[j] = diag[k, j] * c[j]
            at = 0
            for j in range(d):
                for l in range(j + 1, d):
                    y[l] += lower[k, at] * c[j]
                    at += 1
            s = 0.0
            for j in range(d):
                s += y[j] * y[j]
            term[k] = alphas[k] + sums[k] - 0.5 * s
        total += log_sum_exp(term)
    return total - n * log_sum_exp(alphas) - wishart


@njit
def bundle(cams, points, weights, obs, features):
    total = 0.0
    for i in range(len(obs)):
        c, p = obs[i, 0], obs[i, 1]
        x, y, z = points[p, 0] - cams[c, 3], points[p, 1] - cams[c, 4], points[p, 2] - cams[c, 5]
        a, b, d = cams[c, 0], cams[c, 1], cams[c, 2]
        squared = a * a + b * b + d * d
        if squared == 0.0:
            u, v, w = x + b * z - d * y, y + d * x - a * z, z + a * y - b * x
        else:
            theta = sqrt(squared)
            a, b, d = a / theta, b / theta, d / theta
            co, si = cos(theta), sin(theta)
            along = (a * x + b * y + d * z) * (1.0 - co)
            u = x * co + (b * z - d * y) * si + a * along
            v = y * co + (d * x - a * z) * si + b * along
            w = z * co + (a * y - b * x) * si + d * along
        u, v = u / w, v / w
        r2 = u * u + v * v
        scale = (1.0 + cams[c, 9] * r2 + cams[c, 10] * r2 * r2) * cams[c, 6]
        e = weights[i] * (u * scale + cams[c, 7] - features[i, 0])
        f = weights[i] * (v * scale + cams[c, 8] - features[i, 1])
        slack = 1.0 - weights[i] * weights[i]
        total += e * e + f * f + slack * slack
    return total


@njit
def sigmoid(x):
    return 1.0 / (1.0 + exp(-x))


@njit
def lstm(main, extra, state, text):
    length, size = text.shape
    state = state.copy()
    x, guess = np.empty(size), np.empty(size)
    total = 0.0
    for t in range(length - 1):
        for j in range(size):
            x[j] = text[t, j] * extra[0, j]
        for layer in range(0, len(state), 2):
            w, b = main[layer], main[layer + 1]
            for j in range(size):
                h = state[layer, j]
                forget = sigmoid(x[j] * w[j] + b[j])
                keep = sigmoid(h * w[size + j] + b[size + j])
                out = sigmoid(x[j] * w[2 * size + j] + b[2 * size + j])
                change = tanh(h * w[3 * size + j] + b[3 * size + j])
                cell = state[layer + 1, j] * forget + keep * change
                state[layer + 1, j] = cell
                state[layer, j] = out * tanh(cell)
                x[j] = state[layer, j]
        s = 0.0
        for j in range(size):
            guess[j] = x[j] * extra[1, j] + extra[2, j]
            s += exp(guess[j])
        s = log(s + 2.0)
        for j in range(size):
            total += text[t + 1, j] * (guess[j] - s)
    return -total / (size * (length - 1))
