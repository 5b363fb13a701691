"""Values from outside of the functions: closed-over and global ones, defaults, attributes.

Numbers that can be differentiated and arrays are hidden inputs, read at every call. What decides
the structure of the program (integers, strings, functions, ...) is known, with a guard: the
program holds as long as it is the same.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import enum
import importlib
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..._core import Tracer
from ..ir import Var
from ..readers import Attribute, Item, Itself, TypeOf
from ..types import Type, type_of, unknown_size
from ..values import Items, Known, Leaf, Mapping, Record, Value
from .purity import is_pure, is_standard
from .state import State

Reader = Callable[[], Any]


def from_outside(state: State, value: Any, read: Reader, name: str) -> Value:
    """Return the abstract value of a Python object; ``read`` reads it again at a call."""
    key = (name, id(value)) if _is_shared(value) else (name, id(value), str(type(value)))
    if key not in state.outside:
        state.kept.append(value)
        state.outside[key] = _converted(state, value, read, name)
    return state.outside[key]


def _is_shared(value: Any) -> bool:
    return isinstance(value, (list, dict, np.ndarray))


def _converted(state: State, value: Any, read: Reader, name: str) -> Value:
    if isinstance(value, Tracer):
        raise state.error(
            f"{name} is a traced value that the function closes over, and whose derivative would "
            "be lost",
            "pass it as an argument of its own, or differentiate the outer function by the source "
            "engine too",
        )
    if isinstance(value, (np.ndarray, float, complex, np.inexact)):
        return _input(state, value, read, name)
    if type(value) in (list, tuple) or (isinstance(value, tuple) and hasattr(value, "_fields")):
        return _sequence(state, value, read, name)
    if isinstance(value, dict):
        return _mapping(state, value, read, name)
    if _is_record(value):
        return _record(state, value, read, name)
    if is_state(value):
        return _input(state, value, read, name)
    if isinstance(value, set):  # may be asked, not changed
        state.guards.append((lambda: frozenset(read()), frozenset(value)))
        return Known(frozenset(value))
    _guard(state, value, read)
    return Known(value)


def _input(state: State, value: Any, read: Reader, name: str) -> Leaf:
    """Make a hidden input."""
    found = type_of(value)
    sizes = tuple(1 if n == 1 else unknown_size() for n in found.sizes)
    found = Type(found.kind, found.dtype, sizes) if found.is_array else found
    var = state.fresh(name)
    if ("contents", var) in state.refinements:
        found = Type("array", value.dtype, value.shape)
        state.contents[var] = value.copy()
        state.guards.append((lambda: _elements(read()), _elements(value)))
    state.types[var] = found
    state.hidden[var] = read
    state.definitions[var] = None
    state.sites[var] = frozenset({("outside", name)})
    state.guards.append((TypeOf(read), TypeOf(Itself(value))()))
    return Leaf(Var(found, var))


def _elements(value: Any) -> Any:
    return value.shape, value.tobytes()


def _sequence(state: State, value: Any, read: Reader, name: str) -> Value:
    count = len(value)
    state.guards.append((lambda: (type(read()), len(read())), (type(value), count)))
    items = [
        from_outside(state, item, Item(read, k), f"{name}_{k}") for k, item in enumerate(value)
    ]
    kind = "list" if isinstance(value, list) else "tuple"
    made = Items(items, kind, type(value) if hasattr(value, "_fields") else None)
    return _foreign(state, made)


def _mapping(state: State, value: dict[Any, Any], read: Reader, name: str) -> Value:
    state.guards.append((lambda: tuple(read()), tuple(value)))
    return _foreign(state, Mapping({
        key: from_outside(state, item, Item(read, key), f"{name}_{key}")
        for key, item in value.items()
    }))  # fmt: skip


def _is_record(value: Any) -> bool:
    """Tell an object of a user's class, whose attributes are read one by one."""
    if isinstance(value, (type, types.ModuleType, types.FunctionType, types.MethodType)):
        return False
    cls = type(value)
    if cls in (types.SimpleNamespace, argparse.Namespace):
        return True
    top = cls.__module__.partition(".")[0]
    is_library = top in _LIBRARIES or is_standard(cls) or isinstance(value, enum.Enum)
    return hasattr(value, "__dict__") and not is_library


_LIBRARIES = ("builtins", "numpy", "scipy", "functools", "chainrule", "numba", "math")


def is_state(value: Any) -> bool:
    """Tell an object of a library that may change: a generator, a logger, an iterator, a file."""
    if isinstance(value, (np.random.Generator, np.random.RandomState, Iterator)):
        return True
    cls = type(value)
    constant = is_pure(cls) or callable(value) or cls.__module__ in _CONSTANT
    return is_standard(cls) and not constant and not isinstance(value, _VALUES)


_CONSTANT = ("re", "pathlib", "types", "uuid", "zoneinfo", "ast", "inspect", "dataclasses")
_VALUES = (type, types.ModuleType, slice, property, staticmethod, classmethod, set, list)


class _Attributes(dict[str, Value]):
    """The attributes of an object, each read when it is asked for first.

    Objects may lead to each other in circles, and hold much that the program does not read. The
    object is not changed by the program, so branches and loops need not look at what is here.
    """

    def __init__(self, state: State, value: Any, read: Reader, name: str) -> None:
        super().__init__()
        self.made = (state, vars(value), read, name)

    def __contains__(self, key: object) -> bool:
        return key in self.made[1]

    def __missing__(self, key: str) -> Value:
        state, values, read, name = self.made
        return from_outside(state, values[key], Attribute(read, key), f"{name}_{key}")

    def get(self, key: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self[key] if key in self.made[1] else default


def _record(state: State, value: Any, read: Reader, name: str) -> Value:
    state.guards.append((lambda: type(read()), type(value)))
    if not dataclasses.is_dataclass(value):
        return _foreign(state, Record(type(value), _Attributes(state, value, read, name)))
    return _foreign(state, Record(type(value), {
        key: from_outside(state, item, Attribute(read, key), f"{name}_{key}")
        for key, item in vars(value).items()
    }))  # fmt: skip


def _foreign(state: State, made: Value) -> Value:
    state.kept.append(made)
    state.foreign.add(id(made))
    return made


def _guard(state: State, value: Any, read: Reader) -> None:
    if not isinstance(value, types.ModuleType):
        state.guards.append((read, value))


def import_names(state: State, node: ast.Import | ast.ImportFrom) -> None:
    """Bind what an import statement in the function asks for."""
    for item in node.names:
        if isinstance(node, ast.Import):
            module = importlib.import_module(item.name)
            top = importlib.import_module(item.name.partition(".")[0])
            state.scope.variables[item.asname or top.__name__] = Known(
                module if item.asname else top
            )
            continue
        if node.level or node.module is None:
            raise state.error("A relative import in a function", "import at the top of the module")
        owner = importlib.import_module(node.module)
        found = getattr(owner, item.name, None)
        if found is None:
            raise state.error(f"{node.module} has no {item.name}", "import what exists")
        state.scope.variables[item.asname or item.name] = Known(found)
