"""Where a NaN comes from, and where a gradient gets lost: the answer names the user's line."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core import CUTS, Tracer, plain
from .._trees import leaves_of
from ..errors import user_location
from ..tape.node import GENERAL, PENDING, Node, operation_of, parents_of
from ..tape.regions import pull_store
from ..tape.sweep import Graph
from ._calls import Argnums, Call, Function, check_callable
from ._lines import Lines
from ._runs import ReverseRun


@dataclass(frozen=True)
class Finding:
    """One answer of a diagnosis; ``str()`` gives it as a sentence."""

    kind: str
    operation: str
    location: str
    message: str

    def __str__(self) -> str:
        return self.message

    __repr__ = __str__


def _traced_run(f: Function, argnums: Argnums, args: Any, kwargs: Any) -> tuple[ReverseRun, Lines]:
    lines = Lines()
    call = Call(f, argnums, args, kwargs)
    with lines.recorded():
        run = ReverseRun(call, has_aux=False)
    return run, lines


def _outputs(run: ReverseRun) -> list[Node]:
    return [out.current() for out in leaves_of(run.out) if run.is_mine(out)]


def _is_finite(x: Any) -> bool:
    if isinstance(x, (tuple, list)):  # a record of several outputs
        return all(map(_is_finite, x))
    return bool(np.all(np.isfinite(plain(x))))


def _is_zero(x: Any) -> bool:
    if isinstance(x, (tuple, list)):
        return all(map(_is_zero, x))
    return not np.any(plain(x))


def _merged(a: Any, b: Any) -> Any:
    """Add two cotangents, of several outputs one by one; one of them may be missing."""
    if a is PENDING or b is PENDING:
        return b if a is PENDING else a
    return [x + y for x, y in zip(a, b, strict=True)] if isinstance(a, list) else a + b


def _worst(x: Any) -> str:
    if isinstance(x, (tuple, list)):
        return next(_worst(item) for item in x if not _is_finite(item))
    return "NaN" if np.isnan(plain(x)).any() else "infinite"


def explain_nan(f: Function, argnums: Argnums = 0) -> Function:
    """Return a function that says where a NaN or inf first appears in ``f`` or its gradient.

    Called with the arguments of ``f`` it returns a ``Finding``: ``kind`` is "value", "cotangent"
    or "none"; ``operation`` and ``location`` ('FILE:LINE') say where.

    >>> import numpy as np
    >>> finding = explain_nan(lambda x: np.sum(np.log(x) * x))(np.array([1.0, 0.0]))
    >>> finding.kind, finding.operation
    ('value', 'log')
    """
    check_callable(f, "explain_nan")

    @functools.wraps(f)
    def explain(*args: Any, **kwargs: Any) -> Finding:
        with np.errstate(all="ignore"):
            run, lines = _traced_run(f, argnums, args, kwargs)
            for leaf in run.leaves:
                if leaf is not None and not _is_finite(leaf.value):
                    return Finding(
                        "value", "input", "", f"An input is {_worst(leaf.value)} already"
                    )
            outs = _outputs(run)
            if not outs:
                return Finding("none", "", "", "The output does not depend on the inputs")
            with Graph(outs) as graph:
                return (
                    _bad_value(graph, lines)
                    or _bad_cotangent(graph, outs, lines)
                    or Finding("none", "", "", "All values and cotangents are finite")
                )

    return explain


def _bad_value(graph: Graph, lines: Lines) -> Finding | None:
    """Find the first operation that made a value that is not finite."""
    for node in reversed(graph.nodes):
        # A store has the buffer as it is at the end; what was stored has a record of its own.
        if node.pull is not pull_store and not _is_finite(node.value):
            _, name, args = operation_of(node)
            sources = [x for x in args if isinstance(x, (np.ndarray, np.generic, float))]
            constant = next((x for x in sources if not _is_finite(x)), None)
            place = lines.of(node.order)
            message = f"The value of {name} at {place} is {_worst(node.value)}"
            if constant is not None:
                message += f": a constant that it was given is {_worst(constant)}"
            else:
                message += ", from finite arguments: " + _ranges(sources)
            return Finding("value", name, place, message)
    return None


def _ranges(values: list[Any]) -> str:
    texts = [
        f"{np.min(v):.6g} to {np.max(v):.6g}" if np.ndim(v) else f"{v:.6g}"
        for v in values
        if np.size(v) and np.asarray(v).dtype.kind == "f"
    ]
    return "; ".join(texts) or "no numbers"


def _bad_cotangent(graph: Graph, outs: list[Node], lines: Lines) -> Finding | None:
    """Sweep, guarded, and stop at the first pullback that makes a cotangent that is not finite."""
    for out in outs:
        out.ct = np.ones_like(out.value)[()]
    for node in graph.nodes:
        GENERAL[node.pull](node)
        for parent in parents_of(node):
            if parent.ct is not PENDING and not _is_finite(parent.ct):
                _, name, args = operation_of(node)
                place = lines.of(node.order)
                sources = [x for x in args if isinstance(x, (np.ndarray, np.generic, float))]
                message = (
                    f"The values are finite, but the derivative of {name} at {place} makes a "
                    f"cotangent {_worst(parent.ct)}; its arguments: {_ranges(sources)}"
                )
                return Finding("cotangent", name, place, message)
    return None


def why_zero(f: Function, argnums: Argnums = 0) -> Function:
    """Return a function that says where the path from an input to the output is cut.

    Called with the arguments of ``f`` it returns a list with one ``Finding`` per differentiated
    number or array: ``kind`` is "nonzero" (nothing to explain), "slope" (an operation on the path
    has slope zero), "cut" (the only ways lead through operations whose results are constants) or
    "unused".

    >>> import numpy as np
    >>> [finding] = why_zero(lambda x: np.sum(np.floor(x) * 2.0))(np.array([1.5]))
    >>> finding.kind, finding.operation
    ('cut', 'floor')
    """
    check_callable(f, "why_zero")

    @functools.wraps(f)
    def explain(*args: Any, **kwargs: Any) -> list[Finding]:
        cuts: list[tuple[str, list[Node]]] = []

        def notify(name: str, values: Any) -> None:
            nodes = [x.current() for x in _flat(values) if isinstance(x, Tracer)]
            cuts.append((name, nodes))
            lines_at.append(user_location())

        lines_at: list[str] = []
        before, CUTS.notify = CUTS.notify, notify
        try:
            run, lines = _traced_run(f, argnums, args, kwargs)
        finally:
            CUTS.notify = before
        places = [(name, nodes, at) for (name, nodes), at in zip(cuts, lines_at, strict=True)]
        slopes = _zero_slopes(_outputs(run), lines)
        return [
            _why(leaf, k, slopes, places)
            for k, leaf in enumerate(x for x in run.leaves if x is not None)
        ]

    return explain


def _flat(values: Any) -> Any:
    return leaves_of(list(values)) if isinstance(values, (tuple, list)) else [values]


def _zero_slopes(outs: list[Node], lines: Lines) -> tuple[dict[int, Any], list[tuple[Any, ...]]]:
    """Sweep; return the leaves' cotangents and the edges where a cotangent became zero."""
    final: dict[int, Any] = {}
    edges: list[tuple[Any, ...]] = []
    if not outs:
        return final, edges
    with Graph(outs) as graph, np.errstate(all="ignore"):
        for out in outs:
            out.ct = np.ones_like(out.value)[()]
        for node in graph.nodes:
            if node.ct is PENDING or _is_zero(node.ct):
                continue
            parents = parents_of(node)
            before = [parent.ct for parent in parents]
            for parent in parents:
                parent.ct = PENDING
            GENERAL[node.pull](node)
            for parent, present in zip(parents, before, strict=True):
                if parent.ct is not PENDING and _is_zero(parent.ct):
                    edges.append((parent, operation_of(node)[1], lines.of(node.order)))
                parent.ct = _merged(present, parent.ct)
        final = {id(root): root.ct for root in graph.roots}
    return final, edges


def _ancestors(node: Node) -> set[int]:
    seen: set[int] = set()
    stack = [node]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            stack.extend(parents_of(node))
    return seen


def _why(
    leaf: Node,
    k: int,
    slopes: tuple[dict[int, Any], list[tuple[Any, ...]]],
    cuts: list[tuple[str, list[Node], str]],
) -> Finding:
    final, edges = slopes
    ct = final.get(id(leaf))
    label = f"input {k} (shape {leaf.shape})"
    if ct is not None and ct is not PENDING and not _is_zero(ct):
        return Finding("nonzero", "", "", f"The gradient by {label} is not zero")
    for parent, name, place in edges:
        if id(leaf) in _ancestors(parent):
            message = f"The gradient by {label} is zero: {name} at {place} has slope zero there"
            return Finding("slope", name, place, message)
    for name, nodes, place in reversed(cuts):
        if any(id(leaf) in _ancestors(node) for node in nodes):
            message = (
                f"The gradient by {label} is zero: {name} at {place} gives a constant, "
                "and no other way leads to the output"
            )
            return Finding("cut", name, place, message)
    return Finding("unused", "", "", f"The output does not depend on {label}")
