"""Roots, ordinary differential equations, minimization: loops that end when it is good enough."""

# ruff: noqa: B007, B023 - as scientists write it

import math

import numpy as np

from source.programs.catalogue import numbers, program


@program(numbers(3, seed=1, low=1.0, high=3.0), 1.5)
def newton_scalar(coeffs, x0):
    a, b, c = coeffs
    x = x0
    while True:
        f = a * x**3 + b * x - 5 * c
        fp = 3 * a * x**2 + b
        dx = f / fp
        x -= dx
        if abs(dx) < 1e-13:
            return x


@program(0.1 * numbers(2, seed=2), np.array([1.0, 2.0]))
def newton_system(p, x):
    """Two equations; the Jacobian is written out by hand in a nested function."""

    def residual(x):
        return np.array([x[0] ** 2 + x[1] - 3 - p[0], x[0] + np.exp(0.3 * x[1]) - 2.5 - p[1]])

    def jac(x):
        return np.array([[2 * x[0], 1.0], [1.0, 0.3 * np.exp(0.3 * x[1])]])

    for k in range(30):
        F = residual(x)
        if np.linalg.norm(F) < 1e-11:
            break
        x = x - np.linalg.solve(jac(x), F)
    else:
        raise RuntimeError("Newton's method did not converge")
    return x


def bisect(f, lo, hi, tol=2e-2, maxiter=60):
    """Halve the bracket, then polish with one secant step, which carries the derivative."""
    flo = f(lo)
    for _ in range(maxiter):
        mid = 0.5 * (lo + hi)
        fm = f(mid)
        if fm * flo > 0:
            lo, flo = mid, fm
        else:
            hi = mid
        if hi - lo < tol:
            break
    flo, fhi = f(lo), f(hi)
    return lo - flo * (hi - lo) / (fhi - flo)


@program(0.3, numbers(3, seed=3), step=2.0**-13)
def bisection(a, shifts):
    """Roots of a family of functions, the function handed over as a lambda."""
    roots = []
    for s in shifts:
        roots.append(bisect(lambda x: math.tanh(x - s) + a * x - 0.2, -3.0, 3.0 + 0.01 * s))
    return np.array(roots)


@program(lambda t, y, k: -k * y * (1 + 0.1 * np.sin(t)), np.array([1.0, 0.5]), 1.3, 0.1, 5)
def rk4(f, y0, k, h, n):
    """Fixed steps; the right-hand side is a function argument."""
    y = np.zeros((n + 1, y0.size))
    y[0] = y0
    t = 0.0
    for i in range(n):
        k1 = f(t, y[i], k)
        k2 = f(t + h / 2, y[i] + h / 2 * k1, k)
        k3 = f(t + h / 2, y[i] + h / 2 * k2, k)
        k4 = f(t + h, y[i] + h * k3, k)
        y[i + 1] = y[i] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t += h
    return y


def pendulum(t, y, damping):
    return np.array([y[1], -math.sin(y[0]) - damping * y[1]])


@program(np.array([1.0, 0.0]), 0.2, 1e-3, wrt=(0, 1), step=2.0**-15)
def adaptive_runge_kutta(y, damping, tol):
    """Bogacki-Shampine pairs: rejected steps, a step size that follows the error."""
    t, t_end, h = 0.0, 1.5, 0.6
    while t < t_end:
        h = min(h, t_end - t)
        k1 = pendulum(t, y, damping)
        k2 = pendulum(t + h / 2, y + h / 2 * k1, damping)
        k3 = pendulum(t + 3 * h / 4, y + 3 * h / 4 * k2, damping)
        y_new = y + h * (2 / 9 * k1 + 1 / 3 * k2 + 4 / 9 * k3)
        k4 = pendulum(t + h, y_new, damping)
        err = h * np.max(np.abs(-5 / 72 * k1 + 1 / 12 * k2 + 1 / 9 * k3 - 1 / 8 * k4))
        if err <= tol:
            t, y = t + h, y_new
        if t >= t_end - 1e-12:
            break
        h *= min(2.0, max(0.3, 0.9 * (tol / err) ** (1 / 3)))
    return y


@program({"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}, np.array([1.0, 1.0, 1.0]))
def lorenz(params, start, dt=0.01, steps=6):
    """Implicit midpoint by fixed-point iteration; parameters in a dict, keyword defaults."""

    def rhs(s):
        x, y, z = s
        return np.array(
            [
                params["sigma"] * (y - x),
                x * (params["rho"] - z) - y,
                x * y - params["beta"] * z,
            ]
        )

    s = start
    trajectory = [start]
    for _ in range(steps):
        new = s
        for _ in range(4):
            new = s + dt * rhs((s + new) / 2)
        s = new
        trajectory.append(s)
    return np.vstack(trajectory)


@program(numbers(2, seed=4), 1.5, 4)
def gradient_descent_with_line_search(x, a, iters):
    """Armijo backtracking in a while loop inside a for loop."""

    def f(x):
        return (a - x[0]) ** 2 + 2 * (x[1] - x[0] ** 2) ** 2

    def grad(x):
        g = np.empty(2)
        g[0] = -2 * (a - x[0]) - 8 * x[0] * (x[1] - x[0] ** 2)
        g[1] = 4 * (x[1] - x[0] ** 2)
        return g

    for _ in range(iters):
        g = grad(x)
        t = 1.0
        fx = f(x)
        while f(x - t * g) > fx - 0.3 * t * g.dot(g):
            t *= 0.5
        x = x - t * g
    return x, f(x)


@program(numbers(4, seed=5, low=0.5, high=2.0), 1e-12, wrt=(0,))
def sinkhorn(costs, tol):
    """Alternating scaling until the marginals fit."""
    K = np.exp(-np.abs(np.subtract.outer(costs, costs * 1.5 + 0.1)))
    n = len(costs)
    r = c = np.ones(n) / n
    u = np.ones(n)
    v = np.ones(n)
    for it in range(500):
        u = r / (K @ v)
        v = c / (K.T @ u)
        if np.abs(u * (K @ v) - r).max() < tol:
            break
    P = u[:, None] * K * v
    return P, -np.sum(P * np.log(P))


@program(numbers(8, seed=6, low=1.0, high=2.0), 0.5)
def multigrid_poisson(f, nu):
    """V-cycles by hand on two grids: smoothing in place, restriction, prolongation."""

    def smooth(u, b, h2, sweeps):
        for _ in range(sweeps):
            for i in range(1, len(u) - 1):
                u[i] += nu * (0.5 * (u[i - 1] + u[i + 1] - h2 * b[i]) - u[i])

    u = np.zeros(9)
    b = np.zeros(9)
    b[:8] = f
    for cycle in range(3):
        smooth(u, b, 0.1, 2)
        res = np.zeros(9)
        res[1:-1] = b[1:-1] - (u[:-2] - 2 * u[1:-1] + u[2:]) / 0.1
        coarse = np.zeros(5)
        smooth(coarse, res[::2], 0.4, 3)
        u[::2] += coarse
        u[1::2] += 0.5 * (coarse[:-1] + coarse[1:])
    return u


@program(0.8, 2.0, 1e-10, wrt=(0, 1))
def adaptive_simpson(a, b, eps):
    """Recursion until the estimate is good enough, on a function defined inside."""

    def f(x):
        return math.exp(-x * x * a) * math.sin(3 * x)

    def simpson(lo, hi, depth):
        mid = 0.5 * (lo + hi)
        whole = (hi - lo) / 6 * (f(lo) + 4 * f(mid) + f(hi))
        if depth == 0:
            return whole
        return simpson(lo, mid, depth - 1) + simpson(mid, hi, depth - 1)

    return simpson(0.0, b, 3)
