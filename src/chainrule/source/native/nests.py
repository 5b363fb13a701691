"""Sequential loops around parallel ones: may they change places, and would that pay?"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

from .. import ir
from ..ir import Assign, Block, Expr, If, Index, Stmt, Var, statements
from .accesses import Access, Alias, touched
from .code import Check, Gather, Loop, Make, Put, bound_by, expressions
from .contraction import mentions, within_blocks
from .exposure import exposed
from .fusion import NEVER, order, renamed_block
from .regions import is_of_numbers
from .slots import SAVED


@dataclass
class Nest:
    """A sequential loop, and the parallel loops in it as if they had one variable."""

    loop: ir.For
    body: Block
    var: Var
    extent: Expr
    size: object
    levels: set[str]
    """Numbers that are bound outside the parallel loops."""
    within: set[str]
    """Numbers that are bound inside them."""
    sums: set[str]
    """Numbers that nothing but a reduction of free order touches."""

    def variables_allow(self) -> bool:
        """Tell whether no number passes from one place, or one iteration, to another."""
        bound = {self.loop.var.name} | self.levels | self.within
        fixed = ir.names_in(self.extent, self.loop.start, self.loop.stop, self.loop.step)
        if self.levels & self.within or fixed & bound:
            return False
        if exposed(self.body) & (self.levels | self.within) - self.sums:
            return False
        own = {n for s in outside(self.body) for x in expressions(s) for n in ir.names_in(x)}
        parts = [exposed(s.body) - self.sums for s in parallel_loops(self.body)]
        return not own & self.within and not any(part & self.within for part in parts)

    def elements_allow(self, alias: Alias) -> bool:
        """Tell whether no place needs, or overwrites, what another one makes."""
        found = touched(self.body, alias)
        changing = (found.bound | {*found.gathered, self.loop.var.name}) - {self.var.name}
        written = found.arrays("write", "add")
        around = touched([_bare(s) for s in outside(self.body)], alias)
        if written & around.arrays("read", "write", "add"):
            return False
        groups: dict[str, list[Access]] = {}
        for access in found.elements:
            if access.array in written:
                groups.setdefault(access.array, []).append(access)
        for group in groups.values():
            for k, a in enumerate(group):
                for b in group[k:]:
                    if a.kind == b.kind != "write":
                        continue
                    if order(a, b, self.var, changing) not in _allowed(a, b):
                        return False
        return True

    def axis(self, name: str) -> int | None:
        """Return the axis along which each place has its own part of an array, if there is one."""
        indices = _places(self.body, name)
        if not indices:
            return None
        own = [k for k in range(len(indices[0])) if all(index[k] == self.var for index in indices)]
        return own[0] if own else None

    def pays(self, made: Set[str]) -> bool:
        """Tell whether the sequential loop walks along memory, and the parallel ones across it."""
        if not all(any(isinstance(t, Loop) for t in s.body) for s in parallel_loops(self.body)):
            return False
        levels = self.levels | {self.loop.var.name}
        along: set[str] = set()
        across: set[str] = set()
        for array, index in _elements([*parallel_loops(self.body)]):
            if array not in made and not array.startswith(SAVED):
                names = ir.names_in(index[-1])
                if names & levels:
                    along.add(array)
                elif names:
                    across.add(array)
        return len(along) > len(across)


def nest_of(loop: ir.For) -> Nest | None:
    """Return a loop whose body is numbers, and parallel loops over the same places."""
    kinds = (Assign, Check, If, Loop, Make)
    first = next(parallel_loops(loop.body), None)
    if first is None or loop.until or loop.trips:
        return None
    outer = list(outside(loop.body))
    if any(s.size != first.size and s.extent != first.extent for s in parallel_loops(loop.body)):
        return None
    if not all(isinstance(s, kinds) and not _binds_array(s) for s in outer):
        return None
    if not all(is_of_numbers(t) for s in parallel_loops(loop.body) for t in s.body):
        return None
    body = _with_variable(loop.body, first.var)
    within = {n for s in parallel_loops(body) for t in statements(s.body) for n in bound_by(t)
              if isinstance(t, (Assign, Gather))}  # fmt: skip
    levels = {n for s in outer for n in bound_by(s) if isinstance(s, Assign)}
    nest = Nest(loop, body, first.var, first.extent, first.size, levels, within, set())
    nest.sums = {n for n in within if _is_sum(body, n)}
    return nest


def _binds_array(s: Stmt) -> bool:
    return isinstance(s, Assign) and s.value.type.is_array and s.value.type.ndim > 0


def _is_sum(block: Block, name: str) -> bool:
    """Tell whether a number is changed by steps of one reduction alone, and not read."""
    steps = {s.fn for s in statements(block) if isinstance(s, Gather) and s.name == name}
    read = {n for s in statements(block) for x in expressions(s) for n in ir.names_in(x)}
    set_ = any(isinstance(s, Assign) and s.name == name for s in statements(block))
    return len(steps) == 1 and name not in read and not set_


def parallel_loops(block: Block) -> Iterator[Loop]:
    """Yield the parallel loops of a block and of its branches."""
    for s in block:
        if isinstance(s, Loop):
            yield s
        elif isinstance(s, If):
            yield from parallel_loops(s.then)
            yield from parallel_loops(s.orelse)


def outside(block: Block) -> Iterator[Stmt]:
    """Yield the statements of a block, and of its branches, other than parallel loops."""
    for s in block:
        if not isinstance(s, Loop):
            yield s
        if isinstance(s, If):
            yield from outside(s.then)
            yield from outside(s.orelse)


def _bare(s: Stmt) -> Stmt:
    """Return a statement without what is in it."""
    return replace(s, then=[], orelse=[]) if isinstance(s, If) else s


def _with_variable(block: Block, var: Var) -> Block:
    """Return a block whose parallel loops have one variable."""
    out: Block = []
    for s in block:
        if isinstance(s, Loop):
            out.append(replace(s, var=var, body=renamed_block(s.body, s.var, var)))
        else:
            out.append(within_blocks(s, lambda inner: _with_variable(inner, var)))
    return out


def _places(block: Block, name: str) -> list[tuple[Expr, ...]] | None:
    """Return the places of an array that are touched, None if it is also used in other ways."""
    rest = [s for s in statements(block) if not (isinstance(s, Make) and s.name == name)]
    found = [index for array, index in _elements_of(rest) if array == name]
    return found if sum(_count(s, name) for s in rest) == len(found) else None


def _count(s: Stmt, name: str) -> int:
    return mentions(s).count(name)


def _elements(block: Block) -> Iterator[tuple[str, tuple[Expr, ...]]]:
    """Yield the elements of arrays that a block touches."""
    yield from _elements_of(list(statements(block)))


def _elements_of(each: list[Stmt]) -> Iterator[tuple[str, tuple[Expr, ...]]]:
    for s in each:
        if isinstance(s, Put):
            yield s.array.name, s.index
        for x in expressions(s):
            for e in ir.walk(x):
                if isinstance(e, Index) and isinstance(e.base, Var):
                    yield e.base.name, e.index


def _allowed(a: Access, b: Access) -> tuple[float, ...]:
    """Return how far apart two accesses to one array may meet: in one iteration, or never."""
    return (0.0,) if a is b else (0.0, NEVER)
