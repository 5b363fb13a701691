"""Programs that are made when somebody looks at them: to run kept machine code nobody does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from . import ir
from .tangent import with_parameters

_LOCK = threading.RLock()

SHARED = ("hidden", "file", "line", "prints", "static", "guards", "changed", "spliced")
"""What a derivative program has from the program that it is a derivative of."""


class Pending(ir.Program):
    """A derivative of a program, of which the parameters are known, and what it shares with it."""

    __slots__ = ("_make",)
    _make: Callable[[], ir.Program]

    @classmethod
    def of(
        cls, program: ir.Program, added: Sequence[str], make: Callable[[], ir.Program]
    ) -> Pending:
        """Return a derivative that ``make`` makes; ``added``: its parameters behind the others."""
        pending = object.__new__(cls)
        for name in SHARED:
            setattr(pending, name, getattr(program, name))
        pending.parameters = with_parameters(program.parameters, list(added))
        pending._make = make
        return pending

    def __getattr__(self, name: str) -> Any:
        """Make the program: something is asked for that is not known yet."""
        if name not in _FIELDS:
            raise AttributeError(name)
        with _LOCK:
            try:  # another thread was faster
                return object.__getattribute__(self, name)
            except AttributeError:
                made = self._make()
            for field in _FIELDS:
                setattr(self, field, getattr(made, field))
            return getattr(made, name)


_FIELDS = tuple(field.name for field in fields(ir.Program))


def may_be_pending(program: ir.Program, before: ir.Program, added: Sequence[str]) -> bool:
    """Tell whether a derivative has nothing but what a pending one would have."""
    same = all(getattr(program, name) is getattr(before, name) for name in SHARED)
    return same and program.parameters == with_parameters(before.parameters, list(added))
