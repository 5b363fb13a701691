"""Arguments that share memory: as traced values they are apart, so neither may change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._core import Tracer, array_behind, plain
from .._trees import leaves_of
from ..errors import MutationError
from ..tape import Node
from ._calls import Call, name_of


def refuse_changes(call: Call, traced: Sequence[Any]) -> None:
    """Refuse that a function has changed an argument of which another one is a part.

    Raises:
        MutationError: if it has.
    """
    roots = list(leaves_of(list(traced)))
    if all(type(root) in _UNCHANGED for root in roots):
        return
    others = list(_arrays([*call.args, *call.kwargs.values()]))
    if len(others) < 2:
        return
    shared = _shared(others)
    for leaf, root in zip(leaves_of(call.primals()), roots, strict=True):
        if id(array_behind(leaf)) in shared and isinstance(root, Tracer):
            now, before = plain(root.current()), plain(leaf)
            if not np.array_equal(now, before, equal_nan=now.dtype.kind in "fc"):
                raise MutationError(
                    f"Two arguments of {name_of(call.f)} share memory, and it changes one of them",
                    "pass a copy of one: x.copy()",
                )


_UNCHANGED = frozenset({Node, np.ndarray, int, float, bool, str, type(None)})
"""Types of arguments that surely were not stored into; a node is of another one afterwards."""


def _arrays(values: list[Any]) -> Iterator[np.ndarray[Any, Any]]:
    for leaf in leaves_of(values):
        found = array_behind(leaf)
        if type(found) is np.ndarray and found.size:
            yield found


def _shared(arrays: list[np.ndarray[Any, Any]]) -> set[int]:
    """Return the ids of those whose memory overlaps that of another one."""
    ends = [(*np.lib.array_utils.byte_bounds(x), k) for k, x in enumerate(arrays)]
    found: set[int] = set()
    reach, last = -1, 0
    for low, high, k in sorted(ends):
        if low < reach and np.may_share_memory(arrays[last], arrays[k]):
            found |= {id(arrays[last]), id(arrays[k])}
        if high > reach:
            reach, last = high, k
    return found
