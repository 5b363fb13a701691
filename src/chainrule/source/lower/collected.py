"""Containers of ``collections``: deques are lists, the rest are dicts, as far as they are read."""

from __future__ import annotations

import collections
import functools
from typing import Any

import numpy as np

from ..values import Items, Known, Mapping, Value
from . import calls
from .containers import EMPTY, NONE, ONE, ZERO, Deque, is_none, items_of, settle
from .intrinsics import intrinsic
from .operators import binary
from .state import State


@functools.cache
def _of_length(maxlen: int | None) -> type[Deque]:
    return type("deque", (Deque,), {"maxlen": maxlen})


@intrinsic(collections.deque)
def _deque(state: State, iterable: Value = EMPTY, maxlen: Value = NONE) -> Value:
    made = Items([], "list", _of_length(state.static(maxlen, "maxlen of a deque")))
    return _extend(state, made, iterable) and made


def _append(state: State, a: Items, value: Value) -> Value:
    a.items.append(settle(state, value))
    if a.cls.maxlen is not None:
        del a.items[: max(len(a.items) - a.cls.maxlen, 0)]
    return NONE


def _append_left(state: State, a: Items, value: Value) -> Value:
    a.items.insert(0, settle(state, value))
    if a.cls.maxlen is not None:
        del a.items[a.cls.maxlen :]
    return NONE


def _extend(state: State, a: Items, values: Value) -> Value:
    for value in items_of(state, values):
        _append(state, a, value)
    return NONE


def _extend_left(state: State, a: Items, values: Value) -> Value:
    for value in items_of(state, values):
        _append_left(state, a, value)
    return NONE


def _pop_left(state: State, a: Items) -> Value:
    if not a.items:
        raise state.error("popleft of a deque that is empty", "test its length before")
    return a.items.pop(0)


def _rotate(state: State, a: Items, n: Value = ONE) -> Value:
    moved: collections.deque[Value] = collections.deque(a.items)
    moved.rotate(state.static(n, "by how much a deque is rotated"))
    a.items[:] = moved
    return NONE


DEQUE: dict[str, Any] = {
    "append": _append,
    "appendleft": _append_left,
    "extend": _extend,
    "extendleft": _extend_left,
    "popleft": _pop_left,
    "rotate": _rotate,
    "copy": lambda state, a: Items(list(a.items), "list", a.cls),
}
"""Methods of deques, beside those of lists."""


@intrinsic(collections.OrderedDict)
def _ordered(state: State, *args: Value, **named: Value) -> Value:
    return calls.call(state, Known(dict), list(args), named)


@intrinsic(collections.defaultdict)
def _default(state: State, factory: Value = NONE, *args: Value, **named: Value) -> Value:
    made = calls.call(state, Known(dict), list(args), named)
    assert isinstance(made, Mapping)
    made.factory = None if is_none(factory) else factory
    return made


@intrinsic(collections.Counter)
def _counter(state: State, values: Value = EMPTY, **named: Value) -> Value:
    if isinstance(values, Mapping):
        made = Mapping(dict(values.items))
    else:
        made = Mapping({})
        for value in items_of(state, values):
            key = state.static(value, "what is counted")
            made.items[key] = binary(state, np.add, made.items.get(key, ZERO), Known(1))
    made.items.update(named)
    made.factory = Known(int)
    return made
