"""Python objects as text that evaluates to them again: numbers, arrays, dtypes, containers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .ir import same_literal
from .names import Names


class Literals:
    """Writes literals; what has no text of its own is known by name."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def __call__(self, value: Any) -> str:
        """Return the text; that of a negative number begins with its sign."""
        if value is None or value is Ellipsis or isinstance(value, (bool, str, bytes)):
            return _constant(value)
        if type(value) in (int, float, complex):
            return self._number(value)
        if isinstance(value, np.generic) and value.dtype.kind in "biufc":
            return self._scalar(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.dtype):
            return self._dtype(value)
        if isinstance(value, (slice, range)):
            parts = (value.start, value.stop, value.step)
            return f"{self.names.of(type(value))}({self._commas(parts)})"
        return self._container(value)

    def _container(self, value: Any) -> str:
        if type(value) in (tuple, list):
            return display([self(item) for item in value], type(value) is tuple)
        if type(value) is dict:
            pairs = [f"{self(key)}: {self(item)}" for key, item in value.items()]
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return f"{self.names.of(type(value))}({self._commas(value)})"
        return self.names.of(value)

    def _commas(self, values: Iterable[Any]) -> str:
        return ", ".join(map(self, values))

    def _number(self, value: Any) -> str:
        text = repr(value)
        if isinstance(value, complex):
            if "inf" not in text and "nan" not in text and same_literal(eval(text), value):
                return text
            return f"{self.names.of(complex)}({self._commas((value.real, value.imag))})"
        if isinstance(value, float) and not math.isfinite(value):
            sign, name = "-" * (value < 0), "nan" if math.isnan(value) else "inf"
            return f"{sign}{self.names.module('numpy')}.{name}"
        return text

    def _scalar(self, value: np.generic) -> str:
        number = value.item()
        if isinstance(number, np.generic):  # of more precision than Python's
            inner = f'"{value}"'
        elif isinstance(value, np.floating) and np.isfinite(value):
            inner = str(value)  # single precision in its own, shorter digits
        else:
            inner = self(number)
        return f"{self.names.of(type(value))}({inner})"

    def _array(self, value: np.ndarray[Any, Any]) -> str:
        if value.dtype.kind not in "biufc" or type(value) is not np.ndarray:
            return self.names.of(value)
        np_name = self.names.module("numpy")
        if value.size == 0:
            return f"{np_name}.zeros({self(value.shape)}, {self._dtype(value.dtype)})"
        default = value.dtype in (np.dtype(float), np.dtype(int), np.dtype(bool), np.dtype(complex))
        kind = "" if default else f", {self._dtype(value.dtype)}"
        return f"{np_name}.array({self(value.tolist())}{kind})"

    def _dtype(self, dtype: np.dtype[Any]) -> str:
        if dtype.isnative and np.dtype(dtype.type) == dtype:
            return self.names.of(dtype.type)
        description = _constant(dtype.str) if dtype.names is None else repr(dtype.descr)
        return f"{self.names.of(np.dtype)}({description})"


def display(texts: Sequence[str], is_tuple: bool) -> str:
    """Return a tuple or a list of items."""
    if not is_tuple:
        return f"[{', '.join(texts)}]"
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"


def _constant(value: Any) -> str:
    if isinstance(value, str):
        text = repr(value)
        if text.startswith("'") and '"' not in text:
            return '"' + text[1:-1].replace("\\'", "'") + '"'
        return text
    return "..." if value is Ellipsis else repr(value)
