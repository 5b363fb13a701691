"""Stacks of saved values, and parts of vectors as arrays."""

# mypy: ignore-errors
from __future__ import annotations

import functools

from numba import types
from numba.core import cgutils, config
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic

from ..frames import field_of
from ..leaving import Overrun
from .intrinsics import integer, leave_if
from .memory import new_array


@intrinsic
def room(typingctx, stack, top, more):
    """Return a stack with room for that many more numbers."""

    def code(context, builder, signature, args):
        def of(name, array=args[0]):
            return field_of(context, builder, stack, array, name)

        counts = zip(args[1:], (top, more), strict=True)
        filled, extra = (context.cast(builder, v, t, types.intp) for v, t in counts)
        needed = builder.add(filled, extra)
        held = cgutils.alloca_once_value(builder, args[0])
        context.nrt.incref(builder, stack, args[0])
        with builder.if_then(builder.icmp_signed(">", needed, of("nitems")), likely=False):
            size = builder.shl(of("nitems"), integer(1))
            for least in (needed, integer(64)):
                size = builder.select(builder.icmp_signed(">", least, size), least, size)
            larger = new_array(context, builder, stack, [size])
            data = of("data", larger)
            cgutils.raw_memcpy(builder, data, of("data"), filled, of("itemsize"))
            context.nrt.decref(builder, stack, args[0])
            builder.store(larger, held)
        return builder.load(held)

    return stack(stack, top, more), code


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
