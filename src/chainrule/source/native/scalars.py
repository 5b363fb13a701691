"""Small arrays of known sizes become numbers: three coordinates, a 4 x 4 transform, a few weights.

``for d in range(3): t[d] = a[d] * b[d]`` is three products of numbers in registers, where no memory
stands for ``t``. The loops over such arrays are written out. An array that anything but loops and
elements touches, or that two names hold while it is changed, stays an array.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from .. import ir
from ..ir import Assign, Block, Dim, Expr, Index, Lit, Stmt, Var, statements
from ..types import Type
from .accesses import aliases
from .code import (
    INT,
    Do,
    Fresh,
    Loop,
    Make,
    Part,
    Put,
    Python,
    Reshape,
    Return,
    apply,
    bound_by,
    expressions,
    load,
    mapped,
    number,
    plus,
    renamed,
    scalar,
)
from .extents import known_shapes
from .folding import folded
from .holders import changed_while_shared
from .unrolling import Reach, Shape, literal_trips, places, variable_of

ELEMENTS = 16
"""Arrays of at most so many elements become numbers."""


def in_numbers(block: Block, fresh: Fresh, types: dict[str, Type], given: set[str]) -> Block:
    """Return a kernel with numbers in place of its small arrays; ``given``: its parameters."""
    shapes = _shapes(block, types, given)
    _refuse(shapes, block, _touched_otherwise(block))
    _refuse(shapes, block, changed_while_shared(block))
    while shapes:
        found = Reach(shapes).of(block)
        if not found:
            break
        _refuse(shapes, block, found)
    return _Writer(shapes, {*_saved(block)}, fresh, types).block(block) if shapes else block


def _refuse(shapes: dict[str, Shape], block: Block, names: set[str]) -> None:
    """Leave out arrays, and all that may be the same memory."""
    if not names & shapes.keys():
        return
    group = aliases(block)
    refused = {group(name) for name in names}
    for name in [name for name in shapes if group(name) in refused]:
        del shapes[name]


def _shapes(block: Block, types: dict[str, Type], given: set[str]) -> dict[str, Shape]:
    """Return the arrays that are always made, or bound, with the same few elements."""
    found: dict[str, Shape] = {}
    group = aliases(block)
    dtypes: dict[str, set[Any]] = {}
    for name, shape in known_shapes(block, given).items():
        type_ = types.get(name)
        sizes = tuple(size for size in shape if size is not None)
        if type_ is None or type_.dtype is None or len(sizes) != len(shape):
            continue
        if 0 < prod(sizes) <= ELEMENTS and type_.dtype.kind in "biuf":
            found[name] = sizes
            dtypes.setdefault(group(name), set()).add(type_.dtype)
    return {name: shape for name, shape in found.items() if len(dtypes[group(name)]) == 1}


def _touched_otherwise(block: Block) -> set[str]:
    """Return the arrays that are touched as a whole, other than by another name for them."""
    found: set[str] = set()
    for s in statements(block):
        if isinstance(s, (Do, Python, Return, Reshape)):
            found |= {*bound_by(s), *ir.names_in(*expressions(s))}
            found |= {*ir.written(s.statement)} if isinstance(s, Python) else set()
        elif not (isinstance(s, Assign) and isinstance(s.value, Var)):
            own = {s.array.name} if isinstance(s, Put) else set[str]()
            found |= set[str]().union(*map(_whole, expressions(s))) - own
    saved = _saved(block)
    return found | {name for name in saved if saved[name]}


def _saved(block: Block) -> dict[str, bool]:
    """Return the arrays that only ever lie on a stack and are written, and whether any is read."""
    parts = {s.name for s in statements(block) if isinstance(s, Part)}
    made = {
        name for s in statements(block) if not isinstance(s, (Part, Put)) for name in bound_by(s)
    }
    put = {s.array.name for s in statements(block) if isinstance(s, Put)}
    read: set[str] = set()
    for s in statements(block):
        for k, expr in enumerate(expressions(s)):
            if not (isinstance(s, Put) and k == 0):
                read |= ir.names_in(expr)
    return {name: name in read for name in (parts & put) - made}


def _whole(expr: Expr) -> set[str]:
    """Return the arrays in an expression that are not the base of an element or a size."""
    if isinstance(expr, Index):
        inner = set[str]().union(*map(_whole, expr.index))
        return inner if isinstance(expr.base, Var) else inner | _whole(expr.base)
    if isinstance(expr, Dim) and isinstance(expr.base, Var):
        return set()
    if isinstance(expr, Var):
        return {expr.name} if expr.type.is_array else set()
    return set[str]().union(*map(_whole, ir.children(expr)))


# ---------------------------------------------------------------------------------- writing


class _Writer:
    """Writes statements with numbers in place of arrays."""

    def __init__(
        self, shapes: dict[str, Shape], saved: set[str], fresh: Fresh, types: dict[str, Type]
    ) -> None:
        self.shapes = shapes
        self.saved = saved
        self.fresh = fresh
        self.types = types
        self.numbers: dict[tuple[str, Shape], Var] = {}
        self.pushed: dict[str, tuple[Part, Var]] = {}
        """Parts of stacks that values are saved into, with where they start."""
        for name, shape in shapes.items():
            for index in np.ndindex(*shape):
                kind = scalar(types[name].dtype)
                new = fresh("_".join([name, *map(str, index)]))
                types[new] = kind
                self.numbers[name, index] = Var(kind, new)

    def block(self, block: Block) -> Block:
        """Return the statements of a block, written out where need be."""
        return [t for s in block for t in self._statement(s)]

    def _statement(self, s: Stmt) -> Block:
        match s:
            case Make(name=name) if name in self.shapes:
                return []
            case Part(name=name) if name in self.shapes:
                return self._part(s, name in self.saved)
            case Assign(name=name, value=Var(name=other)) if name in self.shapes:
                return self._copied([name], [other])
            case ir.Move(targets=targets) if {*targets} & self.shapes.keys():
                return self._moved(s)
            case Put() if s.array.name in self.shapes:
                return [self._stored(s)]
        trips = literal_trips(s)
        if trips is not None and self._runs_through(s):
            return self._written_out(s, trips)
        inner = self._inside(s)
        return [mapped_shallow(inner, self._read)]

    def _inside(self, s: Stmt) -> Stmt:
        match s:
            case Loop(body=body) | ir.For(body=body) | ir.While(body=body):
                return replace(s, body=self.block(body))
            case ir.If(then=then, orelse=orelse):
                return replace(s, then=self.block(then), orelse=self.block(orelse))
        return s

    def _runs_through(self, s: Stmt) -> bool:
        """Tell whether a loop runs through the places of an array that becomes numbers."""
        variable = variable_of(s)
        return any(
            name in self.shapes and variable in ir.names_in(*index)
            for t in statements([s])
            for name, index in places(t)
        )

    def _written_out(self, s: Stmt, trips: range) -> Block:
        (body,) = s.blocks
        out: Block = []
        for value in trips:
            names: dict[str, Expr] = {variable_of(s): number(value)}
            out += self.block([_with_value(t, names, self.fresh, self.types) for t in body])
        if isinstance(s, ir.For) and trips:
            out.append(Assign(s.var.name, number(trips[-1])))
        return out

    def _part(self, s: Part, is_saved: bool) -> Block:
        start = self.fresh("at")
        self.types[start] = INT
        begins = Var(INT, start)
        out: Block = [Assign(start, self._read(s.start))]
        if is_saved:
            self.pushed[s.name] = (s, begins)
            return out
        for k, index in enumerate(np.ndindex(*self.shapes[s.name])):
            element = load(s.array, (plus(begins, number(k)),))
            out.append(Assign(self.numbers[s.name, index].name, element))
        return out

    def _copied(self, targets: list[str], sources: list[str]) -> Block:
        return [
            Assign(self.numbers[target, index].name, self.numbers[source, index])
            for target, source in zip(targets, sources, strict=True)
            for index in np.ndindex(*self.shapes[target])
        ]

    def _moved(self, s: ir.Move) -> Block:
        """Return several assignments at once, each by way of a variable of its own."""
        arrays = [k for k, name in enumerate(s.targets) if name in self.shapes]
        before: Block = []
        after: Block = []
        for k in arrays:
            for index in np.ndindex(*self.shapes[s.targets[k]]):
                source = self.numbers[s.sources[k].name, index]
                held = Var(source.type, self.fresh("held"))
                self.types[held.name] = held.type
                before.append(Assign(held.name, source))
                after.append(Assign(self.numbers[s.targets[k], index].name, held))
        rest = [k for k in range(len(s.targets)) if k not in arrays]
        moved = replace(
            s,
            targets=tuple(s.targets[k] for k in rest),
            sources=tuple(s.sources[k] for k in rest),
        )
        return [*before, *([moved] if rest else []), *after]

    def _stored(self, s: Put) -> Stmt:
        index = self._known(s.index)
        value = self._read(s.value)
        if s.array.name in self.pushed:
            part, begins = self.pushed[s.array.name]
            place = plus(begins, number(int(np.ravel_multi_index(index, self.shapes[part.name]))))
            return replace(s, array=part.array, index=(place,), value=value)
        var = self.numbers[s.array.name, index]
        if s.op is not None:
            value = apply(getattr(np, s.op), var.type, var, value)
        return Assign(var.name, value)

    def _known(self, index: tuple[Expr, ...]) -> Shape:
        return tuple(evaluated(place) for place in index)

    def _read(self, expr: Expr) -> Expr:
        def element(e: Expr) -> Expr:
            match e:
                case Index(base=Var(name=name)) if name in self.shapes:
                    return self.numbers[name, self._known(e.index)]
                case Dim(base=Var(name=name), axis=axis) if name in self.shapes:
                    return number(self.shapes[name][axis])
            return e

        return ir.rewrite(expr, element)


def mapped_shallow(s: Stmt, change: Callable[[Expr], Expr]) -> Stmt:
    """Return a statement with its own expressions changed, not those of the blocks in it."""
    match s:
        case Loop(body=body) | ir.For(body=body) | ir.While(body=body):
            return replace(mapped(replace(s, body=[]), change), body=body)  # type: ignore[call-arg]
        case ir.If(then=then, orelse=orelse):
            bare = mapped(replace(s, then=[], orelse=[]), change)
            return replace(bare, then=then, orelse=orelse)  # type: ignore[call-arg]
    return mapped(s, change)


def _with_value(s: Stmt, names: dict[str, Expr], fresh: Fresh, types: dict[str, Type]) -> Stmt:
    """Return a statement of a loop's body for one value of its variable."""
    own = dict(names)
    for t in statements([s]):
        if isinstance(t, Loop):
            own[t.var.name] = Var(INT, fresh(t.var.name))
            types[own[t.var.name].name] = INT  # type: ignore[attr-defined]
    return mapped(s, lambda e: folded(renamed(e, own)))


def evaluated(place: Expr) -> int:
    """Return a place that is known as a number."""
    found = folded(place)
    assert isinstance(found, Lit), place
    return int(found.value)
