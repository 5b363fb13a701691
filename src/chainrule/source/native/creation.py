"""Functions that make arrays of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules import creation as rules
from ..accumulate import BY_ROWS
from ..ir import Assign, Call, Choice, Expr, Lit, Seq, Var
from ..types import Type
from . import runtime
from .arrays import compute, new_array
from .code import BOOL, INT, Make, Put, apply, dtype_of, number, plus, scalar, times, whole
from .elements import NUMBERS, VALUES, aligned, broadcast, elements, in_memory, number_of
from .numbers import cast, literal
from .products import enter
from .shapes import extents_of
from .state import Elements, Extent, NotNative, State
from .views import argument, only, view


def _constant(state: State, call: Call, extents: tuple[Extent, ...], value: Expr) -> Elements:
    dtype = dtype_of(call)
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
    only(call, "dtype", *(["order"] if BY_ROWS[0] in call.kwargs else []))
    value = literal(1 if call.fn is np.ones_like else 0)
    return _constant(state, call, elements(state, call.args[0]).extents, value)


@view(np.full, np.full_like)
def _full(state: State, call: Call) -> Elements:
    only(call, "dtype")
    value = elements(state, call.args[1])
    like = call.fn is np.full_like
    extents = elements(state, call.args[0]).extents if like else extents_of(state, call.args[0])
    place = aligned(state, value.extents, extents)
    dtype = dtype_of(call)
    return Elements(extents, dtype, lambda i: cast(value.at(place(i)), dtype))


def _empty_number(state: State, call: Call) -> Expr:
    assert call.type.dtype is not None
    return cast(literal(0), call.type.dtype)


NUMBERS[np.empty] = NUMBERS[np.empty_like] = _empty_number


def _empty(state: State, name: str, call: Call) -> None:
    only(call, "dtype", "shape")
    if call.fn is np.empty_like:
        extents = elements(state, call.args[0]).extents
    else:
        extents = extents_of(state, call.args[0] if call.args else dict(call.kwargs)["shape"])
    dtype = dtype_of(call)
    state.emit(Make(name, dtype, tuple(extent.expr for extent in extents)))


VALUES[np.empty] = VALUES[np.empty_like] = _empty


@view(np.eye, np.identity)
def _eye(state: State, call: Call) -> Elements:
    only(call, "N", "n", "M", "k", "dtype")
    return _by_diagonal(state, call, np.equal)


@view(np.tri)
def _tri(state: State, call: Call) -> Elements:
    only(call, "N", "M", "k", "dtype")
    return _by_diagonal(state, call, np.less_equal)


def _by_diagonal(state: State, call: Call, compare: Any) -> Elements:
    """Return a matrix of ones and zeros, by where an element lies with respect to a diagonal."""
    keywords = dict(call.kwargs)
    own = call.fn is np.identity
    rows = extents_of(state, call.args[0] if call.args else keywords["n" if own else "N"])[0]
    second = None if own else call.args[1] if len(call.args) > 1 else keywords.get("M")
    is_square = second is None or (isinstance(second, Lit) and second.value is None)
    columns = rows if is_square or second is None else extents_of(state, second)[0]
    given = None if own else call.args[2] if len(call.args) > 2 else keywords.get("k")
    offset = number(0) if given is None else whole(number_of(state, given))
    dtype = dtype_of(call)
    one, zero = cast(literal(1), dtype), cast(literal(0), dtype)

    def at(i: tuple[Expr, ...]) -> Expr:
        return Choice(scalar(dtype), apply(compare, BOOL, i[1], plus(i[0], offset)), one, zero)

    return Elements((rows, columns), dtype, at)


@view(np.arange)
def _arange(state: State, call: Call) -> Elements:
    only(call, "dtype")
    dtype = dtype_of(call)
    if any(arg.type.dtype is None or arg.type.dtype.kind not in "iu" for arg in call.args):
        return _float_range(state, call, dtype)
    if len(call.args) == 1:
        extent = extents_of(state, call.args[0])[0]
        places = extent.expr
        if isinstance(places, Lit):
            places = number(max(places.value, 0))
        else:
            places = state.integer(apply(max, INT, places, number(0)))
        return Elements((Extent(places, extent.size),), dtype, lambda i: cast(i[0], dtype))
    start, stop = (whole(number_of(state, arg)) for arg in call.args[:2])
    step = whole(number_of(state, call.args[2])) if len(call.args) > 2 else number(1)
    if not isinstance(step, Lit):
        step = apply(runtime.nonzero, INT, state.integer(step))
    places = state.integer(apply(runtime.count, INT, start, stop, step))
    return Elements(
        (Extent(places, call.type.sizes[0]),),
        dtype,
        lambda i: cast(plus(times(i[0], step), start), dtype),
    )


def _float_range(state: State, call: Call, dtype: np.dtype[Any]) -> Elements:
    """Return NumPy's range of floats, each computed from the first two."""
    if dtype.kind != "f" or any(arg.type.dtype is None for arg in call.args):
        raise NotNative("arange of numbers that are neither integers nor floats")
    double = np.dtype(np.float64)
    given = [cast(number_of(state, arg), double) for arg in call.args]
    start, stop = (literal(0.0), given[0]) if len(given) == 1 else given[:2]
    step = given[2] if len(given) > 2 else literal(1.0)
    float_ = scalar(double)
    start, step = state.named("start", start), state.named("step", step)
    ratio = apply(np.divide, float_, apply(np.subtract, float_, stop, start), step)
    places = state.named("n", apply(runtime.places_of_range, INT, ratio))
    own = scalar(dtype)
    first = state.named("first", cast(start, dtype))
    second = cast(apply(np.add, float_, start, step), dtype)
    gap = state.named("gap", apply(np.subtract, own, second, first))

    def at(i: tuple[Expr, ...]) -> Expr:
        return apply(np.add, own, first, apply(np.multiply, own, cast(i[0], dtype), gap))

    return Elements((Extent(places, call.type.sizes[0]),), dtype, at)


@view(np.linspace, rules._linspace)
def _linspace(state: State, call: Call) -> Elements:
    only(call, "num", "endpoint", "axis")
    ends = [elements(state, arg) for arg in call.args[:2]]
    given = dict(call.kwargs).get("num") or (call.args[2] if len(call.args) > 2 else literal(50))
    number_of_places = extents_of(state, given)[0]
    dtype = dtype_of(call)
    if dtype.kind not in "fc":
        raise NotNative("linspace of integers")
    whole = broadcast(state, [x.extents for x in ends])
    places = [aligned(state, x.extents, whole) for x in ends]
    axis = argument(call, 9, "axis", 0) % (len(whole) + 1)
    endpoint = argument(call, 3, "endpoint", True)
    gaps = plus(number_of_places.expr, number(-1)) if endpoint else number_of_places.expr
    count = state.named("gaps", apply(max, INT, gaps, number(1)))
    last = plus(number_of_places.expr, number(-1))
    own = scalar(dtype)

    def value(i: tuple[Expr, ...]) -> Expr:
        k, rest = i[axis], (*i[:axis], *i[axis + 1 :])
        start, stop = (cast(x.at(p(rest)), dtype) for x, p in zip(ends, places, strict=True))
        width = apply(np.subtract, own, stop, start)
        step = apply(np.divide, own, width, cast(count, dtype))
        if not whole:
            step = by
        along = apply(np.add, own, apply(np.multiply, own, cast(k, dtype), step), start)
        if not endpoint:
            return along
        is_last = apply(np.equal, BOOL, k, last)
        is_end = apply(np.bitwise_and, BOOL, is_last, apply(np.greater, BOOL, k, number(0)))
        return Choice(own, is_end, stop, along)

    if not whole:
        start, stop = (cast(x.at(()), dtype) for x in ends)
        width = apply(np.subtract, own, stop, start)
        by = state.named("step", apply(np.divide, own, width, cast(count, dtype)))
    extents = (*whole[:axis], number_of_places, *whole[axis:])
    return Elements(extents, dtype, value)


@enter(np.indices)
def _indices(state: State, call: Call) -> Elements:
    only(call, "dtype")
    extents = extents_of(state, call.args[0])
    dtype = dtype_of(call)
    made = new_array(
        state, "indices", dtype, (Extent(number(len(extents)), len(extents)), *extents)
    )
    for k in range(len(extents)):
        state.nest(
            extents,
            lambda i, k=k: state.emit(Put(made, (number(k), *i), cast(i[k], dtype))),  # type: ignore[misc]
        )
    return in_memory(made)


def _array(state: State, name: str, call: Call) -> None:
    """Build an array of numbers and arrays written out."""
    order = dict(call.kwargs).get("order")
    is_as_all = isinstance(order, Lit) and order.value == "C"
    only(call, "dtype", *["order"] * is_as_all)
    given = call.args[0]
    if not isinstance(given, Seq):
        if isinstance(given, Lit):
            return _literal(state, name, given.value)
        source = elements(state, given)
        dtype = dtype_of(call)
        compute(state, name, Elements(source.extents, dtype, lambda i: cast(source.at(i), dtype)))
        return None
    items = _leaves(given, ())
    dtype = dtype_of(call)
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


def _number(state: State, call: Call) -> Expr:
    dtype = dtype_of(call)
    given = call.args[0]
    if isinstance(given, Lit):
        return cast(literal(np.asarray(given.value)), dtype)
    return cast(number_of(state, given), dtype)


VALUES[np.array] = _array
NUMBERS[np.array] = _number
