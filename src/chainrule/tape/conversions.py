"""What would turn a traced value into a plain one, and so lose its derivative, is refused.

The error is kept on the trace too: NumPy swallows some of them, and the transform raises it then.
"""

from __future__ import annotations

import dis
import opcode
import sys
from types import FrameType
from typing import Any, NoReturn

from .._core import Tracer, plain
from ..errors import ConversionError, MutationError

_STORE_SUBSCR = opcode.opmap["STORE_SUBSCR"]


class Guarded(Tracer):
    """A traced value whose conversions are guarded."""

    __slots__ = ()

    def __bool__(self) -> bool:
        frame = sys._getframe(1)
        if frame.f_code.co_code[frame.f_lasti] == _STORE_SUBSCR:
            self._refuse("stored into a boolean array", "store the comparison that you mean: x > 0")
        return bool(plain(self))

    def _refuse(self, what: str, instead: str) -> NoReturn:
        error = ConversionError(
            f"A traced value (shape {self.shape}, {self.dtype}) was {what}, "
            "which would lose its derivative",
            instead,
        )
        if self.scope.error is None:
            self.scope.error = error
        try:
            raise error
        finally:
            del error

    def __float__(self) -> float:
        self._refuse(
            "converted to float (by float(x), a function of math, '%f' % x, or a store into a "
            "plain array)",
            "cr.compile(f), which follows that; np.sin(x) for math.sin(x); an f-string to print; "
            "out = np.zeros_like(x) or np.zeros(n, like=x) to store into; "
            "float(cr.stop_gradient(x)) for the bare number",
        )

    def __int__(self) -> int:
        self._refuse("converted to int", "int(cr.stop_gradient(x)) gives the bare number")

    def __complex__(self) -> complex:
        self._refuse(
            "converted to complex", "use x + 0j, or store into np.zeros(n, complex, like=x)"
        )

    def __index__(self) -> int:  # noqa: PLE0305 - it raises
        self._refuse(
            "used as an index or a count",
            "pass integers as arguments of their own, which are not differentiated (cr.vjp and "
            "cr.jvp differentiate by all arguments: close over an integer, lambda x: f(x, 5)), or "
            "use int(cr.stop_gradient(x))",
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        self._refuse(
            "converted to a plain array (by np.array, np.asarray, or a store into a plain array)",
            "cr.compile(f), which follows that; leave np.asarray out, a traced value is an array "
            "already; out = np.zeros_like(x) or np.zeros(n, like=x) to store into; "
            "np.stack([a, b]) for "
            "np.array([a, b]), np.sum(np.stack([a, b])) for np.sum([a, b]); "
            "np.asarray(cr.stop_gradient(x)) for the bare array",
        )

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        self._refuse("pickled", "pickle cr.stop_gradient(x)")

    def _refuse_shuffle(self, caller: FrameType) -> None:
        """Refuse ``rng.shuffle(x)``: it would swap rows that are views, and so lose some.

        It begins with the length of what it is given, whose caller is then the user's function.
        """
        if "shuffle" in caller.f_code.co_names and _calls(caller, "shuffle"):
            raise MutationError(
                f"A traced value (shape {self.shape}, {self.dtype}) was shuffled in place, which "
                "NumPy does right for its own arrays only",
                "index with a permutation: x = x[rng.permutation(len(x))]",
            )


def _calls(frame: FrameType, method: str) -> bool:
    """Tell whether a frame is at a call of a method or function of this name."""
    instructions = list(dis.get_instructions(frame.f_code))
    at = next((i for i in instructions if i.offset == frame.f_lasti), None)
    return at is not None and any(
        i.argval == method and _start(i) == _start(at) is not None for i in instructions
    )


def _start(instruction: dis.Instruction) -> tuple[int, int] | None:
    """Return line and column where the text of an instruction begins."""
    found = instruction.positions
    if found is None or found.lineno is None or found.col_offset is None:
        return None
    return found.lineno, found.col_offset
