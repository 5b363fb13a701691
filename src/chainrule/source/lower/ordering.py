"""``sorted``, ``list.sort``, and ``min`` and ``max`` by a key: the order may depend on numbers.

Where it does, the keys become an array, ``np.argsort`` finds the places, and the items are
taken from there.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir import Var
from ..values import Items, Known, Leaf, Value
from . import calls, choices, memory, slots
from .constructors import array_of
from .containers import FALSE, NONE, describe, is_none, items_of, known
from .indexing import subscript
from .intrinsics import intrinsic
from .numbers import to_python
from .state import State


@intrinsic(sorted)
def _sorted(state: State, iterable: Value, *, key: Value = NONE, reverse: Value = FALSE) -> Value:
    return Items(in_order(state, items_of(state, iterable), key, reverse), "list")


def in_order(state: State, items: list[Value], key: Value, reverse: Value) -> list[Value]:
    """Return items in ascending order of their keys; equal ones stay as they are."""
    keys = keys_of(state, items, key)
    backwards = bool(state.static(reverse, "the direction of a sort"))
    fixed = _known_keys(keys)
    if fixed is not None:
        order = sorted(range(len(items)), key=fixed.__getitem__, reverse=backwards)
        return [items[k] for k in order]
    if backwards:  # which keeps the order of equal ones
        items, keys = items[::-1], keys[::-1]
    rows = [_parts(k) for k in keys] if _are_tuples(keys) else [[k] for k in keys]
    arrays = [_array(state, list(column)) for column in zip(*rows, strict=False)]
    found = calls.call(state, Known(np.lexsort), [Items(arrays[::-1])], {})
    if len(arrays) == 1:
        found = calls.call(state, Known(np.argsort), arrays, {"kind": Known("stable")})
    named = memory.held(state, found, "order")
    places = [subscript(state, named, Known(k)) for k in range(len(items))]
    done = _taken(state, items, places)
    return done[::-1] if backwards else done


def best(state: State, fn: Any, items: list[Value], key: Value) -> Value:
    """Return ``min(items, key=key)`` or ``max(items, key=key)``: the first of equal ones."""
    keys = keys_of(state, items, key)
    fixed = _known_keys(keys)
    if fixed is not None:
        first: int = fn(range(len(items)), key=fixed.__getitem__)
        return items[first]
    if _are_tuples(keys):
        return in_order(state, items, key, Known(fn is max))[0]
    find = np.argmax if fn is max else np.argmin
    place = calls.call(state, Known(find), [_array(state, keys)], {})
    (found,) = _taken(state, items, [place])
    return found


def keys_of(state: State, items: list[Value], key: Value) -> list[Value]:
    """Return what items are compared by."""
    if is_none(key):
        return items
    return [memory.held(state, calls.call(state, key, [item], {}), "key") for item in items]


def _known_keys(keys: list[Value]) -> list[Any] | None:
    """Return what decides the order, if that is known: of tuples, the first parts may do."""
    if all(known(k)[0] for k in keys):
        return [known(k)[1] for k in keys]
    if not _are_tuples(keys):
        return None
    columns = list(zip(*map(_parts, keys), strict=False))
    fixed = list(itertools.takewhile(lambda c: all(known(x)[0] for x in c), columns))
    found = list(zip(*([known(x)[1] for x in column] for column in fixed), strict=True))
    return found if all(map(operator.ne, sorted(found), sorted(found)[1:])) and found else None


def _are_tuples(values: Sequence[Value]) -> bool:
    return all(isinstance(v, Items) and v.kind == "tuple" for v in values)


def _parts(value: Value) -> list[Value]:
    assert isinstance(value, Items)
    return value.items


def _array(state: State, values: list[Value]) -> Value:
    """Return numbers as an array."""
    for value in values:
        if not slots.is_leaf(value) or slots.leaf_type(value).is_array:
            raise state.error(
                f"A {describe(value)} is compared with others, in an order that depends on numbers",
                "compare numbers or tuples of numbers, or use np.sort of an array",
            )
    return memory.held(state, array_of(state, Items(list(values), "list")), "keys")


def _taken(state: State, items: list[Value], places: list[Value]) -> list[Value]:
    """Return the items at places: numbers from an array of them, tuples part by part."""
    if all(slots.is_leaf(item) and not slots.leaf_type(item).is_array for item in items):
        numbers = _array(state, items)
        is_plain = all(slots.leaf_type(item).kind == "python" for item in items)
        found = [subscript(state, numbers, place) for place in places]
        return [to_python(state, x) if is_plain and isinstance(x, Leaf) else x for x in found]
    first = items[0]
    if isinstance(first, Items) and _are_tuples(items) and len({len(_parts(i)) for i in items}) < 2:
        columns = zip(*(_parts(item) for item in items), strict=True)
        rows = zip(*(_taken(state, list(column), places) for column in columns), strict=True)
        return [Items(list(row), "tuple", first.cls) for row in rows]
    return [choices.one_of(state, items, _variable(state, place)) for place in places]


def _variable(state: State, place: Value) -> Var:
    assert isinstance(place, Leaf)
    return place.expr if isinstance(place.expr, Var) else state.temporary(place.expr, "place")
