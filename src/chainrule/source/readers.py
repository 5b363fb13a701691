"""How closed-over values are read: functions without parameters, which can be written out too."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Naming = Callable[[Any], str]
"""Gives a constant a name in a text."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A variable of a function around."""

    cell: Any

    def __call__(self) -> Any:
        """Read it."""
        return self.cell.cell_contents

    def text(self, named: Naming) -> str:
        """Return the expression that reads it."""
        return f"{named(self.cell)}.cell_contents"


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """An item of a container: a global variable, an element of a list."""

    owner: Callable[[], Any]
    key: Any

    def __call__(self) -> Any:
        """Read it."""
        return self.owner()[self.key]

    def text(self, named: Naming) -> str:
        """Return the expression that reads it."""
        return f"{text_of(self.owner, named)}[{named(self.key)}]"


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """An attribute of an object."""

    owner: Callable[[], Any]
    name: str

    def __call__(self) -> Any:
        """Read it."""
        return getattr(self.owner(), self.name)

    def text(self, named: Naming) -> str:
        """Return the expression that reads it."""
        owner = text_of(self.owner, named)
        is_name = self.name.isidentifier() and not keyword.iskeyword(self.name)
        return f"{owner}.{self.name}" if is_name else f"getattr({owner}, {self.name!r})"


@dataclass(frozen=True, slots=True, eq=False)
class Itself:
    """An object that nobody can replace: the names of a module, the function that is called."""

    value: Any

    def __call__(self) -> Any:
        """Read it."""
        return self.value

    def text(self, named: Naming) -> str:
        """Return the expression that reads it."""
        return named(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class TypeOf:
    """What must stay the same of a hidden input: its type and which axes have size 1."""

    read: Callable[[], Any]

    def __call__(self) -> Any:
        """Read the value, and tell."""
        value = self.read()
        if isinstance(value, np.ndarray):
            return (type(value), value.dtype, tuple([n == 1 for n in value.shape]))
        return type(value)


def text_of(read: Callable[[], Any], named: Naming) -> str:
    """Return the expression that reads a value."""
    return read.text(named) if hasattr(read, "text") else f"{named(read)}()"
