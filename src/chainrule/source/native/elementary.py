"""The exponential function and the hyperbolic tangent as instructions without a branch.

The C library's functions take one number at a time; these are arithmetic, so LLVM computes several
at once. The largest error is about one unit in the last place for ``exp`` and two for ``tanh``.

The argument is reduced to ``x = k ln 2 + r`` with an integer ``k`` and ``|r| <= ln(2) / 2``, as in
Cody and Waite, Software Manual for the Elementary Functions, 1980, chapter 6.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return"
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir as llvm

from .machine import DOUBLE, INT, Machine

_EXP = (
    1.0, 1.0, 0.5000000000000019, 0.16666666666666702, 0.04166666666648794, 0.008333333333309507,
    0.0013888888952356135, 0.00019841269909260645, 2.480148543844738e-05, 2.755722491836887e-06,
    2.763265575933203e-07, 2.5114882786996687e-08,
)  # fmt: skip
"""A polynomial for ``exp(r)``: its Chebyshev series where ``r`` lies, up to the power 11.

It is as close as the power series up to the power 13: within 2e-17 of the sum.
"""
_EXPM1 = (
    1.0, 0.5000000000000006, 0.1666666666666668, 0.04166666666657306, 0.008333333333319589,
    0.0013888888932517304, 0.00019841269890078585, 2.4801504310983356e-05, 2.75572408851544e-06,
    2.762637210237089e-07, 2.5110049895858716e-08,
)  # fmt: skip
"""The same for ``(exp(r) - 1) / r``, up to the power 10."""
_BIAS = 1023
"""Added to the exponent of a power of 2 in its bits; the lowest 52 bits are the fraction."""
_MAGIC = 1.5 * 2.0**52 + 2 * _BIAS
"""Added to a number, it leaves the nearest integer, and twice the bias, in the lowest 12 bits."""
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""The logarithm of 2 in two parts; products of the first with small integers are exact."""
_CONTRACT = ("contract",)


def exp(m: Machine, x: Any) -> Any:
    """Write ``exp(x)``: infinite above 709.8, gradually 0 below -708, NaN for NaN."""
    b = m.b
    bits, r = _reduced(b, _clamped(b, x, -746.0, 710.0))
    half = b.lshr(bits, llvm.Constant(INT, 1))  # 2**k itself may be out of range
    scaled = b.fmul(_polynomial(b, r, _EXP), _power_of_two(b, half))
    return b.fmul(scaled, _power_of_two(b, b.sub(bits, half)))


def tanh(m: Machine, x: Any) -> Any:
    """Write ``tanh(x)`` as ``e / (e + 2)`` with ``e = exp(2|x|) - 1``, and the sign of ``x``."""
    b = m.b
    size = m.b.call(m.b.module.declare_intrinsic("llvm.fabs", [DOUBLE]), [x])
    bits, r = _reduced(b, _clamped(b, b.fadd(size, size), 0.0, 40.0))
    scale = _power_of_two(b, b.sub(bits, llvm.Constant(INT, _BIAS)))
    small = b.fmul(r, _polynomial(b, r, _EXPM1))  # exp(r) - 1
    e = b.fadd(b.fmul(scale, small), b.fsub(scale, _number(1.0)))
    found = b.fdiv(e, b.fadd(e, _number(2.0)))
    copysign = b.module.declare_intrinsic(
        "llvm.copysign", [DOUBLE], llvm.FunctionType(DOUBLE, [DOUBLE, DOUBLE])
    )
    return b.call(copysign, [found, x])


def _number(value: float) -> Any:
    return llvm.Constant(DOUBLE, value)


def _clamped(b: Any, x: Any, low: float, high: float) -> Any:
    """Write ``x`` within bounds; NaN stays."""
    x = b.select(b.fcmp_ordered(">", x, _number(high)), _number(high), x)
    return b.select(b.fcmp_ordered("<", x, _number(low)), _number(low), x)


def _reduced(b: Any, x: Any) -> tuple[Any, Any]:
    """Write a number whose lowest 12 bits are ``k`` and twice the bias, and ``r``."""
    shifted = b.fadd(b.fmul(x, _number(1 / math.log(2))), _number(_MAGIC))
    rounded = b.fsub(shifted, _number(_MAGIC))
    r = b.fsub(x, b.fmul(rounded, _number(_LN2_HIGH)), flags=_CONTRACT)
    r = b.fsub(r, b.fmul(rounded, _number(_LN2_LOW)), flags=_CONTRACT)
    return b.bitcast(shifted, INT), r


def _polynomial(b: Any, r: Any, coefficients: Sequence[float]) -> Any:
    """Write a polynomial, the lowest power first."""
    *rest, last = coefficients
    total: Any = _number(last)
    for c in reversed(rest):
        total = b.fadd(b.fmul(total, r, flags=_CONTRACT), _number(c), flags=_CONTRACT)
    return total


def _power_of_two(b: Any, exponent: Any) -> Any:
    """Write ``2.0**k`` for an integer from -1022 to 1023 that has the bias in its lowest bits."""
    return b.bitcast(b.shl(exponent, llvm.Constant(INT, 52)), DOUBLE)
