"""Rules of the elementwise functions: the partial of y by each argument, as a textbook has it.

``y`` is the output, reused wherever that saves work. Formulas hold for complex arguments too where
NumPy takes them. At a kink the formula itself gives the value named in the ``kinks`` column,
without a warning.
"""

from __future__ import annotations

import numpy as np

from .._core import plain
from ._forms import composite, elementwise, linear

# ---------------------------------------------------------------------------- arithmetic


@elementwise(np.add)
def add(y, a, b):
    return 1, 1


@elementwise(np.subtract)
def subtract(y, a, b):
    return 1, -1


@elementwise(np.multiply)
def multiply(y, a, b):
    return b, a


@elementwise(np.divide)
def divide(y, a, b):
    return 1 / b, -y / b


@elementwise(np.negative)
def negative(y, a):
    return -1


@elementwise(np.positive)
def positive(y, a):
    return 1


@elementwise(np.reciprocal)
def reciprocal(y, a):
    return -y * y


@elementwise(np.square)
def square(y, a):
    return 2 * a


@elementwise(
    np.power,
    np.float_power,
    kinks={"(a == 0) & (b == 0)": "0 by a", "(a == 0) & (b >= 0)": "0 by b"},
)
def power(y, a, b):
    # The base is replaced only where 0 * 0**-1 would stand, the logarithm's argument only at 0.
    return _power_by_base(a, b), y * np.log(np.where(a == 0, 1, a))


def _power_by_base(a, b):
    """Return b * a**(b - 1); the usual exponents are multiplied out, many times faster."""
    if type(b) in (int, float) and b in (2, 3):
        return b * a if b == 2 else b * a * a
    return b * np.power(np.where((a == 0) & (b == 0), 1, a), b - 1)


@elementwise(np.fmod, np.remainder, kinks={"y == 0": "that of the branch that y is on"})
def remainder(y, a, b):
    # y = a - n * b; rounding recovers the integer n exactly, as trunc or floor of a / b may not.
    return 1, np.rint((y - a) / b)


@composite(np.divmod)
def divmod_(a, b):
    return np.floor_divide(a, b), np.remainder(a, b)


# ---------------------------------------------------------------------------- roots, exponentials


@elementwise(np.sqrt)
def sqrt(y, a):
    return 0.5 / y


@elementwise(np.cbrt)
def cbrt(y, a):
    return 1 / (3 * y * y)


@elementwise(np.exp)
def exp(y, a):
    return y


@elementwise(np.exp2)
def exp2(y, a):
    return 0.6931471805599453 * y  # log(2) as a Python number: np.log(2) would make float32 float64


@elementwise(np.expm1)
def expm1(y, a):
    return np.exp(a)  # y + 1 has no digits left where y is near -1


@elementwise(np.log)
def log(y, a):
    return 1 / a


@elementwise(np.log2)
def log2(y, a):
    return 1.4426950408889634 / a  # 1 / log(2)


@elementwise(np.log10)
def log10(y, a):
    return 0.4342944819032518 / a  # 1 / log(10)


@elementwise(np.log1p)
def log1p(y, a):
    return 1 / (1 + a)


@elementwise(np.logaddexp, kinks={"(a == -inf) & (b == -inf)": "0"})
def logaddexp(y, a, b):
    # exp(a - y) is in [0, 1]; only -inf - (-inf) has to be kept away.
    finite = np.where(y == -np.inf, 0, y)
    return np.exp(a - finite), np.exp(b - finite)


@elementwise(np.logaddexp2, kinks={"(a == -inf) & (b == -inf)": "0"})
def logaddexp2(y, a, b):
    finite = np.where(y == -np.inf, 0, y)
    return np.exp2(a - finite), np.exp2(b - finite)


# ---------------------------------------------------------------------------- trigonometry


@elementwise(np.sin)
def sin(y, a):
    return np.cos(a)


@elementwise(np.cos)
def cos(y, a):
    return -np.sin(a)


@elementwise(np.tan)
def tan(y, a):
    return 1 + y * y


# (1 - a) * (1 + a) keeps the digits near 1 that 1 - a * a loses.


@elementwise(np.arcsin)
def arcsin(y, a):
    return 1 / np.sqrt((1 - a) * (1 + a))


@elementwise(np.arccos)
def arccos(y, a):
    return -1 / np.sqrt((1 - a) * (1 + a))


@elementwise(np.arctan)
def arctan(y, a):
    return 1 / (1 + a * a)


@elementwise(np.arctan2, kinks={"(a == 0) & (b == 0)": "0"})
def arctan2(y, a, b):
    # Divided twice by the radius: its square could overflow. At the origin 0 / 1 / 1.
    radius = np.hypot(a, b)
    safe = np.where(radius == 0, 1, radius)
    return b / safe / safe, -a / safe / safe


@elementwise(np.hypot, kinks={"(a == 0) & (b == 0)": "0"})
def hypot(y, a, b):
    safe = np.where(y == 0, 1, y)
    return a / safe, b / safe


@elementwise(np.sinh)
def sinh(y, a):
    return np.cosh(a)


@elementwise(np.cosh)
def cosh(y, a):
    return np.sinh(a)


@elementwise(np.tanh)
def tanh(y, a):
    return 1 - y * y


@elementwise(np.arcsinh)
def arcsinh(y, a):
    return 1 / np.sqrt(1 + a * a)


@elementwise(np.arccosh)
def arccosh(y, a):
    # Two roots: that of a * a - 1 is on the wrong branch where the real part is negative.
    return 1 / (np.sqrt(a - 1) * np.sqrt(a + 1))


@elementwise(np.arctanh)
def arctanh(y, a):
    return 1 / ((1 - a) * (1 + a))


@elementwise(np.degrees, np.rad2deg)
def degrees(y, a):
    return 180 / np.pi


@elementwise(np.radians, np.deg2rad)
def radians(y, a):
    return np.pi / 180


@elementwise(np.sinc, kinks={"x == 0": "0"})
def sinc(y, x):
    # Near 0 the closed form cancels (and is 0 / 0): five terms of the series are exact there.
    near = np.abs(x) < 0.08
    u = np.where(near, np.pi * x, 0)
    s = u * u
    series = np.pi * u * (-1 / 3 + s * (1 / 30 - s * (1 / 840 - s * (1 / 45360 - s / 3991680))))
    return np.where(near, series, (np.cos(np.pi * x) - y) / np.where(near, 1, x))


# ---------------------------------------------------------------------------- comparisons, signs


def share(y, wins, ties):
    """Give the partial of a choice between two: 1 where it wins, 1/2 at a tie, else 0.

    The mask alone multiplies five times faster than a float array, and ties are rare. The half has
    y's own type: a Python float times a mask would be float64.
    """
    return wins + y.dtype.type(0.5) * ties if np.count_nonzero(ties) else wins


@elementwise(np.maximum, kinks={"a == b": "1/2 and 1/2"})
def maximum(y, a, b):
    return share(y, a > b, a == b), share(y, b > a, a == b)


@elementwise(np.minimum, kinks={"a == b": "1/2 and 1/2"})
def minimum(y, a, b):
    return share(y, a < b, a == b), share(y, b < a, a == b)


@elementwise(np.fmax, np.fmin, kinks={"a == b": "1/2 and 1/2"})
def fmax(y, a, b):
    # Compared with y, which is the other argument where one is NaN.
    return share(y, (a == y) & (a != b), a == b), share(y, (b == y) & (a != b), a == b)


@elementwise(np.fabs, kinks={"a == 0": "0"})
def fabs(y, a):
    return np.sign(a)


@elementwise(np.copysign, kinks={"a == 0": "0 by a", "b == 0": "0 by b"})
def copysign(y, a, b):
    return np.sign(a) * np.copysign(1, b), 0


@elementwise(np.heaviside, kinks={"a == 0": "0 by a, 1 by b"})
def heaviside(y, a, b):
    return 0, a == 0


@elementwise(np.nextafter)
def nextafter(y, a, b):
    return 1, 0


# ---------------------------------------------------------------------------- parts of a number


@linear(np.ldexp)
def ldexp(ct, a, b):
    return np.ldexp(ct, b)


def _fraction(a):
    return np.modf(a)[0]


@elementwise(_fraction, kinks={"a == rint(a)": "1"})
def fraction(y, a):
    return 1


@composite(np.modf, kinks={"a == rint(a)": "1 for the fraction"})
def modf(a):
    return fraction(a), np.trunc(a)


@composite(np.frexp, kinks={"a == 0": "1 for the mantissa"})
def frexp(a):
    exponent = np.frexp(plain(a))[1]
    return np.ldexp(a, -exponent), exponent
