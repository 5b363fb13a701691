"""Models and their objectives, as they are written in plain NumPy."""

import numpy as np

from benchmarks._compiled_cases import case, normal


def mixture(quick):
    n, d, k = (9, 4, 5) if quick else (1000, 10, 25)
    triangle = d * (d - 1) // 2
    return (
        normal(k, scale=0.1),
        normal(k, d, seed=1),
        normal(k, d, seed=2, scale=0.2),
        normal(k, triangle, seed=3, scale=0.2),
        normal(n, d, seed=4),
    )


@case(
    "mixture of Gaussians, log-likelihood: 1000 points, 10 dimensions, 25 parts",
    mixture,
    *(0, 1, 2, 3),
)
def gmm(alphas, means, log_diag, lower, x):
    n, d = x.shape
    parts = len(alphas)
    terms = np.zeros((n, parts))
    for k in range(parts):
        q = np.zeros((d, d))
        at = 0
        for j in range(d):
            q[j, j] = np.exp(log_diag[k, j])
            q[j + 1 :, j] = lower[k, at : at + d - 1 - j]
            at += d - 1 - j
        y = (x - means[k]) @ q.T
        terms[:, k] = alphas[k] + np.sum(log_diag[k]) - 0.5 * np.sum(y * y, axis=1)
    top = np.max(terms, axis=1)
    mixed = np.sum(np.log(np.sum(np.exp(terms - top[:, None]), axis=1)) + top)
    top_alpha = np.max(alphas)
    normaliser = n * (np.log(np.sum(np.exp(alphas - top_alpha))) + top_alpha)
    wishart = 0.5 * (np.sum(np.exp(2 * log_diag)) + np.sum(lower * lower)) - np.sum(log_diag)
    return mixed - normaliser - wishart


def cameras(quick):
    n, m, p = (4, 8, 20) if quick else (49, 2000, 10000)
    rng = np.random.default_rng(0)
    cams = np.concatenate(
        [
            rng.normal(0, 0.3, (n, 3)),  # rotation
            rng.normal(0, 0.5, (n, 3)) - [0, 0, 6],  # centre
            rng.uniform(400, 600, (n, 1)),  # focal length
            rng.normal(0, 5, (n, 2)),  # principal point
            rng.normal(0, 0.01, (n, 2)),  # radial distortion
        ],
        axis=1,
    )
    obs = np.stack([rng.integers(n, size=p), rng.integers(m, size=p)], axis=1)
    return cams, rng.normal(size=(m, 3)), rng.uniform(0.5, 1, p), obs, rng.normal(0, 50, (p, 2))


def rotated(rotation, x):
    squared = np.sum(rotation * rotation)
    if squared == 0.0:
        return x + np.cross(rotation, x)
    theta = np.sqrt(squared)
    axis = rotation / theta
    return (
        x * np.cos(theta)
        + np.cross(axis, x) * np.sin(theta)
        + axis * (np.dot(axis, x) * (1.0 - np.cos(theta)))
    )


def projected(cam, x):
    seen = rotated(cam[0:3], x - cam[3:6])
    flat = seen[:2] / seen[2]
    r2 = np.sum(flat * flat)
    return flat * (1.0 + cam[9] * r2 + cam[10] * r2 * r2) * cam[6] + cam[7:9]


@case(
    "bundle adjustment, squares of residuals: 49 cameras, 2000 points, 10000 observations",
    cameras,
    *(0, 1, 2),
)
def bundle(cams, points, weights, obs, features):
    total = 0.0
    for i in range(len(obs)):
        error = projected(cams[obs[i, 0]], points[obs[i, 1]]) - features[i]
        error = weights[i] * error
        slack = 1.0 - weights[i] * weights[i]
        total += np.sum(error * error) + slack * slack
    return total


def letters(quick):
    layers, size, length = (2, 5, 7) if quick else (2, 14, 1000)
    text = np.eye(size)[np.random.default_rng(3).integers(size, size=length)]
    return (
        normal(2 * layers, 4 * size, scale=0.5),
        normal(3, size, seed=1, scale=0.5),
        normal(2 * layers, size, seed=2, scale=0.5),
        text,
    )


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@case("LSTM with weights for each letter, 2 layers, 14 letters, 1000 long", letters, 0, 1)
def lstm(main, extra, state, text):
    length, size = text.shape
    state = state.copy()
    total = 0.0
    for t in range(length - 1):
        x = text[t] * extra[0]
        for layer in range(0, len(state), 2):
            weight, bias = main[layer], main[layer + 1]
            hidden, cell = state[layer], state[layer + 1]
            forget = sigmoid(x * weight[:size] + bias[:size])
            keep = sigmoid(hidden * weight[size : 2 * size] + bias[size : 2 * size])
            out = sigmoid(x * weight[2 * size : 3 * size] + bias[2 * size : 3 * size])
            change = np.tanh(hidden * weight[3 * size :] + bias[3 * size :])
            state[layer + 1] = cell * forget + keep * change
            state[layer] = out * np.tanh(state[layer + 1])
            x = state[layer]
        guess = x * extra[1] + extra[2]
        guess = guess - np.log(np.sum(np.exp(guess)) + 2.0)
        total += np.sum(text[t + 1] * guess)
    return -total / (size * (length - 1))
