"""Products of matrices; ``t`` stands for a transposed operand, ``n`` for one as it is.

Small ones are loops, the others calls of BLAS, which Numba reaches through SciPy. A kernel has one
function for each form and dtype, a few instructions around such calls: Numba would take most of a
second to compile ``np.dot`` for each.
"""

# mypy: ignore-errors
from __future__ import annotations

import functools
from contextlib import ExitStack

from llvmlite import ir as llvm
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .intrinsics import function_of, integer
from .memory import new_array

_SMALL = 2_000
"""Products with fewer multiplications are faster as loops than a call of BLAS."""
_MOST = 2**31 - 1
"""The greatest size that BLAS can be told."""


def _form(turned, is_stack):
    """Make the function of two matrices, or stacks of them, that are transposed or not."""

    def typed(typingctx, x, y):
        if not all(isinstance(a, types.Array) and a.layout == "C" for a in (x, y)):
            return None
        if x.dtype != y.dtype or not isinstance(x.dtype, (types.Float, types.Complex)):
            return None
        result = types.Array(x.dtype, x.ndim, "C")

        def code(context, builder, signature, args):
            from numba.np.arrayobj import make_array  # late: it takes longer to read than to load
            from numba.np.linalg import ensure_blas

            ensure_blas()
            given = [make_array(t)(context, builder, v) for t, v in zip((x, y), args, strict=True)]
            shapes = [cgutils.unpack_tuple(builder, a.shape) for a in given]
            (*front, rows, inner), (*_, first, second) = shapes
            if turned[0]:
                rows, inner = inner, rows
            columns = first if turned[1] else second
            made = new_array(context, builder, result, [*front, rows, columns])
            pointers = [a.data for a in (*given, make_array(result)(context, builder, made))]
            which = function_of(builder.module, *_into(context, x.dtype, turned, is_stack))
            builder.call(which, [*front, *pointers, rows, inner, columns])
            return made

        return result(x, y), code

    return intrinsic(typed)


def _into(context, dtype, turned, is_stack):
    """Return name, type and body of the function that computes into memory."""
    whole = cgutils.intp_t
    kinds = [whole] * is_stack + [context.get_data_type(dtype).as_pointer()] * 3 + [whole] * 3
    letters = "".join("nt"[t] for t in turned)
    type_ = llvm.FunctionType(llvm.VoidType(), kinds)
    name = f"chainrule.product_{letters}_{dtype}"
    if is_stack:
        body = functools.partial(_each, context, dtype, turned)
        return f"{name}_stack", type_, body
    return name, type_, functools.partial(_product, context, dtype, turned)


def _each(context, dtype, turned, builder, count, x, y, out, rows, inner, columns):
    """Write the products of two stacks."""
    one = function_of(builder.module, *_into(context, dtype, turned, False))
    with cgutils.for_range(builder, count) as loop:
        sizes = (rows, inner), (inner, columns), (rows, columns)
        places = [
            builder.gep(a, [builder.mul(loop.index, builder.mul(*size))])
            for a, size in zip((x, y, out), sizes, strict=True)
        ]
        builder.call(one, [*places, rows, inner, columns])
    builder.ret_void()


def _product(context, dtype, turned, builder, x, y, out, rows, inner, columns):
    """Write one product."""
    for pointer in (x, y, out):
        pointer.add_attribute("noalias")
    work = builder.mul(builder.mul(rows, inner), columns)
    is_small = builder.icmp_signed("<=", work, integer(_SMALL))
    for size in (rows, inner, columns):
        is_small = builder.or_(is_small, builder.icmp_signed(">", size, integer(_MOST)))
    with builder.if_else(is_small) as (small, large):
        with small:
            _by_loops(context, dtype, turned, builder, x, y, out, rows, inner, columns)
        with large:
            _by_blas(context, dtype, turned, builder, x, y, out, rows, inner, columns)
    builder.ret_void()


def _by_loops(context, dtype, turned, builder, x, y, out, rows, inner, columns):
    """Write loops, in an order in which they run along the rows of what they read."""
    size = integer(context.get_abi_sizeof(context.get_data_type(dtype)))
    count = builder.mul(rows, columns)
    cgutils.memset(builder, out, builder.mul(count, size), 0)
    extents = {"i": rows, "j": inner, "l": columns}
    order = "jil" if turned[0] else "ilj" if turned[1] else "ijl"
    with ExitStack() as nest:
        at = {
            name: nest.enter_context(cgutils.for_range(builder, extents[name])).index
            for name in order
        }

        def element(array, row, column, width):
            return builder.gep(array, [builder.add(builder.mul(row, width), column)])

        i, j, l = at["i"], at["j"], at["l"]
        a = element(x, j, i, rows) if turned[0] else element(x, i, j, inner)
        b = element(y, l, j, inner) if turned[1] else element(y, j, l, columns)
        place = element(out, i, l, columns)
        terms = builder.load(place), builder.load(a), builder.load(b)
        builder.store(_added(context, builder, dtype, *terms), place)


def _added(context, builder, dtype, total, a, b):
    """Return ``total + a * b``."""
    if not isinstance(dtype, types.Complex):
        return builder.fadd(total, builder.fmul(a, b))
    total, a, b = (context.make_complex(builder, dtype, value) for value in (total, a, b))
    real = builder.fsub(builder.fmul(a.real, b.real), builder.fmul(a.imag, b.imag))
    imag = builder.fadd(builder.fmul(a.real, b.imag), builder.fmul(a.imag, b.real))
    total.real = builder.fadd(total.real, real)
    total.imag = builder.fadd(total.imag, imag)
    return total._getvalue()


def _by_blas(context, dtype, turned, builder, x, y, out, rows, inner, columns):
    """Write the call of BLAS for matrices, or for what is one row or one column."""
    from numba.np import linalg

    x_type, y_type = (types.Array(dtype, 2, "F" if t else "C") for t in turned)
    x_shape, y_shape, shape = (rows, inner), (inner, columns), (rows, columns)
    is_row = builder.icmp_signed("==", rows, integer(1))
    is_column = builder.icmp_signed("==", columns, integer(1))
    with builder.if_else(is_column) as (column, rest):
        with column, builder.if_else(is_row) as (number, vector):
            with number:
                linalg.call_xxdot(context, builder, False, dtype, inner, x, y, out)
            with vector:
                linalg.call_xxgemv(context, builder, not turned[0], x_type, x_shape, x, y, out)
        with rest, builder.if_else(is_row) as (row, matrix):
            with row:
                linalg.call_xxgemv(context, builder, turned[1], y_type, y_shape, y, x, out)
            with matrix:
                out_type = types.Array(dtype, 2, "C")
                linalg.call_xxgemm(
                    context, builder, x_type, x_shape, x, y_type, y_shape, y, out_type, shape, out
                )


product, products = _form((False, False), False), _form((False, False), True)
product_tn, products_tn = _form((True, False), False), _form((True, False), True)
product_nt, products_nt = _form((False, True), False), _form((False, True), True)
product_tt, products_tt = _form((True, True), False), _form((True, True), True)
PRODUCTS = frozenset(
    (product, product_tn, product_nt, product_tt, products, products_tn, products_nt, products_tt)
)
