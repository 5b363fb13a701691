"""What compiled programs call: small functions that Numba puts into the machine code.

Most are *intrinsics*, a few instructions each: they take no time to compile.
"""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np
from llvmlite import ir as llvm
from numba import njit, types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic


class Leave(Exception):  # noqa: N818 (no error: the program is run by NumPy instead)
    """Something that machine code does not do as Python does: the NumPy program has to be run."""


def _leave_if(context, builder, bad):
    """Leave the compiled program where a condition holds."""
    with builder.if_then(bad, likely=False):
        context.call_conv.return_user_exc(builder, Leave, ())


def _of_integers(build):
    """Make an intrinsic of 64-bit integers from what builds its code.

    A function that Numba compiled would cost a tenth of a second, anew for each known number.
    """

    def typed(typingctx, *args):
        if not all(isinstance(arg, (types.Integer, types.Boolean)) for arg in args):
            return None
        result = types.boolean if build.__name__ == "within" else types.intp

        def code(context, builder, signature, values):
            pairs = zip(values, signature.args, strict=True)
            return build(context, builder, *[context.cast(builder, v, t, _I) for v, t in pairs])

        return result(*args), code

    return _intrinsic(build, typed)


def _intrinsic(build, typed):
    """Return an intrinsic with the parameters of ``build`` that follow context and builder."""
    names = ", ".join(build.__code__.co_varnames[2 : build.__code__.co_argcount])
    space = {"typed": typed}
    exec(f"def made(typingctx, {names}): return typed(typingctx, {names})", space)
    made = space["made"]
    made.__name__, made.__doc__, made.__module__ = build.__name__, build.__doc__, __name__
    return intrinsic(made)


_I = types.intp


def _int(value):
    return llvm.Constant(llvm.IntType(types.intp.bitwidth), value)


def _least(builder, a, b):
    return builder.select(builder.icmp_signed("<", a, b), a, b)


def _most(builder, a, b):
    return builder.select(builder.icmp_signed(">", a, b), a, b)


def _from_end(builder, place, n):
    """Return a place that counts from the end where it is negative."""
    is_negative = builder.icmp_signed("<", place, _int(0))
    return builder.select(is_negative, builder.add(place, n), place)


# --------------------------------------------------------------------------------- indices


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


@_of_integers
def at(context, builder, i, n):
    """Return the place of index ``i`` along an axis of size ``n``, negative ones from the end."""
    place = _from_end(builder, i, n)
    _leave_if(context, builder, builder.icmp_unsigned(">=", place, n))
    return place


@intrinsic
def check(typingctx, holds):
    """Leave the compiled program if something that it relies on does not hold."""

    def code(context, builder, signature, args):
        condition = context.cast(builder, args[0], holds, types.boolean)
        _leave_if(context, builder, builder.not_(condition))
        return context.get_dummy_value()

    return types.none(holds), code


@_of_integers
def within(context, builder, start, stop, step, shift, n):
    """Tell whether all of ``range(start, stop, step)`` shifted are places of an axis of ``n``."""
    forward = builder.icmp_signed(">", step, _int(0))
    low = builder.select(forward, start, builder.add(stop, _int(1)))
    high = builder.select(forward, builder.sub(stop, _int(1)), start)
    is_empty = builder.icmp_signed(">", low, high)
    fits_low = builder.icmp_signed(">=", builder.add(low, shift), _int(0))
    fits_high = builder.icmp_signed("<", builder.add(high, shift), n)
    return builder.or_(is_empty, builder.and_(fits_low, fits_high))


@_of_integers
def bound(context, builder, place, n):
    """Return where a slice starts or stops: from the end if negative, and within the axis."""
    return _least(builder, _most(builder, _from_end(builder, place, n), _int(0)), n)


@_of_integers
def bound_down(context, builder, place, n):
    """Return where a slice that goes backwards starts or stops; -1 is before the first place."""
    last = builder.sub(n, _int(1))
    return _least(builder, _most(builder, _from_end(builder, place, n), _int(-1)), last)


@njit
def count(low, high, step):
    """Return how many places lie between two ends."""
    if step > 0:
        return (high - low + step - 1) // step if high > low else 0
    return (low - high - step - 1) // -step if low > high else 0


@_of_integers
def common(context, builder, m, n):
    """Return the size of two axes that are broadcast together."""
    is_one = builder.icmp_signed("==", n, _int(1))
    others = builder.or_(builder.icmp_signed("==", m, n), builder.icmp_signed("==", m, _int(1)))
    _leave_if(context, builder, builder.not_(builder.or_(is_one, others)))
    return builder.select(is_one, m, n)


# ------------------------------------------------------------------------------- arithmetic


def _binary(name):
    def decorate(build):
        @intrinsic
        def function(typingctx, a, b):
            if a != b or not isinstance(a, (types.Float, types.Integer)):
                return None

            def code(context, builder, signature, args):
                return build(builder, a, *args)

            return a(a, b), code

        function.__name__ = name
        return function

    return decorate


@intrinsic
def add_in_any_order(typingctx, a, b):
    """Add a term to a sum whose order is free, as that of ``np.sum`` is."""
    if isinstance(a, types.Float) and isinstance(b, types.Float) and a == b:

        def code(context, builder, signature, args):
            return builder.fadd(*args, flags=("reassoc", "nsz", "contract"))

        return a(a, b), code

    both = a if a == b else _common_type(typingctx, a, b)

    def plain(context, builder, signature, args):
        x, y = (context.cast(builder, v, t, both) for v, t in zip(args, (a, b), strict=True))
        if isinstance(both, types.Complex):
            p = context.make_complex(builder, both, x)
            q = context.make_complex(builder, both, y)
            p.real = builder.fadd(p.real, q.real)
            p.imag = builder.fadd(p.imag, q.imag)
            return p._getvalue()
        return builder.fadd(x, y) if isinstance(both, types.Float) else builder.add(x, y)

    return both(a, b), plain


def _common_type(typingctx, a, b):
    return typingctx.unify_types(a, b)


def _select(a, builder, ordered, integer, x, y):
    """Return the larger or the smaller number; NaN if one of them is one."""
    if isinstance(a, types.Integer):
        compare = builder.icmp_signed if a.signed else builder.icmp_unsigned
        return builder.select(compare(integer, x, y), x, y)
    chosen = builder.select(builder.fcmp_ordered(ordered, x, y), x, y)
    return builder.select(builder.fcmp_unordered("uno", x, x), x, chosen)


@_binary("maximum")
def maximum(builder, a, x, y):
    """Return the larger number, NaN if one of them is one."""
    return _select(a, builder, ">", ">", x, y)


@_binary("minimum")
def minimum(builder, a, x, y):
    """Return the smaller number, NaN if one of them is one."""
    return _select(a, builder, "<", "<", x, y)


@njit
def sign(x):
    """Return -1, 0 or 1, NaN for NaN."""
    if x > 0:
        return x * 0 + 1
    if x < 0:
        return x * 0 - 1
    return x


@intrinsic
def nonzero(typingctx, x):
    """Return a divisor; Python's division by zero raises."""
    if not isinstance(x, (types.Float, types.Integer)):
        return None
    kind = types.unliteral(x)

    def code(context, builder, signature, args):
        value = context.cast(builder, args[0], x, kind)
        zero = llvm.Constant(value.type, 0)
        is_float = isinstance(kind, types.Float)
        equal = builder.fcmp_ordered if is_float else builder.icmp_unsigned
        _leave_if(context, builder, equal("==", value, zero))
        return value

    return kind(x), code


@intrinsic
def guarded_product(typingctx, ct, slope):
    """Return ``ct * slope``, 0 where ``ct`` is 0."""
    if not (isinstance(ct, types.Float) and ct == slope):
        return None

    def code(context, builder, signature, args):
        zero = llvm.Constant(args[0].type, 0.0)
        is_zero = builder.fcmp_ordered("==", args[0], zero)
        return builder.select(is_zero, zero, builder.fmul(*args))

    return ct(ct, slope), code


# ----------------------------------------------------------------------------- saved values


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


# ------------------------------------------------------------------------- matrix products

_SMALL = 2_000
"""Products with fewer multiplications are faster as loops than a call of BLAS."""


@njit
def product(a, b):
    """Return ``a @ b``."""
    n, m, k = a.shape[0], a.shape[1], b.shape[1]
    if n * m * k > _SMALL:
        return np.dot(a, b)
    out = np.zeros((n, k), a.dtype)
    for i in range(n):
        for j in range(m):
            for l in range(k):
                out[i, l] += a[i, j] * b[j, l]
    return out


@njit
def product_tn(a, b):
    """Return ``a.T @ b``."""
    m, n, k = a.shape[0], a.shape[1], b.shape[1]
    if n * m * k > _SMALL:
        return np.dot(a.T, b)
    out = np.zeros((n, k), a.dtype)
    for j in range(m):
        for i in range(n):
            for l in range(k):
                out[i, l] += a[j, i] * b[j, l]
    return out


@njit
def product_nt(a, b):
    """Return ``a @ b.T``."""
    n, m, k = a.shape[0], a.shape[1], b.shape[0]
    if n * m * k > _SMALL:
        return np.dot(a, b.T)
    out = np.empty((n, k), a.dtype)
    for i in range(n):
        for l in range(k):
            total = a.dtype.type(0)
            for j in range(m):
                total += a[i, j] * b[l, j]
            out[i, l] = total
    return out


@njit
def product_tt(a, b):
    """Return ``a.T @ b.T``."""
    m, n, k = a.shape[0], a.shape[1], b.shape[0]
    if n * m * k > _SMALL:
        return np.ascontiguousarray(np.dot(b, a).T)
    out = np.zeros((n, k), a.dtype)
    for j in range(m):
        for i in range(n):
            for l in range(k):
                out[i, l] += a[j, i] * b[l, j]
    return out
