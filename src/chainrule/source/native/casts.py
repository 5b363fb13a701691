"""Literals and conversions of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Expr, Lit
from . import runtime
from .code import BOOL, apply, scalar
from .state import NotNative


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
        return cast(apply(np.real, scalar(real_of(own)), value), dtype)
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


def real_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the parts of a complex number."""
    return np.dtype(np.float32 if dtype == np.complex64 else np.float64)
