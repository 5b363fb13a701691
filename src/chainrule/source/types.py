"""Static types: what is known of a value before the program runs.

Sizes are symbols. Two axes whose symbols are equal have the same size at every call of the
signature; ``1`` is an axis of size one for certain; any other pair may differ, and one of them may
be 1. So broadcasting is known where the symbols say so, and looked up at run time where not.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Size = Any
"""Of one axis: an int, or a hashable symbol."""


@dataclass(frozen=True, slots=True)
class Type:
    """Kind, dtype and sizes of a value.

    ``kind``: ``python`` (a Python bool, int, float or complex: its dtype is weak), ``scalar``
    (a NumPy scalar), ``array`` (0-d arrays included), ``none``, ``object`` (anything else: a
    string, a dtype, a slice, a tuple of sizes, a random generator, ...).
    ``dtype``: a NumPy dtype; None for ``none`` and ``object``.
    """

    kind: str
    dtype: np.dtype[Any] | None = None
    sizes: tuple[Size, ...] = ()

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.sizes)

    @property
    def is_array(self) -> bool:
        """Whether it is an array, also one without axes."""
        return self.kind == "array"

    @property
    def is_number(self) -> bool:
        """Whether it is an immutable number."""
        return self.kind in ("python", "scalar")

    @property
    def is_differentiable(self) -> bool:
        """Whether it is made of real or complex floating-point numbers."""
        return self.dtype is not None and self.dtype.kind in "fc"

    def __str__(self) -> str:
        if self.dtype is None:
            return self.kind
        name = {"python": "py", "scalar": ""}.get(self.kind, "") + self.dtype.str.lstrip("<|>=")
        return name + (f"[{', '.join(':' for _ in self.sizes)}]" if self.is_array else "")


NONE = Type("none")
OBJECT = Type("object")
SAVED = Type("saved")
"""What the first half of a function keeps for the second one."""
BOOL = Type("python", np.dtype(bool))
INT = Type("python", np.dtype(np.int64))
FLOAT = Type("python", np.dtype(np.float64))
COMPLEX = Type("python", np.dtype(np.complex128))

_count = itertools.count()


def unknown_size(may_be_one: bool = True) -> Size:
    """Return a symbol that equals no other."""
    return f"{'?' if may_be_one else '#'}{next(_count)}"


def of_any_size(found: Type) -> Type:
    """Return a type of which nobody can tell the sizes."""
    return replace(found, sizes=tuple(unknown_size() for _ in found.sizes))


def is_plain(size: Size) -> bool:
    """Tell whether a symbol stands for a size that is not 1, as that of an argument's axis does."""
    return isinstance(size, str) and not size.startswith("?")


def is_several(size: Size) -> bool:
    """Tell whether a symbol is that of an argument's axis of two or more places."""
    return isinstance(size, str) and size[0] not in "?#"


def type_of(value: Any) -> Type:
    """Return the type of a Python object, its sizes as they are."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, (np.generic, np.ndarray)):
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return Type(kind, value.dtype, value.shape) if value.dtype.kind in "biufc" else OBJECT
    for python, found in ((int, INT), (float, FLOAT), (complex, COMPLEX)):
        if isinstance(value, python):
            return found
    return NONE if value is None else OBJECT


def broadcast_sizes(*all_sizes: tuple[Size, ...]) -> tuple[Size, ...]:
    """Return the sizes of operands broadcast together, unknown where they may differ."""
    ndim = max(map(len, all_sizes), default=0)
    padded = [(1,) * (ndim - len(sizes)) + tuple(sizes) for sizes in all_sizes]
    return tuple(_common(column) for column in zip(*padded, strict=True))


def _common(column: tuple[Size, ...]) -> Size:
    rest = list(dict.fromkeys(size for size in column if size != 1))
    if not rest:
        return 1
    if len(rest) == 1:
        return rest[0]
    known = [size for size in rest if isinstance(size, int)] or [s for s in rest if is_plain(s)]
    return known[0] if known else ("broadcast", *sorted(rest, key=str))
