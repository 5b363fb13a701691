"""Functions of numbers that are written in their own way, by dtype."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...rules import complex as _rules_of_complex
from ...rules import selection as _rules_of_selection
from ..ir import Choice, Expr, Lit, Logic
from . import runtime
from .casts import cast, literal, real_of
from .code import BOOL, apply, dtype_of, scalar


def _where(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    test, a, b = values
    if test.type.dtype != np.dtype(bool):
        test = apply(np.not_equal, BOOL, test, literal(0))
    return Choice(scalar(dtype), test, cast(a, dtype), cast(b, dtype))


def _part(fn: Any, index: int) -> Any:
    def part(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        own = values[0].type.dtype
        assert own is not None
        if own.kind == "c":
            return apply(fn, scalar(real_of(own)), values[0])
        return Lit(scalar(own), own.type(0).item()) if index else values[0]

    return part


def _conj(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    return apply(np.conj, scalar(dtype), values[0]) if dtype.kind == "c" else values[0]


def _pick(fn: Any) -> Any:
    def pick(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        chosen = values[0]
        if dtype.kind == "b":
            larger = fn in (max, runtime.maximum)
            fn_ = np.bitwise_or if larger else np.bitwise_and
            for other in values[1:]:
                chosen = apply(fn_, BOOL, chosen, other)
            return chosen
        for other in values[1:]:
            chosen = apply(fn, scalar(dtype), cast(chosen, dtype), cast(other, dtype))
        return chosen

    return pick


def _not(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    value = values[0]
    if value.type.dtype == np.dtype(bool):
        return apply(operator.not_, BOOL, value)
    return apply(np.equal, BOOL, value, literal(0))


def _bools(fn: Any, otherwise: Any) -> Any:
    """Arithmetic of truth values is logic."""

    def made(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        if all(v.type.dtype == np.dtype(bool) for v in values):
            return apply(fn, BOOL, *values)
        return apply(otherwise, scalar(dtype), *values)

    return made


def _logical(fn: Any) -> Any:
    def made(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        return apply(fn, BOOL, *[cast(v, np.dtype(bool)) for v in values])

    return made


def _invert(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    is_bool = values[0].type.dtype == np.dtype(bool)
    return apply(operator.not_ if is_bool else np.invert, scalar(dtype), values[0])


def _first(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    return values[0]


def _is_nan(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    return apply(np.not_equal, BOOL, values[0], values[0])


def _sign(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    fn: Any = np.sign if dtype.kind == "c" else runtime.sign
    found = apply(fn, scalar(dtype), values[0])
    if dtype.kind != "f":
        return found
    return apply(np.add, scalar(dtype), found, Lit(scalar(dtype), 0.0))  # that of -0.0 is 0.0


def _square(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    return apply(np.power, scalar(dtype), values[0], Lit(scalar(np.int64), 2))


def _power(fn: Any) -> Any:
    def made(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        own = scalar(dtype)
        if dtype.kind == "i" and not (isinstance(values[1], Lit) and values[1].value >= 0):
            int_ = scalar(np.int64)  # NumPy raises where the exponent is negative
            exponent = cast(values[1], np.dtype(np.int64))
            exponent = apply(runtime.fitting, int_, exponent, Lit(int_, 0), Lit(int_, 2**63 - 1))
            return apply(fn, own, values[0], exponent)
        found = apply(fn, own, *values)
        if dtype.kind != "c" or isinstance(values[1], Lit):
            return found
        base, exponent = (cast(value, dtype) for value in values)
        zero = cast(literal(0), dtype)
        real = apply(np.real, scalar(real_of(dtype)), exponent)
        stays = apply(np.greater, BOOL, real, cast(literal(0), real_of(dtype)))
        vanishes = apply(np.bitwise_and, BOOL, apply(np.equal, BOOL, base, zero), stays)
        return Choice(own, vanishes, zero, found)

    return made


def _reciprocal(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    if dtype.kind == "f":
        return apply(np.divide, scalar(dtype), Lit(scalar(dtype), 1.0), values[0])
    if dtype.kind in "iu":
        value = apply(runtime.nonzero, scalar(dtype), values[0])
        is_one = apply(np.equal, BOOL, value, Lit(scalar(dtype), 1))
        if dtype.kind == "i":
            minus = apply(np.equal, BOOL, value, Lit(scalar(dtype), -1))
            is_one = apply(np.bitwise_or, BOOL, is_one, minus)
        return Choice(scalar(dtype), is_one, value, Lit(scalar(dtype), 0))
    return apply(np.reciprocal, scalar(dtype), values[0])


def _integers(fn: Any) -> Any:
    """A function of Python's integers that leaves where machine code cannot compute it."""

    def made(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        return apply(fn, scalar(dtype), *[cast(value, np.dtype(np.int64)) for value in values])

    return made


def _checked(fn: Any) -> Any:
    def made(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        return apply(fn, values[0].type, *values)

    return made


def _shifted(fn: Any) -> Any:
    """Shift bits; where all are shifted out, 0 (or -1) is left."""

    def made(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        own, (value, by) = scalar(dtype), (cast(value, dtype) for value in values)
        bits = 8 * dtype.itemsize
        if isinstance(by, Lit) and 0 <= by.value < bits:
            return apply(fn, own, value, by)
        top = Lit(own, bits)
        inside = apply(np.less, BOOL, by, top)
        if dtype.kind == "i":
            positive = apply(np.greater_equal, BOOL, by, Lit(own, 0))
            inside = Logic(BOOL, "and", (positive, inside))
        none: Expr = Lit(own, 0)
        if fn is np.right_shift and dtype.kind == "i":
            none = Choice(own, apply(np.less, BOOL, value, none), Lit(own, -1), none)
        return Choice(own, inside, apply(fn, own, value, by), none)

    return made


def _clip(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    """Return what lies nearest between two ends; a NaN stays one."""
    value, low, high = (cast(value, dtype) for value in values)
    if dtype.kind not in "fiu":
        return apply(np.clip, scalar(dtype), value, low, high)
    raised = apply(runtime.maximum, scalar(dtype), value, low)
    return apply(runtime.minimum, scalar(dtype), raised, high)


def _phase(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    return apply(np.sign, scalar(dtype), values[0])


def _argument(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
    own = scalar(dtype)
    parts = [
        cast(_part(fn, k)([values[0]], dtype), dtype) for k, fn in ((1, np.imag), (0, np.real))
    ]
    return apply(np.arctan2, own, *parts)


def _floor(fn: Any) -> Any:
    def made(values: list[Expr], dtype: np.dtype[Any]) -> Expr:
        if dtype_of(values[0]).kind in "iub":
            return cast(values[0], dtype)
        return apply(fn, scalar(dtype), values[0])

    return made


SPECIAL: dict[Any, Any] = {
    np.maximum: _pick(runtime.maximum),
    np.minimum: _pick(runtime.minimum),
    np.sign: _sign,
    np.square: _square,
    np.reciprocal: _reciprocal,
    np.power: _power(np.power),
    np.float_power: _power(np.power),
    np.positive: _first,
    np.left_shift: _shifted(np.left_shift),
    np.right_shift: _shifted(np.right_shift),
    np.conjugate: _conj,
    np.logical_not: _not,
    np.logical_and: _logical(np.bitwise_and),
    np.logical_or: _logical(np.bitwise_or),
    np.logical_xor: _logical(np.bitwise_xor),
    np.invert: _invert,
    np.isnan: _is_nan,
    np.add: _bools(np.bitwise_or, np.add),
    np.multiply: _bools(np.bitwise_and, np.multiply),
    np.floor: _floor(np.floor),
    np.ceil: _floor(np.ceil),
}
"""Functions that are written in their own way, of operands in NumPy's dtypes."""

ELEMENTWISE: dict[Any, Any] = {
    np.where: _where,
    np.real: _part(np.real, 0),
    np.imag: _part(np.imag, 1),
    max: _pick(max),
    min: _pick(min),
    operator.not_: _not,
    _rules_of_selection._clip: _clip,
    _rules_of_complex._phase: _phase,
    _rules_of_complex._argument: _argument,
    _rules_of_complex._imaginary_part: _part(np.imag, 1),
    **{
        fn: _integers(fn)
        for fn in (
            runtime.sum_of,
            runtime.difference_of,
            runtime.product_of,
            runtime.power_of,
            runtime.shifted_up,
            runtime.shift,
            runtime.not_least,
            runtime.fitting,
        )
    },
    runtime.sane: _checked(runtime.sane),
    runtime.whole: _checked(runtime.whole),
}
"""Functions with operands of any dtype."""
