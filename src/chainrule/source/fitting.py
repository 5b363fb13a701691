"""What is done once for all rules, on types: unbroadcasting, dtypes, conjugates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from . import sizes
from .build import call, literal
from .helpers import unbroadcast
from .ir import Call, Expr, Lit
from .types import OBJECT, Type


def conjugate(x: Expr) -> Expr:
    """Complex conjugate, or ``x`` itself where it is real."""
    if x.type.dtype is None or x.type.dtype.kind != "c":
        return x
    if isinstance(x, Call) and x.fn is np.conjugate:
        return x.args[0]
    return call(np.conjugate, x)


def fit(t: Expr, like: Expr) -> Expr:
    """Give a tangent the shape and dtype of its value."""
    wide = broadcast(t, like) if may_be_smaller(t, like) else spread(t, like)
    return _cast(wide, like.type)


def _shaped_like(expr: Expr) -> Expr:
    """Return an operand of the shape of an expression, which need not be computed for that."""
    if isinstance(expr, Call) and isinstance(expr.fn, np.ufunc) and not expr.kwargs:
        for arg in expr.args:
            if arg.type.is_array and arg.type.sizes == expr.type.sizes:
                return _shaped_like(arg)
    return expr


def spread(x: Expr, like: Expr) -> Expr:
    """Broadcast to the shape of another expression, where the sizes say that it is smaller."""
    have, want = x.type.sizes, like.type.sizes
    padded = (1,) * (len(want) - len(have)) + tuple(have)
    has_axes = len(have) >= len(want)  # also those of one place are there, for a product
    if has_axes and not any(h == 1 != w for h, w in zip(padded, want, strict=False)):
        return x
    if not have:
        dtype = None if x.type.kind == "python" else x.type.dtype
        dtype = dtype if dtype is not None and dtype != like.type.dtype else like.type.dtype
        keywords = {} if dtype == like.type.dtype else {"dtype": literal(dtype)}
        return Call(Type("array", dtype, want), np.full_like, (like, x), tuple(keywords.items()))
    return broadcast(x, like)


def broadcast(x: Expr, like: Expr) -> Expr:
    """Broadcast an array to the shape of another expression."""
    type_ = Type("array", x.type.dtype, like.type.sizes)
    return Call(type_, np.broadcast_to, (x, Call(OBJECT, np.shape, (_shaped_like(like),))))


def may_be_smaller(x: Expr, like: Expr) -> bool:
    """Tell whether an axis may turn out to have size 1, where that of ``like`` is longer."""
    have, want = x.type.sizes, like.type.sizes
    pairs = zip(have, want[len(want) - len(have) :], strict=False)
    return any(h not in (w, 1) and sizes.may_be_one(h) for h, w in pairs)


def restore(ct: Expr, like: Expr) -> Expr:
    """Give a contribution the shape and dtype of the argument that it belongs to.

    Where it is smaller and would be broadcast it is left so: the products and sums that follow
    broadcast by themselves.
    """
    have, want = ct.type.sizes, like.type.sizes
    extra = max(len(have) - len(want), 0)
    padded = (1,) * extra + tuple(want)
    pairs = list(zip(have, padded[len(padded) - len(have) :], strict=True))
    if any(w not in (h, 1) and h != 1 and sizes.may_be_one(w) for h, w in pairs):
        return Call(like.type, unbroadcast, (ct, like))
    stretched = [k for k, (h, w) in enumerate(pairs) if k >= extra and h != w and w == 1]
    if extra and not want:
        ct = call(np.sum, ct)
    else:
        if extra:
            ct = call(np.sum, ct, axis=literal(_axes(range(extra))))
        if stretched:
            axes = _axes([k - extra for k in stretched])
            ct = call(np.sum, ct, axis=literal(axes), keepdims=literal(True))
    return _cast(ct, like.type)


def restore_later(ct: Expr, like: Expr) -> Expr:
    """Give a contribution the dtype of a value whose own operands will sum what was broadcast.

    So a value need not be computed again only to look at its shape.
    """
    fitted = restore(ct, like)
    is_left = isinstance(fitted, Call) and fitted.fn is unbroadcast
    return _cast(ct, like.type) if is_left else fitted


def as_sized(ct: Expr, like: Expr) -> Expr:
    """Give a contribution that surely has the shape of an argument its sizes and its dtype."""
    same = ct.type.ndim == like.type.ndim and ct.type.is_array
    if same and ct.type.sizes != like.type.sizes and 1 not in ct.type.sizes:
        ct = replace(ct, type=replace(ct.type, sizes=like.type.sizes))
    return restore(ct, like)


def _axes(axes: Sequence[int]) -> Any:
    return axes[0] if len(axes) == 1 else tuple(axes)


def _cast(x: Expr, want: Type) -> Expr:
    """Restore the dtype: real parts of what belongs to a real value, float32 for float32."""
    have = x.type.dtype
    if have is None or want.dtype is None or have == want.dtype or want.dtype.kind not in "fc":
        return x
    if have.kind == "c" and want.dtype.kind == "f":
        x = call(np.real, x)
        have = x.type.dtype
    if have == want.dtype or x.type.kind == "python" or want.kind == "python":
        return x
    type_ = Type(x.type.kind, want.dtype, x.type.sizes)
    if x.type.kind == "scalar":  # a Python number may stand for it
        return Call(type_, want.dtype.type, (x,))
    return Call(type_, np.ndarray.astype, (x, Lit(OBJECT, want.dtype.type)))
