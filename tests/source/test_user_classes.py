"""What classes define beside methods means what it does in Python, or is refused."""

import functools
from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from typing import NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError


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


# -- attributes that the class decides about -------------------------------------------------------


class Spring:
    def __init__(self, k):
        self._k = k

    @property
    def k(self):
        return self._k + 1

    @k.setter
    def k(self, value):
        self._k = value * 2

    @functools.cached_property
    def twice(self):
        return self._k * 2

    @property
    def fixed(self):
        return self._k


def a_setter(p):
    s = Spring(p[0])
    s.k = p[1]
    s.k += p[0]
    return s.k * s._k


def cached_once(p):
    s = Spring(p[0])
    first = s.twice
    s._k = p[1]
    t = Spring(p[1])
    t.twice = p[0] ** 2
    return first + s.twice * s._k + t.twice


# -- how dataclasses are made ----------------------------------------------------------------------


@dataclass(init=False)
class Doubled:
    a: float
    b: float

    def __init__(self, x):
        self.a = x
        self.b = x * 2


@dataclass
class Fields:
    a: float = field(kw_only=True, default=1.0)
    b: float = 2.0
    c: float = field(init=False, default=3.0)
    d: list = field(init=False, default_factory=list)


@dataclass
class Scaled:
    a: float
    s: InitVar[float] = 2.0
    b: float = 0.0

    def __post_init__(self, s):
        self.b = self.a * s


class Halved(Scaled):
    def __init__(self, x):
        self.a = x / 2
        self.b = x


def constructors_of_dataclasses(p):
    d, h = Doubled(p[0]), Halved(p[1])
    e, f = Fields(p[0]), Fields(p[0], a=p[1])
    f.d.append(p[1])
    f.c = p[0]
    s, t = Scaled(p[0], p[1]), Scaled(p[1])
    fields = e.a * e.b**2 + f.a * f.b * f.c * f.d[0] + len(e.d) + e.c
    return d.a * d.b + h.a * h.b + fields + s.b * t.b


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "f",
    [
        sums_and_multiples,
        signs_and_products,
        tuples_stay_tuples,
        a_setter,
        cached_once,
        constructors_of_dataclasses,
    ],
)
def test_classes_mean_what_they_do_in_python(f, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    p = cr.compile(f, backend=backend)
    x = np.array([0.3, 0.8])
    np.testing.assert_allclose(p(x), f(x), rtol=1e-14)
    cr.check_grads(p, (x,))


# -- what is refused -------------------------------------------------------------------------------


class Twice(namedtuple("Twice", "x y")):
    def __new__(cls, x, y=3.0):
        return super().__new__(cls, 2 * x, y)


class Stores:
    def __init__(self, v):
        self.v = v

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value * 2)


class Reads:
    def __init__(self, v):
        self.v = v

    def __getattribute__(self, name):
        return 2 * object.__getattribute__(self, name)


class Descriptor:
    def __get__(self, owner, cls=None):
        return owner._x * 2

    def __set__(self, owner, value):
        owner._x = value + 1


class Described:
    v = Descriptor()

    def __init__(self, v):
        self.v = v


class Meta(type):
    def __call__(cls, *args):
        made = super().__call__(*args)
        made.v = made.v * 2
        return made


class OfMeta(metaclass=Meta):
    def __init__(self, v):
        self.v = v


class New:
    def __new__(cls, v):
        made = super().__new__(cls)
        made.v = v * 3
        return made


def without_a_setter(p):
    s = Spring(p[0])
    s.fixed = p[1]
    return s.fixed


@pytest.mark.parametrize(
    "f",
    [
        lambda p: Twice(p[0], p[1]).x * p[1],
        lambda p: Stores(p[0]).v * p[1],
        lambda p: Reads(p[0]).v * p[1],
        lambda p: Described(p[0]).v * p[1],
        lambda p: OfMeta(p[0]).v * p[1],
        lambda p: New(p[0]).v * p[1],
        without_a_setter,
    ],
)
def test_other_ways_to_make_objects_or_their_attributes_are_refused(f):
    with pytest.raises(UnsupportedError, match=r"a way of its own|decides itself"):
        cr.compile(f, backend="numpy")(np.array([0.3, 0.8]))
