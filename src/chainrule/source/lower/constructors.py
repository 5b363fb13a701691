"""Arrays made from nothing, from lists, from other arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Call
from ..types import Type
from ..values import Items, Known, Leaf, Value
from . import calls, layouts, memory
from .attributes import count, shape_of
from .containers import FALSE, NONE, TRUE, ZERO, describe, is_none, items_of, known, lift, settle
from .intrinsics import intrinsic
from .operators import operand
from .state import State, in_rule


def _options(state: State, **given: Value | None) -> dict[str, Value]:
    """Keep the options that say something."""
    if "dtype" in given:
        dtype_of(state, given["dtype"])
    return {key: v for key, v in given.items() if v is not None and not is_none(v)}


def dtype_of(state: State, value: Value | None) -> Any:
    """Return a dtype argument, None where it is not given."""
    if value is None:
        return None
    ok, found = known(value)
    if not ok:
        raise state.error("The dtype is not known", "write it out, as dtype=float")
    wanted = None if found is None else np.dtype(found)
    if wanted is not None and wanted.kind in "OV":
        what = "objects" if wanted.kind == "O" else "records"
        raise state.error(
            f"An array of {what} (dtype={found!r}) is not in the language",
            "use a list" if wanted.kind == "O" else "use one array for each field, or a dict",
        )
    return wanted


_FIFTY, _XY = Known(50), Known("xy")

# ------------------------------------------------------------------------------- from a shape


def _from_shape(fn: Any) -> None:
    def make(
        state: State, shape: Value, dtype: Value | None = None, order: Value = NONE,
        *, like: Value | None = None, device: Value | None = None,
    ) -> Value:  # fmt: skip
        options = _options(state, dtype=dtype, order=None if known(order) == (True, "C") else order)
        return calls.plain_call(state, fn, [_shape(state, shape)], options)

    intrinsic(fn)(make)


for _fn in (np.zeros, np.ones, np.empty):
    _from_shape(_fn)


@intrinsic(np.ndarray)
def _ndarray(state: State, shape: Value, dtype: Value = NONE, *rest: Value) -> Value:
    if rest:
        raise state.error("np.ndarray over a buffer is not supported", "use np.zeros or a slice")
    return calls.plain_call(state, np.empty, [_shape(state, shape)], _options(state, dtype=dtype))


def _shape(state: State, shape: Value) -> Value:
    """Return a shape, ``(n,)`` written as ``n``."""
    if isinstance(shape, Known) and isinstance(shape.value, np.ndarray):
        shape = lift(tuple(shape.value.tolist()))
    if isinstance(shape, Items):
        items = [_integer(state, n) for n in shape.items]
        return items[0] if len(items) == 1 else Items(items)
    return _integer(state, shape)


def _integer(state: State, n: Value) -> Value:
    if isinstance(n, Known) and isinstance(n.value, np.integer):
        return Known(int(n.value))
    return n


@intrinsic(np.full)
def _full(
    state: State, shape: Value, fill_value: Value, dtype: Value = NONE, order: Value = NONE
) -> Value:
    fill_value = as_array(state, fill_value)
    if known(order) not in ((True, None), (True, "C")):
        raise state.error("np.full by columns", "write np.full(shape, value).copy(order='F')")
    if not calls.holds_float(state, [fill_value]):
        options = _options(state, dtype=dtype)
        return calls.plain_call(state, np.full, [_shape(state, shape), fill_value], options)
    shape = _shape(state, shape)
    shape = shape if isinstance(shape, Items) else Items([shape])
    spread = calls.call(state, Known(np.broadcast_to), [fill_value, shape], {})
    found = calls.call_attribute(state, spread, "copy", [])
    return found if is_none(dtype) else _cast(state, found, dtype)


def _like(fn: Any) -> None:
    def make(
        state: State, a: Value, dtype: Value = NONE, order: Value = NONE, subok: Value = NONE,
        shape: Value = NONE, **unused: Value,
    ) -> Value:  # fmt: skip
        options = _options(state, dtype=dtype)
        if not is_none(shape):
            options["shape"] = _shape(state, shape)
        a = as_array(state, a)
        layouts.check_like(state, fn.__name__, a, order)
        named = Leaf(state.temporary(a.expr)) if _is_long(a) and isinstance(a, Leaf) else a
        return calls.plain_call(state, fn, [named], options)

    intrinsic(fn)(make)


def _is_long(value: Value) -> bool:
    return isinstance(value, Leaf) and isinstance(value.expr, Call)


for _maker in (np.zeros_like, np.ones_like, np.empty_like):
    _like(_maker)


@intrinsic(np.full_like)
def _full_like(
    state: State, a: Value, fill_value: Value, dtype: Value = NONE, order: Value = NONE,
    subok: Value = NONE, shape: Value = NONE,
) -> Value:  # fmt: skip
    a = as_array(state, a)
    is_alike = is_none(shape)
    if is_alike and isinstance(a, Leaf) and a.type.ndim > 1 and not in_rule(state):
        layouts.check_like(state, "full_like", a, order)
        return _filled_like(state, a, fill_value, _options(state, dtype=dtype))
    if is_alike:
        shape = Items(shape_of(state, a))
    if is_none(dtype):
        dtype = Known(a.type.dtype if isinstance(a, Leaf) else np.asarray(known(a)[1]).dtype)
    return _full(state, shape, fill_value, dtype)


def _filled_like(state: State, a: Leaf, fill_value: Value, options: dict[str, Value]) -> Value:
    """Return an array that lies in memory as ``a`` does."""
    if isinstance(fill_value, Items):
        fill_value = as_array(state, fill_value)
    a = Leaf(state.temporary(a.expr), a.root) if _is_long(a) else a
    if not calls.holds_float(state, [fill_value]):
        return calls.plain_call(state, np.full_like, [a, fill_value], options)
    made = calls.plain_call(state, np.empty_like, [a], options)
    assert isinstance(made, Leaf)
    named = Leaf(state.temporary(made.expr, "full"))
    memory.store(state, named, (), operand(state, fill_value))
    return Leaf(named.expr, memory.root_of(state, named.expr))


# --------------------------------------------------------------------------------- from values


@intrinsic(np.array)
def _np_array(
    state: State, object: Value, dtype: Value = NONE, *, copy: Value = TRUE, order: Value = NONE,
    subok: Value = NONE, ndmin: Value = NONE, like: Value = NONE,
) -> Value:  # fmt: skip
    if known(copy) in ((True, False), (True, None), (True, np._CopyMode.IF_NEEDED)):
        return calls.call(state, Known(np.asarray), [object, dtype, order], {})
    found = array_of(state, object, dtype)
    if isinstance(object, Leaf) and object.type.is_array and found is object:
        found = _copy(state, object, order)
    else:
        found = layouts.ordered(state, found, order)
    n = known(ndmin)[1]
    return found if not n else _at_least(state, found, n)


def _at_least(state: State, value: Value, n: int) -> Value:
    shape = shape_of(state, value)
    missing = n - len(shape)
    if missing <= 0:
        return value
    return calls.call(state, Known(np.reshape), [value, Items([*[Known(1)] * missing, *shape])], {})


def as_array(state: State, a: Value, dtype: Value = NONE) -> Value:
    """Return ``np.asarray(a, dtype)``."""
    if isinstance(a, Leaf) and a.type.is_array:
        return a if is_none(dtype) else _cast(state, a, dtype, copy=False)
    if isinstance(a, Leaf) and a.type.kind == "scalar" and is_none(dtype):
        return Leaf(Call(Type("array", a.type.dtype), np.asarray, (operand(state, a),)))
    return array_of(state, a, dtype)


def array(state: State, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Return ``np.array(*args, **kwargs)``."""
    return _np_array(state, *args, **kwargs)


def array_of(state: State, value: Value, dtype: Value = NONE) -> Value:
    """Return ``np.array(value)`` of nested lists, numbers and arrays."""
    ok, _ = known(value)
    if ok and in_rule(state):
        return calls.fold(state, np.array, [value], _options(state, dtype=dtype))
    if isinstance(value, Leaf) and value.type.is_array:
        return value if is_none(dtype) else _cast(state, value, dtype)
    if not ok and not isinstance(value, (Leaf, Items)):
        raise state.error(f"np.array of a {describe(value)}", "pass a list, a number or an array")
    return calls.plain_call(state, np.array, [value], _options(state, dtype=dtype))


def _cast(state: State, value: Value, dtype: Value, copy: bool = True) -> Value:
    from .methods import cast

    return cast(state, value, dtype, copy)


@intrinsic(np.copy)
def _copy(state: State, a: Value, order: Value = NONE, subok: Value = NONE) -> Value:
    a = as_array(state, a)
    if not isinstance(a, Leaf):
        return a
    order = layouts.meant(state, a, order) if known(order) == (True, "A") else order
    if known(order) == (True, "F"):
        return layouts.by_columns(state, a)
    fn = np.ndarray.copy if known(order) == (True, "C") else np.copy
    return Leaf(Call(a.type, fn, (operand(state, a),)))


@intrinsic(np.fromiter)
def _from_iterable(state: State, iter: Value, dtype: Value, count: Value = NONE) -> Value:
    return array_of(state, Items(items_of(state, iter), "list"), dtype)


@intrinsic(np.stack)
def _stack(state: State, arrays: Value, axis: Value = ZERO, dtype: Value = NONE) -> Value:
    """Rows are an array of arrays; NumPy refuses shapes that do not fit either way."""
    items = [as_array(state, x) for x in items_of(state, arrays)]
    place = state.static(axis, "axis of np.stack")
    if place == 0 and is_none(dtype):
        return array_of(state, Items([settle(state, x) for x in items], "list"))
    columns = [calls.call(state, Known(np.expand_dims), [x, Known(place)], {}) for x in items]
    options = {"axis": Known(place), **_options(state, dtype=dtype)}
    return calls.call(state, Known(np.concatenate), [Items(columns, "list")], options)


# --------------------------------------------------------------------------------- grids


@intrinsic(np.meshgrid)
def _meshgrid(
    state: State, *xi: Value, copy: Value = TRUE, sparse: Value = FALSE,
    indexing: Value = _XY,
) -> Value:  # fmt: skip
    arrays = [as_array(state, x) for x in xi]
    if not calls.holds_float(state, list(arrays)):
        options = {"indexing": indexing} if known(indexing) != (True, "xy") else {}
        options |= {"sparse": sparse} if known(sparse)[1] else {}
        return calls.plain_call(state, np.meshgrid, arrays, options)
    axes = list(range(len(arrays)))
    if known(indexing)[1] == "xy" and len(arrays) > 1:
        axes[:2] = 1, 0
    shapes = [count(state, x) for x in arrays]
    full = Items([shapes[axes.index(k)] for k in range(len(axes))])
    grids = []
    for x, axis in zip(arrays, axes, strict=True):
        along = Known(tuple(-1 if k == axis else 1 for k in range(len(axes))))
        grid = calls.call(state, Known(np.reshape), [x, along], {})
        if not known(sparse)[1]:
            grid = calls.call(state, Known(np.broadcast_to), [grid, full], {})
        shares = known(copy) == (True, False)
        grids.append(settle(state, grid if shares else _copy(state, grid)))
    return Items(grids)


@intrinsic(np.arange)
def _arange(state: State, *args: Value, dtype: Value = NONE, **unused: Value) -> Value:
    if all(known(a)[0] for a in args) and in_rule(state):
        return calls.fold(state, np.arange, list(args), _options(state, dtype=dtype))
    found = calls.plain_call(state, np.arange, list(args), _options(state, dtype=dtype))
    size = _range_size([a for a in args if not is_none(a)])
    if size is not None and isinstance(found, Leaf):
        made = Type("array", found.type.dtype, (size,))
        assert isinstance(found.expr, Call)
        return Leaf(Call(made, np.arange, found.expr.args, found.expr.kwargs))
    return found


def _range_size(args: list[Value]) -> Any:
    from .. import sizes
    from .operators import symbol

    ends = [symbol(a) for a in args]
    if len(ends) == 1 and ends[0] is not None:
        return sizes.clip(ends[0])
    if len(ends) == 2 and None not in ends:
        return sizes.clip(sizes.add(ends[1], ends[0], -1))
    if len(ends) == 3 and all(isinstance(end, int) for end in ends):
        return len(range(*ends))
    if args and all(known(a)[0] for a in args):
        return len(np.arange(*(known(a)[1] for a in args)))
    return None


@intrinsic(np.linspace)
def _linspace(
    state: State, start: Value, stop: Value, num: Value = _FIFTY, endpoint: Value = TRUE,
    retstep: Value = FALSE, dtype: Value = NONE, axis: Value = ZERO,
) -> Value:  # fmt: skip
    if calls.holds_float(state, [start, stop]):
        options = {
            "num": num,
            "endpoint": endpoint,
            "retstep": retstep,
            "dtype": dtype,
            "axis": axis,
        }
        return calls.call_entry(
            state, calls.entry_of(np.linspace), np.linspace, [start, stop], options
        )
    options = {
        k: v
        for k, v in (("endpoint", endpoint), ("retstep", retstep), ("axis", axis))
        if known(v) not in ((True, False), (True, 0)) or k == "endpoint"
    }
    if known(endpoint) == (True, True):
        del options["endpoint"]
    return calls.plain_call(
        state, np.linspace, [start, stop, num], {**options, **_options(state, dtype=dtype)}
    )


@intrinsic(np.fromfunction)
def _from_function(
    state: State, function: Value, shape: Value, *, dtype: Value = NONE, **kwargs: Value
) -> Value:
    kind = Known(float) if is_none(dtype) else dtype
    grids = calls.plain_call(state, np.indices, [shape], {"dtype": kind})
    from .containers import items_of
    from .indexing import subscript

    assert isinstance(grids, Leaf)
    whole = Leaf(state.temporary(grids.expr))
    count = len(items_of(state, shape))
    return calls.call(
        state, function, [subscript(state, whole, Known(k)) for k in range(count)], kwargs
    )
