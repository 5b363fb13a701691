"""The arguments of a differentiated call, and the checks that they must pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import DERIVATIVE_OF, Tracer, means_otherwise
from .._trees import is_container, leaves_of, matched_leaves
from ..errors import ArgumentError, ShapeError

Function = Callable[..., Any]
Argnums = int | str | Sequence[int | str]


def is_differentiable(leaf: Any) -> bool:
    """Tell whether a leaf can be differentiated by: a number or an array of numbers, not bool."""
    if isinstance(leaf, Tracer):
        return True
    if isinstance(leaf, (bool, np.bool_)):
        return False
    if isinstance(leaf, np.ndarray):
        if means_otherwise(leaf):
            raise ArgumentError(
                f"A {type(leaf).__name__} among the arguments: its own meaning of operations has "
                "no derivative rules",
                "pass a plain array: np.asarray(x), or x.filled(...) and the mask as an argument",
            )
        return leaf.dtype.kind in "iufc"
    return isinstance(leaf, (int, float, complex, np.number))


class Call:
    """The arguments of one call, of which some are differentiated."""

    def __init__(
        self, f: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.f = f
        self.args = list(args)
        self.kwargs = dict(kwargs)
        self.single = isinstance(argnums, (int, str))
        wanted = [argnums] if isinstance(argnums, (int, str)) else list(argnums)
        self.slots = [self._slot(n) for n in wanted]
        if len(set(self.slots)) < len(self.slots):
            raise ArgumentError(
                f"argnums={argnums!r} names an argument twice", "name each argument once"
            )
        for slot in self.slots:
            if not any(is_differentiable(leaf) for leaf in leaves_of(self[slot])):
                raise ArgumentError(
                    f"Argument {slot!r} of {name_of(f)} has nothing to differentiate by: "
                    f"{describe(self[slot])}",
                    "pass a float, a NumPy array or a container of them, or name another argument "
                    "by argnums=",
                )

    def _slot(self, n: int | str) -> int | str:
        """Return where argument ``n`` is: its position, or its keyword."""
        if isinstance(n, str):
            if n in self.kwargs:
                return n
            names = list(inspect.signature(self.f).parameters)
            if n in names and names.index(n) < len(self.args):
                return names.index(n)
        elif -len(self.args) <= n < len(self.args):
            return n % len(self.args)
        else:
            names = list(inspect.signature(self.f).parameters)
            if 0 <= n < len(names) and names[n] in self.kwargs:
                return names[n]
        parameters = inspect.signature(self.f).parameters
        if (
            isinstance(n, str)
            and n in parameters
            and parameters[n].default is not inspect.Parameter.empty
        ):
            raise ArgumentError(
                f"argnums={n!r}, but that argument of {name_of(self.f)} was left at its default",
                f"pass it in the call: {n}={parameters[str(n)].default!r}",
            )
        raise ArgumentError(
            f"argnums={n!r}, but {name_of(self.f)} was called with {len(self.args)} positional "
            f"arguments and the keywords {sorted(self.kwargs)}",
            "give the argument in the call, or another argnums",
        )

    def __getitem__(self, slot: int | str) -> Any:
        return self.args[slot] if isinstance(slot, int) else self.kwargs[slot]

    def primals(self) -> list[Any]:
        """Return the differentiated arguments."""
        return [self[slot] for slot in self.slots]

    def run(self, traced: Sequence[Any]) -> Any:
        """Call the function with its differentiated arguments replaced."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for slot, value in zip(self.slots, traced, strict=True):
            if isinstance(slot, int):
                args[slot] = value
            else:
                kwargs[slot] = value
        return self.f(*args, **kwargs)

    def result(self, gradients: list[Any]) -> Any:
        """Return one gradient for one argnum, else a tuple."""
        return gradients[0] if self.single else tuple(gradients)


def derivative_of(made: Function, transform: str, f: Function, *options: Any) -> Function:
    """Note on a derivative what it is one of: options are ``argnums`` and ``has_aux``."""
    setattr(made, DERIVATIVE_OF, (transform, f, *options))
    return made


def name_of(f: Function) -> str:
    return getattr(f, "__name__", repr(f))


def describe(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"an array of shape {x.shape} and dtype {x.dtype}"
    return f"{x!r} of type {type(x).__name__}" if not is_container(x) else f"{type(x).__name__}"


def check_argnums(argnums: Any, name: str) -> None:
    """Refuse what names no arguments: most often the argument itself, given too early."""
    several = argnums if isinstance(argnums, (tuple, list, range)) else [argnums]
    if not all(isinstance(n, (int, str)) and not isinstance(n, bool) for n in several):
        raise ArgumentError(
            f"{name}(f, argnums={describe(argnums)}): that is no position or name of an argument",
            f"cr.{name}(f)(x), or argnums=0, argnums=(0, 1), argnums='x'",
        )


def check_callable(f: Any, name: str) -> None:
    if not callable(f):
        raise ArgumentError(
            f"{name} takes a function, not {describe(f)}", f"cr.{name}(f)(x), or cr.{name}(f, ...)"
        )


def matching(given: Any, tree: Any, what: str) -> list[Any]:
    """Return the leaves of a tangent or cotangent, checked against those of the value."""
    leaves = list(leaves_of(tree))
    try:
        found = list(matched_leaves(tree, given))
    except ValueError as error:
        raise ArgumentError(
            f"The {what} has not the structure of its value: expected {error}, "
            f"got {describe(given)}",
            f"give a {what} of the same containers, with None where it is zero",
        ) from None
    return [as_like(x, leaf, what) for x, leaf in zip(found, leaves, strict=True)]


def as_like(x: Any, leaf: Any, what: str) -> Any:
    """Check one tangent or cotangent; convert it to the dtype of its value."""
    if not is_differentiable(leaf):
        return None
    shape = np.shape(leaf)
    dtype = inexact_dtype(leaf)
    if x is None:
        return np.zeros(shape, dtype)[()]
    if not isinstance(x, (Tracer, np.ndarray)):
        try:
            x = np.asarray(x)
        except ValueError:
            raise ShapeError(
                f"The {what} is a ragged list", f"give a {what} of shape {shape}"
            ) from None
    if x.shape != shape:
        raise ShapeError(
            f"The {what} has shape {x.shape}, its value {shape}",
            f"give a {what} of shape {shape}: np.ones({shape}) for the sum of all outputs",
        )
    if x.dtype.kind == "c" and dtype.kind != "c":
        raise ArgumentError(
            f"A complex {what} for a real value", f"give a real {what}, or make the value complex"
        )
    if x.dtype != dtype:
        x = x.astype(dtype)
    return x if isinstance(x, Tracer) or x.ndim else x[()]


def inexact_dtype(leaf: Any) -> np.dtype[Any]:
    dtype = np.dtype(leaf.dtype) if hasattr(leaf, "dtype") else np.result_type(leaf)
    return dtype if dtype.kind in "fc" else np.dtype(float)
