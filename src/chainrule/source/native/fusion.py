"""Neighbouring loops over the same places become one.

``for i: t[i] = f(a[i])`` and ``for i: b[i] += t[i]`` are one loop if no iteration of the second
needs, or overwrites, what a later iteration of the first makes. Of nested loops the outer ones may
be joined while the inner ones stay apart: a stencil's reverse sweep adds one shifted row after the
other, each in a loop that LLVM can vectorise, while the rows are in the cache. Sums are
reassociated: ``+=`` of several loops into one array come in another order.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import TypeGuard

from .. import ir
from ..ir import Block, Call, Expr, Lit, Stmt, Var, statements
from .accesses import Access, Alias, Touched, independent, touched, variables_apart
from .code import Loop, Make, Put, bindings, mapped, renamed, split_shift

NEVER = float("-inf")

_FAR = 12
"""How many statements before a loop are looked at for one to join; new arrays, numbers are free."""


def fuse(block: Block, alias: Alias) -> Block:
    """Return a block with its loops joined, also in inner blocks."""
    out: Block = []
    for statement in block:
        statement = _inside(statement, alias)
        if isinstance(statement, Loop) and _join(out, statement, alias):
            continue
        if out and isinstance(statement, ir.If) and _is_same_test(out[-1], statement):
            out[-1] = _both(out[-1], statement, alias)
            continue
        out.append(statement)
    return out


def _is_same_test(first: Stmt, second: ir.If) -> TypeGuard[ir.If]:
    """Tell whether two branches depend on the same numbers, which the first one leaves alone."""
    if not isinstance(first, ir.If) or first.condition != second.condition:
        return False
    reads_arrays = any(isinstance(e, ir.Index) for e in ir.walk(second.condition))
    return not reads_arrays and not ir.names_in(second.condition) & {*bindings([first])}


def _both(first: ir.If, second: ir.If, alias: Alias) -> ir.If:
    """Return two branches as one."""
    then, orelse = [*first.then, *second.then], [*first.orelse, *second.orelse]
    return replace(first, then=fuse(then, alias), orelse=fuse(orelse, alias))


def _inside(s: Stmt, alias: Alias) -> Stmt:
    match s:
        case Loop(body=body) | ir.For(body=body) | ir.While(body=body):
            return replace(s, body=fuse(body, alias))
        case ir.If(then=then, orelse=orelse):
            return replace(s, then=fuse(then, alias), orelse=fuse(orelse, alias))
    return s


def _join(out: Block, second: Loop, alias: Alias) -> bool:
    """Join a loop to one before it, if that is right; statements between them make way.

    A nest is rather joined to a nest than to a loop that comes between them.
    """
    own = touched([second], alias)
    seen = 0
    found: list[int] = []
    for k in range(len(out) - 1, -1, -1):
        first = out[k]
        seen += not isinstance(first, (Make, ir.Assign))
        if seen > _FAR:
            break
        if isinstance(first, Loop) and alike(first, second):
            found.append(k)
        if first.blocks and not isinstance(first, Loop) and touched([first]).elements:
            break
    deep = _depth(second)
    found.sort(key=lambda k: _depth(out[k]) != deep)
    return any(_join_at(out, k, second, own, alias) for k in found)


def _depth(s: Stmt) -> int:
    """Return how many loops are nested in each other."""
    return max((1 + _depth(t) for t in s.body), default=1) if isinstance(s, Loop) else 0


def _join_at(out: Block, k: int, second: Loop, own: Touched, alias: Alias) -> bool:
    """Join a loop to one at a place before it, if that is right."""
    first = out[k]
    assert isinstance(first, Loop)
    made = _sorted(out[k + 1 :], touched([first], alias), own, alias)
    if made is None:
        return False
    fills, joined = _joined_without_fills(first, second, alias)
    if joined is None:
        return False
    above, below = made
    out[k:] = [*above, *fills, joined, *below]
    return True


def alike(a: Loop, b: Loop) -> bool:
    """Tell whether two loops have the same number of iterations."""
    return a.size == b.size or a.extent == b.extent


def _sorted(
    between: Block, first: Touched, second: Touched, alias: Alias
) -> tuple[Block, Block] | None:
    """Split what lies between two loops into what can go above both and what can stay below."""
    above: Block = []
    below: Block = []
    stay: list[Touched] = []
    is_split = False

    def side(own: Touched) -> Block | None:
        if not own.checks and independent(own, second):
            stay.append(own)
            return below
        may_go = independent(own, first) and all(independent(own, other) for other in stay)
        return above if may_go else None

    for s in between:
        found = side(_touched(s, alias))
        pieces = [(s, found)]
        if found is None:
            pieces = [(piece, side(own)) for piece, own in _pieces(s, alias)]
            is_split = True
        for piece, into in pieces or [(s, None)]:
            if into is None:
                return None
            into.append(piece)
    return (fuse(above, alias), fuse(below, alias)) if is_split else (above, below)


def _touched(s: Stmt, alias: Alias) -> Touched:
    """Return what a statement touches; the variables of loops in it are nobody else's."""
    found = touched([s], alias)
    own = {t.var.name for t in statements([s]) if isinstance(t, Loop)}
    found.read -= own
    found.bound -= own
    return found


def _pieces(s: Stmt, alias: Alias) -> list[tuple[Stmt, Touched]]:
    """Return a loop as one for each of its statements, if these have nothing in common."""
    if not isinstance(s, Loop) or not all(isinstance(t, Put) for t in s.body):
        return []
    pieces = [replace(s, body=[t]) for t in s.body]
    own = [_touched(piece, alias) for piece in pieces]
    if not all(independent(a, b) for k, a in enumerate(own) for b in own[:k]):
        return []
    return [*zip(pieces, own, strict=True)]


def _joined_without_fills(first: Loop, second: Loop, alias: Alias) -> tuple[Block, Loop | None]:
    """Return two loops as one, and before it one that fills what would keep nests apart.

    ``np.sum(a, axis=0)`` of a square matrix: the zeros may be put by the loop that makes ``a``.
    """
    joined = _joined(first, second, alias)
    if joined is not None or min(_depth(first), _depth(second)) < 2:
        return [], joined
    met = touched([second], alias).arrays("read", "write", "add")
    fills = [s for s in first.body if _is_fill(s, first) and alias(s.array.name) in met]
    if not fills:
        return [], None
    rest = [s for s in first.body if not any(s is t for t in fills)]
    filled = {alias(s.array.name) for s in fills}
    if filled & touched(rest, alias).arrays("read", "write", "add"):
        return [], None
    return [replace(first, body=[*fills])], _joined(replace(first, body=rest), second, alias)


def _is_fill(s: Stmt, loop: Loop) -> TypeGuard[Put]:
    """Tell whether a statement of a loop sets an element to a number that is always the same."""
    if not (isinstance(s, Put) and s.op is None and isinstance(s.value, Lit)):
        return False
    return loop.var in s.index and not ir.names_in(*s.index) & {*bindings(loop.body)}


def _joined(first: Loop, second: Loop, alias: Alias) -> Loop | None:
    """Return both loops as one, None where the order of what they do would change."""
    body = renamed_block(second.body, second.var, first.var)
    a, b = touched(first.body, alias), touched(body, alias)
    if not variables_apart(a, b):
        return None
    is_inner = not _has_loops(first.body) and not _has_loops(body)
    if not _elements_allow(a, b, first.var, is_inner):
        return None
    return replace(first, body=fuse([*first.body, *body], alias))


def _has_loops(block: Block) -> bool:
    return any(s.blocks and not isinstance(s, ir.If) for s in block)


def renamed_block(block: Block, old: Var, new: Var) -> Block:
    """Return statements with another loop variable."""
    names: dict[str, Expr] = {old.name: new}
    return [mapped(s, lambda e: renamed(e, names)) for s in block]


def _elements_allow(a: Touched, b: Touched, var: Var, is_inner: bool) -> bool:
    changing = (a.bound | b.bound | {*a.gathered, *b.gathered}) - {var.name}
    mine: dict[str, list[Access]] = {}
    for access in a.elements:
        mine.setdefault(access.array, []).append(access)
    for other in b.elements:
        for access in mine.get(other.array, ()):
            kinds = (access.kind, other.kind)
            if kinds == ("read", "read"):
                continue
            later = order(access, other, var, changing)
            if kinds == ("add", "add"):
                if is_inner and later not in (0, NEVER):
                    return False
                continue
            if later is None or later > 0 or (is_inner and later not in (0, NEVER)):
                return False
    return True


def order(a: Access, b: Access, var: Var, changing: Set[str] = frozenset()) -> float | None:
    """Return how many iterations later the first access meets the place of the second one.

    0: in the same iteration; minus infinity: never; None: not known. ``changing``: variables that
    are not the same in all iterations.
    """
    if a.index is None or b.index is None or a.name != b.name:
        return None
    found: float | None = None
    for x, y in zip(a.index, b.index, strict=True):
        first, second = _along(x, var, changing), _along(y, var, changing)
        if first is None or second is None:
            continue
        (moves_a, base_a, shift_a), (moves_b, base_b, shift_b) = first, second
        if base_a != base_b or moves_a != moves_b:
            continue
        if not moves_a:
            if shift_a != shift_b:
                return NEVER
            continue
        if found is None:
            found = shift_b - shift_a
    return found


def _along(
    index: Expr, var: Var, changing: Set[str] = frozenset()
) -> tuple[bool, Expr | None, int] | None:
    """Return an index as: whether the loop moves it, what else it adds, and a known shift."""
    base, shift = split_shift(index)
    if ir.names_in(base) & changing or any(isinstance(e, ir.Index) for e in ir.walk(base)):
        return None
    if base == var:
        return True, None, shift
    if isinstance(base, Call) and len(base.args) == 2 and base.fn.__name__ == "add":
        first, second = base.args
        if first == var and var.name not in ir.names_in(second):
            return True, second, shift
    if var.name in ir.names_in(base):
        return None
    return False, None if isinstance(base, Lit) else base, shift
