"""What an expression of the user's function may be, and what its calls do to traced values."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import sys
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import _is_users_file
from .frames import (
    Bound,
    Closure,
    Derived,
    Frame,
    Made,
    Ref,
    attribute_of,
    method_of_made,
    of_object,
)
from .questions import is_one_of, question
from .rules import (
    FACTS,
    GIVEN,
    MAKING_DERIVATIVES,
    NOTHING,
    PLAIN,
    PLAIN_IN,
    TRACED,
    Outcome,
    Value,
    arithmetic,
    boxed,
    call_of,
    element,
    is_list_of_traced,
    is_transform,
    join,
    method_of,
    untraced,
)

if TYPE_CHECKING:
    from .reading import Reading


def value(reading: Reading, node: ast.expr, frame: Frame) -> Value:
    """Return what an expression may be."""

    def of(part: ast.expr) -> Value:
        return value(reading, part, frame)

    match node:
        case ast.Constant():
            return NOTHING
        case ast.Name():
            return _name(reading, node, frame)
        case ast.Attribute():
            return _attribute(reading, of(node.value), node.attr)
        case ast.Subscript():
            return _item(reading, node, of(node.value), of(node.slice), frame)
        case ast.Call():
            return _call(reading, node, frame)
        case ast.BinOp():
            return _operator(reading, node, of(node.left), of(node.right), frame)
        case ast.UnaryOp():
            operand = of(node.operand)
            return NOTHING if isinstance(node.op, ast.Not) else arithmetic(operand)
        case ast.Compare():
            for part in (node.left, *node.comparators):
                of(part)
                if _is_type(reading, part, frame):
                    reading.alarm(node, frame, "the type of a traced value is compared")
            return NOTHING
        case ast.BoolOp():
            return join(*map(of, node.values))
        case ast.IfExp():
            of(node.test)
            return join(of(node.body), of(node.orelse))
        case ast.List() | ast.Tuple() | ast.Set():
            return boxed(*map(of, node.elts))
        case ast.Dict():
            return boxed(*map(of, node.values))
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for generator in node.generators:
                reading.iterate(generator.target, generator.iter, frame)
                for condition in generator.ifs:
                    of(condition)
            return boxed(of(node.value if isinstance(node, ast.DictComp) else node.elt))
        case ast.Lambda():
            return Value(0, frozenset([Closure(node, frame)]))
        case ast.NamedExpr():
            reading.assign(node.target, node.value, frame)
            return of(node.target)
        case ast.Starred():
            return element(of(node.value))
    reading.other(node, frame)
    return NOTHING


def _is_type(reading: Reading, node: ast.expr, frame: Frame) -> bool:
    """Tell whether an expression is ``type(x)`` of a traced value."""
    return (
        isinstance(node, ast.Call)
        and len(node.args) == 1
        and is_one_of(value(reading, node.func, frame), type)
        and bool(value(reading, node.args[0], frame).bits & TRACED)
    )


def _name(reading: Reading, node: ast.Name, frame: Frame) -> Value:
    owner = frame.owner(node.id)
    if owner is not None:
        return owner.names[node.id]
    found = frame.outside(node.id)
    if found is None:
        return NOTHING
    holder, name, thing = found
    reading.outside[id(holder), name] = found
    return of_object(thing)


def _attribute(reading: Reading, base: Value, name: str) -> Value:
    if name in FACTS:
        return NOTHING
    for ref in base.refs:
        if isinstance(ref, Ref) and isinstance(ref.object, types.ModuleType):
            found = vars(ref.object).get(name)
            if is_users(found):
                reading.outside[id(vars(ref.object)), name] = vars(ref.object), name, found
    known = [attribute_of(ref.object, name) for ref in base.refs if isinstance(ref, Ref)]
    known += [method_of_made(r, base.bits, name) for r in base.refs if isinstance(r, Made)]
    inner = element(base) if base.bits & ~(PLAIN | GIVEN) else base
    return join(Value(inner.bits | base.bits & (PLAIN | GIVEN), _stored(base)), *known)


def _stored(base: Value) -> frozenset[Any]:
    """Return the functions that a container may hold as attributes; not the objects themselves."""
    return frozenset(ref for ref in base.refs if isinstance(ref, Closure | Bound))


def _item(reading: Reading, node: ast.Subscript, base: Value, index: Value, frame: Frame) -> Value:
    if index.traced and is_one_of(base, np.r_, np.c_):
        reading.alarm(node, frame, f"{ast.unparse(node.value)} joins traced values")
        return Value(TRACED)
    if is_one_of(base, np.mgrid, np.ogrid):
        return Value(PLAIN | PLAIN_IN)
    view = base.bits & PLAIN if _has_slice(node.slice) else 0
    found = element(base)
    return Value(found.bits | view, found.refs)


def _has_slice(index: ast.expr) -> bool:
    """Tell whether an index leaves axes: ``a[i]`` is taken for a number, ``a[1:]`` for an array."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return any(
        isinstance(p, ast.Slice) or (isinstance(p, ast.Constant) and not isinstance(p.value, int))
        for p in parts
    )


def _operator(reading: Reading, node: ast.BinOp, left: Value, right: Value, frame: Frame) -> Value:
    for one, other in ((left, right), (right, left)):
        if is_list_of_traced(one) and other.bits & PLAIN:
            reading.alarm(node, frame, "a list of traced values meets a plain array")
            return Value(TRACED)
    if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant | ast.JoinedStr):
        if right.traced and not isinstance(getattr(node.left, "value", ""), int | float):
            reading.alarm(node, frame, "a traced value is formatted by %")
        return arithmetic(right) if isinstance(node.left, ast.Constant) else NOTHING
    return arithmetic(left, right)


# -- calls -----------------------------------------------------------------------------------------


def _call(reading: Reading, node: ast.Call, frame: Frame) -> Value:
    args, kwargs, rest = _arguments(reading, node, frame)
    callee = value(reading, node.func, frame)
    if callee.refs:
        found = apply(reading, callee, args, kwargs, rest)
    elif isinstance(node.func, ast.Attribute):
        base = value(reading, node.func.value, frame)
        found = method_of(base, node.func.attr, [*args, rest] if rest.bits else args, kwargs)
    else:
        found = Outcome(Value(join(rest, *args, *kwargs.values()).bits))
    alarm = found.alarm or question(callee, node, args)
    if alarm:
        reading.alarm(node, frame, alarm)
    if found.refused:
        reading.refuse(node, frame, found.refused)
    given: dict[int | str | None, ast.expr] = dict(enumerate(node.args))
    if isinstance(node.func, ast.Attribute):
        given["self"] = node.func.value
    given |= {keyword.arg: keyword.value for keyword in node.keywords}
    for key, stored in found.written.items():
        if key in given:
            reading.taint(given[key], stored, frame)
    return found.value


def _arguments(
    reading: Reading, node: ast.Call, frame: Frame
) -> tuple[list[Value], dict[str, Value], Value]:
    """Return positional and named arguments, and what may be at any position (``*values``)."""
    args: list[Value] = []
    rest = NOTHING
    for part in node.args:
        spread = isinstance(part, ast.Starred) and isinstance(part.value, ast.Name)
        if spread and part.value.id in frame.spread:  # type: ignore[attr-defined]
            args += frame.spread[part.value.id]  # type: ignore[attr-defined]
        elif isinstance(part, ast.Starred):
            rest = join(rest, value(reading, part, frame))
        else:
            args.append(value(reading, part, frame))
    kwargs: dict[str, Value] = {}
    for keyword in node.keywords:
        given = value(reading, keyword.value, frame)
        if keyword.arg is None:
            rest = join(rest, element(given))
        else:
            kwargs[keyword.arg] = given
    return args, kwargs, rest


def apply(
    reading: Reading,
    callee: Value,
    args: Sequence[Value],
    kwargs: Mapping[str, Value],
    rest: Value = NOTHING,
) -> Outcome:
    """Call whatever the callee may be."""
    refs = set(callee.refs)
    for made in [ref for ref in refs if isinstance(ref, Made)]:
        refs.remove(made)
        refs |= method_of_made(made, callee.bits, "__call__").refs
    found = [_apply_one(reading, ref, args, kwargs, rest) for ref in refs]
    written: dict[int | str, Value] = {}
    for outcome in found:
        for key, stored in outcome.written.items():
            written[key] = join(written.get(key, NOTHING), stored)
    return Outcome(
        join(*[outcome.value for outcome in found]),
        next((outcome.alarm for outcome in found if outcome.alarm), ""),
        written,
        next((outcome.refused for outcome in found if outcome.refused), ""),
    )


def _apply_one(
    reading: Reading, ref: Any, args: Sequence[Value], kwargs: Mapping[str, Value], rest: Value
) -> Outcome:
    if isinstance(ref, Closure):
        return reading.closure(ref, args, kwargs, rest)
    if isinstance(ref, Bound):
        given = {**dict(ref.kwargs), **kwargs}
        outcome = _apply_one(reading, ref.function, [*ref.args, *args], given, rest)
        return outcome._replace(written=_shifted(outcome.written, len(ref.args)))
    if isinstance(ref, Derived):
        plain = [untraced(x) for x in (*args, *kwargs.values(), rest)]
        given = dict(zip(kwargs, plain[len(args) :], strict=False))
        outcome = _apply_one(reading, ref.function, plain[: len(args)], given, plain[-1])
        bits = join(outcome.value, *args, *kwargs.values(), rest).bits
        return outcome._replace(value=Value(bits), written={})
    fn = ref.object
    if isinstance(fn, functools.partial):
        first = Bound(
            Ref(id(fn.func), fn.func), tuple(map(of_object, fn.args)), _frozen(fn.keywords)
        )
        return _apply_one(reading, first, args, kwargs, rest)
    if isinstance(fn, types.MethodType):
        first = Bound(Ref(id(fn.__func__), fn.__func__), (of_object(fn.__self__),))
        return _apply_one(reading, first, args, kwargs, rest)
    if fn is functools.partial and args:
        bound = [Bound(given, tuple(args[1:]), tuple(kwargs.items())) for given in args[0].refs]
        return Outcome(Value(0, frozenset(bound)))
    if fn is functools.reduce and len(args) > 1:
        parts = join(*map(element, args[1:]), *args[2:])
        return apply(reading, args[0], [parts, parts], {})._replace(written={})
    if is_transform(fn) and args and args[0].refs:
        return _differentiated(reading, fn.__name__, args, kwargs)
    if fn is map and len(args) > 1:
        outcome = apply(reading, args[0], [element(arg) for arg in args[1:]], {})
        return outcome._replace(value=boxed(outcome.value), written={})
    if is_users(fn):
        return reading.function(fn, args, kwargs, rest)
    if isinstance(fn, type) and _is_users_class(fn):
        return _make(reading, fn, args, kwargs, rest)
    method = users_call(fn)
    if method is not None:
        return reading.function(method, [of_object(fn), *args], kwargs, rest)
    return call_of(fn, [*args, rest] if rest.bits else args, kwargs)


def _differentiated(
    reading: Reading, name: str, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Outcome:
    """Take a derivative of a function.

    The tape records a call of it, whichever engine takes the inner derivative. It cannot follow
    what the function closes over: so the function is read with arguments that are not traced.
    """
    f, *given = args
    derived = frozenset(map(Derived, f.refs))
    if name in MAKING_DERIVATIVES:
        return Outcome(Value(f.bits, derived))
    rest = boxed(*given, *kwargs.values())
    found = apply(reading, Value(f.bits, derived), [], {}, rest)
    return found._replace(value=boxed(found.value))


def _make(
    reading: Reading, cls: type, args: Sequence[Value], kwargs: Mapping[str, Value], rest: Value
) -> Outcome:
    """Make an object of a user's class: it holds what it is given and what ``__init__`` stores."""
    content = boxed(rest, *args, *kwargs.values())
    made = frozenset([Made(cls)])
    name = "__post_init__" if dataclasses.is_dataclass(cls) else "__init__"
    initial = inspect.getattr_static(cls, name, None)
    if is_users(initial):
        given = [] if name == "__post_init__" else args
        done = reading.function(initial, [Value(content.bits, made), *given], kwargs, rest)
        content = join(content, done.written.get(0, NOTHING))
    return Outcome(Value(content.bits, content.refs | made))


def _is_users_class(cls: type) -> bool:
    module = sys.modules.get(cls.__module__)
    return (
        _is_users_file(getattr(module, "__file__", None) or "<here>")
        and cls.__module__ != "builtins"
    )


def users_call(fn: Any) -> types.FunctionType | None:
    """Return the ``__call__`` of an object of a user's class."""
    method = inspect.getattr_static(type(fn), "__call__", None)
    return method if is_users(method) else None


def is_users(fn: Any) -> bool:
    """Tell whether it is a Python function, and not of chainrule, NumPy or the standard library."""
    return isinstance(fn, types.FunctionType) and _is_users_file(fn.__code__.co_filename)


def _frozen(keywords: Mapping[str, Any]) -> tuple[tuple[str, Value], ...]:
    return tuple((name, of_object(given)) for name, given in keywords.items())


def _shifted(written: Mapping[int | str, Value], count: int) -> dict[int | str, Value]:
    """Renumber positions for a caller who does not give the first arguments."""
    return {
        ("self" if key == 0 else key)
        if isinstance(key, str) or key < count
        else key - count: stored
        for key, stored in written.items()
    }
