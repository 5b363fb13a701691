"""Gradients for arguments of types seen before: call what was emitted, and hand over its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core import top_trace
from .._trees import is_container, leaves_of
from ..rules._central import has_nan
from ..source.derived import Gradient
from ..source.program import Program
from ..source.repeated import Known
from ._compiled_calls import Arguments, as_inexact

Finish = Callable[[Any, Sequence[Any]], Any]
"""From the result of the emitted function, and its arguments, to what the user gets; else None."""


@dataclass(slots=True)
class Plan(Known):
    """How to call a gradient again for arguments of the same types."""

    core: Gradient
    converted: list[int]
    """Of which arguments the values are passed in another type: integers, arrays without axes."""
    finish: Finish

    def __call__(self, given: Sequence[Any]) -> tuple[Any, Sequence[Any], Any]:
        """Run it; return what comes out, the values that went in, and the result or None."""
        values = given
        if self.converted:
            values = list(given)
            for k in self.converted:
                values[k] = as_inexact(values[k])
        raw = self.function(*values)
        return raw, values, self.finish(raw, values)


def plan_of(
    core: Gradient, arguments: Arguments, given: Sequence[Any], raw: Any, result: Any
) -> Plan | None:
    """Return how to repeat a call, which gave ``raw`` and then ``result``; None: as it was made."""
    values = arguments.values
    pairs = list(zip(given, values, strict=True))
    converted = [k for k, (a, b) in enumerate(pairs) if not _is_same(a, b)]
    inside = any(_is_same(given[k], as_inexact(given[k])) for k in converted)
    if type(core.base) is not Program or inside or top_trace([*leaves_of(list(values))]):
        return None
    spec = core.specialised(values)
    is_owned = spec.native is not None and spec.native.owns_results
    function = Program.repeating(core, spec, values)
    if function is None or (spec.program.hidden and not is_owned):
        return None
    finish = _Text(is_owned).function(core, raw, result)
    return finish and Plan(spec, function, core, converted, finish)


def _is_same(a: Any, b: Any) -> bool:
    """Tell whether two arguments have the same leaves."""
    left, right = list(leaves_of(a)), list(leaves_of(b))
    return len(left) == len(right) and all(x is y for x, y in zip(left, right, strict=True))


class _Text:
    """Writes a function that turns one result into the other, and all others of these types.

    It returns None where the long way has to be gone: where a gradient holds a NaN, or may share
    memory with an argument or another result. ``is_owned``: no array does.
    """

    def __init__(self, is_owned: bool) -> None:
        self.is_owned = is_owned
        self.space: dict[str, Any] = {"has_nan": has_nan, "is_shared": _is_shared}
        self.lines: list[str] = []
        self.arrays: list[str] = []

    def function(self, core: Gradient, raw: Any, result: Any) -> Finish | None:
        """Return the function; None where there is none."""
        _, has_aux, with_value = core.options
        part = "raw[1]" if with_value else "raw[0]" if has_aux else "raw"
        gradients = {path for path, _ in _placed(core.derivatives_in(raw), part)}
        placed = list(_placed(raw, "raw"))
        found = list(leaves_of(result))
        try:
            leaves = [
                self._leaf(path, x, y, path in gradients)
                for (path, x), y in zip(placed, found, strict=True)
            ]
            built = self._tree(result, iter(leaves))
        except (TypeError, ValueError):
            return None
        text = "\n    ".join(["def finish(raw, args):", *self.lines, f"return {built}"])
        exec(compile(text, "<chainrule result>", "exec"), self.space)
        finish: Finish = self.space["finish"]
        return finish

    def _leaf(self, path: str, raw: Any, result: Any, is_gradient: bool) -> str:
        """Return the expression of a leaf, tested before."""
        name = f"x{len(self.space)}"
        self.space[name] = None  # taken
        self.lines.append(f"{name} = {path}")
        if isinstance(result, np.ndarray):
            self._test_array(name, raw, result, is_gradient)
            return name
        if is_gradient and result is not None:
            self.lines.append(f"if {name} != {name}: return None")
        if type(raw) is type(result):
            return name
        if not isinstance(result, np.generic):
            raise TypeError
        return f"{self._constant(type(result))}({name})"

    def _test_array(self, name: str, raw: Any, result: Any, is_gradient: bool) -> None:
        if type(raw) is not np.ndarray or raw.dtype != result.dtype or raw.ndim != result.ndim:
            raise TypeError
        tests = [_nan_test(name, result.ndim)] * is_gradient
        if not self.is_owned:
            others = "".join(f"{other}, " for other in self.arrays)
            tests += [
                f"{name}.dtype != {self._constant(result.dtype)}",
                f"is_shared({name}, args, ({others}))",
            ]
        if tests:
            self.lines.append(f"if {' or '.join(tests)}: return None")
        self.arrays.append(name)

    def _tree(self, x: Any, leaves: Iterator[str]) -> str:
        """Return the expression of a result in its containers."""
        if type(x) is dict:
            items = [f"{self._constant(k)}: {self._tree(v, leaves)}" for k, v in x.items()]
            return f"{{{', '.join(items)}}}"
        if isinstance(x, (list, tuple)):
            items = [self._tree(v, leaves) for v in x]
            if type(x) is list:
                return f"[{', '.join(items)}]"
            if type(x) is tuple:
                return f"({''.join(f'{item}, ' for item in items)})"
            if hasattr(x, "_fields"):
                return f"{self._constant(type(x))}({', '.join(items)})"
        if is_container(x):
            raise TypeError
        return next(leaves)

    def _constant(self, value: Any) -> str:
        name = f"c{len(self.space)}"
        self.space[name] = value
        return name


def _nan_test(name: str, ndim: int) -> str:
    """Return a quick test for a NaN; it may also find infinities."""
    if ndim != 1:
        return f"has_nan({name})"
    few = f"{name}.size < 16"  # which Python adds up faster than NumPy is called
    return f"(s := sum({name}.tolist()) if {few} else {name}.dot({name})) != s"


def _placed(x: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a result with expressions that read them."""
    if isinstance(x, dict):
        for k, (key, value) in enumerate(x.items()):
            short = f"{path}[{key!r}]" if type(key) is str else f"[*{path}.values()][{k}]"
            yield from _placed(value, short)
    elif isinstance(x, (list, tuple)):
        for k, value in enumerate(x):
            yield from _placed(value, f"{path}[{k}]")
    else:
        yield path, x


def _is_shared(g: Any, args: Sequence[Any], others: Sequence[Any]) -> bool:
    """Tell whether an array may be memory of an argument or of another result."""
    given = [x for x in (*leaves_of(list(args)), *others) if isinstance(x, np.ndarray)]
    if g.base is None:
        return any([g is x for x in given])
    return isinstance(g.base, np.ndarray) or any([np.may_share_memory(g, x) for x in given])
