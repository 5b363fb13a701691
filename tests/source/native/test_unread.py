"""What nothing reads is neither computed nor saved."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")


def gates(xs, w, u):
    """The sweep back needs the shape of ``z`` alone, and parts of known size."""
    n = u.shape[0]
    h = np.zeros((xs.shape[1], n))
    for x in xs:
        z = x @ w + h @ u
        i, f = np.tanh(z[:, :n]), 1 / (1 + np.exp(-z[:, n : 2 * n]))
        h = i * f + h * np.tanh(z[:, 2 * n :])
    return np.sum(h * h)


def shape_of_a_product(x, k):
    z = np.exp(x[k] * x)
    return np.zeros_like(z) + x


XS, W, U = (
    np.random.default_rng(k).uniform(-1, 1, shape)
    for k, shape in enumerate([(6, 5, 4), (4, 21), (7, 21)])
)
X = np.linspace(0.5, 1.5, 6)


def kernel_of(gradient, *args):
    gradient(*args)
    return gradient.explain().split("# ----")[-1]


def test_same_gradients():
    by_numba, by_numpy = (
        cr.grad(cr.compile(gates, backend=backend), argnums=(0, 1, 2))
        for backend in ("numba", "numpy")
    )
    for found, expected in zip(by_numba(XS, W, U), by_numpy(XS, W, U), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_only_what_is_read_is_saved():
    text = kernel_of(cr.grad(cr.compile(gates, backend="numba"), argnums=(1, 2)), XS, W, U)
    made = [line for line in text.splitlines() if "saved_by_f8" in line and "rt.part" in line]
    assert len(made) == 4  # i, f, the third gate, h; not both products
    assert "stack" not in text


def test_errors_are_those_of_python():
    program = cr.compile(shape_of_a_product, backend="numba")
    np.testing.assert_array_equal(program(X, 2), X)
    assert "exp" not in kernel_of(program, X, 2)
    with pytest.raises(IndexError):
        program(X, 6)
