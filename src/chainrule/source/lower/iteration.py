"""What a loop iterates over: items that are known one by one, or a counter of the program."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..ir import Call, Dim, If, Lit, Raise
from ..types import BOOL, INT, OBJECT, type_of
from ..values import Items, Known, Leaf, Value
from . import going, memory, order, slots
from .state import State, in_rule

ENDLESS = 2**63 - 1
"""The bound of an iteration that has none."""


@dataclass(slots=True)
class Counted:
    """An iteration whose items are found by a counter of the program.

    ``is_index``: the items are the values of the counter itself.
    """

    start: Value
    stop: Value
    step: Value
    item: Callable[[Value], Value]
    is_index: bool = False
    first_is_index: bool = False
    """Whether the items are tuples that begin with the counter."""
    sources: list[Value] = field(default_factory=list)
    """What the items are read from: the loop must leave it alone."""


Iteration = list[Value] | Counted


class Found(ast.expr):
    """Stands in a loop for an expression that has been evaluated already."""

    def __init__(self, items: Iteration) -> None:
        super().__init__()
        self.items = items


def iteration(state: State, node: ast.expr) -> Iteration:
    """Find out what a ``for`` iterates over."""
    from . import expressions

    if isinstance(node, Found):
        return node.items
    if isinstance(node, ast.Call) and _is_plain(node):
        function = expressions.evaluate(state, node.func)
        if isinstance(function, Known) and function.value in (range, enumerate, zip, reversed):
            is_strict = any(_is_given(keyword, True) for keyword in node.keywords)
            return _of_call(state, function.value, node.args, is_strict)
        if isinstance(function, Known) and function.value is itertools.count:
            return _endless(state, [expressions.evaluate(state, arg) for arg in node.args])
    if isinstance(node, ast.Call) and _is_enumerate_from(state, node):
        start = expressions.evaluate(state, node.keywords[0].value)
        return _enumerate(state, iteration(state, node.args[0]), start)
    return _of_value(state, expressions.evaluate(state, node))


def _is_plain(node: ast.Call) -> bool:
    has_star = any(isinstance(arg, ast.Starred) for arg in node.args)
    match node.func:
        case ast.Name(id=name):
            is_counted = name == "zip" or not has_star
        case ast.Attribute(attr=name):
            is_counted = name == itertools.count.__name__ and not has_star
        case _:
            return False
    return is_counted and all(_is_given(k, True) or _is_given(k, False) for k in node.keywords)


def _is_given(keyword: ast.keyword, strict: bool) -> bool:
    is_so = isinstance(keyword.value, ast.Constant) and keyword.value.value is strict
    return keyword.arg == "strict" and is_so


def _is_enumerate_from(state: State, node: ast.Call) -> bool:
    is_name = isinstance(node.func, ast.Name) and node.func.id == "enumerate"
    return is_name and [keyword.arg for keyword in node.keywords] == ["start"]


def _of_call(state: State, fn: Any, nodes: list[ast.expr], is_strict: bool) -> Iteration:
    from . import expressions

    if fn is range:
        return _range(state, expressions.evaluate_all(state, nodes))
    if fn is enumerate:
        start = expressions.evaluate(state, nodes[1]) if len(nodes) > 1 else Known(0)
        return _enumerate(state, iteration(state, nodes[0]), start)
    if fn is zip:
        parts: list[Iteration] = []
        for node in nodes:
            mark = len(state.block)
            column = _columns(state, node)
            if len(state.block) > mark:
                parts = [_kept(state, part, mark) for part in parts]
            parts += map(partial(_live, node), column)
        if is_strict:
            _require_same_lengths(state, parts)
        return _zip(state, parts)
    return _reversed(state, iteration(state, nodes[0]))


def _live(node: ast.expr, part: Iteration) -> Iteration:
    """Take the items of a list that has no name as they are: nobody changes it."""
    is_named = isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Starred))
    if isinstance(part, going.Going) and not (is_named or going.iterators_of(part)):
        return list(part)
    return part


def _kept(state: State, part: Iteration, mark: int) -> Iteration:
    """Let items be those before the statements since ``mark``, if they are not read later."""
    if isinstance(part, list) and not isinstance(part, going.Going):
        return order.keep_before(state, part, mark)
    return part


def _columns(state: State, node: ast.expr) -> list[Iteration]:
    """Return what ``zip`` goes through by one of its arguments: several for ``*arrays``."""
    from . import containers, expressions

    if not isinstance(node, ast.Starred):
        return [iteration(state, node)]
    several = containers.items_of(state, expressions.evaluate(state, node.value))
    return [_of_value(state, column) for column in several]


def _range(state: State, args: list[Value]) -> Iteration:
    bounds = [_integer(state, arg) for arg in args]
    if in_rule(state) and all(isinstance(bound, Known) for bound in bounds):
        return [Known(k) for k in range(*(bound.value for bound in bounds))]  # type: ignore[attr-defined]
    if len(bounds) == 1:
        bounds = [Known(0), *bounds]
    start, stop, *rest = bounds
    return Counted(start, stop, rest[0] if rest else Known(1), lambda k: k, True)


def _endless(state: State, args: list[Value]) -> Counted:
    """``itertools.count``: what ends the loop is in it, or the shorter iteration beside it."""
    from .operators import binary

    given = [memory.held(state, _integer(state, arg)) for arg in args]
    start = given[0] if given else Known(0)
    step = given[1] if len(given) > 1 else Known(1)
    is_index = isinstance(start, Known) and start.value == 0 and _is_one(step)

    def item(k: Value) -> Value:
        return k if is_index else _add(state, start, binary(state, np.multiply, k, step))

    return Counted(Known(0), Known(ENDLESS), Known(1), item, is_index, sources=given)


def _integer(state: State, value: Value) -> Value:
    dtype = slots.leaf_type(value).dtype if slots.is_leaf(value) else None
    if dtype is None or dtype.kind not in "iub":
        raise state.error(
            "The bounds of a range must be integers",
            "convert them with int(...); as cr.vjp and cr.jvp differentiate by all arguments, "
            "close over an integer: lambda x: f(x, 5)",
        )
    return value


def _of_value(state: State, value: Value) -> Iteration:
    from .containers import items_of
    from .indexing import subscript

    if isinstance(value, Known) and isinstance(value.value, range):
        found = value.value
        return Counted(Known(found.start), Known(found.stop), Known(found.step), lambda k: k, True)
    if isinstance(value, Known) and isinstance(value.value, np.ndarray):
        value = Leaf(Lit(type_of(value.value), value.value))
    if isinstance(value, Leaf) and value.type.is_array and value.type.ndim:
        rows = memory.held(state, value)
        assert isinstance(rows, Leaf)
        item = lambda k: subscript(state, rows, k)  # noqa: E731
        return Counted(Known(0), _length(rows), Known(1), item, sources=[rows])
    if isinstance(value, Items) and value.kind in ("list", "iterator") and value.cls is None:
        return going.through(state, value)
    return items_of(state, value)


def _length(rows: Leaf) -> Value:
    size = rows.type.sizes[0]
    return Known(size) if isinstance(size, int) else Leaf(Dim(INT, rows.expr, 0), None, size)


def _add(state: State, a: Value, b: Value) -> Value:
    from .operators import binary

    return binary(state, np.add, a, b)


def _enumerate(state: State, inner: Iteration, start: Value) -> Iteration:
    if isinstance(inner, list):
        return _numbered(state, inner, start)
    if isinstance(inner.start, Known) and inner.start.value == 0 and _is_one(inner.step):
        return _counting(inner, lambda k: Items([_add(state, k, start), inner.item(k)]), start)
    plain = _from_zero(state, inner)
    return _counting(plain, lambda k: Items([_add(state, k, start), plain.item(k)]), start)


def _numbered(state: State, inner: list[Value], start: Value) -> list[Value]:
    def with_number(k: int, item: Value) -> Value:
        return Items([_add(state, start, Known(k)), item])

    def draw(k: int) -> Value | None:
        item = going.drawn(inner, k)
        return None if item is None else with_number(k, item)

    return going.Going([with_number(k, item) for k, item in enumerate(inner)], draw, [inner])


def _counting(inner: Counted, item: Callable[[Value], Value], start: Value) -> Counted:
    if isinstance(start, Known) and start.value == 0:
        item = lambda k: Items([k, inner.item(k)])  # noqa: E731
        return Counted(inner.start, inner.stop, inner.step, item, False, True, inner.sources)
    return Counted(inner.start, inner.stop, inner.step, item, sources=inner.sources)


def _is_one(step: Value) -> bool:
    return isinstance(step, Known) and step.value == 1


def _from_zero(state: State, inner: Counted) -> Counted:
    """Count the iterations of a range from zero."""
    from .operators import binary

    if isinstance(inner.start, Known) and inner.start.value == 0 and _is_one(inner.step):
        return inner
    count = _count(state, inner)
    start, step = (memory.held(state, value) for value in (inner.start, inner.step))

    def item(k: Value) -> Value:
        return inner.item(_add(state, start, binary(state, np.multiply, k, step)))

    return Counted(Known(0), count, Known(1), item, sources=[*inner.sources, start, step])


def _count(state: State, inner: Counted) -> Value:
    if isinstance(inner.start, Known) and inner.start.value == 0 and _is_one(inner.step):
        return inner.stop
    bounds = (inner.start, inner.stop, inner.step)
    if all(isinstance(bound, Known) for bound in bounds):
        return Known(len(_known_range(inner)))
    exprs = tuple(bound.expr for bound in bounds if isinstance(bound, (Known, Leaf)))
    return Leaf(state.temporary(Call(INT, len, (Call(OBJECT, range, exprs),)), "count"))


def _known_range(inner: Counted) -> range:
    found = [b.value for b in (inner.start, inner.stop, inner.step) if isinstance(b, Known)]
    return range(*found)


def _zip(state: State, parts: list[Iteration]) -> Iteration:
    known = [len(part) for part in parts if isinstance(part, list)]
    if known:
        lists = [
            part if isinstance(part, list) else _first_items(state, part, min(known))
            for part in parts
        ]
        most = min(known) if len(known) < len(parts) else -1
        return going.beside(lists, most, lambda: _grows(state))
    counted = [_from_zero(state, part) for part in parts if isinstance(part, Counted)]
    stop = _shortest(state, [part.stop for part in counted])
    sources = [source for part in counted for source in part.sources]
    item = lambda k: Items([part.item(k) for part in counted])  # noqa: E731
    return Counted(Known(0), stop, Known(1), item, sources=sources)


def _grows(state: State) -> Exception:
    return state.error("A list grows while zip goes through it", "go through a copy: list(x)")


def _require_same_lengths(state: State, parts: list[Iteration]) -> None:
    """Emit the ``ValueError`` of ``strict=True``, before the loop rather than at its end."""
    first, *rest = [
        Known(len(part)) if isinstance(part, list) else _count(state, part) for part in parts
    ]
    for k, length in enumerate(rest, 2):
        if isinstance(first, Known) and isinstance(length, Known) and first.value == length.value:
            continue
        assert isinstance(first, (Known, Leaf)) and isinstance(length, (Known, Leaf))
        with state.deeper([]) as block:
            message = Lit(OBJECT, f"zip() arguments 1 and {k} differ in length")
            state.emit(Raise(Call(OBJECT, ValueError, (message,))))
        state.emit(If(Call(BOOL, np.not_equal, (first.expr, length.expr)), block))


def _first_items(state: State, part: Counted, count: int) -> list[Value]:
    part = _from_zero(state, part)
    length = part.stop.size if isinstance(part.stop, Leaf) else getattr(part.stop, "value", None)
    if isinstance(length, int):
        count = min(count, length)
    elif length is None or isinstance(part.stop, Leaf):
        count = min(count, state.static(part.stop, "the length of what zip goes through"))
    return [part.item(Known(k)) for k in range(count)]


def _shortest(state: State, stops: list[Value]) -> Value:
    first, *rest = stops
    for stop in rest:
        same_size = (
            isinstance(first, Leaf) and isinstance(stop, Leaf)
            and first.size is not None and first.size == stop.size
        )  # fmt: skip
        if same_size or _is_endless(stop):
            continue
        if _is_endless(first):
            first = stop
        elif isinstance(first, Known) and isinstance(stop, Known):
            first = Known(min(first.value, stop.value))
        else:
            assert isinstance(first, (Known, Leaf)) and isinstance(stop, (Known, Leaf))
            first = Leaf(Call(INT, min, (first.expr, stop.expr)))
    return first


def _is_endless(stop: Value) -> bool:
    return isinstance(stop, Known) and stop.value == ENDLESS


def _reversed(state: State, inner: Iteration) -> Iteration:
    if isinstance(inner, list):
        return going.all_of(inner)[::-1]
    from .operators import binary

    plain = inner if _is_one(inner.step) else _from_zero(state, inner)
    last = binary(state, np.subtract, plain.stop, Known(1))
    before = binary(state, np.subtract, plain.start, Known(1))
    return Counted(last, before, Known(-1), plain.item, plain.is_index, sources=plain.sources)


def known_items(state: State, found: Iteration) -> list[Value]:
    """Return the items of an iteration, asking for its bounds where they are not known."""
    if isinstance(found, list):
        return going.all_of(found)
    bounds = [
        state.static(b, "the length of a loop") for b in (found.start, found.stop, found.step)
    ]
    return [found.item(Known(k)) for k in range(*bounds)]
