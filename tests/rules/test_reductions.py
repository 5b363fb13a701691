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


def test_reduceat_takes_increasing_indices_only() -> None:
    with pytest.raises(UnsupportedError, match="strictly increasing"):
        cr.grad(lambda x: np.add.reduceat(x, [2, 0]).sum())(A[0])


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_matrix_norms_of_singular_values_are_refused(order: Any) -> None:
    with pytest.raises(UnsupportedError, match="singular values"):
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
