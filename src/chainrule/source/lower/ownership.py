"""Who owns a buffer when an iteration of a loop ends.

A place that is bound to another buffer takes it over, by a ``Move``. Where another place still
names that buffer, or where it is a part of one, the place gets a copy in each iteration. That is
what the function means as long as nothing changes the original while the copy is read, and nothing
changes the copy: both are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ir import Block, Call, Expr, Store, statements
from ..values import Leaf, Value
from . import cells, memory, slots
from .cells import Cell
from .slots import Snapshot
from .state import Refine, Site, State, in_rule

if TYPE_CHECKING:
    from .carried import Carried


def classify(carried: Carried, cell: Cell, end: Value) -> None:
    """Find out whether a cell holds a buffer, or copies of some."""
    state = carried.state
    copied = memory.copied_roots(state, slots.own_expr(end))
    if cell.copied is not None or copied is not None:
        cell.copied = (cell.copied or frozenset()) | (copied or frozenset())
        return
    exprs = [slots.leaf_expr(value, slots.leaf_type(value)) for value in (cell.entry, end)]
    first, last = (memory.root_of(state, expr) for expr in exprs)
    cell.is_buffer = first is not None or last is not None
    if not cell.is_buffer:
        return
    is_part = first is not None and cells.name_of(cell.entry) not in state.buffers
    if first is not None and (is_part or in_rule(state)):  # a rule reads what it is given
        cell.copied, cell.is_buffer = frozenset({first}), False
        return
    if last is None and exprs[1].type.is_array:
        memory.make_buffer(state, exprs[1])
    if first is None and exprs[0].type.is_array:
        name = cells.name_of(cell.entry)
        if name and carried.is_needed(name, cell.place):
            cell.entry_copied = True
        else:
            memory.make_buffer(state, exprs[0])


def sites(carried: Carried, cell: Cell) -> frozenset[Site]:
    """Return where the array of a cell may have been made."""
    state = carried.state
    unroll = (carried.unroll.key,) if isinstance(carried.unroll, Refine) else ()
    expr = slots.leaf_expr(cell.entry, cell.type)
    if cell.copied is not None:
        return frozenset({("copy", tuple(sorted(cell.copied)), cell.base, unroll)})
    if cell.entry_copied:
        root = memory.root_of(state, expr)
        return frozenset({("copy", () if root is None else (root,), cell.base, unroll)})
    return memory.sites_of(state, expr)


def own(state: State, cell: Cell, expr: Expr) -> Expr:
    """Return what is assigned to the variable of a cell that is no buffer."""
    if cell.copied is None or memory.root_of(state, expr) is None:
        return expr
    return Call(expr.type, memory.COPY, (expr,))


def settle(carried: Carried, end: Snapshot, block: Block) -> bool:
    """Find places that cannot take over a buffer; tell whether the body must be lowered again."""
    state = carried.state
    ends = {id(cell): value for cell, value in carried.ends(end) if cell.error is None}
    plans = [cell for cell in cells.all_cells(carried.plans.values()) if id(cell) in ends]
    sources = {id(cell): cells.name_of(ends[id(cell)]) for cell in plans if cell.is_buffer}
    changed = _changed(state, block)
    moved = [c for c in plans if c.is_buffer and sources[id(c)] != c.name]
    moved.sort(key=lambda cell: cell.name not in changed)
    taken = {c.name for c in plans if c.is_buffer and sources[id(c)] == c.name}
    shared = []
    for cell in moved:
        source = sources[id(cell)]
        if source in taken or source not in state.buffers:
            shared.append(cell)
        taken.add(source)
    owners = [c for c in moved if c not in shared]
    for cell in shared:
        roots = _roots(state, cell, ends[id(cell)])
        roots |= {c.name for c in owners if roots & {sources[id(c)], cells.name_of(c.entry)}}
        cell.copied, cell.is_buffer, cell.entry_copied = frozenset(roots), False, False
    return _refuse_others(carried, owners, sources) or bool(shared)


def _changed(state: State, block: Block) -> set[str]:
    """Return the buffers that a body stores into."""
    targets = [s.target.name for s in statements(block) if isinstance(s, Store)]
    return {state.roots.get(name, name) for name in targets}


def _roots(state: State, cell: Cell, end: Value) -> set[str]:
    """Return the buffers that a cell is a copy of."""
    exprs = [slots.leaf_expr(value, slots.leaf_type(value)) for value in (cell.entry, end)]
    found = [memory.root_of(state, expr) for expr in exprs]
    return {root for root in found if root is not None}


def _refuse_others(carried: Carried, owners: list[Cell], sources: dict[int, str]) -> bool:
    """Names that the loop does not bind must not share what is handed over."""
    touched = {c.name for c in owners} | {sources[id(c)] for c in owners}
    found = False
    for slot, value in carried.entry.slots():
        if slot in carried.plans or slot in carried.skipped or slot[0] in carried.replaced:
            continue
        if touched & memory.mentions(carried.state, value):
            name = slots.base(slot[1])
            error = carried.unroll or cells.two_names(carried.state, name)
            carried.plans[slot], found = carried.broken(name, value, error), True
    return found


def own_where_changed(state: State, result: Value, given: list[Leaf]) -> Value:
    """Copy the result of NumPy's function if the user's function changes it in place.

    In the body that stands for NumPy's function several arrays may go by the name of the result.
    Views of what it is ``given`` stay views.
    """
    if not isinstance(result, Leaf) or not result.type.is_array:
        return result
    here = ("own", state.path, state.origin and (state.origin.file, state.origin.line))
    outer = [memory.sites_of(state, x.expr) for x in given]
    inner = memory.sites_of(state, result.expr).difference(*outer)
    if here in state.refinements and inner:
        return Leaf(state.temporary(Call(result.type, memory.COPY, (result.expr,)), "own"))
    for site in inner:
        state.conflicts.setdefault(site, Refine(here))
    return result
