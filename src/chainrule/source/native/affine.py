"""Indices as sums of multiples of variables: when do two iterations touch the same element?"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

import numpy as np

from .. import ir
from ..ir import Assign, Call, Dim, Expr, Lit, Var, statements
from . import runtime
from .accesses import Access
from .code import Loop, bindings

NEVER = float("-inf")
_LARGE = 2**20
"""Multiples beyond this one may overflow, and start anew at another place."""

_PLUS = {np.add, runtime.sum_of}
_MINUS = {np.subtract, runtime.difference_of}
_TIMES = {np.multiply, runtime.product_of}


@dataclass(frozen=True, slots=True)
class Affine:
    """``shift + sum(factor * term)``: terms are variables by name, and sizes like ``u'0``."""

    terms: frozenset[tuple[str, int]] = frozenset()
    shift: int = 0

    def plus(self, other: Affine, factor: int = 1) -> Affine:
        """Return the sum of this and a multiple of another one."""
        terms = dict(self.terms)
        for term, times in other.terms:
            terms[term] = terms.get(term, 0) + factor * times
        kept = frozenset((term, times) for term, times in terms.items() if times)
        return Affine(kept, self.shift + factor * other.shift)

    def factor_of(self, name: str) -> int:
        """Return what a variable is multiplied by."""
        return dict(self.terms).get(name, 0)


@dataclass(slots=True)
class Iteration:
    """What is known of the numbers in one iteration of a loop.

    ``changing``: variables that are not the same in all iterations, or all the time. ``known``:
    what variables are that each iteration binds once. ``above``: variables that are not negative.
    """

    var: str
    step: int
    changing: Set[str]
    known: dict[str, Expr] = field(default_factory=dict)
    above: Set[str] = frozenset()

    def affine(self, e: Expr) -> Affine | None:
        """Return an integer in this form; None if it is not one, or not the same at all times."""
        if isinstance(e, Lit):
            return Affine(shift=int(e.value))
        if isinstance(e, Var) and e.name in self.known:
            return self.affine(self.known[e.name])
        if isinstance(e, Var) and (e.name == self.var or e.name not in self.changing):
            return Affine(frozenset([(e.name, 1)]))
        if isinstance(e, Dim) and isinstance(e.base, Var) and e.base.name not in self.changing:
            return Affine(frozenset([(f"{e.base.name}'{e.axis}", 1)]))
        if isinstance(e, Call) and len(e.args) == 2:
            return self._of_two(e)
        return None

    def _of_two(self, e: Call) -> Affine | None:
        a = self.affine(e.args[0])
        if a is None:
            return None
        if e.fn is runtime.at:  # counted from the end where it is negative
            return a if self._is_place(a) else None
        b = self.affine(e.args[1])
        if b is None:
            return None
        if e.fn in _PLUS or e.fn in _MINUS:
            return a.plus(b, 1 if e.fn in _PLUS else -1)
        if e.fn in _TIMES:
            for one, other in ((a, b), (b, a)):
                if not one.terms:
                    return Affine().plus(other, one.shift)
        return None

    def _is_place(self, a: Affine) -> bool:
        """Tell whether a number is not negative."""
        return a.shift >= 0 and all(
            times > 0 and ("'" in term or term in self.above) for term, times in a.terms
        )

    def distance(self, a: Access, b: Access) -> float | None:
        """Return how many iterations later the first access meets the place of the second one.

        0: in the same iteration alone; minus infinity: never; None: not known.
        """
        if a.index is None or b.index is None or a.name != b.name:
            return None
        found: float | None = None
        for x, y in zip(a.index, b.index, strict=True):
            apart = self._along(x, y)
            if apart is None:
                continue
            if apart == NEVER or (found is not None and apart != found):
                return NEVER
            found = apart
        return found

    def _along(self, x: Expr, y: Expr) -> float | None:
        """Return the same along one axis; None too if all iterations touch one place there."""
        a, b = self.affine(x), self.affine(y)
        if a is None or b is None:
            return None
        apart = b.plus(a, -1)
        if apart.terms:
            return None
        factor = a.factor_of(self.var) * self.step
        if abs(factor) > _LARGE or abs(apart.shift) > _LARGE:
            return None
        if not factor:
            return NEVER if apart.shift else None
        return NEVER if apart.shift % factor else apart.shift // factor


def iteration_of(
    loop: Loop | ir.For, carried: Set[str] = frozenset(), above: Set[str] = frozenset()
) -> Iteration:
    """Return what is known within one iteration.

    ``carried``: variables that it may read before it binds them; ``above``: variables around the
    loop that are not negative.
    """
    inside = [*bindings(loop.body)]
    step = loop.step.value if isinstance(loop, ir.For) and isinstance(loop.step, Lit) else 1
    once = {
        s.name: s.value
        for s in statements(loop.body)
        if isinstance(s, Assign)
        and inside.count(s.name) == 1
        and s.name not in carried
        and s.value.type.dtype == np.dtype(np.int64)
    }
    changing = {*inside, loop.var.name}
    return Iteration(loop.var.name, int(step), changing, once, above_in(loop, above))


def above_in(loop: Loop | ir.For, above: Set[str]) -> Set[str]:
    """Return the variables that are not negative within a loop, by those around it."""
    own = loop.var.name
    return above | {own} if _is_above(loop) else above - {own}


def _is_above(loop: Loop | ir.For) -> bool:
    """Tell whether the variable of a loop is never negative."""
    if isinstance(loop, Loop):
        return True
    if not isinstance(loop.step, Lit):
        return False
    low, least = (loop.start, 0) if loop.step.value > 0 else (loop.stop, -1)
    return isinstance(low, Lit) and bool(low.value >= least)
