"""Places along an axis: indices, slices and their bounds."""

# mypy: ignore-errors
from __future__ import annotations

import math

from numba import types
from numba.extending import intrinsic

from ..leaving import Leave, OutOfRange
from ..pipeline import part_of_kernels
from .intrinsics import integer, leave_if, of_integers


@intrinsic
def u(typingctx, i):
    """Return an index that is known not to be negative as an unsigned one.

    Numba counts signed indices from the end where they are negative, which keeps LLVM from using
    vector instructions.
    """
    if not isinstance(i, types.Integer):
        return None

    def code(context, builder, signature, args):
        return context.cast(builder, args[0], i, types.intp)

    return types.uintp(i), code


def least(builder, a, b):
    """Write the smaller one of two integers."""
    return builder.select(builder.icmp_signed("<", a, b), a, b)


def _most(builder, a, b):
    return builder.select(builder.icmp_signed(">", a, b), a, b)


def _from_end(builder, place, n):
    """Return a place that counts from the end where it is negative."""
    is_negative = builder.icmp_signed("<", place, integer(0))
    return builder.select(is_negative, builder.add(place, n), place)


@of_integers()
def at(context, builder, i, n):
    """Return the place of index ``i`` along an axis of size ``n``, negative ones from the end."""
    place = _from_end(builder, i, n)
    leave_if(context, builder, builder.icmp_unsigned(">=", place, n), OutOfRange)
    return place


@of_integers(types.boolean)
def within(context, builder, start, stop, step, shift, n):
    """Tell whether all of ``range(start, stop, step)`` shifted are places of an axis of ``n``."""
    forward = builder.icmp_signed(">", step, integer(0))
    one = builder.select(forward, integer(1), integer(-1))
    span = builder.sub(builder.sub(stop, one), start)
    last = builder.add(start, builder.mul(builder.sdiv(span, step), step))
    low, high = builder.select(forward, start, last), builder.select(forward, last, start)
    before = builder.icmp_signed(">=", start, stop)
    is_empty = builder.select(forward, before, builder.icmp_signed("<=", start, stop))
    fits_low = builder.icmp_signed(">=", builder.add(low, shift), integer(0))
    fits_high = builder.icmp_signed("<", builder.add(high, shift), n)
    return builder.or_(is_empty, builder.and_(fits_low, fits_high))


@of_integers()
def bound(context, builder, place, n):
    """Return where a slice starts or stops: from the end if negative, and within the axis."""
    return least(builder, _most(builder, _from_end(builder, place, n), integer(0)), n)


@of_integers()
def bound_down(context, builder, place, n):
    """Return where a slice that goes backwards starts or stops; -1 is before the first place."""
    last = builder.sub(n, integer(1))
    return least(builder, _most(builder, _from_end(builder, place, n), integer(-1)), last)


@part_of_kernels
def count(low, high, step):
    """Return how many places lie between two ends."""
    if step > 0:
        return (high - low + step - 1) // step if high > low else 0
    return (low - high - step - 1) // -step if low > high else 0


@part_of_kernels
def places_of_range(ratio):
    """Return how many floats ``np.arange`` has, where ``ratio`` is (stop - start) / step."""
    if not ratio < 1e15:
        raise Leave
    return max(math.ceil(ratio), 0)


@part_of_kernels
def mirrored(i, n):
    """Return the place of ``i`` along an axis of size ``n`` that is reflected at both ends."""
    if n == 1:
        return 0
    j = i % (2 * n - 2)
    return j if j < n else 2 * n - 2 - j


@of_integers()
def common(context, builder, m, n):
    """Return the size of two axes that are broadcast together."""
    is_one = builder.icmp_signed("==", n, integer(1))
    others = builder.or_(builder.icmp_signed("==", m, n), builder.icmp_signed("==", m, integer(1)))
    leave_if(context, builder, builder.not_(builder.or_(is_one, others)))
    return builder.select(is_one, m, n)
