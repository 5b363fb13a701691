"""Derivatives, recursive functions and checkpointed loops inside one another.

``n`` is a number that the program gets: functions that call themselves until it is zero stay
functions of the text.
"""

import numpy as np

import chainrule as cr
from source.nested_programs import PROGRAMS, W, X, program

__all__ = ["PROGRAMS"]


def swirl(z):
    """What is changed in place, and then replaced: a reverse sweep takes it back from its list."""
    u = np.zeros_like(z)
    u[:] = z
    for _ in range(3):
        u[1:] = u[1:] * u[:-1] + 0.5
        u = u * np.cos(u)
    return np.sum(u)


@program(X, W)
def swirled(x, w):
    return np.sum(cr.grad(swirl)(x * w) * x)


@program(X, W)
def stopped_on_some_paths(x, w):
    y = cr.stop_gradient(x * w) if np.sum(x) > 0 else x**3
    pair = [x, cr.stop_gradient(w)]
    for _ in range(3):
        pair = [pair[1], cr.stop_gradient(pair[0] * w)]
    return np.sum(y * x) + np.sum(pair[0] * w)


@program(X, W, 3)
def gradients_on_the_way(x, w, n):
    def descend(k, y):
        if k == 0:
            return np.sum(y * y * w)
        g = cr.grad(lambda z: np.sum(np.sin(z * w) * x))(y)
        return descend(k - 1, y - 0.3 * g) + np.sum(g)

    return descend(n, x)


@program(X, W, 2)
def sweeps_on_the_way(x, w, n):
    def descend(k, y):
        if k == 0:
            return np.sum(y * y)
        for _ in range(2):
            y = y - 0.1 * cr.grad(swirl)(y * w)
        return descend(k - 1, y) + np.sum(y)

    return descend(n, x)


@program(X, W, 2)
def linear_maps_on_the_way(x, w, n):
    _, pull = cr.vjp(lambda z: np.sin(z) * w, x)

    def descend(k, y):
        if k == 0:
            return np.sum(y * y)
        _, dot = cr.jvp(lambda z: np.exp(-z * z), (y,), (pull(y)[0],))
        return descend(k - 1, cr.hessian(lambda z: np.sum(z**3))(y) @ dot) + np.sum(dot)

    return descend(n, x)


@program(X, W, 3)
def stopped_on_the_way(x, w, n):
    def product(k, y):
        return cr.stop_gradient(y * w) if k == 0 else x * product(k - 1, cr.stop_gradient(y))

    return np.sum(product(n, cr.stop_gradient(w)) * x)


@program(X, W, 3)
def two_functions(x, w, n):
    def even(k, y):
        if k == 0:
            return np.sum(y * w)
        return np.sum(cr.grad(lambda z: np.sum(np.sin(z * y) * z))(y)) * odd(k - 1, y)

    def odd(k, y):
        return np.sum(y * y) if k == 0 else even(k - 1, np.sin(y))

    return even(n, x)


@program(X, 3, tape=False)
def changed_on_the_way(x, n):
    def smooth(k, u):
        if k > 0:
            u[1:] += 0.1 * cr.grad(lambda z: np.sum(np.sin(z)))(u[1:] * u[:-1])
            smooth(k - 1, u)

    u = x.copy()
    smooth(n, u)
    return np.sum(u * u)


@program(X, W, 2, tape=False)
def loops_on_the_way(x, w, n):
    def step(k, y):
        if k == 0:
            return np.sum(y * y)
        for _ in cr.checkpointed(range(5), snapshots=2):
            y = y + 0.1 * np.sin(y * w)
        return step(k - 1, y) + np.sum(y)

    return step(n, x)


@program(X, W, 2, tape=False)
def functions_in_a_loop(x, w, n):
    def power(k, y):
        return y if k == 0 else np.sin(y) * power(k - 1, y)

    y = x
    for t in cr.checkpointed(range(5), snapshots=2):
        y = 0.3 * power(n + t, y) + w
    return np.sum(y)


@program(X, W, 2, tape=False)
def both_in_each_other(x, w, n):
    def step(k, y):
        if k == 0:
            return y * w
        for _ in cr.checkpointed(range(3), snapshots=1):
            y = y + 0.1 * step(k - 1, np.sin(y))
        return y

    return np.sum(step(n, x))


@program(X, W, 2, tape=False)
def gradients_of_loops(x, w, n):
    def run(z):
        for _ in cr.checkpointed(range(4), snapshots=2):
            z = z + 0.1 * np.sin(z * w)
        return np.sum(z * z)

    def step(k, y):
        return np.sum(y * y) if k == 0 else step(k - 1, 0.2 * cr.grad(run)(y)) + np.sum(y)

    return step(n, x)
