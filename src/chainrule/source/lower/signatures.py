"""What the calls of a recursive function have in common: the types that serve all of them.

The arguments of a call are taken apart into *leaves* (numbers and arrays) and a *structure*, which
holds all else: containers, functions, texts, truth values. One function of the program serves the
calls with the same structure and kinds of leaves; of these, what differs is widened.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .. import sizes
from ..types import Size, Type, unknown_size
from ..values import Function, Items, Known, Mapping, Record, Value
from . import common_types, slots
from .state import State, Unreadable

Entry = Known | Type
"""A leaf that is the same number at every call, or the type that it has at all of them."""


def leaves(value: Value) -> Iterator[Value]:
    """Yield the numbers and arrays in a value."""
    if is_leaf(value):
        yield value
    for part in _members(value):
        yield from leaves(part)


def is_leaf(value: Value) -> bool:
    """Tell a number or an array; truth values that are known count as structure."""
    is_flag = isinstance(value, Known) and isinstance(value.value, bool)
    return slots.is_leaf(value) and not is_flag


def _members(value: Value) -> list[Value]:
    match value:
        case Items(items=items):
            return items
        case Mapping(items=entries):
            return list(entries.values())
        case Record(attributes=entries) if type(entries) is dict:
            return list(entries.values())
    return []


def structure(state: State, value: Value) -> Hashable:
    """Return what calls that share a function have in common."""
    if isinstance(value, Unreadable):
        return "unreadable"
    if is_leaf(value):
        found = slots.leaf_type(value)
        if found.dtype is None:
            return found
        kind = found.dtype.kind.replace("u", "i")
        return ("array", found.dtype, found.ndim) if found.is_array else kind
    inside = tuple(structure(state, part) for part in _members(value))
    match value:
        case Known(value=known):
            return ("known", type(known), _key(known))
        case Items(kind=kind, cls=cls):
            return (kind, cls, inside)
        case Mapping(items=entries):
            return ("dict", tuple(entries), inside, id(value.factory))
        case Record(cls=cls, attributes=entries) if type(entries) is dict:
            return (cls if isinstance(cls, type) else type(cls), tuple(entries), inside)
        case Function(node=node, scope=scope):
            given = (*value.first, *value.keywords.values())
            return ("function", node, id(scope), tuple(structure(state, x) for x in given))
    state.kept.append(value)
    return id(value)


def _key(known: Any) -> Hashable:
    if isinstance(known, (slice, tuple, range)):
        return repr(known)
    is_plain = known is None or isinstance(known, (bool, str, bytes, type))
    return known if is_plain else id(known)


def rebuilt(value: Value, made: Iterator[Value]) -> Value:
    """Return a value of the same structure with other leaves."""
    if is_leaf(value):
        return next(made)
    match value:
        case Items(items=items, kind=kind, cls=cls):
            return Items([rebuilt(item, made) for item in items], kind, cls)
        case Mapping(items=entries):
            parts = {key: rebuilt(item, made) for key, item in entries.items()}
            return Mapping(parts, value.factory)
        case Record(cls=cls, attributes=entries) if type(entries) is dict:
            return Record(cls, {key: rebuilt(item, made) for key, item in entries.items()})
    return value


def entry_of(value: Value) -> Entry:
    """Return what a first call knows of a leaf."""
    return Known(value.value) if isinstance(value, Known) else slots.leaf_type(value)


@dataclass(slots=True)
class Widened:
    """Types that hold for all values seen so far.

    Axes that have had different sizes get symbols of their own; the axes of several leaves share
    one as long as they have had the same size at every call.
    """

    entries: list[Entry]
    symbols: set[Size] = field(default_factory=set)

    def with_values(self, values: Sequence[Value]) -> Widened | None:
        """Return types that hold for these values too; None if there are none."""
        found: list[Entry] = []
        for entry, value in zip(self.entries, values, strict=True):
            joined = _joined(entry, value)
            if joined is None:
                return None
            found.append(joined)
        made = Widened(found, set(self.symbols))
        made._widen_sizes([slots.leaf_type(value) for value in values])
        return made

    def _widen_sizes(self, types: Sequence[Type]) -> None:
        """Make each symbol stand for one size of the new types."""
        meaning: dict[Size, set[Size]] = {}
        for old, new in self._axes(types):
            meaning.setdefault(old, set()).add(new)
        fresh: dict[tuple[Size, Size], Size] = {}

        def size(old: Size, new: Size) -> Size:
            one = sizes.may_be_one(new)
            is_symbol = old in self.symbols and len(meaning[old]) == 1
            if old == new or (is_symbol and (sizes.may_be_one(old) or not one)):
                return old
            if (old, new) not in fresh:
                fresh[old, new] = unknown_size(one or sizes.may_be_one(old))
            return fresh[old, new]

        for k, (entry, new) in enumerate(zip(self.entries, types, strict=True)):
            if isinstance(entry, Type) and entry.sizes:
                found = tuple(map(size, entry.sizes, new.sizes))
                self.entries[k] = replace(entry, sizes=found)
        self.symbols |= set(fresh.values())

    def _axes(self, types: Sequence[Type]) -> Iterator[tuple[Size, Size]]:
        for entry, new in zip(self.entries, types, strict=True):
            if isinstance(entry, Type):
                yield from zip(entry.sizes, new.sizes, strict=True)

    def sizes_in_a_call(self, types: Sequence[Type]) -> dict[Size, Size]:
        """Return what the symbols of these types stand for, given the types at one call."""
        return dict(self._axes(types))


def _joined(entry: Entry, value: Value) -> Entry | None:
    if isinstance(entry, Known):
        if isinstance(value, Known) and slots.same_known(entry.value, value.value):
            return entry
        entry = slots.leaf_type(entry)
    new = slots.leaf_type(value)
    if entry.is_array and new.is_array:  # of one dtype, by their structure; sizes come later
        return entry
    return common_types.join_types(entry, new)
