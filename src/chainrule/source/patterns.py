"""``match`` as ``if`` and ``elif``: what a pattern asks for, and which names it binds."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

Condition = ast.expr
Names = list[tuple[str, ast.expr]]
"""Names that a pattern binds, with what they are bound to."""


def has_items(subject: Any, count: int, more: bool) -> bool:
    """Tell a tuple or a list of so many items, or of ``more`` than that."""
    raise NotImplementedError  # lowering knows what it means


def has_keys(subject: Any, *keys: Any) -> bool:
    """Tell a dict that has these keys."""
    raise NotImplementedError


def member(subject: Any, cls: Any, place: int) -> Any:
    """Return what a pattern ``cls(...)`` takes by position."""
    raise NotImplementedError


class Unreadable(Exception):  # noqa: N818
    """A pattern that is not understood."""


def as_ifs(node: ast.Match) -> list[ast.stmt] | None:
    """Return a ``match`` as ``if`` and ``elif``; None if it has a pattern that is not understood.

    A name that a pattern binds is bound where the whole case matches.
    """
    subject = f"<subject {node.lineno}>"
    chain: list[ast.stmt] = []
    for case in reversed(node.cases):
        try:
            tests, names = _read(case.pattern, _load(subject))
        except Unreadable:
            return None
        bound: list[ast.stmt] = [ast.Assign([ast.Name(n, ast.Store())], x) for n, x in names]
        if case.guard is not None:
            tests.append(_Replace(dict(names)).visit(_copied(case.guard)))
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests or [_true()])
        if isinstance(test, ast.BoolOp) and len(test.values) == 1:
            (test,) = test.values
        chain = [ast.If(test, [*bound, *case.body], chain)]
    first = ast.Assign([ast.Name(subject, ast.Store())], node.subject)
    return [ast.fix_missing_locations(ast.copy_location(s, node)) for s in (first, *chain)]


class _Replace(ast.NodeTransformer):
    """Writes what a pattern has found for its names: a guard is evaluated before they are bound."""

    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def _copied(node: ast.expr) -> ast.expr:
    copied: ast.expr = ast.parse(ast.unparse(node), mode="eval").body
    return ast.copy_location(copied, node)


def _true() -> ast.expr:
    return ast.Constant(True)


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _call(fn: Callable[..., Any], *args: Any) -> ast.expr:
    given = [x if isinstance(x, ast.expr) else ast.Constant(x) for x in args]
    return ast.Call(ast.Constant(fn), given, [])  # type: ignore[arg-type]


def _read(pattern: ast.pattern, x: ast.expr) -> tuple[list[Condition], Names]:
    """Return the conditions under which ``x`` matches, and the names that are bound then."""
    match pattern:
        case ast.MatchValue(value=value):
            return [ast.Compare(x, [ast.Eq()], [value])], []
        case ast.MatchSingleton(value=value):
            return [ast.Compare(x, [ast.Is()], [ast.Constant(value)])], []
        case ast.MatchAs(pattern=inner, name=name):
            tests, names = ([], []) if inner is None else _read(inner, x)
            return tests, names if name is None else [*names, (name, x)]
        case ast.MatchOr(patterns=patterns):
            found = [_read(part, x) for part in patterns]
            tests, names = [_all(part) for part, _ in found], found[0][1]
            if any(_text(other) != _text(names) for _, other in found):
                raise Unreadable
            return [ast.BoolOp(ast.Or(), tests)], names
        case ast.MatchSequence(patterns=patterns):
            return _sequence(patterns, x)
        case ast.MatchMapping(keys=keys, patterns=patterns, rest=None):
            test = _call(has_keys, x, *keys)
            items = [ast.Subscript(x, key, ast.Load()) for key in keys]
            return _together([test], list(zip(patterns, items, strict=True)))
        case ast.MatchClass(cls=cls, patterns=places, kwd_attrs=attributes, kwd_patterns=named):
            test = ast.Call(_load("isinstance"), [x, cls], [])
            parts = [_call(member, x, cls, k) for k in range(len(places))]
            parts += [ast.Attribute(x, name, ast.Load()) for name in attributes]
            return _together([test], list(zip([*places, *named], parts, strict=True)))
    raise Unreadable


def _text(names: Names) -> list[tuple[str, str]]:
    return sorted((name, ast.dump(x)) for name, x in names)


def _all(tests: list[Condition]) -> Condition:
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests) if tests else _true()


def _together(
    tests: list[Condition], parts: list[tuple[ast.pattern, ast.expr]]
) -> tuple[list[Condition], Names]:
    names: Names = []
    for pattern, x in parts:
        more, bound = _read(pattern, x)
        tests, names = [*tests, *more], [*names, *bound]
    return tests, names


def _sequence(patterns: list[ast.pattern], x: ast.expr) -> tuple[list[Condition], Names]:
    stars = [k for k, part in enumerate(patterns) if isinstance(part, ast.MatchStar)]
    count = len(patterns) - len(stars)
    test = _call(has_items, x, count, bool(stars))
    parts: list[tuple[ast.pattern, ast.expr]] = []
    names: Names = []
    for k, part in enumerate(patterns):
        if isinstance(part, ast.MatchStar):
            end = ast.Constant(k - count) if k < count else None
            rest = ast.Subscript(x, ast.Slice(ast.Constant(k), end), ast.Load())
            names += [(part.name, ast.Call(_load("list"), [rest], []))] if part.name else []
            continue
        place = k if not stars or k < stars[0] else k - len(patterns)
        parts.append((part, ast.Subscript(x, ast.Constant(place), ast.Load())))
    tests, bound = _together([test], parts)
    return tests, [*bound, *names]
