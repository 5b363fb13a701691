"""Functions that reduce axes: sums, products, extremes, counts; and those that run along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import helpers
from ..ir import Assign, Call, Choice, Expr, If, Lit, Var
from ..types import Type
from . import runtime
from .code import BOOL, Gather, Make, Put, apply, minus, number, scalar, times
from .elements import NUMBERS, VALUES, VIEWS, aligned, elements, in_memory
from .numbers import cast, literal
from .state import Elements, Extent, NotNative, State
from .views import argument, only

_STEPS: dict[Any, Any] = {
    np.sum: runtime.add_in_any_order,
    np.prod: np.multiply,
    np.max: runtime.maximum,
    np.min: runtime.minimum,
    np.any: np.bitwise_or,
    np.all: np.bitwise_and,
    np.count_nonzero: np.add,
    np.mean: runtime.add_in_any_order,
}


def _start(fn: Any, dtype: np.dtype[Any]) -> Lit:
    """Return what a reduction begins with."""
    if fn in (np.max, np.min):
        if dtype.kind == "f":
            return Lit(scalar(dtype), -np.inf if fn is np.max else np.inf)
        if dtype.kind == "b":
            return Lit(scalar(dtype), fn is np.min)
        info = np.iinfo(dtype)
        return Lit(scalar(dtype), int(info.min if fn is np.max else info.max))
    return cast(literal({np.prod: 1, np.all: True, np.any: False}.get(fn, 0)), dtype)  # type: ignore[return-value]


def _reduction(state: State, call: Call) -> Elements:
    """Compute a reduction; return its elements, with the axes that were kept."""
    fn = call.fn
    only(call, "axis", "keepdims")
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    axis = argument(call, 1, "axis")
    keepdims = bool(argument(call, 9, "keepdims", False))
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = {a % ndim for a in axes} if ndim else set()
    dtype = call.type.dtype
    assert dtype is not None
    if dtype.kind == "c" and fn not in (np.sum, np.mean, np.prod):
        raise NotNative("an order of complex numbers")
    if fn in (np.max, np.min):
        for k in gone:
            state.check(apply(np.greater, BOOL, source.extents[k].expr, number(0)))
    made = _reduced(state, fn, source, gone, dtype)
    if fn is np.mean:
        made = _divided(made, _count(source, gone), dtype)
    return _spread(made, gone, ndim) if keepdims else made


def _value(fn: Any, value: Expr, dtype: np.dtype[Any]) -> Expr:
    if fn in (np.any, np.all, np.count_nonzero):
        return cast(cast(value, np.dtype(bool)), dtype)
    return cast(value, dtype)


def _reduced(
    state: State, fn: Any, source: Elements, gone: set[int], dtype: np.dtype[Any]
) -> Elements:
    kept = [k for k in range(len(source.extents)) if k not in gone]
    start, step = _start(fn, dtype), _STEPS[fn]
    if not kept:
        total = _total(state, source, start, step, fn)
        return Elements((), dtype, lambda _: total)
    extents = tuple(source.extents[k] for k in kept)
    type_ = Type("array", dtype, tuple(extent.size for extent in extents))
    out = Var(type_, state.fresh("reduced"))
    state.types[out.name] = type_
    if len(source.extents) - 1 in gone:
        _rows(state, source, out, kept, start, step, fn)
    else:
        _planes(state, source, out, kept, start, step, fn)
    return in_memory(out)


def _total(state: State, source: Elements, start: Lit, step: Any, fn: Any) -> Expr:
    """Reduce all axes to one number."""
    total = state.named("total", start)

    def body(i: tuple[Expr, ...]) -> None:
        value = _value(fn, source.at(i), start.type.dtype)  # type: ignore[arg-type]
        state.emit(Gather(total.name, step, value, start.type))

    state.nest(source.extents, body)
    return total


def _rows(
    state: State, source: Elements, out: Var, kept: list[int], start: Lit, step: Any, fn: Any
) -> None:
    """Reduce the last axes: one number after the other."""
    extents = tuple(source.extents[k] for k in kept)
    gone = [k for k in range(len(source.extents)) if k not in kept]
    state.emit(Make(out.name, start.type.dtype, tuple(e.expr for e in extents)))  # type: ignore[arg-type]

    def row(i: tuple[Expr, ...]) -> None:
        def at(j: tuple[Expr, ...]) -> Expr:
            places = dict(zip(kept, i, strict=True)) | dict(zip(gone, j, strict=True))
            return source.at(tuple(places[k] for k in range(len(source.extents))))

        inner = Elements(tuple(source.extents[k] for k in gone), source.dtype, at)
        state.emit(Put(out, i, _total(state, inner, start, step, fn)))

    state.nest(extents, row)


def _planes(
    state: State, source: Elements, out: Var, kept: list[int], start: Lit, step: Any, fn: Any
) -> None:
    """Reduce other axes: the result is gathered along the last one, which is kept."""
    extents = tuple(source.extents[k] for k in kept)
    dtype = start.type.dtype
    assert dtype is not None
    state.emit(Make(out.name, dtype, tuple(e.expr for e in extents)))
    state.nest(extents, lambda i: state.emit(Put(out, i, start)))

    def body(i: tuple[Expr, ...]) -> None:
        place = tuple(i[k] for k in kept)
        value = _value(fn, source.at(i), dtype)
        if step in (runtime.add_in_any_order, np.add):
            state.emit(Put(out, place, value, "add"))
            return
        before = in_memory(out).at(place)
        state.emit(Put(out, place, apply(step, start.type, before, value)))

    state.nest(source.extents, body)


def _count(source: Elements, gone: set[int]) -> Expr:
    total: Expr = number(1)
    for k in sorted(gone):
        total = times(total, source.extents[k].expr)
    return total


def _divided(made: Elements, count: Expr, dtype: np.dtype[Any]) -> Elements:
    return Elements(
        made.extents,
        dtype,
        lambda i: apply(np.divide, scalar(dtype), made.at(i), cast(count, dtype)),
    )


def _spread(made: Elements, gone: set[int], ndim: int) -> Elements:
    """Return elements with an axis of size 1 for each that was reduced."""
    kept = [k for k in range(ndim) if k not in gone]
    rest = iter(made.extents)
    extents = tuple(Extent(number(1), 1) if k in gone else next(rest) for k in range(ndim))
    return Elements(extents, made.dtype, lambda i: made.at(tuple(i[k] for k in kept)))


VIEWS.update(dict.fromkeys(_STEPS, _reduction))


# ------------------------------------------------------------------------ spread of values


def _variance(state: State, call: Call) -> Elements:
    only(call, "axis", "keepdims", "ddof")
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    axis, ddof = argument(call, 1, "axis"), argument(call, 4, "ddof", 0)
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = {a % ndim for a in axes}
    dtype = call.type.dtype
    assert dtype is not None
    if source.dtype.kind == "c":
        raise NotNative("the variance of complex numbers")
    total = _reduced(state, np.sum, source, gone, dtype)
    mean = _spread(_divided(total, _count(source, gone), dtype), gone, ndim)
    place = aligned(state, mean.extents, source.extents)

    def square(i: tuple[Expr, ...]) -> Expr:
        away = apply(np.subtract, scalar(dtype), cast(source.at(i), dtype), mean.at(place(i)))
        return apply(np.power, scalar(dtype), away, literal(2))

    squares = _reduced(state, np.sum, Elements(source.extents, dtype, square), gone, dtype)
    made = _divided(squares, minus(_count(source, gone), number(ddof)), dtype)
    if call.fn is np.std:
        variance = made
        made = Elements(
            made.extents, dtype, lambda i: apply(np.sqrt, scalar(dtype), variance.at(i))
        )
    return _spread(made, gone, ndim) if argument(call, 9, "keepdims", False) else made


VIEWS[np.var] = VIEWS[np.std] = _variance


# ---------------------------------------------------------------------- where the extreme is


def _arg_extreme(state: State, call: Call) -> Expr:
    """Return the first place of the largest or the smallest element, or of a NaN."""
    only(call, "axis")
    source = elements(state, call.args[0])
    if len(source.extents) != 1 or source.dtype.kind == "c":
        raise NotNative("argmax of several axes")
    extent = source.extents[0]
    state.check(apply(np.greater, BOOL, extent.expr, number(0)))
    best = state.named("best", source.at((number(0),)))
    place = state.named("place", number(0))
    beats = np.greater if call.fn is np.argmax else np.less

    def body(i: tuple[Expr, ...]) -> None:
        value = state.named("value", source.at(i))
        better = apply(beats, BOOL, value, best)
        is_nan = apply(np.not_equal, BOOL, value, value)
        was_none = apply(np.equal, BOOL, best, best)
        better = apply(np.bitwise_or, BOOL, better, apply(np.bitwise_and, BOOL, is_nan, was_none))
        state.emit(If(better, [Assign(best.name, value), Assign(place.name, i[0])], []))

    state.nest(source.extents, body)
    return place


NUMBERS[np.argmax] = NUMBERS[np.argmin] = _arg_extreme


# ------------------------------------------------------------------------- along one axis


def _running(step: Any) -> Any:
    def handler(state: State, name: str, call: Call) -> None:
        only(call, "axis")
        source = elements(state, call.args[0])
        ndim = len(source.extents)
        axis = argument(call, 1, "axis")
        if axis is None and ndim != 1:
            raise NotNative("cumsum of several axes")
        axis = (axis or 0) % ndim
        dtype = call.type.dtype
        assert dtype is not None
        out = Var(state.types[name], state.fresh(name))
        state.types[out.name] = out.type
        state.emit(Make(out.name, dtype, tuple(e.expr for e in source.extents)))

        def body(i: tuple[Expr, ...]) -> None:
            value = cast(source.at(i), dtype)
            before = tuple(minus(x, number(1)) if k == axis else x for k, x in enumerate(i))
            first = apply(np.equal, BOOL, i[axis], number(0))
            total = apply(step, scalar(dtype), in_memory(out).at(before), value)
            state.emit(Put(out, i, Choice(scalar(dtype), first, value, total)))

        state.nest(source.extents, body)
        state.emit(Assign(name, out))

    return handler


VALUES[np.cumsum], VALUES[np.cumprod] = _running(np.add), _running(np.multiply)


# ---------------------------------------------------------------------------- unbroadcast


def _unbroadcast(state: State, name: str, call: Call) -> None:
    """Sum over the axes along which an operand was stretched, seen when the program runs."""
    ct, like = (elements(state, arg) for arg in call.args)
    type_ = state.types[name]
    assert type_.dtype is not None
    out = Var(Type("array", type_.dtype, tuple(e.size for e in like.extents)), state.fresh(name))
    state.types[out.name] = out.type
    state.emit(Make(out.name, type_.dtype, tuple(e.expr for e in like.extents)))
    zero = cast(literal(0), type_.dtype)
    state.nest(like.extents, lambda i: state.emit(Put(out, i, zero)))
    place = aligned(state, like.extents, ct.extents)

    def body(i: tuple[Expr, ...]) -> None:
        assert type_.dtype is not None
        state.emit(Put(out, place(i), cast(ct.at(i), type_.dtype), "add"))

    state.nest(ct.extents, body)
    state.emit(Assign(name, out))


def _unbroadcast_number(state: State, call: Call) -> Expr:
    ct = elements(state, call.args[0])
    dtype = call.type.dtype
    assert dtype is not None
    return _total(state, ct, cast(literal(0), dtype), runtime.add_in_any_order, np.sum)  # type: ignore[arg-type]


VALUES[helpers.unbroadcast] = _unbroadcast
NUMBERS[helpers.unbroadcast] = _unbroadcast_number
