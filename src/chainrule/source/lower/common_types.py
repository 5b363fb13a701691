"""The one type of a variable that holds values of two."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import sizes
from ..types import Type


def join_types(a: Type, b: Type) -> Type | None:
    """Return the type of a variable that holds the one or the other; None if there is none."""
    if a == b:
        return a
    if a.dtype is None or b.dtype is None:
        return None
    if (a.dtype.kind == "b") != (b.dtype.kind == "b"):  # True + True is not 2.0 but True
        return None
    if (a.is_number and b.is_number) or (
        {a.ndim, b.ndim} == {0} and not (a.is_array and b.is_array)
    ):
        kind = "python" if a.kind == b.kind == "python" else "scalar"
        return Type(kind, _common_dtype(a, b))
    if not (a.is_array and b.is_array) or a.ndim != b.ndim:
        return None
    found = tuple(map(sizes.joined, a.sizes, b.sizes))
    return Type("array", np.result_type(a.dtype, b.dtype), found)


def _common_dtype(a: Type, b: Type) -> Any:
    """Python's numbers are weak: they do not widen those of NumPy of the same kind."""
    assert a.dtype is not None and b.dtype is not None
    for strong, weak in ((a, b), (b, a)):
        if strong.kind != "python" and weak.kind == "python" and strong.dtype is not None:
            samples: dict[str, Any] = {"b": True, "i": 1, "f": 1.0, "c": 1j}
            assert weak.dtype is not None
            return np.result_type(strong.dtype, samples[weak.dtype.kind])
    return np.result_type(a.dtype, b.dtype)


def fits(home: Type, found: Type) -> bool:
    """Tell whether a variable of one type may be assigned a value of another."""
    if home.is_array or found.is_array:
        return home.kind == found.kind and home.dtype == found.dtype and home.ndim == found.ndim
    return home == found or join_types(home, found) is not None
