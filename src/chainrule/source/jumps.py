"""From Python's syntax to Python's syntax: ``return``, ``break`` and ``continue`` are removed.

What follows an ``if`` that jumps moves into the arm that does not. In loops, flags say what has
happened, and the loop ends once one of them is set. A flag that is known while lowering costs
nothing in the program. The names of flags cannot be written by a user: ``<stop 1>``.

A loop that may end early gets two attributes: ``until``, the flag that ends it, and ``flags``,
all flags of which it is known that they are not set when an iteration begins.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .patterns import as_ifs

RESULT = "<result>"
"""The name that a function's result is bound to."""

_JUMPS = (ast.Return, ast.Break, ast.Continue)
_LOOPS = (ast.For, ast.While)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True)
class _Context:
    """The flags that each kind of jump sets."""

    on_return: tuple[str, ...] = ()
    on_break: tuple[str, ...] = ()
    on_continue: tuple[str, ...] = ()
    returned: str | None = None
    """The flag of the outermost loop that a ``return`` leaves."""


def remove_jumps(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return a function's body without jumps; its result is bound to ``<result>``."""
    statements = list(body)
    if not _ends(statements):
        end = ast.Return(ast.Constant(None))
        statements.append(_located(end, statements[-1]))
    return _Remover().block(statements, _Context())


def is_returned(name: object) -> bool:
    """Tell the flag that says that the function has returned."""
    return isinstance(name, str) and name.startswith("<returned ")


class _Remover:
    def __init__(self) -> None:
        self._count = itertools.count(1)

    def flag(self, base: str) -> str:
        """Return a new flag."""
        return f"<{base} {next(self._count)}>"

    def block(self, body: Sequence[ast.stmt], context: _Context) -> list[ast.stmt]:
        """Rewrite statements that stand one after the other."""
        done: list[ast.stmt] = []
        for k, statement in enumerate(body):
            rest = list(body[k + 1 :])
            is_simple = not isinstance(statement, _LOOPS) and not is_finally(statement)
            if is_simple and not _escapes(statement):
                done.append(self.inside(statement, context))
                continue
            if isinstance(statement, _JUMPS):
                return done + _jump(statement, context)
            if isinstance(statement, ast.Try) and is_finally(statement):
                return done + self.block([*in_order(statement), *rest], context)
            if isinstance(statement, _LOOPS):
                more, finished = self.loop(statement, rest, context)
                done += more
                if finished:
                    return done
                continue
            if isinstance(statement, ast.If):
                return done + self.branch(statement, rest, context)
            if isinstance(statement, ast.Match) and (ifs := as_ifs(statement)):
                return done + self.block([*ifs, *rest], context)
            if isinstance(statement, ast.With):
                opened = _located(ast.With(statement.items, [_pass(statement)]), statement)
                return done + self.block([opened, *statement.body, *rest], context)
            done.append(statement)
        return done

    def inside(self, node: ast.stmt, context: _Context) -> ast.stmt:
        """Rewrite the loops in a statement that no jump leaves."""
        match node:
            case ast.If():
                return self.arms(node, node.body, node.orelse, context)
            case ast.With(items=items, body=body):
                made: ast.stmt = _located(ast.With(items, self.block(body, context)), node)
                return made
            case ast.Match(subject=subject, cases=cases):
                blocks = [self.block(case.body, context) for case in cases]
                cases = [
                    ast.match_case(case.pattern, case.guard, block)
                    for case, block in zip(cases, blocks, strict=True)
                ]
                return _located(ast.Match(subject, cases), node)  # type: ignore[no-any-return]
        return node

    def branch(self, node: ast.If, rest: list[ast.stmt], context: _Context) -> list[ast.stmt]:
        """Rewrite an ``if`` that jumps, with what follows it."""
        body, orelse = list(node.body), list(node.orelse)
        if not rest or _ends(body) or _ends(orelse):
            if not _ends(body):
                body += rest
            if not _ends(orelse):
                orelse += rest
            return [self.arms(node, body, orelse, context)]
        flag = self.flag("skip")
        inner = replace(
            context,
            on_return=(*context.on_return, flag),
            on_break=(*context.on_break, flag),
            on_continue=(*context.on_continue, flag),
        )
        guarded = _guard(flag, self.block(rest, context), node)
        return [_set(flag, False, node), self.arms(node, body, orelse, inner), guarded]

    def arms(
        self, node: ast.If, body: list[ast.stmt], orelse: list[ast.stmt], context: _Context
    ) -> ast.If:
        """Rewrite the arms of an ``if``."""
        then = self.block(body, context) or [_pass(node)]
        made: ast.If = _located(ast.If(node.test, then, self.block(orelse, context)), node)
        return made

    def loop(
        self, node: ast.For | ast.While, rest: list[ast.stmt], context: _Context
    ) -> tuple[list[ast.stmt], bool]:
        """Rewrite a loop; tell whether what follows it is taken care of as well."""
        kinds = {kind for statement in node.body for kind in _escapes(statement)}
        setup: list[ast.stmt] = []
        stop = self.flag("stop") if "break" in kinds else None
        returned = context.returned
        if "return" in kinds and returned is None:
            returned = self.flag("returned")
        until = stop or (returned if "return" in kinds else None)
        for flag in {stop: None, returned if returned != context.returned else None: None}:
            if flag is not None:
                setup.append(_set(flag, False, node))
        set_by_return = tuple(f for f in (returned, stop) if f and f not in context.on_return)
        inner = _Context(
            (*context.on_return, *set_by_return), (stop,) if stop else (), (), returned
        )
        made = _with_body(node, self.block(node.body, inner) or [_pass(node)])
        made.until = until  # type: ignore[union-attr]
        flags = (*inner.on_return, *inner.on_break) if "return" in kinds else inner.on_break
        made.flags = tuple(dict.fromkeys(flags))  # type: ignore[union-attr]
        after = list(node.orelse)
        if after and until:
            after = [_guard(until, after, node)]
        if "return" not in kinds:
            return [*setup, made, *self.block([*after, *rest], context)], True
        follow = self.block([*after, *rest], context)
        assert returned is not None
        return [*setup, made, *([_guard(returned, follow, node)] if follow else [])], True


def is_finally(node: ast.stmt) -> bool:
    """Tell ``try`` and ``finally`` without ``except``, left at the end of its body if at all."""
    if not isinstance(node, ast.Try) or node.handlers or node.orelse:
        return False
    inside = node.body[:-1] if isinstance(node.body[-1], ast.Return) else node.body
    return not any(_escapes(statement) for statement in inside)


def in_order(node: ast.Try) -> list[ast.stmt]:
    """Return what ``try`` and ``finally`` do where no exception is raised."""
    *body, last = node.body
    if not isinstance(last, ast.Return):
        return [*node.body, *node.finalbody]
    name = f"<returned {node.lineno}>"
    value = last.value or ast.Constant(None)
    kept = _located(ast.Assign([_name(name, ast.Store())], value), last)
    returned = _located(ast.Return(_name(name, ast.Load())), last)
    return [*body, kept, *node.finalbody, returned]


def _jump(node: ast.stmt, context: _Context) -> list[ast.stmt]:
    if isinstance(node, ast.Return):
        value = node.value or _located(ast.Constant(None), node)
        result: ast.stmt = ast.Assign([_name(RESULT, ast.Store())], value)
        sets = [_set(flag, True, node) for flag in context.on_return]
        return [_located(result, node), *sets]
    flags = context.on_break if isinstance(node, ast.Break) else context.on_continue
    return [_set(flag, True, node) for flag in flags]


# ----------------------------------------------------------------------------------- questions


def _escapes(node: ast.stmt) -> set[str]:
    """Return the kinds of jumps in a statement that leave it."""
    return set(_escaping(node))


def _escaping(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _JUMPS):
        yield type(node).__name__.lower()
        return
    if isinstance(node, (*_DEFINITIONS, ast.expr)):
        return
    inner = [kind for child in ast.iter_child_nodes(node) for kind in _escaping(child)]
    if isinstance(node, _LOOPS):
        outside = {kind for s in node.orelse for kind in _escaping(s)}
        yield from (kind for kind in inner if kind == "return" or kind in outside)
    else:
        yield from inner


def _ends(body: Sequence[ast.stmt]) -> bool:
    """Tell whether control never reaches the end of a block."""
    return any(_is_end(statement) for statement in body)


def _is_end(node: ast.stmt) -> bool:
    if isinstance(node, (*_JUMPS, ast.Raise)):
        return True
    if isinstance(node, ast.If):
        return _ends(node.body) and _ends(node.orelse)
    if isinstance(node, ast.With) or (isinstance(node, ast.Try) and is_finally(node)):
        return _ends(node.body)
    if isinstance(node, ast.Match) and (ifs := as_ifs(node)):
        return _ends(ifs)
    if isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and node.test.value:
        return not any("break" in _escapes(statement) for statement in node.body)
    return False


# ---------------------------------------------------------------------------------- new nodes


def _located(node: Any, like: ast.AST) -> Any:
    """Give a new node the place of another one."""
    return ast.fix_missing_locations(ast.copy_location(node, like))


def _name(name: str, context: ast.expr_context) -> ast.Name:
    return ast.Name(name, context)


def _pass(like: ast.AST) -> ast.stmt:
    made: ast.stmt = _located(ast.Pass(), like)
    return made


def _set(flag: str, value: bool, like: ast.AST) -> ast.stmt:
    made: ast.stmt = _located(ast.Assign([_name(flag, ast.Store())], ast.Constant(value)), like)
    return made


def _guard(flag: str, body: list[ast.stmt], like: ast.AST) -> ast.stmt:
    test = ast.UnaryOp(ast.Not(), _name(flag, ast.Load()))
    made: ast.stmt = _located(ast.If(test, body or [_pass(like)], []), like)
    return made


def _with_body(node: ast.For | ast.While, body: list[ast.stmt]) -> ast.For | ast.While:
    if isinstance(node, ast.For):
        made: ast.For | ast.While = ast.For(node.target, node.iter, body, [])
    else:
        made = ast.While(node.test, body, [])
    return ast.copy_location(made, node)
