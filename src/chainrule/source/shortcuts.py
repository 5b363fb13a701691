"""Functions written for calls like an earlier one: a look at the arguments, then the function.

A *shortcut* takes ``(args, kwargs)`` as they were given. It returns ``OTHER``, before anything has
run, where they are not like those that it was written for: of the same structure, types, dtypes
and numbers of axes, of sizes that are 1 or equal to each other in the same places, with the same
values where those decide what the program is. Text is written because it is several times
faster than a key of the arguments and a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .again import STATE, same
from .alike import OTHER, Alike, Lines, NoShortcut
from .effects import cannot_be_repeated, has_effects
from .readers import TypeOf, text_of

Shortcut = Callable[[tuple[Any, ...], dict[str, Any]], Any]


class Shortcuts:
    """What has shortcuts for its calls; a few are tried at each call, the latest one first."""

    shortcuts: tuple[Shortcut, ...] = ()
    written = 0
    """How many were written, where that is bounded."""
    _TRIED = 4

    def try_first(self, shortcut: Shortcut) -> None:
        """Remember a shortcut."""
        others = [known for known in self.shortcuts if known is not shortcut]
        self.shortcuts = (shortcut, *others[: self._TRIED - 1])


def read_outside(lines: Lines, program: Any) -> dict[str, str]:
    """Read what a program closes over, and test what must be the same; return its expressions."""
    if not (program.hidden or program.guards):
        return {}
    lines.require(f"{lines.constant(STATE)}.reads is None")
    found = {read: lines.bind(text_of(read, lines.constant)) for read in program.hidden.values()}
    for read, before in program.guards:
        if isinstance(read, TypeOf):
            text = found.get(read.read) or lines.bind(text_of(read.read, lines.constant))
            lines.require(*_types(lines, text, before))
            continue
        now, known = lines.bind(text_of(read, lines.constant)), lines.constant(before)
        lines.require(f"{now} is {known} or {lines.constant(same)}({now}, {known})")
    return {name: found[read] for name, read in program.hidden.items()}


def _types(lines: Lines, text: str, before: Any) -> list[str]:
    """Return the tests for what ``TypeOf`` has found."""
    if type(before) is not tuple:
        return [f"type({text}) is {lines.constant(before)}"]
    cls, dtype, ones = before
    shape = [f"({text}.shape[{k}] == 1) is {is_one}" for k, is_one in enumerate(ones)]
    return [
        f"type({text}) is {lines.constant(cls)}",
        f"{text}.dtype == {lines.constant(dtype)}",
        f"{text}.ndim == {len(ones)}",
        *shape,
    ]


def shortcut_of(
    program: Any,
    known: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    values: Sequence[Any],
    result: Any,
) -> Shortcut:
    """Return the shortcut for calls of a Program like one that gave this result."""
    try:
        lines = Lines()
        alike = Alike(lines, known.spec.program.static)
        passed = alike.call(program.binder, args, kwargs)
        outside = read_outside(lines, known.spec.program)
        lines.lines.append(f"{lines.constant(program)}._last = {lines.constant(known.spec)}")
        if known.traced is None:
            found = called(lines, program, known.spec, values, passed, outside)
        else:
            function = known.function
            if (brief := known.traced.briefly(values, result)) is not None:
                leaves = [alike.given[place] for place in brief.places]
                function, passed = brief.recording, [*leaves, *outside.values()]
            found = f"{lines.constant(function)}({', '.join(passed)})"
        lines.lines.append(f"return {found}")
        return lines.function("args, kwargs", "shortcut")
    except NoShortcut:
        return _no_shortcut


def _no_shortcut(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return OTHER


def called(
    lines: Lines,
    program: Any,
    spec: Any,
    values: Sequence[Any],
    given: Sequence[str],
    outside: dict[str, str],
    must_pass: bool = False,
) -> str:
    """Write the call of a program, for arguments with these expressions; return the result's name.

    ``outside``: what it closes over, which must not be read again if it ``must_pass``. Raises
    ``NoShortcut`` where there is more to it.
    """
    result = lines.fresh("r")
    if _is_simple(program, spec, values):
        native = lines.constant(spec.native)
        keywords = [f"{name}={text}" for name, text in outside.items()]
        rest = f"[{', '.join(given)}], dict({', '.join(keywords)})"
        lines.lines += [
            f"try: {result} = {native}.called({', '.join([*given, *keywords])})",
            f"except {lines.constant(spec.native.FAULTS)} as why:",
            f"    {result} = {native}.otherwise(why, {rest})",
        ]
        return result
    function = getattr(program, "unchecked", program.repeating)(spec, values)
    if function is None or (outside and must_pass):
        raise NoShortcut
    lines.lines.append(f"{result} = {lines.constant(function)}({', '.join(given)})")
    return result


def _is_simple(program: Any, spec: Any, values: Sequence[Any]) -> bool:
    """Tell whether a call is one of machine code, with the values in their order."""
    code, native, lowered = spec.program, spec.native, spec.stages[0][1]
    if native is None or not native.goes_on or not spec.takes(program.binder.names):
        return False
    if has_effects(lowered) or cannot_be_repeated(lowered):
        return False
    arrays = [x for _, x in program.places(values) if isinstance(x, np.ndarray)]
    is_shared = bool(code.changed) and len(arrays) > 1  # perhaps: that is looked at
    return not is_shared and (spec.is_quiet or not (code.spliced or len(spec.stages) > 1))
