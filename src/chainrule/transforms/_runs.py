"""Running a function once on traced values."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from .._collector import OLD_GENERATION_SPARED
from .._core import STRICT, Tracer, is_array
from .._trees import is_container, leaves_of, map_leaves, rebuild
from ..errors import (
    ArgumentError,
    ConversionError,
    MutationError,
    ShapeError,
    TraceError,
    UnsupportedError,
)
from ..rules._central import zeros
from ..tape import Forward, Node, Tape
from ..tape.stores import settle
from ..tape.sweep import sweep_all
from ._calls import Call, Function, describe, inexact_dtype, is_differentiable, matching, name_of
from ._engines import refusal_of
from ._lines import Lines
from ._shared import refuse_changes
from .kinks import check_graph


class ReverseRun:
    """A function called once on a tape: its output and the way back."""

    def __init__(self, call: Call, has_aux: bool) -> None:
        self.tape = Tape()
        self.primals = call.primals()
        self.leaves: list[Node | None] = []
        traced = [map_leaves(self._root, primal) for primal in self.primals]
        try:
            lines = Lines()
            with OLD_GENERATION_SPARED, lines.recorded() if STRICT.notify else nullcontext():
                out = run_traced(call, traced, self.tape)
            self._take(out, has_aux, call)
            if STRICT.notify:
                check_graph([o for o in leaves_of(self.out) if self.is_mine(o)], lines)
        finally:
            settle(self.tape)

    def _take(self, out: Any, has_aux: bool, call: Call) -> None:
        """Keep the output as it is now, and the plain value of aux."""
        self.aux = None
        if has_aux:
            out, aux = split_aux(out, call.f)
            self.aux = map_leaves(self.lower, aux)
        self.out = map_leaves(
            lambda x: x.current() if self.is_mine(x) else alive(x, self.tape), out
        )

    def _root(self, leaf: Any) -> Any:
        if not is_differentiable(leaf):
            self.leaves.append(None)
            return leaf
        root = self.tape.root(leaf)
        self.leaves.append(root)
        return root

    def lower(self, leaf: Any) -> Any:
        """Return the value behind a traced output."""
        return alive(detached(leaf.current().value) if self.is_mine(leaf) else leaf)

    def is_mine(self, leaf: Any) -> bool:
        """Tell whether a value depends on the differentiated arguments of this call."""
        return isinstance(leaf, Tracer) and leaf.scope is self.tape

    def pull(self, outs: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        """Return the gradients, in the containers of the arguments, None where there is none."""
        pairs = [(o, ct) for o, ct in zip(outs, cts, strict=True) if self.is_mine(o)]
        nodes = [leaf for leaf in self.leaves if leaf is not None]
        if pairs:
            found = iter(sweep_all([o for o, _ in pairs], [ct for _, ct in pairs], nodes))
        else:
            found = iter([zeros(node.value) for node in nodes])
        gradients = iter([None if leaf is None else alive(next(found)) for leaf in self.leaves])
        return [rebuild(primal, gradients) for primal in self.primals]


def alive(leaf: Any, scope: Any = None) -> Any:
    """Return an output; refuse a traced value left over from a call that has ended.

    ``scope``: the trace of the call that returns it, in which no newer one can be at work still.
    """
    newer = scope is not None and isinstance(leaf, Tracer) and leaf.scope.level > scope.level
    if newer or (isinstance(leaf, Tracer) and leaf.scope.ended):
        raise TraceError(
            "A traced value of a call that has ended was used again: it was kept outside the "
            "differentiated function",
            "return it from that function (has_aux=True), or keep cr.stop_gradient(x) of it",
        )
    return leaf


def run_traced(call: Call, traced: Sequence[Any], trace: Any) -> Any:
    """Call; where that fails, say also why the source engine was not the one to do it."""
    try:
        return _run(call, traced, trace)
    except (ConversionError, MutationError, UnsupportedError) as error:
        refusal = refusal_of(call.f)
        if refusal is not None:
            error.mention("The source engine, which follows this, refused the function:", refusal)
        raise


def _run(call: Call, traced: Sequence[Any], trace: Any) -> Any:
    """Call; raise what a conversion hook recorded, even if NumPy or the user swallowed it."""
    swallowed = raised = None
    try:
        out = call.run(traced)
        refuse_changes(call, traced)
        return out
    finally:
        trace.ended = True
        swallowed, trace.error = trace.error, None
        try:
            raised = sys.exception()
            other = raised is None or isinstance(raised, Exception)  # an interrupt goes its way
            if swallowed is not None and raised is not swallowed and other:
                raise swallowed
        finally:
            del swallowed, raised  # they hold the frames that hold the trace


def split_aux(out: Any, f: Function) -> tuple[Any, Any]:
    if not (isinstance(out, tuple) and len(out) == 2):
        raise ArgumentError(
            f"has_aux=True, but {name_of(f)} did not return a pair (output, aux)",
            "return two values, or leave has_aux out",
        )
    return out


def detached(value: Any) -> Any:
    """Copy an array, which may be an argument's memory or a buffer of the tape."""
    return np.copy(value) if is_array(value) else value


def scalar_output(run: ReverseRun, f: Function, name: str) -> Any:
    """Return the output, checked to be one real number."""
    out = run.out
    if is_container(out):
        raise ArgumentError(
            f"{name} needs a function with one scalar output, but {name_of(f)} returned a "
            f"{type(out).__name__}",
            "return (output, aux) with has_aux=True, or use cr.vjp or cr.jacobian",
        )
    if not isinstance(out, Tracer):
        if not isinstance(out, (int, float, np.number, np.ndarray)):
            raise ArgumentError(
                f"{name} needs a function that returns a number, but {name_of(f)} returned "
                f"{describe(out)}",
                "return the value to be differentiated",
            )
        out = np.asarray(out)
    if out.shape != ():
        raise ShapeError(
            f"{name} needs a scalar output, but {name_of(f)} returned shape {out.shape}",
            "reduce it (np.sum(...), or y[0] of a one-element array), or use cr.jacobian or cr.vjp",
        )
    if out.dtype.kind == "c":
        raise ArgumentError(
            f"{name} needs a real output, but {name_of(f)} returned a complex one",
            "return its real part or absolute value, or use cr.vjp",
        )
    return run.out


def dual_tree(trace: Forward, primal: Any, tangent: Any) -> Any:
    """Pair the leaves of a primal with those of its tangent."""
    leaves = list(leaves_of(primal))
    pairs = zip(leaves, matching(tangent, primal, "tangent"), strict=True)
    duals = [trace.root(leaf, t) if is_differentiable(leaf) else leaf for leaf, t in pairs]
    return rebuild(primal, iter(duals))


def forward_part(trace: Forward, leaf: Any) -> tuple[Any, Any]:
    """Return value and tangent of an output."""
    if isinstance(leaf, Tracer) and leaf.scope is trace:
        value, tangent = leaf.current().parts()
        return alive(detached(value)), alive(detached(tangent))
    return alive(leaf, trace), no_tangent(leaf)


def no_tangent(leaf: Any) -> Any:
    """Return the tangent of an output that does not depend on the arguments."""
    if not is_differentiable(leaf):
        return None
    return np.zeros(np.shape(leaf), inexact_dtype(leaf))[()]
