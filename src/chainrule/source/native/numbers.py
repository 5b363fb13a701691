"""Functions of numbers, with the dtypes that NumPy gives them."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ...rules import complex as _rules_of_complex
from ...rules import selection as _rules_of_selection
from ..ir import Call, Choice, Expr, Lit, Logic
from . import runtime
from .code import BOOL, apply, dtype_of, scalar
from .state import NotNative

_PYTHON = {"b": int, "i": int, "f": float, "c": complex}
_FREE = (np.dtype(np.float64), np.dtype(np.complex128), np.dtype(np.int64), np.dtype(bool))
"""Numba's arithmetic gives these where NumPy's does."""

_SAME: dict[Any, Any] = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.floordiv: np.floor_divide,
    operator.mod: np.remainder,
    operator.pow: np.power,
    operator.neg: np.negative,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
    operator.and_: np.bitwise_and,
    operator.or_: np.bitwise_or,
    operator.xor: np.bitwise_xor,
    operator.invert: np.invert,
    operator.lshift: np.left_shift,
    operator.rshift: np.right_shift,
    math.fabs: np.fabs,
    abs: np.absolute,
}
_CASTS: dict[Any, Any] = {float: np.float64, int: np.int64, complex: np.complex128, bool: np.bool_}
_MATH = {getattr(math, name) for name in ("lgamma", "gamma", "erf", "erfc", "atan2")}
_OTHER = {np.where, np.real, np.imag, np.conj, operator.not_, np.round, math.floor, math.ceil}
_OTHER |= {max, min, *_MATH}


def is_elementwise(call: Call) -> bool:
    """Tell whether a call computes each element from those of its operands."""
    fn = call.fn
    if call.kwargs or any(arg.type.dtype is None for arg in call.args):
        return False
    if fn is _rules_of_selection._clip and call.type.dtype is not None:
        return call.type.dtype.kind in "fiu"
    try:
        if fn in _SAME or fn in _CASTS or fn in _OTHER or fn in ELEMENTWISE:
            return fn is not np.round or len(call.args) == 1
    except TypeError:
        return False
    if isinstance(fn, type) and issubclass(fn, np.generic):
        return len(call.args) == 1
    return isinstance(fn, np.ufunc) and fn.nout == 1 and fn.signature is None and _is_known(call)


_UNKNOWN = {np.bitwise_count, np.spacing, np.nextafter, np.heaviside, np.gcd, np.lcm}
"""Functions that Numba does not have, or not for all dtypes."""


_ORDER: set[Any] = {np.maximum, np.minimum, np.fmax, np.fmin}
_ORDER |= {np.less, np.less_equal, np.greater, np.greater_equal}
"""Functions that Numba has of real numbers alone."""


def _is_known(call: Call) -> bool:
    if call.fn is np.fmod:
        return call.type.dtype is not None and call.type.dtype.kind == "f"
    if call.fn in _ORDER and any(dtype_of(arg).kind == "c" for arg in call.args):
        return False
    return call.fn not in _UNKNOWN


def literal(value: Any) -> Lit:
    """Return the literal of a number."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return Lit(scalar(value.dtype), value.item())
    kinds: Any = ((bool, bool), (int, np.int64), (float, np.float64), (complex, complex))
    for kind, dtype in kinds:
        if isinstance(value, kind):
            return Lit(scalar(dtype), kind(value))
    if value is None:  # nothing reads it
        return Lit(scalar(np.float64), 0.0)
    raise NotNative(f"{value!r} is not a number")


def cast(value: Expr, dtype: np.dtype[Any]) -> Expr:
    """Return a number as one of another dtype."""
    own = value.type.dtype
    if own is None or own == dtype:
        return value
    if own.kind == "c" and dtype.kind in "fiu":
        return cast(apply(np.real, scalar(_real(own)), value), dtype)
    if isinstance(value, Lit) and _holds(dtype, value.value):
        made = dtype.type(value.value).item()
        return Lit(scalar(dtype), made)
    if own.kind == "f" and dtype.kind == "u":
        end = Lit(own_type := scalar(own), 2.0 ** (8 * dtype.itemsize))
        value = apply(runtime.unsigned, own_type, value, end)
    if dtype.kind == "b":
        return apply(np.not_equal, BOOL, value, literal(0))
    return apply(dtype.type, scalar(dtype), value)


def _holds(dtype: np.dtype[Any], value: Any) -> bool:
    """Tell whether a dtype has a number, so that it need not be converted by a run."""
    if dtype.kind not in "iu":
        return True
    info = np.iinfo(dtype)
    return bool(info.min <= value <= info.max)  # a NaN is not


def _real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32 if dtype == np.complex64 else np.float64)


def elementwise(call: Call, values: list[Expr]) -> Expr:
    """Return a function of numbers."""
    fn, dtype = _SAME.get(call.fn, call.fn), call.type.dtype
    assert dtype is not None
    weak = [arg.type.kind == "python" for arg in call.args]
    if fn in ELEMENTWISE:
        return cast(ELEMENTWISE[fn](values, dtype), dtype)
    if fn is complex and len(values) == 2:
        parts = [cast(value, np.dtype(np.float64)) for value in values]
        if any(part.type.dtype.kind == "c" for part in values):  # type: ignore[union-attr]
            raise NotNative("a complex number made of complex numbers")
        return apply(complex, scalar(dtype), *parts)
    if fn in _CASTS or (isinstance(fn, type) and issubclass(fn, np.generic)):
        return cast(values[0], dtype)
    if fn in _MATH:
        return apply(fn, scalar(dtype), *values)
    given = _operands(fn, values, weak, dtype) if isinstance(fn, np.ufunc) else values
    made = SPECIAL[fn](given, dtype) if fn in SPECIAL else apply(fn, scalar(dtype), *given)
    python = all(weak) and fn in (np.divide, np.floor_divide, np.remainder)
    if python and isinstance(made, Call) and not _is_nonzero(given[1]):
        made = apply(fn, made.type, given[0], apply(runtime.nonzero, given[1].type, given[1]))
    if fn is np.floor_divide and dtype.kind == "i" and not python and not _is_nonzero(given[1]):
        minus = apply(np.equal, BOOL, given[1], Lit(scalar(dtype), -1))
        made = Choice(scalar(dtype), minus, apply(np.negative, scalar(dtype), given[0]), made)
    if dtype not in _FREE and dtype.kind in "iu":
        return apply(dtype.type, scalar(dtype), made)  # Numba has computed with 64 bits
    return made


def _is_nonzero(value: Expr) -> bool:
    return isinstance(value, Lit) and value.value != 0


def _operands(fn: Any, values: list[Expr], weak: list[bool], dtype: np.dtype[Any]) -> list[Expr]:
    """Return the operands in the dtypes that NumPy computes in."""
    if fn is np.power and dtype.kind == "f" and all(dtype_of(v).kind in "biu" for v in values):
        return [cast(v, dtype) for v in values]
    if fn is np.power or len(values) != fn.nin:
        return [cast(v, dtype) if dtype not in _FREE else v for v in values]
    given: list[Any] = [v.type.dtype for v in values]
    if not all(weak):
        given = [
            _PYTHON.get(d.kind, d) if is_weak and d.kind != "b" else d
            for d, is_weak in zip(given, weak, strict=True)
        ]
    else:
        given = [np.dtype(np.int64) if d.kind == "b" and fn in _ARITHMETIC else d for d in given]
    loop = fn.resolve_dtypes((*given, None))
    half, single = np.dtype(np.float16), np.dtype(np.float32)
    loop = tuple(single if dtype == half else dtype for dtype in loop)
    return [v if _is_free(v, d) else cast(v, d) for v, d in zip(values, loop[:-1], strict=True)]


_ARITHMETIC = (np.add, np.subtract, np.multiply, np.negative, np.absolute)


def _is_free(value: Expr, wanted: np.dtype[Any]) -> bool:
    """Tell whether Numba computes in the wanted dtype without being told."""
    own = value.type.dtype
    assert own is not None
    if wanted.kind == "f" and wanted.itemsize == 8:
        return own.kind in "iu" and not isinstance(value, Lit) and own.itemsize == 8
    return False


# ----------------------------------------------------------------- functions with a form here


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
            return apply(fn, scalar(_real(own)), values[0])
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
        real = apply(np.real, scalar(_real(dtype)), exponent)
        stays = apply(np.greater, BOOL, real, cast(literal(0), _real(dtype)))
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
