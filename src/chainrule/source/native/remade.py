"""Memory that a loop would ask for in every iteration is there before it.

An array that is made anew with the sizes it had before takes the memory of the one that it
replaces. One whose size differs from iteration to iteration, such as ``a[:k]``, is made as large as
it ever gets. What is left of the loop is numbers and elements, which LLVM gets as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Set
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Expr, Lit, Var, statements
from ..types import Type
from . import runtime
from .code import INT, Fresh, Make, apply, bindings, bound_by, minus, number, plus
from .contraction import uses, within_blocks
from .units import is_of_elements, with_sizes


def made_once(
    block: Block, held: Set[str], given: Set[str], fresh: Fresh, types: dict[str, Type]
) -> Block:
    """Return a kernel whose loops make fewer arrays.

    ``given``: its parameters; ``held``: arrays that a second name holds, or that Python sees.
    """
    return _Growing(_together(block, held, given), held, given, fresh, types).block


# ------------------------------------------------------------------ arrays of the same sizes


def _together(block: Block, held: Set[str], given: Set[str]) -> Block:
    """Return a block that makes an array once in place of several times, if its sizes stay."""
    makes: dict[str, list[Make]] = {}
    for s in statements(block):
        if isinstance(s, Make):
            makes.setdefault(s.name, []).append(s)
    repeated = {s.name for t in block if t.blocks for s in statements([t]) if type(s) is Make}
    for name, own in makes.items():
        is_one = all(s.extents == own[0].extents for s in own)
        if len(own) < 2 or not is_one or name in held | given or name not in repeated:
            continue
        first = next(k for k, s in enumerate(block) if uses([s])[name])
        ahead = {n for s in block[:first] for n in bound_by(s)} | given
        sizes = ir.names_in(*own[0].extents)
        if sizes <= ahead and not sizes & {*bindings(block[first:])}:
            block = [*block[:first], own[0], *_without(block[first:], name)]
    return block


def _without(block: Block, name: str) -> Block:
    """Return a block that does not make an array."""
    rest = [s for s in block if not (isinstance(s, Make) and s.name == name)]
    return [within_blocks(s, lambda inner: _without(inner, name)) for s in rest]


# ------------------------------------------------------------------------- arrays that grow


class _Growing:
    """Makes an array before a loop in which its size differs from iteration to iteration."""

    def __init__(
        self,
        block: Block,
        held: Set[str],
        given: Set[str],
        fresh: Fresh,
        types: dict[str, Type],
    ) -> None:
        self.held = held | given
        self.fresh = fresh
        self.types = types
        self.total = uses(block)
        self.binders = Counter([*bindings(block), *given])
        self.block = self._inside(block)

    def _inside(self, block: Block) -> Block:
        out: Block = []
        for s in block:
            s = within_blocks(s, self._inside)
            if isinstance(s, ir.For) and isinstance(s.step, Lit):
                before, s = self._split(s)
                out += before
            out.append(s)
        return out

    def _split(self, loop: ir.For) -> tuple[Block, ir.For]:
        """Return what makes arrays before a loop, and the loop without that."""
        before: Block = []
        bounds = _Bounds(loop, self.binders)
        rest: Block = []
        body = [*loop.body]
        for k in range(len(body)):
            s = body[k]
            largest = bounds.largest(s) if isinstance(s, Make) else None
            if not isinstance(s, Make) or largest is None or not self._is_alone(s, body[k + 1 :]):
                rest.append(s)
                continue
            extents = tuple(self._named(before, e) for e in largest)
            before.append(replace(s, extents=extents))
            body[k + 1 :] = with_sizes(body[k + 1 :], s)
            self.total[s.name] = 1 + uses(body[k + 1 :])[s.name]
        return before, replace(loop, body=rest)

    def _named(self, before: Block, size: Expr) -> Expr:
        """Return a size that is computed before a loop."""
        if isinstance(size, (Var, Lit)):
            return size
        name = self.fresh("n")
        self.types[name] = INT
        self.binders[name] = 1
        before.append(Assign(name, size))
        return Var(INT, name)

    def _is_alone(self, make: Make, rest: Block) -> bool:
        """Tell whether nothing but what follows in the same iteration uses elements of an array."""
        name = make.name
        is_known = name not in self.held and self.binders[name] == 1
        return (
            is_known
            and uses(rest)[name] + 1 == self.total[name]
            and is_of_elements([make, *rest], name)
        )


class _Bounds:
    """The least and the most that integers are in any iteration of a loop, as known before it."""

    def __init__(self, loop: ir.For, binders: Counter[str]) -> None:
        self.loop = loop
        inside = Counter(bindings(loop.body))
        self.changing = {*inside, loop.var.name}
        self.stays = {n for n in inside if binders[n] == 1} | {loop.var.name} - {*inside}
        """What is the same all through an iteration."""
        self.definitions = {
            s.name: s.value for s in loop.body if isinstance(s, Assign) and binders[s.name] == 1
        }

    def largest(self, make: Make) -> list[Expr] | None:
        """Return the largest sizes of an array of which one axis grows; None if it is not such."""
        found: list[Expr] = []
        for e in make.extents:
            moving = ir.names_in(e) & self.changing
            most = self.extreme(e, True) if moving <= self.stays else None
            if most is None:
                return None
            found.append(most if moving else e)
        return found if sum(a != b for a, b in zip(found, make.extents, strict=True)) == 1 else None

    def extreme(self, e: Expr, is_most: bool) -> Expr | None:
        """Return the most, or the least, that an integer is; None if that is not known."""
        if not ir.names_in(e) & self.changing:
            return e
        match e:
            case Var(name=name) if name == self.loop.var.name:
                return self._end(is_most)
            case Var(name=name) if name in self.definitions:
                return self.extreme(self.definitions[name], is_most)
            case Call(fn=np.subtract, args=(a, b)):
                return _of(minus, self.extreme(a, is_most), self.extreme(b, not is_most))
            case Call(fn=np.add, args=(a, b)):
                return _of(plus, self.extreme(a, is_most), self.extreme(b, is_most))
            case Call(fn=fn, args=(a, b)) if fn in (max, min):
                x, y = self.extreme(a, is_most), self.extreme(b, is_most)
                if (fn is min) == is_most and (x is None or y is None):
                    return x or y  # one of them is enough
                return _of(lambda x, y: apply(fn, INT, x, y), x, y)
            case Call(fn=runtime.bound, args=(_, n)):  # a place from 0 to n
                return self.extreme(n, True) if is_most else number(0)
        return None

    def _end(self, is_most: bool) -> Expr | None:
        """Return the least or the most of the loop's own variable."""
        start, stop, step = self.loop.start, self.loop.stop, self.loop.step
        assert isinstance(step, Lit)
        if ir.names_in(start, stop) & self.changing:
            return None
        if (step.value > 0) == is_most:
            return plus(stop, number(-1 if is_most else 1))
        return start


def _of(fn: Callable[[Expr, Expr], Expr], x: Expr | None, y: Expr | None) -> Expr | None:
    return None if x is None or y is None else fn(x, y)
