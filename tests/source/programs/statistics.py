"""Moments, likelihoods, filters and sampling."""

# ruff: noqa: B905, N802 - as scientists write it

import math
from dataclasses import dataclass, field

import numpy as np

from source.programs.catalogue import numbers, program


@program(4, 6.0, numbers(6, 4, seed=1))
def covariance(M, float_n, data):
    mean = np.mean(data, axis=0)
    data -= mean
    cov = np.zeros((M, M), dtype=data.dtype)
    for i in range(M):
        cov[i:M, i] = data[:, i] @ data[:, i:M] / (float_n - 1.0)
        cov[i, i:M] = cov[i:M, i]
    return cov


@program(4, 6.0, numbers(6, 4, seed=2))
def correlation(M, float_n, data):
    mean = np.mean(data, axis=0)
    stddev = np.std(data, axis=0)
    stddev[stddev <= 0.1] = 1.0
    data -= mean
    data /= np.sqrt(float_n) * stddev
    corr = np.eye(M, dtype=data.dtype)
    for i in range(M - 1):
        corr[i + 1 : M, i] = np.transpose(data[:, i + 1 : M]) @ data[:, i]
        corr[i, i + 1 : M] = corr[i + 1 : M, i]
    return corr


@program(numbers(7, seed=3), numbers(7, seed=4, low=0.2))
def running_moments(values, weights):
    """Welford's updates, one value at a time, with tuple assignments."""
    mean, m2, m3, total = 0.0, 0.0, 0.0, 0.0
    for x, w in zip(values, weights):
        total, delta = total + w, x - mean
        step = delta * w / total
        mean += step
        m3 += w * delta**3 * (1 - w / total) * (1 - 2 * w / total) - 3 * step * m2
        m2 += w * delta * (x - mean)
    skew = (m3 / total) / (m2 / total) ** 1.5
    return mean, m2 / total, skew


def log_gamma_distrib(a, p):
    out = 0.25 * p * (p - 1) * math.log(math.pi)
    for j in range(1, p + 1):
        out += math.lgamma(a + 0.5 * (1 - j))
    return out


def logsumexp(x):
    mx = np.max(x)
    return np.log(np.sum(np.exp(x - mx))) + mx


def constructL(d, icf):
    """Lower triangular matrix whose column i starts below the diagonal; filled from a vector."""
    Lparamidx = d
    L = np.zeros((d, d))
    for i in range(d):
        nelems = d - i - 1
        L[i + 1 :, i] = icf[Lparamidx : Lparamidx + nelems]
        Lparamidx += nelems
    return L


@program(
    numbers(3, seed=5), numbers(3, 2, seed=6), numbers(3, 3, seed=7), numbers(5, 2, seed=8),
    0.9, 1, wrt=(0, 1, 2, 3, 4),
)  # fmt: skip
def gaussian_mixture(alphas, means, icf, x, wishart_gamma, wishart_m):
    """Objective with a Wishart prior; covariances by packed inverse Cholesky factors."""
    n, d = x.shape
    k = alphas.size
    Qdiags = np.exp(icf[:, :d])
    sum_qs = np.sum(icf[:, :d], 1)
    Ls = [constructL(d, curr_icf) for curr_icf in icf]
    slse = 0.0
    for ix in range(n):
        lse = np.zeros(k)
        for ik in range(k):
            diff = x[ix] - means[ik]
            Lxcentered = Qdiags[ik] * diff + np.dot(Ls[ik], diff)
            lse[ik] = alphas[ik] + sum_qs[ik] - 0.5 * np.dot(Lxcentered, Lxcentered)
        slse += logsumexp(lse)
    CONSTANT = -n * d * 0.5 * math.log(2 * math.pi)
    prior = 0.0
    for ik in range(k):
        frobenius = np.sum(np.square(Qdiags[ik])) + np.sum(np.square(Ls[ik]))
        prior += 0.5 * wishart_gamma**2 * frobenius - wishart_m * sum_qs[ik]
    prior -= k * (d * (d + wishart_m) * (math.log(wishart_gamma) - 0.5 * math.log(2)))
    prior -= k * log_gamma_distrib(0.5 * (d + wishart_m), d)
    return CONSTANT + slse - n * logsumexp(alphas) + prior


@dataclass
class Kalman:
    x: np.ndarray
    P: np.ndarray
    F: np.ndarray
    H: np.ndarray
    R: np.ndarray
    Q: np.ndarray = field(default_factory=lambda: 0.1 * np.eye(2))


def predict(kf, x, P):
    return kf.F @ x, kf.F @ P @ kf.F.T + kf.Q


def update(kf, x, P, z):
    y = z - kf.H @ x
    S = kf.H @ P @ kf.H.T + kf.R
    K = P @ kf.H.T @ np.linalg.inv(S)
    loglik = -0.5 * (y @ np.linalg.solve(S, y) + np.log(np.linalg.det(2 * np.pi * S)))
    return x + K @ y, (np.eye(len(x)) - K @ kf.H) @ P, loglik


@program(
    Kalman(
        numbers(2, seed=9), np.eye(2), np.array([[1.0, 0.2], [0.0, 1.0]]), np.array([[1.0, 0.0]]),
        np.array([[0.5]]),
    ),
    numbers(5, seed=10), np.array([False, False, True, False, False]),
)  # fmt: skip
def kalman_filter(kf, measurements, missing):
    """A model in a dataclass; missing measurements are skipped by a branch."""
    x, P = kf.x, kf.P
    track = np.zeros((len(measurements), 2))
    loglik = 0.0
    for t, z in enumerate(measurements):
        x, P = predict(kf, x, P)
        if not missing[t]:
            x, P, ll = update(kf, x, P, np.array([z]))
            loglik += ll
        track[t] = x
    return loglik, track


@program(100.0, 1.05, 0.2, 0.03, np.random.default_rng(7), 16, 3, wrt=(0, 1, 2, 3), step=2.0**-11)
def monte_carlo_option(spot, strike, sigma, rate, rng, paths, steps):
    """Samples of a generator that is passed in; smooth payoff, antithetic paths."""
    dt = 1.0 / steps
    z = rng.standard_normal((paths, steps))
    z = np.concatenate([z, -z])
    s = np.full(2 * paths, spot / 100.0)
    average = np.zeros(2 * paths)
    for k in range(steps):
        s = s * np.exp((rate - 0.5 * sigma**2) * dt + sigma * math.sqrt(dt) * z[:, k])
        average += s / steps
    payoff = 0.1 * np.logaddexp(0.0, (average - strike) / 0.1)
    return math.exp(-rate) * payoff.mean()


@program(numbers(3, seed=11), 0.7, np.random.default_rng(3), wrt=(0, 1))
def langevin(theta, sigma, rng):
    """One draw per step inside the loop."""
    x = 0.5
    path = []
    for _ in range(5):
        drift = theta[0] + theta[1] * x - theta[2] ** 2 * x**3
        x = x + 0.1 * drift + sigma * 0.1**0.5 * rng.normal()
        path.append(x)
    return sum(path) / len(path), np.array(path).std()


@program(numbers(8, seed=12), numbers(8, seed=13, low=0.1), 0.4)
def expected_shortfall(returns, weights, level):
    """Sort, accumulate until the level is reached, then return early."""
    order = np.argsort(returns)
    share = weights / weights.sum()
    mass = 0.0
    loss = 0.0
    for i in order:
        if mass + share[i] >= level:
            loss += (level - mass) * returns[i]
            return loss / level
        mass += share[i]
        loss += share[i] * returns[i]
    return loss


@program(numbers(7, 2, seed=14), numbers(7, seed=15), 1.2, 0.4, 0.3)
def gaussian_process(X, y, amplitude, length, noise):
    """Kernel matrix by loops over its lower triangle, then a negative log-likelihood."""
    n = len(y)
    K = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            d2 = np.sum((X[i] - X[j]) ** 2)
            K[i, j] = K[j, i] = amplitude**2 * np.exp(-0.5 * d2 / length**2)
        K[i, i] += noise**2
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(L.T, np.linalg.solve(L, y))
    return 0.5 * y @ alpha + np.sum(np.log(np.diagonal(L)))


@program(numbers(6, 2, seed=16), numbers(2, 2, seed=17), 3, step=2.0**-12)
def soft_kmeans(points, centres, iterations):
    """Expectation maximization, the centres updated in place."""
    centres = centres.copy()
    for _ in range(iterations):
        dist = ((points[:, np.newaxis] - centres[np.newaxis]) ** 2).sum(-1)
        resp = np.exp(-3.0 * dist)
        resp /= resp.sum(1, keepdims=True)
        for k in range(len(centres)):
            r = resp[:, k]
            centres[k] = (r[:, None] * points).sum(0) / r.sum()
    return centres
