"""Python's own functions on structure and containers, and what NumPy answers from types alone."""

from __future__ import annotations

import ast
import copy
import dataclasses
import functools
import itertools
import numbers
from dataclasses import replace
from typing import Any

import numpy as np

from ..._core import Tracer, is_traced, plain
from ..._syntax import parse
from .. import patterns, types
from ..ir import Call, Effect, Expr, Lit
from ..types import OBJECT
from ..values import Function, Items, Known, Leaf, Mapping, Record, Scope, Value
from . import calls
from .attributes import attribute, count, shape_of, type_value
from .containers import EMPTY, FALSE, NONE, Cut, describe, items_of, known, lift, settle
from .indexing import slice_of, subscript
from .intrinsics import intrinsic
from .operators import operand
from .state import State

# ------------------------------------------------------------------- questions about structure


@intrinsic(len)
def _len(state: State, x: Value) -> Value:
    match x:
        case Items(items=items) if x.kind != "iterator":
            return Known(len(items))
        case Mapping(items=entries):
            return Known(len(entries))
        case Known(value=value) if hasattr(value, "__len__"):
            return Known(len(value))
        case Leaf() if x.type.ndim:
            return shape_of(state, x)[0]
        case Record(cls=cls) if hasattr(cls, "__len__"):
            return calls.call_attribute(state, x, "__len__", [])
    raise state.error(f"len() of a {describe(x)}", "use an array, a tuple, a list or a dict")


@intrinsic(np.shape)
def _shape(state: State, a: Value) -> Value:
    return Items(shape_of(state, a))


@intrinsic(np.ndim)
def _ndim(state: State, a: Value) -> Value:
    return Known(len(shape_of(state, a)))


@intrinsic(np.size)
def _size(state: State, a: Value, axis: Value = NONE) -> Value:
    ok, k = known(axis)
    return count(state, a) if ok and k is None else shape_of(state, a)[state.static(axis, "axis")]


@intrinsic(type)
def _type(state: State, x: Value) -> Value:
    found = type_value(x)
    if found is None:
        raise state.error("The type of this value is not known", "do not depend on it")
    return Known(found)


@intrinsic(np.isscalar)
def _isscalar(state: State, element: Value) -> Value:
    found = type_value(element)
    if found is None:
        raise state.error("np.isscalar of something that is not known", "do not depend on it")
    return Known(issubclass(found, (np.generic, numbers.Number, str, bytes)))


@intrinsic(isinstance)
def _isinstance(state: State, x: Value, classes: Value) -> Value:
    ok, wanted = known(classes)
    if ok and _is_tracer_class(wanted):
        return Known(False)
    found = type_value(x)
    if not ok or found is None:
        raise state.error("isinstance of something that is not known", "do not depend on it")
    return Known(issubclass(found, wanted))


def _is_tracer_class(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, Tracer)


@intrinsic(patterns.has_items)
def _has_items(state: State, x: Value, count: Value, more: Value) -> Value:
    found = lift(x.value) if isinstance(x, Known) else x
    if isinstance(found, Leaf) and found.type.dtype is not None:
        return FALSE  # an array is no sequence
    if not isinstance(found, Items) or found.kind not in ("tuple", "list"):
        return FALSE
    wanted = state.static(count)
    is_long = len(found.items) >= wanted
    return Known(is_long if state.static(more) else len(found.items) == wanted)


@intrinsic(patterns.has_keys)
def _has_keys(state: State, x: Value, *keys: Value) -> Value:
    found = lift(x.value) if isinstance(x, Known) else x
    if not isinstance(found, Mapping):
        return FALSE
    return Known(all(state.static(k) in found.items for k in keys))


@intrinsic(patterns.member)
def _member(state: State, x: Value, cls: Value, place: Value) -> Value:
    k, owner = state.static(place), state.static(cls)
    names = getattr(owner, "__match_args__", ())
    if k < len(names):
        return attribute(state, x, names[k])
    if k == 0 and owner in (bool, float, int, str, bytes, tuple, list, dict):
        return x
    raise state.error(f"{owner.__name__} has no part {k + 1} by position", "name the attribute")


@intrinsic(issubclass)
def _issubclass(state: State, a: Value, b: Value) -> Value:
    return Known(issubclass(known(a)[1], known(b)[1]))


@intrinsic(callable)
def _callable(state: State, x: Value) -> Value:
    return Known(isinstance(x, Function) or (isinstance(x, Known) and callable(x.value)))


@intrinsic(hasattr)
def _hasattr(state: State, x: Value, name: Value) -> Value:
    wanted = state.static(name, "the name of an attribute")
    match x:
        case Record(cls=cls, attributes=attributes):
            return Known(wanted in attributes or hasattr(cls, wanted))
        case Known(value=value):
            return Known(hasattr(value, wanted))
    return Known(hasattr(type_value(x), wanted))


@intrinsic(getattr)
def _getattr(state: State, x: Value, name: Value, *default: Value) -> Value:
    wanted = state.static(name, "the name of an attribute")
    if default and not known(_hasattr(state, x, Known(wanted)))[1]:
        return default[0]
    return attribute(state, x, wanted)


@intrinsic(is_traced)
def _is_traced(state: State, x: Value) -> Value:
    """A rule asks whether there may be a derivative by ``x``."""
    return Known(isinstance(x, Leaf) and calls.holds_float(state, [x]))


@intrinsic(plain)
def _plain(state: State, x: Value) -> Value:
    match x:
        case Leaf():
            return Cut(x.expr, x.root, x.size) if x.type.is_differentiable else x
        case Items(items=items, kind=kind, cls=cls):
            return Items([_plain(state, item) for item in items], kind, cls)
        case Mapping(items=entries):
            return Mapping({key: _plain(state, item) for key, item in entries.items()})
    return x


def _kind_question(fn: Any, wanted: bool) -> None:
    def answer(state: State, x: Value) -> Value:
        if isinstance(x, Leaf) and x.type.dtype is not None:
            return Known((x.type.dtype.kind == "c") is wanted)
        return calls.plain_call(state, fn, [x], {})

    intrinsic(fn)(answer)


_kind_question(np.iscomplexobj, True)
_kind_question(np.isrealobj, False)


@intrinsic(np.result_type, np.promote_types)
def _result_type(state: State, *args: Value) -> Value:
    kinds: list[Any] = []
    for a in args:
        if isinstance(a, Leaf) and a.type.dtype is not None:
            if a.type.kind == "python":
                kinds.append({"b": True, "i": 1, "f": 1.0, "c": 1j}[a.type.dtype.kind])
            else:
                kinds.append(a.type.dtype)
        else:
            kinds.append(known(a)[1])
    return Known(np.result_type(*kinds))


@intrinsic(id)
def _id(state: State, x: Value) -> Value:
    raise state.error("id() of a value", "compare values, not identities")


# ----------------------------------------------------------------------------- containers


@intrinsic(tuple)
def _tuple(state: State, values: Value = EMPTY) -> Value:
    return Items(items_of(state, values))


@intrinsic(list)
def _list(state: State, values: Value = EMPTY) -> Value:
    return Items(items_of(state, values), "list")


@intrinsic(dict)
def _dict(state: State, values: Value = EMPTY, /, **named: Value) -> Value:
    if isinstance(values, Mapping):
        found = dict(values.items)
    else:
        pairs = [items_of(state, pair) for pair in items_of(state, values)]
        found = {state.static(key, "a key of a dict"): value for key, value in pairs}
    return Mapping({key: settle(state, value) for key, value in {**found, **named}.items()})


@intrinsic(set, frozenset)
def _set(state: State, values: Value = EMPTY) -> Value:
    return Known({state.static(v, "an element of a set") for v in items_of(state, values)})


@intrinsic(range)
def _range(state: State, *args: Value) -> Value:
    if all(known(a)[0] for a in args):
        return calls.fold(state, range, list(args), {})
    return lift(range(*(state.static(a, "the length of a range") for a in args)))


@intrinsic(slice)
def _slice(state: State, *args: Value) -> Value:
    none = Known(None)
    return slice_of([none, args[0], none] if len(args) == 1 else [*args, *[none] * (3 - len(args))])


@intrinsic(functools.partial)
def _partial(state: State, fn: Value, /, *args: Value, **kwargs: Value) -> Value:
    if isinstance(fn, Known):
        from . import functions

        made = functions.function_value(state, fn.value)
        fn = made if made is not None else _as_lambda(state, fn)
    if not isinstance(fn, Function):
        raise state.error(f"functools.partial of a {describe(fn)}", "pass a function")
    first = [settle(state, x) for x in args]
    named = {key: settle(state, x) for key, x in kwargs.items()}
    return replace(fn, first=(*fn.first, *first), keywords={**fn.keywords, **named})


@intrinsic(functools.lru_cache, functools.cache)
def _cached(state: State, fn: Value = NONE, **options: Value) -> Value:
    """A function that keeps its results: they are those of the function."""
    return fn if isinstance(fn, Function) else Known(functools.cache)


def _as_lambda(state: State, fn: Value) -> Function:
    """Give a function without source a body of its own: the call."""
    node = parse("lambda *args, **kwargs: fn(*args, **kwargs)", mode="eval").body
    assert isinstance(node, ast.Lambda)
    return Function(node, Scope({"fn": fn}, None, {}, state.scope.file))


@intrinsic(np.frompyfunc)
def _from_python(state: State, *args: Value, **kwargs: Value) -> Value:
    raise state.error("np.frompyfunc makes arrays of objects", "use np.vectorize, or a loop")


@intrinsic(np.nditer)
def _nditer(state: State, *args: Value, **kwargs: Value) -> Value:
    raise state.error(
        "np.nditer goes through an array in the order of its memory",
        "use np.ndindex, np.ndenumerate or a.ravel()",
    )


@intrinsic(np.ndenumerate)
def _ndenumerate(state: State, a: Value) -> Value:
    a = settle(state, calls.as_array(state, a))
    counts = [state.static(n, "a size that is iterated over") for n in shape_of(state, a)]
    places = itertools.product(*map(range, counts))
    return Items([Items([lift(k), subscript(state, a, Known(k))]) for k in places], "list")


@intrinsic(copy.copy)
def _shallow(state: State, x: Value) -> Value:
    match x:
        case Leaf() if x.type.is_array:
            return calls.call_attribute(state, x, "copy", [])
        case Items(items=items, kind="list"):
            return Items(list(items), "list", x.cls)
        case Mapping(items=entries, factory=factory):
            return Mapping(dict(entries), factory)
        case Record(cls=cls, attributes=attributes) if dataclasses.is_dataclass(cls):
            return Record(cls, dict(attributes))
        case Known() | Leaf() | Items():
            return x
    raise state.error(f"copy.copy of a {describe(x)}", "make a new one from its parts")


@intrinsic(copy.deepcopy)
def _deep(state: State, x: Value) -> Value:
    match _shallow(state, x):
        case Items(items=items, kind=kind, cls=cls):
            return Items([_deep(state, item) for item in items], kind, cls)
        case Mapping(items=entries, factory=factory):
            return Mapping({key: _deep(state, item) for key, item in entries.items()}, factory)
        case Record(cls=cls, attributes=entries):
            return Record(cls, {key: _deep(state, item) for key, item in entries.items()})
        case other:
            return settle(state, other)


# --------------------------------------------------------------------------------------- text


@intrinsic(print)
def _print(state: State, *args: Value, **kwargs: Value) -> Value:
    exprs = tuple(_printed(state, a) for a in args)
    named = tuple((key, operand(state, value)) for key, value in kwargs.items())
    state.prints = True
    state.emit(Effect(Call(types.NONE, print, exprs, named)))
    return Known(None)


def _printed(state: State, value: Value) -> Expr:
    ok, found = known(value)
    return Lit(OBJECT, found) if ok and not isinstance(value, Known) else operand(state, value)


def _textual(fn: Any) -> None:
    def make(state: State, *args: Value) -> Value:
        if all(known(a)[0] for a in args):
            return calls.fold(state, fn, list(args), {})
        return Leaf(Call(OBJECT, fn, tuple(operand(state, a) for a in args)))

    intrinsic(fn)(make)


for _writer in (format, str, repr):
    _textual(_writer)
