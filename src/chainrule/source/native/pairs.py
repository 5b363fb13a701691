"""Which value that a program saves is taken back where: pushes and their pops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .. import ir
from ..ir import Block, Pop, Push, Stmt


@dataclass(frozen=True)
class Pair:
    """A push and its pop, and the loops around them, from outside, as they stand on both sides."""

    push: Push
    pop: Pop
    loops: tuple[tuple[ir.For, ir.For], ...]


class _Unlike(Exception):  # noqa: N818 (a question answered with no)
    """What is taken back is not nested as what was saved."""


@dataclass(frozen=True)
class _Item:
    """A push or a pop, or a statement with those in its blocks."""

    statement: Stmt
    blocks: tuple[tuple[_Item, ...], ...] = ()


def pairs_of(body: Block, in_loops: bool = True) -> list[Pair]:
    """Return the pairs of a program, or those in loops; none where they are not nested alike.

    Left out are pairs in branches around loops, and in loops that end early.
    """
    lists = {s.stack for s in ir.statements(body) if isinstance(s, Push | Pop)}
    found: list[Pair] = []
    for name in lists:
        try:
            matched: list[tuple[_Item, _Item]] = []
            pops, _ = _summary(body, name, matched)
            if not pops:
                every = [pair for both in matched for pair in _pairs(*both, ())]
                found += [pair for pair in every if pair.loops or not in_loops]
        except _Unlike:
            continue
    return found


def _summary(
    block: Block, name: str, matched: list[tuple[_Item, _Item]]
) -> tuple[list[_Item], list[_Item]]:
    """Return what a block takes that was saved before it, and what it saves and leaves."""
    pops: list[_Item] = []
    pushes: list[_Item] = []
    for s in block:
        item = _item(s, name, matched)
        if item is None:
            continue
        if not _takes(item):
            pushes.append(item)
        elif pushes:
            matched.append((pushes.pop(), item))
        else:
            pops.append(item)
    return pops, pushes


def _item(s: Stmt, name: str, matched: list[tuple[_Item, _Item]]) -> _Item | None:
    if isinstance(s, Push | Pop):
        return _Item(s) if s.stack == name else None
    parts = [_summary(inner, name, matched) for inner in s.blocks]
    taken = tuple(tuple(pops) for pops, _ in parts)
    left = tuple(tuple(pushes) for _, pushes in parts)
    if any(taken) and any(left):
        raise _Unlike
    return _Item(s, taken if any(taken) else left) if any(taken) or any(left) else None


def _takes(item: _Item) -> bool:
    if isinstance(item.statement, Push | Pop):
        return isinstance(item.statement, Pop)
    return _takes(next(x for block in item.blocks for x in block))


def _pairs(first: _Item, second: _Item, loops: tuple[tuple[ir.For, ir.For], ...]) -> Iterator[Pair]:
    """Yield the pairs of two statements, the second of which takes back what the first saved."""
    a, b = first.statement, second.statement
    if isinstance(a, Push) and isinstance(b, Pop):
        yield Pair(a, b, loops)
        return
    alike = type(a) is type(b) or (isinstance(a, ir.While) and isinstance(b, ir.For))
    if not alike or [*map(len, first.blocks)] != [*map(len, second.blocks)]:
        raise _Unlike
    if isinstance(a, ir.For) and isinstance(b, ir.For):
        loops = (*loops, (a, b))
    is_open = isinstance(a, ir.While) or (isinstance(a, ir.If) and not loops)
    is_open = is_open or any(isinstance(s, ir.For) and (s.until or s.trips) for s in (a, b))
    for saved, taken in zip(first.blocks, second.blocks, strict=True):
        for x, y in zip(reversed(saved), taken, strict=True):
            inner = list(_pairs(x, y, loops))
            yield from () if is_open else inner
