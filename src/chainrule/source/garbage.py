"""Python looks for garbage less often than passes and compilers make objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collections() -> Iterator[None]:
    """Keep Python from looking for garbage: a compiler makes a lot, and frees it in the end.

    It would look through all that the compiler has loaded, several times in each second.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
