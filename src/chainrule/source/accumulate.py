"""Where cotangents are while a reverse sweep is written: the first contribution is an assignment.

The cotangent of a variable is *absent* until something contributes to it. A whole array contributed
first may be shared with other cotangents (*borrowed*), so the next contribution makes a new array;
an array that only this cotangent holds (*owned*) is added to in place. A buffer's cotangent is
always owned: its parts are read, zeroed and added to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from .build import add, base_variable, copy, literal, zeros_like
from .fitting import spread
from .ir import Alias, Assign, Call, Expr, Index, Lit, Seq, Slice, Stmt, Store, Var
from .sharing import is_fresh
from .types import Type

OWNED, BORROWED = "owned", "borrowed"
BY_ROWS = (("order", literal("C")),)
"""Of arrays that are reshaped: only then are those views of them."""


class Cotangents:
    """The cotangents of a program's variables, at the point of the sweep that is being written."""

    def __init__(
        self,
        types: dict[str, Type],
        buffers: frozenset[str],
        varied: set[str],
        emit: Callable[[Stmt], None],
        fresh: Callable[[str, Type], Var],
    ) -> None:
        self.types = types
        self.buffers = buffers
        self.varied = varied
        self.emit = emit
        self.fresh = fresh
        self.state: dict[str, str] = {}
        self.deferred: tuple[str, list[Expr]] = ("", [])
        self.free: Expr | None = None
        """A cotangent that is absent now, and whose array whoever gets it may keep."""
        self.changed: set[str] = set()
        """Whose cotangents were copied to be changed."""
        self.names: dict[str, Var] = {}
        self.reshaped: set[str] = set()
        """Buffers of which the program reshapes all or a part."""
        self.contiguous = set(buffers)
        """Buffers and their cotangents: reshaping one makes a view."""

    def variable(self, name: str) -> Var:
        """The variable that holds the cotangent of another."""
        if name not in self.names:
            made = self.names[name] = self.fresh(f"{name}_ct", self.types[name])
            if name in self.buffers:
                self.contiguous.add(made.name)
        return self.names[name]

    def wanted(self, expr: Expr) -> bool:
        """Whether an expression depends on an input by which the derivative is taken."""
        base = base_variable(expr, self.contiguous)
        return base is not None and base.name in self.varied and expr.type.is_differentiable

    def present(self, name: str) -> bool:
        """Whether anything has contributed to a variable's cotangent so far."""
        return name in self.state

    def take(self, name: str) -> Var:
        """Return the cotangent of a variable that is defined here; it is absent from now on."""
        del self.state[name]
        return self.variable(name)

    def start(self, name: str) -> None:
        """Make sure that a cotangent is present, zeros if need be."""
        if name not in self.state:
            var = Var(self.types[name], name)
            zeros = zeros_like(var)
            if name in self.reshaped and isinstance(zeros, Call) and var.type.ndim > 1:
                zeros = replace(zeros, kwargs=BY_ROWS)
            self.emit(Assign(self.variable(name).name, zeros))
            self.state[name] = OWNED

    def own(self, name: str) -> None:
        """Make sure that a cotangent is present and that its parts can be changed."""
        self.start(name)
        if self.state[name] == BORROWED:
            ct = self.variable(name)
            self.emit(Assign(ct.name, copy(ct)))
            self.state[name] = OWNED
            self.changed.add(name)

    def shadow(self, place: Expr) -> Expr:
        """The part of a cotangent that belongs to a place: ``u_ct[1:]`` to ``u[1:]``."""
        match place:
            case Var(name=name):
                return self.variable(name)
            case Index(base=base):
                return replace(place, base=self.shadow(base))
            case Call(args=(first, *rest)):
                return replace(place, args=(self.shadow(first), *rest))
        raise AssertionError(place)

    def add(self, place: Expr, ct: Expr) -> None:
        """Add a contribution to the cotangent of a variable or of a part of it."""
        base = base_variable(place, self.contiguous)
        assert base is not None
        if isinstance(place, Var):
            self._add_whole(place, ct)
            return
        if isinstance(place, Index) and not place.base.type.ndim:  # w[1][None]
            self.add(place.base, Call(place.base.type, np.sum, (ct,)))
            return
        if isinstance(place, Index) and _copies(place.base):
            # A part of a part whose inner one is a copy, into which no store would reach.
            inner = self.fresh("part_ct", place.base.type)
            self.emit(Assign(inner.name, zeros_like(place.base)))
            self._store(inner, place.index, ct, repeats(place))
            self.add(place.base, inner)
            return
        self.own(base.name)
        target, index = self._target(self.shadow(place))
        self._store(target, index, ct, isinstance(place, Index) and repeats(place))

    def _target(self, place: Expr) -> tuple[Var, tuple[Expr, ...]]:
        """Split a place into a variable and an index, naming a view where it takes one."""
        if isinstance(place, Var):
            return place, ()
        if isinstance(place, Index) and isinstance(place.base, Var):
            return place.base, place.index
        base = base_variable(place, self.contiguous)
        assert base is not None
        inner, index = (place.base, place.index) if isinstance(place, Index) else (place, ())
        view = self.fresh("view_ct", inner.type)
        self.emit(Alias(view.name, inner, base.name))
        return view, index

    def _store(self, target: Var, index: tuple[Expr, ...], ct: Expr, at: bool) -> None:
        op = "add"
        if isinstance(ct, Call) and ct.fn is np.negative:
            ct, op = ct.args[0], "subtract"
        self.emit(Store(target, index, ct, op, at))

    @contextmanager
    def deferring(self, name: str) -> Iterator[list[Expr]]:
        """Collect the contributions to a variable instead of adding them."""
        self.deferred = (name, [])
        try:
            yield self.deferred[1]
        finally:
            self.deferred = ("", [])

    def _add_whole(self, var: Var, ct: Expr) -> None:
        name, state = var.name, self.state.get(var.name)
        if name == self.deferred[0]:
            self.deferred[1].append(ct)
            return
        mine = self.variable(name)
        if state is None:
            ct = spread(ct, var)
            kept = is_fresh(ct) or ct is self.free
            if name in self.buffers and not var.type.ndim:  # NumPy makes numbers of 0-d arrays
                ct, kept = Call(var.type, np.array, (ct,)), True
            elif name in self.reshaped and var.type.ndim > 1:
                ct, kept = Call(var.type, np.array, (ct,), BY_ROWS), True
            elif name in self.buffers and not kept:
                ct, kept = copy(ct), True
            self.emit(Assign(mine.name, ct))
            self.state[name] = OWNED if kept else BORROWED
        elif state == OWNED and var.type.is_array and (var.type.ndim or name in self.buffers):
            self._store(mine, (), ct, at=False)
        else:
            self.emit(Assign(mine.name, add(mine, ct)))
            self.state[name] = OWNED
        self.free = None


def _copies(place: Expr) -> bool:
    """Whether a chain of indices and views contains an index that reads a copy."""
    while not isinstance(place, Var):
        if isinstance(place, Index):
            if not is_basic(place) or not place.base.type.ndim:  # a number's axes are new memory
                return True
            place = place.base
        else:
            assert isinstance(place, Call)
            place = place.args[0]
    return False


def is_basic(place: Index) -> bool:
    """Whether an index reads a view: integers, slices, None and Ellipsis only."""
    return all(_is_basic(entry) for entry in place.index)


def _is_basic(entry: Expr) -> bool:
    if isinstance(entry, Seq):
        return False
    if isinstance(entry, Lit):
        return not isinstance(entry.value, (list, tuple, np.ndarray, bool))
    if isinstance(entry, Slice) or entry.type.dtype is None:
        return True
    return entry.type.kind != "array" and entry.type.dtype.kind in "iu"


def repeats(place: Index) -> bool:
    """Whether an index may name a place twice: only arrays of integers can."""
    return any(_is_integers(entry) for entry in place.index)


def _is_integers(entry: Expr) -> bool:
    if isinstance(entry, Seq):
        return True
    if isinstance(entry, Lit):
        value = entry.value
        is_array = isinstance(value, (list, tuple, np.ndarray))
        return is_array and np.asarray(value).dtype.kind in "iu" and np.ndim(value) > 0
    if isinstance(entry, Slice) or entry.type.dtype is None:
        return False
    return entry.type.dtype.kind in "iu" and entry.type.ndim > 0
