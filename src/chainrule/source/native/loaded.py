"""Machine code that another process has made: called as its record says, without a kernel."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..._allocator import keep_freed_memory
from .asking import OBJECTS, Asked
from .cache import kept
from .leaving import Leave
from .records import Python, Record


class Saved:
    """The stacks of saved values that a forward sweep leaves to the sweep back."""

    def __init__(self, stacks: dict[str, tuple[Any, int]], objects: list[Any]) -> None:
        self.stacks = stacks
        self.objects = objects

    def __iter__(self) -> Any:
        """Leave what NumPy runs: it cannot take these values one by one."""
        raise Leave


class WithStacks:
    """Machine code that takes the stacks of saved values, or returns them behind its results.

    ``stacks``: their names and dtypes; ``count``: how many other results there are.
    """

    def __init__(
        self, entry: Callable[..., Any], stack: str, stacks: dict[str, Any], count: int
    ) -> None:
        self.entry = entry
        self.has_none = not stack
        self.are_returned = stack == "given"
        self.stacks = stacks
        self.count = count

    def __call__(self, saved: Saved | None, objects: Sequence[Any], *args: Any) -> Any:
        """Call the machine code, for which no objects are kept."""
        results, saved = self.run(saved, [], args)
        results += [saved] * self.are_returned
        return results[0] if len(results) == 1 else tuple(results)

    def run(
        self, saved: Saved | None, objects: list[Any], args: Sequence[Any], *last: Any
    ) -> tuple[list[Any], Saved | None]:
        """Return results and saved values; ``objects``: those that are saved meanwhile."""
        if saved is not None:
            empty = {name: (np.empty(0, dtype), 0) for name, dtype in self.stacks.items()}
            args = (*args, *(x for n in empty for x in saved.stacks.get(n, empty[n])))
        found = self.entry(*args, *last)
        number = self.count + 2 * len(self.stacks) * self.are_returned
        results = [] if number == 0 else [found] if number == 1 else list(found)
        rest, results = results[self.count :], results[: self.count]
        if not self.are_returned:
            return results, None
        pairs = zip(rest[::2], rest[1::2], strict=True)
        return results, Saved(dict(zip(self.stacks, pairs, strict=True)), objects)


class WithPython:
    """Machine code of which the interpreter runs parts.

    ``functions``: those parts; ``names``: the objects that a call is given; ``made``: those that
    are part of the result.
    """

    def __init__(
        self,
        entry: WithStacks,
        functions: Sequence[Any],
        names: Sequence[str],
        made: Sequence[str],
    ) -> None:
        self.entry = entry
        self.functions = functions
        self.names = names
        self.made = made
        self.is_plain = entry.has_none and not made

    def __call__(self, saved: Saved | None, given: Sequence[Any], *args: Any) -> Any:
        """Call the machine code, which has the objects of this call at hand."""
        objects = dict(zip(self.names, given, strict=True))
        objects[OBJECTS] = [] if saved is None else list(saved.objects)
        asked = Asked(self.functions, objects)
        if self.is_plain:
            return self.entry.entry(*args, id(asked))
        results, saved = self.entry.run(saved, objects[OBJECTS], args, id(asked))
        results += [objects.get(name) for name in self.made]
        results += [saved] * self.entry.are_returned
        return results[0] if len(results) == 1 else tuple(results)


class Loaded:
    """Stands for a compiled kernel, of which there is the machine code alone."""

    def __init__(self, record: Record, entry: Callable[..., Any], classes: Sequence[type]) -> None:
        keep_freed_memory()
        self.record = record
        self.entry = entry
        self.may_leave, self.owns_results = record.may_leave, record.owns_results
        self.stack, self.stack_at = record.stack, record.stack_at
        self.runs_python = bool(record.python)
        with_stacks = WithStacks(entry, record.stack, record.stacks, record.count)
        if record.stack:
            self.entry = with_stacks
        if record.python:
            python = Python(**record.python)
            mentioned = {name: classes[k] for name, k in python.mentioned.items()}
            found = functions_in(python.text, record.machine, python.functions, mentioned)
            self.entry = WithPython(with_stacks, found, python.objects, python.made)
        objects = {n: self.entry if k < 0 else classes[k] for n, k in record.objects.items()}
        self.objects: dict[str, Any] = objects
        self.function = self._defined(record.texts[0]) if record.texts else entry

    @cached_property
    def careful(self) -> Callable[..., Any]:
        """The function for arguments that may lie in memory in any way."""
        texts = self.record.texts
        return self._defined(texts[1]) if texts else in_any_order(self.entry)

    def _defined(self, text: str) -> Callable[..., Any]:
        return defined(self.record.name, text, dict(self.objects))


def loaded(record: Record, classes: Sequence[type]) -> Loaded | None:
    """Return the machine code of a record, None if it is kept no more."""
    if record.has_threads:
        from . import pool

        pool.install()
    entry = kept(record.machine, record.types, record.parameters)
    if entry is None:
        return None
    return Loaded(record, pool.WithThreads(entry) if record.has_threads else entry, classes)


def defined(name: str, text: str, space: dict[str, Any]) -> Callable[..., Any]:
    """Return the function that a text defines; ``space``: the objects that it mentions."""
    _run(text, f"<chainrule {name} call {id(space):x}>", space)
    function: Callable[..., Any] = space[name]
    return function


def functions_in(
    text: str, machine: str, names: Sequence[str], space: dict[str, Any]
) -> list[Callable[..., Any]]:
    """Return the functions for the interpreter that a text defines.

    ``machine``: name of the machine code that calls them; ``space``: the objects that they mention.
    """
    space = dict(space)
    _run(text, f"<chainrule python {machine}>", space)
    return [space[name] for name in names]


def _run(text: str, file: str, space: dict[str, Any]) -> None:
    """Run a text, of which tracebacks show the lines."""
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    exec(compile(text, file, "exec"), space)


def in_any_order(entry: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays that may lie in memory in any way."""
    return lambda *args: entry(*map(in_order, args))


def in_order(x: Any) -> Any:
    """Return an argument as kernels take it: an array in C's order, or a number."""
    if not isinstance(x, np.ndarray):
        return x
    if x.flags.carray and type(x) is np.ndarray:
        return x if x.ndim else x[()]
    return np.require(x, requirements=["C", "A", "W"])
