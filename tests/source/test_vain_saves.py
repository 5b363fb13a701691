"""What a loop overwrites and no adjoint reads is not saved; a store's value is read where it is."""

import numpy as np
import pytest

from chainrule.source.emit import emit
from chainrule.source.ir import Index, Push, statements
from source.saving import adjoint, check_against_saving_everything, check_gradients


def solved_upwards(a, x):
    c = np.zeros(len(x))
    for k in range(len(x)):
        if k > 0:
            c[k] = x[k] * c[k - 1]
        c[k] = a[k] / (2 + c[k])
    return np.sum(c * c)


def solved_downwards(a, x):
    c = np.ones(len(x))
    for k in range(len(x) - 2, -1, -1):
        c[k] = np.exp(-x[k] * c[k + 1]) + a[k]
    return c[0]


def planes(a, x):
    c = np.zeros((3, len(x)))
    for k in range(1, len(x)):
        c[:, k] = np.sin(c[:, k - 1] + a[k]) / x[k]
    return np.sum(c * c)


def quotients(a, x):
    c = np.zeros(len(x))
    for k in range(len(x)):
        if k > 0:
            c[k] = a[k] * c[k - 1]
        c[k] /= x[k] + k
    return np.sum(c * c)


def in_steps(a, x):
    c = np.ones(len(x))
    for k in range(2, len(x) - 1, 3):
        c[k + 1] = a[k] * c[k] ** 2 * c[k - 1]
        c[k] = np.sqrt(1 + x[k] ** 2)
    return np.sum(c * c)


def triangle(a, x):
    n = len(x)
    r = np.zeros((n, n))
    for k in range(n):
        r[k, k] = np.sqrt(1 + x[k] ** 2)
        for j in range(k + 1, n):
            r[k, j] = a[j] * r[k, k] ** 2
            r[k, j] = r[k, j - 1] * x[j] / r[k, k]
    return np.sum(r)


def rows(a, x):
    n = len(x)
    c = np.ones((n, n))
    for i in range(1, n):
        for j in range(n):
            c[i, j] = np.sin(c[i - 1, j] * a[i]) / x[j]
    return np.sum(c * c)


def factors(a, x):
    n = len(x)
    u = np.outer(a, x) + 3 * np.eye(n)
    for i in range(n):
        for j in range(i):
            for k in range(j):
                u[i, j] -= u[i, k] * u[k, j]
            u[i, j] /= u[j, j]
        for j in range(i, n):
            for k in range(i):
                u[i, j] -= u[i, k] * u[k, j]
    return np.sum(u * u)


def factors_upwards(a, x):
    n = len(x)
    u = np.outer(a, x) + 3 * np.eye(n)
    for i in range(n - 1, -1, -1):
        for j in range(n - 1, i, -1):
            u[i, j] = u[i, j] / u[j, j]
        for j in range(i + 1, n):
            u[i, i] += u[i, j] * u[j, i] ** 2
    return np.sum(u * u)


VAIN = [solved_downwards, planes, quotients, triangle, rows, factors, factors_upwards]


def counts_from_the_end(a, x):
    c = np.ones(len(x))
    for k in range(len(x)):
        c[k] = a[k] * c[k - 1] ** 2 + x[k]  # in the first iteration, of the last place
    return np.sum(c * c)


def counts_from_the_end_downwards(a, x):
    c = np.ones(len(x))
    for k in range(len(x) - 2, -len(x), -1):
        c[k] = a[k] * c[k + 1] ** 2
    return np.sum(c * c)


def reads_ahead(a, x):
    c = x.copy()
    for k in range(len(x) - 1):
        c[k] = a[k] * c[k + 1] ** 2 * c[k]
    return np.sum(c * c)


def read_before_in_the_iteration(a, x):
    c = x.copy()
    s = 0.0
    for k in range(len(x)):
        s += c[k] ** 3
        c[k] = a[k] / (2 + s)
    return np.sum(c * s)


def again_in_an_outer_loop(a, x):
    c = x.copy()
    for _ in range(3):
        for k in range(1, len(x)):
            c[k] = np.sin(a[k] * c[k - 1]) / x[k]
    return np.sum(c * c)


def read_before_the_loop(a, x):
    c = x.copy()
    s = np.sum(c**3)
    for k in range(1, len(x)):
        c[k] = a[k] * c[k - 1]
    return s * np.sum(c)


def overwritten_after_the_loop(a, x):
    c = np.ones(len(x))
    for k in range(1, len(x)):
        c[k] = np.sin(a[k] * c[k - 1]) / x[k]
    s = np.sum(c * c)
    c[2] = x[0]
    return s * np.sum(c)


def through_a_view(a, x):
    c = np.ones(len(x))
    v = c[::-1]
    for k in range(1, len(x)):
        c[k] = np.exp(0.1 * a[k] * c[k - 1]) + np.sin(v[k])
    return np.sum(c * v)


def rebound(a, x):
    c = np.ones(len(x))
    for k in range(1, len(x)):
        if k == 3:
            c = x * c
        c[k] = np.sin(a[k] * c[k - 1]) / x[k]
    return np.sum(c)


def place_moves(a, x):
    c = np.ones(len(x))
    i = 1
    for k in range(1, len(x)):
        c[i] = np.sin(a[k] * c[i - 1]) / x[k]
        i = max(i - 1, 1) if k == 3 else i + 1 - k // 4
    return np.sum(c * c)


def branches(a, x):
    c = np.ones(len(x))
    n = len(x) - 1
    for k in range(n + 1):
        if k <= 0 or k > n - 1:
            c[k] = a[k] * a[k]
        elif k >= 2:
            c[k] = c[k - 2] ** 2 / x[k]
        else:
            c[k] = c[k - 1] / (a[k] + c[k])
    return np.sum(c * c)


def in_place_with_its_own_value(a, x):
    c = a.copy()
    for k in range(1, len(x)):
        c[k] /= 1 + c[k - 1] ** 2
        c[k] *= x[k] * c[k]
    return np.sum(c)


def rows_in_turn(a, x):
    n = len(x)
    c = np.ones((n, n))
    for k in range(1, n):
        for j in range(1, n):
            c[j, k] = np.sin(c[j - 1, k - 1] * c[j, 0] * a[k]) / x[j]
            c[j, 0] = x[k]
    return np.sum(c * c)


def until(a, x):
    n = len(x)
    c = np.ones((n, n))
    for k in range(1, n):
        j = 1
        while j < n:
            c[k, j] = np.sin(c[k - 1, j] * c[k, j - 1] * a[k]) * x[j]
            j += 1
    return np.sum(c * c)


def largest_of_rows(a, x):
    c = np.outer(a, x)
    d = np.ones(len(x))
    for k in range(1, len(x)):
        d[k] = np.sin(d[k - 1] * a[k])
        d[k] = np.max(c[k] * d[k])
        c[:, k] = np.max(c * (1 + c[:, k, None]), axis=1)
    return np.sum(d) + np.sum(c)


def places_are_stored(a, x):
    c, p = a.copy(), np.arange(len(x))
    for k in range(1, len(x)):
        c[p[k - 1]] = np.sin(c[p[k - 1]] * x[k]) * c[p[k]]
        p[k] = len(x) - 1 - k
    return np.sum(c * c)


KEPT = [
    largest_of_rows, places_are_stored,
    rows_in_turn, until,
    solved_upwards, in_steps, counts_from_the_end, counts_from_the_end_downwards, reads_ahead,
    read_before_in_the_iteration, again_in_an_outer_loop, read_before_the_loop,
    overwritten_after_the_loop, through_a_view, rebound, place_moves, branches,
    in_place_with_its_own_value,
]  # fmt: skip


def saves(f):
    """The arrays of which a part is saved."""
    pushed = (s.value for s in statements(adjoint(f).body) if isinstance(s, Push))
    return {value.base.name for value in pushed if isinstance(value, Index)}


@pytest.mark.parametrize("f", VAIN + KEPT, ids=lambda f: f.__name__)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_gradients_are_right(f, backend):
    check_gradients(f, backend)


@pytest.mark.parametrize("f", VAIN + KEPT, ids=lambda f: f.__name__)
def test_saving_everything_gives_the_same_cotangents(f):
    check_against_saving_everything(f)


@pytest.mark.parametrize("f", VAIN, ids=lambda f: f.__name__)
def test_nothing_of_the_array_is_saved(f):
    assert saves(f) == set()


@pytest.mark.parametrize("f", KEPT, ids=lambda f: f.__name__)
def test_what_is_read_is_saved(f):
    assert saves(f)


def test_a_quotient_is_not_computed_again():
    text = emit(adjoint(quotients))
    assert "-c[k] / (x[k] + k)" in text
    assert text.count(" / ") == 2


def weighted_rows(a, x):
    f, total = np.outer(a, x), 0.0
    for k in range(3):
        f[:, k] = f[:, k + 1]
        u = np.sum(f * np.arange(len(x)), 1) / np.sum(f, 1)
        total += np.sum(u**3)
        f += u[:, None]
    return total


def test_an_array_is_not_saved_for_its_shape():
    text = emit(adjoint(weighted_rows))
    assert "stack.append(f" not in text, text
    check_against_saving_everything(weighted_rows)
    check_gradients(weighted_rows, "numpy")
