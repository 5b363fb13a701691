"""The representation that every pass of the source engine reads and writes.

A *program* is a function in structured form: typed expressions inside a few kinds of statements.
It stays close to Python, so that it can be printed as Python at every stage.

What a variable may be, and the rule on memory that makes the reverse sweep possible:

- A *value* is never changed in place while the program runs: assigning it to a second variable
  may share memory, nobody can tell.
- A *buffer* is an array that some statement changes in place. One variable holds it at a time:
  two buffers never share memory. Other names for it, or for part of it, are *views*, made by
  ``Alias``; ``Move`` hands buffers on between variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from .expr import (
    Access,
    Call,
    Choice,
    Dim,
    Expr,
    Index,
    Lit,
    Logic,
    Seq,
    Slice,
    Var,
    children,
    names_in,
    reads,
    rewrite,
    same_literal,
    walk,
)
from .types import Type

__all__ = [
    "AFTER", "Access", "Alias", "Assign", "Block", "Call", "Choice", "Dim", "Effect", "Expr",
    "For", "If", "Index", "Invoke", "Lit", "Logic", "Move", "Note", "Opaque", "Origin",
    "Parameter", "Pop", "Program", "Push", "Raise", "Seq", "Slice", "Stmt", "Store", "Turn", "Var",
    "While", "children", "expressions", "mentioned", "names_in", "reads", "rewrite", "same_literal",
    "statements", "walk", "written"
]  # fmt: skip

AFTER = "'after"
"""Suffix of the name of a variable as it is after the statement that overwrites it."""


# ------------------------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class Origin:
    """The user's line that a statement was made from."""

    file: str
    line: int
    text: str
    caller: Origin | None = None
    """Where the user has called the function of ours that the line is in."""

    @property
    def shown(self) -> Origin:
        """The line to show to the user: one of theirs."""
        return self.caller or self

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(slots=True, kw_only=True)
class Stmt:
    """One step of a program."""

    origin: Origin | None = None

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks nested in it."""
        return ()


@dataclass(slots=True)
class Assign(Stmt):
    """Bind a variable to a value (or to a new array, which may become a buffer)."""

    name: str
    value: Expr


@dataclass(slots=True)
class Alias(Stmt):
    """Name a part of a buffer: a view. ``value`` is made of ``Index`` and view-making calls.

    ``root`` is the buffer at its base. A name is an alias of one root for its whole life.
    """

    name: str
    value: Expr
    root: str


@dataclass(slots=True)
class Move(Stmt):
    """Parallel hand-over of buffers: ``targets = sources``, all read before any is written.

    Sources are distinct variables and give up what they held unless they are targets too.
    """

    targets: tuple[str, ...]
    sources: tuple[Var, ...]


@dataclass(slots=True)
class Store(Stmt):
    """``target[index] = value``, or with ``op`` (``add``, ``subtract``) ``target[index] += value``.

    ``target`` is a buffer or a view of one; an empty ``index`` stands for all of it. Other
    operators are written out: ``a[i] *= b`` is ``a[i] = a[i] * b``. The program computes
    ``value`` before anything is written, overlap included. ``at``: as ``np.add.at`` does, places
    that are named several times count as often.
    """

    target: Var
    index: tuple[Expr, ...]
    value: Expr
    op: str | None = None
    at: bool = False


@dataclass(slots=True)
class If(Stmt):
    """A branch; either arm may be empty."""

    condition: Expr
    then: list[Stmt] = field(default_factory=list)
    orelse: list[Stmt] = field(default_factory=list)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its arms."""
        return self.then, self.orelse


@dataclass(slots=True)
class For(Stmt):
    """``for var in range(start, stop, step)``.

    ``until`` names a boolean variable of the program: once it is true at the end of an iteration,
    the loop ends (breaks and early returns come to that). ``var`` is not assigned in the body and
    not read after the loop. ``trips``: a variable that counts the iterations; the program itself
    counts. ``backwards``: the range is run through from its last number to its first, from the
    one of iteration ``trips`` on if that is given: ``reversed(range(start, stop, step)[:trips])``.
    ``snapshots``: of a loop marked by ``checkpointed``, how many of its states the reverse sweep
    keeps; the literal None leaves that to it. ``is_sweep``: it is one of a reverse sweep.
    """

    var: Var
    start: Expr
    stop: Expr
    step: Expr
    body: list[Stmt] = field(default_factory=list)
    until: str | None = None
    trips: str | None = None
    backwards: bool = False
    snapshots: Expr | None = None
    is_sweep: bool = False

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its body."""
        return (self.body,)


@dataclass(slots=True)
class While(Stmt):
    """``while condition``; what the condition needs is computed before it and at the body's end."""

    condition: Expr
    body: list[Stmt] = field(default_factory=list)
    until: str | None = None
    trips: str | None = None

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its body."""
        return (self.body,)


@dataclass(slots=True)
class Effect(Stmt):
    """Something kept for what it does, without a derivative: ``print``, a draw from a generator.

    ``names``: the variables that it binds, none or some.
    """

    value: Expr
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class Raise(Stmt):
    """``raise value``, reached under some condition. ``assert`` is an ``If`` around one."""

    value: Expr


@dataclass(slots=True)
class Opaque(Stmt):
    """``name = fn(*args)`` of a function that only the tape can follow.

    In a reverse program ``pullback`` names the variable that keeps its pullback.
    """

    name: str
    fn: Callable[..., Any]
    args: tuple[Expr, ...]
    type: Type
    pullback: str | None = None


@dataclass(slots=True)
class Invoke(Stmt):
    """``names = function(*args)`` of one of the program's own functions; it changes no argument.

    One with a ``Turn`` is called in two halves: ``forward``, whose last name holds what the way
    back needs, and ``reverse``, whose first argument that is.
    """

    names: tuple[str, ...]
    function: str
    args: tuple[Expr, ...]
    half: str = ""


@dataclass(slots=True)
class Turn(Stmt):
    """Where a function of two sweeps returns ``values``, and goes on when it is given ``names``."""

    values: tuple[Expr, ...]
    names: tuple[str, ...]


@dataclass(slots=True)
class Push(Stmt):
    """Save a value for the reverse sweep. ``copy``: it will be changed in place.

    ``stack``: the list of saved values; that of the outermost derivative has no name yet.
    ``local``: the iteration that ends with it has bound the variable, or nobody needs it.
    """

    value: Expr
    copy: bool = False
    stack: str = ""
    local: bool = False


@dataclass(slots=True)
class Pop(Stmt):
    """Take the value saved last: into a variable, or back into part of a buffer.

    ``copy``: the value will be changed in place, and is needed again. ``of``: the array of which a
    part was saved, where that is not put back.
    """

    target: Var
    index: tuple[Expr, ...] | None = None
    copy: bool = False
    stack: str = ""
    of: str = ""


@dataclass(slots=True)
class Note(Stmt):
    """A comment of the emitted program."""

    text: str


Block = list[Stmt]

# ---------------------------------------------------------------------------------- programs


@dataclass(slots=True)
class Parameter:
    """A parameter of the emitted function, with the user's own name."""

    name: str
    kind: str = "positional or keyword"
    """As ``inspect.Parameter.kind.description``."""
    default: Any = None
    has_default: bool = False


@dataclass(slots=True)
class Program:
    """A function with one result.

    ``body`` starts with the assignments that take structured arguments apart (``Access``).
    ``result`` is a template: containers with ``Expr`` at the leaves. ``hidden`` maps variables to
    the functions that read a closed-over value at every call. ``inputs`` maps each leaf variable
    that can be differentiated to its path: ``(parameter, path)``.
    """

    name: str
    parameters: list[Parameter]
    body: Block
    result: Any
    types: dict[str, Type]
    """The type of every variable."""
    inputs: dict[str, tuple[str, tuple[tuple[str, Any], ...]]]
    buffers: frozenset[str] = frozenset()
    """Variables that hold an array which is changed in place."""
    hidden: dict[str, Callable[[], Any]] = field(default_factory=dict)
    file: str = ""
    line: int = 0
    prints: bool = False
    """Whether it has effects that must not happen twice, such as prints."""
    stack: str = ""
    """The list of saved values without a name of its own, where a pass named it: a parameter, or
    made at the start."""
    static: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()
    """Arguments, as ``(parameter, path)``, whose value was needed to make this program."""
    guards: tuple[tuple[Callable[[], Any], Any], ...] = ()
    """Closed-over values taken as known: how to read each again, and what it was."""
    changed: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()
    """Arguments, as ``(parameter, path)``, that the function changes (here: copies of them)."""
    spliced: frozenset[str] = frozenset()
    """Variables that derivatives called inside the program have brought along."""
    wrt: tuple[str, ...] = ()
    """The variables of the program before that a pass has differentiated by."""
    functions: dict[str, Program] = field(default_factory=dict, repr=False)
    """Functions that it calls, each with a tuple as its result; they may call one another."""


# --------------------------------------------------------------------------------- traversal


def statements(block: Block) -> Iterator[Stmt]:
    """Yield all statements of a block and of the blocks in it, in order."""
    waiting = block[::-1]
    while waiting:
        statement = waiting.pop()
        yield statement
        for inner in reversed(statement.blocks):
            waiting += inner[::-1]


_field_names: dict[Any, tuple[str, ...]] = {}
"""The fields of statements that may hold expressions, by class."""

_NO_EXPRESSIONS = {"Origin | None", "str", "str | None", "bool", "tuple[str, ...]", "list[Stmt]"}


def expressions(statement: Stmt) -> Iterator[Expr]:
    """Yield the expressions that a statement itself reads (not those of nested blocks)."""
    names = _field_names.get(type(statement))
    if names is None:
        found = (f.name for f in fields(statement) if f.type not in _NO_EXPRESSIONS)
        names = _field_names[type(statement)] = tuple(found)
    for name in names:
        value = getattr(statement, name)
        if isinstance(value, Expr):
            yield value
        elif type(value) is tuple:
            for part in value:
                if isinstance(part, Expr):
                    yield part


def written(statement: Stmt) -> tuple[str, ...]:
    """Return the variables that a statement itself binds or changes (a view's own name)."""
    match statement:
        case Assign(name=name) | Alias(name=name):
            return (name,)
        case Opaque(name=name, pullback=pullback):
            return (name,) if pullback is None else (name, pullback)
        case Move(targets=targets):
            return targets
        case Store(target=target) | Pop(target=target):
            return (target.name,)
        case Effect(names=names) | Invoke(names=names) | Turn(names=names):
            return names
        case For(var=var):
            return (var.name,)
    return ()


def mentioned(statement: Stmt) -> set[str]:
    """Return the variables that a statement itself reads, binds or changes."""
    return names_in(*expressions(statement)) | set(written(statement))
