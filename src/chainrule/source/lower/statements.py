"""Statements: what each does to the names in scope, and what is emitted for it."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import Call, Expr, Origin, Raise
from ..jumps import RESULT
from ..patterns import as_ifs
from ..types import OBJECT
from ..values import Function, Items, Known, Leaf, Mapping, Record, Value
from . import (
    absent,
    attributes,
    binding,
    branches,
    containers,
    displays,
    expressions,
    indexing,
    loops,
    memory,
    order,
    outside,
    slots,
    splitting,
)
from .augmented import augmented
from .binding import apart, bind
from .state import State, in_rule


def execute(state: State, body: Sequence[ast.stmt]) -> None:
    """Run statements one after the other."""
    outer = state.origin
    for k, node in enumerate(body):
        state.origin = origin_of(state, node)
        split = splitting.with_rest(state, node, body[k + 1 :])
        if split is not None:
            _if(state, split)
            break
        _HANDLERS.get(type(node), _refuse)(state, node)
    state.origin = outer


def origin_of(state: State, node: ast.AST) -> Origin:
    """Return the line of a statement, with that of its caller if it is of a rule."""
    file, line = state.scope.file, getattr(node, "lineno", 0)
    caller = state.origin.shown if in_rule(state) and state.origin is not None else None
    return Origin(file, line, linecache.getline(file, line).strip(), caller)


# ---------------------------------------------------------------------------------- assignment


def assign(state: State, target: ast.expr, value: Value) -> None:
    """Assign a value to a target: a name, a subscript, an attribute, a tuple of targets."""
    match target:
        case ast.Name(id=name):
            bind(state, name, value)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            _unpack(state, parts, value)
        case ast.Subscript(value=base, slice=index):
            mark = len(state.block)
            owner = expressions.evaluate(state, base)
            assign_item(state, owner, index, value, mark)
        case ast.Attribute(value=base, attr=name):
            assign_attribute(state, expressions.evaluate(state, base), name, value)
        case _:
            raise state.error(f"An assignment to {ast.unparse(target)!r}", "assign to names")


def _unpack(state: State, parts: list[ast.expr], value: Value) -> None:
    stars = [k for k, part in enumerate(parts) if isinstance(part, ast.Starred)]
    values = containers.items_of(state, value, None if stars else len(parts))
    if stars:
        k, extra = stars[0], len(values) - len(parts) + 1
        values = [*values[:k], Items(values[k : k + extra], "list"), *values[k + extra :]]
    if len(values) != len(parts):
        raise state.error(
            f"{len(values)} values are assigned to {len(parts)} names", "match their number"
        )
    rewritten = _homes_of(state, parts)
    values = [values[0], *(apart(state, v, rewritten) for v in values[1:])] if values else []
    for part, item in zip(parts, values, strict=True):
        assign(state, part.value if isinstance(part, ast.Starred) else part, item)


def _homes_of(state: State, parts: list[ast.expr]) -> set[str]:
    """Return the variables that an assignment to several targets may assign again."""
    key = id(state.scope.variables)
    names = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)}
    return {state.homes[key, name] for name in names if (key, name) in state.homes}


def assign_item(
    state: State, base: Value, node: ast.expr, value: Value, mark: int | None = None
) -> None:
    """``base[index] = value``; ``mark``: how much was emitted when the value had been computed."""
    mark = len(state.block) if mark is None else mark
    if isinstance(base, Leaf):
        index = indexing.index_of(state, node)
        (value,) = order.keep_before(state, [value], mark)
        memory.store(state, base, index, array_expression(state, value))
        return
    key = container_key(state, base, node)
    (value,) = order.keep_before(state, [value], mark)
    check_own(state, base)
    if isinstance(base, Items) and base.kind == "list" and isinstance(key, int):
        if not -len(base.items) <= key < len(base.items):
            raise state.error(f"The list has {len(base.items)} items, none at {key}", "append")
        base.items[key] = memory.held(state, value)
    elif isinstance(base, Items) and base.kind == "list" and isinstance(key, slice):
        base.items[key] = [memory.held(state, item) for item in containers.items_of(state, value)]
    elif isinstance(base, Mapping):
        base.items[key] = memory.held(state, value)
    else:
        raise state.error(
            f"An item of a {containers.describe(base)} is assigned", "assign to items of a list"
        )


def container_key(state: State, base: Value, node: ast.expr) -> Any:
    """Return the known index of a list or dict."""
    return state.static(
        indexing.index_value(state, node), f"the index of a {containers.describe(base)}"
    )


def check_own(state: State, base: Value) -> None:
    """Refuse to change a container from outside of the function."""
    if id(base) in state.foreign:
        raise state.error(
            f"A {containers.describe(base)} from outside of the function is changed in it",
            "make a new one in the function and return it",
        )


def array_expression(state: State, value: Value) -> Expr:
    """Return what is stored into an array as an expression; nested lists become arrays."""
    if isinstance(value, Items):
        from .constructors import array

        value = array(state, [value], {})
    return containers.expression(state, value)


def assign_attribute(state: State, base: Value, name: str, value: Value) -> None:
    """``base.name = value``, for objects made in the function, and the parts of complex arrays."""
    if isinstance(base, Leaf) and name in ("real", "imag") and base.type.is_array:
        _assign_part(state, base, name, value)
        return
    if isinstance(base, Leaf) and name == "shape" and base.type.is_array:
        binding.reshape(state, base, value)
        return
    if not isinstance(base, Record) or id(base) in state.foreign:
        raise state.error(
            f"The attribute {name!r} of an object is assigned: "
            "objects that change are not in the language",
            "keep the value in a local variable and return it",
        )
    if not attributes.assigned_by_class(state, base, name, value):
        base.attributes[name] = memory.held(state, value)


def _assign_part(state: State, base: Leaf, name: str, value: Value) -> None:
    if memory.root_of(state, base.expr) is None:
        memory.make_buffer(state, base.expr)
    part = attributes.attribute(state, base, name)
    if not isinstance(part, Leaf) or memory.root_of(state, part.expr) is None:
        raise state.error(f"The attribute {name!r} of a real array is assigned", "store into it")
    memory.store(state, part, (), array_expression(state, value))


def _assign(state: State, node: ast.Assign) -> None:
    if isinstance(node.value, (ast.Tuple, ast.List)):
        value = displays.tuple_display(state, node.value, node.targets[0])
    else:
        value = absent.evaluated(state, node.value)
    if isinstance(node.targets[0], ast.Name) and node.targets[0].id == RESULT:
        _return(state, value)
        return
    for k, target in enumerate(node.targets):
        assign(state, target, value)
        if k == 0 and len(node.targets) > 1:
            value = _first_target(state, target, value)


def _return(state: State, value: Value) -> None:
    """Bind the result. On this path nothing reads the function's variables any more."""
    bind(state, RESULT, value)
    if state.is_straight or any(isinstance(part, Function) for part in slots.parts(value)):
        return
    variables = state.scope.variables
    for name in [name for name in variables if not name.startswith("<")]:
        del variables[name]


def _first_target(state: State, target: ast.expr, value: Value) -> Value:
    """``a = b = np.zeros(3)`` makes one array: go on with the name it has been given."""
    if isinstance(target, ast.Name):
        return state.scope.variables[target.id]
    return memory.held(state, value)


def _annotated(state: State, node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign(state, node.target, expressions.evaluate(state, node.value))


# ----------------------------------------------------------------------------- other statements


def _expression(state: State, node: ast.Expr) -> None:
    if not isinstance(node.value, ast.Constant):
        absent.discarded(state, node.value)


def _if(state: State, node: ast.If) -> None:
    test = expressions.condition(state, node.test)

    live = getattr(node, "live", None)
    assumed = getattr(node, "assumed", node.test)

    def then() -> None:
        _note_unset(state, node.test)
        absent.assume(state, assumed, True)
        execute(state, node.body)
        slots.forget(state, live)

    def orelse() -> None:
        absent.assume(state, assumed, False)
        execute(state, node.orelse)
        slots.forget(state, live)

    state.branching.append(splitting.place(state, node))
    try:
        branches.branch(state, test, then, orelse, tuple(reversed(state.branching)))
    finally:
        state.branching.pop()


def _note_unset(state: State, test: ast.expr) -> None:
    """Under ``if not flag`` of the jumps, the flag is known, and nothing has returned."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)) if name.startswith("<"):
            flag = state.scope.variables.get(name)
            if isinstance(flag, Leaf):
                state.scope.variables[name] = Known(False, flag.expr)
                state.scope.variables.pop(RESULT, None)


def _match(state: State, node: ast.Match) -> None:
    ifs = as_ifs(node)
    if ifs is None:
        raise state.error(
            "A match statement with a pattern like this is not in the language",
            "write if and elif",
        )
    execute(state, ifs)


def _with(state: State, node: ast.With) -> None:
    for item in node.items:
        call = item.context_expr
        fn = expressions.evaluate(state, call.func) if isinstance(call, ast.Call) else None
        if not (isinstance(fn, Known) and fn.value in (np.errstate, np.printoptions)):
            raise state.error(
                f"with {ast.unparse(call)} is not in the language", "do it outside of the function"
            )
    execute(state, node.body)


def _assert(state: State, node: ast.Assert) -> None:
    test = expressions.condition(state, node.test)

    def fail() -> None:
        args = [] if node.msg is None else [expressions.evaluate(state, node.msg)]
        _emit_raise(state, AssertionError, args)

    branches.branch(state, test, lambda: None, fail)


def _raise(state: State, node: ast.Raise) -> None:
    call, args = node.exc, []
    if isinstance(call, ast.Call):
        args = expressions.evaluate_all(state, call.args)
        call = call.func
    cls = None if call is None else expressions.evaluate(state, call)
    if not (isinstance(cls, Known) and isinstance(cls.value, type)):
        raise state.error("This raise statement is not in the language", "raise ValueError(...)")
    _emit_raise(state, cls.value, args)


def _emit_raise(state: State, cls: Any, args: list[Value]) -> None:
    exprs = tuple(containers.expression(state, arg) for arg in args)
    statement = Raise(Call(OBJECT, cls, exprs))
    state.emit(statement)


def _define(state: State, node: ast.FunctionDef) -> None:
    from . import calls

    value: Value = Function(node, state.scope, expressions.defaults(state, node.args))
    for decorator in reversed(node.decorator_list):
        value = calls.call(state, expressions.evaluate(state, decorator), [value], {})
    state.scope.variables[node.name] = value


def _nonlocal(state: State, node: ast.Nonlocal) -> None:
    """Names of an enclosing function that is being lowered too are bound there."""
    for name in node.names:
        scope = state.scope.outer
        while scope is not None and name not in scope.variables:
            scope = scope.outer
        if scope is None:
            raise state.error(
                f"nonlocal {name}: a variable of a function that has returned is changed",
                "return the new value",
            )
        state.nonlocals[id(state.scope), name] = scope


def _delete(state: State, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            state.lookup(target.id)
            del state.scope.variables[target.id]
        elif isinstance(target, ast.Subscript):
            base = expressions.evaluate(state, target.value)
            if not isinstance(base, (Mapping, Items)) or (
                isinstance(base, Items) and base.kind != "list"
            ):
                raise state.error(f"del {ast.unparse(target)}", "delete items of lists and dicts")
            check_own(state, base)
            del base.items[container_key(state, base, target.slice)]
        else:
            raise state.error(f"del {ast.unparse(target)}", "leave it out")


_ADVICE = {
    ast.Try: "test the condition with if before it fails; errors that are raised end the call",
    ast.ClassDef: "define the class outside of the function",
    ast.Global: "pass the value as an argument and return it",
    ast.AsyncFunctionDef: "write a plain function",
    ast.AsyncFor: "write a plain loop",
    ast.AsyncWith: "write a plain function",
}
_NAMES = {
    ast.Try: "A try statement",
    ast.ClassDef: "A class definition",
    ast.AsyncFunctionDef: "An async function",
    ast.AsyncFor: "An async loop",
    ast.AsyncWith: "An async with statement",
}


def _refuse(state: State, node: ast.stmt) -> None:
    text = next(line for line in ast.unparse(node).splitlines() if not line.startswith("@"))
    what = f"{_NAMES[type(node)]} ({text!r})" if type(node) in _NAMES else repr(text)
    advice = _ADVICE.get(type(node), "write it with assignments, loops and branches")
    raise state.error(f"{what} is not in the language of the source engine", advice)


_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: augmented,
    ast.Expr: _expression,
    ast.If: _if,
    ast.For: loops.lower_for,
    ast.While: loops.lower_while,
    ast.With: _with,
    ast.Nonlocal: _nonlocal,
    ast.Match: _match,
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.FunctionDef: _define,
    ast.Delete: _delete,
    ast.Import: outside.import_names,
    ast.ImportFrom: outside.import_names,
    ast.Pass: lambda state, node: None,
}
