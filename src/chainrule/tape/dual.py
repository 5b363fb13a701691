"""Forward mode: a value and its tangent, computed side by side; nothing is recorded.

Views and stores need no bookkeeping here: value and tangent are laid out alike, so a view of the one
goes with the same view of the other, and a store writes to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core import Primitive, Trace, Tracer, top_trace
from ..errors import MutationError, ShapeError
from .alias import is_array, shares_memory
from .array import ArrayTracer
from .node import as_inexact, is_inexact


class Dual(ArrayTracer):
    """A value with its tangent."""

    __slots__ = ("tangent", "trace", "value")
    tangent: Any

    def __init__(self, trace: Forward, value: Any, tangent: Any) -> None:
        self.trace = trace
        self.value = value
        self.tangent = tangent

    def __getitem__(self, index: Any) -> Any:
        return Dual(self.trace, self.value[index], self.tangent[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        if not is_array(self.value):
            raise TypeError("a traced scalar does not support item assignment, as a NumPy scalar")
        tangent: Any = 0
        if isinstance(value, Tracer):
            if value.trace.level > self.trace.level:
                raise MutationError(
                    "A value of an inner derivative is stored into an array of an outer one, "
                    "where its derivative would be lost",
                    "make the array inside the inner function, or copy it there first",
                )
            if value.trace is self.trace:
                value, tangent = value.value, value.tangent  # type: ignore[attr-defined]
        self._lift(value, tangent)
        self.value[index] = value
        self.tangent[index] = tangent

    def _lift(self, value: Any, tangent: Any) -> None:
        """Make plain buffers those of the outer trace whose values will be stored."""
        top = top_trace([value, tangent])
        if top is None:
            return
        for name in ("value", "tangent"):
            buffer = getattr(self, name)
            if not isinstance(buffer, Tracer) or buffer.trace.level < top.level:
                setattr(self, name, top.constant(buffer))

    def assign(self, new: Any) -> Dual:
        """Take a new value of the same shape, in place."""
        if new.shape != self.shape:
            raise ShapeError(
                f"In-place operation: a result of shape {new.shape} does not fit into shape "
                f"{self.shape}",
                "write it out of place: x = x + y",
            )
        if not np.can_cast(new.dtype, self.dtype, "same_kind"):
            raise TypeError(f"cannot cast a {new.dtype} result to {self.dtype} in place")
        self[...] = new
        return self


class Forward(Trace):
    """A forward-mode trace."""

    __slots__ = ()

    def root(self, value: Any, tangent: Any) -> Dual:
        """Start from a value and its tangent; both are copied, since stores write to them."""
        value = _own(as_inexact(value))
        return Dual(self, value, _as_laid_out(value, tangent) if is_array(value) else tangent)

    def constant(self, value: Any) -> Dual:
        """Wrap an array of zero derivative, to be stored into."""
        return Dual(self, value, np.zeros_like(value))

    def record(self, primitive: Primitive, args: Sequence[Any], active: dict[int, Any]) -> Any:
        """Apply a primitive to values and tangents."""
        values = list(args)
        for i, x in active.items():
            values[i] = x.value
        y = primitive.call(*values)
        if not is_inexact(y):
            return y
        tangents = {i: x.tangent for i, x in active.items()}
        with np.errstate(all="ignore"):
            y_dot = primitive.jvp(tangents, y, values)
        if type(y) is tuple:
            return tuple(Dual(self, v, _as_laid_out(v, t)) for v, t in zip(y, y_dot, strict=True))
        return Dual(self, y, _separate(y, y_dot, list(active.values())))


def _own(x: Any) -> Any:
    return np.copy(x) if is_array(x) else x


def _separate(y: Any, y_dot: Any, operands: Sequence[Dual]) -> Any:
    """Let the tangent share memory with an operand's exactly where the value shares the operand's."""
    if not isinstance(y, np.ndarray) or not isinstance(y_dot, np.ndarray):
        return y_dot
    if shares_memory(y, operands[0].value):
        return y_dot
    if (
        y_dot.base is None
        and y_dot.strides == y.strides
        and not any(y_dot is x.tangent for x in operands)
    ):
        return y_dot
    return _as_laid_out(y, y_dot)


def _as_laid_out(y: Any, y_dot: Any) -> Any:
    """Copy a tangent into memory that is laid out as the value's."""
    if isinstance(y, Tracer) or isinstance(y_dot, Tracer) or not is_array(y):
        return np.copy(y_dot) if is_array(y_dot) else y_dot
    own = np.empty_like(y)
    own[...] = y_dot
    return own
