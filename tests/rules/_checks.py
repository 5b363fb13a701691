"""What is checked of a derivative. A check raises AssertionError; test_checker.py plants faults."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import chainrule as cr
from chainrule._core import TABLE, Primitive
from rules._numeric import Arrays, along, direction, jacobian, vector, widened
from rules._samples import Sample


class Case:
    """A sample as a function of its differentiated arrays alone, the ``xs``."""

    def __init__(self, fn: Any, sample: Sample) -> None:
        self.fn, self.sample = fn, sample
        # NumPy dispatches its own functions to the table; others are called through their entry.
        is_numpy = isinstance(fn, np.ufunc) or fn.__module__.startswith("numpy")
        self.traceable = fn if is_numpy else TABLE[fn]
        self.xs: Arrays = []
        for place in sample.diff:
            value = self._argument(place)
            self.xs += list(value) if isinstance(value, (list, tuple)) else [value]
        self.xs = [x if isinstance(x, np.ndarray) else np.asarray(x) * 1.0 for x in self.xs]

    def _argument(self, place: int | str) -> Any:
        return self.sample.kwargs[place] if isinstance(place, str) else self.sample.args[place]

    def bound(self, xs: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the call's arguments with ``xs`` in the differentiated places."""
        args, kwargs, rest = list(self.sample.args), dict(self.sample.kwargs), list(xs)
        for place in self.sample.diff:
            value = self._argument(place)
            if isinstance(value, (list, tuple)):
                new: Any = type(value)(rest[: len(value)])
                del rest[: len(value)]
            else:
                new = rest.pop(0)
            (kwargs if isinstance(place, str) else args)[place] = new
        return args, kwargs

    def plain(self, xs: Sequence[Any]) -> Arrays:
        """Call the function itself; return its floating-point results."""
        args, kwargs = self.bound(xs)
        return _floating(self.fn(*args, **kwargs))

    def __call__(self, *xs: Any) -> Any:
        """Call so that traced values reach the table; return a list."""
        args, kwargs = self.bound(xs)
        return _floating(self.traceable(*args, **kwargs))


def _floating(y: Any) -> Arrays:
    ys = list(y) if isinstance(y, (tuple, list)) else [y]
    return [y for y in ys if (y.dtype if hasattr(y, "dtype") else np.result_type(y)).kind in "fc"]


def close(actual: Any, desired: Any, rtol: float, what: str) -> None:
    """Compare two vectors, relative to the largest entry."""
    finite = np.abs(np.where(np.isfinite(desired), desired, 0.0))
    scale = max(1.0, float(np.max(finite, initial=0.0)))
    np.testing.assert_allclose(actual, desired, rtol=rtol, atol=rtol * scale, err_msg=what)


def like(results: Sequence[Any], primals: Sequence[Any], what: str) -> None:
    """Require the shape and dtype of each primal."""
    assert len(results) == len(primals), what
    for r, p in zip(results, primals, strict=True):
        assert np.shape(r) == np.shape(p), f"{what}: shape {np.shape(r)} for {np.shape(p)}"
        assert r.dtype == p.dtype, f"{what}: dtype {r.dtype} for {p.dtype}"


# ------------------------------------------------------------------------------- with the engine


def pushed(f: Callable[..., Any], xs: Arrays, ts: Arrays) -> Arrays:
    """Forward product."""
    return list(cr.jvp(f, tuple(xs), tuple(ts))[1])


def pulled(f: Callable[..., Any], xs: Arrays, cts: Arrays) -> Arrays:
    """Reverse product."""
    return list(cr.vjp(f, *xs)[1](cts))


def check_value(case: Case) -> None:
    """The value under differentiation is NumPy's."""
    desired = case.plain(case.xs)
    zero = [np.zeros_like(x)[()] for x in case.xs]
    for ys in (cr.jvp(case, tuple(case.xs), tuple(zero))[0], cr.vjp(case, *case.xs)[0]):
        like(ys, desired, "value")
        for y, wanted in zip(ys, desired, strict=True):
            assert isinstance(y, np.ndarray) == isinstance(wanted, np.ndarray), "array or scalar"
        close(vector(ys), vector(desired), 1e-15, "value")


def check_first(case: Case, rng: np.random.Generator) -> None:
    """Both products against differences, their shapes and dtypes, and <ct, J t> = <J^H ct, t>."""
    xs, ys = case.xs, case.plain(case.xs)
    ts, cts = direction(rng, xs), direction(rng, ys)
    y_dots, x_cts = pushed(case, xs, ts), pulled(case, xs, cts)
    like(y_dots, ys, "tangents")
    like(x_cts, xs, "cotangents")
    matrix = jacobian(case.plain, widened(xs))
    close(vector(y_dots), matrix @ vector(ts), case.sample.rtol, "jvp")
    close(vector(x_cts), vector(cts) @ matrix, case.sample.rtol, "vjp")
    agree(cts, y_dots, x_cts, ts)


def agree(cts: Arrays, y_dots: Arrays, x_cts: Arrays, ts: Arrays) -> None:
    """<ct, J t> = <J^H ct, t>, to rounding in the coarsest dtype."""
    floats = [a.dtype for a in (*cts, *y_dots, *x_cts, *ts)]
    rtol = max([5e3 * float(np.finfo(dtype).eps) for dtype in floats], default=0.0)
    close(vector(x_cts) @ vector(ts), vector(cts) @ vector(y_dots), rtol, "<ct, J t> = <J^H ct, t>")


def check_expected(case: Case, rng: np.random.Generator) -> None:
    """At a kink: the gradient that the contract names, in both modes."""
    xs, ys = case.xs, case.plain(case.xs)
    ts, ones = direction(rng, xs), [np.ones_like(y)[()] for y in ys]
    x_cts = pulled(case, xs, ones)
    like(x_cts, xs, "cotangents")
    for got, want in zip(x_cts, case.sample.expect, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-300, err_msg="gradient at a kink")
    agree(ones, pushed(case, xs, ts), x_cts, ts)


def check_second(case: Case, rng: np.random.Generator) -> None:
    """All four mixes of modes against differences of the first-order products."""
    xs = case.xs
    ts, ss, cts = direction(rng, xs), direction(rng, xs), direction(rng, case.plain(xs))
    rtol = 10 * case.sample.rtol

    def forward(*xs: Any) -> Any:
        return pushed(case, list(xs), ts)

    def reverse(*xs: Any) -> Any:
        return pulled(case, list(xs), cts)

    def at(f: Callable[..., Any]) -> Callable[[Arrays], Arrays]:
        return lambda xs: f(*xs)

    d_forward = along(at(forward), xs, ss)
    d_reverse = along(at(reverse), xs, ss)
    close(vector(pushed(forward, xs, ss)), d_forward, rtol, "forward over forward")
    close(vector(pushed(reverse, xs, ss)), d_reverse, rtol, "forward over reverse")
    # By symmetry: the gradient of <ct, D f[t]> is D_t (J^H ct), and J^H of (J^H ct) applied to s
    # is its derivative along s.
    close(
        vector(pulled(forward, xs, cts)), along(at(reverse), xs, ts), rtol, "reverse over forward"
    )
    close(vector(pulled(reverse, xs, ss)), d_reverse, rtol, "reverse over reverse")


def check_memory(case: Case, rng: np.random.Generator) -> None:
    """Gradients share no memory with each other, with the arguments or with the cotangent."""
    cts = direction(rng, case.plain(case.xs))
    before = [np.copy(x) for x in (*case.xs, *cts)]
    x_cts = pulled(case, case.xs, cts)
    separate(x_cts, [*case.xs, *cts])
    for was, now in zip(before, (*case.xs, *cts), strict=True):
        np.testing.assert_array_equal(was, now)


def separate(results: Sequence[Any], others: Sequence[Any]) -> None:
    """No result shares memory with another one or with any of ``others``."""
    arrays = [r for r in results if isinstance(r, np.ndarray)]
    pairs = itertools.chain(itertools.combinations(arrays, 2), itertools.product(arrays, others))
    for a, b in pairs:
        assert a is not b
        assert not np.shares_memory(a, b)


def check_single(case: Case, rng: np.random.Generator) -> None:
    """In single precision: cotangents and tangents keep it, and have the double's values."""
    narrow = {"f": np.float32, "c": np.complex64}
    xs = [x.astype(narrow[x.dtype.kind]) for x in case.xs]
    ys = case.plain(xs)
    ts, cts = direction(rng, xs), direction(rng, ys)
    y_dots, x_cts = pushed(case, xs, ts), pulled(case, xs, cts)
    like(y_dots, ys, "tangents in single precision")
    like(x_cts, xs, "cotangents in single precision")
    wide_ts = [t.astype(x.dtype) for t, x in zip(ts, case.xs, strict=True)]
    wide_cts = [ct.astype(y.dtype) for ct, y in zip(cts, case.plain(case.xs), strict=True)]
    close(vector(y_dots), vector(pushed(case, case.xs, wide_ts)), 1e-3, "jvp in single precision")
    close(vector(x_cts), vector(pulled(case, case.xs, wide_cts)), 1e-3, "vjp in single precision")


def layouts(x: Any) -> dict[str, Any]:
    """Give the same values in memory in other ways."""
    if np.ndim(x) == 0:
        return {"0-d": np.array(x)}
    spaced = np.repeat(x, 2, axis=-1)[..., ::2]
    backward = np.flip(np.flip(x).copy())
    last_first = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 0)), 0, -1)
    return {
        "Fortran": np.asfortranarray(x),
        "last axis first": last_first,
        "spaced": spaced,
        "backward": backward,
    }


def check_layouts(case: Case, rng: np.random.Generator) -> None:
    """Products do not depend on how an argument lies in memory."""
    ts, cts = direction(rng, case.xs), direction(rng, case.plain(case.xs))
    y_dots, x_cts = vector(pushed(case, case.xs, ts)), vector(pulled(case, case.xs, cts))
    for name in ("Fortran", "spaced", "backward", "0-d"):
        xs = [layouts(x).get(name, x) for x in case.xs]
        laid_ts = [layouts(t).get(name, t) for t in ts]
        laid_cts = [layouts(ct).get(name, ct) for ct in cts]
        close(vector(pushed(case, xs, laid_ts)), y_dots, 1e-13, f"jvp, {name}")
        pulled_back = pulled(case, xs, laid_cts)
        like(pulled_back, case.xs, f"cotangents, {name}")
        close(vector(pulled_back), x_cts, 1e-13, f"vjp, {name}")


def check_order_in_memory(case: Case) -> None:
    """Results lie in memory as NumPy's own: read in the order of memory they are the same."""

    def as_they_lie(ys: Arrays) -> Arrays:
        return [np.ravel(y, "K") for y in ys]

    for name in ("rows", "Fortran", "last axis first", "spaced", "backward"):
        xs = [{"rows": x, **layouts(x)}.get(name, x) for x in case.xs]
        desired = as_they_lie(case.plain(xs))
        ones = tuple(map(np.ones_like, xs))
        found, pushed_ones = cr.jvp(lambda *xs: as_they_lie(case(*xs)), tuple(xs), ones)
        close(vector(found), vector(desired), 1e-13, f"value, {name}")
        flat = [np.ones_like(y) for y in desired]
        pulled_ones = cr.vjp(lambda *xs: as_they_lie(case(*xs)), *xs)[1](flat)
        agree(flat, pushed_ones, pulled_ones, list(ones))


def emptied(case: Case) -> Case | None:
    """Give the case with the first axis of every array cut to nothing, if NumPy takes that."""
    empty = Case(case.fn, case.sample)
    empty.xs = [x[:0] if np.ndim(x) else x for x in case.xs]
    try:
        with np.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("error")
            empty.plain(empty.xs)
    except (ValueError, TypeError, IndexError, ArithmeticError, RuntimeWarning):
        return None
    return empty


def check_empty(case: Case, rng: np.random.Generator) -> None:
    """With nothing in: zeros or nothing out, of the right shapes and dtypes."""
    ys = case.plain(case.xs)
    ts, cts = direction(rng, case.xs), direction(rng, ys)
    y_dots, x_cts = pushed(case, case.xs, ts), pulled(case, case.xs, cts)
    like(y_dots, ys, "tangents of empty arrays")
    like(x_cts, case.xs, "cotangents of empty arrays")
    agree(cts, y_dots, x_cts, ts)


# ------------------------------------------------------------------------------- without an engine


def positions(case: Case, primitive: Primitive) -> list[int] | None:
    """Where in the normal form the xs stand; None when that is not one array to one place."""
    args, kwargs = case.bound(case.xs)
    bound = primitive.bind(*args, **kwargs)
    places = []
    for x in case.xs:
        found = [i for i in primitive.arrays(bound) if bound[i] is x]
        if len(found) != 1:
            return None
        places += found
    return places


def check_direct(case: Case, primitive: Primitive, rng: np.random.Generator) -> None:
    """The primitive's own products on plain arrays: a fault here is the rule's alone."""
    places = positions(case, primitive)
    if places is None:
        return
    args, kwargs = case.bound(case.xs)
    bound = primitive.bind(*args, **kwargs)
    y = np.asarray(primitive.call(*bound))[()]
    ts, (ct,) = direction(rng, case.xs), direction(rng, [y])
    y_dot = primitive.jvp(dict(zip(places, ts, strict=True)), y, bound)
    x_cts = [primitive.vjp(i, ct, y, bound) for i in places]
    like(x_cts, case.xs, "cotangents")
    y_dot = np.broadcast_to(y_dot, np.shape(y))  # engines broadcast tangents
    if case.sample.expect is None:
        matrix = jacobian(case.plain, widened(case.xs))
        close(vector([y_dot]), matrix @ vector(ts), case.sample.rtol, "jvp")
        close(vector(x_cts), vector([ct]) @ matrix, case.sample.rtol, "vjp")
    agree([ct], [y_dot], x_cts, ts)
