"""What lowering to loops knows while it walks through a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .. import ir
from ..integers import integers_of
from ..ir import Assign, Block, Expr, Lit, Stmt, Var
from ..sizes import atoms, integer, may_be_one
from ..templates import template_leaves
from ..types import Size, Type, is_several
from . import leaving, runtime
from .code import BOOL, INT, Check, Fresh, Loop, apply, number, split_shift, whole
from .folding import folded

_SHAPE, _NUMBER = "shape of", "number"
_LIGHT = {np.add, np.subtract, np.multiply, np.negative}
"""What a loop may do at each place with numbers that are the same at all of them."""

NotNative = leaving.NotNative


class Unknown:
    """Stands for the elements of a view that has none here; whoever looks raises ``NotNative``."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why

    def __getattr__(self, name: str) -> Any:
        raise NotNative(self.why)


class Extent(NamedTuple):
    """How many places an axis has: a number of the program, and the symbol of its size."""

    expr: Expr
    size: Size


@dataclass(slots=True)
class Elements:
    """An array as what it is at each place.

    ``at`` returns the element at an index, one number an axis. If the array is (part of) one in
    memory, ``root`` is its variable and ``index`` says where in it an element lies.
    """

    extents: tuple[Extent, ...]
    dtype: np.dtype[Any]
    at: Callable[[tuple[Expr, ...]], Expr]
    root: Var | None = None
    index: Callable[[tuple[Expr, ...]], tuple[Expr, ...]] | None = None
    part: Any = None
    """``np.real`` or ``np.imag`` where it is that part of the numbers in memory."""


@dataclass(slots=True)
class Around:
    """A loop of the user around what is being lowered."""

    var: str
    start: Expr
    stop: Expr
    step: Expr
    before: Block
    """Where checks go that hold for all iterations."""
    changed: set[str]
    """Variables of the program that the loop binds."""
    bound: frozenset[str]
    """Variables, of this backend's own too, that are there when the loop begins."""
    branches: int = 0
    """How many branches there are between it and the place being lowered."""
    checked: set[Any] = field(default_factory=set)


class State:
    """The block being written, the names in use, and the views of arrays."""

    def __init__(self, program: ir.Program, wraps: bool, may_leave: bool) -> None:
        self.program = program
        self.types = dict(program.types)
        self.fresh = Fresh(names_of(program))
        self.numbers = integers_of(program) | _counters(program)
        self.block: Block = []
        self.views: dict[str, tuple[Elements, Expr | None]] = {}
        """The name of a view -> its elements, and the expression it was made by if that is sure."""
        self.objects: set[str] = set()
        """Variables that the interpreter keeps for its own statements."""
        self.literals: dict[str, Lit] = {}
        """Objects that are known."""
        self.tuples: dict[str, list[Elements]] = {}
        """Variables that hold several arrays and numbers, and what these are."""
        self.around: list[Around] = []
        self.extents: list[dict[Any, Any]] = [{}]
        """What is known of sizes in each of the blocks that are open."""
        self.flags: dict[str, Var] = {}
        """Variables that are compared with None, and the truth values that say whether they are."""
        self.read = _read(program)
        self.written = Counter(n for s in ir.statements(program.body) for n in ir.written(s))
        self.wraps = wraps
        """Whether indices are expected to be negative: each is looked at where it is used."""
        self.may_leave = may_leave
        """Whether the program may be run again by NumPy."""
        self.memory: dict[str, str] = {}
        """Arrays in another shape -> the array whose memory they have."""
        self.list = ""
        """Which of the program's lists of saved values is pushed to or popped from."""
        self.stacks: dict[str, np.dtype[Any]] = {}
        """The stacks of saved values that the program needs."""
        self.pops_are_final = False
        """Whether nothing is saved any more once the first saved value was taken."""
        self.slots: dict[int, Any] = {}
        """Where saved values are kept that lie on no stack, by the statements' identities."""
        self.definitions: dict[str, tuple[Expr, int]] = {}
        """What integers of this backend's own are, and how many blocks are open around them."""
        self.unset: set[str] = set()
        """Arrays that may be None, and are empty then."""
        self.unshared: set[str] = set()
        """Arrays that no second variable holds: they may be computed in place."""

    # ------------------------------------------------------------------------------- extents

    def known_extent(self, size: Size) -> Extent | None:
        """Return the extent of this size that was computed before, here or further out."""
        for known in reversed(self.extents):
            if size in known:
                found: Extent = known[size]
                return found
        return Extent(number(size), size) if isinstance(size, int) else None

    def named_size(self, size: Size) -> Size:
        """Return the symbol that stands for a size here."""
        found = self.known_extent(size)
        return size if found is None else found.size

    def note_shape(self, name: str, extents: tuple[Extent, ...]) -> None:
        """Remember the extents of an array of this backend's own, which is bound once.

        The size of another array is that of now alone if its name is bound again.
        """
        if name not in self.program.types and not any(
            self._changes(e) for extent in extents for e in ir.walk(extent.expr)
        ):
            self.extents[-1][_SHAPE, name] = extents

    def known_shape(self, name: str) -> tuple[Extent, ...] | None:
        """Return the extents that an array was made with, if they are remembered."""
        return next((k[_SHAPE, name] for k in reversed(self.extents) if (_SHAPE, name) in k), None)

    def memory_of(self, name: str) -> str:
        """Return the array in whose memory another one is, in another shape."""
        while name in self.memory:
            name = self.memory[name]
        return name

    def rename_size(self, size: Size, extent: Extent) -> None:
        """Remember an extent by another symbol, if that has no meaning yet."""
        if self.known_extent(size) is None:
            self._note(size, extent)

    def note_extent(self, size: Size, expr: Expr) -> Extent:
        """Remember an extent whose size is one number here."""
        found = Extent(expr, size)
        self._note(size, found)
        return found

    def _note(self, size: Size, extent: Extent) -> None:
        if all(is_several(atom) for atom in atoms(size) if isinstance(atom, str)):
            self.extents[-1][size] = extent

    # ---------------------------------------------------------------------------- statements

    def emit(self, statement: Stmt) -> None:
        """Append a statement."""
        self.block.append(statement)

    @contextmanager
    def into(self, block: Block, is_sure: bool = False) -> Iterator[Block]:
        """Write to another block; ``is_sure``: one that is run whatever the data are."""
        before, self.block = self.block, block
        self.extents.append({})
        for loop in self.around:
            loop.branches += not is_sure
        try:
            yield block
        finally:
            self.block = before
            self.extents.pop()
            for loop in self.around:
                loop.branches -= not is_sure

    def named(self, hint: str, value: Expr) -> Var:
        """Bind a number to a new variable."""
        name = self.fresh(hint)
        self.types[name] = value.type
        self.emit(Assign(name, value))
        if value.type == INT:
            self.definitions[name] = (value, len(self.extents))
        return Var(value.type, name)

    def once(self, value: Expr) -> Expr:
        """Return a number of which a loop makes no work, and nothing that may leave.

        What is computed of variables that are bound once is computed once in a block.
        """
        if all(_is_light(e) for e in ir.walk(value)):
            return value
        if any(isinstance(e, ir.Index) or self._changes(e) for e in ir.walk(value)):
            return self.named("t", value)
        key = _NUMBER, value
        found = next((known[key] for known in self.extents if key in known), None)
        if found is None:
            found = self.extents[-1][key] = self.named("t", value)
        return found

    def _changes(self, e: Expr) -> bool:
        if not isinstance(e, Var):
            return False
        is_given = e.name in self.program.hidden or any(
            e.name == p.name for p in self.program.parameters
        )
        return self.written[e.name] + is_given > 1

    def integer(self, value: Expr, hint: str = "n") -> Expr:
        """Return an integer that stays as it is: a literal, or a variable of its own."""
        value = folded(whole(value))
        return value if isinstance(value, Lit) else self.named(hint, value)

    def counter(self, hint: str = "i") -> Var:
        """Return a new variable for the places of a loop."""
        name = self.fresh(hint)
        self.types[name] = INT
        return Var(INT, name)

    def nest(
        self, extents: tuple[Extent, ...], body: Callable[[tuple[Expr, ...]], None], hint: str = "i"
    ) -> None:
        """Write loops over all places; ``body`` writes what is done at one."""
        index = tuple(self.counter(hint) for _ in extents)
        inner: Block = []
        with self.into(inner, is_sure=True):
            body(index)
        for var, extent in reversed(list(zip(index, extents, strict=True))):
            inner = [Loop(var, extent.expr, inner, extent.size)]
        self.block += inner

    # -------------------------------------------------------------------------------- checks

    def check(self, holds: Expr) -> None:
        """Rely on a condition."""
        holds = folded(holds)
        if not (isinstance(holds, Lit) and holds.value):
            self.emit(Check(holds))

    def same(self, a: Extent, b: Extent) -> None:
        """Rely on two axes having the same size, which from here on has one symbol."""
        first, second = self.named_size(a.size), self.named_size(b.size)
        if first != second and a.expr != b.expr:
            self.check(apply(np.equal, BOOL, a.expr, b.expr))
            self._note(second, Extent(a.expr, first))

    def may_stretch(self, size: Size) -> bool:
        """Tell whether an axis has to be expected to be stretched when it is broadcast.

        Where it is not known, it is relied on that it is not: else NumPy runs the program once, and
        the next machine code expects it.
        """
        return may_be_one(size) and (self.wraps or size == 1)

    def place(self, index: Expr, extent: Expr) -> Expr:
        """Return the place that a user's index stands for, which is looked at."""
        index = whole(index)
        if isinstance(index, Lit) and self.may_leave:
            if index.value >= 0:
                if isinstance(extent, Lit) and index.value < extent.value:
                    return index
                self.check(apply(np.greater, BOOL, extent, index))
                return index
            place = self.integer(apply(np.add, INT, extent, index))
            self.check(apply(np.greater_equal, BOOL, place, number(0)))
            return place
        if not self.wraps and self._checked_before(index, extent):
            return index
        return self.named("place", apply(runtime.at, INT, index, extent))

    def rely_on_place(self, index: Expr, extent: Expr) -> None:
        """Rely on an index being a place of an axis that does not count from the end."""
        if self.wraps or not self._checked_before(index, extent):
            self.check(apply(np.greater_equal, BOOL, index, number(0)))
            self.check(apply(np.greater, BOOL, extent, index))

    def _checked_before(self, index: Expr, extent: Expr) -> bool:
        """Look at an index before the innermost loop, for all its iterations, if that can be."""
        base, shift = split_shift(index)
        if not self.around or not isinstance(base, Var):
            return False
        loop = self.around[-1]
        if loop.branches or ir.names_in(extent) & loop.changed or _surely_negative(loop, shift):
            return False
        if not ir.names_in(extent) | {base.name} <= loop.bound | {loop.var}:
            return False
        key = (base, shift, extent)
        if key in loop.checked:
            return True
        if base.name == loop.var:
            bounds = (loop.start, loop.stop, loop.step)
            holds = apply(runtime.within, BOOL, *bounds, number(shift), extent)
        elif base.name in loop.changed:
            return False
        else:
            holds = _unless_empty(loop, index, extent)
        loop.checked.add(key)
        loop.before.append(Check(holds))
        return True


def _is_light(e: Expr) -> bool:
    return isinstance(e, (Var, Lit, ir.Dim)) or (isinstance(e, ir.Call) and e.fn in _LIGHT)


def _unless_empty(loop: Around, index: Expr, extent: Expr) -> Expr:
    """Return that an index is a place, if a loop has any iterations."""
    compare = (
        np.less_equal if isinstance(loop.step, Lit) and loop.step.value < 0 else (np.greater_equal)
    )
    empty = apply(compare, BOOL, loop.start, loop.stop)
    above = apply(np.greater_equal, BOOL, index, number(0))
    below = apply(np.less, BOOL, index, extent)
    return apply(np.bitwise_or, BOOL, empty, apply(np.bitwise_and, BOOL, above, below))


def _surely_negative(loop: Around, shift: int) -> bool:
    """Tell whether the first index of a loop is a negative one: ``u[i - 1]`` from 0 on."""
    if not isinstance(loop.step, Lit):
        return False
    low, more = (loop.start, 0) if loop.step.value > 0 else (loop.stop, 1)
    return isinstance(low, Lit) and low.value + more + shift < 0


def _counters(program: ir.Program) -> dict[str, Size]:
    """Return the sizes that loop variables stand for, within one iteration."""
    names = [s.var.name for s in ir.statements(program.body) if isinstance(s, ir.For)]
    others = {
        name
        for s in ir.statements(program.body)
        if not isinstance(s, ir.For)
        for name in ir.written(s)
    }
    return {name: integer(name) for name in names if name not in others}


def names_of(program: ir.Program) -> set[str]:
    """Return the names that a program has."""
    found = {program.name, *program.types, *program.hidden, *(p.name for p in program.parameters)}
    for statement in ir.statements(program.body):
        found |= {*ir.written(statement)}
        for expr in ir.expressions(statement):
            found |= ir.names_in(expr)
    return found


def _read(program: ir.Program) -> set[str]:
    """Return the variables that a program reads, in its result or before."""
    found = {n for s in ir.statements(program.body) for e in ir.expressions(s)
             for n in ir.names_in(e)}  # fmt: skip
    return found | ir.names_in(*(leaf for _, leaf in template_leaves(program.result)))


def is_axes(type_: Type) -> bool:
    """Tell whether a value has axes: arrays without are numbers here."""
    return type_.is_array and type_.ndim > 0
