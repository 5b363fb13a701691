"""Python's functions of numbers: ``float``, ``abs``, ``round``, ``sum``, ``min``, ``max``, ..."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Call, Expr
from ..results import result_type, spec_of
from ..sizes import clip
from ..types import COMPLEX, FLOAT, INT, OBJECT, Type
from ..values import Items, Known, Leaf, Value
from . import calls
from .containers import FALSE, NONE, ZERO, describe, is_none, items_of, known, settle, settled
from .intrinsics import intrinsic
from .operators import binary, choice, logic, operand, python_type, symbol, truth, unary
from .state import State

# --------------------------------------------------------------------------- numbers, one by one


def to_python(state: State, x: Leaf) -> Value:
    """``x.item()``."""
    assert x.type.dtype is not None
    kind = {"b": bool, "i": int, "u": int, "f": float, "c": complex}[x.type.dtype.kind]
    return calls.call(state, Known(kind), [x], {})


def _convert(cls: Any, found: Type) -> None:
    def convert(state: State, x: Value = ZERO, *rest: Value) -> Value:
        if known(x)[0]:
            return calls.fold(state, cls, [x, *rest], {})
        if isinstance(x, Leaf) and x.type == OBJECT and not rest:
            return Leaf(Call(found, cls, (operand(state, x),)))
        if not isinstance(x, Leaf) or x.type.dtype is None:
            raise state.error(f"{cls.__name__}() of a {describe(x)}", "pass a number")
        if x.type == found:
            return x
        if rest:
            real = [operand(state, x), *(operand(state, part) for part in rest)]
            return Leaf(Call(found, cls, tuple(real)))
        size = x.size if cls is int else None
        return Leaf(Call(found, cls, (operand(state, x),)), None, size)

    intrinsic(cls)(convert)


for _cls, _found in ((int, INT), (float, FLOAT), (complex, COMPLEX)):
    _convert(_cls, _found)


@intrinsic(bool)
def _bool(state: State, x: Value = FALSE) -> Value:
    return truth(state, x)


@intrinsic(abs)
def _abs(state: State, x: Value) -> Value:
    if isinstance(x, Leaf) and x.type.kind == "python" and x.type.dtype.kind == "c":  # type: ignore[union-attr]
        return Leaf(Call(FLOAT, np.absolute, (operand(state, x),)))
    return unary(state, np.absolute, x)


@intrinsic(pow)
def _pow(state: State, a: Value, b: Value, *mod: Value) -> Value:
    if mod:
        return calls.plain_call(state, pow, [a, b, *mod], {})
    return binary(state, np.power, a, b)


@intrinsic(divmod)
def _divmod(state: State, a: Value, b: Value) -> Value:
    a, b = settle(state, a), settle(state, b)
    return Items([binary(state, np.floor_divide, a, b), binary(state, np.remainder, a, b)])


@intrinsic(round)
def _round(state: State, x: Value, ndigits: Value = NONE) -> Value:
    if known(x)[0] and known(ndigits)[0]:
        return calls.fold(state, round, [x, ndigits], {})
    if not isinstance(x, Leaf):
        raise state.error(f"round() of a {describe(x)}", "pass a number")
    if x.type.is_array or not is_none(ndigits):
        if x.type.kind == "python":
            return Leaf(Call(x.type, np.round, (operand(state, x), operand(state, ndigits))))
        digits = Known(0) if is_none(ndigits) else ndigits
        return calls.call(state, Known(np.round), [x, digits], {})
    return Leaf(Call(INT, round, (operand(state, x),)))


# ------------------------------------------------------------------------- several numbers


@intrinsic(sum)
def _sum(state: State, values: Value, start: Value = ZERO) -> Value:
    if _is_long(values):
        summed = calls.call(state, Known(np.sum), [values], {"axis": ZERO})
        return summed if known(start) == (True, 0) else binary(state, np.add, start, summed)
    return total(state, elements(state, values), start)


def total(state: State, values: list[Value], start: Value = ZERO) -> Value:
    """Add up, from left to right; a zero to start with is left out, unless it copies an array."""
    found = start
    for value in values:
        is_zero = isinstance(found, Known) and type(found.value) is int and found.value == 0
        is_copied = isinstance(value, Leaf) and value.type.is_array and len(values) == 1
        is_left_out = is_zero and _is_numeric(value) and not is_copied
        found = value if is_left_out else binary(state, np.add, found, value)
    return found


def _is_numeric(value: Value) -> bool:
    ok, found = known(value)
    if ok:
        return isinstance(found, (int, float, complex, np.ndarray, np.generic)) and (
            not isinstance(found, bool)
        )
    return isinstance(value, Leaf) and value.type.dtype is not None and value.type.dtype.kind != "b"


def _is_long(values: Value) -> bool:
    """Tell an array of numbers, for which NumPy has the same functions."""
    return isinstance(values, Leaf) and values.type.ndim == 1


def elements(state: State, values: Value) -> list[Value]:
    """Return the numbers that a function of an iterable sees."""
    return items_of(state, values)


def _extreme(fn: Any, better: Any) -> None:
    def extreme(
        state: State, *args: Value, key: Value = NONE, default: Value | None = None
    ) -> Value:
        has_key = not is_none(key)
        if len(args) == 1 and _is_long(args[0]) and not has_key and default is None:
            found = calls.call(state, Known(np.max if fn is max else np.min), [args[0]], {})
            return found
        values = elements(state, args[0]) if len(args) == 1 else list(args)
        if not values and default is not None:
            return default
        if has_key or isinstance(values[0], Items):
            from .ordering import best as best_by_key

            return best_by_key(state, fn, values, key)
        best = values[0]
        for value in values[1:]:
            best = _better(state, fn, better, best, value)
        return best

    intrinsic(fn)(extreme)


def _better(state: State, fn: Any, better: Any, best: Value, value: Value) -> Value:
    """One step of ``max``: the later one where it is really greater."""
    test = binary(state, better, value, best)
    if isinstance(test, Known):
        return value if test.value else best
    if not calls.holds_float(state, [best, value]):
        exprs = (operand(state, best), operand(state, value))
        return Leaf(Call(_type_of_either(*exprs), fn, exprs), None, _extreme_size(fn, best, value))
    best, value = settled(state, best), settled(state, value)
    return choice(state, truth(state, binary(state, better, value, best)), value, best)  # type: ignore[arg-type]


def _type_of_either(a: Expr, b: Expr) -> Type:
    if a.type.kind == b.type.kind == "python":
        return python_type(np.add, (a, b))
    found: Type = result_type(np.maximum, [spec_of(a), spec_of(b)])
    return found


def _extreme_size(fn: Any, a: Value, b: Value) -> Any:
    """``max(n - 2, 0)`` is the size of an axis."""
    m, n = symbol(a), symbol(b)
    if fn is max and 0 in (m, n) and type(m) is not type(n):
        other = n if m == 0 else m
        return None if other is None else clip(other)
    return None


_extreme(max, np.greater)
_extreme(min, np.less)


@intrinsic(any)
def _any(state: State, values: Value) -> Value:
    if _is_long(values):
        return truth(state, calls.call(state, Known(np.any), [values], {}))
    return logic(state, "or", [truth(state, v) for v in elements(state, values)])


@intrinsic(all)
def _all(state: State, values: Value) -> Value:
    if _is_long(values):
        return truth(state, calls.call(state, Known(np.all), [values], {}))
    return logic(state, "and", [truth(state, v) for v in elements(state, values)])
