"""Walks over the graph of Nodes.

Each walk is a loop with its own stack, not a recursion, which would fail on a long chain; and each
Node is visited once, because a Node that is used twice would otherwise double the work every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core import is_traced
from ..errors import ArgumentError

if TYPE_CHECKING:
    from .node import Node


def named_leaves(node: Node) -> dict[str, Node]:
    """Find the named leaves that ``node`` was computed from, in the order of reading."""
    leaves: dict[str, Node] = {}
    seen: set[int] = set()
    stack = [node]
    while stack:
        current = stack.pop()
        if id(current) in seen or not is_traced(current._data):
            continue  # what is not traced has no named leaf among its ancestors
        seen.add(id(current))
        if current.name is not None:
            if current.name in leaves:
                raise ArgumentError(
                    f"Two different leaves have the name {current.name!r}.",
                    "give each leaf its own name, or use one Node in both places",
                )
            leaves[current.name] = current
        stack.extend(reversed(current.parents))
    return leaves


def all_nodes(node: Node) -> list[Node]:
    """Return ``node`` and all that it was computed from, parents before children."""
    order: list[Node] = []
    seen: set[int] = set()
    stack = [(node, False)]
    while stack:
        current, parents_done = stack.pop()
        if parents_done:
            order.append(current)
        elif id(current) not in seen:
            seen.add(id(current))
            stack.append((current, True))
            stack.extend((parent, False) for parent in reversed(current.parents))
    return order


def index_text(key: Any) -> str:
    """Write an index as it was typed, for the picture."""
    if isinstance(key, tuple):
        return ", ".join(index_text(k) for k in key)
    if isinstance(key, slice):
        ends = ["" if end is None else str(end) for end in (key.start, key.stop)]
        return ":".join(ends if key.step is None else [*ends, str(key.step)])
    return str(key)
