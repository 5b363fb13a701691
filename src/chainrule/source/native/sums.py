"""Sums of products: what matrix products, ``tensordot`` and ``einsum`` have in common.

Each axis of each operand has a label. Axes with the same label are run through together; those that
the result does not have are summed over. Products of large matrices are left to BLAS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from .. import ir
from ..ir import Expr, Var
from ..sizes import may_be_one, product
from ..types import Type
from . import runtime
from .arrays import in_shape, marks, materialised, new_array
from .code import Do, Gather, Put, apply, number, scalar, times
from .elements import aligned, broadcast, in_memory
from .numbers import cast, literal
from .state import Elements, Extent, NotNative, State
from .views import moved, permuted

Labels = tuple[Hashable, ...]
Places = dict[Hashable, Expr]


class Term(NamedTuple):
    """An operand and the labels of its axes."""

    source: Elements
    labels: Labels

    def at(self, places: Places) -> Expr:
        """Return the element where the labels stand for these places."""
        return self.source.at(tuple(places[label] for label in self.labels))


def contract(state: State, terms: Sequence[Term], out: Labels, dtype: np.dtype[Any]) -> Elements:
    """Return the sum of the products, with one axis for each label of ``out``."""
    if dtype.kind == "b":
        raise NotNative("products of truth values")
    terms = [_diagonal(state, term) for term in terms]
    while len(terms) > 2:
        first, second, *rest = terms
        needed = {*out, *(label for term in rest for label in term.labels)}
        joint = tuple(dict.fromkeys((*first.labels, *second.labels)))
        kept = tuple(label for label in joint if label in needed)
        terms = [Term(contract(state, (first, second), kept, dtype), kept), *rest]
    extents = _extents(state, terms)
    single = {label for label, extent in extents.items() if extent.size == 1}
    terms = [_without_axes(term, single - {*out}) for term in terms]
    extents = {label: e for label, e in extents.items() if label in out or label not in single}
    if len(terms) == 2 and dtype.kind in "fc" and not single:
        found = _product(state, terms[0], terms[1], out, extents, dtype)
        if found is not None:
            return found
    return _loops(state, terms, out, extents, dtype)


def _diagonal(state: State, term: Term) -> Term:
    """Return a term without a label that occurs twice: its diagonal is taken."""
    labels = tuple(dict.fromkeys(term.labels))
    if labels == term.labels:
        return term
    first = [term.labels.index(label) for label in labels]
    for label, extent in zip(term.labels, term.source.extents, strict=True):
        state.same(extent, term.source.extents[term.labels.index(label)])
    extents = tuple(term.source.extents[k] for k in first)
    where = [labels.index(label) for label in term.labels]
    return Term(moved(term.source, extents, lambda i: tuple(i[k] for k in where)), labels)


def _without_axes(term: Term, labels: set[Hashable]) -> Term:
    """Return a term without axes of size 1, of which there is nothing to sum."""
    kept = [k for k, label in enumerate(term.labels) if label not in labels]
    if len(kept) == len(term.labels):
        return term

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        found = dict(zip(kept, i, strict=True))
        return tuple(found.get(k, number(0)) for k in range(len(term.labels)))

    extents = tuple(term.source.extents[k] for k in kept)
    return Term(moved(term.source, extents, place), tuple(term.labels[k] for k in kept))


def _extents(state: State, terms: Sequence[Term]) -> dict[Hashable, Extent]:
    found: dict[Hashable, Extent] = {}
    for term in terms:
        for label, extent in zip(term.labels, term.source.extents, strict=True):
            other = found.setdefault(label, extent)
            if (other.size == 1) != (extent.size == 1):
                raise NotNative("a product that stretches an axis")
            state.same(other, extent)
    return found


# ---------------------------------------------------------------------------------- loops


def _loops(
    state: State, terms: Sequence[Term], out: Labels, extents: dict[Hashable, Extent],
    dtype: np.dtype[Any],
) -> Elements:  # fmt: skip
    summed = tuple(label for label in extents if label not in out)
    if summed:
        several = {label for label, extent in extents.items() if extent.size != 1}
        terms = [t if several <= {*t.labels} else _read_often(state, t) for t in terms]

    def value(places: Places) -> Expr:
        made, *others = [cast(term.at(places), dtype) for term in terms]
        for other in others:
            made = multiplied(made, other, dtype)
        return made

    kept = tuple(extents[label] for label in out)
    if not summed:
        return Elements(kept, dtype, lambda i: value(dict(zip(out, i, strict=True))))
    if not out:
        total = _total(state, summed, extents, value, {}, dtype)
        return Elements((), dtype, lambda _: total)
    made = new_array(state, "product", dtype, kept)
    last = _runs_along(max(terms, key=lambda term: len(term.labels)))
    if last in summed:
        order = (*(label for label in summed if label != last), last)

        def row(i: tuple[Expr, ...]) -> None:
            places = dict(zip(out, i, strict=True))
            state.emit(Put(made, i, _total(state, order, extents, value, places, dtype)))

        state.nest(kept, row)
        return in_memory(made)
    zero = cast(literal(0), dtype)
    state.nest(kept, lambda i: state.emit(Put(made, i, zero)))
    order = (*summed, *(label for label in out if label != last), last)

    def step(i: tuple[Expr, ...]) -> None:
        places = dict(zip(order, i, strict=True))
        state.emit(Put(made, tuple(places[label] for label in out), value(places), "add"))

    state.nest(tuple(extents[label] for label in order), step)
    return in_memory(made)


def _total(
    state: State, labels: Labels, extents: dict[Hashable, Extent], value: Any, places: Places,
    dtype: np.dtype[Any],
) -> Expr:  # fmt: skip
    """Sum over labels, at given places of the others."""
    total = state.named("total", cast(literal(0), dtype))

    def step(i: tuple[Expr, ...]) -> None:
        term = value(places | dict(zip(labels, i, strict=True)))
        state.emit(Gather(total.name, runtime.add_in_any_order, term, scalar(dtype)))

    state.nest(tuple(extents[label] for label in labels), step)
    return total


def multiplied(x: Expr, y: Expr, dtype: np.dtype[Any]) -> Expr:
    """Return the product of two numbers of this dtype."""
    made = apply(np.multiply, scalar(dtype), x, y)
    if dtype.kind in "iu" and dtype.itemsize < 8:
        return apply(dtype.type, scalar(dtype), made)  # Numba has computed with 64 bits
    return made


def _runs_along(term: Term) -> Hashable:
    """Return the label of the axis along which the memory of a term runs."""
    here = marks(term.source.extents)
    labels = {mark.name: label for mark, label in zip(here, term.labels, strict=True)}
    loads = [e for e in ir.walk(term.source.at(here)) if isinstance(e, ir.Index) and e.index]
    last = Counter(labels[n] for e in loads for n in ir.names_in(e.index[-1]) if n in labels)
    return max(last, key=lambda label: last[label]) if last else term.labels[-1]


def _read_often(state: State, term: Term) -> Term:
    """Return a term that costs nothing to be read again and again."""
    source = term.source
    if source.root is not None or not source.extents:
        return term
    return Term(in_memory(materialised(state, source)), term.labels)


# ------------------------------------------------------------------------ products of matrices

_PRODUCTS = {
    (False, False): (runtime.product, runtime.products),
    (True, False): (runtime.product_tn, runtime.products_tn),
    (False, True): (runtime.product_nt, runtime.products_nt),
    (True, True): (runtime.product_tt, runtime.products_tt),
}


def _product(
    state: State, a: Term, b: Term, out: Labels, extents: dict[Hashable, Extent],
    dtype: np.dtype[Any],
) -> Elements | None:  # fmt: skip
    """Compute the product of two matrices, or of stacks of them; None if it is of another form."""
    both = [label for label in a.labels if label in b.labels]
    stack = tuple(label for label in out if label in both)
    inner = tuple(label for label in both if label not in out)
    rows = tuple(label for label in out if label in a.labels and label not in both)
    columns = tuple(label for label in out if label in b.labels and label not in both)
    if not (rows and columns and inner) or _is_small(extents, rows, columns, inner):
        return None
    if len(rows) + len(columns) + len(stack) < len(out) or len(a.labels) + len(b.labels) != (
        len(rows) + len(columns) + 2 * len(both)
    ):
        return None  # something is summed over in one of them alone
    if next(label for label in out if label not in stack) in columns:
        a, b, rows, columns = b, a, columns, rows
    x, x_turned = _form(state, a, stack, rows, inner, dtype)
    y, y_turned = _form(state, b, stack, inner, columns, dtype)
    groups = [*([stack] if stack else []), rows, columns]
    sizes = tuple(_joint(state, extents, group) for group in groups)
    flat = Type("array", dtype, tuple(extent.size for extent in sizes))
    made = Var(flat, state.fresh("product"))
    state.types[made.name] = flat
    fn = _PRODUCTS[x_turned, y_turned][bool(stack)]
    state.emit(Do((made.name,), fn, (x, y), (flat,)))
    order = (*stack, *rows, *columns)
    made = in_shape(state, made, tuple(extents[label] for label in order))
    return permuted(in_memory(made), tuple(order.index(label) for label in out))


_SMALL = 16
"""A matrix of so few numbers is multiplied by loops, which join those around them."""


def _is_small(extents: dict[Hashable, Extent], *labels: Labels) -> bool:
    """Tell whether one of the matrices, or their product, is known to be small."""

    def count(labels: Labels) -> float:
        sizes = [extents[label].size for label in labels]
        return prod(sizes) if all(isinstance(size, int) for size in sizes) else inf

    return any(count((*a, *b)) <= _SMALL for a, b in combinations(labels, 2))


def _joint(state: State, extents: dict[Hashable, Extent], labels: Labels) -> Extent:
    """Return the extent of axes that are made one."""
    if len(labels) == 1:
        return extents[labels[0]]
    total: Expr = number(1)
    for label in labels:
        total = times(total, extents[label].expr)
    return Extent(state.integer(total), product(tuple(extents[label].size for label in labels)))


def _form(
    state: State, term: Term, stack: Labels, first: Labels, second: Labels, dtype: np.dtype[Any]
) -> tuple[Var, bool]:
    """Return a term as a matrix or a stack of them, and whether it has to be read transposed."""
    extents = dict(zip(term.labels, term.source.extents, strict=True))
    wanted, turned = (*stack, *first, *second), (*stack, *second, *first)
    lies = _lies(term, dtype)
    if lies in (wanted, turned):
        assert term.source.root is not None
        array = term.source.root
    else:
        order = tuple(term.labels.index(label) for label in wanted)
        array, lies = materialised(state, permuted(term.source, order), dtype), wanted
    groups = (first, second) if lies == wanted else (second, first)
    shape = [_joint(state, extents, group) for group in ((stack,) if stack else ()) + groups]
    return in_shape(state, array, tuple(shape)), lies != wanted


def _lies(term: Term, dtype: np.dtype[Any]) -> Labels | None:
    """Return the labels in the order of memory, if a term is all of an array."""
    source = term.source
    if source.root is None or source.index is None or source.dtype != dtype:
        return None
    here = marks(source.extents)
    where = source.index(here)
    if len(where) != len(here) or {*where} != {*here}:
        return None
    order = [here.index(mark) for mark in where]
    if tuple(source.extents[k].size for k in order) != source.root.type.sizes:
        return None
    return tuple(term.labels[k] for k in order)


# -------------------------------------------------------------------------------- broadcasting


def stretched(state: State, sources: Sequence[Elements], cores: Sequence[int]) -> list[Term]:
    """Label the leading axes of operands, all but their ``cores`` last: they are broadcast.

    The labels are those of ``range(ndim)`` for the axes of the result; those of the last axes are
    ``("core", operand, axis)``.
    """
    leading = [x.extents[: len(x.extents) - n] for x, n in zip(sources, cores, strict=True)]
    whole = broadcast(state, [*leading])
    found = []
    for k, (x, own) in enumerate(zip(sources, leading, strict=True)):
        skip = len(whole) - len(own)
        core: Labels = tuple(("core", k, j) for j in range(len(x.extents) - len(own)))
        unsure = [
            e.size not in (w.size, 1) and may_be_one(e.size)
            for e, w in zip(own, whole[skip:], strict=True)
        ]
        if any(unsure):
            target = (*whole, *x.extents[len(own) :])
            place = aligned(state, x.extents, target)
            found.append(Term(_unrooted(x, target, place), (*range(len(whole)), *core)))
            continue
        kept = [j for j, (e, w) in enumerate(zip(own, whole[skip:], strict=True))
                if e.size != 1 or w.size == 1]  # fmt: skip
        found.append(Term(without(x, kept, len(own)), (*(skip + j for j in kept), *core)))
    return found


def _unrooted(x: Elements, extents: tuple[Extent, ...], place: Any) -> Elements:
    return Elements(extents, x.dtype, lambda i: x.at(place(i)))


def without(x: Elements, kept: list[int], leading: int) -> Elements:
    """Return elements without those leading axes, of size 1, that are not kept."""
    if len(kept) == leading:
        return x
    axes = [*kept, *range(leading, len(x.extents))]

    def place(i: tuple[Expr, ...]) -> tuple[Expr, ...]:
        found = dict(zip(axes, i, strict=True))
        return tuple(found.get(k, number(0)) for k in range(len(x.extents)))

    return moved(x, tuple(x.extents[k] for k in axes), place)
