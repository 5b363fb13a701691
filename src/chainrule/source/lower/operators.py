"""Operators on abstract values: arithmetic, comparisons, ``and``, ``or``, ``not``."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import sizes
from ..ir import Access, Call, Choice, Dim, Expr, Lit, Logic, Var
from ..results import result_type
from ..types import BOOL, FLOAT, INT, OBJECT, Type, is_plain
from ..values import Function, Items, Known, Leaf, Mapping, Method, Record, Value
from .containers import describe, expression, known, lift, uncut
from .overloaded import defines, overloaded
from .slots import as_numbers
from .state import State, in_rule

PYTHON: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.floor_divide: operator.floordiv,
    np.remainder: operator.mod,
    np.power: operator.pow,
    np.matmul: operator.matmul,
    np.left_shift: operator.lshift,
    np.right_shift: operator.rshift,
    np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.invert: operator.invert,
    np.absolute: abs,
}
"""A ufunc -> the Python operator that it is written as."""

_NAMES = {
    **{ufunc: fn.__name__.strip("_") for ufunc, fn in PYTHON.items()},
    np.bitwise_and: "and",
    np.bitwise_or: "or",
}

COMPARISONS = frozenset(
    {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
)

_CHEAP = {
    *PYTHON,
    *(np.minimum, np.maximum, np.where, np.square, np.conjugate, np.real, np.logical_not),
    *(np.logical_and, np.logical_or, np.transpose, np.swapaxes, np.moveaxis, np.reshape),
    *(np.expand_dims, np.squeeze, np.broadcast_to, np.zeros_like, np.ravel),
    *(int, float, bool, complex, len, max, min, operator.not_, operator.is_, operator.is_not),
} - {np.matmul}


def is_cheap(expr: Expr) -> bool:
    """Tell whether an expression may stand inside a bigger one."""
    if not isinstance(expr, Call):
        return True
    if expr.type.dtype is None or not (expr.type.is_differentiable or expr.type.is_array):
        return True
    if expr.fn is np.power and not isinstance(expr.args[1], Lit):
        return False
    return expr.fn in _CHEAP or getattr(expr.fn, "__name__", "") == "_cast"


def operand(state: State, value: Value) -> Expr:
    """Return the expression of an operand; what is expensive gets a name of its own."""
    expr = expression(state, value)
    return expr if is_cheap(expr) else state.temporary(expr)


def simple(state: State, value: Value) -> Expr:
    """Return an expression that may be written twice: a variable or a literal."""
    expr = expression(state, value)
    return expr if isinstance(expr, (Var, Lit, Access, Dim)) else state.temporary(expr)


# ------------------------------------------------------------------------- unary and binary


def unary(state: State, ufunc: Any, a: Value) -> Value:
    """Apply ``-``, ``+``, ``~`` or ``abs``."""
    ok, found = known(a)
    if ok:
        return _fold(state, ufunc, found)
    name = f"__{_NAMES[ufunc]}__"
    if isinstance(a, Record) or defines(a, name):
        return overloaded(state, name, [a])
    assert isinstance(a, Leaf), describe(a)
    size = sizes.multiply(-1, a.size) if a.size is not None and ufunc is np.negative else None
    return arithmetic(state, ufunc, [a], size)


def binary(state: State, ufunc: Any, a: Value, b: Value) -> Value:
    """Apply an operator with Python's meaning for numbers and NumPy's for arrays."""
    (ok_a, known_a), (ok_b, known_b) = known(a), known(b)
    if ok_a and ok_b:
        return _fold(state, ufunc, known_a, known_b)
    name = f"__{_NAMES[ufunc]}__"
    if isinstance(a, Record) or isinstance(b, Record) or defines(a, name):
        return overloaded(state, name, [a, b])
    is_numpys = isinstance(a, Leaf) and a.type.kind != "python"  # which takes tuples as arrays
    if defines(b, f"__r{name[2:]}") and not is_numpys:
        return overloaded(state, name, [a, b])
    if isinstance(a, (Items, Mapping)) or isinstance(b, (Items, Mapping)):
        return _of_containers(state, ufunc, a, b)
    if isinstance(a, (Function, Method)) or isinstance(b, (Function, Method)):
        raise state.error(
            f"An operator is applied to a {describe(a)} and a {describe(b)}",
            "call the function first",
        )
    size = size_of(ufunc, a, b)
    if isinstance(size, int):
        return Known(size)
    decided = _compare_sizes(state, ufunc, a, b)
    return decided if decided is not None else arithmetic(state, ufunc, [a, b], size)


def _fold(state: State, ufunc: Any, *operands: Any) -> Value:
    try:
        with np.errstate(all="ignore"):
            return lift(PYTHON[ufunc](*operands))
    except Exception as error:
        shown = " and ".join(map(repr, operands))
        raise state.error(
            f"{PYTHON[ufunc].__name__} of {shown}: {error}", "change the operands"
        ) from None


def arithmetic(state: State, ufunc: Any, operands: list[Value], size: Any = None) -> Leaf:
    """Emit a call of a ufunc with the meaning of Python's operator."""
    if ufunc in COMPARISONS:
        operands = [uncut(x) for x in operands]
    exprs = tuple(operand(state, x) for x in operands)
    return Leaf(Call(operator_type(state, ufunc, exprs), ufunc, exprs), None, size)


def operator_type(state: State, ufunc: Any, exprs: tuple[Expr, ...]) -> Type:
    """Return the type of an operator's result."""
    types = [e.type for e in exprs]
    if any(t == OBJECT and isinstance(e, Var) for t, e in zip(types, exprs, strict=True)) and any(
        t.dtype is not None for t in types
    ):
        raise state.error(
            "Arithmetic with something whose type is not known when the program is made",
            "convert it with float() or int(), or pass it as an argument",
        )
    if all(t.kind == "python" for t in types):
        return python_type(ufunc, exprs)
    if any(t.kind in ("object", "none") for t in types) and not any(t.is_array for t in types):
        return BOOL if ufunc in COMPARISONS else OBJECT
    args = [e.value if isinstance(e, Lit) else e.type for e in exprs]
    try:
        found = result_type(ufunc, args)
    except (TypeError, ValueError) as error:
        shown = " and ".join(str(t) for t in types)
        raise state.error(
            f"{PYTHON[ufunc].__name__} of {shown}: {error}", "convert the operands"
        ) from None
    assert isinstance(found, Type)
    return found


_SAMPLES = {"b": True, "i": 1, "f": 1.0, "c": 1j}
_TYPES = {bool: BOOL, int: INT, float: FLOAT}


def python_type(ufunc: Any, exprs: tuple[Expr, ...]) -> Type:
    """Return the type of an operator applied to Python numbers.

    A negative exponent makes a float of integers; one that is not known is taken as positive.
    """
    samples = [_SAMPLES[e.type.dtype.kind] for e in exprs]  # type: ignore[union-attr]
    if ufunc is np.power and isinstance(exprs[1], Lit):
        samples[1] = exprs[1].value
    found = type(PYTHON[ufunc](*samples))
    return _TYPES.get(found, Type("python", np.dtype(np.complex128)))


def _of_containers(state: State, ufunc: Any, a: Value, b: Value) -> Value:
    """``+`` and ``*`` of tuples and lists, ``==`` between them, and lists as arrays."""
    a, b = _as_items(a), _as_items(b)
    if isinstance(a, Items) and isinstance(b, Items):
        if ufunc is np.add and a.kind == b.kind != "iterator":
            return Items([*a.items, *b.items], a.kind)
        if ufunc in (np.equal, np.not_equal):
            return _equal_items(state, ufunc is np.equal, a, b)
    if isinstance(a, Mapping) and isinstance(b, Mapping) and ufunc is np.bitwise_or:
        return Mapping({**a.items, **b.items})
    for items, other in ((a, b), (b, a)):
        if isinstance(items, Items):
            is_count = isinstance(other, Known) or (isinstance(other, Leaf) and other.type == INT)
            if ufunc is np.multiply and is_count:
                times = state.static(other, f"how often a {items.kind} is repeated")
                return Items(items.items * times, items.kind)
            if isinstance(other, Leaf) and other.type.kind in ("array", "scalar"):
                from .constructors import array_of

                arrays = [array_of(state, x) if isinstance(x, Items) else x for x in (a, b)]
                return binary(state, ufunc, arrays[0], arrays[1])
    if isinstance(a, Known) and isinstance(a.value, str):
        return Leaf(Call(OBJECT, PYTHON[ufunc], (a.expr, expression(state, b))))
    if ufunc in (np.equal, np.not_equal):
        return Known(ufunc is np.not_equal)
    raise state.error(
        f"{PYTHON[ufunc].__name__} of a {describe(a)} and a {describe(b)}",
        "use arrays, or lengths that are known",
    )


def _as_items(value: Value) -> Value:
    return lift(value.value) if isinstance(value, Known) else value


def _equal_items(state: State, equal: bool, a: Items, b: Items) -> Value:
    if len(a.items) != len(b.items):
        return Known(not equal)
    pairs = [binary(state, np.equal, x, y) for x, y in zip(a.items, b.items, strict=True)]
    same = logic(state, "and", [truth(state, pair) for pair in pairs])
    return same if equal else negation(state, same)


# --------------------------------------------------------------------- integers that are sizes


def symbol(value: Value) -> Any:
    """Return the size that an integer is known to equal, None if there is none."""
    if isinstance(value, Known) and type(value.value) is int:
        return value.value
    return value.size if isinstance(value, Leaf) else None


def size_of(ufunc: Any, a: Value, b: Value) -> Any:
    """Return the size that ``a + b``, ``a - b``, ``a * b`` or ``a // b`` is known to equal."""
    m, n = symbol(a), symbol(b)
    if m is None or n is None:
        return None
    if ufunc in (np.add, np.subtract):
        return sizes.add(m, n, 1 if ufunc is np.add else -1)
    if ufunc is np.multiply:
        return sizes.multiply(m, n)
    if ufunc is np.floor_divide and isinstance(n, int) and n > 0:
        return sizes.floor_divide(m, n)
    return None


def _compare_sizes(state: State, ufunc: Any, a: Value, b: Value) -> Known | None:
    if ufunc not in COMPARISONS:
        return None
    m, n = symbol(a), symbol(b)
    if m is None or n is None:
        return None
    distance = sizes.add(m, n, -1)
    if isinstance(distance, int):
        return Known(bool(PYTHON[ufunc](distance, 0)))
    if ufunc in (np.equal, np.not_equal) and 1 in (m, n):
        other = n if m == 1 else m
        if is_plain(other):
            return Known(ufunc is np.not_equal)
    if sizes.is_positive(distance):
        return Known(bool(PYTHON[ufunc](1, 0)))
    if sizes.is_positive(sizes.multiply(-1, distance)):
        return Known(bool(PYTHON[ufunc](-1, 0)))
    return None


# ------------------------------------------------------------------------------ truth values


def truth(state: State, value: Value) -> Known | Leaf:
    """Return the truth value: known, or a plain bool."""
    match value:
        case Items(items=items, kind=kind):
            return Known(bool(items) or kind == "iterator")
        case Mapping(items=entries):
            return Known(bool(entries))
        case Known(value=found):
            return Known(bool(found))
        case Leaf():
            return _truth_of(state, value)
        case Record(cls=type() as cls):
            return _truth_of_object(state, value, cls)
    return Known(True)


def _truth_of_object(state: State, value: Value, cls: type) -> Known | Leaf:
    from .calls import call_attribute

    for name in ("__bool__", "__len__"):
        if hasattr(cls, name):
            return truth(state, call_attribute(state, value, name, []))
    return Known(True)


def _truth_of(state: State, value: Leaf) -> Known | Leaf:
    kind = value.type.kind
    if value.type == BOOL:
        return value
    if value.size is not None and sizes.is_positive(value.size):
        return Known(True)
    if value.type.dtype is not None and value.type.dtype.kind == "b" and kind == "scalar":
        return Leaf(replace(value.expr, type=BOOL)) if _is_test(value.expr) else _bool(state, value)
    if kind == "python":
        return arithmetic(state, np.not_equal, [value, Known(0)])
    return _bool(state, value)


def _is_test(expr: Expr) -> bool:
    """A comparison of NumPy scalars may stand as a condition as it is."""
    return isinstance(expr, Call) and expr.fn in COMPARISONS


def _bool(state: State, value: Leaf) -> Leaf:
    return Leaf(Call(BOOL, bool, (operand(state, value),)))


def negation(state: State, value: Value) -> Known | Leaf:
    """Return ``not value``."""
    found = truth(state, value)
    if isinstance(found, Known):
        return Known(not found.value)
    if isinstance(found.expr, Call) and found.expr.fn is operator.not_:
        return Leaf(found.expr.args[0])
    return Leaf(Call(BOOL, operator.not_, (found.expr,)))


def logic(state: State, op: str, parts: list[Known | Leaf]) -> Known | Leaf:
    """Join truth values by ``and`` or ``or``, without those that decide nothing."""
    decisive = op == "or"
    rest: list[Expr] = []
    for part in parts:
        if isinstance(part, Known):
            if bool(part.value) is decisive:
                if not rest:
                    return Known(decisive)
                rest.append(Lit(BOOL, decisive))
                break
        else:
            rest.append(part.expr)
    if not rest:
        return Known(not decisive)
    if isinstance(rest[-1], Lit):
        return Known(decisive)
    return Leaf(rest[0] if len(rest) == 1 else Logic(BOOL, op, tuple(rest)))


def choice(state: State, condition: Leaf, a: Leaf | Known, b: Leaf | Known) -> Leaf:
    """``a if condition else b`` of numbers, both of one type."""
    if in_rule(state):
        a, b = as_numbers(a, b)  # type: ignore[assignment]
    exprs = [_as_float(x, y) for x, y in ((a.expr, b.expr), (b.expr, a.expr))]
    found = exprs[0].type if exprs[0].type == exprs[1].type else _common(state, exprs)
    return Leaf(Choice(found, condition.expr, exprs[0], exprs[1]))


def _as_float(expr: Expr, other: Expr) -> Expr:
    """Write an integer literal as a float where the other choice is one."""
    is_int = isinstance(expr, Lit) and type(expr.value) is int
    is_float = other.type.dtype is not None and other.type.dtype.kind == "f"
    return Lit(FLOAT, float(expr.value)) if is_int and is_float else expr  # type: ignore[attr-defined]


def _common(state: State, exprs: list[Expr]) -> Type:
    args = [e.value if isinstance(e, Lit) else e.type for e in exprs]
    if all(e.type.kind == "python" for e in exprs):
        return python_type(np.add, tuple(exprs))
    found = result_type(np.maximum if exprs[0].type.dtype != exprs[1].type.dtype else np.fmax, args)
    assert isinstance(found, Type)
    return found
