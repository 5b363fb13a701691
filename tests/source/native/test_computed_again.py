"""Large arrays that are cheap to compute are computed where they are read."""

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")


def limited(a, b):
    change = a[1:] - a[:-1]
    slope = b[1:] - b[:-1]
    flux = np.where(change * slope > 0, 0.0, change)
    return np.sum((flux[1:] - flux[:-1]) ** 2)


def one_of_another(a, b):
    d = a - b
    e = d * a
    f = np.cumsum(e, axis=0)
    return np.sum(f * d[::-1] + e[::-1])


def rows_of_loops(a, b):
    d = a * b
    total = np.zeros(a.shape[1])
    for k in range(len(a) - 1, 0, -1):
        total = total * d[k] + d[k - 1]
    return np.sum(total * total)


def operands_change(a, b):
    a = a.copy()
    d = a - b
    for k in range(1, len(a)):
        a[k] = a[k - 1] * d[k]
    return np.sum(a * d[::-1])


def in_a_loop(a, b):
    u = a.copy()
    for _ in range(3):
        d = u[1:] - u[:-1]
        e = np.where(d > 0, d, 0.1 * b[1:])
        u[1:-1] += e[1:] - e[:-1]
    return np.sum(u * u)


def single_precision(a, b):
    d = (a - b).astype(np.float32)
    e = np.where(d > 0, d, 2 * d)
    return np.sum(e[1:] * e[:-1]) + np.sum(d[::-1] * a)


def products(a, b):
    d = a - b
    return np.sum((d @ b.T) ** 2)


def filled_in_part(a, b):
    d = np.empty((3 * len(a), a.shape[1]))
    d[: len(a)] = a - b
    e = d.copy()
    e[len(a) :] = b[0]
    return np.sum(e * e)


def changed_before_a_branch(a, b):
    """What a branch computes again reads more of an array that two statements fill."""
    d = a * b
    d[0] = 5.0
    total = 0.0
    if a[0, 0] > 0:
        e = d - a
        total = np.sum(e[::-1] * b)
    return total


def number_changes(a, b):
    total, s = 0.0, a[0, 0]
    for k in range(3):
        d = a * s
        s = np.sin(s) + b[k, 0]
        total += np.sum(np.cumsum(d, axis=0) * d[::-1]) * s
    return total


def array_is_bound_again(a, b):
    total, u = 0.0, a.copy()
    for _ in range(3):
        d = u - b
        u = np.sin(u) * np.cumsum(u, axis=1)
        total += np.sum(np.cumsum(d, axis=0) * u)
    return total


def changes_in_another_shape(a, b):
    a = a.copy()
    v = a.reshape(-1, 6)
    d = a - b
    v[3] *= 7.0
    return np.sum(np.cumsum(d, axis=0) * a)


def into_single_precision(a, b):
    d = np.empty(a.shape, np.float32)
    d[:] = a - b
    return np.sum(np.cumsum(d, axis=0)) + np.sum(d[::-1] * a)


def filled_backwards(a, b):
    d = np.empty_like(a)
    d[::-1] = a - b
    return np.sum(np.cumsum(d, axis=0) * a)


def operands_change_there(a, b):
    a = a.copy()
    d = a - b
    a *= b
    return np.sum(np.cumsum(a, axis=0) * d[::-1])


PROGRAMS = [
    limited, one_of_another, rows_of_loops, operands_change, in_a_loop, single_precision, products,
    filled_in_part, changed_before_a_branch, number_changes, array_is_bound_again,
    changes_in_another_shape, into_single_precision, filled_backwards, operands_change_there,
]  # fmt: skip


def text(program, *args):
    program(*args)
    return program.explain().rpartition("# ----")[2]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_results_and_gradients(f, rng):
    a, b = rng.uniform(0.2, 1.4, size=(2, 6, 5))
    by_numba, by_numpy = (cr.compile(f, backend=name) for name in ("numba", "numpy"))
    is_single = f in (single_precision, into_single_precision)
    rtol = 1e-5 if is_single else 1e-11  # sums of single numbers come in another order
    np.testing.assert_allclose(by_numba(a, b), f(a, b), rtol=rtol)
    found, expected = (cr.grad(p, argnums=(0, 1))(a, b) for p in (by_numba, by_numpy))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)


def test_differences_are_not_kept(rng):
    gradient = cr.grad(cr.compile(limited, backend="numba"), argnums=(0, 1))
    kernel = text(gradient, *rng.normal(size=(2, 6, 5)))
    assert "change = rt.empty" not in kernel
    assert "slope = rt.empty" not in kernel


def test_what_is_read_again_and_again_is_kept(rng):
    assert "d = rt.empty" in text(
        cr.compile(products, backend="numba"), *rng.normal(size=(2, 6, 5))
    )


def test_an_array_that_is_larger_than_what_it_is_computed_from_is_kept(rng):
    program = cr.compile(filled_in_part, backend="numba")
    assert "d = rt.empty" in text(program, *rng.normal(size=(2, 6, 5)))
