"""How a kernel ends before its result."""

# mypy: ignore-errors
from __future__ import annotations

from numba import types
from numba.extending import intrinsic

from ..leaving import DivisionByZero, Leave, OtherSizes, OutOfRange, Overrun
from .intrinsics import leave_if

LEFT, OUT_OF_RANGE, BY_ZERO, OVERRUN = 1, 2, 3, 4
"""How a region may end, besides 0."""
_WAYS = {LEFT: Leave, OUT_OF_RANGE: OutOfRange, BY_ZERO: DivisionByZero, OVERRUN: Overrun}


@intrinsic
def left(typingctx, status):
    """Leave the compiled program because a region did."""

    def code(context, builder, signature, args):
        (found,) = args
        kind = found.type
        with builder.if_then(builder.icmp_signed("!=", found, kind(0)), likely=False):
            for way, how in _WAYS.items():
                leave_if(context, builder, builder.icmp_signed("==", found, kind(way)), how)
        return context.get_dummy_value()

    return types.none(status), code


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
