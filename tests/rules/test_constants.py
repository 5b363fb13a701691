"""Piecewise constant functions give plain values, and nothing flows through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule._core import TABLE, PiecewiseConstant, is_traced, plain
from chainrule.rules import load


def names(text: str) -> list[str]:
    return text.split()


ONE_ARGUMENT = names(
    "floor ceil rint trunc fix round spacing isnan isinf isfinite isposinf isneginf signbit isreal "
    "iscomplex logical_not any all isrealobj iscomplexobj shape ndim size result_type common_type "
    "min_scalar_type argmax argmin nanargmax nanargmin argsort argwhere nonzero flatnonzero "
    "count_nonzero array_repr array_str array2string"
)
TWO_ARGUMENTS = names(
    "floor_divide greater greater_equal less less_equal equal not_equal logical_and logical_or "
    "logical_xor isclose isin allclose array_equal array_equiv may_share_memory shares_memory "
    "searchsorted digitize"
)
load()
X = np.array([0.3, -1.6, 2.4])
SORTED = np.array([-1.0, 0.5, 2.0])


def observed(f: Any, x: Any) -> Any:
    """Return what ``f`` gives for a traced value."""
    seen = []

    def g(x: Any) -> Any:
        seen.append(f(x))
        return np.sum(x)

    cr.grad(g)(x)
    return seen[0]


def has_traced(y: Any) -> bool:
    return is_traced(y) or (isinstance(y, (tuple, list)) and any(map(has_traced, y)))


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_of_one_argument(name: str) -> None:
    fn = getattr(np, name)
    assert isinstance(TABLE[fn], PiecewiseConstant)
    y = observed(fn, X)
    assert not has_traced(y)
    np.testing.assert_equal(y, fn(X))


@pytest.mark.parametrize("name", TWO_ARGUMENTS)
def test_of_two_arguments(name: str) -> None:
    fn = getattr(np, name)
    assert isinstance(TABLE[fn], PiecewiseConstant)
    for call in (lambda x: fn(x, SORTED), lambda x: fn(SORTED, np.sort(x)), lambda x: fn(x, x + 1)):
        y = observed(call, np.sort(X))
        assert not has_traced(y)
        np.testing.assert_equal(y, call(np.sort(X)))


@pytest.mark.parametrize("f", [np.sign, np.angle, np.imag, lambda x: np.astype(x, int)])
def test_constant_for_real_arguments(f: Any) -> None:
    y = observed(f, X)
    assert not has_traced(y)
    np.testing.assert_array_equal(y, f(X))


@pytest.mark.parametrize("f", [np.floor, np.sign, np.round, lambda x: x // 1, lambda x: x > 0])
def test_gradient_is_zero_and_the_rest_still_counts(f: Any) -> None:
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(f(x) * 1.0))(X), np.zeros(3))
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(x * f(x)))(X), f(X) * 1.0)


def test_plain_reaches_through_every_container() -> None:
    def f(x: Any) -> Any:
        found = plain({"a": [x, (x, 2)], "s": slice(x[0], None)})
        assert not is_traced(found["a"][0])
        assert not is_traced(found["a"][1][0])
        assert not is_traced(found["s"].start)
        return np.sum(x)

    cr.grad(f)(X)
