"""Ufunc methods under differentiation, and the calls of reductions that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError
from rules import _checks
from rules._checks import Case
from rules._samples import Sample, array

A = array(3, 4)
ZEROS = np.array([[1.5, 0.0, -2.0], [0.0, 3.0, 0.0], [2.0, -1.0, 0.5]])
ROWS = np.array([True, False, True])
METHODS: list[tuple[Any, Sample]] = [
    (np.add.reduce, Sample((A,))),
    (np.add.reduce, Sample((A,), {"axis": None, "keepdims": True})),
    (np.multiply.reduce, Sample((ZEROS,))),
    (np.multiply.reduce, Sample((ZEROS,), {"axis": (0, 1), "where": ROWS})),
    (np.maximum.reduce, Sample((A,), {"axis": 1, "initial": -3.0})),
    (np.minimum.reduce, Sample((A,))),
    (np.logaddexp.reduce, Sample((A,), {"axis": -1})),
    (np.logaddexp2.reduce, Sample((A,))),
    (np.add.accumulate, Sample((A,))),
    (np.multiply.accumulate, Sample((ZEROS,), {"axis": 1})),
    (np.maximum.accumulate, Sample((A,), {"axis": 1})),
    (np.minimum.accumulate, Sample((A,))),
    (np.add.reduceat, Sample((A, [0, 1]))),
    (np.add.reduceat, Sample((A, [0, 3]), {"axis": 1})),
    (np.multiply.outer, Sample((A, ZEROS[0]), diff=(0, 1))),
]


@pytest.mark.parametrize(
    ("method", "sample"), METHODS, ids=lambda x: getattr(x, "__qualname__", "")
)
def test_ufunc_methods(method: Any, sample: Sample, rng: np.random.Generator) -> None:
    def call(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    call.__module__ = "numpy"  # As NumPy's own functions, it is called itself.
    case = Case(call, sample)
    _checks.check_value(case)
    _checks.check_first(case, rng)
    _checks.check_second(case, rng)


@pytest.mark.parametrize("value", [np.nan, 2.0])
def test_a_running_maximum_stays_where_nothing_is_larger(value: float) -> None:
    x = np.array([1.0, value, 2.0, 1.5, value])
    y, pullback = cr.vjp(np.maximum.accumulate, x)
    np.testing.assert_array_equal(y, np.maximum.accumulate(x))
    np.testing.assert_array_equal(pullback(np.ones(5))[0], [1, 4, 0, 0, 0])


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")  # NumPy's own
@pytest.mark.parametrize("function", [np.prod, np.std, np.var, np.cumprod])
def test_a_real_dtype_takes_the_real_parts(function: Any) -> None:
    z = np.array([0.3 + 0.5j, -1.2 + 0.4j, 0.8 - 0.7j])
    t, h = np.array([0.2 - 0.1j, 0.5j, -0.6]), 1e-6

    def f(z: Any) -> Any:
        return function(z, axis=0, dtype=np.float64)

    difference = (f(z + h * t) - f(z - h * t)) / (2 * h)
    y, y_dot = cr.jvp(f, (z,), (t,))
    np.testing.assert_allclose(y_dot, difference, atol=1e-8)  # h^2 and rounding over h
    ct = np.cos(y)
    gradient = cr.vjp(f, z)[1](ct)[0]
    np.testing.assert_allclose(
        np.sum(np.real(np.conj(gradient) * t)), np.sum(ct * y_dot), rtol=1e-12
    )


def test_vectors_of_two_lengths_have_no_product() -> None:
    with pytest.raises(ValueError, match="vectors of 1 and 4"):
        cr.jvp(lambda x: np.vecdot(x, np.ones(4)), (np.ones(1),), (np.ones(1),))


def test_reduceat_takes_increasing_indices_only() -> None:
    with pytest.raises(UnsupportedError, match="strictly increasing"):
        cr.grad(lambda x: np.add.reduceat(x, [2, 0]).sum())(A[0])


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_norms_of_singular_values_to_third_order(order: Any) -> None:
    def norm(x: Any) -> Any:
        return np.linalg.norm(x, order)

    h, t = 1e-4, array(3, 4, seed=3)
    third = cr.jvp(cr.hessian(norm), (A,), (t,))[1]
    difference = (cr.hessian(norm)(A + h * t) - cr.hessian(norm)(A - h * t)) / (2 * h)
    scale = np.max(np.abs(third))
    np.testing.assert_allclose(third, difference, atol=1e-5 * scale)  # of order h^2
    reverse = cr.vjp(cr.hessian(norm), A)[1](np.ones_like(third))[0]
    np.testing.assert_allclose(np.sum(reverse * t), np.sum(third), rtol=1e-9)


@pytest.mark.parametrize(
    ("matrix", "order"),
    [(np.eye(2), 2), (np.ones((2, 2)) * [[1], [0]], -2), (np.zeros((2, 3)), "nuc")],
)
def test_strict_kinks_sees_singular_values_that_tie_or_vanish(matrix: Any, order: Any) -> None:
    with cr.strict_kinks(), pytest.raises(cr.errors.KinkError, match="singular values"):
        cr.grad(lambda x: np.linalg.norm(x, order))(matrix)
    with cr.strict_kinks():
        cr.grad(lambda x: np.linalg.norm(x, order))(A)


@pytest.mark.parametrize("order", ["fro", 7])
def test_a_norm_that_numpy_refuses_is_refused(order: Any) -> None:
    x = A[0] if order == "fro" else A
    with pytest.raises(ValueError, match=r"[Ii]nvalid norm order"):
        cr.grad(lambda x: np.linalg.norm(x, order))(x)


def test_quantiles_refuse_weights_and_a_traced_q() -> None:
    with pytest.raises(UnsupportedError, match="weights"):
        cr.grad(lambda x: np.quantile(x, 0.5, method="inverted_cdf", weights=[1, 2, 1, 1]))(A[0])
    with pytest.raises(UnsupportedError, match="no derivative rule for q"):
        cr.grad(lambda q: np.percentile(A, q))(30.0)


def test_an_argument_by_position_after_out_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="std"):
        cr.grad(lambda x: np.std(x, None, None, None, 1))(A)
    with pytest.raises(TypeError):
        cr.grad(lambda x: np.sum(x, None, None, None, True))(A)


def test_prod_divides_nothing() -> None:
    x = np.array([0.0, 1e-300, 1e300, 0.0])
    np.testing.assert_array_equal(cr.grad(np.prod)(x), np.zeros(4))
    y = np.array([2.0, 0.0, 5.0])
    expected = [[0, 5, 0], [5, 0, 2], [0, 2, 0]]
    np.testing.assert_array_equal(cr.hessian(np.prod)(y), expected)


def test_nan_reductions_of_nothing_but_nan() -> None:
    x = np.array([[np.nan, np.nan], [1.0, 2.0]])
    gradient = cr.grad(lambda x: np.nanmax(x, axis=1)[1])(x)
    np.testing.assert_array_equal(gradient, [[0, 0], [0, 1]])
    assert np.isnan(cr.vjp(lambda x: np.nanmax(x, axis=1), x)[0][0])
