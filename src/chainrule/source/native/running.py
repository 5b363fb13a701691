"""Functions that run through axes in their order: cumulative sums, places of extremes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Assign, Block, Call, Choice, Expr, If
from ..types import Type
from .arrays import in_order, new_array, ordinal
from .code import BOOL, Put, apply, dtype_of, minus, number, scalar
from .elements import elements, in_memory
from .joining import whole_or_flat
from .numbers import cast
from .products import enter
from .reductions import gone_axes, keeps_axes, spread
from .state import Elements, NotNative, State
from .views import argument, only


@enter(np.argmax, np.argmin)
def _arg_extreme(state: State, call: Call) -> Elements:
    """Return the first place of the largest or the smallest element, or of a NaN."""
    only(call, "axis", "keepdims")
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    if source.dtype.kind == "c":
        raise NotNative("an order of complex numbers")
    gone = gone_axes(call, ndim)
    kept = [k for k in range(ndim) if k not in gone]
    for k in gone:
        state.check(apply(np.greater, BOOL, source.extents[k].expr, number(0)))

    def place_of(i: tuple[Expr, ...]) -> Expr:
        rest = iter(i)
        fixed = {k: next(rest) for k in kept}
        return _extreme_place(state, source, fixed, call.fn is np.argmax)

    if not kept:
        found = place_of(())
        made = Elements((), np.dtype(np.int64), lambda _: found)
    else:
        extents = tuple(source.extents[k] for k in kept)
        out = new_array(state, "places", np.dtype(np.int64), extents)
        state.nest(extents, lambda i: state.emit(Put(out, i, place_of(i))))
        made = in_memory(out)
    return spread(made, gone, ndim) if keeps_axes(call) else made


def _extreme_place(
    state: State, source: Elements, fixed: dict[int, Expr], is_largest: bool
) -> Expr:
    """Look through the axes that are not fixed, one place after the other."""
    ndim = len(source.extents)
    first = tuple(fixed.get(k, number(0)) for k in range(ndim))
    best = state.named("best", source.at(first))
    place = state.named("place", number(0))
    beats = np.greater if is_largest else np.less
    free = tuple(source.extents[k] for k in range(ndim) if k not in fixed)

    def body(i: tuple[Expr, ...]) -> None:
        rest = iter(i)
        value = state.named(
            "value", source.at(tuple(fixed.get(k) or next(rest) for k in range(ndim)))
        )
        better = apply(beats, BOOL, value, best)
        if source.dtype.kind == "f":
            is_nan = apply(np.not_equal, BOOL, value, value)
            was_none = apply(np.equal, BOOL, best, best)
            alone = apply(np.bitwise_and, BOOL, is_nan, was_none)
            better = apply(np.bitwise_or, BOOL, better, alone)
        now_best: Block = [Assign(best.name, value), Assign(place.name, ordinal(i, free))]
        state.emit(If(better, now_best, []))

    in_order(state, free, body)
    return place


def _running(step: Any) -> Any:
    def handler(state: State, call: Call) -> Elements:
        only(call, "axis", "dtype")
        axis = argument(call, 1, "axis")
        source = whole_or_flat(state, call.args[0], axis)
        axis = (axis or 0) % len(source.extents)
        dtype = dtype_of(call)
        out = new_array(state, "running", dtype, source.extents)
        here = in_memory(out)

        def body(i: tuple[Expr, ...]) -> None:
            value = cast(source.at(i), dtype)
            before = tuple(minus(x, number(1)) if k == axis else x for k, x in enumerate(i))
            first = apply(np.equal, BOOL, i[axis], number(0))
            total = cast(apply(step, _wide(dtype), here.at(before), value), dtype)
            state.emit(Put(out, i, Choice(scalar(dtype), first, value, total)))

        in_order(state, source.extents, body)
        return here

    return handler


def _wide(dtype: np.dtype[Any]) -> Type:
    """Return the type that Numba computes in: integers have 64 bits."""
    return scalar(np.int64 if dtype.kind in "iu" and dtype.itemsize < 8 else dtype)


enter(np.cumsum)(_running(np.add))
enter(np.cumprod)(_running(np.multiply))
