"""Programs as texts that are the same in every process: what is made of a program is kept by them.

An outline holds all that a program means and nothing else: no places of memory, no lines of files,
no counts of this process. Of what it mentions, functions of libraries are known by name. There is
no outline of a program that mentions functions of the user, such as primitives with rules of their
own; classes of the user that hold arguments or results are known by their fields.
"""

from __future__ import annotations

import dataclasses
import re
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import TABLE
from . import ir
from .names import method_owner, public_name
from .types import Type
from .values import Items, Known, Leaf, Record, Value


class NoOutlineError(Exception):
    """Something that another process could not be told of."""


class Outline:
    """Collects the words of an outline."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.classes: list[type] = []
        """Classes of the user, in the order in which they are met."""
        self._symbols: dict[str, int] = {}
        self._types: dict[Type, str] = {}
        self._names: dict[int, str] = {}
        if _has_rules_of_users():
            raise NoOutlineError("a rule that is not the library's")

    def text(self, *things: Any) -> str:
        """Return the outline of some things: programs, abstract values, what literals may be."""
        self.words = []
        waiting = [*reversed(things)]
        while waiting:
            x = waiting.pop()
            waiting += reversed(self._write(x))
        return "\n".join(self.words)

    def _write(self, x: Any) -> Sequence[Any]:
        """Write what something is; return its parts, which come next."""
        write = _WRITERS.get(type(x))
        if write is not None:
            return write(self, x)
        if isinstance(x, (ir.Expr, ir.Stmt, Value)):
            return self._parts(x, _fields_of(type(x)))
        if isinstance(x, tuple) and hasattr(x, "_fields"):
            self._class(type(x))
            return self._row(x)
        if isinstance(x, np.generic):
            return self._bytes(np.asarray(x))
        if isinstance(x, np.dtype):
            self.words.append(_dtype(x))
            return ()
        if callable(x):
            self.words.append(self._name(x))
            return ()
        if dataclasses.is_dataclass(x):
            self._class(type(x))
            return [getattr(x, field.name) for field in dataclasses.fields(x)]
        raise NoOutlineError(type(x).__name__)

    # ------------------------------------------------------------------------------ containers

    def _row(self, x: Sequence[Any]) -> Sequence[Any]:
        self.words.append(f"{'list' if isinstance(x, list) else 'tuple'} {len(x)}")
        return x

    def _table(self, x: dict[Any, Any]) -> Sequence[Any]:
        self.words.append(f"dict {len(x)}")
        return [part for pair in x.items() for part in pair]

    def _set(self, x: frozenset[Any]) -> Sequence[Any]:
        if not all(type(item) is str for item in x):
            raise NoOutlineError("a set")
        self.words.append(f"set {len(x)}")
        return sorted(x)

    def _range(self, x: range | slice) -> Sequence[Any]:
        self.words.append(type(x).__name__)
        return x.start, x.stop, x.step

    def _parts(self, x: Any, names: Sequence[str]) -> Sequence[Any]:
        self.words.append(type(x).__name__)
        return [getattr(x, name) for name in names]

    # ---------------------------------------------------------------------------------- numbers

    def _constant(self, x: Any) -> Sequence[Any]:
        self.words.append(repr(x))
        return ()

    def _float(self, x: float | complex) -> Sequence[Any]:
        parts = (x.real, x.imag) if isinstance(x, complex) else (x,)
        self.words.append(f"{type(x).__name__} {struct.pack(f'<{len(parts)}d', *parts).hex()}")
        return ()

    def _bytes(self, x: np.ndarray[Any, Any]) -> Sequence[Any]:
        self.words.append(f"{type(x).__name__} {_dtype(x.dtype)} {x.shape} {x.tobytes().hex()}")
        return ()

    # ------------------------------------------------------------------------- types and values

    def _type(self, x: Type) -> Sequence[Any]:
        word = self._types.get(x)
        if word is None:
            dtype = None if x.dtype is None else _dtype(x.dtype)
            word = self._types[x] = f"Type {x.kind} {dtype} {self._size(x.sizes)}"
        self.words.append(word)
        return ()

    def _size(self, size: Any) -> str:
        """Return a size; of those that are not known, what counts is which are the same."""
        if isinstance(size, tuple):
            return f"({''.join(f'{self._size(part)}, ' for part in size)})"
        if not isinstance(size, (int, str, type(None))):
            raise NoOutlineError("a size")
        return _UNKNOWN.sub(self._symbol, repr(size))

    def _symbol(self, found: re.Match[str]) -> str:
        number = self._symbols.setdefault(found[0], len(self._symbols))
        return f"{found[0][0]}{number}"

    def _leaf(self, x: Leaf) -> Sequence[Any]:
        self.words.append(f"Leaf {self._size(x.size)}")
        return x.expr, x.root

    def _known(self, x: Known) -> Sequence[Any]:
        """Of an argument that is known, the program holds what followed from it."""
        self.words.append("Known")
        return (x.name,)

    def _items(self, x: Items) -> Sequence[Any]:
        self._class(x.cls)
        return "Items", x.kind, x.items

    def _record(self, x: Record) -> Sequence[Any]:
        self._class(x.cls)
        return "Record", x.attributes

    def _program(self, x: ir.Program) -> Sequence[Any]:
        if x.functions:
            raise NoOutlineError("a recursive function")
        return [tuple(x.hidden), *self._parts(x, _PROGRAM)]

    def _refuse(self, x: Any) -> Sequence[Any]:
        raise NoOutlineError(type(x).__name__)

    # ------------------------------------------------------------------ functions and classes

    def _class(self, cls: Any) -> None:
        """Write a class whose objects hold other things; users have their own ones."""
        if cls is None:
            self.words.append("no class")
            return
        if cls not in self.classes:
            self.classes.append(cls)
        known: tuple[Any, ...] = (self.classes.index(cls), cls.__module__, cls.__qualname__)
        known += (getattr(cls, "_fields", None), hasattr(cls, "__post_init__"))
        if dataclasses.is_dataclass(cls):
            known += tuple((field.name, field.init) for field in dataclasses.fields(cls))
        known += (dataclasses.is_dataclass(cls),)
        self.words.append(f"class {known}")

    def _name(self, function: Callable[..., Any]) -> str:
        known = self._names.get(id(function))
        if known is None:
            known = self._names[id(function)] = _name_of(function)
        return known


_UNKNOWN = re.compile(r"[?#]\d+")
"""In sizes: how ``types.unknown_size`` names them."""

_SKIPPED = {"origin", "functions", "file", "line", "guards", "hidden"}
"""Of closed-over values the names count: what of them is known stands in the program."""

_PROGRAM = tuple(f.name for f in dataclasses.fields(ir.Program) if f.name not in _SKIPPED)
_field_names: dict[Any, tuple[str, ...]] = {}


def _fields_of(cls: Any) -> tuple[str, ...]:
    names = _field_names.get(cls)
    if names is None:
        if not dataclasses.is_dataclass(cls):
            raise NoOutlineError(cls.__name__)
        found = (f.name for f in dataclasses.fields(cls))
        names = _field_names[cls] = tuple(name for name in found if name not in _SKIPPED)
    return names


_WRITERS: dict[Any, Callable[[Outline, Any], Sequence[Any]]] = {
    **dict.fromkeys((str, bytes, int, bool, type(None), type(Ellipsis)), Outline._constant),
    **dict.fromkeys((float, complex), Outline._float),
    **dict.fromkeys((list, tuple), Outline._row),
    **dict.fromkeys((range, slice), Outline._range),
    dict: Outline._table,
    frozenset: Outline._set,
    np.ndarray: Outline._bytes,
    Type: Outline._type,
    Leaf: Outline._leaf,
    Known: Outline._known,
    Items: Outline._items,
    Record: Outline._record,
    ir.Program: Outline._program,
    ir.Parameter: lambda o, x: o._parts(x, _fields_of(ir.Parameter)),
    **dict.fromkeys((ir.Opaque, ir.Invoke, ir.Turn), Outline._refuse),
}


def _dtype(dtype: np.dtype[Any]) -> str:
    if dtype.kind not in "biufcmMSU" or dtype.char in "gG" or dtype.metadata:
        raise NoOutlineError(f"numbers of type {dtype}")
    return dtype.str


def _name_of(function: Any) -> str:
    """Return the name of a function or class that is the same in all processes."""
    owner, name = getattr(function, "__self__", None), str(getattr(function, "__name__", ""))
    if isinstance(owner, np.ufunc):
        return f"{_name_of(owner)}.{name}"
    holder = method_owner(function)
    if holder is not None and getattr(holder, name, None) is function:
        return f"{_name_of(holder)}.{name}"
    found = public_name(function) or _own_name(function)
    home = getattr(function, "__module__", None) or "numpy"
    top = home.partition(".")[0]
    libraries = {"numpy", "scipy", "chainrule", *sys.stdlib_module_names} - {"__main__"}
    if found is None or top not in libraries:
        raise NoOutlineError(f"the function {function!r}")
    version = getattr(sys.modules.get(top), "__version__", "")
    return f"{'.'.join(found)} {home} {getattr(function, '__qualname__', '')} {version}"


def _own_name(function: Any) -> tuple[str, str] | None:
    """Return module and name of a function of this package."""
    home, name = getattr(function, "__module__", None) or "", getattr(function, "__qualname__", "")
    found: Any = sys.modules.get(home) if home.startswith("chainrule.") else None
    for part in name.split("."):
        found = getattr(found, part, None)
    return (home, name) if found is function else None


def _has_rules_of_users() -> bool:
    """Tell whether an entry of the rule table was made elsewhere: it may stand behind any other."""
    return any(not _is_own(entry) for entry in TABLE.values())


def _is_own(entry: Any) -> bool:
    functions = (getattr(entry, name, None) for name in ("rule", "rule_vjp", "body"))
    homes = [type(entry).__module__, *(f.__module__ for f in functions if f is not None)]
    return all(home.partition(".")[0] == "chainrule" for home in homes)
