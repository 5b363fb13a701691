"""Small values of given types, to call functions with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import sizes
from .types import Size, Type

ANY_INTEGER = "an integer of which nothing is known"


@dataclass(frozen=True, slots=True)
class Sized:
    """An integer argument that is known to equal a size."""

    size: Size


def sample(spec: Any, values: dict[Any, int]) -> Any:
    """Make a value of the given kind, with the given numbers for atoms."""
    if isinstance(spec, Type):
        return _sample_of(spec, values)
    if isinstance(spec, Sized):
        return number_of(spec.size, values)
    if isinstance(spec, list):
        return [sample(item, values) for item in spec]
    if isinstance(spec, tuple):
        items = [sample(item, values) for item in spec]
        return type(spec)(*items) if hasattr(spec, "_fields") else tuple(items)
    if isinstance(spec, slice):
        return slice(*(sample(part, values) for part in (spec.start, spec.stop, spec.step)))
    return spec


def _sample_of(found: Type, values: dict[Any, int]) -> Any:
    if found.kind == "none":
        return None
    if found.dtype is None:
        raise TypeError("a value of unknown type cannot be sampled")
    if found.is_array:
        shape = tuple(number_of(s, values) for s in found.sizes)
        return array_of(found.dtype, shape, bool(values.get("varied")))
    integer = values.get(ANY_INTEGER, 1)
    value = found.dtype.type(integer if found.dtype.kind in "iu" else 0.5)
    return value.item() if found.kind == "python" else value


def number_of(size: Size, values: dict[Any, int]) -> int:
    """Return the number that stands for a size; large ones stand for others too."""
    if isinstance(size, int):
        return values.get(size, size)
    return sizes.evaluate(size, values)


def array_of(dtype: Any, shape: tuple[int, ...], varied: bool = False) -> Any:
    """Make an array that most functions accept: small indices, positive definite matrices.

    ``varied``: its elements differ, so that sizes that depend on them differ too.
    """
    if dtype.kind in "biu":
        return (np.arange(math.prod(shape)) % 2 * varied).reshape(shape).astype(dtype) ^ (
            dtype.kind == "b"
        )
    made = np.full(shape, 0.5, dtype)
    if varied:
        made += np.linspace(0, 0.1, made.size).reshape(shape)
    if len(shape) > 1:
        made += np.eye(*shape[-2:], dtype=dtype)
    return made


def array_of_list(spec: Any) -> Any:
    """Return a list of numbers, all of them known, as the array that it is to NumPy."""
    if not isinstance(spec, (list, tuple)):
        return spec
    try:
        found = np.asarray(spec)
    except ValueError:  # rows of different lengths
        return spec
    return found if found.dtype.kind in "biufc" else spec
