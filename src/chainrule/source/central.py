"""What the rules call of ``rules._central``, as the interpreter that lowers them understands it.

There these functions look at arrays; here the types say the same before there are any.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import _central
from .build import multiply, zeros_like
from .fitting import conjugate, restore
from .ir import Call, Expr
from .lower import functions
from .lower.containers import expression
from .lower.intrinsics import intrinsic
from .lower.state import State
from .types import Type
from .values import Known, Leaf, Value


def guarded(ct: Expr, slope: Expr) -> Expr:
    """A product in which a zero ``ct`` beats an infinite or NaN slope."""
    type_: Type = multiply(ct, slope).type
    return Call(type_, _central.plain_guarded_product, (ct, slope))


@intrinsic(_central.product)
def _product(state: State, ct: Value, slope: Value) -> Value:
    operands = expression(state, ct), expression(state, slope)
    return Leaf(guarded(*operands) if state.guarded else multiply(*operands))


@intrinsic(_central.conjugate)
def _conjugate(state: State, x: Value) -> Value:
    return Leaf(conjugate(expression(state, x)))


@intrinsic(_central.restore)
def _restore(state: State, ct: Value, like: Value) -> Value:
    return Leaf(restore(expression(state, ct), expression(state, like)))


@intrinsic(_central.zeros)
def _zeros(state: State, x: Value) -> Value:
    return Leaf(zeros_like(expression(state, x)))


@intrinsic(_central.stretch)
def _stretch(state: State, x: Value, shape: Any) -> Value:
    return x  # only transposes of reductions call it: the products that follow broadcast


@intrinsic(_central.keep_axes)
def _keep_axes(state: State, x: Value, *rest: Value) -> Value:
    if isinstance(x, Leaf) and x.type.is_number:
        return x
    function = functions.function_value(state, _central.keep_axes)
    assert function is not None
    return functions.inline(state, function, [x, *rest], {})


@intrinsic(_central.kind)
def _kind(state: State, x: Value) -> Value:
    dtype = expression(state, x).type.dtype
    return Known(dtype.kind if dtype is not None else np.dtype(object).kind)
