"""Parsing, one thread at a time."""

from __future__ import annotations

import ast
import threading
from typing import Any

_LOCK = threading.Lock()


def parse(text: str, mode: str = "exec") -> Any:
    """Return the syntax tree of a text, as ``ast.parse``.

    CPython up to 3.12 counts the depth of the tree that it makes in one place for all threads, and
    raises SystemError where two of them meet (https://github.com/python/cpython/issues/106905).

    >>> ast.unparse(parse("x  +  1", mode="eval"))
    'x + 1'
    """
    with _LOCK:
        return ast.parse(text, mode=mode)
