"""Saved parts of arrays are read by name where nothing else needs them back in their places."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.emit import emit
from source.saving import adjoint, check_against_saving_everything, check_gradients


def orthogonal_columns(a, x):
    u = np.outer(a, x) + 3 * np.eye(len(x))
    q = np.zeros_like(u)
    for k in range(len(x)):
        q[:, k] = u[:, k] / np.sqrt(np.dot(u[:, k], u[:, k]))
        for j in range(k + 1, len(x)):
            r = np.dot(q[:, k], u[:, j])
            u[:, j] -= q[:, k] * r
    return np.sum(q[0] * a) + np.sum(u * u)


def toeplitz(a, x):
    y = np.zeros(len(x))
    y[0] = alpha = -x[0]
    for k in range(1, len(x)):
        alpha = -(x[k] + np.dot(np.flip(a[:k]), y[:k]))
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y * y)


def in_a_branch(a, x):
    u, total = np.outer(a, x), 0.0
    for k in range(len(x)):
        if x[k] > 0.6:
            u[k] = np.sin(u[k]) * np.sum(u[k] ** 2)
        else:
            total += np.sum(u[k])
    return np.sum(u * u) + total


def inner_places(a, x):
    u = np.outer(a, x)
    for _ in range(3):
        total = np.sum(u[1:-1] ** 2)
        u[1:-1] = u[1:-1] * a / (total + np.cos(u[1:-1]))
    return np.sum(u * u)


def its_own_result(a, x):
    u = np.outer(a, x)
    for k in range(1, len(x)):
        u[k] = np.exp(0.1 * u[k] * u[k])
    return np.sum(u * u)


def rank_updates(a, x):
    u = np.outer(a, x)
    for i in range(len(x)):
        u[i, : i + 1] *= x[i] * np.sin(u[i, : i + 1])
        for k in range(len(a)):
            u[i, : i + 1] += a[k] * x[: i + 1]
    return np.sum(u * u)


def read_after_it(a, x):
    u = np.outer(a, x)
    total = 0.0
    for k in range(len(x)):
        u[k] = u[k] * np.cos(u[k]) * a
        total += np.sum(u[k] ** 3)
    return np.sum(u) * total


def with_the_row_before(a, x):
    u = np.outer(a, x)
    total = 0.0
    for k in range(1, len(x)):
        total += np.sum(u[k] ** 2 * np.sin(u[k - 1]))
        u[k] = u[k] * np.cos(u[k]) * u[k - 1]
    return np.sum(u) * total


BY_NAME = [
    orthogonal_columns, toeplitz, in_a_branch, inner_places, its_own_result, read_after_it,
    with_the_row_before, rank_updates,
]  # fmt: skip


def read_between_updates(a, x):
    u, total = np.outer(a, x), 0.0
    for i in range(len(x)):
        u[i, : i + 1] *= x[i] * np.sin(u[i, : i + 1])
        total += np.sum(u[i, : i + 1] ** 3)
        for k in range(len(a)):
            u[i, : i + 1] += a[k] * x[: i + 1]
    return np.sum(u * u) * total


def updates_read_each_other(a, x):
    u = np.outer(a, x)
    for i in range(len(x)):
        u[i, : i + 1] *= x[i] * np.sin(u[i, : i + 1])
        for k in range(len(a)):
            u[i, : i + 1] += 0.1 * a[k] * np.sin(u[k, : i + 1]) ** 2
    return np.sum(u * u)


def stencil(a, x):
    u = a.copy()
    for _ in range(4):
        u[1:-1] = u[1:-1] * u[2:] + x[1:-1]
    return np.sum(u * u)


def in_both_branches(a, x):
    u = np.outer(a, x)
    for k in range(len(x)):
        if x[k] > 0.6:
            u[k] = np.sin(u[k]) * np.sum(u[k] ** 2)
        else:
            u[k, 1:] *= u[k, 1:] * a[k]
    return np.sum(u)


def another_place_of_it(a, x):
    u = np.outer(a, x)
    for k in range(1, len(x)):
        u[k - 1] = np.sin(u[k]) * u[k - 1]
        u[k] = u[k] * u[k] * a
    return np.sum(u * u)


def read_in_an_inner_loop(a, x):
    u = np.outer(a, x)
    total = 0.0
    for k in range(3):
        for j in range(3):
            total += np.sum(u[k] ** 3) * x[j]
        u[k] = u[k] * u[k] * a
    return np.sum(u * total)


def read_before_the_loop(a, x):
    u = np.outer(a, x)
    total = np.sum(u[1] ** 3)
    for _ in range(3):
        u[1] = u[1] * u[1] * a
    return np.sum(u) * total


def changed_between(a, x):
    u = np.outer(a, x)
    total = 0.0
    for k in range(1, 4):
        total += np.sum(u[k] ** 3)
        u[:, 1] *= 2.0
        u[k] = u[k] * u[k] * a
    return np.sum(u) * total


def changed_by_a_view_between(a, x):
    u = np.outer(a, x)
    v = u.T
    total = 0.0
    for k in range(1, 4):
        total += np.sum(u[k] ** 3)
        v[1] *= 2.0
        u[k] = u[k] * u[k] * a
    return np.sum(u) * total


def changed_in_a_branch_between(a, x):
    u = np.outer(a, x)
    total = 0.0
    for k in range(1, 4):
        total += np.sum(u[k] ** 3)
        if x[k] > 0.5:
            u[:, 1] *= 2.0
        u[k] = u[k] * u[k] * a
    return np.sum(u) * total


def index_changes_between(a, x):
    u = np.outer(a, x)
    total, i = 0.0, 1
    for _ in range(3):
        total += np.sum(u[i] ** 3)
        i = i + 1
        u[i] = u[i] * u[i] * a
    return np.sum(u) * total


def through_views(a, x):
    u = np.outer(a, x)
    v = u.T
    for k in range(1, 4):
        v[k] = u[:, k] * v[k] * a
        u[k] = np.sin(u[k]) * v[:, k - 1]
    return np.sum(u * u)


def from_the_end(a, x):
    u = np.outer(a, x)
    total = 0.0
    for k in range(4):
        total += np.sum(u[k - 1] ** 3)
        u[k] = u[k] * u[k] * a
    return np.sum(u) * total


def in_an_outer_loop(a, x):
    u = np.outer(a, x)
    total = 0.0
    for _ in range(2):
        for k in range(3):
            u[k] = u[k] * u[k] * a
        total += np.sum(u**3)
    return np.sum(u) * total


def arrays_change_places(a, x):
    u, v = np.outer(a, x), np.outer(x, a)
    total = 0.0
    for _ in range(4):
        total += np.sum(v[1] ** 3)
        u[1] = u[1] * np.cos(u[1]) * total
        u, v = v, u
    return np.sum(u * v) * total


def arrays_change_places_around(a, x):
    u, v = np.outer(a, x), np.outer(x, a)
    total = np.sum(u**3)
    for _ in range(3):
        u, v = v, u
        for k in range(3):
            u[k] = u[k] * np.cos(u[k]) * a
    return np.sum(u * v) * total


def computed_again_elsewhere(a, x):
    u = np.outer(a, x)
    total = 0.0
    for _ in range(3):
        for k in range(3):
            r = u[k] * 2.0
            total += np.sum(r * r * r)
        for k in range(3):
            u[k] = u[k] * np.cos(u[k]) * a
    return np.sum(u) * total


def with_new_axes(a, x):
    u = np.outer(a, x)
    total = 0.0
    for k in range(2, 5):
        total += np.sum(u[None, 1] ** 3)
        u[:, k] = u[:, k] * np.cos(u[:, k]) * a
    return np.sum(u) * total


def in_a_loop_that_runs_again(a, x):
    u = np.outer(a, x)
    total = 0.0
    for k in range(3):
        w = x.copy()
        for _ in cr.checkpointed(range(3)):
            w[:] = 0.5 * u[k] + w
            total = total + np.sum(w**3)
        u[k] = u[k] * 2.0 + total
    return np.sum(u * u) * total


PUT_BACK = [
    read_between_updates, updates_read_each_other,
    stencil, in_both_branches, another_place_of_it, read_in_an_inner_loop, read_before_the_loop,
    changed_between, changed_by_a_view_between, changed_in_a_branch_between,
    index_changes_between, through_views, from_the_end, in_an_outer_loop, arrays_change_places,
    arrays_change_places_around, computed_again_elsewhere, with_new_axes,
    in_a_loop_that_runs_again,
]  # fmt: skip


@pytest.mark.parametrize("f", BY_NAME + PUT_BACK, ids=lambda f: f.__name__)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_gradients_are_right(f, backend):
    check_gradients(f, backend)


@pytest.mark.parametrize("f", BY_NAME + PUT_BACK, ids=lambda f: f.__name__)
def test_saving_everything_gives_the_same_cotangents(f):
    check_against_saving_everything(f)


@pytest.mark.parametrize("f", BY_NAME, ids=lambda f: f.__name__)
def test_what_is_saved_is_not_put_back(f):
    text = emit(adjoint(f))
    assert "_before = stack.pop()" in text
    assert "] = stack.pop()" not in text.replace("y[k] = stack.pop()", "")


@pytest.mark.parametrize("f", PUT_BACK, ids=lambda f: f.__name__)
def test_what_others_read_is_put_back(f):
    assert "] = stack.pop()" in emit(adjoint(f))
