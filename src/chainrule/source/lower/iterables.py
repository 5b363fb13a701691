"""Python's functions of iterables, and ``itertools``: their items are known one by one."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..values import Items, Known, Value
from . import calls, going, order
from .containers import FALSE, NONE, ZERO, is_none, items_of, known, settle
from .intrinsics import intrinsic
from .operators import binary, truth
from .state import State


def iterator(items: list[Value]) -> Items:
    """Return what is gone through once."""
    return Items(items, "iterator")


@intrinsic(iter)
def _iter(state: State, values: Value) -> Value:
    is_iterator = isinstance(values, Items) and values.kind == "iterator"
    return values if is_iterator else iterator(items_of(state, values))


@intrinsic(next)
def _next(state: State, values: Value, *default: Value) -> Value:
    if isinstance(values, Items) and values.kind == "iterator":
        going.check(state, values)
        if values.items:
            return values.items.pop(0)
        if default:
            return default[0]
    raise state.error("next() of something that is not a known iterator", "use an index")


@intrinsic(enumerate)
def _enumerate(state: State, iterable: Value, start: Value = ZERO) -> Value:
    first = state.static(start, "the start of enumerate")
    pairs = enumerate(items_of(state, iterable), first)
    return iterator([Items([Known(k), value]) for k, value in pairs])


@intrinsic(zip)
def _zip(state: State, *values: Value, strict: Value = FALSE) -> Value:
    columns = _in_turn(state, values)
    if known(strict) == (True, True) and len({len(c) for c in columns}) > 1:
        raise state.error("zip(strict=True) of different lengths", "make the lengths equal")
    return iterator([Items(list(row)) for row in zip(*columns, strict=False)])


def _in_turn(state: State, values: Sequence[Value]) -> list[list[Value]]:
    """Return columns for ``zip`` and ``map``: one iterator among them twice gives in turn."""
    its = [v for v in values if isinstance(v, Items) and v.kind == "iterator"]
    if len({id(v) for v in its}) == len(its):
        return [items_of(state, v) for v in values]
    parts = [
        going.through(state, v) if isinstance(v, Items) and v.kind == "iterator"
        else items_of(state, v) for v in values
    ]  # fmt: skip
    rows = going.all_of(going.beside(parts, -1, RuntimeError))
    return [list(column) for column in zip(*(items_of(state, row) for row in rows), strict=True)]


@intrinsic(reversed)
def _reversed(state: State, values: Value) -> Value:
    return iterator(items_of(state, values)[::-1])


@intrinsic(map)
def _map(state: State, fn: Value, *values: Value) -> Value:
    columns = _in_turn(state, values)
    rows: list[Value] = [Items(list(row)) for row in zip(*columns, strict=False)]
    return _mapped(state, fn, rows)


@intrinsic(itertools.starmap)
def _starmap(state: State, fn: Value, values: Value) -> Value:
    return _mapped(state, fn, [Items(items_of(state, row)) for row in items_of(state, values)])


def _mapped(state: State, fn: Value, rows: list[Value]) -> Value:
    def result(row: Value) -> Value:
        return settle(state, calls.call(state, fn, items_of(state, row), {}))

    return iterator(order.each(state, rows, result))


@intrinsic(filter)
def _filter(state: State, fn: Value, values: Value) -> Value:
    kept = []
    for value in order.in_turn(state, items_of(state, values)):
        test = truth(state, value if is_none(fn) else calls.call(state, fn, [value], {}))
        if not isinstance(test, Known):
            raise state.error("filter() by numbers of the program", "use np.where or a for loop")
        if test.value:
            kept.append(value)
    return iterator(kept)


# --------------------------------------------------------------------------------- itertools


def _combined(fn: Any) -> None:
    def combine(state: State, *values: Value, **options: Value) -> Value:
        given = [
            v.value if isinstance(v, Known) and type(v.value) is int else items_of(state, v)
            for v in values
        ]
        rows = fn(*given, **{key: known(value)[1] for key, value in options.items()})
        return iterator([Items(list(r)) if isinstance(r, tuple) else r for r in rows])

    intrinsic(fn)(combine)


for _fn in (
    *(itertools.pairwise, itertools.product, itertools.chain, itertools.combinations),
    *(itertools.permutations, itertools.combinations_with_replacement),
):
    _combined(_fn)


@intrinsic(itertools.chain.from_iterable)
def _chained(state: State, values: Value) -> Value:
    return iterator([x for inner in items_of(state, values) for x in items_of(state, inner)])


@intrinsic(itertools.zip_longest)
def _zip_longest(state: State, *values: Value, fillvalue: Value = NONE) -> Value:
    columns = [items_of(state, v) for v in values]
    rows = itertools.zip_longest(*columns, fillvalue=fillvalue)
    return iterator([Items(list(row)) for row in rows])


@intrinsic(itertools.islice)
def _islice(state: State, values: Value, *ends: Value) -> Value:
    found = slice(*(state.static(end, "an end of islice") for end in ends))
    return iterator(items_of(state, values)[found])


@intrinsic(itertools.repeat)
def _repeat(state: State, object: Value, times: Value | None = None) -> Value:
    if times is None:
        raise state.error("itertools.repeat without an end", "give it the number of times")
    return iterator([object] * state.static(times, "how often a value is repeated"))


@intrinsic(itertools.accumulate)
def _accumulate(
    state: State, iterable: Value, func: Value = NONE, *, initial: Value = NONE
) -> Value:
    items = items_of(state, iterable)
    if not is_none(initial):
        items.insert(0, initial)
    found = items[:1]
    for item in items[1:]:
        is_sum = is_none(func)
        pair = [found[-1], item]
        more = binary(state, np.add, *pair) if is_sum else calls.call(state, func, pair, {})
        found.append(settle(state, more))
    return iterator(found)


@intrinsic(functools.reduce)
def _reduce(state: State, fn: Value, values: Value, *start: Value) -> Value:
    items = [*start, *items_of(state, values)]
    found = items[0]
    for item in order.in_turn(state, items[1:]):
        found = calls.call(state, fn, [found, item], {})
    return found


def _endless(fn: Any) -> None:
    def refuse(state: State, *values: Value, **options: Value) -> Value:
        name = fn.__name__
        raise state.error(f"itertools.{name} has no end", "use range, enumerate or an index")

    intrinsic(fn)(refuse)


_endless(itertools.count)
_endless(itertools.cycle)
