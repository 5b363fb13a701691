"""The user's functions as syntax trees, and where their free names live."""

from __future__ import annotations
import __future__

import ast
import functools
import linecache
import operator
from collections import defaultdict
from collections.abc import Iterator
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


def _first_line(node: ast.stmt | ast.Lambda) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def definition(fn: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | None:
    """Return the definition of a function, None where its source is not at hand."""
    code = fn.__code__
    linecache.checkcache(code.co_filename)  # the file may have been changed and imported again
    text = "".join(linecache.getlines(code.co_filename, fn.__globals__))
    at_line = _parsed(code.co_filename, text).get(code.co_firstlineno, [])
    candidates = [node for node in at_line if _matches(node, code)]
    if len(candidates) > 1:
        candidates = [node for node in candidates if _covers(node, code)]
    if len(candidates) != 1 or not _is_text_of(code, text, candidates[0]):
        return None
    return candidates[0]  # type: ignore[return-value]


def _is_text_of(code: CodeType, text: str, node: ast.AST) -> bool:
    """Tell whether a function was made from this text, and not from an older or newer one.

    Tools that look at assertions compile them otherwise: functions with such are not compared.
    """
    if any(isinstance(part, ast.Assert) for part in ast.walk(node)):
        return True
    line, flags = code.co_firstlineno, code.co_flags & _FUTURES
    compiled = _compiled(text, flags)
    if compiled is None or any(_alike(found, code) for found in compiled[line]):
        return True
    return any(_alike(found, code) for found in _compiled_apart(text, line, flags))


_FUTURES = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


@functools.lru_cache(256)
def _compiled(text: str, flags: int) -> dict[int, list[CodeType]] | None:
    """Return what Python makes of a text by first lines, None of what it takes in pieces only."""
    try:
        module = compile(text, "<text>", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    found: dict[int, list[CodeType]] = defaultdict(list)
    for code in _codes(module):
        found[code.co_firstlineno].append(code)
    return found


def _compiled_apart(text: str, line: int, flags: int) -> list[CodeType]:
    """Return what Python makes of the one statement of a text with this line, as notebooks do.

    Without the imports around it the calls of a module's functions are other instructions.
    """
    body = parse_text(text).body
    statements = [s for s in body if _first_line(s) <= line <= (s.end_lineno or 0)]
    module = compile(ast.Module(statements, []), "<text>", "exec", flags, dont_inherit=True)
    return [code for code in _codes(module) if code.co_firstlineno == line]


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _alike(a: CodeType, b: CodeType) -> bool:
    """Compare what two functions do, wherever they stand."""
    return (
        a.co_firstlineno == b.co_firstlineno
        and a.co_code == b.co_code
        and (a.co_names, a.co_varnames, a.co_freevars) == (b.co_names, b.co_varnames, b.co_freevars)
        and len(a.co_consts) == len(b.co_consts)
        and all(map(_same_constant, a.co_consts, b.co_consts))
    )


def _same_constant(a: object, b: object) -> bool:
    if isinstance(a, CodeType) and isinstance(b, CodeType):
        return _alike(a, b)
    return type(a) is type(b) and (a == b or repr(a) == repr(b))


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
