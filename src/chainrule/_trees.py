"""Containers of arrays: dicts, lists, tuples, namedtuples and dataclasses, nested at will."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any


def is_container(tree: Any) -> bool:
    """Tell whether ``tree`` is one of the containers that derivatives look into."""
    return isinstance(tree, (dict, list, tuple)) or hasattr(type(tree), "__dataclass_fields__")


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a container of the same structure with ``function`` applied to each leaf.

    >>> map_leaves(abs, {"a": [-1, 2], "b": (-3,)})
    {'a': [1, 2], 'b': (3,)}
    """
    if not is_container(tree):
        return function(tree)
    if isinstance(tree, dict):
        items = {key: map_leaves(function, value) for key, value in tree.items()}
        return items if type(tree) is dict else _like_dict(tree, items)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_leaves(function, item) for item in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_leaves(function, item) for item in tree)
    fields = {f.name: map_leaves(function, getattr(tree, f.name)) for f in _fields(tree)}
    return dataclasses.replace(tree, **fields)


def leaves_of(tree: Any) -> Iterator[Any]:
    """Yield the leaves in the order in which ``map_leaves`` visits them.

    >>> list(leaves_of({"a": [1, 2], "b": (3,)}))
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        for value in tree.values():
            yield from leaves_of(value)
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            yield from leaves_of(item)
    elif is_container(tree):
        for field in _fields(tree):
            yield from leaves_of(getattr(tree, field.name))
    else:
        yield tree


def matched_leaves(tree: Any, given: Any) -> Iterator[Any]:
    """Yield the leaves of ``given`` in the order of those of ``tree``, matched by key and field.

    None stands for a None at every leaf below it.

    Raises:
        ValueError: if ``given`` has not the structure of ``tree``.

    >>> list(matched_leaves({"a": 1, "b": [2, 3]}, {"b": None, "a": 10}))
    [10, None, None]
    """
    if given is None:
        yield from (None for _ in leaves_of(tree))
    elif not is_container(tree):
        yield given
    elif isinstance(tree, dict):
        if not isinstance(given, dict) or given.keys() != tree.keys():
            raise ValueError(f"keys {sorted(map(str, tree))}")
        for key, value in tree.items():
            yield from matched_leaves(value, given[key])
    elif isinstance(tree, (list, tuple)):
        if not isinstance(given, (list, tuple)) or len(given) != len(tree):
            raise ValueError(f"a {type(tree).__name__} of {len(tree)}")
        for item, other in zip(tree, given, strict=True):
            yield from matched_leaves(item, other)
    else:
        if type(given) is not type(tree):
            raise ValueError(f"a {type(tree).__name__}")
        for field in _fields(tree):
            yield from matched_leaves(getattr(tree, field.name), getattr(given, field.name))


def rebuild(tree: Any, leaves: Iterator[Any]) -> Any:
    """Return a container of the structure of ``tree`` with its leaves taken from ``leaves``.

    >>> rebuild({"a": [1, 2]}, iter("xy"))
    {'a': ['x', 'y']}
    """
    return map_leaves(lambda _: next(leaves), tree)


def _fields(tree: Any) -> list[Any]:
    return [field for field in dataclasses.fields(tree) if field.init]


def _like_dict(tree: Any, items: dict[Any, Any]) -> Any:
    made = tree.copy()
    made.update(items)
    return made
