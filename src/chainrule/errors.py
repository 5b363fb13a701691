"""What chainrule raises: each error says what was wrong, where, and what to write instead."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from types import FrameType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARIES = (
    _PACKAGE,
    os.path.join(sysconfig.get_paths()["purelib"], "numpy") + os.sep,
    os.path.join(sysconfig.get_paths()["purelib"], "scipy") + os.sep,
    "<chainrule",
    "<__array_function__",
)
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep


def is_users(frame: FrameType) -> bool:
    """Tell whether a frame is neither of chainrule, NumPy, SciPy nor the standard library."""
    return _is_users_file(frame.f_code.co_filename)


@functools.lru_cache(1024)
def _is_users_file(file: str) -> bool:
    standard = file.startswith(_STANDARD) and "site-packages" not in file
    return not (standard or file.startswith(_LIBRARIES))


def user_place() -> tuple[str, int]:
    """Return file and line of the innermost frame that is neither chainrule's nor NumPy's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if _is_users_file(file):
            return file, frame.f_lineno
        frame = frame.f_back
    return "<unknown>", 0


def user_location() -> str:
    """Return the place of ``user_place`` as 'FILE:LINE'."""
    file, line = user_place()
    return f"{file}:{line}"


class ChainruleError(Exception):
    """Base of everything chainrule raises on its own account.

    The message ends with the user's file and line, found when the error is made.

    >>> try:
    ...     raise ChainruleError("this is wrong", "write that")
    ... except ChainruleError as error:
    ...     print(str(error).splitlines()[0], "|", str(error).splitlines()[1].strip())
    this is wrong | Instead: write that
    """

    nothing_has_run = False
    """Whether it was found by reading the user's function, before any of it was run."""

    def __init__(self, problem: str, instead: str = "", location: str | None = None) -> None:
        self.problem = problem
        self.instead = instead
        self.location = user_location() if location is None else location
        advice = f"\n  Instead: {instead}" if instead else ""
        super().__init__(f"{problem}{advice}\n  At: {self.location}")

    def mention(self, what: str, other: ChainruleError) -> None:
        """Append another error to the message, after a line that says what it is."""
        indented = str(other).replace("\n", "\n  ")
        self.args = (f"{self}\n  {what}\n    {indented}",)


class ConversionError(ChainruleError, TypeError):
    """A traced value was about to be turned into a plain number or array, losing its derivative."""


class MutationError(ChainruleError, ValueError):
    """A store that would lose a derivative, or an array changed after its derivative needed it."""


class UnsupportedError(ChainruleError, TypeError):
    """A function, or a way of calling it, that no rule covers."""


class ArgumentError(ChainruleError, TypeError):
    """An argument of one of chainrule's own functions that does not fit."""


class ShapeError(ChainruleError, ValueError):
    """Shapes that do not fit."""


class TraceError(ChainruleError, RuntimeError):
    """A traced value used outside the call that made it."""


class KinkError(ChainruleError, ArithmeticError):
    """A point where a function is not differentiable, under ``strict_kinks``."""


class CheckError(ChainruleError, AssertionError):
    """A derivative that does not agree with the numerical one."""
