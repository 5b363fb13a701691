"""Functions of the rule table whose bodies look at numbers: what they mean to lowering."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ...rules import elementwise, products, sorting
from .. import sizes
from ..ir import Call
from ..values import Items, Known, Leaf, Value
from . import calls, functions, memory
from .attributes import shape_of, size_value
from .containers import NONE, ONE, ZERO, describe, items_of, known, lift
from .indexing import subscript
from .intrinsics import intrinsic
from .operators import binary, operand, unary
from .state import State

_VALID = Known("valid")
_BEST: Any = products._best_splits


@intrinsic(elementwise._power_by_base)
def _power_by_base(state: State, a: Value, b: Value) -> Value:
    """Only exponents that are known are multiplied out."""
    if known(b)[0]:
        body = functions.function_value(state, elementwise._power_by_base)
        assert body is not None
        return functions.inline(state, body, [a, b], {})
    a_zero, b_zero = (binary(state, np.equal, x, ZERO) for x in (a, b))
    both = binary(state, np.bitwise_and, a_zero, b_zero)
    base = calls.call(state, Known(np.where), [both, ONE, a], {})
    power = calls.call(state, Known(np.power), [base, binary(state, np.subtract, b, ONE)], {})
    return binary(state, np.multiply, b, power)


@intrinsic(products._best_splits)
def _best_splits(state: State, shapes: Value) -> Value:
    """The order of a chain of products follows from the sizes themselves."""
    return Known(_BEST(state.static(shapes, "the shapes in np.linalg.multi_dot")))


@intrinsic(np.ndindex)
def _ndindex(state: State, *shape: Value) -> Value:
    given = items_of(state, shape[0]) if len(shape) == 1 else list(shape)
    counts = [state.static(n, "a size that is iterated over") for n in given]
    return lift(list(itertools.product(*map(range, counts))))


@intrinsic(np.correlate)
def _correlate(state: State, a: Value, v: Value, mode: Value = _VALID) -> Value:
    if not calls.holds_float(state, [a, v]):
        return calls.plain_call(state, np.correlate, [a, v, mode], {})
    for x in (a, v):  # the longer one decides what the result is
        if isinstance(x, Leaf):
            state.static(shape_of(state, x)[0], "the size of an argument of np.correlate")
    body = functions.function_value(state, calls.entry_of(np.correlate).body)
    assert body is not None
    return functions.inline(state, body, [a, v, mode], {})


@intrinsic(np.squeeze)
def _squeeze(state: State, a: Value, *axis: Value, **kwargs: Value) -> Value:
    """Without ``axis``, the sizes say how many axes are left."""
    given = known(kwargs.get("axis", axis[0] if axis else NONE))
    if isinstance(a, Leaf) and given == (True, None):
        for k, size in enumerate(a.type.sizes):
            found = size_value(state, a, k)
            if isinstance(found, Leaf) and sizes.may_be_one(size):
                state.ask(found)
                raise state.error(
                    "np.squeeze of an array of which it is not known which axes have size 1",
                    "name them: np.squeeze(x, axis=...)",
                )
    return calls.call_entry(state, calls.entry_of(np.squeeze), np.squeeze, [a, *axis], kwargs)


@intrinsic(sorting._positions)
def _positions(state: State, *args: Value) -> Value:
    """Places in a sorted row: found while the program runs, and without a derivative."""
    return calls.plain_call(state, sorting._positions, list(args), {})


@intrinsic(np.piecewise)
def _piecewise(
    state: State, x: Value, condlist: Value, funclist: Value, *args: Value, **kwargs: Value
) -> Value:
    """Each function sees only the elements that it decides, as in NumPy."""
    x = calls.as_array(state, x)
    if not isinstance(x, Leaf) or not x.type.is_array:
        raise state.error(f"np.piecewise of a {describe(x)}", "use a conditional expression")
    pieces = items_of(state, funclist)
    bare = not isinstance(condlist, Items)
    masks = [condlist] if bare else items_of(state, condlist)
    if len(pieces) == len(masks) + 1:
        masks.append(_otherwise(state, masks))
    if len(pieces) != len(masks):
        raise state.error(
            f"{len(masks)} conditions and {len(pieces)} functions", "give one for each"
        )
    x = Leaf(state.temporary(x.expr), x.root)
    result = Leaf(state.temporary(Call(x.type, np.zeros_like, (x.expr,)), "pieces"))
    for mask, piece in zip(masks, pieces, strict=True):
        mask = calls.call(state, Known(np.asarray), [mask], {})
        chosen = state.temporary(operand(state, mask))
        part: Value = subscript(state, x, Leaf(chosen))
        is_number = isinstance(piece, Leaf) or (
            isinstance(piece, Known) and not callable(piece.value)
        )
        value = piece if is_number else calls.call(state, piece, [part, *args], kwargs)
        memory.store(state, result, (chosen,), operand(state, value))
    return Leaf(result.expr, memory.root_of(state, result.expr))


def _otherwise(state: State, masks: list[Value]) -> Value:
    found = masks[0]
    for mask in masks[1:]:
        found = binary(state, np.bitwise_or, found, mask)
    return unary(state, np.invert, found)
