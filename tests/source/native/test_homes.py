"""Arrays that are made where they are saved."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")


def steps_in_time(u):
    u = u.copy()
    for _ in range(4):
        un = u.copy()
        u[1:-1] = un[1:-1] - 0.1 * un[1:-1] * (un[1:-1] - un[:-2]) + 0.2 * (un[2:] - un[1:-1])
        u[0] = 1.0
    return u


def changed_after_it_is_saved(u):
    u = u.copy()
    for k in range(3):
        t = u * u
        u = np.sin(t) * u
        t[k] = 5 * t[k + 1]
        u = u + t * t
    return u


def changed_before_it_is_saved(u):
    u = u.copy()
    for k in range(3):
        t = u * u
        t[k] = 5 * t[k + 1]
        u = np.sin(t) * u + t
    return u


def in_a_branch(u):
    u = u.copy()
    for k in range(4):
        if k % 2:
            t = u * u[k]
            u[:] = np.sin(t) * t
        else:
            t = u + 1
            u[1:] = np.cos(t[1:]) * t[:-1]
    return u


def of_one_iteration_in_the_next(u):
    t = u * u
    total = u
    for k in range(3):
        total = total * np.sin(t)
        t = np.cos(total) * t[k]
        total = total + t * t
    return total


def rows_of_growing_parts(u):
    a = np.outer(u, u)
    for k in range(1, len(u)):
        t = np.sin(a[k, :k])
        a[k, :k] += t * t
        a[:k, k] = a[k, :k] * t
    return a


def two_names(u):
    total = 0.0 * u
    for _ in range(3):
        t = np.sin(u)
        s = t
        s[0] = t[1] * t[2]
        u = u + t * s
        total = total + s * u
    return total


PROGRAMS = [
    steps_in_time, changed_after_it_is_saved, changed_before_it_is_saved, in_a_branch,
    of_one_iteration_in_the_next, rows_of_growing_parts, two_names,
]  # fmt: skip
U = np.random.default_rng(0).uniform(0.2, 1, 7)


@pytest.mark.parametrize("f", PROGRAMS)
def test_same_numbers(f):
    by_numpy, by_numba = (cr.compile(f, backend=name) for name in ("numpy", "numba"))
    (expected, by_ct), (found, other) = cr.vjp(by_numpy, U), cr.vjp(by_numba, U)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    ct = np.cos(np.arange(np.size(expected), dtype=float)).reshape(np.shape(expected))
    np.testing.assert_allclose(other(ct)[0], by_ct(ct)[0], rtol=1e-11, atol=1e-13)
    losses = (cr.compile(lambda u, p=p: np.sum(p(u) ** 2)) for p in (by_numpy, by_numba))
    slopes = [cr.grad(loss)(U) for loss in losses]
    np.testing.assert_allclose(*slopes, rtol=1e-11, atol=1e-13)


def test_nothing_is_copied_to_where_it_is_saved():
    gradient = cr.grad(cr.compile(lambda u: np.sum(steps_in_time(u) ** 2), backend="numba"))
    gradient(U)
    text = gradient.explain().split("# ----")[-1]
    assert re.search(r"saved_by_f8_1\[.*\] = u_\w+\[\w+\]", text)
    assert text.count("rt.empty") <= 5  # the state, what is saved, two cotangents, a row
