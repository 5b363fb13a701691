"""Saved parts of arrays that the reverse sweep reads by a name of their own: none is put back.

``a[:, j] -= q * r`` overwrites a column that the adjoints of some statements read. To put it back
is in vain where these stand before the store in the same block, so that they can read what was
saved itself, and where no other adjoint reads a place that the store has overwritten by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import ir
from .ir import Block, Expr, Index, Stmt, Store, Var
from .places import Place, Places

if TYPE_CHECKING:
    from .reverse import Adjoint


class ByName:
    """Looks for such stores in a program."""

    def __init__(self, body: Block, places: Places, adjoints: Mapping[int, Adjoint]) -> None:
        self.places = places
        self.adjoints = adjoints
        self.blocks: dict[int, Block] = {}
        """The block that each statement stands in."""
        self.order: dict[int, Stmt] = {}
        self._note(body)

    def _note(self, block: Block) -> None:
        for s in block:
            self.blocks[id(s)] = block
            self.order[self.places.sites[id(s)].at] = s
            for inner in s.blocks:
                self._note(inner)

    def readers(self, s: Store, level: int) -> list[Stmt] | None:
        """Return the statements whose adjoints read by name what a store saves.

        None if it has to be put back. ``level``: of which loop around it, counted from outside,
        nothing before needs the array.
        """
        place = self.places.written(s)
        if place is None or not place.index or not _is_part(s):
            return None
        wanted = self.places.wanted(s, level, self.adjoints)
        if wanted is None:
            return None
        named = [p for p in wanted if p.index == place.index and self._is_as_saved(p, s)]
        rest = [p for p in wanted if not any(p is other for other in named)]
        if any(self.places.may_overwrite(p, s, level) for p in rest):
            return None
        return [*{p.site.at: self.order[p.site.at] for p in named}.values()]

    def is_saved(self, read: Place, s: Store, level: int) -> bool:
        """Tell whether what an adjoint reads, of an array that ``s`` changes, is read by name."""
        reader = self.order[read.site.at]
        root = self.places.root(s.target.name)
        return any(
            any(t is reader for t in self.readers(store, level) or ())
            for store in self.blocks[id(reader)]
            if isinstance(store, Store)
            and store is not s
            and self.places.root(store.target.name) == root
        )

    def _is_as_saved(self, read: Place, s: Store) -> bool:
        """Tell whether what a statement's adjoint reads is still there when a store saves it."""
        block, reader = self.blocks[id(s)], self.order[read.site.at]
        if read.is_after or self.blocks[id(reader)] is not block or reader.blocks:
            return False
        first, last = (next(k for k, t in enumerate(block) if t is x) for x in (reader, s))
        between = [*ir.statements(block[first:last])]
        bound = {n for t in between for n in ir.written(t)}
        changed = {n for t in between if not _is_binding(t) for n in ir.written(t)}
        used = {self.places.root(s.target.name), *ir.names_in(*read.index)}
        return first <= last and not used & {*bound, *map(self.places.root, changed)}


def _is_part(s: Store) -> bool:
    """Tell whether a store is to several elements, of which some axes are known."""
    numbers = [entry.type.is_number for entry in s.index]
    return not all(numbers) or len(numbers) < s.target.type.ndim


def _is_binding(s: Stmt) -> bool:
    """Tell whether a statement gives a name to something, and changes no array."""
    return isinstance(s, ir.Assign | ir.Alias)


def read_by_name(e: Expr, place: Index, name: Var) -> Expr:
    """Return an expression that reads a place by name."""

    def change(e: Expr) -> Expr:
        match e, place:
            case Index(base=Var(name=a), index=index), Index(base=Var(name=b)):
                return name if a == b and index == place.index else e
        return e

    return ir.rewrite(e, change)
