"""Integers, single precision, complex numbers: what comes in decides what comes out."""

import numpy as np
import pytest

import chainrule as cr
from derivatives import along

X = np.array([0.7, -1.3, 0.4])


def test_an_integer_beyond_64_bits_counts_as_float64():
    assert cr.grad(lambda x: x**2 / 2)(10**30) == 1e30
    assert cr.jvp(lambda x: x * 0.5, (10**30,), (2,)) == (5e29, 1.0)
    assert cr.jacobian(lambda x: x * 0.5)(10**30) == 0.5


@pytest.mark.parametrize("x", [3, np.int32(3), np.array(3), np.uint8(3)])
def test_integers_count_as_float64(x):
    gradient = cr.grad(lambda x: x**3 / 2)(x)
    assert gradient.dtype == np.float64
    assert gradient == 13.5
    assert cr.jvp(lambda x: x * 0.5, (x,), (1,))[1].dtype == np.float64


def test_integer_arrays_count_as_float64():
    x = np.array([[1, 2], [3, 4]])
    gradient = cr.grad(lambda x: np.sum(np.exp(x * x / 10)))(x)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, x / 5 * np.exp(x * x / 10))
    assert x.dtype.kind == "i"


def test_single_precision_stays_at_odd_reflections():
    x = X.astype(np.float32)
    for mode in ("reflect", "symmetric"):
        y, y_dot = cr.jvp(lambda x: np.pad(x, 5, mode, reflect_type="odd"), (x,), (x,))  # noqa: B023
        assert y.dtype == y_dot.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_floats_stay_what_they_are(dtype):
    x = X.astype(dtype)

    def f(x):
        return np.sum(np.sin(x) * np.float64(2) * 0.5 + x.mean() ** 2)

    value, gradient = cr.value_and_grad(f)(x)
    assert gradient.dtype == dtype
    assert value.dtype == f(x).dtype
    np.testing.assert_allclose(gradient, np.cos(X) + 2 * X.mean(), rtol=1e-2)
    assert cr.jvp(lambda x: x * 2, (x,), (x,))[1].dtype == dtype
    scalar = cr.grad(lambda x: np.sin(x) * 2)(dtype(0.5))
    assert scalar.dtype == dtype


def test_mixed_dtypes_meet():
    a, b = X.astype(np.float32), X * 2

    def f(a, b):
        return np.sum(a * b) + np.sum(a[:2] @ b[:2])

    ga, gb = cr.grad(f, argnums=(0, 1))(a, b)
    assert (ga.dtype, gb.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(ga, b + np.append(b[:2], 0), rtol=1e-6)


def test_complex_gradient_is_df_dx_plus_i_df_dy():
    z = X + 1j * X[::-1] ** 2

    def f(z):
        return np.sum(np.abs(np.sin(z) * z) ** 2 + np.real(z) * np.imag(z) ** 2)

    h = 1e-6
    gradient = cr.grad(f)(z)
    assert gradient.dtype == np.complex128
    for i, e in enumerate(np.eye(3)):
        dx = (f(z + h * e) - f(z - h * e)) / (2 * h)
        dy = (f(z + 1j * h * e) - f(z - 1j * h * e)) / (2 * h)
        assert gradient[i] == pytest.approx(dx + 1j * dy, rel=1e-6)
    assert cr.grad(lambda z: np.abs(z) ** 2)(3 + 4j) == 6 + 8j
    assert cr.grad(np.real)(1 + 1j) == 1
    assert cr.grad(np.imag)(1 + 1j) == 1j


def test_complex_inside_of_a_real_function():
    def f(x):
        return np.sum(np.abs(np.exp(1j * x) * (x + 2j)) ** 2)  # x^2 + 4

    gradient = cr.grad(f)(X)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, 2 * X)
    np.testing.assert_allclose(cr.hessian(f)(X), 2 * np.eye(3), atol=1e-12)


def test_complex_second_order_is_the_real_hessian():
    z = np.array([0.5 + 0.3j, -0.2 + 0.7j])

    def f(z):
        return np.sum(np.real(np.exp(z) * np.conj(z) * z[::-1]))

    t = np.array([1.0 - 0.5j, 0.3 + 2j])
    numeric = along(lambda z: [cr.grad(f)(z)], [z], [t])
    for found in (cr.jvp(cr.grad(f), (z,), (t,))[1], cr.vjp(cr.grad(f), z)[1](t)[0]):
        np.testing.assert_allclose(np.concatenate([found.real, found.imag]), numeric, rtol=1e-8)
