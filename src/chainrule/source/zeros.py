"""Arrays and places that are set to zero only to be added to: the first sum is an assignment.

``x = np.zeros(...); x += e`` is ``x = e``, and ``x[i] = 0; x[i] += e`` is ``x[i] = e``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import ir
from .algebra import is_number
from .fold import map_blocks
from .sharing import Sharing, copied, is_fresh


def first_stores(block: ir.Block) -> ir.Block:
    """Return the block with first contributions as assignments, where dtype and size allow it."""
    return _FirstStores(block).block(block)


class _FirstStores:
    def __init__(self, block: ir.Block) -> None:
        self.sharing = Sharing(block)
        self.reshaped = {
            self.sharing.of(s.root)
            for s in ir.statements(block)
            if isinstance(s, ir.Alias) and any(map(_needs_order, ir.walk(s.value)))
        }

    def block(self, block: ir.Block) -> ir.Block:
        done: list[ir.Stmt | None] = []
        pending: dict[str, int] = {}  # arrays of zeros not looked at so far -> where they are made
        for s in block:
            s = map_blocks(s, self.block)
            if isinstance(s, ir.Store):
                s = self.after_zero(s, done)
                if _is_put_back(s, done):
                    continue
                at = pending.get(s.target.name)
                made = None if at is None else done[at]
                if at is not None and isinstance(made, ir.Assign):
                    into = self.into_copy if _is_copy(made.value) else self.into_zeros
                    s = into(s, made)
                    done[at] = None if isinstance(s, ir.Assign) else made
            if pending:
                classes, written = self.classes(s), self.written(s)
                pending = {
                    x: k
                    for x, k in pending.items()
                    if self.sharing.of(x) not in classes and not self.reads_any(done[k], written)
                }
            if isinstance(s, ir.Assign) and (_is_zeros(s.value) or _is_copy(s.value)):
                pending[s.name] = len(done)
            done.append(s)
        return [s for s in done if s is not None]

    def written(self, s: ir.Stmt) -> set[str]:
        """The memory that a statement and those in it change or bind anew."""
        names = {name for inner in ir.statements([s]) for name in ir.written(inner)}
        return set(map(self.sharing.of, names))

    def reads_any(self, made: ir.Stmt | None, places: set[str]) -> bool:
        """Whether an array is a copy of something in one of these places."""
        if not isinstance(made, ir.Assign) or not _is_copy(made.value):
            return False
        return not places.isdisjoint(map(self.sharing.of, ir.names_in(made.value)))

    def classes(self, s: ir.Stmt) -> set[str]:
        """The memory that a statement and those in it read, write or name."""
        names = set[str]()
        for inner in ir.statements([s]):
            names |= ir.names_in(*ir.expressions(inner)) | set(ir.written(inner))
        return set(map(self.sharing.of, names))

    def reads_itself(self, store: ir.Store) -> bool:
        read = ir.names_in(store.value, *store.index)
        return self.sharing.of(store.target.name) in map(self.sharing.of, read)

    def into_zeros(self, store: ir.Store, made: ir.Assign) -> ir.Stmt:
        """The first store into an array of zeros."""
        if not _adds_once(store) or self.reads_itself(store):
            return store
        value, zeros = store.value, made.value
        covers = not store.index and value.type == zeros.type
        if not covers or self.sharing.of(made.name) in self.reshaped:
            return replace(store, op=None) if store.op == "add" else store
        if store.op == "subtract":
            value = ir.Call(value.type, np.negative, (value,))
        if not is_fresh(value):
            value = ir.Call(value.type, np.ndarray.copy, (value,))
        return ir.Assign(made.name, value, origin=store.origin)

    def into_copy(self, store: ir.Store, made: ir.Assign) -> ir.Stmt:
        """``x = a.copy(); x += e`` is ``x = a + e``."""
        assert isinstance(made.value, ir.Call)
        plain = not store.index and store.op in ("add", "subtract") and _adds_once(store)
        if not plain or self.reads_itself(store) or self.sharing.of(made.name) in self.reshaped:
            return store
        function = np.add if store.op == "add" else np.subtract
        value = ir.Call(made.value.type, function, (made.value.args[0], store.value))
        return ir.Assign(made.name, value, origin=store.origin)

    def after_zero(self, store: ir.Store, done: list[ir.Stmt | None]) -> ir.Store:
        """A sum into a place that the statement before has set to zero."""
        before = next((s for s in reversed(done) if s is not None), None)
        if not isinstance(before, ir.Store) or store.op != "add" or not _adds_once(store):
            return store
        same = (before.target, before.index, before.op) == (store.target, store.index, None)
        if not same or not is_number(before.value, 0) or self.reads_itself(store):
            return store
        while done.pop() is not before:
            pass
        return replace(store, op=None)


def _adds_once(store: ir.Store) -> bool:
    """Whether a store is a sum in the target's own dtype, with no place named twice."""
    repeats = any(
        e.type.is_array and e.type.ndim and e.type.dtype != np.dtype(bool) for e in store.index
    )
    same = store.value.type.dtype == store.target.type.dtype
    return same and not store.at and not repeats


def _is_zeros(expr: ir.Expr) -> bool:
    made = isinstance(expr, ir.Call) and expr.fn in (np.zeros, np.zeros_like)
    return made and expr.type.ndim > 0


def _is_put_back(store: ir.Store, done: list[ir.Stmt | None]) -> bool:
    """Tell whether a place gets what was just read from it."""
    before = next((s for s in reversed(done) if s is not None), None)
    if not isinstance(before, ir.Assign) or not isinstance(store.value, ir.Var) or store.op:
        return False
    place = copied(before.value) or before.value
    same = isinstance(place, ir.Index) and (place.base, place.index) == (store.target, store.index)
    return before.name == store.value.name and same


def _is_copy(expr: ir.Expr) -> bool:
    return copied(expr) is not None and expr.type.ndim > 0


_ANY_ORDER = frozenset({np.transpose, np.swapaxes, np.moveaxis})


def _needs_order(expr: ir.Expr) -> bool:
    """Whether an expression is a view only of an array that lies in memory as zeros do."""
    return isinstance(expr, ir.Call) and expr.fn not in _ANY_ORDER
