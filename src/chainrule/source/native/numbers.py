"""Functions of numbers, with the dtypes that NumPy gives them."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ...rules import selection as _rules_of_selection
from ..ir import Call, Choice, Expr, Lit
from . import runtime
from .casts import cast, literal
from .code import BOOL, apply, dtype_of, scalar
from .forms import ELEMENTWISE, SPECIAL
from .state import NotNative

__all__ = ["cast", "elementwise", "is_elementwise", "literal"]

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
    if fn in _COMPARISONS and not any(weak) and _is_mixed([v.type.dtype for v in values]):
        raise NotNative("a comparison of signed with unsigned integers")
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


_COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}


def _is_mixed(dtypes: list[Any]) -> bool:
    """Tell whether there are integers that no one dtype holds."""
    return all(d.kind in "iu" for d in dtypes) and np.result_type(*dtypes).kind == "f"


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
    mixed = _is_mixed([v.type.dtype for v in values])
    return [
        v if _is_free(v, d) and not mixed else cast(v, d)
        for v, d in zip(values, loop[:-1], strict=True)
    ]


_ARITHMETIC = (np.add, np.subtract, np.multiply, np.negative, np.absolute)


def _is_free(value: Expr, wanted: np.dtype[Any]) -> bool:
    """Tell whether Numba computes in the wanted dtype without being told."""
    own = value.type.dtype
    assert own is not None
    if wanted.kind == "f" and wanted.itemsize == 8:
        return own.kind in "iu" and not isinstance(value, Lit) and own.itemsize == 8
    return False
