"""Choosing between values: where, clip, select, choose, piecewise."""

from __future__ import annotations

import numpy as np

from .._core import plain
from ._forms import composite, elementwise, linear
from .elementwise import share
from .reductions import as_array


@linear(np.where, args=("x", "y"), joint=True)
def where(ct, condition, x, y):
    # Not a product with the mask: what is not chosen is 0 even where ct is infinite.
    return np.where(condition, ct, 0), np.where(condition, 0, ct)


def _clip(a, low, high):
    return np.minimum(np.maximum(a, low), high)


@elementwise(_clip, kinks={"a == low": "1/2 and 1/2", "a == high": "1/2 and 1/2"})
def clip_between(y, a, low, high):
    """Partials of minimum(maximum(a, low), high)."""
    raised = np.maximum(a, low)
    below = share(y, raised < high, raised == high)
    return (
        share(y, a > low, a == low) * below,
        share(y, low > a, a == low) * below,
        share(y, high < raised, raised == high),
    )


@composite(np.clip, kinks={"a == a_min": "1/2 and 1/2", "a == a_max": "1/2 and 1/2"})
def clip(a, a_min=None, a_max=None, *, min=None, max=None):
    low = a_min if min is None else min
    high = a_max if max is None else max
    a = as_array(a)
    if low is None and high is None:
        return np.positive(a)
    if low is None:
        return np.minimum(a, high)
    if high is None:
        return np.maximum(a, low)
    return clip_between(a, low, high)


# What the method of a plain array calls: it has no public name.
@composite(np._core.umath.clip)  # type: ignore[attr-defined]
def clip_ufunc(a, low, high):
    return clip_between(a, low, high)


@composite(np.select)
def select(condlist, choicelist, default=0):
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(plain(condition), choice, result)
    return result


@composite(np.choose)
def choose(a, choices, mode="raise"):
    # NumPy itself brings the indices into range, or refuses them.
    index = np.choose(plain(a), list(range(len(choices))), mode=mode)
    result = choices[0]
    for k in range(len(choices)):
        result = np.where(index == k, choices[k], result)
    return result[()]


@composite(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kw):
    """Each function sees only the elements that it decides, as in NumPy."""
    owner, pieces = _owners(np.asarray(plain(x)), plain(condlist), funclist)
    parts, places = [], []
    for k, piece in enumerate(pieces):
        place = np.flatnonzero(owner == k)
        if place.size:
            part = piece(np.reshape(x, -1)[place], *args, **kw) if callable(piece) else piece
            parts.append(np.broadcast_to(part, place.shape))
            places.append(place)
    if not parts:
        return x
    order = np.argsort(np.concatenate(places))
    return np.reshape(np.concatenate(parts)[order], x.shape).astype(x.dtype)


def _owners(x, condlist, funclist):
    """Number, for each element of the flattened x, the piece that decides it: the last match."""
    bare = np.isscalar(condlist) or not (isinstance(condlist[0], (list, np.ndarray)) or x.ndim == 0)
    conditions = np.asarray([condlist] if bare else condlist, bool)
    n = len(conditions)
    if len(funclist) not in (n, n + 1):
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    owner = np.full(x.size, n)
    for k in range(n):
        owner[conditions[k].ravel()] = k
    return owner, [*funclist, 0]  # where nothing matches, the otherwise piece, or 0
