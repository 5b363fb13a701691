"""How a kernel ends before its result."""

# mypy: ignore-errors
from __future__ import annotations

from numba import njit, types
from numba.extending import intrinsic

from ..leaving import DivisionByZero, Leave, OtherSizes, OutOfRange, Overrun
from .intrinsics import leave_if

LEFT, OUT_OF_RANGE, BY_ZERO, OVERRUN = 1, 2, 3, 4
"""How a region may end, besides 0."""


@njit
def left(status):
    """Leave the compiled program because a region did."""
    if status == OUT_OF_RANGE:
        raise OutOfRange
    if status == BY_ZERO:
        raise DivisionByZero
    if status == OVERRUN:
        raise Overrun
    if status:
        raise Leave


@intrinsic
def check(typingctx, holds):
    """Leave the compiled program if something that it relies on does not hold."""

    def code(context, builder, signature, args):
        condition = context.cast(builder, args[0], holds, types.boolean)
        leave_if(context, builder, builder.not_(condition))
        return context.get_dummy_value()

    return types.none(holds), code


@intrinsic
def sized(typingctx, size, expected):
    """Leave the compiled program if an axis has another size than it was made for."""

    def code(context, builder, signature, args):
        pairs = zip(args, (size, expected), strict=True)
        given = [context.cast(builder, arg, own, types.intp) for arg, own in pairs]
        leave_if(context, builder, builder.icmp_signed("!=", *given), OtherSizes)
        return context.get_dummy_value()

    return types.none(size, expected), code


def throw(error):
    """Raise an exception: what ``raise`` does, as a function that the interpreter can call."""
    raise error
