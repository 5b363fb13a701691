"""The reverse sweep of a checkpointed loop: few states are kept, the others are computed again.

The forward sweep runs the loop as it is and saves the state before it. The reverse sweep goes
through the iterations from the last to the first. For each it goes back to the nearest state that
it has kept, runs on from there to the iteration, keeping further states on the way where the
binomial schedule says so (``checkpointed``), and then runs this one iteration forwards, saving what
its own reverse needs, and backwards. All of it is written in ordinary statements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UnsupportedError
from . import ir
from .build import copy, integer, literal
from .callees import reached
from .checkpointed import default_snapshots, snapshot_slots, steps_to_snapshot
from .deadcode import live_before
from .effects import is_draw
from .fold import map_blocks
from .ir import Alias, Assign, Block, Call, Dim, Expr, For, If, Index, Note, Pop, Push, Store, Var
from .needs import SHAPE, VALUE
from .sharing import Sharing
from .types import BOOL, INT, OBJECT, Type, type_of, unknown_size

if TYPE_CHECKING:
    from .adjoint import Weave


class Recomputed:
    """Writes both sweeps of one loop.

    ``state``: what the loop carries, as far as an iteration needs it; ``rest``: what else it
    changes of which the value before the loop is needed.
    """

    def __init__(self, weave: Weave, s: For) -> None:
        _check_repeatable(s, weave.functions)
        self.weave, self.s = weave, s
        self.types, self.fresh = weave.types, weave.fresh
        self.adjoint = weave.adjoints[id(s)]
        body, back = weave.block(s.body)
        self.is_empty = not back
        self.iteration = [*_bare(body), *back, *self.adjoint.ends[0]]
        self.again = _bare(s.body)
        self.changed = weave.needs.changed_by(s.body)
        self.local = weave.needs.local_to(s)
        self.rebound = {
            name
            for t in ir.statements(s.body)
            if not isinstance(t, Store)
            for name in ir.written(t)
        }
        self.views = self._views()
        self.state = [] if self.is_empty else self._state()
        need, self.defined = weave.needs.entries[id(s)]
        held = {n for n, kind in need if kind == VALUE or (kind == SHAPE and n in self.rebound)}
        names = [name for name in self._changed_in_order() if name in held]
        self.needed = [name for name in names if name in self.state]
        self.rest = [name for name in names if name not in self.state]
        for name in self.state:
            self._check_state(name)

    def sweeps(self, forward: Block) -> Block:
        """Add the loop to the forward sweep; return its reverse sweep."""
        saved = [*self.rest, *self.state]
        buffers = self.weave.needs.buffers
        forward += [Push(self.var(name), copy=name in buffers) for name in saved]
        self.weave.needs.unset.update(name for name in self.rest if name not in self.defined)
        forward.append(replace(self.s, body=_bare(self.s.body, True), trips=None, snapshots=None))
        out: Block = [*self.adjoint.first]
        out += [Pop(self.var(name)) for name in reversed(self.state)]
        if self.state:
            out += self.views + self._reverse()
        elif not self.is_empty:
            out += [*self.views, self._plain_reverse()]
        return out + [Pop(self.var(name)) for name in reversed(self.rest)]

    def var(self, name: str) -> Var:
        """Return a variable of the program."""
        return Var(self.types[name], name)

    # ---------------------------------------------------------------------------------- analysis

    def _views(self) -> Block:
        """Name again the parts of buffers that the body knows by names from outside of it."""
        own = {t.name for t in ir.statements(self.s.body) if isinstance(t, Alias)}
        read = {n for t in ir.statements(self.s.body) for n in ir.names_in(*ir.expressions(t))}
        return [
            Alias(name, self.weave.expand(value), self.weave.needs.root(name))
            for name, value in self.weave.aliases.items()
            if name in read - own
        ]

    def _changed_in_order(self) -> list[str]:
        aliases = self.weave.aliases
        every = (n for t in ir.statements(self.s.body) for n in ir.written(t))
        roots = (m for n in every for m in (n, self.weave.needs.root(n)))
        return [name for name in dict.fromkeys(roots) if name not in aliases]

    def _state(self) -> list[str]:
        """Find what must be known of the state before an iteration to run it and all later ones.

        What an iteration binds before it reads it is no part of that: its adjoint reads what the
        iteration itself has bound.
        """
        own = {self.s.var.name, *self.local}
        sharing = Sharing([*self.views, *self.again, *self.iteration])
        other = frozenset(self.fresh.types) - self.changed
        self.iteration, live = live_before(self.iteration, other, sharing)
        live -= own
        while True:
            kept, before = live_before(self.again, live, sharing)
            before -= own
            if before <= live:
                break
            live |= before
        self.again = kept
        live = live_before(self.views, live, sharing)[1]
        return [name for name in self._changed_in_order() if name in live]

    def _check_state(self, name: str) -> None:
        kind = self.types[name]
        if kind.dtype is None or not (kind.is_array or kind.is_number):
            raise self.refusal(
                f"{name} is carried from one iteration of a checkpointed loop to the next, and is "
                "neither a number nor an array",
                "carry numbers and arrays",
            )
        if name not in self.defined:
            raise self.refusal(
                f"{name} may not be bound when a checkpointed loop begins",
                f"bind {name} before the loop",
            )

    def refusal(self, problem: str, instead: str) -> UnsupportedError:
        """Return an error about this loop."""
        return UnsupportedError(problem, instead, str(self.s.origin))

    # ---------------------------------------------------------------------------- reverse sweep

    def _plain_reverse(self) -> For:
        """The iterations need no state at all."""
        s = self.s
        return For(s.var, s.start, s.stop, s.step, self.iteration, trips=s.trips, backwards=True)

    def _reverse(self) -> Block:
        """Write the loop over the iterations, last one first, and what it needs."""
        out: Block = []
        count = self._count(out)
        slots = self._assigned("slots", self._slots(count), out)
        starts = self.fresh("starts", Type("array", np.dtype(np.int64), (unknown_size(),)))
        out.append(Assign(starts.name, _array(np.zeros, starts.type, (slots,))))
        top = self._assigned("top", integer(0), out)
        self.top, self.starts, self.slots = top, starts, slots
        self.kept = {name: self._room(name, out) for name in self.state}
        out += [Store(self.kept[name], (integer(0),), self.var(name)) for name in self.state]
        last = self.fresh("last", INT)
        body: Block = [Note(f"from the last snapshot to the start of iteration {last.name}")]
        body += [self._restore(name, top) for name in self.state]
        body += self._advance(last)
        body += [Note(f"iteration {last.name}, forwards and backwards")]
        body += [Assign(self.s.var.name, self._step(last)), *self.iteration]
        is_done = Call(BOOL, np.equal, (Index(_INT64, starts, (top,)), last))
        body.append(If(is_done, [Assign(top.name, _int(np.subtract, top, integer(1)))]))
        out.append(For(last, integer(0), count, integer(1), body, backwards=True))
        return out + [self._restore(name, integer(0)) for name in self.needed]

    def _advance(self, last: Var) -> Block:
        """Run from the last snapshot to iteration ``last``, and keep states on the way."""
        out: Block = []
        here = Call(INT, int, (Index(_INT64, self.starts, (self.top,)),))
        now, stop = self._assigned("now", here, out), self.fresh("stop", INT)
        one = integer(1)
        left = _int(np.subtract, _int(np.add, last, one), now)
        free = _int(np.subtract, self.slots, self.top)
        jump = Call(INT, steps_to_snapshot, (left, free))
        s = self.s
        keep: Block = [Assign(self.top.name, _int(np.add, self.top, one))]
        keep.append(Store(self.starts, (self.top,), now))
        for name in self.state:
            keep += [*self._same_shape(name), Store(self.kept[name], (self.top,), self.var(name))]
        body: Block = [
            Assign(stop.name, _int(np.add, now, jump)),
            For(s.var, self._step(now), self._step(stop), s.step, self.again),
            Assign(now.name, stop),
            If(Call(BOOL, np.less, (now, last)), keep),
        ]
        out.append(ir.While(Call(BOOL, np.less, (now, last)), body))
        return out

    def _assigned(self, hint: str, value: Expr, out: Block) -> Var:
        var = self.fresh(hint, value.type)
        out.append(Assign(var.name, value))
        return var

    def _is_counted(self) -> bool:
        """Whether the loop's variable counts its iterations."""
        return self.s.start == integer(0) and self.s.step == integer(1)

    def _count(self, out: Block) -> Expr:
        s = self.s
        if s.trips:
            return Var(INT, s.trips)
        if self._is_counted() and isinstance(s.stop, Var | ir.Lit):
            return s.stop
        steps = Call(OBJECT, range, (s.start, s.stop, s.step))
        return self._assigned("count", Call(INT, len, (steps,)), out)

    def _step(self, k: Expr) -> Expr:
        """The loop's variable in iteration ``k``."""
        if self._is_counted():
            return k
        offset = k if self.s.step == integer(1) else _int(np.multiply, self.s.step, k)
        return offset if self.s.start == integer(0) else _int(np.add, self.s.start, offset)

    def _slots(self, count: Expr) -> Expr:
        wanted = self.s.snapshots
        if wanted is None or wanted == literal(None):
            wanted = Call(INT, default_snapshots, (count,))
        return Call(INT, snapshot_slots, (wanted, count))

    # --------------------------------------------------------------------------------- snapshots

    def _room(self, name: str, out: Block) -> Var:
        """Make room for the snapshots of a variable."""
        kind = self.types[name]
        sizes = (unknown_size(), *kind.sizes)
        var = self.fresh(f"{name}_snapshots", Type("array", kind.dtype, sizes))
        axes = (Dim(INT, self.var(name), axis) for axis in range(kind.ndim))
        out.append(Assign(var.name, _array(np.empty, var.type, (self.slots, *axes))))
        return var

    def _restore(self, name: str, slot: Expr) -> ir.Stmt:
        """Set a variable to its snapshot: in place where the loop never binds it anew."""
        var, kept = self.var(name), self.kept[name]
        kind = var.type if var.type.ndim else replace(var.type, kind="scalar")
        value: Expr = Index(kind, kept, (slot,))
        if name not in self.rebound:
            return Store(var, (), value)
        if var.type.kind == "python":
            assert var.type.dtype is not None
            value = Call(var.type, _PYTHON[var.type.dtype.kind], (value,))
        elif var.type.is_array:
            value = copy(value) if var.type.ndim else Call(var.type, np.array, (value,))
        return Assign(name, value)

    def _same_shape(self, name: str) -> Block:
        """Refuse a state of another shape, where that is not known before."""
        var, kept = self.var(name), self.kept[name]
        if self._keeps_shape(name):
            return []
        line = "" if self.s.origin is None else f": {self.s.origin.text.strip()}"
        message = f"{name} has another shape than before the checkpointed loop{line}"
        error = Call(OBJECT, ValueError, (ir.Lit(type_of(message), message),))
        return [
            If(
                Call(BOOL, np.not_equal, (Dim(INT, var, axis), Dim(INT, kept, axis + 1))),
                [ir.Raise(error)],
            )
            for axis in range(var.type.ndim)
        ]

    def _keeps_shape(self, name: str) -> bool:
        sizes = self.types[name].sizes
        for t in ir.statements(self.s.body):
            if isinstance(t, Assign) and t.name == name and t.value.type.sizes != sizes:
                return False
            if isinstance(t, ir.Move) and name in t.targets:
                source = t.sources[t.targets.index(name)]
                if source.type.sizes != sizes:
                    return False
            if isinstance(t, ir.Effect | ir.Invoke) and name in t.names:
                return False
        return True


_INT64 = Type("scalar", np.dtype(np.int64))
_PYTHON = {"b": bool, "i": int, "f": float, "c": complex}


def _int(fn: np.ufunc, a: Expr, b: Expr) -> Expr:
    return Call(INT, fn, (a, b))


def _array(make: Callable[..., Any], type_: Type, shape: tuple[Expr, ...]) -> Expr:
    """A new array of the dtype of its type."""
    assert type_.dtype is not None
    size: Expr = ir.Seq(OBJECT, shape) if len(shape) > 1 else shape[0]
    if type_.dtype == np.dtype(float):
        return Call(type_, make, (size,))
    return Call(type_, make, (size,), (("dtype", ir.Lit(OBJECT, type_.dtype)),))


def _bare(block: Block, raises: bool = False) -> Block:
    """Copy statements that run forwards, without what only their own reverse asks for.

    What the forward sweep has found to be right need not be tested again: ``raises`` keeps the
    tests.
    """
    kept: Block = []
    for s in block:
        if isinstance(s, ir.Raise) and not raises:
            continue
        s = map_blocks(replace(s), lambda inner: _bare(inner, raises))
        if isinstance(s, For) and not s.backwards:
            s.snapshots = s.trips = None
        kept.append(s)
    return kept


def _check_repeatable(s: For, functions: Mapping[str, ir.Program]) -> None:
    """Refuse what must happen once only, or would give something else the second time."""
    for t in reached(s.body, functions):
        what = ""
        if isinstance(t, ir.Effect) and not t.names:
            what = "prints"
        elif isinstance(t, ir.Effect) and is_draw(t):
            what = "draws random numbers"
        elif isinstance(t, ir.Opaque):
            name = getattr(t.fn, "__name__", t.fn)
            what = f"calls {name}, which has neither a rule nor source,"
        if what:
            raise UnsupportedError(
                f"An iteration that {what} runs again in the derivative of a checkpointed loop",
                "do it before or after the loop, or leave cr.checkpointed out",
                str(t.origin or s.origin),
            )
