"""Which variables a piece of a kernel reads before it binds them, and which are read after it."""

from __future__ import annotations

from collections.abc import Set

from .. import ir
from ..ir import Block, Lit, Stmt
from .accesses import touched
from .code import Loop


def exposed(block: Block, bound: set[str]) -> set[str]:
    """Return what a block may read before it has bound it; add to ``bound`` what it always binds.

    Arrays count as read where their elements are touched.
    """
    found: set[str] = set()
    for s in block:
        found |= _exposed(s, bound)
    return found


def _exposed(s: Stmt, bound: set[str]) -> set[str]:
    match s:
        case ir.If(condition=condition, then=then, orelse=orelse):
            yes, no = set(bound), set(bound)
            found = ir.names_in(condition) - bound
            found |= exposed(then, yes) | exposed(orelse, no)
            bound |= yes & no
            return found
        case Loop() | ir.For() | ir.While():
            inside = bound | {_counter(s)}
            found = _heads(s) - bound
            found |= exposed(s.body, inside)
            found |= _until(s) - inside
            if _runs(s):
                bound |= inside - {_counter(s)}
            return found
    read, binds = _touched(s)
    bound_before = set(bound)
    bound |= binds
    return read - bound_before


def _touched(s: Stmt) -> tuple[set[str], set[str]]:
    """Return what a statement without blocks reads, and what it binds."""
    if isinstance(s, ir.Pop) and s.index is None:
        return set(), {s.target.name}
    own = touched([s])
    return own.read | {*own.gathered}, own.bound


def live_after(
    block: Block, after: Set[str] = frozenset(), ignored: Set[int] = frozenset()
) -> dict[int, set[str]]:
    """Return, by the identity of each statement, which variables may be read after it.

    ``after``: those that are read after the block; ``ignored``: statements that do not count.
    """
    live = _Live(ignored)
    live.block(block, set(after))
    return live.found


class _Live:
    def __init__(self, ignored: Set[int]) -> None:
        self.ignored = ignored
        self.found: dict[int, set[str]] = {}

    def block(self, block: Block, after: set[str]) -> set[str]:
        """Return what may be read from the start of a block on."""
        for s in reversed(block):
            self.found[id(s)] = after
            if id(s) not in self.ignored:
                after = self._before(s, after)
        return after

    def _before(self, s: Stmt, after: set[str]) -> set[str]:
        match s:
            case ir.If(condition=condition, then=then, orelse=orelse):
                arms = self.block(then, after) | self.block(orelse, after)
                return arms | ir.names_in(condition)
            case Loop() | ir.For() | ir.While():
                head = after | _until(s) | (_heads(s) if isinstance(s, ir.While) else set())
                while not (inside := self.block(s.body, head) - {_counter(s)}) <= head:
                    head = head | inside
                return head | _heads(s)
        read, binds = _touched(s)
        return (after - binds) | read


def _heads(s: Stmt) -> set[str]:
    """Return what the head of a loop reads."""
    match s:
        case Loop(extent=extent):
            return ir.names_in(extent)
        case ir.For(start=start, stop=stop, step=step):
            return ir.names_in(start, stop, step)
        case ir.While(condition=condition):
            return ir.names_in(condition)
    return set()


def _counter(s: Stmt) -> str:
    return s.var.name if isinstance(s, (Loop, ir.For)) else ""


def _until(s: Stmt) -> set[str]:
    return {s.until} if isinstance(s, (ir.For, ir.While)) and s.until else set()


def _runs(s: Stmt) -> bool:
    """Tell whether a loop has an iteration whatever the data are."""
    match s:
        case Loop(extent=Lit(value=extent)):
            return bool(extent > 0)
        case ir.For(start=Lit(value=start), stop=Lit(value=stop), step=Lit(value=step)):
            return bool(start < stop if step > 0 else start > stop)
    return False
