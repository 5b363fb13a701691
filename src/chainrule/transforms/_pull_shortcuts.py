"""Shortcuts of ``vjp`` of compiled functions whose result is one real number or array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import copied
from .._trees import leaves_of, map_leaves
from ..source.again import Reads
from ..source.alike import OTHER, Lines, NoShortcut
from ..source.native.leaving import Leave
from ..source.program import Program
from ..source.residuals import Pulled, memory, owned
from ..source.shortcuts import Shortcut
from ..source.specialise import infinite_slopes
from ._calls import Function, inexact_dtype, is_differentiable, name_of
from ._compiled_calls import Arguments
from ._linear_map import LinearMap
from ._plans import Result, nan_test
from ._shortcuts import Writing, is_real

Restart = Callable[[Program, Sequence[Any], Any, Pulled], Function]


def pull_shortcut(program: Program, arguments: Arguments, out: Any, restart: Restart) -> Shortcut:
    """Return the shortcut of ``vjp`` for arguments like these, which gave ``out``.

    ``restart`` makes the pullback for cotangents of other types.
    """
    writing = Writing(program, arguments)
    writing.must_not_change()
    if not is_real(out) or any(p.kind.startswith("variadic") for p in program.binder.parameters):
        raise NoShortcut
    writing.alike.call(program.binder, arguments.call.args, {})
    leaves = writing.leaves()
    runs = _Runs(writing, program, out, restart)
    texts = f"[{', '.join(leaves)}], [{', '.join(writing.outside)}]"
    writing.lines.lines.append(f"return {writing.lines.constant(runs)}({texts})")
    return writing.lines.function("args, kwargs", "vjp")


class _Runs:
    """Runs of a function that leave what the way back needs."""

    def __init__(self, writing: Writing, program: Program, out: Any, restart: Restart) -> None:
        self.program = program
        self.restart = restart
        self.name = f"pullback of {name_of(program)}"
        self.spec, self.places = writing.spec, writing.arguments.places
        self.count = len(writing.arguments.call.args)
        self.made = self.spec.split(self.places)
        self.gathered = writing.leafwise.gathering()
        self.hidden = self.spec.program.hidden
        self.guards = dict(self.spec.program.guards)
        self.kind = type(out) if isinstance(out, np.generic) else np.ndarray
        back = self.made.reverse
        self.pull = _pull(writing.arguments.primals, out, back.function, _owns(back))
        _ = self.made.forward.function
        self.is_owned = self.kind is not np.ndarray or _owns(self.made.forward)

    def __call__(self, leaves: list[Any], outside: list[Any]) -> Any:
        held = [copied(x) if type(x) is np.ndarray else x for x in leaves]
        values = self.gathered(*held)
        kept = [copied(x) if type(x) is np.ndarray else x for x in outside]
        hidden = dict(zip(self.hidden, kept, strict=True))
        self.program._last = self.spec
        out, residuals = self.made.forward.call(self.program.binder.names, values, hidden)
        if not self.is_owned:
            out = owned(out, {*memory((residuals, values, kept))})
        out = out if type(out) is self.kind else self.kind(out)
        reads = dict(zip(self.hidden.values(), kept, strict=True)) | self.guards
        pullback = _Pullback(self, values, out, reads, residuals)
        return out, LinearMap(self.name, pullback, lambda: self.made)


def _owns(made: Any) -> bool:
    return made.native is not None and bool(made.native.owns_results)


class _Pullback:
    """The pullback of one run."""

    def __init__(
        self, runs: _Runs, values: Sequence[Any], out: Any, reads: Reads, residuals: Any
    ) -> None:
        self.runs = runs
        self.values = values
        self.reads = reads
        self.residuals = residuals
        self.dtype = out.dtype
        self.shape = out.shape
        self.general: Function | None = None

    def __call__(self, *given: Any) -> tuple[Any, ...]:
        if len(given) == 1:
            try:
                found = self.runs.pull(self.residuals, given[0], self.shape)
            except Leave:
                found = OTHER
            if found is not OTHER:
                return found  # type: ignore[no-any-return]
        if self.general is None:
            runs = self.runs
            pulled = Pulled(
                runs.program, [*self.values], runs.places, self.reads, runs.made, self.residuals
            )
            like = np.broadcast_to(np.zeros((), self.dtype), self.shape)
            like = like if self.shape else like[()]
            self.general = runs.restart(runs.program, self.values[: runs.count], like, pulled)
        return self.general(*given)  # type: ignore[no-any-return]


def _pull(
    primals: Sequence[Any], out: Any, back: Callable[..., Any], is_owned: bool
) -> Callable[[Sequence[Any], Any, tuple[int, ...]], Any]:
    """Write the function from residuals and a cotangent to the cotangents of the arguments."""
    lines = Lines()
    kind = lines.constant(type(out) if isinstance(out, np.generic) else np.ndarray)
    if isinstance(out, np.ndarray):
        dtype = lines.constant(out.dtype)
        lines.require(f"type(ct) is {kind}", f"ct.dtype == {dtype}", "ct.shape == shape")
    else:
        lines.lines.append(f"if type(ct) in {lines.constant((int, float))}: ct = {kind}(ct)")
        lines.require(f"type(ct) is {kind}")
    quietly = lines.constant(infinite_slopes)
    lines.lines.append(f"with {quietly}(): found = {lines.constant(back)}(*residuals, ct)")
    if not is_owned:
        seen = f"{{*{lines.constant(memory)}(residuals), id(ct)}}"
        lines.lines.append(f"found = {lines.constant(owned)}(found, {seen})")
    texts, k = [], 0
    for leaf in (leaf for primal in primals for leaf in leaves_of(primal)):
        if is_differentiable(leaf):
            texts.append(_settled(lines, lines.bind(f"found[{k}]"), leaf))
            k += 1
        else:
            texts.append("None")
    tree = tuple(map_leaves(lambda _: 0, primal) for primal in primals)
    lines.lines.append(f"return {Result(lines, True, (), '').tree(tree, iter(texts))}")
    return lines.function("residuals, ct, shape", "pullback")


def _settled(lines: Lines, text: str, leaf: Any) -> str:
    """Return the expression of a cotangent in the dtype of its leaf, after a look for NaNs."""
    dtype = lines.constant(inexact_dtype(leaf))
    if isinstance(leaf, np.ndarray) and leaf.ndim:
        lines.require(f"{text}.dtype == {dtype}", f"not ({nan_test(lines, text, leaf.ndim)})")
        return text
    lines.require(f"{text} == {text}")
    return f"{dtype}.type({text})"
