"""Gradients for arguments of types seen before: call what was emitted, and hand over its result."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core import top_trace
from .._trees import is_container, leaves_of
from ..rules._central import has_nan
from ..source.alike import Alike, Lines, NoShortcut
from ..source.derived import Gradient
from ..source.program import Program
from ..source.repeated import Known
from ..source.shortcuts import called, read_outside
from ..source.signature import Place
from ._compiled_calls import Arguments, as_inexact


@dataclass(slots=True)
class Plan(Known):
    """How to call a gradient again for arguments of the same types."""

    looks: bool = True
    """Whether the shortcut tells by itself which calls are like this one."""


def plan_of(
    owner: Any,
    core: Gradient,
    arguments: Arguments,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    raw: Any,
    result: Any,
) -> Plan | None:
    """Return how to repeat a call, which gave ``raw`` and then ``result``; None: as it was made."""
    values = arguments.values
    if type(core.base) is not Program or top_trace([*leaves_of(list(values))]):
        return None
    spec = core.specialised(values)
    is_owned = spec.native is not None and spec.native.owns_results
    if spec.program.hidden and not is_owned:
        return None
    converted = conversions(core, owner.binder(args, kwargs), values)
    for looks in (True, False):
        try:
            lines = Lines()
            alike = Alike(lines, spec.program.static, converted, looks)
            passed = alike.call(owner.binder, args, kwargs)
            outside = read_outside(lines, spec.program)
            note = f"{lines.constant(owner)}.shown = {(made := lines.constant(core))}"
            lines.lines.append(f"{note}; {made}._last = {lines.constant(spec)}")
            found = called(lines, core, spec, values, passed, outside)
            late = f"return {lines.constant(owner.carefully)}(args, kwargs, {made}, {found})"
            writer = Result(lines, is_owned, passed, late)
            built = writer.of(raw, result, found, derivatives_in(core, raw, found))
            lines.lines.append(f"return {built}")
        except NoShortcut:
            continue
        shortcut = lines.function("args, kwargs", "gradient")
        return Plan(spec, core.call, shortcut=shortcut, looks=looks)
    return None


def conversions(
    core: Program, given: Sequence[Any], values: Sequence[Any]
) -> dict[Place, Callable[[Any], Any]]:
    """Return where values are passed in another type: integers, arrays without axes."""
    pairs = zip(core.places(given), core.places(values), strict=True)
    changed = {place: x for (place, x), (_, y) in pairs if _kind(x) != _kind(y)}
    return {place: float if type(x) is int else as_inexact for place, x in changed.items()}


def _kind(x: Any) -> Any:
    return type(x), x.dtype if isinstance(x, np.ndarray) else None


class Result:
    """Writes what turns one result into the other, and all others of these types.

    It goes the long way, by ``late``, where a gradient holds a NaN, or may share memory with an
    argument or another result. ``is_owned``: no array does.
    """

    def __init__(self, lines: Lines, is_owned: bool, passed: Sequence[str], late: str) -> None:
        self.lines = lines
        self.is_owned = is_owned
        self.passed = f"({''.join(f'{x}, ' for x in passed)})"
        self.late = late
        self.arrays: list[str] = []

    def of(self, raw: Any, result: Any, text: str, derivatives: Collection[str]) -> str:
        """Return the expression of the result; ``text`` is that of ``raw``.

        ``derivatives``: expressions of leaves that may be NaN.
        """
        placed, found = list(leaves_by_text(raw, text)), list(leaves_of(result))
        if len(placed) != len(found):
            raise NoShortcut
        leaves = [
            self._leaf(path, x, y, path in derivatives)
            for (path, x), y in zip(placed, found, strict=True)
        ]
        return self.tree(result, iter(leaves))

    def _leaf(self, path: str, raw: Any, result: Any, is_gradient: bool) -> str:
        """Return the expression of a leaf, tested before."""
        name = path if path.isidentifier() else self.lines.bind(path)
        if isinstance(result, np.ndarray):
            self._test_array(name, raw, result, is_gradient)
            return name
        if is_gradient and result is not None:
            self.lines.lines.append(f"if {name} != {name}: {self.late}")
        if isinstance(result, np.generic):  # machine code may give another type than NumPy
            return f"{self.lines.constant(type(result))}({name})"
        if type(raw) is not type(result):
            raise NoShortcut
        return name

    def _test_array(self, name: str, raw: Any, result: Any, is_gradient: bool) -> None:
        if type(raw) is not np.ndarray or raw.dtype != result.dtype or raw.ndim != result.ndim:
            raise NoShortcut
        tests = [nan_test(self.lines, name, result.ndim)] * is_gradient
        if not self.is_owned:
            others = "".join(f"{other}, " for other in self.arrays)
            shared = f"{self.lines.constant(_is_shared)}({name}, {self.passed}, ({others}))"
            tests += [f"{name}.dtype != {self.lines.constant(result.dtype)}", shared]
        if tests:
            self.lines.lines.append(f"if {' or '.join(tests)}: {self.late}")
        self.arrays.append(name)

    def tree(self, x: Any, leaves: Iterator[str]) -> str:
        """Return the expression of a result in its containers."""
        constant = self.lines.constant
        if type(x) is dict:
            items = [f"{constant(k)}: {self.tree(v, leaves)}" for k, v in x.items()]
            return f"{{{', '.join(items)}}}"
        if isinstance(x, (list, tuple)):
            items = [self.tree(v, leaves) for v in x]
            if type(x) is list:
                return f"[{', '.join(items)}]"
            if type(x) is tuple:
                return f"({''.join(f'{item}, ' for item in items)})"
            if hasattr(x, "_fields"):
                return f"{constant(type(x))}({', '.join(items)})"
        if is_container(x):
            raise NoShortcut
        return next(leaves)


def derivatives_in(core: Gradient, raw: Any, text: str) -> set[str]:
    """Return the expressions of the leaves of a gradient in a result."""
    _, has_aux, with_value = core.options
    part = f"{text}[1]" if with_value else f"{text}[0]" if has_aux else text
    return {path for path, _ in leaves_by_text(core.derivatives_in(raw), part)}


def nan_test(lines: Lines, name: str, ndim: int) -> str:
    """Return a quick test for a NaN; it may also find infinities."""
    if ndim != 1:
        return f"{lines.constant(has_nan)}({name})"
    few = f"{name}.size < 16"  # which Python adds up faster than NumPy is called
    return f"(s := sum({name}.tolist()) if {few} else {name}.dot({name})) != s"


def leaves_by_text(x: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a result with expressions that read them."""
    if isinstance(x, dict):
        for k, (key, value) in enumerate(x.items()):
            short = f"{path}[{key!r}]" if type(key) is str else f"[*{path}.values()][{k}]"
            yield from leaves_by_text(value, short)
    elif isinstance(x, (list, tuple)):
        for k, value in enumerate(x):
            yield from leaves_by_text(value, f"{path}[{k}]")
    else:
        yield path, x


def _is_shared(g: Any, args: Sequence[Any], others: Sequence[Any]) -> bool:
    """Tell whether an array may be memory of an argument or of another result."""
    given = [x for x in (*leaves_of(list(args)), *others) if isinstance(x, np.ndarray)]
    if g.base is None:
        return any([g is x for x in given])
    return isinstance(g.base, np.ndarray) or any([np.may_share_memory(g, x) for x in given])
