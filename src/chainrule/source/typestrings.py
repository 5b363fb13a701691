"""Types of arguments written as text: ``f8[:,:], i8, i8=3``."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .signature import Typed
from .types import Type, unknown_size

_PYTHON = {"f8": float, "i8": int, "c16": complex, "b1": bool}
_ARGUMENT = re.compile(
    r"\s*(?P<dtype>[a-z]\w*)\s*(?P<sizes>\[[^\]]*\])?\s*(=\s*(?P<value>[^,]+))?\s*"
)


def parse(text: str) -> list[Any]:
    """Return what stands for each argument.

    ``f8[:,:]`` is an array of two axes, ``f8[n,n]`` a square one, ``f8[n,3]`` one with three
    columns; ``f8`` is a float, ``i8`` an int; ``i8=3`` is the int 3.

    >>> [str(given.type) for given in parse("f8[:,n], i8")]
    ['f8[:, :]', 'pyi8']
    >>> parse("i8=3, b1=False")
    [3, False]
    """
    found = []
    end = 0
    while end < len(text):
        match = _ARGUMENT.match(text, end)
        if match is None or text[match.end() : match.end() + 1] not in ("", ","):
            raise _error(text)
        found.append(_argument(match, text))
        end = match.end() + 1
    return found


def _argument(match: re.Match[str], text: str) -> Any:
    dtype, sizes, value = match["dtype"], match["sizes"], match["value"]
    try:
        parsed = np.dtype(dtype)
    except TypeError:
        raise _error(text) from None
    if value is not None:
        if dtype not in _PYTHON or sizes is not None:
            raise _error(text)
        return value.strip() == "True" if dtype == "b1" else _PYTHON[dtype](value)
    if sizes is None:
        kind = "python" if dtype in _PYTHON else "scalar"
        return Typed(Type(kind, parsed))
    entries = [entry.strip() for entry in sizes[1:-1].split(",") if entry.strip()]
    return Typed(Type("array", parsed, tuple(_size(entry) for entry in entries)))


def _size(entry: str) -> Any:
    if entry == ":":
        return unknown_size()
    return int(entry) if entry.isdigit() else entry


def _error(text: str) -> ArgumentError:
    return ArgumentError(
        f"{text!r} are no types of arguments",
        "write NumPy's names with a colon per axis: 'f8[:,:], i8', or a value: 'i8=3'",
        "<types>:0",
    )
