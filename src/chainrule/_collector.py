"""Python's cycle collector, which would look through a growing graph again and again in vain.

A graph holds no cycles. During a sweep nothing is collected, nor while a program is read and
compiled: a compiler makes a lot, frees it in the end, and has loaded much to look through. While a
function is traced the young generations still are, if less often, for the user's own garbage, but
not the old one, where the graph ends up.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

_SELDOM = 100_000
"""Objects between two collections of the youngest: each looks through all the new records."""

_NEVER = 1_000_000


class _Setting:
    """A setting of the collector, in force until its outermost user, in any thread, has ended."""

    def __init__(self, begin: Callable[[], Callable[[], None]]) -> None:
        self.begin = begin
        self.lock = threading.Lock()
        self.users = 0

    def __enter__(self) -> None:
        with self.lock:
            if not self.users:
                self.end = self.begin()
            self.users += 1

    def __exit__(self, *exception: object) -> None:
        with self.lock:
            self.users -= 1
            if not self.users:
                self.end()


def _pause() -> Callable[[], None]:
    enabled = gc.isenabled()
    gc.disable()
    return gc.enable if enabled else gc.disable


def _spare_the_old() -> Callable[[], None]:
    before = gc.get_threshold()
    seldom = before[0] and max(before[0], _SELDOM)  # 0 stands for never
    gc.set_threshold(seldom, before[1], _NEVER)
    return lambda: gc.set_threshold(*before)


COLLECTOR_PAUSED = _Setting(_pause)
OLD_GENERATION_SPARED = _Setting(_spare_the_old)
