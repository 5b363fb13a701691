"""Give ``Node`` its operators: the generated code itself, made when an operator is first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import TABLE
from . import alias, stores
from .dispatch import ENTRIES
from .generate import generate
from .node import Node

_OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "pow": np.power,
    "matmul": np.matmul,
}


def _at_first_use(method: str, ufunc: Any, reflected: bool) -> Callable[..., Any]:
    def operator(*operands: Any) -> Any:
        entry = ENTRIES[ufunc]
        made = generate(TABLE[ufunc], reflected=True) if reflected else entry
        setattr(Node, method, made)
        return made(*operands)

    return operator


def install() -> None:
    """Set the operators of ``Node``."""
    for name, ufunc in _OPERATORS.items():
        setattr(Node, f"__{name}__", _at_first_use(f"__{name}__", ufunc, reflected=False))
        setattr(Node, f"__r{name}__", _at_first_use(f"__r{name}__", ufunc, reflected=True))
    Node.__neg__ = _at_first_use("__neg__", np.negative, reflected=False)  # type: ignore[method-assign]
    Node.__getitem__ = alias.getitem  # type: ignore[method-assign,assignment]
    Node.__setitem__ = stores.setitem  # type: ignore[method-assign,assignment]
    Node.assign = stores.assign  # type: ignore[method-assign,assignment]


install()
