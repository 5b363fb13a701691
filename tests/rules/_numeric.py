"""Derivatives by differences: the oracles, which know nothing of any rule.

Values are lists of arrays. As a vector a list is real: a complex array gives its real and then its
imaginary parts, so that the dot product of two vectors is sum(Re(conj(a) * b)).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Arrays = list[Any]

STEP = 2.0**-6
"""Largest step. Three halvings cancel errors of order 2 and 4: what remains is about 1e-11."""


def vector(arrays: Sequence[Any]) -> Any:
    """Flatten a list of arrays into one real vector."""
    parts = [np.zeros(0)]
    for a in arrays:
        a = np.asarray(a)
        parts.append(np.real(a).ravel().astype(float))
        if a.dtype.kind == "c":
            parts.append(np.imag(a).ravel().astype(float))
    return np.concatenate(parts)


def unvector(flat: Any, like: Sequence[Any]) -> Arrays:
    """Invert ``vector``: arrays of the shapes and kinds of ``like``."""
    arrays, start = [], 0
    for a in like:
        a = np.asarray(a)
        part = flat[start : start + a.size].reshape(a.shape)
        start += a.size
        if a.dtype.kind == "c":
            part = part + 1j * flat[start : start + a.size].reshape(a.shape)
            start += a.size
        arrays.append(part.astype(a.dtype)[()])
    return arrays


def widened(xs: Sequence[Any]) -> Arrays:
    """Give the values in double precision: differences need it."""
    return [x.astype(np.result_type(x.dtype, np.float64)) for x in xs]


def along(f: Callable[[Arrays], Arrays], xs: Arrays, ts: Arrays) -> Any:
    """Differentiate ``f`` along ``ts``: central differences, extrapolated, as a vector."""

    def difference(h: float) -> Any:
        forward = vector(f([x + h * t for x, t in zip(xs, ts, strict=True)]))
        backward = vector(f([x - h * t for x, t in zip(xs, ts, strict=True)]))
        return (forward - backward) / (2 * h)

    d = [difference(STEP / 2**k) for k in range(3)]
    d = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(d)]
    return (16 * d[1] - d[0]) / 15


def jacobian(f: Callable[[Arrays], Arrays], xs: Arrays) -> Any:
    """Return the real matrix of ``f`` at ``xs``, one column for each real number that goes in."""
    n = vector(xs).size
    columns = [along(f, xs, unvector(e, xs)) for e in np.eye(n)]
    return np.array(columns).reshape(n, vector(f(xs)).size).T


def complex_step(f: Callable[[Arrays], Arrays], xs: Arrays, ts: Arrays) -> Any:
    """Differentiate an analytic function of real arrays to full precision."""
    h = 1e-30
    moved = [np.asarray(x) + 1j * h * t for x, t in zip(xs, ts, strict=True)]
    return np.concatenate([np.ravel(np.imag(y)) / h for y in f(moved)])


def direction(rng: np.random.Generator, like: Sequence[Any]) -> Arrays:
    """Return random arrays of the shapes and dtypes of ``like``, with entries within (-1, 1)."""
    return unvector(rng.uniform(-1, 1, vector(like).size), like)
