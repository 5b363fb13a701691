"""Calls emitted as they are: their types, their results taken apart; calls made already now."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..ir import Access, Call, Effect, Expr, Index, Lit, Opaque, Var, children, names_in
from ..names import public_name
from ..results import result_type, spec_of
from ..samples import Sized
from ..types import INT, NONE, OBJECT, Type, type_of
from ..values import Items, Known, Leaf, Mapping, Record, Value
from .containers import Cut, describe, expression, known, lift, uncut
from .operators import operand
from .purity import (
    declared_type,
    is_message,
    is_pure,
    is_random,
    is_reader,
    is_standard,
    module_of,
    sampled,
)
from .state import State, in_rule


def holds_float(state: State, values: list[Value]) -> bool:
    """Tell whether there is a number among the values that may depend on the inputs."""
    found = (leaf for value in values for leaf in leaves(value))
    return any(
        leaf.type.is_differentiable and not isinstance(leaf, Cut) and varies(state, leaf.expr)
        for leaf in found
    )


def varies(state: State, expr: Expr) -> bool:
    """Tell whether an expression may depend on the inputs; what is made of constants does not.

    Follows the definitions of variables back, without recursion: they may be many.
    """
    asked = names_in(expr)
    seen: set[str] = set()
    pending = [expr]
    while pending:
        part = pending.pop()
        if not part.type.is_differentiable and part.type.kind != "object":
            continue
        if isinstance(part, Var):
            if part.name in seen or part.name in state.hidden or part.name in state.constants:
                continue
            seen.add(part.name)
            definition = state.definitions.get(part.name)
            is_shared = part.name in state.buffers or part.name in state.roots
            if definition is None or is_shared or part.name in state.varying:
                state.varying |= asked & seen
                return True
            pending.append(definition)
        elif isinstance(part, Access):
            return True
        else:
            pending += [part.base] if isinstance(part, Index) else list(children(part))
    return False


def leaves(value: Value) -> Iterator[Leaf]:
    """Yield what is not known in a value."""
    match value:
        case Leaf():
            yield value
        case Items(items=items):
            for item in items:
                yield from leaves(item)
        case Mapping(items=entries):
            for item in entries.values():
                yield from leaves(item)
        case Record(attributes=attributes):
            for item in attributes.values():
                yield from leaves(item)


def spec(value: Value) -> Any:
    """Return what is known of an argument, as ``results`` takes it."""
    match value:
        case Known(value=found):
            return found
        case Leaf():
            if value.type == OBJECT:
                return spec_of(value.expr)
            is_size = value.size is not None and value.type.kind == "python"
            return Sized(value.size) if is_size else value.type
        case Items(items=items, kind=kind):
            parts = [spec(item) for item in items]
            if kind == "slice":
                return slice(*parts)
            return parts if kind == "list" else tuple(parts)
        case Mapping(items=entries):
            return {key: spec(item) for key, item in entries.items()}
    return value


def plain_call(
    state: State, fn: Any, args: list[Value], kwargs: dict[str, Value], result: Any = None
) -> Value:
    """Emit a call as it is; its type is found by calling the function on samples."""
    if result is None:
        result = typed(state, fn, args, kwargs)
    if isinstance(result, Type) and not result.is_differentiable:
        args, kwargs = [uncut(a) for a in args], {k: uncut(v) for k, v in kwargs.items()}
    exprs = tuple(operand(state, a) for a in args)
    named = tuple((key, operand(state, value)) for key, value in kwargs.items())
    return unpacked(state, lambda found: Call(found, fn, exprs, named), result)


def typed(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Any:
    """Return the type of a call's result."""
    try:
        return result_type(fn, [spec(a) for a in args], {k: spec(v) for k, v in kwargs.items()})
    except Exception as error:
        name = getattr(fn, "__name__", str(fn))
        shown = ", ".join(_shown(a) for a in args)
        raise state.error(
            f"{name}({shown}): {type(error).__name__}: {error}",
            f"call {name} with arguments that fit",
        ) from None


def _shown(value: Value) -> str:
    ok, found = known(value)
    if ok:
        return repr(found)
    return str(value.type) if isinstance(value, Leaf) else describe(value)


def unpacked(state: State, make: Callable[[Type], Expr], result: Any) -> Value:
    """Return the value of a call; several results are taken apart."""
    if isinstance(result, Type):
        return Known(None) if result == NONE else Leaf(make(result))
    whole = state.temporary(make(OBJECT))
    return _parts(state, whole, result)


def _parts(state: State, whole: Expr, result: Any) -> Value:
    found: list[Value] = []
    for k, part in enumerate(result):
        if isinstance(part, Type):
            found.append(Leaf(Index(part, whole, (Lit(INT, k),))))
        else:
            found.append(_parts(state, Index(OBJECT, whole, (Lit(INT, k),)), part))
    cls = type(result) if hasattr(result, "_fields") else None
    return Items(found, "list" if isinstance(result, list) else "tuple", cls)


def call_other(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Call a function that has neither a rule nor a source."""
    if is_folded(state, fn, args, kwargs):
        return fold(state, fn, args, kwargs)
    given = [*args, *kwargs.values()]
    if is_random(fn) or is_message(fn):
        return _drawn(state, fn, args, kwargs)
    if holds_float(state, given):
        return _followed(state, fn, args, kwargs)
    if is_pure(fn):
        return plain_call(state, fn, args, kwargs)
    if is_reader(fn) or any(_can_change(part) for part in given):
        raise _unreadable(state, fn)
    return effect(state, fn, args, kwargs, declared_type(fn))


def _can_change(value: Value) -> bool:
    """Tell a container that a function of which nothing is known might change."""
    is_list = isinstance(value, Items) and value.kind == "list"
    return (
        is_list
        or isinstance(value, (Mapping, Record))
        or not isinstance(value, (Known, Leaf, Items))
    )


def _drawn(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Draw random numbers, or say something."""
    if is_message(fn):
        return effect(state, fn, args, kwargs, NONE)
    return effect(state, fn, args, kwargs, drawn_type(state, sampled(fn), args, kwargs))


def drawn_type(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Any:
    """Return the type of a draw; ``fn`` belongs to a generator of its own."""
    name = getattr(fn, "__name__", str(fn))
    if name == "shuffle":
        raise state.error(
            "shuffle changes its argument in place",
            "index with a permutation: x[rng.permutation(n)]",
        )
    if holds_float(state, [*args, *kwargs.values()]):
        raise state.error(
            f"The parameters of {name} are numbers of the program: a draw has no derivative",
            "shift and scale standard values: mu + sigma * rng.standard_normal(n)",
        )
    return typed(state, fn, args, kwargs)


def call_object(
    state: State, receiver: Leaf, name: str, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Call a method of an object that is looked at when the program runs, such as a logger."""
    read = state.hidden.get(receiver.expr.name) if isinstance(receiver.expr, Var) else None
    fn = getattr(read(), name, None) if read is not None else None
    found = OBJECT if fn is None else declared_type(fn)
    given = [*args, *kwargs.values()]
    is_quiet = found != NONE and (holds_float(state, given) or any(map(_can_change, given)))
    if is_quiet or (fn is None and read is not None):
        raise state.error(
            f"The method {name} of an object that is not known when the program is made",
            "pass arrays, containers of arrays, or a random generator",
        )
    method = Call(OBJECT, getattr, (operand(state, receiver), Lit(OBJECT, name)))
    return effect(state, operator.call, [Leaf(method), *args], kwargs, found)


def _followed(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Let the tape follow a function, if it is Python's."""
    if isinstance(fn, np.ufunc) or module_of(fn) in ("numpy", "scipy"):
        if is_reader(fn):
            raise _unreadable(state, fn)
        raise state.error(
            f"{public(fn)} has no derivative rule",
            "give it one with cr.primitive, or write it with functions that have",
        )
    if is_standard(fn):
        raise _unreadable(state, fn)
    return opaque(state, fn, args, kwargs)


def _unreadable(state: State, fn: Any) -> Exception:
    return state.error(
        f"{public(fn)} is not in the language of the source engine",
        "do it outside of the function, or write it with NumPy",
    )


def public(fn: Any) -> str:
    """Return the name of a function as a user knows it, for messages."""
    found = public_name(fn)
    if found is None:
        return str(getattr(fn, "__qualname__", None) or getattr(fn, "__name__", None) or fn)
    module, name = found
    if module == "builtins":
        return name
    return f"{'np' if module == 'numpy' else module.lstrip('_')}.{name}"


def effect(
    state: State, fn: Any, args: list[Value], kwargs: dict[str, Value], result: Any = None
) -> Value:
    """Emit a call that must happen once, where it stands; its result is a constant."""
    if result is None:
        result = typed(state, fn, args, kwargs)
    exprs = tuple(operand(state, a) for a in args)
    named = tuple((key, operand(state, value)) for key, value in kwargs.items())
    if isinstance(result, Type) and result == NONE:
        state.emit(Effect(Call(NONE, fn, exprs, named)))
        return Known(None)
    found = result if isinstance(result, Type) else OBJECT
    name = state.fresh("drawn")
    state.types[name] = found
    state.constants.add(name)
    state.emit(Effect(Call(found, fn, exprs, named), (name,)))
    whole = Var(found, name)
    return Leaf(whole) if isinstance(result, Type) else _parts(state, whole, result)


def opaque(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Emit a call that only the tape can follow."""
    result = typed(state, fn, args, kwargs)
    options = {key: known(value) for key, value in kwargs.items()}
    if not all(ok for ok, _ in options.values()):
        raise state.error(
            f"{getattr(fn, '__name__', fn)} has no rule that the source engine can read, and takes "
            "keyword arguments that are not known",
            "pass arrays by position",
        )
    if options:
        fn = functools.partial(fn, **{key: value for key, (_, value) in options.items()})
    exprs = tuple(operand(state, a) for a in args)
    found = result if isinstance(result, Type) else OBJECT
    name = state.fresh("y")
    state.types[name] = found
    state.emit(Opaque(name, fn, exprs, found))
    whole = Var(found, name)
    return Leaf(whole) if isinstance(result, Type) else _parts(state, whole, result)


# -------------------------------------------------------------------------- what is known now


def is_folded(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> bool:
    """Tell whether to make a call now: all is known, and the result is small."""
    if not all(known(v)[0] for v in (*args, *kwargs.values())):
        return False
    if in_rule(state):
        return True
    if fn in _MAKERS or not is_pure(fn):
        return False
    if module_of(fn) in ("numpy", "scipy") and not isinstance(fn, type):
        return all(np.ndim(known(a)[1]) == 0 for a in args if not _is_text(a))
    return True


_MAKERS: frozenset[Any] = frozenset(
    {np.zeros, np.ones, np.empty, np.full, np.eye, np.identity, np.arange, np.tri}
)


def _is_text(value: Value) -> bool:
    return isinstance(value, Known) and isinstance(value.value, (str, type, np.dtype))


def fold(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Call a function now."""
    given = [known(a)[1] for a in args]
    options = {key: known(value)[1] for key, value in kwargs.items()}
    try:
        with np.errstate(all="ignore"):
            found = fn(*given, **options)
    except Exception as error:
        raise state.error(
            f"{getattr(fn, '__name__', fn)}({', '.join(map(repr, given))}): {error}",
            "call it with arguments that it takes",
        ) from None
    result = lift(list(found) if _is_finite(found) else found)
    is_number = isinstance(result, Known) and isinstance(found, (np.generic, np.ndarray))
    if is_number and not (in_rule(state) and found.size <= 16):
        exprs = tuple(expression(state, a) for a in args)
        named = tuple((key, expression(state, value)) for key, value in kwargs.items())
        assert isinstance(result, Known)
        result.name = Call(type_of(found), fn, exprs, named)
    return result


def _is_finite(found: Any) -> bool:
    """Tell an iterator that ends."""
    endless = (itertools.count, itertools.cycle, itertools.repeat)
    return isinstance(found, Iterator) and not isinstance(found, endless)
