"""Sorting, searching and counting: helpers for whole arrays, made of one row after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Call, Expr, Lit, Var
from ..types import Type, unknown_size
from . import runtime
from .arrays import is_whole, materialised
from .code import BOOL, INT, Do, apply, dtype_of, minus, number, plus, scalar, whole
from .elements import TUPLES, elements, in_memory, number_of
from .indexing import places
from .joining import whole_or_flat
from .numbers import cast, literal
from .products import enter
from .selection import mask
from .state import Elements, Extent, NotNative, State
from .views import argument, moved, only, permuted

_INTEGERS = np.dtype(np.int64)


def call_helper(state: State, hint: str, fn: Any, args: tuple[Expr, ...], type_: Type) -> Var:
    """Call a helper of whole arrays; return the variable that holds what it returns."""
    made = Var(type_, state.fresh(hint))
    state.types[made.name] = type_
    state.emit(Do((made.name,), fn, args, (type_,)))
    return made


def vector(state: State, operand: Expr, dtype: np.dtype[Any] | None = None) -> Var:
    """Return a one-axis array in memory."""
    source = elements(state, operand)
    if len(source.extents) != 1:
        raise NotNative("an array that is not a vector")
    return array_of(state, source, dtype or source.dtype)


def array_of(state: State, source: Elements, dtype: np.dtype[Any]) -> Var:
    """Return an array in memory with these elements."""
    if source.root is not None and source.dtype == dtype and is_whole(state, source):
        return source.root
    return materialised(state, source, dtype)


# ---------------------------------------------------------------------------------- sorting


def _by_rows(state: State, call: Call, fn: Any, dtype: np.dtype[Any]) -> Elements:
    """Apply a helper to all rows along an axis."""
    only(call, "axis", "kind", "stable")
    axis = argument(call, 1, "axis", None if "axis" in dict(call.kwargs) or call.args[1:] else -1)
    source = whole_or_flat(state, call.args[0], axis)
    if source.dtype.kind == "c":
        raise NotNative("an order of complex numbers")
    ndim = len(source.extents)
    axis = (0 if axis is None else axis) % ndim
    order = (*(k for k in range(ndim) if k != axis), axis)
    turned = permuted(source, order) if axis != ndim - 1 else source
    rows = array_of(state, turned, source.dtype)
    made = call_helper(state, "rows", fn, (rows,), Type("array", dtype, rows.type.sizes))
    found = in_memory(made)
    found = Elements(turned.extents, dtype, found.at, found.root, found.index)
    back = tuple(order.index(k) for k in range(ndim))
    return permuted(found, back) if axis != ndim - 1 else found


@enter(np.argsort)
def _argsort(state: State, call: Call) -> Elements:
    return _by_rows(state, call, runtime.order_of_rows, _INTEGERS)


@enter(np.sort)
def _sort(state: State, call: Call) -> Elements:
    assert call.type.dtype is not None
    return _by_rows(state, call, runtime.sorted_rows, call.type.dtype)


# -------------------------------------------------------------------------------- searching


@enter(np.searchsorted)
def _searchsorted(state: State, call: Call) -> Elements:
    only(call, "side", "v")
    right = argument(call, 2, "side", "left") == "right"
    return _searched(state, call.args[0], call.args[1], right)


@enter(np.digitize)
def _digitize(state: State, call: Call) -> Elements:
    only(call, "right")
    bins = vector(state, call.args[1])
    holds = call_helper(state, "sorted", runtime.is_sorted, (bins,), BOOL)
    state.check(holds)
    return _searched(state, bins, call.args[0], not argument(call, 2, "right", False))


def _searched(state: State, edges: Expr, values: Expr, right: bool) -> Elements:
    given = elements(state, values)
    dtype = np.result_type(elements(state, edges).dtype, given.dtype)
    if dtype.kind == "c":
        raise NotNative("an order of complex numbers")
    line = vector(state, edges, dtype)
    side = literal(right)
    if not given.extents:
        value = state.named("value", cast(given.at(()), dtype))
        found = call_helper(state, "place", runtime.search, (line, value, side), INT)
        return Elements((), _INTEGERS, lambda _: found)
    flat = array_of(state, given, dtype)
    extents = given.extents
    type_ = Type("array", _INTEGERS, flat.type.sizes)
    return Elements(extents, _INTEGERS, *_parts(call_helper(
        state, "places", runtime.search_all, (line, flat, side), type_)))  # fmt: skip


def _parts(array: Var) -> tuple[Any, Any, Any]:
    found = in_memory(array)
    return found.at, found.root, found.index


# --------------------------------------------------------------------------------- counting


@enter(np.bincount)
def _bincount(state: State, call: Call) -> Elements:
    only(call, "weights", "minlength")
    values = vector(state, call.args[0], _INTEGERS)
    weights = call.args[1] if len(call.args) > 1 else dict(call.kwargs).get("weights")
    least = call.args[2] if len(call.args) > 2 else dict(call.kwargs).get("minlength")
    n = number(0) if least is None else whole(number_of(state, least))
    dtype = dtype_of(call)
    type_ = Type("array", dtype, (unknown_size(),))
    if weights is None or (isinstance(weights, Lit) and weights.value is None):
        return in_memory(call_helper(state, "counts", runtime.counted, (values, n), type_))
    given = vector(state, weights, dtype)
    args = (values, given, n)
    return in_memory(call_helper(state, "counts", runtime.weighed, args, type_))


def _histogram(state: State, call: Call) -> list[Elements]:
    only(call, "bins", "range", "weights", "density")
    if argument(call, 3, "density", False):
        raise NotNative("the density of a histogram")
    keywords = dict(call.kwargs)
    bins = call.args[1] if len(call.args) > 1 else keywords.get("bins", literal(10))
    flat = whole_or_flat(state, call.args[0], None)
    if flat.dtype.kind == "c" or bins.type.dtype is None or bins.type.dtype.kind not in "iuf":
        raise NotNative("a histogram of bins that are not numbers")
    double = np.dtype(np.float64)
    if flat.dtype != double:
        raise NotNative("a histogram of numbers of another precision")
    values = array_of(state, flat, double)
    if bins.type.ndim:
        edges = vector(state, bins)
        if edges.type.dtype != double:
            raise NotNative("edges of another precision")
        state.check(call_helper(state, "sorted", runtime.is_sorted, (edges,), BOOL))
        which = call_helper(
            state, "which", runtime.bins_by_edges, (values, edges), _vector(_INTEGERS)
        )
    else:
        first, last = _range(state, call, values)
        n = state.integer(number_of(state, bins))
        state.check(apply(np.greater, BOOL, n, number(0)))
        args = (first, last, plus(n, number(1)))
        edges = call_helper(state, "edges", runtime.even_edges, args, _vector(double))
        which = call_helper(state, "which", runtime.even_bins, (values, edges), _vector(_INTEGERS))
    count = in_memory(edges).extents[0].expr
    n = state.integer(minus(count, number(1)))
    weights = call.args[4] if len(call.args) > 4 else keywords.get("weights")
    if weights is None or (isinstance(weights, Lit) and weights.value is None):
        counts = call_helper(state, "counts", runtime.counted_bins, (which, n), _vector(_INTEGERS))
        return [in_memory(counts), in_memory(edges)]
    given = whole_or_flat(state, weights, None)
    if given.dtype != double:
        raise NotNative("weights of another precision")
    args = (which, array_of(state, given, double), n)
    counts = call_helper(state, "counts", runtime.weighed_bins, args, _vector(double))
    return [in_memory(counts), in_memory(edges)]


def _vector(dtype: np.dtype[Any]) -> Type:
    return Type("array", dtype, (unknown_size(),))


def _range(state: State, call: Call, values: Var) -> tuple[Expr, Expr]:
    """Return the ends of the bins of a histogram."""
    given = call.args[2] if len(call.args) > 2 else dict(call.kwargs).get("range")
    ends: Any = None
    if isinstance(given, Lit) and given.value is not None:
        ends = [literal(end) for end in given.value]
    elif given is not None and not isinstance(given, Lit):
        ends = [number_of(state, end) for end in getattr(given, "items", ())]
    double = np.dtype(np.float64)
    if ends is None:
        own = scalar(double)
        names = state.fresh("end"), state.fresh("end")
        state.types |= dict.fromkeys(names, own)
        state.emit(Do(names, runtime.ends_of, (values,), (own, own)))
        return Var(own, names[0]), Var(own, names[1])
    if len(ends) != 2:
        raise NotNative("the range of a histogram")
    first, last = (state.named("end", cast(end, double)) for end in ends)
    state.check(apply(np.less, BOOL, first, last))
    return first, last


TUPLES[np.histogram] = _histogram
TUPLES[np.nonzero] = lambda state, call: places(state, mask(call.args[0]))


# ---------------------------------------------------------------------------- convolutions


@enter(np.convolve)
def _convolve(state: State, call: Call) -> Elements:
    only(call, "mode")
    mode = argument(call, 2, "mode", "full")
    dtype = dtype_of(call)
    if dtype.kind == "b":
        raise NotNative("products of truth values")
    a, v = (vector(state, arg, dtype) for arg in call.args[:2])
    full = call_helper(state, "convolved", runtime.convolved, (a, v), _vector(dtype))
    found = in_memory(full)
    if mode == "full":
        return found
    m, n = (in_memory(x).extents[0].expr for x in (a, v))
    short = state.named("n", apply(min, INT, m, n))
    long = state.named("n", apply(max, INT, m, n))
    if mode == "same":
        half = apply(np.floor_divide, INT, minus(short, number(1)), number(2))
        start, size = state.named("start", half), long
    elif mode == "valid":
        start = state.named("start", minus(short, number(1)))
        size = state.named("n", plus(minus(long, short), number(1)))
    else:
        raise NotNative("a mode that is not known")
    extent = Extent(size, call.type.sizes[0])
    return moved(found, (extent,), lambda i: (plus(i[0], start),))
