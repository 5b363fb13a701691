"""Functions that return their operand in another shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..integers import size_of
from ..ir import Call, Expr, Lit, Seq, Var
from ..types import Type, unknown_size
from .arrays import is_whole, materialised
from .code import BOOL, INT, Reshape, apply, number, times
from .elements import aligned, array, elements, in_memory, number_of
from .numbers import literal
from .state import Elements, Extent, NotNative, State, is_axes
from .views import argument, moved, only, permuted, view


@view(np.expand_dims)
def _expand_dims(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    axes = argument(call, 1, "axis")
    axes = axes if isinstance(axes, tuple) else (axes,)
    ndim = len(source.extents) + len(axes)
    new = {axis % ndim for axis in axes}
    kept = [k for k in range(ndim) if k not in new]
    rest = iter(source.extents)
    extents = tuple(Extent(number(1), 1) if k in new else next(rest) for k in range(ndim))
    return moved(source, extents, lambda i: tuple(i[k] for k in kept))


@view(np.squeeze)
def _squeeze(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    axes = argument(call, 1, "axis")
    if axes is None:
        gone = {k for k, extent in enumerate(source.extents) if extent.size == 1}
    else:
        gone = {axis % ndim for axis in (axes if isinstance(axes, tuple) else (axes,))}
    kept = [k for k in range(ndim) if k not in gone]
    if len(kept) != call.type.ndim:
        raise NotNative("squeeze of axes whose sizes are not known")
    for k in gone:
        if source.extents[k].size != 1:
            state.check(apply(np.equal, BOOL, source.extents[k].expr, number(1)))

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        rest = iter(i)
        return tuple(number(0) if k in gone else next(rest) for k in range(ndim))

    return moved(source, tuple(source.extents[k] for k in kept), place)


@view(np.broadcast_to)
def _broadcast_to(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    extents = extents_of(state, call.args[1])
    for own, extent in zip(reversed(source.extents), reversed(extents), strict=False):
        if own.size != 1:
            one = apply(np.equal, BOOL, own.expr, number(1))
            same = apply(np.equal, BOOL, own.expr, extent.expr)
            if own.size != extent.size:
                state.check(apply(np.bitwise_or, BOOL, one, same))
    place = aligned(state, source.extents, extents)
    return Elements(extents, source.dtype, lambda i: source.at(place(i)))


def extents_of(state: State, shape: Expr) -> tuple[Extent, ...]:
    """Return the extents that a shape names: a number or a tuple of them."""
    items: Any
    if isinstance(shape, Lit):
        value = shape.value
        items = [Lit(INT, n) for n in (value if isinstance(value, (tuple, list)) else (value,))]
    elif hasattr(shape, "items"):
        items = shape.items
    elif isinstance(shape, Call) and shape.fn is np.shape:
        return elements(state, shape.args[0]).extents
    elif shape.type.is_number:
        items = [shape]
    else:
        raise NotNative("a shape that is not written out")
    found = []
    for item in items:
        size = size_of(item, state.numbers)
        expr = literal(item.value) if isinstance(item, Lit) else number_of(state, item)
        if not isinstance(expr, Lit):
            expr = state.integer(expr)
        found.append(Extent(expr, unknown_size() if size is None else size))
    return tuple(found)


@view(np.reshape)
def _reshape(state: State, call: Call) -> Elements:
    only(call, "shape", "order", "copy")
    return _in_order(
        state, call, call.args[1] if len(call.args) > 1 else dict(call.kwargs)["shape"]
    )


@view(np.ravel, np.ndarray.flatten)
def _ravel(state: State, call: Call) -> Elements:
    return _in_order(state, call, Lit(INT, -1))


def _in_order(state: State, call: Call, shape: Expr) -> Elements:
    """Return an array in another shape; in Fortran's order all axes count the other way round."""
    position = 2 if call.fn is np.reshape else 1
    order = argument(call, position, "order", "C")
    operand = call.args[0]
    if order == "C" or (order in ("A", "K") and operand.type.ndim < 2):
        return reshaped(state, operand, shape, call.type)
    if order != "F":
        raise NotNative("a shape in the order of memory")
    items = [shape]
    if isinstance(shape, Lit) and isinstance(shape.value, (tuple, list)):
        items = [Lit(INT, n) for n in shape.value]
    items = [*getattr(shape, "items", items)]
    turned = Type("array", operand.type.dtype, operand.type.sizes[::-1])
    back = Type("array", call.type.dtype, call.type.sizes[::-1])
    source = Call(turned, np.transpose, (operand,))
    found = reshaped(state, source, Seq(INT, tuple(items[::-1])), back)
    return permuted(found, tuple(range(len(found.extents)))[::-1])


def reshaped(state: State, operand: Expr, shape: Expr, type_: Type) -> Elements:
    """Return an array in another shape: in the memory of the operand, or that of a copy."""
    source = elements(state, operand)
    extents = list(extents_of(state, shape))
    total: Expr = number(1)
    for extent in source.extents:
        total = times(total, extent.expr)
    _fill_in(state, extents, total, type_)
    thin = _thin(source, tuple(extents))
    if thin is not None:
        return thin
    rest: Expr = number(1)
    for extent in extents:
        rest = times(rest, extent.expr)
    state.check(apply(np.equal, BOOL, rest, total))
    if not extents or not source.extents:  # one number, of which no array needs to be made
        zeros = tuple(number(0) for _ in source.extents)
        return moved(source, tuple(extents), lambda i: zeros)
    base = source.root
    whole = base is not None and is_whole(state, source)
    memory = base if whole and base is not None else _copied(state, operand, source)
    made = Type("array", source.dtype, tuple(extent.size for extent in extents))
    name = state.fresh(memory.name)
    state.types[name] = made
    state.memory[name] = memory.name
    state.emit(Reshape(name, memory, tuple(extent.expr for extent in extents)))
    return in_memory(Var(made, name))


def _fill_in(state: State, extents: list[Extent], total: Expr, type_: Type) -> None:
    """Compute the extent that is given as -1."""
    for k, extent in enumerate(extents):
        if not (isinstance(extent.expr, Lit) and extent.expr.value == -1):
            continue
        rest: Expr = number(1)
        for j, other in enumerate(extents):
            rest = rest if j == k else times(rest, other.expr)
        is_one = isinstance(rest, Lit) and rest.value == 1
        expr = total if is_one else apply(np.floor_divide, INT, total, rest)
        size = type_.sizes[k] if len(type_.sizes) == len(extents) else unknown_size()
        if isinstance(size, int):
            expr = number(size)
        extents[k] = Extent(state.integer(expr), size)


def _thin(source: Elements, extents: tuple[Extent, ...]) -> Elements | None:
    """Return elements whose new shape differs in axes of size 1 alone."""
    old = [k for k, extent in enumerate(source.extents) if extent.size != 1]
    new = [k for k, extent in enumerate(extents) if extent.size != 1]
    if [source.extents[k].size for k in old] != [extents[k].size for k in new]:
        return None
    to_new = dict(zip(old, new, strict=True))

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(i[to_new[k]] if k in to_new else number(0) for k in range(len(source.extents)))

    return moved(source, extents, place)


def _copied(state: State, operand: Expr, source: Elements) -> Var:
    """Return a new array with these elements."""
    if is_axes(operand.type) and source.root is None:
        return array(state, operand)
    return materialised(state, source)
