"""Programs whose loops may change their order, and others whose loops must not."""

from __future__ import annotations

import numpy as np

# ------------------------------------------------------------ columns that do not need each other


def columns(u, w):
    """A recurrence along the last axis, with branches at both ends."""
    levels = u.shape[2]
    c = np.zeros(u.shape)
    for k in range(levels):
        t = 0.5 * u[:, :, k]
        if k > 0:
            t = t - w[1:, :, k] * c[:, :, k - 1]
        if k < levels - 1:
            a = w[:-1, :, k + 1] * 0.25
            t = t + a * u[:, :, k + 1]
        c[:, :, k] = t / (1.0 + t * t)
    x = np.zeros(u.shape[:2])
    for k in range(levels - 1, -1, -1):
        x[:] = c[:, :, k] - 0.3 * x * x
        c[:, :, k] = x
    return np.sum(c * c)


def other_arm(u):
    c = np.zeros(u.shape)
    for k in range(u.shape[2]):
        if k == 0:
            c[:, :, k] = u[:, :, k]
        else:
            c[:, :, k] = np.sin(u[:, :, k]) * c[:, :, k - 1]
    return np.sum(c * c)


def kept_from_before(u):
    """What one branch makes, the other one uses at the next level."""
    a = 2.0 * u[:, :, 0]
    total = np.zeros(u.shape[:2])
    for k in range(u.shape[2]):
        if k > 0:
            total += a * u[:, :, k]
        if k < 3:
            a = np.cos(u[:, :, k])
    return np.sum(total * total)


def sums_of_levels(u):
    c = u.copy()
    total = 0.0
    for k in range(1, u.shape[2]):
        c[:, :, k] *= c[:, :, k - 1]
        total += np.sum(c[:, :, k])
    return total


def backwards(u):
    c = u.copy()
    for k in range(u.shape[2] - 2, -1, -1):
        c[:, :, k] += 0.5 * c[:, :, k + 1] * c[:, :, k + 1]
    return np.sum(c * c)


def every_second(u):
    c = u.copy()
    for k in range(2, u.shape[2], 2):
        c[:, :, k] *= c[:, :, k - 2]
    return np.sum(c * c)


def shared_ends(u):
    """Neighbours add to the same places, which nothing reads."""
    out = np.zeros((u.shape[0] + 1, u.shape[1]))
    for k in range(u.shape[2]):
        t = np.tanh(u[:, :, k])
        out[1:] += t
        out[:-1] += 0.5 * t
    return np.sum(out * out)


# --------------------------------------------------------------- columns that do need each other


def neighbours(u):
    c = u.copy()
    for k in range(1, u.shape[2]):
        c[1:, :, k] = 0.5 * c[:-1, :, k - 1] * u[1:, :, k]
    return np.sum(c * c)


def shifted_by_one_level(u):
    c = u.copy()
    for k in range(1, u.shape[2]):
        c[:-1, :, k] += c[1:, :, k - 1] * c[:-1, :, k - 1]
        c[-1, :, k] *= 2.0
    return np.sum(c * c)


def scaled_by_the_level(u):
    c = u.copy()
    for k in range(1, u.shape[2]):
        s = np.sum(c[:, :, k - 1] * c[:, :, k - 1])
        c[:, :, k] *= np.cos(0.01 * s)
    return np.sum(c * c)


def number_that_passes_on(u):
    c = u.copy()
    s = 1.0
    for k in range(u.shape[2]):
        c[:, :, k] *= s
        s = np.sin(s * c[0, 0, k])
    return np.sum(c * c)


def turned(u):
    c = u.copy()
    for k in range(1, u.shape[2]):
        c[:, :, k] += 0.1 * c[:, :, k - 1].T * c[:, :, k]
    return np.sum(c * c)


def index_from_an_array(u, places):
    c = u.copy()
    for k in range(1, u.shape[2]):
        c[:, :, k] = 0.5 * c[places, :, k - 1] * u[:, :, k]
    return np.sum(c * c)


def stops(u):
    c = u.copy()
    for k in range(1, u.shape[2]):
        c[:, :, k] *= c[:, :, k - 1]
        if c[0, 0, k] > 0.9:
            break
    return np.sum(c * c)


# ------------------------------------------------------------------------------------ exceptions


def next_level(u):
    """The level after the last one is out of range."""
    c = u.copy()
    for k in range(u.shape[2]):
        if k > 0:
            c[:, :, k] = c[:, :, k] * u[:, :, k + 1]
    return np.sum(c * c)


def not_below(u, least):
    c = u.copy()
    for k in range(1, u.shape[2]):
        if k > least:
            raise ValueError("too deep")
        c[:, :, k] *= c[:, :, k - 1]
    return np.sum(c * c)


def branch_of_other_sizes(u, v, late):
    """The sizes in a branch that is not taken do not fit."""
    c = u.copy()
    for k in range(1, u.shape[2]):
        c[:, :, k] *= c[:, :, k - 1]
        if k > late:
            c[:, :, k] += v[1:] * c[:, :, k]
    return np.sum(c * c)


# --------------------------------------------------------------------------------- in one's place


def old_and_new(x, y):
    """The old array is needed after the new one was made."""
    a = x + 1.0
    for _ in range(3):
        b = a
        a = a * y
        a = a + b[::-1]
        a = a - b * 0.5
    return np.sum(a * a)


def read_again(x, n):
    a = x * 2.0
    for k in range(n):
        if k > 0:
            t = a * a - x
            s = np.sum(a * t)
            a = t
            a = a + s * 0.01
    return np.sum(a * a)


# ---------------------------------------------------------------------------------------- columns


def orthogonal(a):
    a = a.copy()
    q = np.zeros(a.shape)
    r = np.zeros((a.shape[1], a.shape[1]))
    for k in range(a.shape[1]):
        r[k, k] = np.sqrt(np.dot(a[:, k], a[:, k]))
        q[:, k] = a[:, k] / r[k, k]
        for j in range(k + 1, a.shape[1]):
            r[k, j] = np.dot(q[:, k], a[:, j])
            a[:, j] -= q[:, k] * r[k, j]
    return np.sum(r * r * r) + np.sum(q[0] * q[1])


def column_by_column(a, n):
    """Returns what it works on, column by column; the argument is only read."""
    b = np.zeros(a.shape)
    for _ in range(n):
        for j in range(1, a.shape[1]):
            b[:, j] += np.sin(a[:, j - 1]) * a[:, j] + 0.1 * b[:, j - 1]
    return b


def argument_returned(a, n):
    total = 0.0
    for _ in range(n):
        for j in range(a.shape[1]):
            total += np.sum(a[:, j] * a[:, 0])
    return a, total


def argument_changed(a, n):
    for _ in range(n):
        for j in range(1, a.shape[1]):
            a[:, j] += 0.5 * a[:, j - 1]
    return np.sum(a * a)


# ----------------------------------------------------------------------------------- saved values


def triangles(a):
    """Ranges that grow, and shrink, with an outer one; parts of arrays that do."""
    x = a.copy()
    n = x.shape[0]
    for i in range(1, n):
        for j in range(i):
            x[i] *= 1.0 + 0.1 * x[j] * x[i]
        for j in range(n - 1, i, -1):
            x[j] -= 0.05 * x[i] * x[i] * x[j]
        x[:i] += 0.1 * x[:i] * x[i]
        for j in range(i):
            for k in range(j, i):
                x[k] *= 1.0 - 0.01 * x[j] * x[k]
    return np.sum(x * x)


def ranges_of_others(a, n, first, last):
    x = a.copy()
    for i in range(n):
        for j in range(first, last):
            x[j] = x[j] * x[i]
        for j in range(i, min(i + 2, n)):
            x[j] = np.sin(x[j])
    return np.sum(x * x)


def loops_in_branches(a, flag):
    x = a.copy()
    if flag:
        for i in range(1, x.shape[0]):
            x[i] *= x[i - 1]
    for i in range(x.shape[0] - 1):
        if x[i] > 0.5:
            x[i] *= x[i + 1]
            for _ in range(2):
                x[i + 1] = np.sin(x[i] * x[i + 1])
        else:
            x = x * x[i]
    return np.sum(x * x)


def early_end(a, most):
    x = a.copy()
    for i in range(1, x.shape[0]):
        for j in range(x.shape[0]):
            x[j] *= 0.9 + 0.1 * x[j]
            if x[j] > most:
                break
        x[i] *= x[i - 1]
        while x[i] > 1.0:
            x[i] = 0.5 * x[i] * x[i]
    return np.sum(x * x)


def growing(a, n):
    """An array with another size in each iteration."""
    x = a.copy()
    for _ in range(n):
        x = x[1:] * x[:-1]
    return np.sum(x * x)
