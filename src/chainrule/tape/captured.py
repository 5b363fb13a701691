"""Plain arrays that a pullback will read: were they changed in between?"""

from __future__ import annotations

import functools
import math
import weakref
from typing import Any

import numpy as np

from .._core import Tracer
from ..errors import MutationError, user_place

_SMALL = 16384


def fingerprint(array: np.ndarray[Any, Any]) -> bytes:
    """Summarise the contents: small arrays by their bytes, else by row and column sums.

    The sums are of 64-bit words, laid out in rows of a prime length: a change of one element, a
    swap of two, and a swap of two slices along an axis all change one of them.
    """
    if array.dtype.hasobject or array.nbytes <= _SMALL:
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


class Captured:
    """The plain arrays that a tape's pullbacks have saved, with their fingerprints."""

    __slots__ = ("__weakref__", "checked", "entries", "forget")

    def __init__(self) -> None:
        self.entries: dict[int, _Entry] = {}
        self.checked: set[int] = set()
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
