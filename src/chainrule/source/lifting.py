"""A loop that updates one element over and over saves it once, before the loop.

``for k in range(j): a[i, j] -= a[i, k] * a[k, j]`` overwrites ``a[i, j]`` in every iteration, but
no iteration reads it for anything else: ``k`` is less than ``j``. What it was before the loop is
all that has to be known, and it is put back after the loop was run backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from . import ir
from .ir import Block, Call, Dim, Expr, For, If, Index, Lit, Logic, Pop, Push, Stmt, Store, Var
from .types import BOOL

_STEPS = 6
"""So many bounds are looked up, one after the other, to compare two indices."""


_ORDER = {
    np.greater: ("low", 1), np.greater_equal: ("low", 0),
    np.less: ("high", -1), np.less_equal: ("high", 0),
}  # fmt: skip
_OTHERWISE = {
    np.greater: ("high", 0), np.greater_equal: ("high", -1),
    np.less: ("low", 0), np.less_equal: ("low", 1),
}  # fmt: skip
"""What a comparison that holds, or does not, says of its first number."""


@dataclass(slots=True)
class Bounds:
    """What is known of the variables of loops: the least and the greatest they can be."""

    low: dict[str, tuple[Expr | None, int]] = field(default_factory=dict)
    high: dict[str, tuple[Expr | None, int]] = field(default_factory=dict)

    def within(self, s: Stmt) -> Bounds:
        """Return what is known in the body of a statement."""
        if not isinstance(s, For):
            return self
        changed = {name for t in ir.statements(s.body) for name in ir.written(t)}
        low, high = dict(self.low), dict(self.high)
        for known in (low, high):
            known.pop(s.var.name, None)
        if s.var.name in changed or ir.names_in(s.start, s.stop) & (changed | {s.var.name}):
            return Bounds(low, high)
        start, stop = parted(s.start), parted(s.stop)
        if isinstance(s.step, Lit) and s.step.value > 0:
            low[s.var.name], high[s.var.name] = start, (stop[0], stop[1] - 1)
        elif isinstance(s.step, Lit) and s.step.value < 0:
            low[s.var.name], high[s.var.name] = (stop[0], stop[1] + 1), start
        return Bounds(low, high)

    def differ(self, a: Expr, b: Expr) -> bool:
        """Tell whether two integers are different for certain."""
        (x, m), (y, n) = parted(a), parted(b)
        return self.is_below((x, m + 1), (y, n)) or self.is_below((y, n + 1), (x, m))

    def where(self, condition: Expr, holds: bool) -> Bounds:
        """Return what is known where a condition that does not change holds, or does not."""
        found = Bounds(dict(self.low), dict(self.high))
        match condition:
            case Logic(op=op, items=items) if (op == "and") == holds:
                for item in items:
                    found = found.where(item, holds)
            case Call(fn=fn, args=(Var(name=name), limit)) if fn in _ORDER:
                found._note(name, *(_ORDER[fn] if holds else _OTHERWISE[fn]), parted(limit))
        return found

    def _note(self, name: str, side: str, shift: int, limit: tuple[Expr | None, int]) -> None:
        """Note that a variable is at least, or at most, a limit and a number."""
        known = self.low if side == "low" else self.high
        base, least = known.get(name, (None, None))
        limit = limit[0], limit[1] + shift
        if least is None:
            known[name] = limit
        elif base is None and limit[0] is None:
            known[name] = None, (max if side == "low" else min)(least, limit[1])

    def is_natural(self, e: Expr) -> bool:
        """Tell whether an integer is not negative for certain."""
        return self.is_below((None, 0), parted(e))

    def is_below(
        self, a: tuple[Expr | None, int], b: tuple[Expr | None, int], steps: int = _STEPS
    ) -> bool:
        """Tell whether ``a <= b`` for certain; both are an expression, or none, and a number."""
        (x, m), (y, n) = a, b
        if x == y:
            return m <= n
        if not steps:
            return False
        if isinstance(x, Var) and x.name in self.high:
            base, shift = self.high[x.name]
            if self.is_below((base, shift + m), b, steps - 1):
                return True
        if isinstance(y, Var) and y.name in self.low:
            base, shift = self.low[y.name]
            return self.is_below(a, (base, shift + n), steps - 1)
        return False


def parted(e: Expr) -> tuple[Expr | None, int]:
    """Return an integer as an expression, or none, and a number that is added to it."""
    if isinstance(e, Lit) and type(e.value) is int:
        return None, e.value
    if isinstance(e, Call) and e.fn in (np.add, np.subtract) and len(e.args) == 2:
        first, second = e.args
        if isinstance(second, Lit) and type(second.value) is int:
            base, shift = parted(first)
            return base, shift + (second.value if e.fn is np.add else -second.value)
    return e, 0


def lifted(
    s: For, body: Block, back: Block, bounds: Bounds, class_of: Callable[[str], str]
) -> tuple[Block, Block, list[Index]]:
    """Return both sweeps of a loop's body without needless saves, and what to save before the loop.

    ``class_of``: arrays of one class may share memory.
    """
    if not isinstance(s.step, Lit):
        return body, back, []
    changed = {s.var.name, *(name for t in ir.statements(s.body) for name in ir.written(t))}
    inside = bounds.within(s)
    places: list[Index] = []
    for push in [t for t in body if isinstance(t, Push)]:
        place = push.value
        if not isinstance(place, Index) or not _is_element(place):
            continue
        if ir.names_in(*place.index) & changed:
            continue
        pops = [t for t in back if _restores(t, place)]
        if len(pops) != 1 or sum(t.value == place for t in body if isinstance(t, Push)) != 1:
            continue
        rest = [t for t in body if t is not push]
        undone = [t for t in back if t is not pops[0]]
        if not any(_touches([*rest, *undone], place, inside, class_of)):
            body, back = rest, undone
            places.append(place)
    return body, back, places


def _is_element(e: Index) -> bool:
    is_number = isinstance(e.base, Var) and not e.type.is_array
    return is_number and all(entry.type.is_number for entry in e.index)


def _restores(s: Stmt, place: Index) -> bool:
    return isinstance(s, Pop) and s.target == place.base and s.index == place.index


def _touches(
    block: Block, place: Index, bounds: Bounds, class_of: Callable[[str], str]
) -> Iterator[bool]:
    """Yield, for whatever touches the array, whether it may be the place: stores into it aside."""
    assert isinstance(place.base, Var)
    own = class_of(place.base.name)
    for s in block:
        is_update = isinstance(s, Store) and s.target == place.base and s.index == place.index
        exprs = [*ir.expressions(s)]
        if isinstance(s, (Store, Pop)) and s.target == place.base:
            index = s.index or ()
            exprs = [*index, *([s.value] if isinstance(s, Store) else [])]
            yield not is_update and _may_meet(index, place, bounds)
        else:
            yield any(class_of(name) == own for name in ir.written(s))
        for expr in exprs:
            yield from _reads(expr, place, own, bounds, class_of)
        inside = bounds.within(s)
        for inner in s.blocks:
            yield from _touches(inner, place, inside, class_of)


def _reads(
    e: Expr, place: Index, own: str, bounds: Bounds, class_of: Callable[[str], str]
) -> Iterator[bool]:
    match e:
        case Dim(base=Var()):
            return
        case Index(base=Var(name=name) as base, index=index) if class_of(name) == own:
            yield base != place.base or _may_meet(index, place, bounds)
            for entry in index:
                yield from _reads(entry, place, own, bounds, class_of)
        case Var(name=name):
            yield class_of(name) == own
        case _:
            for child in ir.children(e):
                yield from _reads(child, place, own, bounds, class_of)


def _may_meet(index: tuple[Expr, ...], place: Index, bounds: Bounds) -> bool:
    """Tell whether an index may name the place."""
    if len(index) != len(place.index) or not all(entry.type.is_number for entry in index):
        return True
    pairs = zip(index, place.index, strict=True)
    return not any(  # a negative index counts from the end
        bounds.differ(a, b) and bounds.is_natural(a) and bounds.is_natural(b) for a, b in pairs
    )


def where_any(s: For, statements: Block) -> Block:
    """Return statements that are done where a loop has any iterations."""
    if not statements:
        return []
    assert isinstance(s.step, Lit)
    is_forward = s.step.value > 0
    if isinstance(s.start, Lit) and isinstance(s.stop, Lit):
        return statements if (s.start.value < s.stop.value) == is_forward else []
    larger, smaller = (s.stop, s.start) if is_forward else (s.start, s.stop)
    return [If(Call(BOOL, np.greater, (larger, smaller)), statements)]
