"""The statements that the interpreter runs, as functions in a text of their own.

Each takes the objects of the call, then numbers and arrays; it returns numbers and arrays. They
are handed to the machine code at each call, which knows their numbers alone.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np

from .. import ir
from ..emit import statement_text
from ..helpers import helper_texts
from ..layout import INDENT, wrap
from ..names import Names
from ..spelling import Speller
from ..types import Type
from .code import Python
from .exact import without_marks
from .state import NotNative


class Pieces:
    """The functions of one kernel; ``taken``: names that have a meaning in its statements."""

    def __init__(self, taken: Set[str]) -> None:
        self.names = Names({*taken, "objects"})
        self.spell = Speller(self.names)
        self.functions: list[str] = []
        self.results: dict[str, tuple[int, tuple[Type, ...]]] = {}
        """Names of the functions -> how much they take besides the objects, types of results."""

    def add(self, s: Python) -> tuple[str, list[str]]:
        """Write a function; return its name, and what it takes besides the objects."""
        name = self.names.free(f"by_python_{len(self.functions) + 1}")
        given = _numbers_of(s)
        lines = wrap(f"def {name}({', '.join(['objects', *given])}):")
        lines += [f"{INDENT}{held} = objects[{held!r}]" for held in s.reads]
        lines += wrap(statement_text(without_marks(s.statement), self.spell), INDENT)
        lines += [f"{INDENT}objects[{held!r}] = {held}" for held in s.keeps]
        returned = ", ".join(self._converted(name, type_) for name, type_ in s.results)
        lines += wrap(f"return {returned}", INDENT) if returned else []
        types = ", ".join(numba_type(type_) for _, type_ in s.results)
        self.functions.append("\n".join([f"# gives {types or 'nothing'}", *lines]))
        self.results[name] = len(given), tuple(type_ for _, type_ in s.results)
        return name, given

    def text(self) -> str:
        """Return the text of all functions, "" where there are none."""
        if not self.functions:
            return ""
        helpers = helper_texts(self.names)  # may need further imports
        imports = "\n".join(self.names.imports())
        return "\n\n\n".join(filter(None, [imports, *helpers, *self.functions])) + "\n"

    def _converted(self, name: str, type_: Type) -> str:
        assert type_.dtype is not None
        if type_.is_array and type_.ndim:
            dtype = f"{self.names.of(np.dtype)}({type_.dtype.name!r})"
            return f"{self.names.of(np.ascontiguousarray)}({name}, {dtype})"
        convert: dict[str, Any] = {"b": bool, "i": int, "u": int, "f": float, "c": complex}
        return f"{self.names.of(convert[type_.dtype.kind])}({name})"


def _numbers_of(s: Python) -> list[str]:
    """Return the numbers and arrays that a statement for the interpreter reads."""
    read = {
        e.name: None
        for expr in ir.expressions(s.statement)
        for e in ir.walk(expr)
        if isinstance(e, ir.Var) and e.name not in s.reads
    }
    return list(read)


def supported(dtype: np.dtype[Any]) -> None:
    """Raise ``NotNative`` for numbers that Numba does not know."""
    if dtype == np.dtype(np.float16) or dtype.itemsize > 16 or dtype.name == "longdouble":
        raise NotNative(f"Numba has no arithmetic of {dtype}")


def numba_type(type_: Type) -> str:
    """Return Numba's name of a type."""
    assert type_.dtype is not None
    supported(type_.dtype)
    name = "boolean" if type_.dtype.kind == "b" else type_.dtype.name
    if not type_.is_array or not type_.ndim:
        return name
    return f"{name}[{', '.join([':'] * (type_.ndim - 1) + ['::1'])}]"
