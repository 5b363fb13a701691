"""Functions of numbers."""

# mypy: ignore-errors
from __future__ import annotations

from functools import partial

from llvmlite import ir as llvm
from numba import types
from numba.extending import intrinsic

from ..leaving import DivisionByZero
from ..pipeline import part_of_kernels
from .intrinsics import leave_if


@intrinsic
def add_in_any_order(typingctx, a, b):
    """Add a term to a sum whose order is free, as that of ``np.sum`` is."""
    if isinstance(a, types.Float) and isinstance(b, types.Float) and a == b:

        def code(context, builder, signature, args):
            return builder.fadd(*args, flags=("reassoc", "nsz", "contract"))

        return a(a, b), code

    both = a if a == b else typingctx.unify_types(a, b)

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


def _extreme(ordered):
    """Make the function of the larger or the smaller number; NaN if one of them is one."""

    @intrinsic
    def function(typingctx, a, b):
        if a != b or not isinstance(a, (types.Float, types.Integer)):
            return None

        def code(context, builder, signature, args):
            return _select(a, builder, ordered, *args)

        return a(a, b), code

    return function


def _select(a, builder, ordered, x, y):
    if isinstance(a, types.Integer):
        compare = builder.icmp_signed if a.signed else builder.icmp_unsigned
        return builder.select(compare(ordered, x, y), x, y)
    chosen = builder.select(builder.fcmp_ordered(ordered, x, y), x, y)
    return builder.select(builder.fcmp_unordered("uno", x, x), x, chosen)


maximum = _extreme(">")
minimum = _extreme("<")


@intrinsic
def squared(typingctx, a):
    """Return ``a * a``."""
    if not isinstance(a, types.Float):
        return None

    def code(context, builder, signature, args):
        return builder.fmul(args[0], args[0])

    return a(a), code


@part_of_kernels
def sign(x):
    """Return -1, 0 or 1, NaN for NaN."""
    if x > 0:
        return x * 0 + 1
    if x < 0:
        return x * 0 - 1
    return x


def _is_complex_zero(context, builder, kind, value):
    parts = context.make_complex(builder, kind, value)
    zero = llvm.Constant(parts.real.type, 0)
    return builder.and_(*[builder.fcmp_ordered("==", x, zero) for x in (parts.real, parts.imag)])


@intrinsic
def nonzero(typingctx, x):
    """Return a divisor; Python's division by zero raises."""
    if not isinstance(x, (types.Float, types.Integer, types.Complex)):
        return None
    kind = types.unliteral(x)

    def code(context, builder, signature, args):
        value = context.cast(builder, args[0], x, kind)
        if isinstance(kind, types.Complex):
            is_zero = _is_complex_zero(context, builder, kind, value)
            leave_if(context, builder, is_zero, DivisionByZero)
            return value
        zero = llvm.Constant(value.type, 0)
        is_float = isinstance(kind, types.Float)
        equal = builder.fcmp_ordered if is_float else builder.icmp_unsigned
        leave_if(context, builder, equal("==", value, zero), DivisionByZero)
        return value

    return kind(x), code


def _guarded(product):
    """Make the function that multiplies two real numbers of one type, but for some zeros."""

    def typed(typingctx, ct, slope):
        if not (isinstance(ct, types.Float) and ct == slope):
            return None

        def code(context, builder, signature, args):
            return product(builder, *args)

        return ct(ct, slope), code

    return intrinsic(typed)


def product_unless_zero(builder, ct, slope, is_mutual=False):
    """Write ``ct * slope``, 0 where ``ct`` is 0; ``is_mutual``: or where ``slope`` is."""
    zero = llvm.Constant(ct.type, 0.0)
    is_zero = builder.fcmp_ordered("==", ct, zero)
    if is_mutual:
        is_zero = builder.or_(is_zero, builder.fcmp_ordered("==", slope, zero))
    return builder.select(is_zero, zero, builder.fmul(ct, slope))


guarded_product = _guarded(product_unless_zero)
"""``ct * slope``, 0 where ``ct`` is 0."""
mutual_product = _guarded(partial(product_unless_zero, is_mutual=True))
"""``a * b``, 0 where one of them is 0."""
