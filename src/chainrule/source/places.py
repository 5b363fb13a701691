"""Which places of arrays are overwritten in vain: nothing reads what was there before.

``c[k] = f(c[k - 1])`` in a loop over ``k`` overwrites a place that no earlier iteration has read,
so that what was there need not be saved for their adjoints. And what it leaves there stays there to
the end: the adjoint of the store finds the value of ``f`` in ``c[k]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import ir
from .helpers import unbroadcast
from .ir import AFTER, Block, Call, Dim, Expr, For, Index, Lit, Slice, Store, Var, While
from .lifting import Bounds, parted

if TYPE_CHECKING:
    from .reverse import Adjoint

SHAPE_OF_FIRST = {np.zeros_like, np.ones_like, np.empty_like, np.full_like, np.shape}
"""Functions that read no more of their first argument than its shape."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a statement stands."""

    at: int
    """Its number, in the order of the text."""
    loops: tuple[For | While, ...]
    """The loops around it, the innermost last."""
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Place:
    """A part of an array that a statement reads or writes."""

    site: Site
    index: tuple[Expr, ...]
    is_after: bool = False
    """Whether it is read as the statement has left it."""


class Places:
    """Looks at the stores of a program; ``root`` is the array behind a name."""

    def __init__(
        self, body: Block, expand: Callable[[Expr], Expr], root: Callable[[str], str]
    ) -> None:
        self.body = body
        self.expand = expand
        self.root = root
        self.sites: dict[int, Site] = {}
        self._wanted: dict[tuple[int, str], list[Place] | None] = {}
        self._note(body, (), Bounds())

    def _note(self, block: Block, loops: tuple[For | While, ...], bounds: Bounds) -> None:
        for s in block:
            self.sites[id(s)] = Site(len(self.sites), loops, bounds)
            match s:
                case For(body=body) | While(body=body):
                    self._note(body, (*loops, s), bounds.within(s))
                case ir.If(then=then, orelse=orelse):
                    changed = {n for loop in loops for n in _changed(loop.body)}
                    fixed = not ir.names_in(s.condition) & changed
                    for arm, holds in ((then, True), (orelse, False)):
                        known = bounds.where(s.condition, holds) if fixed else bounds
                        self._note(arm, loops, known)

    # -------------------------------------------------------------------- what need not be saved

    def wanted(self, s: Store, level: int, adjoints: Mapping[int, Adjoint]) -> list[Place] | None:
        """Return what the adjoints in a loop around a store read of its array; None: not known."""
        found = self.written(s)
        loops = _counting(found.site.loops[level:]) if found else ()
        if not loops:
            return None
        root = self.root(s.target.name)
        key = (id(loops[0]), root)
        if key not in self._wanted:
            self._wanted[key] = self._wanted_of(loops[0], root, adjoints)
        return self._wanted[key]

    def may_overwrite(self, read: Place, s: Store, level: int) -> bool:
        """Tell whether a store may overwrite a place when it was read, or later."""
        found = self.written(s)
        return found is None or _may_meet(read, found, _counting(found.site.loops[level:]))

    def _wanted_of(
        self, loop: For, root: str, adjoints: Mapping[int, Adjoint]
    ) -> list[Place] | None:
        """Return the places that a loop and its adjoint read; None if they read others too."""
        found: list[Place] = []
        for s in [loop, *ir.statements(loop.body)]:
            code = adjoints[id(s)]
            blocks = [code.code, code.first, *code.ends]
            exprs = [e for b in blocks for t in ir.statements(b) for e in ir.expressions(t)]
            around = (*self.sites[id(s)].loops, s)
            runs_again = any(isinstance(t, For) and t.snapshots is not None for t in around)
            if runs_again or isinstance(s, ir.Assign | For | While | ir.If):
                exprs += ir.expressions(s)
            elif isinstance(s, Store):  # where it puts back what it has saved
                exprs += self._entries(s)
            if root in ir.written(s) and not isinstance(s, Store):
                return None
            for expr in exprs:
                for index, is_after in _parts(self.expand(expr), root):
                    if index is None or not _is_plain(index) or s.blocks:
                        return None
                    found.append(Place(self.sites[id(s)], index, is_after))
        return found

    def _entries(self, s: Store) -> list[Expr]:
        place = self.expand(Index(s.target.type, s.target, s.index))
        return [entry for e in ir.walk(place) if isinstance(e, Index) for entry in e.index]

    # ------------------------------------------------------------------------ what stays there

    def lasts(self, s: Store) -> bool:
        """Tell whether nothing ever overwrites what a store leaves at its place."""
        found = self.written(s, is_after=True)
        if found is None:
            return False
        root, loops = self.root(s.target.name), _counting(found.site.loops)
        if len(loops) < len(found.site.loops):
            return False
        first = self.sites[id(loops[0])].at if loops else found.site.at
        for t in ir.statements(self.body):
            site = self.sites[id(t)]
            if isinstance(t, ir.Alias) or root not in {*map(self.root, ir.written(t))}:
                continue
            if site.at < first or (t is s and not loops):
                continue
            other = self.written(t) if isinstance(t, Store) else None
            if other is None or not {*map(id, loops[:1])} <= {*map(id, site.loops)}:
                return False
            around = _counting(site.loops)
            if len(around) < max(len(site.loops), 1) or _may_meet(found, other, around):
                return False
        return True

    def written(self, s: Store, is_after: bool = False) -> Place | None:
        """Return the place that a store writes, None if it is none of integers and slices."""
        place = self.expand(Index(s.target.type, s.target, s.index) if s.index else s.target)
        match place:
            case Index(base=Var(), index=index) if _is_plain(index):
                return Place(self.sites[id(s)], index, is_after)
            case Var():
                return Place(self.sites[id(s)], (), is_after)
        return None


def _changed(block: Block) -> set[str]:
    return {name for s in ir.statements(block) for name in ir.written(s)}


def _counting(loops: tuple[For | While, ...]) -> tuple[For, ...]:
    """Return loops that all count in known steps; none if one of them does not."""
    found = tuple(s for s in loops if isinstance(s, For) and isinstance(s.step, Lit))
    return found if len(found) == len(loops) and all(s.snapshots is None for s in found) else ()


def _is_plain(index: tuple[Expr, ...]) -> bool:
    """Tell whether an index is made of integers and slices: the axes are those of the array."""
    return all(_is_slice(e) or _is_integer(e) for e in index)


def _is_slice(e: Expr) -> bool:
    return isinstance(e, Slice) or (isinstance(e, Lit) and isinstance(e.value, slice))


def _is_integer(e: Expr) -> bool:
    return e.type.is_number and e.type.dtype is not None and e.type.dtype.kind in "iu"


def _parts(e: Expr, root: str) -> Iterator[tuple[tuple[Expr, ...] | None, bool]]:
    """Yield the places of an array that an expression reads, None for all of it."""
    match e:
        case Dim(base=Var()):
            return
        case Var(name=name):
            if name.removesuffix(AFTER) == root:
                yield None, False
            return
        case Index(base=Var(name=name), index=index) if name.removesuffix(AFTER) == root:
            yield index, name != root
            for entry in index:
                yield from _parts(entry, root)
            return
        case Call(fn=fn, args=(Var(), *rest)) if fn in SHAPE_OF_FIRST:
            children = rest
        case Call(fn=fn, args=(ct, Var())) if fn is unbroadcast:
            children = [ct]
        case _:
            children = [*ir.children(e)]
    for child in children:
        yield from _parts(child, root)


def _may_meet(read: Place, store: Place, loops: tuple[For, ...]) -> bool:
    """Tell whether a store may overwrite, when it was read or later, a place that is read.

    ``loops``: those around the store, from one on that is around both.
    """

    def differ(a: Expr, b: Expr, same: set[str]) -> bool:
        return ir.names_in(a) <= same and store.site.bounds.differ(a, b)

    pairs = [
        (a, b)
        for a, b in zip(read.index, store.index, strict=False)
        if read.site.bounds.is_natural(a) and store.site.bounds.is_natural(b)  # none from the end
    ]
    changed = {name for loop in loops for name in _changed(loop.body)}
    same: set[str] = set()  # variables that are the same for both where they meet
    for loop in loops:
        if not any(loop is other for other in read.site.loops):
            break
        if any(_is_never(a, b, loop, read, store) or differ(a, b, same) for a, b in pairs):
            return False
        if not any(parted(a) == parted(b) and parted(a)[0] == loop.var for a, b in pairs):
            return True
        same |= {loop.var.name} - changed
    if (read.site.at, read.is_after) > (store.site.at, False):
        return False
    return not any(differ(a, b, same) for a, b in pairs)


def _is_never(a: Expr, b: Expr, loop: For, read: Place, store: Place) -> bool:
    """Tell whether a store at ``b`` misses what was read at ``a``, in an iteration before or then.

    In a loop upwards, the ``i`` of the iteration that reads is at most the ``k`` of the one that
    stores: if ``a < i + n`` and ``k + n <= b``, then ``a < b``. Downwards it is the other way.
    """
    (x, m), (y, n) = parted(a), parted(b)
    if (
        x == y
        and m != n
        and (x is None or not ir.names_in(x) & {loop.var.name, *_changed(loop.body)})
    ):
        return True
    assert isinstance(loop.step, Lit)
    reads, stores = read.site.bounds, store.site.bounds
    for shift in {0, 1, n}:
        if (loop.step.value > 0) != loop.backwards:
            is_less = reads.is_below((x, m + 1), (loop.var, shift))
            if is_less and stores.is_below((loop.var, shift), (y, n)):
                return True
        else:
            is_more = reads.is_below((loop.var, shift + 1), (x, m))
            if is_more and stores.is_below((y, n), (loop.var, shift)):
                return True
    return False
