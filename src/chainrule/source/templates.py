"""Results of programs: containers with expressions in the places of numbers and arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from .build import literal
from .ir import Expr
from .values import Items, Known, Leaf, Mapping, Record, Value

Path = tuple[tuple[str, Any], ...]


def as_template(value: Value, leaf: Callable[[Leaf, Path], Any]) -> Any:
    """Return containers like those of an abstract value, with ``leaf`` of what is in them."""

    def go(value: Value, path: Path) -> Any:
        match value:
            case Leaf():
                return leaf(value, path)
            case Known() if value.name is not None:  # a number whose value was needed
                return leaf(Leaf(value.name), path)
            case Mapping(items=items):
                return {k: go(item, (*path, ("item", k))) for k, item in items.items()}
            case Items(items=items, kind=kind, cls=cls):
                parts = [go(item, (*path, ("item", k))) for k, item in enumerate(items)]
                if cls is not None:
                    return cls(*parts)
                return parts if kind == "list" else tuple(parts)
            case Record(cls=cls, attributes=attributes) if dataclasses.is_dataclass(cls):
                members = {k: go(item, (*path, ("attr", k))) for k, item in attributes.items()}
                return instance(cls, members)
        return literal(None)

    return go(value, ())


def instance(cls: Any, members: dict[str, Any]) -> Any:
    """Make an object without running its ``__init__``: expressions stand for its members."""
    made = object.__new__(cls)
    for name, value in members.items():
        object.__setattr__(made, name, value)
    return made


def map_template(change: Callable[[Expr], Any], template: Any) -> Any:
    """Return a result template with its expressions changed."""
    if isinstance(template, Expr):
        return change(template)
    if isinstance(template, dict):
        return {key: map_template(change, value) for key, value in template.items()}
    if isinstance(template, (list, tuple)):
        items = [map_template(change, item) for item in template]
        return type(template)(*items) if hasattr(template, "_fields") else type(template)(items)
    if dataclasses.is_dataclass(template) and not isinstance(template, type):
        names = [f.name for f in dataclasses.fields(template)]
        members = {name: map_template(change, getattr(template, name)) for name in names}
        return instance(type(template), members)
    return template


def template_leaves(template: Any, path: Path = ()) -> Iterator[tuple[Path, Expr]]:
    """Yield the expressions of a result template, with their paths."""
    if isinstance(template, Expr):
        yield path, template
    elif isinstance(template, dict):
        for key, value in template.items():
            yield from template_leaves(value, (*path, ("item", key)))
    elif isinstance(template, (list, tuple)):
        for k, value in enumerate(template):
            yield from template_leaves(value, (*path, ("item", k)))
    elif dataclasses.is_dataclass(template) and not isinstance(template, type):
        for f in dataclasses.fields(template):
            yield from template_leaves(getattr(template, f.name), (*path, ("attr", f.name)))
