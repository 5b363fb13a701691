"""Why there is no kernel, or why one ends early: NumPy runs the program, or an exception is due."""

from __future__ import annotations


class NotNative(Exception):  # noqa: N818 (a question answered with no, not an error)
    """The program has to be run by NumPy; the text says why."""


class Leave(Exception):  # noqa: N818 (no error: the program is run by NumPy instead)
    """Something that machine code does not do as Python does: the NumPy program has to be run."""


class OutOfRange(Leave):
    """An index that is not one of an axis."""


class OtherSizes(Leave):
    """An argument has another size than the one that a kernel was made for."""


class DivisionByZero(Leave):
    """A division of Python numbers by zero."""


class Overrun(Exception):  # noqa: N818
    """An access outside of an array, which is a fault of ours: NUMBA_BOUNDSCHECK looks for them."""
