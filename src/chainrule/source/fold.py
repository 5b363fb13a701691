"""Putting generated temporaries back where they are used: fewer lines, nothing computed twice.

A temporary that is assigned once and used once becomes part of the expression that uses it; one
that only names a variable or a number is replaced by it. Nothing is moved over a statement that
changes what it reads, over an effect, or into a branch or loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from . import ir
from .deadcode import left_over
from .layout import INDENT, WIDTH
from .names import Names
from .sharing import Sharing, holders
from .spelling import Speller


def fold(block: ir.Block, generated: Callable[[str], bool]) -> ir.Block:
    """Return the block with its generated temporaries folded."""
    return _Folder(block, generated).block(block)


class _Folder:
    def __init__(self, block: ir.Block, generated: Callable[[str], bool]) -> None:
        self.generated = generated
        self.sharing = Sharing(block)
        self.local = locals_of(block)
        self.fixed = {name for s in ir.statements(block) for name in _fixed(s)}
        self.spell = Speller(Names(()))
        self.room = WIDTH

    def block(self, block: ir.Block) -> ir.Block:
        """Fold within a block, then within the blocks nested in it."""
        self.room -= len(INDENT)
        now: list[ir.Stmt] = list(block)
        reads = [_reads_within(s) for s in block]
        gone = [self._disappears(now, reads, k) for k in range(len(now))]
        found = [
            None if is_gone else map_blocks(s, self.block)
            for s, is_gone in zip(now, gone, strict=True)
        ]
        self.room += len(INDENT)
        return left_over(block, found)

    def _disappears(self, block: ir.Block, reads: list[Counter[str]], k: int) -> bool:
        """Replace what statement ``k`` assigns in the statements after it, if that may be done."""
        s = block[k]
        if not isinstance(s, (ir.Assign, ir.Alias)) or not self.generated(s.name):
            return False
        if s.name not in self.local or s.name in self.fixed:
            return False
        users = _readers(s.name, block, reads, k)
        count = sum(reads[j][s.name] for j in users)
        if not users:
            return False
        between = block[k + 1 : users[-1] + 1]
        if isinstance(s, ir.Assign) and isinstance(s.value, (ir.Var, ir.Lit)):
            if not self._may_replace(s.name, s.value, between):
                return False
        elif count != 1 or not self._may_move(s, between):
            return False
        for j in users:
            block[j] = substitute(block[j], s.name, s.value)
            reads[j] = _reads_within(block[j])
        return True

    def _may_replace(self, name: str, value: ir.Var | ir.Lit, between: ir.Block) -> bool:
        """Tell whether a name can be replaced by the variable or number that it stands for."""
        for s in ir.statements(between):
            if isinstance(value, ir.Var) and value.name in ir.written(s) and not _is_copy(s, name):
                return False
            for expr in ir.expressions(s):
                for e in ir.walk(expr):
                    if isinstance(e, ir.Var) and e.name == name and not _may_stand_for(value, e):
                        return False
        return isinstance(value, ir.Var) or not value.type.is_array

    def _may_move(self, s: ir.Assign | ir.Alias, between: ir.Block) -> bool:
        """Tell whether a value can be computed where it is used, in the last of the statements."""
        reads = set(_names(s.value))
        places = self._places(s)
        moved_over, user = between[:-1], between[-1]
        if any(self._disturbs(later, reads, places) for later in ir.statements(moved_over)):
            return False
        return _takes(user, s.name, s.value) and self._fits(user, s)

    def _fits(self, user: ir.Stmt, s: ir.Assign | ir.Alias) -> bool:
        """Tell whether the line does not become too long: one to be wrapped is no gain."""
        exprs = [e for e in ir.expressions(user) if e is not getattr(user, "target", None)]
        parts = sum(len(self.spell(expr)) + 2 for expr in exprs) - 2
        start = sum(len(name) + len(" += ") for name in ir.written(user))
        return start + parts + len(self.spell(s.value)) - len(s.name) <= self.room

    def _places(self, s: ir.Assign | ir.Alias) -> set[str]:
        """The classes of memory that the value reads when it is computed."""
        arrays = {e.name for e in ir.walk(s.value) if isinstance(e, ir.Var) and e.type.is_array}
        if isinstance(s, ir.Alias):  # shows the memory as it is when it is looked at
            arrays -= set(holders(s.value))
        return {self.sharing.of(name) for name in arrays}

    def _disturbs(self, s: ir.Stmt, reads: set[str], places: set[str]) -> bool:
        """Tell whether a statement changes what a value depends on, or has an effect."""
        if isinstance(s, (ir.Effect, ir.Invoke, ir.Opaque, ir.Raise)):
            return True
        if isinstance(s, ir.Store) or (isinstance(s, ir.Pop) and s.index is not None):
            return self.sharing.of(s.target.name) in places
        return not reads.isdisjoint(ir.written(s))


def locals_of(block: ir.Block) -> set[str]:
    """Return the variables that are only read after a statement of the same block binds them.

    There may be several such blocks, the two sweeps for example: each sees what it has bound.
    """
    reads = {(name, id(s)) for s in ir.statements(block) for name in _reads(s)}
    served: set[tuple[str, int]] = set()
    mixed: set[str] = set()

    def visit(block: ir.Block) -> None:
        here: set[str] = set()
        for s in block:
            inside = list(ir.statements([s]))
            served.update((name, id(t)) for t in inside for name in _reads(t) if name in here)
            mixed.update(here & {name for t in inside[1:] for name in _bound(t)})
            here.update(_bound(s))
            for inner in s.blocks:
                visit(inner)

    visit(block)
    bound = {name for s in ir.statements(block) for name in _bound(s)}
    return bound - mixed - {name for name, _ in reads - served}


def _bound(s: ir.Stmt) -> tuple[str, ...]:
    """Return the names that a statement gives other values, not those of what it changes."""
    is_change = isinstance(s, ir.Store) or (isinstance(s, ir.Pop) and s.index is not None)
    return () if is_change else ir.written(s)


def _reads(s: ir.Stmt) -> set[str]:
    return ir.names_in(*ir.expressions(s))


def _readers(name: str, block: ir.Block, reads: list[Counter[str]], k: int) -> list[int]:
    """Return where in a block the value is read that its statement ``k`` binds to a name."""
    found = []
    for j in range(k + 1, len(block)):
        if name in reads[j]:
            found.append(j)
        if name in ir.written(block[j]):
            break
    return found


def _is_copy(s: ir.Stmt, name: str) -> bool:
    return isinstance(s, ir.Assign) and isinstance(s.value, ir.Var) and s.value.name == name


def _takes(s: ir.Stmt, name: str, value: ir.Expr) -> bool:
    """Tell whether a statement may compute ``value`` where it now reads ``name``."""
    if isinstance(s, (ir.While, ir.Alias)):  # evaluated again and again
        return False
    return any(_is_surely_read(expr, name, value) for expr in ir.expressions(s))


def _is_surely_read(expr: ir.Expr, name: str, value: ir.Expr) -> bool:
    """Tell whether an expression computes with ``name`` at every evaluation."""
    match expr:
        case ir.Var():
            return expr.name == name and _same_kind(expr, value)
        case ir.Dim():  # computing an array for its size alone is no gain
            return False
        case ir.Choice(condition=condition):
            return _is_surely_read(condition, name, value)
        case ir.Logic(items=items):
            return _is_surely_read(items[0], name, value)
    return any(_is_surely_read(child, name, value) for child in ir.children(expr))


def _may_stand_for(value: ir.Expr, var: ir.Expr) -> bool:
    """Tell whether types agree; a seed of 1.0 stands for any number of its precision."""
    return (value.type.dtype, value.type.ndim) == (var.type.dtype, var.type.ndim)


def _same_kind(a: ir.Expr, b: ir.Expr) -> bool:
    """Tell whether types agree; NumPy itself makes no difference of scalars and 0-d arrays."""
    numpys = {a.type.kind, b.type.kind} <= {"scalar", "array"}
    kinds = a.type.kind == b.type.kind or numpys
    return kinds and (a.type.dtype, a.type.ndim) == (b.type.dtype, b.type.ndim)


# --------------------------------------------------------------- statements and their expressions


def _names(*exprs: ir.Expr) -> Counter[str]:
    return Counter(e.name for x in exprs for e in ir.walk(x) if isinstance(e, ir.Var))


def _reads_within(*block: ir.Stmt) -> Counter[str]:
    """How often variables are read in statements and in the blocks nested in them."""
    return _names(*(expr for s in ir.statements(list(block)) for expr in ir.expressions(s)))


def _fixed(s: ir.Stmt) -> Iterator[str]:
    """Yield the variables that a statement needs by name: no expression can take their place."""
    match s:
        case ir.Store(target=target) | ir.Pop(target=target):
            yield target.name
        case ir.Move(sources=sources):
            yield from (source.name for source in sources)
        case ir.Alias(root=root):
            yield root
        case ir.For(var=var):
            yield var.name
    if isinstance(s, (ir.For, ir.While)):
        yield from filter(None, (s.until, s.trips))


def map_expressions(s: ir.Stmt, change: Callable[[ir.Expr], ir.Expr]) -> ir.Stmt:
    """Return the statement with ``change`` applied to what it computes (not in nested blocks)."""

    def each(exprs: tuple[ir.Expr, ...]) -> tuple[ir.Expr, ...]:
        return tuple(map(change, exprs))

    match s:
        case ir.Assign() | ir.Alias() | ir.Effect() | ir.Raise() | ir.Push():
            return replace(s, value=change(s.value))
        case ir.Store():
            return replace(s, index=each(s.index), value=change(s.value))
        case ir.Pop(index=tuple() as index):
            return replace(s, index=each(index))
        case ir.Opaque() | ir.Invoke():
            return replace(s, args=each(s.args))
        case ir.If() | ir.While():
            return replace(s, condition=change(s.condition))
        case ir.For():
            snapshots = None if s.snapshots is None else change(s.snapshots)
            bounds = [change(bound) for bound in (s.start, s.stop, s.step)]
            return replace(s, start=bounds[0], stop=bounds[1], step=bounds[2], snapshots=snapshots)
    return s


def map_blocks(s: ir.Stmt, change: Callable[[ir.Block], ir.Block]) -> ir.Stmt:
    """Return the statement with ``change`` applied to the blocks nested in it."""
    match s:
        case ir.If():
            return replace(s, then=change(s.then), orelse=change(s.orelse))
        case ir.For() | ir.While():
            return replace(s, body=change(s.body))
    return s


def substitute(s: ir.Stmt, name: str, value: ir.Expr) -> ir.Stmt:
    """Return the statement with a variable replaced in it and in the blocks nested in it."""

    def change(e: ir.Expr) -> ir.Expr:
        return value if isinstance(e, ir.Var) and e.name == name else e

    own = map_expressions(s, lambda expr: ir.rewrite(expr, change))
    return map_blocks(own, lambda block: [substitute(inner, name, value) for inner in block])
