"""Integers of every dtype as indices, bounds, shifts and sizes: those of int64 are the measure."""

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")

X = np.random.default_rng(0).normal(size=6)
INDICES = np.array([0, 2, 1, 3, 3])
NUMBERS = np.array([1, 3, 2])


def by_index(x, i, n):
    return np.sum(x[i] * x[i[1]]) + np.sum(x.reshape(2, 3)[[i[0], 1], [n[0], n[2]]] ** 2)


def by_slice(x, i, n):
    return np.sum(x[n[0] : n[1]] ** 2) * x[: n[2]].sum() + np.sum(x[n[2] :] ** 3) * x[n[0] :: 2][0]


def by_loop(x, i, n):
    s = 0.0
    for k in range(n[0], n[1]):
        s += x[k] ** 2
    for k in i:
        s = s * x[k] + 1
    return s


def by_store(x, i, n):
    y = np.zeros(n[1])
    y[n[0]] = x[0] ** 2
    y[i[:2]] += x[i[:2]]
    np.add.at(y, i[:3], x[:3] ** 2)
    y[n[0] : n[1]] *= 2
    return y @ y


def by_function(x, i, n):
    table = x.reshape(2, 3)
    rolled = np.roll(x, n[0]) @ x + np.sum(np.roll(table, n[1:], axis=(0, 1)) * table)
    counted = np.sum(np.bincount(i, weights=x[:5]) ** 2)
    return rolled + counted + np.sum(np.take(x, i) ** 2) + np.sum(np.full(n[1], x[0]) ** 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
@pytest.mark.parametrize("f", [by_index, by_slice, by_loop, by_store, by_function])
def test_gradients(f, dtype):
    if f is by_index and dtype is np.uint64:
        pytest.skip("a list of np.uint64 is no index in NumPy")
    given = X, INDICES.astype(dtype), NUMBERS.astype(dtype)
    expected = cr.grad(cr.compile(f, backend="numpy"))(X, INDICES, NUMBERS)
    for backend in ("numpy", "numba"):
        found = cr.grad(cr.compile(f, backend=backend))(*given)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    by_tape = cr.grad(f)(*given)
    np.testing.assert_allclose(by_tape, expected, rtol=1e-13)


def test_an_unsigned_index_behind_the_end_is_numpys_error():
    at = cr.compile(lambda x, i: x[i], backend="numba")
    assert at(X, np.uint64(2)) == X[2]
    with pytest.raises(OverflowError):
        at(X, np.uint64(2**63 + 1))


@pytest.mark.parametrize("shift", [lambda n: (n, -n), lambda n: np.array([n, -n])])
def test_a_roll_of_several_axes_by_computed_numbers(shift):
    def f(x, n):
        return np.sum(np.roll(x, shift(n), axis=(0, 1)) * x)

    table = X.reshape(2, 3)
    expected = np.roll(table, (1, -1), (0, 1)) + np.roll(table, (-1, 1), (0, 1))
    for backend in ("numpy", "numba"):
        found = cr.grad(cr.compile(f, backend=backend))(table, 1)
        np.testing.assert_allclose(found, expected)
