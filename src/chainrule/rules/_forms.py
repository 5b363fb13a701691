"""The forms in which a rule is declared; each decorator enters its rule into the table.

A rule is plain NumPy code and straight-line. It never conjugates, unbroadcasts or restores a dtype:
the classes here do that once. For complex values a rule states the transpose; the class conjugates
around it, so that <ct, J t> = <J^H ct, t> with the inner product Re(sum(conj(a) * b)).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .._core import TABLE, Composite, PiecewiseConstant, Primitive
from ._central import conjugate, keep_axes, kind, product, restore, total, zeros
from ._split import Piece, piece_function, split

Rule = Callable[..., Any]


class _Splittable(Primitive):
    """A primitive whose rule returns one entry per argument."""

    @cached_property
    def pieces(self) -> list[Piece] | None:
        """The rule's source, one piece per differentiable argument; None without source."""
        return None if self.variadic else split(self.rule, len(self.args))

    @cached_property
    def rule_parameters(self) -> tuple[str, ...]:
        """Names of all the rule's parameters, the leading ones included."""
        return tuple(inspect.signature(self.rule).parameters)

    @cached_property
    def entries(self) -> list[Rule]:
        """One function per differentiable argument, with the rule's parameters."""
        pieces = self.pieces
        if pieces is None:
            return [_entry(self.rule, k, len(self.args)) for k in range(len(self.args))]
        params = ", ".join(self.rule_parameters)
        return [piece_function(self.rule, piece, params) for piece in pieces]

    def entry(self, i: int) -> Rule:
        """Return the function for the argument at position ``i``."""
        return self.entries[self._positions.index(i)]


def _entry(rule: Rule, k: int, count: int) -> Rule:
    if count == 1:
        return rule
    return lambda *args: rule(*args)[k]


class Elementwise(_Splittable):
    """``rule(y, a, b, ...)`` gives the partial of y by each argument. Implies holomorphic."""

    form = "elementwise"

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Sum of tangent times partial."""
        args = _dividing(args)
        t = total([product(t, self.entry(i)(y, *args)) for i, t in tangents.items()])
        if np.shape(t) != np.shape(y):
            t = np.broadcast_to(t, np.shape(y))
        return restore(t, y)

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Cotangent times partial, summed where the argument was broadcast."""
        return restore(product(ct, conjugate(self.entry(i)(y, *_dividing(args)))), args[i])


def _dividing(args: Sequence[Any]) -> list[Any]:
    """Make NumPy's zeros of Python's, by which a rule could not divide."""
    return [np.float64(x) if type(x) in (int, float) and not x else x for x in args]


class Reduction(_Splittable):
    """``rule(y, a, axis, keepdims)``: the partial of y by each element of a."""

    form = "reduction"

    def _kept(self, x: Any, args: Sequence[Any]) -> Any:
        axis = args[self.names.index("axis")]
        keepdims = args[self.names.index("keepdims")]
        return keep_axes(x, axis, np.ndim(args[0]), keepdims)

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Sum of tangent times partial over the reduced axes."""
        axis = args[self.names.index("axis")]
        keepdims = args[self.names.index("keepdims")]
        partial = self.entries[0](self._kept(y, args), *args)
        return restore(np.sum(product(tangents[0], partial), axis=axis, keepdims=keepdims), y)

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Cotangent, back along the reduced axes, times partial."""
        partial = self.entries[0](self._kept(y, args), *args)
        return restore(product(self._kept(ct, args), conjugate(partial)), args[0])


class Linear(_Splittable):
    """Linear in each of its arguments, or, with ``joint``, in all of them together."""

    form = "linear"
    joint = False

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Apply the function itself to the tangents."""
        if self.joint:
            replaced = list(args)
            for i in self.arrays(args):
                replaced[i] = tangents[i] if i in tangents else zeros(args[i])
            return restore(self.call(*replaced), y)
        terms = [self.call(*args[:i], t, *args[i + 1 :]) for i, t in tangents.items()]
        return restore(total(terms), y)

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Apply the transpose."""
        if kind_of(ct, args, self.arrays(args)) == "c":
            return restore(conjugate(self._transpose(i, conjugate(ct), args)), args[i])
        return restore(self._transpose(i, ct, args), args[i])

    def _transpose(self, i: int, ct: Any, args: Sequence[Any]) -> Any:
        if not self.variadic:
            return self.entry(i)(ct, *args)
        split_at = len(args) - len(self._params)
        params = dict(zip(self._params, args[split_at:], strict=True))
        return self.rule(ct, i, *args[:split_at], **params)


class Explicit(Primitive):
    """A jvp and a vjp side by side, for what no other form expresses."""

    form = "explicit"
    rule_vjp: Rule

    def jvp(self, tangents: dict[int, Any], y: Any, args: Sequence[Any]) -> Any:
        """Apply the rule's jvp."""
        if len(self.args) == 1:
            return restore(self.rule(tangents[self._positions[0]], y, *args), y)
        return restore(self.rule(tuple(tangents.get(i) for i in self._positions), y, *args), y)

    def vjp(self, i: int, ct: Any, y: Any, args: Sequence[Any]) -> Any:
        """Apply the rule's vjp."""
        is_complex = kind_of(ct, args, self._positions) == "c"
        out = self.rule_vjp(conjugate(ct) if is_complex else ct, y, *args)
        if len(self.args) > 1:
            out = out[self._positions.index(i)]
        return restore(conjugate(out) if is_complex else out, args[i])


def kind_of(ct: Any, args: Sequence[Any], positions: Sequence[int]) -> str:
    """Return 'c' when the cotangent or a differentiable argument is complex, else 'f'."""
    values = [ct, *(args[i] for i in positions)]
    return "c" if any(kind(x) == "c" for x in values if x is not None) else "f"


def _enter(functions: Sequence[Any], make: Callable[[Any], Any]) -> Any:
    """Make one entry per NumPy function; return the first."""
    made = [make(fn) for fn in functions]
    for fn, entry in zip(functions, made, strict=True):
        TABLE[fn] = entry
    return made[0]


def _parameter_names(rule: Rule) -> tuple[str, ...]:
    return rule.__code__.co_varnames[: rule.__code__.co_argcount]


def elementwise(
    *functions: Any, kinks: dict[str, str] | None = None, args: Sequence[str] | None = None
) -> Callable[[Rule], Elementwise]:
    """Declare ``rule(y, a, b, ...) -> partials``."""

    def declare(rule: Rule) -> Elementwise:
        names = args or _parameter_names(rule)[1:]
        made: Elementwise = _enter(functions, lambda fn: Elementwise(fn, rule, 1, names, kinks))
        return made

    return declare


def reduction(*functions: Any, kinks: dict[str, str] | None = None) -> Callable[[Rule], Reduction]:
    """Declare ``rule(y, a, axis=None, keepdims=False) -> partial of y by a``."""

    def declare(rule: Rule) -> Reduction:
        made: Reduction = _enter(functions, lambda fn: Reduction(fn, rule, 1, None, kinks))
        return made

    return declare


def linear(
    *functions: Any, args: Sequence[str] | None = None, joint: bool = False, name: str | None = None
) -> Callable[[Rule], Linear]:
    """Declare the transpose ``rule(ct, a, ...)``; ``rule(ct, i, *arrays, ...)`` if variadic."""

    def declare(rule: Rule) -> Linear:
        lead = 2 if rule.__code__.co_flags & inspect.CO_VARARGS else 1

        def make(fn: Any) -> Linear:
            primitive = Linear(fn, rule, lead, args, name=name)
            primitive.joint = joint
            return primitive

        made: Linear = _enter(functions, make)
        return made

    return declare


class _ExplicitRule:
    """What ``@explicit`` leaves in the module: callable as the primitive, with ``.vjp``."""

    def __init__(self, primitives: list[Explicit]) -> None:
        self.primitives = primitives

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.primitives[0](*args, **kwargs)

    def vjp(self, rule: Rule) -> Rule:
        """Decorate the transpose."""
        for primitive in self.primitives:
            primitive.rule_vjp = rule
        return rule


def explicit(
    *functions: Any,
    args: Sequence[str] | None = None,
    kinks: dict[str, str] | None = None,
    name: str | None = None,
) -> Callable[[Rule], _ExplicitRule]:
    """Declare the tangent ``rule(t, y, a, ...)``; its transpose follows under ``.vjp``."""

    def declare(rule: Rule) -> _ExplicitRule:
        made = [Explicit(fn, rule, 2, args, kinks, name) for fn in functions]
        TABLE.update(zip(functions, made, strict=True))
        return _ExplicitRule(made)

    return declare


def composite(*functions: Any, kinks: dict[str, str] | None = None) -> Callable[[Rule], Rule]:
    """Declare a function by others of the table; the body is run on the traced values."""

    def declare(body: Rule) -> Rule:
        _enter(functions, lambda fn: Composite(fn, body, kinks))
        return body

    return declare


def piecewise_constant(*functions: Any, cuts: bool = True) -> None:
    """Declare functions whose derivative is zero wherever it exists.

    ``cuts``: whether they look at numbers, not only at shapes and dtypes.
    """
    _enter(functions, lambda fn: PiecewiseConstant(fn, cuts))
