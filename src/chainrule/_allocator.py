"""The C library's heap: memory that one graph or call has used is kept for the next.

glibc hands large blocks back to the system when they are freed and gets them again page by page: a
third of the time of a small network's gradient. The thresholds for that follow the largest block
that was ever freed, up to 32 MiB; so one block of nearly that size is freed, of which no page was
touched. With other C libraries this does nothing.
"""

from __future__ import annotations

import functools

import numpy as np

_JUST_BELOW_THE_LARGEST = 31 << 20


@functools.cache
def keep_freed_memory() -> None:
    """Raise the thresholds of the allocator, once in a process."""
    np.empty(_JUST_BELOW_THE_LARGEST, np.uint8)
