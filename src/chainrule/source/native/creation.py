"""Functions that make arrays of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules import creation as rules
from ..ir import Assign, Call, Choice, Expr, Lit, Seq, Var
from ..types import Type
from .code import BOOL, INT, Make, Put, apply, minus, number, plus, scalar, times
from .elements import VALUES, VIEWS, elements, number_of
from .numbers import cast, literal
from .state import Elements, Extent, NotNative, State, is_axes
from .views import argument, extents_of, only, view


def _constant(state: State, call: Call, extents: tuple[Extent, ...], value: Expr) -> Elements:
    dtype = call.type.dtype
    assert dtype is not None
    filled = cast(value, dtype)
    return Elements(extents, dtype, lambda _: filled)


@view(np.zeros, np.ones)
def _zeros(state: State, call: Call) -> Elements:
    only(call, "shape", "dtype")
    shape = call.args[0] if call.args else dict(call.kwargs)["shape"]
    value = literal(1 if call.fn is np.ones else 0)
    return _constant(state, call, extents_of(state, shape), value)


@view(np.zeros_like, np.ones_like)
def _zeros_like(state: State, call: Call) -> Elements:
    only(call, "dtype")
    value = literal(1 if call.fn is np.ones_like else 0)
    return _constant(state, call, elements(state, call.args[0]).extents, value)


@view(np.full)
def _full(state: State, call: Call) -> Elements:
    only(call, "dtype")
    if is_axes(call.args[1].type):
        raise NotNative("full of an array")
    value = number_of(state, call.args[1])
    return _constant(state, call, extents_of(state, call.args[0]), value)


@view(np.full_like)
def _full_like(state: State, call: Call) -> Elements:
    only(call, "dtype")
    if is_axes(call.args[1].type):
        raise NotNative("full_like of an array")
    value = number_of(state, call.args[1])
    return _constant(state, call, elements(state, call.args[0]).extents, value)


def _empty(state: State, name: str, call: Call) -> None:
    only(call, "dtype", "shape")
    if call.fn is np.empty_like:
        extents = elements(state, call.args[0]).extents
    else:
        extents = extents_of(state, call.args[0] if call.args else dict(call.kwargs)["shape"])
    dtype = call.type.dtype
    assert dtype is not None
    if not extents:
        state.emit(Assign(name, cast(literal(0), dtype)))
        return
    state.emit(Make(name, dtype, tuple(extent.expr for extent in extents)))


VALUES[np.empty] = VALUES[np.empty_like] = _empty


@view(np.eye, np.identity)
def _eye(state: State, call: Call) -> Elements:
    only(call, "dtype")
    if len(call.args) > 1 and is_axes(call.type) and not isinstance(call.args[1], Lit):
        raise NotNative("eye of two sizes")
    n = extents_of(state, call.args[0])[0]
    if len(call.args) > 1:
        raise NotNative("eye of two sizes")
    dtype = call.type.dtype
    assert dtype is not None
    one, zero = cast(literal(1), dtype), cast(literal(0), dtype)
    return Elements(
        (n, n),
        dtype,
        lambda i: Choice(scalar(dtype), apply(np.equal, BOOL, i[0], i[1]), one, zero),
    )


@view(np.arange)
def _arange(state: State, call: Call) -> Elements:
    only(call, "dtype")
    if any(arg.type.dtype is None or arg.type.dtype.kind not in "iu" for arg in call.args):
        raise NotNative("arange of numbers that are not integers")
    dtype = call.type.dtype
    assert dtype is not None
    if len(call.args) == 1:
        extent = extents_of(state, call.args[0])[0]
        places = extent.expr
        if not isinstance(places, Lit):
            places = state.integer(apply(max, INT, places, number(0)))
        return Elements((Extent(places, extent.size),), dtype, lambda i: cast(i[0], dtype))
    start, stop = (number_of(state, arg) for arg in call.args[:2])
    step = number_of(state, call.args[2]) if len(call.args) > 2 else number(1)
    from . import runtime

    size = call.type.sizes[0]
    places = state.integer(apply(runtime.count, INT, start, stop, step))
    return Elements(
        (Extent(places, size),), dtype, lambda i: cast(plus(times(i[0], step), start), dtype)
    )


def _linspace(state: State, call: Call) -> Elements:
    if any(is_axes(arg.type) for arg in call.args):
        raise NotNative("linspace of arrays")
    only(call, "num", "endpoint", "axis")
    start, stop = (number_of(state, arg) for arg in call.args[:2])
    given = dict(call.kwargs).get("num") or (call.args[2] if len(call.args) > 2 else literal(50))
    extent = extents_of(state, given)[0]
    dtype = call.type.dtype
    assert dtype is not None and dtype.kind == "f"
    gaps = extent.expr
    if argument(call, 9, "endpoint", True):
        gaps = minus(extent.expr, number(1))
    step = apply(
        np.divide,
        scalar(dtype),
        apply(np.subtract, scalar(dtype), cast(stop, dtype), cast(start, dtype)),
        cast(apply(max, INT, gaps, number(1)), dtype),
    )
    by = state.named("step", step)
    last = minus(extent.expr, number(1))

    def at(i: tuple[Expr, ...]) -> Expr:
        along = apply(np.multiply, scalar(dtype), cast(i[0], dtype), by)
        value = apply(np.add, scalar(dtype), along, cast(start, dtype))
        if not argument(call, 9, "endpoint", True):
            return value
        is_last = apply(np.equal, BOOL, i[0], last)
        several = apply(np.greater, BOOL, i[0], number(0))
        is_end = apply(np.bitwise_and, BOOL, is_last, several)
        return Choice(scalar(dtype), is_end, cast(stop, dtype), value)

    return Elements((extent,), dtype, at)


VIEWS[np.linspace] = VIEWS[rules._linspace] = _linspace


def _array(state: State, name: str, call: Call) -> None:
    """Build an array of numbers and arrays written out."""
    only(call, "dtype")
    given = call.args[0]
    if not isinstance(given, Seq):
        if isinstance(given, Lit):
            return _literal(state, name, given.value)
        from .statements import compute

        source = elements(state, given)
        dtype = call.type.dtype
        assert dtype is not None
        compute(state, name, Elements(source.extents, dtype, lambda i: cast(source.at(i), dtype)))
        return None
    items = _leaves(given, ())
    dtype = call.type.dtype
    assert dtype is not None
    found = [(place, elements(state, item)) for place, item in items]
    shape = _lengths(given)
    inner = found[0][1].extents if found else ()
    extents = tuple(number(n) for n in shape) + tuple(e.expr for e in inner)
    type_ = Type("array", dtype, (*shape, *(e.size for e in inner)))
    out = Var(type_, state.fresh(name))
    state.types[out.name] = type_
    state.emit(Make(out.name, dtype, extents))
    for place, item in found:
        _fill(state, out, place, item, inner)
    state.emit(Assign(name, out))
    return None


def _fill(
    state: State, out: Var, place: tuple[int, ...], item: Elements, inner: tuple[Extent, ...]
) -> None:
    if len(item.extents) != len(inner):
        raise NotNative("an array of parts that differ")
    for own, extent in zip(item.extents, inner, strict=True):
        state.same(own, extent)
    front = tuple(map(number, place))
    assert out.type.dtype is not None
    dtype = out.type.dtype
    state.nest(item.extents, lambda i: state.emit(Put(out, (*front, *i), cast(item.at(i), dtype))))


def _literal(state: State, name: str, value: Any) -> None:
    found = np.asarray(value)
    if found.ndim == 0:
        state.emit(Assign(name, literal(found)))
        return
    type_ = state.types[name]
    state.emit(Make(name, found.dtype, tuple(map(number, found.shape))))
    for place in np.ndindex(found.shape):
        state.emit(Put(Var(type_, name), tuple(map(number, place)), literal(found[place])))


def _leaves(seq: Expr, place: tuple[int, ...]) -> list[tuple[tuple[int, ...], Expr]]:
    if isinstance(seq, Seq):
        return [leaf for k, item in enumerate(seq.items) for leaf in _leaves(item, (*place, k))]
    if isinstance(seq, Lit) and isinstance(seq.value, (list, tuple)):
        return [
            leaf
            for k, item in enumerate(seq.value)
            for leaf in _leaves(Lit(INT if isinstance(item, (list, tuple)) else literal(item).type,
                                    item), (*place, k))
        ]  # fmt: skip
    return [(place, seq)]


def _lengths(seq: Expr) -> tuple[int, ...]:
    if isinstance(seq, Seq):
        return (len(seq.items), *(_lengths(seq.items[0]) if seq.items else ()))
    if isinstance(seq, Lit) and isinstance(seq.value, (list, tuple)):
        return np.shape(seq.value)
    return ()


VALUES[np.array] = _array
