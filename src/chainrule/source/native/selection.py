"""Functions that pick elements by index or by condition, and stores that return a new array."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...rules import indexing as rules
from ..ir import Call, Choice, Expr, Lit, Seq
from ..types import Type, unknown_size
from . import runtime
from .arrays import in_order, materialised, new_array, ordinal
from .code import BOOL, INT, Put, apply, dtype_of, number, plus, scalar, whole
from .elements import aligned, broadcast, elements, in_memory
from .indexing import places, subscript
from .joining import whole_or_flat
from .numbers import cast, literal
from .products import enter
from .shapes import extents_of
from .state import Elements, Extent, NotNative, State
from .stores import names_places_once, put
from .views import argument, only, view

# --------------------------------------------------------------------------- index arrays


def _inside(i: Expr, n: Expr) -> Expr:
    return apply(runtime.at, INT, whole(i), n)


def _wrapped(i: Expr, n: Expr) -> Expr:
    return apply(np.remainder, INT, i, n)


def _clipped(i: Expr, n: Expr) -> Expr:
    return apply(min, INT, apply(max, INT, i, number(0)), plus(n, number(-1)))


_MODES: dict[str, Callable[[Expr, Expr], Expr]] = {
    "raise": _inside,
    "wrap": _wrapped,
    "clip": _clipped,
}


@view(np.take)
def _take(state: State, call: Call) -> Elements:
    only(call, "axis", "mode", "indices")
    axis = argument(call, 2, "axis")
    mode = _MODES[argument(call, 4, "mode", "raise")]
    source = whole_or_flat(state, call.args[0], axis)
    given = call.args[1] if len(call.args) > 1 else dict(call.kwargs)["indices"]
    if given.type.dtype is None or given.type.dtype.kind not in "iu":
        raise NotNative("take of indices that are not integers")
    chosen = elements(state, given)
    axis = (axis or 0) % len(source.extents)
    extent = source.extents[axis]
    if mode is not _inside:
        state.check(apply(np.greater, BOOL, extent.expr, number(0)))
    n = len(chosen.extents)

    def at(i: tuple[Expr, ...]) -> Expr:
        place = mode(cast(chosen.at(i[axis : axis + n]), np.dtype(np.int64)), extent.expr)
        return source.at((*i[:axis], place, *i[axis + n :]))

    extents = (*source.extents[:axis], *chosen.extents, *source.extents[axis + 1 :])
    return Elements(extents, source.dtype, at)


@view(np.take_along_axis)
def _take_along_axis(state: State, call: Call) -> Elements:
    only(call, "axis", "arr", "indices")
    axis = argument(call, 2, "axis", None if dict(call.kwargs).get("axis") else -1)
    source = whole_or_flat(state, call.args[0], axis)
    chosen = elements(state, call.args[1])
    axis = (0 if axis is None else axis) % len(source.extents)
    extent = source.extents[axis]
    rest = (*source.extents[:axis], chosen.extents[axis], *source.extents[axis + 1 :])
    whole = broadcast(state, [rest, chosen.extents])
    at_source, at_chosen = (aligned(state, own, whole) for own in (rest, chosen.extents))

    def at(i: tuple[Expr, ...]) -> Expr:
        place = list(at_source(i))
        place[axis] = _inside(chosen.at(at_chosen(i)), extent.expr)
        return source.at(tuple(place))

    return Elements(whole, source.dtype, at)


@view(np.choose)
def _choose(state: State, call: Call) -> Elements:
    only(call, "mode")
    given = call.args[1]
    if not isinstance(given, Seq):
        if not (isinstance(given, Lit) and isinstance(given.value, (list, tuple))):
            raise NotNative("choose from an array")
        given = Seq(given.type, tuple(literal(value) for value in given.value))
    mode = _MODES[argument(call, 3, "mode", "raise")]
    parts = [elements(state, arg) for arg in (call.args[0], *given.items)]
    whole = broadcast(state, [part.extents for part in parts])
    at = [aligned(state, part.extents, whole) for part in parts]
    dtype = dtype_of(call)

    def value(i: tuple[Expr, ...]) -> Expr:
        which = cast(parts[0].at(at[0](i)), np.dtype(np.int64))
        which = mode(which, number(len(parts) - 1))
        chosen = cast(parts[-1].at(at[-1](i)), dtype)
        for k in range(len(parts) - 2, 0, -1):
            is_it = apply(np.equal, BOOL, which, number(k - 1))
            chosen = Choice(scalar(dtype), is_it, cast(parts[k].at(at[k](i)), dtype), chosen)
        return chosen

    return Elements(whole, dtype, value)


# ------------------------------------------------------------------------------- conditions


def mask(operand: Expr) -> Expr:
    """Return the places that are not zero, as an array of truth values."""
    if operand.type.dtype == np.dtype(bool):
        return operand
    type_ = Type("array", np.dtype(bool), operand.type.sizes)
    return Call(type_, np.not_equal, (operand, literal(0)))


@enter(np.flatnonzero)
def _flatnonzero(state: State, call: Call) -> Elements:
    operand = call.args[0]
    flat = Type("array", operand.type.dtype, (unknown_size(),))
    return places(state, mask(Call(flat, np.ravel, (operand,))))[0]


@enter(np.argwhere)
def _argwhere(state: State, call: Call) -> Elements:
    found = places(state, mask(call.args[0]))
    n = found[0].extents[0]
    columns = Extent(number(len(found)), len(found))
    made = new_array(state, "places", np.dtype(np.int64), (n, columns))

    def body(i: tuple[Expr, ...]) -> None:
        for k, x in enumerate(found):
            state.emit(Put(made, (*i, number(k)), x.at(i)))

    state.nest((n,), body)
    return in_memory(made)


# -------------------------------------------------------------------- stores in a new array


def _entries(index: Expr) -> tuple[Expr, ...]:
    """Return the entries of an index that is one expression."""
    if isinstance(index, Lit) and isinstance(index.value, tuple):
        return tuple(Lit(INT, entry) for entry in index.value)
    return index.items if isinstance(index, Seq) and index.kind == "tuple" else (index,)


@enter(rules._setitem)
def _setitem(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    if not source.extents:
        raise NotNative("a store into a number")
    made = in_memory(materialised(state, source))
    index = _entries(call.args[1])
    put(state, subscript(state, made, index), call.args[2], None, False, names_places_once(index))
    return made


@enter(rules._scatter_add)
def _scatter_add(state: State, call: Call) -> Elements:
    dtype = dtype_of(call)
    extents = extents_of(state, call.args[2])
    if not extents:
        raise NotNative("an index of a number")
    made = new_array(state, "sums", dtype, extents)
    zero = cast(literal(0), dtype)
    state.nest(extents, lambda i: state.emit(Put(made, i, zero)))
    index = _entries(call.args[1])
    is_plain = names_places_once(index)
    place = subscript(state, in_memory(made), index)
    put(state, place, call.args[0], None if is_plain else "add", not is_plain, is_plain)
    return in_memory(made)


@view(rules.last_written)
def _last_written(state: State, call: Call) -> Elements:
    """Keep what the last of several stores into one place has written, and zeros for the others."""
    ct, base = (elements(state, arg) for arg in call.args[:2])
    written = new_array(state, "written", np.dtype(np.int64), base.extents)
    place = subscript(state, in_memory(written), _entries(call.args[2]))
    at_ct = aligned(state, ct.extents, place.extents)
    index = place.index
    assert index is not None

    def turn(i: tuple[Expr, ...]) -> Expr:
        return ordinal(i, place.extents)

    in_order(state, place.extents, lambda i: state.emit(Put(written, index(i), turn(i))))
    dtype = ct.dtype
    zero = cast(literal(0), dtype)

    def at(i: tuple[Expr, ...]) -> Expr:
        is_last = apply(np.equal, BOOL, in_memory(written).at(index(i)), turn(i))
        return Choice(scalar(dtype), is_last, ct.at(at_ct(i)), zero)

    return Elements(place.extents, dtype, at)
