"""Functions that put arrays together."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules import joining as rules
from .. import ir
from ..ir import Assign, Call, Expr, Lit, Seq, Var
from ..types import Type, unknown_size
from . import runtime
from .arrays import materialised, new_array
from .code import BOOL, INT, Gather, Make, Put, apply, dtype_of, minus, number, plus, times, whole
from .elements import VALUES, elements, in_memory, number_of
from .numbers import cast, literal
from .products import enter
from .shapes import extents_of, reshaped
from .state import Elements, Extent, NotNative, State, is_axes
from .views import argument, moved, only


def _concatenate(state: State, name: str, call: Call) -> None:
    axis = argument(call, 99, "axis", 0)
    given: Any = call.args
    if call.fn is np.concatenate:
        given = getattr(call.args[0], "items", None)
        axis = argument(call, 1, "axis", 0)
    if given is None or not isinstance(axis, int):
        raise NotNative("concatenate of arrays that are not written out")
    parts = [elements(state, arg) for arg in given]
    ndim = len(parts[0].extents)
    if not ndim:
        raise NotNative("concatenate of numbers")
    axis %= ndim
    total: Expr = number(0)
    starts = []
    for part in parts:
        starts.append(total)
        total = plus(total, part.extents[axis].expr)
        if not hasattr(total, "value"):
            total = state.integer(total)
    for part in parts[1:]:
        for k in range(ndim):
            if k != axis:
                state.same(part.extents[k], parts[0].extents[k])
    dtype = dtype_of(call)
    sizes = [e.size for e in parts[0].extents]
    sizes[axis] = call.type.sizes[axis]
    out = Var(Type("array", dtype, tuple(sizes)), state.fresh(name))
    state.types[out.name] = out.type
    extents = [e.expr for e in parts[0].extents]
    extents[axis] = total
    state.emit(Make(out.name, dtype, tuple(extents)))
    for part, start in zip(parts, starts, strict=True):
        _put(state, out, part, axis, start)
    state.emit(Assign(name, out))


def _put(state: State, out: Var, part: Elements, axis: int, start: Expr) -> None:
    dtype = dtype_of(out)

    def body(i: tuple[Expr, ...]) -> None:
        place = tuple(plus(x, start) if k == axis else x for k, x in enumerate(i))
        state.emit(Put(out, place, cast(part.at(i), dtype)))

    state.nest(part.extents, body)


VALUES[np.concatenate] = VALUES[rules._concatenate] = _concatenate


# ---------------------------------------------------------------------- repetition, borders


@enter(np.repeat)
def _repeat(state: State, call: Call) -> Elements:
    only(call, "axis", "repeats")
    axis = argument(call, 2, "axis")
    repeats = call.args[1] if len(call.args) > 1 else dict(call.kwargs)["repeats"]
    source = whole_or_flat(state, call.args[0], axis)
    axis = (axis or 0) % len(source.extents)
    if isinstance(repeats, Lit) and isinstance(repeats.value, (list, tuple, np.ndarray)):
        raise NotNative("repeat by a list")
    if is_axes(repeats.type):
        return _repeated_by_counts(state, call, source, axis, elements(state, repeats))
    times_ = extents_of(state, repeats)[0]
    if not isinstance(times_.expr, Lit):
        state.check(apply(np.greater_equal, BOOL, times_.expr, number(0)))
    total = _named(state, times(source.extents[axis].expr, times_.expr))
    extents = _with(source.extents, axis, Extent(total, call.type.sizes[axis]))
    made = new_array(state, "repeated", source.dtype, extents)
    value_of = source.at

    def body(i: tuple[Expr, ...]) -> None:
        place = plus(times(i[axis], times_.expr), i[axis + 1])
        target = (*i[:axis], place, *i[axis + 2 :])
        state.emit(Put(made, target, value_of((*i[: axis + 1], *i[axis + 2 :]))))

    state.nest((*source.extents[: axis + 1], times_, *source.extents[axis + 1 :]), body)
    return in_memory(made)


def _repeated_by_counts(
    state: State, call: Call, source: Elements, axis: int, counts: Elements
) -> Elements:
    """Repeat each place along an axis as often as its own number says."""
    extent = source.extents[axis]
    state.same(counts.extents[0], extent)
    counts = in_memory(materialised(state, counts, np.dtype(np.int64)))
    total = state.named("total", number(0))

    def count(i: tuple[Expr, ...]) -> None:
        value = counts.at(i)
        state.check(apply(np.greater_equal, BOOL, value, number(0)))
        state.emit(Gather(total.name, np.add, value, INT))

    state.nest((extent,), count)
    extents = _with(source.extents, axis, Extent(total, call.type.sizes[axis]))
    made = new_array(state, "repeated", source.dtype, extents)
    at = state.named("at", number(0))
    along, copy = state.counter(), state.counter("j")
    with state.into([]) as inner:
        rest = (*source.extents[:axis], *source.extents[axis + 1 :])

        def put(i: tuple[Expr, ...]) -> None:
            value = source.at((*i[:axis], along, *i[axis:]))
            state.emit(Put(made, (*i[:axis], at, *i[axis:]), value))

        state.nest(rest, put)
        state.emit(Assign(at.name, plus(at, number(1))))
    zero, one = number(0), number(1)
    again = ir.For(copy, zero, counts.at((along,)), one, inner)
    state.emit(ir.For(along, zero, extent.expr, one, [again]))
    return in_memory(made)


def whole_or_flat(state: State, operand: Expr, axis: Any) -> Elements:
    """Return an array, or where no axis is given all its elements in a row."""
    if axis is None and operand.type.ndim != 1:
        flat = Type("array", operand.type.dtype, (unknown_size(),))
        return reshaped(state, operand, Lit(INT, -1), flat)
    return elements(state, operand)


def _named(state: State, n: Expr) -> Expr:
    return n if isinstance(n, Lit) else state.integer(n)


def _with(extents: tuple[Extent, ...], axis: int, extent: Extent) -> tuple[Extent, ...]:
    return (*extents[:axis], extent, *extents[axis + 1 :])


@enter(np.tile)
def _tile(state: State, call: Call) -> Elements:
    only(call, "reps")
    source = elements(state, call.args[0])
    reps = extents_of(state, call.args[1] if len(call.args) > 1 else dict(call.kwargs)["reps"])
    ndim = max(len(reps), len(source.extents))
    one = Extent(number(1), 1)
    reps = (one,) * (ndim - len(reps)) + reps
    skip = ndim - len(source.extents)
    own = (one,) * skip + source.extents
    for extent in reps:
        if not isinstance(extent.expr, Lit):
            state.check(apply(np.greater_equal, BOOL, extent.expr, number(0)))
    extents = tuple(
        Extent(_named(state, times(e.expr, r.expr)), size)
        for e, r, size in zip(own, reps, call.type.sizes, strict=True)
    )
    made = new_array(state, "tiled", source.dtype, extents)

    def body(i: tuple[Expr, ...]) -> None:
        inside = i[ndim:]
        place = [plus(times(r, e.expr), x) for r, e, x in zip(i[:ndim], own, inside, strict=True)]
        state.emit(Put(made, tuple(place), source.at(inside[skip:])))

    state.nest((*reps, *own), body)
    return in_memory(made)


@enter(np.pad)
def _pad(state: State, call: Call) -> Elements:
    only(call, "mode", "constant_values")
    source = elements(state, call.args[0])
    mode = argument(call, 2, "mode", "constant")
    fill = dict(call.kwargs).get("constant_values", literal(0))
    if mode not in _PLACES and (mode != "constant" or fill.type.dtype is None or fill.type.ndim):
        raise NotNative(f"np.pad with mode={mode!r}")
    widths = _widths(state, call.args[1], len(source.extents))
    extents = tuple(
        Extent(_named(state, plus(plus(extent.expr, before), after)), size)
        for extent, (before, after), size in zip(
            source.extents, widths, call.type.sizes, strict=True
        )
    )
    starts = [before for before, _ in widths]
    if mode != "constant":
        for extent in source.extents:
            state.check(apply(np.greater, BOOL, extent.expr, number(0)))

        def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
            found = zip(i, starts, source.extents, strict=True)
            return tuple(_PLACES[mode](minus(x, start), e.expr) for x, start, e in found)

        return moved(source, extents, place)
    made = new_array(state, "padded", source.dtype, extents)
    value = cast(number_of(state, fill), source.dtype)
    state.nest(extents, lambda i: state.emit(Put(made, i, value)))
    state.nest(
        source.extents,
        lambda i: state.emit(
            Put(made, tuple(plus(x, s) for x, s in zip(i, starts, strict=True)), source.at(i))
        ),
    )
    return in_memory(made)


def _at_the_edge(i: Expr, n: Expr) -> Expr:
    return apply(min, INT, apply(max, INT, i, number(0)), plus(n, number(-1)))


def _around(i: Expr, n: Expr) -> Expr:
    return apply(np.remainder, INT, i, n)


def _mirrored(i: Expr, n: Expr) -> Expr:
    return apply(runtime.mirrored, INT, i, n)


_PLACES: dict[str, Any] = {"edge": _at_the_edge, "wrap": _around, "reflect": _mirrored}
"""What stands outside of an array that is padded: the place in it, from one that may not be."""


def _widths(state: State, given: Expr, ndim: int) -> list[tuple[Expr, Expr]]:
    """Return how many places are added before and after each axis."""

    def items(expr: Expr) -> list[Expr] | None:
        if isinstance(expr, Lit):
            value = expr.value.tolist() if isinstance(expr.value, np.ndarray) else expr.value
            return [Lit(INT, x) for x in value] if isinstance(value, (list, tuple)) else None
        return [*expr.items] if isinstance(expr, Seq) else None

    def pair(expr: Expr) -> tuple[Expr, Expr]:
        both = items(expr) or [expr]
        before, after = (_named(state, whole(number_of(state, e))) for e in (both[0], both[-1]))
        return before, after

    outer = items(given)
    if outer is None:
        return [pair(given)] * ndim
    if any(items(part) is not None for part in outer):
        return [pair(part) for part in (outer if len(outer) > 1 else outer * ndim)]
    return [pair(given)] * ndim
