"""What the samples cannot say of choosing, casting, complex values and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError

X = np.array([-1.5, -0.5, 0.5, 1.5])


def gradient(f: Any, x: Any = X) -> Any:
    return cr.grad(lambda x: np.sum(f(x)))(x)


def test_where_takes_nothing_from_the_side_that_is_not_chosen() -> None:
    """An infinite cotangent times a mask would be NaN."""
    ct = np.array([np.inf, np.nan, 1.0])
    mask = np.array([True, False, True])
    x_ct, y_ct = cr.vjp(lambda x, y: np.where(mask, x, y), np.ones(3), np.ones(3))[1](ct)
    np.testing.assert_array_equal(x_ct, [np.inf, 0.0, 1.0])
    np.testing.assert_array_equal(y_ct, [0.0, np.nan, 0.0])


def test_a_clipped_number_is_double_precision() -> None:
    low = np.float32(0.5)
    y, y_dot = cr.jvp(lambda low: np.clip(1.0, low, 2), (low,), (low,))
    assert y.dtype == y_dot.dtype == np.clip(1.0, low, 2).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_weights_of_a_histogram_keep_their_dtype(dtype: Any) -> None:
    weights = (X * (1 + 2j if dtype == np.complex128 else 1)).astype(dtype)

    def counts(weights: Any) -> Any:
        return np.histogram(X, 2, weights=weights)[0]

    y, y_dot = cr.jvp(counts, (weights,), (weights,))
    np.testing.assert_array_equal(y_dot, counts(weights))
    assert y.dtype == y_dot.dtype == counts(weights).dtype
    ct = np.array([1, 3], dtype)
    np.testing.assert_array_equal(cr.vjp(counts, weights)[1](ct)[0], [1, 1, 3, 3])


def test_piecewise_gives_each_function_only_its_elements() -> None:
    seen = []

    def logarithm(v: Any) -> Any:
        seen.append(v.shape)
        return np.log(v)  # would warn, and be NaN, on the others

    slopes = gradient(lambda x: np.piecewise(x, [x > 0, x < -1], [logarithm, 7.0]))
    np.testing.assert_allclose(slopes, [0.0, 0.0, 2.0, 1 / 1.5])
    assert seen == [(2,)]


def test_piecewise_passes_further_arguments_on() -> None:
    slopes = gradient(lambda x: np.piecewise(x, [x > 0], [lambda v, k, b: k * v + b], 3.0, b=1.0))
    np.testing.assert_array_equal(slopes, [0.0, 0.0, 3.0, 3.0])


def test_piecewise_of_a_number() -> None:
    assert (
        cr.grad(lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, np.square])[()])(3.0) == 6
    )


def test_functions_that_do_not_match_the_conditions_are_refused_as_numpy_does() -> None:
    with pytest.raises(ValueError, match="1 or 2 functions are expected"):
        gradient(lambda x: np.piecewise(x, [x < 0], [np.sin] * 3))
    with pytest.raises(ValueError, match="same length"):
        gradient(lambda x: np.select([x < 0], [x, x]))


def test_choose_refuses_what_numpy_refuses() -> None:
    with pytest.raises(ValueError, match="invalid entry"):
        gradient(lambda x: np.choose([0, 2, 0, 0], [x, 2 * x]))


def test_clip_from_a_traced_bound() -> None:
    low_ct = cr.grad(lambda low: np.sum(np.clip(X, low, 1.0)))(-0.7)
    assert low_ct == 1.0


def test_nan_to_num_in_place_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="in place"):
        gradient(lambda x: np.nan_to_num(x, copy=False))


def test_casts() -> None:
    def narrow(x: Any) -> Any:
        y = np.astype(x, np.float32)
        assert y.dtype == np.float32
        return y * y

    slopes = gradient(narrow)
    assert slopes.dtype == np.float64
    np.testing.assert_allclose(slopes, 2 * X)
    with pytest.raises(UnsupportedError, match="object"):
        gradient(lambda x: np.astype(x, object))


def test_uphill_in_the_complex_plane() -> None:
    z = np.array([3 + 4j, -1j])
    np.testing.assert_allclose(cr.grad(lambda z: np.sum(np.abs(z) ** 2))(z), 2 * z)
    np.testing.assert_allclose(cr.grad(lambda z: np.sum(np.abs(z)))(z), z / np.abs(z))
    np.testing.assert_allclose(cr.grad(lambda z: np.sum(np.imag(z)))(z), [1j, 1j])
    np.testing.assert_allclose(cr.grad(lambda z: np.sum(np.angle(z)))(z), 1j * z / np.abs(z) ** 2)


def test_a_real_argument_of_a_complex_function_has_a_real_gradient() -> None:
    slopes = gradient(lambda x: np.real(np.exp(1j * x)))
    assert slopes.dtype == np.float64
    np.testing.assert_allclose(slopes, -np.sin(X))


def test_histogram_edges_follow_the_extremes() -> None:
    counts, edges = np.histogram(X, 3)

    def last_but_one(x: Any) -> Any:
        got, traced_edges = np.histogram(x, 3)
        np.testing.assert_array_equal(got, counts)
        return traced_edges[2]

    np.testing.assert_allclose(cr.grad(last_but_one)(X), [1 / 3, 0, 0, 2 / 3])
    assert edges[2] == pytest.approx(0.5)


@pytest.mark.parametrize("bins", [3, np.array([-1.0, -0.5, 0.1, 0.5])])
def test_the_weights_of_a_histogram_add_up_in_the_bins_of_their_samples(bins: Any) -> None:
    weights, slopes = np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 7.0, 9.0])

    def total(w: Any) -> Any:
        return np.sum(np.histogram(X, bins, weights=w)[0] * slopes)

    expected = [total(w) for w in np.eye(4)]
    for f in (total, cr.compile(total, backend="numpy")):
        np.testing.assert_allclose(f(weights), total(weights))
        np.testing.assert_allclose(cr.grad(f)(weights), expected)
