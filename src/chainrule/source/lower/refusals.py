"""Functions of Python that are refused by name: they act on the interpreter or the world."""

from __future__ import annotations

import builtins
import collections
from typing import Any

from ..values import Value
from .intrinsics import intrinsic
from .state import State

_ADVICE = {
    "exec": "write the statements in the function",
    "eval": "write the expression in the function",
    "compile": "write the code in the function",
    "locals": "use the names of the variables",
    "globals": "use the names of the variables",
    "vars": "name the attributes one by one",
    "dir": "name the attributes one by one",
    "setattr": "keep the value in a local variable and return it",
    "delattr": "keep the values in local variables",
    "__import__": "import the module at the top of the file",
    "open": "read or write the file outside of the function, and pass what it holds",
    "input": "ask outside of the function, and pass the answer",
    "breakpoint": "stop in the function itself, called without cr.compile",
    "memoryview": "use slices of arrays",
    "bytearray": "use an array",
    "ChainMap": "use a dict",
}


def _refuse(fn: Any, advice: str) -> None:
    def refuse(state: State, *args: Value, **kwargs: Value) -> Value:
        raise state.error(f"{fn.__name__} is not in the language of the source engine", advice)

    intrinsic(fn)(refuse)


for _name, _advice in _ADVICE.items():
    _refuse(getattr(builtins, _name, None) or getattr(collections, _name), _advice)
