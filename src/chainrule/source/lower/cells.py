"""Cells: places that a loop carries from one iteration to the next, and trees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from .. import sizes
from ..ir import Assign, Block, Expr, Lit, Var, expressions, names_in
from ..types import Type
from ..values import Items, Leaf, Mapping, Record, Value
from . import absent, common_types, memory, slots
from .slots import Slot
from .state import State


@dataclass(slots=True)
class Cell(Value):
    """A number or an array that the loop carries. ``error``: why it cannot be read at the head."""

    base: str
    entry: Value
    type: Type
    is_buffer: bool = False
    is_mixed: bool = False
    is_flag: bool = False
    error: Exception | None = None
    name: str = ""
    place: Slot = (0, None)
    """Where its first value is."""
    widest: set[Any] = field(default_factory=set)
    """Symbols of sizes that stand for any size."""
    copied: frozenset[str] | None = None
    """Where each iteration takes a copy: the buffers that must not change as long as it is read."""
    entry_copied: bool = False
    """Whether the first value is a copy, which nothing may change."""


def is_guessed(state: State, value: Value) -> bool:
    """Tell whether a place is carried from the first guess on."""
    if not slots.is_leaf(value):
        return False
    expr = slots.leaf_expr(value, slots.leaf_type(value))
    return not expr.type.is_array or memory.root_of(state, expr) is None


def drop_assignment(block: Block, name: str) -> None:
    """Remove the assignment of a literal that is about to be made again, if nothing read it."""
    for k in range(len(block) - 1, -1, -1):
        statement = block[k]
        if isinstance(statement, Assign) and statement.name == name:
            if isinstance(statement.value, Lit):
                del block[k]
            return
        if statement.blocks or any(name in names_in(e) for e in expressions(statement)):
            return


def shared_container(state: State, base: str) -> UnsupportedError:
    """Return the error for a list or dict with two names, one of which is bound anew."""
    return state.error(
        f"{base} is bound to different lists or dicts, one of which has another name too",
        "make a new list: list(x), dict(x)",
    )


def two_names(state: State, base: str) -> UnsupportedError:
    """Return the error for a name that shares a buffer when a loop goes on."""
    return state.error(
        f"{base} and another name hold the same array, which is changed in place, "
        "when an iteration of a loop ends",
        f"write .copy() where {base} is bound",
    )


def widened(first: Type, last: Type, widest: set[Any]) -> Type | None:
    """Join two types; sizes that differ become one symbol that stands for any size."""
    found = common_types.join_types(first, last)
    if found is None or not found.is_array or not last.is_array:
        return found
    wide = []
    for m, n in zip(first.sizes, last.sizes, strict=True):
        covers = m in widest and (sizes.may_be_one(m) or not sizes.may_be_one(n))
        if m != n and not covers:
            m = sizes.joined(m, n)
            widest.add(m)
        wide.append(m)
    return replace(found, sizes=tuple(wide))


def mixed_type(first: Type, last: Type) -> Type:
    """Return the type of what starts as a number and becomes an array."""
    assert first.dtype is not None and last.dtype is not None
    samples: dict[str, Any] = {"b": True, "i": 1, "f": 1.0, "c": 1j}
    return replace(last, dtype=np.result_type(last.dtype, samples[first.dtype.kind]))


def mapped(plan: Value, change: Callable[[Cell], Value]) -> Value:
    """Put values in the place of cells."""
    match plan:
        case Cell():
            return change(plan)
        case Items(items=items, kind=kind, cls=cls):
            return Items([mapped(item, change) for item in items], kind, cls)
        case Mapping(items=entries, factory=factory):
            made = {key: mapped(item, change) for key, item in entries.items()}
            return Mapping(made, factory)
        case Record(cls=cls, attributes=entries):
            return Record(cls, {key: mapped(item, change) for key, item in entries.items()})
    return plan


def name_of(value: Value) -> str:
    """Return the variable that a value is, an empty string for none."""
    return value.expr.name if isinstance(value, Leaf) and isinstance(value.expr, Var) else ""


def expr_of(cell: Cell, value: Value) -> Expr:
    """Return what is assigned to a cell's variable."""
    return slots.leaf_expr(value, cell.type)


def all_cells(plans: Any) -> Iterator[Cell]:
    """Yield the cells in plans."""
    for plan in plans:
        match plan:
            case Cell():
                yield plan
            case Items(items=items):
                yield from all_cells(items)
            case Mapping(items=entries) | Record(attributes=entries):
                yield from all_cells(entries.values())


def pairs(state: State, plan: Value, value: Value) -> Iterator[tuple[Cell, Value]]:
    """Yield the cells of a plan with what they hold in a value of the same structure."""
    value = absent.like(state, plan, value)
    match plan, value:
        case Cell(), _:
            yield plan, value
        case Items(), Items():
            for part, item in zip(plan.items, value.items, strict=True):
                yield from pairs(state, part, item)
        case Mapping(), Mapping():
            for key, part in plan.items.items():
                yield from pairs(state, part, value.items[key])
        case Record(), Record():
            for key, part in plan.attributes.items():
                yield from pairs(state, part, value.attributes[key])


def shape_of(plans: dict[Slot, Value]) -> Any:
    """Return what decides how the body is lowered."""

    def describe(plan: Value) -> Any:
        match plan:
            case Cell():
                copied = (plan.copied, plan.entry_copied)
                return (plan.type, plan.is_buffer, plan.is_mixed, plan.error is None, copied)
            case Items(items=items):
                return [describe(item) for item in items]
            case Mapping(items=entries) | Record(attributes=entries):
                return {key: describe(item) for key, item in entries.items()}
        return None

    return {slot: describe(plan) for slot, plan in plans.items()}
