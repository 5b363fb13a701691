"""Every mode and mix of modes against plain NumPy: what all tests of the engine lean on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import chainrule as cr

STEP = 2.0**-7
"""Largest step of the differences; halved twice, errors of order 2 and 4 cancel."""


def flat(arrays: Sequence[Any]) -> Any:
    """One real vector from arrays, of which complex ones give real and imaginary parts."""
    parts = [np.zeros(0)]
    for a in arrays:
        a = np.asarray(a)
        parts += [np.real(a).ravel().astype(float)]
        parts += [np.imag(a).ravel().astype(float)] if a.dtype.kind == "c" else []
    return np.concatenate(parts)


def inner(a: Sequence[Any], b: Sequence[Any]) -> float:
    """Real inner product of two lists of arrays."""
    return float(flat(a) @ flat(b))


def draw(rng: np.random.Generator, like: Sequence[Any]) -> tuple[Any, ...]:
    """Random arrays of the shapes and dtypes of ``like``."""

    def one(x: Any) -> Any:
        x = np.asarray(x)
        t = rng.uniform(-1, 1, x.shape)
        if x.dtype.kind == "c":
            t = t + 1j * rng.uniform(-1, 1, x.shape)
        return np.asarray(t, x.dtype)[()]

    return tuple(one(x) for x in like)


def along(f: Callable[..., Any], xs: Sequence[Any], ts: Sequence[Any]) -> Any:
    """Differentiate the list of arrays ``f(*xs)`` along ``ts``: differences, extrapolated."""

    def difference(h: float) -> Any:
        ends = [flat(f(*(x + s * h * t for x, t in zip(xs, ts, strict=True)))) for s in (1, -1)]
        return (ends[0] - ends[1]) / (2 * h)

    d = [difference(STEP / 2**k) for k in range(3)]
    d = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(d)]
    return (16 * d[1] - d[0]) / 15


def widened(xs: Sequence[Any]) -> list[Any]:
    return [np.asarray(x).astype(np.result_type(x, np.float64))[()] for x in xs]


def as_list(y: Any) -> list[Any]:
    return list(y) if isinstance(y, tuple) else [y]


def same(a: Sequence[Any], b: Sequence[Any], what: str, rtol: float) -> None:
    """Compare two lists of arrays, with a tolerance relative to their largest entry."""
    a, b = flat(a), flat(b)
    assert a.shape == b.shape, what
    error = np.max(np.abs(a - b), initial=0)
    assert error <= rtol * max(1.0, np.max(np.abs(b), initial=0)), f"{what}: {a} is not {b}"


def check(f: Callable[..., Any], *args: Any, order: int = 2, seed: int = 0) -> None:
    """Check ``f`` on arrays: value, both products, their identity, and the four second orders."""
    rng = np.random.default_rng(seed)
    before = [np.array(x) for x in args]
    y = as_list(f(*[np.array(x)[()] for x in args]))
    rtol = 1e-8 if all(np.finfo(np.asarray(x).dtype).eps < 1e-10 for x in args) else 2e-4

    ts, us, cts = draw(rng, args), draw(rng, args), draw(rng, y)
    ct = cts if len(cts) > 1 else cts[0]

    forward_y, y_dot = (as_list(v) for v in cr.jvp(f, args, ts))
    reverse_y, pullback = cr.vjp(f, *args)
    gradient = pullback(ct)
    for found in (forward_y, as_list(reverse_y), y_dot):
        assert [(np.shape(v), v.dtype) for v in found] == [
            (np.shape(v), np.asarray(v).dtype) for v in y
        ]
    same(forward_y, y, "value of forward mode", 1e-13 if rtol < 1e-6 else 1e-6)
    same(as_list(reverse_y), y, "value of reverse mode", 1e-13 if rtol < 1e-6 else 1e-6)
    assert [(g.shape, g.dtype) for g in gradient] == [(x.shape, x.dtype) for x in before]

    def values(*xs: Any) -> Any:
        return as_list(f(*(np.array(x)[()] for x in xs)))

    xs = widened(args)
    same([along(values, xs, widened(ts))], [flat(y_dot)], "forward against differences", rtol)
    units = draw_units(args) if flat(args).size <= 12 else [us]
    for unit in units:
        difference = along(values, xs, widened(unit)) @ flat(cts)
        same([inner(gradient, unit)], [difference], "reverse against differences", rtol)
    same([inner(cts, y_dot)], [inner(gradient, ts)], "<ct, J t> = <J^T ct, t>", rtol)
    if order > 1:
        _check_second_order(f, args, ct, (ts, us), rtol)
    for x, copy in zip(args, before, strict=True):
        assert np.asarray(x).tobytes() == copy.tobytes(), "an argument was changed"
        assert not any(np.shares_memory(g, x) for g in gradient)


def draw_units(args: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Every coordinate direction (of complex arrays also the imaginary one)."""
    units = []
    for i, x in enumerate(args):
        x = np.asarray(x)
        for k in range(x.size):
            for one in (1, 1j) if x.dtype.kind == "c" else (1,):
                unit = [np.zeros_like(np.asarray(a)) for a in args]
                unit[i].reshape(-1)[k] = one
                units.append(tuple(u[()] for u in unit))
    return units


def _check_second_order(f: Any, args: Any, ct: Any, directions: Any, rtol: float) -> None:
    ts, us = directions

    def gradient(*xs: Any) -> Any:
        return cr.vjp(f, *xs)[1](ct)

    def tangent(*xs: Any) -> Any:
        return cr.jvp(f, xs, ts)[1]

    numeric = along(gradient, widened(args), widened(ts)) if rtol < 1e-6 else None
    forward_reverse = cr.jvp(gradient, args, ts)[1]
    if numeric is not None:
        same(forward_reverse, [numeric], "forward over reverse against differences", 10 * rtol)
    found = {
        "reverse over reverse": cr.vjp(gradient, *args)[1](ts),
        "reverse over forward": cr.vjp(tangent, *args)[1](ct),
    }
    for name, value in found.items():
        assert [v.dtype for v in value] == [np.asarray(x).dtype for x in args], name
        same(value, forward_reverse, f"{name} against forward over reverse", rtol)
    second = as_list(cr.jvp(tangent, args, us)[1])
    cts = ct if isinstance(ct, tuple) else (ct,)
    same([inner(cts, second)], [inner(forward_reverse, us)], "forward over forward", rtol)
