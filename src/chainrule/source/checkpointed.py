"""Loops that keep few of their states: ``checkpointed``, and the binomial schedule behind it.

To reverse a loop, its states are needed from the last to the first. With room for ``slots`` of
them, the others are computed again from the nearest one that was kept. If no iteration may run more
than ``r`` times again, binomial(slots + r, slots) iterations can be reversed, and that is the best
there is: Griewank and Walther, Algorithm 799: revolve, ACM TOMS 26 (2000).

The functions below ``checkpointed`` are part of the programs that need them.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError


def checkpointed(steps: range, snapshots: int | None = None) -> range:
    """Let a loop keep at most ``snapshots`` of its states for the derivative, and compute the rest.

    Written in the head of a ``for`` loop. It is the range itself wherever nothing goes backwards.
    In reverse mode the source engine keeps copies of what the loop carries from one iteration to
    the next, at most ``snapshots`` of them at a time, and runs iterations again from the nearest
    one, as few as possible (Griewank and Walther, Algorithm 799: revolve, ACM TOMS 26, 2000): with
    ``r`` the smallest number for which binomial(snapshots + r, snapshots) is at least the number
    of iterations, each runs at most ``r`` more times. Iterations that print, draw random numbers
    or call what has neither a rule nor source cannot run again. On the tape the loop is recorded
    as any other, with a warning.

    Args:
        steps: the range to go through.
        snapshots: how many states are kept at a time, one or more; as many as it takes to run no
            iteration more than twice again if left out, about sqrt(2 n) of n iterations.

    Raises:
        ArgumentError: if ``steps`` is no range, or ``snapshots`` no positive integer.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> def logistic(x, n):
    ...     for _ in cr.checkpointed(range(n), snapshots=5):
    ...         x = 3.7 * x * (1 - x)
    ...     return x
    >>> list(cr.checkpointed(range(3)))
    [0, 1, 2]
    >>> cr.grad(logistic)(0.3, 4)
    np.float64(...)
    """
    if not isinstance(steps, range):
        raise ArgumentError(
            f"checkpointed goes through a range, not a {type(steps).__name__}",
            "checkpointed(range(n)), with the items read in the body: x[i]",
        )
    if snapshots is not None and (not _is_integer(snapshots) or snapshots < 1):
        raise ArgumentError(
            f"snapshots={snapshots!r} is not a positive integer", "keep one state or more"
        )
    if _is_recording():
        warnings.warn(
            "A checkpointed loop runs on the tape, which keeps every iteration, so that its memory "
            "is not bounded; cr.grad(cr.compile(f)) says what the source engine does not take",
            stacklevel=2,
        )
    return steps


def _is_integer(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


_watch: list[Callable[[], bool]] = []


def _is_recording() -> bool:
    return any(is_recording() for is_recording in _watch)


def set_watch(is_recording: Callable[[], bool]) -> None:
    """Say what tells whether a function is being recorded on a tape."""
    _watch[:] = [is_recording]


# ---------------------------------------------------------------- helpers of reverse sweeps


def default_snapshots(steps: int) -> int:
    """Return how many states to keep so that no iteration runs more than twice again."""
    slots = 1
    while (slots + 1) * (slots + 2) < 2 * steps:
        slots += 1
    return slots


def snapshot_slots(snapshots: int, steps: int) -> int:
    """Return how many states to make room for: no more than there are."""
    if snapshots < 1:
        raise ValueError("a checkpointed loop must keep one snapshot or more")
    return max(1, min(snapshots, steps))


def steps_to_snapshot(steps: int, slots: int) -> int:
    """Return after how many iterations the next state is kept, or the last one is reached.

    The state before ``steps`` iterations is there, in one of ``slots`` free places.
    """
    if slots == 1:
        return steps - 1
    repeats, reach = 0, 1  # reach: binomial(slots + repeats, slots)
    while reach < steps:
        repeats += 1
        reach = reach * (slots + repeats) // repeats
    left = reach * repeats // (slots + repeats)  # what can be reversed with one repeat less
    right = left * slots // (slots + repeats - 1)  # the same, with one place less too
    return min(left, steps - right)
