"""The state of lowering: what is emitted so far, the names in use, what had to be known."""

from __future__ import annotations

import builtins
import itertools
import keyword
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ...errors import UnsupportedError
from .. import sizes as size_algebra
from ..ir import Access, Block, Dim, Expr, Origin, Stmt, Var, walk
from ..types import Type, type_of
from ..values import Items, Known, Leaf, Mapping, Scope, Value

Place = tuple[str, tuple[tuple[str, Any], ...]]
"""Where an argument's leaf is: the parameter, and the path within its value."""

Site = Hashable
"""Where an array is made: a line of the program with the calls that lead to it, or an argument."""


class Refine(Exception):  # noqa: N818 - a request, not an error
    """Lowering needs to be told something about the program, and to start over.

    ``key``: ``('static', place)``: the value of this number among the arguments must be known, or
    the elements of an array; ``('sizes', place)``: the shape of this array among them;
    ``('contents', name)``: the elements of a closed-over array; ``('unroll', loop)``: this loop's
    index; ``('after', loop)``: its variable is read after it; ``('buffer', site)``: the array made
    at this place is changed later.
    """

    def __init__(self, *keys: Any) -> None:
        super().__init__(*keys)
        self.keys = keys

    @property
    def key(self) -> Any:
        """The first request."""
        return self.keys[0]


class Endless(Exception):  # noqa: N818 - a path, not an error
    """A path that calls a function of which no path that returns has been seen so far."""


class Unreadable(Value):
    """What a name holds that must not be read; reading raises ``error``."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error

    @property
    def expr(self) -> Expr:
        """Raise the error."""
        raise self.error

    @property
    def type(self) -> Type:
        """Raise the error."""
        raise self.error


_TAKEN = frozenset({"np", "numpy", "math", "stack", *keyword.kwlist, *dir(builtins)})
"""Names that mean something else in emitted programs."""


@dataclass(eq=False)
class State:
    """What lowering keeps while it walks through the user's functions."""

    refinements: frozenset[Any] = frozenset()
    wanted: set[Any] = field(default_factory=set)
    """Further refinements, for which lowering starts over when it comes to an end."""
    types: dict[str, Type] = field(default_factory=dict)
    block: Block = field(default_factory=list)
    scope: Scope = field(default_factory=Scope)
    frames: list[Scope] = field(default_factory=list)
    origin: Origin | None = None
    depth: int = 0
    """How many branches and loops of the program enclose what is emitted now."""
    entered: int = 0
    """The depth at which the current function was called."""
    path: tuple[Any, ...] = ()
    """The calls and unrolled iterations that lead to the current line."""
    buffers: set[str] = field(default_factory=set)
    roots: dict[str, str] = field(default_factory=dict)
    """The buffer behind each view."""
    read_only: dict[str, str] = field(default_factory=dict)
    """The function that made each view which NumPy does not let anybody change."""
    sites: dict[str, frozenset[Site]] = field(default_factory=dict)
    """Where the array that a variable holds may have been made."""
    conflicts: dict[Site, Exception] = field(default_factory=dict)
    """The errors for copies, by their sites, that NumPy may make or not, where it matters."""
    definitions: dict[str, Expr | None] = field(default_factory=dict)
    """The expression of each variable that is assigned once."""
    rebound: set[str] = field(default_factory=set)
    """Variables that are assigned again."""
    homes: dict[tuple[int, Any], str] = field(default_factory=dict)
    """The variable of the program that a Python name was last bound to."""
    loops: dict[str, Any] = field(default_factory=dict)
    """The location of the loop that each loop variable belongs to."""
    varying: set[str] = field(default_factory=set)
    """Variables of floats that were seen to depend on the inputs."""
    constants: set[str] = field(default_factory=set)
    """Variables of floats that carry no derivative: random draws, values that are cut off."""
    nonlocals: dict[tuple[int, str], Scope] = field(default_factory=dict)
    """Where names that a function declares nonlocal are bound."""
    unbound: dict[str, list[Block] | None] = field(default_factory=dict)
    """Variables that are assigned on some paths only; the blocks of paths that lack it, if the
    function has returned on all of them."""
    mixed: set[str] = field(default_factory=set)
    """Variables that start as a number and become arrays."""
    arguments: dict[str, Place] = field(default_factory=dict)
    """Variables that hold leaves of the arguments."""
    looked_at: dict[Place, Any] = field(default_factory=dict)
    """What is known of the values of arguments, by their places."""
    hidden: dict[str, Callable[[], Any]] = field(default_factory=dict)
    outside: dict[Any, Value] = field(default_factory=dict)
    """Values from outside that were read so far."""
    contents: dict[Hashable, Any] = field(default_factory=dict)
    """Arrays of integers from outside whose elements are known."""
    guards: list[tuple[Callable[[], Any], Any]] = field(default_factory=list)
    relied: dict[int, tuple[Value, Callable[[], Exception | None]]] = field(default_factory=dict)
    """What iterators rely on, by their identities: it says what is wrong if that has changed."""
    foreign: set[int] = field(default_factory=set)
    """Identities of abstract containers that belong to the caller or to the module."""
    kept: list[Any] = field(default_factory=list)
    """Keeps objects alive whose identity counts."""
    reserved: frozenset[str] = frozenset()
    """Names of the user's function, not to be given to variables of other origin."""
    calls: list[tuple[Any, int]] = field(default_factory=list)
    """The definitions of the functions that are being lowered; how many tests and blocks enclosed
    each call."""
    program: str = ""
    """The name of the program."""
    functions: dict[str, Any] = field(default_factory=dict)
    """The functions of the program, by name (see ``recursion``)."""
    in_progress: list[Any] = field(default_factory=list)
    """Those that are being lowered."""
    branching: list[Any] = field(default_factory=list)
    """The branches that are being lowered (see ``splitting``)."""
    tests: list[Leaf] = field(default_factory=list)
    """The conditions of the branches that enclose what is emitted now."""
    guarded: bool = False
    """Whether products of rules are guarded: a zero beats an infinite or NaN slope."""
    prints: bool = False
    spliced: set[str] = field(default_factory=set)
    """Variables that derivatives called inside the program have brought along."""
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        if not self.frames:
            self.frames.append(self.scope)

    # ---------------------------------------------------------------------------- emission

    def emit(self, statement: Stmt) -> None:
        """Append a statement to the current block."""
        if statement.origin is None:
            statement.origin = self.origin
        self.block.append(statement)

    @contextmanager
    def into(self, block: Block) -> Iterator[Block]:
        """Emit into another block."""
        outer, self.block = self.block, block
        try:
            yield block
        finally:
            self.block = outer

    @contextmanager
    def deeper(self, block: Block) -> Iterator[Block]:
        """Emit into the block of a branch or a loop."""
        self.depth += 1
        try:
            with self.into(block):
                yield block
        finally:
            self.depth -= 1

    @property
    def is_straight(self) -> bool:
        """Whether the current line runs exactly once in each call of its function."""
        return self.depth == self.entered

    # ------------------------------------------------------------------------------- names

    def fresh(self, base: str, users: bool = False) -> str:
        """Return a name that is not in use; ``users``: it is the user's own."""
        base = base if base.isidentifier() else "t"
        for k in itertools.count(1):
            name = f"t{k}" if base == "t" and not users else base if k == 1 else f"{base}_{k}"
            if name in self.types or name in _TAKEN:
                continue
            if users and k == 1:
                return name
            if name not in self.reserved:
                return name
        raise AssertionError

    def hidden_name(self, base: str) -> str:
        """Return a Python name for a scope that no user's name can equal."""
        return f"<{base} {next(self._count)}>"

    def temporary(self, expr: Expr, hint: str = "t", users: bool = False) -> Var:
        """Give the value of an expression a name; that of a part of a buffer is a view."""
        from . import memory

        if expr.type.is_array and memory.root_of(self, expr) is not None:
            return memory.alias(self, expr, hint, users)
        name = self.fresh(hint, users)
        memory.assign(self, name, expr)
        return Var(expr.type, name)

    def lookup(self, name: str) -> Value:
        """Return the value of a Python name."""
        from . import functions

        return functions.lookup(self, name)

    # ------------------------------------------------------------------------------ errors

    @property
    def location(self) -> str:
        """The user's line."""
        return str(self.origin) if self.origin is not None else "<unknown>:0"

    def error(self, problem: str, instead: str) -> UnsupportedError:
        """Return an error at the user's line."""
        return UnsupportedError(problem, instead, self.location)

    # ------------------------------------------------------------------------- static values

    def static(self, value: Value, what: str = "this value") -> Any:
        """Return a value that must be known now; ask for what it is computed from."""
        from . import contents
        from .containers import known

        found, python = known(value)
        if found:
            return python
        for leaf in _leaves(value):
            if isinstance(leaf.size, int):
                return leaf.size
            self.ask(leaf)
            contents.ask(self, leaf.expr)
        raise self.error(
            f"The value of {what} must be known before the program runs, "
            "and it depends on numbers that the program computes",
            "pass it as an argument of its own, or write a loop over range(...) with stores "
            "into an array",
        )

    def ask(self, leaf: Leaf) -> None:
        """Request what a value is computed from; return if there is nothing to request."""
        self._ask(leaf.expr, set())
        self.ask_size(leaf.size)

    def _ask(self, expr: Expr, seen: set[str]) -> None:
        """Raise a request for the first argument or loop index that an expression reads."""
        for part in walk(expr):
            if isinstance(part, Dim):
                self.ask_size(part.base.type.sizes[part.axis])
                self._ask_shapes(part.base, set())
            place = None
            if isinstance(part, Access):
                place = (part.root, part.path)
            elif isinstance(part, Var) and part.name not in seen:
                seen.add(part.name)
                if part.name in self.loops:
                    raise Refine(("unroll", self.loops[part.name]))
                place = self.arguments.get(part.name)
                definition = self.definitions.get(part.name)
                if definition is not None:
                    self._ask(definition, seen)
            if place is not None and part.type.is_number and not part.type.is_differentiable:
                raise Refine(("static", place))

    def _ask_shapes(self, expr: Expr, seen: set[str]) -> None:
        """Raise a request for the shape of the first argument that an array is made from."""
        for part in walk(expr):
            for size in part.type.sizes if part.type.is_array else ():
                self.ask_size(size)
            if isinstance(part, Var) and part.name not in seen:
                seen.add(part.name)
                definition = self.definitions.get(part.name)
                if definition is not None:
                    self._ask_shapes(definition, seen)

    def ask_size(self, size: Any) -> None:
        """Request the shape of the first argument that has an axis of this size."""
        if size is None or isinstance(size, int):
            return
        wanted = set(size_algebra.atoms(size))
        for name, place in self.arguments.items():
            if wanted & set(self.types[name].sizes):
                raise Refine(("sizes", place))


@dataclass(slots=True)
class Tables:
    """What the state knows of variables; put back when a body is lowered again."""

    contents: dict[str, Any]

    _NAMES = (
        *("types", "buffers", "roots", "sites", "definitions", "rebound", "homes", "loops"),
        *("mixed", "contents"),
    )

    @classmethod
    def take(cls, state: State) -> Tables:
        """Remember the tables."""
        return cls({name: getattr(state, name).copy() for name in cls._NAMES})

    def restore(self, state: State) -> None:
        """Put the tables back; hidden inputs stay."""
        hidden = {name: state.types[name] for name in state.hidden}
        sites = {name: state.sites[name] for name in state.hidden if name in state.sites}
        for name, contents in self.contents.items():
            table = getattr(state, name)  # in place: others may hold it too
            table.clear()
            table.update(contents)
        state.types.update(hidden)
        state.sites.update(sites)


def _leaves(value: Value) -> Iterator[Leaf]:
    match value:
        case Leaf():
            yield value
        case Items(items=items):
            for item in items:
                yield from _leaves(item)
        case Mapping(items=entries):
            for item in entries.values():
                yield from _leaves(item)


def is_plain_number(value: Value) -> bool:
    """Tell whether a value is a number known now."""
    return isinstance(value, Known) and type_of(value.value).is_number


def in_rule(state: State) -> bool:
    """Tell whether the code being lowered is that of a rule."""
    return is_rule_module(state.scope.globals.get("__name__"))


def is_rule_module(module: Any) -> bool:
    """Tell whether a module is part of the rule table."""
    return str(module).startswith("chainrule.rules")
