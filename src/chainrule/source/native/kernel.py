"""Running a program by machine code, kept or made now, and what runs it where that leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._collector import COLLECTOR_PAUSED
from ..._trees import map_leaves
from .. import ir
from ..kept import Kept
from ..types import Size
from .leaving import DivisionByZero, Leave, OtherSizes, OutOfRange
from .loaded import Loaded, Saved

if TYPE_CHECKING:
    from .compiling import Code

_LEAVING = (Leave, ValueError, ArithmeticError, LookupError)


class Native:
    """A program run by machine code; ``function`` has its own parameters and result.

    ``program`` makes the program; ``by_numpy`` makes the function that NumPy runs; ``sizes`` is
    what the symbols of sizes stand for in the first call; ``kept``: finds what was made before.
    Raises ``NotNative`` where there can be no machine code.
    """

    def __init__(
        self,
        program: Callable[[], ir.Program],
        by_numpy: Callable[[], Callable[..., Any]],
        sizes: dict[Size, int] | None = None,
        parallel: bool = False,
        kept: Kept | None = None,
    ) -> None:
        self._program = program
        self.parallel = parallel
        self.by_numpy = by_numpy
        self.sizes = sizes or {}
        self.wraps = False
        self.is_careful = False
        self.fits_all_sizes = False
        self.kept = kept or Kept()
        self._use(self.kept.code() or self._compiled())
        self.owns_results = self.code.owns_results
        """Whether the arrays that a call returns belong to nobody else."""
        self.goes_on = self.code.may_leave and self.code.stack != "taken"
        """Whether a call that machine code leaves is made otherwise."""
        self.function = self._guarded()

    @cached_property
    def program(self) -> ir.Program:
        """The program as its machine code is made of it."""
        return self._program()

    def _expected(self) -> tuple[str, ...]:
        """Return what is expected now that was not when the first machine code was made."""
        return ("any sizes",) * self.fits_all_sizes + ("negative indices",) * self.wraps

    def _compiled(self) -> Code:
        """Return new machine code for what is expected now."""
        from .compiling import Code

        with COLLECTOR_PAUSED:
            code = Code(self.program, self.wraps, self.sizes, self.parallel)
            self.kept.keep(code, self._expected())
        return code

    def _use(self, code: Code | Loaded) -> Callable[..., Any]:
        """Let this code be what a call comes down to."""
        self.code = code
        self.called = code.careful if self.is_careful else code.function
        return self.called

    @property
    def text(self) -> str:
        """The kernel as Numba reads it."""
        if isinstance(self.code, Loaded):
            from .compiling import text_of

            return text_of(self.program, self.wraps, self.sizes, self.parallel)
        return self.code.text

    @property
    def runs_python(self) -> bool:
        """Whether the interpreter runs parts of the program."""
        return self.code.runs_python

    FAULTS = (TypeError, *_LEAVING)
    """What ``called`` raises where the call has to be made ``otherwise``."""

    def _guarded(self) -> Callable[..., Any]:
        """Return the function that runs NumPy's program where machine code leaves."""
        if self.code.stack == "taken":
            return self._sweep_back
        if not self.goes_on:
            return self._once

        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return self.called(*args, **kwargs)
            except self.FAULTS as why:
                return self.otherwise(why, args, kwargs)

        return called

    def otherwise(self, why: Exception, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run by other code: for arrays in any order, for any sizes, or by NumPy."""
        if isinstance(why, TypeError):
            called = self._for_all_orders()
        elif isinstance(why, OtherSizes):
            called = self._for_all_sizes()
        elif not self._has_code_for_negative_indices():
            return self._again(args, kwargs)
        else:
            called = self.called
        try:
            return called(*args, **kwargs)
        except _LEAVING as another:
            return self.otherwise(another, args, kwargs)
        except TypeError:
            if all(x is not None for x in args):
                raise
            return self._by_numpy(*args, **kwargs)  # NumPy did not save what it is, in a branch

    def _for_all_orders(self) -> Callable[..., Any]:
        """Go over to looking at all arrays: they do not lie in C's order in every call."""
        self.is_careful = True
        return self._use(self.code)

    def _for_all_sizes(self) -> Callable[..., Any]:
        """Go over to code for arguments of any sizes: they do not have few places in every call."""
        if self.sizes:
            self.sizes = {}
            self.fits_all_sizes = True
            self._use(self.kept.code(self._expected()) or self._compiled())
        return self.called

    def _has_code_for_negative_indices(self) -> bool:
        """Go over to code that expects them if an earlier process made it; tell whether one did."""
        if self.wraps:
            return False
        self.wraps = True
        code = self.kept.code(self._expected())
        if code is None:
            self.wraps = False
        else:
            self._use(code)
        return code is not None

    def _again(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run by NumPy what machine code left; what NumPy raises is what the function raises.

        Otherwise negative indices are expected from now on. What then leaves is NumPy's.
        """
        result = self._by_numpy(*args, **kwargs)
        if self.wraps:
            self.called = self._by_numpy
        else:
            self.wraps = True
            self._use(self._compiled())
        return result

    def _by_numpy(self, *args: Any, **kwargs: Any) -> Any:
        """Run NumPy's program; its arrays are new ones if those of machine code are."""
        result = self.by_numpy()(*args, **kwargs)
        if not self.owns_results:
            return result
        return map_leaves(lambda x: x.copy() if isinstance(x, np.ndarray) else x, result)

    def _once(self, *args: Any, **kwargs: Any) -> Any:
        """Run a program with effects, which must not happen twice."""
        try:
            try:
                return self.code.careful(*args, **kwargs)
            except OtherSizes:  # that is looked at before anything else
                self._for_all_sizes()
                return self.code.careful(*args, **kwargs)
        except OutOfRange:
            raise IndexError("an index is out of bounds for its axis") from None
        except DivisionByZero:
            raise ZeroDivisionError("division by zero") from None
        except Leave:
            raise ValueError(
                "sizes that do not fit together, or a number that only Python has: "
                'backend="numpy" says which'
            ) from None

    def _sweep_back(self, *args: Any, **kwargs: Any) -> Any:
        """Run a sweep back; one from what NumPy's forward sweep left is run by NumPy."""
        if isinstance(args[self.code.stack_at], Saved):
            return self._once(*args, **kwargs)  # what it goes back from, NumPy could not read
        return self.by_numpy()(*args, **kwargs)
