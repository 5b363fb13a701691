"""Text of tests that the arguments of a call are like those of an earlier one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from .._core import Tracer
from .signature import CONTENTS, LAYOUT, NUMBERS, Path, Place, is_known, parts

OTHER: Any = object()
"""What is returned for calls of another kind."""


class NoShortcut(Exception):  # noqa: N818 (no error: the long way is gone)
    """Calls like this one cannot be told by a few tests."""


class Lines:
    """The text of a function, with the objects that it mentions."""

    def __init__(self) -> None:
        self.space: dict[str, Any] = {"OTHER": OTHER}
        self.lines: list[str] = []
        self._names: dict[int, str] = {}
        self._count = 0

    def fresh(self, hint: str) -> str:
        """Return a new name."""
        self._count += 1
        return f"{hint}{self._count}"

    def constant(self, value: Any) -> str:
        """Return the name of an object."""
        if id(value) not in self._names:
            name = self.fresh("c")
            self._names[id(value)] = name
            self.space[name] = value
        return self._names[id(value)]

    def bind(self, expression: str, hint: str = "x") -> str:
        """Give an expression a name."""
        name = self.fresh(hint)
        self.lines.append(f"{name} = {expression}")
        return name

    def require(self, *conditions: str) -> None:
        """Let other calls go another way."""
        self.lines += [f"if not ({condition}): return OTHER" for condition in conditions]

    def function(self, parameters: str, name: str) -> Callable[..., Any]:
        """Return the function."""
        text = "\n    ".join([f"def {name}({parameters}):", *self.lines])
        exec(compile(text, f"<chainrule {name}>", "exec"), self.space)
        made: Callable[..., Any] = self.space[name]
        return made


@dataclasses.dataclass(frozen=True)
class Given:
    """Stands for an argument as it was given: the expression that is its value."""

    text: str


class Alike:
    """Writes the tests that arguments are like others, and the expressions to pass them on.

    ``static``: the places whose values decide. ``converted``: where another value than the one
    given is passed on, and the function that makes it. Without ``tests`` others have to look.
    """

    def __init__(
        self,
        lines: Lines,
        static: Collection[Place] = (),
        converted: dict[Place, Callable[[Any], Any]] | None = None,
        tests: bool = True,
    ) -> None:
        self.lines = lines
        self.tests = tests
        self.static = set(static)
        self.converted = converted or {}
        self.sizes: dict[int, str] = {}
        self.given: dict[Place, str] = {}
        """The names of leaves as they are given."""
        self.passed: dict[Place, str] = {}
        """The expressions of leaves as they are passed on."""

    def call(self, bind: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[str]:
        """Test ``args`` and ``kwargs``; return what each parameter is passed.

        ``bind`` is a ``Binder``. What was left at its default is passed as it is.
        """
        conditions = [f"len(args) == {len(args)}"]
        names = self.lines.constant([*kwargs]) if kwargs else ""
        conditions.append(f"[*kwargs] == {names}" if kwargs else "not kwargs")
        self.lines.require(" and ".join(conditions))
        given = self.taken_apart("args", len(args))
        bound = bind(tuple(given), {key: Given(f"kwargs[{key!r}]") for key in kwargs})
        values = bind(tuple(args), kwargs)
        return [self.look(*triple) for triple in zip(bound, values, bind.names, strict=True)]

    def taken_apart(self, text: str, count: int) -> list[Given]:
        """Give names to the items of a tuple."""
        names = [self.lines.fresh("a") for _ in range(count)]
        if names:
            self.lines.lines.append(f"{', '.join(names)}, = {text}")
        return [Given(name) for name in names]

    def look(self, given: Any, x: Any, name: str, path: Path = ()) -> str:
        """Test what a parameter takes; return the expression to pass on."""
        if isinstance(given, Given):
            text = given.text if given.text.isidentifier() else self.lines.bind(given.text)
            return self._test(text, x, (name, path))
        if type(given) is tuple or (type(given) is dict and any(_mentions(given))):
            items = given.items() if type(given) is dict else enumerate(given)
            found = [(k, self.look(v, x[k], name, (*path, ("item", k)))) for k, v in items]
            return container(self.lines, type(given), found)
        if isinstance(given, _CONSTANT) and (name, path) not in self.converted:
            return self._leaf(self.lines.constant(given), (name, path))
        return self._test(self.lines.constant(given), x, (name, path))

    def _test(self, text: str, x: Any, place: Place) -> str:
        cls: Any = type(x)
        if not self.tests:
            return self._untested(text, place)
        if cls in NUMBERS or cls is np.bool_:
            self._number(text, x, place)
            return self._leaf(text, place)
        if cls is np.ndarray:
            self._array(text, x, place)
            return self._leaf(text, place)
        if isinstance(x, Tracer):
            self.lines.require(f"type({text}) is {self.lines.constant(cls)}")
            if cls.current is not Tracer.current:  # another record may stand for it now
                text, x = self.lines.bind(f"{text}.current()"), x.current()
                self.lines.require(f"type({text}) is {self.lines.constant(type(x))}")
            self._test(self.lines.bind(f"{text}.value", "v"), x.value, place)
            self.given[place] = text
            return text
        if is_known(x):
            known, kind = self.lines.constant(x), self.lines.constant(cls)
            by_value = f"type({text}) is {kind} and {text} == {known}"
            self.lines.require(by_value if cls in _BY_VALUE else f"{text} is {known}")
            return text
        return self._container(text, x, place)

    def _untested(self, text: str, place: Place) -> str:
        name, path = place
        if any(p != place and (p[0], p[1][: len(path)]) == (name, path) for p in self.converted):
            raise NoShortcut  # within a container that nobody has looked into
        return self._leaf(text, place)

    def _leaf(self, text: str, place: Place) -> str:
        self.given[place] = text
        convert = self.converted.get(place)
        self.passed[place] = f"{self.lines.constant(convert)}({text})" if convert else text
        return self.passed[place]

    def _number(self, text: str, x: Any, place: Place) -> None:
        self.lines.require(f"type({text}) is {self.lines.constant(type(x))}")
        if place in self.static:
            self.lines.require(f"{text} == {self.lines.constant(x)}")

    def _array(self, text: str, x: np.ndarray, place: Place) -> None:
        constant, require, path = self.lines.constant, self.lines.require, place[1]
        require(f"type({text}) is {constant(np.ndarray)}", f"{text}.dtype == {constant(x.dtype)}")
        if (place[0], (*path, LAYOUT)) in self.static:
            require(f"{text}.flags.c_contiguous is {x.flags.c_contiguous}")
        has_contents = (place[0], (*path, CONTENTS)) in self.static
        if has_contents or place in self.static:
            require(f"{text}.shape == {constant(x.shape)}")
        if has_contents:
            require(f"{text}.tobytes() == {constant(x.tobytes())}")
        require(f"{text}.ndim == {x.ndim}")
        if x.ndim:
            names = [self.lines.fresh("n") for _ in x.shape]
            self.lines.lines.append(f"{', '.join(names)}, = {text}.shape")
            for name, n in zip(names, x.shape, strict=True):
                require(*self._size(name, n))

    def _size(self, name: str, n: int) -> list[str]:
        """Return the tests that a size is 0 or 1, equal to another one, or neither."""
        if n < 2:
            return [f"{name} == {n}"]
        if n in self.sizes:
            return [f"{name} == {self.sizes[n]}"]
        if len(self.sizes) >= _MANY:
            raise NoShortcut
        others = list(self.sizes.values())
        self.sizes[n] = name
        return [f"{name} > 1", *(f"{name} != {other}" for other in others)]

    def _container(self, text: str, x: Any, place: Place) -> str:
        cls: Any = type(x)
        self.lines.require(f"type({text}) is {self.lines.constant(cls)}")
        if cls is dict:
            self.lines.require(f"[*{text}] == {self.lines.constant([*x])}")
            items = [("item", key, f"[{key_text(self.lines, key)}]", x[key]) for key in x]
        elif cls in (list, tuple) or (isinstance(x, tuple) and hasattr(x, "_fields")):
            self.lines.require(f"len({text}) == {len(x)}")
            items = [("item", k, f"[{k}]", item) for k, item in enumerate(x)]
        elif dataclasses.is_dataclass(cls) and not isinstance(x, (dict, list, tuple)):
            names = [f.name for f in dataclasses.fields(x)]
            items = [("attr", name, f".{name}", getattr(x, name)) for name in names]
        else:
            raise NoShortcut
        found, is_same = [], True
        for kind, key, step, item in items:
            part = self.lines.bind(text + step)
            passed = self._test(part, item, (place[0], (*place[1], (kind, key))))
            found.append((key, passed))
            is_same = is_same and passed == part
        return text if is_same else container(self.lines, cls, found)


_MANY = 6
"""Sizes that are told apart; each one is compared with all others."""

_BY_VALUE = (str, bytes, range, slice, np.dtype)
"""Types of what is known of which there may be several that are equal."""

_CONSTANT = (int, float, complex, str, bytes, np.generic, type(None))
"""Types of defaults that stay what they are."""


def _mentions(given: Any) -> list[bool]:
    """Tell of each item of a dict whether it is an argument."""
    return [isinstance(item, Given) for item in given.values()]


def is_leaf(x: Any) -> bool:
    """Tell a number or an array, traced or not, from what is known."""
    return isinstance(x, (Tracer, np.ndarray, np.bool_)) or type(x) in NUMBERS


def container(lines: Lines, cls: Any, items: Sequence[tuple[Any, str]]) -> str:
    """Write a container of these items."""
    texts = "".join(f"{text}, " for _, text in items)
    if cls is dict:
        return f"{{{''.join(f'{key_text(lines, key)}: {text}, ' for key, text in items)}}}"
    if cls is list:
        return f"[{texts}]"
    if cls is tuple:
        return f"({texts})"
    if not hasattr(cls, "_fields"):
        raise NoShortcut
    return f"{lines.constant(cls)}({texts})"


def key_text(lines: Lines, key: Any) -> str:
    """Return the expression of a key."""
    return repr(key) if type(key) is str else lines.constant(key)


def written(
    lines: Lines, x: Any, place: Place, leaves: dict[Place, str], other: str | None = None
) -> str:
    """Write a value with other leaves; ``other`` stands for leaves without a text."""
    if place in leaves:
        return leaves[place]
    inside = parts(x)
    if inside is None:
        return lines.constant(x) if other is None else other
    name, path = place
    items = [
        (step[1], written(lines, v, (name, (*path, step)), leaves, other)) for step, v in inside
    ]
    return container(lines, type(x), items)
