"""Tuples, lists, dicts and sets as they are written, comprehensions, f-strings."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from ..._syntax import parse
from ..ir import Call
from ..types import OBJECT
from ..values import Function, Items, Known, Leaf, Mapping, Scope, Value
from . import calls, expressions, functions, going, iteration, memory, operators, order
from .containers import describe, expression, items_of, known, settle, settled, spread
from .state import State


def tuple_display(
    state: State, node: ast.Tuple | ast.List, target: ast.expr | None = None
) -> Value:
    """Evaluate a tuple or a list; arrays that change get the names that they are assigned to."""
    kind = "tuple" if isinstance(node, ast.Tuple) else "list"
    values = spread(state, node.elts)
    names = [""] * len(values)
    if isinstance(target, (ast.Tuple, ast.List)) and len(target.elts) == len(values):
        names = [part.id if isinstance(part, ast.Name) else "" for part in target.elts]
    return Items([_settled(state, v, name) for v, name in zip(values, names, strict=True)], kind)


def _settled(state: State, value: Value, name: str) -> Value:
    if not (name and isinstance(value, Leaf) and memory.is_buffer_made(state, value.expr)):
        return settle(state, value)
    return memory.held(state, value, name, users=True)


def dict_display(state: State, node: ast.Dict) -> Value:
    """Evaluate a dict."""
    found: dict[Any, Value] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        mark = len(state.block)
        key = None if key_node is None else key_of(state, expressions.evaluate(state, key_node))
        value = expressions.evaluate(state, value_node)
        _keep(state, found, mark)
        if key_node is not None:
            found[key] = settle(state, value)
        elif isinstance(value, Mapping):
            found.update(value.items)
        else:
            raise state.error(f"** of a {describe(value)}", "use a dict with known keys")
    return Mapping(found)


def _keep(state: State, found: dict[Any, Value], mark: int) -> None:
    """Let the values found so far be those before the statements since ``mark``."""
    if len(state.block) > mark:
        kept = order.keep_before(state, list(found.values()), mark)
        found.update(zip(found, kept, strict=True))


def key_of(state: State, value: Value) -> Any:
    """Return a dict's key, which must be known."""
    ok, key = known(value)
    return key if ok else state.static(value, "a key of a dict")


def set_display(state: State, node: ast.Set) -> Value:
    """Evaluate a set."""
    return _set_of(state, spread(state, node.elts))


def _set_of(state: State, values: list[Value]) -> Value:
    """Return a set, of which all elements must be known."""
    return Known({state.static(value, "an element of a set") for value in values})


def comprehension(
    state: State,
    node: ast.ListComp | ast.GeneratorExp | ast.SetComp,
    first: iteration.Iteration | None = None,
) -> Value:
    """Evaluate a comprehension or a generator expression: a list.

    ``first``: what it goes through, where that has been evaluated already.
    """
    found: list[Value] = []
    source: Value | None = None
    if first is None and isinstance(node, ast.GeneratorExp):
        with_name = node.generators[0].iter
        source = expressions.evaluate(state, with_name) if isinstance(with_name, ast.Name) else None

    def collect() -> None:
        mark = len(state.block)
        value = expressions.evaluate(state, node.elt)
        if len(state.block) > mark:
            found[:] = order.keep_before(state, found, mark)
        found.append(settle(state, value))

    _run_generators(state, node.generators, collect, first)
    if isinstance(node, ast.SetComp):
        return _set_of(state, found)
    if isinstance(node, ast.ListComp):
        return Items(found, "list")
    made = Items(found, "iterator")
    going.guard(state, made, node, source)
    return made


def dict_comprehension(state: State, node: ast.DictComp) -> Value:
    """Evaluate a dict comprehension."""
    found: dict[Any, Value] = {}

    def collect() -> None:
        mark = len(state.block)
        key, value = expressions.evaluate_all(state, [node.key, node.value])
        _keep(state, found, mark)
        found[key_of(state, key)] = settle(state, value)

    _run_generators(state, node.generators, collect)
    return Mapping(found)


def reduced(state: State, fn: Any, node: ast.expr) -> Value | None:
    """Evaluate ``sum``, ``any`` or ``all`` of a comprehension; None for anything else.

    Where its length is not known it becomes a loop.
    """
    if fn not in STEPS or not isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        return None
    first = node.generators[0]
    found = iteration.iteration(state, first.iter)
    is_long = not isinstance(found, list) and not all(
        known(end)[0] for end in (found.start, found.stop, found.step)
    )
    if len(node.generators) > 1 or not is_long:
        return calls.call(state, Known(fn), [comprehension(state, node, found)], {})
    name = state.hidden_name("total" if fn is sum else "found")
    start, step = (parse(text, mode="eval").body for text in STEPS[fn])
    body: ast.stmt = ast.Assign([ast.Name(name, ast.Store())], _filled(step, name, node.elt))
    for test in reversed(first.ifs):
        body = ast.If(test, [body], [])
    statements: list[ast.stmt] = [
        ast.Assign([ast.Name(name, ast.Store())], start),
        ast.For(first.target, iteration.Found(found), [body], []),
        ast.Return(ast.Name(name, ast.Load())),
    ]
    empty = ast.arguments([], [], None, [], [], None, [])
    made = ast.FunctionDef("reduced", empty, statements, [])
    for part in ast.walk(made):
        if not hasattr(part, "lineno") and isinstance(part, (ast.stmt, ast.expr)):
            ast.copy_location(part, node)
    return functions.inline(state, Function(made, state.scope), [], {})


STEPS: dict[Any, tuple[str, str]] = {
    sum: ("0", "total + item"),
    any: ("False", "total or not not item"),
    all: ("True", "total and not not item"),
}
"""Where these functions start, and what they do with each item."""


def _filled(step: ast.expr, name: str, item: ast.expr) -> ast.expr:
    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return ast.Name(name, ast.Load()) if node.id == "total" else item

    filled: ast.expr = Fill().visit(step)
    return filled


def _run_generators(
    state: State,
    generators: list[ast.comprehension],
    collect: Callable[[], None],
    items: iteration.Iteration | None = None,
) -> None:
    """Run ``collect`` for each combination, in a scope of its own."""
    if items is None:
        items = iteration.iteration(state, generators[0].iter)
    outer = state.scope
    state.scope = Scope({}, outer, outer.globals, outer.file)
    try:
        _generate(state, generators, collect, items)
    finally:
        state.scope = outer


def _generate(
    state: State,
    generators: list[ast.comprehension],
    collect: Callable[[], None],
    items: iteration.Iteration,
) -> None:
    first, *rest = generators
    for item in order.in_turn(state, iteration.known_items(state, items)):
        bind(state, first.target, item)
        tests = [expressions.condition(state, test) for test in first.ifs]
        if not all(isinstance(test, Known) for test in tests):
            raise state.error(
                "The condition of a comprehension depends on numbers of the program",
                "write a for loop, or use np.where",
            )
        if not all(test.value for test in tests if isinstance(test, Known)):
            continue
        if rest:
            _generate(state, rest, collect, iteration.iteration(state, rest[0].iter))
        else:
            collect()


def bind(state: State, target: ast.expr, value: Value) -> None:
    """Bind the targets of a comprehension or a lambda: names of values, without statements."""
    if isinstance(target, ast.Name):
        state.scope.variables[target.id] = settled(state, value)
        return
    if not isinstance(target, (ast.Tuple, ast.List)):
        raise state.error(f"The target {ast.unparse(target)!r} is not supported", "use plain names")
    values = items_of(state, value)
    stars = [k for k, part in enumerate(target.elts) if isinstance(part, ast.Starred)]
    if stars:
        k, extra = stars[0], len(values) - len(target.elts) + 1
        values = [*values[:k], Items(values[k : k + extra], "list"), *values[k + extra :]]
    if len(values) != len(target.elts):
        raise state.error(
            f"{len(values)} values for {len(target.elts)} names", "match their number"
        )
    for part, item in zip(target.elts, values, strict=True):
        bind(state, part.value if isinstance(part, ast.Starred) else part, item)


# ------------------------------------------------------------------------------------- text


def text(state: State, node: ast.JoinedStr) -> Value:
    """Evaluate an f-string."""
    pieces = [_piece(state, part) for part in node.values]
    if all(isinstance(piece, Known) for piece in pieces):
        return Known("".join(str(piece.value) for piece in pieces if isinstance(piece, Known)))
    exprs = [expression(state, piece) for piece in pieces]
    text = exprs[0]
    for expr in exprs[1:]:
        text = Call(OBJECT, operator.add, (text, expr))
    return Leaf(text)


def _piece(state: State, part: ast.expr) -> Value:
    if not isinstance(part, ast.FormattedValue):
        return expressions.evaluate(state, part)
    value = expressions.evaluate(state, part.value)
    spec = text(state, part.format_spec) if isinstance(part.format_spec, ast.JoinedStr) else None
    convert = {-1: None, 115: str, 114: repr, 97: ascii}[part.conversion]
    (ok, found), (plain, how) = known(value), (True, "") if spec is None else known(spec)
    if ok and plain:
        return Known(format(convert(found) if convert else found, how))
    expr = operators.operand(state, value)
    if convert:
        expr = Call(OBJECT, convert, (expr,))
    if spec is None:
        return Leaf(Call(OBJECT, str, (expr,)) if not convert else expr)
    return Leaf(Call(OBJECT, format, (expr, expression(state, spec))))
