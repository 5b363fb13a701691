"""Methods: of arrays (as the NumPy functions that they are), containers, generators, ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..build import CONTIGUOUS
from ..ir import Call, Lit, Var
from ..types import INT, OBJECT, Type
from ..values import Items, Known, Leaf, Mapping, Method, Value
from . import calls, layouts, memory, rows
from .collected import DEQUE
from .container_methods import CHANGING, DICT, LIST, SEQUENCE
from .containers import LAST, NONE, TRUE, describe, is_deque, is_none, known
from .indexing import subscript
from .inplace import mutate
from .intrinsics import intrinsic
from .operators import operand
from .state import State


def call_method(state: State, method: Method, args: list[Value], kwargs: dict[str, Value]) -> Value:
    """Call a method of an array, a container or an object."""
    receiver, name = method.receiver, method.name
    match receiver:
        case Leaf() if receiver.type.dtype is not None:
            return _of_array(state, receiver, name, args, kwargs)
        case Leaf():
            return _of_object(state, receiver, name, args, kwargs)
        case Items(kind="list") if is_deque(receiver) and name in DEQUE:
            handler = DEQUE[name]
        case Items(kind="list"):
            handler = LIST.get(name, SEQUENCE.get(name))
        case Items():
            handler = SEQUENCE.get(name)
        case Mapping():
            handler = DICT.get(name)
        case Known(value=value):
            return _of_known(state, value, name, args, kwargs)
        case _:
            handler = None
    if handler is None:
        raise state.error(
            f"The method {name} of a {describe(receiver)} is not supported", "use its elements"
        )
    if name in CHANGING and id(receiver) in state.foreign:
        raise state.error(
            f"A {describe(receiver)} from outside of the function is changed in it",
            "make a new one in the function and return it",
        )
    found: Value = handler(state, receiver, *args, **kwargs)
    return found


def _of_known(
    state: State, value: Any, name: str, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    if isinstance(value, set):
        args = [Known(state.static(v, "an element of a set")) for v in args]
    if all(known(v)[0] for v in (*args, *kwargs.values())):
        if isinstance(value, set) and name in _CHANGING_SETS and state.depth:
            raise state.error(
                f"A set is changed ({name}) in a branch or loop that depends on numbers",
                "use a list, or an array of truth values",
            )
        return calls.fold(state, getattr(value, name), args, kwargs)
    if isinstance(value, str):
        exprs = tuple(operand(state, a) for a in args)
        return Leaf(Call(OBJECT, getattr(str, name), (Lit(OBJECT, value), *exprs)))
    raise state.error(
        f"{type(value).__name__}.{name} of values that are not known",
        "use arrays and NumPy functions",
    )


_CHANGING_SETS = frozenset({*dir(set)}) - {*dir(frozenset)}


# --------------------------------------------------------------------------------------- arrays


def is_complex(found: Type) -> bool:
    """Tell complex numbers and arrays."""
    return found.dtype is not None and found.dtype.kind == "c"


_AS_FUNCTIONS = {
    **{
        name: getattr(np, name)
        for name in (
            *("sum", "mean", "prod", "std", "var", "max", "min", "argmax", "argmin", "argsort"),
            *("dot", "ravel", "clip", "round", "cumsum", "cumprod", "all", "any", "nonzero", "ptp"),
            *("repeat", "squeeze", "swapaxes", "take", "trace", "diagonal", "searchsorted"),
            *("argpartition", "choose", "compress"),
        )
    },
    "conj": np.conjugate,
    "conjugate": np.conjugate,
}


def _of_array(
    state: State, receiver: Leaf, name: str, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    handler = _ARRAY.get(name)
    if handler is not None:
        return handler(state, receiver, *args, **kwargs)  # type: ignore[no-any-return]
    function = _AS_FUNCTIONS.get(name)
    if function is None and receiver.type == INT and hasattr(int, name):
        number = state.static(receiver, f"the number of which .{name}() is called")
        return Known(getattr(number, name)(*(state.static(a) for a in args)))
    if function is None:
        raise state.error(
            f"The method {name} of an array is not supported", "use NumPy's functions"
        )
    if function is np.conjugate and receiver.type.is_array and not is_complex(receiver.type):
        return receiver  # not a copy of it
    found = calls.call(state, Known(function), [receiver, *args], kwargs)
    if receiver.type.kind == "python" and isinstance(found, Leaf) and name in ("conj", "conjugate"):
        return Leaf(_with_type(found.expr, receiver.type))
    return found


def _with_type(expr: Any, found: Type) -> Any:
    from dataclasses import replace

    return replace(expr, type=found)


def _copy(state: State, a: Leaf, order: Value = NONE) -> Value:
    if not a.type.is_array:
        return a
    if known(order) == (True, "A"):
        order = layouts.meant(state, a, order)
    if known(order) == (True, "F"):
        return layouts.by_columns(state, a)
    is_c = known(order) in ((True, None), (True, "C"))
    return Leaf(Call(a.type, np.ndarray.copy if is_c else np.copy, (operand(state, a),)))


def _flatten(state: State, a: Leaf, order: Value = NONE) -> Value:
    flat = calls.call(
        state, Known(np.reshape), [a, Known(-1)], _order(layouts.meant(state, a, order))
    )
    return calls.call_attribute(state, flat, "copy", [])


def _order(order: Value) -> dict[str, Value]:
    return {} if known(order) in ((True, None), (True, "C")) else {"order": order}


def _reshape(
    state: State, a: Leaf, *shape: Value, order: Value = NONE, copy: Value = NONE
) -> Value:
    given = shape[0] if len(shape) == 1 else Items(list(shape))
    asked = {} if is_none(copy) else {"copy": copy}
    return calls.call(state, Known(np.reshape), [a, given], _order(order) | asked)


@intrinsic(np.reshape)
def _np_reshape(state: State, a: Value, *args: Value, **kwargs: Value) -> Value:
    if len(args) > 1:
        args, kwargs["order"] = args[:1], args[1]
    if known(kwargs.get("order", NONE)) == (True, "A"):
        kwargs["order"] = layouts.meant(state, a, kwargs["order"])
    if known(kwargs.pop("copy", NONE)) == (True, True):  # without it, as a view where NumPy can
        return calls.call_attribute(state, _np_reshape(state, a, *args, **kwargs), "copy", [])
    found = calls.call_entry(state, calls.entry_of(np.reshape), np.reshape, [a, *args], kwargs)
    if not (isinstance(a, Leaf) and isinstance(found, Leaf) and a.type.is_array):
        return found
    is_buffer = isinstance(a.expr, Var) and a.expr.name in state.buffers
    if is_buffer or memory.root_of(state, a.expr) is None:
        return found
    old, new = a.type.sizes, found.type.sizes
    axes, kept = [n for n in old if n != 1], [n for n in new if n != 1]
    if len(axes) == len(kept):
        for n, m in zip(axes, kept, strict=True):
            if n != m:
                state.ask_size(n)
    if axes != kept:
        return found
    # Axes of size 1 come and go without a copy, also where what is reshaped is a part of an array.
    whole: list[Value] = [Known(slice(None))]
    without: list[Value] = [Known(0 if n == 1 else slice(None)) for n in old]
    within: list[Value] = [NONE if n == 1 else Known(slice(None)) for n in new]
    if not axes:  # the last one stays: without any there would be a number, which is a copy
        if not (old and new):
            return found
        without, within = without[:-1] + whole, within[:-1] + whole
    return subscript(state, subscript(state, a, Items(without)), Items(within))


@intrinsic(np.ravel)
def _ravel(state: State, a: Value, order: Value = NONE) -> Value:
    a = calls.as_array(state, a)
    if isinstance(a, Leaf) and a.type.ndim == 1:
        if rows.is_by_rows(state, a.expr):
            return a
        if rows.is_argument_by_columns(state, a.expr):
            return calls.call_attribute(state, a, "copy", [])
        return Leaf(memory.copied(state, a.expr, "flat", rows.refusal(state, "ravel", a.expr)))
    options = _order(layouts.meant(state, a, order))
    found = calls.call(state, Known(np.reshape), [a, Known(-1)], options)
    is_part = isinstance(a, Leaf) and memory.root_of(state, a.expr) is not None and not options
    if is_part and isinstance(a, Leaf) and rows.is_argument_by_columns(state, a.expr):
        return calls.call_attribute(state, found, "copy", [])
    is_reshaped = isinstance(found, Leaf) and getattr(found.expr, "fn", None) in CONTIGUOUS
    return found if is_reshaped or not is_part else _ravel(state, found)


def _transpose(state: State, a: Leaf, *axes: Value) -> Value:
    if not axes or is_none(axes[0]):
        from .attributes import transposed

        return transposed(state, a)
    given = axes[0] if len(axes) == 1 and isinstance(axes[0], Items) else Items(list(axes))
    return calls.call(state, Known(np.transpose), [a, given], {})


def cast(state: State, value: Value, dtype: Value, copy: bool = True) -> Value:
    """``value.astype(dtype)``."""
    from .constructors import dtype_of

    wanted = dtype_of(state, dtype)
    if not isinstance(value, Leaf) or wanted is None:
        return calls.fold(state, lambda x: np.asarray(x)[()].astype(wanted), [value], {})
    if wanted == value.type.dtype and value.type.kind != "python":
        is_copied = copy and value.type.is_array  # the copy lies as the array does
        return _copy(state, value, Known("K")) if is_copied else value
    kind = "array" if value.type.is_array else "scalar"
    expr = operand(state, value)
    made = Type(kind, wanted, value.type.sizes)
    short = wanted.type if np.dtype(wanted.type) == wanted else wanted
    if value.type.kind == "python":
        return Leaf(Call(made, wanted.type, (expr,)))
    if value.type.is_differentiable and wanted.kind in "fc":
        from ...rules.complex import cast as primitive

        return Leaf(Call(made, primitive.fn, (expr, Lit(OBJECT, wanted))))
    return Leaf(Call(made, np.ndarray.astype, (expr, Lit(OBJECT, short))))


def _astype(
    state: State, a: Leaf, dtype: Value, order: Value = NONE, casting: Value = NONE,
    subok: Value = NONE, copy: Value = TRUE,
) -> Value:  # fmt: skip
    if known(copy) == (True, False):
        return calls.call(state, Known(np.asarray), [cast(state, a, dtype, False), NONE, order], {})
    return layouts.ordered(state, cast(state, a, dtype), order)


@intrinsic(np.astype)
def _np_astype(state: State, x: Value, dtype: Value, /, *, copy: Value = TRUE) -> Value:
    return cast(state, x, dtype, known(copy) != (True, False))


@intrinsic(np.real_if_close)
def _real_if_close(state: State, a: Value, tol: Value = NONE) -> Value:
    a = calls.as_array(state, a)
    if isinstance(a, Leaf) and is_complex(a.type):
        raise state.error(
            "np.real_if_close of a complex array: whether the result is real depends on its values",
            "write np.real(x)",
        )
    return a


def _item(state: State, a: Leaf, *index: Value) -> Value:
    from .numbers import to_python

    if index:
        flat: Value = a
        if len(index) == 1 and a.type.ndim > 1 and not isinstance(index[0], Items):
            flat = calls.call(state, Known(np.reshape), [a, Known(-1)], {})
        found = subscript(state, flat, index[0] if len(index) == 1 else Items(list(index)))
        assert isinstance(found, Leaf)
        a = found
    elif a.type.ndim:
        only = calls.call(state, Known(np.reshape), [a, Known(())], {})
        assert isinstance(only, Leaf)
        a = only
    return to_python(state, a)


def _tolist(state: State, a: Leaf) -> Value:
    from .containers import items_of

    if a.type.ndim == 0:
        return _item(state, a)
    rows = items_of(state, a)
    return Items([_tolist(state, row) for row in rows if isinstance(row, Leaf)], "list")


def _fill(state: State, a: Leaf, value: Value) -> Value:
    memory.store(state, a, (), operand(state, value))
    return NONE


def _sort(state: State, a: Leaf, axis: Value = LAST, **options: Value) -> Value:
    if memory.root_of(state, a.expr) is None:
        memory.make_buffer(state, a.expr)
    found = calls.call(state, Known(np.sort), [a, axis], options)
    memory.store(state, a, (), operand(state, found))
    return NONE


def _partition(state: State, a: Leaf, kth: Value, axis: Value = LAST) -> Value:
    found = calls.call(state, Known(np.partition), [a, kth, axis], {})
    memory.store(state, a, (), operand(state, found))
    return NONE


def _put(state: State, a: Leaf, *args: Value, **kwargs: Value) -> Value:
    return mutate(state, np.put, [a, *args], kwargs)


def _is_integer(state: State, a: Leaf) -> Value:
    return Leaf(Call(calls.typed(state, bool, [], {}), float.is_integer, (operand(state, a),)))


_ARRAY: dict[str, Any] = {
    "copy": _copy,
    "__copy__": _copy,
    "flatten": _flatten,
    "reshape": _reshape,
    "transpose": _transpose,
    "astype": _astype,
    "item": _item,
    "tolist": _tolist,
    "fill": _fill,
    "sort": _sort,
    "partition": _partition,
    "put": _put,
    "is_integer": _is_integer,
}


# ------------------------------------------------------------------------------------ generators


def _of_object(
    state: State, receiver: Leaf, name: str, args: list[Value], kwargs: dict[str, Value]
) -> Value:
    """Call a method of an object of which nothing is known but, at times, its class."""
    for owner, sample in (
        (np.random.Generator, lambda: np.random.default_rng(0)),
        (np.random.RandomState, lambda: np.random.RandomState(0)),
    ):
        method = None if name.startswith("_") else getattr(owner, name, None)
        if method is None:
            continue
        result = calls.drawn_type(state, getattr(sample(), name), args, kwargs)
        return calls.effect(state, method, [receiver, *args], kwargs, result)
    return calls.call_object(state, receiver, name, args, kwargs)
