"""Copies that are only read, and those that have to be made."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")

X = np.random.default_rng(0).uniform(0.5, 1.5, 9)


def in_reverse(x, n):
    s = np.zeros(len(x))
    for k in range(1, n):
        t = np.flip(x[:k])
        s[:k] += t * x[k] + np.flip(s[:k] * t)
    return np.sum(s * s)


def source_changes(x, n):
    x = x.copy()
    s = np.zeros(len(x))
    for k in range(1, n):
        t = x[:k].copy()
        x[:k] += s[:k] * t[0]
        s[:k] += np.flip(t) * x[k]
        x[0] = t[k - 1]
    return np.sum(s * x)


def copy_changes(x, n):
    s = np.zeros(len(x))
    for k in range(1, n):
        t = x.copy()
        t[k] = s[k - 1]
        s += t * x
    return np.sum(s * s)


def by_another_name(x, n):
    y = 2 * x
    z = y
    t = y.copy()
    for k in range(n):
        z[k] = t[k] * t[k - 1]
    return np.sum(t * z)


def kept_for_later(x, n):
    t = np.flip(x)
    for k in range(n):
        s = t * x[k]
        t = np.flip(s)
    return np.sum(t * s)


def a_part(x, n):
    t = np.empty(len(x))
    t[:n] = x[:n]
    t[n:] = 1.0
    return np.sum(t * x)


PROGRAMS = [in_reverse, source_changes, copy_changes, by_another_name, kept_for_later, a_part]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_same_gradients(f):
    by_numba, by_numpy = (cr.grad(cr.compile(f, backend=b)) for b in ("numba", "numpy"))
    for n in (1, 2, 9):
        np.testing.assert_allclose(by_numba(X, n), by_numpy(X, n), rtol=1e-11)


def test_no_copy_is_made():
    program = cr.compile(in_reverse, backend="numba")
    program(X, 9)
    text = program.explain().split("# ----")[-1]
    assert "t = np.empty" not in text
    assert "t_1 = np.empty" not in text
