"""What a loop makes and then saves as a whole is made where it is saved.

``un = u.copy()``, from which the next state is computed and which the sweep back reads, would be
written twice: into memory of its own, then into that of the saved values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

from .. import ir
from ..ir import Block, Expr, Index, Var
from .accesses import aliases, touched
from .code import Loop, Make, Put, bindings
from .contraction import reindexed, uses, within_blocks
from .hoisting import held
from .slots import SAVED
from .terms import nest_of
from .units import is_of_elements, with_sizes


def at_home(block: Block, given: Set[str]) -> Block:
    """Return a kernel that copies fewer arrays to where they are saved; ``given``: parameters."""
    return _Homes(block, given).block


class _Homes:
    def __init__(self, block: Block, given: Set[str]) -> None:
        self.total = uses(block)
        self.binders = Counter(bindings(block))
        self.held = held(block) | given
        self.alias = aliases(block)
        self.block = self._inside(block)

    def _inside(self, block: Block) -> Block:
        block = [within_blocks(s, self._inside) for s in block]
        k = 0
        while k < len(block):
            found = _saves(block[k])
            start = self._start(block, k, *found) if found else None
            if found and start is not None:
                make = block[start]
                assert isinstance(make, Make)
                rest = [*block[start + 1 : k], *block[k + 1 :]]
                block[start:] = [_moved(s, make, found[1], len(found[0])) for s in rest]
                k -= 1
            else:
                k += 1
        return block

    def _start(self, block: Block, end: int, loops: tuple[Loop, ...], put: Put) -> int | None:
        """Return where an array is made that a copy at ``end`` is all of, if it can move."""
        assert isinstance(put.value, Index) and isinstance(put.value.base, Var)
        name, saved = put.value.base.name, put.array.name
        if not saved.startswith(SAVED) or name in self.held or self.binders[name] != 1:
            return None
        start = next((k for k, s in enumerate(block[:end]) if _makes(s, name)), None)
        if start is None:
            return None
        make, life = block[start], block[start + 1 :]
        assert isinstance(make, Make)
        here = put.index[: len(put.index) - len(loops)]
        after = touched(block[end + 1 :], self.alias).arrays("write", "add")
        is_alone = (
            make.extents == tuple(loop.extent for loop in loops)
            and uses(life)[name] + 1 == self.total[name]
            and is_of_elements([make, *life], name)
            and uses(life)[saved] == 1
        )
        is_fixed = not (ir.names_in(*here) | ir.names_in(*make.extents)) & {*bindings(life)}
        return start if is_alone and is_fixed and self.alias(name) not in after else None


def _saves(s: ir.Stmt) -> tuple[tuple[Loop, ...], Put] | None:
    """Return the loops of a nest that saves all of an array, and what they do."""
    nest = nest_of(s)
    match nest:
        case loops, Put(op=None, array=array, index=index, value=Index(base=Var() as base) as read):
            path = tuple(loop.var for loop in loops)
            is_same = read.index == path and index[-len(path) :] == path
            return nest if is_same and base.type.dtype == array.type.dtype else None
    return None


def _makes(s: ir.Stmt, name: str) -> bool:
    return isinstance(s, Make) and s.name == name


def _moved(s: ir.Stmt, make: Make, put: Put, ndim: int) -> ir.Stmt:
    """Return a statement that uses the saved array in place of the one that is saved."""
    here = put.index[: len(put.index) - ndim]

    def new(index: tuple[Expr, ...]) -> tuple[Var, tuple[Expr, ...]]:
        return put.array, (*here, *index)

    [s] = with_sizes([s], make)
    return reindexed(s, make.name, new)
