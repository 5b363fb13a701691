"""``np.r_`` and ``np.c_``: what stands between the brackets, one behind the other.

``np.mgrid`` and ``np.ogrid``: ranges across each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Slice
from ..values import Items, Known, Leaf, Value
from . import calls
from .attributes import shape_of
from .containers import is_none, known
from .state import State

_ROWS, _COLUMNS = type(np.r_), type(np.c_)
_GRIDS = (type(np.mgrid), type(np.ogrid))


def is_pasting(x: Any) -> bool:
    """Tell ``np.r_`` and ``np.c_``."""
    return isinstance(x, (_ROWS, _COLUMNS))


def pasted(state: State, made: Any, parts: list[Value]) -> Value:
    """Return ``np.r_[parts]`` or ``np.c_[parts]``."""
    arrays = [_array(state, part) for part in parts]
    if isinstance(made, _COLUMNS):
        arrays = [_column(state, x) for x in arrays]
    axis = Known(1 if isinstance(made, _COLUMNS) else 0)
    found = calls.call(state, Known(np.concatenate), [Items(arrays, "list")], {"axis": axis})
    weak = calls.call(state, Known(np.result_type), [*map(_as_in_sum, parts, arrays)], {})
    if not isinstance(found, Leaf) or known(weak)[1] == found.type.dtype:
        return found
    return calls.call_attribute(state, found, "astype", [weak])


def is_grid(x: Any) -> bool:
    """Tell ``np.mgrid`` and ``np.ogrid``."""
    return isinstance(x, _GRIDS)


def grid(state: State, made: Any, parts: list[Value], is_tuple: bool) -> Value:
    """Return ``np.mgrid[parts]`` or ``np.ogrid[parts]``."""
    ranges = [_range(state, part) for part in parts]
    if not is_tuple:
        return ranges[0]
    if made is np.ogrid:
        kind = calls.call(state, Known(np.result_type), list(ranges), {})
        ranges = [calls.call_attribute(state, x, "astype", [kind]) for x in ranges]
        return calls.call(state, Known(np.ix_), ranges, {})
    full = calls.call(state, Known(np.meshgrid), ranges, {"indexing": Known("ij")})
    stack = calls.call(state, Known(np.stack), [full], {})
    return calls.call_attribute(state, stack, "copy", [])  # it lies by rows


def _array(state: State, part: Value) -> Value:
    """Return one part as an array with axes."""
    if isinstance(part, Known) and isinstance(part.value, str):
        raise state.error("np.r_ with a string", "use np.concatenate or np.stack")
    is_slice = isinstance(part, Items) and part.kind == "slice"
    if is_slice or (isinstance(part, Known) and isinstance(part.value, slice)):
        return _range(state, part)
    if isinstance(part, Leaf) and isinstance(part.expr, Slice):
        raise state.error("np.r_ with a slice from elsewhere", "use np.arange or np.linspace")
    return calls.call(state, Known(np.atleast_1d), [part], {})


def _range(state: State, part: Value) -> Value:
    """``a:b:c`` is a range, ``a:b:5j`` are five numbers from a to b."""
    if isinstance(part, Known):
        ends: list[Value] = [Known(x) for x in (part.value.start, part.value.stop, part.value.step)]
    else:
        assert isinstance(part, Items)
        ends = [*part.items]
    start, stop, step = (Known(d) if is_none(x) else x
                         for x, d in zip(ends, (0, None, 1), strict=True))  # fmt: skip
    ok, width = known(step)
    if ok and isinstance(width, complex):
        return calls.call(state, Known(np.linspace), [start, stop, Known(int(abs(width)))], {})
    return calls.call(state, Known(np.arange), [start, stop, step], {})


def _column(state: State, x: Value) -> Value:
    if len(shape_of(state, x)) > 1:
        return x
    return calls.call(state, Known(np.reshape), [x, Items([Known(-1), Known(1)])], {})


def _as_in_sum(part: Value, array: Value) -> Value:
    """Numbers are weak: they do not widen the dtype of the arrays beside them."""
    is_number = isinstance(part, Leaf) and part.type.is_number
    return part if is_number or (isinstance(part, Known) and np.isscalar(part.value)) else array
