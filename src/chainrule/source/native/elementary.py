"""The exponential function and the hyperbolic tangent as instructions without a branch.

The C library's functions take one number at a time; these are arithmetic, so LLVM computes several
at once. The largest error is about one unit in the last place for ``exp`` and two for ``tanh``.

The argument is reduced to ``x = k ln 2 + r`` with an integer ``k`` and ``|r| <= ln(2) / 2``, as in
Cody and Waite, Software Manual for the Elementary Functions, 1980, chapter 6.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return"
from __future__ import annotations

import math
from typing import Any

from llvmlite import ir as llvm

from .machine import DOUBLE, INT, Machine

_TERMS = 14
"""Of the power series: the first one left out is below 1e-17 of the sum."""
_MAGIC = 1.5 * 2.0**52
"""Added to a number, it leaves the nearest integer in the lowest bits."""
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""The logarithm of 2 in two parts; products of the first with small integers are exact."""
_CONTRACT = ("contract",)


def exp(m: Machine, x: Any) -> Any:
    """Write ``exp(x)``: infinite above 709.8, gradually 0 below -708, NaN for NaN."""
    b = m.b
    x = _clamped(b, x, -746.0, 710.0)
    k, r = _reduced(b, x)
    series = _series(b, r, first=0)
    half = b.ashr(k, llvm.Constant(INT, 1))  # 2**k itself may be out of range
    return b.fmul(b.fmul(series, _power_of_two(b, half)), _power_of_two(b, b.sub(k, half)))


def tanh(m: Machine, x: Any) -> Any:
    """Write ``tanh(x)`` as ``e / (e + 2)`` with ``e = exp(2|x|) - 1``, and the sign of ``x``."""
    b = m.b
    size = m.b.call(m.b.module.declare_intrinsic("llvm.fabs", [DOUBLE]), [x])
    k, r = _reduced(b, _clamped(b, b.fadd(size, size), 0.0, 40.0))
    scale = _power_of_two(b, k)
    small = b.fmul(r, _series(b, r, first=1))  # exp(r) - 1
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
    """Write ``k`` and ``r``."""
    shifted = b.fadd(b.fmul(x, _number(1 / math.log(2))), _number(_MAGIC))
    rounded = b.fsub(shifted, _number(_MAGIC))
    r = b.fsub(x, b.fmul(rounded, _number(_LN2_HIGH)), flags=_CONTRACT)
    r = b.fsub(r, b.fmul(rounded, _number(_LN2_LOW)), flags=_CONTRACT)
    bits = b.bitcast(shifted, INT)
    return b.sub(bits, b.bitcast(_number(_MAGIC), INT)), r


def _series(b: Any, r: Any, first: int) -> Any:
    """Write the power series of ``exp`` from a term on, divided by that power of ``r``."""
    total: Any = _number(1 / math.factorial(_TERMS - 1))
    for n in reversed(range(first, _TERMS - 1)):
        product = b.fmul(total, r, flags=_CONTRACT)
        total = b.fadd(product, _number(1 / math.factorial(n)), flags=_CONTRACT)
    return total


def _power_of_two(b: Any, k: Any) -> Any:
    """Write ``2.0**k`` for an integer from -1022 to 1023."""
    exponent = b.add(k, llvm.Constant(INT, 1023))
    return b.bitcast(b.shl(exponent, llvm.Constant(INT, 52)), DOUBLE)
