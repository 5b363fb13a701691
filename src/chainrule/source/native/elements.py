"""Array expressions as their elements: what stands at each place, as a function of numbers.

Nothing is computed here. Views, broadcasting and elementwise functions become arithmetic on indices
and numbers; what needs a loop of its own is computed first, into an array or a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir import Assign, Block, Call, Choice, Dim, Expr, If, Index, Lit, Logic, Seq, Var
from ..sizes import may_be_one
from ..types import Type
from . import runtime
from .code import BOOL, INT, Python, apply, load, number, scalar, times
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
        value = number_of(state, expr)
        return Elements((), value.type.dtype or np.dtype(float), lambda _: value)
    match expr:
        case Var(name=name):
            return state.views[name][0] if name in state.views else in_memory(expr)
        case Lit():
            return in_memory(computed(state, Call(expr.type, np.array, (expr,))))
        case Index(base=base) if base.type.dtype is None:
            return part(state, expr)
        case Index():
            from .indexing import indexed

            return indexed(state, expr)
        case Call(fn=fn) if known(fn, VIEWS):
            return attempt(state, expr, lambda: VIEWS[fn](state, expr))
        case Call() if is_elementwise(expr):
            return _map(state, expr)
    return in_memory(computed(state, expr))


def parts_of(state: State, expr: Expr) -> list[Elements] | None:
    """Return what a tuple of arrays and numbers holds; None if it is not one that is known."""
    if isinstance(expr, Var):
        return state.tuples.get(expr.name)
    if isinstance(expr, Call) and known(expr.fn, TUPLES):
        return TUPLES[expr.fn](state, expr)
    if isinstance(expr, Seq):
        return [elements(state, item) for item in expr.items]
    return None


def part(state: State, expr: Index) -> Elements:
    """Return one of several results of a function."""
    parts = parts_of(state, expr.base)
    (which,) = expr.index if len(expr.index) == 1 else (None,)
    if parts is None or not isinstance(which, Lit) or not isinstance(which.value, int):
        raise NotNative(f"{getattr(expr.base, 'name', expr.base)} is neither a number nor an array")
    return parts[which.value]


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
        return Elements((), found.type.dtype, lambda _: value)  # type: ignore[arg-type]


def known(fn: Any, table: dict[Any, Any]) -> bool:
    """Tell whether there is an entry for a function."""
    try:
        return fn in table
    except TypeError:  # an object that cannot be a key
        return False


def in_memory(array: Expr) -> Elements:
    """Return the elements of an array variable."""
    assert isinstance(array, Var) and array.type.dtype is not None
    extents = tuple(
        Extent(number(size) if isinstance(size, int) else Dim(INT, array, axis), size)
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


def by_python(state: State, expr: Expr, why: str) -> Var:
    """Let the interpreter compute an expression."""
    if expr.type.dtype is None:
        raise NotNative(why)
    name = state.fresh("t")
    state.types[name] = expr.type
    state.emit(Python(Assign(name, outside(state, expr)), ((name, expr.type),), why))
    return Var(expr.type, name)


def outside(state: State, expr: Expr) -> Expr:
    """Return an expression for the interpreter, which does not know the names of views."""
    from .. import ir

    for e in ir.walk(expr):
        is_object = isinstance(e, Var) and e.type.dtype is None
        if is_object and not (isinstance(e, Var) and e.name in state.views):
            raise NotNative(f"{getattr(e, 'name', e)} is neither a number nor an array")

    def change(e: Expr) -> Expr:
        is_view = isinstance(e, Var) and e.name in state.views
        return outside(state, state.views[e.name][1]) if is_view else e  # type: ignore[attr-defined]

    return ir.rewrite(expr, change)


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
    sure = [extent for extent in found if not may_be_one(extent.size)]
    if sure or len(found) == 1:
        first = (sure or found)[0]
        for other in sure[1:]:
            state.same(first, other)
        for other in found:
            if may_be_one(other.size) and other.size != first.size:
                fits = apply(runtime.common, INT, first.expr, other.expr)
                state.check(apply(np.equal, BOOL, fits, first.expr))
        return first
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
        elif extent.size == total.size or not may_be_one(extent.size):
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


# -------------------------------------------------------------------------------- numbers


def number_of(state: State, expr: Expr) -> Expr:
    """Return a number as an expression of numbers; what needs a loop is computed before."""
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
        case Index(base=base) if base.type.dtype is None:
            return part(state, expr).at(())
        case Index():
            from .indexing import indexed

            return indexed(state, expr).at(())
        case Choice(condition=condition, a=a, b=b):
            return _choice(state, expr.type, condition, a, b)
        case Logic():
            return _logic(state, expr)
        case Call(fn=fn) if known(fn, NUMBERS):
            return attempt(state, expr, lambda: _number(NUMBERS[fn](state, expr))).at(())
        case Call(fn=fn) if known(fn, VIEWS):
            return attempt(state, expr, lambda: VIEWS[fn](state, expr)).at(())
        case Call(fn=fn) if known(fn, VALUES):
            return number_of(state, computed(state, expr))
        case Call() if is_elementwise(expr):
            return elementwise(expr, [number_of(state, arg) for arg in expr.args])
    found = by_python(state, expr, f"Numba has no {_name(expr)}")
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
        before, other = _lowered(state, item)
        other = truth_of(other)
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
    return truth_of(number_of(state, condition))


def truth_of(value: Expr) -> Expr:
    """Return a number as a truth value."""
    if value.type.dtype == np.dtype(bool):
        return value
    return apply(np.not_equal, BOOL, value, literal(0))
