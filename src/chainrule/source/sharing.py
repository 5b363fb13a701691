"""Which variables may share memory, so that a store through one can be seen through the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import ir
from .build import CONTIGUOUS, VIEWS

_MAKERS: tuple[Any, ...] = (
    *(np.zeros, np.empty, np.ones, np.full, np.eye, np.arange, np.linspace),
    *(np.zeros_like, np.empty_like, np.ones_like, np.full_like, np.copy, np.ndarray.copy),
    *(np.dot, np.outer, np.tensordot, np.einsum, np.sum, np.mean, np.prod, np.cumsum, np.where),
    *(np.array, np.concatenate, np.stack, np.ndarray.astype, np.linalg.solve, np.linalg.inv),
)
_FRESH = frozenset(_MAKERS)
"""Functions whose result is an array of its own (ufuncs are so too)."""


def is_fresh(expr: ir.Expr) -> bool:
    """Tell whether an expression is a number, or surely an array that nothing else holds."""
    if expr.type.is_number:
        return True
    if isinstance(expr, ir.Index):  # an array among the indices makes a copy
        return any(entry.type.is_array and entry.type.ndim > 0 for entry in expr.index)
    if not isinstance(expr, ir.Call) or any(key == "out" for key, _ in expr.kwargs):
        return False
    if expr.fn in VIEWS | CONTIGUOUS:
        return bool(expr.args) and is_fresh(expr.args[0])
    if expr.fn is np.einsum:  # of one array it may be a view
        return len(expr.args) > 2
    return isinstance(expr.fn, np.ufunc) or expr.fn in _FRESH


def copied(expr: ir.Expr) -> ir.Expr | None:
    """Return what an expression is a copy of, None if it is no copy."""
    is_copy = isinstance(expr, ir.Call) and expr.fn in (np.copy, np.ndarray.copy)
    return expr.args[0] if isinstance(expr, ir.Call) and is_copy and not expr.kwargs else None


def holders(expr: ir.Expr) -> Iterator[str]:
    """Yield the variables whose memory the value of an expression may be."""
    if is_fresh(expr) or isinstance(expr, (ir.Lit, ir.Dim)):
        return
    if isinstance(expr, ir.Var):
        yield expr.name
    elif isinstance(expr, ir.Index):
        yield from holders(expr.base)
    else:
        for child in ir.children(expr):
            yield from holders(child)


class Sharing:
    """Classes of variables that may share memory at some time while the program runs."""

    def __init__(self, block: ir.Block) -> None:
        self._parent: dict[str, str] = {}
        for statement in ir.statements(block):
            for name, expr in _bindings(statement):
                for held in holders(expr):
                    self.join(name, held)
        self.stored = {
            self.of(s.target.name)
            for s in ir.statements(block)
            if isinstance(s, ir.Store) or (isinstance(s, ir.Pop) and s.index is not None)
        }
        """The classes that are changed in place."""

    def of(self, name: str) -> str:
        """Return the class of a variable, by the name of one of its members."""
        while name in self._parent:
            name = self._parent[name]
        return name

    def join(self, a: str, b: str) -> None:
        """Let two variables share memory from now on."""
        a, b = self.of(a), self.of(b)
        if a != b:
            self._parent[a] = b


_STACK = "'stack"
"""Stands for what is saved in a list; no variable has a quote."""


def _bindings(statement: ir.Stmt) -> Iterator[tuple[str, ir.Expr]]:
    """Yield the names that a statement binds, with the values that they then hold."""
    match statement:
        case ir.Assign(name=name, value=value) | ir.Alias(name=name, value=value):
            yield name, value
        case ir.Move(targets=targets, sources=sources):
            yield from zip(targets, sources, strict=True)
        case ir.Push(value=value, copy=False, stack=stack):
            yield _STACK + stack, value
        case ir.Pop(target=target, index=None, stack=stack):
            if not target.type.is_number:
                yield target.name, ir.Var(target.type, _STACK + stack)
        case ir.Effect(value=value, names=names):
            yield from ((name, part) for name in names for part in ir.children(value))
        case ir.Invoke(names=names, args=args):
            yield from ((name, arg) for name in names for arg in args)
        case ir.Opaque(name=name, args=args, pullback=pullback):
            yield from ((name, arg) for arg in args)
            yield from ((pullback, arg) for arg in args if pullback)
