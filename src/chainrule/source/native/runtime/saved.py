"""Stacks of saved values, and parts of vectors as arrays."""

# mypy: ignore-errors
from __future__ import annotations

import functools

import numpy as np
from numba import types
from numba.core import cgutils, config
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic

from ..leaving import Overrun
from .intrinsics import integer, leave_if


@intrinsic
def room(typingctx, stack, top, more):
    """Return a stack with room for that many more numbers."""
    inner = stack(stack, types.intp, types.intp)

    def code(context, builder, signature, args):
        counts = zip(args[1:], (top, more), strict=True)
        wide = [context.cast(builder, v, t, types.intp) for v, t in counts]
        return context.compile_internal(builder, _room, inner, [args[0], *wide])

    return stack(stack, top, more), code


def _room(stack, top, more):
    if top + more <= stack.size:
        return stack
    larger = np.empty(max(2 * stack.size, top + more, 64), stack.dtype)
    for i in range(top):  # a slice would cost a second of compilation, for its errors' texts
        larger[i] = stack[i]
    return larger


@intrinsic
def part(typingctx, array, start, shape):
    """Return the numbers of a vector from a place on, as an array that fits into what is left."""
    result = array.copy(ndim=len(shape))

    def code(context, builder, signature, args):
        from numba.np import arrayobj

        given = arrayobj.make_array(array)(context, builder, args[0])
        first = context.cast(builder, args[1], start, types.intp)
        if config.BOUNDSCHECK:
            sizes = zip(cgutils.unpack_tuple(builder, args[2], len(shape)), shape, strict=True)
            wide = [context.cast(builder, size, own, types.intp) for size, own in sizes]
            end = builder.add(first, functools.reduce(builder.mul, wide))
            is_beyond = builder.icmp_signed(">", end, given.nitems)
            is_before = builder.icmp_signed("<", first, integer(0))
            leave_if(context, builder, builder.or_(is_before, is_beyond), Overrun)
        data = builder.gep(given.data, [first])
        return _seen_as(context, builder, result, given, data, shape, args[2])

    return result(array, start, shape), code


@intrinsic
def shaped(typingctx, array, shape):
    """Return the numbers of an array as one of another shape, which holds as many."""
    result = array.copy(ndim=len(shape))

    def code(context, builder, signature, args):
        from numba.np import arrayobj

        given = arrayobj.make_array(array)(context, builder, args[0])
        return _seen_as(context, builder, result, given, given.data, shape, args[1])

    return result(array, shape), code


def _seen_as(context, builder, type_, given, data, shape_type, shape):
    """Return a view of another array's memory, in C order."""
    from numba.np import arrayobj  # late: it takes longer to read than machine code

    sizes = zip(cgutils.unpack_tuple(builder, shape, len(shape_type)), shape_type, strict=True)
    extents = [context.cast(builder, size, own, types.intp) for size, own in sizes]
    strides, stride = [], given.itemsize
    for extent in reversed(extents):
        strides.insert(0, stride)
        stride = builder.mul(stride, extent)
    seen = arrayobj.make_array(type_)(context, builder)
    arrayobj.populate_array(
        seen, data, extents, strides, given.itemsize, given.meminfo, given.parent
    )
    return impl_ret_borrowed(context, builder, type_, seen._getvalue())
