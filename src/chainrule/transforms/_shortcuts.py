"""Shortcuts of tangents and Jacobians of compiled functions, for calls like earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from .._core import top_trace
from ..source.alike import Alike, Lines, NoShortcut
from ..source.leafwise import Leafwise
from ..source.program import Program
from ..source.shortcuts import Shortcut, read_outside
from ..source.signature import NUMBERS
from ._calls import inexact_dtype, is_differentiable
from ._compiled_calls import Arguments, placed
from ._plans import Result, conversions, leaves_by_text

_MANY = 64
"""Shortcuts that are written for one transform of one function; calls of more kinds go without."""


class Writing:
    """What all shortcuts of a derivative begin with: the tests, and the leaves to pass on."""

    def __init__(self, program: Program, arguments: Arguments) -> None:
        self.core, self.values = arguments.core, arguments.values
        if top_trace([x for _, x in self.core.places(self.values)]) is not None:
            raise NoShortcut
        self.spec = self.core.specialised(self.values)
        self.leafwise = Leafwise(self.core, self.spec, self.values)
        self.arguments = arguments
        self.lines = Lines()
        call = arguments.call
        given = program.binder(tuple(call.args), call.kwargs)
        converted = conversions(self.core, given, self.values)
        self.alike = Alike(self.lines, self.spec.program.static, converted)

    def must_not_change(self) -> None:
        """Leave functions that change their arguments to others, who look which share memory."""
        if self.spec.program.changed:
            raise NoShortcut

    def leaves(self) -> list[str]:
        """Return what is passed on for the leaves, and then for what is read from outside."""
        self.outside = [*read_outside(self.lines, self.spec.program).values()]
        return [self.alike.passed[place] for place in self.leafwise.places]

    def examples(self) -> list[Any]:
        """Return the leaves of this call."""
        found = dict(self.core.places(self.values))
        return [found[place] for place in self.leafwise.places]


def attempt(owner: Any, write: Callable[[], Shortcut]) -> None:
    """Write a shortcut, unless there are many or none is possible."""
    owner.written += 1
    if owner.written <= _MANY:
        with suppress(NoShortcut):
            owner.try_first(write())


def is_real(x: Any) -> bool:
    """Tell a real number or an array of them."""
    is_number = isinstance(x, (float, np.floating)) and hasattr(x, "dtype")
    return type(x) is float or is_number or (type(x) is np.ndarray and x.dtype.kind == "f")


# -- tangents --------------------------------------------------------------------------------------


def push_shortcut(
    program: Program, arguments: Arguments, tangents: Sequence[Any], raw: Any, result: Any
) -> Shortcut:
    """Return the shortcut of ``jvp``, whose arguments are the primals and the tangents.

    In this call the tangent program returned ``raw``, and ``jvp`` then ``result``.
    """
    writing = Writing(program, arguments)
    lines, alike, primals = writing.lines, writing.alike, arguments.call.args
    lines.lines.append("args, tangents = args")
    lines.require(f"len(tangents) == {len(tangents)}")
    passed = alike.call(program.binder, primals, {})
    given = alike.taken_apart("tangents", len(tangents))
    for k, (name, tangent) in enumerate(zip(given, tangents, strict=True)):
        alike.look(name, tangent, f"dot {k}")
    dots = _dots(writing, tangents)
    front = writing.leafwise.tangent(arguments.places)
    leaves = writing.leaves()
    texts = [*leaves, *dots, *writing.outside]
    found = lines.bind(f"{lines.constant(front)}({', '.join(texts)})", "r")
    made = writing.spec.tangent(arguments.places)
    is_owned = made.native is not None and made.native.owns_results
    if made.program.hidden and not is_owned:
        raise NoShortcut
    writer = Result(lines, is_owned, [*passed, *dots], "return OTHER")
    derivatives = {path for path, _ in leaves_by_text(raw[1], f"{found}[1]")}
    lines.lines.append(f"return {writer.of(raw, result, found, derivatives)}")
    return lines.function("args, kwargs", "jvp")


def _dots(writing: Writing, tangents: Sequence[Any]) -> list[str]:
    """Return the expressions of the tangents, place by place."""
    arguments = writing.arguments
    moved = [k for k, t in enumerate(tangents) if t is not None]
    found = []
    for k, primal in zip(moved, arguments.primals, strict=True):
        members = dict(placed(tangents[k]))
        for path, leaf in placed(primal):
            if is_differentiable(leaf):
                text = writing.alike.given.get((f"dot {k}", path))
                if text is None or path not in members:
                    raise NoShortcut
                found.append(_as_dot(writing.lines, text, members[path], leaf))
    return found


def _as_dot(lines: Lines, text: str, x: Any, leaf: Any) -> str:
    """Return the expression of a tangent in the type of its primal."""
    dtype = inexact_dtype(leaf)
    if type(x) is np.ndarray and x.ndim and x.dtype == dtype and x.shape == np.shape(leaf):
        return text
    if type(x) not in NUMBERS or np.shape(leaf) or (np.iscomplexobj(x) and dtype.kind != "c"):
        raise NoShortcut
    return text if type(x) is dtype.type else f"{lines.constant(dtype.type)}({text})"
