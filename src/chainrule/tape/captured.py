"""Plain arrays that a pullback will read: were they changed in between?"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from ..errors import MutationError, user_location

_SMALL = 16384


def fingerprint(array: np.ndarray[Any, Any]) -> bytes:
    """Summarise the contents: small arrays by their bytes, else by row and column sums.

    A swap of two elements changes a row or a column sum, a change of one element both.
    """
    if array.dtype.hasobject or array.nbytes <= _SMALL:
        return array.tobytes()
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    width = 1 << (words.size.bit_length() + 1) // 2
    rows = words.size // width
    grid = words[: rows * width].reshape(rows, width)
    tail = flat[rows * width * 8 :]
    return grid.sum(axis=0).tobytes() + grid.sum(axis=1).tobytes() + tail.tobytes()


class Captured:
    """The plain arrays that a tape's pullbacks have saved, with their fingerprints."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[int, tuple[weakref.ref[Any], bytes, str]] = {}

    def add(self, array: Any) -> None:
        """Take the fingerprint of an array, once."""
        key, entries = id(array), self.entries
        entry = entries.get(key)
        if entry is not None and entry[0]() is array:
            return

        def forget(dead: weakref.ref[Any]) -> None:
            if key in entries and entries[key][0] is dead:
                del entries[key]

        entries[key] = (weakref.ref(array, forget), fingerprint(array), user_location())

    def keep(self, x: Any) -> Any:
        """Take note of what a pullback saves: an array, or a tuple or list with arrays in it."""
        if isinstance(x, np.ndarray):
            self.add(x)
        elif type(x) is tuple or type(x) is list:
            return type(x)(self.keep(item) for item in x)
        return x

    def check(self, x: Any, seen: set[int]) -> None:
        """Raise if a saved array is not what it was."""
        if isinstance(x, np.ndarray):
            if id(x) in seen:
                return
            seen.add(id(x))
            entry = self.entries.get(id(x))
            if entry is not None and entry[0]() is x and fingerprint(x) != entry[1]:
                raise MutationError(
                    f"An array of shape {x.shape} was changed after a derivative captured it, "
                    f"at {entry[2]}: its gradient would use the new numbers",
                    "pass a copy (`array.copy()`) to the differentiated computation, or change "
                    "the copy",
                    entry[2],
                )
        elif type(x) is tuple or type(x) is list:
            for item in x:
                self.check(item, seen)
