"""Carried variables: what a loop's body finds at its head, made to hold for every iteration.

The body is lowered once with a first guess: names that it assigns hold numbers, all else stays as
it is. What it leaves at its end is compared with that; places that differ become *cells*, each with
one variable for the whole loop, whose type is widened until it holds for all iterations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

from .. import sizes
from ..ir import Block, Call, Expr, If, Var
from ..jumps import is_returned
from ..types import BOOL, Type, unknown_size
from ..values import Items, Known, Leaf, Mapping, Record, Value
from . import absent, cells, common_types, memory, operators, ownership, slots
from .branches import finish
from .cells import Cell
from .slots import Slot, Snapshot
from .state import Refine, State, Tables, Unreadable


class Carried:
    """The fixpoint of one loop."""

    def __init__(self, state: State, assigned: Collection[str], flags: Collection[str]) -> None:
        self.state = state
        self.entry = Snapshot.take(state)
        self.tables = Tables.take(state)
        self.flags = flags
        self.skipped: set[Slot] = set()
        """Places that the loop binds at the start of each iteration."""
        self.plans: dict[Slot, Value] = {}
        self.late: list[str] = []
        """Arrays that only an iteration binds, and a later one reads."""
        self.replaced: set[int] = set()
        """Containers that the loop carries item by item."""
        self.unroll: Exception | None = None
        """What asks for the loop to be unrolled, where that can be."""
        self.unroll_structures: Exception | None = None
        """The same, only for containers that differ from iteration to iteration."""
        self.heads: dict[Slot, Value] = {}
        """What each carried place holds when an iteration begins."""
        here = id(state.scope.variables)
        for name in assigned:
            value = state.scope.variables.get(name)
            if value is not None and (name in flags or cells.is_guessed(state, value)):
                self.plans[here, name] = self._guess(name, value)

    def _guess(self, name: str, value: Value) -> Value:
        is_flag = name in self.flags
        place = (id(self.state.scope.variables), name)
        return Cell(slots.base(name), value, slots.leaf_type(value), is_flag=is_flag, place=place)

    def run(self, body: Callable[[], None], location: Any) -> Block:
        """Lower the body until what it leaves is what it found; return its statements."""
        for _ in range(50):
            self.reset()
            self.heads = {slot: self._head(plan, slot) for slot, plan in self.plans.items()}
            for slot, head in self.heads.items():
                self.entry.holders[slot[0]][slot[1]] = head
            with self.state.deeper([]) as block:
                body()
            end = Snapshot.take(self.state)
            plans = self._compare(end, location, block)
            if plans is None:
                self._close(block, end)
                return block
            self.plans = plans
        raise self.state.error(
            "What this loop carries from one iteration to the next does not settle",
            "keep each variable's type and shape the same in every iteration",
        )

    def reset(self) -> None:
        """Put everything back to how it was before the loop."""
        self.entry.restore()
        self.tables.restore(self.state)

    # ------------------------------------------------------------------------------ the head

    def _head(self, plan: Value, slot: Slot) -> Value:
        return cells.mapped(plan, lambda cell: self._head_of_cell(cell, slot))

    def _head_of_cell(self, cell: Cell, slot: Slot) -> Value:
        state = self.state
        if cell.error is None:
            cell.name = self._name(cell)
            expr = slots.leaf_expr(cell.entry, cell.type)
            if slots.is_unbound(state, expr, cell.name):
                cell.error = slots.unbound_error(state, cell.base)
        if cell.error is not None:
            return Unreadable(cell.error)
        known = state.types.get(cell.name, cell.type)
        state.types[cell.name] = common_types.join_types(known, cell.type) or cell.type
        if cell.is_mixed:
            state.types[cell.name] = cell.type
            state.mixed.add(cell.name)
        state.definitions[cell.name] = None
        state.rebound.add(cell.name)
        state.homes[slot] = cell.name
        var = Var(cell.type, cell.name)
        if cell.type.is_array:
            memory.note_sites(state, cell.name, ownership.sites(self, cell))
        if cell.is_buffer:
            state.buffers.add(cell.name)
        if cell.is_flag:
            return Known(False, var)
        return Leaf(var, cell.name if cell.is_buffer else None)

    def _name(self, cell: Cell) -> str:
        """Return the variable of a cell: that of its entry, if nothing else needs that."""
        state = self.state
        expr = slots.leaf_expr(cell.entry, cell.type)
        if isinstance(expr, Var) and self._is_free(cell, expr.name):
            return expr.name
        if cell.is_buffer and isinstance(expr, Var) and self.is_needed(expr.name, cell.place):
            cell.entry_copied = True
        return state.fresh(cell.base, True)

    def _is_free(self, cell: Cell, name: str) -> bool:
        state = self.state
        if name in state.loops or name in state.hidden or name in state.roots:
            return False
        if name not in state.types:  # a rule's operand, which stands for an expression
            return False
        taken = {plan.name for plan in cells.all_cells(self.plans.values()) if plan is not cell}
        is_buffer = name in state.buffers
        fits = cell.is_mixed or common_types.fits(state.types[name], cell.type)
        return (
            fits
            and is_buffer == cell.is_buffer
            and not (name in taken or self.is_needed(name, cell.place))
        )

    def is_needed(self, name: str, place: Slot) -> bool:
        """Tell whether another place needs a variable when the loop begins."""
        return any(
            name in memory.mentions(self.state, value)
            for other, value in self.entry.slots()
            if other != place
        )

    # ---------------------------------------------------------------------------- comparison

    def _compare(self, end: Snapshot, location: Any, block: Block) -> dict[Slot, Value] | None:
        """Return better plans, None if the plans hold."""
        self._check_lengths(end, location)
        plans: dict[Slot, Value] = {}
        for slot, entry in self.entry.slots():
            if slot in self.skipped or slot[0] not in end.contents:
                continue
            found, plan = self._found(slot, entry, end), self.plans.get(slot)
            if plan is None and slots.is_same(entry, found):
                continue
            base = slots.base_at(self.state, slot)
            plans[slot] = self._joined(base, slot, plan, entry, found, end)
        if cells.shape_of(plans) != cells.shape_of(self.plans):
            return plans
        self.plans = plans
        return plans if ownership.settle(self, end, block) else None

    def _found(self, slot: Slot, entry: Value, end: Snapshot) -> Value:
        """Return what a place holds at the end; what a return has dropped stays as it was."""
        found = end.get(slot)
        return self.heads.get(slot, entry) if found is None else found

    def _check_lengths(self, end: Snapshot, location: Any) -> None:
        """Ask for the loop's index where a list or dict grows or shrinks."""
        scopes = {id(scope.variables) for scope in (*self.state.frames, self.state.scope)}
        for key, before in self.entry.contents.items():
            after = end.contents.get(key, before)
            same = len(before) == len(after)
            if isinstance(before, dict):
                same = key in scopes or before.keys() == after.keys()
            if not same:
                raise Refine(("unroll", location))

    def _joined(
        self, base: str, place: Slot, plan: Value | None, entry: Value, last: Value, end: Snapshot
    ) -> Value:
        """Return the plan for a place that holds ``entry`` before the loop and ``last`` after."""
        if isinstance(plan, Cell) and plan.error is not None:
            return plan
        for value in (entry, last):
            if isinstance(value, Unreadable):
                return self.broken(base, entry, value.error)
        if plan is None and slots.is_same(entry, last):
            return entry
        entry, last = absent.paired(self.state, base, entry, last)
        if slots.alike(entry, last):
            return self._structure(base, plan, entry, last, end)
        if slots.is_leaf(entry) and slots.is_leaf(last):
            return self._cell(base, place, plan if isinstance(plan, Cell) else None, entry, last)
        return self.broken(base, entry, self._kinds(base, entry, last))

    def broken(self, base: str, entry: Value, error: Exception) -> Cell:
        """Return the plan for a place that must not be read in the loop."""
        return Cell(base, entry, BOOL, error=error)

    def _kinds(self, base: str, entry: Value, last: Value) -> Exception:
        from .containers import describe

        return (
            self.unroll
            or self.unroll_structures
            or self.state.error(
                f"{base} is a {describe(entry)} before a loop and a {describe(last)} after an "
                "iteration of it, or has another structure",
                "bind it to a value of the same kind before the loop",
            )
        )

    def _structure(
        self, base: str, plan: Value | None, entry: Value, last: Value, end: Snapshot
    ) -> Value:
        if entry is not last and (self.entry.has_two_names(entry) or end.has_two_names(last)):
            return self.broken(base, entry, cells.shared_container(self.state, base))
        first, second = self.entry.children(entry), end.children(last)
        if [key for key, _, _ in first] != [key for key, _, _ in second]:
            return self.broken(base, entry, self._kinds(base, entry, last))
        given = {} if plan is None else {key: x for key, x in slots.entries(slots.inside(plan)[0])}
        if first:
            self.replaced.add(first[0][2][0])
        return slots.rebuilt(entry, {
            key: self._joined(f"{base}_{key}", place, given.get(key), x, y, end)
            for (key, x, place), (_, y, _) in zip(first, second, strict=True)
        })  # fmt: skip

    def _cell(self, base: str, place: Slot, old: Cell | None, entry: Value, end: Value) -> Cell:
        first = slots.leaf_type(entry) if old is None else old.type
        last = slots.leaf_type(end)
        widest = set() if old is None else old.widest
        found = cells.widened(first, last, widest)
        is_mixed = old is not None and old.is_mixed
        if found is None and isinstance(entry, Known) and first.is_number and last.is_array:
            found, is_mixed = self._lasting(cells.mixed_type(first, last)), True
        if found is None:
            return self.broken(base, entry, self._types(base, first, last))
        made = Cell(base, entry, found, is_mixed=is_mixed, place=place, widest=widest)
        if old is not None:
            made.is_flag, made.name = old.is_flag, old.name
            made.copied, made.entry_copied = old.copied, old.entry_copied
        if found.is_array:
            ownership.classify(self, made, end)
        elif any(memory.root_of(self.state, slots.own_expr(x)) for x in (entry, end)):
            return self.broken(base, entry, memory.part_or_number(self.state, base))
        if made.is_buffer and is_mixed:
            return self.broken(base, entry, self._types(base, first, last))
        return made

    def _types(self, base: str, first: Type, last: Type) -> Exception:
        return self.unroll or self.state.error(
            f"{base} is a {first} when a loop begins and a {last} after an iteration of it",
            "bind it to an array of the final shape and dtype before the loop",
        )

    def ends(self, end: Snapshot) -> Iterator[tuple[Cell, Value]]:
        """Yield the cells with what they hold at the end of an iteration."""
        for slot, plan in self.plans.items():
            yield from cells.pairs(self.state, plan, self._found(slot, plan, end))

    # --------------------------------------------------------------------------- the two ends

    def _close(self, block: Block, end: Snapshot) -> None:
        """Emit what makes ends meet: at the end of the body, and before the loop."""
        pairs = [(cell, value) for cell, value in self.ends(end) if cell.error is None]
        with self.state.deeper(block):
            self._keep_others(end, {cell.name for cell, _ in pairs}, pairs)
            self._leave(pairs)
        self._enter([(cell, cells.expr_of(cell, cell.entry)) for cell, _ in pairs])
        ends = {cell.name: value for cell, value in pairs if cell.is_flag}
        for slot, plan in self.plans.items():
            holder = self.entry.holders[slot[0]]
            holder[slot[1]] = cells.mapped(plan, lambda cell: self._after(cell, ends))

    def _leave(self, pairs: list[tuple[Cell, Value]]) -> None:
        """Assign what the next iteration finds; a name may lack a value where a return was met."""
        state = self.state
        ends = [(cell, cells.expr_of(cell, value)) for cell, value in pairs]
        returned = [v for c, v in pairs if c.is_flag and is_returned(c.place[1])]
        going_on = operators.negation(state, returned[0]) if returned else None
        own = {id(c) for k, plan in self.plans.items() for c in cells.all_cells([plan])
               if not slots.is_hidden(k[1])}  # fmt: skip
        inside = [(c, expr) for c, expr in ends if id(c) in own]
        if isinstance(going_on, Leaf) and any(slots.is_lacking(state, e) for _, e in inside):
            with state.deeper([]) as block:
                self._hand_over(inside)
            state.emit(If(going_on.expr, block))
            ends = [(c, expr) for c, expr in ends if id(c) not in own]
        self._hand_over(ends)

    def _after(self, cell: Cell, ends: dict[str, Value]) -> Value:
        """Return what a place holds when the loop has ended."""
        if cell.error is not None:
            return Unreadable(cell.error)
        if cell.is_flag:
            var = Var(BOOL, cell.name)
            stays = ends[cell.name]
            unset = isinstance(stays, Known) and stays.value is False
            return Known(False, var) if unset else Leaf(var)
        root = cell.name if cell.is_buffer else None
        return Leaf(Var(cell.type, cell.name), root)

    def _hand_over(self, pairs: list[tuple[Cell, Expr]]) -> None:
        moved = [
            (cell.name, expr)
            for cell, expr in pairs
            if cell.is_buffer and isinstance(expr, Var) and expr.name != cell.name
        ]
        for name, expr in moved:
            sites = self.state.sites.get(expr.name, frozenset())
            memory.note_sites(self.state, name, sites)
        assigned = [
            (cell.name, ownership.own(self.state, cell, expr))
            for cell, expr in pairs
            if not (cell.is_buffer and isinstance(expr, Var))
        ]
        finish(self.state, assigned, moved)

    def _enter(self, pairs: list[tuple[Cell, Expr]]) -> None:
        """Assign the cells' first values; literals already assigned get the cell's dtype."""
        rest = []
        for cell, expr in pairs:
            entry = cell.entry
            if cell.entry_copied:
                expr = Call(expr.type, memory.COPY, (expr,))
            is_number = (
                isinstance(entry, Known) and isinstance(expr, Var) and expr.name == cell.name
            )
            if is_number and isinstance(entry, Known):
                literal = slots.literal(entry.value, cell.type)
                if type(literal.value) is not type(entry.value):
                    expr = literal
                    cells.drop_assignment(self.state.block, cell.name)
            rest.append((cell, expr))
        self._hand_over(rest)

    def _keep_others(self, end: Snapshot, names: set[str], pairs: list[tuple[Cell, Value]]) -> None:
        """Places first bound in the body keep what they hold when the cells are assigned anew."""
        renamed = {
            cells.name_of(value): cell.name
            for cell, value in pairs
            if cell.is_buffer and cells.name_of(value) != cell.name
        }
        for key, holder in end.holders.items():
            for name, value in slots.entries(end.contents[key]):
                slot = (key, name)
                if slot in self.plans or self.entry.get(slot) is not None:
                    continue
                holder[name] = self._kept(slots.maybe_unbound(value), names, renamed)

    def _lasting(self, found: Type) -> Type:
        """Forget sizes that depend on integers which each iteration sets anew."""
        before = self.tables.contents["types"]
        changing = [not sizes.integers(n) <= before.keys() for n in found.sizes]
        if not any(changing):
            return found
        pairs = zip(found.sizes, changing, strict=True)
        return replace(found, sizes=tuple(unknown_size() if c else n for n, c in pairs))

    def _outliving(self, value: Value) -> Value:
        """Forget what the last iteration alone knew of sizes."""
        match value:
            case Leaf(expr=expr, root=root, size=size):
                if size is not None and not sizes.integers(size) <= (
                    self.tables.contents["types"].keys()
                ):
                    size = None
                return Leaf(replace(expr, type=self._lasting(expr.type)), root, size)
            case Items(items=items):
                items[:] = map(self._outliving, items)
            case Mapping(items=entries) | Record(attributes=entries):
                entries.update({key: self._outliving(x) for key, x in entries.items()})
        return value

    def _kept(self, value: Value, names: set[str], renamed: dict[str, str]) -> Value:
        value = self._outliving(value)
        if not isinstance(value, Leaf):
            return value
        if isinstance(value.expr, Var) and value.expr.name in renamed:
            name = renamed[value.expr.name]
            return Leaf(Var(value.type, name), name)
        needed = memory.mentions(self.state, value)
        if needed & (set(renamed) | {n for n in renamed.values()}) and value.type.is_array:
            return Unreadable(cells.two_names(self.state, "a view"))
        if needed & names and memory.root_of(self.state, value.expr) is None:
            return Leaf(self.state.temporary(value.expr), None, value.size)
        return value
