"""Values that a function closes over: read at every call, and once more where a run is repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Reads = dict[Callable[[], Any], Any]
"""How closed-over values are read -> what was read."""


class _Again(threading.local):
    """Whether this thread repeats a run: ``reads`` holds closed-over values as they were then."""

    reads: Reads | None = None


STATE = _Again()


class again:  # noqa: N801 (used as a function is)
    """Run programs a second time: without prints, with closed-over values as they were."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads

    def __enter__(self) -> None:
        self.before = STATE.reads
        STATE.reads = self.before | self.reads if self.before else self.reads

    def __exit__(self, *exception: object) -> None:
        STATE.reads = self.before


def is_again() -> bool:
    """Tell whether a run is being repeated."""
    return STATE.reads is not None


def value_of(read: Callable[[], Any]) -> Any:
    """Read a closed-over value."""
    reads = STATE.reads
    return reads[read] if reads is not None and read in reads else read()


Guards = tuple[tuple[Callable[[], Any], Any], ...]
"""How closed-over values are read that have to be the same, and what they were."""


def hold(guards: Guards) -> bool:
    """Tell whether the closed-over values that were taken as known are still the same."""
    repeated = STATE.reads is not None
    for read, before in guards:
        now = value_of(read) if repeated else read()
        if now is not before and not same(now, before):
            return False
    return True


def same(now: Any, before: Any) -> bool:
    """Tell whether a closed-over value is as good as the one before."""
    return type(now) is type(before) and bool(now == before)
