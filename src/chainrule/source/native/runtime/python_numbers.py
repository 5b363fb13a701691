"""Numbers as Python has them: integers of any size, and errors instead of infinity or NaN.

Where machine code's numbers cannot be Python's, the compiled program leaves.
"""

# mypy: ignore-errors
from __future__ import annotations

import math

from llvmlite import ir as llvm
from numba import types
from numba.extending import intrinsic

from ..leaving import Leave
from ..pipeline import part_of_kernels
from .indices import least
from .intrinsics import integer, leave_if, of_integers

MODERATE = 3_000_000_000
"""Integers from outside, and sizes, are relied on not to be larger: a product of two of them, with
another one added, is one of 64 bits."""


def _overflowing(name):
    """Make an intrinsic that leaves where a result has more than 64 bits."""

    def build(context, builder, a, b):
        instruction = getattr(builder, f"s{name}_with_overflow")
        found = instruction(a, b)
        leave_if(context, builder, builder.extract_value(found, 1))
        return builder.extract_value(found, 0)

    build.__name__ = name
    return of_integers()(build)


sum_of, difference_of, product_of = map(_overflowing, ("add", "sub", "mul"))


@part_of_kernels
def power_of(base, exponent):
    """Return a power of integers; leave where it is not one of 64 bits."""
    if exponent < 0:
        raise Leave
    found = 1
    while exponent:
        if exponent & 1:
            found = product_of(found, base)
        exponent >>= 1
        if exponent:
            base = product_of(base, base)
    return found


@of_integers()
def shifted_up(context, builder, a, by):
    """Return ``a << by``; leave where it is not one of 64 bits."""
    leave_if(context, builder, builder.icmp_unsigned(">=", by, integer(63)))
    found = builder.shl(a, by)
    leave_if(context, builder, builder.icmp_signed("!=", builder.ashr(found, by), a))
    return found


@of_integers()
def shift(context, builder, by):
    """Return by how much to shift down; leave where it is negative."""
    leave_if(context, builder, builder.icmp_signed("<", by, integer(0)))
    return least(builder, by, integer(63))


@of_integers()
def not_least(context, builder, a):
    """Return an integer; leave where it is the one whose negative has more than 64 bits."""
    leave_if(context, builder, builder.icmp_signed("==", a, integer(-(2**63))))
    return a


@of_integers()
def fitting(context, builder, a, low, high):
    """Return an integer; leave where it does not lie between two ends."""
    below, above = builder.icmp_signed("<", a, low), builder.icmp_signed(">", a, high)
    leave_if(context, builder, builder.or_(below, above))
    return a


@of_integers(types.boolean)
def is_moderate(context, builder, a):
    """Tell whether an integer is as small as those from outside are relied on to be."""
    moved = builder.add(a, integer(MODERATE))
    return builder.icmp_unsigned("<=", moved, integer(2 * MODERATE))


@intrinsic
def sane(typingctx, result, a, b):
    """Return what a function of Python's numbers gives; leave where Python raises instead.

    That is where it is not a number and neither argument is, or infinite and neither argument is.
    """
    if not isinstance(result, types.Float):
        return None

    def code(context, builder, signature, args):
        given = zip(args[1:], (a, b), strict=True)
        floats = [v for v, t in given if isinstance(t, types.Float)]
        leave_if(context, builder, insane(builder, args[0], floats))
        return args[0]

    return result(result, a, b), code


def insane(builder, result, args):
    """Write whether a result is one that Python does not return for arguments that are floats."""
    nan, infinite = builder.fcmp_unordered("uno", result, result), _is_infinite(builder, result)
    for arg in args:
        nan = builder.and_(nan, builder.fcmp_ordered("ord", arg, arg))
        infinite = builder.and_(infinite, builder.not_(_is_infinite(builder, arg)))
    return builder.or_(nan, infinite)


def _is_infinite(builder, x):
    ends = [llvm.Constant(x.type, sign * math.inf) for sign in (1, -1)]
    return builder.or_(*[builder.fcmp_ordered("==", x, end) for end in ends])


@intrinsic
def whole(typingctx, x):
    """Return a float that is to be an integer; leave where that has more than 64 bits."""
    if not isinstance(x, types.Float):
        return None

    def code(context, builder, signature, args):
        leave_if(context, builder, builder.not_(between(builder, args[0], -(2.0**63), 2.0**63)))
        return args[0]

    return x(x), code


@intrinsic
def unsigned(typingctx, x, end):
    """Return a float that is to be an unsigned integer below ``end``; leave where it is none."""
    if not isinstance(x, types.Float):
        return None

    def code(context, builder, signature, args):
        top = context.cast(builder, args[1], end, x)
        above = builder.fcmp_ordered(">", args[0], llvm.Constant(args[0].type, -1.0))
        inside = builder.and_(above, builder.fcmp_ordered("<", args[0], top))
        leave_if(context, builder, builder.not_(inside))
        return args[0]

    return x(x, end), code


def between(builder, x, low, high):
    """Write whether a float lies between two ends, of which only the lower one belongs to it."""
    ends = [llvm.Constant(x.type, end) for end in (low, high)]
    above = builder.fcmp_ordered(">=", x, ends[0])
    return builder.and_(above, builder.fcmp_ordered("<", x, ends[1]))
