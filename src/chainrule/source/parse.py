"""The user's functions as syntax trees, and where their free names live."""

from __future__ import annotations

import ast
import functools
import linecache
from types import CodeType, FunctionType

from .._syntax import parse as parse_text

Definition = ast.FunctionDef | ast.Lambda


@functools.lru_cache(256)
def _parsed(file: str, text: str) -> dict[int, list[ast.AST]]:
    """Return the function definitions of a file by their first lines."""
    found: dict[int, list[ast.AST]] = {}
    try:
        tree = parse_text(text)
    except SyntaxError:  # the file has changed since it was imported
        return found
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            found.setdefault(_first_line(node), []).append(node)
    return found


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def definition(fn: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None:
    """Return the definition of a function, None where its source is not at hand."""
    code = fn.__code__
    lines = linecache.getlines(code.co_filename, fn.__globals__)
    candidates = [
        node
        for node in _parsed(code.co_filename, "".join(lines)).get(code.co_firstlineno, [])
        if _matches(node, code)
    ]
    if len(candidates) > 1:
        candidates = [node for node in candidates if _covers(node, code)]
    return candidates[0] if len(candidates) == 1 else None  # type: ignore[return-value]


def _matches(node: ast.AST, code: CodeType) -> bool:
    """Compare the name and the parameters."""
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    count = code.co_argcount + code.co_kwonlyargcount
    a = node.args
    names = tuple(arg.arg for arg in (*a.posonlyargs, *a.args, *a.kwonlyargs))
    return code.co_name == name and _unmangled(code.co_varnames[:count]) == _unmangled(names)


def _unmangled(names: tuple[str, ...]) -> tuple[str, ...]:
    """``__x`` in a class is ``_Class__x`` in its code."""
    return tuple(
        "__" + n.partition("__")[2] if n.startswith("_") and "__" in n else n for n in names
    )


def _covers(node: ast.AST, code: CodeType) -> bool:
    """Tell whether the instructions come from this node, by their columns."""
    body = node.body if isinstance(node, ast.Lambda) else node
    assert isinstance(body, (ast.expr, ast.stmt))
    low = (body.lineno, body.col_offset)
    high = (body.end_lineno or 0, body.end_col_offset or 0)
    places = [
        ((line, column), (end_line, end_column))
        for line, end_line, column, end_column in code.co_positions()
        if None not in (line, end_line, column, end_column) and (column, end_column) != (0, 0)
    ]
    return bool(places) and (
        min(start for start, _ in places) == low and max(end for _, end in places) == high
    )


@functools.lru_cache(512)
def free_names(node: ast.AST) -> frozenset[str]:
    """Return all names that a definition reads or writes."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return frozenset(names | {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)})


@functools.lru_cache(512)
def assigned_in_loop(node: ast.For | ast.While) -> tuple[str, ...]:
    """Return the names that an iteration binds, in order."""
    test: list[ast.stmt] = [ast.Expr(node.test)] if isinstance(node, ast.While) else []
    return tuple(assigned_names([*node.body, *test]))


def assigned_names(body: list[ast.stmt] | list[ast.expr]) -> list[str]:
    """Return the names that statements bind in their own scope, in order."""
    found: dict[str, None] = {}

    def visit(node: ast.AST, in_comprehension: bool) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = None
            return
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.NamedExpr):
            found[node.target.id] = None
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            if not in_comprehension:
                found[node.id] = None
        elif isinstance(node, ast.alias):
            found[(node.asname or node.name).partition(".")[0]] = None
        inside = in_comprehension or isinstance(
            node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        )
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    for statement in body:
        visit(statement, False)
    return list(found)


def own_nodes(node: ast.AST) -> list[ast.AST]:
    """Return the nodes of a definition without those of definitions inside it."""
    found: list[ast.AST] = []
    pending = list(getattr(node, "body", []))
    while pending:
        part = pending.pop()
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        found.append(part)
        pending += ast.iter_child_nodes(part)
    return found
