"""Functions whose result is their operand with its elements in other places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...rules import _central
from ...rules import complex as complex_rules
from ..ir import Call, Choice, Expr, Lit, Seq
from ..types import Type, unknown_size
from . import runtime
from .arrays import in_shape, materialised
from .code import BOOL, INT, apply, dtype_of, minus, number, plus, scalar, whole
from .elements import VIEWS, aligned, broadcast, elements, in_memory, number_of
from .numbers import cast
from .state import Elements, Extent, NotNative, State


def view(*functions: Any) -> Callable[[Any], Any]:
    """Enter a function into the table."""

    def enter(handler: Any) -> Any:
        VIEWS.update(dict.fromkeys(functions, handler))
        return handler

    return enter


def argument(call: Call, position: int, name: str, default: Any = None) -> Any:
    """Return the known value of an argument."""
    found: Any = call.args[position] if len(call.args) > position else dict(call.kwargs).get(name)
    if found is None:
        return default
    if isinstance(found, Lit):
        return found.value
    if hasattr(found, "items") and all(isinstance(item, Lit) for item in found.items):
        return tuple(item.value for item in found.items)
    raise NotNative(f"{name} of {getattr(call.fn, '__name__', call.fn)} is not known")


def only(call: Call, *names: str) -> None:
    """Refuse keywords other than these, unless they say nothing."""
    for key, value in call.kwargs:
        said = not (isinstance(value, Lit) and (value.value is None or value.value is np._NoValue))
        if key not in names and said:
            raise NotNative(f"{key}= of {getattr(call.fn, '__name__', call.fn)}")


def moved(
    source: Elements,
    extents: tuple[Extent, ...],
    place: Callable[[tuple[Expr, ...]], tuple[Expr, ...]],
) -> Elements:
    """Return elements that are those of ``source`` at other places."""
    inner = source.index
    return Elements(
        extents,
        source.dtype,
        lambda i: source.at(place(i)),
        source.root,
        None if inner is None else lambda i: inner(place(i)),
    )


def permuted(source: Elements, order: tuple[int, ...]) -> Elements:
    """Return elements with their axes in another order."""
    back = tuple(order.index(k) for k in range(len(order)))
    extents = tuple(source.extents[k] for k in order)
    return moved(source, extents, lambda i: tuple(i[k] for k in back))


@view(np.transpose)
def _transpose(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    axes = argument(call, 1, "axes")
    ndim = len(source.extents)
    order = range(ndim)[::-1] if axes is None else [axis % ndim for axis in axes]
    return permuted(source, tuple(order))


@view(np.swapaxes)
def _swapaxes(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    order = [*range(len(source.extents))]
    a, b = argument(call, 1, "axis1"), argument(call, 2, "axis2")
    order[a], order[b] = order[b], order[a]
    return permuted(source, tuple(order))


@view(np.moveaxis)
def _moveaxis(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    start, stop = (
        [axis % ndim for axis in (found if isinstance(found, (tuple, list)) else (found,))]
        for found in (argument(call, 1, "source"), argument(call, 2, "destination"))
    )
    order = [axis for axis in range(ndim) if axis not in start]
    for target, axis in sorted(zip(stop, start, strict=True)):
        order.insert(target, axis)
    return permuted(source, tuple(order))


@view(np.ndarray.copy, np.copy, np.ascontiguousarray, np.asarray)
def _copy(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    return Elements(source.extents, source.dtype, source.at)


@view(np.ndarray.astype, complex_rules._cast)
def _astype(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    dtype = dtype_of(call)
    return Elements(source.extents, dtype, lambda i: cast(source.at(i), dtype))


def _turned(*axes: int) -> Any:
    def handler(state: State, call: Call) -> Elements:
        return flipped(elements(state, call.args[0]), {*axes})

    return handler


VIEWS[np.flipud], VIEWS[np.fliplr] = _turned(0), _turned(1)


def flipped(source: Elements, turned: set[int]) -> Elements:
    """Return elements in the opposite order along some axes."""

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        last = [plus(extent.expr, number(-1)) for extent in source.extents]
        return tuple(minus(last[k], x) if k in turned else x for k, x in enumerate(i))

    return moved(source, source.extents, place)


@view(np.rot90)
def _rot90(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    if len(call.args) > 2 or call.kwargs:
        raise NotNative("rot90 of other axes")
    turns = argument(call, 1, "k", 1) % 4
    order = (1, 0, *range(2, len(source.extents)))
    if turns == 2:
        return flipped(source, {0, 1})
    if turns == 1:
        return permuted(flipped(source, {1}), order)
    return flipped(permuted(source, order), {1}) if turns == 3 else source


@view(np.flip)
def _flip(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    axes = argument(call, 1, "axis")
    axes = range(ndim) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    return flipped(source, {axis % ndim for axis in axes})


@view(np.roll)
def _roll(state: State, call: Call) -> Elements:
    axis = argument(call, 2, "axis")
    shift = call.args[1] if len(call.args) > 1 else dict(call.kwargs)["shift"]
    if axis is None and call.type.ndim != 1:
        return _rolled_flat(state, call, shift)
    source = elements(state, call.args[0])
    axes = axis if isinstance(axis, tuple) else (axis or 0,)
    items = _shifts(state, shift, len(axes))
    steps: dict[int, Expr] = {}
    shifts: dict[int, Expr] = {}
    items = items * len(axes) if len(items) == 1 else items
    for ax, item in zip(axes * (len(items) if len(axes) == 1 else 1), items, strict=True):
        k = ax % len(source.extents)
        by = whole(item)
        shifts[k] = plus(shifts[k], by) if k in shifts else by
    for k, by in shifts.items():
        n = source.extents[k].expr
        safe = apply(max, INT, n, number(1))
        steps[k] = state.integer(apply(np.remainder, INT, by, safe), "shift")

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(_rolled(x, steps[k], source.extents[k].expr) if k in steps else x
                     for k, x in enumerate(i))  # fmt: skip

    return Elements(source.extents, source.dtype, lambda i: source.at(place(i)))


def _shifts(state: State, shift: Expr, count: int) -> list[Expr]:
    """Return by how many places each axis is rolled."""
    if isinstance(shift, Lit) and isinstance(shift.value, tuple):
        return [Lit(INT, x) for x in shift.value]
    if isinstance(shift, Seq):
        return [number_of(state, item) for item in shift.items]
    found = elements(state, shift)
    if found.extents and found.extents[0].size != count:
        raise NotNative("a roll by so many places that their number is not known")
    return [found.at((number(k),) if found.extents else ()) for k in range(count)]


def _rolled_flat(state: State, call: Call, shift: Expr) -> Elements:
    """Roll all elements in their order, across rows."""
    source = elements(state, call.args[0])
    flat = Type("array", source.dtype, (unknown_size(),))
    line = Call(flat, np.roll, (Call(flat, np.ravel, (call.args[0],)), shift))
    return in_memory(in_shape(state, materialised(state, elements(state, line)), source.extents))


def _rolled(i: Expr, shift: Expr, n: Expr) -> Expr:
    before = minus(i, shift)
    return Choice(INT, apply(np.less, BOOL, i, shift), plus(before, n), before)


@view(_central.plain_guarded_product)
def _guarded_product(state: State, call: Call) -> Elements:
    a, b = (elements(state, arg) for arg in call.args)
    extents = broadcast(state, [a.extents, b.extents])
    at_a, at_b = (aligned(state, x.extents, extents) for x in (a, b))
    dtype = dtype_of(call)
    return Elements(
        extents,
        dtype,
        lambda i: apply(
            runtime.guarded_product,
            scalar(dtype),
            cast(a.at(at_a(i)), dtype),
            cast(b.at(at_b(i)), dtype),
        ),
    )
