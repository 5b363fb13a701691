"""Jacobians, Hessians, and Hessian-vector products."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._trees import leaves_of, map_leaves, rebuild
from ..errors import ArgumentError
from ._calls import (
    Argnums,
    Call,
    Function,
    check_argnums,
    check_callable,
    derivative_of,
    describe,
    inexact_dtype,
    is_differentiable,
    name_of,
)
from ._engines import by_source
from ._runs import ReverseRun
from .first_order import grad, jvp, linearize
from .programs import derivatives_of


def compiled_jacobians() -> Any:
    """Return the module for compiled functions, which is imported when it is needed."""
    from . import compiled_jacobians as module

    return module


def _basis(leaf: Any) -> Iterator[Any]:
    """Yield the unit tangents of a value, in C order; complex ones in the real direction."""
    shape, dtype = np.shape(leaf), inexact_dtype(leaf)
    size = int(np.prod(shape))
    for k in range(size):
        unit = np.zeros(size, dtype)
        unit[k] = 1
        yield unit.reshape(shape)[()]


def _check_output(out: Any, primals: Sequence[Any], f: Function) -> None:
    """Refuse an output that is no number, and a real one of complex arguments."""
    if not is_differentiable(out):
        raise ArgumentError(
            f"{name_of(f)} returned {describe(out)}, which has no Jacobian",
            "return numbers or arrays of floats",
        )
    leaves = [leaf for leaf in leaves_of(list(primals)) if is_differentiable(leaf)]
    if inexact_dtype(out).kind != "c" and any(inexact_dtype(x).kind == "c" for x in leaves):
        raise ArgumentError(
            f"A real output of {name_of(f)} for complex arguments: it is not holomorphic, "
            "and one complex Jacobian does not describe it",
            "use cr.grad or cr.vjp, or pass real and imaginary part as two real arguments",
        )


def _row(run: ReverseRun, out: Any, unit: Any) -> list[Any]:
    """Return one row: of a complex output, taken as holomorphic in what is complex."""
    if inexact_dtype(out).kind != "c":
        return run.pull([out], [unit])
    real, imaginary = run.pull([out], [unit]), run.pull([out], [1j * unit])

    def whole(a: Any, b: Any) -> Any:
        if a is None:
            return None
        return np.conjugate(a) if inexact_dtype(a).kind == "c" else a + 1j * b

    return [
        rebuild(
            primal, iter([whole(a, b) for a, b in zip(leaves_of(x), leaves_of(y), strict=True)])
        )
        for primal, x, y in zip(run.primals, real, imaginary, strict=True)
    ]


def _stack(rows: list[Any], shape: tuple[int, ...], leaf: Any, axis: int) -> Any:
    """Stack the columns or rows of a Jacobian and give the stacked axis its shape."""
    if not rows:
        inner = np.shape(leaf)
        whole = shape + inner if axis == 0 else inner + shape
        return np.zeros(whole, inexact_dtype(leaf))
    stacked = np.stack(rows, axis=axis)
    rest = stacked.shape[1:] if axis == 0 else stacked.shape[:-1]
    return np.reshape(stacked, shape + rest if axis == 0 else rest + shape)


def jacrev(f: Function, argnums: Argnums = 0) -> Function:
    """Return the Jacobian function of ``f``, a row at a time: one reverse sweep per output element.

    For an output of shape ``m`` and an argument of shape ``n`` the result has shape ``m + n``;
    containers of outputs and arguments give containers (outputs outside) of such arrays.

    >>> import numpy as np
    >>> jacrev(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_callable(f, "jacrev")
    check_argnums(argnums, "jacrev")
    if derivatives_of(f) is not None:
        return compiled_jacobians().jacrev(f, argnums)  # type: ignore[no-any-return]
    of_program = functools.cache(lambda p: jacrev(p, argnums))

    @functools.wraps(f)
    def jacobian_function(*args: Any, **kwargs: Any) -> Any:
        found = by_source(f, argnums, lambda p: of_program(p)(*args, **kwargs))
        if found is not None:
            return found
        call = Call(f, argnums, args, kwargs)
        run = ReverseRun(call, has_aux=False)

        def rows_of(out: Any) -> Any:
            if out is None:
                return None
            _check_output(out, run.primals, f)
            shape = np.shape(out)
            rows = [_row(run, out, unit) for unit in _basis(out)]
            stacked = []
            for k, primal in enumerate(run.primals):
                per_leaf = [list(leaves_of(row[k])) for row in rows]
                leaves = [
                    _stack([row[i] for row in per_leaf], shape, leaf, 0)
                    if is_differentiable(leaf)
                    else None
                    for i, leaf in enumerate(leaves_of(primal))
                ]
                stacked.append(rebuild(primal, iter(leaves)))
            return call.result(stacked)

        return map_leaves(rows_of, run.out)

    return derivative_of(jacobian_function, "jacrev", f, argnums, False)


def jacfwd(f: Function, argnums: Argnums = 0) -> Function:
    """Return the Jacobian function of ``f``, a column at a time: one tangent per input element.

    Shapes as of ``jacrev``. ``f`` runs once, whatever the number of columns: it is linearized, so
    the memory is that of reverse mode.

    >>> import numpy as np
    >>> jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_callable(f, "jacfwd")
    check_argnums(argnums, "jacfwd")
    if derivatives_of(f) is not None:
        return compiled_jacobians().jacfwd(f, argnums)  # type: ignore[no-any-return]
    of_program = functools.cache(lambda p: jacfwd(p, argnums))

    @functools.wraps(f)
    def jacobian_function(*args: Any, **kwargs: Any) -> Any:
        found = by_source(f, argnums, lambda p: of_program(p)(*args, **kwargs))
        if found is not None:
            return found
        call = Call(f, argnums, args, kwargs)
        primals = call.primals()
        out, f_jvp = linearize(lambda *traced: call.run(traced), *primals)
        zeros = [map_leaves(_zero_leaf, primal) for primal in primals]
        for out_leaf in leaves_of(out):
            if out_leaf is not None:
                _check_output(out_leaf, primals, f)

        def columns_of(index: int, out_leaf: Any) -> Any:
            if out_leaf is None:
                return None
            results = []
            for k, primal in enumerate(primals):
                leaves = [
                    _columns(f_jvp, zeros, k, i, leaf, index, out_leaf)
                    if is_differentiable(leaf)
                    else None
                    for i, leaf in enumerate(leaves_of(primal))
                ]
                results.append(rebuild(primal, iter(leaves)))
            return call.result(results)

        columns = [columns_of(i, leaf) for i, leaf in enumerate(leaves_of(out))]
        return rebuild(out, iter(columns))

    return derivative_of(jacobian_function, "jacfwd", f, argnums, False)


def _zero_leaf(leaf: Any) -> Any:
    return np.zeros(np.shape(leaf), inexact_dtype(leaf))[()] if is_differentiable(leaf) else leaf


def _columns(
    f_jvp: Function, zeros: list[Any], k: int, i: int, leaf: Any, index: int, out_leaf: Any
) -> Any:
    columns = []
    for unit in _basis(leaf):
        flat = list(leaves_of(zeros[k]))
        flat[i] = unit
        tangents = [*zeros[:k], rebuild(zeros[k], iter(flat)), *zeros[k + 1 :]]
        columns.append(list(leaves_of(f_jvp(*tangents)))[index])
    return _stack(columns, np.shape(leaf), out_leaf, -1)


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """Return the Jacobian function of ``f`` (by ``jacrev``; ``jacfwd`` suits tall ones better).

    >>> import numpy as np
    >>> jacobian(np.cumsum)(np.ones(2))
    array([[1., 0.],
           [1., 1.]])
    """
    return jacrev(f, argnums)


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """Return the Hessian function of a scalar function: forward over reverse.

    For an argument of shape ``n`` the result has shape ``n + n``.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    check_callable(f, "hessian")
    if derivatives_of(f) is not None:
        return compiled_jacobians().hessian(f, argnums)  # type: ignore[no-any-return]
    of_program = functools.cache(lambda p: hessian(p, argnums))
    by_tape = jacfwd(grad(f, argnums), argnums)

    @functools.wraps(f)
    def hessian_function(*args: Any, **kwargs: Any) -> Any:
        found = by_source(f, argnums, lambda p: of_program(p)(*args, **kwargs))
        return by_tape(*args, **kwargs) if found is None else found

    return derivative_of(hessian_function, "hessian", f, argnums, False)


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the Hessian of ``f`` times a vector, by forward over reverse; no Hessian is formed.

    One primal gives one array (or container), several give a tuple.

    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    array([ 6., 12.])
    """
    check_callable(f, "hvp")
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ArgumentError("hvp takes tuples of primals and tangents", "cr.hvp(f, (x,), (v,))")
    argnums: Argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    if derivatives_of(f) is not None:
        return compiled_jacobians().hvp(f, primals, tangents)
    found = by_source(f, argnums, lambda p: hvp(p, primals, tangents))
    if found is not None:
        return found
    return jvp(grad(f, argnums), primals, tangents)[1]
