"""Linear algebra: small matrices by helpers of ``runtime``, large ones by NumPy.

Singular values come from LAPACK, which Numba reaches through SciPy. Where NumPy would raise, for a
singular matrix, the compiled program leaves.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...rules import linalg as rules
from ..ir import Assign, Call, Expr, If, Lit, Var
from ..sizes import product
from ..types import Type
from . import runtime
from .arrays import in_shape
from .code import BOOL, apply, dtype_of, number, scalar, times
from .elements import TUPLES, array, elements, in_memory
from .interpreter import by_python
from .products import enter
from .sorting import array_of, call_helper
from .state import Elements, Extent, NotNative, State, is_axes
from .views import argument, only

_LARGE = 64
"""Larger matrices are left to NumPy: what a call of it costs is little next to the work."""


def _operands(state: State, call: Call) -> Call:
    """Return the call with its operands in memory, the first of them square matrices."""
    if not state.may_leave:
        raise NotNative("linear algebra in a program that must not run twice")
    only(call)
    args = tuple(array(state, arg) if is_axes(arg.type) else arg for arg in call.args)
    state.same(*in_memory(args[0]).extents[-2:])
    return replace(call, args=args)


def _by_size(state: State, call: Call, small: Callable[[], Elements]) -> Elements:
    """Choose, when the program runs, who computes."""
    n = in_memory(call.args[0]).extents[-1].expr
    if isinstance(n, Lit):
        if n.value > _LARGE:
            raise NotNative("large matrices are NumPy's")
        return small()
    name = state.fresh("found")
    dtype = dtype_of(call)
    type_ = call.type if is_axes(call.type) else scalar(dtype)
    state.types[name] = type_
    with state.into([]) as then:
        made = small()
        state.emit(Assign(name, made.at(()) if made.root is None else made.root))
    with state.into([]) as orelse:
        other = by_python(state, call, "large matrices are NumPy's")
        state.emit(Assign(name, Var(type_, other.name)))
    is_small = apply(np.greater_equal, BOOL, number(_LARGE), n)
    state.emit(If(is_small, then, orelse))
    found = Var(type_, name)
    return in_memory(found) if is_axes(type_) else Elements((), dtype, lambda _: found)


def _precision(call: Call) -> np.dtype[Any]:
    """Return the dtype in which NumPy computes."""
    given = [arg.type.dtype for arg in call.args if arg.type.dtype is not None]
    dtype = np.result_type(*given)
    return np.dtype(np.float64) if dtype.kind in "iub" else dtype


def _stack(state: State, operand: Expr, dtype: np.dtype[Any], axes: int = 2) -> Var:
    """Return an array as a stack of matrices, along its first axis."""
    matrices = array_of(state, elements(state, operand), dtype)
    extents = in_memory(matrices).extents
    front = extents[: len(extents) - axes]
    total: Expr = number(1)
    for extent in front:
        total = times(total, extent.expr)
    first = Extent(total, product(tuple(extent.size for extent in front)))
    last = extents[len(front) :] if axes == 2 else (*extents[len(front) :], Extent(number(1), 1))
    return in_shape(state, matrices, (first, *last), always=True)


def _back(state: State, stack: Var, like: tuple[Extent, ...]) -> Elements:
    return in_memory(in_shape(state, stack, like, always=True))


@enter(np.linalg.solve)
def _solve(state: State, call: Call) -> Elements:
    call = _operands(state, call)
    a, b = (elements(state, arg) for arg in call.args)
    axes = 1 if len(b.extents) == 1 else 2
    if len(a.extents) != len(b.extents) + 2 - axes:
        raise NotNative("solve with stacks that differ")
    for own, other in zip(a.extents[:-2], b.extents[:-axes], strict=True):
        if own.size != other.size:
            raise NotNative("solve with stacks that differ")
    state.same(a.extents[-1], b.extents[-axes])
    dtype = _precision(call)

    def small() -> Elements:
        x, y = _stack(state, call.args[0], dtype), _stack(state, call.args[1], dtype, axes)
        return _back(
            state, call_helper(state, "solution", runtime.solve, (x, y), y.type), b.extents
        )

    return _by_size(state, call, small)


def _of_one(fn: Any, hint: str) -> Callable[[State, Call], Elements]:
    """Return the handler of a function from a matrix to another."""

    def handler(state: State, call: Call) -> Elements:
        call = _operands(state, call)
        dtype = _precision(call)

        def small() -> Elements:
            x = _stack(state, call.args[0], dtype)
            extents = elements(state, call.args[0]).extents
            return _back(state, call_helper(state, hint, fn, (x,), x.type), extents)

        return _by_size(state, call, small)

    return handler


enter(np.linalg.inv)(_of_one(runtime.inv, "inverse"))
enter(np.linalg.cholesky)(_of_one(runtime.cholesky, "factor"))


# ----------------------------------------------------------------------------- determinants


def _of_det(which: int) -> Callable[[State, Call], Elements]:
    """Return the handler of the sign (0), the logarithm (1) or the value (2) of a determinant."""

    def handler(state: State, call: Call) -> Elements:
        call = _operands(state, call)
        dtype = _precision(call)
        own = call.type.dtype
        assert own is not None

        def small() -> Elements:
            x = _stack(state, call.args[0], dtype)
            type_ = Type("array", own, x.type.sizes[:1])
            fn = (runtime.signs_of_det, runtime.logs_of_det, runtime.dets)[which]
            found = call_helper(state, "det", fn, (x,), type_)
            front = elements(state, call.args[0]).extents[:-2]
            if front:
                return _back(state, found, front)
            return Elements((), own, lambda _: in_memory(found).at((number(0),)))

        return _by_size(state, call, small)

    return handler


enter(rules._sign_of_det)(_of_det(0))
enter(rules._log_of_det)(_of_det(1))
enter(np.linalg.det)(_of_det(2))


def _sign_and_log(state: State, call: Call) -> list[Elements]:
    dtype = _precision(call)
    sizes = call.args[0].type.sizes[:-2]
    found = []
    for fn, own in ((rules._sign_of_det, dtype), (rules._log_of_det, dtype.type(0).real.dtype)):
        type_ = Type("array", own, sizes) if sizes else scalar(own)
        found.append(elements(state, Call(type_, fn, call.args)))
    return found


TUPLES[np.linalg.slogdet] = _sign_and_log


# --------------------------------------------------------------------------- singular values


def _matrix(state: State, call: Call) -> Var:
    """Return the operand as a matrix in memory, in the precision of the result."""
    if importlib.util.find_spec("scipy") is None:
        raise NotNative("Numba's linear algebra needs SciPy")
    if not state.may_leave:
        raise NotNative("linear algebra in a program that must not run twice")
    source = elements(state, call.args[0])
    if len(source.extents) != 2:
        raise NotNative("singular values of stacks of matrices")
    for extent in source.extents:
        if not isinstance(extent.expr, Lit):
            state.check(apply(np.greater, BOOL, extent.expr, number(0)))
    return array_of(state, source, _precision(replace(call, args=call.args[:1])))


@enter(rules._pseudo_inverse)
def _pseudo_inverse(state: State, call: Call) -> Elements:
    for k, name in enumerate(("rcond", "rtol"), 1):
        if argument(call, k, name) not in (None, np._NoValue):
            raise NotNative("a pseudo-inverse with a bound of its own")
    a = _matrix(state, call)
    type_ = Type("array", a.type.dtype, a.type.sizes[::-1])
    return in_memory(call_helper(state, "inverse", runtime.pinv, (a,), type_))


@enter(np.linalg.cond)
def _cond(state: State, call: Call) -> Elements:
    if argument(call, 1, "p") not in (None, 2):
        raise NotNative("a condition number in another norm")
    a = _matrix(state, call)
    assert call.type.dtype is not None
    found = call_helper(state, "cond", runtime.cond, (a,), scalar(call.type.dtype))
    return Elements((), call.type.dtype, lambda _: found)


@enter(np.linalg.svd)
def _singular_values(state: State, call: Call) -> Elements:
    if argument(call, 2, "compute_uv", True) is not False:
        raise NotNative("the vectors of a singular value decomposition")
    a = _matrix(state, call)
    return in_memory(call_helper(state, "values", runtime.singular_values, (a,), call.type))
