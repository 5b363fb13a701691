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
from .node import as_inexact


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
        return Dual(self, _own(as_inexact(value)), _own(tangent))

    def constant(self, value: Any) -> Dual:
        """Wrap an array of zero derivative, to be stored into."""
        return Dual(self, value, np.zeros_like(value))

    def record(self, primitive: Primitive, args: Sequence[Any], active: dict[int, Any]) -> Any:
        """Apply a primitive to values and tangents."""
        values = list(args)
        for i, x in active.items():
            values[i] = x.value
        y = primitive.call(*values)
        tangents = {i: x.tangent for i, x in active.items()}
        with np.errstate(all="ignore"):
            y_dot = primitive.jvp(tangents, y, values)
        first = next(iter(active))
        return Dual(self, y, _laid_out(y, y_dot, active[first]))


def _own(x: Any) -> Any:
    return np.copy(x) if is_array(x) else x


def _laid_out(y: Any, y_dot: Any, x: Dual) -> Any:
    """Give the tangent memory that is shared with the operand's exactly where the value's is."""
    if not isinstance(y, np.ndarray) or not isinstance(y_dot, np.ndarray):
        return y_dot
    if shares_memory(y, x.value):
        return y_dot
    if y_dot.base is None and y_dot is not x.tangent and y_dot.strides == y.strides:
        return y_dot
    own = np.empty_like(y, dtype=y_dot.dtype)
    own[...] = y_dot
    return own


