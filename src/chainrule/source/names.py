"""What functions, modules and other objects are called in an emitted program.

A program that needs NumPy, SciPy and the standard library alone imports them and stands on its own;
functions and classes of the user are known to it by name, and handed to it when it is run.
"""

from __future__ import annotations

import builtins
import cmath
import functools
import math
import operator
import sys
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

_PREFERRED = {"absolute": "abs", "conjugate": "conj"}
_ALIASES = {"numpy": "np"}


@functools.cache
def _table() -> dict[int, tuple[str, str]]:
    """``id`` of a public function or class of NumPy and Python -> its module and name."""
    found: dict[int, tuple[str, str]] = {}
    for module in (builtins, math, cmath, operator, np, np.linalg, np.fft, np.random):
        for name, value in sorted(vars(module).items()):  # dir would import parts of NumPy
            if name.startswith("_"):
                continue
            own = str(getattr(value, "__name__", ""))
            if callable(value) and (id(value) not in found or name == _PREFERRED.get(own, own)):
                found.setdefault(id(value), (module.__name__, name))
                if found[id(value)][0] == module.__name__:
                    found[id(value)] = (module.__name__, name)
    return found


def public_name(value: Any) -> tuple[str, str] | None:
    """Return module and name under which a library's function or class is found, else None."""
    known = _table().get(id(value))
    if known is not None:
        return known
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if name is None or "<" in name:
        return None
    for module in _homes(value):
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is value:
            return module, name
    return None


def _homes(value: Any) -> Iterable[str]:
    """Modules where a value may be found: the public ones that hold its own, from the top."""
    if isinstance(value, np.ufunc):  # does not say where it comes from
        yield from (m for m in list(sys.modules) if m.startswith("scipy.") and "._" not in m)
    home = getattr(value, "__module__", None) or ""
    if home.partition(".")[0] not in {"numpy", "scipy", *sys.stdlib_module_names} - {"__main__"}:
        return
    parts = home.split(".")
    public = [p for i, p in enumerate(parts) if not any(q.startswith("_") for q in parts[: i + 1])]
    yield from (".".join(public[: i + 1]) for i in reversed(range(len(public))))
    yield home


class Names:
    """The names of one emitted module; ``taken`` are those of the program's own variables."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._used = set(taken)
        self._modules: dict[str, str] = {}
        self._builtins: set[str] = set()
        self._known: dict[int, tuple[str, Any]] = {}
        self.objects: dict[str, Any] = {}
        """What the program has to be given: functions and classes of the user."""
        self.helpers: dict[str, Any] = {}
        """Functions of the package whose text is part of the program."""

    def free(self, base: str) -> str:
        """Return a name that nothing else has."""
        name, count = base, 1
        while name in self._used:
            count += 1
            name = f"{base}_{count}"
        self._used.add(name)
        return name

    def module(self, name: str) -> str:
        """Return the local name of a module, and import it."""
        if name not in self._modules:
            root = name.partition(".")[0]
            alias = _ALIASES.get(name, name)
            if "." in alias or alias in self._used:
                alias = self._alias_of_submodule(name, root)
            self._modules[name] = alias
            self._used.add(alias)
        return self._modules[name]

    def _alias_of_submodule(self, name: str, root: str) -> str:
        if name.startswith("numpy.") and hasattr(np, name[6:]):
            return f"{self.module('numpy')}.{name[6:]}"
        return name if "." in name and root not in self._used else self.free(name.replace(".", "_"))

    def imports(self) -> list[str]:
        """Return the import statements, in order: the standard library, then the rest."""
        groups: tuple[list[str], list[str]] = ([], [])
        for name, alias in sorted(self._modules.items()):
            if alias.startswith(f"{self._modules.get('numpy')}."):
                continue
            text = f"import {name}" if alias == name else f"import {name} as {alias}"
            groups[name.partition(".")[0] not in sys.stdlib_module_names].append(text)
        return groups[0] + ([""] if all(groups) else []) + groups[1]

    def of(self, value: Any) -> str:
        """Return the name of a function, a class or a module."""
        if isinstance(value, types.ModuleType):
            return self.module(value.__name__)
        owner = getattr(value, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"{self.of(owner)}.{value.__name__}"
        found = public_name(value)
        if found is not None:
            return self._dotted(*found)
        if not (owner is None or isinstance(owner, (type, types.ModuleType))):
            return f"{self.of(owner)}.{value.__name__}"
        if isinstance(value, types.FunctionType) and is_ours(value):
            return self._object(value, self.helpers)
        return self._object(value, self.objects)

    def _dotted(self, module: str, name: str) -> str:
        if module == "builtins" and (name in self._builtins or name not in self._used):
            self._builtins.add(name)
            self._used.add(name)
            return name
        return f"{self.module(module)}.{name}"

    def _object(self, value: Any, table: dict[str, Any]) -> str:
        if id(value) not in self._known:
            base = getattr(value, "__name__", None) or type(value).__name__.lower()
            base = base if base.isidentifier() else "function"
            name = self.free(base)
            self._known[id(value)] = (name, value)
            table[name] = value
        return self._known[id(value)][0]


def is_ours(function: types.FunctionType) -> bool:
    """Tell whether a function is of this package, so that its text can be emitted."""
    return (function.__module__ or "").partition(".")[0] == __name__.partition(".")[0]


def method_owner(function: Any) -> type | None:
    """Return the class of an unbound method such as ``np.ndarray.copy``, None for a function."""
    owner = getattr(function, "__objclass__", None)
    if isinstance(owner, type):
        return owner
    name, _, method = (getattr(function, "__qualname__", None) or "").partition(".")
    found = getattr(np.random, name, None)  # written in Cython, whose methods look like functions
    is_method = isinstance(found, type) and getattr(found, method, None) is function
    return found if is_method else None
