"""Functions that change arrays in place, as the stores that they are; methods of ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules import indexing as rule_indexing
from ...rules import reductions
from ..values import Items, Known, Leaf, Value
from . import binding, calls, memory
from .attributes import shape_of
from .containers import FALSE, NONE, TRUE, describe, known
from .indexing import index_expressions, subscript
from .intrinsics import intrinsic
from .operators import operand
from .state import State


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
    if not isinstance(a, Leaf) or a.type.ndim != 2 or known(wrap) != (True, False):
        return mutate(state, np.fill_diagonal, [a, val, wrap], {})
    n = calls.call(state, Known(min), list(shape_of(state, a)), {})
    places = calls.call(state, Known(np.arange), [n], {})
    index = Leaf(state.temporary(operand(state, places)))
    memory.store(state, a, (index.expr, index.expr), operand(state, calls.as_array(state, val)))
    return NONE


def store_result(
    state: State, fn: Any, args: list[Value], kwargs: dict[str, Value], out: Value
) -> Value:
    """Write a result into ``out``, where ``where`` says so."""
    if isinstance(out, Items) and len(out.items) == 1:
        out = out.items[0]
    if not isinstance(out, Leaf):
        raise state.error(f"out= is a {describe(out)}", "give one array")
    out = binding.named(state, out)
    where = kwargs.pop("where", Known(True)) if isinstance(fn, np.ufunc) else Known(True)
    value = calls.call(state, Known(fn), args, kwargs)
    if known(where) != (True, True):
        value = calls.call(state, Known(np.where), [where, value, out], {})
    memory.store(state, out, (), operand(state, value))
    return out


# --------------------------------------------------------------------------------- ufunc methods


def call_ufunc_method(
    state: State, ufunc: Any, name: str, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Call ``np.add.reduce`` and its like."""
    if name == "at":
        return _ufunc_at(state, ufunc, args)
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


def _ufunc_at(state: State, ufunc: Any, args: list[Value]) -> Value:

    target, index, *rest = args
    if not isinstance(target, Leaf):
        raise state.error(f"np.{ufunc.__name__}.at of a {describe(target)}", "pass an array")
    entries = index_expressions(state, index)
    if ufunc in (np.add, np.subtract) and rest:
        value = operand(state, calls.as_array(state, rest[0]))
        memory.store(state, target, entries, value, ufunc.__name__, at=True)
        return NONE
    is_single = all(not e.type.is_array for e in entries)
    if not is_single:
        raise state.error(
            f"np.{ufunc.__name__}.at with an array of indices", "write a loop over the indices"
        )
    found = calls.call(state, Known(ufunc), [subscript(state, target, index), *rest], {})
    memory.store(state, target, entries, operand(state, found))
    return NONE


def _outer(state: State, ufunc: Any, args: list[Value]) -> Value:
    a, b = (calls.as_array(state, x) for x in args[:2])

    extra = [Known(slice(None))] * len(shape_of(state, a)) + [Known(None)] * len(shape_of(state, b))
    if isinstance(a, Leaf) and a.type.is_array:
        a = subscript(state, a, Items(list(extra)))
    return calls.call(state, Known(ufunc), [a, b], {})
