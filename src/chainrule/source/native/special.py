"""Functions of numbers that need more than their operands in registers: checks, powers."""

# mypy: disable-error-code="no-any-return, no-untyped-call"
from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir as llvm

from ..ir import Call, Lit
from . import runtime
from .instructions import instruction, multiplied_out, unary
from .machine import DOUBLE, FLOAT, INT, Machine, NoInstructions


def _at(m: Machine, e: Call) -> Any:
    """Write ``runtime.at``."""
    i, n = (m.number(arg) for arg in e.args)
    zero = llvm.Constant(INT, 0)
    place = m.b.select(m.b.icmp_signed("<", i, zero), m.b.add(i, n), i)
    m.check(m.b.icmp_unsigned("<", place, n), runtime.OUT_OF_RANGE)
    return place


def _nonzero(m: Machine, e: Call) -> Any:
    value = m.number(e.args[0])
    zero = llvm.Constant(value.type, 0)
    is_float = value.type in (DOUBLE, FLOAT)
    m.check(
        (m.b.fcmp_unordered if is_float else m.b.icmp_signed)("!=", value, zero), runtime.BY_ZERO
    )
    return value


def _within(m: Machine, e: Call) -> Any:
    start, stop, step, shift, n = (m.number(arg) for arg in e.args)
    if not isinstance(e.args[2], Lit):
        raise NoInstructions("a step that is not known")
    forward = e.args[2].value > 0
    empty = m.b.icmp_signed(">=" if forward else "<=", start, stop)
    span = m.b.sub(m.b.sub(stop, llvm.Constant(INT, 1 if forward else -1)), start)
    last = m.b.add(start, m.b.mul(m.b.sdiv(span, step), step))
    low, high = (start, last) if forward else (last, start)
    above = m.b.icmp_signed(">=", m.b.add(low, shift), llvm.Constant(INT, 0))
    below = m.b.icmp_signed("<", m.b.add(high, shift), n)
    return m.b.or_(empty, m.b.and_(above, below))


def _count(m: Machine, e: Call) -> Any:
    start, stop, _ = (m.number(arg) for arg in e.args)
    if not isinstance(e.args[2], Lit) or not e.args[2].value:
        raise NoInstructions("a step that is not known")
    low, high = (start, stop) if e.args[2].value > 0 else (stop, start)
    one = llvm.Constant(INT, 1)
    size = llvm.Constant(INT, abs(e.args[2].value))
    some = m.b.add(m.b.sdiv(m.b.sub(m.b.sub(high, low), one), size), one)
    return m.b.select(m.b.icmp_signed("<", low, high), some, llvm.Constant(INT, 0))


def _overflowing(name: str) -> Callable[[Machine, Call], Any]:
    def write(m: Machine, e: Call) -> Any:
        found = getattr(m.b, f"{name}_with_overflow")(*(m.number(arg) for arg in e.args))
        m.check(m.b.not_(m.b.extract_value(found, 1)))
        return m.b.extract_value(found, 0)

    return write


def _shift(m: Machine, e: Call) -> Any:
    by = m.number(e.args[0])
    m.check(m.b.icmp_signed(">=", by, llvm.Constant(INT, 0)))
    most = llvm.Constant(INT, 63)
    return m.b.select(m.b.icmp_signed("<", by, most), by, most)


def _not_least(m: Machine, e: Call) -> Any:
    value = m.number(e.args[0])
    m.check(m.b.icmp_signed("!=", value, llvm.Constant(INT, -(2**63))))
    return value


def _fitting(m: Machine, e: Call) -> Any:
    value, low, high = (m.number(arg) for arg in e.args)
    m.check(m.b.and_(m.b.icmp_signed(">=", value, low), m.b.icmp_signed("<=", value, high)))
    return value


def _is_moderate(m: Machine, e: Call) -> Any:
    moved = m.b.add(m.number(e.args[0]), llvm.Constant(INT, runtime.MODERATE))
    return m.b.icmp_unsigned("<=", moved, llvm.Constant(INT, 2 * runtime.MODERATE))


def _sane(m: Machine, e: Call) -> Any:
    result, *args = (m.number(arg) for arg in e.args)
    floats = [arg for arg in args if arg.type in (DOUBLE, FLOAT)]
    m.check(m.b.not_(runtime.insane(m.b, result, floats)))
    return result


def _whole(m: Machine, e: Call) -> Any:
    value = m.number(e.args[0])
    m.check(runtime.between(m.b, value, -(2.0**63), 2.0**63))
    return value


def _unsigned(m: Machine, e: Call) -> Any:
    value, end = (m.number(arg) for arg in e.args)
    above = m.b.fcmp_ordered(">", value, llvm.Constant(value.type, -1.0))
    m.check(m.b.and_(above, m.b.fcmp_ordered("<", value, end)))
    return value


def _pick(greater: bool) -> Callable[[Machine, Call], Any]:
    def write(m: Machine, e: Call) -> Any:
        a, b = (m.number(arg, e.type.dtype) for arg in e.args)
        sign = ">" if greater else "<"
        if a.type in (DOUBLE, FLOAT):  # max(a, b) is a unless b is larger
            return m.b.select(m.b.fcmp_ordered(sign, b, a), b, a)
        is_unsigned = np.dtype(e.type.dtype).kind == "u"
        compare = m.b.icmp_unsigned if is_unsigned else m.b.icmp_signed
        return m.b.select(compare(sign, b, a), b, a)

    return write


def _bound(m: Machine, e: Call) -> Any:
    place, n = (m.number(arg) for arg in e.args)
    zero = llvm.Constant(INT, 0)
    turned = m.b.add(place, n)
    low = m.b.select(m.b.icmp_signed(">", turned, zero), turned, zero)
    high = m.b.select(m.b.icmp_signed("<", place, n), place, n)
    return m.b.select(m.b.icmp_signed("<", place, zero), low, high)


def _common(m: Machine, e: Call) -> Any:
    a, b = (m.number(arg) for arg in e.args)
    one = llvm.Constant(INT, 1)
    same, a_is_one = m.b.icmp_signed("==", a, b), m.b.icmp_signed("==", a, one)
    m.check(m.b.or_(m.b.or_(same, a_is_one), m.b.icmp_signed("==", b, one)))
    return m.b.select(a_is_one, b, a)


def _power(m: Machine, e: Call) -> Any:
    base, exponent = e.args
    dtype = np.dtype(e.type.dtype)
    if isinstance(exponent, Lit) and float(exponent.value).is_integer():
        n = int(exponent.value)
        if abs(n) <= 64 and (dtype.kind == "f" or n >= 0):
            return multiplied_out(m, m.number(base, dtype), n)
    if dtype.kind != "f":
        raise NoInstructions("a power of integers")
    if isinstance(exponent, Lit) and 2 * abs(exponent.value) in (1, 3, 5) and dtype.itemsize == 8:
        return _half_power(m, m.number(base, dtype), exponent.value)
    values = [m.number(arg, dtype) for arg in e.args]
    return instruction(m, np.power, values, [dtype, dtype], dtype)


def _half_power(m: Machine, base: Any, exponent: float) -> Any:
    """Write ``base ** 1.5`` and the like with a square root; -0.0 and -inf as ``pow`` has them."""
    n = int(abs(exponent) - 0.5)
    root = unary(m, "llvm.sqrt", m.b.fadd(base, llvm.Constant(DOUBLE, 0.0)))
    found = m.b.fmul(root, multiplied_out(m, base, n)) if n else root
    if exponent < 0:
        found = m.b.fdiv(llvm.Constant(DOUBLE, 1.0), found)
    infinite = m.b.fcmp_ordered("==", base, llvm.Constant(DOUBLE, -math.inf))
    at_infinity = llvm.Constant(DOUBLE, math.inf if exponent > 0 else 0.0)
    return m.b.select(infinite, at_infinity, found)


SPECIAL: dict[Any, Callable[[Machine, Call], Any]] = {
    runtime.at: _at,
    runtime.nonzero: _nonzero,
    runtime.within: _within,
    runtime.bound: _bound,
    runtime.count: _count,
    runtime.common: _common,
    runtime.sum_of: _overflowing("sadd"),
    runtime.difference_of: _overflowing("ssub"),
    runtime.product_of: _overflowing("smul"),
    runtime.shift: _shift,
    runtime.not_least: _not_least,
    runtime.fitting: _fitting,
    runtime.is_moderate: _is_moderate,
    runtime.sane: _sane,
    runtime.whole: _whole,
    runtime.unsigned: _unsigned,
    max: _pick(greater=True),
    min: _pick(greater=False),
    np.power: _power,
    operator.pow: _power,
}
"""Functions that need more than their operands in registers."""
