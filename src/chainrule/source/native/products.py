"""Products of matrices and vectors: small ones as loops, large ones by BLAS."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ...rules import products as rules
from ..ir import Assign, Call, Expr, Lit
from ..types import Type, unknown_size
from .arrays import compute, is_whole, new_array
from .code import BOOL, INT, Put, apply, dtype_of, number, scalar
from .elements import NUMBERS, VALUES, aligned, broadcast, elements, in_memory
from .numbers import cast
from .shapes import reshaped
from .state import Elements, NotNative, State
from .sums import Labels, Term, contract, stretched
from .views import argument, only

Product = Callable[[State, Call], Elements]


def enter(*functions: Any) -> Callable[[Product], Product]:
    """Enter a function that computes an array, or a number, into the tables."""

    def decorate(handler: Product) -> Product:
        for fn in functions:
            NUMBERS[fn] = lambda state, call: handler(state, call).at(())
            VALUES[fn] = lambda state, name, call: bind_elements(state, name, handler(state, call))
        return handler

    return decorate


def bind_elements(state: State, name: str, found: Elements) -> None:
    """Bind a variable to elements: to the array that they are, or to a new one."""
    if found.root is not None and is_whole(state, found):
        state.emit(Assign(name, found.root))
    else:
        compute(state, name, found)


def _axes_of(sources: list[Elements]) -> list[Labels]:
    return [tuple((k, j) for j in range(len(x.extents))) for k, x in enumerate(sources)]


@enter(np.matmul)
def _matmul(state: State, call: Call) -> Elements:
    only(call)
    a, b = (elements(state, arg) for arg in call.args)
    cores = min(len(a.extents), 2), min(len(b.extents), 2)
    if 0 in cores:
        raise NotNative("matmul of a number")
    x, y = stretched(state, (a, b), cores)
    inner, rows, columns = "inner", "rows", "columns"
    ends: list[Labels] = [
        (inner,) if cores[0] == 1 else (rows, inner),
        (inner,) if cores[1] == 1 else (inner, columns),
    ]
    terms = [
        Term(term.source, (*term.labels[: len(term.labels) - len(end)], *end))
        for term, end in zip((x, y), ends, strict=True)
    ]
    front = max(len(a.extents) - cores[0], len(b.extents) - cores[1])
    out: Labels = (
        *range(front),
        *((rows,) if cores[0] == 2 else ()),
        *((columns,) if cores[1] == 2 else ()),
    )
    return contract(state, terms, out, dtype_of(call))


@enter(np.dot, np.inner)
def _dot(state: State, call: Call) -> Elements:
    only(call)
    sources = [elements(state, arg) for arg in call.args[:2]]
    x, y = _axes_of(sources)
    if x and y:
        k = -1 if call.fn is np.inner else max(-2, -len(y))
        y = tuple(x[-1] if label == y[k] else label for label in y)
    out = tuple(label for label in (*x, *y) if not (label in x and label in y))
    terms = [Term(sources[0], x), Term(sources[1], y)]
    return contract(state, terms, out, dtype_of(call))


@enter(np.vdot)
def _vdot(state: State, call: Call) -> Elements:
    only(call)
    a, b = (_flat(state, arg) for arg in call.args[:2])
    dtype = dtype_of(call)
    if dtype.kind == "c":
        plain = a
        a = Elements(a.extents, dtype,
                     lambda i: apply(np.conj, scalar(dtype), cast(plain.at(i), dtype)))  # fmt: skip
    return contract(state, [Term(a, ("k",)), Term(b, ("k",))], (), dtype)


def _flat(state: State, operand: Expr) -> Elements:
    if operand.type.ndim == 1:
        return elements(state, operand)
    type_ = Type("array", operand.type.dtype, (unknown_size(),))
    return reshaped(state, operand, Lit(INT, -1), type_)


@enter(np.outer)
def _outer(state: State, call: Call) -> Elements:
    a, b = (_flat(state, arg) for arg in call.args[:2])
    return contract(state, [Term(a, ("i",)), Term(b, ("j",))], ("i", "j"), dtype_of(call))


@enter(np.tensordot)
def _tensordot(state: State, call: Call) -> Elements:
    only(call, "axes")
    sources = [elements(state, arg) for arg in call.args[:2]]
    x, y = _axes_of(sources)
    axes = _literal(call, 2, "axes", 2)
    if isinstance(axes, int):
        pairs = [(len(x) - axes + k, k) for k in range(axes)]
    else:
        left, right = ([part] if isinstance(part, int) else [*part] for part in axes)
        pairs = list(zip(left, right, strict=True))
    for i, j in pairs:
        y = tuple(x[i] if k == j % len(y) else label for k, label in enumerate(y))
    out = tuple(label for label in (*x, *y) if not (label in x and label in y))
    return contract(state, [Term(sources[0], x), Term(sources[1], y)], out, dtype_of(call))


def _literal(call: Call, position: int, name: str, default: Any) -> Any:
    """Return the value of an argument that may be made of sequences."""
    found: Any = call.args[position] if len(call.args) > position else dict(call.kwargs).get(name)

    def value(expr: Any) -> Any:
        if isinstance(expr, Lit):
            return expr.value
        if hasattr(expr, "items"):
            return [value(item) for item in expr.items]
        raise NotNative(f"{name} of {call.fn.__name__} is not known")

    return default if found is None else value(found)


# ----------------------------------------------------------------------------------- einsum


@enter(rules._einsum)
def _einsum(state: State, call: Call) -> Elements:
    subscripts = argument(call, 99, "subscripts")
    if argument(call, 99, "order", "K") not in ("K", "C"):
        raise NotNative("einsum with an order")
    inputs, _, out = subscripts.replace(" ", "").partition("->")
    sources = [elements(state, arg) for arg in call.args]
    dotted = [term.replace("...", ".") for term in inputs.split(",")]
    ndim = max((len(x.extents) - len(t) + 1 for x, t in zip(sources, dotted, strict=True)
                if "." in t), default=0)  # fmt: skip
    terms = [_labelled(x, term, ndim) for x, term in zip(sources, dotted, strict=True)]
    labels: list[Hashable] = []
    for letter in out.replace("...", "."):
        labels += range(ndim) if letter == "." else [letter]
    return contract(state, terms, tuple(labels), dtype_of(call))


def _labelled(source: Elements, term: str, ndim: int) -> Term:
    hidden = len(source.extents) - len(term) + 1
    labels: list[Hashable] = []
    for letter in term:
        labels += range(ndim - hidden, ndim) if letter == "." else [letter]
    return Term(source, tuple(labels))


# ------------------------------------------------------------------------------ cross products


@enter(np.cross, np.linalg.cross)
def _cross(state: State, call: Call) -> Elements:
    only(call, "axis")
    a, b = (elements(state, arg) for arg in call.args[:2])
    axis = argument(call, 5, "axis", -1)
    if len(a.extents) != len(b.extents) or call.type.ndim != len(a.extents):
        raise NotNative("a cross product of vectors in two dimensions, or of stacks that differ")
    axis %= len(a.extents)
    for x in (a, b):
        if x.extents[axis].size != 3:
            state.check(apply(np.equal, BOOL, x.extents[axis].expr, number(3)))
    whole = broadcast(state, [a.extents, b.extents])
    at_a, at_b = aligned(state, a.extents, whole), aligned(state, b.extents, whole)
    dtype = dtype_of(call)
    made = new_array(state, "cross", dtype, whole)
    rest = (*whole[:axis], *whole[axis + 1 :])

    def body(i: tuple[Expr, ...]) -> None:
        places = [(*i[:axis], number(k), *i[axis:]) for k in range(3)]
        x = [state.named("x", cast(a.at(at_a(place)), dtype)) for place in places]
        y = [state.named("y", cast(b.at(at_b(place)), dtype)) for place in places]
        for k in range(3):
            m, n = (k + 1) % 3, (k + 2) % 3
            terms = [apply(np.multiply, scalar(dtype), x[j], y[l]) for j, l in ((m, n), (n, m))]
            state.emit(Put(made, places[k], apply(np.subtract, scalar(dtype), *terms)))

    state.nest(rest, body)
    return in_memory(made)
