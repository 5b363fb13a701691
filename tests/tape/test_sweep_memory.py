"""Cotangents are added in place where their memory is new; the collector is left as it was."""

import gc

import numpy as np
import pytest

import chainrule as cr


def twice_used(x, w):
    y = x @ w
    return y + np.sin(y) * y + np.transpose(np.transpose(y)), x @ w


def test_a_pullback_leaves_its_cotangents_alone_and_can_be_repeated():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 4)), rng.normal(size=(4, 5))
    _, pullback = cr.vjp(twice_used, x, w)
    ct = rng.normal(size=(3, 5))
    before = ct.copy()
    first = pullback((ct, ct))
    kept = [g.copy() for g in first]
    second = pullback((ct, ct))
    np.testing.assert_array_equal(ct, before)
    for g, again, copy in zip(first, second, kept, strict=True):
        np.testing.assert_array_equal(g, copy)
        np.testing.assert_array_equal(again, copy)
        assert not np.shares_memory(g, again)


@pytest.mark.parametrize("exponent", [2, 3, 2.0, 3.0, 4, 0.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slope_of_a_constant_power(exponent, dtype):
    x = np.array([0.5, 1.0, 3.0], dtype)
    g = cr.grad(lambda x: np.sum(x**exponent))(x)
    assert g.dtype == dtype
    np.testing.assert_allclose(g, exponent * x ** (exponent - 1), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
@pytest.mark.parametrize("shape", [(2, 3, 4), (20, 30, 40)])
def test_mean_of_small_and_large_arrays(axis, shape):
    x = np.ones(shape, np.float32)
    g = cr.grad(lambda x: np.sum(np.mean(x, axis=axis)))(x)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, np.mean(x, axis=axis).size / x.size, rtol=1e-6)


@pytest.mark.parametrize("threshold", [0, 700])
def test_the_collectors_thresholds_come_back(threshold):
    found = gc.get_threshold()
    gc.set_threshold(threshold, *found[1:])
    try:
        cr.grad(lambda x: x * x)(1.0)
        with pytest.raises(ZeroDivisionError):
            cr.grad(lambda x: 1 / 0)(1.0)
        assert gc.get_threshold() == (threshold, *found[1:])
    finally:
        gc.set_threshold(*found)
