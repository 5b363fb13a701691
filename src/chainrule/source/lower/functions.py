"""The user's functions: inlining a call, names in scope, values from outside."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import types
from typing import Any

from ...errors import UnsupportedError
from .. import jumps, liveness, parse
from ..ir import Access, Lit, Origin, Var
from ..readers import Attribute, Cell, Item, Itself
from ..values import Function, Items, Known, Leaf, Mapping, Scope, Value
from . import absent, binding, expressions, memory, recursion, slots, statements
from .containers import lift
from .outside import from_outside
from .purity import is_library_file
from .state import State, in_rule, is_rule_module

_DEPTH = 50

# -------------------------------------------------------------------------------------- names


def lookup(state: State, name: str) -> Value:
    """Return the value of a name: of the function, of those around it, of the module, built in."""
    return absent.read(state, _found(state, name), name)


def _found(state: State, name: str) -> Value:
    scope: Scope | None = state.scope
    while scope is not None:
        if name in scope.variables:
            return scope.variables[name]
        if name in scope.local_names:
            raise state.error(
                f"{name} may be read before it is bound", f"bind {name} before the loop or branch"
            )
        if name in scope.cells and in_rule(state):
            return lift(scope.cells[name].cell_contents)
        if name in scope.cells:
            cell = scope.cells[name]
            return from_outside(state, cell.cell_contents, Cell(cell), name)
        last, scope = scope, scope.outer
    space = last.globals
    if name in space and in_rule(state):
        return lift(space[name])
    if name in space:
        return from_outside(state, space[name], Item(Itself(space), name), name)
    if hasattr(builtins, name):
        return Known(getattr(builtins, name))
    raise state.error(f"The name {name} is not defined", "define it, or pass it as an argument")


# ----------------------------------------------------------------------------------- functions


def function_value(state: State, fn: Any) -> Function | None:
    """Return a Python function as an abstract one; None where its source is not at hand."""
    if isinstance(fn, types.MethodType):
        inner = function_value(state, fn.__func__)
        receiver = from_outside(state, fn.__self__, Attribute(Itself(fn), "__self__"), "self")
        return inner and Function(
            inner.node, inner.scope, inner.defaults, (receiver, *inner.first), {}, fn
        )
    if isinstance(fn, functools.partial):
        return _partial(state, fn)
    if not isinstance(fn, types.FunctionType):
        wrapped = getattr(fn, "__wrapped__", None) or getattr(fn, "py_func", None)
        call = inspect.getattr_static(type(fn), "__call__", None)
        if wrapped is None and isinstance(call, types.FunctionType):
            wrapped = types.MethodType(call, fn)
        return function_value(state, wrapped) if wrapped is not None else None
    node = parse.definition(fn)
    if node is None:
        wrapped = getattr(fn, "__wrapped__", None)
        return function_value(state, wrapped) if wrapped is not None else None
    if isinstance(node, ast.AsyncFunctionDef):
        state.origin = Origin(fn.__code__.co_filename, node.lineno, "")
        raise state.error(f"{fn.__name__} is an async function", "write a plain function")
    cells = dict(zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True))
    scope = Scope({}, None, fn.__globals__, fn.__code__.co_filename, cells)
    return Function(node, scope, _defaults(state, fn), (), {}, fn)


def _partial(state: State, fn: functools.partial[Any]) -> Function | None:
    inner = function_value(state, fn.func)
    if inner is None:
        return None
    first = tuple(
        from_outside(state, x, Item(Attribute(Itself(fn), "args"), k), f"given{k + 1}")
        for k, x in enumerate(fn.args)
    )
    keywords = {
        key: from_outside(state, x, Item(Attribute(Itself(fn), "keywords"), key), key)
        for key, x in fn.keywords.items()
    }
    return Function(
        inner.node, inner.scope, inner.defaults, (*inner.first, *first),
        {**inner.keywords, **keywords}, fn,
    )  # fmt: skip


def _defaults(state: State, fn: types.FunctionType) -> dict[str, Value]:
    code = fn.__code__
    given = fn.__defaults__ or ()
    if is_rule_module(fn.__module__):
        names = code.co_varnames[code.co_argcount - len(given) : code.co_argcount]
        defaults = dict(zip(names, given, strict=True)) | (fn.__kwdefaults__ or {})
        return {name: lift(x) for name, x in defaults.items()}
    names = code.co_varnames[code.co_argcount - len(given) : code.co_argcount]
    found = {
        name: from_outside(state, x, Item(Attribute(Itself(fn), "__defaults__"), k), name)
        for k, (name, x) in enumerate(zip(names, given, strict=True))
    }
    for name, x in (fn.__kwdefaults__ or {}).items():
        found[name] = from_outside(
            state, x, Item(Attribute(Itself(fn), "__kwdefaults__"), name), name
        )
    return found


def name_of(function: Function) -> str:
    """Return the name of a function for messages."""
    return getattr(function.node, "name", "lambda")


# ------------------------------------------------------------------------------------ inlining


def inline(state: State, function: Function, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Lower a call of a user's function: in place, if that comes to an end."""
    arguments = bind_arguments(state, function, args, kwargs)
    if recursion.is_apart(state, function):
        return recursion.invoke(state, function, arguments)
    _check_end(state, function)
    scope = Scope({}, function.scope, function.scope.globals, function.scope.file)
    here = state.origin and (state.origin.file, state.origin.line)
    saved = (state.scope, state.origin, state.entered, state.path)
    state.kept.append(scope)
    state.frames.append(scope)
    state.calls.append((function.node, len(state.tests) + state.depth))
    state.scope, state.entered, state.path = scope, state.depth, (*state.path, here)
    try:
        for name, value in arguments.items():
            scope.variables[name] = _passed(state, name, value)
        return run_body(state, function.node)
    except UnsupportedError as error:
        raise _at_call(error, function, saved[1]) from None
    finally:
        state.frames.pop()
        state.calls.pop()
        state.scope, state.origin, state.entered, state.path = saved


def _check_end(state: State, function: Function) -> None:
    """Ask for what is needed where a recursion does not end by what is known."""
    calls = [inside for node, inside in state.calls if node is function.node]
    if calls and len(state.tests) + state.depth > calls[0]:
        recursion.ask_apart(state, function)
    if len(calls) > 1:
        for test in state.tests:  # it ends where its condition is known
            state.ask(test)
    if len(state.calls) > _DEPTH:
        recursion.ask_apart(state, function)
        (reason,) = recursion.refusals(state, function)
        raise UnsupportedError(
            f"{name_of(function)} calls itself more than {_DEPTH} times, or without end, and "
            f"cannot be kept as a function: {reason.problem}",
            f"{reason.instead}; or write the recursion as a loop",
            reason.location or state.location,
        )


def _at_call(error: UnsupportedError, function: Function, origin: Origin | None) -> Exception:
    """Blame the user's call for what stands in the text of a library."""
    inside, outside = (error.location or ""), str(origin)
    if not is_library_file(inside) or is_library_file(outside) or origin is None:
        return error
    return UnsupportedError(
        f"{name_of(function)} cannot be followed: {error.problem}",
        "do it outside of the function, or write it with NumPy",
        outside,
    )


def _passed(state: State, name: str, value: Value) -> Value:
    """Bind a parameter: what has a name already keeps it."""
    if isinstance(value, Leaf) and not isinstance(value.expr, (Var, Lit, Access)):
        binding.bind(state, name, value)
        return state.scope.variables[name]
    return memory.held(state, value, name)


def run_body(state: State, node: ast.FunctionDef | ast.Lambda) -> Value:
    """Run a function's body in the current scope, whose parameters are bound."""
    if isinstance(node, ast.Lambda):
        return expressions.evaluate(state, node.body)
    _check(state, node)
    state.scope.local_names = _local_names(node)
    statements.execute(state, _body(node))
    found = state.scope.variables.pop(jumps.RESULT, Known(None))
    return found if absent.is_maybe(found) else slots.readable(found)


@functools.lru_cache(512)
def _body(node: ast.FunctionDef) -> list[ast.stmt]:
    body = jumps.remove_jumps(node.body)
    liveness.annotate(body)
    return body


@functools.lru_cache(512)
def _local_names(node: ast.FunctionDef) -> frozenset[str]:
    outside = {
        name
        for inner in parse.own_nodes(node)
        if isinstance(inner, ast.Nonlocal)
        for name in inner.names
    }
    return frozenset(parse.assigned_names(node.body)) - outside


def _check(state: State, node: ast.FunctionDef) -> None:
    """Refuse generators."""
    inner = _interruption(node)
    if inner is not None:
        state.origin = statements.origin_of(state, inner)
        raise state.error(
            f"{node.name} is a generator or a coroutine",
            "collect the values in a list and return it",
        )


@functools.lru_cache(512)
def _interruption(node: ast.FunctionDef) -> ast.AST | None:
    kinds = (ast.Yield, ast.YieldFrom, ast.Await)
    return next((part for part in parse.own_nodes(node) if isinstance(part, kinds)), None)


def bind_arguments(
    state: State, function: Function, args: list[Value], kwargs: dict[str, Value]
) -> dict[str, Value]:
    """Match arguments with parameters, as Python does."""
    a = function.node.args
    given = [*function.first, *args]
    named = {**function.keywords, **kwargs}
    positional = [p.arg for p in (*a.posonlyargs, *a.args)]
    found = dict(zip(positional, given, strict=False))
    rest = given[len(positional) :]
    if rest and a.vararg is None:
        raise _mismatch(state, function, f"takes {len(positional)} arguments, not {len(given)}")
    for name in [*positional[len(a.posonlyargs) :], *(p.arg for p in a.kwonlyargs)]:
        if name in named:
            if name in found:
                raise _mismatch(state, function, f"got two values for {name}")
            found[name] = named.pop(name)
    if named and a.kwarg is None:
        raise _mismatch(state, function, f"has no parameter {next(iter(named))}")
    for name in [*positional, *(p.arg for p in a.kwonlyargs)]:
        if name not in found:
            if name not in function.defaults:
                raise _mismatch(state, function, f"misses the argument {name}")
            found[name] = function.defaults[name]
    if a.vararg is not None:
        found[a.vararg.arg] = Items(rest)
    if a.kwarg is not None:
        found[a.kwarg.arg] = Mapping(named)
    return found


def _mismatch(state: State, function: Function, what: str) -> Exception:
    return state.error(f"{name_of(function)} {what}", "call it with the arguments that it declares")


__all__ = [
    "bind_arguments",
    "from_outside",
    "function_value",
    "inline",
    "lookup",
    "run_body",
]
