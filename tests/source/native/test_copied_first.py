"""What a store overwrites is read where it is saved, if it is read in another order."""

import re

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")


def turned(x, w):
    y = x.copy()
    for k in range(1, len(x)):
        y[:k] += np.sin(y[0]) * np.flip(y[:k]) * w[:k]
    return np.sum(y * y * w)


def turned_and_straight(x, w):
    y = np.outer(x, w)
    for k in range(len(x)):
        y[k] = y[k] * y[k][::-1] + y[k] ** 2
        y[k, 1:] -= w[1:] * y[k, 1:][::-1] * x[k]
    return np.sum(y)


def other_places_too(x, w):
    y = x.copy()
    for k in range(1, len(x) - 1):
        y[:k] = y[:k] * np.flip(y[:k]) + y[1 : k + 1] * w[0]
    return np.sum(y * y)


def products(x, w):
    y = np.outer(x, x)
    for k in range(len(x)):
        y[k] = np.sin(y[k] @ np.outer(w, x))
        y[:, k] = np.cumsum(y[:, k]) * w
    return np.sum(y * y)


def in_a_branch(x, w):
    y = x.copy()
    for k in range(1, len(x)):
        if k % 2:
            y[:k] *= np.flip(y[:k])
        else:
            y[:k] = y[:k] * np.sum(y[:k]) + np.roll(y[:k], 1)
    return np.sum(y * w)


PROGRAMS = [turned, turned_and_straight, other_places_too, products, in_a_branch]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(f, rng):
    x, w = rng.uniform(0.2, 0.9, size=(2, 9))
    by_numba, by_numpy = (cr.compile(f, backend=b) for b in ("numba", "numpy"))
    np.testing.assert_allclose(by_numba(x, w), f(x, w), rtol=1e-12)
    found, expected = (cr.grad(p, argnums=(0, 1))(x, w) for p in (by_numba, by_numpy))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_no_temporary_is_needed(rng):
    gradient = cr.grad(cr.compile(turned, backend="numba"))
    gradient(*rng.uniform(0.2, 0.9, size=(2, 9)))
    kernel = gradient.explain().rpartition("# ----")[2]
    assert re.search(r" y\[(\w+)\] \+= .* \* saved_by_f8_\d\[.*- 1 - \1", kernel)
