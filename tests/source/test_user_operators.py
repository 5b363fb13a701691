"""Operators that namedtuples define mean what the class says, not what tuples do."""

from typing import NamedTuple

import numpy as np
import pytest

import chainrule as cr


class Vector(NamedTuple):
    x: float
    y: float

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, s):
        return Vector(self.x * s, self.y * s)

    __rmul__ = __mul__

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __matmul__(self, other):
        return self.x * other.x + self.y * other.y


class Plain(NamedTuple):
    x: float
    y: float


def sums_and_multiples(p):
    v = Vector(np.sin(p[0]), 1.0) + 2.0 * Vector(p[1], p[0])
    return v[0] * v[1] + v.x * p[0]


def signs_and_products(p):
    v = -Vector(p[0], p[1]) - Vector(p[1], 1.0) * p[0]
    return v @ v + len(v)


def tuples_stay_tuples(p):
    v = Plain(p[0], p[1]) + Plain(p[1] * p[0], 2.0)
    w = 2 * Plain(p[0], p[1])
    return v[0] * v[2] + v[3] * w[3] + len(v) * w[0]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "f",
    [sums_and_multiples, signs_and_products, tuples_stay_tuples],
)
def test_operators_are_the_class_own(f, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    p = cr.compile(f, backend=backend)
    x = np.array([0.3, 0.8])
    np.testing.assert_allclose(p(x), f(x), rtol=1e-14)
    cr.check_grads(p, (x,))
