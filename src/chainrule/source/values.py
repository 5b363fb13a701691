"""What the lowering pass knows of each Python value of the user's program: abstract values.

Lowering runs the user's function on these instead of on arrays. What is known at that time
(structure, functions, strings, loop bounds that are literals) is computed; the rest becomes
statements of the program.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .ir import Expr, Lit
from .types import Type, type_of


class Value:
    """An abstract value."""

    __slots__ = ()


@dataclass(slots=True)
class Known(Value):
    """A Python object that is known now: a literal, a function, a module, a class, a dtype.

    ``name``: the variable that holds it in the emitted program, where the user gave it one.
    """

    value: Any
    name: Expr | None = None

    @property
    def expr(self) -> Expr:
        """The expression to print."""
        return self.name if self.name is not None else Lit(type_of(self.value), self.value)


@dataclass(slots=True)
class Leaf(Value):
    """A number or an array that the program computes.

    ``root``: the buffer whose memory it is, where ``expr`` names a buffer or a view of one.
    ``size``: the size symbol that an integer is known to equal (``n = u.shape[0]``), else None.
    """

    expr: Expr
    root: str | None = None
    size: Any = None

    @property
    def type(self) -> Type:
        """The type of the number or array."""
        return self.expr.type


@dataclass(slots=True)
class Items(Value):
    """A tuple, a list or a namedtuple (``cls``) of fixed length. Lists are shared by reference.

    An ``iterator`` is a list whose items are gone once they have been seen.
    """

    items: list[Value]
    kind: str = "tuple"
    cls: Any = None


class View(Items):
    """The keys, values or items of a dict, as they are when they are asked for."""

    __slots__ = ("_now", "_of")

    def __init__(self, of: Callable[[], list[Value]]) -> None:
        self._of = of
        self._now: list[Value] = []
        self.kind = "list"
        self.cls = None

    @property
    def items(self) -> list[Value]:  # type: ignore[override]
        """What the dict has now: one list, which changes with it."""
        now = self._of()
        if len(now) != len(self._now) or any(
            a is not b for a, b in zip(now, self._now, strict=True)
        ):
            self._now[:] = now
        return self._now


@dataclass(slots=True)
class Mapping(Value):
    """A dict with known keys, shared by reference.

    ``factory``: what makes the value of a key that it lacks, of a ``defaultdict``.
    """

    items: dict[Any, Value]
    factory: Value | None = None


@dataclass(slots=True)
class Record(Value):
    """An object with array attributes: a dataclass instance, or ``self`` of a bound method."""

    cls: Any
    attributes: dict[str, Value]


@dataclass(slots=True)
class Scope:
    """The variables of one function call; ``outer`` is the scope in which it was defined."""

    variables: dict[str, Value] = field(default_factory=dict)
    outer: Scope | None = None
    globals: dict[str, Any] = field(default_factory=dict)
    file: str = ""
    cells: dict[str, Any] = field(default_factory=dict)
    """The closure of a function object: free name -> cell."""
    local_names: frozenset[str] = frozenset()
    """Names that the function binds, so that they are not looked up further out."""


@dataclass(slots=True)
class Function(Value):
    """A function of the user whose source is at hand."""

    node: ast.FunctionDef | ast.Lambda
    scope: Scope
    defaults: dict[str, Value] = field(default_factory=dict)
    first: tuple[Value, ...] = ()
    """Arguments already given: ``self`` of a bound method, those of a partial."""
    keywords: dict[str, Value] = field(default_factory=dict)
    object: Any = None
    """The function object, where it has one."""


@dataclass(slots=True)
class Derivative(Value):
    """What a transform makes of a function, not called yet: a gradient, a Jacobian."""

    transform: str
    function: Value
    argnums: Any = 0
    has_aux: bool = False


@dataclass(slots=True)
class LinearMap(Value):
    """The derivative at some place: a pullback, or the map of tangents to tangents."""

    transform: str
    piece: Any
    """The function there, as a part of the program (``lower.pieces.Piece``)."""


@dataclass(slots=True)
class Method(Value):
    """A method of an array, a list, a dict, ..., looked up and not yet called."""

    receiver: Value
    name: str
