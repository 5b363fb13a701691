"""Methods of lists, tuples, namedtuples and dicts: done now, on the abstract containers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..values import Items, Known, Leaf, Mapping, Value, View
from .containers import FALSE, LAST, NONE, describe, is_none, items_of, known, lift, settle
from .operators import binary
from .state import State


def _append(state: State, a: Items, value: Value) -> Value:
    a.items.append(settle(state, value))
    return NONE


def _extend(state: State, a: Items, values: Value) -> Value:

    a.items.extend(settle(state, v) for v in items_of(state, values))
    return NONE


def _insert(state: State, a: Items, place: Value, value: Value) -> Value:
    a.items.insert(state.static(place, "the place of an insertion"), settle(state, value))
    return NONE


def _pop(state: State, a: Items, place: Value = LAST) -> Value:
    return a.items.pop(state.static(place, "the place that is popped"))


def _reverse(state: State, a: Items) -> Value:
    a.items.reverse()
    return NONE


def _sort(state: State, a: Items, *, key: Value = NONE, reverse: Value = FALSE) -> Value:
    from .ordering import in_order

    a.items[:] = in_order(state, list(a.items), key, reverse)
    return NONE


def _clear(state: State, a: Items) -> Value:
    a.items.clear()
    return NONE


def _index(state: State, a: Items, value: Value) -> Value:
    for k, item in enumerate(a.items):
        same = binary(state, np.equal, item, value)
        if known(same) == (True, True):
            return Known(k)
        if not isinstance(same, Known):
            assert isinstance(same, Leaf)
            state.ask(same)
            break
    raise state.error("The place of a value in a list is not known", "use known values")


def _count(state: State, a: Items, value: Value) -> Value:
    from .numbers import total

    return total(state, [binary(state, np.equal, item, value) for item in a.items])


LIST: dict[str, Any] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "reverse": _reverse,
    "sort": _sort,
    "clear": _clear,
    "copy": lambda state, a: Items(list(a.items), "list"),
}
SEQUENCE: dict[str, Any] = {
    "index": _index,
    "count": _count,
    "_replace": lambda state, a, /, **new: Items(
        [new.get(f, v) for f, v in zip(a.cls._fields, a.items, strict=True)], "tuple", a.cls
    ),
    "_asdict": lambda state, a: Mapping(dict(zip(a.cls._fields, a.items, strict=True))),
}


def _get(state: State, a: Mapping, key: Value, default: Value = NONE) -> Value:
    return a.items.get(state.static(key, "a key of a dict"), default)


def _dict_pop(state: State, a: Mapping, key: Value, *default: Value) -> Value:
    found = state.static(key, "a key of a dict")
    if found not in a.items and not default:
        raise state.error(f"The dict has no key {found!r}", "use a key that exists")
    return a.items.pop(found, *default)


def _update(state: State, a: Mapping, other: Value = NONE, /, **values: Value) -> Value:
    if isinstance(other, Mapping):
        a.items.update(other.items)
    elif not is_none(other):
        raise state.error(f"update of a dict by a {describe(other)}", "give a dict")
    a.items.update({key: settle(state, value) for key, value in values.items()})
    return NONE


def _set_default(state: State, a: Mapping, key: Value, default: Value = NONE) -> Value:
    return a.items.setdefault(state.static(key, "a key of a dict"), settle(state, default))


DICT: dict[str, Any] = {
    "keys": lambda state, a: View(lambda: [lift(key) for key in a.items]),
    "values": lambda state, a: View(lambda: list(a.items.values())),
    "items": lambda state, a: View(lambda: [Items([lift(k), v]) for k, v in a.items.items()]),
    "get": _get,
    "pop": _dict_pop,
    "update": _update,
    "setdefault": _set_default,
    "copy": lambda state, a: Mapping(dict(a.items), a.factory),
}

CHANGING = frozenset({*LIST, *DICT}) - {"copy", "keys", "values", "items", "get"}
"""Methods that change the container."""
