"""What the interpreter runs, with NumPy: statements that machine code cannot, and their objects.

Objects (strings, generators, tuples of arrays, pullbacks) never enter machine code. They wait in a
dict that lives for one call of the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Assign, Call, Expr, Lit, Stmt, Var
from ..types import OBJECT
from .asking import OBJECTS
from .code import Python
from .state import NotNative, State


def by_python(state: State, expr: Expr, why: str) -> Var:
    """Let the interpreter compute an expression."""
    name = state.fresh("t")
    state.types[name] = expr.type
    run(state, Assign(name, expr), [name], why)
    return Var(expr.type, name)


def run(state: State, statement: Stmt, names: Sequence[str], why: str) -> None:
    """Let the interpreter run a statement that binds some variables."""
    results = tuple((n, state.types[n]) for n in names if state.types[n].dtype is not None)
    kept = tuple(n for n in names if state.types[n].dtype is None)
    inside = _outside(state, statement)
    read = {
        e.name for expr in ir.expressions(inside) for e in ir.walk(expr)
        if isinstance(e, Var) and e.type.dtype is None and e.name not in state.views
    }  # fmt: skip
    if isinstance(inside, ir.Store):
        read |= {inside.target.name} if inside.target.type.dtype is None else set()
    state.objects |= read
    state.objects |= {*kept}
    state.emit(Python(inside, results, why, tuple(sorted(read)), kept))


def _outside(state: State, statement: Stmt) -> Stmt:
    match statement:
        case ir.Assign(value=value) | ir.Effect(value=value) | ir.Raise(value=value):
            return replace(statement, value=outside(state, value))
        case ir.Opaque(args=args):
            return replace(statement, args=tuple(outside(state, arg) for arg in args))
        case ir.Store(index=index, value=value):
            index = tuple(outside(state, e) for e in index)
            return replace(statement, index=index, value=outside(state, value))
    raise NotNative(f"{type(statement).__name__} by the interpreter")


def outside(state: State, expr: Expr) -> Expr:
    """Return an expression for the interpreter: without names of views, numbers as NumPy's own."""

    def change(e: Expr) -> Expr:
        if not isinstance(e, Var):
            return e
        if e.name in state.views:
            made_by = state.views[e.name][1]
            if made_by is None:
                raise NotNative(f"a view of several arrays, {e.name}")
            return outside(state, made_by)
        if e.name in state.literals:
            return state.literals[e.name]
        return _as_numpy(e)

    return ir.rewrite(expr, change)


def _as_numpy(var: Var) -> Expr:
    """Return a number, which reaches the interpreter as Python's, in its own type."""
    type_ = var.type
    if type_.dtype is None or type_.ndim or type_.kind == "python":
        return var
    if type_.is_array:
        return Call(type_, np.array, (var,), (("dtype", Lit(OBJECT, type_.dtype)),))
    return Call(type_, type_.dtype.type, (var,))


def store(state: State, statement: ir.Store, why: str) -> None:
    """Let the interpreter store into an array."""
    target = statement.target
    if target.type.dtype is not None and not target.type.ndim:
        raise NotNative(why)
    if target.name in state.views:
        view = Var(OBJECT, state.fresh("view"))
        state.types[view.name] = OBJECT
        run(state, Assign(view.name, target), [view.name], "a view")
        target = view
    run(state, replace(statement, target=target), [], why)


def push(state: State, value: Expr) -> None:
    """Save an object."""
    _only_one_list(state)
    append = Call(OBJECT, list.append, (Var(OBJECT, OBJECTS), value))
    run(state, ir.Effect(append), [], "it saves an object")


def pop(state: State, name: str) -> None:
    """Take the object saved last."""
    _only_one_list(state)
    last = Call(OBJECT, list.pop, (Var(OBJECT, OBJECTS),))
    run(state, Assign(name, last), [name], "it takes a saved object")


def _only_one_list(state: State) -> None:
    if state.list:
        raise NotNative("objects saved in a list of their own")
