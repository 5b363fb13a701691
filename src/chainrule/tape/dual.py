"""Forward mode: a value and its tangent, computed side by side; nothing is recorded.

Views and stores need no bookkeeping here: value and tangent are laid out alike, so a view of the
one goes with the same view of the other, and a store writes to both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import getitem
from typing import Any

import numpy as np

from .._core import Primitive, Trace, Tracer, array_behind, is_array
from ..errors import ShapeError
from .alias import shares_memory
from .array import ArrayTracer
from .memory import Steps, is_basic, laid_out_as, lift, walk, writable_copy, zeros_laid_out_as
from .node import as_inexact, is_inexact
from .stores import as_one, inner_store


class Dual(ArrayTracer):
    """A value with its tangent.

    ``owner`` and ``steps``: of a view, where its memory is. They matter only when plain buffers
    must become traced ones (``lifts`` counts that): then a view looks its memory up again.
    """

    __slots__ = ("lifts", "owner", "scope", "steps", "tangent", "value")
    tangent: Any

    def __init__(
        self, scope: Forward, value: Any, tangent: Any, base: Dual | None = None, steps: Steps = ()
    ) -> None:
        self.scope = scope
        self.value = value
        self.tangent = tangent
        self.owner: Dual | None = None
        self.steps = steps
        self.lifts = 0
        if base is not None:
            self.owner = base if base.owner is None else base.owner
            self.steps = base.steps + steps
            self.lifts = self.owner.lifts

    def current(self) -> Dual:
        """Return itself, with its memory looked up again if the owner's was lifted."""
        owner = self.owner
        if owner is not None and owner.lifts != self.lifts:
            self.value = walk(self.steps, owner.value)
            self.tangent = walk(self.steps, owner.tangent)
            self.lifts = owner.lifts
        return self

    def held(self) -> Dual:
        """Return a dual of the same buffers, which a lift of this one does not concern."""
        value, tangent = (x.held() if isinstance(x, Tracer) else x for x in self.current().parts())
        return Dual(self.scope, value, tangent)

    def parts(self) -> tuple[Any, ...]:
        """Return value and tangent."""
        return (self.value, self.tangent)

    def __getitem__(self, index: Any) -> Any:
        x = self.current()
        value = x.value[index]
        if is_basic(index) and is_array(value):
            return Dual(x.scope, value, x.tangent[index], x, ((getitem, (index,)),))
        return Dual(x.scope, value, x.tangent[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        if not is_array(self.value):
            raise TypeError("a traced scalar does not support item assignment, as a NumPy scalar")
        tangent: Any = 0
        value = as_one(value)
        if isinstance(value, Tracer):
            if value.scope.level > self.scope.level:
                raise inner_store()
            if value.scope is self.scope:
                dual = value.current()
                value, tangent = dual.value, dual.tangent
        owner = self if self.owner is None else self.owner
        buffers = owner.value, owner.tangent
        for source in (value, tangent):
            owner.value, owner.tangent = lift(owner.value, source), lift(owner.tangent, source)
        if owner.value is not buffers[0] or owner.tangent is not buffers[1]:
            owner.lifts += 1
        x = self.current()
        x.value[index] = value
        x.tangent[index] = tangent

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
        value = as_inexact(value)
        if not is_array(value):
            return Dual(self, value, tangent)
        value = writable_copy(value)
        return Dual(self, value, _own_tangent(value, tangent))

    def constant(self, value: Any) -> Dual:
        """Wrap an array of zero derivative, to be stored into."""
        return Dual(self, value, zeros_laid_out_as(array_behind(value)))

    def recorder(self, brief: Any) -> Callable[..., Any] | None:
        """Return the function that calls a compiled function with tangents."""
        from .programs import forward

        return forward(brief)

    def record(self, primitive: Primitive, args: Sequence[Any], active: dict[int, Any]) -> Any:
        """Apply a primitive to values and tangents."""
        values = list(args)
        for i, x in active.items():
            values[i] = x.current().value
        y = primitive.call(*values)
        y = y if hasattr(y, "dtype") or type(y) is tuple else np.asarray(y)[()]
        primitive.refuse_closure(y, self.level)
        if not is_inexact(y):
            return y
        tangents = {i: x.tangent for i, x in active.items()}
        with np.errstate(all="ignore"):
            y_dot = primitive.jvp(tangents, y, values)
        if type(y) is tuple:
            return tuple(
                Dual(self, v, _own_tangent(v, t)) if is_inexact(v) else v
                for v, t in zip(y, y_dot, strict=True)
            )
        operands = list(active.values())
        if primitive.form == "linear" and shares_memory(y, operands[0].value):
            first = next(iter(active))
            step = (primitive.call, (*values[:first], *values[first + 1 :]))
            return Dual(self, y, y_dot, operands[0], (step,))
        return Dual(self, y, separate(y, y_dot, operands))


def separate(y: Any, y_dot: Any, operands: Sequence[Dual]) -> Any:
    """Give the tangent of a new array memory of its own, laid out as the value's."""
    if not is_array(y):
        return y_dot
    if isinstance(y, Tracer) or isinstance(y_dot, Tracer):
        alike = array_behind(y).strides == array_behind(y_dot).strides
        return y_dot if alike else laid_out_as(y, y_dot)
    if (
        y_dot.base is None
        and y_dot.strides == y.strides
        and not any(y_dot is x.tangent for x in operands)
    ):
        return y_dot
    return laid_out_as(y, y_dot)


def _own_tangent(y: Any, y_dot: Any) -> Any:
    """Copy a tangent into memory of its own that is laid out as the value's."""
    if is_array(y) and is_array(y_dot):
        return laid_out_as(y, y_dot)
    return np.copy(y_dot) if is_array(y_dot) else y_dot
