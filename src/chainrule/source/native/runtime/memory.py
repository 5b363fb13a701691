"""New arrays: what Numba's ``np.empty`` does, in a tenth of the instructions.

Numba writes the whole allocation, with its checks, in line for every array of a kernel, and
compiles a function for each number of axes and each dtype. Here a kernel has one function for each
number of axes, by which all its arrays are made.

For large arrays Linux is asked for large pages, as NumPy does for its own: most of the time that a
program spends on fresh memory goes into getting it page by page.
"""

# mypy: ignore-errors
from __future__ import annotations

import sys

from llvmlite import ir as llvm
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..frames import field_of
from .intrinsics import function_of, integer, leave_if

_TOO_BIG = 1
"""What stands for a pointer where no array can be as large."""
_LARGE_PAGE, _LARGE = 1 << 21, 1 << 22
"""Bytes of a large page on most machines, and of the smallest array for which there are such."""
_MADV_HUGEPAGE = 14


def _of_shape(is_zero):
    """Make the function of a shape and a dtype that makes an array."""

    def made(typingctx, shape, dtype):
        from numba.core.typing.npydecl import parse_dtype

        sizes = (shape,) if isinstance(shape, types.Integer) else tuple(shape)
        result = types.Array(parse_dtype(dtype), len(sizes), "C")

        def code(context, builder, signature, args):
            given = [args[0]] if shape is sizes[0] else cgutils.unpack_tuple(builder, args[0])
            pairs = zip(given, sizes, strict=True)
            extents = [context.cast(builder, value, own, types.intp) for value, own in pairs]
            array = new_array(context, builder, result, extents)
            if is_zero:
                parts = ("nitems", "itemsize", "data")
                count, size, data = (field_of(context, builder, result, array, n) for n in parts)
                cgutils.memset(builder, data, builder.mul(count, size), 0)
            return array

        return result(shape, dtype), code

    return intrinsic(made)


empty, zeros = _of_shape(False), _of_shape(True)
"""New arrays in C order: of numbers that are not set, and of zeros."""


def new_array(context, builder, type_, extents):
    """Write that an array is made; it has so many places along each axis."""
    kind = context.get_data_type(type_.dtype)
    itemsize = integer(context.get_abi_sizeof(kind))
    align = llvm.IntType(32)(context.get_preferred_array_alignment(type_.dtype))
    allocate = function_of(builder.module, *_allocation(context, type_.ndim))
    info = builder.call(allocate, [align, itemsize, *extents])
    address = builder.ptrtoint(info, cgutils.intp_t)
    for failed, how in ((0, MemoryError), (_TOO_BIG, ValueError)):
        is_so = builder.icmp_unsigned("==", address, integer(failed))
        leave_if(context, builder, is_so, how, ("the array is too large",))
    strides, count = [itemsize], extents[0]
    for extent in reversed(extents[1:]):
        strides.insert(0, builder.mul(strides[0], extent))
        count = builder.mul(count, extent, flags=("nsw",))
    fields = {
        "meminfo": info,
        "parent": llvm.Constant(cgutils.voidptr_t, None),
        "nitems": count,
        "itemsize": itemsize,
        "data": builder.bitcast(context.nrt.meminfo_data(builder, info), kind.as_pointer()),
        "shape": cgutils.pack_array(builder, extents),
        "strides": cgutils.pack_array(builder, strides),
    }
    model = context.data_model_manager[type_]
    made = llvm.Constant(model.get_value_type(), llvm.Undefined)
    for name, value in fields.items():
        made = builder.insert_value(made, value, model.get_field_position(name))
    return made


def _allocation(context, ndim):
    """Return name, type and body of the function that makes arrays with so many axes."""
    kinds = [llvm.IntType(32), *[cgutils.intp_t] * (1 + ndim)]

    def body(builder, align, size, *extents):
        is_too_big = llvm.Constant(llvm.IntType(1), 0)
        for extent in extents:
            product = builder.smul_with_overflow(size, extent)
            size = builder.extract_value(product, 0)
            is_too_big = builder.or_(is_too_big, builder.extract_value(product, 1))
        with builder.if_then(is_too_big, likely=False):
            builder.ret(builder.inttoptr(integer(_TOO_BIG), cgutils.voidptr_t))
        info = context.nrt.meminfo_alloc_aligned_unchecked(builder, size, align)
        if sys.platform == "linux":
            _in_large_pages(context, builder, info, size)
        builder.ret(info)

    return f"chainrule.new_{ndim}", llvm.FunctionType(cgutils.voidptr_t, kinds), body


def _in_large_pages(context, builder, info, size):
    """Write that new memory comes in large pages, if it is large; that it does not is no error."""
    is_large = builder.icmp_unsigned(">=", size, integer(_LARGE))
    is_there = builder.icmp_unsigned("!=", builder.ptrtoint(info, cgutils.intp_t), integer(0))
    with builder.if_then(builder.and_(is_large, is_there), likely=False):
        first = builder.ptrtoint(context.nrt.meminfo_data(builder, info), cgutils.intp_t)
        whole = integer(-_LARGE_PAGE)
        start = builder.and_(builder.add(first, integer(_LARGE_PAGE - 1)), whole)
        count = builder.and_(builder.sub(builder.add(first, size), start), whole)
        kinds = [cgutils.voidptr_t, cgutils.intp_t, cgutils.int32_t]
        kind = llvm.FunctionType(cgutils.int32_t, kinds)
        advise = cgutils.get_or_insert_function(builder.module, kind, "madvise")
        place = builder.inttoptr(start, cgutils.voidptr_t)
        builder.call(advise, [place, count, cgutils.int32_t(_MADV_HUGEPAGE)])
