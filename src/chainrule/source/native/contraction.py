"""Temporary arrays that one loop makes and uses shrink: to a row, or to a number in a register."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import ir
from ..ir import Assign, Block, Expr, Index, Stmt, Var, statements
from ..types import Type
from .code import (
    Do,
    Fresh,
    Loop,
    Make,
    Part,
    Put,
    Python,
    Reshape,
    apply,
    bindings,
    mapped,
    scalar,
)


def uses(block: Block) -> Counter[str]:
    """Count in how many places each variable is mentioned."""
    found: Counter[str] = Counter()
    for s in statements(block):
        found.update(mentions(s))
    return found


class Looked:
    """What a statement mentions and binds, those in its blocks included: looked up once."""

    def __init__(self, s: Stmt) -> None:
        self.statement = s
        self.uses = uses([s])

    @functools.cached_property
    def bound(self) -> set[str]:
        """The variables that it binds."""
        return {*bindings([self.statement])}


def mentions(s: Stmt) -> list[str]:
    """Return the variables that a statement itself mentions, as often as it does."""
    found = [name for expr in _all(s) for name in ir.reads(expr).names]
    if isinstance(s, Python):
        found += [name for name, _ in s.results]
        found += ir.written(s.statement)
    elif isinstance(s, (Make, Part, Reshape)):
        found.append(s.name)
    elif isinstance(s, Do):
        found += s.names
    elif hasattr(s, "name"):
        found.append(s.name)
    elif isinstance(s, ir.Move):
        found += s.targets
    if isinstance(s, (ir.For, ir.While)) and s.until:
        found.append(s.until)
    return found


def _all(s: Stmt) -> list[Expr]:
    return [*ir.expressions(s), *(ir.expressions(s.statement) if isinstance(s, Python) else ())]


# ------------------------------------------------------------------- one name for one array


def coalesce(block: Block) -> Block:
    """Leave out ``x = t`` where ``t`` is a new array of which this is the only use: it is ``x``."""
    return _coalesced(block, uses(block))


def _coalesced(block: Block, total: Counter[str]) -> Block:
    block = [within_blocks(s, lambda inner: _coalesced(inner, total)) for s in block]
    k = 0
    while k < len(block):
        s = block[k]
        if isinstance(s, Assign) and isinstance(s.value, Var) and s.value.type.is_array:
            start = made_at(block, k, s.value.name)
            if start is not None:
                between = block[start:k]
                inside = uses(between)
                alone = inside[s.value.name] + 1 == total[s.value.name]
                if alone and not inside[s.name]:
                    new = [renamed_array(t, s.value.name, s.name) for t in between]
                    block[start : k + 1] = new
                    total[s.name] += total.pop(s.value.name) - 1
                    k -= 1
        k += 1
    return block


def made_at(block: Block, end: int, name: str) -> int | None:
    """Return where in a block an array is made that a name stands for at a place further on."""
    for k in range(end - 1, -1, -1):
        s = block[k]
        if isinstance(s, (Make, Part, Reshape)) and s.name == name:
            return k
        if isinstance(s, Do) and name in s.names:
            return k
        if name in ir.written(s):
            return None
    return None


def renamed_array(s: Stmt, old: str, new: str) -> Stmt:
    """Return a statement with another name for an array."""

    def change(e: Expr) -> Expr:
        return ir.rewrite(e, lambda x: Var(x.type, new) if _is(x, old) else x)

    return _rebound(mapped(s, change), old, new)


def _is(e: Expr, name: str) -> bool:
    return isinstance(e, Var) and e.name == name


def _rebound(s: Stmt, old: str, new: str) -> Stmt:
    if isinstance(s, Do):
        return replace(s, names=tuple(new if name == old else name for name in s.names))
    if isinstance(s, Python):
        results = tuple((new if name == old else name, t) for name, t in s.results)
        return replace(s, results=results, statement=_rebound(s.statement, old, new))
    if getattr(s, "name", None) == old:
        s = replace(s, name=new)  # type: ignore[call-arg]
    if isinstance(s, ir.Move):
        targets = tuple(new if name == old else name for name in s.targets)
        return replace(s, targets=targets)
    return within_blocks(s, lambda block: [_rebound(t, old, new) for t in block])


def within_blocks(s: Stmt, change: Any) -> Stmt:
    """Return a statement with its inner blocks changed."""
    match s:
        case Loop(body=body) | ir.For(body=body) | ir.While(body=body):
            return replace(s, body=change(body))
        case ir.If(then=then, orelse=orelse):
            return replace(s, then=change(then), orelse=change(orelse))
    return s


def separate(block: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Give arrays that are made in several places several names, where none is used elsewhere."""
    makes = Counter(s.name for s in statements(block) if isinstance(s, Make))
    several = {name for name, n in makes.items() if n > 1}
    if not several:
        return block
    covered: Counter[str] = Counter()
    nested: set[str] = set()  # bound in a branch or loop, and perhaps used after it
    for part in _blocks(block):
        for name, start, stop in _segments(part, several):
            covered[name] += uses(part[start:stop])[name]
            if sum(_binds(s, name) for s in statements(part[start:stop])) > 1:
                nested.add(name)
    total = uses(block)
    free = {name for name in several - nested if covered[name] == total[name]}
    return _separated(block, free, fresh, types)


def _blocks(block: Block) -> list[Block]:
    found = [block]
    for s in block:
        for inner in s.blocks:
            found += _blocks(inner)
    return found


def _segments(block: Block, names: set[str]) -> list[tuple[str, int, int]]:
    """Return, for arrays made in a block, from where to where each binding lasts."""
    found = []
    for k, s in enumerate(block):
        if isinstance(s, Make) and s.name in names:
            ends = (j for j in range(k + 1, len(block)) if _binds(block[j], s.name))
            found.append((s.name, k, next(ends, len(block))))
    return found


def _binds(s: Stmt, name: str) -> bool:
    return isinstance(s, Make) and s.name == name


def _separated(block: Block, names: set[str], fresh: Fresh, types: dict[str, Type]) -> Block:
    block = [within_blocks(s, lambda inner: _separated(inner, names, fresh, types)) for s in block]
    for name, start, stop in _segments(block, names):
        new = fresh(name)
        types[new] = types[name]
        block[start:stop] = [renamed_array(s, name, new) for s in block[start:stop]]
    return block


# ------------------------------------------------------------------------- smaller arrays


def contract(kernel: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Shrink temporary arrays of a kernel."""
    return _shrunk(kernel, uses(kernel), fresh, types)


def _shrunk(block: Block, total: Counter[str], fresh: Fresh, types: dict[str, Type]) -> Block:
    block = [within_blocks(s, lambda inner: _shrunk(inner, total, fresh, types)) for s in block]
    makes = [s for s in block if isinstance(s, Make)]
    mentioned = [set(uses([s])) for s in block] if makes else []
    users = Counter(name for names in mentioned for name in names)
    for make in makes:
        if users[make.name] != 2:
            continue
        first, last = (k for k, names in enumerate(mentioned) if make.name in names)
        loop = block[last]
        if isinstance(loop, Loop) and uses([make, loop])[make.name] == total[make.name]:
            new = _contracted(make, loop, fresh, types)
            if new is not None:
                for k, part in ((last, [new[1]]), (first, [s for s in new[:1] if s])):
                    users.subtract(mentioned[k])
                    block[k : k + 1] = part
                    mentioned[k : k + 1] = [set(uses([s])) for s in part]
                    users.update(name for names in mentioned[k : k + len(part)] for name in names)
    return block


def mentions_array(s: Stmt, name: str) -> bool:
    """Tell whether a statement mentions an array, also in the blocks in it."""
    return any(name in mentions(t) for t in statements([s]))


def _contracted(
    make: Make, loop: Stmt, fresh: Fresh, types: dict[str, Type]
) -> tuple[Make | None, Stmt] | None:
    """Return the array with fewer axes, or none, and the loop that uses it."""
    assert isinstance(loop, Loop)
    path = _path(loop, make.name)
    indices = _indices(loop, make.name)
    if indices is None:
        return None
    fixed = {
        axis
        for axis in range(len(make.extents))
        if any(all(index[axis] == var for index in indices) for var in path)
    }
    if not fixed:
        return None
    kept = [axis for axis in range(len(make.extents)) if axis not in fixed]
    if not kept:
        return None, _as_number(loop, make, fresh, types)
    old = types[make.name]
    name = fresh(make.name)
    types[name] = replace(old, sizes=tuple(old.sizes[k] for k in kept))
    var = Var(types[name], name)
    new = reindexed(loop, make.name, lambda index: (var, tuple(index[k] for k in kept)))
    return replace(make, name=name, extents=tuple(make.extents[k] for k in kept)), new


def _path(loop: Loop, name: str) -> list[Var]:
    """Return the variables of the loops, from outside, that hold all uses."""
    found = [loop.var]
    while True:
        users = [s for s in loop.body if mentions_array(s, name)]
        if len(users) != 1 or not isinstance(users[0], Loop):
            return found
        loop = users[0]
        found.append(loop.var)


def _indices(loop: Loop, name: str) -> list[tuple[Expr, ...]] | None:
    """Return the indices that an array is used with, None if it is used as a whole."""
    found: list[tuple[Expr, ...]] = []
    total = 0
    for s in statements([loop]):
        total += mentions(s).count(name)
        if isinstance(s, Put) and s.array.name == name:
            found.append(s.index)
        for expr in _all(s):
            for e in ir.walk(expr):
                if isinstance(e, Index) and _is(e.base, name):
                    found.append(e.index)
    return found if total == len(found) else None


Reindex = Callable[[tuple[Expr, ...]], tuple[Var, tuple[Expr, ...]]]
"""Gives, for the index of an element, where it is found instead; () says: in a number."""


def reindexed(s: Stmt, name: str, new: Reindex) -> Stmt:
    """Return a statement that uses another array, or a number, in place of one."""
    return all_reindexed(s, {name: new})


def all_reindexed(s: Stmt, new: dict[str, Reindex]) -> Stmt:
    """Return a statement that uses other arrays, or numbers, in place of some."""

    def change(e: Expr) -> Expr:
        return ir.rewrite(e, element)

    def element(e: Expr) -> Expr:
        if isinstance(e, Index) and isinstance(e.base, Var) and e.base.name in new:
            array, index = new[e.base.name](e.index)
            return Index(e.type, array, index) if index else scalar_of(array)
        return e

    return _puts(mapped(s, change), new)


def scalar_of(var: Var) -> Var:
    """Return the number that has taken the place of an array."""
    assert var.type.dtype is not None
    return Var(scalar(var.type.dtype), var.name)


def _puts(s: Stmt, new: dict[str, Reindex]) -> Stmt:
    if isinstance(s, Put) and s.array.name in new:
        array, index = new[s.array.name](s.index)
        if index:
            return replace(s, array=array, index=index)
        var = scalar_of(array)
        if s.op is None:
            return Assign(var.name, s.value)
        import numpy as np

        return Assign(var.name, apply(getattr(np, s.op), var.type, var, s.value))
    return within_blocks(s, lambda block: [_puts(t, new) for t in block])


def _as_number(loop: Loop, make: Make, fresh: Fresh, types: dict[str, Type]) -> Stmt:
    name = fresh(make.name)
    types[name] = scalar(make.dtype)
    var = Var(Type("array", make.dtype, ()), name)
    return reindexed(loop, make.name, lambda index: (var, ()))
