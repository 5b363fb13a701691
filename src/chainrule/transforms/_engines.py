"""Which engine differentiates a plain function: decided before the call, by reading its source.

The tape follows what a function does with traced values; where it cannot (stores into arrays that
the function makes itself, ``math.sin``, ``np.array([x, y])``) the source engine takes over. What
the source engine refuses while it reads the function goes to the tape after all: nothing has run
by then. A call that has started is never run again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, TypeVar

from .._core import STRICT
from ..errors import ArgumentError, UnsupportedError
from ..source.scan import Verdict, scan
from ..source.scan import which_engine as _which_engine
from ._calls import Argnums, Function
from .programs import derivatives_of

if TYPE_CHECKING:
    from ..source.program import Program

T = TypeVar("T")
_ATTRIBUTE = "__chainrule_made__"
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class _Forced(threading.local):
    name: str | None = None


_FORCED = _Forced()


class _Made:
    """What was made of a function; kept on the function itself, so that it lives as long."""

    def __init__(self, f: Function) -> None:
        from .compiled import program_of

        self.f = f
        self.program = program_of(f, "numpy", False)
        self.refusal: UnsupportedError | None = None
        """Why the source engine does not take it, once that is known."""

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Be left behind where the function is pickled with its attributes: it is made again."""
        return type(None), ()


@contextmanager
def engine(name: str) -> Iterator[None]:
    """Let one engine, ``"tape"`` or ``"source"``, differentiate all plain functions called within.

    Raises:
        ArgumentError: for another name.

    >>> import chainrule as cr
    >>> with cr.engine("source"):
    ...     print(cr.grad(lambda x: x * x)(3.0))
    6.0
    """
    if name not in ("tape", "source"):
        raise ArgumentError(f"There is no engine {name!r}", 'engine("tape") or engine("source")')
    outer, _FORCED.name = _FORCED.name, name
    try:
        yield
    finally:
        _FORCED.name = outer


def which_engine(f: Function, argnums: Argnums = 0) -> Verdict:
    """Say which engine the derivatives of ``f`` are taken by, and why: the lines that decide it.

    >>> def total(x):
    ...     return (x * x).sum()
    >>> which_engine(total).engine
    'tape'
    """
    return _which_engine(f, argnums)


def by_source(f: Function, argnums: Argnums, differentiate: Callable[[Program], T]) -> T | None:
    """Return ``differentiate(program)`` where the source engine is the right one, else None."""
    made = _made(f, argnums)
    if made is None:
        return None
    try:
        return differentiate(made.program)
    except UnsupportedError as error:
        if _FORCED.name == "source" or not error.nothing_has_run:
            raise
        # a new one: that which was raised holds the frames of the call
        made.refusal = UnsupportedError(error.problem, error.instead, error.location)
        return None


def refusal_of(f: Function) -> UnsupportedError | None:
    """Return why the source engine does not take a function that it was to take."""
    made = getattr(f, _ATTRIBUTE, None)
    return made.refusal if isinstance(made, _Made) and made.f is f else None


def _made(f: Function, argnums: Argnums) -> _Made | None:
    forced = _FORCED.name
    if forced == "tape" or STRICT.notify is not None or derivatives_of(f) is not None:
        return None
    code = getattr(f, "__code__", None)
    if code is not None and code.co_filename.startswith(_HERE):
        return None  # a derivative: it has chosen an engine for the function behind it
    if forced is None and scan(f, argnums).engine == "tape":
        return None
    made = getattr(f, _ATTRIBUTE, None)
    if not isinstance(made, _Made) or made.f is not f:  # functools.wraps copies attributes
        made = _Made(f)
        if isinstance(f, FunctionType):
            setattr(f, _ATTRIBUTE, made)
    return None if made.refusal and forced is None else made
