"""Which arrays are changed while a second name holds them: copies would not do in their place."""

from __future__ import annotations

from .. import ir
from ..ir import Assign, Block, Stmt, Var
from .code import Loop, Make, Part, Put


def changed_while_shared(block: Block) -> set[str]:
    """Return the arrays of which an element is written while two names may hold the array."""
    found: set[str] = set()
    _follow(block, set(), found)
    return found


def _follow(block: Block, shared: set[str], found: set[str]) -> set[str]:
    """Go through a block; return the names that may hold an array with another one after it."""
    for s in block:
        shared = _after(s, shared, found)
    return shared


def _after(s: Stmt, shared: set[str], found: set[str]) -> set[str]:
    match s:
        case Make(name=name) | Part(name=name):
            return shared - {name}
        case Assign(name=name, value=Var(name=other) as value) if value.type.is_array:
            return shared | {name, other}
        case ir.Move(targets=targets, sources=sources):
            return shared | {*targets} | {source.name for source in sources}
        case Put(array=array) if array.name in shared:
            found.add(array.name)
        case ir.If(then=then, orelse=orelse):
            return _follow(then, shared, found) | _follow(orelse, shared, found)
        case Loop(body=body) | ir.For(body=body) | ir.While(body=body):
            while True:
                after = shared | _follow(body, shared, found)
                if after == shared:
                    return after
                shared = after
    return shared
