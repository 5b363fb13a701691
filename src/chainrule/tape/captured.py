"""Plain arrays that a pullback will read: were they changed in between?"""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from .._core import Tracer, copied
from ..errors import MutationError, user_place

SMALL = 16384
"""Bytes of an array that is copied rather than looked at twice."""


def fingerprint(array: np.ndarray[Any, Any]) -> bytes:
    """Summarise the contents: small arrays by their bytes, else by row and column sums.

    The sums are of 64-bit words, laid out in rows of a prime length: a change of one element, a
    swap of two, and a swap of two slices along an axis all change one of them.
    """
    if array.dtype.hasobject or array.nbytes <= SMALL:
        return array.tobytes()
    memory = array if array.flags.forc else np.ascontiguousarray(array)
    octets = memory.ravel(order="K").view(np.uint8)
    words = octets[: octets.size // 8 * 8].view(np.uint64)
    width = _width(words.size, max(array.shape))
    rows = words.size // width
    grid = words[: rows * width].reshape(rows, width)
    tail = octets[rows * width * 8 :]
    return b"".join(part.tobytes() for part in (grid.sum(axis=0), grid.sum(axis=1), tail))


@functools.cache
def _width(words: int, longest: int) -> int:
    """Return a prime near the square root, and longer than any axis where that is not much more."""
    root = math.isqrt(words)
    width = max(root, longest + 1) if longest < 8 * root else root
    while any(width % k == 0 for k in range(2, math.isqrt(width) + 1)):
        width += 1
    return width


class _Entry(weakref.ref[Any]):
    """An array that was captured: its fingerprint then, and the user's file and line."""

    __slots__ = ("fingerprint", "key", "place")
    key: int
    fingerprint: bytes
    place: tuple[str, int]


class _Copy:
    """A copy of an array, taken for what may be changed afterwards; others keep it alive."""

    fingerprint: bytes | None = None

    def __init__(self, array: Any, copy: np.ndarray[Any, Any]) -> None:
        self.array: Callable[[], Any] = weakref.ref(array)
        self.copy: Callable[[], Any] = weakref.ref(copy)

    def of(self, array: Any) -> Any:
        """Return the copy, None if it is gone, or the array is not any more what was copied."""
        original: Any = self.array()
        copy: Any = self.copy()
        if copy is None or original is not array or copy.shape != array.shape:
            return None
        if self.fingerprint is None:
            self.fingerprint = fingerprint(copy)
        return copy if self.fingerprint == fingerprint(array) else None


class Captured:
    """The plain arrays that a tape's pullbacks have saved, with their fingerprints."""

    __slots__ = ("__weakref__", "checked", "copies", "entries", "forget")

    def __init__(self) -> None:
        self.entries: dict[int, _Entry] = {}
        self.checked: set[int] = set()
        self.copies: dict[int, _Copy] = {}
        own = weakref.ref(self)  # the entries hold ``forget``: not the other way too

        def forget(dead: Any) -> None:
            captured, key = own(), dead.key
            if captured is not None and captured.entries.get(key) is dead:
                del captured.entries[key]

        self.forget = forget

    def add(self, array: Any) -> None:
        """Take the fingerprint of an array, once."""
        key = id(array)
        known = self.entries.get(key)
        if known is None or known() is not array:
            entry = _Entry(array, self.forget)
            entry.key = key
            entry.fingerprint = fingerprint(array)
            entry.place = user_place()
            self.entries[key] = entry

    def copy_of(self, array: Any) -> Any:
        """Return a copy; of a large array that has not changed since, the same one again."""
        if array.nbytes <= SMALL:
            return copied(array)
        known = self.copies.get(id(array))
        copy = None if known is None else known.of(array)
        if copy is None:
            copy = copied(array)
            self.copies[id(array)] = _Copy(array, copy)
        return copy

    def keep(self, x: Any) -> Any:
        """Take note of what a pullback saves: an array, or a tuple or list with arrays in it."""
        if isinstance(x, np.ndarray):
            self.add(x)
        elif type(x) is tuple or type(x) is list:
            return type(x)(self.keep(item) for item in x)
        elif isinstance(x, Tracer):
            x = x.held()
            for part in x.parts():
                self.keep(part)
        return x

    def check(self, x: Any) -> None:
        """Raise if a saved array, about to be read, is not what it was; once a sweep for each."""
        if isinstance(x, np.ndarray):
            if id(x) in self.checked:
                return
            self.checked.add(id(x))
            entry = self.entries.get(id(x))
            array: np.ndarray[Any, Any] = x
            if entry is not None and entry() is x and entry.fingerprint != fingerprint(array):
                place = ":".join(map(str, entry.place))
                raise MutationError(
                    f"An array of shape {array.shape} was changed after a derivative captured it, "
                    f"at {place}: its gradient would use the new numbers",
                    "pass a copy (`array.copy()`) to the differentiated computation, or change "
                    "the copy",
                    place,
                )
        elif type(x) is tuple or type(x) is list:
            for item in x:
                if type(item) is not np.float64 and item is not None:
                    self.check(item)
        elif isinstance(x, Tracer):
            for item in x.parts():
                self.check(item)
