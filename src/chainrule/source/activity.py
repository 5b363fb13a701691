"""Activity: which variables depend on the inputs that a derivative is taken by.

The analysis follows the flow of data until nothing changes, and does not look at the order of
statements: a variable is varied or not in the whole program. A buffer and the views of it are
varied together, since a store into one changes the others.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable

import numpy as np

from .._core import TABLE, PiecewiseConstant
from .build import base_variable
from .helpers import function_behind
from .ir import (
    Alias,
    Assign,
    Call,
    Choice,
    Effect,
    Expr,
    Index,
    Invoke,
    Move,
    Opaque,
    Pop,
    Program,
    Push,
    Seq,
    Stmt,
    Store,
    Var,
    statements,
)
from .types import SAVED, Type

_SHAPES = {np.zeros_like, np.ones_like, np.empty_like, np.shape, len}
"""Functions that look at the shape and dtype of their argument, not at its numbers."""


def varied(program: Program, wrt: Collection[str]) -> set[str]:
    """Return the variables whose derivative by the variables ``wrt`` may be other than zero.

    >>> from .ir import Lit
    >>> from .types import FLOAT
    >>> x, y, z = (Var(FLOAT, name) for name in "xyz")
    >>> body = [Assign("y", Call(FLOAT, np.sin, (x,))), Assign("z", Lit(FLOAT, 1.0))]
    >>> types = dict.fromkeys("xyz", FLOAT)
    >>> sorted(varied(Program("f", [], body, z, types, {}), {"x"}))
    ['x', 'y']
    """
    found = {name for name in wrt if can_vary(program.types[name])}
    size = -1
    while len(found) != size:
        size = len(found)
        halves = _varied_halves(program, found)
        for statement in statements(program.body):
            names = _reached(statement, found)
            if isinstance(statement, Invoke) and statement.function in halves:
                names = statement.names
            found |= {n for n in names if can_vary(program.types[n])}
    return found


def _varied_halves(program: Program, found: set[str]) -> set[str]:
    """Return the functions of two sweeps of which one gets something that varies: both do then."""
    calls = [s for s in statements(program.body) if isinstance(s, Invoke) and s.half]
    return {s.function for s in calls if any(depends(arg, found) for arg in s.args)}


def can_vary(type_: Type) -> bool:
    """Tell whether a variable of this type can vary: a float, or a tuple of results."""
    if type_ == SAVED:
        return False
    return type_.is_differentiable or type_.kind == "object"


def _reached(statement: Stmt, found: set[str]) -> Iterable[str]:
    """Yield the variables that vary after one more look at a statement."""
    match statement:
        case Assign(name=name, value=value) if depends(value, found):
            yield name
        case Alias(name=name, root=root) if root in found or name in found:
            yield from (name, root)
        case Move(targets=targets, sources=sources):
            pairs = zip(targets, sources, strict=True)
            yield from (target for target, source in pairs if source.name in found)
        case Store(target=target, value=value) if depends(value, found):
            yield target.name
        case Opaque(name=name, args=args) if any(depends(a, found) for a in args):
            yield name
        case Effect(names=names) if _depends_through_tape(statement, found):
            yield from names
        case Push(value=value, stack=stack) if stack and depends(value, found):
            yield stack  # of one value in a list, so of all
        case Pop(stack=stack) if stack in found and is_restored(statement, found):
            yield statement.target.name
        case Pop(target=target, of=of) if of in found:
            yield target.name
        case Invoke(names=names, args=args) if any(depends(a, found) for a in args):
            yield from names


def _is_text(call: Call) -> bool:
    """Tell a call that makes a text of numbers."""
    if call.fn in (operator.mod, np.remainder):
        return call.args[0].type.kind == "object"
    return call.fn in (str, repr, ascii, format) or getattr(call.fn, "__objclass__", None) is str


def _depends_through_tape(s: Effect, found: Collection[str]) -> bool:
    """Tell whether an effect is a tangent by the tape, of something that varies."""
    return function_behind(s) is not None and any(depends(x, found) for x in s.value.args[1:])  # type: ignore[attr-defined]


def depends(expr: Expr, found: Collection[str]) -> bool:
    """Tell whether the value of an expression may have a derivative by what varies."""
    match expr:
        case Var(name=name):
            return name in found
        case Call(fn=fn, args=args, kwargs=kwargs):
            constant = fn in _SHAPES or isinstance(TABLE.get(fn), PiecewiseConstant)
            if constant or not can_vary(expr.type) or _is_text(expr):
                return False
            if fn is np.full_like:
                return depends(args[1], found)
            return any(depends(a, found) for a in (*args, *(value for _, value in kwargs)))
        case Index(base=base):
            return can_vary(expr.type) and depends(base, found)
        case Seq(items=items):
            return any(depends(item, found) for item in items)
        case Choice(a=a, b=b):
            return depends(a, found) or depends(b, found)
    return False


def is_saved(s: Push, found: Collection[str]) -> bool:
    """Tell whether a derivative is saved with a value: where the variable restored has one."""
    if s.stack:
        return s.stack in found and s.value.type.is_differentiable
    base = base_variable(s.value)
    return depends(s.value, found) if base is None else base.name in found


def is_restored(s: Pop, found: Collection[str]) -> bool:
    """Tell whether a derivative was saved with the value that is taken from a list."""
    if s.stack:
        return s.stack in found and s.target.type.is_differentiable
    return s.target.name in found
