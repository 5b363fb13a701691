"""Statements of programs over numbers: those of ``ir``, and a few that only loops know.

Expressions are those of ``ir``, all of them numbers: an array occurs as the base of an ``Index``
with one number for each axis, as the base of a ``Dim``, or as an operand of ``Do``. Arrays lie in
memory in C order, without gaps.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .. import ir
from ..ir import Block, Call, Expr, Index, Lit, Stmt, Var, statements
from ..types import Type
from . import runtime


@dataclass(slots=True)
class Make(Stmt):
    """``name = np.empty(extents, dtype)``."""

    name: str
    dtype: np.dtype[Any]
    extents: tuple[Expr, ...]


@dataclass(slots=True)
class Loop(Stmt):
    """``for var in range(extent)``, over the places of an axis, in an order that is free.

    ``size`` is equal for loops that have the same extent at every run.
    """

    var: Var
    extent: Expr
    body: Block
    size: Hashable

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its body."""
        return (self.body,)


@dataclass(slots=True)
class Put(Stmt):
    """``array[index] = value``, or with ``op`` (``add``, ``subtract``) ``+=`` and ``-=``."""

    array: Var
    index: tuple[Expr, ...]
    value: Expr
    op: str | None = None


@dataclass(slots=True)
class Gather(Stmt):
    """``name = fn(name, value)``: one step of a reduction whose order is free."""

    name: str
    fn: Callable[..., Any]
    value: Expr
    type: Type


@dataclass(slots=True)
class Do(Stmt):
    """``names = fn(*args)`` with whole arrays, by Numba's own function (or one of ``runtime``)."""

    names: tuple[str, ...]
    fn: Callable[..., Any]
    args: tuple[Expr, ...]
    types: tuple[Type, ...]


@dataclass(slots=True)
class Check(Stmt):
    """Leave the compiled program unless ``holds``."""

    holds: Expr


@dataclass(slots=True)
class Python(Stmt):
    """A statement that the interpreter runs, with NumPy; ``why`` it has to.

    ``reads`` and ``keeps``: the objects, which never enter machine code, that it reads and binds.
    """

    statement: Stmt
    results: tuple[tuple[str, Type], ...]
    why: str
    reads: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()


@dataclass(slots=True)
class Return(Stmt):
    """``return values``, at the end of the kernel."""

    values: tuple[Expr, ...]


@dataclass(slots=True)
class Part(Stmt):
    """``name = array[start : start + size].reshape(extents)``: memory of a one-axis array."""

    name: str
    array: Var
    start: Expr
    size: Expr
    extents: tuple[Expr, ...]


@dataclass(slots=True)
class Reshape(Stmt):
    """``name = array.reshape(extents)``: the same memory."""

    name: str
    array: Var
    extents: tuple[Expr, ...]


@dataclass(slots=True)
class Parallel(Stmt):
    """A loop whose iterations are cut into ``chunks``, which may run at the same time."""

    body: Block
    """The loop alone."""
    trips: Var
    chunks: Var
    own: tuple[Var, ...] = ()
    """One-axis arrays, of which each chunk has a part."""
    own_sizes: tuple[Var, ...] = ()
    """How large these parts are."""
    summed: tuple[Var, ...] = ()
    """Arrays that are added to; the first chunk adds to the array itself,"""
    copies: tuple[Var, ...] = ()
    """the others to parts of these,"""
    sizes: tuple[Var, ...] = ()
    """which are as large."""
    sums: tuple[Var, ...] = ()
    """Numbers that are gathered,"""
    gather: tuple[Callable[..., Any], ...] = ()
    """by these functions."""
    tops: tuple[Var, ...] = ()
    """Numbers of saved values,"""
    changes: tuple[Var, ...] = ()
    """and by how many an iteration changes each."""
    last: tuple[Var, ...] = ()
    """Numbers that are needed after the loop."""
    apart: bool = False
    """Whether chunks that are neighbours must not run at the same time."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its body."""
        return (self.body,)


STACK, PART = "stack_", "_part_"
"""In the names of stacks of saved values, and of the arrays that lie on them."""


def is_part(name: str) -> bool:
    """Tell whether an array lies on a stack."""
    return name.startswith(STACK) and PART in name


# -------------------------------------------------------------------------------- traversal


def bound_by(statement: Stmt) -> tuple[str, ...]:
    """Return the variables that a statement itself binds."""
    match statement:
        case Python(results=results):
            return tuple(name for name, _ in results)
        case Do(names=names):
            return names
        case Gather(name=name) | Make(name=name) | Part(name=name) | Reshape(name=name):
            return (name,)
        case Loop(var=var):
            return (var.name,)
    return ir.written(statement)


def bindings(block: Block) -> Iterator[str]:
    """Yield the variables that the statements of a block bind, as often as they do."""
    return (name for statement in statements(block) for name in bound_by(statement))


def expressions(statement: Stmt) -> Iterator[Expr]:
    """Yield the expressions that a statement itself reads."""
    if isinstance(statement, Python):
        yield from ir.expressions(statement.statement)
    else:
        yield from ir.expressions(statement)


def mapped(statement: Stmt, change: Callable[[Expr], Expr]) -> Stmt:
    """Return a statement with its expressions changed, also in the blocks in it."""
    cls = type(statement)
    names = _field_names.get(cls)
    if names is None:
        names = _field_names[cls] = tuple(f.name for f in fields(cls))
    new = object.__new__(cls)
    for name in names:
        setattr(new, name, _changed(getattr(statement, name), change))
    return new


_field_names: dict[type, tuple[str, ...]] = {}


def _changed(value: Any, change: Callable[[Expr], Expr]) -> Any:
    """Return what a field of a statement holds with its expressions changed."""
    if isinstance(value, Expr):
        return change(value)
    if isinstance(value, tuple):
        return tuple([change(x) if isinstance(x, Expr) else x for x in value])
    if isinstance(value, list):
        return [mapped(s, change) for s in value]
    return mapped(value, change) if isinstance(value, Stmt) else value


# ------------------------------------------------------------------------------ expressions

INT = Type("python", np.dtype(np.int64))
BOOL = Type("python", np.dtype(np.bool_))


def number(value: int) -> Lit:
    """Return an integer literal."""
    return Lit(INT, int(value))


def scalar(dtype: Any) -> Type:
    """Return the type of a number. All are of one kind: their dtypes say everything."""
    return Type("python", np.dtype(dtype))


def load(array: Expr, index: tuple[Expr, ...]) -> Expr:
    """Return an element of an array."""
    return Index(scalar(array.type.dtype), array, index)


def dtype_of(e: Expr) -> np.dtype[Any]:
    """Return the dtype of a number or an array."""
    assert e.type.dtype is not None
    return e.type.dtype


def apply(fn: Any, type_: Type, *args: Expr) -> Expr:
    """Return a function of numbers."""
    return Call(type_, fn, args)


def whole(value: Expr) -> Expr:
    """Return an integer of any dtype as one that is a place or a size."""
    if value.type.dtype == INT.dtype:
        return value
    if isinstance(value, Lit):
        return number(value.value)
    found = apply(np.int64, INT, value)
    if value.type.dtype == np.dtype(np.uint64):  # its bits may say negative: behind every end
        found = apply(runtime.fitting, INT, found, number(0), number(2**63 - 1))
    return found


def plus(a: Expr, b: Expr) -> Expr:
    """Return the sum of two integers, computed where they are known."""
    if isinstance(a, Lit) and isinstance(b, Lit):
        return number(a.value + b.value)
    if isinstance(b, Lit) and b.value == 0:
        return a
    if isinstance(a, Lit):
        return b if a.value == 0 else plus(b, a)
    if isinstance(b, Lit) and isinstance(a, Call) and a.fn in (np.add, np.subtract):
        first, second = a.args
        if isinstance(second, Lit):
            sign = 1 if a.fn is np.add else -1
            return plus(first, number(sign * second.value + b.value))
    if isinstance(b, Lit) and b.value < 0:
        return apply(np.subtract, INT, a, number(-b.value))
    return apply(np.add, INT, a, b)


def minus(a: Expr, b: Expr) -> Expr:
    """Return the difference of two integers, computed where they are known."""
    if a == b:
        return number(0)
    if isinstance(b, Lit):
        return plus(a, number(-b.value))
    return apply(np.subtract, INT, a, b)


def times(a: Expr, b: Expr) -> Expr:
    """Return the product of two integers, computed where they are known."""
    if isinstance(a, Lit) and isinstance(b, Lit):
        return number(a.value * b.value)
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Lit) and one.value == 1:
            return other
    return apply(np.multiply, INT, a, b)


def split_shift(index: Expr) -> tuple[Expr, int]:
    """Return an index as a base and a known shift: ``i + 1`` is ``i`` and 1."""
    if isinstance(index, Lit):
        return number(0), index.value
    if isinstance(index, Call) and index.fn in (np.add, np.subtract) and len(index.args) == 2:
        first, second = index.args
        if isinstance(second, Lit):
            return first, second.value if index.fn is np.add else -second.value
    return index, 0


def renamed(expr: Expr, names: dict[str, Expr]) -> Expr:
    """Return an expression with variables replaced."""
    return ir.rewrite(expr, lambda e: names.get(e.name, e) if isinstance(e, Var) else e)


class Fresh:
    """Names that the program does not have."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.counts: dict[str, Iterator[int]] = {}

    def __call__(self, base: str) -> str:
        """Return an unused name."""
        count = self.counts.setdefault(base, itertools.count(1))
        while (name := f"{base}_{next(count)}") in self.taken:
            pass
        self.taken.add(name)
        return name
