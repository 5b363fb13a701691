"""What to differentiate and how: stop_gradient, checkpoints, primitives of the user's own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._collector import OLD_GENERATION_SPARED
from .._core import USER_DEFINED, Primitive, Tracer, apply, note_cut, plain, top_trace
from .._trees import is_container, leaves_of, map_leaves, rebuild
from ..errors import ArgumentError, MutationError, ShapeError, UnsupportedError
from ..rules._central import restore, zeros
from ..source.checkpointed import checkpointed, set_watch
from ..tape import Tape
from ..tape.captured import fingerprint
from ..tape.sweep import sweep_all
from ._calls import Function, check_callable, is_differentiable, name_of
from ._engines import by_source
from ._runs import detached
from .first_order import jvp, vjp

__all__ = ["UserPrimitive", "checkpoint", "checkpointed", "primitive", "stop_gradient"]

set_watch(lambda: OLD_GENERATION_SPARED.users > 0)  # a loop on the tape keeps all its iterations


def stop_gradient(x: Any) -> Any:
    """Return the plain value of ``x`` (a copy of arrays), constant for every derivative.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: x * cr.stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    note_cut("stop_gradient", list(leaves_of(x)))
    return map_leaves(lambda leaf: detached(plain(leaf)), x)


class UserPrimitive(Primitive):
    """A function with a derivative that its author declares; made by ``primitive``."""

    form = USER_DEFINED

    def __init__(self, fn: Function) -> None:
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = inspect.signature(fn).parameters.values()
        names = [p.name for p in parameters if p.kind in kinds]
        super().__init__(fn, fn, 0, names or None, name=name_of(fn))
        functools.update_wrapper(self, fn)
        self._jvp: Function | None = None
        self._vjp: Function | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply to plain or traced values."""
        bound = self.bind_checked(args, kwargs)
        for x in bound:
            if is_container(x) and top_trace(list(leaves_of(x))) is not None:
                raise ArgumentError(
                    f"{self.name} is given a {type(x).__name__} with traced values in it, of which "
                    "its declared derivative would not know",
                    "give each as an argument of its own: f(*xs)",
                )
        return apply(self, bound)

    def call(self, *args: Any) -> Any:
        """Apply to values in normal form; a closure of self in its place would be a cycle."""
        if top_trace([args[i] for i in self.arrays(args)]) is not None:
            return apply(self, args)
        split = len(args) - len(self._params)
        keywords = dict(zip(self._params, args[split:], strict=True))
        own = [detached(x) for x in args[:split]]  # the function may change its arguments
        return _as_values(self.fn(*own, **keywords), self.name)

    def defjvp(self, rule: Function) -> Function:
        """Declare ``rule(tangents, y, *args)``: the tangent of y, of its shape, or 0.

        ``tangents`` is a tuple, with zeros for the arguments that do not move.
        """
        self._jvp = rule
        return rule

    def defvjp(self, rule: Function) -> Function:
        """Declare ``rule(ct, y, *args)``: one cotangent per argument, of its shape; None or 0.

        A cotangent may also have the shape to which an argument was broadcast: it is summed.
        """
        self._vjp = rule
        return rule

    def _refuse(self) -> UnsupportedError:
        return UnsupportedError(
            f"The primitive {self.name} has no derivative yet",
            f"declare one with @{self.name}.defvjp or @{self.name}.defjvp; the other follows",
        )

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Apply the declared jvp, or transpose the declared vjp."""
        if self._jvp is not None:
            given = tuple(
                tangents[i] if i in tangents else _zero_like(args[i]) for i in self.arrays(args)
            )
            return self._fitting(self._jvp(map_leaves(detached, given), y, *args), y)
        if self._vjp is None:
            raise self._refuse()
        positions = list(tangents)
        return _transpose(lambda ct: self.vjp_all(positions, ct, y, args), y, tangents.values())

    def _fitting(self, y_dot: Any, y: Any) -> Any:
        """Give a declared tangent, or those of several outputs, the dtype of its output."""
        if isinstance(y, tuple):
            if not isinstance(y_dot, (tuple, list)) or len(y_dot) != len(y):
                raise ArgumentError(
                    f"The jvp of {self.name} must return {len(y)} tangents, one per output",
                    "return a tuple",
                )
            return tuple(map(self._fitting, y_dot, y))
        given = _or_zeros(self._given(y_dot, "jvp"), y)
        if np.shape(given) != np.shape(y):
            raise self._misfit("jvp", given, y)
        return restore(given, y)

    def _own(self, ct: Any, like: Any) -> Any:
        """Give a declared cotangent its argument's shape and dtype, and memory of its own.

        As in every rule it is summed over the axes along which the argument was broadcast.
        """
        if ct is None:
            return zeros(like)
        given = _or_zeros(ct if isinstance(ct, Tracer) else np.array(ct)[()], like)
        shape, wanted = np.shape(given), np.shape(like)
        if shape != wanted and (len(shape) < len(wanted) or not _stretches(wanted, shape)):
            raise self._misfit("vjp", given, like)
        return restore(given, like)

    def _given(self, x: Any, what: str) -> Any:
        """Return what a rule has returned, which must be something."""
        if x is None:
            raise ArgumentError(
                f"The {what} of {self.name} returned None: does it lack a return?",
                "return 0 where there is no derivative",
            )
        return x

    def _misfit(self, what: str, given: Any, like: Any) -> ShapeError:
        part, of = ("a cotangent", "argument") if what == "vjp" else ("a tangent", "output")
        return ShapeError(
            f"The {what} of {self.name} returned {part} of shape {np.shape(given)} for an {of} "
            f"of shape {np.shape(like)}",
            f"return one of shape {np.shape(like)}",
        )

    def vjp_all(self, positions: Sequence[int], ct: Any, y: Any, args: Sequence[Any]) -> list[Any]:
        """Apply the declared vjp once, or transpose the declared jvp."""
        if self._vjp is None:
            if self._jvp is None:
                raise self._refuse()
            like = tuple(args[i] for i in positions)
            return list(
                _transpose(
                    lambda ts: [self.jvp(dict(zip(positions, ts, strict=True)), y, args)],
                    like,
                    [ct],
                )
            )
        cts = self._vjp(map_leaves(detached, tuple(ct) if isinstance(ct, list) else ct), y, *args)
        count = len(self.arrays(args))
        if count == 1 and not isinstance(cts, tuple):
            cts = (self._given(cts, "vjp"),)
        if not isinstance(cts, (tuple, list)) or len(cts) != count:
            raise ArgumentError(
                f"The vjp of {self.name} must return {count} cotangents, one per argument",
                "return a tuple, with None for an argument that has none",
            )
        return [self._own(cts[i], args[i]) for i in positions]

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Return the cotangent of one argument."""
        return self.vjp_all([i], ct, y, args)[0]


def _as_values(y: Any, name: str) -> Any:
    if isinstance(y, (tuple, list)):
        return tuple(_as_values(item, name) for item in y)
    if isinstance(y, Tracer):
        return y
    value = np.asarray(y)
    if value.dtype.kind not in "biufc":
        raise ArgumentError(
            f"The primitive {name} returned {y!r:.60} of type {type(y).__name__}",
            "return a number, an array or a tuple of them",
        )
    return value[()]


def _zero_like(x: Any) -> Any:
    return zeros(x) if is_differentiable(x) else None


def _or_zeros(x: Any, like: Any) -> Any:
    """Let a plain 0 stand for zeros."""
    is_zero = not isinstance(x, Tracer) and np.ndim(x) == 0 and not np.any(x)
    return zeros(like) if is_zero else x


def _stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Tell whether an array of a shape is broadcast to another one."""
    ends = zip(shape, to[len(to) - len(shape) :], strict=True)
    return all(n in (m, 1) for n, m in ends)


def _transpose(linear: Function, like: Any, cts: Any) -> Any:
    """Apply the transpose of a linear function of values like ``like``; it returns a list."""
    tape = Tape()
    # Any point serves, the function being linear; at ones no rule takes a short way out.
    roots = [tape.root(zeros(x) + 1) for x in (like if isinstance(like, tuple) else (like,))]
    outs = linear(tuple(roots) if isinstance(like, tuple) else roots[0])
    flat = [o for out in outs for o in (out if isinstance(out, tuple) else (out,))]
    flat_cts = [c for ct in cts for c in (ct if isinstance(ct, (tuple, list)) else (ct,))]
    pairs = [
        (o, c)
        for o, c in zip(flat, flat_cts, strict=True)
        if isinstance(o, Tracer) and o.scope is tape
    ]
    found = sweep_all([o for o, _ in pairs], [c for _, c in pairs], roots)
    return tuple(found) if isinstance(like, tuple) else found[0]


def primitive(fn: Function) -> UserPrimitive:
    """Make a function a primitive, with a derivative that you declare.

    The function is called on plain values and may be anything: a call of compiled code, a solver.
    Declare ``defvjp`` (reverse) or ``defjvp`` (forward): the other is its transpose. Written with
    NumPy, a rule is itself differentiated for higher orders. All positional arguments can be
    differentiated; several outputs are returned as a tuple.

    >>> import math
    >>> import chainrule as cr
    >>> @cr.primitive
    ... def cube(x):
    ...     return math.pow(x, 3)
    >>> @cube.defvjp
    ... def cube_vjp(ct, y, x):
    ...     return ct * 3 * x**2
    >>> cr.grad(cube)(2.0), cr.grad(cr.grad(cube))(2.0)
    (np.float64(12.0), np.float64(12.0))
    """
    check_callable(fn, "primitive")
    return UserPrimitive(fn)


def _closed_over(f: Function) -> list[Any]:
    """Return the arrays in the closure of a function."""
    cells = getattr(f, "__closure__", None) or ()
    return [c.cell_contents for c in cells if isinstance(c.cell_contents, np.ndarray)]


def _traced_among(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[int | str, ...]:
    """Return positions and names of the arguments that hold traced values."""
    named: list[tuple[int | str, Any]] = [*enumerate(args), *kwargs.items()]
    return tuple(key for key, x in named if top_trace(list(leaves_of(x))) is not None)


def checkpoint(f: Function) -> Function:
    """Return ``f`` with its intermediate values not kept: the sweep runs ``f`` again instead.

    It trades time for memory. The function must be pure, and take what is differentiated through
    its arguments (containers too), not from an enclosing scope.

    Raises:
        ArgumentError: if the result depends on a traced value of an enclosing scope.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.grad(lambda x: cr.checkpoint(np.sin)(x) ** 2)(0.5) == np.sin(1.0)
    np.True_
    """
    check_callable(f, "checkpoint")

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        leaves = list(leaves_of((args, kwargs)))
        if top_trace(leaves) is None:
            return f(*args, **kwargs)
        found = by_source(f, _traced_among(args, kwargs), lambda program: program(*args, **kwargs))
        if found is not None:
            return found  # a program runs its function again by itself
        active = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tracer)]
        outputs: list[Any] = []  # of the first run: structure, and what is not differentiated

        def flat(*values: Any) -> tuple[Any, ...]:
            given = list(leaves)
            for i, value in zip(active, values, strict=True):
                given[i] = value
            new_args, new_kwargs = rebuild((args, kwargs), iter(given))
            out = f(*new_args, **new_kwargs)
            if not outputs:
                outputs.append(out)
            return tuple(x for x in leaves_of(out) if is_differentiable(x))

        held = [(x, fingerprint(x)) for x in _closed_over(f)]

        def pulled(ct: Any, y: Any, *values: Any) -> Any:
            for array, before in held:
                if fingerprint(array) != before:
                    raise MutationError(
                        f"An array of shape {array.shape} that checkpoint({name_of(f)}) closes "
                        "over was changed before the sweep runs the function again",
                        "pass it as an argument, or change a copy",
                    )
            return vjp(flat, *values)[1](tuple(ct))

        flat.__name__ = f"checkpoint({name_of(f)})"
        segment = UserPrimitive(flat)
        segment.arrays = lambda args: range(len(args))  # type: ignore[method-assign]
        segment.defvjp(pulled)
        segment.defjvp(lambda ts, y, *values: jvp(flat, values, ts)[1])
        results = iter(segment(*(leaves[i] for i in active)))
        return map_leaves(lambda x: next(results) if is_differentiable(x) else x, outputs[0])

    return call
