"""``np.vectorize``: a loop over the elements, as it is one in NumPy."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from ..values import Function, Known, Value
from . import calls, functions
from .containers import FALSE, NONE, is_none
from .intrinsics import intrinsic
from .state import State


def for_each(fn: Any, dtype: Any, *args: Any) -> Any:
    """Call a function for each element; its first result says what the results hold."""
    arrays = np.broadcast_arrays(*args) if len(args) > 1 else [np.asarray(args[0])]
    flat = [array.copy().ravel() for array in arrays]
    kind = dtype if dtype is not None else np.asarray(fn(*[x[0].item() for x in flat])).dtype
    found = np.empty(flat[0].shape, kind)
    for k in range(found.shape[0]):
        found[k] = fn(*[x[k].item() for x in flat])
    return found.reshape(arrays[0].shape)


@intrinsic(np.vectorize)
def _vectorize(
    state: State, pyfunc: Value = NONE, otypes: Value = NONE, doc: Value = NONE,
    excluded: Value = NONE, cache: Value = FALSE, signature: Value = NONE,
) -> Value:  # fmt: skip
    if any(not is_none(x) for x in (excluded, signature)):
        raise state.error("np.vectorize with excluded= or signature=", "write a loop")
    return vectorized(state, pyfunc, state.static(otypes, "the types of results"))


def vectorized(state: State, fn: Value, otypes: Any) -> Value:
    """Return the function that calls ``fn`` for each element."""
    if isinstance(fn, Known):
        made = functions.function_value(state, fn.value)
        fn = made if made is not None else fn
    if isinstance(fn, Function) and not otypes:
        _check_results(state, fn)
    dtype = NONE if not otypes else Known(np.dtype(otypes[0]))
    loop = functions.function_value(state, for_each)
    assert loop is not None
    loop.first = (fn, dtype)
    return loop


def of_object(state: State, made: np.vectorize, args: list[Value]) -> Value:
    """Call what ``np.vectorize`` has made outside of the function."""
    if made.excluded or made.signature is not None:
        raise state.error("np.vectorize with excluded= or signature=", "write a loop")
    fn = functions.from_outside(state, made.pyfunc, lambda: made.pyfunc, "pyfunc")
    return calls.call(state, vectorized(state, fn, made.otypes), args, {})


def _check_results(state: State, fn: Function) -> None:
    """Refuse a function that returns an integer here and a float there: the first one counts."""
    results = [fn.node.body] if isinstance(fn.node, ast.Lambda) else [
        part.value for part in ast.walk(fn.node) if isinstance(part, ast.Return) and part.value
    ]  # fmt: skip
    kinds = {_is_integer(leaf) for result in results for leaf in _leaves(result)}
    if len(kinds) > 1:
        raise state.error(
            "np.vectorize of a function that returns an integer in one place and something else "
            "in another: the first result decides the dtype of all",
            "write 0.0 for 0, or give otypes=[float]",
        )


def _leaves(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.IfExp):
        return [*_leaves(node.body), *_leaves(node.orelse)]
    return [node]


def _is_integer(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int
