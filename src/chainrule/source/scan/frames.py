"""Functions being read: their names, their texts, and the objects that they find outside."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .rules import NOTHING, PLAIN, Value, boxed, join

Text = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Ref(NamedTuple):
    """An object that is known before the function runs, compared by identity."""

    key: int
    object: Any

    def __hash__(self) -> int:
        return self.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self.key == other.key


class Closure:
    """A function defined inside one that is being read."""

    __slots__ = ("frame", "node")

    def __init__(self, node: Text, frame: Frame) -> None:
        self.node, self.frame = node, frame

    def __hash__(self) -> int:
        return hash((id(self.node), id(self.frame)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Closure) and self.node is other.node and self.frame is other.frame


class Bound(NamedTuple):
    """A function with some arguments given: a method, a partial."""

    function: Any
    args: tuple[Value, ...]
    kwargs: tuple[tuple[str, Value], ...] = ()


class Derived(NamedTuple):
    """A derivative of a function, which traces the arguments by itself."""

    function: Any


class Made(NamedTuple):
    """An object of the user's class, made by the function; its content is in the value's bits."""

    cls: type


class Frame:
    """One function being read: what its names may be, and where names from outside are found."""

    def __init__(self, node: Text, file: str, parent: Frame | None, function: Any) -> None:
        self.node, self.file, self.parent = node, file, parent
        self.names: dict[str, Value] = dict.fromkeys(_locals(node), NOTHING)
        self.parameters = frozenset(p.arg for p in parameters(node))
        self.written: dict[str, Value] = {}
        """Parameters whose content is changed, with what is stored."""
        self.result = NOTHING
        self.version = 0
        """Grows whenever something becomes more."""
        self.spread: dict[str, list[Value]] = {}
        """``*args``, position by position: wrappers hand them on."""
        self.globals: dict[str, Any] = function.__globals__ if function else {}
        free = function.__code__.co_freevars if function else ()
        self.cells = dict(zip(free, function.__closure__ or (), strict=True)) if function else {}

    def bind(self, name: str, value: Value) -> None:
        """Let a name be a value, among others."""
        frame = self.owner(name) or self
        before = frame.names.get(name, NOTHING)
        after = join(before, value)
        if after != before:
            frame.names[name] = after
            frame.version += 1

    def owner(self, name: str) -> Frame | None:
        """Return the frame whose local variable it is."""
        frame: Frame | None = self
        while frame is not None and name not in frame.names:
            frame = frame.parent
        return frame

    def age(self) -> int:
        """Return a number that grows when a name changes here or in a frame around."""
        return self.version + (self.parent.age() if self.parent else 0)

    def stored(self) -> dict[int | str, Value]:
        """Return what is stored into the parameters, by position and by name."""
        given = self.node.args
        positional = [p.arg for p in (*given.posonlyargs, *given.args)]
        stored: dict[int | str, Value] = dict(self.written.items())
        for i, name in enumerate(positional):
            if name in self.written:
                stored[i] = self.written[name]
        return stored

    def outside(self, name: str) -> tuple[Any, str, Any] | None:
        """Find a global, closed-over or built-in name: where it was, its name, the object."""
        frame = self
        while frame.parent is not None:
            frame = frame.parent
        if name in frame.cells:
            cell = frame.cells[name]
            return (cell, name, cell.cell_contents) if _is_filled(cell) else None
        for holder in (frame.globals, vars(builtins)):
            if name in holder:
                return holder, name, holder[name]
        return None

    def receive(
        self,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        rest: Value,
        defaults: Mapping[str, Value],
    ) -> None:
        """Bind the parameters; ``rest`` is what may come in at any position (``f(*values)``)."""
        given = self.node.args
        positional = [p.arg for p in (*given.posonlyargs, *given.args)]
        named = {p.arg for p in parameters(self.node)}
        for name in named:
            self.bind(name, join(rest, kwargs.get(name, NOTHING)))
        for name, value in defaults.items():
            self.bind(name, value)
        for name, value in zip(positional, args, strict=False):
            self.bind(name, value)
        if given.vararg:
            more = list(args[len(positional) :])
            self.spread[given.vararg.arg] = more
            self.bind(given.vararg.arg, boxed(*more, rest))
        if given.kwarg:
            others = [value for name, value in kwargs.items() if name not in named]
            self.bind(given.kwarg.arg, boxed(*others, rest))


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it is the question
    except ValueError:
        return False
    return True


def parameters(node: Text) -> list[ast.arg]:
    """Return the named parameters of a function, without ``*args`` and ``**kwargs``."""
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def _locals(node: Text) -> Iterator[str]:
    given = node.args
    yield from (p.arg for p in parameters(node))
    yield from (p.arg for p in (given.vararg, given.kwarg) if p)
    bound, elsewhere = set[str](), set[str]()
    for part in own_nodes(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            bound.add(part.id)
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(part.name)
        elif isinstance(part, ast.alias):
            bound.add((part.asname or part.name).partition(".")[0])
        elif isinstance(part, ast.Global | ast.Nonlocal):
            elsewhere.update(part.names)
    yield from bound - elsewhere


def own_nodes(node: Text) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of the functions defined in it."""
    queue: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
    while queue:
        part = queue.pop()
        yield part
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            queue.extend(ast.iter_child_nodes(part))


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Value]]:
    """Yield the names that an import statement binds, with what is loaded already."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            module = alias.name if alias.asname else alias.name.partition(".")[0]
            name, found = alias.asname or module, sys.modules.get(module)
        else:
            name = alias.asname or alias.name
            found = getattr(sys.modules.get(node.module or ""), alias.name, None)
        yield name, NOTHING if found is None else of_object(found)


def of_object(found: Any) -> Value:
    """Return what is known of an object from outside the function."""
    if isinstance(found, np.ndarray):
        return Value(PLAIN)
    if isinstance(found, bool | int | float | complex | str | bytes | np.generic | None):
        return NOTHING
    if isinstance(found, list | tuple) and len(found) <= 100 and not hasattr(found, "_fields"):
        return boxed(*map(of_object, found))
    if isinstance(found, dict) and len(found) <= 100:
        return boxed(*map(of_object, found.values()))
    return Value(0, frozenset([Ref(id(found), found)]))


def attribute_of(holder: Any, name: str) -> Value:
    """Look up an attribute of a known object without running code of its class."""
    if isinstance(holder, types.ModuleType):
        found = getattr(holder, name, None)
        return NOTHING if found is None else of_object(found)
    if isinstance(holder, np.ufunc | np.random.Generator | np.random.RandomState):
        return of_object(getattr(holder, name, None))
    found = inspect.getattr_static(holder, name, None)
    if isinstance(found, types.MemberDescriptorType):  # of a class with slots
        return of_object(getattr(holder, name, None))
    if isinstance(found, staticmethod):
        return of_object(found.__func__)
    if isinstance(found, classmethod):
        return _method(found.__func__, of_object(type(holder)))
    if isinstance(found, types.FunctionType) and not isinstance(holder, type):
        return _method(found, of_object(holder))
    return NOTHING if found is None else of_object(found)


def method_of_made(made: Made, content: int, name: str) -> Value:
    """Look up a method of an object that the function has made."""
    found = inspect.getattr_static(made.cls, name, None)
    if isinstance(found, types.FunctionType):
        return _method(found, Value(content, frozenset([made])))
    return attribute_of(made.cls, name) if found is not None else NOTHING


def _method(function: Any, first: Value) -> Value:
    return Value(0, frozenset([Bound(Ref(id(function), function), (first,))]))
