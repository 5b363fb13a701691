"""The functional API: derivatives of functions, as functions.

Every function here runs the given function once, on traced values.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ._core import Tracer, plain
from ._trees import is_container, leaves_of, map_leaves, rebuild
from .errors import ArgumentError, ShapeError, TraceError
from .tape import Forward, Node, Tape
from .tape.sweep import sweep_all

Function = Callable[..., Any]
Argnums = int | str | Sequence[int | str]


# -- arguments -------------------------------------------------------------------------------------


def is_differentiable(leaf: Any) -> bool:
    """Tell whether a leaf can be differentiated by: a number or an array of numbers, not bool."""
    if isinstance(leaf, Tracer):
        return True
    if isinstance(leaf, (bool, np.bool_)):
        return False
    if isinstance(leaf, np.ndarray):
        return leaf.dtype.kind in "iufc"
    return isinstance(leaf, (int, float, complex, np.number))


class _Call:
    """The arguments of one call, of which some are differentiated."""

    def __init__(
        self, f: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.f = f
        self.args = list(args)
        self.kwargs = dict(kwargs)
        self.single = isinstance(argnums, (int, str))
        wanted = [argnums] if isinstance(argnums, (int, str)) else list(argnums)
        self.slots = [self._slot(n) for n in wanted]
        for slot in self.slots:
            if not any(is_differentiable(leaf) for leaf in leaves_of(self[slot])):
                raise ArgumentError(
                    f"Argument {slot!r} of {_name(f)} has nothing to differentiate by: "
                    f"{_describe(self[slot])}",
                    "pass a float, a NumPy array or a container of them, or name another argument "
                    "by argnums=",
                )

    def _slot(self, n: int | str) -> int | str:
        """Return where argument ``n`` is: its position, or its keyword."""
        if isinstance(n, str):
            if n in self.kwargs:
                return n
            names = list(inspect.signature(self.f).parameters)
            if n in names and names.index(n) < len(self.args):
                return names.index(n)
        elif -len(self.args) <= n < len(self.args):
            return n % len(self.args)
        else:
            names = list(inspect.signature(self.f).parameters)
            if 0 <= n < len(names) and names[n] in self.kwargs:
                return names[n]
        raise ArgumentError(
            f"argnums={n!r}, but {_name(self.f)} was called with {len(self.args)} positional "
            f"arguments and the keywords {sorted(self.kwargs)}",
            "give the argument in the call, or another argnums",
        )

    def __getitem__(self, slot: int | str) -> Any:
        return self.args[slot] if isinstance(slot, int) else self.kwargs[slot]

    def primals(self) -> list[Any]:
        """Return the differentiated arguments."""
        return [self[slot] for slot in self.slots]

    def run(self, traced: Sequence[Any]) -> Any:
        """Call the function with its differentiated arguments replaced."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for slot, value in zip(self.slots, traced, strict=True):
            if isinstance(slot, int):
                args[slot] = value
            else:
                kwargs[slot] = value
        return self.f(*args, **kwargs)

    def result(self, gradients: list[Any]) -> Any:
        """Return one gradient for one argnum, else a tuple."""
        return gradients[0] if self.single else tuple(gradients)


def _name(f: Function) -> str:
    return getattr(f, "__name__", repr(f))


def _describe(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"an array of shape {x.shape} and dtype {x.dtype}"
    return f"{x!r} of type {type(x).__name__}" if not is_container(x) else f"{type(x).__name__}"


def _check_callable(f: Any, name: str) -> None:
    if not callable(f):
        raise ArgumentError(
            f"{name} takes a function, not {_describe(f)}", f"cr.{name}(f)(x), or cr.{name}(f, ...)"
        )


# -- running a function on traced values -----------------------------------------------------------


class _Reverse:
    """A function called once on a tape: its output and the way back."""

    def __init__(self, call: _Call, has_aux: bool, tape: Tape | None = None) -> None:
        self.tape = tape or Tape()
        self.primals = call.primals()
        self.leaves: list[Node | None] = []
        traced = [map_leaves(self._root, primal) for primal in self.primals]
        out = _run(call, traced, self.tape)
        self.aux = None
        if has_aux:
            out, aux = _split_aux(out, call.f)
            self.aux = map_leaves(self.lower, aux)
        self.out = out

    def _root(self, leaf: Any) -> Any:
        if not is_differentiable(leaf):
            self.leaves.append(None)
            return leaf
        root = self.tape.root(leaf)
        self.leaves.append(root)
        return root

    def lower(self, leaf: Any) -> Any:
        """Return the value behind a traced output."""
        return _detached(leaf.current().value) if self.is_mine(leaf) else _checked_output(leaf)

    def is_mine(self, leaf: Any) -> bool:
        """Tell whether a value depends on the differentiated arguments of this call."""
        return isinstance(leaf, Tracer) and leaf.trace is self.tape

    def pull(self, outs: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        """Return the gradients, in the containers of the arguments, None where there is none."""
        pairs = [(o, ct) for o, ct in zip(outs, cts, strict=True) if self.is_mine(o)]
        nodes = [leaf for leaf in self.leaves if leaf is not None]
        if pairs:
            found = iter(sweep_all([o for o, _ in pairs], [ct for _, ct in pairs], nodes))
        else:
            found = iter([np.zeros_like(node.value) if node.ndim else _zero(node) for node in nodes])
        gradients = iter([None if leaf is None else next(found) for leaf in self.leaves])
        return [rebuild(primal, gradients) for primal in self.primals]


def _zero(node: Node) -> Any:
    return node.dtype.type(0)


def _run(call: _Call, traced: Sequence[Any], trace: Any) -> Any:
    """Call; raise what a conversion hook recorded, even if NumPy or the user swallowed it."""
    try:
        out = call.run(traced)
    except Exception as error:
        if trace.error is not None and error is not trace.error:
            raise trace.error from error
        raise
    if trace.error is not None:
        raise trace.error
    return out


def _split_aux(out: Any, f: Function) -> tuple[Any, Any]:
    if not (isinstance(out, tuple) and len(out) == 2):
        raise ArgumentError(
            f"has_aux=True, but {_name(f)} did not return a pair (output, aux)",
            "return two values, or leave has_aux out",
        )
    return out


def _detached(value: Any) -> Any:
    """Copy an array, which may be an argument's memory or a buffer of the tape."""
    return value.copy() if isinstance(value, np.ndarray) else value


def _checked_output(leaf: Any) -> Any:
    if isinstance(leaf, Tracer):
        return leaf  # of an outer derivative
    return leaf


def _scalar_output(run: _Reverse, f: Function, name: str) -> Any:
    """Return the output, checked to be one real number."""
    out = run.out
    if is_container(out):
        raise ArgumentError(
            f"{name} needs a function with one scalar output, but {_name(f)} returned a "
            f"{type(out).__name__}",
            "return (output, aux) with has_aux=True, or use cr.vjp or cr.jacobian",
        )
    if not isinstance(out, Tracer):
        if not isinstance(out, (int, float, np.number, np.ndarray)):
            raise ArgumentError(
                f"{name} needs a function that returns a number, but {_name(f)} returned "
                f"{_describe(out)}",
                "return the value to be differentiated",
            )
        out = np.asarray(out)
    if out.shape != ():
        raise ShapeError(
            f"{name} needs a scalar output, but {_name(f)} returned shape {out.shape}",
            "reduce it (np.sum(...), or y[0] of a one-element array), or use cr.jacobian or cr.vjp",
        )
    if out.dtype.kind == "c":
        raise ArgumentError(
            f"{name} needs a real output, but {_name(f)} returned a complex one",
            "return its real part or absolute value, or use cr.vjp",
        )
    return run.out


# -- first order -----------------------------------------------------------------------------------


def value_and_grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that gives the value of ``f`` and its gradient.

    Args:
        f: function with one scalar real output; called once, on traced values.
        argnums: which arguments to differentiate by: a position, a name, or several. An argument
            may be a number, an array, or a dict, list, tuple, namedtuple or dataclass of them.
        has_aux: whether ``f`` returns a pair, of which the second is passed through.

    Returns:
        A function with the arguments of ``f`` that returns ``(value, gradient)``, or
        ``((value, aux), gradient)``. The gradient has the structure, shapes and dtypes of the
        argument (a tuple of them for several argnums). Integers count as float64; what is no
        number (None, bool, str) has the gradient None.

    Raises:
        ArgumentError, ShapeError: where the argument or the output does not fit.

    >>> import numpy as np
    >>> value, gradient = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """
    _check_callable(f, "value_and_grad")

    @functools.wraps(f)
    def with_gradient(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnums, args, kwargs)
        run = _Reverse(call, has_aux)
        out = _scalar_output(run, f, "grad")
        seed = out.dtype.type(1) if isinstance(out, Tracer) else 1.0
        gradient = call.result(run.pull([out], [seed]))
        value = run.lower(out)
        return ((value, run.aux), gradient) if has_aux else (value, gradient)

    return with_gradient


def grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the gradient function of ``f``; arguments as of ``value_and_grad``.

    With ``has_aux`` it returns ``(gradient, aux)``. For complex arguments the gradient is
    df/dx + i df/dy, the direction of steepest ascent.

    >>> import numpy as np
    >>> grad(np.sin)(0.0)
    np.float64(1.0)
    >>> grad(grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> Any:
    """Return ``(f(*primals), pullback)``, with the aux value third if ``has_aux``.

    ``pullback(ct)`` takes a cotangent of the output's structure and shapes and returns a tuple with
    one cotangent per primal. It may be called many times.

    >>> import numpy as np
    >>> y, pullback = vjp(lambda x: 3 * x, np.ones(2))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 30.]),)
    """
    _check_callable(f, "vjp")
    call = _Call(f, range(len(primals)), primals, {}) if primals else _Call(f, (), (), {})
    run = _Reverse(call, has_aux)
    outs = list(leaves_of(run.out))

    def pullback(ct: Any) -> tuple[Any, ...]:
        cts = _matching(ct, run.out, outs, "cotangent")
        return tuple(run.pull(outs, cts))

    value = map_leaves(run.lower, run.out)
    return (value, pullback, run.aux) if has_aux else (value, pullback)


def _matching(given: Any, tree: Any, leaves: Sequence[Any], what: str) -> list[Any]:
    """Return the leaves of a tangent or cotangent, checked against those of the value."""
    found = list(leaves_of(given)) if is_container(tree) else [given]
    if len(found) != len(leaves):
        raise ArgumentError(
            f"The {what} has {len(found)} leaves, the value {len(leaves)}",
            f"give a {what} of the value's structure",
        )
    return [_as_like(x, leaf, what) for x, leaf in zip(found, leaves, strict=True)]


def _as_like(x: Any, leaf: Any, what: str) -> Any:
    """Check one tangent or cotangent; convert it to the dtype of its value."""
    if not is_differentiable(leaf):
        return None
    shape = np.shape(leaf)
    dtype = _inexact_dtype(leaf)
    if x is None:
        return np.zeros(shape, dtype)[()]
    if not isinstance(x, (Tracer, np.ndarray)):
        x = np.asarray(x)
    if x.shape != shape:
        raise ShapeError(
            f"The {what} has shape {x.shape}, its value {shape}",
            f"give a {what} of shape {shape}: np.ones({shape}) for the sum of all outputs",
        )
    if x.dtype.kind == "c" and dtype.kind != "c":
        raise ArgumentError(
            f"A complex {what} for a real value", f"give a real {what}, or make the value complex"
        )
    if x.dtype != dtype:
        x = x.astype(dtype)
    return x if isinstance(x, Tracer) or x.ndim else x[()]


def _inexact_dtype(leaf: Any) -> np.dtype[Any]:
    dtype = np.dtype(leaf.dtype) if hasattr(leaf, "dtype") else np.result_type(leaf)
    return dtype if dtype.kind in "fc" else np.dtype(float)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """Return ``(f(*primals), tangent)``: the derivative along a direction, by forward mode.

    ``tangents`` has one tangent per primal, of its structure and shapes; None stands for zeros.

    >>> import numpy as np
    >>> jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    _check_callable(f, "jvp")
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ArgumentError("jvp takes tuples of primals and tangents", "cr.jvp(f, (x,), (t,))")
    if len(primals) != len(tangents):
        raise ArgumentError(
            f"jvp got {len(primals)} primals and {len(tangents)} tangents", "give one tangent each"
        )
    trace = Forward()
    traced = [
        _dual_tree(trace, primal, tangent)
        for primal, tangent in zip(primals, tangents, strict=True)
    ]
    call = _Call(f, tuple(range(len(primals))), tuple(primals), {})
    out = _run(call, traced, trace)
    aux = None
    if has_aux:
        out, aux = _split_aux(out, f)
        aux = map_leaves(lambda leaf: _forward_part(trace, leaf)[0], aux)
    value = map_leaves(lambda leaf: _forward_part(trace, leaf)[0], out)
    tangent = map_leaves(lambda leaf: _forward_part(trace, leaf)[1], out)
    return (value, tangent, aux) if has_aux else (value, tangent)


def _dual_tree(trace: Forward, primal: Any, tangent: Any) -> Any:
    leaves = list(leaves_of(primal))
    whole = [None] * len(leaves) if tangent is None else tangent
    given = whole if tangent is None else primal
    matched = _matching(whole, leaves if tangent is None else given, leaves, "tangent")
    pairs = iter(zip(leaves, matched, strict=True))

    def dual(_: Any) -> Any:
        leaf, t = next(pairs)
        return trace.root(leaf, t) if is_differentiable(leaf) else leaf

    return map_leaves(dual, primal)


def _forward_part(trace: Forward, leaf: Any) -> tuple[Any, Any]:
    """Return value and tangent of an output."""
    if isinstance(leaf, Tracer) and leaf.trace is trace:
        return _detached(leaf.value), _detached(leaf.tangent)  # type: ignore[attr-defined]
    if not is_differentiable(leaf):
        return leaf, None
    return leaf, np.zeros(np.shape(leaf), _inexact_dtype(leaf))[()]


def linearize(f: Function, *primals: Any) -> tuple[Any, Function]:
    """Return ``(f(*primals), f_jvp)``: the value and the linear map of tangents to tangents.

    ``f`` runs once; ``f_jvp(*tangents)`` may be called many times. It is the transpose of the
    pullback, which is linear in its cotangent.

    >>> import numpy as np
    >>> y, f_jvp = linearize(np.sin, 0.0)
    >>> f_jvp(2.0)
    np.float64(2.0)
    """
    _check_callable(f, "linearize")
    call = _Call(f, tuple(range(len(primals))), primals, {})
    run = _Reverse(call, has_aux=False)
    outs = list(leaves_of(run.out))
    mine = [o for o in outs if run.is_mine(o)]
    tape = Tape()
    seeds = [tape.root(np.zeros_like(o.current().value) if o.ndim else _zero(o)) for o in mine]
    leaves = [leaf for leaf in run.leaves if leaf is not None]
    pulled = sweep_all(mine, seeds, leaves)

    def f_jvp(*tangents: Any) -> Any:
        if len(tangents) != len(primals):
            raise ArgumentError(
                f"f_jvp takes {len(primals)} tangents, not {len(tangents)}", "one for each primal"
            )
        flat: list[Any] = []
        for primal, t in zip(primals, tangents, strict=True):
            whole = list(leaves_of(primal))
            flat += _matching(t, primal, whole, "tangent")
        given = [t for t, leaf in zip(flat, run.leaves, strict=True) if leaf is not None]
        pairs = [
            (g, t)
            for g, t in zip(pulled, given, strict=True)
            if isinstance(g, Tracer) and g.trace is tape
        ]
        dots = sweep_all([g for g, _ in pairs], [t for _, t in pairs], seeds)
        found = iter(dots)
        tangents_out = [
            next(found) if run.is_mine(o) else _forward_part(_NO_TRACE, o)[1] for o in outs
        ]
        return rebuild(run.out, iter(tangents_out))

    return map_leaves(run.lower, run.out), f_jvp


_NO_TRACE = Forward()


# -- Jacobians and second order --------------------------------------------------------------------


def _basis(leaf: Any) -> Iterator[Any]:
    """Yield the unit tangents of a value, in C order; complex ones in the real direction."""
    shape, dtype = np.shape(leaf), _inexact_dtype(leaf)
    size = int(np.prod(shape))
    for k in range(size):
        unit = np.zeros(size, dtype)
        unit[k] = 1
        yield unit.reshape(shape)[()]


def _stack(rows: list[Any], shape: tuple[int, ...], leaf: Any, axis: int) -> Any:
    """Stack the columns or rows of a Jacobian and give the stacked axis its shape."""
    if not rows:
        inner = np.shape(leaf)
        whole = shape + inner if axis == 0 else inner + shape
        return np.zeros(whole, _inexact_dtype(leaf))
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
    _check_callable(f, "jacrev")

    @functools.wraps(f)
    def jacobian_function(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnums, args, kwargs)
        run = _Reverse(call, has_aux=False)

        def rows_of(out: Any) -> Any:
            shape = np.shape(out)
            rows = [run.pull([out], [unit]) for unit in _basis(out)]
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

    return jacobian_function


def jacfwd(f: Function, argnums: Argnums = 0) -> Function:
    """Return the Jacobian function of ``f``, a column at a time: one tangent per input element.

    Shapes as of ``jacrev``. ``f`` runs once (``linearize``), whatever the number of columns.

    >>> import numpy as np
    >>> jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    _check_callable(f, "jacfwd")

    @functools.wraps(f)
    def jacobian_function(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnums, args, kwargs)
        primals = call.primals()
        out, f_jvp = linearize(lambda *traced: call.run(traced), *primals)
        zeros = [map_leaves(_zero_leaf, primal) for primal in primals]

        def columns_of(index: int, out_leaf: Any) -> Any:
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

    return jacobian_function


def _zero_leaf(leaf: Any) -> Any:
    return np.zeros(np.shape(leaf), _inexact_dtype(leaf))[()] if is_differentiable(leaf) else leaf


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
    _check_callable(f, "hessian")
    return jacfwd(grad(f, argnums), argnums)


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the Hessian of ``f`` times a vector, by forward over reverse; no Hessian is formed.

    One primal gives one array (or container), several give a tuple.

    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    array([ 6., 12.])
    """
    _check_callable(f, "hvp")
    argnums: Argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(f, argnums), primals, tangents)[1]


# -- controlling what is differentiated ------------------------------------------------------------


def stop_gradient(x: Any) -> Any:
    """Return the plain value of ``x`` (a copy of arrays), constant for every derivative.

    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return map_leaves(lambda leaf: _detached(plain(leaf)), x)


__all__ = [
    "TraceError",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
