"""Typed expressions: what can stand on the right of an assignment in a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
