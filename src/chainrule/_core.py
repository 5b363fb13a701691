"""What the table of rules and the engines share: primitives, tracers and the lookup table.

A *primitive* is a function whose derivative is known. The rule table makes primitives and enters
them into ``TABLE``; an engine looks a NumPy function up there and asks the primitive for its two
products. Neither side imports the other.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ._binding import binder, caller
from .errors import ArgumentError, UnsupportedError

TABLE: dict[Any, Any] = {}
"""NumPy function -> the Primitive, Composite or PiecewiseConstant that stands for it."""

DERIVATIVE_OF = "__chainrule_derivative__"
"""Attribute of a derivative: name of the transform, function, argnums, has_aux."""

next_level = itertools.count(1).__next__
"""Level of a new trace. The newest is the innermost, in whatever thread it was started."""


class Trace:
    """One derivative being taken. Tracers of several traces may meet; the newest trace wins.

    ``error`` keeps the first conversion error: NumPy swallows some exceptions, so the transform
    that opened the trace raises it at its end whatever happened in between. ``ended``: the function
    has returned, its traced values should not be met any more.
    """

    __slots__ = ("__weakref__", "ended", "error", "level")

    def __init__(self) -> None:
        self.level = next_level()
        self.error: Exception | None = None
        self.ended = False

    def record(self, primitive: Primitive, args: Sequence[Any], active: dict[int, Any]) -> Any:
        """Apply ``primitive`` to ``args``; the ``active`` positions hold tracers of this trace."""
        raise NotImplementedError

    def recorder(self, brief: Any) -> Callable[..., Any] | None:
        """Return a function that calls and records a ``BriefCall``, if this engine has one."""
        return None

    def constant(self, value: Any) -> Any:
        """Wrap a value that does not depend on anything, so that it can be stored into."""
        raise NotImplementedError


class Tracer:
    """A value under differentiation; engines subclass it."""

    __slots__ = ()
    scope: Any
    """The trace that this value belongs to (``trace`` is a method of arrays)."""
    value: Any

    if TYPE_CHECKING:  # engines give their tracers the attributes and methods of arrays

        def __getattr__(self, name: str) -> Any: ...

    def current(self) -> Any:
        """Return the record that now stands for this value (see in-place stores)."""
        return self

    def parts(self) -> tuple[Any, ...]:
        """Return the values that it consists of, which may be traced by outer derivatives."""
        return (self.value,)

    def held(self) -> Any:
        """Return what stands for this value as it is now, whatever is stored into it later."""
        return self


def is_traced(x: object) -> bool:
    """Tell whether ``x`` is a value under differentiation."""
    return isinstance(x, Tracer)


def array_behind(x: Any) -> Any:
    """Return the array or number whose memory a value stands for; its contents may be old."""
    while isinstance(x, Tracer):
        x = x.value
    return x


def is_array(value: Any) -> bool:
    """Tell an array, which can be viewed and written, from an immutable scalar."""
    return isinstance(array_behind(value), np.ndarray)


def means_otherwise(x: Any) -> bool:
    """Tell a masked array or a matrix: what operations mean to them has no derivative rules."""
    masked = sys.modules.get("numpy.ma")  # NumPy imports it where it is asked for
    return isinstance(x, np.matrix) or (masked is not None and isinstance(x, masked.MaskedArray))


def copied(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Copy an array; the copy lies in one piece, row by row, where the array does and only there.

    Whether ``ravel`` and ``reshape`` give a view depends on it, and with it what a store changes.
    """
    copy = array.copy(order="K")
    if array.flags.c_contiguous or not copy.flags.c_contiguous:
        return copy
    spread: np.ndarray[Any, Any] = np.empty((*copy.shape[:-1], 2 * copy.shape[-1]), copy.dtype)
    copy, contents = spread[..., ::2], copy
    copy[...] = contents
    return copy


def plain(x: Any) -> Any:
    """Strip every level of tracing from ``x``, also within tuples, lists and dicts."""
    while isinstance(x, Tracer):
        x = x.current().value
    if isinstance(x, (tuple, list)):
        items = [plain(item) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, dict):
        return {key: plain(item) for key, item in x.items()}
    if isinstance(x, slice):
        return slice(plain(x.start), plain(x.stop), plain(x.step))
    return x


def top_trace(values: Sequence[Any]) -> Any:
    """Return the newest trace among ``values``, or None when none is traced."""
    top = None
    for x in values:
        if isinstance(x, Tracer) and (top is None or x.scope.level > top.level):
            top = x.scope
    return top


class StrictWatch(threading.local):
    """Under ``strict_kinks``: what looks at the calls of composite functions."""

    notify: Callable[[Any, Any, Any], None] | None = None


STRICT = StrictWatch()


class CutWatch(threading.local):
    """Who wants to know where a traced value is made plain, and so its derivative cut."""

    notify: Callable[[str, Any], None] | None = None


CUTS = CutWatch()


def note_cut(name: str, values: Any) -> None:
    """Report that ``name`` makes plain values of traced ones."""
    if CUTS.notify is not None:
        CUTS.notify(name, values)


USER_DEFINED = "user-defined"
"""The form of a primitive with a derivative that its user has declared, in any Python."""


class Primitive:
    """A function ``fn`` with a derivative rule; ``args`` names the differentiable arguments.

    Its arguments are kept in one normal form, the flat tuple that ``bind`` makes: the rule's own
    parameters in their order, or, for a rule with ``*arrays``, the arrays and then the keyword
    parameters. ``arrays(args)`` gives the positions that can be differentiated.

    The two products work on plain and on traced values alike:

    - ``jvp(tangents, y, args)``: ``tangents`` maps positions to tangents;
    - ``vjp(i, ct, y, args)``: the cotangent of argument ``i``, with its shape and dtype.
    """

    form: ClassVar[str] = "primitive"

    def __init__(
        self,
        fn: Callable[..., Any],
        rule: Callable[..., Any],
        lead: int,
        args: Sequence[str] | None = None,
        kinks: dict[str, str] | None = None,
        name: str | None = None,
    ) -> None:
        self.fn = fn
        self.rule = rule
        self.lead = lead
        self.name = name or str(getattr(fn, "__name__", rule.__name__))
        self.kinks = dict(kinks or {})
        self._args = tuple(args) if args else None

    # What follows from the rule's signature is made at first use: importing the table is cheap.

    @cached_property
    def parameters(self) -> list[inspect.Parameter]:
        """The parameters of the function, which are those of its rule less the leading ones."""
        return list(inspect.signature(self.rule).parameters.values())[self.lead :]

    @cached_property
    def names(self) -> list[str]:
        """Names of all parameters."""
        return [p.name for p in self.parameters]

    @cached_property
    def args(self) -> tuple[str, ...]:
        """Names of the differentiable arguments."""
        return self._args or (self.names[0],)

    @cached_property
    def variadic(self) -> bool:
        """Whether the arrays come as ``*arrays``."""
        return any(p.kind is p.VAR_POSITIONAL for p in self.parameters)

    @cached_property
    def _positions(self) -> tuple[int, ...]:
        return tuple(self.names.index(name) for name in self.args)

    @cached_property
    def _params(self) -> list[str]:
        return [p.name for p in self.parameters if p.kind is p.KEYWORD_ONLY]

    @cached_property
    def bind(self) -> Callable[..., tuple[Any, ...]]:
        """Python's own argument binding, to the normal form."""
        return binder(self.parameters)

    @cached_property
    def call(self) -> Callable[..., Any]:
        """The function itself, of arguments in normal form."""
        call = caller(self.fn, self.parameters)
        return call if _dispatched(self.fn) else self._dispatching(call)

    def _dispatching(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function of our own look for tracers, as NumPy's functions do by themselves."""

        def dispatching(*args: Any) -> Any:
            if top_trace([args[i] for i in self.arrays(args)]) is None:
                return call(*args)
            return apply(self, args)

        return dispatching

    def __repr__(self) -> str:
        return f"<{self.form} primitive {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply to plain or traced values."""
        return apply(self, self.bind_checked(args, kwargs))

    def arrays(self, args: Sequence[Any]) -> Sequence[int]:
        """Positions in ``args`` of the arguments that can be differentiated."""
        if self.variadic:
            return range(len(args) - len(self._params))
        return self._positions

    def bind_checked(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Bind a call to the normal form; refuse what the rule does not know."""
        try:
            bound: tuple[Any, ...] = self.bind(*args, **kwargs)
        except TypeError as error:
            accepted = ", ".join(str(p) for p in self.parameters)
            raise UnsupportedError(
                f"The derivative rule of {self.name} does not cover this call: {error}",
                f"call it as {self.name}({accepted})",
            ) from None
        return bound

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Return the tangent of ``y`` for the given tangents of its arguments."""
        raise NotImplementedError

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Return the cotangent of argument ``i`` for the cotangent ``ct`` of ``y``."""
        raise NotImplementedError

    def refuse_closure(self, outputs: Any, level: int) -> None:
        """Refuse results traced at this level or a newer one: they came in by another way."""
        for y in outputs if type(outputs) is tuple else (outputs,):
            if isinstance(y, Tracer) and y.scope.level >= level:
                raise ArgumentError(
                    f"{self.name} uses a traced value that is not among its arguments, "
                    "and whose derivative would be lost",
                    "pass it as an argument of its own",
                )
            if getattr(getattr(y, "dtype", None), "kind", "") == "O":
                raise UnsupportedError(
                    f"{self.name} gave an array of Python objects, which have no derivative rules",
                    "convert the other operand: float(x), or an array of floats",
                )

    def vjp_all(self, positions: Sequence[int], ct: Any, y: Any, args: Sequence[Any]) -> list[Any]:
        """Return the cotangents of several arguments."""
        return [self.vjp(i, ct, y, args) for i in positions]


def _dispatched(fn: Any) -> bool:
    """Tell whether NumPy hands the function over when an argument is traced."""
    module = type(fn).__module__ if not hasattr(fn, "__module__") else fn.__module__
    return (module or "numpy").partition(".")[0] == "numpy"


class Composite:
    """A function that others of the table express: ``body`` is run on the traced values."""

    form = "composite"

    def __init__(self, fn: Any, body: Callable[..., Any], kinks: dict[str, str] | None) -> None:
        self.fn = fn
        self.body = body
        self.name = str(getattr(fn, "__name__", body.__name__))
        self.kinks = dict(kinks or {})


class PiecewiseConstant:
    """A function whose derivative is zero wherever it has one: its results are plain values."""

    form = "piecewise constant"

    def __init__(self, fn: Any, cuts: bool = True) -> None:
        self.fn = fn
        self.name = str(getattr(fn, "__name__", fn))
        self.kinks: dict[str, str] = {}
        self.cuts = cuts
        """Whether numbers go in, of which the result has no derivative; not a shape or a dtype."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Apply to the values behind the tracers."""
        if self.cuts:
            note_cut(self.name, args)
        return self.fn(*plain(args), **plain(kwargs))


def apply(primitive: Primitive, args: Sequence[Any]) -> Any:
    """Apply ``primitive`` to arguments in normal form, recorded by the newest trace among them."""
    positions = primitive.arrays(args)
    inner = list(args)
    top = top_trace([args[i] for i in positions])
    active: dict[int, Any] = {}
    for i in positions:
        if isinstance(inner[i], (list, tuple)):
            inner[i] = np.asarray(inner[i])
        elif means_otherwise(inner[i]):
            raise ArgumentError(
                f"{primitive.name} of a traced value and a {type(inner[i]).__name__}, whose own "
                "meaning of operations has no derivative rules",
                "use a plain array: np.asarray(x), and the mask as another array",
            )
    for i, x in enumerate(args):
        if isinstance(x, Tracer):
            if i not in positions:
                inner[i] = _parameter(primitive, i, x)
            elif x.scope is top:
                active[i] = x
    if top is None:
        return primitive.call(*inner)
    return top.record(primitive, inner, active)


def _parameter(primitive: Primitive, i: int, x: Tracer) -> Any:
    """Return the plain value of a traced parameter: only a condition may be one."""
    name = primitive.names[i] if not primitive.variadic else "a keyword"
    if name in ("condition", "where"):
        return plain(x)
    raise UnsupportedError(
        f"{primitive.name} of a traced value for {name}: there is no derivative by it",
        f"pass cr.stop_gradient(...) for {name} if no derivative is wanted",
    )
