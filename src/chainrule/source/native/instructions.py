"""Functions of numbers as LLVM instructions, or as calls of the C library."""

# mypy: disable-error-code="no-untyped-call, no-any-return"
from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir as llvm

from . import runtime
from .elementary import exp, tanh
from .machine import DOUBLE, FLOAT, Machine, NoInstructions, value_type

_COMPARE = {
    np.less: "<",
    np.less_equal: "<=",
    np.greater: ">",
    np.greater_equal: ">=",
    np.equal: "==",
    np.not_equal: "!=",
}
_FLOAT = {np.add: "fadd", np.subtract: "fsub", np.multiply: "fmul", np.divide: "fdiv"}
_INTEGER = {
    np.add: "add",
    np.subtract: "sub",
    np.multiply: "mul",
    np.bitwise_and: "and_",
    np.bitwise_or: "or_",
    np.bitwise_xor: "xor",
    np.left_shift: "shl",
}
_INTRINSIC: dict[Any, str] = {
    np.sqrt: "llvm.sqrt",
    np.log: "llvm.log",
    np.sin: "llvm.sin",
    np.cos: "llvm.cos",
    np.fabs: "llvm.fabs",
    np.floor: "llvm.floor",
    np.ceil: "llvm.ceil",
    np.trunc: "llvm.trunc",
    np.rint: "llvm.rint",
    np.exp2: "llvm.exp2",
    np.log2: "llvm.log2",
    np.log10: "llvm.log10",
    math.floor: "llvm.floor",
    math.ceil: "llvm.ceil",
}
_LIBRARY: dict[Any, str] = {
    **{getattr(np, name): name for name in ("tan", "sinh", "cosh", "expm1", "log1p")},
    **{getattr(np, f"arc{name}"): f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh")},
    np.arctanh: "atanh",
    np.arctan2: "atan2",
    np.hypot: "hypot",
    np.cbrt: "cbrt",
    np.fmod: "fmod",
    np.copysign: "copysign",
    np.power: "pow",
    math.lgamma: "lgamma",
    math.gamma: "tgamma",
    math.erf: "erf",
    math.erfc: "erfc",
    math.atan2: "atan2",
}
_OPERATORS = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
}


def instruction(
    m: Machine, fn: Any, values: list[Any], dtypes: list[Any], dtype: np.dtype[Any]
) -> Any:
    """Write a function of numbers; ``dtype`` is that of the result."""
    fn = _OPERATORS.get(fn, fn)
    if isinstance(fn, type) and issubclass(fn, np.generic):
        return convert(m.b, values[0], np.dtype(dtypes[0]), dtype)
    if fn in _COMPARE:
        return _compare(m, _COMPARE[fn], values, dtypes)
    if fn is operator.not_ or (fn is np.invert and dtype.kind == "b"):
        return m.b.not_(values[0])
    if fn in (np.bitwise_and, np.bitwise_or, np.bitwise_xor) and dtype.kind == "b":
        return getattr(m.b, _INTEGER[fn])(*values)
    return _arithmetic(m, fn, values, dtypes, dtype)


def _arithmetic(
    m: Machine, fn: Any, values: list[Any], dtypes: list[Any], dtype: np.dtype[Any]
) -> Any:
    b = m.b
    given = [convert(b, v, np.dtype(d), dtype) for v, d in zip(values, dtypes, strict=True)]
    if dtype.kind == "f":
        found = _of_floats(m, fn, given)
    elif dtype.kind in "iu":
        found = _of_integers(m, fn, given, dtype, dtypes)
    else:
        found = None
    if found is None:
        raise NoInstructions(str(getattr(fn, "__name__", fn)))
    return found


def _of_floats(m: Machine, fn: Any, given: list[Any]) -> Any:
    b = m.b
    if fn in _FLOAT:
        return getattr(b, _FLOAT[fn])(*given)
    if fn in (np.negative, operator.neg):
        return b.fneg(given[0])
    if fn in (np.absolute, abs):
        return unary(m, "llvm.fabs", given[0])
    if fn in (np.exp, np.tanh):
        return _elementary(m, fn, given[0])
    if fn in _INTRINSIC:
        return unary(m, _INTRINSIC[fn], given[0])
    if fn in (runtime.guarded_product, runtime.mutual_product):
        ct, slope = given
        return runtime.product_unless_zero(b, ct, slope, fn is runtime.mutual_product)
    if fn in (runtime.maximum, runtime.minimum):
        return _extreme(m, "maximum" if fn is runtime.maximum else "minimum", *given)
    if fn is runtime.sign:
        zero, one = (llvm.Constant(given[0].type, x) for x in (0.0, 1.0))
        below = b.select(b.fcmp_ordered("<", given[0], zero), b.fneg(one), given[0])
        return b.select(b.fcmp_ordered(">", given[0], zero), one, below)
    if fn in (np.remainder, operator.mod):
        return _remainder(m, *given)
    if fn in (np.floor_divide, operator.floordiv):
        return _floored_quotient(m, *given)
    return library(m, _LIBRARY[fn], given) if fn in _LIBRARY else None


def _extreme(m: Machine, name: str, x: Any, y: Any) -> Any:
    """Write the larger or smaller number, NaN if one is; of zeros, either.

    LLVM knows the function, and vectorises loops that look for an array's largest number.
    """
    fn = m.b.module.declare_intrinsic(
        f"llvm.{name}", [x.type], llvm.FunctionType(x.type, [x.type] * 2)
    )
    return m.b.call(fn, [x, y], fastmath=("nsz",))


def _elementary(m: Machine, fn: Any, x: Any) -> Any:
    """Write a function that has no call in it; of single precision, by way of double."""
    write = exp if fn is np.exp else tanh
    if x.type is DOUBLE:
        return write(m, x)
    return m.b.fptrunc(write(m, m.b.fpext(x, DOUBLE)), x.type)


def _remainder(m: Machine, x: Any, y: Any) -> Any:
    """Write the remainder that has the sign of the divisor."""
    b, zero = m.b, llvm.Constant(x.type, 0.0)
    rest = library(m, "fmod", [x, y])
    differs = b.xor(b.fcmp_ordered("<", rest, zero), b.fcmp_ordered("<", y, zero))
    turned = b.and_(differs, b.fcmp_unordered("!=", rest, zero))
    none = library(m, "copysign", [zero, y])
    rest = b.select(turned, b.fadd(rest, y), rest)
    return b.select(b.fcmp_ordered("==", rest, zero), none, rest)


def _floored_quotient(m: Machine, x: Any, y: Any) -> Any:
    """Write the quotient rounded down, as NumPy finds it: from the remainder, which is exact."""
    b, zero, one = m.b, llvm.Constant(x.type, 0.0), llvm.Constant(x.type, 1.0)
    rest = library(m, "fmod", [x, y])
    differs = b.xor(b.fcmp_ordered("<", rest, zero), b.fcmp_ordered("<", y, zero))
    turned = b.and_(differs, b.fcmp_unordered("!=", rest, zero))
    quotient = b.fdiv(b.fsub(x, rest), y)
    quotient = b.select(turned, b.fsub(quotient, one), quotient)
    low = unary(m, "llvm.floor", quotient)
    half = llvm.Constant(x.type, 0.5)
    low = b.select(b.fcmp_ordered(">", b.fsub(quotient, low), half), b.fadd(low, one), low)
    plain = b.fdiv(x, y)
    signed = library(m, "copysign", [zero, plain])
    low = b.select(b.fcmp_ordered("==", quotient, zero), signed, low)
    return b.select(b.fcmp_ordered("==", y, zero), plain, low)


def _of_integers(
    m: Machine, fn: Any, given: list[Any], dtype: np.dtype[Any], dtypes: list[Any]
) -> Any:
    b, signed = m.b, dtype.kind == "i"
    if any(np.dtype(d).kind == "f" for d in dtypes):
        return None
    if fn in _INTEGER and (fn is not np.left_shift):
        return getattr(b, _INTEGER[fn])(*given)
    if fn in (np.negative, operator.neg):
        return b.neg(given[0])
    if fn in (np.absolute, abs):
        if not signed:
            return given[0]
        zero = llvm.Constant(given[0].type, 0)
        return b.select(b.icmp_signed("<", given[0], zero), b.neg(given[0]), given[0])
    if fn in (runtime.maximum, runtime.minimum):
        sign = ">" if fn is runtime.maximum else "<"
        compare = b.icmp_signed if signed else b.icmp_unsigned
        return b.select(compare(sign, *given), *given)
    if fn is np.invert:
        return b.not_(given[0])
    if fn in (np.floor_divide, np.remainder) and signed:
        return _floored(m, fn, *given)
    return None


def _floored(m: Machine, fn: Any, x: Any, y: Any) -> Any:
    """Write the quotient rounded down, or its remainder; a zero divisor leaves."""
    b, zero = m.b, llvm.Constant(x.type, 0)
    m.check(b.icmp_signed("!=", y, zero), runtime.BY_ZERO)
    minus = b.icmp_signed("==", y, llvm.Constant(x.type, -1))
    by = b.select(minus, llvm.Constant(x.type, 1), y)  # the smallest number by -1 is a trap
    quotient, rest = b.sdiv(b.select(minus, b.neg(x), x), by), b.srem(x, by)
    differs = b.xor(b.icmp_signed("<", rest, zero), b.icmp_signed("<", y, zero))
    turned = b.and_(differs, b.icmp_signed("!=", rest, zero))
    if fn is np.floor_divide:
        return b.select(turned, b.sub(quotient, llvm.Constant(x.type, 1)), quotient)
    return b.select(turned, b.add(rest, y), rest)


def _compare(m: Machine, sign: str, values: list[Any], dtypes: list[Any]) -> Any:
    common = np.result_type(*dtypes)
    if common.kind == "f" and all(np.dtype(d).kind in "iu" for d in dtypes):
        raise NoInstructions("a comparison of signed with unsigned integers")
    if common.kind == "b":
        common = np.dtype(np.int8)
    a, c = (convert(m.b, v, np.dtype(d), common) for v, d in zip(values, dtypes, strict=True))
    if common.kind == "f":
        return (m.b.fcmp_unordered if sign == "!=" else m.b.fcmp_ordered)(sign, a, c)
    return (m.b.icmp_signed if common.kind == "i" else m.b.icmp_unsigned)(sign, a, c)


def convert(b: Any, value: Any, own: np.dtype[Any], dtype: np.dtype[Any]) -> Any:
    """Write a conversion from one dtype to another."""
    if own == dtype:
        return value
    kind = value_type(dtype)
    value_type(own)
    if dtype.kind == "b":
        zero = llvm.Constant(value.type, 0)
        is_float = own.kind == "f"
        return (b.fcmp_unordered if is_float else b.icmp_signed)("!=", value, zero)
    if own.kind == "b":
        return b.uitofp(value, kind) if dtype.kind == "f" else b.zext(value, kind)
    if own.kind == dtype.kind == "f":
        return b.fpext(value, kind) if kind is DOUBLE else b.fptrunc(value, kind)
    if own.kind == "f":
        return b.fptosi(value, kind) if dtype.kind == "i" else b.fptoui(value, kind)
    if dtype.kind == "f":
        return b.sitofp(value, kind) if own.kind == "i" else b.uitofp(value, kind)
    if own.itemsize > dtype.itemsize:
        return b.trunc(value, kind)
    if own.itemsize == dtype.itemsize:
        return value
    return b.sext(value, kind) if own.kind == "i" else b.zext(value, kind)


def unary(m: Machine, name: str, value: Any) -> Any:
    """Write an intrinsic function of one number."""
    fn = m.b.module.declare_intrinsic(name, [value.type])
    return m.b.call(fn, [value])


def library(m: Machine, name: str, values: list[Any]) -> Any:
    """Write a call of a function of the C library, which has no effects."""
    kind = values[0].type
    symbol = name + ("f" if kind is FLOAT else "")
    found = m.b.module.globals.get(symbol)
    if found is None:
        found = llvm.Function(m.b.module, llvm.FunctionType(kind, [kind] * len(values)), symbol)
        found.attributes.add("nounwind")
        found.attributes.add("readnone")
    return m.b.call(found, values)


def multiplied_out(m: Machine, base: Any, n: int) -> Any:
    """Write an integer power as products."""
    is_float = base.type in (DOUBLE, FLOAT)
    one = llvm.Constant(base.type, 1.0 if is_float else 1)
    times = m.b.fmul if is_float else m.b.mul
    found, square, left = None, base, abs(n)
    while left:
        if left & 1:
            found = square if found is None else times(found, square)
        left >>= 1
        if left:
            square = times(square, square)
    found = one if found is None else found
    return m.b.fdiv(one, found) if n < 0 else found
