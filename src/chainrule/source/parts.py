"""Parts of parts of arrays, written with one index: ``v[1:4][0]`` is ``v[1]``."""

from __future__ import annotations

from typing import Any

from .ir import Expr, Index, Lit, Slice
from .types import INT, OBJECT

Ends = tuple[Any, Any, Any]


def merged(part: Index) -> Index:
    """Return the same place of an array, with one index instead of two where they are plain."""
    if not isinstance(part.base, Index):
        return part
    index = _composed(part.base.index, part.index)
    return part if index is None else Index(part.type, part.base.base, index)


def _composed(first: tuple[Expr, ...], second: tuple[Expr, ...]) -> tuple[Expr, ...] | None:
    """Return the index that is as good as two, one after the other."""
    if not all(_is_number(entry) or _ends(entry) is not None for entry in second):
        return None
    rest, found = list(second), []
    for entry in first:
        ends = _ends(entry)
        if ends is None and not _is_number(entry):
            return None
        joined = _joined(entry, ends, rest.pop(0)) if ends is not None and rest else entry
        if joined is None:
            return None
        found.append(joined)
    return (*found, *rest)


def _is_number(entry: Expr) -> bool:
    dtype = entry.type.dtype
    return entry.type.is_number and dtype is not None and dtype.kind in "iu"


def _ends(entry: Expr) -> Ends | None:
    """Return the ends and the step of a slice, None for any other entry of an index.

    What is not a literal stands for itself.
    """
    if isinstance(entry, Slice):
        parts = (entry.start, entry.stop, entry.step)
        return tuple(p.value if isinstance(p, Lit) else p for p in parts)  # type: ignore[return-value]
    if isinstance(entry, Lit) and isinstance(entry.value, slice):
        return entry.value.start, entry.value.stop, entry.value.step
    return None


def _joined(first: Expr, ends: Ends, second: Expr) -> Expr | None:
    """Return the entry for one axis that is as good as a slice and an entry after it."""
    start, stop, step = ends
    if ends == (None, None, None):
        return second
    more = _ends(second)
    if more == (None, None, None):
        return first
    if step not in (None, 1) or not _is_count(start):
        return None
    low = start or 0
    if more is None:
        place = second.value if isinstance(second, Lit) else None
        return Lit(INT, low + place) if type(place) is int and place >= 0 else None
    if more[2] not in (None, 1) or not (_is_count(more[0]) and _is_count(more[1])):
        return None
    high = stop
    if more[1] is not None:
        if not _is_count(stop):
            return None
        high = low + more[1] if stop is None else min(stop, low + more[1])
    elif isinstance(stop, Expr):
        return None
    low += more[0] or 0
    return Slice(
        OBJECT, Lit(INT, low) if low else None, None if high is None else Lit(INT, high), None
    )


def _is_count(end: Any) -> bool:
    """Tell whether an end of a slice counts from the front, as a literal or left out."""
    return end is None or (type(end) is int and end >= 0)
