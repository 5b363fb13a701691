"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Call, Choice, Expr, Lit
from ..types import unknown_size
from .code import BOOL, INT, apply, minus, number, plus, scalar
from .elements import VIEWS, elements
from .numbers import cast, literal
from .state import Elements, Extent, State
from .views import argument, moved, only, view


@view(np.diagonal)
def _diagonal(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    only(call, "offset", "axis1", "axis2")
    offset = argument(call, 1, "offset", 0)
    ndim = len(source.extents)
    first, second = (argument(call, 2, "axis1", 0) % ndim, argument(call, 3, "axis2", 1) % ndim)
    return diagonal(state, source, offset, first, second)


@view(np.linalg.diagonal)
def _last_diagonal(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    ndim = len(source.extents)
    return diagonal(state, source, argument(call, 1, "offset", 0), ndim - 2, ndim - 1)


def diagonal(state: State, source: Elements, offset: int, first: int, second: int) -> Elements:
    """Return the places ``(i, i + offset)`` along two axes, as the last axis."""
    rows, columns = source.extents[first], source.extents[second]
    down, right = max(-offset, 0), max(offset, 0)
    extent = rows
    if offset or rows.size != columns.size:
        ends = (minus(rows.expr, number(down)), minus(columns.expr, number(right)))
        known = [end.value for end in ends if isinstance(end, Lit)]
        if len(known) == 2:
            found: Expr = number(max(min(known), 0))
        else:
            found = state.named("n", apply(max, INT, apply(min, INT, *ends), number(0)))
        size = found.value if isinstance(found, Lit) else unknown_size()
        extent = Extent(found, size)
    rest = [k for k in range(len(source.extents)) if k not in (first, second)]

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        found = dict(zip(rest, i, strict=False))
        found |= {first: plus(i[-1], number(down)), second: plus(i[-1], number(right))}
        return tuple(found[k] for k in range(len(source.extents)))

    return moved(source, (*(source.extents[k] for k in rest), extent), place)


@view(np.diag)
def _diag(state: State, call: Call) -> Elements:
    source = elements(state, call.args[0])
    offset = argument(call, 1, "k", 0)
    if len(source.extents) == 2:
        return diagonal(state, source, offset, 0, 1)
    own = source.extents[0]
    extent = own
    if offset:
        n = plus(own.expr, number(abs(offset)))
        size = n.value if isinstance(n, Lit) else call.type.sizes[0]
        extent = Extent(n if isinstance(n, Lit) else state.integer(n), size)
    zero = cast(literal(0), source.dtype)
    start = number(max(-offset, 0))

    def at(i: tuple[Expr, ...]) -> Expr:
        on_it = apply(np.equal, BOOL, i[1], plus(i[0], number(offset)))
        return Choice(scalar(source.dtype), on_it, source.at((minus(i[0], start),)), zero)

    return Elements((extent, extent), source.dtype, at)


def _triangle(lower: bool) -> Any:
    def handler(state: State, call: Call) -> Elements:
        source = elements(state, call.args[0])
        offset = argument(call, 1, "k", 0)
        zero = cast(literal(0), source.dtype)

        def at(i: tuple[Expr, ...]) -> Expr:
            edge = plus(i[-2], number(offset))
            inside = apply(np.less_equal if lower else np.greater_equal, BOOL, i[-1], edge)
            return Choice(scalar(source.dtype), inside, source.at(i), zero)

        return Elements(source.extents, source.dtype, at)

    return handler


VIEWS[np.tril], VIEWS[np.triu] = _triangle(True), _triangle(False)
