"""From the arguments of a call to abstract values, and to a key that says which program serves it.

A signature knows of every argument its structure, and of every leaf its dtype, its number of axes,
which of them have size 0 or 1 and which sizes are equal, also across arguments. Strings, None,
booleans and functions count by their value; numbers do not, unless lowering asks for one
(``static``).
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import inspect
import types as python_types
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .._core import Tracer, means_otherwise, plain
from ..errors import ArgumentError
from .ir import Access, Expr, Parameter, Var
from .types import Type, type_of
from .values import Items, Known, Leaf, Mapping, Record, Value

Path = tuple[tuple[str, Any], ...]
Place = tuple[str, Path]
"""Where a leaf is: the parameter, and the path within its value."""

LAYOUT = ("layout", "by rows")
"""The step of a path from an array to whether it lies in one piece, row by row."""

CONTENTS = ("contents", None)
"""The last step of a place that stands for the elements of an array of integers."""

_BY_VALUE = (
    *(str, bytes, bool, type(None), type(Ellipsis), type, np.dtype, range, enum.Enum),
    *(python_types.FunctionType, python_types.BuiltinFunctionType, python_types.MethodType),
    *(python_types.ModuleType, np.ufunc, functools.partial),
)


@dataclasses.dataclass(frozen=True)
class Typed:
    """Stands for an argument of which only the type is given (the command line's ``--types``)."""

    type: Type


class Signature:
    """The arguments of one call, seen as types.

    ``key`` is equal for two calls that the same program serves, static values aside.
    """

    def __init__(self, parameters: Sequence[Parameter], arguments: dict[str, Any]) -> None:
        self.parameters = list(parameters)
        self._given = arguments
        self._symbols: dict[int, str] = {}
        self._known: set[int] = set()
        self.key: Hashable = tuple(self._token(x) for x in arguments.values())

    def arguments(self, static: Collection[Place] = ()) -> dict[str, Value]:
        """Return an abstract value for each parameter.

        A leaf is a ``Var`` where the parameter is a number or an array itself, else an ``Access``
        into the parameter. Of numbers at ``static`` places the value is known, of arrays there the
        shape, and with it that of all arrays whose sizes are equal.
        """
        self._known = {n for place in static for n in np.shape(self.static_value(place))}

        def leaf_of(name: str) -> Callable[[Any, Path], Value]:
            def leaf(x: Any, path: Path) -> Value:
                expr = self._expression(x, name, path)
                if (name, path) in static and not expr.type.is_array:
                    return Known(self.static_value((name, path)))
                return Leaf(expr)

            return leaf

        return {name: abstract(x, leaf_of(name)) for name, x in self._given.items()}

    def contents(self, static: Collection[Place]) -> dict[Place, np.ndarray]:
        """Return the arrays among the arguments whose elements are known."""
        return {
            (name, path[:-1]): at_place(self._given, (name, path[:-1])).copy()
            for name, path in static
            if path and path[-1] == CONTENTS
        }

    def _expression(self, x: Any, name: str, path: Path) -> Expr:
        type_ = self.type_of(x)
        return Access(type_, name, path) if path else Var(type_, name)

    def static_value(self, place: Place) -> Any:
        """Return the number or the array at a place of the arguments."""
        value = at_place(self._given, place)
        if isinstance(value, Typed):
            raise ArgumentError(
                f"What the program does depends on the value or the shape of {show(place)}",
                "call it, or give the value with the type, as in i8=4 or f8[3,4]",
                "<types>:0",
            )
        return value

    def sizes(self) -> dict[Any, int]:
        """Return the size that each symbol stands for in this call."""
        return {symbol: n for n, symbol in self._symbols.items() if isinstance(n, int)}

    def stand_ins(self) -> list[Any]:
        """Return values for all parameters that are like those given; arrays hold hardly memory."""
        stand_ins = []
        for x in self._given.values():
            found = {
                ("", path): np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)
                for path, leaf in leaves(x)
                if type(leaf) is np.ndarray and leaf.dtype.kind in "biufc"
            }
            stand_ins.append(replaced(x, "", (), found))
        return stand_ins

    def type_of(self, x: Any) -> Type:
        """Return the type of a leaf, its sizes named by the symbols of this signature."""
        found = x.type if isinstance(x, Typed) else type_of(x)
        return dataclasses.replace(found, sizes=tuple(map(self._size, found.sizes)))

    def _size(self, n: Any) -> Any:
        if n in (0, 1) or n in self._known:
            return n
        return self._symbols.setdefault(n, f"n{len(self._symbols)}")

    def _token(self, x: Any) -> Hashable:
        """Return what the key holds for a value."""
        if isinstance(x, (Typed, np.ndarray, np.generic)) or type(x) in (int, float, complex):
            _check_plain(x)
            return self.type_of(x)
        inside = parts(x)
        if inside is not None:
            tokens = tuple((step, self._token(item)) for step, item in inside)
            return (type(x), tokens)
        return _itself(x)


def is_known(x: Any) -> bool:
    """Tell whether a value counts by itself: a string, None, a bool, a function, a class."""
    ours = type(x).__module__.partition(".")[0] == "chainrule" and callable(x)
    return isinstance(x, _BY_VALUE) or ours or (isinstance(x, slice) and _hashable(x))


def _hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:  # slices, before Python 3.12
        return False
    return True


def _check_plain(x: Any) -> None:
    if means_otherwise(x):
        raise ArgumentError(
            f"A {type(x).__name__} among the arguments: its own meaning of operations has "
            "no derivative rules",
            "pass a plain array: np.asarray(x), or x.filled(...) and the mask as an argument",
        )


def parts(x: Any) -> list[tuple[tuple[str, Any], Any]] | None:
    """Return the members of a container as ``(step of a path, value)``; None for a leaf.

    Containers are lists, tuples, dicts, dataclass instances and objects of the user's own classes.
    """
    if isinstance(x, dict):
        return [(("item", key), value) for key, value in x.items()]
    if isinstance(x, (list, tuple)):
        return [(("item", k), value) for k, value in enumerate(x)]
    if isinstance(x, (Typed, *_BY_VALUE)):
        return None
    if dataclasses.is_dataclass(x):
        return [(("attr", f.name), getattr(x, f.name)) for f in dataclasses.fields(x)]
    home = type(x).__module__.partition(".")[0]
    if home not in ("builtins", "numpy", "chainrule") and hasattr(x, "__dict__"):
        return [(("attr", name), value) for name, value in vars(x).items()]
    return None


def abstract(x: Any, leaf: Callable[[Any, Path], Value], path: Path = ()) -> Value:
    """Return the abstract value of ``x``; ``leaf(value, path)`` gives that of numbers and arrays.

    >>> abstract({"a": [1.0, "text"]}, lambda x, path: Known(path)).items["a"].items
    [Known(value=(('item', 'a'), ('item', 0)), name=None), Known(value='text', name=None)]
    """
    inside = parts(x)
    if inside is None:
        return Known(x) if is_known(x) else leaf(x, path)
    values = [abstract(value, leaf, (*path, step)) for step, value in inside]
    keys = [key for (_, key), _ in inside]
    if isinstance(x, dict):
        return Mapping(dict(zip(keys, values, strict=True)))
    if isinstance(x, list):
        return Items(values, "list")
    if isinstance(x, tuple):
        return Items(values, "tuple", type(x) if hasattr(x, "_fields") else None)
    return Record(type(x), dict(zip(keys, values, strict=True)))


def at_place(arguments: dict[str, Any], place: Place) -> Any:
    """Return the leaf at a place of the arguments, or what its last step asks of it."""
    name, path = place
    return at_path(arguments[name], path)


def at_path(x: Any, path: Path) -> Any:
    """Return the leaf at the end of a path, or the layout or the elements of the array there."""
    for kind, key in path:
        if kind == "item":
            x = x[key]
        elif kind == "attr":
            x = getattr(x, key)
        else:
            return _asked(plain(x) if isinstance(x, Tracer) else x, (kind, key))
    return x


def _asked(x: Any, step: tuple[str, Any]) -> Any:
    if step == LAYOUT:
        return not isinstance(x, np.ndarray) or x.flags.c_contiguous
    return x if isinstance(x, Typed) else x.tobytes()


def key_at(x: Any) -> Hashable:
    """Return what a program depends on that knows a number, or an array's shape or contents."""
    return x.shape if isinstance(x, np.ndarray) else (type(x), x)


def show(place: Place) -> str:
    """Return a place as the user would write it.

    >>> show(("params", (("item", 0), ("attr", "w"))))
    'params[0].w'
    """
    name, path = place
    return name + "".join(f"[{key!r}]" if kind == "item" else f".{key}" for kind, key in path)


def leaves(x: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the leaves of an argument with their paths."""
    inside = parts(x)
    if inside is None:
        yield path, x
    else:
        for step, value in inside:
            yield from leaves(value, (*path, step))


def leaf_at(x: Any, path: Path) -> Any:
    """Return the leaf of an argument at a path."""
    for step in path:
        x = next(value for found, value in parts(x) or () if found == step)
    return x


def replaced(x: Any, name: str, path: tuple[Any, ...], found: dict[Place, Any]) -> Any:
    """Return an argument with other leaves in some places; the argument itself stays as it is."""
    if (name, path) in found:
        return found[name, path]
    inside = parts(x)
    if inside is None or not any(p[0] == name and p[1][: len(path)] == path for p in found):
        return x
    items = {
        key: replaced(value, name, (*path, (kind, key)), found) for (kind, key), value in inside
    }
    if isinstance(x, dict):
        new = x.copy()
        new.update(items)
        return new
    if isinstance(x, tuple):
        return type(x)(*items.values()) if hasattr(x, "_fields") else type(x)(items.values())
    if isinstance(x, list):
        return list(items.values())
    new = copy.copy(x)
    for key, value in items.items():
        object.__setattr__(new, key, value)
    return new


class Binder:
    """The parameters of a function, and its calls in normal form: one value per parameter."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.signature = inspect.signature(fn)
        found = list(self.signature.parameters.values())
        self.names = [p.name for p in found]
        self.parameters = [
            Parameter(
                p.name, p.kind.description, None if p.default is p.empty else p.default,
                p.default is not p.empty,
            )
            for p in found
        ]  # fmt: skip
        self.bind = _binder(self.signature)
        self.bare_count = len(found) if all(map(_is_plain, found)) else -1
        """How many positional arguments are a call in normal form; -1: never."""

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return the values of all parameters; Python's own TypeError where they do not fit."""
        if not kwargs and len(args) == self.bare_count:
            return args
        bound: tuple[Any, ...] = self.bind(*args, **kwargs)
        return bound

    def signature_of(self, values: Sequence[Any]) -> Signature:
        """Return the signature of a call in normal form."""
        return Signature(self.parameters, dict(zip(self.names, values, strict=True)))


class _Default:
    """Prints as a name, so that the text of a signature can be evaluated."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _binder(signature: inspect.Signature) -> Callable[..., tuple[Any, ...]]:
    """Make ``bind(a, *rest, b=1) -> (a, rest, b)``: Python's own binding of arguments."""
    space: dict[str, Any] = {}
    bare = []
    for p in signature.parameters.values():
        if p.default is not p.empty:
            space[f"default_{p.name}"] = p.default
            p = p.replace(default=_Default(f"default_{p.name}"))
        bare.append(p.replace(annotation=p.empty))
    text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    values = "".join(f"{p.name}, " for p in bare)
    code = compile(f"lambda {text[1:-1]}: ({values})", "<chainrule call>", "eval")
    made: Callable[..., tuple[Any, ...]] = eval(code, space)
    return made


def _is_plain(p: inspect.Parameter) -> bool:
    return p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)


def exact_key(values: Iterable[Any]) -> Hashable:
    """Return a key of a call that is quick to make, finer than that of its ``Signature``."""
    key: list[Any] = []
    for x in values:
        cls: type[Any] = type(x)
        if cls is np.ndarray:
            key += (x.dtype, x.shape)
        elif cls in NUMBERS:
            key.append(cls)
        elif cls is dict:
            key += (cls, tuple(x), exact_key(x.values()))
        elif isinstance(x, Tracer):
            key += (cls, exact_key((x.value,)))
        else:
            key.append(_exact(x, cls))
    return tuple(key)


NUMBERS = frozenset(
    {float, int, complex, *(t for t in np.sctypeDict.values() if issubclass(t, np.number))}
)


def _exact(x: Any, cls: Any) -> Hashable:
    if cls is tuple or cls is list:
        return (cls, exact_key(x))
    inside = parts(x)
    if inside is not None:
        return (cls, *[step for step, _ in inside], exact_key([item for _, item in inside]))
    if isinstance(x, np.ndarray):
        return (cls, x.dtype, x.shape)
    return (cls,) if isinstance(x, np.number) else _itself(x)


def _itself(x: Any) -> Hashable:
    """Return a key for a leaf that counts by its value, and for what is only known by its class."""
    return (type(x), x) if isinstance(x, Typed) or is_known(x) else (type(x),)
