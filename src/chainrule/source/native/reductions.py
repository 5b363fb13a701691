"""Functions that reduce axes: sums, products, extremes, counts, variances, norms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from ...rules import norms
from .. import helpers
from ..ir import Assign, Call, Choice, Expr, Lit, Var
from ..types import Type
from . import runtime
from .arrays import compute, held
from .code import BOOL, INT, Gather, Make, Put, apply, dtype_of, minus, number, scalar, times
from .elements import (
    NUMBERS,
    VALUES,
    VIEWS,
    aligned,
    broadcast,
    elements,
    in_memory,
    number_of,
)
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
    return Lit(scalar(dtype), dtype.type(fn in (np.prod, np.all)).item())


def _reduction(state: State, call: Call) -> Elements:
    """Compute a reduction; return its elements, with the axes that were kept."""
    fn = call.fn
    only(call, "axis", "keepdims", "dtype", "initial", "where")
    source = elements(state, call.args[0])
    gone = gone_axes(call, len(source.extents))
    dtype = dtype_of(call)
    if dtype.kind == "c" and fn not in (np.sum, np.mean, np.prod):
        raise NotNative("an order of complex numbers")
    keywords = dict(call.kwargs)
    initial = keywords.get("initial")
    if isinstance(initial, Lit) and initial.value is np._NoValue:
        initial = None
    if fn in (np.max, np.min) and initial is None:
        for k in gone:
            state.check(apply(np.greater, BOOL, source.extents[k].expr, number(0)))
    if not (isinstance(where := keywords.get("where"), Lit) and where.value is True):
        source = _chosen(state, call, source, where, dtype)
    made = _reduced(state, fn, source, gone, dtype)
    if initial is not None:
        made = _with_initial(state, fn, made, initial, dtype)
    if fn is np.mean:
        made = _divided(made, _count(source, gone), dtype)
    return spread(made, gone, len(source.extents)) if keeps_axes(call) else made


def keeps_axes(call: Call) -> bool:
    """Tell whether a reduction keeps the axes that it removes, with size 1."""
    return bool(argument(call, 9, "keepdims", False) is True)


def gone_axes(call: Call, ndim: int) -> set[int]:
    """Return the axes that a reduction removes."""
    axis = argument(call, 1, "axis")
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return {a % ndim for a in axes} if ndim else set()


def _chosen(
    state: State, call: Call, source: Elements, where: Expr | None, dtype: np.dtype[Any]
) -> Elements:
    """Return the elements that take part in a reduction, for others what changes nothing."""
    if where is None or (isinstance(where, Lit) and where.value is np._NoValue):
        return source
    if call.fn is np.mean:
        raise NotNative("the mean of chosen elements")
    chosen = elements(state, where)
    whole = broadcast(state, [source.extents, chosen.extents])
    at, at_chosen = (aligned(state, x.extents, whole) for x in (source, chosen))
    own = np.dtype(bool) if call.fn in (np.any, np.all, np.count_nonzero) else dtype
    neutral = _start(call.fn, own)

    def value(i: tuple[Expr, ...]) -> Expr:
        test = cast(chosen.at(at_chosen(i)), np.dtype(bool))
        return Choice(scalar(own), test, cast(source.at(at(i)), own), neutral)

    return Elements(whole, own, value)


def _with_initial(
    state: State, fn: Any, made: Elements, initial: Expr, dtype: np.dtype[Any]
) -> Elements:
    first = cast(number_of(state, initial), dtype)
    step = np.add if fn in (np.sum, np.mean) else _STEPS[fn]
    if dtype.kind in "iu" and fn in (np.sum, np.prod):
        return Elements(made.extents, dtype,
                        lambda i: cast(apply(step, INT, first, made.at(i)), dtype))  # fmt: skip
    return Elements(made.extents, dtype, lambda i: apply(step, scalar(dtype), first, made.at(i)))


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
        value = _value(fn, source.at(i), dtype_of(start))
        state.emit(Gather(total.name, step, value, start.type))

    state.nest(source.extents, body)
    return total


def _rows(
    state: State, source: Elements, out: Var, kept: list[int], start: Lit, step: Any, fn: Any
) -> None:
    """Reduce the last axes: one number after the other."""
    extents = tuple(source.extents[k] for k in kept)
    gone = [k for k in range(len(source.extents)) if k not in kept]
    state.emit(Make(out.name, dtype_of(out), tuple(e.expr for e in extents)))

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
    dtype = dtype_of(start)
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


def spread(made: Elements, gone: set[int], ndim: int) -> Elements:
    """Return elements with an axis of size 1 for each that was reduced."""
    kept = [k for k in range(ndim) if k not in gone]
    rest = iter(made.extents)
    extents = tuple(Extent(number(1), 1) if k in gone else next(rest) for k in range(ndim))
    return Elements(extents, made.dtype, lambda i: made.at(tuple(i[k] for k in kept)))


VIEWS.update(dict.fromkeys(_STEPS, _reduction))


# ------------------------------------------------------------------------ spread of values


def _variance(state: State, call: Call) -> Elements:
    only(call, "axis", "keepdims", "ddof", "dtype")
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    gone = gone_axes(call, ndim)
    ddof = argument(call, 4, "ddof", 0)
    dtype = dtype_of(call)
    assert isinstance(ddof, int)
    wide = source.dtype if source.dtype.kind == "c" else dtype
    total = _reduced(state, np.sum, source, gone, wide)
    mean = held(state, _divided(total, _count(source, gone), wide))
    mean = spread(mean, gone, ndim)
    place = aligned(state, mean.extents, source.extents)

    def away(i: tuple[Expr, ...]) -> Expr:
        return apply(np.subtract, scalar(wide), cast(source.at(i), wide), mean.at(place(i)))

    squares = Elements(source.extents, dtype, lambda i: square(away(i), dtype))
    total = _reduced(state, np.sum, squares, gone, dtype)
    made = _divided(total, minus(_count(source, gone), number(ddof)), dtype)
    if call.fn is np.std:
        made = _root(made, dtype)
    return spread(made, gone, ndim) if keeps_axes(call) else made


def square(value: Expr, dtype: np.dtype[Any]) -> Expr:
    """Return the square of the absolute value of a number."""
    own = scalar(dtype)
    if value.type.dtype is not None and value.type.dtype.kind == "c":
        parts = [apply(part, own, value) for part in (np.real, np.imag)]
        return apply(np.add, own, *[apply(runtime.squared, own, part) for part in parts])
    return apply(runtime.squared, own, cast(value, dtype))


def _root(made: Elements, dtype: np.dtype[Any]) -> Elements:
    return Elements(made.extents, dtype, lambda i: apply(np.sqrt, scalar(dtype), made.at(i)))


VIEWS[np.var] = VIEWS[np.std] = _variance


def _euclidean_norm(state: State, call: Call) -> Elements:
    """The square root of the sum of squares."""
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    gone = gone_axes(call, ndim)
    dtype = dtype_of(call)
    squares = Elements(source.extents, dtype, lambda i: square(source.at(i), dtype))
    made = _root(_reduced(state, np.sum, squares, gone, dtype), dtype)
    return spread(made, gone, ndim) if argument(call, 2, "keepdims", False) else made


VIEWS[norms.euclidean_norm] = _euclidean_norm


# ---------------------------------------------------------------------------- unbroadcast


def _unbroadcast(state: State, name: str, call: Call) -> None:
    """Sum over the axes along which an operand was stretched, seen when the program runs."""
    ct, like = (elements(state, arg) for arg in call.args)
    type_ = state.types[name]
    assert type_.dtype is not None
    dtype = type_.dtype
    pairs = list(zip(like.extents, ct.extents[-len(like.extents) :], strict=False))
    if len(like.extents) == len(ct.extents) and not any(
        state.may_stretch(a.size) and a.size != b.size for a, b in pairs
    ):
        for a, b in pairs:
            state.same(a, b)
        state.types[name] = Type("array", dtype, tuple(e.size for e in like.extents))
        compute(state, name, Elements(like.extents, dtype, lambda i: cast(ct.at(i), dtype)))
        return
    out = Var(Type("array", type_.dtype, tuple(e.size for e in like.extents)), state.fresh(name))
    state.types[out.name] = out.type
    state.emit(Make(out.name, type_.dtype, tuple(e.expr for e in like.extents)))
    zero = cast(literal(0), dtype)
    state.nest(like.extents, lambda i: state.emit(Put(out, i, zero)))
    place = aligned(state, like.extents, ct.extents)
    n = len(ct.extents) - _last_stretched(pairs)
    origin = (number(0),) * (len(ct.extents) - n)
    start = _start(np.sum, ct.dtype)

    def body(i: tuple[Expr, ...]) -> None:
        row = Elements(ct.extents[n:], ct.dtype, lambda j: ct.at((*i, *j)))
        value = (
            _total(state, row, start, runtime.add_in_any_order, np.sum) if origin else row.at(())
        )
        state.emit(Put(out, place((*i, *origin)), cast(value, dtype), "add"))

    state.nest(ct.extents[:n], body)
    state.emit(Assign(name, out))


def _last_stretched(pairs: Sequence[tuple[Extent, Extent]]) -> int:
    """Return how many of the last axes were stretched for certain, from one place to several."""
    return sum(1 for _ in takewhile(lambda p: p[0].size == 1 and p[1].size != 1, reversed(pairs)))


def _unbroadcast_number(state: State, call: Call) -> Expr:
    ct = elements(state, call.args[0])
    return _total(state, ct, _start(np.sum, dtype_of(call)), runtime.add_in_any_order, np.sum)


VALUES[helpers.unbroadcast] = _unbroadcast
NUMBERS[helpers.unbroadcast] = _unbroadcast_number
