"""What a block reads of what was bound before it."""

from __future__ import annotations

from .. import ir
from ..ir import Block, If, Stmt
from .code import Gather, Loop, bound_by, expressions


def exposed(block: Block) -> set[str]:
    """Return the names that a block may read before it binds them."""
    return _exposed(block)[0]


def exposed_after(block: Block) -> list[set[str]]:
    """Return, by statement, the names that those after it may read before they bind them."""
    found: list[set[str]] = [set()]
    for s in reversed(block[1:]):
        read, bound = _of(s)
        found.append(read | (found[-1] - bound))
    return found[::-1]


def _exposed(block: Block) -> tuple[set[str], set[str]]:
    """Return the names that may be read before they are bound, and those that are surely bound."""
    before: set[str] = set()
    bound: set[str] = set()
    for s in block:
        read, after = _of(s)
        before |= read - bound
        bound |= after
    return before, bound


def _of(s: Stmt) -> tuple[set[str], set[str]]:
    read = {n for x in expressions(s) for n in ir.names_in(x)}
    inner = [_exposed(b) for b in s.blocks]
    for before, _ in inner:
        read |= before
    if isinstance(s, (ir.For, ir.While)):
        read |= {*filter(None, (s.until,))}
    if isinstance(s, (Loop, ir.For)):
        read -= {s.var.name}
    if isinstance(s, Gather):
        read.add(s.name)
    if isinstance(s, If):
        return read, inner[0][1] & inner[1][1]
    return read, set() if inner else {*bound_by(s)}
