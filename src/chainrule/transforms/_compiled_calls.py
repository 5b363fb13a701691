"""The arguments and the results of derivatives of compiled functions."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .._trees import is_container, leaves_of, map_leaves, rebuild
from ..source import typestrings
from ..source.program import Program
from ..source.residuals import owned
from ..source.signature import Path, Place, Typed, replaced
from ..source.specialise import Specialisation, call_with
from ..source.two_sweeps import Split
from ._calls import Argnums, Call, inexact_dtype, is_differentiable, matching, name_of


class Derivative(Program):
    """A derivative of a Program, as the user holds it."""

    def __init__(self, program: Program, argnums: Argnums, name: str, *options: bool) -> None:
        super().__init__(program.fn, program.binder, program.backend, program.parallel)
        self.options = options
        del self.__dict__["__wrapped__"]  # it is not a decorated form of the function
        self.__signature__ = inspect.signature(program)
        self.program = program
        self.argnums = argnums
        self.__name__ = f"{name}({name_of(program)})"
        self.shown: Program | None = None

    def __repr__(self) -> str:
        return f"<Program {self.__name__}>"

    def __reduce__(self) -> Any:
        """Pickle as the derivative of the function."""
        return type(self), (self.program, self.argnums, *self.options)

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        """Look at the arguments of a call."""
        return arguments_of(self.program, Call(self.program, self.argnums, args, kwargs))

    def for_types(self, text: str) -> Program:
        """Make the program for arguments of given types, as in ``"f8[:,:], i8, i8=3"``."""
        return self.specialise(*stand_ins(typestrings.parse(text)))

    def resolved(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Resolved:
        """Return a Program that computes this derivative, and the values of its parameters."""
        raise NotImplementedError

    def call(self, values: Sequence[Any]) -> Any:
        """Return the derivative for a value of each parameter."""
        return call_with(self, self.binder.parameters, values, {})

    def specialised(self, values: Sequence[Any]) -> Specialisation:
        """Return the program that computes the derivative."""
        self.call(values)
        made = self._latest()
        assert isinstance(made, Specialisation)
        return made

    def _latest(self) -> Specialisation | Split:
        if self._last is None and self.shown is None:
            self._show_latest()
        return super()._latest() if self.shown is None else self.shown._latest()

    def _show_latest(self) -> None:
        """Make the program for the arguments of the last call of the function."""
        call_with(self.specialise, self.binder.parameters, self.stand_ins(), {})

    def stand_ins(self) -> Sequence[Any]:
        """Return arguments like those of the last call of the function."""
        return self.program.stand_ins()


_FIRST_SIZE = 53
"""Sizes of axes that are no numbers, from here on: small ones, for loops that are unrolled."""


def stand_ins(given: Sequence[Any]) -> list[Any]:
    """Return numbers and arrays of given types; the arrays hold hardly memory."""
    sizes: dict[Any, int] = {}
    taken = {n for x in given if isinstance(x, Typed) for n in x.type.sizes if isinstance(n, int)}
    free = (n for n in itertools.count(_FIRST_SIZE) if n not in taken)

    def stand_in(x: Any) -> Any:
        if not isinstance(x, Typed):
            return x
        assert x.type.dtype is not None
        one = x.type.dtype.type(1)
        if not x.type.is_array:
            return one.item() if x.type.kind == "python" else one
        return np.broadcast_to(one, tuple(map(numbered, x.type.sizes)))

    def numbered(size: Any) -> int:
        if size not in sizes:
            sizes[size] = size if isinstance(size, int) else next(free)
        return sizes[size]

    return [stand_in(x) for x in given]


Resolved = tuple[Program, Sequence[Any]]


def resolve(program: Program, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Resolved:
    """Return the Program behind a Program or its gradient, and the values of its parameters."""
    if isinstance(program, Derivative):
        return program.resolved(args, kwargs)
    return program, program.binder(args, kwargs)


def arguments_of(program: Program, call: Call) -> Arguments:
    """Look at the arguments of a call."""
    core, values = resolve(program, tuple(call.args), call.kwargs)
    return Arguments(core, values, call)


class Arguments:
    """The arguments of a derivative of a Program: values in normal form, places of the leaves."""

    def __init__(self, core: Program, values: Sequence[Any], call: Call) -> None:
        self.call = call
        self.core = core
        self.prefixes = [self._prefix(slot) for slot in call.slots]
        self.primals = call.primals()
        found = {
            (name, (*path, *inner)): as_inexact(leaf)
            for (name, path), primal in zip(self.prefixes, self.primals, strict=True)
            for inner, leaf in placed(primal)
            if is_differentiable(leaf)
        }
        self.places: list[Place] = list(found)
        """Of the leaves that can be differentiated, argument by argument."""
        self.values = [
            replaced(value, name, (), found)
            for name, value in zip(self.core.binder.names, values, strict=True)
        ]

    def _prefix(self, slot: int | str) -> Place:
        """Return where an argument went: to a parameter, or into ``*args`` or ``**kwargs``."""
        parameters = self.core.root.binder.parameters
        if isinstance(slot, int):
            for k, p in enumerate(parameters):
                if p.kind == "variadic positional":
                    return p.name, (("item", slot - k),)
                if k == slot:
                    return p.name, ()
        for p in parameters:
            if p.name == slot and p.kind != "variadic keyword":
                return p.name, ()
        (name,) = [p.name for p in parameters if p.kind == "variadic keyword"]
        return name, (("item", slot),)

    def gradients(self, trees: Sequence[Any]) -> list[Any]:
        """Give derivatives the containers of the arguments, and the dtypes of their leaves."""
        return [
            rebuild(primal, iter(settled(leaves_of(tree), leaves_of(primal))))
            for primal, tree in zip(self.primals, trees, strict=True)
        ]

    def gathered(self, flat: Sequence[Any]) -> list[Any]:
        """Put derivatives, one per place, into containers like the arguments."""
        given = iter(flat)
        return [
            map_leaves(lambda x: next(given) if is_differentiable(x) else None, primal)
            for primal in self.primals
        ]

    def dots(self, tangents: Sequence[Any]) -> list[Any]:
        """Return one tangent per place, checked against the primals."""
        return [
            dot
            for primal, given in zip(self.primals, tangents, strict=True)
            for leaf, dot in zip(leaves_of(primal), matching(given, primal, "tangent"), strict=True)
            if is_differentiable(leaf)
        ]


def placed(x: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the leaves of an argument, in the order of ``leaves_of``, with their paths."""
    if not is_container(x):
        yield path, x
    elif isinstance(x, dict):
        for key, value in x.items():
            yield from placed(value, (*path, ("item", key)))
    elif isinstance(x, (list, tuple)):
        for k, value in enumerate(x):
            yield from placed(value, (*path, ("item", k)))
    else:
        for field in dataclasses.fields(x):
            if field.init:
                yield from placed(getattr(x, field.name), (*path, ("attr", field.name)))


def as_inexact(x: Any) -> Any:
    """Return a leaf to differentiate by: integers count as float64, 0-d arrays as scalars."""
    if type(x) is int:
        return float(x)
    if isinstance(x, (np.ndarray, np.generic)):
        x = x.astype(float) if x.dtype.kind in "iu" else x
        return x[()] if x.ndim == 0 and isinstance(x, np.ndarray) else x
    return x


def settled(derivatives: Iterable[Any], values: Iterable[Any]) -> Iterator[Any]:
    """Give derivatives the dtypes of their values; None where there is none."""
    for derivative, value in zip(derivatives, values, strict=True):
        yield settle(derivative, value) if is_differentiable(value) else None


def settle(derivative: Any, value: Any) -> Any:
    """Give a derivative the dtype of its value; Python's numbers become NumPy's."""
    dtype = inexact_dtype(value)
    if not hasattr(derivative, "dtype"):
        return dtype.type(derivative)
    if derivative.dtype != dtype:
        derivative = derivative.astype(dtype)
    return derivative[()] if type(derivative) is np.ndarray and not derivative.ndim else derivative


def own(tree: Any, program: Program, values: Sequence[Any], more: Any = ()) -> Any:
    """Copy the arrays of a result that may be memory of the caller, or of each other."""
    seen = {id(x) for _, x in program.places(values)} | program.hidden_arrays()
    seen |= {id(x) for x in leaves_of(more)}
    return map_leaves(_as_numpys, owned(tree, seen))


def _as_numpys(x: Any) -> Any:
    return np.asarray(x)[()] if type(x) in (float, complex) else x
