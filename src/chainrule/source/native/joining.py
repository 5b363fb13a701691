"""Functions that put arrays together."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules import joining as rules
from ..ir import Assign, Call, Expr, Var
from ..types import Type
from .code import Make, Put, number, plus
from .elements import VALUES, elements
from .numbers import cast
from .state import Elements, NotNative, State
from .views import argument


def _concatenate(state: State, name: str, call: Call) -> None:
    axis = argument(call, 99, "axis", 0)
    given: Any = call.args
    if call.fn is np.concatenate:
        given = getattr(call.args[0], "items", None)
        axis = argument(call, 1, "axis", 0)
    if given is None or not isinstance(axis, int):
        raise NotNative("concatenate of arrays that are not written out")
    parts = [elements(state, arg) for arg in given]
    ndim = len(parts[0].extents)
    if not ndim:
        raise NotNative("concatenate of numbers")
    axis %= ndim
    total: Expr = number(0)
    starts = []
    for part in parts:
        starts.append(total)
        total = plus(total, part.extents[axis].expr)
        if not hasattr(total, "value"):
            total = state.integer(total)
    for part in parts[1:]:
        for k in range(ndim):
            if k != axis:
                state.same(part.extents[k], parts[0].extents[k])
    dtype = call.type.dtype
    assert dtype is not None
    sizes = [e.size for e in parts[0].extents]
    sizes[axis] = call.type.sizes[axis]
    out = Var(Type("array", dtype, tuple(sizes)), state.fresh(name))
    state.types[out.name] = out.type
    extents = [e.expr for e in parts[0].extents]
    extents[axis] = total
    state.emit(Make(out.name, dtype, tuple(extents)))
    for part, start in zip(parts, starts, strict=True):
        _put(state, out, part, axis, start)
    state.emit(Assign(name, out))


def _put(state: State, out: Var, part: Elements, axis: int, start: Expr) -> None:
    dtype = out.type.dtype
    assert dtype is not None

    def body(i: tuple[Expr, ...]) -> None:
        place = tuple(plus(x, start) if k == axis else x for k, x in enumerate(i))
        state.emit(Put(out, place, cast(part.at(i), dtype)))

    state.nest(part.extents, body)


VALUES[np.concatenate] = VALUES[rules._concatenate] = _concatenate
