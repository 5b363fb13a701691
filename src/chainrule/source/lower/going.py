"""Items that are not there all at once: of a list that changes, of what is gone through once."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from ..values import Items, Known, Scope, Value, View
from . import slots
from .state import State


class Going(list[Value]):
    """The items of an iteration, each taken when its turn comes.

    The list itself has those that are known when it begins. ``draw`` returns the item of a turn,
    None where the iteration ends.
    """

    def __init__(
        self, items: list[Value], draw: Callable[[int], Value | None], parts: Sequence[Any] = ()
    ) -> None:
        super().__init__(items)
        self.draw = draw
        self.parts = parts


def iterators_of(items: Any) -> list[Items]:
    """Return the iterators that items are taken from."""
    if isinstance(items, Items):
        return [items] if items.kind == "iterator" else []
    parts = items.parts if isinstance(items, Going) else ()
    return [iterator for part in parts for iterator in iterators_of(part)]


def through(state: State, source: Items) -> Going:
    """Return how a list or an iterator is gone through."""
    count = len(source.items)

    def draw(k: int) -> Value | None:
        check(state, source)
        if isinstance(source, View) and len(source.items) != count:
            raise state.error("A dict changes its size while it is gone through", "list(...) of it")
        if source.kind == "iterator":
            return source.items.pop(0) if source.items else None
        return source.items[k] if k < len(source.items) else None

    return Going(source.items, draw, [source])


def drawn(items: list[Value], k: int) -> Value | None:
    """Return the item of a turn, None where there is none."""
    if isinstance(items, Going):
        return items.draw(k)
    return items[k] if k < len(items) else None


def all_of(items: list[Value]) -> list[Value]:
    """Return all items, which an iterator has no more then."""
    if not isinstance(items, Going):
        return items
    found: list[Value] = []
    while (item := items.draw(len(found))) is not None:
        found.append(item)
    return found


def ahead(state: State, items: list[Value], k: int) -> list[Value]:
    """Return items of which the program decides how many are gone through, from a turn on.

    An iterator gives them all: nobody knows afterwards where it has stopped.
    """
    spent = iterators_of(items)
    if not isinstance(items, Going) or not spent:
        return items
    rest = [*items[:k]]
    while (item := items.draw(len(rest))) is not None:
        rest.append(item)
    for iterator in spent:
        spend(state, iterator)
    return rest


def beside(parts: list[list[Value]], most: int, error: Callable[[], Exception]) -> Going:
    """Return the rows of ``zip``. ``most``: so many items of rows of arrays are there, -1: all."""
    lists = [part for part in parts if isinstance(part, Going) and not iterators_of(part)]

    def draw(k: int) -> Value | None:
        row: list[Value] = []
        for part in parts:
            item = drawn(part, k)
            if item is None:
                is_cut = k == most == len(part) and not isinstance(part, Going)
                if is_cut and lists and all(drawn(x, k) is not None for x in lists):
                    raise error()
                return None
            row.append(item)
        return Items(row)

    return Going([Items(list(row)) for row in zip(*parts, strict=False)], draw, parts)


# ------------------------------------------------------------------- what must not have changed


def check(state: State, iterator: Items) -> None:
    """Refuse to go on with an iterator of which it is not known any more what it would give."""
    found = state.relied.get(id(iterator))
    if found is not None and found[0] is iterator and (error := found[1]()) is not None:
        raise error


def spend(state: State, iterator: Items) -> None:
    """Note that an iterator ends at a place that is not known."""
    error = state.error(
        "An iterator is gone on with that a loop has left where the program decides",
        "go through a list, with an index",
    )
    state.relied[id(iterator)] = (iterator, lambda: error)


def guard(state: State, made: Items, node: ast.GeneratorExp, first: Value | None) -> None:
    """Note what a generator reads when it is asked for items: that must be what it is now."""
    own = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
    late: list[ast.expr] = [node.elt, *(t for g in node.generators for t in g.ifs)]
    late += [g.iter for g in node.generators[1:]]
    names = {n.id for part in late for n in ast.walk(part) if isinstance(n, ast.Name)} - own
    before = {(id(h), name): (h, h[name]) for name in names if (h := _home(state.scope, name))}
    given = [first, *(v for _, v in before.values())]
    lists = [v for v in given if isinstance(v, Items) and v.kind == "list"]
    contents = [[*v.items] for v in lists]
    error = state.error(
        "A generator is gone through after what it reads has changed",
        "a list: [...] in place of (...)",
    )

    def changed() -> Exception | None:
        is_same = all(_same(h.get(name), v) for (_, name), (h, v) in before.items())
        same_items = all(_all_same(v.items, was) for v, was in zip(lists, contents, strict=True))
        return None if is_same and same_items else error

    state.relied[id(made)] = (made, changed)


def _home(scope: Scope | None, name: str) -> dict[str, Value] | None:
    while scope is not None and name not in scope.variables:
        scope = scope.outer
    return None if scope is None else scope.variables


def _same(now: Value | None, before: Value) -> bool:
    """Tell whether a name has not been bound again, other than to the same constant."""
    return now is before or (isinstance(now, Known) and slots.is_same(before, now))


def _all_same(now: list[Value], before: list[Value]) -> bool:
    return len(now) == len(before) and all(map(_same, now, before))
