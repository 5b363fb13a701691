"""Calls: of the user's functions, of the rule table, of NumPy, of Python, of everything else."""

from __future__ import annotations

import ast
import functools
import inspect
import operator
import types
from typing import Any

import numpy as np

from ... import rules
from ..._core import TABLE, USER_DEFINED, Composite, PiecewiseConstant, Primitive
from ...errors import ArgumentError, UnsupportedError
from ...rules._forms import _ExplicitRule
from ..types import OBJECT
from ..values import (
    Derivative,
    Function,
    Items,
    Known,
    Leaf,
    LinearMap,
    Mapping,
    Method,
    Record,
    Value,
)
from . import functions, intrinsics, ownership
from .containers import describe, is_none, items_of, known, lift
from .intrinsics import INTRINSICS, intrinsic
from .plain_calls import (
    call_object,
    call_other,
    drawn_type,
    effect,
    fold,
    holds_float,
    is_folded,
    leaves,
    opaque,
    plain_call,
    spec,
    typed,
)
from .purity import (
    derivative_of,
    is_message,
    is_random,
    is_standard,
    is_transform,
    module_of,
)
from .state import State, in_rule

__all__ = [
    "INTRINSICS",
    "as_array",
    "call",
    "call_attribute",
    "call_entry",
    "call_object",
    "call_other",
    "drawn_type",
    "effect",
    "entry_of",
    "evaluate_call",
    "fold",
    "holds_float",
    "intrinsic",
    "leaves",
    "opaque",
    "plain_call",
    "spec",
    "typed",
]


def evaluate_call(state: State, node: ast.Call) -> Value:
    """Evaluate a call: the function, its arguments from left to right, and the call itself."""
    from . import displays
    from .expressions import evaluate, evaluate_all

    if len(node.args) == 1 and not node.keywords and isinstance(node.func, ast.Name):
        called = evaluate(state, node.func)
        if isinstance(called, Known) and _look_up(displays.STEPS, called.value):
            looped: Value | None = displays.reduced(state, called.value, node.args[0])
            if looped is not None:
                return looped
    bare = [a.value if isinstance(a, ast.Starred) else a for a in node.args]
    values = evaluate_all(state, [node.func, *bare, *(k.value for k in node.keywords)])
    function, rest = values[0], values[1:]
    args: list[Value] = []
    for argument, value in zip(node.args, rest, strict=False):
        if isinstance(argument, ast.Starred):
            from .containers import items_of

            args += items_of(state, value)
        else:
            args.append(value)
    kwargs: dict[str, Value] = {}
    for keyword, value in zip(node.keywords, rest[len(node.args) :], strict=True):
        kwargs.update(_keywords(state, keyword.arg, value))
    return call(state, function, args, kwargs)


def _keywords(state: State, name: str | None, value: Value) -> dict[str, Value]:
    if name is not None:
        return {name: value}
    if isinstance(value, Mapping):
        return dict(value.items)
    raise state.error(f"** of a {describe(value)}", "use a dict with known keys")


def call(state: State, function: Value, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Call a function with abstract values."""
    match function:
        case Function():
            return functions.inline(state, function, args, kwargs)
        case Method():
            from .methods import call_method

            return call_method(state, function, args, kwargs)
        case Derivative() | LinearMap():
            from .nested import call_derivative

            return call_derivative(state, function, args, kwargs)
        case Known(value=fn):
            return _call_known(state, fn, args, kwargs)
        case Record():
            return call_attribute(state, function, "__call__", args, kwargs)
        case Leaf() if function.type == OBJECT:
            raise state.error(
                "A function is called that is not known when the program is made",
                "pass the function itself as an argument",
            )
    raise state.error(f"A {describe(function)} is called", "call a function")


def call_attribute(
    state: State,
    receiver: Value,
    name: str,
    args: list[Value],
    kwargs: dict[str, Value] | None = None,
) -> Value:
    """Call a method of an object of the user."""
    from .attributes import attribute

    return call(state, attribute(state, receiver, name), args, kwargs or {})


def _call_known(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    intrinsics.load()
    if isinstance(fn, _OF_NUMPY) and module_of(fn) == "numpy":
        from . import inplace

        args, kwargs, out = inplace.without_out(fn, args, kwargs)
        if out is not None:
            return inplace.store_result(state, fn, args, kwargs, out)
    handler = _look_up(INTRINSICS, fn)
    if handler is not None:
        found: Value = handler(state, args, kwargs)
        return found
    if isinstance(fn, _ExplicitRule):
        fn = fn.primitives[0]
    if isinstance(fn, Primitive) and fn.form == USER_DEFINED:
        return opaque(state, fn, args, kwargs)
    if isinstance(fn, Primitive):
        return call_entry(state, fn, fn.fn if fn.fn in TABLE else np.reshape, args, kwargs)
    entry = entry_of(fn)
    if entry is not None:
        return call_entry(state, entry, fn, args, kwargs)
    if isinstance(fn, np.vectorize):
        from .elementwise import of_object

        return of_object(state, fn, args)
    if isinstance(fn, functools.partial):
        bound = {key: lift(value) for key, value in fn.keywords.items()}
        return call(state, Known(fn.func), [*map(lift, fn.args), *args], {**bound, **kwargs})
    if isinstance(fn, (operator.itemgetter, operator.attrgetter, operator.methodcaller)):
        from .mathematics import got

        return got(state, fn, *args)
    owner = getattr(fn, "__self__", None)
    if getattr(fn, "__name__", "") == "_make" and hasattr(owner, "_fields"):
        return call(state, Known(owner), items_of(state, args[0]), {})
    if isinstance(fn, type):
        from .classes import construct

        return construct(state, fn, args, kwargs)
    if isinstance(getattr(fn, "__self__", None), np.ufunc):
        from .inplace import call_ufunc_method

        return call_ufunc_method(state, fn.__self__, fn.__name__, args, kwargs)
    if in_rule(state) and is_folded(state, fn, args, kwargs):
        return fold(state, fn, args, kwargs)
    if is_transform(fn):
        return _derivative(state, fn, args, kwargs)
    if _is_read(state, fn, [*args, *kwargs.values()]):
        inlined = functions.function_value(state, fn)
        if inlined is not None:
            return functions.inline(state, inlined, args, kwargs)
    return call_other(state, fn, args, kwargs)


_OF_NUMPY = (np.ufunc, types.FunctionType, types.BuiltinFunctionType, type(np.dot))


def _look_up(table: dict[Any, Any], fn: Any) -> Any:
    try:
        return table.get(fn)
    except TypeError:  # it cannot be a key
        return None


def entry_of(fn: Any) -> Any:
    """Return what the rule table holds for a function, None if nothing."""
    _load_rules()
    return _look_up(TABLE, fn)


_load_rules = functools.cache(rules.load)


def _derivative(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Call a derivative that was made before; the transforms themselves are intrinsics."""
    found = derivative_of(fn)
    if found is None:
        raise state.error(
            f"{getattr(fn, '__name__', fn)} of chainrule inside a function that is compiled",
            "call it outside, on a program: cr.compile(f); or leave the function to the tape",
        )
    transform, f, argnums, has_aux = found
    return call(state, Derivative(transform, Known(f), argnums, has_aux), args, kwargs)


def _is_read(state: State, fn: Any, given: list[Value]) -> bool:
    """Tell whether the source of a function is looked at: the user's, or one that gets arrays."""
    if module_of(fn) in ("numpy", "scipy", "math") or is_random(fn) or is_message(fn):
        return False
    is_python = isinstance(fn, (types.FunctionType, types.MethodType))
    if not is_python and not hasattr(fn, "__wrapped__"):
        return False
    return not is_standard(fn) or not all(_is_plain(state, value) for value in given)


def _is_plain(state: State, value: Value) -> bool:
    """Tell whether a value holds neither numbers that can be differentiated nor functions."""
    return isinstance(value, (Known, Leaf, Items, Mapping)) and not holds_float(state, [value])


# ---------------------------------------------------------------------------- the rule table


def call_entry(
    state: State, entry: Any, fn: Any, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Call a function that has a derivative rule."""
    if is_folded(state, fn, args, kwargs):
        return fold(state, fn, args, kwargs)
    if fn is np.where and len(args) == 1 and not kwargs:
        return call(state, Known(np.nonzero), args, {})
    if isinstance(entry, PiecewiseConstant) or not holds_float(state, [*args, *kwargs.values()]):
        return plain_call(state, fn, args, kwargs)
    if isinstance(entry, Composite):
        return _composite(state, entry, args, kwargs)
    return _primitive(state, entry, fn, args, kwargs)


def _composite(
    state: State, entry: Composite, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Inline the body; where that cannot be, let the tape follow the call."""
    body = functions.function_value(state, entry.body)
    mark = len(state.block)
    if body is not None:
        try:
            found = functions.inline(state, body, args, kwargs)
            given = [x for arg in (*args, *kwargs.values()) for x in leaves(arg)]
            return ownership.own_where_changed(state, found, given)
        except (UnsupportedError, ArgumentError):
            del state.block[mark:]
    return opaque(state, entry.fn, args, kwargs)


def _primitive(
    state: State, entry: Primitive, fn: Any, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    if isinstance(fn, np.ufunc):
        return _ufunc(state, fn, args, kwargs)
    bound = _bound_names(state, entry, args, kwargs)
    _check_static(state, entry, bound)
    differentiable = set(entry.args) | {
        p.name for p in entry.parameters if p.kind is p.VAR_POSITIONAL
    }

    def given(name: str, value: Value) -> Value:
        return as_array(state, value) if name in differentiable else _by_value(value)

    args = [given(_name_at(entry, k), a) for k, a in enumerate(args)]
    kwargs = {k: given(k, v) for k, v in kwargs.items() if not _is_default(entry, k, v)}
    return plain_call(state, fn, args, kwargs)


def _by_value(value: Value) -> Value:
    """Return a value that is known without the name that it has in the program: a rule reads it."""
    if isinstance(value, Items):
        return Items([_by_value(item) for item in value.items], value.kind, value.cls)
    return Known(value.value) if isinstance(value, Known) else value


def _is_default(entry: Primitive, name: str, value: Value) -> bool:
    """Tell whether an argument says what the rule takes for granted."""
    default = next((p.default for p in entry.parameters if p.name == name), inspect.Parameter.empty)
    ok, found = known(value)
    return ok and type(found) is type(default) and bool(found is default or found == default)


def _name_at(entry: Primitive, k: int) -> str:
    parameters = entry.parameters
    if parameters and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return parameters[0].name
    return parameters[k].name if k < len(parameters) else ""


def as_array(state: State, value: Value) -> Value:
    """A list of traced numbers becomes an array."""
    if isinstance(value, Items):
        from .constructors import array_of

        return array_of(state, value)
    return value


def _bound_names(
    state: State, entry: Primitive, args: list[Value], kwargs: dict[str, Value]
) -> dict[str, Value]:
    """Check a call against the rule's parameters; return its arguments by name."""
    entry_error = None
    try:
        entry.bind_checked(args, kwargs)
    except UnsupportedError as error:
        entry_error = error
    if entry_error is not None:
        raise state.error(entry_error.problem, entry_error.instead)
    return {**{_name_at(entry, k): a for k, a in enumerate(args)}, **kwargs}


_STATIC = frozenset(
    {
        *("axis", "axes", "axis1", "axis2", "axisa", "axisb", "axisc", "source", "destination"),
        *("ndim", "keepdims", "dtype", "order", "mode", "ddof", "correction", "n", "subscripts"),
    }
)


def _check_static(state: State, entry: Primitive, bound: dict[str, Value]) -> None:
    """What decides the structure of the result must be known."""
    for name, value in bound.items():
        if name in _STATIC and name not in entry.args:
            for part in value.items if isinstance(value, Items) else [value]:
                if isinstance(part, Leaf):
                    state.static(part, f"{name} of {entry.name}")


def _ufunc(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """A ufunc: casts that ``dtype`` asks for are written out, ``where`` needs an ``out``."""
    kwargs = {k: v for k, v in kwargs.items() if k not in ("casting", "subok")}
    dtype, order = kwargs.pop("dtype", None), kwargs.pop("order", None)
    where = kwargs.pop("where", None)
    if where is not None and known(where) != (True, True):
        raise state.error(
            f"np.{fn.__name__} with where= and without out= leaves elements undefined",
            "use np.where(condition, ..., 0), or give out=",
        )
    args = [as_array(state, a) for a in args]
    found = plain_call(state, fn, args, kwargs)
    if dtype is not None and not is_none(dtype):
        from .methods import cast

        found = cast(state, found, dtype)
    if order is None:
        return found
    from .layouts import ordered

    return ordered(state, found, order)
