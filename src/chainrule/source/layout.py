"""Lines that are too long, wrapped as Python's formatters do: inside brackets, level by level."""

from __future__ import annotations

import functools
import io
import tokenize
from collections.abc import Iterator

WIDTH = 100
INDENT = "    "

_LOOSEST_FIRST = (
    ("if", "else"),
    ("or",),
    ("and",),
    ("<", "<=", ">", ">=", "==", "!=", "in", "is", "not"),
    ("|",),
    ("^",),
    ("&",),
    ("+", "-"),
    ("*", "/", "//", "%", "@"),
)
_OPERATORS = frozenset(sign for signs in _LOOSEST_FIRST for sign in signs)
_BEFORE_AN_OPERAND = _OPERATORS | frozenset({"", ",", "=", ":", "(", "[", "{", "**"})
"""After these a sign has no left operand: it is no place to break a line."""


def wrap(line: str, indent: str = "") -> list[str]:
    """Return a line of code, which is a whole statement or its head, as lines that fit."""
    if len(indent) + len(line) <= WIDTH:
        return [indent + line]
    return _wrapped(line, indent) or [indent + line]


def _wrapped(line: str, indent: str) -> list[str] | None:
    start = _right_side(line)
    if start and len(list(_split(line[start:], (",",)))) > 1:  # return a, b
        return [f"{indent}{line[:start]}(", *_inside(line[start:], indent + INDENT), f"{indent})"]
    if start and _is_operation(line[start:]):
        if line[start] == "(":  # x = (a + b) / c has a place to break already
            closing = next(_pairs(line[start:]))[1] + start
            within = _inside(line[start + 1 : closing], indent + INDENT)
            if len(within) == 1 and len(indent + line[closing:]) <= WIDTH:
                return [indent + line[: start + 1], *within, indent + line[closing:]]
        end = len(line) - (line.endswith(":"))
        parts = _inside(line[start:end], indent + INDENT)
        return [f"{indent}{line[:start]}(", *parts, f"{indent}){line[end:]}"]
    for opening, closing in reversed(list(_pairs(line))):
        head, inner, tail = line[: opening + 1], line[opening + 1 : closing], line[closing:]
        if not inner or len(indent) + len(head) > WIDTH or len(indent) + len(tail) > WIDTH:
            continue
        return [indent + head, *_inside(inner, indent + INDENT), indent + tail]
    return None


def _inside(text: str, indent: str) -> list[str]:
    """What stands within brackets: on one line, else one item a line, else term by term."""
    if len(indent) + len(text) <= WIDTH:
        return [indent + text]
    items = list(_split(text, (",",)))
    if len(items) > 1:
        items = [item.strip() for item in items]
        ended = [f"{item}," for item in items if item]
        return [line for item in ended for line in wrap(item, indent)]
    for signs in _LOOSEST_FIRST:
        terms = list(_split(text, signs))
        if len(terms) > 1:
            return [line for term in terms for line in wrap(term.strip(), indent)]
    return wrap(text, indent)


@functools.lru_cache(256)  # one text is split at commas, then at each kind of operator
def _tokens(text: str) -> list[tuple[str, int, int, int]]:
    """Return each token with its begin, its end and how deep in brackets it stands."""
    found: list[tuple[str, int, int, int]] = []
    depth = 0
    reader = tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline)
    for token in reader:
        if token.start[0] > 1 or token.start == (1, 0):
            continue
        start, end = token.start[1] - 1, token.end[1] - 1
        depth -= token.string in (")", "]", "}") and token.type == tokenize.OP
        if token.type in (tokenize.OP, tokenize.NAME, tokenize.NUMBER, tokenize.STRING):
            found.append((token.string, start, end, depth))
        depth += token.string in ("(", "[", "{") and token.type == tokenize.OP
    return found


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the outermost pairs of brackets."""
    opening = 0
    for string, start, _, depth in _tokens(text):
        if depth == 0 and string in ("(", "[", "{"):
            opening = start
        elif depth == 0 and string in (")", "]", "}"):
            yield opening, start


def _split(text: str, signs: tuple[str, ...]) -> Iterator[str]:
    """Split before binary operators (after commas) outside all brackets."""
    begin, previous = 0, ""
    for string, start, end, depth in _tokens(text):
        is_binary = previous not in _BEFORE_AN_OPERAND
        if depth == 0 and string in signs and is_binary:
            if string == ",":
                yield text[begin:start]
                begin = end
            else:
                yield text[begin:start]
                begin = start
        previous = string
    yield text[begin:]


def _right_side(line: str) -> int:
    """Return where the right side of an assignment, or what a keyword is followed by, begins."""
    for keyword in ("return ", "if ", "elif ", "while ", "raise "):
        if line.startswith(keyword):
            return len(keyword)
    for string, _, end, depth in _tokens(line):
        if depth == 0 and string.endswith("=") and string not in ("==", "<=", ">=", "!="):
            return end + 1
    return 0


def _is_operation(text: str) -> bool:
    """Tell whether parentheses must be added before the text can be broken at its operators."""
    return any(len(list(_split(text, signs))) > 1 for signs in _LOOSEST_FIRST)
