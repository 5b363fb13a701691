"""The reverse sweep: from one output's cotangent to the cotangents of the leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from .._collector import COLLECTOR_PAUSED
from .._core import Tracer, is_array
from ..rules._central import holds_nan, zeros
from .node import (
    GENERAL,
    PENDING,
    UNGUARDED,
    Node,
    Tape,
    accumulate,
    new_node,
    parents_of,
    pull_recorded,
)

_by_order = attrgetter("order")


def sweep(out: Any, ct: Any, leaves: Sequence[Node]) -> list[Any]:
    """Return the cotangent of each leaf, for the cotangent ``ct`` of ``out``; see ``sweep_all``."""
    return sweep_all([out], [ct], leaves)


def sweep_all(outs: Sequence[Any], cts: Sequence[Any], leaves: Sequence[Node]) -> list[Any]:
    """Return the cotangent of each leaf, for the cotangents ``cts`` of the outputs.

    The fast pullbacks are unguarded; where their result holds a NaN the sweep is repeated with the
    general ones, in which a zero cotangent beats an infinite slope. Results share no memory with
    each other or with anything else.
    """
    outs = [out.current() for out in outs]
    if not outs:
        return [zeros(leaf.value) for leaf in leaves]
    tape = outs[0].scope
    traced = any(isinstance(x, Tracer) for x in (*cts, *(out.value for out in outs)))
    exclusive = tape.lock.acquire(blocking=False)
    if not exclusive:
        outs, leaves = _clone(outs, leaves)
    try:
        with COLLECTOR_PAUSED:
            if exclusive:
                if tape.unclean:  # a sweep was interrupted: its marks are still there
                    for node in _reachable(tape.unclean):
                        node.ct = None
                tape.unclean = outs
            nodes, roots = _collect(outs)
            choose = None if not traced else _guarded if _has_guards(nodes) else _unguarded
            gradients = _run(nodes, roots, outs, cts, leaves, choose)
            if any(map(holds_nan, gradients)):
                nodes, roots = _collect(outs)
                gradients = _run(nodes, roots, outs, cts, leaves, _guarded)
            if exclusive:
                tape.unclean = []
    finally:
        if exclusive:
            tape.lock.release()
    return _separate(gradients, cts)


def _reachable(outs: Sequence[Node]) -> list[Node]:
    """Return all that the outputs depend on, whatever marks an interrupted sweep has left."""
    seen: dict[int, Node] = {}
    stack = list(outs)
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            stack.extend(parents_of(node))
    return list(seen.values())


def _collect(outs: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """Find all that the outputs depend on: inner nodes, children first, and leaves."""
    nodes: list[Node] = []
    roots: list[Node] = []
    stack: list[Node] = []
    pop, push, add = stack.pop, stack.append, nodes.append
    in_order = len(outs) == 1  # so is a chain: whoever has one parent is younger than it
    for out in outs:
        if out.ct is None:
            out.ct = PENDING
            push(out)
    while stack:
        node = pop()
        while node.pull is not None:  # along the first parents; the others wait
            add(node)
            b = node.b
            if b is not None:
                in_order = False
                if type(b) is tuple:
                    for parent in b:
                        if parent.ct is None:
                            parent.ct = PENDING
                            push(parent)
                elif b.ct is None:
                    b.ct = PENDING
                    push(b)
            node = node.a
            if node.ct is not None:
                break
            node.ct = PENDING
        else:
            roots.append(node)
    if not in_order:
        nodes.sort(key=_by_order, reverse=True)
    return nodes, roots


class Graph:
    """All that some outputs depend on, its cotangent slots reserved while it is in use.

    ``nodes`` are ordered children first; ``roots`` are the leaves.
    """

    def __init__(self, outs: Sequence[Node]) -> None:
        self.nodes, self.roots = _collect(outs)

    def __enter__(self) -> Graph:
        return self

    def __exit__(self, *exception: Any) -> None:
        _forget(self.nodes, self.roots)


def _forget(nodes: list[Node], roots: list[Node]) -> None:
    for node in nodes:
        node.ct = None
    for node in roots:
        node.ct = None


def _run(
    nodes: list[Node],
    roots: list[Node],
    outs: Sequence[Node],
    cts: Sequence[Any],
    leaves: Sequence[Node],
    choose: Callable[[Node], Callable[[Node], None]] | None,
) -> list[Any]:
    """Pull the cotangents back through all nodes, children before parents."""
    owned = outs[0].scope.owned
    owned.clear()
    captured = outs[0].scope.captured
    captured.checked.clear()
    for out, ct in zip(outs, cts, strict=True):
        accumulate(out, ct)
    try:
        with np.errstate(all="ignore"):
            if choose is None:
                for node in nodes:
                    pull = node.pull  # not node.pull(node): a slot is no method, it is found slowly
                    pull(node)
                    node.ct = None
            else:
                for node in nodes:
                    choose(node)(node)
                    node.ct = None
        for root in roots:  # of which views were read
            captured.check(root.value)
        return [_result(leaf) for leaf in leaves]
    finally:
        _forget(nodes, roots)
        owned.clear()


def _has_guards(nodes: list[Node]) -> bool:
    """Tell whether the sweep has guarded products anyway.

    Then all must be, for the sweep's own derivative: of 0 * inf it is infinite by the zero, and
    only in a guarded product a zero beats that.
    """
    return any(
        n.aux[0].form == "elementwise"
        if n.pull is pull_recorded
        else type(n.value) is not tuple and n.value.dtype.kind == "c"
        for n in nodes
    )


def _guarded(node: Node) -> Callable[[Node], None]:
    """Choose the pullback in which a zero cotangent beats an infinite slope."""
    return GENERAL[node.pull]


def _unguarded(node: Node) -> Callable[[Node], None]:
    """Choose the fastest pullback that is right for traced values."""
    general = GENERAL[node.pull]
    fast = UNGUARDED.get(general)  # of generated code: one parent or two
    if fast is None or node.value.dtype.kind != "f" or node.a.value.dtype.kind != "f":
        return general
    return fast if node.b is None or node.b.value.dtype.kind == "f" else general


def _result(leaf: Node) -> Any:
    ct = leaf.ct
    if ct is None or ct is PENDING:
        return zeros(leaf.value)
    return ct[()] if is_array(ct) and not is_array(leaf.value) else ct


def _separate(gradients: list[Any], seeds: Sequence[Any]) -> list[Any]:
    """Copy what would share memory: with another result, with a seed, or as a view."""
    seen = {id(seed) for seed in seeds}
    results = []
    for g in gradients:
        if isinstance(g, np.ndarray):
            if g.base is not None or id(g) in seen:
                g = g.copy()
            seen.add(id(g))
        elif isinstance(g, Tracer) and is_array(g):
            g = np.copy(g)
        results.append(g)
    return results


def _clone(outs: Sequence[Node], leaves: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """Copy the graph, for a sweep while another one, of another thread, uses its slots."""
    copies: dict[int, Node] = {}
    tape = Tape()
    tape.captured = outs[0].scope.captured
    for node in sorted(_reachable(outs), key=_by_order):
        a = copies[id(node.a)] if node.a is not None else None
        b = node.b
        if type(b) is tuple:
            b = tuple(copies[id(parent)] for parent in b)
        elif b is not None:
            b = copies[id(b)]
        copy = new_node(tape, node.value, node.pull, a, b, node.aux)
        copies[id(node)] = copy
    loose = [new_node(tape, leaf.value, None) for leaf in leaves]
    return [copies[id(out)] for out in outs], [
        copies.get(id(leaf), spare) for leaf, spare in zip(leaves, loose, strict=True)
    ]
