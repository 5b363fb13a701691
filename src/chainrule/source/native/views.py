"""Functions whose result is their operand with its elements in other places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...rules import _central
from ...rules import complex as complex_rules
from ..ir import Call, Choice, Expr, Lit, Seq, Var
from ..types import Type, unknown_size
from .code import BOOL, INT, Reshape, apply, minus, number, plus, scalar, times
from .elements import VIEWS, aligned, array, broadcast, elements, in_memory, number_of
from .numbers import cast, literal
from .state import Elements, Extent, NotNative, State, is_axes


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
        said = not (isinstance(value, Lit) and value.value in (None, np._NoValue))
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


@view(np.ndarray.copy, np.copy, np.ascontiguousarray, np.asarray)
def _copy(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    return Elements(source.extents, source.dtype, source.at)


@view(np.ndarray.astype, complex_rules._cast)
def _astype(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    dtype = call.type.dtype
    assert dtype is not None
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
    from ..integers import size_of

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
    base = source.root
    whole = base is not None and is_whole(state, source)
    memory = base if whole and base is not None else _materialised(state, operand, source)
    made = Type("array", source.dtype, tuple(extent.size for extent in extents))
    name = state.fresh(memory.name)
    state.types[name] = made
    state.memory[name] = memory.name
    state.emit(Reshape(name, memory, tuple(extent.expr for extent in extents)))
    return in_memory(Var(made, name))


def _materialised(state: State, operand: Expr, source: Elements) -> Var:
    from .statements import compute

    if is_axes(operand.type) and source.root is None:
        return array(state, operand)
    name = state.fresh("t")
    state.types[name] = Type("array", source.dtype, tuple(e.size for e in source.extents))
    compute(state, name, source)
    return Var(state.types[name], name)


def is_whole(state: State, source: Elements) -> bool:
    """Tell whether elements are all those of an array in memory, in their order."""
    assert source.root is not None and source.index is not None
    marks = tuple(Var(INT, f"'{k}") for k in range(len(source.extents)))
    sizes = [state.named_size(extent.size) for extent in source.extents]
    own = [state.named_size(size) for size in source.root.type.sizes]
    return source.index(marks) == marks and sizes == own


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


@view(np.diagonal)
def _diagonal(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    only(call, "offset", "axis1", "axis2")
    offset = argument(call, 1, "offset", 0)
    ndim = len(source.extents)
    first, second = (argument(call, 2, "axis1", 0) % ndim, argument(call, 3, "axis2", 1) % ndim)
    return diagonal(state, source, offset, first, second)


@view(np.linalg.diagonal)
def _last_diagonal(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    return diagonal(state, source, argument(call, 1, "offset", 0), ndim - 2, ndim - 1)


def diagonal(state: State, source: Elements, offset: int, first: int, second: int) -> Elements:
    """Return the places ``(i, i + offset)`` along two axes, as the last axis."""
    rows, columns = source.extents[first], source.extents[second]
    down, right = max(-offset, 0), max(offset, 0)
    extent = rows
    if offset or rows.size != columns.size:
        ends = (minus(rows.expr, number(down)), minus(columns.expr, number(right)))
        if all(isinstance(end, Lit) for end in ends):
            found: Expr = number(max(min(end.value for end in ends), 0))  # type: ignore[attr-defined]
        else:
            found = state.named("n", apply(max, INT, apply(min, INT, *ends), number(0)))
        size = found.value if isinstance(found, Lit) else unknown_size()
        extent = Extent(found, size)
    rest = [k for k in range(len(source.extents)) if k not in (first, second)]

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        found = dict(zip(rest, i, strict=False))
        found |= {first: plus(i[-1], number(down)), second: plus(i[-1], number(right))}
        return tuple(found[k] for k in range(len(source.extents)))

    return moved(source, (*(source.extents[k] for k in rest), extent), place)


@view(np.diag)
def _diag(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    offset = argument(call, 1, "k", 0)
    if len(source.extents) == 2:
        return diagonal(state, source, offset, 0, 1)
    own = source.extents[0]
    extent = own
    if offset:
        n = plus(own.expr, number(abs(offset)))
        size = n.value if isinstance(n, Lit) else call.type.sizes[0]
        extent = Extent(n if isinstance(n, Lit) else state.integer(n), size)
    zero = cast(literal(0), source.dtype)
    start = number(max(-offset, 0))

    def at(i: tuple[Expr, ...]) -> Expr:
        on_it = apply(np.equal, BOOL, i[1], plus(i[0], number(offset)))
        return Choice(scalar(source.dtype), on_it, source.at((minus(i[0], start),)), zero)

    return Elements((extent, extent), source.dtype, at)


def _triangle(lower: bool) -> Any:
    def handler(state: State, call: Call) -> Elements:
        source = elements(state, call.args[0])
        offset = argument(call, 1, "k", 0)
        zero = cast(literal(0), source.dtype)

        def at(i: tuple[Expr, ...]) -> Expr:
            edge = plus(i[-2], number(offset))
            inside = apply(np.less_equal if lower else np.greater_equal, BOOL, i[-1], edge)
            return Choice(scalar(source.dtype), inside, source.at(i), zero)

        return Elements(source.extents, source.dtype, at)

    return handler


VIEWS[np.tril], VIEWS[np.triu] = _triangle(True), _triangle(False)


@view(np.roll)
def _roll(state: State, call: Call) -> Elements:
    axis = argument(call, 2, "axis")
    shift = call.args[1] if len(call.args) > 1 else dict(call.kwargs)["shift"]
    if axis is None and call.type.ndim != 1:
        return _rolled_flat(state, call, shift)
    source = elements(state, call.args[0])
    axes = axis if isinstance(axis, tuple) else (axis or 0,)
    items: Any = (
        [Lit(INT, x) for x in shift.value]
        if (isinstance(shift, Lit) and isinstance(shift.value, tuple))
        else getattr(shift, "items", (shift,))
    )
    steps: dict[int, Expr] = {}
    shifts: dict[int, Expr] = {}
    items = items * len(axes) if len(items) == 1 else items
    for ax, item in zip(axes * (len(items) if len(axes) == 1 else 1), items, strict=True):
        k = ax % len(source.extents)
        shifts[k] = (
            plus(shifts[k], number_of(state, item)) if k in shifts else number_of(state, item)
        )
    for k, by in shifts.items():
        n = source.extents[k].expr
        safe = apply(max, INT, n, number(1))
        steps[k] = state.integer(apply(np.remainder, INT, by, safe), "shift")

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(_rolled(x, steps[k], source.extents[k].expr) if k in steps else x
                     for k, x in enumerate(i))  # fmt: skip

    return Elements(source.extents, source.dtype, lambda i: source.at(place(i)))


def _rolled_flat(state: State, call: Call, shift: Expr) -> Elements:
    """Roll all elements in their order, across rows."""
    from .sums import materialised
    from .sums import reshaped as of_shape

    source = elements(state, call.args[0])
    flat = Type("array", source.dtype, (unknown_size(),))
    line = Call(flat, np.roll, (Call(flat, np.ravel, (call.args[0],)), shift))
    return in_memory(of_shape(state, materialised(state, elements(state, line)), source.extents))


def _rolled(i: Expr, shift: Expr, n: Expr) -> Expr:
    before = minus(i, shift)
    return Choice(INT, apply(np.less, BOOL, i, shift), plus(before, n), before)


@view(_central.plain_guarded_product)
def _guarded_product(state: State, call: Call) -> Elements:
    from . import runtime

    a, b = (elements(state, arg) for arg in call.args)
    extents = broadcast(state, [a.extents, b.extents])
    at_a, at_b = (aligned(state, x.extents, extents) for x in (a, b))
    dtype = call.type.dtype
    assert dtype is not None
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
