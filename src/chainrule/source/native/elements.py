"""Array expressions as their elements: what stands at each place, as a function of numbers.

Nothing is computed here. Views, broadcasting and elementwise functions become arithmetic on indices
and numbers; what needs a loop of its own is computed first, into an array or a number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir import Assign, Block, Call, Choice, Dim, Expr, If, Index, Lit, Logic, Var
from ..types import Type
from . import nothing, runtime
from .code import BOOL, INT, Make, Put, apply, dtype_of, load, number, scalar, times
from .interpreter import by_python
from .numbers import cast, elementwise, is_elementwise, literal
from .state import Elements, Extent, NotNative, State, is_axes

Handler = Callable[[State, Call], Elements]

VIEWS: dict[Any, Handler] = {}
"""Functions whose elements are elements of their operand, or are known without a loop."""
VALUES: dict[Any, Callable[[State, str, Call], None]] = {}
"""Functions that compute an array into a variable."""
NUMBERS: dict[Any, Callable[[State, Call], Expr]] = {}
"""Functions of arrays whose result is a number."""
TUPLES: dict[Any, Callable[[State, Call], list[Elements]]] = {}
"""Functions that return several arrays or numbers."""


def elements(state: State, expr: Expr) -> Elements:
    """Return the elements of an array expression; a number is an array without axes."""
    if not is_axes(expr.type):
        value = state.once(number_of(state, expr))
        return Elements((), value.type.dtype or np.dtype(float), lambda _: value)
    match expr:
        case Var(name=name):
            if name in state.views:
                return state.views[name][0]
            dtype = state.types.get(name, expr.type).dtype
            return in_memory(Var(replace(expr.type, dtype=dtype), name), state)
        case Index() if (found := _part_of(state, expr)) is not None:
            return found
        case Index():
            from .indexing import indexed

            return attempt(state, expr, lambda: indexed(state, expr))
        case Call(fn=fn) if known(fn, VIEWS):
            return attempt(state, expr, lambda: VIEWS[fn](state, expr))
        case Call(fn=fn, args=(base,)) if fn in (np.real, np.imag) and _is_complex(base):
            return _part(elements(state, base), fn)
        case Call() if is_elementwise(expr):
            return _map(state, expr)
        case Lit(value=value):
            return in_memory(_constant(state, expr.type, np.asarray(value)))
    return in_memory(computed(state, expr), state)


def parts_of(state: State, expr: Expr) -> list[Elements] | None:
    """Return what a function of several results gives; None if the interpreter has to call it."""
    if not (isinstance(expr, Call) and known(expr.fn, TUPLES)):
        return None
    before, extents = len(state.block), dict(state.extents[-1])
    try:
        return TUPLES[expr.fn](state, expr)
    except NotNative:
        del state.block[before:]
        state.extents[-1] = extents
        return None


def _part_of(state: State, expr: Expr) -> Elements | None:
    """Return one of several results, such as ``t[0]``; None if it is not that."""
    if not isinstance(expr, Index) or len(expr.index) != 1 or expr.base.type.dtype is not None:
        return None
    base, which = expr.base, expr.index[0]
    if not (isinstance(which, Lit) and isinstance(which.value, int)):
        return None
    parts = state.tuples.get(base.name) if isinstance(base, Var) else parts_of(state, base)
    return None if parts is None else parts[which.value]


def _is_complex(expr: Expr) -> bool:
    return expr.type.dtype is not None and expr.type.dtype.kind == "c"


def _part(whole: Elements, fn: Any) -> Elements:
    """Return the real or imaginary parts of an array, as a view where it is in memory."""
    dtype = np.empty(0, whole.dtype).real.dtype
    return Elements(
        whole.extents,
        dtype,
        lambda index: apply(fn, scalar(dtype), whole.at(index)),
        whole.root,
        whole.index,
        fn,
    )


_FEW = 64
"""Known arrays of so few elements are written one by one."""


def _constant(state: State, type_: Type, value: Any) -> Var:
    """Return an array that is known."""
    if value.size > _FEW:
        return by_python(state, Lit(type_, value), "a known array")
    return listed(state, type_, value.shape, [literal(x) for x in value.ravel()])


def listed(state: State, type_: Type, shape: tuple[int, ...], items: list[Expr]) -> Var:
    """Make an array of numbers that are given one by one."""
    name = state.fresh("t")
    state.types[name] = type_
    assert type_.dtype is not None
    state.emit(Make(name, type_.dtype, tuple(map(number, shape))))
    for index, item in zip(np.ndindex(*shape), items, strict=True):
        place = tuple(map(number, index))
        state.emit(Put(Var(type_, name), place, cast(item, type_.dtype)))
    return Var(type_, name)


def attempt(state: State, expr: Expr, make: Callable[[], Elements]) -> Elements:
    """Return what ``make`` returns; where it cannot, let the interpreter compute the expression."""
    before, known = len(state.block), dict(state.extents[-1])
    try:
        return make()
    except NotNative as why:
        del state.block[before:]
        state.extents[-1] = known
        found = by_python(state, expr, str(why))
        if is_axes(found.type):
            return in_memory(found)
        value = Var(scalar(found.type.dtype), found.name)
        return Elements((), dtype_of(found), lambda _: value)


def known(fn: Any, table: dict[Any, Any]) -> bool:
    """Tell whether there is an entry for a function."""
    try:
        return fn in table
    except TypeError:  # an object that cannot be a key
        return False


def in_memory(array: Expr, state: State | None = None) -> Elements:
    """Return the elements of an array variable."""
    assert isinstance(array, Var) and array.type.dtype is not None
    extents = (state and state.known_shape(array.name)) or tuple(
        (state and state.known_extent(size))
        or Extent(number(size) if isinstance(size, int) else Dim(INT, array, axis), size)
        for axis, size in enumerate(array.type.sizes)
    )
    return Elements(
        extents, array.type.dtype, lambda index: load(array, index), array, lambda index: index
    )


def computed(state: State, expr: Expr) -> Var:
    """Compute an expression into a new variable."""
    from .statements import bind

    name = state.fresh("t")
    state.types[name] = expr.type
    bind(state, name, expr)
    return Var(expr.type, name)


def array(state: State, expr: Expr) -> Var:
    """Return a variable that holds an array in C order."""
    if isinstance(expr, Var) and expr.name not in state.views:
        return expr
    return computed(state, expr)


# ---------------------------------------------------------------------------- elementwise


def _map(state: State, call: Call) -> Elements:
    """Return the elements of an elementwise function of arrays."""
    operands = [elements(state, arg) for arg in call.args]
    extents = broadcast(state, [operand.extents for operand in operands])
    places = [aligned(state, operand.extents, extents) for operand in operands]

    def at(index: tuple[Expr, ...]) -> Expr:
        values = [x.at(place(index)) for x, place in zip(operands, places, strict=True)]
        return elementwise(call, values)

    assert call.type.dtype is not None
    return Elements(extents, call.type.dtype, at)


def broadcast(state: State, shapes: list[tuple[Extent, ...]]) -> tuple[Extent, ...]:
    """Return the extents of operands that are broadcast together."""
    ndim = max(map(len, shapes), default=0)
    return tuple(
        _common(state, [shape[k - ndim] for shape in shapes if len(shape) >= ndim - k])
        for k in range(ndim)
    )


def _common(state: State, extents: list[Extent]) -> Extent:
    found = [extent for extent in extents if extent.size != 1] or extents[:1]
    sure = [extent for extent in found if not state.may_stretch(extent.size)]
    if sure:
        for other in found:
            if other in sure:
                state.same(sure[0], other)
            elif other.size != sure[0].size:
                fits = apply(runtime.common, INT, sure[0].expr, other.expr)
                state.check(apply(np.equal, BOOL, fits, sure[0].expr))
        return sure[0]
    total = found[0]
    for other in found[1:]:
        if other.size != total.size:
            expr = state.named("n", apply(runtime.common, INT, total.expr, other.expr))
            total = Extent(expr, ("common", total.size, other.size))
    return total


def aligned(
    state: State, own: tuple[Extent, ...], whole: tuple[Extent, ...]
) -> Callable[[tuple[Expr, ...]], tuple[Expr, ...]]:
    """Return how an index of the whole becomes one of an operand that was broadcast to it."""
    skip = len(whole) - len(own)
    strides: list[Expr] = []
    for extent, total in zip(own, whole[skip:], strict=True):
        if extent.size == 1 and total.size != 1:
            strides.append(number(0))
        elif extent.size == total.size or not state.may_stretch(extent.size):
            state.same(total, extent)
            strides.append(number(1))
        else:
            moves = Choice(INT, apply(np.equal, BOOL, extent.expr, number(1)), number(0), number(1))
            strides.append(state.named("stride", moves))

    def place(index: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(
            number(0) if isinstance(stride, Lit) and stride.value == 0 else times(i, stride)
            for i, stride in zip(index[skip:], strides, strict=True)
        )

    return place


def write(
    state: State, place: Elements, i: tuple[Expr, ...], value: Expr, op: str | None = None
) -> None:
    """Write a number to one place of an array in memory."""
    assert place.root is not None and place.index is not None
    value, index = cast(value, place.dtype), place.index(i)
    if place.part is not None:
        if op is not None:
            value, op = apply(getattr(np, op), value.type, place.at(i), value), None
        other = np.imag if place.part is np.real else np.real
        rest = apply(other, value.type, load(place.root, index))
        parts = (value, rest) if place.part is np.real else (rest, value)
        value = apply(complex, scalar(place.root.type.dtype), *parts)
    state.emit(Put(place.root, index, value, op))


# -------------------------------------------------------------------------------- numbers


def number_of(state: State, expr: Expr) -> Expr:
    """Return a number as an expression of numbers; what needs a loop is computed before."""
    if is_axes(expr.type):
        raise NotNative(f"{_name(expr)} is an array, where a number is asked for")
    match expr:
        case Var(type=type_, name=name):
            if name in state.views:
                return state.views[name][0].at(())
            if type_.dtype is None:
                raise NotNative(f"{name} is neither a number nor an array")
            return Var(scalar(type_.dtype), name)
        case Lit(value=value):
            return literal(value)
        case Dim(base=base, axis=axis):
            return elements(state, base).extents[axis].expr
        case Index() if (found := _part_of(state, expr)) is not None:
            return found.at(())
        case Index():
            from .indexing import indexed

            return attempt(state, expr, lambda: indexed(state, expr)).at(())
        case Choice(condition=condition, a=a, b=b):
            return _choice(state, expr.type, condition, a, b)
        case Logic():
            return _logic(state, expr)
        case Call() if nothing.is_test(expr):
            return nothing.test(state, expr)
        case Call(fn=fn) if known(fn, NUMBERS):
            return attempt(state, expr, lambda: _number(NUMBERS[fn](state, expr))).at(())
        case Call(fn=fn) if known(fn, VIEWS):
            return attempt(state, expr, lambda: VIEWS[fn](state, expr)).at(())
        case Call(fn=fn) if known(fn, VALUES):
            return _without_axes(state, expr)
        case Call() if is_elementwise(expr):
            return elementwise(expr, [number_of(state, arg) for arg in expr.args])
    if expr.type.dtype is None:
        raise NotNative(f"{_name(expr)} is neither a number nor an array")
    made = by_python(state, expr, f"Numba has no {_name(expr)}")
    return Var(scalar(made.type.dtype), made.name)


def _without_axes(state: State, call: Call) -> Expr:
    """Return the only element of an array without axes that a function makes."""
    if call.fn is np.array and call.args[0].type.dtype is not None:
        return cast(number_of(state, call.args[0]), dtype_of(call))
    if call.fn in (np.empty, np.empty_like):
        return literal(dtype_of(call).type(0))
    found = by_python(state, call, f"{_name(call)} of no axes")
    return Var(scalar(found.type.dtype), found.name)


def _number(value: Expr) -> Elements:
    return Elements((), value.type.dtype or np.dtype(float), lambda _: value)


def _name(expr: Expr) -> str:
    return str(getattr(expr.fn, "__name__", expr.fn) if isinstance(expr, Call) else type(expr))


def _lowered(state: State, expr: Expr) -> tuple[Block, Expr]:
    with state.into([]) as block:
        value = number_of(state, expr)
    return block, value


def _choice(state: State, type_: Type, condition: Expr, a: Expr, b: Expr) -> Expr:
    """Return a conditional number; an arm that needs statements makes it a branch."""
    test = truth(state, condition)
    (before_a, x), (before_b, y) = _lowered(state, a), _lowered(state, b)
    if type_.dtype is None:
        raise NotNative("a value that is neither a number nor an array")
    x, y = cast(x, type_.dtype), cast(y, type_.dtype)
    if not before_a and not before_b:
        return Choice(x.type, test, x, y)
    name = state.fresh("t")
    state.types[name] = x.type
    state.emit(If(test, [*before_a, Assign(name, x)], [*before_b, Assign(name, y)]))
    return Var(x.type, name)


def _logic(state: State, logic: Logic) -> Expr:
    """Return ``and`` or ``or``; what a later part needs is computed only if it is reached."""
    first, *rest = logic.items
    value = truth(state, first)
    for item in rest:
        with state.into([]) as before:
            other = truth(state, item)
        if not before:
            value = Logic(BOOL, logic.op, (value, other))
            continue
        found = state.named("t", value)
        arm = [*before, Assign(found.name, other)]
        state.emit(If(found, arm, []) if logic.op == "and" else If(found, [], arm))
        value = found
    return value


def truth(state: State, condition: Expr) -> Expr:
    """Return a condition as a truth value."""
    if condition.type.dtype is None:
        condition = Call(BOOL, bool, (condition,))
    return truth_of(number_of(state, condition))


def truth_of(value: Expr) -> Expr:
    """Return a number as a truth value."""
    if value.type.dtype == np.dtype(bool):
        return value
    return apply(np.not_equal, BOOL, value, literal(0))
