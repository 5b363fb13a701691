"""Calls of compiled functions, recorded or with tangents beside them: code for each of them.

A call comes as a primitive with a function ``run`` of all its arguments, of which those at
``slots`` are traced; ``back(positions)`` and ``front(positions)`` give the functions of its two
products. What is written here takes plain real numbers and arrays, as the code of ``generate``
does, and leaves the rest to the primitive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import apply
from ..rules._central import restore
from .captured import SMALL
from .dual import Dual, separate
from .generate_forward import is_settled
from .node import PENDING, Node, next_order, pull_called, pull_recorded

_SCALARS = (np.float64, np.float32)


def _is_real(x: Any) -> bool:
    is_array = type(x) is np.ndarray and x.ndim > 0 and x.dtype.kind == "f"
    return is_array or type(x) in _SCALARS


class _Writer:
    """The text of one function about a call."""

    def __init__(self, brief: Any) -> None:
        self.brief = brief
        self.slots: tuple[int, ...] = brief.slots
        self.names = [f"a{k}" for k in range(len(brief.examples))]
        self.values = [f"v{k}" if k in self.slots else f"a{k}" for k in range(len(self.names))]
        self.is_array = [type(x) is np.ndarray for x in brief.examples]
        self.lines: list[str] = []
        self.space: dict[str, Any] = {
            "Dual": Dual,
            "Node": Node,
            "PENDING": PENDING,
            "apply": apply,
            "brief": brief,
            "is_settled": is_settled,
            "ndarray": np.ndarray,
            "next_order": next_order,
            "pull_called": pull_called,
            "pull_recorded": pull_recorded,
            "restore": restore,
            "run": brief.run,
            "separate": separate,
            "slots": brief.slots,
        }

    def function(self, parameters: str, name: str) -> Callable[..., Any]:
        text = "\n    ".join([f"def {name}({parameters}):", *self.lines])
        exec(compile(text, f"<chainrule {self.brief.name}>", "exec"), self.space)
        made: Callable[..., Any] = self.space[name]
        return made

    def one_scope(self) -> None:
        """Leave arguments of several traces to the primitive."""
        first, *others = (f"a{k}.scope" for k in self.slots)
        general = f"return brief.traced({', '.join(self.names)})"
        self.lines += [f"if {other} is not {first}: {general}" for other in others]

    def as_type_of(self, x: Any, text: str) -> str:
        """Return a number in NumPy's own type; an array is in it already."""
        if type(x) is np.ndarray:
            return text
        self.space[type(x).__name__] = type(x)
        return f"{type(x).__name__}({text})"

    def passed(self, *more: str) -> str:
        """Return all arguments, with more of them between those given and those from outside."""
        count = self.brief.count
        return ", ".join([*self.values[:count], *more, *self.values[count:]])


def recorder(brief: Any) -> Callable[..., Any] | None:
    """Return the function that calls and records, for plain values behind what is traced."""
    if not all(map(_is_real, [brief.result, *(brief.examples[k] for k in brief.slots)])):
        return None
    writer = _Writer(brief)
    writer.one_scope()
    lines, slots, names = writer.lines, writer.slots, writer.names
    lines.append(f"tape = a{slots[0]}.scope")
    for k in slots:
        lines.append(f"v{k} = a{k}.value")
        if writer.is_array[k]:  # a leaf is the user's own array
            lines.append(f"if a{k}.pull is None: tape.captured.add(v{k})")
    saved = [
        "None" if k in slots else _copy_of(x) if writer.is_array[k] else x
        for k, x in enumerate(names)
    ]
    rest = ", ".join(names[k] for k in slots[1:]) or "None"  # one of them, or a tuple
    lines += [
        f"y = run({writer.passed()})",
        "n = Node()",
        f"n.value = {writer.as_type_of(brief.result, 'y')}",
        "n.scope = tape",
        "n.pull = pull_called",
        f"n.a = a{slots[0]}",
        f"n.b = {rest}",
        f"n.aux = (brief, ({''.join(f'{x}, ' for x in saved)}), slots)",
        "n.ct = None",
        "n.order = next_order()",
        "return n",
    ]
    return writer.function(", ".join(names), "record")


def _copy_of(name: str) -> str:
    """Return the expression of a copy; small arrays that lie in one piece are most of them."""
    is_easy = f"{name}.nbytes <= {SMALL} and {name}.flags.c_contiguous"
    return f"{name}.copy() if {is_easy} else tape.captured.copy_of({name})"


def pullback(brief: Any) -> Callable[[Node], None]:
    """Return the pullback to all arguments that are traced: plain, unguarded."""
    back = brief.back(brief.slots)
    if back is None:
        return pull_recorded
    writer = _Writer(brief)
    lines, slots = writer.lines, writer.slots
    writer.space["back"] = back
    is_single = len(slots) == 2
    parents = ["n.a", *("n.b" if is_single else f"n.b[{j}]" for j in range(len(slots) - 1))]
    for k, parent in zip(slots, parents, strict=True):
        lines += [f"a{k} = {parent}", f"v{k} = a{k}.value"]
        if writer.is_array[k]:
            lines.append(f"if a{k}.pull is None: n.scope.captured.check(v{k})")
    if len(slots) < len(writer.names):
        lines.append("saved = n.aux[1]")
        writer.values = [
            f"saved[{k}]" if k not in slots else f"v{k}" for k in range(len(writer.names))
        ]
    lines.append("ct = n.ct")
    if type(brief.result) is np.ndarray:
        writer.space["dtype"] = brief.result.dtype
        lines += [
            "if type(ct) is not ndarray or ct.dtype != dtype: return pull_recorded(n)",
            "if not ct.flags.carray: ct = ct.copy()",
        ]
    else:
        lines.append(f"if type(ct) is not {type(brief.result).__name__}: return pull_recorded(n)")
        writer.as_type_of(brief.result, "")
    lines.append(f"{''.join(f'g{k}, ' for k in slots)}= back({writer.passed('ct')})")
    for k in slots:
        lines += _contribution(writer, k)
    return writer.function("n", "pull")


def _contribution(writer: _Writer, k: int) -> list[str]:
    """Lines that add one cotangent to the parent's."""
    if writer.is_array[k]:
        own = [
            f"if g{k}.shape != v{k}.shape or g{k}.dtype != v{k}.dtype:",
            f"    g{k} = restore(g{k}, v{k})",
        ]
    else:
        own = [f"g{k} = {writer.as_type_of(writer.brief.examples[k], f'g{k}')}"]
    return [*own, f"c = a{k}.ct", f"a{k}.ct = g{k} if c is PENDING else c + g{k}"]


def forward(brief: Any) -> Callable[..., Any] | None:
    """Return the function that computes value and tangent."""
    if not all(map(_is_real, [brief.result, *(brief.examples[k] for k in brief.slots)])):
        return None
    front = brief.front(brief.slots)
    if front is None:
        return None
    writer = _Writer(brief)
    writer.space["front"] = front
    writer.one_scope()
    lines, slots = writer.lines, writer.slots
    general = f"return brief.traced({', '.join(writer.names)})"
    for k in slots:
        lines += [f"v{k} = a{k}.value", f"t{k} = a{k}.tangent"]
        lines.append(f"if type(t{k}) is not type(v{k}): {general}")
        if writer.is_array[k]:
            lines.append(f"if not t{k}.flags.carray: t{k} = t{k}.copy()")
    lines += [
        f"y, t = front({writer.passed(*(f't{k}' for k in slots))})",
        f"y = {writer.as_type_of(brief.result, 'y')}",
        f"t = {writer.as_type_of(brief.result, 't')}",
        f"if not is_settled(t, y): {general}",
        f"return Dual(a{slots[0]}.scope, y, separate(y, t, ({''.join(f'a{k}, ' for k in slots)})))",
    ]
    return writer.function(", ".join(writer.names), "forward")
