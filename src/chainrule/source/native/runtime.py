"""What compiled programs call: small functions that Numba puts into the machine code.

Most are *intrinsics*, a few instructions each: they take no time to compile.
"""

# mypy: ignore-errors
from __future__ import annotations

import functools
import itertools
import math
from contextlib import contextmanager

import numpy as np
from llvmlite import ir as llvm
from numba import njit, types
from numba.core import cgutils, config
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic

from .leaving import DivisionByZero, Leave, OutOfRange, Overrun

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


def throw(error):
    """Raise an exception: what ``raise`` does, as a function that the interpreter can call."""
    raise error


# --------------------------------------------------------------------------------- objects

_objects = {}
_calls = itertools.count()


@contextmanager
def holding(objects):
    """Keep objects for one call of a kernel; yield the number under which they are found."""
    call = next(_calls)
    _objects[call] = objects
    try:
        yield call
    finally:
        del _objects[call]


def held_by(call):
    """Return the objects of a call."""
    return _objects[call]


def _leave_if(context, builder, bad, how=Leave):
    """Leave the compiled program where a condition holds."""
    with builder.if_then(bad, likely=False):
        context.call_conv.return_user_exc(builder, how, ())


_CONDITIONS = ("within", "is_moderate")


def _of_integers(build):
    """Make an intrinsic of 64-bit integers from what builds its code.

    A function that Numba compiled would cost a tenth of a second, anew for each known number.
    """

    def typed(typingctx, *args):
        if not all(isinstance(arg, (types.Integer, types.Boolean)) for arg in args):
            return None
        result = types.boolean if build.__name__ in _CONDITIONS else types.intp

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
    _leave_if(context, builder, builder.icmp_unsigned(">=", place, n), OutOfRange)
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
    one = builder.select(forward, _int(1), _int(-1))
    span = builder.sub(builder.sub(stop, one), start)
    last = builder.add(start, builder.mul(builder.sdiv(span, step), step))
    low, high = builder.select(forward, start, last), builder.select(forward, last, start)
    before = builder.icmp_signed(">=", start, stop)
    is_empty = builder.select(forward, before, builder.icmp_signed("<=", start, stop))
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


@njit
def places_of_range(ratio):
    """Return how many floats ``np.arange`` has, where ``ratio`` is (stop - start) / step."""
    if not ratio < 1e15:
        raise Leave
    return max(int(math.ceil(ratio)), 0)


@njit
def mirrored(i, n):
    """Return the place of ``i`` along an axis of size ``n`` that is reflected at both ends."""
    if n == 1:
        return 0
    j = i % (2 * n - 2)
    return j if j < n else 2 * n - 2 - j


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


@intrinsic
def squared(typingctx, a):
    """Return ``a * a``."""
    if not isinstance(a, types.Float):
        return None

    def code(context, builder, signature, args):
        return builder.fmul(args[0], args[0])

    return a(a), code


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
        _leave_if(context, builder, equal("==", value, zero), DivisionByZero)
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
        if config.BOUNDSCHECK:
            sizes = zip(cgutils.unpack_tuple(builder, args[2], len(shape)), shape, strict=True)
            wide = [context.cast(builder, size, own, types.intp) for size, own in sizes]
            end = builder.add(first, functools.reduce(builder.mul, wide))
            is_beyond = builder.icmp_signed(">", end, given.nitems)
            is_before = builder.icmp_signed("<", first, _int(0))
            _leave_if(context, builder, builder.or_(is_before, is_beyond), Overrun)
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
def _product(a, b, out):
    n, m, k = a.shape[0], a.shape[1], b.shape[1]
    if n * m * k > _SMALL:
        np.dot(a, b, out)
        return
    for i in range(n):
        for l in range(k):
            out[i, l] = 0
        for j in range(m):
            for l in range(k):
                out[i, l] += a[i, j] * b[j, l]


@njit
def _product_tn(a, b, out):
    m, n, k = a.shape[0], a.shape[1], b.shape[1]
    if n * m * k > _SMALL:
        np.dot(a.T, b, out)
        return
    for i in range(n):
        for l in range(k):
            out[i, l] = 0
    for j in range(m):
        for i in range(n):
            for l in range(k):
                out[i, l] += a[j, i] * b[j, l]


@njit
def _product_nt(a, b, out):
    n, m, k = a.shape[0], a.shape[1], b.shape[0]
    if n * m * k > _SMALL:
        np.dot(a, b.T, out)
        return
    for i in range(n):
        for l in range(k):
            out[i, l] = 0
            for j in range(m):
                out[i, l] += a[i, j] * b[l, j]


@njit
def _product_tt(a, b, out):
    m, n, k = a.shape[0], a.shape[1], b.shape[0]
    if n * m * k > _SMALL:
        np.dot(a.T, b.T, out)
        return
    for i in range(n):
        for l in range(k):
            out[i, l] = 0
    for j in range(m):
        for i in range(n):
            for l in range(k):
                out[i, l] += a[j, i] * b[l, j]


@njit
def product(a, b):
    """Return ``a @ b``."""
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    _product(a, b, out)
    return out


@njit
def product_tn(a, b):
    """Return ``a.T @ b``."""
    out = np.empty((a.shape[1], b.shape[1]), a.dtype)
    _product_tn(a, b, out)
    return out


@njit
def product_nt(a, b):
    """Return ``a @ b.T``."""
    out = np.empty((a.shape[0], b.shape[0]), a.dtype)
    _product_nt(a, b, out)
    return out


@njit
def product_tt(a, b):
    """Return ``a.T @ b.T``."""
    out = np.empty((a.shape[1], b.shape[0]), a.dtype)
    _product_tt(a, b, out)
    return out


@njit
def products(x, y):
    """Return ``a @ b`` for each matrix of a stack with that of another."""
    out = np.empty((x.shape[0], x.shape[1], y.shape[2]), x.dtype)
    for s in range(x.shape[0]):
        _product(x[s], y[s], out[s])
    return out


@njit
def products_tn(x, y):
    """Return ``a.T @ b`` for each matrix of a stack with that of another."""
    out = np.empty((x.shape[0], x.shape[2], y.shape[2]), x.dtype)
    for s in range(x.shape[0]):
        _product_tn(x[s], y[s], out[s])
    return out


@njit
def products_nt(x, y):
    """Return ``a @ b.T`` for each matrix of a stack with that of another."""
    out = np.empty((x.shape[0], x.shape[1], y.shape[1]), x.dtype)
    for s in range(x.shape[0]):
        _product_nt(x[s], y[s], out[s])
    return out


@njit
def products_tt(x, y):
    """Return ``a.T @ b.T`` for each matrix of a stack with that of another."""
    out = np.empty((x.shape[0], x.shape[2], y.shape[1]), x.dtype)
    for s in range(x.shape[0]):
        _product_tt(x[s], y[s], out[s])
    return out


# --------------------------------------------------------------------- sorting and searching


@njit
def _before(a, b):
    """Tell whether ``a`` comes before ``b``: NaN comes last."""
    return a < b or (b != b and a == a)


@njit
def _order(x, order, other):
    """Fill ``order`` with the places of a vector from the smallest on; ``other`` is for work."""
    n = x.size
    for low in range(0, n, 8):
        for i in range(low, min(low + 8, n)):
            j = i
            while j > low and _before(x[i], x[order[j - 1]]):
                order[j] = order[j - 1]
                j -= 1
            order[j] = i
    width = 8
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (j >= high or not _before(x[order[j]], x[order[i]])):
                    other[k] = order[i]
                    i += 1
                else:
                    other[k] = order[j]
                    j += 1
        for k in range(n):
            order[k] = other[k]
        width *= 2


@njit
def order_of_rows(x):
    """Return the places of each row along the last axis from the smallest on, in a stable order."""
    order = np.empty(x.shape, np.int64)
    n = x.shape[-1]
    if n:
        rows, orders = x.reshape(x.size // n, n), order.reshape(x.size // n, n)
        other = np.empty(n, np.int64)
        for r in range(rows.shape[0]):
            _order(rows[r], orders[r], other)
    return order


@njit
def sorted_rows(x):
    """Return each row along the last axis sorted."""
    result = np.empty(x.shape, x.dtype)
    n = x.shape[-1]
    if n:
        rows, results = x.reshape(x.size // n, n), result.reshape(x.size // n, n)
        order, other = np.empty(n, np.int64), np.empty(n, np.int64)
        for r in range(rows.shape[0]):
            _order(rows[r], order, other)
            for k in range(n):
                results[r, k] = rows[r, order[k]]
    return result


@njit
def search(edges, value, right):
    """Return the place in a sorted vector before which a value belongs."""
    low, high = 0, edges.size
    while low < high:
        middle = (low + high) // 2
        edge = edges[middle]
        if (not _before(value, edge)) if right else _before(edge, value):
            low = middle + 1
        else:
            high = middle
    return low


@njit
def search_all(edges, values, right):
    """Return the places in a sorted vector before which values belong."""
    places = np.empty(values.shape, np.int64)
    flat, found = values.reshape(values.size), places.reshape(values.size)
    for k in range(flat.size):
        found[k] = search(edges, flat[k], right)
    return places


@njit
def is_sorted(edges):
    """Tell whether no element of a vector is smaller than the one before it."""
    for k in range(1, edges.size):
        if not edges[k - 1] <= edges[k]:
            return False
    return True


# --------------------------------------------------------------------------------- counting


@njit
def counted(values, least):
    """Return how often each number from 0 on occurs."""
    return counted_bins(values, _size_of_counts(values, least))


@njit
def weighed(values, weights, least):
    """Return the sums of the weights of each number from 0 on."""
    return weighed_bins(values, weights, _size_of_counts(values, least))


@njit
def _size_of_counts(values, least):
    n = least
    if least < 0:
        raise Leave
    for k in range(values.size):
        if values[k] < 0:
            raise Leave
        n = max(n, values[k] + 1)
    return n


@njit
def counted_bins(which, n):
    """Return how often each number from 0 to ``n`` occurs; others do not count."""
    counts = np.zeros(n, np.int64)
    for k in range(which.size):
        if 0 <= which[k] < n:
            counts[which[k]] += 1
    return counts


@njit
def weighed_bins(which, weights, n):
    """Return the sums of the weights of each number from 0 to ``n``; others do not count."""
    if weights.size != which.size:
        raise Leave
    sums = np.zeros(n, weights.dtype)
    for k in range(which.size):
        if 0 <= which[k] < n:
            sums[which[k]] += weights[k]
    return sums


@njit
def ends_of(values):
    """Return the ends of the bins of a histogram that has all values."""
    if not values.size:
        return 0.0, 1.0
    first = last = values[0]
    for k in range(values.size):
        if not -np.inf < values[k] < np.inf:
            raise Leave
        first, last = min(first, values[k]), max(last, values[k])
    if first == last:
        return first - 0.5, last + 0.5
    return first, last


@njit
def even_edges(first, last, n):
    """Return the edges of bins of equal width."""
    edges = np.empty(n, np.float64)
    step = (last - first) / (n - 1)
    for k in range(n):
        edges[k] = k * step + first
    edges[n - 1] = last
    return edges


@njit
def even_bins(values, edges):
    """Return the bin of each value, -1 for those outside; bins are of equal width."""
    n = edges.size - 1
    first, last = edges[0], edges[n]
    which = np.empty(values.size, np.int64)
    for k in range(values.size):
        x = values[k]
        if not first <= x <= last:
            which[k] = -1
            continue
        place = int((x - first) / (last - first) * n)
        if place == n:
            place -= 1
        if x < edges[place]:
            place -= 1
        elif place != n - 1 and x >= edges[place + 1]:
            place += 1
        which[k] = place
    return which


@njit
def bins_by_edges(values, edges):
    """Return the bin of each value, -1 for those outside."""
    which = np.empty(values.size, np.int64)
    for k in range(values.size):
        x = values[k]
        place = search(edges, x, True) - 1
        inside = edges.size > 1 and edges[0] <= x <= edges[-1]
        which[k] = (edges.size - 2 if x == edges[-1] else place) if inside else -1
    return which


@njit
def convolved(a, v):
    """Return the convolution of two vectors, in full."""
    m, n = a.size, v.size
    if m == 0 or n == 0:
        raise Leave
    if n > m:
        a, v, m, n = v, a, n, m
    out = np.zeros(m + n - 1, a.dtype)
    for j in range(n):
        for i in range(m):
            out[i + j] += a[i] * v[j]
    return out


# ---------------------------------------------------------------------------- linear algebra


@njit
def _eliminate(a, x):
    """Bring a matrix to upper triangular form in place, and ``x`` along.

    Return the sign of the exchanges of rows, 0 where the matrix is singular.
    """
    n, m, sign = a.shape[0], x.shape[1], 1
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[p, k]):
                p = i
        if a[p, k] == 0:
            return 0
        if p != k:
            sign = -sign
            for j in range(k, n):
                a[k, j], a[p, j] = a[p, j], a[k, j]
            for j in range(m):
                x[k, j], x[p, j] = x[p, j], x[k, j]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= factor * a[k, j]
            for j in range(m):
                x[i, j] -= factor * x[k, j]
    return sign


@njit
def _solve(a, x):
    """Solve linear equations in place: ``a`` is used up, ``x`` becomes the solution."""
    if _eliminate(a, x) == 0:
        raise Leave
    n, m = x.shape
    for k in range(n - 1, -1, -1):
        for i in range(k + 1, n):
            for j in range(m):
                x[k, j] -= a[k, i] * x[i, j]
        for j in range(m):
            x[k, j] /= a[k, k]


@njit
def solve(a, b):
    """Return the solutions of linear equations, for each of a stack."""
    a, x = a.copy(), b.copy()
    for s in range(a.shape[0]):
        _solve(a[s], x[s])
    return x


@njit
def inv(a):
    """Return the inverse of each matrix of a stack."""
    a, x = a.copy(), np.zeros(a.shape, a.dtype)
    for s in range(a.shape[0]):
        for k in range(a.shape[1]):
            x[s, k, k] = 1
        _solve(a[s], x[s])
    return x


@njit
def cholesky(a):
    """Return the lower factor of each positive definite matrix of a stack."""
    out = np.zeros(a.shape, a.dtype)
    for s in range(a.shape[0]):
        low, own = out[s], a[s]
        for i in range(own.shape[0]):
            for j in range(i + 1):
                total = own[i, j]
                for k in range(j):
                    total -= low[i, k] * np.conj(low[j, k])
                if i > j:
                    low[i, j] = total / low[j, j]
                elif total.real > 0:
                    low[i, i] = math.sqrt(total.real)
                else:
                    raise Leave
    return out


@njit
def dets(a):
    """Return the determinant of each matrix of a stack."""
    a, found = a.copy(), np.empty(a.shape[0], a.dtype)
    nothing = np.empty((a.shape[1], 0), a.dtype)
    for s in range(a.shape[0]):
        found[s] = _eliminate(a[s], nothing)
        if found[s] != 0:
            for k in range(a.shape[1]):
                found[s] *= a[s, k, k]
    return found


@njit
def signs_of_det(a):
    """Return the sign of the determinant of each matrix of a stack."""
    a, found = a.copy(), np.empty(a.shape[0], a.dtype)
    nothing = np.empty((a.shape[1], 0), a.dtype)
    for s in range(a.shape[0]):
        found[s] = _eliminate(a[s], nothing)
        if found[s] != 0:
            for k in range(a.shape[1]):
                found[s] *= a[s, k, k] / abs(a[s, k, k])
    return found


@njit
def logs_of_det(a):
    """Return the logarithm of the absolute value of the determinant of each matrix of a stack."""
    a, found = a.copy(), np.empty(a.shape[0], a.real.dtype)
    nothing = np.empty((a.shape[1], 0), a.dtype)
    for s in range(a.shape[0]):
        found[s] = 0 if _eliminate(a[s], nothing) != 0 else -np.inf
        for k in range(a.shape[1]):
            if found[s] > -np.inf:
                found[s] += math.log(abs(a[s, k, k]))
    return found


@njit
def pinv(a):
    """Return the pseudo-inverse of a matrix."""
    return np.ascontiguousarray(np.linalg.pinv(a))


@njit
def singular_values(a):
    """Return the singular values of a matrix."""
    return np.linalg.svd(a, False)[1]


@njit
def cond(a):
    """Return the condition number of a matrix in the 2-norm."""
    values = singular_values(a)
    if not values[-1] > 0:
        raise Leave
    return values[0] / values[-1]


# ------------------------------------------------------------------------- Python's numbers

MODERATE = 3_000_000_000
"""Integers from outside, and sizes, are relied on not to be larger: a product of two of them, with
another one added, is one of 64 bits."""


def _overflowing(name):
    """Make an intrinsic that leaves where a result has more than 64 bits."""

    def build(context, builder, a, b):
        instruction = getattr(builder, f"s{name}_with_overflow")
        found = instruction(a, b)
        _leave_if(context, builder, builder.extract_value(found, 1))
        return builder.extract_value(found, 0)

    build.__name__ = name
    return _of_integers(build)


sum_of, difference_of, product_of = map(_overflowing, ("add", "sub", "mul"))


@njit
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


@_of_integers
def shifted_up(context, builder, a, by):
    """Return ``a << by``; leave where it is not one of 64 bits."""
    _leave_if(context, builder, builder.icmp_unsigned(">=", by, _int(63)))
    found = builder.shl(a, by)
    _leave_if(context, builder, builder.icmp_signed("!=", builder.ashr(found, by), a))
    return found


@_of_integers
def shift(context, builder, by):
    """Return by how much to shift down; leave where it is negative."""
    _leave_if(context, builder, builder.icmp_signed("<", by, _int(0)))
    return _least(builder, by, _int(63))


@_of_integers
def not_least(context, builder, a):
    """Return an integer; leave where it is the one whose negative has more than 64 bits."""
    _leave_if(context, builder, builder.icmp_signed("==", a, _int(-(2**63))))
    return a


@_of_integers
def fitting(context, builder, a, low, high):
    """Return an integer; leave where it does not lie between two ends."""
    below, above = builder.icmp_signed("<", a, low), builder.icmp_signed(">", a, high)
    _leave_if(context, builder, builder.or_(below, above))
    return a


@_of_integers
def is_moderate(context, builder, a):
    """Tell whether an integer is as small as those from outside are relied on to be."""
    moved = builder.add(a, _int(MODERATE))
    return builder.icmp_unsigned("<=", moved, _int(2 * MODERATE))


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
        _leave_if(context, builder, insane(builder, args[0], floats))
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
        _leave_if(context, builder, builder.not_(between(builder, args[0], -(2.0**63), 2.0**63)))
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
        _leave_if(context, builder, builder.not_(inside))
        return args[0]

    return x(x, end), code


def between(builder, x, low, high):
    """Write whether a float lies between two ends, of which only the lower one belongs to it."""
    ends = [llvm.Constant(x.type, end) for end in (low, high)]
    above = builder.fcmp_ordered(">=", x, ends[0])
    return builder.and_(above, builder.fcmp_ordered("<", x, ends[1]))
