"""Containers of arrays: dicts, lists, tuples, namedtuples and dataclasses, nested at will."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any


def is_container(tree: Any) -> bool:
    """Tell whether ``tree`` is one of the containers that derivatives look into."""
    return isinstance(tree, (dict, list, tuple)) or (
        dataclasses.is_dataclass(tree) and not isinstance(tree, type)
    )


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a container of the same structure with ``function`` applied to each leaf.

    >>> map_leaves(abs, {"a": [-1, 2], "b": (-3,)})
    {'a': [1, 2], 'b': (3,)}
    """
    if isinstance(tree, dict):
        items = {key: map_leaves(function, value) for key, value in tree.items()}
        return items if type(tree) is dict else _like_dict(tree, items)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_leaves(function, item) for item in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_leaves(function, item) for item in tree)
    if is_container(tree):
        fields = {f.name: map_leaves(function, getattr(tree, f.name)) for f in _fields(tree)}
        return dataclasses.replace(tree, **fields)
    return function(tree)


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
