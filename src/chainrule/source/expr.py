"""Typed expressions: what can stand on the right of an assignment in a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import is_
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


def _given(e: Call) -> tuple[Expr, ...]:
    return (*e.args, *(value for _, value in e.kwargs)) if e.kwargs else e.args


_PARTS: dict[type[Expr], Callable[[Any], tuple[Expr, ...]]] = {
    Call: _given,
    Index: lambda e: (e.base, *e.index),
    Slice: lambda e: tuple(part for part in (e.start, e.stop, e.step) if part is not None),
    Dim: lambda e: (e.base,),
    Seq: lambda e: e.items,
    Logic: lambda e: e.items,
    Choice: lambda e: (e.condition, e.a, e.b),
}
"""How to get at what is in an expression, by class: most of the time of a pass goes by here."""


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the direct subexpressions."""
    parts = _PARTS.get(type(expr))
    return () if parts is None else parts(expr)


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all below it, from the top."""
    waiting = [expr]
    while waiting:
        e = waiting.pop()
        yield e
        parts = _PARTS.get(type(e))
        if parts is not None:
            waiting += parts(e)[::-1]


def names_in(*exprs: Expr | None) -> set[str]:
    """Return the variables that expressions read."""
    return {e.name for expr in exprs if expr is not None for e in walk(expr) if isinstance(e, Var)}


def rewrite(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Rebuild an expression from the leaves up; ``change`` is applied to every node.

    What stays as it is, is not copied.
    """
    parts = _PARTS.get(type(expr))
    if parts is not None:
        before = parts(expr)
        after = tuple([rewrite(part, change) for part in before])
        if not all(map(is_, before, after)):
            expr = _with_parts(expr, after)
    return change(expr)


def _with_parts(expr: Expr, parts: tuple[Expr, ...]) -> Expr:
    """Return an expression with other subexpressions."""
    match expr:
        case Call(type=type_, fn=fn, args=args, kwargs=kwargs):
            values = parts[len(args) :]
            keywords = tuple((key, x) for (key, _), x in zip(kwargs, values, strict=True))
            return Call(type_, fn, parts[: len(args)], keywords)
        case Index(type=type_):
            return Index(type_, parts[0], parts[1:])
        case Slice(type=type_):
            rest = iter(parts)
            given = (expr.start, expr.stop, expr.step)
            return Slice(type_, *(None if part is None else next(rest) for part in given))
        case Dim(type=type_, axis=axis):
            return Dim(type_, parts[0], axis)
        case Seq():
            return Seq(expr.type, parts, expr.kind)
        case Logic():
            return Logic(expr.type, expr.op, parts)
    return Choice(expr.type, *parts)
