"""New names for the variables that a derivative needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .ir import Var
from .types import Type


class Fresh:
    """Gives out variable names that a program does not use, and remembers their types."""

    def __init__(self, types: dict[str, Type]) -> None:
        self.types = types
        self.made: set[str] = set()

    def __call__(self, hint: str, type_: Type) -> Var:
        """Return a new variable, named after ``hint``."""
        name, count = hint, 1
        while name in self.types:
            count += 1
            name = f"{hint}_{count}"
        self.types[name] = type_
        self.made.add(name)
        return Var(type_, name)

    @contextmanager
    def tried(self) -> Iterator[None]:
        """Take back the names that are given out inside."""
        known, made = set(self.types), set(self.made)
        yield
        for name in self.types.keys() - known:
            del self.types[name]
        self.made &= made
