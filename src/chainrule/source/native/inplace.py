"""Arrays that are computed from what they hold are computed in place, if that makes no odds.

``x = x - a * b`` makes an array, ``t``, and calls it ``x``. Where each element of ``t`` depends on
that of ``x`` at its own place, and nobody else holds the old array, ``t`` is written into ``x``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

from .. import ir
from ..ir import Assign, Block, Expr, Index, Var, statements
from .code import Loop, Make, Put, Python, Reshape, bindings, bound_by, expressions
from .contraction import made_at, mentions, mentions_array, renamed_array, uses, within_blocks

Shape = tuple[Expr, ...]


def in_place(block: Block, given: Set[str]) -> Block:
    """Return a kernel with fewer arrays; ``given``: its parameters."""
    total = uses(block)
    alone = _alone(block) - given
    shapes = {name: shape for name, shape in _shapes(block, given).items() if name in alone}
    for name in _otherwise_bound(block, shapes, total):
        del shapes[name]
    return _walked(block, shapes, total, set())


def _alone(block: Block) -> set[str]:
    """Return the arrays whose memory has no second name, and that are not bound in other ways."""
    found = {s.name for s in statements(block) if isinstance(s, Make)}
    for s in statements(block):
        match s:
            case Assign(value=Var(name=source)):
                found -= {source}
            case Reshape(name=name, array=array):
                found -= {name, array.name}
            case ir.Move() | Python():
                found -= {*mentions(s)}
            case Make() | Assign():
                pass
            case _:
                found -= {*bound_by(s)}
    return found


def _shapes(block: Block, given: Set[str]) -> dict[str, Shape]:
    """Return the shapes of arrays that have the same one wherever they are made."""
    counts = Counter([*bindings(block), *given])
    fixed = {name for s in block for name in bound_by(s) if counts[name] == 1}
    fixed |= {name for name in given if counts[name] == 1}
    found: dict[str, Shape] = {}
    several: set[str] = set()
    for s in statements(block):
        if isinstance(s, Make):
            is_first = found.setdefault(s.name, s.extents) == s.extents
            if not is_first or not ir.names_in(*s.extents) <= fixed:
                several.add(s.name)
    return {name: shape for name, shape in found.items() if name not in several}


def _otherwise_bound(block: Block, shapes: dict[str, Shape], total: Counter[str]) -> set[str]:
    """Return the arrays that are also called by what is of another shape, or used elsewhere."""
    found: set[str] = set()
    for k, s in enumerate(block):
        for inner in s.blocks:
            found |= _otherwise_bound(inner, shapes, total)
        if isinstance(s, Assign) and s.name in shapes:
            other = s.value.name if isinstance(s.value, Var) else ""
            start = made_at(block, k, other)
            if start is None or not _is_made_for(block[start:k], shapes[s.name], total):
                found.add(s.name)
    return found


def _is_made_for(made: Block, shape: Shape, total: Counter[str]) -> bool:
    """Tell whether a block makes an array of this shape that is used nowhere else."""
    make = made[0]
    if not isinstance(make, Make) or make.extents != shape:
        return False
    return uses(made)[make.name] + 1 == total[make.name]


def _walked(block: Block, shapes: dict[str, Shape], total: Counter[str], made: Set[str]) -> Block:
    """Return a block that overwrites arrays of known ``shapes``; ``made``: those there are."""
    there = set(made)
    out: Block = []
    for s in block:
        s = within_blocks(s, lambda inner: _walked(inner, shapes, total, there))
        match s:
            case Make(name=name):
                there.add(name)
            case Assign(name=name, value=Var(name=other)) if name in there and name in shapes:
                start = made_at(out, len(out), other)
                if start is not None and _may_overwrite(out[start:], name):
                    out[start:] = [renamed_array(t, other, name) for t in out[start + 1 :]]
                    continue
        out.append(s)
    return out


def _may_overwrite(made: Block, name: str) -> bool:
    """Tell whether what is made here can be written into an array as it is computed."""
    make, *rest = made
    assert isinstance(make, Make)
    users = [k for k, s in enumerate(rest) if mentions_array(s, make.name)]
    if not users or any(mentions_array(s, name) for s in rest[users[0] + 1 :]):
        return False
    first = rest[users[0]]
    put = _first_put(first, make.name)
    return put is not None and _reads_before(first, name, put)


def _first_put(s: object, name: str, path: tuple[Expr, ...] = ()) -> Put | None:
    """Return the statement of a nest that writes an array, at the place that its loops are at."""
    match s:
        case Loop(var=var, body=body):
            users = [t for t in body if mentions_array(t, name)]
            return _first_put(users[0], name, (*path, var)) if users else None
        case Put(op=None, index=index) if s.array.name == name and index == path:
            return s if name not in ir.names_in(s.value) else None
    return None


def _reads_before(first: object, name: str, put: Put) -> bool:
    """Tell whether an array is read at the place of ``put`` alone, and not after it."""
    assert isinstance(first, Loop)
    is_after = False
    for s in statements([first]):
        loads = [e for x in expressions(s) for e in ir.walk(x) if isinstance(e, Index)]
        reads = [e for e in loads if isinstance(e.base, Var) and e.base.name == name]
        if mentions(s).count(name) != len(reads) or (is_after and reads):
            return False
        if any(e.index != put.index for e in reads):
            return False
        is_after = is_after or s is put
    return True
