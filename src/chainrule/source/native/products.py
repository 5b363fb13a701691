"""Products of matrices and vectors: small ones as loops, large ones by BLAS."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Call, Expr, Var
from ..types import Type
from . import runtime
from .code import Do, Gather, Make, Put, apply, scalar
from .elements import NUMBERS, VALUES, elements, in_memory
from .numbers import cast, literal
from .state import Elements, NotNative, State
from .views import is_whole, only

_FUNCTIONS = (np.matmul, np.dot, np.vdot, np.inner)


def _operands(state: State, call: Call) -> tuple[Elements, Elements]:
    only(call)
    a, b = (elements(state, arg) for arg in call.args[:2])
    if len(a.extents) not in (1, 2) or len(b.extents) not in (1, 2):
        raise NotNative(f"{call.fn.__name__} of arrays of more than two axes")
    if call.fn in (np.vdot, np.inner) and len(a.extents) + len(b.extents) != 2:
        raise NotNative(f"{call.fn.__name__} of matrices")
    state.same(a.extents[-1], b.extents[0])
    return a, b


def _product(call: Call, x: Expr, y: Expr) -> Expr:
    dtype = call.type.dtype
    assert dtype is not None
    x, y = cast(x, dtype), cast(y, dtype)
    if call.fn is np.vdot and dtype.kind == "c":
        x = apply(np.conj, x.type, x)
    return apply(np.multiply, scalar(dtype), x, y)


def _inner(state: State, call: Call) -> Expr:
    """Return the inner product of two vectors."""
    a, b = _operands(state, call)
    dtype = call.type.dtype
    assert dtype is not None
    total = state.named("total", cast(literal(0), dtype))

    def body(i: tuple[Expr, ...]) -> None:
        value = _product(call, a.at(i), b.at(i))
        state.emit(Gather(total.name, runtime.add_in_any_order, value, scalar(dtype)))

    state.nest(a.extents, body)
    return total


def _matrix(state: State, name: str, call: Call) -> None:
    """Compute the product of a matrix with a vector or another matrix."""
    a, b = _operands(state, call)
    if len(a.extents) == len(b.extents) == 2:
        _matmul(state, name, call, a, b)
    elif len(a.extents) == 2:
        _matrix_vector(state, name, call, a, b, transposed=False)
    else:
        back = Elements(b.extents[::-1], b.dtype, lambda i: b.at(i[::-1]), b.root, b.index and (
            lambda i: b.index(i[::-1])))  # type: ignore[misc]  # fmt: skip
        _matrix_vector(state, name, call, back, a, transposed=True)


def _matrix_vector(
    state: State, name: str, call: Call, a: Elements, x: Elements, transposed: bool
) -> None:
    rows, columns = a.extents
    dtype = call.type.dtype
    assert dtype is not None
    out = Var(Type("array", dtype, (rows.size,)), state.fresh(name))
    state.types[out.name] = out.type
    state.emit(Make(out.name, dtype, (rows.expr,)))
    vector = _read_often(state, x, dtype)
    if _is_transposed(a):
        zero = cast(literal(0), dtype)
        state.nest((rows,), lambda i: state.emit(Put(out, i, zero)))
        state.nest(
            (columns, rows),
            lambda i: state.emit(
                Put(out, i[1:], _product(call, a.at((i[1], i[0])), vector.at(i[:1])), "add")
            ),
        )
    else:

        def row(i: tuple[Expr, ...]) -> None:
            total = state.named("total", cast(literal(0), dtype))

            def body(j: tuple[Expr, ...]) -> None:
                value = _product(call, a.at((*i, *j)), vector.at(j))
                state.emit(Gather(total.name, runtime.add_in_any_order, value, scalar(dtype)))

            state.nest((columns,), body)
            state.emit(Put(out, i, total))

        state.nest((rows,), row)
    _bind(state, name, out)


def _bind(state: State, name: str, out: Var) -> None:
    from ..ir import Assign

    state.emit(Assign(name, out))


def _is_transposed(a: Elements) -> bool:
    """Tell whether the first axis is the one along which memory runs."""
    from ..ir import Var
    from .code import INT

    if a.index is None:
        return False
    i, j = Var(INT, "'0"), Var(INT, "'1")
    from .. import ir

    last = a.index((i, j))[-1]
    return "'0" in ir.names_in(last)


def _read_often(state: State, x: Elements, dtype: np.dtype[Any]) -> Elements:
    """Return elements that cost nothing to be read again and again."""
    from .statements import compute

    if x.root is not None:
        return x
    name = state.fresh("t")
    state.types[name] = Type("array", dtype, tuple(e.size for e in x.extents))
    compute(state, name, x)
    return in_memory(Var(state.types[name], name))


def _matmul(state: State, name: str, call: Call, a: Elements, b: Elements) -> None:
    dtype = call.type.dtype
    assert dtype is not None
    if dtype.kind not in "fc":
        _triple_loop(state, name, call, a, b)
        return
    x, x_turned = _whole(state, a, dtype)
    y, y_turned = _whole(state, b, dtype)
    type_ = Type("array", dtype, (a.extents[0].size, b.extents[1].size))
    out = Var(type_, state.fresh(name))
    state.types[out.name] = type_
    fn = {
        (False, False): runtime.product,
        (True, False): runtime.product_tn,
        (False, True): runtime.product_nt,
        (True, True): runtime.product_tt,
    }[x_turned, y_turned]
    state.emit(Do((out.name,), fn, (x, y), (type_,)))
    _bind(state, name, out)


def _whole(state: State, a: Elements, dtype: np.dtype[Any]) -> tuple[Var, bool]:
    """Return an array in memory, and whether it has to be read transposed."""
    from .statements import compute

    if a.root is not None and a.dtype == dtype:
        if is_whole(a):
            return a.root, False
        turned = Elements(
            a.extents[::-1],
            dtype,
            lambda i: a.at(i[::-1]),
            a.root,
            lambda i: a.index(i[::-1]),  # type: ignore[misc]
        )
        if len(a.root.type.sizes) == 2 and is_whole(turned):
            return a.root, True
    name = state.fresh("t")
    state.types[name] = Type("array", dtype, tuple(e.size for e in a.extents))
    compute(state, name, a)
    return Var(state.types[name], name), False


def _triple_loop(state: State, name: str, call: Call, a: Elements, b: Elements) -> None:
    dtype = call.type.dtype
    assert dtype is not None
    rows, inner = a.extents
    columns = b.extents[1]
    out = Var(Type("array", dtype, (rows.size, columns.size)), state.fresh(name))
    state.types[out.name] = out.type
    state.emit(Make(out.name, dtype, (rows.expr, columns.expr)))
    zero = cast(literal(0), dtype)
    state.nest((rows, columns), lambda i: state.emit(Put(out, i, zero)))
    state.nest(
        (rows, inner, columns),
        lambda i: state.emit(
            Put(out, (i[0], i[2]), _product(call, a.at(i[:2]), b.at(i[1:])), "add")
        ),
    )
    _bind(state, name, out)


for _function in _FUNCTIONS:
    NUMBERS[_function] = _inner
    VALUES[_function] = _matrix
