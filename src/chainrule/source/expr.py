"""Typed expressions: what can stand on the right of an assignment in a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .types import Type


class _Remembered:
    """Room for what ``reads`` has found: expressions never change, and passes ask all the time."""

    __slots__ = ("_reads",)
    _reads: Reads


@dataclass(frozen=True, slots=True)
class Expr(_Remembered):
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


def children(expr: Expr) -> Sequence[Expr]:
    """Return the direct subexpressions."""
    found = _CHILDREN.get(type(expr))
    return found(expr) if found is not None else ()


_CHILDREN: dict[type, Callable[[Any], Sequence[Expr]]] = {
    Call: lambda e: (*e.args, *(value for _, value in e.kwargs)) if e.kwargs else e.args,
    Index: lambda e: (e.base, *e.index),
    Slice: lambda e: [part for part in (e.start, e.stop, e.step) if part is not None],
    Dim: lambda e: (e.base,),
    Seq: lambda e: e.items,
    Logic: lambda e: e.items,
    Choice: lambda e: (e.condition, e.a, e.b),
}
"""By class, which is quicker than to match: passes look at expressions all the time."""


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all below it, from the top."""
    waiting = [expr]
    while waiting:
        e = waiting.pop()
        yield e
        parts = _CHILDREN.get(type(e))
        if parts is not None:
            waiting += parts(e)[::-1]


class Reads(NamedTuple):
    """What an expression reads, from the top."""

    names: tuple[str, ...]
    """Variables, as often as they are mentioned."""
    parts: tuple[Index, ...]
    """Parts and elements of variables."""


def reads(expr: Expr) -> Reads:
    """Return what an expression reads; it is looked for once."""
    try:
        known: Reads = expr._reads
    except AttributeError:
        known = _found(expr)
        object.__setattr__(expr, "_reads", known)
    return known


def _found(expr: Expr) -> Reads:
    if type(expr) is Var:
        return Reads((expr.name,), ())
    below = [reads(part) for part in children(expr)]
    names = tuple([name for found in below for name in found.names])
    parts = tuple([part for found in below for part in found.parts])
    is_part = type(expr) is Index and type(expr.base) is Var
    return Reads(names, (expr, *parts) if is_part else parts)  # type: ignore[arg-type]


def names_in(*exprs: Expr | None) -> set[str]:
    """Return the variables that expressions read."""
    return {name for e in exprs if e is not None for name in reads(e).names}


def rewrite(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Rebuild an expression from the leaves up; ``change`` is applied to every node."""
    parts = children(expr)
    if parts:
        new = [rewrite(part, change) for part in parts]
        if any(a is not b for a, b in zip(parts, new, strict=True)):
            expr = _with_children(expr, new)
    return change(expr)


def _with_children(expr: Expr, new: list[Expr]) -> Expr:
    """Return an expression with other ones in the places of its ``children``."""
    match expr:
        case Call(type=type_, fn=fn, args=args, kwargs=kwargs):
            values = new[len(args) :]
            keywords = tuple((key, e) for (key, _), e in zip(kwargs, values, strict=True))
            return Call(type_, fn, tuple(new[: len(args)]), keywords)
        case Index(type=type_):
            return Index(type_, new[0], tuple(new[1:]))
        case Slice(type=type_, start=start, stop=stop, step=step):
            left = iter(new)
            parts = [None if part is None else next(left) for part in (start, stop, step)]
            return Slice(type_, *parts)
        case Dim(type=type_, axis=axis):
            return Dim(type_, new[0], axis)
        case Seq(type=type_, kind=kind):
            return Seq(type_, tuple(new), kind)
        case Logic(type=type_, op=op):
            return Logic(type_, op, tuple(new))
        case Choice(type=type_):
            return Choice(type_, *new)
    raise TypeError(f"no parts in {expr!r}")
