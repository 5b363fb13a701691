"""The rule table as code: the two products of one call, written out as expressions.

A rule's body is lowered by the same interpreter as the user's program, so what types tell (numbers
of dimensions, axes, broadcasting) is decided here and the textbook's formula is what remains. What
is done centrally for the tape (``rules._central``) is done here on types: unbroadcasting, dtypes,
conjugates, the guarded product.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np

from .. import rules as table
from .._core import TABLE, Primitive
from .._syntax import parse
from ..errors import UnsupportedError
from ..rules import _central, indexing
from ..rules._forms import Elementwise, Explicit, Linear, Reduction
from ..rules._split import Piece
from ..rules.complex import imaginary_part
from . import ir
from .build import add, call, literal, multiply, zeros_like
from .central import guarded as guarded_product
from .fitting import conjugate, fit
from .helpers import unbroadcast
from .integers import Numbers, integers_of, size_of
from .ir import AFTER, Block, Call, Expr, Index, Lit, Seq, Slice, Var
from .lower import calls
from .lower import indexing as indices
from .lower.containers import expression
from .lower.expressions import evaluate
from .lower.indexing import as_slice
from .lower.state import State
from .parts import merged
from .slopes import slope
from .types import OBJECT, Type
from .values import Items, Known, Leaf, Scope, Value

STRUCTURAL = {
    *(
        np.reshape,
        np.transpose,
        np.swapaxes,
        np.moveaxis,
        np.sum,
        np.mean,
        np.copy,
        np.broadcast_to,
    ),
    *(np.expand_dims, np.squeeze, np.flip, np.roll, np.repeat, np.tile, np.cumsum, np.diagonal),
}
"""Linear functions with real coefficients: their transpose needs no conjugates."""


LINEAR_IN_FIRST: frozenset[Any] = frozenset(
    {
        *(unbroadcast, indexing.last_written, np.ndarray.astype, np.ndarray.copy, float, complex),
        *(np.float32, np.float64, np.complex64, np.complex128, np.longdouble, np.clongdouble),
    }
)
"""Casts and helpers that are linear in their first argument; a cast's transpose is another cast."""

_CASTS = LINEAR_IN_FIRST - {unbroadcast, indexing.last_written}
_EXACT = frozenset({np.dot, np.inner, np.outer, np.tensordot, np.linalg.tensordot})


class Rules:
    """Writes products of calls into the block that is being written."""

    def __init__(
        self, program: ir.Program, fresh: Callable[[str, Type], Var], guarded: bool = False
    ) -> None:
        table.load()
        self.state = State()
        self.state.guarded = guarded
        self.state.types = fresh.types  # type: ignore[attr-defined]
        self.state.buffers = set(program.buffers)
        self.integers = integers_of(program)

    @contextmanager
    def writing(self, block: Block) -> Iterator[None]:
        """Send the statements that a rule takes to a block."""
        with self.state.into(block):
            yield

    # -------------------------------------------------------------------------------- binding

    def primitive(self, expr: Call) -> Primitive:
        """Return the primitive of a call."""
        found = TABLE.get(imaginary_part.fn if expr.fn is np.imag else expr.fn)
        if isinstance(found, Primitive):
            return found
        raise UnsupportedError(
            f"{getattr(expr.fn, '__name__', expr.fn)} has no derivative rule",
            "give it one with cr.primitive, or write it with functions that have",
            str(self.state.origin),
        )

    def bound(self, expr: Call) -> tuple[Any, ...]:
        """Return the arguments of a call in normal form: expressions and defaults."""
        return self.primitive(expr).bind_checked(expr.args, dict(expr.kwargs))

    def is_elementwise(self, expr: Call) -> bool:
        """Whether the products of a call broadcast by themselves."""
        return isinstance(TABLE.get(expr.fn), Elementwise)

    def is_exact(self, expr: Call) -> bool:
        """Whether the transposes of a call have the very shapes of its arguments."""
        stacks = any(arg.type.ndim > 2 for arg in expr.args)
        return expr.fn in _EXACT or (expr.fn in (np.matmul, np.linalg.matmul) and not stacks)

    def operands(self, expr: Call) -> list[tuple[int, Expr]]:
        """Return position and expression of the arguments that can be differentiated."""
        if expr.fn in LINEAR_IN_FIRST:
            return list(enumerate(expr.args[:2] if expr.fn is complex else expr.args[:1]))
        if expr.fn is np.full_like:
            return [(1, expr.args[1])]
        args = self.bound(expr)
        positions = self.primitive(expr).arrays(args)
        return [(i, args[i]) for i in positions if isinstance(args[i], Expr)]

    # ------------------------------------------------------------------------------- products

    def vjp(self, expr: Call, i: int, ct: Expr, y: Expr | None) -> Expr:
        """Return the contribution of ``ct`` to argument ``i``, not yet of its shape and dtype."""
        if expr.fn in _CASTS:
            return ct if i == 0 else self.applied(np.imag, ct)
        if expr.fn is np.full_like:
            return call(np.sum, ct)
        if expr.fn is unbroadcast:
            wide = expr.args[0]
            return Call(wide.type, np.broadcast_to, (ct, Call(OBJECT, np.shape, (wide,))))
        if expr.fn is indexing.last_written:
            return replace(expr, args=(ct, *expr.args[1:]))
        primitive, args = self.primitive(expr), self.bound(expr)
        values = [_value(a) for a in args]
        out = Leaf(y if y is not None else expr)
        match primitive:
            case Elementwise():
                return self.product(ct, conjugate(self.slope(primitive, i, expr, [out, *values])))
            case Reduction():
                kept = self.kept(primitive, values)
                partial = self.entry(primitive, i, [kept(out), *values])
                return self.product(expression(self.state, kept(Leaf(ct))), conjugate(partial))
            case Linear():
                if self.is_complex(ct, args, primitive) and primitive.fn not in STRUCTURAL:
                    pulled = self.transposed(primitive, i, conjugate(ct), values)
                    return conjugate(pulled)
                return self.transposed(primitive, i, ct, values)
            case Explicit():
                is_complex = self.is_complex(ct, args, primitive)
                given = conjugate(ct) if is_complex else ct
                found = self.inline(primitive.rule_vjp, [Leaf(given), out, *values])
                pulled = self.component(found, primitive._positions.index(i))
                return conjugate(pulled) if is_complex else pulled
        raise UnsupportedError(
            f"{primitive.name} has a derivative rule of its own that is no text",
            "call it in a function that is not compiled",
            str(self.state.origin),
        )

    def jvp(self, expr: Call, tangents: dict[int, Expr], y: Expr | None) -> Expr:
        """Return the tangent of a call for the tangents of its arguments."""
        if expr.fn is complex:
            parts = [tangents.get(i, literal(0.0)) for i in range(len(expr.args))]
            return replace(expr, args=tuple(parts))
        if expr.fn in LINEAR_IN_FIRST:
            return replace(expr, args=(tangents[0], *expr.args[1:]))
        if expr.fn is np.full_like:
            return replace(expr, args=(expr.args[0], tangents[1]))
        primitive, args = self.primitive(expr), self.bound(expr)
        values = [_value(a) for a in args]
        out = Leaf(y if y is not None else expr)
        match primitive:
            case Elementwise():
                terms = [
                    self.product(t, self.slope(primitive, i, expr, [out, *values]))
                    for i, t in tangents.items()
                ]
                return fit(functools.reduce(add, terms), expr)
            case Reduction():
                ((i, t),) = tangents.items()
                kept = self.kept(primitive, values)
                partial = self.entry(primitive, i, [kept(out), *values])
                named = dict(zip(primitive.names, values, strict=True))
                options = {k: named[k] for k in ("axis", "keepdims")}
                product = Leaf(self.product(t, partial))
                summed = calls.call(self.state, Known(np.sum), [product], options)
                return fit(expression(self.state, summed), expr)
            case Linear():
                return fit(self.linear_jvp(primitive, tangents, args, expr), expr)
            case Explicit():
                given: Value
                if len(primitive.args) == 1:
                    given = Leaf(tangents[primitive._positions[0]])
                else:
                    given = _tuple([tangents.get(i) for i in primitive._positions])
                found = self.inline(primitive.rule, [given, out, *values])
                return fit(expression(self.state, found), expr)
        raise AssertionError(primitive)

    def linear_jvp(
        self, primitive: Linear, tangents: dict[int, Expr], args: Sequence[Any], expr: Call
    ) -> Expr:
        """Apply the function itself to the tangents."""

        def applied(replaced: Sequence[Any]) -> Expr:
            return _replaced(primitive, expr, replaced)

        if primitive.joint:
            positions = primitive.arrays(args)
            zeros = {i: zeros_like(args[i]) for i in positions if isinstance(args[i], Expr)}
            return applied([tangents.get(i, zeros.get(i, a)) for i, a in enumerate(args)])
        terms = [applied([*args[:i], t, *args[i + 1 :]]) for i, t in tangents.items()]
        return functools.reduce(add, terms)

    def product(self, ct: Expr, slope: Expr) -> Expr:
        """Multiply; in a guarded program a zero ``ct`` beats an infinite or NaN slope."""
        if not self.state.guarded or isinstance(slope, Lit):
            return multiply(ct, slope)
        return guarded_product(ct, slope)

    def slope(self, primitive: Any, i: int, expr: Call, values: Sequence[Value]) -> Expr:
        """Return a partial derivative of a call."""
        entry = functools.partial(self.entry, primitive, i)
        return slope(entry, values, expr.type, drawn=not self.state.guarded)

    # ------------------------------------------------------------------------- rules as code

    def entry(self, primitive: Any, i: int, values: Sequence[Value]) -> Expr:
        """Evaluate the part of a rule that belongs to argument ``i``, its text put in place."""
        k = primitive._positions.index(i)
        pieces = primitive.pieces
        if pieces is None:
            return self.component(self.inline(primitive.rule, values), k)
        statements, result = piece_nodes(primitive.rule, pieces[k])
        names = [n.id for part in (*statements, result) for n in ast.walk(part) if is_name(n)]
        code = primitive.rule.__code__
        scope = Scope({}, None, primitive.rule.__globals__, code.co_filename)
        outer, self.state.scope = self.state.scope, scope
        try:
            for parameter, value in zip(primitive.rule_parameters, values, strict=True):
                scope.variables[parameter] = self.named(value, names.count(parameter))
            for statement in statements:
                target = statement.targets[0]
                assert isinstance(target, ast.Name)
                value = evaluate(self.state, statement.value)
                scope.variables[target.id] = self.named(value, names.count(target.id) - 1)
            return expression(self.state, evaluate(self.state, result))
        finally:
            self.state.scope = outer

    def named(self, value: Value, uses: int) -> Value:
        """Give a name to what a rule reads more than once and is more than a name."""
        if isinstance(value, Leaf) and uses > 1 and not _is_simple(value.expr):
            return Leaf(self.state.temporary(value.expr))
        return value

    def transposed(self, primitive: Linear, i: int, ct: Expr, values: Sequence[Value]) -> Expr:
        """Lower the transpose of a linear function."""
        if not primitive.variadic:
            return self.entry(primitive, i, [Leaf(ct), *values])
        split_at = len(values) - len(primitive._params)
        params = dict(zip(primitive._params, values[split_at:], strict=True))
        given = [Leaf(ct), Known(i), *values[:split_at]]
        return expression(self.state, self.inline(primitive.rule, given, params))

    def applied(self, function: Any, x: Expr) -> Expr:
        """Lower a call of one argument."""
        return expression(self.state, calls.call(self.state, Known(function), [Leaf(x)], {}))

    def inline(
        self,
        rule: Callable[..., Any],
        values: Sequence[Value],
        keywords: dict[str, Value] | None = None,
    ) -> Value:
        """Lower a call of a rule; where it cannot be, call it as a helper of the program."""
        return calls.call(self.state, Known(rule), list(values), keywords or {})

    def component(self, found: Value, k: int) -> Expr:
        """Return one of the results of a rule for several arguments."""
        items = getattr(found, "items", None)
        if items is not None:
            return expression(self.state, items[k])
        return expression(self.state, found)

    def kept(self, primitive: Reduction, values: Sequence[Value]) -> Callable[[Value], Value]:
        """Return what puts back the axes that a reduction removed."""
        named = dict(zip(primitive.names, values, strict=True))
        reduced = named[primitive.names[0]]
        assert isinstance(reduced, Leaf)
        ndim = Known(reduced.type.ndim)

        def keep(x: Value) -> Value:
            given = [x, named["axis"], ndim, named["keepdims"]]
            return calls.call(self.state, Known(_central.keep_axes), given, {})

        return keep

    def is_complex(self, ct: Expr, args: Sequence[Any], primitive: Primitive) -> bool:
        """Whether the cotangent or a differentiable argument is complex."""
        given = [args[i] for i in primitive.arrays(args)]
        exprs = [ct, *(a for a in given if isinstance(a, Expr))]
        return any(e.type.dtype is not None and e.type.dtype.kind == "c" for e in exprs)

    # ---------------------------------------------------------------------------- special calls

    def part(self, base: Expr, index: tuple[Expr, ...]) -> Expr:
        """Return ``base[index]`` with its type; without an index ``base`` itself."""
        if not index:
            return base
        entries = [_index_value(e, self.integers) for e in index]
        type_, _ = indices.index_type(self.state, base.type, entries)
        return merged(Index(type_, base, index))

    def last_written(self, ct: Expr, a: Expr, index: tuple[Expr, ...], value: Expr) -> Expr:
        """Zero the cotangent of values that a later value of the same store has overwritten."""
        place = index[0] if len(index) == 1 else Seq(OBJECT, index)
        return Call(ct.type, indexing.last_written, (ct, a, place, value))

    def pulled_back(self, statement: ir.Opaque, ct: Expr) -> Expr:
        """Call the pullback of an opaque function."""
        assert statement.pullback is not None
        return Call(OBJECT, pull_back, (Var(OBJECT, statement.pullback + AFTER), ct))


def pull_back(pullback: Any, ct: Any) -> Any:
    """Apply a pullback: cotangents of an opaque call's arguments."""
    return pullback(ct)


@functools.cache
def piece_nodes(rule: Any, piece: Piece) -> tuple[list[ast.Assign], ast.expr]:
    """Parse a piece of a rule: its assignments and its expression."""
    statements = [parse(text).body[0] for text in piece.statements]
    kept = [s for s in statements if isinstance(s, ast.Assign)]
    return kept, parse(piece.expression, mode="eval").body


def is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    """Whether a node of a syntax tree is a name."""
    return isinstance(node, ast.Name)


def _value(x: Any) -> Value:
    if isinstance(x, Lit):
        return Known(x.value)
    if isinstance(x, Seq):
        return _tuple(list(x.items), x.kind)
    if isinstance(x, ir.Slice):
        return as_slice(Leaf(x))
    return Leaf(x) if isinstance(x, Expr) else Known(x)


def _index_value(entry: Expr, numbers: Numbers) -> Value:
    """Return an entry of an index as lowering knows it."""
    if isinstance(entry, Slice):
        parts = [Known(None) if p is None else _index_value(p, numbers) for p in _ends(entry)]
        return indices.slice_of(parts)
    if isinstance(entry, Seq):
        return Items([_index_value(item, numbers) for item in entry.items], entry.kind)
    if isinstance(entry, Lit):
        return Known(entry.value)
    return Leaf(entry, None, size_of(entry, numbers))


def _ends(entry: Slice) -> tuple[Expr | None, ...]:
    return entry.start, entry.stop, entry.step


def _tuple(items: Sequence[Any], kind: str = "tuple") -> Value:
    return Items([_value(item) for item in items], kind)


def _replaced(primitive: Primitive, expr: Call, replaced: Sequence[Any]) -> Call:
    """Write the same call with other operands, given in normal form."""
    names = [*range(len(expr.args)), *(key for key, _ in expr.kwargs)]
    given = {name: object() for name in names}  # stand for the arguments, wherever they go
    keywords = {key: given[key] for key, _ in expr.kwargs}
    places = primitive.bind(*(given[k] for k in range(len(expr.args))), **keywords)
    found = {name: places.index(token) for name, token in given.items()}
    args = [replaced[found[k]] for k in range(len(expr.args))]
    return call(expr.fn, *args, **{key: replaced[found[key]] for key, _ in expr.kwargs})


def _is_simple(expr: Expr) -> bool:
    """Whether evaluating an expression twice costs nothing."""
    if isinstance(expr, Index):
        return _is_simple(expr.base) and all(not e.type.is_array for e in expr.index)
    return isinstance(expr, Var | Lit | ir.Dim)
