"""Split a rule into one piece of source per argument.

A rule returns a tuple, one entry per argument. Each entry becomes a piece of its own: the
statements that it needs, and its expression. So nothing is computed that nobody asked for, and an
engine can put the text of a piece into the code that it generates. A module's source is parsed
once.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from .._syntax import parse


@dataclass(frozen=True)
class Piece:
    """The part of a rule that yields one entry of its tuple."""

    statements: tuple[str, ...]
    expression: str
    used: frozenset[str]
    read: frozenset[str]
    """Of the used names those whose numbers matter, not only their shape or dtype."""
    fresh: bool
    """Whether the expression makes a new array that may be overwritten."""
    keeps_dtype: bool
    """Whether ct times the expression has the dtype of ct when all arguments have."""
    divisors: frozenset[str]
    """Names that something is divided by: a Python number there must not be zero."""


@functools.cache
def _definitions(module: str) -> dict[tuple[str, int], ast.FunctionDef]:
    """All module-level function definitions of a module, by name and line."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    get_source = getattr(getattr(spec, "loader", None), "get_source", None)
    source = get_source(module) if get_source else None
    if source is None:
        return {}
    tree = parse(source)
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {(node.name, _first_line(node)): node for node in found}


def _first_line(node: ast.FunctionDef) -> int:
    return node.decorator_list[0].lineno if node.decorator_list else node.lineno


def split(rule: Callable[..., Any], count: int) -> list[Piece] | None:
    """Return the ``count`` pieces of ``rule``, or None where its source is not to be had."""
    if not isinstance(rule, FunctionType):
        return None
    key = (rule.__name__, rule.__code__.co_firstlineno)
    definition = _definitions(rule.__module__).get(key)
    if definition is None:
        return None
    body = [s for s in definition.body if not _is_docstring(s)]
    if not all(isinstance(s, ast.Assign) for s in body[:-1]) or not isinstance(
        body[-1], ast.Return
    ):
        return None
    returned = body[-1].value
    entries = returned.elts if count > 1 and isinstance(returned, ast.Tuple) else [returned]
    if len(entries) != count:
        return None
    return [_piece(body[:-1], entry) for entry in entries if entry is not None]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}


def _piece(assignments: list[ast.stmt], entry: ast.expr) -> Piece:
    """Keep what ``entry`` needs: walk the assignments backwards."""
    needed = _names(entry, ast.Load)
    kept_nodes: list[ast.stmt] = []
    for statement in reversed(assignments):
        if _names(statement, ast.Store) & needed:
            kept_nodes.append(statement)
            needed |= _names(statement, ast.Load)
    keeps = _keeps_dtype(entry) and not kept_nodes
    fresh = keeps and isinstance(entry, ast.BinOp | ast.UnaryOp | ast.Call)
    read = frozenset().union(*(_read_names(node) for node in [entry, *kept_nodes]))
    statements = tuple(ast.unparse(node) for node in reversed(kept_nodes))
    divisors = frozenset().union(*(_divisors(node) for node in [entry, *kept_nodes]))
    return Piece(statements, ast.unparse(entry), frozenset(needed), read, fresh, keeps, divisors)


def _divisors(node: ast.AST) -> set[str]:
    return {
        n.right.id
        for n in ast.walk(node)
        if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div) and isinstance(n.right, ast.Name)
    }


def _read_names(node: ast.AST) -> set[str]:
    """Names whose values are read: not those in ``x.shape`` or ``np.ndim(x)`` alone."""
    if isinstance(node, ast.Attribute) and node.attr in ("shape", "ndim", "size", "dtype"):
        return set()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = ast.Tuple([]) if node.func.attr in ("shape", "ndim", "size") else node
    if isinstance(node, ast.Name):
        return {node.id}
    return set().union(*(_read_names(child) for child in ast.iter_child_nodes(node)))


_FLOAT_UFUNCS = frozenset(
    {
        *("sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p"),
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan"),
        *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
        *("square", "sign", "reciprocal", "absolute", "negative"),
    }
)


def _keeps_dtype(node: ast.expr) -> bool:
    """Tell whether an expression of float32 arrays is surely float32: arithmetic, plain ufuncs."""
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and _keeps_dtype(node.operand)
    if isinstance(node, ast.BinOp):
        return _keeps_dtype(node.left) and _keeps_dtype(node.right)
    if isinstance(node, ast.Call):
        return (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in _FLOAT_UFUNCS
            and all(_keeps_dtype(arg) for arg in node.args)
        )
    if isinstance(node, ast.Attribute):  # np.pi
        return isinstance(node.value, ast.Name) and node.value.id == "np"
    return False


def piece_function(rule: Callable[..., Any], piece: Piece, params: str) -> Callable[..., Any]:
    """Compile one piece into a function of the rule's parameters."""
    lines = [f"def _made({params}):", *piece.statements, f"return {piece.expression}"]
    source = "\n    ".join(lines)
    space: dict[str, Any] = dict(rule.__globals__) if isinstance(rule, FunctionType) else {}
    exec(compile(source, f"<chainrule rule {rule.__name__}>", "exec"), space)
    made: Callable[..., Any] = space["_made"]
    return made
