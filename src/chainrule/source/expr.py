"""Typed expressions: what can stand on the right of an assignment in a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from .types import Type


@dataclass(frozen=True, slots=True)
class Expr:
    """What can stand on the right of an assignment. Expressions have no side effects."""

    type: Type


@dataclass(frozen=True, slots=True)
class Var(Expr):
    """A variable of the program."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Lit(Expr):
    """A Python object known before the program runs: a number, a string, a dtype, None, ..."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lit) and same_literal(self.value, other.value)

    def __hash__(self) -> int:
        return hash(repr(self.value))


def same_literal(a: Any, b: Any) -> bool:
    """Tell whether two literals are the same, types and signs of zero included."""
    return type(a) is type(b) and repr(a) == repr(b)


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A function of NumPy, of Python or of the program's helpers, applied to values.

    ``fn`` is the function object itself, the key into the rule table: operators are calls too
    (``a + b`` is ``np.add``, ``a // b`` ``np.floor_divide``, ``a < b`` ``np.less``, ``not a``
    ``operator.not_``), also those of Python numbers. ``args`` and ``kwargs`` hold expressions.
    """

    fn: Callable[..., Any]
    args: tuple[Expr, ...]
    kwargs: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Index(Expr):
    """``base[index]``; the entries of ``index`` are expressions or ``Slice``."""

    base: Expr
    index: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Slice(Expr):
    """``start:stop:step`` within an index; None where left out."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Dim(Expr):
    """``base.shape[axis]``, an integer."""

    base: Expr
    axis: int


@dataclass(frozen=True, slots=True)
class Seq(Expr):
    """A tuple or list display, as in ``np.zeros((n, m))`` or ``np.array([a, b])``."""

    items: tuple[Expr, ...]
    kind: str = "tuple"
    """``tuple`` or ``list``."""


@dataclass(frozen=True, slots=True)
class Choice(Expr):
    """``a if condition else b``; only the chosen one is evaluated."""

    condition: Expr
    a: Expr
    b: Expr


@dataclass(frozen=True, slots=True)
class Logic(Expr):
    """``a and b and ...`` (or ``or``) of plain truth values, evaluated from left to right."""

    op: str
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Access(Expr):
    """A leaf inside a structured argument, such as ``params[0]['w']`` or ``state.position``.

    ``path`` holds ``('item', key)`` and ``('attr', name)``.
    """

    root: str
    path: tuple[tuple[str, Any], ...]


# --------------------------------------------------------------------------------- traversal


def children(expr: Expr) -> Iterator[Expr]:
    """Yield the direct subexpressions."""
    match expr:
        case Call(args=args, kwargs=kwargs):
            yield from args
            yield from (value for _, value in kwargs)
        case Index(base=base, index=index):
            yield base
            yield from index
        case Slice(start=start, stop=stop, step=step):
            yield from (part for part in (start, stop, step) if part is not None)
        case Dim(base=base):
            yield base
        case Seq(items=items) | Logic(items=items):
            yield from items
        case Choice(condition=condition, a=a, b=b):
            yield from (condition, a, b)


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all below it, from the top."""
    waiting = [expr]
    while waiting:
        e = waiting.pop()
        yield e
        if not isinstance(e, (Var, Lit)):
            waiting += reversed(list(children(e)))


def names_in(*exprs: Expr | None) -> set[str]:
    """Return the variables that expressions read."""
    return {e.name for expr in exprs if expr is not None for e in walk(expr) if isinstance(e, Var)}


def rewrite(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Rebuild an expression from the leaves up; ``change`` is applied to every node."""

    def go(e: Expr) -> Expr:
        return rewrite(e, change)

    match expr:
        case Call(args=args, kwargs=kwargs):
            keywords = tuple((key, go(value)) for key, value in kwargs)
            expr = replace(expr, args=tuple(go(a) for a in args), kwargs=keywords)
        case Index(base=base, index=index):
            expr = replace(expr, base=go(base), index=tuple(go(i) for i in index))
        case Slice(start=start, stop=stop, step=step):
            parts = [None if part is None else go(part) for part in (start, stop, step)]
            expr = Slice(expr.type, *parts)
        case Dim(base=base):
            expr = replace(expr, base=go(base))
        case Seq(items=items) | Logic(items=items):
            expr = replace(expr, items=tuple(go(item) for item in items))
        case Choice(condition=condition, a=a, b=b):
            expr = Choice(expr.type, go(condition), go(a), go(b))
    return change(expr)
