"""Samples for the elementwise functions, complex parts, selection, casts and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules.complex import argument, cast, finite, imaginary_part, phase
from chainrule.rules.elementwise import fraction
from chainrule.rules.guarded import guarded_product, mutual_product
from chainrule.rules.selection import clip_between
from rules._samples import Sample, Samples, array, complex_array

inf = np.inf


def unary(fn: Any, low: float = -0.9, high: float = 0.9, *, holomorphic: bool = True) -> None:
    """Enter a 2-d array, a scalar, and, where NumPy takes it, a complex array."""
    SAMPLES[fn] = [
        Sample((array(2, 3, low=low, high=high),)),
        Sample((array(low=low, high=high),)),
    ]
    if holomorphic:
        SAMPLES[fn].append(Sample((complex_array(3),)))


def binary(fn: Any, a: Any, b: Any) -> None:
    """Enter one shape, both ways of broadcasting, and a scalar with an array, for each argument."""
    SAMPLES[fn] = [
        Sample((a(2, 3), b(2, 3)), diff=(0, 1)),
        Sample((a(2, 3), b(3)), diff=(0, 1)),
        Sample((a(2, 1), b(1, 3)), diff=(0, 1)),
        Sample((a(), b(2, 3)), diff=(0, 1)),
        Sample((a(3), b()), diff=(0,)),
        Sample((a(3), b(2, 1)), diff=(1,)),
    ]


def between(low: float, high: float, seed: int = 0) -> Any:
    """Return a maker of arrays with values between ``low`` and ``high``."""
    return lambda *shape: array(*shape, seed=seed, low=low, high=high)


SAMPLES: Samples = {}

for fn in (np.negative, np.positive, np.square, np.exp, np.expm1, np.sin, np.cos, np.tan):
    unary(fn)
for fn in (np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arctanh):
    unary(fn)
for fn in (np.log, np.log2, np.log10, np.log1p, np.sqrt, np.reciprocal):
    unary(fn, 0.3, 2.0)
for fn in (np.exp2, np.degrees, np.radians, np.rad2deg, np.deg2rad):
    unary(fn, holomorphic=fn is np.exp2)
unary(np.arccosh, 1.3, 3.0)
unary(np.cbrt, 0.3, 2.0, holomorphic=False)
unary(np.sinc, -3.0, 3.0)
unary(np.modf, 0.1, 0.9, holomorphic=False)
unary(fraction.fn, 0.1, 0.9, holomorphic=False)
unary(np.frexp, 0.55, 0.95, holomorphic=False)

signed, positive, other = between(-1.0, 1.0), between(0.3, 2.0), between(-1.0, 1.0, seed=1)
apart = between(0.4, 1.5, seed=3)

for fn in (np.add, np.subtract, np.multiply, np.logaddexp, np.logaddexp2):
    binary(fn, signed, other)
binary(np.arctan2, between(0.3, 2.0), signed)
SAMPLES[np.arctan2].append(Sample((-positive(3), other(3)), diff=(0, 1)))
binary(np.divide, signed, positive)
binary(np.hypot, signed, positive)
binary(np.power, positive, between(-1.5, 2.5, seed=2))
binary(np.float_power, positive, between(-1.5, 2.5, seed=2))
for fn in (np.fmod, np.remainder, np.divmod):
    SAMPLES[fn] = [
        Sample((np.array([5.3, -5.3, 7.7]), np.array([2.0, 2.1, -3.0])), diff=(0, 1)),
        Sample((np.array([[5.3], [-5.3]]), np.array([2.0, -1.9])), diff=(0, 1)),
        Sample((7.5, 2.1), diff=(0, 1)),
    ]
for fn in (np.maximum, np.minimum, np.fmax, np.fmin):
    binary(fn, signed, lambda *shape: array(*shape, seed=5, low=-0.8, high=0.8))
binary(np.copysign, apart, lambda *shape: -between(0.4, 1.5)(*shape))
SAMPLES[np.copysign][0] = Sample(
    (np.array([0.5, -0.7, 0.9, -1.1]), np.array([0.4, 0.6, -0.8, -1.0])), diff=(0, 1)
)
binary(np.heaviside, apart, signed)
SAMPLES[np.nextafter] = [Sample((array(3), array(3, seed=1)), diff=(0, 1), order=1)]
SAMPLES[np.ldexp] = [
    Sample((array(2, 3), np.array([1, -2, 3]))),
    Sample((array(3), np.array([[2], [1]]))),
    Sample((0.7, 3)),
]
for fn in (np.add, np.subtract, np.multiply, np.divide):
    SAMPLES[fn].append(Sample((complex_array(2, 3), complex_array(3, seed=1)), diff=(0, 1)))
    SAMPLES[fn].append(Sample((complex_array(3), array(3, low=0.4)), diff=(0, 1)))
SAMPLES[np.power] += [
    Sample((complex_array(3), complex_array(3, seed=1)), diff=(0, 1)),
    Sample((signed(2, 3), 3)),
    Sample((signed(3), np.array([2, 3, 4]))),
    Sample((2.5, signed(3)), diff=(1,)),
]
SAMPLES[np.float_power].append(Sample((signed(2, 3), 3.0)))

# Lists and integers as the other operand; engines make arrays of lists before a rule sees them.
for fn in (np.multiply, np.divide, np.maximum, np.arctan2, np.logaddexp):
    SAMPLES[fn].append(Sample((array(2, 3), [1.5, -2.0, 0.7]), direct=False))
    SAMPLES[fn].append(Sample((array(2, 3), np.array([1, -2, 3]))))
    SAMPLES[fn].append(Sample(([[0.5], [1.2]], array(3, low=0.2)), diff=(1,), direct=False))

# ------------------------------------------------------------------- kinks and singular points

zeros = np.zeros(3)
SAMPLES[np.power] += [
    Sample((zeros, np.array([0.0, 1.0, 2.0])), diff=(0, 1), expect=([0.0, 1.0, 0.0], zeros)),
    Sample((zeros, 0), expect=(zeros,)),
    Sample((zeros, 3), expect=(zeros,)),
]
SAMPLES[np.float_power] += SAMPLES[np.power][-3:]
SAMPLES[np.hypot].append(Sample((zeros, zeros), diff=(0, 1), expect=(zeros, zeros)))
SAMPLES[np.arctan2].append(Sample((zeros, zeros), diff=(0, 1), expect=(zeros, zeros)))
SAMPLES[np.arctan2].append(
    Sample(
        (np.array([1e200, 1e-200]), np.array([1e200, 1e-200])),
        diff=(0, 1),
        expect=([5e-201, 5e199], [-5e-201, -5e199]),
    )
)
SAMPLES[np.hypot].append(
    Sample(
        (np.array([3e200, -3e-200]), np.array([4e200, 4e-200])),
        diff=(0, 1),
        expect=([0.6, -0.6], [0.8, 0.8]),
    )
)
SAMPLES[np.sinc] += [
    Sample((np.array([0.0, 1e-3, 0.0799, 0.0801, 0.1]),)),
    Sample((zeros,), expect=(zeros,)),
    Sample((np.array([1e-8, -1e-160]),), expect=([-(np.pi**2) / 3 * 1e-8, np.pi**2 / 3 * 1e-160],)),
]
tie, half = np.array([1.0, 2.0, -3.0]), np.full(3, 0.5)
for fn in (np.maximum, np.minimum, np.fmax, np.fmin):
    SAMPLES[fn].append(Sample((tie, tie.copy()), diff=(0, 1), expect=(half, half)))
    SAMPLES[fn].append(
        Sample((np.array([0.0, 1.0]), 0.0), expect=([0.5, float(fn in (np.maximum, np.fmax))],))
    )
    SAMPLES[fn].append(Sample((complex_array(3), complex_array(3, seed=1)), diff=(0, 1)))
nan = np.nan
for fn in (np.fmax, np.fmin):
    SAMPLES[fn].append(
        Sample(
            (np.array([nan, 1.0]), np.array([1.0, nan])),
            diff=(0, 1),
            expect=([0.0, 1.0], [1.0, 0.0]),
        )
    )
SAMPLES[np.copysign].append(
    Sample(
        (np.array([0.0, 2.0]), np.array([-1.0, -0.0])),
        diff=(0, 1),
        expect=([0.0, -1.0], [0.0, 0.0]),
    )
)
SAMPLES[np.heaviside].append(
    Sample((np.array([-1.0, 0.0, 1.0]), 0.5), diff=(0, 1), expect=(zeros, 1.0))
)
low = np.array([-inf, -inf, 0.0, -800.0, 800.0])
high = np.array([-inf, 0.0, -inf, 800.0, -800.0])
for fn in (np.logaddexp, np.logaddexp2):
    SAMPLES[fn].append(
        Sample((low, high), diff=(0, 1), expect=([0.0, 0, 1, 0, 1], [0.0, 1, 0, 1, 0]))
    )
SAMPLES[np.log1p].append(Sample((np.array([1e-17, 1e17]),), expect=([1.0, 1e-17],)))
SAMPLES[np.expm1].append(Sample((np.array([-50.0, 1e-17]),), expect=([np.exp(-50.0), 1.0],)))
SAMPLES[np.tanh].append(Sample((np.array([-800.0, 0.0, 800.0]),), expect=([0.0, 1.0, 0.0],)))

# ------------------------------------------------------------------- absolute value, sign, parts

away = np.array([-0.7, 0.4, 1.3])
SAMPLES[np.absolute] = [
    Sample((away,)),
    Sample((complex_array(2, 3),)),
    Sample((zeros,), expect=(zeros,)),
    Sample((zeros + 0j,), expect=(zeros + 0j,)),
]
SAMPLES[np.fabs] = [Sample((away,)), Sample((zeros,), expect=(zeros,))]
SAMPLES[np.sign] = [
    Sample((complex_array(2, 3),)),
    Sample((away,)),
    Sample((zeros,), expect=(zeros,)),
    Sample((zeros + 0j,), expect=(zeros + 0j,)),
]
SAMPLES[np.angle] = [
    Sample((complex_array(2, 3),)),
    Sample((complex_array(3),), {"deg": True}),
    Sample((away,)),
    Sample((zeros + 0j,), expect=(zeros + 0j,)),
]
for fn in (np.real, np.imag, np.conjugate):
    SAMPLES[fn] = [Sample((complex_array(2, 3),)), Sample((array(3),)), Sample((complex_array(),))]
SAMPLES[np.real_if_close] = [
    Sample((complex_array(3),)),
    Sample((array(3),)),
    Sample((array(3) + 1e-17j,), {"tol": 1000}, expect=([1.0, 1.0, 1.0],)),
]

# ------------------------------------------------------------------- copies, casts, selection

SAMPLES[np.copy] = [Sample((array(2, 3),)), Sample((array(3),), {"order": "F"})]
SAMPLES[np.astype] = [
    Sample((array(2, 3), np.float64)),
    Sample((array(3), np.complex128)),
    Sample((array(3), "float32"), order=0),
    Sample((array(3), np.int64), order=1),
]
SAMPLES[np.unwrap] = [
    Sample((np.array([0.0, 1.0, 6.0, 7.0, 13.5, 0.3]),)),
    Sample((np.array([[0.1, 0.7, 1.4], [0.9, 0.4, 1.2]]),), {"axis": 0, "period": 1.0}),
]
SAMPLES[np.nan_to_num] = [
    Sample((array(2, 3),)),
    Sample((np.array([nan, inf, -inf, 2.0]),), {"posinf": 5.0}, expect=([0.0, 0, 0, 1.0],)),
    Sample((np.array([nan, 2.0]), True, 3.0), expect=([0.0, 1.0],)),
]
mask = np.array([[True, False, True], [False, False, True]])
SAMPLES[np.where] = [
    Sample((mask, array(2, 3), array(2, 3, seed=1)), diff=(1, 2)),
    Sample((mask, array(3), array(2, 1)), diff=(1, 2)),
    Sample((mask[0], array(), array(2, 3)), diff=(1, 2)),
    Sample((mask, array(2, 3), 0.0), diff=(1,)),
    Sample((True, array(3), array(3, seed=1)), diff=(1, 2)),
    Sample((mask, complex_array(2, 3), array(3)), diff=(1, 2)),
]
spread = np.array([[-0.9, 0.8, 0.1], [0.2, -0.8, 0.9]])
SAMPLES[np.clip] = [
    Sample((array(2, 3), -0.4, 0.37)),
    Sample((spread, np.array([-0.5, -0.4, -0.6]), np.array([[0.3], [0.6]])), diff=(0, 1, 2)),
    Sample((array(3), None, 0.3)),
    Sample((array(3), -0.3, None)),
    Sample((array(3), None, None)),
    Sample((array(3),), {"min": -0.4, "max": 0.3}),
    Sample((np.array([1.0, 2.0, 3.0]), 1.0, 3.0), expect=([0.5, 1.0, 0.5],)),
    Sample((zeros, zeros.copy(), 1.0), diff=(0, 1), expect=(half, half)),
    Sample((np.array([0.0, 5.0]), 3.0, 2.0), diff=(0, 1, 2), expect=(np.zeros(2), 0.0, 2.0)),
]
SAMPLES[np._core.umath.clip] = SAMPLES[np.clip][:2]
x = np.array([-1.5, -0.5, 0.5, 1.5])
SAMPLES[np.select] = [
    Sample(([x > 1, x > 0], [array(4), array(4, seed=1)], array(4, seed=2)), diff=(1, 2)),
    Sample(([x > 1, x > 0], [array(4), array()]), diff=(1,)),
]
pick = np.array([2, 0, 1, 0])
SAMPLES[np.choose] = [
    Sample((pick, [array(4), array(4, seed=1), array(4, seed=2)]), diff=(1,)),
    Sample((pick, array(3, 4)), diff=(1,)),
    Sample((pick + 1, [array(4), array()]), {"mode": "wrap"}, diff=(1,)),
    Sample((1, [array(), array(seed=1)]), diff=(1,)),
]
pieces = [np.exp, lambda v: v * v * v, -1.0]
SAMPLES[np.piecewise] = [
    Sample((x, [x < 0, x >= 1], pieces)),
    Sample((x, [x < 0, x >= 0], pieces[:2])),
    Sample((x.reshape(2, 2), [x.reshape(2, 2) < 0], pieces[:2])),
    Sample((x, [x < 5, x < 0, x > 1], pieces)),
    Sample((x, x < 0, [pieces[0]])),
]
counts = np.array([0, 2, 2, 1, 4])
SAMPLES[np.bincount] = [
    Sample((counts, array(5)), diff=(1,)),
    Sample((counts,), {"weights": array(5), "minlength": 7}, diff=("weights",)),
]
SAMPLES[np.histogram] = [
    Sample((array(6),), {"bins": 3}, order=1),
    Sample((array(6),), {"bins": 3, "range": (-1.0, 1.0)}, order=1),
    Sample((array(6), np.array([-1.0, 0.1, 1.0])), {"density": True}, diff=(1,)),
    Sample((array(6),), {"bins": 3, "weights": array(6)}, diff=("weights",)),
]

# ------------------------------------------------------------------- what the composites call

fraction_kink = Sample((np.array([0.0, 1.0, -2.0]),), expect=([1.0, 1.0, 1.0],))
SAMPLES[fraction.fn].append(fraction_kink)
SAMPLES[np.modf].append(fraction_kink)
SAMPLES[np.frexp].append(Sample((zeros,), expect=([1.0, 1.0, 1.0],)))
SAMPLES[phase.primitives[0].fn] = [
    Sample((complex_array(2, 3),)),
    Sample((zeros + 0j,), expect=(zeros + 0j,)),
]
SAMPLES[imaginary_part.fn] = [Sample((complex_array(2, 3),)), Sample((complex_array(),))]
SAMPLES[argument.primitives[0].fn] = [
    Sample((complex_array(2, 3),)),
    Sample((zeros + 0j,), expect=(zeros + 0j,)),
]
SAMPLES[cast.fn] = [Sample((array(2, 3), np.complex128)), Sample((complex_array(3), np.complex128))]
SAMPLES[finite.fn] = [
    Sample((array(2, 3), 0.0, None, None)),
    Sample((np.array([nan, inf, 1.0]), 0.0, None, None), expect=([0.0, 0.0, 1.0],)),
]
SAMPLES[clip_between.fn] = [
    Sample((array(2, 3), -0.4, 0.37)),
    Sample((spread, np.array([-0.5, -0.4, -0.6]), np.array([[0.3], [0.6]])), diff=(0, 1, 2)),
    Sample((tie, tie.copy(), 9.0), diff=(0, 1, 2), expect=(half, half, 0.0)),
]
SAMPLES[np.remainder].append(
    Sample((np.array([6.0, -4.0]), 2.0), diff=(0, 1), expect=([1.0, 1.0], -1.0))
)
SAMPLES[np.fmod].append(SAMPLES[np.remainder][-1])
SAMPLES[np.unwrap].append(Sample((np.array([0.0, np.pi]),), expect=([1.0, 1.0],)))
SAMPLES[guarded_product.primitives[0].fn] = [
    Sample((array(2, 3), array(2, 3, seed=1)), diff=(0, 1)),
    Sample((array(2, 1), complex_array(3)), diff=(0, 1)),
]
SAMPLES[mutual_product.primitives[0].fn] = SAMPLES[guarded_product.primitives[0].fn]
