"""An item of a list that the program chooses as it runs: its place is compared with each.

The items are numbers, arrays of one dtype and number of axes, or tuples of such. What is chosen is
only read: it cannot be changed in place, since it is not known then what changes.
"""

from __future__ import annotations

import functools

import numpy as np

from ...errors import UnsupportedError
from ..ir import Assign, Call, Choice, Expr, If, Lit, Logic, Raise, Var
from ..types import BOOL, INT, OBJECT, Type
from ..values import Items, Leaf, Record, Value
from . import common_types, contents, memory, slots
from .containers import describe
from .state import State


def chosen(state: State, base: Items, index: Leaf) -> Value:
    """Return ``base[index]`` for an integer that is not known before the program runs."""
    count = Lit(INT, len(base.items))
    k = index.expr if isinstance(index.expr, Var) else state.temporary(index.expr, "k")
    with state.deeper([]) as block:
        message = Lit(OBJECT, f"{base.kind} index out of range")
        state.emit(Raise(Call(OBJECT, IndexError, (message,))))
    below = Call(BOOL, np.less, (k, Lit(INT, -len(base.items))))
    beyond = Call(BOOL, np.greater_equal, (k, count))
    state.emit(If(Logic(BOOL, "or", (below, beyond)), block))
    place = state.temporary(Call(INT, np.remainder, (k, count)), "place")
    try:
        return one_of(state, base.items, place)
    except UnsupportedError:
        contents.ask(state, index.expr)  # it may be an element of a small array
        raise


def one_of(state: State, items: list[Value], place: Var) -> Value:
    """Return the value at a place, not below 0, among values of one kind."""
    first = items[0]
    if all(slots.is_leaf(item) for item in items):
        return _leaf(state, items, place)
    is_fixed = isinstance(first, Record) or (isinstance(first, Items) and first.kind == "tuple")
    if not is_fixed or not all(slots.alike(first, item) for item in items):
        raise _differ(state, items)
    holders = [dict(slots.entries(slots.inside(item)[0])) for item in items]
    if any(holder.keys() != holders[0].keys() for holder in holders):
        raise _differ(state, items)
    parts = {key: one_of(state, [h[key] for h in holders], place) for key in holders[0]}
    made = slots.rebuilt(first, parts)
    state.kept.append(made)
    state.foreign.add(id(made))  # its attributes are not to be assigned
    return made


def _leaf(state: State, items: list[Value], place: Var) -> Value:
    types = [slots.leaf_type(item) for item in items]
    found = functools.reduce(lambda a, b: a and common_types.join_types(a, b), types)  # type: ignore[arg-type, return-value]
    if found is None or not all(common_types.fits(found, t) for t in types):
        raise _differ(state, items)
    exprs = [slots.leaf_expr(item, found) for item in items]
    roots = {root for e in exprs if (root := memory.root_of(state, e)) is not None}
    arms = [_read(state, e) for e in exprs]
    value = arms[-1]
    for i in reversed(range(len(arms) - 1)):
        is_here = Call(BOOL, np.equal, (place, Lit(INT, i)))
        value = Choice(found, is_here, arms[i], value)
    return _kept(state, value, found, frozenset(roots))


def _read(state: State, expr: Expr) -> Expr:
    """Copy what may change later."""
    is_part = memory.root_of(state, expr) is not None
    return Call(expr.type, memory.COPY, (expr,)) if is_part else expr


def _kept(state: State, value: Expr, found: Type, roots: frozenset[str]) -> Leaf:
    """Give what was chosen a name; a store into it or into what it was copied of is refused."""
    name = state.fresh("chosen")
    state.types[name] = found
    state.definitions[name] = None
    if found.is_array:
        sites = {("copy", tuple(sorted(roots)), name)} if roots else memory.sites_of(state, value)
        memory.note_sites(state, name, frozenset(sites))
    state.emit(Assign(name, value))
    return Leaf(Var(found, name))


def _differ(state: State, items: list[Value]) -> Exception:
    kinds = sorted({describe(item) for item in items})
    return state.error(
        "The index of a list or tuple must be known before the program runs, since its items "
        f"({', '.join(kinds)}) are not numbers or arrays of one dtype and number of axes",
        "pass it as an argument of its own, or write a loop over range(...)",
    )
