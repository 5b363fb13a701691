"""Arrays that a program is given and binds again in a loop: copied once, then overwritten."""

import linecache

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")

X = np.linspace(-0.6, 1.3, 7)
A = np.linspace(0.2, 1.1, 12).reshape(3, 4)


def in_turn(x, v, n):
    for _ in range(n):
        v = v - 0.1 * np.sin(x)
        x = x + 0.1 * v
    return x, v


def neighbours(x, v, n):
    for _ in range(n):
        x = 0.5 * x + 0.25 * (np.roll(x, 1) + np.roll(x, -1)) + 0.01 * v
    return x


def shrinks(x, v, n):
    for k in range(n):
        x = x[1:] * v[k] + x[:-1]
    return x


def handed_over(x, v, n):
    for _ in range(n):
        x, v = v, 0.5 * x + v
    return x, v


def another_dtype(x, v, n):
    for _ in range(n):
        x = x * v
    return x


def changed_in_place_too(x, v, n):
    for _ in range(n):
        x = x * v
        x[1:] += v[:-1]
    return x


def until_small(x, v, n):
    while np.sum(x * x) > 0.1:
        x = 0.7 * x - 0.01 * v
    return x


def in_a_branch(x, v, n):
    for k in range(n):
        if v[k] > 0:
            x = x * np.cos(x)
    return x


CASES = [in_turn, neighbours, shrinks, handed_over, changed_in_place_too, until_small, in_a_branch]


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_values_and_derivatives(f, n):
    x, v = X.copy(), np.cos(X)
    p = cr.compile(f, backend="numba")
    assert p.backend == "numba"
    found, expected = p(x, v, n), f(x.copy(), v.copy(), n)
    for a, b in zip(*map(_parts, (found, expected)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    if not (f is changed_in_place_too and n == 0):
        np.testing.assert_array_equal(x, X)
    if n:
        cr.check_grads(lambda x, v: p(x, v, n), (X, np.cos(X)))


def _parts(result):
    return result if isinstance(result, tuple) else (result,)


def test_another_dtype():
    p = cr.compile(another_dtype, backend="numba")
    x = X.astype(np.float32)
    for n in (1, 3):
        found, expected = p(x, X, n), another_dtype(x, X, n)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_loop_makes_no_arrays():
    linecache.clearcache()
    p = cr.compile(in_turn, backend="numba")
    p(A, A, 3)
    text = p.explain().split("# ----")[-1]
    assert text.count("rt.empty") == 2
    assert "x_1[" in text
