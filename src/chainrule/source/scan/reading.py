"""Which names of a function may hold traced values, and where the tape would lose one.

The reading goes over the text of the function and of the user's functions that it calls, without
running them. It does not follow the order of statements: a name may be whatever is bound to it
anywhere in its function. Names are given more until nothing changes.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..parse import definition
from ..patterns import as_ifs
from . import expressions
from .frames import Closure, Frame, Text, imported, of_object
from .questions import class_question
from .rules import (
    CALLERS,
    GIVEN,
    NOTHING,
    PART,
    PLAIN,
    TRACED,
    Outcome,
    Value,
    arithmetic,
    boxed,
    element,
    join,
)

REFUSED: dict[type[ast.AST], str] = {
    ast.Try: "try/except",
    ast.TryStar: "try/except",
    ast.Yield: "a generator (yield)",
    ast.YieldFrom: "a generator (yield from)",
    ast.Await: "await",
    ast.AsyncFor: "async for",
    ast.AsyncWith: "async with",
    ast.AsyncFunctionDef: "an async function",
    ast.ClassDef: "a class definition",
    ast.Global: "a global statement",
    ast.Nonlocal: "a nonlocal statement",
}
"""What the source engine does not take."""

DEPTH = 40
"""Functions that call each other deeper than this are taken to return what they are given."""


FUNCTIONS = 200
"""More functions than this are not read: the others are taken to return what they are given."""

ROUNDS = 20
"""Names settle in two or three rounds; functions that wrap themselves in partials never do."""


class Reading:
    """One scan: what it found, and the names from outside that it depends on."""

    def __init__(self) -> None:
        self.alarms: dict[tuple[str, str], None] = {}
        """Where the tape would lose a traced value: 'FILE:LINE', and what."""
        self.refused: dict[tuple[str, str], None] = {}
        """What the source engine does not take."""
        self.outside: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        """Global and closed-over names that were looked up: holder, name, object."""
        self._known: dict[Any, Outcome] = {}
        self._running: set[Any] = set()
        self._package = ""

    def alarm(self, node: ast.AST, frame: Frame, what: str) -> None:
        """Note what the tape cannot follow."""
        self.alarms[self.place(node, frame), what] = None

    def refuse(self, node: ast.AST, frame: Frame, what: str) -> None:
        """Note what the source engine cannot follow."""
        self.refused[self.place(node, frame), what] = None

    def place(self, node: ast.AST, frame: Frame) -> str:
        """Return 'FILE:LINE' of a node."""
        return f"{frame.file}:{getattr(node, 'lineno', frame.node.lineno)}"

    # -- functions ---------------------------------------------------------------------------------

    def function(
        self,
        fn: types.FunctionType,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        rest: Value = NOTHING,
    ) -> Outcome:
        """Read a function that has been defined, with what it may be given."""
        code = fn.__code__
        if len(self._known) > FUNCTIONS or not self._is_near(fn):
            return Outcome(boxed(rest, *args, *kwargs.values()))
        node = definition(fn)
        if node is None:
            place = f"{code.co_filename}:{code.co_firstlineno}"
            self.refused[place, f"{fn.__name__}, a function without source"] = None
            return Outcome(Value(join(rest, *args, *kwargs.values()).bits))
        frame = Frame(node, code.co_filename, None, fn)
        positional = inspect.getfullargspec(fn).args
        values = fn.__defaults__ or ()
        defaults = dict(zip(positional[len(positional) - len(values) :], values, strict=True))
        defaults |= fn.__kwdefaults__ or {}
        known = {name: of_object(value) for name, value in defaults.items()}
        return self._read(
            (id(code), *map(id, frame.cells.values())), frame, args, kwargs, rest, known
        )

    def _is_near(self, fn: types.FunctionType) -> bool:
        """Tell whether it is worth reading: not of an installed library, unless all began there."""
        package = (fn.__module__ or "").partition(".")[0]
        self._package = self._package or package
        return package == self._package or "site-packages" not in fn.__code__.co_filename

    def closure(
        self,
        closure: Closure,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        rest: Value = NOTHING,
    ) -> Outcome:
        """Read a function that is defined inside another one."""
        node, outer = closure.node, closure.frame
        given = node.args
        positional = [p.arg for p in (*given.posonlyargs, *given.args)]
        names = [
            *positional[len(positional) - len(given.defaults) :],
            *(p.arg for p in given.kwonlyargs),
        ]
        values = (*given.defaults, *given.kw_defaults)
        defaults = {
            name: self.value(value, outer)
            for name, value in zip(names, values, strict=True)
            if value is not None
        }
        key = (id(node), id(outer), outer.age())
        return self._read(key, Frame(node, outer.file, outer, None), args, kwargs, rest, defaults)

    def _read(
        self,
        which: tuple[int, ...],
        frame: Frame,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        rest: Value,
        defaults: Mapping[str, Value],
    ) -> Outcome:
        key = (which, tuple(args), frozenset(kwargs.items()), rest)
        if key in self._known:
            return self._known[key]
        if key in self._running or len(self._running) > DEPTH:
            return Outcome(Value(join(rest, *args, *kwargs.values()).bits))
        self._running.add(key)
        frame.receive(args, kwargs, rest, defaults)
        for _ in range(ROUNDS):
            before = frame.version
            self._body(frame.node, frame)
            if before == frame.version:
                break
        self._running.discard(key)
        self._known[key] = Outcome(frame.result, written=frame.stored())
        return self._known[key]

    def _body(self, node: Text, frame: Frame) -> None:
        if isinstance(node, ast.Lambda):
            self._returned(self.value(node.body, frame), frame)
        else:
            self._block(node.body, frame)

    def _returned(self, value: Value, frame: Frame) -> None:
        after = join(frame.result, value)
        frame.version += after != frame.result
        frame.result = after

    # -- statements --------------------------------------------------------------------------------

    def value(self, node: ast.expr, frame: Frame) -> Value:
        """Return what an expression may be."""
        return expressions.value(self, node, frame)

    def _block(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        for statement in body:
            self._statement(statement, frame)

    def _statement(self, node: ast.stmt, frame: Frame) -> None:
        match node:
            case ast.Assign():
                for target in node.targets:
                    self.assign(target, node.value, frame)
            case ast.AnnAssign(value=ast.expr() as given):
                self.assign(node.target, given, frame)
            case ast.AugAssign():
                self._augment(node, frame)
            case ast.Return(value=ast.expr() as given):
                self._returned(self.value(given, frame), frame)
            case ast.For():
                self.iterate(node.target, node.iter, frame)
                self._block([*node.body, *node.orelse], frame)
            case ast.FunctionDef():
                self._define(node, frame)
            case ast.With():
                self._with(node, frame)
            case ast.Import() | ast.ImportFrom():
                for name, value in imported(node):
                    frame.bind(name, value)
            case _:
                self.other(node, frame)

    def other(self, node: ast.AST, frame: Frame) -> None:
        """Read what has no meaning of its own here: the expressions in it, then its blocks."""
        if isinstance(node, ast.Match):
            self._match(node, frame)
        if type(node) in REFUSED and not _is_taken(node, frame):
            self.refuse(node, frame, REFUSED[type(node)])
        if isinstance(node, ast.ClassDef | ast.AsyncFunctionDef):
            return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child, frame)
            elif isinstance(child, ast.stmt):
                self._statement(child, frame)
            else:
                self.other(child, frame)

    def _match(self, node: ast.Match, frame: Frame) -> None:
        if as_ifs(node) is None:
            self.refuse(node, frame, "a match statement with patterns other than values")
        if self.value(node.subject, frame).bits & TRACED:
            patterns = [p for case in node.cases for p in ast.walk(case.pattern)]
            classes = [self.value(p.cls, frame) for p in patterns if isinstance(p, ast.MatchClass)]
            for asked in filter(None, map(class_question, classes)):
                self.alarm(node, frame, asked)

    def _define(self, node: ast.FunctionDef, frame: Frame) -> None:
        value = Value(0, frozenset([Closure(node, frame)]))
        for decorator in node.decorator_list:
            decorated = expressions.apply(self, self.value(decorator, frame), [value], {}).value
            value = decorated if decorated.refs else value
        frame.bind(node.name, value)

    def _with(self, node: ast.With, frame: Frame) -> None:
        for item in node.items:
            value = self.value(item.context_expr, frame)
            call = item.context_expr
            manager = self.value(call.func, frame) if isinstance(call, ast.Call) else value
            known = [getattr(ref, "object", None) for ref in manager.refs]
            if not any(manager in (np.errstate, np.printoptions) for manager in known):
                self.refuse(node, frame, "a with statement other than np.errstate")
            if item.optional_vars is not None:
                self._put(item.optional_vars, value, frame)
        self._block(node.body, frame)

    def assign(self, target: ast.expr, node: ast.expr, frame: Frame) -> None:
        """Bind or store; a display that meets one of the same length is taken apart."""
        if isinstance(target, ast.Tuple | ast.List) and isinstance(node, ast.Tuple | ast.List):
            starred = any(isinstance(e, ast.Starred) for e in (*target.elts, *node.elts))
            if len(target.elts) == len(node.elts) and not starred:
                for part, value in zip(target.elts, node.elts, strict=True):
                    self.assign(part, value, frame)
                return
        self._put(target, self.value(node, frame), frame)

    def _put(self, target: ast.expr, value: Value, frame: Frame) -> None:
        match target:
            case ast.Name():
                frame.bind(target.id, value)
            case ast.Tuple() | ast.List():
                row = Value(value.bits & PLAIN)  # of an array that is taken apart
                for part in target.elts:
                    self._put(part, join(element(value), row), frame)
            case ast.Starred():
                self._put(target.value, boxed(value), frame)
            case ast.Subscript():
                self._store(target, value, frame)
            case ast.Attribute(attr=name):
                if self.value(target.value, frame).traced and name == "shape":
                    self.alarm(target, frame, "the shape of a traced value is assigned")
                self.taint(target.value, boxed(value), frame)

    def _store(self, target: ast.Subscript, value: Value, frame: Frame) -> None:
        self.value(target.slice, frame)
        base = self.value(target.value, frame)
        array = base.bits & (PLAIN | PART) and not _is_text(target.slice)
        if array and value.traced:
            name = ast.unparse(target.value)
            self.alarm(target, frame, f"a traced value is stored into {name}, a plain array")
        elif array:
            self._changed(target, base, frame)
        if value != NOTHING:
            self.taint(target.value, Value(value.traced * TRACED) if array else boxed(value), frame)

    def _augment(self, node: ast.AugAssign, frame: Frame) -> None:
        value = self.value(node.value, frame)
        if not isinstance(node.target, ast.Name):
            if isinstance(node.target, ast.Subscript | ast.Attribute):
                self._changed(node.target, self.value(node.target.value, frame), frame)
            self._put(node.target, value, frame)
            return
        before = expressions.value(self, ast.Name(node.target.id, ast.Load()), frame)
        if before.bits & PLAIN and value.traced:
            name = node.target.id
            self.alarm(node, frame, f"{name}, a plain array, is changed in place by a traced value")
        else:
            self._changed(node.target, before, frame)
        self.taint(node.target, arithmetic(before, value), frame)

    def _changed(self, node: ast.expr, array: Value, frame: Frame) -> None:
        """Note that an argument is changed which the tape would hand on as it is."""
        if array.bits & GIVEN and array.bits & (PLAIN | PART):
            self.alarm(node, frame, f"{ast.unparse(node)} is changed, an argument, {CALLERS}")

    def taint(self, node: ast.expr, value: Value, frame: Frame) -> None:
        """Let the name at the root of ``a.b[i].T`` hold a value."""
        while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
            node = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Name):
            if frame.owner(node.id):
                frame.bind(node.id, value)
            if node.id in frame.parameters:
                frame.written[node.id] = join(frame.written.get(node.id, NOTHING), value)

    def iterate(self, target: ast.expr, node: ast.expr, frame: Frame) -> None:
        """Bind what a loop runs over; counters of enumerate and keys of dicts are plain."""
        value = self.value(node, frame)
        if isinstance(node, ast.Call) and isinstance(target, ast.Tuple):
            parts = self._columns(node, value, frame)
            if len(parts) == len(target.elts):
                for part, given in zip(target.elts, parts, strict=True):
                    self._put(part, given, frame)
                return
        self._put(target, element(value), frame)

    def _columns(self, node: ast.Call, value: Value, frame: Frame) -> list[Value]:
        match node.func:
            case ast.Name(id="enumerate") if node.args:
                return [NOTHING, element(self.value(node.args[0], frame))]
            case ast.Name(id="zip"):
                return [element(self.value(arg, frame)) for arg in node.args]
            case ast.Attribute(attr="items"):
                return [NOTHING, element(value)]
        return []


def _is_taken(node: ast.AST, frame: Frame) -> bool:
    """Tell what the source engine takes of a construct that it refuses otherwise."""
    if isinstance(node, ast.Nonlocal):  # of a function that is read too
        return all(frame.owner(name) is not None for name in node.names)
    return isinstance(node, ast.Try) and not node.handlers


def _is_text(index: ast.expr) -> bool:
    """Tell whether an index is a string, the key of a dict."""
    return isinstance(index, ast.Constant) and isinstance(index.value, str)
