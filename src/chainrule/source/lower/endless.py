"""Loops in the first look at a recursive function, when nothing is known of its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..ir import Expr, Lit
from . import slots
from .state import Endless, State


@contextmanager
def perhaps_endless(state: State, bounds: Sequence[Expr] = ()) -> Iterator[list[bool]]:
    """Take a loop for one without iterations as long as nothing is known of a call inside of it.

    Not one of which the bounds are known, and say that it has some.
    """
    ends = [bound.value for bound in bounds if isinstance(bound, Lit)]
    surely = len(ends) == 3 and len(range(*ends)) > 0
    entry = slots.Snapshot.take(state) if state.in_progress else None
    kept, found = (state.origin, state.path, [*state.tests]), list[bool]()
    try:
        yield found
    except Endless:
        if surely or entry is None:
            raise
        entry.restore()
        state.origin, state.path, state.tests[:] = kept
        found.append(True)
