"""Calls like earlier ones: they take no more than a look at the arguments, and the function."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .._core import Tracer, plain
from .again import Guards, hold
from .alike import OTHER
from .shortcuts import shortcut_of
from .signature import Place, at_path, key_at
from .specialise import Specialisation


@dataclass(slots=True)
class Known:
    """What is known of calls with arguments of some types."""

    spec: Specialisation
    function: Callable[..., Any]
    """Takes a value for each parameter."""
    traced: Any = None
    """The ``TracedCall``, of calls with traced values."""
    shortcut: Any = None
    """Written for the second call."""
    guards: Guards = field(init=False)
    """How closed-over values are read that have to be the same, and what they were."""

    def __post_init__(self) -> None:
        self.guards = self.spec.program.guards

    def call(
        self, program: Any, args: tuple[Any, ...], kwargs: dict[str, Any], values: Sequence[Any]
    ) -> Any:
        """Call a Program with arguments like those of an earlier call; ``values``: normal form."""
        if self.shortcut is not None:
            result = self.shortcut(args, kwargs)
            if result is not OTHER:
                program.try_first(self.shortcut)
                return result
        program._last = self.spec
        result = self.function(*values)
        if self.shortcut is None:  # this is the second call of its kind
            self.shortcut = shortcut_of(program, self, args, kwargs, values, result)
        return result

    def holds(self) -> bool:
        """Tell whether the closed-over values that decide what is done are still the same."""
        return hold(self.guards)


T = TypeVar("T", bound=Known)


class Repeated(dict[Hashable, Any], Generic[T]):
    """What is known of calls, by a key of the arguments and by the values that decide.

    ``names``: of the parameters. What was found for more than 512 keys is forgotten.
    """

    _MANY = 512

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = names

    def find(self, key: Hashable, values: Sequence[Any]) -> T | None:
        """Return what is known of calls like this one; None if it has to be made first."""
        found = self.get(key)
        if type(found) is _ByValue:
            found = found.table.get(found.key(values))
        if found is None or (found.guards and not found.holds()):
            return None
        return found  # type: ignore[no-any-return]

    def note(self, key: Hashable, values: Sequence[Any], known: T) -> None:
        """Remember what a call comes down to."""
        if len(self) >= self._MANY:
            self.clear()
        places = known.spec.program.static
        if not places:
            self[key] = known
            return
        before = self.get(key)
        if not isinstance(before, _ByValue) or not {*places} <= {*before.places}:
            more = before.places if isinstance(before, _ByValue) else ()
            before = _ByValue(self.names, tuple(dict.fromkeys((*more, *places))))
            self[key] = before
        if len(before.table) >= self._MANY:
            before.table.clear()
        before.table[before.key(values)] = known


class _ByValue(Generic[T]):
    """What is known of calls that also differ in the values at some places."""

    def __init__(self, names: Sequence[str], places: tuple[Place, ...]) -> None:
        self.places = places
        self.table: dict[Hashable, T] = {}
        self._paths = [(list(names).index(name), path) for name, path in places]

    def key(self, values: Sequence[Any]) -> Hashable:
        """Return the values that decide."""
        found = []
        for k, path in self._paths:
            x = at_path(values[k], path)
            found.append(key_at(plain(x) if isinstance(x, Tracer) else x))
        return tuple(found)
