"""Which names are read again after a statement: the others need not be carried or joined.

Works on syntax without jumps. An ``if`` gets the attribute ``live``: the names that may be read
after it. A loop gets ``live`` too, ``head``: the names that may be read when an iteration begins
or the loop ends, and ``reads``: those that an iteration may read before it binds them. Names that
a function defined inside reads are read at any time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def annotate(body: Sequence[ast.stmt]) -> None:
    """Mark the branches and loops of a function's body."""
    _block(body, frozenset())
    always = {name for statement in body for name in _captured(statement)}
    for node in (node for statement in body for node in ast.walk(statement)):
        for mark in ("live", "head"):
            if hasattr(node, mark):
                setattr(node, mark, getattr(node, mark) | always)


def is_live(name: str, live: frozenset[str] | None) -> bool:
    """Tell whether a name is read again; those of flags and results always are."""
    return live is None or name in live or name.startswith("<")


def _captured(node: ast.AST) -> set[str]:
    """Return the names that definitions in a statement use, and those declared nonlocal."""
    found: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, (ast.Nonlocal, ast.Global)):
            found.update(inner.names)
        if isinstance(inner, _DEFINITIONS):
            found |= _names(inner)
    return found


def _names(node: ast.AST | None) -> set[str]:
    """Return all names in a node, read or written."""
    nodes = () if node is None else ast.walk(node)
    return {n.id for n in nodes if isinstance(n, ast.Name)}


def _block(body: Iterable[ast.stmt], after: frozenset[str]) -> frozenset[str]:
    """Return the names that are read when a block begins, given those read after it."""
    live = after
    for statement in reversed(list(body)):
        live = _before(statement, live)
    return live


def _before(node: ast.stmt, after: frozenset[str]) -> frozenset[str]:
    match node:
        case ast.If(test=test, body=body, orelse=orelse):
            node.live = after  # type: ignore[attr-defined]
            return _block(body, after) | _block(orelse, after) | _names(test)
        case ast.For() | ast.While():
            return _loop(node, after)
        case ast.Match(subject=subject, cases=cases):
            inside = [_block(case.body, after) | _names(case.guard) for case in cases]
            return after.union(_names(subject), *inside)
        case ast.With(items=items, body=body):
            return _block(body, after).union(*(_names(item) for item in items))
        case ast.Assign(targets=targets, value=value):
            bound = {name for target in targets for name in _bound(target)}
            read = [_names(target) - _bound(target) for target in targets]
            return (after - bound).union(_names(value), *read)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return (after - {name}) | _names(value)
    return after | _names(node)


def _bound(target: ast.expr) -> set[str]:
    """Return the names that a target binds and does not read."""
    match target:
        case ast.Name(id=name):
            return {name}
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            read = {n for part in parts for n in _names(part) - _bound(part)}
            return {n for part in parts for n in _bound(part)} - read
        case ast.Starred(value=value):
            return _bound(value)
    return set()


def _loop(node: ast.For | ast.While, after: frozenset[str]) -> frozenset[str]:
    """Find what is read at the head: it is read at the end of the body too."""
    end = _block(node.orelse, after)
    if isinstance(node, ast.While):
        end |= _names(node.test)
    node.reads = _block(node.body, frozenset())  # type: ignore[union-attr]
    head = end
    while True:  # the last round leaves the marks inside
        inside = _block(node.body, head)
        if isinstance(node, ast.For):
            inside = (inside - _bound(node.target)) | (_names(node.target) - _bound(node.target))
        if inside <= head:
            break
        head |= inside
    node.live, node.head = after, head  # type: ignore[union-attr]
    return head | _names(node.iter) if isinstance(node, ast.For) else head
