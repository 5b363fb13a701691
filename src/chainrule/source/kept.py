"""What is kept on disk of a program, and of the derivatives that are taken of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from . import ir
from .pending import Pending, may_be_pending

if TYPE_CHECKING:
    from .native.compiling import Code
    from .native.loaded import Loaded
    from .native.records import Record, Records
    from .values import Value


class Kept:
    """Finds machine code of earlier processes; without ``records`` there is none.

    ``path``: how the program is made of the one that derivatives were first taken of.
    """

    def __init__(self, records: Records | None = None, path: tuple[Hashable, ...] = ()) -> None:
        self._records = records
        self._path = path
        self._added: dict[str, str] | None = {}
        """Roles of the parameters behind those of the program before; None: others differ too."""

    def derived(self, key: Hashable) -> Kept:
        """Return what is kept of a derivative of the program."""
        return Kept(self._records, (*self._path, key))

    def of(self, programs: Sequence[ir.Program]) -> Kept:
        """Return what is kept of programs that work together, and so have to be these very ones."""
        text = self._records.outline(programs) if self._records is not None else ""
        return self.derived(text) if text else Kept()

    @functools.cached_property
    def record(self) -> Record | None:
        """How the machine code is called."""
        return self._records.find(self._path) if self._records is not None else None

    @property
    def has_code(self) -> bool:
        """Whether machine code was kept."""
        return self.record is not None and bool(self.record.machine)

    def program(
        self, before: ir.Program, make: Callable[[], tuple[ir.Program, list[str]]]
    ) -> tuple[ir.Program, dict[str, str]]:
        """Return this derivative and the roles of its new parameters.

        ``make`` does; where there is machine code, once somebody looks at the program.
        """
        if self.record is not None and self.has_code:
            added = self._added = self.record.added
            return Pending.of(before, [*added], lambda: make()[0]), added
        program, roles = make()
        old = {p.name for p in before.parameters}
        new = [p.name for p in program.parameters if p.name not in old]
        added = dict(zip(new, roles, strict=True))
        self._added = added if may_be_pending(program, before, new) else None
        return program, added

    def code(self, expected: tuple[str, ...] = ()) -> Loaded | None:
        """Return the machine code; ``expected``: by what it differs from that of a first call."""
        if self._records is None:
            return None
        from .native.loaded import loaded

        record = self._records.find((*self._path, *expected)) if expected else self.record
        return loaded(record, self._records.classes) if record and record.machine else None

    def keep_that_there_can_be_code(self) -> None:
        """Keep that nothing speaks against machine code, of which none has been made."""
        if self._records is not None:
            from .native.records import Record

            self._records.keep(self._path, Record())

    def keep(self, code: Code, expected: tuple[str, ...] = ()) -> None:
        """Keep how machine code is called, if that is all it takes to run it."""
        if self._records is not None and self._added is not None:
            record = code.record(self._records.classes, self._added)
            if record is not None:
                self._records.keep((*self._path, *expected), record)


def kept_of(
    backend: str,
    program: ir.Program,
    arguments: dict[str, Value],
    sizes: dict[Any, int],
    parallel: bool,
) -> Kept:
    """Return what is kept of a program that was lowered for some arguments."""
    if backend == "numpy":
        return Kept()
    from .native.records import Records

    return Kept(Records(program, arguments, sizes, parallel))
