"""Truth values beside numbers: True + True is True, so that a mask is no array of ones."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError

X = np.linspace(0.15, 1.0, 6)

TWICE = {
    "maxima": (lambda x: np.sum(np.maximum(x, 0.0) + np.maximum(x, 0.3)), 1.0 + (X > 0.3)),
    "clips": (lambda x: np.sum(np.clip(x, 0, 0.5) + x.clip(0, 0.7)), 1.0 * (X < 0.5) + (X < 0.7)),
    "fmax": (lambda x: np.sum(np.fmax(x, 0.1)) + np.sum(np.fmin(x, 3.0)), np.full(6, 2.0)),
    "after another": (lambda x: np.sum(x.cumsum() + x.clip(0, 2)), 1.0 + np.arange(6, 0, -1)),
}
"""Functions whose partials are masks, and their gradients."""


@pytest.mark.parametrize("name", TWICE)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_partials_that_are_masks_add_up(name, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    f, expected = TWICE[name]
    np.testing.assert_array_equal(cr.grad(cr.compile(f, backend=backend))(X), expected)


def test_partials_of_scalars_that_are_truth_values_add_up():
    f = cr.compile(lambda x: np.maximum(x, 0.0) + np.maximum(x, 0.1), backend="numpy")
    assert cr.grad(f)(0.3) == 2.0
    assert cr.grad(f)(np.float64(0.3)) == 2.0


def by_statement(x, c):
    m = 1.0 * x
    if c > 0:
        m = x > 0
    return np.sum(m + m)


def by_expression(x, c):
    m = x > 0 if c > 0 else 1.0 * x
    return np.sum(m + m)


@pytest.mark.parametrize("f", [by_statement, by_expression])
def test_a_mask_or_numbers_are_refused(f):
    with pytest.raises(UnsupportedError, match="truth values") as caught:
        cr.compile(f, backend="numpy")(X, 1.0)
    assert "astype(float)" in str(caught.value)
