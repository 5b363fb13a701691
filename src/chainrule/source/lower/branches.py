"""Branches: both arms are lowered from the same state, and what differs afterwards is joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ir import (
    Block,
    Call,
    Expr,
    If,
    Move,
    Raise,
    Stmt,
    Var,
    names_in,
    rewrite,
    statements,
    walk,
    written,
)
from ..jumps import RESULT
from ..types import OBJECT, Type
from ..values import Known, Leaf, Value
from . import absent, common_types, memory, slots, splitting
from .slots import Slot, Snapshot
from .state import Endless, Refine, State, Unreadable, in_rule

# ------------------------------------------------------------------------------- the two arms


@dataclass(slots=True)
class _Arm:
    """One arm of a branch: its statements, the places after it, what is still to be assigned."""

    block: Block
    after: Snapshot
    assigned: list[tuple[str, Expr]] = field(default_factory=list)
    moved: list[tuple[str, Var]] = field(default_factory=list)
    is_endless: bool = False
    """Whether it ends in a call of which nothing is known yet (see ``recursion``)."""


def branch(
    state: State,
    test: Value,
    then: Callable[[], None],
    orelse: Callable[[], None],
    where: Sequence[Any] = (),
) -> None:
    """Lower ``if test: then() else: orelse()``; ``where``: what to ask for to have it split."""
    if isinstance(test, Known):
        (then if test.value else orelse)()
        return
    assert isinstance(test, Leaf)
    entry, bound = Snapshot.take(state), frozenset(state.types)
    state.tests.append(test)
    first = _lower_arm(state, then)
    entry.restore()
    second = _lower_arm(state, orelse)
    state.tests.pop()
    origin = state.origin
    if _is_dead(first.block) or _is_dead(second.block):
        if _is_dead(second.block):
            first.after.restore()
    else:
        _Join(state, test, first, second, bound, where).run()
    if first.block or second.block:
        state.emit(If(test.expr, first.block, second.block, origin=origin))
    if (first.is_endless or second.is_endless) and _is_dead(first.block) and _is_dead(second.block):
        raise Endless


def _lower_arm(state: State, run: Callable[[], None]) -> _Arm:
    kept, tests, is_endless = (state.origin, state.path), len(state.tests), False
    with state.deeper([]) as block:
        try:
            run()
        except Endless:
            is_endless = True
            (state.origin, state.path), state.tests[tests:] = kept, []
            state.emit(Raise(Call(OBJECT, RecursionError, ())))
    return _Arm(block, Snapshot.take(state), is_endless=is_endless)


def _is_dead(block: Sequence[Stmt]) -> bool:
    """Tell whether control does not reach the end of a block."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, If):
        return _is_dead(last.then) and _is_dead(last.orelse)
    return isinstance(last, Raise)


def select(
    state: State, test: Value, then: Callable[[], Value], orelse: Callable[[], Value]
) -> Value:
    """Lower a choice between two values that need statements of their own."""
    name = state.hidden_name("chosen")

    def keep(make: Callable[[], Value]) -> None:
        state.scope.variables[name] = memory.held(state, make())

    branch(state, test, lambda: keep(then), lambda: keep(orelse))
    return slots.readable(state.scope.variables.pop(name))


# --------------------------------------------------------------------------------------- joins


class _Join:
    """Brings what each place holds after either arm to one value."""

    def __init__(
        self,
        state: State,
        test: Leaf,
        then: _Arm,
        orelse: _Arm,
        bound: frozenset[str],
        where: Sequence[Any],
    ) -> None:
        self.state = state
        self.where = where
        self.bound = bound
        """Variables of the program from before the branch."""
        self.test = test
        self.arms = (then, orelse)
        self.users: list[dict[str, set[Slot]]] = [{}, {}]
        """For each arm and variable the places that need it afterwards."""
        for users, arm in zip(self.users, self.arms, strict=True):
            for slot, value in arm.after.slots():
                for name in memory.mentions(state, value):
                    users.setdefault(name, set()).add(slot)

    def run(self) -> None:
        """Join all places; emit what that takes at the ends of the arms."""
        then, orelse = (arm.after for arm in self.arms)
        variables = {id(scope.variables) for scope in (*self.state.frames, self.state.scope)}
        for key, holder in then.holders.items():
            if key not in orelse.holders:  # nothing names it after that arm
                slots.fill(holder, then.contents[key])
                continue
            a, b = then.contents[key], orelse.contents[key]
            self._check_shape(a, b, key in variables)
            names = dict.fromkeys(name for part in (a, b) for name, _ in slots.entries(part))
            joined = {name: self._joined((key, name)) for name in names}
            slots.fill(holder, joined if isinstance(holder, dict) else list(joined.values()))
        for arm in self.arms:
            with self.state.deeper(arm.block):
                finish(self.state, arm.assigned, arm.moved)

    def _check_shape(self, a: slots.Holder, b: slots.Holder, is_scope: bool) -> None:
        same = len(a) == len(b) if isinstance(a, list) else is_scope or a.keys() == b.keys()
        if not same:
            raise self._request() or self.state.error(
                "A list or dict has different entries after the two arms of an if",
                "give it the same number of entries in both, or use an array",
            )

    def _joined(self, slot: Slot) -> Value:
        """Join what one place holds after the arms."""
        a, b = (arm.after.get(slot) for arm in self.arms)
        if a is None or b is None:
            return self._in_one_arm(slot, a, b)
        return self.value((slot, slot), slots.base_at(self.state, slot), a, b)

    def _in_one_arm(self, slot: Slot, a: Value | None, b: Value | None) -> Value:
        """Note which variables are not bound after the other arm."""
        found, arm = (b, self.arms[0]) if a is None else (a, self.arms[1])
        assert found is not None
        # Nothing reads variables after a return, nor a result that is not bound yet.
        is_safe = slot[1] == RESULT or RESULT in arm.after.contents.get(slot[0], ())
        written_there = {name for s in statements(arm.block) for name in written(s)}
        for part in slots.parts(found):
            names = memory.mentions(self.state, part) - self.bound - written_there
            for name in names:
                blocks = self.state.unbound.get(name, [])
                if blocks is not None:
                    blocks = [*blocks, arm.block] if is_safe else None
                self.state.unbound[name] = blocks
        return slots.maybe_unbound(found)

    def value(self, places: tuple[Slot, Slot], base: str, a: Value, b: Value) -> Value:
        """Join two values; ``places``: where each is."""
        if slots.is_same(a, b):
            return a
        for one in (a, b):
            if isinstance(one, Unreadable):
                return one
        if isinstance(a, Known) and isinstance(b, Known) and slots.same_known(a.value, b.value):
            return Known(a.value)
        a, b = absent.paired(self.state, base, a, b)
        if slots.alike(a, b):
            return self._structure(base, a, b)
        if slots.is_leaf(a) and slots.is_leaf(b):
            return self.leaf(places, base, a, b)
        return self._differs(base, a, b)

    def _structure(self, base: str, a: Value, b: Value) -> Value:
        pairs = list(zip(self.arms, (a, b), strict=True))
        if any(arm.after.has_two_names(x) for arm, x in pairs):
            return self._two_lists(base)
        first, second = (arm.after.children(x) for arm, x in pairs)
        if [key for key, _, _ in first] != [key for key, _, _ in second]:
            return self._differs(base, a, b)
        return slots.rebuilt(a, {
            key: self.value((p, q), f"{base}_{key}", x, y)
            for (key, x, p), (_, y, q) in zip(first, second, strict=True)
        })  # fmt: skip

    def _two_lists(self, base: str) -> Unreadable:
        return Unreadable(
            self.state.error(
                f"{base} is another list or dict after each arm of an if, and has a second name",
                "make a new list: list(x), dict(x)",
            )
        )

    def _differs(self, base: str, a: Value, b: Value) -> Unreadable:
        if isinstance(a, Leaf) and isinstance(b, Leaf) and a.type.ndim == b.type.ndim:
            return Unreadable(
                self.state.error(
                    f"{base} is an array of truth values after one arm of an if and an array of "
                    "numbers after the other",
                    "convert the mask: mask.astype(float)",
                )
            )
        return Unreadable(
            self._request()
            or self.state.error(
                f"{base} is {_differences(a, b)}",
                "bind it to values of one kind, or put what uses it into both arms",
            )
        )

    def _request(self) -> Refine | None:
        """Return what helps: to know what the tests depend on, to unroll a loop, to split."""
        try:
            for test in (*self.state.tests, self.test):
                self.state.ask(test)
        except Refine as request:
            return request
        return splitting.asked(self.state, self.where)

    def leaf(self, places: tuple[Slot, Slot], base: str, a: Value, b: Value) -> Value:
        """Join two numbers or two arrays: they get one variable."""
        state = self.state
        if in_rule(state):
            a, b = slots.as_numbers(a, b)
        types = [slots.leaf_type(x) for x in (a, b)]
        found = common_types.join_types(*types)
        if found is None:
            return self._differs(base, a, b)
        exprs = [slots.leaf_expr(x, found) for x in (a, b)]
        roots = [memory.root_of(state, expr) for expr in exprs]
        if any(roots) and not found.is_array:
            return Unreadable(memory.part_or_number(state, base))
        if any(roots):
            return self._buffers(places, base, exprs, roots, found)
        name = self._name(places, base, exprs, found)
        if any(slots.is_unbound(state, expr, name) for expr in exprs):
            return Unreadable(slots.unbound_error(state, base))
        for arm, expr in zip(self.arms, exprs, strict=True):
            arm.assigned.append((name, expr))
        sizes = [x.size if isinstance(x, Leaf) else None for x in (a, b)]
        state.types[name] = found
        return Leaf(Var(found, name), None, sizes[0] if sizes[0] == sizes[1] else None)

    def _buffers(
        self,
        places: tuple[Slot, Slot],
        base: str,
        exprs: list[Expr],
        roots: list[str | None],
        found: Type,
    ) -> Value:
        state = self.state
        names = [expr.name if isinstance(expr, Var) else "" for expr in exprs]
        free = [self.users[k].get(name, set()) <= {places[k]} for k, name in enumerate(names)]
        for k, root in enumerate(roots):
            if root is None and free[1 - k] and names[1 - k] in state.buffers:
                memory.make_buffer(state, exprs[k])
        name = self._name(places, base, exprs, found)
        moved = [k for k in range(2) if names[k] != name]
        if not all(n in state.buffers for n in names) or not all(free[k] for k in moved):
            return self._copied(base, exprs, roots, found)
        if any(slots.is_unbound(state, exprs[k], name) for k in moved):
            return Unreadable(slots.unbound_error(state, base))
        for k in moved:
            self.arms[k].moved.append((name, Var(exprs[k].type, names[k])))
        state.types[name] = found
        state.buffers.add(name)
        for source in names:
            memory.note_sites(state, name, state.sites.get(source, frozenset()))
        return Leaf(Var(found, name), name)

    def _copied(self, base: str, exprs: list[Expr], roots: list[str | None], found: Type) -> Value:
        """Copy what cannot be handed over; right as long as none of the originals changes."""
        state = self.state
        if any(slots.is_unbound(state, expr, "") for expr in exprs):
            return Unreadable(slots.unbound_error(state, base))
        name = state.fresh(base, True)
        for arm, expr, root in zip(self.arms, exprs, roots, strict=True):
            made = expr if root is None else Call(expr.type, memory.COPY, (expr,))
            arm.assigned.append((name, made))
        state.types[name] = found
        shared = tuple(sorted({root for root in roots if root is not None}))
        memory.note_sites(state, name, frozenset({("copy", shared, base, self.where)}))
        return Leaf(Var(found, name))

    def _name(self, places: tuple[Slot, Slot], base: str, exprs: list[Expr], found: Type) -> str:
        """Return the variable for both arms: one that either has, if nothing else needs it."""
        state = self.state
        names = [expr.name for expr in exprs if isinstance(expr, Var)]
        if len(names) == 2 and names[0] == names[1]:
            return names[0]
        home = state.homes.get(places[0])
        for name in sorted(names, key=lambda name: name != home):
            is_free = name not in state.loops and name not in state.hidden
            fits = common_types.fits(state.types[name], found) and name not in state.roots
            used = any(u.get(name, set()) - {p} for u, p in zip(self.users, places, strict=True))
            if is_free and fits and not used:
                state.homes[places[0]] = name
                return name
        name = state.fresh(base, True)
        state.homes[places[0]] = name
        return name


# ------------------------------------------------------------------------------- at block ends


def finish(
    state: State,
    assigned: Sequence[tuple[str, Expr]],
    moved: Sequence[tuple[str, Var]],
) -> None:
    """Emit parallel assignments and moves at the end of a block."""
    pending = [
        (name, expr) for name, expr in assigned if not (isinstance(expr, Var) and expr.name == name)
    ]
    while pending:
        free = [
            (name, expr)
            for name, expr in pending
            if not any(name in names_in(other) for n, other in pending if n != name)
        ]
        if not free:
            pending = _broken_cycle(state, pending)
            continue
        memory.assign(state, *free[0])
        pending.remove(free[0])
    if moved:
        targets, sources = zip(*moved, strict=True)
        state.definitions.update(dict.fromkeys(targets))
        state.rebound |= {*targets}
        state.emit(Move(tuple(targets), tuple(sources)))


def _broken_cycle(state: State, pending: list[tuple[str, Expr]]) -> list[tuple[str, Expr]]:
    """Save the first target under another name, and read it from there."""
    name = pending[0][0]
    saved = next(e for _, expr in pending for e in _variables(expr) if e.name == name)
    kept = state.temporary(saved)

    def change(e: Expr) -> Expr:
        return kept if isinstance(e, Var) and e.name == name else e

    return [(n, expr if n == name else rewrite(expr, change)) for n, expr in pending]


def _variables(expr: Expr) -> list[Var]:
    return [e for e in walk(expr) if isinstance(e, Var)]


def _differences(a: Value, b: Value) -> str:
    """Say what a name is after either arm of an if, where that are two things."""
    from .containers import describe

    first, second = (
        f"a {x.type}" if isinstance(x, Leaf) and x.type.dtype else f"a {describe(x)}"
        for x in (a, b)
    )
    if first == second:  # two functions, two texts
        return f"{first} after one arm of an if and another one after the other"
    return f"{first} after one arm of an if and {second} after the other"
