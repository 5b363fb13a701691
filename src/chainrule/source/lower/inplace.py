"""Functions that change arrays in place, as the stores that they are; methods of ufuncs."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any

import numpy as np

from ...rules import indexing as rule_indexing
from ...rules import reductions
from ..types import Type
from ..values import Items, Known, Leaf, Value
from . import binding, calls, functions, memory
from .attributes import shape_of
from .containers import FALSE, NONE, TRUE, describe, is_none, items_of, known
from .indexing import entries as index_entries
from .indexing import index_expressions, subscript
from .intrinsics import intrinsic
from .operators import operand
from .state import State

_SAME_KIND = Known("same_kind")


def mutate(state: State, fn: Any, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Write a mutating function of NumPy as the store that it is."""
    target, *rest = args
    if not isinstance(target, Leaf):
        raise state.error(f"np.{fn.__name__} into a {describe(target)}", "pass an array")
    rule = rule_indexing.MUTATORS[fn]
    found = calls.call(state, Known(rule), [target, *rest], kwargs)
    index, value = found.items  # type: ignore[attr-defined]

    memory.store(state, target, index_expressions(state, index), operand(state, value))
    return NONE


def _register_mutators() -> None:
    for fn in rule_indexing.MUTATORS:

        def handler(state: State, *args: Value, _fn: Any = fn, **kwargs: Value) -> Value:
            return mutate(state, _fn, list(args), kwargs)

        intrinsic(fn)(handler)


_register_mutators()


@intrinsic(np.copyto)
def _copyto(
    state: State, dst: Value, src: Value, casting: Value = NONE, where: Value = TRUE
) -> Value:
    if not isinstance(dst, Leaf):
        raise state.error(f"np.copyto into a {describe(dst)}", "pass an array")
    src = calls.as_array(state, src)
    if known(where) == (True, True):
        memory.store(state, dst, (), operand(state, src))
        return NONE
    chosen = calls.call(state, Known(np.where), [where, src, dst], {})
    memory.store(state, dst, (), operand(state, chosen))
    return NONE


@intrinsic(np.fill_diagonal)
def _fill_diagonal(state: State, a: Value, val: Value, wrap: Value = FALSE) -> Value:
    val = calls.as_array(state, val)
    given = operand(state, val)
    sizes = a.type.sizes if isinstance(a, Leaf) else ()
    fits = given.type.sizes == () or given.type.sizes * 2 == sizes  # NumPy repeats or cuts others
    if not isinstance(a, Leaf) or len(sizes) != 2 or known(wrap) != (True, False) or not fits:
        return mutate(state, np.fill_diagonal, [a, val, wrap], {})
    n = calls.call(state, Known(min), list(shape_of(state, a)), {})
    places = calls.call(state, Known(np.arange), [n], {})
    index = Leaf(state.temporary(operand(state, places)))
    memory.store(state, a, (index.expr, index.expr), given)
    return NONE


def without_out(
    fn: Any, args: list[Value], kwargs: dict[str, Value]
) -> tuple[list[Value], dict[str, Value], Value | None]:
    """Take ``out`` out of a call of NumPy, where it is given by position too; None if it is not."""
    place = _place_of_out(fn)
    if place is None:
        return args, kwargs, None
    kwargs = dict(kwargs)
    out = kwargs.pop("out", NONE)
    if len(args) > place:
        out, args = args[place], [*args[:place], *args[place + 1 :]]
        if isinstance(fn, np.ufunc) and fn.nout > 1:
            out, args = Items([out, *args[place:]]), args[:place]
        elif len(args) > place:  # what comes after it is named
            names = [*inspect.signature(fn).parameters][place + 1 :]
            kwargs.update(zip(names, args[place:], strict=False))
            args = args[:place]
    return args, kwargs, None if is_none(out) else out


@functools.cache
def _place_of_out(fn: Any) -> int | None:
    """Return the position of the argument ``out``; one that no call reaches if it is named only."""
    if isinstance(fn, np.ufunc):
        return fn.nin
    try:
        parameters = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return None
    if "out" not in parameters:
        return None
    is_named = parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY
    return sys.maxsize if is_named else [*parameters].index("out")


def store_result(
    state: State, fn: Any, args: list[Value], kwargs: dict[str, Value], out: Value
) -> Value:
    """Write a result into ``out``, where ``where`` says so."""
    is_ufunc = isinstance(fn, np.ufunc)
    where = kwargs.pop("where", Known(True)) if is_ufunc else Known(True)
    casting = kwargs.pop("casting", Known("same_kind")) if is_ufunc else Known("unsafe")
    found = calls.call(state, Known(fn), args, kwargs)
    values = found.items if isinstance(found, Items) else [found]
    arrays = out.items if isinstance(out, Items) else [out]
    if len(values) != len(arrays):
        raise state.error(f"out= is a {describe(out)}", "give an array for each result")
    stored: list[Value] = []
    for value, array in zip(values, arrays, strict=True):
        if not isinstance(array, Leaf):
            raise state.error(f"out= is a {describe(array)}", "give an array")
        array = binding.named(state, array)
        check_cast(state, f"np.{fn.__name__}", operand(state, value).type, array, casting)
        if known(where) != (True, True):
            value = calls.call(state, Known(np.where), [where, value, array], {})
        memory.store(state, array, (), operand(state, value))
        stored.append(array)
    return Items(stored) if isinstance(found, Items) else stored[0]


def check_cast(
    state: State, what: str, made: Type, array: Leaf, casting: Value = _SAME_KIND
) -> None:
    """Refuse what NumPy refuses: numbers with a fraction do not go into an array of integers."""
    (ok, rule), into = known(casting), array.type.dtype
    if made.dtype is None or into is None or not ok or np.can_cast(made.dtype, into, rule):
        return
    raise state.error(
        f"{what} writes numbers of {made.dtype} into an array of {into}",
        f"make the array of {made.dtype}, or convert the numbers: .astype({into})",
    )


# --------------------------------------------------------------------------------- ufunc methods


def call_ufunc_method(
    state: State, ufunc: Any, name: str, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Call ``np.add.reduce`` and its like."""
    if name == "at":
        return _ufunc_at(state, ufunc, args)
    args, kwargs, out = _method_without_out(state, name, args, kwargs)
    if not is_none(out):
        return store_result(state, getattr(ufunc, name), args, kwargs, out)
    if name == "outer":
        return _outer(state, ufunc, args)
    rule = reductions.UFUNC_METHODS.get((ufunc, name))
    if rule is not None and calls.holds_float(state, args):
        return calls.call(state, Known(rule), args, kwargs)
    if calls.holds_float(state, args) and calls.entry_of(ufunc).form != "piecewise constant":
        raise state.error(
            f"np.{ufunc.__name__}.{name} has no derivative rule", "write it with NumPy functions"
        )
    return calls.plain_call(state, getattr(ufunc, name), args, kwargs)


_OUT_OF_METHODS = {"reduce": 3, "accumulate": 3, "reduceat": 4}
"""Where the argument ``out`` stands, behind ``dtype``."""


def _method_without_out(
    state: State, name: str, args: list[Value], kwargs: dict[str, Value]
) -> tuple[list[Value], dict[str, Value], Value]:
    """Take ``out`` out of a call, and a ``dtype`` that is None."""
    place, kwargs = _OUT_OF_METHODS.get(name), dict(kwargs)
    if place is None:
        return args, kwargs, NONE
    out = kwargs.pop("out", NONE)
    if len(args) > place + 1:
        raise state.error(f"np.ufunc.{name} with {len(args)} arguments", "name the last ones")
    if len(args) > place:
        out = args[place]
    has_dtype = len(args) >= place and not is_none(args[place - 1])
    return args[: place - 1 + has_dtype], kwargs, out


def _ufunc_at(state: State, ufunc: Any, args: list[Value]) -> Value:

    target, index, *rest = args
    if not isinstance(target, Leaf):
        raise state.error(f"np.{ufunc.__name__}.at of a {describe(target)}", "pass an array")
    entries = index_expressions(state, index)
    if ufunc in (np.add, np.subtract) and rest:
        value = operand(state, calls.as_array(state, rest[0]))
        memory.store(state, target, entries, value, ufunc.__name__, at=True)
        return NONE
    if not all(e.type.is_number for e in entries):
        return _at_places(state, ufunc, target, index, rest)
    found = calls.call(state, Known(ufunc), [subscript(state, target, index), *rest], {})
    memory.store(state, target, entries, operand(state, found))
    return NONE


def _at_places(state: State, ufunc: Any, target: Leaf, index: Value, rest: list[Value]) -> Value:
    """Write ``ufunc.at`` with arrays of indices as a loop over the places."""
    arrays: list[Value] = []
    for entry in index_entries(index):
        is_mask = isinstance(entry, Leaf) and entry.type.dtype == np.dtype(bool)
        found = calls.call(state, Known(np.nonzero), [entry], {}) if is_mask else entry
        arrays += items_of(state, found) if is_mask else [calls.as_array(state, found)]
    if not all(map(_is_of_places, arrays)):
        raise state.error(
            f"np.{ufunc.__name__}.at with slices in the index", "write a loop over the indices"
        )
    function = functions.function_value(state, at_places)
    assert function is not None
    return functions.inline(state, function, [Known(ufunc), target, Items(arrays), *rest], {})


def _is_of_places(part: Value) -> bool:
    """Tell an integer or an array of integers."""
    if isinstance(part, Known):
        return isinstance(part.value, (int, np.integer, np.ndarray))
    return isinstance(part, Leaf) and part.type.dtype is not None


def at_places(ufunc: Any, a: Any, index: Any, *values: Any) -> None:
    """Do what ``ufunc.at`` does, place by place: the text that stands for it."""
    places = np.broadcast_arrays(*index)
    shape = places[0].shape + a.shape[len(places) :]
    flat = [place.ravel() for place in places]
    rows = [np.broadcast_to(value, shape).reshape(-1, *a.shape[len(places) :]) for value in values]
    for k in range(flat[0].size):
        at = tuple(place[k] for place in flat)
        a[at] = ufunc(a[at], *[row[k] for row in rows])


def _outer(state: State, ufunc: Any, args: list[Value]) -> Value:
    a, b = (calls.as_array(state, x) for x in args[:2])

    extra = [Known(slice(None))] * len(shape_of(state, a)) + [Known(None)] * len(shape_of(state, b))
    if isinstance(a, Leaf) and a.type.is_array:
        a = subscript(state, a, Items(list(extra)))
    return calls.call(state, Known(ufunc), [a, b], {})
