"""Removing what has no effect: values never read, stores never seen, empty branches and loops.

Effects (prints, raised errors, saved values) stay; a computation goes even where it could fail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from . import ir
from .sharing import Sharing

Live = frozenset[str]
"""Variables that will still be read."""


def remove_dead_code(block: ir.Block) -> ir.Block:
    """Return the block without what none of its effects needs; nothing is read after it."""
    useful = _useful(block)
    sharing = Sharing(block)
    block = _kept(block, useful, {sharing.of(name) for name in useful}, sharing)
    return _Liveness(Sharing(block)).block(block, frozenset())[0]


def reads_before(block: ir.Block) -> set[str]:
    """Return the variables that a block reads as they were before it; nothing is read after it."""
    return set(_Liveness(Sharing(block)).block(remove_dead_code(block), frozenset())[1])


def live_before(
    block: ir.Block, after: Live, sharing: Sharing | None = None
) -> tuple[ir.Block, Live]:
    """Return what of a block matters if ``after`` is read after it, and what is read before it."""
    return _Liveness(sharing or Sharing(block)).block(block, after)


# ------------------------------------------------------- what the effects are computed from


def _useful(block: ir.Block) -> set[str]:
    """Return the variables that effects depend on, through any number of steps.

    Liveness alone would keep a loop that only feeds itself.
    """
    sharing = Sharing(block)
    useful: set[str] = set()
    classes: set[str] = set()
    needs: dict[str, set[str]] = {}
    pending: list[str] = []
    for statement, outer in _with_conditions(block, frozenset()):
        reads = _reads(statement) | outer
        if _has_effect(statement):
            pending += reads
        for name in _changed(statement, sharing):
            needs.setdefault(name, set()).update(reads)
    while pending:
        name = pending.pop()
        if name not in useful:
            useful.add(name)
            pending += needs.get(name, ())
        memory = _memory(sharing.of(name))
        if memory not in classes:
            classes.add(memory)
            pending += needs.get(memory, ())
    return useful


def _memory(name: str) -> str:
    return f"'{name}"


def _changed(statement: ir.Stmt, sharing: Sharing) -> list[str]:
    """The names that a statement binds, or the class of variables whose memory it changes."""
    if isinstance(statement, ir.Store):
        return [_memory(sharing.of(statement.target.name))]
    return list(ir.written(statement))


def _with_conditions(
    block: ir.Block, outer: frozenset[str]
) -> Iterable[tuple[ir.Stmt, frozenset[str]]]:
    """Yield every statement with the variables that decide whether it is reached."""
    for s in block:
        yield s, outer
        inner = outer
        if isinstance(s, (ir.If, ir.While)):
            inner |= _reads(s)
        elif isinstance(s, ir.For):
            inner |= _reads(s) | {s.var.name}
        if isinstance(s, (ir.For, ir.While)) and s.until:
            inner |= {s.until}
        for nested in s.blocks:
            yield from _with_conditions(nested, inner)


def _has_effect(statement: ir.Stmt) -> bool:
    kinds = (ir.Effect, ir.Invoke, ir.Raise, ir.Opaque, ir.Push, ir.Pop)
    return isinstance(statement, kinds)


def _kept(block: ir.Block, useful: set[str], classes: set[str], sharing: Sharing) -> ir.Block:
    """Return the block without what only writes useless variables."""

    def visit(s: ir.Stmt) -> ir.Stmt | None:
        match s:
            case ir.Assign() | ir.Alias() | ir.Move():
                return None if useful.isdisjoint(ir.written(s)) else s
            case ir.Store(target=target):
                return s if sharing.of(target.name) in classes else None
            case ir.If(then=then, orelse=orelse):
                return replace(s, then=inner(then), orelse=inner(orelse))
            case ir.For(body=body) | ir.While(body=body):
                return replace(s, body=inner(body))
        return s

    def inner(nested: ir.Block) -> ir.Block:
        return _kept(nested, useful, classes, sharing)

    return left_over(block, [visit(s) for s in block])


def left_over(block: ir.Block, found: list[ir.Stmt | None]) -> ir.Block:
    """Return what is left of a block, without the comments over statements that are all gone."""
    left: ir.Block = []
    above: int | None = None  # where the comment stands that has lost all its statements so far
    for before, now in zip(block, found, strict=True):
        if isinstance(before, ir.Note):
            if above is not None:
                del left[above]
            above = None
            left.append(before)
        elif now is not None:
            above = None
            left.append(now)
        elif left and isinstance(left[-1], ir.Note):
            above = len(left) - 1
    if above is not None:
        del left[above]
    return left


# ------------------------------------------------------------------------------------ liveness


class _Liveness:
    """Goes backwards with the set of variables that will still be read; drops what is not."""

    def __init__(self, sharing: Sharing) -> None:
        self.sharing = sharing

    def block(self, block: ir.Block, live: Live) -> tuple[ir.Block, Live]:
        found: list[ir.Stmt | None] = []
        for statement in reversed(block):
            kept, live = self.statement(statement, live)
            found.append(kept)
        return left_over(block, found[::-1]), live

    def statement(self, s: ir.Stmt, live: Live) -> tuple[ir.Stmt | None, Live]:
        """Return the statement, None where it is dead, and what is live before it."""
        match s:
            case ir.If():
                return self.branch(s, live)
            case ir.For() | ir.While():
                return self.loop(s, live)
            case ir.Store(target=target):
                memory = self.sharing.of(target.name)
                if memory not in map(self.sharing.of, live):
                    return None, live
                return s, live | _reads(s)
            case ir.Pop(target=target, index=index):
                return s, (live | _reads(s)) if index is not None else live - {target.name}
            case ir.Note():
                return s, live
            case ir.Assign(name=name, value=ir.Var(name=source)) if name == source:
                return None, live
            case ir.Assign() | ir.Alias() | ir.Move():
                if live.isdisjoint(ir.written(s)):
                    return None, live
        return s, (live - set(ir.written(s))) | _reads(s)

    def branch(self, s: ir.If, live: Live) -> tuple[ir.Stmt | None, Live]:
        then, live_then = self.block(s.then, live)
        orelse, live_else = self.block(s.orelse, live)
        if not _has_code(then) and not _has_code(orelse):
            return None, live
        return replace(s, then=then, orelse=orelse), live_then | live_else | _reads(s)

    def loop(self, s: ir.For | ir.While, after: Live) -> tuple[ir.Stmt | None, Live]:
        var = {s.var.name} if isinstance(s, ir.For) else set[str]()
        end = after | ({s.until} if s.until else set())
        if isinstance(s, ir.While):
            end |= _reads(s)
        while True:  # what the next iteration reads is live at the end of this one
            body, begin = self.block(s.body, end)
            if begin - var <= end:
                break
            end |= begin - var
        if not _has_code(body):
            return None, after
        return replace(s, body=body), after | (begin - var) | _reads(s)


def _reads(s: ir.Stmt) -> Live:
    """The variables that a statement itself reads."""
    match s:
        case ir.For(start=start, stop=stop, step=step, snapshots=snapshots):
            found = ir.names_in(start, stop, step, snapshots)
            return frozenset(found | ({s.trips} if s.trips and s.backwards else set()))
        case ir.Pop(index=None):
            return frozenset()
        case ir.Alias(value=value, root=root):
            return frozenset(ir.names_in(value) | {root})
    return frozenset(ir.names_in(*ir.expressions(s)))


def _has_code(block: ir.Block) -> bool:
    return any(not isinstance(s, ir.Note) for s in block)
