"""Calls in normal form: Python binds the arguments of a function to a flat tuple, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any


def binder(parameters: Sequence[inspect.Parameter]) -> Callable[..., tuple[Any, ...]]:
    """Make ``bind(a, axis=None) -> (a, axis)``: Python's own argument binding, at its speed."""
    names = ", ".join("*" + p.name if p.kind is p.VAR_POSITIONAL else p.name for p in parameters)
    return _lambda(parameters, f"({names},)", {})


def caller(fn: Callable[..., Any], parameters: Sequence[inspect.Parameter]) -> Callable[..., Any]:
    """Make ``call(a, axis) -> fn(a, axis=axis)``: flat arguments back to a call."""
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        params = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]

        def call_variadic(*args: Any) -> Any:
            split = len(args) - len(params)
            return fn(*args[:split], **dict(zip(params, args[split:], strict=True)))

        return call_variadic
    names = ", ".join(p.name for p in parameters)
    call = ", ".join(_as_argument(p) for p in parameters)
    space: dict[str, Any] = {"fn": fn}
    made: Callable[..., Any] = eval(_code(f"lambda {names}: fn({call})"), space)
    return made


def _code(source: str) -> Any:
    """Compile, under a file name that ``errors.user_location`` passes over."""
    return compile(source, "<chainrule call>", "eval")


def _as_argument(p: inspect.Parameter) -> str:
    return p.name if p.default is p.empty else f"{p.name}={p.name}"


def _lambda(
    parameters: Sequence[inspect.Parameter], body: str, space: dict[str, Any]
) -> Callable[..., Any]:
    """Make a lambda with the given parameters, defaults included."""
    parts = []
    for text, p in _signature(parameters):
        if p is not None and p.default is not p.empty:
            space[f"default_{p.name}"] = p.default
            text += f"=default_{p.name}"
        parts.append(text)
    made: Callable[..., Any] = eval(_code(f"lambda {', '.join(parts)}: {body}"), space)
    return made


def _signature(
    parameters: Sequence[inspect.Parameter],
) -> Iterator[tuple[str, inspect.Parameter | None]]:
    star = False
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            star = True
            yield "*" + p.name, None
            continue
        if p.kind is p.KEYWORD_ONLY and not star:
            star = True
            yield "*", None
        yield p.name, p
