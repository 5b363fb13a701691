"""Symbols for the sizes of axes, and arithmetic on them.

A size is an int, an *atom* (any other hashable object), or an expression of atoms in a normal form,
so that equal sizes are equal objects: ``u[1:-1]``, ``u[2:]`` and ``np.zeros(len(u) - 2)`` all have
the size ``("max0", ("sum", -2, ((n, 1),)))``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, prod
from typing import Any

from .types import Size, is_plain, is_several, unknown_size

_TAGS = ("sum", "max0", "prod", "slice", "min", "//", "broadcast")
_INTEGER = "integer"

FEW = 4
"""Up to so many places, machine code is made for the very size that an axis has."""


def of_few_places(sizes: dict[Size, int]) -> dict[Size, int]:
    """Return those of some symbols' sizes that are few places."""
    return {size: n for size, n in sizes.items() if 1 < n <= FEW}


def _tag(size: Size) -> str | None:
    is_node = isinstance(size, tuple) and size and isinstance(size[0], str) and size[0] in _TAGS
    return size[0] if is_node else None


def _linear(size: Size) -> tuple[int, dict[Any, int]]:
    """Return the constant and the coefficients of the atoms."""
    if isinstance(size, int):
        return size, {}
    if _tag(size) == "sum":
        return size[1], dict(size[2])
    return 0, {size: 1}


def _from_linear(constant: int, terms: dict[Any, int]) -> Size:
    terms = {atom: k for atom, k in terms.items() if k}
    if not terms:
        return constant
    if constant == 0 and list(terms.values()) == [1]:
        return next(iter(terms))
    return ("sum", constant, tuple(sorted(terms.items(), key=repr)))


def add(a: Size, b: Size, sign: int = 1) -> Size:
    """Return ``a + sign * b`` as an integer, which may be negative."""
    constant, terms = _linear(a)
    more, others = _linear(b)
    for atom, k in others.items():
        terms[atom] = terms.get(atom, 0) + sign * k
    return _from_linear(constant + sign * more, terms)


def multiply(a: Size, b: Size) -> Size:
    """Return ``a * b``; a product of atoms is an atom."""
    for k, other in ((a, b), (b, a)):
        if isinstance(k, int):
            constant, terms = _linear(other)
            return _from_linear(k * constant, {atom: k * c for atom, c in terms.items()})
    factors = [f for s in (a, b) for f in (s[1] if _tag(s) == "prod" else (s,))]
    return ("prod", tuple(sorted(factors, key=repr)))


def product(sizes: tuple[Size, ...]) -> Size:
    """Return how many elements an array of these sizes has."""
    total: Size = 1
    for size in sizes:
        total = multiply(total, size)
    return total


def floor_divide(a: Size, b: Size) -> Size:
    """Return ``a // b`` for a positive int ``b``."""
    if isinstance(a, int):
        return a // b
    return a if b == 1 else ("//", a, b)


def clip(size: Size) -> Size:
    """Return ``max(size, 0)``, the size of an axis."""
    constant, terms = _linear(size)
    if not terms:
        return max(constant, 0)
    if constant >= 0 and all(k > 0 for k in terms.values()):
        return size
    (atom, k), *rest = terms.items()
    if not rest and k == 1 and constant < 0 and _tag(atom) == "max0":
        return clip(add(atom[1], constant))
    return ("max0", size)


def integer(name: str) -> Size:
    """Return the symbol of the number in an integer variable, which may be negative.

    It stands for one value: that of a variable which is assigned once, in one iteration of the
    loops around it.
    """
    return (_INTEGER, name)


def is_integer(size: Size) -> bool:
    """Tell whether a size is that in an integer variable."""
    return isinstance(size, tuple) and size[0] == _INTEGER


def integers(size: Size) -> set[str]:
    """Return the integer variables that a size depends on."""
    return {atom[1] for atom in atoms(size) if is_integer(atom)}


def may_be_one(size: Size) -> bool:
    """Tell whether an axis of this size may be stretched when it is broadcast."""
    if isinstance(size, int):
        return size == 1
    match _tag(size):
        case "prod":
            return all(map(may_be_one, size[1]))
        case "max0":
            return may_be_one(size[1])
        case "min":
            return size[1] == 1 or may_be_one(size[2])
        case "sum":
            constant, terms = _linear(size)
            even = all(k % 2 == 0 for k in (constant, *terms.values()))
            grows = constant > 1 and all(k > 0 for k in terms.values()) and not integers(size)
            return not (even or grows)
    return not is_plain(size)


def joined(m: Size, n: Size) -> Size:
    """Return the size of what has the one or the other."""
    return m if m == n else unknown_size(may_be_one(m) or may_be_one(n))


def is_positive(size: Size) -> bool:
    """Tell whether a size, or a difference of sizes, is known to be positive."""
    return not integers(size) and _at_least(size) > 0


def _at_least(size: Size) -> float:
    """Return a lower bound of a size; minus infinity where nothing is known."""
    match _tag(size):
        case "sum":
            constant, terms = _linear(size)
            known = all(k > 0 for k in terms.values())
            return constant + sum(k * _at_least(a) for a, k in terms.items()) if known else -inf
        case "prod":
            factors = [_at_least(factor) for factor in size[1]]
            return prod(factors) if min(factors) >= 0 else -inf
        case "max0":
            return max(_at_least(size[1]), 0)
        case "min":
            return min(float(size[1]), _at_least(size[2]))
    if isinstance(size, int):
        return size
    return 2 if is_several(size) else 0


def divide(a: Size, b: Size) -> Size | None:
    """Return ``a / b`` where it is known to have no remainder, else None."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b if b and a % b == 0 else None
    factors = list(a[1]) if _tag(a) == "prod" else [a]
    for factor in b[1] if _tag(b) == "prod" else (b,):
        if factor == 1:
            continue
        if factor not in factors:
            return None
        factors.remove(factor)
    return product(tuple(factors))


def slice_size(n: Size, start: Size | None, stop: Size | None, step: Any) -> Size:
    """Return the size of ``a[start:stop:step]`` along an axis of size ``n``."""
    parts = (n, 0 if start is None else start, 0 if stop is None else stop, step)
    if all(isinstance(part, int) for part in parts):
        return len(range(*slice(start, stop, step).indices(n)))
    if not isinstance(step, int):
        return unknown_size()
    if step == -1:
        low = 0 if stop is None else add(_from_front(n, stop), 1)
        high = n if start is None else add(_from_front(n, start), 1)
    else:
        low = 0 if start is None else _from_front(n, start)
        high = n if stop is None else _from_front(n, stop)
    count = _between(n, low, high)
    if abs(step) == 1 and count is not None:
        return count
    return ("slice", n, low, high, step)


def _from_front(n: Size, place: Size) -> Size:
    return add(n, place) if isinstance(place, int) and place < 0 else place


def _between(n: Size, low: Size, high: Size) -> Size | None:
    """Return how many of the places 0, ..., n - 1 lie in ``low:high``; None if it is not simple."""
    count, to_end = add(high, low, -1), add(n, high, -1)
    if integers(low) or (not isinstance(to_end, int) and integers(high)):
        return None  # they may be negative, and count from the end then
    if isinstance(count, int) and (count <= 0 or (count == 1 and _has(n, low))):
        return max(count, 0)
    if isinstance(low, int) and isinstance(to_end, int) and to_end >= 0:
        return clip(count)
    if isinstance(count, int) and (low == 0 or to_end == 0):
        return ("min", count, n)
    return None


def _has(n: Size, place: Size) -> bool:
    """Tell whether an axis is known to have a place."""
    return is_several(n) and place in (0, 1, add(n, -1), add(n, -2))


def atoms(size: Size) -> Iterator[Any]:
    """Yield the atoms of a size."""
    match _tag(size):
        case "sum":
            for atom, _ in size[2]:
                yield from atoms(atom)
        case "prod":
            for factor in size[1]:
                yield from atoms(factor)
        case None:
            if not isinstance(size, int):
                yield size
        case _:
            for part in size[1:]:
                yield from atoms(part)


def evaluate(size: Size, values: dict[Any, int]) -> int:
    """Return the size as a number, given the numbers of its atoms, or that of the size itself."""
    if not isinstance(size, int) and size in values:
        return values[size]
    match _tag(size):
        case "sum":
            return int(size[1] + sum(k * evaluate(atom, values) for atom, k in size[2]))
        case "prod":
            total = 1
            for factor in size[1]:
                total *= evaluate(factor, values)
            return total
        case "max0":
            return max(evaluate(size[1], values), 0)
        case "min":
            return min(int(size[1]), evaluate(size[2], values))
        case "//":
            return evaluate(size[1], values) // int(size[2])
        case "broadcast":
            return next((n for n in (evaluate(part, values) for part in size[1:]) if n != 1), 1)
        case "slice":
            n, low, high = (evaluate(part, values) for part in size[1:4])
            low, high = min(max(low, 0), n), min(max(high, 0), n)
            return max(-(-(high - low) // abs(int(size[4]))), 0)
    return size if isinstance(size, int) else values[size]


def is_numbered(size: Size, values: dict[Any, int]) -> bool:
    """Tell whether a size, or all that it is made of, has a number, so that it can be evaluated."""
    match _tag(size):
        case _ if isinstance(size, int) or size in values:
            return True
        case "sum":
            return all(is_numbered(atom, values) for atom, _ in size[2])
        case "prod":
            return all(is_numbered(factor, values) for factor in size[1])
        case None:
            return False
    return all(is_numbered(part, values) for part in size[1:])


def substituted(size: Size, values: dict[Any, int]) -> Size:
    """Return a size with numbers in place of some of its atoms.

    >>> substituted(("sum", -2, (("n0", 1), ("n1", 1))), {"n0": 3})
    ('sum', 1, (('n1', 1),))
    """
    if not isinstance(size, int) and size in values:
        return values[size]
    match _tag(size):
        case "sum":
            total: Size = size[1]
            for atom, k in size[2]:
                total = add(total, multiply(k, substituted(atom, values)))
            return total
        case "prod":
            return product(tuple(substituted(factor, values) for factor in size[1]))
        case "max0":
            return clip(substituted(size[1], values))
        case "min" | "//" | "slice" | "broadcast" as tag:
            parts = tuple(substituted(part, values) for part in size[1:])
            known = all(isinstance(part, int) for part in parts)
            return evaluate((tag, *parts), {}) if known else (tag, *parts)
    return size
