"""Copies that nobody could tell from what they are copies of.

Passes copy where an array might be changed or returned under another name. In the finished program
it shows whether that happens: a copy can go if neither array is changed after it, and a result need
not be a copy of an array that only it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from . import ir
from .sharing import Sharing, copied, holders, is_fresh


def without_needless_copies(block: ir.Block, generated: Callable[[str], bool]) -> ir.Block:
    """Return the block, which ends with its result, without copies that make no difference.

    ``generated``: whether a name is not the user's, whose own copies stay.
    """
    *body, last = block
    memory = _Memory(block)
    changed_later = [set[str](), memory.changed_by(last)]
    for s in reversed(body):
        changed_later.append(changed_later[-1] | memory.changed_by(s))
    changed_later.reverse()
    returned = [item for expr in ir.expressions(last) for item in ir.children(expr)]
    for k, s in enumerate(body):
        if not isinstance(s, ir.Assign) or not generated(s.name):
            continue
        original = _copied_variable(s.value)
        if original is None or memory.are_changed(changed_later[k + 1], s.name, original.name):
            continue
        if memory.may_share(s.name, original.name, returned):
            body[k] = replace(s, value=original)
            memory.sharing.join(s.name, original.name)
    return [*body, _result(last, returned, memory)]


def _result(last: ir.Stmt, items: list[ir.Expr], memory: _Memory) -> ir.Stmt:
    """Return the result without copies of arrays that one item holds and nobody else."""
    found = list(items)
    for k, item in enumerate(items):
        original = _copied_variable(item)
        others = [*found[:k], *found[k + 1 :]]
        if original is None or not memory.may_be_handed_out(original.name):
            continue
        if not memory.is_held(original.name, others):
            found[k] = original
    match last:
        case ir.Effect(value=ir.Seq() as seq):
            return replace(last, value=replace(seq, items=tuple(found)))
    return last


def _copied_variable(expr: ir.Expr) -> ir.Var | None:
    original = copied(expr)
    return original if isinstance(original, ir.Var) and original.type == expr.type else None


class _Memory:
    """Which variables may share memory, with each other and with what is outside."""

    def __init__(self, block: ir.Block) -> None:
        self.sharing = Sharing(block)
        everything = list(ir.statements(block))
        bindings = [s for s in everything if isinstance(s, (ir.Assign, ir.Alias))]
        bound = {s.name for s in bindings}
        self.arrays = bound - {s.name for s in bindings if not is_fresh(s.value)}
        named = {name for s in everything for name in ir.mentioned(s)}
        self.outside = (named - bound) | {name for s in everything for name in _taken(s)}

    def is_own(self, name: str) -> bool:
        """Tell whether the memory of a variable is surely of this program, and stays in it."""
        return self.sharing.of(name) not in map(self.sharing.of, self.outside)

    def may_be_handed_out(self, name: str) -> bool:
        """Tell whether a variable's array is no view of something else, such as one number."""
        return name in self.arrays and self.is_own(name)

    def is_held(self, name: str, items: list[ir.Expr]) -> bool:
        """Tell whether one of these values may have the memory of a variable."""
        place = self.sharing.of(name)
        return any(self.sharing.of(held) == place for item in items for held in holders(item))

    def may_share(self, copy: str, original: str, returned: list[ir.Expr]) -> bool:
        """Tell whether the copy may be the original itself if neither is changed any more."""
        if not self.is_own(copy):
            return False
        if not self.is_held(copy, returned):
            return True
        return self.may_be_handed_out(original) and not self.is_held(original, returned)

    def are_changed(self, changed: set[str], *names: str) -> bool:
        """Tell whether the memory of one of these variables is among what is changed."""
        places = set(map(self.sharing.of, names))
        return not places.isdisjoint(map(self.sharing.of, changed))

    def changed_by(self, s: ir.Stmt) -> set[str]:
        """Return variables whose memory a statement, or one nested in it, may change."""
        return {name for t in ir.statements([s]) for name in _changed(t)}


def _changed(s: ir.Stmt) -> Iterator[str]:
    match s:
        case ir.Store(target=target) | ir.Pop(target=target):
            yield target.name
        case ir.Effect(value=ir.Seq(), names=()):  # the result
            return
        case ir.Effect() | ir.Invoke() | ir.Opaque() | ir.Move() | ir.Turn():
            yield from ir.mentioned(s)


def _taken(s: ir.Stmt) -> Iterator[str]:
    """Yield variables that hold, or hand out, memory that others may know."""
    match s:
        case ir.Assign(name=name, value=value) | ir.Alias(name=name, value=value):
            if _is_from_outside(value):
                yield name
        case ir.Push(value=value, copy=False):
            yield from holders(value)
        case ir.Pop() | ir.Invoke() | ir.Opaque() | ir.Move() | ir.Turn():
            yield from ir.mentioned(s)
        case ir.Effect(value=value, names=names) if names or not isinstance(value, ir.Seq):
            yield from ir.mentioned(s)


def _is_from_outside(expr: ir.Expr) -> bool:
    """Tell whether a value may be an array that no variable holds, such as an argument's part."""
    match expr:
        case ir.Var() | ir.Dim():
            return False
        case ir.Lit():
            return expr.type.is_array
        case ir.Access():
            return True
    return not is_fresh(expr) and any(map(_is_from_outside, ir.children(expr)))
