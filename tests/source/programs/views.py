"""Names of parts of arrays, carried into loops and branches as values, and bound anew there."""

import numpy as np

from source.programs.catalogue import numbers, program

FIELD = numbers(3, 5, seed=1, low=0.2)
SQUARE = numbers(4, 4, seed=2, low=0.2)


@program(FIELD)
def back_substitution(u):
    """The last column enters the sweep; several statements on one line."""
    n = u.shape[1]
    d = u * u; out = np.zeros(u.shape)  # noqa: E702  # fmt: skip
    x = d[:, n - 1]
    out[:, n - 1] = x - u[:, n - 1]
    for k in range(n - 2, -1, -1):
        x = d[:, k] - u[:, k] * x
        out[:, k] = x - u[:, k]
    return np.sum(out * out), out


@program(FIELD)
def elimination_in_place(u):
    """The name carries the last column, and the array is overwritten by what it carries."""
    d = u.copy()
    x = d[:, 4]
    for k in range(3, -1, -1):
        x = d[:, k] - u[:, k] * x
        d[:, k] = x
    return d


@program(*(numbers(3, 5, seed=k, low=0.3) for k in range(4)))
def tridiagonal_columns(a, b, c, d):
    n = d.shape[1]
    cp, dp, x = np.zeros_like(d), np.zeros_like(d), np.zeros_like(d)
    ck, dk = c[:, 0] / (b[:, 0] + 3.0), d[:, 0] / (b[:, 0] + 3.0)
    cp[:, 0], dp[:, 0] = ck, dk
    for k in range(1, n):
        ak, bk = a[:, k], b[:, k] + 3.0
        m = bk - ak * ck
        ck, dk = c[:, k] / m, (d[:, k] - ak * dk) / m
        cp[:, k], dp[:, k] = ck, dk
    last = dp[:, n - 1]
    x[:, n - 1] = last
    for k in reversed(range(n - 1)):
        last = dp[:, k] - cp[:, k] * last
        x[:, k] = last
    return x


@program(FIELD, 0.5)
def a_view_in_one_arm(u, s):
    d = u.copy()
    d[0] *= s
    x = d[:, 1]
    if s > 0.3:
        x = x * 2.0
    y = d[:, 2] if s > 0.6 else d[:, 3]
    return x * x + y, d


@program(FIELD)
def swapped_views(u):
    d = u.copy()
    d[0] *= u[1]
    x, y = d[:, 0], d[:, 1]
    for k in range(3):
        x, y = y, x * y + d[:, k]
    d[0] = 1.0
    return d


@program(FIELD)
def items_of_a_list(u):
    """Items of a list, a dict and a tuple are views first."""
    d = u.copy()
    d[0] *= u[1]
    h, g, t = [d[:, 0], d[:, 1]], {"x": d[:, 2]}, (d[:, 3], d[:, 4])
    for k in range(3):
        h[0], h[1] = h[1], h[0] * d[:, k]
        g["x"] = g["x"] * h[0]
        t = (t[1], t[0] + g["x"])
    return h[0] + h[1], g["x"], t[1]


@program(FIELD)
def a_part_of_an_argument(u):
    x = u[:, 4]
    u[0] *= u[1]
    for k in range(3, -1, -1):
        x = u[:, k] - 0.3 * x
    return x


@program(FIELD)
def a_view_becomes_an_array(u):
    """The name holds a view, then arrays that are filled in the loop."""
    d = u.copy()
    d[0] *= u[1]
    x = d[:, 0]
    for k in range(3):
        y = np.zeros(3)
        y[0] = x[1]
        y[1:] = x[:-1] * d[1:, k]
        x = y
    return x


@program(FIELD)
def nested_sweeps(u):
    d = u.copy()
    d[0] *= u[1]
    x = d[:, 4]
    for i in range(3):
        y = d[:, i]
        for k in range(3):
            y = d[:, k] * y + x
        x = y * 0.3
    return x


@program(numbers(5, seed=3, low=0.2), numbers(5, seed=4, low=0.2), 0.5)
def left_early(v, w, x):
    """A return in a loop, before names are bound to a view, a value and an array that changes."""
    d = np.zeros((5, 4))
    d[:, 0], d[:, 1], d[:, 2] = v, w, x * v
    p, old, q = d[:, 2], np.sin(v), w
    for i in range(3):
        if np.sum(p * old) < 0.1:
            return p * 2.0 + q
        old = p
        p = d[:, i] * p
        fresh = v[::-1].copy()
        fresh[1:] *= 0.4
        q = fresh
    return p * v + old * q


@program(SQUARE, 0.5)
def other_calls_that_make_views(u, s):
    """What these return is part of their argument, which changes afterwards."""
    d = u * u
    a, b, c = np.einsum("ij->ji", d), np.einsum("ii->i", d), np.diag(d)
    e = np.lib.stride_tricks.sliding_window_view(d, 2, axis=0)
    f, g = d.conj(), np.array(d, copy=None)
    h = np.astype(d, float, copy=False)
    d[1] = s * d[2]
    for k in range(3):
        d[k] = d[k] * np.sum(b) * c + a[k] * 0.1
    return np.sum(e * e), f * g * h


@program(FIELD)
def the_column_of_largest_sum(u):
    d = u * u
    d[0] = 0.5 * u[1]
    best = d[:, 0]
    for k in range(1, 5):
        best = d[:, k] if np.sum(d[:, k]) > np.sum(best) else best
    return best * best


@program(FIELD, 0.3)
def carried_by_a_helper(u, s):
    def step(x, column, w=0.5):
        if w > 0.1:
            x = column - w * x
        return x

    def last(x, m):
        for k in range(3):
            x = step(x, m[:, k]) * s
        return x

    d = u.copy()
    d[0] *= s
    return last(d[:, 1], d) + last(u[:, 2], d) + last(d[:, 1], u)


@program(numbers(5, seed=5, low=0.3))
def continued_fraction(v):
    """The new value and the old one stand in the same derivative."""
    w = np.sin(v)
    for _ in range(3):
        w = v / (2 + w * w)
    return w


@program(numbers(5, seed=6, low=0.3), numbers(5, seed=7, low=0.3))
def continued_fraction_reversed(v, w):
    """As before, of an array that changes and is read through a view."""
    w[:] = np.sin(w)
    for _ in range(3):
        w = v / (2 + w[::-1] ** 2)
    return w


@program(numbers(4, 3, seed=30), numbers(1, 3, 1, seed=31))
def axes_of_size_one_come_and_go(u, w):
    """Reshaped parts of arrays that are changed, and are changed through them."""
    column = u[:, 0].reshape(u.shape[0], 1)
    row = u[1].reshape((1, 3))
    flat = w.reshape(3)
    for _ in range(2):
        column += 0.1 * row[:, :1] * w[0, 0]
        u[:, 1].reshape(1, 4)[:] *= flat[2]
        flat[:2] += u[2, :2]
    return u, w[0], w[0, 1].item() * row[:1, 0].item()
