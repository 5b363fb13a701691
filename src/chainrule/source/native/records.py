"""What is kept of a compiled program besides its machine code: how it is found, and how called.

The record of a program is kept under all that it was made of: the outline of the user's function,
the derivatives taken of it, sizes of few places, the code of this package. So another process needs
no pass but the first to run the same machine code again. Records are plain data.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import ir
from ..outline import NoOutlineError, Outline
from ..sizes import of_few_places
from ..values import Value
from . import store
from .cache import code_in, surroundings

_PACKAGE = Path(__file__).parents[2]
"""All passes, rules, and what they use."""


@dataclass(frozen=True)
class Record:
    """How machine code is called."""

    name: str = ""
    """Of the program."""
    machine: str = ""
    """The name that it is kept under; "" where there could be machine code, and is none yet."""
    types: str = ""
    """Of its arguments, as Numba writes them."""
    parameters: list[str] = field(default_factory=list)
    may_leave: bool = True
    owns_results: bool = False
    has_threads: bool = False
    texts: list[str] = field(default_factory=list)
    """What calls it: for arrays in C's order, and in any; none: it is called as the program is."""
    objects: dict[str, int] = field(default_factory=dict)
    """Names in these texts -> which class of the outline that is, -1: the machine code."""
    added: dict[str, str] = field(default_factory=dict)
    """Parameters of a derivative behind those of what it is taken of -> what they are for."""
    stack: str = ""
    """Whether it takes or gives stacks of saved values (``lowering.Kernel``),"""
    stack_at: int = -1
    """which parameter of the program these are, where it takes them,"""
    stacks: dict[str, str] = field(default_factory=dict)
    """their dtypes,"""
    count: int = 0
    """and how many other results there are."""

    python: dict[str, Any] = field(default_factory=dict)
    """What the interpreter runs (``Python``), where it runs something."""


@dataclass(frozen=True)
class Python:
    """What the interpreter runs of a program, and the objects that never enter machine code."""

    text: str
    functions: list[str]
    """Those of the text, in the order of their numbers."""
    mentioned: dict[str, int]
    """Names in the text -> which class of the outline that is."""
    objects: list[str]
    """Those that a call is given,"""
    made: list[str]
    """and that are part of the result."""


class Records:
    """The records of a function for arguments of some types, and of its derivatives."""

    def __init__(
        self,
        program: ir.Program,
        arguments: dict[str, Value],
        sizes: dict[Any, int],
        parallel: bool,
    ) -> None:
        self._made_of = (program, arguments)
        self._options = (of_few_places(sizes), parallel)
        self._outline: Outline | None = None

    @functools.cached_property
    def _text(self) -> str:
        """The outline of the function, "" if there is none."""
        try:
            self._outline = Outline()
            return self._outline.text(*self._made_of, *self._options)
        except NoOutlineError:
            return ""

    @property
    def classes(self) -> list[type]:
        """Classes of the user in this process."""
        return self._outline.classes if self._outline else []

    def outline(self, programs: Sequence[ir.Program]) -> str:
        """Return the outline of programs made of the function, "" if there is none."""
        try:
            return Outline().text(*programs)
        except NoOutlineError:
            return ""

    def find(self, path: tuple[Hashable, ...]) -> Record | None:
        """Return the record of a derivative: ``path`` says how it is made."""
        where = store.store()
        name = self._name(path) if where else ""
        data = where.load(name) if where and name else None
        return None if data is None else Record(**json.loads(data))

    def keep(self, path: tuple[Hashable, ...], record: Record) -> None:
        """Keep the record of a derivative."""
        where = store.store()
        name = self._name(path) if where else ""
        if where and name:
            where.save(name, json.dumps(asdict(record)).encode())

    def _name(self, path: tuple[Hashable, ...]) -> str:
        if not self._text or self._outline is None:
            return ""
        try:
            made_by = self._outline.text(path)
        except NoOutlineError:
            return ""
        parts = (self._text, made_by, code_in(_PACKAGE), *surroundings())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()
