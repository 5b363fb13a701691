"""Calls of classes: namedtuples, dataclasses, NumPy scalars, exceptions, the user's objects."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
from typing import Any

import numpy as np

from ..ir import Call
from ..types import OBJECT
from ..values import Items, Known, Leaf, Record, Value
from . import calls
from .attributes import Parents, type_value
from .containers import known, lift, settle
from .intrinsics import intrinsic
from .operators import operand
from .purity import is_library, is_pure, is_random, is_standard
from .state import State


def construct(state: State, cls: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Call a class."""
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        _check_making(state, cls, "_fields")
        return _namedtuple(state, cls, args, kwargs)
    if dataclasses.is_dataclass(cls) and _has_generated_init(cls):
        _check_making(state, cls)
        return _dataclass(state, cls, args, kwargs)
    if issubclass(cls, np.generic):
        return _scalar(state, cls, args, kwargs)
    if issubclass(cls, BaseException):
        exprs = tuple(operand(state, a) for a in args)
        return Leaf(Call(OBJECT, cls, exprs))
    if is_random(cls):
        return calls.effect(state, cls, args, kwargs)
    if is_pure(cls) and (is_library(cls) or issubclass(cls, enum.Enum)):
        if all(known(v)[0] for v in (*args, *kwargs.values())):
            return calls.fold(state, cls, args, kwargs)
        return calls.call_other(state, cls, args, kwargs)
    if cls is types.SimpleNamespace and not args:
        return Record(cls, {k: settle(state, v) for k, v in kwargs.items()})
    if is_standard(cls):
        return calls.call_other(state, cls, args, kwargs)
    return _object(state, cls, args, kwargs)


def _namedtuple(state: State, cls: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    given = dict(zip(cls._fields, args, strict=False))
    defaults = {key: lift(value) for key, value in cls._field_defaults.items()}
    found = {**defaults, **given, **kwargs}
    missing = [name for name in cls._fields if name not in found]
    if missing or len(args) > len(cls._fields):
        raise state.error(f"{cls.__name__} takes {', '.join(cls._fields)}", "give all of them")
    return Items([settle(state, found[name]) for name in cls._fields], "tuple", cls)


def _has_generated_init(cls: Any) -> bool:
    """Tell whether the constructor is one that ``dataclasses`` has written."""
    init = cls.__init__
    return isinstance(init, types.FunctionType) and init.__code__.co_filename == "<string>"


def _check_making(state: State, cls: Any, mark: str = "") -> None:
    """Refuse a class that says itself what calling it does, other than by ``__init__``."""
    home = next(c for c in cls.__mro__ if "__new__" in vars(c))
    is_usual = home is object or (mark in vars(home))
    if mark:
        is_usual = is_usual and cls.__init__ is object.__init__
    if type(cls).__call__ is not type.__call__ or not is_usual:
        raise state.error(
            f"The class {cls.__name__} is made in a way of its own (__new__, or a metaclass)",
            "give it an __init__ alone, or call a function that makes it",
        )


def _dataclass(state: State, cls: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    places = inspect.signature(cls).parameters.values()
    names = [p.name for p in places if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    declared = [f for f in cls.__dataclass_fields__.values() if f.init or _has_factory(f)]
    found = {**dict(zip(names, args, strict=False)), **kwargs}
    for f in declared:
        if f.name not in found and _has_factory(f):
            found[f.name] = calls.call(state, Known(f.default_factory), [], {})
        elif f.name not in found and f.default is not dataclasses.MISSING:
            found[f.name] = lift(f.default)
    fields = [f for f in dataclasses.fields(cls) if f.init or _has_factory(f)]
    wanted = [*(p.name for p in places), *(f.name for f in fields)]
    missing = [name for name in dict.fromkeys(wanted) if name not in found]
    if missing:
        raise state.error(f"{cls.__name__} lacks {', '.join(missing)}", "give all fields")
    made = Record(cls, {f.name: settle(state, found[f.name]) for f in fields})
    if hasattr(cls, "__post_init__"):
        passed = [name for name in found if name in names and name not in made.attributes]
        rest = sorted(passed, key=names.index)
        calls.call_attribute(state, made, "__post_init__", [found[name] for name in rest])
    return made


def _has_factory(f: dataclasses.Field[Any]) -> bool:
    return f.default_factory is not dataclasses.MISSING


def _object(state: State, cls: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    _check_making(state, cls)
    made = Record(cls, {})
    if cls.__init__ is not object.__init__:
        calls.call_attribute(state, made, "__init__", args, kwargs)
    return made


def _scalar(state: State, cls: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """``np.float64(x)`` and its like: a cast."""
    if not args or (known(args[0])[0] and np.ndim(known(args[0])[1]) == 0):
        return calls.fold(state, cls, args, kwargs)
    from .constructors import array_of
    from .methods import cast

    value = args[0]
    if not isinstance(value, Leaf):
        value = array_of(state, value)
    return cast(state, value, Known(cls))


@intrinsic(np.dtype)
def _dtype(state: State, x: Value, *rest: Value) -> Value:
    return Known(np.dtype(state.static(x, "a dtype")))


@intrinsic(super)
def _super(state: State, *args: Value) -> Value:
    """``super()`` of a method of the user: a look-up that starts behind its class."""
    scope, receiver = state.scope, next(iter(state.scope.variables.values()), None)
    cell = scope.outer.cells.get("__class__") if scope.outer is not None else None
    if args and isinstance(args[0], Known):
        cls, receiver = args[0].value, args[1]
    else:
        cls = None if cell is None else cell.cell_contents
    of = type_value(receiver) if receiver is not None else None
    if not isinstance(cls, type) or not isinstance(of, type) or receiver is None:
        raise state.error("super() outside of a method", "call the method of the class by its name")
    return Parents(receiver, of.__mro__[of.__mro__.index(cls) + 1 :])
