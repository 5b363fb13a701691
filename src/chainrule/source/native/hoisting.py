"""Before a loop is computed what all its iterations need: sizes, memory, room for saved values."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Assign, Block, Expr, Lit, Stmt, Var, statements
from . import runtime
from .accesses import touched
from .code import (
    INT,
    Do,
    Gather,
    Loop,
    Make,
    Part,
    Python,
    Reshape,
    Return,
    apply,
    bound_by,
    number,
    times,
)
from .early import is_simple


def hoist(block: Block, kept: set[str]) -> Block:
    """Return a block with what is the same in all iterations before its loops.

    ``kept``: arrays that live on, whose memory no second array may have. Numbers that are bound in
    several places stay too: a loop without iterations does not bind them.
    """
    binders = Counter(s.name for s in statements(block) if isinstance(s, (Assign, Gather)))
    return _hoisted(block, kept | {name for name, n in binders.items() if n > 1})


def _hoisted(block: Block, kept: set[str], is_inside: bool = False) -> Block:
    """Return a block with what its loops share before them; ``is_inside``: of a parallel loop."""
    out: Block = []
    for s in block:
        match s:
            case ir.For(body=body) | ir.While(body=body) | Loop(body=body):
                inside = is_inside or isinstance(s, Loop)
                before, body = _split(s, _hoisted(body, kept, inside), kept, inside)
                out += [*before, replace(s, body=body)]
            case ir.If(then=then, orelse=orelse):
                arms = (_hoisted(arm, kept, is_inside) for arm in (then, orelse))
                out.append(ir.If(s.condition, *arms))
            case _:
                out.append(s)
    return out


def escaping(block: Block) -> set[str]:
    """Return the arrays that a second name holds, or that Python sees, or made several times."""
    made = Counter(s.name for s in statements(block) if isinstance(s, Make))
    return held(block) | {name for name, n in made.items() if n > 1}


def held(block: Block) -> set[str]:
    """Return the arrays that a second name holds, or that Python sees."""
    found: set[str] = set()
    for s in statements(block):
        if isinstance(s, Assign) and isinstance(s.value, Var) and s.value.type.is_array:
            found |= {s.name, s.value.name}
        elif isinstance(s, ir.Move):
            found |= {*s.targets, *(source.name for source in s.sources)}
        elif isinstance(s, (Reshape, Part)):
            found |= {s.name, s.array.name}
        elif isinstance(s, Python):
            found |= {name for name, _ in s.results} | ir.names_in(*ir.expressions(s.statement))
        elif isinstance(s, Return):
            found |= ir.names_in(*s.values)
        elif isinstance(s, Do):
            found |= {*s.names}
    return found


def _split(loop: Stmt, body: Block, kept: set[str], is_inside: bool) -> tuple[Block, Block]:
    """Split off the statements at the top level of a loop that do not depend on it.

    ``is_inside``: also arrays that its branches make. They are rows of what was made before them.
    """
    own = touched([replace(loop, body=body)])  # type: ignore[call-arg]
    changing = own.bound | set(own.gathered)
    binders: dict[str, int] = {}
    for s in statements(body):
        for name in bound_by(s):
            binders[name] = binders.get(name, 0) + 1
    before: Block = []
    rest: Block = []
    for s in body:
        names = bound_by(s)
        fixed = len(names) == 1 and binders[names[0]] == 1
        fixed = fixed and names[0] not in kept and names[0] not in own.gathered
        if fixed and _is_fixed(s, changing):
            before.append(s)
            changing -= {*names}
        elif isinstance(s, ir.If) and is_inside:
            arms, made = _unmade(s, changing, kept, binders)
            before += made
            rest.append(arms)
        else:
            rest.append(s)
    return before, rest


def _unmade(
    s: ir.If, changing: set[str], kept: set[str], binders: dict[str, int]
) -> tuple[Stmt, Block]:
    """Split off the arrays that the arms of a branch make anew in every iteration."""
    made: Block = []
    arms: list[Block] = []
    for arm in (s.then, s.orelse):
        rest: Block = []
        for t in arm:
            if isinstance(t, ir.If):
                t, inner = _unmade(t, changing, kept, binders)
                made += inner
            if (
                isinstance(t, Make)
                and _is_fixed(t, changing)
                and t.name not in kept
                and binders[t.name] == 1
            ):
                made.append(t)
            else:
                rest.append(t)
        arms.append(rest)
    return replace(s, then=arms[0], orelse=arms[1]), made


def _is_fixed(s: Stmt, changing: set[str]) -> bool:
    """Tell whether a statement does the same in every iteration, and can be done without one."""
    if isinstance(s, Make):
        return not ir.names_in(*s.extents) & changing
    if not isinstance(s, Assign) or s.value.type.dtype != np.dtype(np.int64):
        return False
    return is_simple(s.value) and not ir.names_in(s.value) & changing


# -------------------------------------------------------------------------- room to save


def reserve(block: Block) -> Block:
    """Return a block that makes room for what a loop saves before the loop, where that is known."""
    out: Block = []
    for s in block:
        if isinstance(s, (ir.For, ir.While, Loop)):
            inner, wanted = _stripped(s, reserve(s.body))
            out += [*wanted, inner]
        elif isinstance(s, ir.If):
            out.append(replace(s, then=reserve(s.then), orelse=reserve(s.orelse)))
        else:
            out.append(s)
    return out


def _stripped(loop: Stmt, body: Block) -> tuple[Stmt, Block]:
    """Take requests for room out of a loop; return them as they are for all iterations.

    Those for one stack go together or stay: what one has reserved, another one must not use up.
    """
    if isinstance(loop, ir.While):
        return replace(loop, body=body), []
    own = touched([replace(loop, body=body)])  # type: ignore[call-arg]
    requests = [s for s in statements(body) if isinstance(s, Do) and _is_room(s)]
    changing = (own.bound | set(own.gathered)) - {n for s in requests for n in s.names}
    direct = _requests(body)
    staying = {
        s.names
        for s in requests
        if not any(s is t for t in direct) or ir.names_in(s.args[2]) & changing
    }
    moving = [s for s in direct if s.names not in staying]
    count = trips(loop)
    wanted: Block = [replace(s, args=(*s.args[:2], times(s.args[2], count))) for s in moving]
    return replace(loop, body=_without(body, moving)), wanted  # type: ignore[call-arg]


def _requests(block: Block) -> list[Do]:
    """Return the requests for room in a block and in its branches, but not in its loops."""
    found = [s for s in block if isinstance(s, Do) and _is_room(s)]
    for s in block:
        if isinstance(s, ir.If):
            found += [*_requests(s.then), *_requests(s.orelse)]
    return found


def trips(loop: Stmt) -> Expr:
    """Return how many iterations a loop has."""
    if isinstance(loop, Loop):
        return loop.extent
    assert isinstance(loop, ir.For)
    match (loop.start, loop.stop, loop.step):
        case Lit(value=start), Lit(value=stop), Lit(value=step) if step:
            return number(len(range(start, stop, step)))
    if loop.step == number(1) and loop.start == number(0):
        return apply(max, INT, loop.stop, number(0))
    return apply(runtime.count, INT, loop.start, loop.stop, loop.step)


def _without(block: Block, moving: list[Do]) -> Block:
    out: Block = []
    for s in block:
        if isinstance(s, ir.If):
            s = replace(s, then=_without(s.then, moving), orelse=_without(s.orelse, moving))
        if not any(s is t for t in moving):
            out.append(s)
    return out


def merged(block: Block) -> Block:
    """Return a block in which neighbouring requests for room on one stack are one."""
    out: Block = []
    for s in block:
        if isinstance(s, Do) and s.fn is runtime.room:
            same = [
                k for k, t in enumerate(out)
                if isinstance(t, Do) and t.fn is runtime.room and t.names == s.names
            ]  # fmt: skip
            k = same[-1] if same else -1
            if k >= 0 and all(_is_room(t) for t in out[k:]):
                before = out[k]
                assert isinstance(before, Do)
                stack, top, size = s.args
                total = apply(np.add, INT, before.args[2], size)
                out[k] = replace(before, args=(stack, top, total))
                continue
        elif isinstance(s, (ir.For, ir.While, Loop)):
            s = replace(s, body=merged(s.body))
        elif isinstance(s, ir.If):
            s = replace(s, then=merged(s.then), orelse=merged(s.orelse))
        out.append(s)
    return out


def _is_room(s: Stmt) -> bool:
    return isinstance(s, Do) and s.fn is runtime.room
