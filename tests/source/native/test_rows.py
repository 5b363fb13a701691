"""Reductions along rows: what is made for a row, or for one of its elements, is no array."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")

X = np.random.default_rng(0).uniform(-2, 2, (6, 7, 5))


def softmax(x):
    top = np.max(x, axis=-1, keepdims=True)
    e = np.exp(x - top)
    y = e / np.sum(e, axis=-1, keepdims=True)
    return np.sum(y * y)


def normalised(x):
    centred = x - np.mean(x, axis=1, keepdims=True)
    return np.sum(np.sqrt(1 + np.sum(centred**2, axis=1, keepdims=True)) * x)


def norms_of_columns(x):
    rows = np.sum(x * x, axis=(0, 2), keepdims=True)
    return rows / (1 + rows[:, :1])


def second_name_is_changed(x):
    t = 2 * x
    u = t
    s = np.sum(t * t)
    u[0] = 5 * u[1]
    u = u + t * s
    return np.sum(u * t)


def first_name_is_given_away(x):
    t = 2 * x
    u = t
    t = t * x
    s = np.sum(u * t)
    u = t
    u[1] = s * u[2]
    return np.sum(t * u)


def names_change_in_a_loop(x):
    t = 2 * x
    for k in range(3):
        u = t
        s = np.sum(t)
        if k == 1:
            t = u * s
        u = u * t
        t = u
    return np.sum(t)


IMAGE, W, V = (
    np.random.default_rng(k).uniform(-1, 1, shape)
    for k, shape in enumerate([(6, 11, 12, 5), (5, 5, 5, 6), (5, 5, 6, 7)])
)


def windows(x, weights):
    k = weights.shape[0]
    n, h, w = x.shape[0], x.shape[1] - k + 1, x.shape[2] - k + 1
    out = np.zeros((n, h, w, weights.shape[3]))
    for i in range(h):
        for j in range(w):
            places = x[:, i : i + k, j : j + k, :, None]
            out[:, i, j, :] = np.sum(places * weights[None], axis=(1, 2, 3))
    return out


def convolved(x):
    return windows(x[None], W[:3, :3])


def rows_that_may_be_single(x):
    rows = x[:2, :, 0, None, None] - np.sin(x[:2, 1:, 0]).T[None]
    return rows * x[0, 0, :2, None, None, None]


PROGRAMS = [
    softmax, normalised, norms_of_columns, second_name_is_changed, first_name_is_given_away,
    names_change_in_a_loop, convolved, rows_that_may_be_single,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS)
def test_same_numbers(f):
    by_numpy, by_numba = (cr.compile(f, backend=name) for name in ("numpy", "numba"))
    np.testing.assert_allclose(by_numba(X), by_numpy(X), rtol=1e-12)
    assert by_numba(X).shape == by_numpy(X).shape
    (expected, by_ct), (found, other) = cr.vjp(by_numpy, X), cr.vjp(by_numba, X)
    ct = np.ones_like(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(other(ct)[0], by_ct(ct)[0], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("f", [softmax, normalised])
def test_one_array_is_as_large_as_the_argument(f):
    gradient = cr.grad(cr.compile(f, backend="numba"))
    gradient(X)
    text = gradient.explain().split("# ----")[-1]
    made = re.findall(r"rt\.empty\(\((.*?)\)", text)
    assert sum(extents.count(",") > 1 for extents in made) == 1
    assert "region_2" not in text


def test_sums_over_stretched_axes_are_in_any_order():
    gradient = cr.grad(cr.compile(lambda x: np.sum(windows(x, W)), backend="numba"))
    gradient(IMAGE)
    sweep = gradient.explain().split("denormal numbers")[-1]
    assert re.search(r"add_in_any_order\([\s#]*total_\d+, \w+\[\w+\] \* \w*W", sweep)
    assert not re.search(r"(\w+) = \1 \+ \w+\[", sweep)


def test_products_of_which_only_the_size_is_read_are_not_computed():
    def loss(x, w, v):
        return np.sum(windows(np.tanh(windows(x, w)), v) ** 2)

    by_numba, by_numpy = (
        cr.grad(cr.compile(loss, backend=backend), argnums=(0, 1, 2))
        for backend in ("numba", "numpy")
    )
    for found, expected in zip(by_numba(IMAGE, W, V), by_numpy(IMAGE, W, V), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11)  # sums of 150 terms
    text = by_numba.explain().split("# ----")[-1]
    assert len(re.findall(r"\* v\[", text)) == 2  # forward, and for the cotangent of y


@pytest.mark.parametrize("reduce", [np.max, np.min])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_largest_of_many(reduce, dtype):
    def f(x):
        return reduce(x)

    program = cr.compile(f, backend="numba")
    rng = np.random.default_rng(1)
    for size in (1, 3, 8, 37, 200):
        x = rng.uniform(-1, 1, size).astype(dtype)
        assert program(x) == f(x)
        x[rng.integers(size)] = np.nan
        assert np.isnan(program(x))
        x[:] = reduce([-np.inf, np.inf])
        assert program(x) == f(x)
        assert program(np.zeros(size, dtype) * -1) == 0


@pytest.mark.parametrize(("f", "most"), [(np.exp, 1.0), (np.tanh, 3.5)])
def test_error_in_units_in_the_last_place(f, most):
    def g(x):
        return f(x)

    program = cr.compile(g, backend="numba")
    rng = np.random.default_rng(2)
    for low, high in ((-1, 1), (-20, 20), (-745, 709), (-745, -707), (-1e-3, 1e-3)):
        x = rng.uniform(low, high, 20_000)
        expected = f(x.astype(np.longdouble))
        unit = np.spacing(np.abs(expected).astype(np.float64))
        assert np.max(np.abs(program(x) - expected) / unit) < most
