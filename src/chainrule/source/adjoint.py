"""Adjoint programs: the two sweeps woven together, seeds at the start, gradients at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from . import ir
from .build import base_variable, copy, integer, literal, zeros_like
from .by_name import read_by_name
from .fresh import Fresh
from .ir import AFTER, Assign, Block, Expr, Index, Note, Pop, Push, Stmt, Var
from .lifting import Bounds, lifted, where_any
from .needs import Needs, shapes_alone
from .prepared import prepare
from .recompute import Recomputed
from .reverse import Adjoint, Reversal
from .rulecode import Rules
from .sharing import Sharing, is_fresh
from .types import INT

if TYPE_CHECKING:
    from .callee_sweeps import Sweeps


def sweeps(
    program: ir.Program,
    wrt: Sequence[str],
    active: set[str],
    rules: Sequence[Rules],
    fresh: Fresh,
    outputs: Sequence[tuple[Expr, Expr]],
    store_all: bool = False,
    callees: Sweeps | None = None,
) -> tuple[Block, list[tuple[Block, dict[str, Expr]]]]:
    """Return one forward sweep, and a reverse sweep with its cotangents for each kind of rules.

    ``active``: the variables that depend on the inputs ``wrt``; ``outputs``: expressions at the
    program's end with their cotangents; ``store_all``: save whatever is overwritten. The forward
    sweep saves what any of the reverse sweeps needs, so that each of them may follow it.
    ``callees`` makes both sweeps of the functions that it calls.
    """
    program, made, needs = _planned(program, wrt, active, rules, fresh, outputs, store_all, callees)
    found = []
    for m in made:
        forward, reverse = Weave(m.reversal, needs, fresh).block(program.body)
        found.append(([*m.seeding, *reverse, *m.ending], m.found))
    unset = sorted(needs.unset)
    return [*(Assign(name, literal(None)) for name in unset), *forward], found


def saved_stores(
    program: ir.Program,
    wrt: Sequence[str],
    active: set[str],
    rules: Sequence[Rules],
    fresh: Fresh,
    outputs: Sequence[tuple[Expr, Expr]],
) -> list[Stmt]:
    """Return the stores outside loops and branches that ``sweeps`` would save the place of."""
    with fresh.tried():
        planned, _, needs = _planned(program, wrt, active, rules, fresh, outputs)
    stores = [s for s in program.body if isinstance(s, ir.Store)]
    copies = [s for s in planned.body if isinstance(s, ir.Store)]
    return [s for s, t in zip(stores, copies, strict=True) if needs.saved[id(t)]]


def _planned(
    program: ir.Program,
    wrt: Sequence[str],
    active: set[str],
    rules: Sequence[Rules],
    fresh: Fresh,
    outputs: Sequence[tuple[Expr, Expr]],
    store_all: bool = False,
    callees: Sweeps | None = None,
) -> tuple[ir.Program, list[_Reversed], Needs]:
    """Return a program that is ready to be reversed, its adjoints, and what these need."""
    body = prepare(program.body, fresh)
    if callees is not None:
        body = callees.opened(body, active, fresh)
    program = replace(program, body=body, types=dict(fresh.types))
    made = [_Reversed(program, wrt, active, r, fresh, outputs, callees) for r in rules]
    adjoints = _together(made)
    around = [s for m in made for s in (*m.seeding, *m.ending)]
    results = {n for m in made for e in m.found.values() for n in ir.names_in(e)}
    shapes = shapes_alone(adjoints.values(), around, results)
    needs = Needs(program, adjoints, made[0].reversal.expand, store_all, shapes)
    given = {*program.inputs, *program.hidden, *(p.name for p in program.parameters)}
    needs.flow(body, set(), set(given))
    return program, made, needs


class _Reversed:
    """The adjoints of all statements by one kind of rules."""

    def __init__(
        self,
        program: ir.Program,
        wrt: Sequence[str],
        active: set[str],
        rules: Rules,
        fresh: Fresh,
        outputs: Sequence[tuple[Expr, Expr]],
        callees: Sweeps | None,
    ) -> None:
        self.reversal = reversal = Reversal(program, active, rules, fresh, callees)
        self.seeding: Block = []
        with reversal.into(self.seeding):
            for output, seed in outputs:
                reversal.pull(reversal.expand(output), seed)
        reversal.reverse(program.body)
        self.ending: Block = []
        with reversal.into(self.ending):
            self.found = {name: _own(reversal, name) for name in wrt}


def _together(made: Sequence[_Reversed]) -> dict[int, Adjoint]:
    """Return for each statement what all of its adjoints do, to see what they need."""
    if len(made) == 1:
        return made[0].reversal.adjoints
    found: dict[int, Adjoint] = {}
    for key in made[0].reversal.adjoints:
        all_ = [m.reversal.adjoints[key] for m in made]
        ends = zip(*(a.ends for a in all_), strict=True)
        found[key] = Adjoint(
            first=[s for a in all_ for s in a.first],
            code=[s for a in all_ for s in a.code],
            ends=tuple([s for end in same for s in end] for same in ends),
        )
    return found


def _own(reversal: Reversal, name: str) -> Expr:
    """Return an input's cotangent, as an array of its own."""
    cts = reversal.cts
    if not cts.present(name):
        return zeros_like(Var(cts.types[name], name))
    borrowed = cts.state[name] != "owned"
    ct = cts.variable(name)
    return copy(ct) if borrowed else ct


class Weave:
    """Puts the adjoints, the saves and their undoing in their places."""

    def __init__(self, reversal: Reversal, needs: Needs, fresh: Fresh) -> None:
        self.adjoints = reversal.adjoints
        self.expand = reversal.expand
        self.aliases = reversal.aliases
        self.rules = reversal.rules
        self.types = reversal.program.types
        self.functions = {} if reversal.callees is None else reversal.callees.forwards()
        self.needs = needs
        self.fresh = fresh
        self.bounds = Bounds()
        self.named: dict[int, list[tuple[Index, Var]]] = {}
        """Statement -> the saved places that its adjoint reads by names."""
        self.class_of = Sharing(reversal.program.body).of

    def block(self, block: Block) -> tuple[Block, Block]:
        """Return both sweeps of a block."""
        forward: Block = []
        pieces: list[tuple[Stmt, Block]] = []
        for s in block:
            match s:
                case ir.If():
                    piece = self.branch(s, forward)
                case ir.For(snapshots=Expr()):
                    with self.inside(s):
                        made = Recomputed(self, s)
                    piece = made.sweeps(forward)
                case ir.For() | ir.While():
                    piece = self.loop(s, forward)
                case _:
                    piece = self.simple(s, forward)
            if piece:
                pieces.append((s, piece))
        for s, piece in pieces:
            for place, name in self.named.get(id(s), ()):
                piece[:] = self.by_name(place, name, piece)
        return forward, list(_noted(pieces))

    def by_name(self, place: Index, name: Var, code: Block) -> Block:
        """Let the adjoint of a statement read what was saved of a place by its name."""

        def change(e: Expr) -> Expr:
            return read_by_name(self.expand(e), place, name)

        return [map_expressions(t, change) for t in code]

    # ----------------------------------------------------------------------- simple statements

    def simple(self, s: Stmt, forward: Block) -> Block:
        """Add a statement to the forward sweep; return its piece of the reverse sweep."""
        saved = self.needs.saved.get(id(s), [])
        code = self.adjoints[id(s)].code
        undo: Block = []
        after: dict[str, str] = {}
        match s:
            case (
                ir.Store(target=target, index=index) | ir.Pop(target=target, index=tuple() as index)
            ) if saved:
                place = self.rules.part(self.expand(target), index)
                is_view = place.type.is_array and not is_fresh(place)
                forward.append(Push(place, copy=is_view))
                readers = self.needs.readers.get(id(s))
                if readers is not None and isinstance(place, Index):
                    pop = self.pop_by_name(place, readers - {id(s)})
                    undo, code = [pop], self.by_name(place, pop.target, code)
                else:
                    code, undo = self.left(place, code)
                    undo += self.pop_into(place)
            case ir.Move(targets=targets, sources=sources):
                return self.move(s, saved, targets, sources, code, forward)
            case _:
                for name in saved:
                    forward.append(Push(Var(self.types[name], name)))
                    if any(name + AFTER in _names(t) for t in ir.statements(code)):
                        var = self.fresh(f"{name}_after", self.types[name])
                        undo.append(Assign(var.name, Var(var.type, name)))
                        after[name + AFTER] = var.name
                    undo.append(Pop(Var(self.types[name], name)))
        forward.append(s)
        return undo + [_renamed(t, after) for t in code]

    def pop_by_name(self, place: Index, readers: set[int]) -> Pop:
        """Give a name to what is saved of an array; the adjoints of ``readers`` will read it."""
        base = base_variable(place, self.needs.buffers)
        assert base is not None
        name = self.fresh(f"{base.name}_before", place.type)
        for reader in readers:
            self.named.setdefault(reader, []).append((place, name))
        return Pop(name, of=base.name)

    def left(self, place: Expr, code: Block) -> tuple[Block, Block]:
        """Keep for an adjoint what a store has left at a place that is restored before it."""
        base = base_variable(place, self.needs.buffers)
        assert base is not None
        after = Var(base.type, base.name + AFTER)
        found: list[tuple[Expr, Var]] = []
        kept: Block = []

        def held(e: Expr) -> Expr:
            known = [var for other, var in found if other == e]
            if known:
                return known[0]
            var = self.fresh("left", e.type)
            value = ir.rewrite(e, lambda x: base if x == after else x)
            is_view = e.type.is_array and not is_fresh(value)
            kept.append(Assign(var.name, copy(value) if is_view else value))
            found.append((e, var))
            return var

        def part(e: Expr) -> Expr:
            return held(e) if isinstance(e, Index) and e.base == after else e

        def whole(e: Expr) -> Expr:
            return held(e) if e == after else e

        code = [map_expressions(t, lambda e: ir.rewrite(e, part)) for t in code]
        return [map_expressions(t, lambda e: ir.rewrite(e, whole)) for t in code], kept

    def pop_into(self, place: Expr) -> Block:
        """Restore a part of a buffer."""
        if isinstance(place, Var):
            return [Pop(place, ())]
        if isinstance(place, Index) and isinstance(place.base, Var):
            return [Pop(place.base, place.index)]
        base = base_variable(place, self.needs.buffers)
        assert base is not None
        inner, index = (place.base, place.index) if isinstance(place, Index) else (place, ())
        view = self.fresh("view", inner.type)
        return [ir.Alias(view.name, inner, base.name), Pop(view, index)]

    def move(
        self,
        s: Stmt,
        saved: list[str],
        targets: tuple[str, ...],
        sources: tuple[Var, ...],
        code: Block,
        forward: Block,
    ) -> Block:
        """Hand buffers back the way they came."""
        for name in saved:
            forward.append(Push(Var(self.types[name], name)))
        forward.append(s)
        back = tuple(Var(self.types[t], t) for t in targets)
        undo: Block = [ir.Move(tuple(v.name for v in sources), back)]
        undo += [Pop(Var(self.types[name], name)) for name in reversed(saved)]
        return undo + code

    # ------------------------------------------------------------------------ nested statements

    def branch(self, s: ir.If, forward: Block) -> Block:
        """Take the same arm backwards."""
        first, second = self.block(s.then), self.block(s.orelse)
        forward.append(replace(s, then=first[0], orelse=second[0]))
        ends = self.adjoints[id(s)].ends
        then, orelse = first[1] + ends[0], second[1] + ends[1]
        if not then and not orelse:
            return []
        return [ir.If(self.expand(s.condition), then, orelse)]

    def loop(self, s: ir.For | ir.While, forward: Block) -> Block:
        """Run through the iterations from the last to the first."""
        with self.inside(s):
            body, back = self.block(s.body)
        places: list[Index] = []
        if isinstance(s, ir.For) and not self.needs.store_all:
            body, back, places = lifted(s, body, back, self.bounds, self.class_of)
            forward += where_any(s, [Push(place) for place in places])
        end, adjoint = self.needs.ends[id(s)], self.adjoints[id(s)]
        pushed = [Var(self.types[name], name) for name in end.pushed]
        copied = self.needs.copied
        saves: Block = [Push(var, copy=var.name in copied, local=True) for var in pushed]
        forward.append(replace(s, body=body + saves, trips=None))
        found: Block = [Pop(var) for var in reversed(pushed)]
        found += [Assign(a.name, self.expand(a.value)) for a in end.again]
        inner = found + back + adjoint.ends[0]
        if not back and not pushed and not adjoint.ends[0]:
            return list(adjoint.first)
        if isinstance(s, ir.For):
            start, stop, step = (self.expand(b) for b in (s.start, s.stop, s.step))
            turned = not s.backwards
            loop = ir.For(s.var, start, stop, step, inner, trips=s.trips, backwards=turned)
        else:
            assert s.trips is not None
            var = self.fresh("k", INT)
            loop = ir.For(var, integer(0), Var(INT, s.trips), integer(1), inner)
        restored = [self.pop_into(place)[0] for place in reversed(places)]
        loop.is_sweep = True
        return [*adjoint.first, loop, *where_any(loop, restored)]

    @contextmanager
    def inside(self, s: Stmt) -> Iterator[None]:
        """Know the bounds of a loop's variable in its body."""
        outer, self.bounds = self.bounds, self.bounds.within(s)
        yield
        self.bounds = outer


def _noted(pieces: Sequence[tuple[Stmt, Block]]) -> Iterator[Stmt]:
    """Yield the pieces of a reverse sweep, last one first, each under the user's line."""
    above = None
    for s, piece in reversed(pieces):
        line = s.origin and s.origin.shown
        if line is not None and line != above:
            yield Note(line.text)
        above = line
        yield from piece


def _names(s: Stmt) -> set[str]:
    return ir.names_in(*ir.expressions(s))


def _renamed(s: Stmt, after: dict[str, str]) -> Stmt:
    """Write ``x'after`` as what holds it: ``x`` itself where it has not been overwritten."""

    def change(e: Expr) -> Expr:
        if isinstance(e, Var) and e.name.endswith(AFTER):
            return replace(e, name=after.get(e.name, e.name.removesuffix(AFTER)))
        return e

    return map_expressions(s, lambda e: ir.rewrite(e, change))


def map_expressions(s: Stmt, change: Callable[[Expr], Expr]) -> Stmt:
    """Copy a statement, nested blocks included, with its expressions changed."""
    new = replace(s)
    for f in fields(s):
        value = getattr(s, f.name)
        if isinstance(value, Expr):
            setattr(new, f.name, change(value))
        elif isinstance(value, tuple) and any(isinstance(v, Expr) for v in value):
            setattr(new, f.name, tuple(change(v) if isinstance(v, Expr) else v for v in value))
        elif isinstance(value, list):
            setattr(new, f.name, [map_expressions(t, change) for t in value])
    return new
