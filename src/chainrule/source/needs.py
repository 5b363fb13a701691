"""Which values the reverse sweep needs, and the weaving of both sweeps.

The adjoint of a statement reads values as they were *before* it, so whoever overwrites such a value
later must save it first, and undo the store in the reverse sweep (*to-be-recorded analysis*:
Hascoet, Naumann and Pascual, "To be recorded" analysis in reverse-mode automatic differentiation,
FGCS 21, 2005). Two refinements: a variable that every iteration of a loop defines anew is saved
once, at the end of the iteration, or computed again there where that is cheap; and reading a shape
alone asks for the array, not for its contents.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from . import ir, sizes
from .build import base_variable
from .by_name import ByName
from .helpers import unbroadcast
from .ir import AFTER, Assign, Block, Call, Dim, Expr, Index, Stmt, Var
from .locals import local_names
from .places import SHAPE_OF_FIRST, Places
from .reverse import Adjoint
from .types import is_several

Need = tuple[str, str]
"""A variable, and whether its ``value`` or only its ``shape`` is read, or who ``HELD`` it."""

VALUE, SHAPE = "value", "shape"
HELD = "held as "
"""Its array is still the one that the last iteration of a loop has saved: followed by what name."""


def reads(expr: Expr) -> set[Need]:
    """Return what an expression reads."""
    match expr:
        case Var(name=name):
            return {(name, VALUE)}
        case Dim(base=Var(name=name)):
            return {(name, SHAPE)}
        case Call(fn=fn, args=(first, *rest)) if fn in SHAPE_OF_FIRST:
            return _shapes(first).union(*map(reads, rest))
        case Call(fn=fn, args=(ct, like)) if fn is unbroadcast:
            return reads(ct) | _shapes(like)
    return set[Need]().union(*map(reads, ir.children(expr)))


def _shapes(expr: Expr) -> set[Need]:
    return {(name, SHAPE) for name in ir.names_in(expr)}


def reads_of(block: Iterable[Stmt], shapes: Collection[str] = ()) -> set[Need]:
    """Return what the statements of generated code read.

    ``shapes``: variables of which nothing but the shape is read, nor needs to be computed.
    """
    found: set[Need] = set()
    for s in ir.statements(list(block)):
        if isinstance(s, Assign) and s.name in shapes:
            found |= _shape_of(s.value)
        else:
            found = found.union(*map(reads, ir.expressions(s)))
    return found


def _shape_of(expr: Expr) -> set[Need]:
    """Return what the shape of an expression depends on."""
    if isinstance(expr, Var):
        return _shapes(expr)
    if isinstance(expr, Call) and isinstance(expr.fn, np.ufunc) and not expr.kwargs:
        return set[Need]().union(*map(_shape_of, expr.args))
    return reads(expr)


def shapes_alone(
    adjoints: Iterable[Adjoint], others: Iterable[Stmt], results: set[str]
) -> set[str]:
    """Return the variables of adjoints of which nobody reads more than the shape.

    ``others``: the code around the adjoints; ``results``: what is read after them.
    """
    blocks = [b for a in adjoints for b in (a.code, a.first, *a.ends)]
    everything = [*others, *(s for block in blocks for s in ir.statements(block))]
    bound = {s.name for s in everything if isinstance(s, Assign)}
    written = {n for s in everything if not isinstance(s, Assign) for n in ir.written(s)}
    return (
        bound - written - results - {name for name, kind in reads_of(everything) if kind == VALUE}
    )


@dataclass(slots=True)
class End:
    """What is done about the variables local to a loop's body at the end of an iteration."""

    pushed: list[str] = field(default_factory=list)
    again: list[Assign] = field(default_factory=list)


class Needs:
    """Goes through a program forwards and decides what is saved."""

    def __init__(
        self,
        program: ir.Program,
        adjoints: dict[int, Adjoint],
        expand: Callable[[Expr], Expr],
        store_all: bool = False,
        shapes: Collection[str] = (),
    ) -> None:
        self.types = program.types
        self.shapes = shapes
        """Variables of the adjoints of which the shape alone is read."""
        self.buffers = program.buffers
        self.adjoints = adjoints
        self.expand = expand
        self.store_all = store_all
        self.saved: dict[int, list[str]] = {}
        self.ends: dict[int, End] = {}
        self.copied: set[str] = set()
        """Variables whose arrays are changed after the iteration that saves them at its end."""
        self.entries: dict[int, tuple[set[Need], set[str]]] = {}
        """What is needed, and what is bound, where a checkpointed loop begins."""
        self.unset: set[str] = set()
        """Variables that may be saved before they are bound."""
        self.places = Places(program.body, expand, self.root)
        self.by_name = ByName(program.body, self.places, adjoints)
        self.readers: dict[int, set[int]] = {}
        """Stores that save what is not put back -> whose adjoints read it by name."""
        self.before: list[set[Need]] = []
        """What is needed where each of the loops around begins."""

    def primal(self, needs: set[Need]) -> set[Need]:
        """Leave out what is not a variable of the program itself."""
        return {need for need in needs if need[0] in self.types}

    def root(self, name: str) -> str:
        """The buffer behind a view, or the variable itself."""
        base = base_variable(self.expand(Var(self.types[name], name)), self.buffers)
        return name if base is None else base.name

    # ---------------------------------------------------------------------------------- flow

    def flow(self, block: Block, need: set[Need], defined: set[str]) -> set[Need]:
        """Return what is needed after a block; ``defined`` is updated."""
        for s in block:
            match s:
                case ir.If():
                    need = self.flow_if(s, need, defined)
                case ir.For(snapshots=Expr()):
                    need = self.flow_checkpointed(s, need, defined)
                case ir.For() | ir.While():
                    need = self.flow_loop(s, need, defined)
                case _:
                    need = self.flow_simple(s, need, defined)
        return need

    def flow_simple(self, s: Stmt, need: set[Need], defined: set[str]) -> set[Need]:
        """Go over a simple statement: save what it overwrites, if that is needed."""
        code = reads_of(self.adjoints[id(s)].code, self.shapes)
        before = self.primal(code)
        after = {(name.removesuffix(AFTER), VALUE) for name, _ in code if name.endswith(AFTER)}
        need = need | before
        self.saved[id(s)] = []
        match s:
            case (
                ir.Store(target=target, index=index) | ir.Pop(target=target, index=tuple() as index)
            ):
                root = self.root(target.name)
                self.note_changes(need, {root})
                if ((root, VALUE) in need and not self.is_vain(s, root)) or self.store_all:
                    self.save(s, root, defined)
                    self.note_readers(s, root)
                    place = Index(target.type, target, index)
                    need = need | {n for n in reads(self.expand(place)) if n[0] != root}
            case ir.Move(targets=targets, sources=sources):
                need = self.flow_move(s, targets, [v.name for v in sources], need, defined)
            case ir.Alias():
                return need
            case _:
                for name in ir.written(s):
                    if (name, VALUE) in need or (name, SHAPE) in need:
                        self.save(s, name, defined)
                    need = {n for n in need if n[0] != name}
                defined.update(ir.written(s))
        return need | after

    def note_changes(self, need: set[Need], names: set[str]) -> None:
        """Note that arrays are changed in place, which may have been saved as they were."""
        held = {kind for name, kind in need if name in names and kind.startswith(HELD)}
        self.copied |= {kind.removeprefix(HELD) for kind in held}

    def is_vain(self, s: Stmt, root: str) -> bool:
        """Tell whether a store overwrites what nothing needs, though other places are needed."""
        if not isinstance(s, ir.Store):
            return False
        level = self.level(root)
        wanted = None if level is None else self.places.wanted(s, level, self.adjoints)
        if level is None or wanted is None:
            return False
        overwritten = (p for p in wanted if self.places.may_overwrite(p, s, level))
        return all(self.by_name.is_saved(p, s, level) for p in overwritten)

    def level(self, root: str) -> int | None:
        """Return which loop around is the outermost before which nobody needs an array's value."""
        levels = [k for k, need in enumerate(self.before) if (root, VALUE) not in need]
        return levels[0] if levels else None

    def note_readers(self, s: Stmt, root: str) -> None:
        """Note which adjoints read by name what a store saves, if it need not be put back."""
        level = self.level(root)
        found = None
        if isinstance(s, ir.Store) and level is not None and not self.store_all:
            found = self.by_name.readers(s, level)
        if found is None:
            self.readers.pop(id(s), None)
        else:
            self.readers[id(s)] = {*map(id, found)}

    def save(self, s: Stmt, name: str, defined: set[str]) -> None:
        """Note that a statement has to save a variable that it overwrites."""
        self.saved[id(s)].append(name)
        if name not in defined:
            self.unset.add(name)

    def flow_move(
        self,
        s: Stmt,
        targets: tuple[str, ...],
        sources: list[str],
        need: set[Need],
        defined: set[str],
    ) -> set[Need]:
        """Go over a hand-over of buffers: what is needed moves with them."""
        for name in targets:
            if name not in sources and ((name, VALUE) in need or (name, SHAPE) in need):
                self.save(s, name, defined)
        went = dict(zip(sources, targets, strict=True))
        moved = {(went[name], kind) for name, kind in need if name in went}
        kept = {n for n in need if n[0] not in went and n[0] not in targets}
        defined.update(targets)
        return kept | moved

    def flow_if(self, s: ir.If, need: set[Need], defined: set[str]) -> set[Need]:
        """Go over both arms of a branch."""
        adjoint = self.adjoints[id(s)]
        afters, sets = [], []
        for arm, end in zip((s.then, s.orelse), adjoint.ends, strict=True):
            inside = set(defined)
            afters.append(self.flow(arm, need | self.primal(reads_of(end)), inside))
            sets.append(inside)
        defined |= sets[0] & sets[1]
        return afters[0] | afters[1] | self.primal(reads(self.expand(s.condition)))

    def flow_loop(self, s: ir.For | ir.While, need: set[Need], defined: set[str]) -> set[Need]:
        """Go over a loop until what one iteration needs of the one before does not grow."""
        adjoint = self.adjoints[id(s)]
        local = self.local_to(s)
        own = {s.var.name} if isinstance(s, ir.For) else set[str]()
        ends = {n for n in self.primal(reads_of(adjoint.ends[0])) if n[0] not in local}
        head = need | ends
        while True:
            inside = set(defined) | own
            self.before.append(need)
            out = self.flow(s.body, head, inside)
            self.before.pop()
            end = self.ends[id(s)] = self.end_of(s.body, local, out, inside)
            done = {*end.pushed, *(a.name for a in end.again), *own}
            out = out.union(*(self.read_by(a) for a in end.again))
            out = {n for n in out if n[0] not in done or n[1].startswith(HELD)}
            out |= {(name, HELD + name) for name in end.pushed if name in self.buffers}
            if out <= head:
                break
            head |= out
        if isinstance(s, ir.For):
            bounds = (s.start, s.stop, s.step)
            head = head.union(*(self.primal(reads(self.expand(b))) for b in bounds))
        if s.trips:
            head = head | {(s.trips, VALUE)}
        return head | self.primal(reads_of(adjoint.first))

    def local_to(self, s: ir.For | ir.While) -> set[str]:
        """Return the variables of which an iteration needs nothing that was there before it.

        The cotangent of one that it binds is zero before it: in the shape that was there before.
        """
        zeros = {name for name, _ in self.primal(reads_of(self.adjoints[id(s)].ends[0]))}
        return local_names(s.body) - {name for name in zeros if self.may_change_shape(name)}

    def may_change_shape(self, name: str) -> bool:
        """Tell whether a variable may have another shape after an iteration."""
        atoms = (a for size in self.types[name].sizes for a in sizes.atoms(size))
        return not all(map(is_several, atoms))

    def flow_checkpointed(self, s: ir.For, need: set[Need], defined: set[str]) -> set[Need]:
        """Go over a loop whose iterations run again one by one: only what it reads must stay.

        Each iteration is reversed at once, so nothing is saved for the sake of others.
        """
        adjoint = self.adjoints[id(s)]
        self.entries[id(s)] = (need, set(defined))
        changed, local = self.changed_by(s.body), self.local_to(s)
        self.note_changes(need, changed)
        ends = {n for n in self.primal(reads_of(adjoint.ends[0])) if n[0] not in local}
        self.before.append(need)
        read = self.flow(s.body, ends, set(defined) | {s.var.name})
        self.before.pop()
        for t in ir.statements(s.body):
            read = read.union(*(self.primal(reads(self.expand(e))) for e in ir.expressions(t)))
        read = {n for n in need | read if n[0] not in changed}
        read = read.union(*(self.primal(reads(self.expand(e))) for e in ir.expressions(s)))
        if s.trips:
            read.add((s.trips, VALUE))
        return read - {(s.var.name, VALUE)} | self.primal(reads_of(adjoint.first))

    def changed_by(self, body: Block) -> set[str]:
        """Return the variables that a loop's body binds, and the buffers that it changes."""
        names = {name for t in ir.statements(body) for name in ir.written(t)}
        return names | set(map(self.root, names))

    def read_by(self, a: Assign) -> set[Need]:
        """Return what is read to compute a variable again."""
        return self.primal(reads(self.expand(a.value)))

    # ---------------------------------------------------------------------- end of iteration

    def end_of(self, body: Block, local: set[str], out: set[Need], defined: set[str]) -> End:
        """Decide which local variables are saved and which are computed again."""
        end = End()
        wanted = [name for name in _order(body) if name in local]
        needed = {name for name, kind in out if not kind.startswith(HELD)}
        again: dict[str, Assign] = {}
        pushed: set[str] = set()
        queue = [name for name in wanted if name in needed]
        while queue:
            name = queue.pop(0)
            if name in again or name in pushed:
                continue
            definition = None if self.store_all else self.recomputable(name, body)
            if definition is None:
                pushed.add(name)
            else:
                again[name] = definition
                queue += [n for n, _ in self.read_by(definition) if n in local]
        for name in wanted:
            if name in pushed:
                end.pushed.append(name)
                if name not in defined:
                    self.unset.add(name)
        end.again = [s for s in body if isinstance(s, Assign) and again.get(s.name) is s]
        return end

    def recomputable(self, name: str, body: Block) -> Assign | None:
        """Return the one definition of a variable if evaluating it at the end gives its value."""
        if sum(name in ir.written(s) for s in ir.statements(body)) != 1:
            return None
        for k, s in enumerate(body):
            if isinstance(s, Assign) and s.name == name:
                changed = {self.root(w) for t in ir.statements(body[k:]) for w in ir.written(t)}
                inner = {t.var.name for t in ir.statements(body) if isinstance(t, ir.For)}
                used = {n for n, _ in self.read_by(s)}
                return (
                    s if is_cheap(self.expand(s.value)) and not used & (changed | inner) else None
                )
        return None


def _order(body: Block) -> list[str]:
    """Names in the order of their first assignment."""
    return list(dict.fromkeys(name for s in ir.statements(body) for name in ir.written(s)))


_CHEAP = {
    *(np.add, np.subtract, np.multiply, np.negative, np.divide, np.floor_divide, np.remainder),
    *(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal),
    *(np.absolute, np.square, np.maximum, np.minimum, np.transpose, np.flip, np.zeros_like),
    *(int, float, bool, len, abs, min, max),
}
_ARRAY_COST = 3


def is_cheap(expr: Expr) -> bool:
    """Whether computing an expression again costs less than keeping its value."""
    cost = 0
    for e in ir.walk(expr):
        if isinstance(e, Call):
            if e.fn not in _CHEAP or e.fn is np.zeros_like:
                return False
            cost += 1 if e.type.is_array else 0
        elif isinstance(e, Index) and any(i.type.is_array for i in e.index):
            cost += 2
        elif isinstance(e, ir.Seq | ir.Access):
            return False
    return cost <= _ARRAY_COST
