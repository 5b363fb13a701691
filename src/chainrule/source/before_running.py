"""What is so while a function is read and its derivatives are made, before anything is run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._collector import COLLECTOR_PAUSED
from ..errors import ChainruleError, UnsupportedError


@contextmanager
def before_running() -> Iterator[None]:
    """Mark a refusal as one that came before anything of the user's function was run."""
    try:
        with COLLECTOR_PAUSED:
            yield
    except UnsupportedError as error:
        error.nothing_has_run = True
        raise
    except (AssertionError, AttributeError, LookupError, TypeError) as fault:
        if isinstance(fault, ChainruleError):
            raise
        refusal = UnsupportedError(
            f"The source engine could not read this function: {type(fault).__name__}: {fault}",
            "if it runs as plain Python, this is a fault of chainrule; "
            'with cr.engine("tape") the tape is used',
        )
        refusal.nothing_has_run = True
        raise refusal from fault
