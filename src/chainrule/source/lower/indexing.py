"""Subscripts: of arrays with every kind of index, of containers with known ones.

A slice whose ends are not all known is an ``Items`` of kind ``slice``, so that what is known of
its ends stays known.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np

from ...rules import indexing as rule_indexing
from .. import sizes
from ..ir import Expr, Index, Lit, Slice, Var
from ..results import spec_of
from ..samples import Sized
from ..types import Size, Type, broadcast_sizes, type_of, unknown_size
from ..values import Items, Known, Leaf, Mapping, Record, Value
from . import absent, choices, contents, memory, pasting
from .containers import NONE, describe, expression, is_none, items_of, known, lift, missing
from .intrinsics import intrinsic
from .operators import is_cheap, operand, symbol
from .state import State

_FULL = Known(slice(None))
_BEYOND = 2**40
"""An end of slices that no array reaches."""


def index_value(state: State, node: ast.expr) -> Value:
    """Evaluate what stands between brackets; ``a:b:c`` becomes a slice."""
    from .expressions import evaluate, evaluate_all

    if isinstance(node, ast.Slice):
        parts = [node.lower, node.upper, node.step]
        nodes = [part for part in parts if part is not None]
        ends = iter(evaluate_all(state, nodes, absent.evaluated))
        values = [Known(None) if part is None else next(ends) for part in parts]
        is_forward = is_none(values[2])
        return slice_of([
            absent.end_of_slice(state, value, otherwise)
            if is_forward
            else absent.read(state, value, node)
            for value, otherwise in zip(values, (0, _BEYOND, 1), strict=True)
        ])  # fmt: skip
    if isinstance(node, ast.Tuple):
        found: list[Value] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                found += items_of(state, evaluate(state, item.value))
            else:
                found.append(index_value(state, item))
        return Items(found)
    return evaluate(state, node)


def slice_of(parts: Sequence[Value]) -> Value:
    """Make a slice of (start, stop, step)."""
    if all(known(part)[0] for part in parts):
        return Known(slice(*(known(part)[1] for part in parts)))
    return Items(list(parts), "slice")


def index_of(state: State, node: ast.expr) -> tuple[Expr, ...]:
    """Return the entries of an index as expressions."""
    return index_expressions(state, index_value(state, node))


def index_expressions(state: State, index: Value) -> tuple[Expr, ...]:
    """Return the entries of an index as expressions."""
    return tuple(_entry(state, part) for part in entries(index))


def entries(index: Value) -> list[Value]:
    """Return the entries of an index: those of a tuple, else the one that it is."""
    if isinstance(index, Known) and isinstance(index.value, tuple):
        return [lift(part) for part in index.value]
    if isinstance(index, Items) and index.kind == "tuple":
        return [as_slice(part) for part in index.items]
    return [as_slice(index)]


def as_slice(part: Value) -> Value:
    """Take a slice apart that is an expression."""
    if not (isinstance(part, Leaf) and isinstance(part.expr, Slice)):
        return part
    ends = (part.expr.start, part.expr.stop, part.expr.step)
    return slice_of([NONE if end is None else _end_value(end) for end in ends])


def _end_value(end: Expr) -> Value:
    if isinstance(end, Lit):
        return Known(end.value)
    found = spec_of(end)
    return Leaf(end, None, found.size if isinstance(found, Sized) else None)


@intrinsic(rule_indexing.getitem, rule_indexing.getitem.fn)
def _getitem(state: State, a: Value, index: Value) -> Value:
    return subscript(state, a, index)


def _entry(state: State, part: Value) -> Expr:
    return expression(state, part) if isinstance(part, Items) else operand(state, part)


# ---------------------------------------------------------------------------------- subscript


def subscript(state: State, base: Value, index: Value) -> Value:
    """Evaluate ``base[index]``."""
    if isinstance(base, Leaf):
        return _of_array(state, base, index)
    if isinstance(base, Known) and pasting.is_pasting(base.value):
        return pasting.pasted(state, base.value, entries(index))
    ok, found = known(index)
    if isinstance(base, Known) and not ok and pasting.is_grid(base.value):
        is_tuple = isinstance(index, Items) and index.kind == "tuple"
        return pasting.grid(state, base.value, entries(index), is_tuple)
    if isinstance(base, Known) and ok:
        return _of_known(state, base.value, found)
    if isinstance(base, Known) and isinstance(base.value, np.ndarray):
        return _of_array(state, Leaf(Lit(type_of(base.value), base.value)), index)
    if isinstance(base, Record):
        from .calls import call_attribute

        return call_attribute(state, base, "__getitem__", [index])
    if isinstance(base, Known) and isinstance(base.value, (str, bytes, range)):
        found = state.static(index, f"the index of a {describe(base)}")
        return _of_known(state, base.value, found)
    if isinstance(base, Known):
        base = lift(base.value)
    if not isinstance(base, (Items, Mapping)):
        raise state.error(f"A {describe(base)} takes no index", "index an array, a tuple or a dict")
    if not ok:
        if isinstance(base, Items) and base.items and _is_integer(index):
            state.ask(index)  # what it is computed from may be known: an argument, a loop's index
            return choices.chosen(state, base, index)
        found = state.static(index, f"the index of a {describe(base)}")
    return _of_container(state, base, found)


def _is_integer(index: Value) -> TypeGuard[Leaf]:
    found = index.type if isinstance(index, Leaf) else None
    return (
        found is not None
        and found.is_number
        and found.dtype is not None
        and (found.dtype.kind in "iu")
    )


def _of_known(state: State, base: Any, index: Any) -> Value:
    try:
        return lift(base[index])
    except Exception as error:
        raise state.error(
            f"{type(base).__name__}[{index!r}]: {error}", "use an index that exists"
        ) from None


def _of_container(state: State, base: Items | Mapping, index: Any) -> Value:
    try:
        if isinstance(base, Items) and base.kind == "iterator":
            raise TypeError("an iterator takes no index")
        if isinstance(base, Items) and isinstance(index, slice):
            return Items(base.items[index], base.kind)
        if isinstance(base, Mapping) and base.factory is not None and index not in base.items:
            return missing(state, base, index)
        return base.items[index]
    except (IndexError, KeyError, TypeError) as error:
        raise state.error(
            f"{describe(base)}[{index!r}]: {type(error).__name__}: {error}",
            "use an index or a key that exists",
        ) from None


def _of_array(state: State, base: Leaf, index: Value) -> Value:
    if base.type.kind == "object":
        ok, found = known(index)
        if not ok or not isinstance(found, (int, str)):
            raise state.error("An object of unknown structure is indexed", "index an array")
    if base.type.kind == "scalar" and known(index) == (True, ()):
        return base
    parts = entries(index)
    found_type, is_view = index_type(state, base.type, parts)
    if not is_cheap(base.expr):
        base = Leaf(state.temporary(base.expr))
    # One call, so that what a part emits comes before the read.
    expr = Index(found_type, base.expr, tuple(_entry(state, part) for part in parts))
    elements = contents.part(state, base.expr, parts)
    if elements is not None and found_type.is_number:
        return Known(elements)
    found = memory.view(state, base, expr) if is_view else Leaf(expr)
    if elements is not None:
        contents.note(state, found.expr, elements)
    return found


# -------------------------------------------------------------------------------- result types


def index_type(state: State, base: Type, parts: Sequence[Value]) -> tuple[Type, bool]:
    """Return the type of ``base[parts]``, and whether it is a view."""
    if not base.is_array and base.kind != "scalar":
        raise state.error(f"A {base} is indexed as an array", "index an array")
    given = [_describe(state, part) for part in parts]
    taken = sum(_axes_taken(kind, info) for kind, info in given)
    if taken > base.ndim:
        raise state.error(
            f"An array of {base.ndim} dimensions has {taken} indices", "give at most one per axis"
        )
    full = [(kind, info) for kind, info in given]
    missing = [("slice", _FULL.value)] * (base.ndim - taken)
    dots = [k for k, (kind, _) in enumerate(full) if kind == "..."]
    place = dots[0] if dots else len(full)
    full[place : place + len(dots)] = missing
    if any(kind in ("array", "mask") for kind, _ in full):
        return Type("array", base.dtype, _advanced_sizes(base.sizes, full)), False
    found = _basic_sizes(base.sizes, full)
    if not found and not dots:
        return Type("scalar", base.dtype), False
    return Type("array", base.dtype, tuple(found)), True


def _axes_taken(kind: str, info: Any) -> int:
    if kind == "mask":
        return int(info.ndim)
    return 0 if kind in ("...", "new") else 1


def _describe(state: State, part: Value) -> tuple[str, Any]:
    """Sort an entry of an index: int, slice, new axis, ellipsis, array of integers, mask."""
    ok, found = known(part)
    if ok:
        part = Known(found)
        if found is None:
            return "new", None
        if found is Ellipsis:
            return "...", None
        if isinstance(found, slice):
            return "slice", found
        if isinstance(found, (int, np.integer)) and not isinstance(found, bool):
            return "int", None
        made = np.asarray(
            found if len(np.shape(found)) == 0 or np.size(found) else np.zeros(0, int)
        )
        kind, info = _array_entry(state, type_of(made) if made.ndim else Type("array", made.dtype))
        count = (int(np.count_nonzero(made)),) * max(made.ndim, 1)
        return kind, replace(info, sizes=count[: info.ndim]) if kind == "mask" else info
    if isinstance(part, Items):
        if part.kind == "slice":
            return "slice", slice(*(_end(item) for item in part.items))
        return "array", Type("array", np.dtype(np.intp), (len(part.items),))
    if isinstance(part, Leaf) and part.type.dtype is not None:
        is_int = part.type.dtype.kind in "iu"
        if part.type.is_number and is_int:
            return "int", None
        kind, found = _array_entry(state, part.type)
        return kind, replace(found, sizes=_mask_sizes(state, part)) if kind == "mask" else found
    raise state.error(f"A {describe(part)} stands in an index", "use integers, slices or arrays")


def _mask_sizes(state: State, mask: Leaf) -> tuple[Size, ...]:
    """Return, for each axis, what the places that a mask chooses are called.

    A variable that is assigned once chooses as many places wherever it stands in an index.
    """
    count, expr = mask.size, mask.expr
    if count is None and isinstance(expr, Var) and expr.name not in state.buffers:
        is_fixed = state.definitions.get(expr.name) is not None
        count = sizes.integer(expr.name) if is_fixed else None
    return (unknown_size() if count is None else count,) * mask.type.ndim


def _array_entry(state: State, found: Type) -> tuple[str, Any]:
    kind = found.dtype.kind if found.dtype is not None else "O"
    if kind == "b":
        return "mask", found
    if kind in "iu":
        return "array", found
    raise state.error(f"A {found} stands in an index", "convert it with .astype(int)")


_UNKNOWN = object()


def _end(part: Value) -> Any:
    """Return what is known of the end of a slice: an int, a size symbol, None or unknown."""
    if isinstance(part, Known):
        return part.value
    found = symbol(part)
    return _UNKNOWN if found is None else found


def _slice_size(n: Size, found: slice) -> Size:
    ends = [int(e) if isinstance(e, np.integer) else e for e in (found.start, found.stop)]
    step = 1 if found.step is None else found.step
    if any(end is _UNKNOWN for end in (*ends, step)):
        return unknown_size()
    return sizes.slice_size(n, ends[0], ends[1], step)


def _basic_sizes(base: Sequence[Size], parts: list[tuple[str, Any]]) -> list[Size]:
    axes = iter(base)
    found: list[Size] = []
    for kind, info in parts:
        if kind == "new":
            found.append(1)
        elif kind == "slice":
            found.append(_slice_size(next(axes), info))
        else:
            next(axes)
    return found


def _advanced_sizes(base: Sequence[Size], parts: list[tuple[str, Any]]) -> tuple[Size, ...]:
    """Sizes where arrays stand in the index: their axes go where they are, or first if apart."""
    axes = list(base)
    found: list[Any] = []
    arrays: list[tuple[Size, ...]] = []
    places: list[int] = []
    for k, (kind, info) in enumerate(parts):
        if kind in ("array", "mask", "int"):
            arrays.append(_index_sizes(kind, info))
            places.append(k)
            del axes[: _axes_taken(kind, info)]
            found.append(_UNKNOWN)
        elif kind == "new":
            found.append(1)
        else:
            found.append(_slice_size(axes.pop(0), info))
    joined = broadcast_sizes(*arrays)
    rest = [size for size in found if size is not _UNKNOWN]
    together = places == list(range(places[0], places[-1] + 1))
    at = found.index(_UNKNOWN) if together else 0
    return (*rest[:at], *joined, *rest[at:])


def _index_sizes(kind: str, info: Any) -> tuple[Size, ...]:
    if kind == "mask":
        return tuple(info.sizes[:1]) or (unknown_size(),)
    return () if kind == "int" else tuple(info.sizes)
