"""Functions to which lowering gives a meaning of its own: builtins, constructors, ``np.shape``."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from ..values import Value

Handler = Callable[[Any, list[Value], dict[str, Value]], Value]

INTRINSICS: dict[Any, Handler] = {}
"""Function -> ``handler(state, args, kwargs) -> Value``."""


def intrinsic(*functions: Any) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Register ``handler(state, *args, **kwargs)`` as the meaning of some functions."""

    def register(handler: Callable[..., Value]) -> Callable[..., Value]:
        def call(state: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
            return handler(state, *args, **kwargs)

        for function in functions:
            INTRINSICS[function] = call
        return handler

    return register


def set_transforms(**functions: Any) -> None:
    """Say which public functions take derivatives: ``grad``, ``jvp``, ..."""

    def meaning(name: str) -> Handler:
        def call(state: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
            from .nested import HANDLERS

            found: Value = HANDLERS[name](state, *args, **kwargs)
            return found

        return call

    INTRINSICS.update({function: meaning(name) for name, function in functions.items()})


_MODULES = (
    *(
        "builtins",
        "classes",
        "collected",
        "constructors",
        "elementwise",
        "inplace",
        "iterables",
        "layouts",
        "mathematics",
        "methods",
    ),
    *("numbers", "ordering", "refusals", "tables"),
)


@functools.cache
def load() -> None:
    """Import the modules that register functions; they need the whole interpreter."""
    for name in _MODULES:
        importlib.import_module(f".{name}", __package__)
