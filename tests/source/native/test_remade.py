"""Arrays that a loop makes in every iteration: where their memory is there before it."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")


def reflections(r):
    """Durbin's recursion: parts of a vector that grow."""
    y = np.zeros_like(r)
    alpha, beta = -r[0], 1.0
    y[0] = -r[0]
    for k in range(1, len(r)):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


def rows_that_shrink(r):
    a = np.outer(r, r) + 1
    for k in range(len(r) - 1, 0, -1):
        t = a[:, k - 1 :] * r[k]
        a[:, k - 1 :] += np.flip(t, axis=1) * np.flip(t, axis=0)
    return a


def squares_that_shrink(r):
    a = np.outer(r, r) + np.eye(len(r))
    for k in range(len(r) - 1):
        t = np.sin(a[k + 1 :, k + 1 :])
        a[k + 1 :, k + 1 :] += 0.1 * t.T
    return a


def what_the_last_iteration_made(r):
    total = 0.0
    t = r[:1] * 2
    for k in range(1, len(r)):
        total = total + np.sum(t) * np.prod(np.sin(t))
        t = r[:k] * r[k]
        t[0] = total
    return total + t


def what_was_made_if_at_all(r):
    total = 0.0 * r
    for k in range(len(r) - 2):
        if k > 2:
            total[: k - 1] += np.flip(t)  # noqa: F821 - is made in the iteration before
        t = r[:k] * r[k]  # noqa: F841
    return total


def places_from_the_end(r):
    y = 1 * r
    for k in range(-3, 4):
        t = y[:k] * 0.1
        y[: len(t)] += np.flip(t)
    return y


def no_iterations(r):
    y = 2 * r
    for k in range(len(r), 3):
        t = y[:k] * 0.1
        y[:k] += np.flip(t)
    return y


def layers(r):
    """An array that is made anew with the same size, in a loop and in one within it."""
    total = 0.0
    state = np.stack([r, 2 * r])
    for k in range(len(r)):
        x = r * r[k]
        for layer in range(0, 2):
            state[layer] = np.tanh(state[layer] * x)
            x = 2 * state[layer]
        total = total + np.sum(x * x)
    return total


def read_while_it_is_made(r):
    total = 0.0
    for k in range(len(r)):
        x = r * r[k]
        for layer in range(2):
            x = np.tanh(x) + x[::-1] * r[layer]
        total = total + np.sum(x * x)
    return total


def two_names(r):
    total = 0.0 * r
    y = r
    for k in range(3):
        old = y
        y = np.flip(y) * r[k]
        total += old * y
    return total


def a_state_that_shrinks(r):
    """The sweep back takes the last state as an argument, and binds its name to larger ones."""
    s = r * r
    for i in range(len(r) - 1, 0, -1):
        s = r[0] * (r[0] * s[1 : i + 1] + (1 - r[0]) * s[:i])
    return s[0]


def a_state_that_shrinks_until(r):
    total = 0.0
    while len(r) > 2:
        t = np.zeros_like(r)
        t[1:] = r[:-1] * r[1:]
        total += t.sum()
        r = t[:-2]
    return total


PROGRAMS = [
    reflections, rows_that_shrink, squares_that_shrink, what_the_last_iteration_made,
    what_was_made_if_at_all, places_from_the_end, no_iterations, layers, two_names,
    read_while_it_is_made, a_state_that_shrinks, a_state_that_shrinks_until,
]  # fmt: skip
R = np.random.default_rng(0).uniform(-0.6, 0.6, 9)


@pytest.mark.parametrize("f", PROGRAMS)
def test_same_numbers(f):
    by_numpy, by_numba = (cr.compile(f, backend=name) for name in ("numpy", "numba"))
    for r in (R, R[:6]):
        expected, by_ct = cr.vjp(by_numpy, r)
        found, other = cr.vjp(by_numba, r)
        np.testing.assert_allclose(by_numba(r), expected, rtol=1e-12)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        ct = np.cos(np.arange(np.size(expected), dtype=float)).reshape(np.shape(expected))
        np.testing.assert_allclose(other(ct)[0], by_ct(ct)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("f", [reflections, rows_that_shrink, layers])
def test_loops_make_no_arrays(f):
    gradient = cr.grad(cr.compile(lambda r: np.sum(f(r) ** 2), backend="numba"))
    gradient(R)
    text = gradient.explain().split("# ----")[-1]
    code = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in code if line.lstrip().startswith(("for ", "while "))]
    assert sum("rt.empty" in line for line in code) < 16
