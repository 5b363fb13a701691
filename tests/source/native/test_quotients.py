"""Quotients by a number that is the same in a whole loop."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.native.quotients import is_fused, quotient

pytest.importorskip("numba")

BIG, SMALL = np.finfo(float).max, np.finfo(float).tiny
ODD = [0.0, -0.0, np.inf, -np.inf, np.nan, BIG, -BIG, SMALL, -SMALL, 5e-324, 3e-310, 1.0, -3.0]
ODD += [2.0**1022, 2.0**-1021, np.nextafter(2.0, 1), np.nextafter(1.0, 2), 0.1]


def rows(x, s):
    return x / s[:, None]


def written_while_it_divides(x):
    x = x.copy()
    for k in range(x.shape[0]):
        x[k] = x[k] / x[k, 2]
    return x


def of_few(x):
    return x[:, :5] / x[:, 6:7] + x[:, 2:7] / 3.0


def by_sums(x):
    y = x / np.sum(x, axis=1, keepdims=True)
    return np.sum(y * y / (1 + np.sum(y, axis=1, keepdims=True)))


def divided(x, s):
    with np.errstate(all="ignore"):
        return x / s[:, None]


def test_quotients_are_those_of_a_division(rng):
    program = cr.compile(rows, backend="numba")
    size = 300
    x = rng.normal(size=(400, size)) * 2.0 ** rng.integers(-500, 500, (400, size))
    s = rng.normal(size=400) * 2.0 ** rng.integers(-500, 500, 400)
    np.testing.assert_array_equal(program(x, s), divided(x, s))
    x, s = (rng.integers(1, 1000, shape).astype(float) for shape in ((400, size), 400))
    np.testing.assert_array_equal(program(x, s), divided(x, s))


def test_odd_numbers(rng):
    program = cr.compile(rows, backend="numba")
    some = rng.normal(size=40) * 2.0 ** rng.integers(-1000, 1000, 40)
    x = np.tile(np.array([*ODD, *some]), (len(ODD) + 40, 1))
    s = np.array([*ODD, *some])
    found, expected = program(x, s), divided(x, s)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    is_number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[is_number]), np.signbit(expected[is_number]))
    is_denormal = np.abs(expected) < 2 * SMALL  # rounded to fewer bits, once more
    np.testing.assert_array_equal(found[~is_denormal], expected[~is_denormal])
    np.testing.assert_allclose(found[is_denormal], expected[is_denormal], rtol=0, atol=5e-324)


@pytest.mark.parametrize("f", [written_while_it_divides, of_few, by_sums])
def test_same_numbers(f, rng):
    x = rng.uniform(0.5, 1.5, (9, 11))
    by_numpy, by_numba = (cr.compile(f, backend=name) for name in ("numpy", "numba"))
    np.testing.assert_allclose(by_numba(x), by_numpy(x), rtol=1e-14)
    slopes = [cr.grad(cr.compile(lambda x, p=p: np.sum(p(x))))(x) for p in (by_numpy, by_numba)]
    np.testing.assert_allclose(*slopes, rtol=1e-11, atol=1e-13)


@pytest.mark.skipif(not is_fused(), reason="a division is as fast there")
def test_only_what_stays_is_divided_by(monkeypatch, rng):
    found = []

    def noted(machine, x, by):
        found.append(by)
        return quotient(machine, x, by)

    monkeypatch.setattr("chainrule.source.native.machine.quotient", noted)
    x = rng.uniform(0.5, 1.5, (9, 11))
    for f, expected in (
        (lambda x: x / x[:, 3, None], True),
        (lambda x: x / (1 + np.sum(x)), True),
        (lambda x: x / x[2], False),
        (lambda x: x / 3.0, True),
        (lambda x: x / 4.0, False),
        (lambda x: x[:, 0] / x[3, 0], True),
        (lambda x: x.astype(np.float32) / np.float32(3), False),
    ):
        found.clear()
        cr.compile(f, backend="numba")(x)
        assert bool(found) == expected
