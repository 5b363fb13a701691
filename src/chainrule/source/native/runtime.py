"""What compiled programs call: small functions that Numba puts into the machine code.

Most are *intrinsics*, a few instructions each: they take no time to compile.
"""

# mypy: ignore-errors
from __future__ import annotations

import itertools
from contextlib import contextmanager

import numpy as np
from llvmlite import ir as llvm
from numba import njit, types
from numba.extending import intrinsic


class Leave(Exception):  # noqa: N818 (no error: the program is run by NumPy instead)
    """Something that machine code does not do as Python does: the NumPy program has to be run."""


class OutOfRange(Leave):
    """An index that is not one of an axis."""


class DivisionByZero(Leave):
    """A division of Python numbers by zero."""


LEFT, OUT_OF_RANGE, BY_ZERO = 1, 2, 3
"""How a region may end, besides 0."""


@njit
def left(status):
    """Leave the compiled program because a region did."""
    if status == OUT_OF_RANGE:
        raise OutOfRange
    if status == BY_ZERO:
        raise DivisionByZero
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


@njit(inline="never")
def at(i, n):
    """Return the place of index ``i`` along an axis of size ``n``, negative ones from the end."""
    j = i + n if i < 0 else i
    if j < 0 or j >= n:
        raise OutOfRange
    return j


@njit
def check(holds):
    """Leave the compiled program if something that it relies on does not hold."""
    if not holds:
        raise Leave


@njit
def within(start, stop, step, shift, n):
    """Tell whether all of ``range(start, stop, step)`` shifted are places of an axis of ``n``."""
    if step > 0:
        if start >= stop:
            return True
        low, high = start, stop - 1
    else:
        if start <= stop:
            return True
        low, high = stop + 1, start
    return low + shift >= 0 and high + shift < n


@njit
def bound(place, n):
    """Return where a slice starts or stops: from the end if negative, and within the axis."""
    if place < 0:
        place += n
        return place if place > 0 else 0
    return place if place < n else n


@njit
def bound_down(place, n):
    """Return where a slice that goes backwards starts or stops; -1 is before the first place."""
    if place < 0:
        place += n
        return place if place >= 0 else -1
    return place if place < n else n - 1


@njit
def count(low, high, step):
    """Return how many places lie between two ends."""
    if step > 0:
        return (high - low + step - 1) // step if high > low else 0
    return (low - high - step - 1) // -step if low > high else 0


@njit
def common(m, n):
    """Return the size of two axes that are broadcast together."""
    if m == n or n == 1:
        return m
    if m != 1:
        raise Leave
    return n


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


@njit
def nonzero(x):
    """Return a divisor; Python's division by zero raises."""
    if x == 0:
        raise DivisionByZero
    return x


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


@njit
def room(stack, top, more):
    """Return a stack with room for that many more numbers."""
    if top + more <= stack.size:
        return stack
    larger = np.empty(max(2 * stack.size, top + more, 64), stack.dtype)
    for k in range(top):
        larger[k] = stack[k]
    return larger


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
