"""Objects that wait for the interpreter, outside of machine code."""

# mypy: ignore-errors
from __future__ import annotations

import itertools
from contextlib import contextmanager

_objects = {}
_calls = itertools.count()


@contextmanager
def holding(objects):
    """Keep objects for one call of a kernel; yield the number under which they are found."""
    call = next(_calls)
    _objects[call] = objects
    try:
        yield call
    finally:
        del _objects[call]


def held_by(call):
    """Return the objects of a call."""
    return _objects[call]
