"""The checks themselves: each one must catch the fault that is planted for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from chainrule._core import TABLE, plain
from chainrule.rules._forms import elementwise, explicit, linear
from rules import _checks
from rules._checks import Case
from rules._samples import Sample, array


def f(a: Any) -> Any:
    """The function whose rule is planted: its square."""
    return a * a


def g(a: Any, b: Any) -> Any:
    """Sums along one axis, linear in ``a``."""
    return np.cumsum(a, axis=0) * b


@pytest.fixture(autouse=True)
def _clean_table() -> Iterator[None]:
    yield
    TABLE.pop(f, None)
    TABLE.pop(g, None)


def case() -> Case:
    return Case(f, Sample((array(2, 3),)))


def linear_case() -> Case:
    return Case(g, Sample((array(3, 2), np.array([1.5, -2.0]))))


def caught(check: Callable[..., None], *args: Any) -> bool:
    try:
        check(*args)
    except AssertionError:
        return True
    return False


def test_a_right_rule_passes_every_check(rng: np.random.Generator) -> None:
    elementwise(f)(lambda y, a: 2 * a)
    for check in (
        _checks.check_first,
        _checks.check_second,
        _checks.check_memory,
        _checks.check_single,
        _checks.check_layouts,
        _checks.check_empty,
    ):
        check(case(), rng)
    _checks.check_value(case())
    _checks.check_direct(case(), TABLE[f], rng)


def test_a_slope_of_2_001_for_2(rng: np.random.Generator) -> None:
    elementwise(f)(lambda y, a: 2.001 * a)
    assert caught(_checks.check_first, case(), rng)
    assert caught(_checks.check_direct, case(), TABLE[f], rng)


def test_a_wrong_second_order(rng: np.random.Generator) -> None:
    elementwise(f)(lambda y, a: 2 * plain(a))
    _checks.check_first(case(), rng)
    assert caught(_checks.check_second, case(), rng)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_a_second_order_that_is_wrong_in_one_mode(mode: str, rng: np.random.Generator) -> None:
    rule = explicit(f)(lambda t, y, a: t * 2 * (plain(a) if mode == "forward" else a))
    rule.vjp(lambda ct, y, a: ct * 2 * (plain(a) if mode == "reverse" else a))
    _checks.check_first(case(), rng)
    assert caught(_checks.check_second, case(), rng)


def test_a_wrong_transpose(rng: np.random.Generator) -> None:
    linear(g)(lambda ct, a, b: np.cumsum(ct * b, axis=0))
    assert caught(_checks.check_first, linear_case(), rng)
    assert caught(_checks.check_direct, linear_case(), TABLE[g], rng)


def test_the_identity_alone_catches_a_wrong_transpose() -> None:
    ct, t = [np.array([1.0, 2.0])], [np.array([0.5, -1.0])]
    _checks.agree(ct, [3 * t[0]], [3 * ct[0]], t)
    assert caught(_checks.agree, ct, [3 * t[0]], [3.001 * ct[0]], t)


def test_a_missing_conjugate(rng: np.random.Generator) -> None:
    rule = explicit(f)(lambda t, y, a: t * 2 * a)
    rule.vjp(lambda ct, y, a: ct * 2 * np.conjugate(a))
    _checks.check_first(case(), rng)
    complex_case = Case(f, Sample((array(3) + 1j * array(3, seed=1),)))
    assert caught(_checks.check_first, complex_case, rng)


def test_a_wrong_value(rng: np.random.Generator) -> None:
    elementwise(f)(lambda y, a: 2 * a)
    wrong = case()
    wrong.plain = lambda xs: [x * x * (1 + 1e-12) for x in xs]
    assert caught(_checks.check_value, wrong)


def test_a_wrong_value_at_a_kink(rng: np.random.Generator) -> None:
    elementwise(f)(lambda y, a: 2 * a)
    for expected, is_caught in ((0.0, False), (0.5, True)):
        kink = Case(f, Sample((np.zeros(3),), expect=(expected,)))
        assert caught(_checks.check_expected, kink, rng) is is_caught


def test_a_slope_that_loses_single_precision(rng: np.random.Generator) -> None:
    elementwise(f)(lambda y, a: 2 * a + (1.0 if a.dtype == np.float32 else 0.0))
    _checks.check_first(case(), rng)
    assert caught(_checks.check_single, case(), rng)


def test_a_rule_that_looks_at_memory_order(rng: np.random.Generator) -> None:
    linear(g)(lambda ct, a, b: (np.cumsum(ct[::-1], axis=0)[::-1] * b).ravel("K").reshape(a.shape))
    _checks.check_first(linear_case(), rng)
    assert caught(_checks.check_layouts, linear_case(), rng)


def test_wrong_shapes_dtypes_and_shared_memory() -> None:
    x = np.ones(4)
    assert caught(_checks.like, [np.ones((4, 1))], [x], "shape")
    assert caught(_checks.like, [np.ones(4, np.float32)], [x], "dtype")
    assert caught(_checks.separate, [x[1:], x[:3]], [])
    assert caught(_checks.separate, [x[1:]], [x])
    assert not caught(_checks.separate, [x.copy(), x.copy()], [x])
