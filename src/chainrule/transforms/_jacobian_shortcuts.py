"""Shortcuts of Jacobians of compiled functions: of real numbers and arrays, by such."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._trees import is_container, leaves_of
from ..rules._central import has_nan
from ..source.alike import NoShortcut
from ..source.native.leaving import Leave
from ..source.shortcuts import Shortcut
from ..source.specialise import infinite_slopes
from ._compiled_calls import Arguments
from ._plans import Result
from ._shortcuts import Writing, is_real

Flat = list[np.ndarray[Any, Any]]


def jacobian_shortcut(
    owner: Any, arguments: Arguments, out: Any, result: Any, forward: bool
) -> Shortcut:
    """Return the shortcut for Jacobians like one; ``out`` is the result of the function."""
    writing = Writing(owner, arguments)
    lines, leafwise = writing.lines, writing.leafwise
    inputs = [leafwise.places.index(place) for place in arguments.places]
    examples = writing.examples()
    outs = list(leaves_of(out))
    if not all(map(is_real, [*outs, *(examples[k] for k in inputs)])):
        raise NoShortcut
    if not forward and is_container(out):
        raise NoShortcut
    writing.alike.call(owner.binder, arguments.call.args, arguments.call.kwargs)
    leaves = writing.leaves()
    function: Callable[..., Flat | None]
    if forward:
        function = _Columns(leafwise.tangent(arguments.places), inputs, out)
        made: Any = writing.spec.tangent(arguments.places)
    else:
        writing.must_not_change()
        made = writing.spec.split(arguments.places)
        function = _Rows(writing, made, inputs)
    texts = f"[{', '.join(leaves)}], [{', '.join(writing.outside)}]"
    found = lines.bind(f"{lines.constant(function)}({texts})", "j")
    lines.require(f"{found} is not None")
    lines.lines.append(f"{lines.constant(owner)}._last = {lines.constant(made)}")
    count = itertools.count()
    parts = ["None" if x is None else f"{found}[{next(count)}]" for x in leaves_of(result)]
    lines.lines.append(f"return {Result(lines, True, (), '').tree(result, iter(parts))}")
    return lines.function("args, kwargs", "jacobian")


def dtype_of(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else np.dtype(float)


class _Units:
    """Unit vectors in the shape of a value; few ones are kept, nobody changes them."""

    _FEW = 64

    def __init__(self) -> None:
        self.kept: dict[Any, list[Any]] = {}

    def of(self, x: Any) -> list[Any]:
        if not isinstance(x, np.ndarray):
            return [dtype_of(x).type(1)]
        key = x.shape, x.dtype
        units = self.kept.get(key)
        if units is None:
            units = [*np.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape)]
            if x.size <= self._FEW:
                self.kept = {**self.kept, key: units}
        return units


def _checked(jacobians: Flat) -> Flat | None:
    """Return Jacobians; None where one holds a NaN, which other programs have to look at."""
    return None if any(map(has_nan, jacobians)) else jacobians


class _Columns:
    """Jacobians from one tangent per element of the inputs, at certain places of the leaves.

    ``out`` is like the results of the function.
    """

    def __init__(self, front: Callable[..., Any], inputs: Sequence[int], out: Any) -> None:
        self.front = front
        self.inputs = inputs
        self.dtypes = [dtype_of(x) for x in leaves_of(out)]
        self.is_whole = not is_container(out)
        self.units = _Units()

    def __call__(self, leaves: list[Any], outside: list[Any]) -> Flat | None:
        given = [leaves[k] for k in self.inputs]
        rest = [_zeros(x) for x in given] if len(given) > 1 else given
        blocks: list[Flat] = []
        for k, x in enumerate(given):
            front, before, after = self.front, rest[:k], (*rest[k + 1 :], *outside)
            columns = [front(*leaves, *before, unit, *after)[1] for unit in self.units.of(x)]
            if not columns:
                return None
            if self.is_whole:
                blocks.append([_joined(columns, x, self.dtypes[0])])
            else:
                parts = zip(zip(*map(leaves_of, columns), strict=True), self.dtypes, strict=True)
                blocks.append([_joined(part, x, dtype) for part, dtype in parts])
        return _checked([block for row in zip(*blocks, strict=True) for block in row])


def _joined(columns: Sequence[Any], x: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """Return the Jacobian by one input, the axes of which come last."""
    rows = np.array(columns, dtype)
    inner = rows.shape[1:]
    if inner:
        rows = rows.reshape(len(columns), -1).T.copy()
    return rows.reshape(inner + _shape(x))


def _shape(x: Any) -> tuple[int, ...]:
    return x.shape if isinstance(x, np.ndarray) else ()  # np.shape of a float makes an array


def _zeros(x: Any) -> Any:
    return np.zeros(x.shape, x.dtype) if isinstance(x, np.ndarray) else dtype_of(x).type(0)


class _Rows:
    """Jacobians from one run of the function, and the way back for each element of its result."""

    def __init__(self, writing: Writing, made: Any, inputs: Sequence[int]) -> None:
        self.run = made.forward.call
        self.back = made.reverse.function
        self.names = writing.core.binder.names
        self.gathered = writing.leafwise.gathering()
        self.outside = writing.leafwise.outside
        self.inputs = inputs
        self.units = _Units()

    def __call__(self, leaves: list[Any], outside: list[Any]) -> Flat | None:
        hidden = dict(zip(self.outside, outside, strict=True))
        try:
            with infinite_slopes():
                out, residuals = self.run(self.names, self.gathered(*leaves), hidden)
                rows = [self.back(*residuals, unit) for unit in self.units.of(out)]
        except Leave:
            return None
        if not rows:
            return None
        found = []
        for k, column in zip(self.inputs, zip(*rows, strict=True), strict=True):
            x = leaves[k]
            found.append(np.array(column, dtype_of(x)).reshape(_shape(out) + _shape(x)))
        return _checked(found)
