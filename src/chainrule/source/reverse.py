"""The reverse pass: from a program to its adjoint.

The adjoint runs the program (the *forward sweep*, which saves what will be overwritten) and then
goes through it backwards (the *reverse sweep*): each statement is undone and hands the cotangent of
what it wrote to what it read. See Griewank and Walther, Evaluating Derivatives, 2nd ed. (SIAM
2008), chapters 3, 5 and 6; for what must be saved Hascoet and Pascual, The Tapenade automatic
differentiation tool, ACM TOMS 39 (2013).

This file writes the adjoint of each statement; ``needs`` then finds which values these read, and
``adjoint`` weaves both sweeps together. A program may hold sweeps itself: the cotangent of what
these take from a list of saved values waits in another list for that of what was saved.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from . import ir
from .accumulate import BORROWED, OWNED, repeats
from .activity import is_restored, is_saved
from .build import add, base_variable, call, copy, literal, negative, zeros_like
from .fitting import as_sized
from .helpers import function_behind, second_derivative
from .ir import AFTER, Assign, Block, Call, Choice, Expr, Index, Seq, Stmt, Var
from .locals import local_names
from .places import Places
from .reverse_calls import reverse_call
from .reverse_expressions import Contributions
from .rulecode import Rules
from .types import OBJECT, Type

if TYPE_CHECKING:
    from .callee_sweeps import Sweeps


@dataclass(slots=True)
class Adjoint:
    """What the reverse sweep does at one statement of the program."""

    first: Block = field(default_factory=list)
    """Before the reversed statement: cotangents that must be there when a loop is entered."""
    code: Block = field(default_factory=list)
    """The adjoint of a simple statement."""
    ends: tuple[Block, ...] = ()
    """At the end of each reversed inner block: cotangents that must be there when it is left."""


class Reversal(Contributions):
    """Writes the adjoint of every statement of a program, from the last to the first."""

    def __init__(
        self,
        program: ir.Program,
        varied: set[str],
        rules: Rules,
        fresh: Callable[[str, Type], Var],
        callees: Sweeps | None = None,
    ) -> None:
        super().__init__(program, varied, rules, fresh)
        self.callees = callees
        self.adjoints: dict[int, Adjoint] = {}
        self.stacks: dict[str, str] = {}
        """Lists of saved values -> those of their cotangents."""
        self.places = Places(program.body, self.expand, self.root)
        self.bindings = Counter(n for s in ir.statements(program.body) for n in ir.written(s))
        self.bindings.update(list(program.inputs))

    def root(self, name: str) -> str:
        """The buffer behind a view, or the variable itself."""
        base = base_variable(self.expand(Var(self.program.types[name], name)), self.program.buffers)
        return name if base is None else base.name

    # ----------------------------------------------------------------------------- statements

    def reverse(self, block: Block) -> None:
        """Write the adjoints of a block's statements."""
        for statement in reversed(block):
            adjoint = self.adjoints[id(statement)] = Adjoint()
            match statement:
                case ir.If():
                    self.reverse_if(statement, adjoint)
                case ir.For(body=body) | ir.While(body=body):
                    self.reverse_loop(body, adjoint)
                case _:
                    with self.into(adjoint.code):
                        self.reverse_simple(statement)

    def reverse_simple(self, statement: Stmt) -> None:
        """Write the adjoint of a statement without blocks of its own."""
        match statement:
            case Assign(name=name, value=value):
                if self.cts.present(name):
                    self.reverse_assign(name, self.expand(value))
            case ir.Store():
                self.reverse_store(statement)
            case ir.Move(targets=targets, sources=sources):
                self.reverse_move(targets, [s.name for s in sources])
            case ir.Opaque(name=name):
                if self.cts.present(name):
                    self.reverse_opaque(statement)
            case ir.Invoke():
                reverse_call(self, statement)
            case ir.Effect(names=names):
                present = [name for name in names if self.cts.present(name)]
                if present and function_behind(statement):
                    raise second_derivative(function_behind(statement), statement.origin)
                for name in present:
                    self.cts.take(name)
            case ir.Push():
                self.reverse_push(statement)
            case ir.Pop():
                self.reverse_pop(statement)

    def reverse_assign(self, name: str, value: Expr) -> None:
        """``x = f(y)``: the cotangent of ``x`` goes to ``y``, and ``x`` has none any more."""
        state = self.cts.state[name]
        ct: Expr = self.cts.take(name)
        count = len([v for v in ir.walk(value) if self.is_leaf(v)])
        y = Var(self.program.types[name], name + AFTER)
        if name not in ir.names_in(value):
            if state == OWNED and count == 1:
                self.cts.free = ct
            self.pull(value, as_sized(ct, value), y)
        elif is_updated(name, value):  # x = x + y: the new cotangent of x is written last
            with self.cts.deferring(name) as parts:
                self.pull(value, as_sized(ct, value), y)
            if parts == [ct]:
                self.cts.state[name] = state if count == 1 else BORROWED
            elif parts:
                self.cts.add(Var(self.program.types[name], name), functools.reduce(add, parts))
        else:
            self.pull(value, as_sized(self.name_it(ct, f"{name}_ct"), value), y)

    def is_leaf(self, expr: Expr) -> bool:
        """Whether an expression is a variable that takes part in the derivative."""
        return isinstance(expr, Var) and self.is_varied(expr)

    def reverse_store(self, store: ir.Store) -> None:
        """``u[i] = f(y)``: that part of the cotangent of ``u`` goes to ``y``, and is zero then."""
        target = self.expand(store.target)
        place = self.rules.part(target, store.index)
        base = base_variable(place, self.program.buffers)
        assert base is not None
        if not self.cts.present(base.name) or not place.type.is_differentiable:
            return
        self.cts.own(base.name)
        value = self.expand(store.value)
        if store.op is not None and repeats_in(place) and not store.at:
            # Of several values that go to one place NumPy keeps the last.
            value = call(getattr(np, store.op), place, value)
            store = replace(store, op=None)
        varied = self.is_varied(value)
        part = self.cts.shadow(place)
        if store.op is None:
            ct: Expr | None = None
            if varied:
                ct = self.name_it(copy(part) if not repeats_in(place) else part, "stored_ct")
                if repeats_in(place):
                    ct = self.rules.last_written(ct, target, store.index, value)
            variable, index = self.cts._target(part)
            self.emit(ir.Store(variable, index, literal(0.0)))
            if ct is not None:
                self.pull(value, self.restored(ct, value), self.left_by(store, place, value))
        elif varied:
            # The buffer's cotangent lives on, and is changed.
            ct = negative(part) if store.op == "subtract" else copy(part)
            if base.name in ir.names_in(value):
                ct = self.name_it(ct, "stored_ct")
            self.pull(value, self.restored(ct, value))

    def left_by(self, store: ir.Store, place: Expr, value: Expr) -> Expr | None:
        """Return a store's place as what holds its value, None if it may hold another one.

        Of elementwise functions only: a largest element is found again by its value, which must be
        computed together with the elements.
        """
        if not isinstance(value, Call) or not self.rules.is_elementwise(value):
            return None
        base = base_variable(place, self.program.buffers)
        inner = place.base if isinstance(place, Index) else place
        same = all(
            getattr(place.type, part) == getattr(value.type, part)
            for part in ("kind", "dtype", "sizes")
        )
        if base is None or inner != base or not same or not self.places.lasts(store):
            return None
        after = replace(base, name=base.name + AFTER)
        return replace(place, base=after) if isinstance(place, Index) else after

    def reverse_move(self, targets: Sequence[str], sources: Sequence[str]) -> None:
        """Cotangents go back the way their arrays came."""
        held = {t: self.cts.state.get(t) for t in targets}
        kept = {s: self.cts.present(s) for s in sources if s not in targets}
        pairs = [(s, t) for t, s in zip(targets, sources, strict=True) if held[t] is not None]
        for s, present in kept.items():
            if present:
                raise AssertionError(f"{s} is used after its array was handed over")
        if pairs:
            left = tuple(self.cts.variable(s).name for s, _ in pairs)
            right = tuple(self.cts.variable(t) for _, t in pairs)
            self.emit(ir.Move(left, right))
        for t in targets:
            self.cts.state.pop(t, None)
        for s, t in pairs:
            self.cts.state[s] = held[t] or BORROWED

    def reverse_opaque(self, statement: ir.Opaque) -> None:
        """Call the pullback that the tape made."""
        ct = self.cts.take(statement.name)
        assert statement.pullback is not None
        cts = self.name_it(self.rules.pulled_back(statement, ct), "cts")
        for i, arg in enumerate(statement.args):
            expanded = self.expand(arg)
            if self.is_varied(expanded):
                self.pull(expanded, Index(arg.type, cts, (literal(i),)))

    # --------------------------------------------------------------------------- saved values

    def reverse_pop(self, pop: ir.Pop) -> None:
        """``x = stack.pop()``: the cotangent of ``x`` waits for that of what was saved."""
        name = pop.target.name
        if not is_restored(pop, self.cts.varied):
            return
        if pop.index is None:
            after = Var(self.program.types[name], name + AFTER)
            ct = self.cts.take(name) if self.cts.present(name) else zeros_like(after)
        else:
            target = self.expand(pop.target)
            place = self.rules.part(target, pop.index)
            base = base_variable(place, self.program.buffers)
            assert base is not None
            ct = zeros_like(place)
            if self.cts.present(base.name):
                self.cts.own(base.name)
                part = self.cts.shadow(place)
                ct = self.name_it(copy(part), "stored_ct")
                if repeats_in(place):  # saved several times, restored once
                    ct = self.rules.last_written(ct, target, pop.index, place)
                    ct = self.name_it(ct, "stored_ct")
                variable, index = self.cts._target(part)
                self.emit(ir.Store(variable, index, literal(0.0)))
        self.emit(ir.Push(ct, stack=self.waiting(pop.stack)))

    def reverse_push(self, push: ir.Push) -> None:
        """``stack.append(x)``: the cotangent of what was saved goes to ``x``."""
        value = self.expand(push.value)
        if is_saved(push, self.cts.varied):
            ct = self.fresh("saved_ct", value.type)
            self.emit(ir.Pop(ct, stack=self.waiting(push.stack)))
            self.pull(value, ct)

    def waiting(self, stack: str) -> str:
        """Return the list of the cotangents of saved values."""
        if stack not in self.stacks:
            self.stacks[stack] = self.fresh(f"{stack}_ct", OBJECT).name
        return self.stacks[stack]

    # ------------------------------------------------------------------------------- branches

    def reverse_if(self, statement: ir.If, adjoint: Adjoint) -> None:
        """Write the adjoints of both arms."""
        before = dict(self.cts.state)
        ends = []
        for arm in (statement.then, statement.orelse):
            self.cts.state = dict(before)
            self.reverse(arm)
            ends.append(self.cts.state)
        adjoint.ends = ([], [])
        self.join(ends, adjoint.ends)

    def reverse_loop(self, body: Block, adjoint: Adjoint) -> None:
        """Write the adjoint of a loop: what its body adds to must be there from the start.

        Which cotangents live from one iteration to the next, and whether they are owned, is found
        by writing the body again until nothing changes.
        """
        across = self.carried(body)
        entry = dict(self.cts.state)
        start = dict(entry)
        before, own = self.cts.changed, set[str]()
        while True:
            trial: Block = []
            self.cts.state, self.cts.changed = dict(start), set()
            with self.into(trial):
                self.reverse(body)
            end = self.cts.state
            wanted = dict(start)
            for name in end:
                if name in start or name in across:
                    both = (start.get(name, OWNED), end[name])
                    wanted[name] = BORROWED if BORROWED in both else OWNED
            # What an iteration copies to change it is copied once, before the loop.
            at_once = {n for n in self.cts.changed - own if start.get(n) == BORROWED}
            own |= at_once
            wanted.update(dict.fromkeys(at_once, OWNED))
            if wanted == start:
                break
            start = wanted
        adjoint.ends = ([],)
        with self.into(adjoint.ends[0]):
            for name in sorted(start.keys() - end.keys()):
                self.cts.start(name)
        self.cts.state, self.cts.changed = entry, before | self.cts.changed
        with self.into(adjoint.first):
            for name in sorted(start.keys() - entry.keys()):
                self.cts.start(name)
            for name in sorted(own & entry.keys()):
                if start[name] == OWNED:
                    self.cts.own(name)
        self.cts.state = start

    def carried(self, body: Block) -> set[str]:
        """Variables whose cotangents can outlive an iteration: all but those local to the body.

        A buffer that only the body binds, and hands over, does not even if some paths lack it.
        """
        inside = Counter(name for s in ir.statements(body) for name in ir.written(s))
        moves = (s for s in ir.statements(body) if isinstance(s, ir.Move))
        handed = {source.name for move in moves for source in move.sources}
        local = {name for name in handed if inside[name] == self.bindings[name]}
        return set(self.program.types) - local_names(body) - local


def is_updated(name: str, value: Expr) -> bool:
    """Whether a value reads a variable as a whole only, by calls that are always evaluated."""
    for e in ir.walk(value):
        if isinstance(e, Choice | Seq):
            return False
        if isinstance(e, Index) and name in ir.names_in(e.base):
            return False
    return True


def repeats_in(place: Expr) -> bool:
    """Whether a place may name elements more than once."""
    return isinstance(place, Index) and repeats(place)
