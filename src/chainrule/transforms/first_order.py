"""First derivatives: gradients, products with a vector, the linear map itself."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from .._collector import OLD_GENERATION_SPARED
from .._core import STRICT, Tracer
from .._trees import leaves_of, map_leaves, rebuild
from ..errors import ArgumentError
from ..rules._central import zeros
from ..tape import Forward, Tape
from ..tape.sweep import sweep_all
from ._calls import (
    Argnums,
    Call,
    Function,
    check_argnums,
    check_callable,
    derivative_of,
    inexact_dtype,
    matching,
)
from ._engines import by_source
from ._runs import (
    ReverseRun,
    dual_tree,
    forward_part,
    no_tangent,
    run_traced,
    scalar_output,
    split_aux,
)
from .programs import derivatives_of


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
    check_callable(f, "value_and_grad")
    check_argnums(argnums, "value_and_grad")
    if (compiled := derivatives_of(f)) is not None:
        return compiled.value_and_grad(f, argnums, has_aux)  # type: ignore[no-any-return]
    of_program = functools.cache(lambda p: value_and_grad(p, argnums, has_aux))

    def differentiate(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = Call(f, argnums, args, kwargs)
        run = ReverseRun(call, has_aux)
        out = scalar_output(run, f, "grad")
        seed = inexact_dtype(out).type(1)
        gradient = call.result(run.pull([out], [seed]))
        value = run.lower(out)
        return ((value, run.aux), gradient) if has_aux else (value, gradient)

    @functools.wraps(f)
    def with_gradient(*args: Any, **kwargs: Any) -> Any:
        found = by_source(f, argnums, lambda p: of_program(p)(*args, **kwargs))
        if found is not None:
            return found
        with OLD_GENERATION_SPARED:  # until the graph is gone
            return differentiate(args, kwargs)

    return derivative_of(with_gradient, "value_and_grad", f, argnums, has_aux)


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
    check_callable(f, "grad")
    check_argnums(argnums, "grad")
    if (compiled := derivatives_of(f)) is not None:
        return compiled.grad(f, argnums, has_aux)  # type: ignore[no-any-return]
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return derivative_of(gradient, "grad", f, argnums, has_aux)


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> Any:
    """Return ``(f(*primals), pullback)``, with the aux value third if ``has_aux``.

    ``pullback(ct)`` takes a cotangent of the output's structure and shapes and returns a tuple with
    one cotangent per primal. It may be called many times.

    >>> import numpy as np
    >>> y, pullback = vjp(lambda x: 3 * x, np.ones(2))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 3., 30.]),)
    """
    check_callable(f, "vjp")
    if (compiled := derivatives_of(f)) is not None:
        return compiled.vjp(f, *primals, has_aux=has_aux)
    argnums = tuple(range(len(primals)))
    found = by_source(f, argnums, lambda p: vjp(p, *primals, has_aux=has_aux))
    if found is not None:
        return found
    call = Call(f, tuple(range(len(primals))), primals, {})
    run = ReverseRun(call, has_aux)
    outs = list(leaves_of(run.out))

    def pullback(*given: Any) -> tuple[Any, ...]:
        if len(given) != 1:
            raise ArgumentError(
                f"The pullback takes one cotangent, not {len(given)}",
                "give one, of the structure of the output",
            )
        (ct,) = given
        cts = matching(ct, run.out, "cotangent")
        return tuple(run.pull(outs, cts))

    value = map_leaves(run.lower, run.out)
    return (value, pullback, run.aux) if has_aux else (value, pullback)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """Return ``(f(*primals), tangent)``: the derivative along a direction, by forward mode.

    ``tangents`` has one tangent per primal, of its structure and shapes; None stands for zeros. A
    primal whose tangent is None is not differentiated by: an integer stays one.

    >>> import numpy as np
    >>> jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    >>> jvp(lambda v, i: v[i] ** 2, (np.array([1.0, 3.0]), 1), (np.ones(2), None))
    (np.float64(9.0), np.float64(6.0))
    """
    check_callable(f, "jvp")
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise ArgumentError("jvp takes tuples of primals and tangents", "cr.jvp(f, (x,), (t,))")
    if len(primals) != len(tangents):
        raise ArgumentError(
            f"jvp got {len(primals)} primals and {len(tangents)} tangents", "give one tangent each"
        )
    if (compiled := derivatives_of(f)) is not None:
        return compiled.jvp(f, primals, tangents, has_aux)
    argnums = tuple(k for k, t in enumerate(tangents) if t is not None)
    found = by_source(f, argnums, lambda p: jvp(p, primals, tangents, has_aux))
    if found is not None:
        return found
    if STRICT.notify and not has_aux:
        out, f_jvp = linearize(f, *primals)
        return out, f_jvp(*tangents)
    trace = Forward()
    call = Call(f, argnums, tuple(primals), {})
    traced = [dual_tree(trace, primals[k], tangents[k]) for k in argnums]
    out = run_traced(call, traced, trace)
    aux = None
    if has_aux:
        out, aux = split_aux(out, f)
        aux = map_leaves(lambda leaf: forward_part(trace, leaf)[0], aux)
    value = map_leaves(lambda leaf: forward_part(trace, leaf)[0], out)
    tangent = map_leaves(lambda leaf: forward_part(trace, leaf)[1], out)
    return (value, tangent, aux) if has_aux else (value, tangent)


def linearize(f: Function, *primals: Any) -> tuple[Any, Function]:
    """Return ``(f(*primals), f_jvp)``: the value and the linear map of tangents to tangents.

    ``f`` runs once; ``f_jvp(*tangents)`` may be called many times. It is the transpose of the
    pullback, which is linear in its cotangent.

    >>> import numpy as np
    >>> y, f_jvp = linearize(np.sin, 0.0)
    >>> f_jvp(2.0)
    np.float64(2.0)
    """
    check_callable(f, "linearize")
    if (compiled := derivatives_of(f)) is not None:
        return compiled.linearize(f, *primals)  # type: ignore[no-any-return]
    found = by_source(f, tuple(range(len(primals))), lambda p: linearize(p, *primals))
    if found is not None:
        return found
    call = Call(f, tuple(range(len(primals))), primals, {})
    run = ReverseRun(call, has_aux=False)
    outs = list(leaves_of(run.out))
    mine = [o for o in outs if run.is_mine(o)]
    tape = Tape()
    # Any cotangent serves, the pullback being linear; at ones no rule takes a short way out.
    seeds = [tape.root(zeros(o.current().value) + 1) for o in mine]
    leaves = [leaf for leaf in run.leaves if leaf is not None]
    pulled = sweep_all(mine, seeds, leaves)

    def f_jvp(*tangents: Any) -> Any:
        if len(tangents) != len(primals):
            raise ArgumentError(
                f"f_jvp takes {len(primals)} tangents, not {len(tangents)}", "one for each primal"
            )
        flat: list[Any] = []
        for primal, t in zip(primals, tangents, strict=True):
            flat += matching(t, primal, "tangent")
        given = [t for t, leaf in zip(flat, run.leaves, strict=True) if leaf is not None]
        pairs = [
            (g, t)
            for g, t in zip(pulled, given, strict=True)
            if isinstance(g, Tracer) and g.scope is tape
        ]
        dots = sweep_all([g for g, _ in pairs], [t for _, t in pairs], seeds)
        found = iter(dots)
        tangents_out = [next(found) if run.is_mine(o) else no_tangent(o) for o in outs]
        return rebuild(run.out, iter(tangents_out))

    return map_leaves(run.lower, run.out), f_jvp
