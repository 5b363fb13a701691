"""Which of the user's lines made which record: found out only when a diagnosis asks.

Every record has a number from one counter. While a diagnosis runs the function, Python's trace hook
notes the counter at each line of the user's; a record belongs to the last line noted before it.
"""

from __future__ import annotations

import bisect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..errors import is_users
from ..tape.node import next_order


class Lines:
    """The lines that ran, in the order of the records made."""

    def __init__(self) -> None:
        self.orders: list[int] = []
        self.places: list[str] = []

    def note(self, frame: FrameType) -> None:
        """Note that a line is about to run, or to go on."""
        self.orders.append(next_order())
        self.places.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")

    def hook(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Follow the user's frames, for ``sys.settrace``."""
        if not is_users(frame):
            return None
        if event == "return":
            caller = frame.f_back
            while caller is not None and not is_users(caller):
                caller = caller.f_back
            if caller is not None:
                self.note(caller)
        elif event in ("call", "line"):
            self.note(frame)
        return self.hook

    def of(self, order: int) -> str:
        """Return 'FILE:LINE' of the record with this number."""
        k = bisect.bisect_left(self.orders, order) - 1
        return self.places[k] if k >= 0 else "<before the call>"

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record the lines that run inside, in this thread."""
        before = sys.gettrace()
        sys.settrace(self.hook)
        try:
            yield
        finally:
            sys.settrace(before)
