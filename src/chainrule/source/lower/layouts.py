"""``order=`` of arrays: by rows, by columns, or as they lie in memory."""

from __future__ import annotations

import numpy as np

from ..values import Items, Known, Leaf, Value
from . import calls, memory, rows
from .attributes import transposed
from .containers import NONE, items_of, known
from .intrinsics import intrinsic
from .operators import operand
from .state import State


def by_columns(state: State, a: Leaf) -> Value:
    """Return a copy that lies column by column."""
    if a.type.ndim < 2:
        return calls.call_attribute(state, a, "copy", [])
    copied = calls.call_attribute(state, transposed(state, a), "copy", [])
    assert isinstance(copied, Leaf)
    return transposed(state, copied)


def meant(state: State, a: Value, order: Value) -> Value:
    """Return what ``order=`` means for an array: 'A' and 'K' depend on how it lies in memory."""
    wanted = known(order)[1]
    if wanted not in ("A", "K") or not isinstance(a, Leaf):
        return order
    found = rows.order_in_memory(state, a.expr)
    if found is None:
        raise state.error(
            f"order={wanted!r} of an array of which it is not known how it lies in memory",
            "write order='C' or order='F'",
        )
    return Known(found)


def ordered(state: State, made: Value, order: Value) -> Value:
    """Return a new array, which nobody else holds, as ``order=`` has it."""
    if known(order)[1] in (None, "K") or not isinstance(made, Leaf) or made.type.ndim < 2:
        return made
    wanted = known(meant(state, made, order))[1]
    if wanted == "F":
        return by_columns(state, made)
    if rows.order_in_memory(state, made.expr) == "C":
        return made
    return calls.call_attribute(state, made, "copy", [])


def check_like(state: State, name: str, a: Value, order: Value) -> None:
    """What is made like an array lies in memory as that one does: refuse another order."""
    wanted = known(order)[1]
    if wanted in (None, "K") or not isinstance(a, Leaf) or a.type.ndim < 2:
        return
    found = rows.order_in_memory(state, a.expr)
    if found != wanted and (found is None or wanted != "A"):
        raise state.error(
            f"np.{name} with order={wanted!r}", f"write .copy(order={wanted!r}) after it"
        )


def laid_out(state: State, a: Value, order: str, name: str) -> Value:
    """Return an array that is copied where it does not lie in this order already."""
    if not isinstance(a, Leaf) or not a.type.is_array:
        return a
    error = rows.refusal(state, name, a.expr)
    if order != "F" or a.type.ndim < 2:
        return Leaf(memory.copied(state, a.expr, "laid_out", error))
    flipped = transposed(state, a)
    if memory.root_of(state, a.expr) is not None:
        copied = memory.copied(state, flipped.expr, "laid_out", error)
        return transposed(state, Leaf(copied))
    copy = calls.call_attribute(state, flipped, "copy", [])
    found = state.temporary(operand(state, copy), "laid_out")
    memory.note_sites(state, found.name, memory.sites_of(state, a.expr))  # it may be the array
    return transposed(state, Leaf(found))


@intrinsic(np.ascontiguousarray)
def _as_rows(state: State, a: Value, dtype: Value = NONE, **unused: Value) -> Value:
    return laid_out(state, _as_array(state, a, dtype), "C", "np.ascontiguousarray")


@intrinsic(np.asfortranarray)
def _as_columns(state: State, a: Value, dtype: Value = NONE, **unused: Value) -> Value:
    return laid_out(state, _as_array(state, a, dtype), "F", "np.asfortranarray")


@intrinsic(np.require)
def _required(
    state: State, a: Value, dtype: Value = NONE, requirements: Value = NONE, **unused: Value
) -> Value:
    given = items_of(state, requirements) if isinstance(requirements, Items) else [requirements]
    names = {str(known(item)[1]).upper() for item in given}
    is_by_columns = not names.isdisjoint({"F", "F_CONTIGUOUS", "FORTRAN"})
    return laid_out(state, _as_array(state, a, dtype), "F" if is_by_columns else "C", "np.require")


@intrinsic(np.asarray, np.asanyarray)
def _as_array(
    state: State, a: Value, dtype: Value = NONE, order: Value = NONE, **unused: Value
) -> Value:
    from .constructors import as_array

    found = as_array(state, a, dtype)
    wanted = known(meant(state, found, order) if known(order)[1] == "A" else order)[1]
    return found if wanted in (None, "K") else laid_out(state, found, wanted, "np.asarray")


__all__ = ["by_columns", "check_like", "laid_out", "meant", "ordered"]
