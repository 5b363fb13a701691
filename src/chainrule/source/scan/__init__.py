"""Which engine is right for a function: a scan of its text, before it is called.

The tape follows what a function does with traced values as it runs. It cannot follow them into
arrays that the function made itself (``np.zeros`` and stores), through ``np.array([...])``, or
through functions of ``math``; there the source engine is right. The scan finds such places in the
function and in the functions of the user that it reaches. Where it is in doubt it picks the source
engine, unless that would refuse the function; then the tape runs, with its own loud errors.
"""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .expressions import is_users, users_call
from .frames import of_object
from .reading import Reading
from .rules import GIVEN, PLAIN, TRACED, Value

Argnums = int | str | Sequence[int | str]


@dataclass(frozen=True)
class Verdict:
    """The engine for a function, ``tape`` or ``source``.

    ``reasons``: where the tape would lose a traced value, as pairs of 'FILE:LINE' and what it is.
    ``refused``: what the source engine does not take; it then stays out.
    """

    engine: str
    reasons: tuple[tuple[str, str], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        if not self.reasons:
            return f"the {self.engine} engine, which can follow all of it"
        lines = [f"the {self.engine} engine. The tape cannot follow:", *_listed(self.reasons)]
        if self.refused:
            lines += ["The source engine does not take:", *_listed(self.refused)]
        return "\n".join(lines)


def _listed(places: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {place}: {what}" for place, what in places]


TAPE = Verdict("tape")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A verdict, and what it holds for. Keeping the code alive keeps its id from being reused."""

    code: types.CodeType
    closed: tuple[Any, ...]
    outside: tuple[tuple[dict[str, Any], str, Any], ...]
    verdict: Verdict


_CACHE: dict[Any, _Entry] = {}
_ENTRIES = 2000
"""Functions are made without end in notebooks and factories; the cache then starts afresh."""


def scan(f: Callable[..., Any], argnums: Argnums = 0) -> Verdict:
    """Return which engine is right for the derivative of ``f`` by the arguments ``argnums``."""
    if type(f) is types.FunctionType:
        return _cached(f, argnums if argnums.__class__ is int else _hashable(argnums), ())
    keywords: dict[str, Any] = {}
    given: tuple[Any, ...] = ()
    while True:
        if isinstance(f, functools.partial):
            keywords, given, f = {**f.keywords, **keywords}, (*f.args, *given), f.func
        elif isinstance(f, types.MethodType):
            given, f = (f.__self__, *given), f.__func__
        else:
            break
    if not isinstance(f, types.FunctionType):
        method = users_call(f)
        if method is None:
            return TAPE
        given, f = (f, *given), method
    return _cached(f, _hashable(argnums), given, tuple(keywords.items()))


def which_engine(f: Callable[..., Any], argnums: Argnums = 0) -> Verdict:
    """Say which engine ``cr.grad(f, argnums)`` uses, and why.

    >>> which_engine(lambda x: x * x)
    the tape engine, which can follow all of it
    """
    return scan(f, argnums)


def _cached(
    f: types.FunctionType,
    argnums: Any,
    given: tuple[Any, ...],
    keywords: tuple[tuple[str, Any], ...] = (),
) -> Verdict:
    key = (id(f.__code__), argnums)
    if given or keywords:
        key = (*key, *map(_mark, given), *((name, _mark(value)) for name, value in keywords))
    entry = _CACHE.get(key)
    if entry is not None and (f.__closure__ is None or entry.closed == _closed(f)):
        for holder, name, known in entry.outside:
            if _mark(holder.get(name)) is not known:
                break
        else:
            return entry.verdict
    if len(_CACHE) >= _ENTRIES:
        _CACHE.clear()
    entry = _CACHE[key] = _fresh(f, argnums, given, keywords)
    return entry.verdict


def _hashable(argnums: Argnums) -> Any:
    return argnums if isinstance(argnums, int | str) else tuple(argnums)


def _mark(thing: Any) -> Any:
    """Return what a verdict depends on: a function's code, a callable itself, the type of data."""
    if type(thing) is types.FunctionType and thing.__closure__ is None:
        return thing.__code__
    return thing if callable(thing) else type(thing)


def _closed(f: types.FunctionType, depth: int = 4) -> tuple[Any, ...]:
    """Return the marks of closed-over values, and of what closed-over functions close over."""
    marks: list[Any] = []
    for cell in f.__closure__ or ():
        try:
            thing = cell.cell_contents
        except ValueError:  # not bound yet
            marks.append(None)
            continue
        if type(thing) is types.FunctionType:
            marks += (thing.__code__, _closed(thing, depth - 1) if depth else thing)
        else:
            marks.append(_mark(thing))
    return tuple(marks)


def _fresh(
    f: types.FunctionType,
    argnums: Any,
    given: tuple[Any, ...],
    keywords: tuple[tuple[str, Any], ...],
) -> _Entry:
    """Read the function."""
    if not is_users(f):
        return _Entry(f.__code__, _closed(f), (), TAPE)
    reading = Reading()
    args, named = _inputs(f, argnums, given)
    named |= {name: of_object(value) for name, value in keywords}
    reading.function(f, args, named)
    reasons, refused = tuple(reading.alarms), tuple(reading.refused)
    verdict = TAPE
    if reasons:
        verdict = Verdict("tape" if refused else "source", reasons, refused)
    outside = tuple(
        (holder, name, _mark(thing))
        for holder, name, thing in reading.outside.values()
        if isinstance(holder, dict) and holder is not vars(builtins)
    )
    return _Entry(f.__code__, _closed(f), outside, verdict)


def _inputs(
    f: types.FunctionType, argnums: Any, given: tuple[Any, ...]
) -> tuple[list[Value], dict[str, Value]]:
    """Return what the function is called with: traced values where it is differentiated."""
    code = f.__code__
    names = code.co_varnames[len(given) : code.co_argcount + code.co_kwonlyargcount]
    count = max(code.co_argcount - len(given), 0)
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    if any(isinstance(n, int) and n < 0 for n in wanted):  # counted from the end of the call
        wanted = (*range(count), *names)
    most = max([count, *(n + 1 for n in wanted if isinstance(n, int))])
    args = [Value(TRACED if i in wanted else PLAIN | GIVEN) for i in range(most)]
    for i, name in enumerate(names[:count]):
        args[i] = Value(TRACED) if name in wanted else args[i]
    named = {n: Value(TRACED if n in wanted else PLAIN | GIVEN) for n in names[count:]}
    named |= {n: Value(TRACED) for n in wanted if isinstance(n, str) and n not in names}
    return [*map(of_object, given), *args], named
