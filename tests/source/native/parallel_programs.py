"""Loops that may run in parallel, and loops that must not.

Each function has one loop over ``i`` of its own; the arguments are made from the names of the
parameters.
"""

from __future__ import annotations

import math

import numpy as np

# ------------------------------------------------------------------ iterations need each other


def recurrence(x):
    y = np.zeros(len(x))
    for i in range(1, len(x)):
        y[i] = 0.5 * y[i - 1] + x[i]
    return np.sum(y)


def recurrence_in_a_column(A):
    B = A.copy()
    for i in range(1, len(A)):
        B[i, 0] = 0.5 * B[i - 1, 0] + A[i, 1]
    return np.sum(B * B)


def recurrence_backwards(x):
    y = x.copy()
    for i in range(len(x) - 3, -1, -1):
        y[i] = 0.5 * y[i + 2] + x[i]
    return np.sum(y * y)


def recurrence_of_a_number(x):
    t = 0.0
    y = np.zeros(len(x))
    for i in range(len(x)):
        t = 0.5 * t + x[i]
        y[i] = t
    return np.sum(y * y)


def recurrence_of_two_loops(A):
    B = A.copy()
    for i in range(1, len(A)):
        for j in range(1, A.shape[1]):
            B[i, j] += 0.5 * B[i - 1, j - 1]
    return np.sum(B * B)


def stores_through_an_index(x, places):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[places[i]] = x[i]
    return np.sum(y * y)


def sums_that_are_read(x, places):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[places[i]] += x[i]
        y[i] *= 0.5
    return np.sum(y * y)


def stores_that_overlap(x):
    y = np.zeros(len(x) + 1)
    for i in range(len(x)):
        y[i] = x[i]
        y[i + 1] = 0.5 * x[i]
    return np.sum(y * y)


def slices_that_overlap(x):
    y = np.zeros(len(x) + 2)
    for i in range(len(x)):
        y[i : i + 2] = x[i] * x[i]
    return np.sum(y)


def one_element(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[1] = x[i] * x[i]
    return np.sum(y)


def elements_ahead(x):
    y = x.copy()
    for i in range(len(x) - 1):
        y[i] = y[i + 1] * x[i]
    return np.sum(y)


def twice_as_far(x):
    y = x.copy()
    for i in range(len(x) // 2):
        y[2 * i] = y[i] * x[i]
    return np.sum(y)


def an_unknown_step(x, k):
    y = x.copy()
    for i in range(len(x)):
        y[i * k] = x[i]
    return np.sum(y)


def the_other_end(x):
    y = x.copy()
    for i in range(len(x)):
        y[i] = y[len(x) - 1 - i] * x[i]
    return np.sum(y)


def around_the_end(x):
    y = x.copy()
    for i in range(len(x)):
        y[i] = x[i] + y[i - 1]
    return np.sum(y)


def a_view_of_it(x):
    y = x.copy()
    v = y[1:]
    for i in range(len(x) - 1):
        y[i] = v[i] * x[i]
    return np.sum(y)


def a_second_name(x):
    y = x.copy()
    z = y
    for i in range(1, len(x)):
        z[i] = y[i - 1] * x[i]
    return np.sum(y)


def a_sum_that_is_read(x):
    total = 0.0
    y = np.zeros(len(x))
    for i in range(len(x)):
        total += x[i]
        y[i] = total * x[i]
    return np.sum(y)


def the_largest_with_its_place(x):
    best, where = -np.inf, 0
    for i in range(len(x)):
        if x[i] > best:
            best, where = x[i], i
    return best * x[where]


def set_now_and_then(x):
    t = 0.0
    y = np.zeros(len(x))
    for i in range(len(x)):
        if x[i] > 0.2:
            t = x[i]
        y[i] = t * x[i]
    return np.sum(y)


def set_last_in_a_branch(x):
    t = 0.0
    for i in range(len(x)):
        if x[i] > 0.2:
            t = x[i] * x[i]
    return t


def until_enough(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * x[i]
        if total > 2.0:
            break
    return total


def scratch_that_is_kept(x):
    t = np.zeros(20)
    total = 0.0
    for i in range(len(x)):
        t[i % 20] = x[i]
        for j in range(20):
            total += t[j] * x[i]
    return total


def scratch_of_which_a_part_is_written(x):
    t = np.zeros(20)
    total = 0.0
    for i in range(len(x)):
        for j in range(1, 20):
            t[j] = x[i] * j
        for j in range(20):
            total += t[j] * t[j]
        t[0] = x[i]
    return total


def scratch_that_is_read_later(x):
    t = np.zeros(20)
    total = 0.0
    for i in range(len(x)):
        for j in range(20):
            t[j] = x[i] * j
        for j in range(20):
            total += t[j] * t[j]
    return total + t[3]


def solved_in_it(A, x):
    total = 0.0
    for i in range(len(x)):
        total += np.linalg.solve(A + 9.0 * x[i] * np.eye(len(A)), A[0])[1]
    return total


IN_ORDER = [
    recurrence,
    recurrence_in_a_column,
    recurrence_backwards,
    recurrence_of_a_number,
    recurrence_of_two_loops,
    stores_through_an_index,
    sums_that_are_read,
    stores_that_overlap,
    slices_that_overlap,
    one_element,
    elements_ahead,
    twice_as_far,
    an_unknown_step,
    the_other_end,
    around_the_end,
    a_view_of_it,
    a_second_name,
    a_sum_that_is_read,
    the_largest_with_its_place,
    set_now_and_then,
    set_last_in_a_branch,
    until_enough,
    scratch_that_is_kept,
    scratch_of_which_a_part_is_written,
    scratch_that_is_read_later,
    solved_in_it,
]

# -------------------------------------------------------------------------- iterations do not


def losses_of_samples(x, y, w):
    total = 0.0
    for i in range(len(x)):
        r = w[0] + w[1] * x[i] + w[2] * np.sin(w[3] * x[i]) - y[i]
        if abs(r) < 0.5:
            total += 0.5 * r * r
        else:
            total += abs(r) - 0.5
    return total


def a_network_for_each_sample(A, B, W):
    total = 0.0
    for i in range(len(A)):
        h = np.tanh(W @ A[i])
        r = h - B[i, :3]
        total += np.sum(r * r)
    return total


def forces(A, x):
    n = len(x)
    acc = np.zeros((n, 2))
    for i in range(n):
        for j in range(n):
            if i != j:
                dx, dy = A[j, 0] - A[i, 0], A[j, 1] - A[i, 1]
                r2 = dx * dx + dy * dy + 0.01
                f = x[j] / (r2 * math.sqrt(r2))
                acc[i, 0] += dx * f
                acc[i, 1] += dy * f
    return np.sum(acc**2)


def roots(x, y):
    out = np.zeros(len(x))
    for i in range(len(x)):
        z = 1.0
        for _ in range(6):
            z = z - (z**3 + 3.0 * z - x[i]) / (3.0 * z * z + 3.0 + y[i] * y[i])
        out[i] = z
    return np.sum(out**2)


def sums_through_an_index(x, places):
    y = np.zeros(5)
    for i in range(len(x)):
        y[places[i] % 5] += x[i] * x[i]
    return np.sum(y * y)


def pairs_in_one_vector(x):
    y = np.zeros(len(x))
    for i in range(len(x) // 2):
        y[2 * i] = x[2 * i] * x[2 * i + 1]
        y[2 * i + 1] = x[2 * i] + y[2 * i]
    return np.sum(y * y)


def every_second(x):
    y = x.copy()
    for i in range(len(x) - 1, 0, -2):
        y[i] = y[i - 1] * x[i]
    return np.sum(y)


def largest_and_smallest(A):
    high, low = 0.0, 0.0
    for i in range(len(A)):
        high += np.max(A[i])
        low += np.min(A[i] * A[i])
    return high * low


def read_after_it(x):
    t = 0.0
    total = 0.0
    for i in range(len(x)):
        t = x[i] * x[i]
        total += np.sin(t)
    return total * t


def scratch_made_before(A):
    t = np.zeros(20)
    total = 0.0
    for i in range(len(A)):
        for j in range(20):
            t[j] = A[i, j % 5] * A[i, 0]
        for j in range(20):
            total += t[j] * t[19 - j]
    return total


def counted(x):
    n, total = 0, 0.0
    for i in range(len(x)):
        if x[i] > 0.1:
            n += 1
            total += x[i] * x[i]
    return total / (n + 1)


def triangle(A):
    L = np.zeros(A.shape)
    for i in range(len(A)):
        for j in range(min(i, A.shape[1])):
            L[i, j] = np.sin(A[i, j])
    return np.sum(L * L)


IN_PARALLEL = [
    losses_of_samples,
    a_network_for_each_sample,
    forces,
    roots,
    sums_through_an_index,
    pairs_in_one_vector,
    every_second,
    largest_and_smallest,
    read_after_it,
    scratch_made_before,
    counted,
    triangle,
]

FORWARDS_ALONE = [read_after_it, scratch_made_before]
"""Those whose sweep back hands something on from iteration to iteration."""


def stencil(A, steps):
    A = A.copy()
    for _ in range(steps):
        A[1:-1, 1:-1] = 0.2 * (
            A[2:, 1:-1] + A[:-2, 1:-1] + A[1:-1, 2:] + A[1:-1, :-2] + np.sin(A[1:-1, 1:-1])
        )
    return np.sum(A * A)


# ---------------------------------------------------------------------------------- arguments


def arguments_for(function, n=13):
    """Return arguments for a program, by the names of its parameters."""
    rng = np.random.default_rng(n)
    made = {
        "x": rng.normal(size=n),
        "y": rng.normal(size=n),
        "w": rng.normal(size=4),
        "A": rng.normal(size=(n, 5)),
        "B": rng.normal(size=(n, 5)),
        "W": rng.normal(size=(3, 5)),
        "places": rng.integers(0, n, size=n),
        "k": 1,
        "steps": 3,
    }
    if function is solved_in_it:
        made["A"] = rng.normal(size=(3, 3))
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return tuple(made[name] for name in names)
