"""Lowering a function from start to end, started over where it has to be told more."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from collections.abc import Mapping as AbstractMapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from .. import parse, sizes, templates
from ..ir import (
    Access,
    Assign,
    Call,
    Expr,
    Origin,
    Program,
    Var,
    expressions,
    names_in,
    statements,
)
from ..signature import Binder, Signature
from ..types import INT, OBJECT
from ..values import Function, Items, Known, Leaf, Mapping, Record, Value
from . import absent, containers, functions, handing, memory
from .purity import derivative_of
from .state import Place, Refine, State

_LIMIT = 200
"""How often lowering may start over."""


def lower(
    fn: Callable[..., Any],
    signature: Signature | AbstractMapping[str, Value],
    name: str | None = None,
) -> Program:
    """Return the program of a function.

    With a ``Signature``, numbers (or shapes of arrays) among the arguments that must be known are
    looked up there; their places are the program's ``static``. With a dict of abstract values, one
    per parameter, ``Refine`` comes out: ``('static', place)`` or ``('sizes', place)``.
    """
    with _deep_recursion():
        return _lower(fn, signature, name)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Nested calls and blocks take many frames of the interpreter each."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 20_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _lower(
    fn: Callable[..., Any], signature: Signature | AbstractMapping[str, Value], name: str | None
) -> Program:
    refinements: frozenset[Any] = frozenset()
    static: tuple[Place, ...] = ()
    for _ in range(_LIMIT):
        if isinstance(signature, Signature):
            given, contents = signature.arguments(static), signature.contents(static)
        else:
            given, contents = dict(signature), {}
        try:
            lowering = _Lowering(fn, given, name, refinements, contents)
            if isinstance(signature, Signature):
                lowering.state.looked_at = {p: signature.static_value(p) for p in static}
            program = lowering.run()
        except Refine as request:
            if set(request.keys) <= refinements:
                raise AssertionError(f"asked twice for {request.keys}") from request
            places = [key[1] for key in request.keys if key[0] in ("static", "sizes")]
            if places and not isinstance(signature, Signature):
                raise
            static += tuple(place for place in places if place not in static)
            refinements |= {*request.keys, *lowering.state.wanted}
            continue
        except Exception:
            if not lowering.state.wanted:
                raise
        if lowering.state.wanted:
            refinements |= lowering.state.wanted
            continue
        program.static = static
        return program
    raise UnsupportedError(
        f"{getattr(fn, '__name__', fn)} cannot be brought to a program: too many restarts",
        "split it into smaller functions",
    )


class _Lowering:
    def __init__(
        self,
        fn: Callable[..., Any],
        arguments: AbstractMapping[str, Value],
        name: str | None,
        refinements: frozenset[Any],
        contents: dict[Place, Any],
    ) -> None:
        self.fn = fn
        self.arguments = arguments
        self.name = name
        self.state = State(refinements)
        self.contents = contents
        self.body: list[Any] = []
        self.kept: set[str] = set()
        """Parameters whose default is one object for all calls, which may not be changed."""

    def run(self) -> Program:
        """Lower the function."""
        state = self.state
        parameters = Binder(self.fn).parameters
        state.types = {p.name: OBJECT for p in parameters}  # their names are taken
        function = self._function()
        origin = Origin(function.scope.file, function.node.lineno, "")
        state.origin = origin
        state.scope = function.scope
        state.frames = [function.scope]
        state.reserved = parse.free_names(function.node)
        self.kept = {p.name for p in parameters if isinstance(p.default, _MUTABLE)}
        bound = {name: self._argument(name, value) for name, value in self.arguments.items()}
        state.origin = origin
        args, kwargs = self._given(function, bound)
        state.program = self.name or _identifier(function)
        if derivative_of(self.fn) is None:
            result = functions.inline(state, function, args, kwargs)
        else:
            from .calls import call

            result = call(state, Known(self.fn), args, kwargs)
        state.origin = origin
        template = self._template(result)
        own_functions = handing.functions_of(state)
        return Program(
            state.program,
            parameters,
            state.block,
            template,
            state.types,
            self._inputs(),
            frozenset(state.buffers),
            self._hidden(template),
            function.scope.file,
            function.node.lineno,
            state.prints,
            guards=tuple(state.guards),
            spliced=frozenset(state.spliced),
            changed=tuple(
                key[1][1]
                for key in sorted(state.refinements, key=repr)
                if key[0] == "buffer" and key[1][0] == "argument"
            ),
            functions=own_functions,
        )

    def _function(self) -> Function:
        state = self.state
        state.origin = None
        fn = self.fn
        while (derivative := derivative_of(fn)) is not None:
            fn = derivative[1]  # it has the same parameters
        found = functions.function_value(state, fn)
        if found is None:
            code = getattr(self.fn, "__code__", None)
            where = f"{code.co_filename}:{code.co_firstlineno}" if code else "<unknown>:0"
            raise UnsupportedError(
                f"The source of {getattr(self.fn, '__name__', self.fn)} is not at hand",
                "write it as a Python function in a file or a notebook cell; import the file again "
                "if it was changed",
                where,
            )
        return found

    # ----------------------------------------------------------------------------- arguments

    def _argument(self, name: str, value: Value, root: str = "") -> Value:
        """Take an argument apart: each number or array of a container gets a variable."""
        if isinstance(value, Leaf):
            return self._leaf(value, name)
        root = root or name
        match value:
            case Items(items=items, kind=kind, cls=cls):
                parts = [self._argument(f"{name}_{k}", item, root) for k, item in enumerate(items)]
                made: Value = Items(parts, kind, cls)
            case Mapping(items=entries):
                made = Mapping(
                    {k: self._argument(f"{name}_{k}", v, root) for k, v in entries.items()}
                )
            case Record(cls=cls, attributes=entries):
                made = Record(
                    cls, {k: self._argument(f"{name}_{k}", v, root) for k, v in entries.items()}
                )
            case _:
                return value
        if isinstance(made, Record) or root in self.kept:
            self.state.kept.append(made)
            self.state.foreign.add(id(made))
        return made

    def _leaf(self, value: Leaf, name: str) -> Leaf:
        state, expr = self.state, value.expr
        if isinstance(expr, Access):
            var = state.fresh(name if name.isidentifier() else "arg")
            place: Place = (expr.root, expr.path)
            state.types[var] = expr.type
            state.emit(Assign(var, expr))
        else:
            assert isinstance(expr, Var)
            var, place = expr.name, (expr.name, ())
            state.types[var] = expr.type
        site: Any = ("outside", name) if place[0] in self.kept else ("argument", place)
        state.arguments[var] = place
        state.definitions[var] = None
        state.sites[var] = frozenset({site}) if expr.type.is_array else frozenset()
        found = Var(expr.type, var)
        if place in self.contents:
            state.contents[var] = self.contents[place]
        if expr.type == INT and value.size is None:
            return Leaf(found, None, sizes.integer(var))
        if ("buffer", site) not in state.refinements or not expr.type.is_array:
            return Leaf(found, None, value.size)
        state.emit(Assign(var, Call(expr.type, memory.COPY, (found,))))
        state.buffers.add(var)
        return Leaf(found, var)

    def _given(
        self, function: Function, bound: dict[str, Value]
    ) -> tuple[list[Value], dict[str, Value]]:
        """Return the arguments as the call that binds them so."""
        a = function.node.args
        args: list[Value] = []
        kwargs = dict(bound)
        free = [p.arg for p in (*a.posonlyargs, *a.args)][len(function.first) :]
        for name in free:
            if name in kwargs and name not in function.keywords:
                args.append(kwargs.pop(name))
            else:
                break
        if a.vararg is not None:
            rest = kwargs.pop(a.vararg.arg, Items([]))
            args += rest.items if isinstance(rest, Items) else []
        if a.kwarg is not None:
            more = kwargs.pop(a.kwarg.arg, Mapping({}))
            kwargs.update(more.items if isinstance(more, Mapping) else {})
        return args, kwargs

    def _inputs(self) -> dict[str, Place]:
        types = self.state.types
        return {
            name: place
            for name, place in self.state.arguments.items()
            if types[name].is_differentiable
        }

    # -------------------------------------------------------------------------------- result

    def _template(self, value: Value) -> Any:
        """Return the result: containers with expressions at the leaves."""
        state = self.state
        match absent.read(state, value, "the result"):
            case Leaf(expr=expr):
                return expr if isinstance(expr, Var) else state.temporary(expr, "result")
            case Known() as known:
                return known.expr
            case Items(items=items, kind=kind, cls=cls) if kind != "iterator":
                parts = [self._template(item) for item in items]
                if containers.is_deque(value):
                    raise state.error("The function returns a deque", "return list(...)")
                return cls(*parts) if cls else parts if kind == "list" else tuple(parts)
            case Mapping(items=entries):
                return {key: self._template(item) for key, item in entries.items()}
            case Record(cls=cls, attributes=entries) if _is_plain(cls):
                members = {key: self._template(x) for key, x in entries.items()}
                return templates.instance(cls, members)
        raise state.error(
            f"The function returns a {containers.describe(value)}",
            "return arrays, numbers, or tuples, lists, dicts and plain dataclasses of them",
        )

    def _hidden(self, template: Any) -> dict[str, Callable[[], Any]]:
        """Return the hidden inputs that the program reads."""
        used = _names(template)
        for statement in statements(self.state.block):
            for expr in expressions(statement):
                used |= names_in(expr)
        return {name: read for name, read in self.state.hidden.items() if name in used}


_MUTABLE = (list, dict, set, np.ndarray)


def _is_plain(cls: Any) -> bool:
    """Tell a dataclass whose objects are made of their fields and nothing else."""
    return (
        dataclasses.is_dataclass(cls)
        and not hasattr(cls, "__post_init__")
        and all(field.init for field in dataclasses.fields(cls))
    )


def _identifier(function: Function) -> str:
    name = functions.name_of(function)
    return {"lambda": "function", "__call__": "call"}.get(name, name)


def _names(template: Any) -> set[str]:
    if isinstance(template, Expr):
        return set(names_in(template))
    if isinstance(template, dict):
        template = list(template.values())
    return set().union(*map(_names, template)) if isinstance(template, (list, tuple)) else set()
