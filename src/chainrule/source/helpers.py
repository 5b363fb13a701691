"""The few functions that emitted programs may call, and how their text becomes part of a program.

Any module-level function of the package can be a helper: its text is taken from its module, with
that of the functions and constants it uses, and without what only traced values need.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from .._core import USER_DEFINED, Primitive, Tracer, is_traced, plain
from .._syntax import parse
from ..errors import ChainruleError, UnsupportedError
from ..rules._forms import _ExplicitRule
from .ir import Call, Effect
from .names import Names, is_ours, public_name

# ------------------------------------------------------------------------- helpers of our own


def unbroadcast(ct: Any, like: Any) -> Any:
    """Sum ``ct`` over the axes along which ``like`` was broadcast; give it its dtype."""
    shape = np.shape(like)
    extra = np.ndim(ct) - len(shape)
    if extra > 0:
        ct = np.sum(ct, axis=tuple(range(extra)))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and ct.shape[i] != 1)
    if stretched:
        ct = np.sum(ct, axis=stretched, keepdims=True)
    dtype = np.asarray(like).dtype
    if ct.dtype.kind == "c" and dtype.kind != "c":
        ct = ct.real
    return ct.astype(dtype) if dtype.kind in "fc" else ct


def holds_nan(*derivatives: Any) -> bool:
    """Tell whether any of some numbers and arrays holds a NaN."""
    return any(bool(np.isnan(x).any()) for x in derivatives)


# ------------------------------------------------------- what the engine is handed from outside

_injected: dict[str, Callable[..., Any]] = {}


def set_opaque_vjp(function: Callable[..., Any]) -> None:
    """Say what computes ``fn(*args)`` and its pullback where only a tape can follow."""
    _injected["vjp"] = function


def opaque_vjp() -> Callable[..., Any]:
    """Return what was set: a function of ``fn, *args`` that returns the result and its pullback."""
    if "vjp" not in _injected:
        raise UnsupportedError(
            "The program calls a function that has neither a rule nor source",
            "import chainrule, whose tape can follow it",
        )
    return _injected["vjp"]


def set_opaque_jvp(function: Callable[..., Any]) -> None:
    """Say what computes ``fn(*args)`` and its tangent where only a tape can follow."""
    _injected["jvp"] = function


def opaque_jvp() -> Callable[..., Any]:
    """Return what was set: ``fn, args, tangents -> (result, tangent)``."""
    if "jvp" not in _injected:
        raise UnsupportedError(
            "A function without rule or source, and no tape to follow it", "import chainrule"
        )
    return _injected["jvp"]


def second_derivative(fn: Any, origin: Any) -> UnsupportedError:
    """Make the error for a derivative of what the tape computes in a derivative."""
    name = getattr(fn, "__name__", fn)
    if getattr(fn, "form", None) == USER_DEFINED:
        why = "whose declared derivative only the tape can follow"
        instead = "store into no array of the function's own: then the tape follows all of it"
    else:
        why, instead = "which has neither a rule nor source", "give it a rule with cr.primitive"
    return UnsupportedError(f"A second derivative through {name}, {why}", instead, str(origin))


def function_behind(effect: Effect) -> Any:
    """Return the function of which an effect computes the tangent by the tape, else None."""
    value = effect.value
    if isinstance(value, Call) and value.fn is _injected.get("jvp"):
        return value.args[0].value  # type: ignore[attr-defined]
    return None


# ----------------------------------------------------------------------- the text of a function


def helper_texts(names: Names) -> list[str]:
    """Return the texts of all helpers that ``names`` knows: constants first, then functions."""
    constants: dict[str, str] = {}
    texts: dict[str, str] = {}
    while len(texts) < len(names.helpers):
        name = next(name for name in names.helpers if name not in texts)
        texts[name] = _Text(names.helpers[name], name, names, constants).edited()
    joined = "\n".join(f"{name} = {value}" for name, value in constants.items())
    return [*filter(None, [joined]), *texts.values()]


@functools.cache
def _module_functions(module: str) -> tuple[str, dict[tuple[str, int], ast.FunctionDef]]:
    """The source of a module, and its functions by name and first line."""
    spec = getattr(sys.modules.get(module), "__spec__", None)
    get_source = getattr(getattr(spec, "loader", None), "get_source", None)
    source = (get_source(module) if get_source else None) or ""
    found = [n for n in parse(source).body if isinstance(n, ast.FunctionDef)]
    first = {id(n): min([n.lineno, *(d.lineno for d in n.decorator_list)]) for n in found}
    return source, {(n.name, first[id(n)]): n for n in found}


class _Text:
    """The text of one function, edited where it must be to stand alone."""

    def __init__(
        self, function: FunctionType, name: str, names: Names, constants: dict[str, str]
    ) -> None:
        self.function, self.name, self.names, self.constants = function, name, names, constants
        source, functions = _module_functions(function.__module__)
        code = function.__code__
        node = functions.get((code.co_name, code.co_firstlineno))
        if node is None or code.co_freevars:
            raise self.refusal(f"the source of {function.__qualname__} cannot be emitted")
        self.node = node
        self.lines = [line.encode() for line in source.splitlines(keepends=True)]
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.edits: list[tuple[int, int, str]] = []

    def refusal(self, problem: str) -> UnsupportedError:
        """Return the error for a helper whose text would not run alone."""
        code = self.function.__code__
        location = f"{code.co_filename}:{code.co_firstlineno}"
        return UnsupportedError(problem, "use operations that have rules of their own", location)

    def edited(self) -> str:
        """Return the text after all edits."""
        self._visit(self.node)
        begin = self.starts[self.node.lineno - 1]
        end = self._end(self.node)
        text = b"".join(self.lines)
        for start, stop, new in sorted(self.edits, reverse=True):
            if stop <= end:
                text = text[:start] + new.encode() + text[stop:]
                end += len(new.encode()) - (stop - start)
        return text[begin:end].decode()

    # ---------------------------------------------------------------------------- positions

    def _start(self, node: Any) -> int:
        return int(self.starts[node.lineno - 1] + node.col_offset)

    def _end(self, node: Any) -> int:
        return int(self.starts[node.end_lineno - 1] + node.end_col_offset)

    # -------------------------------------------------------------------------------- edits

    def _visit(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef():
                self._visit_function(node)
                return
            case ast.arg(annotation=ast.expr() as annotation):
                self._replace(self._end_of_name(node), self._end(annotation), "")
                return
            case ast.If() if self._truth(node.test) is False and not node.orelse:
                self._delete_lines(node)
                return
            case ast.Call() if self._is(node.func, plain):
                self._unwrap(node)
                return
            case ast.expr() if self._truth(node) is False and not isinstance(node, ast.Constant):
                self._replace(self._start(node), self._end(node), "False")
                return
            case ast.Name(ctx=ast.Load()):
                self._visit_name(node)
            case ast.ImportFrom(level=level) if level:
                raise self.refusal(f"{self.function.__qualname__} imports within the package")
        for child in ast.iter_child_nodes(node):
            self._visit(child)

    def _visit_function(self, node: ast.FunctionDef) -> None:
        if node is self.node and node.name != self.name:
            at = self._start(node) + len("def ")
            self._replace(at, at + len(node.name.encode()), self.name)
        if node.returns is not None:
            text = b"".join(self.lines)
            arrow = text.rindex(b"->", 0, self._start(node.returns))
            self._replace(arrow - 1, self._end(node.returns), "")
        for child in (node.args, *node.body):
            self._visit(child)

    def _end_of_name(self, node: ast.arg) -> int:
        return self._start(node) + len(node.arg.encode())

    def _replace(self, start: int, end: int, new: str) -> None:
        self.edits.append((start, end, new))

    def _delete_lines(self, node: ast.stmt) -> None:
        end = node.end_lineno or node.lineno
        self._replace(self.starts[node.lineno - 1], self.starts[end], "")

    def _unwrap(self, call: ast.Call) -> None:
        """``plain(x)`` is ``x`` where nothing is traced."""
        (arg,) = call.args
        is_atom = isinstance(arg, (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Tuple))
        self._replace(self._start(call), self._start(arg), "" if is_atom else "(")
        self._replace(self._end(arg), self._end(call), "" if is_atom else ")")
        self._visit(arg)

    # -------------------------------------------------------------------------------- names

    @functools.cached_property
    def _bound(self) -> set[str]:
        found = {n.arg for n in ast.walk(self.node) if isinstance(n, ast.arg)}
        return found | {
            n.id
            for n in ast.walk(self.node)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }

    def _global(self, node: ast.expr) -> Any:
        """The object that a global name stands for; a private marker for anything else."""
        if isinstance(node, ast.Name) and node.id not in self._bound:
            return self.function.__globals__.get(node.id, _ABSENT)
        return _ABSENT

    def _is(self, node: ast.expr, value: Any) -> bool:
        return self._global(node) is value

    def _truth(self, node: ast.expr) -> bool | None:
        """False for a question whether something is traced, None for any other expression."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return False if all(self._truth(v) is False for v in node.values) else None
        if isinstance(node, ast.Call):
            about = node.args[-1] if node.args else node.func
            is_question = self._is(node.func, is_traced) or self._is(about, Tracer)
            return False if is_question else None
        return None

    def _visit_name(self, node: ast.Name) -> None:
        value = self._global(node)
        if value is _ABSENT or value is plain:
            return
        new = self._name_of(node.id, value)
        if new != node.id:
            self._replace(self._start(node), self._end(node), new)

    def _name_of(self, name: str, value: Any) -> str:
        if isinstance(value, _ExplicitRule):
            value = value.primitives[0]
        if isinstance(value, Primitive):
            value = value.fn
        value = getattr(value, "__wrapped__", value) if _is_cached(value) else value
        if isinstance(value, ModuleType):
            return self.names.of(value)
        if isinstance(value, FunctionType) and is_ours(value):
            return self.names.of(value)
        if isinstance(value, type) and issubclass(value, ChainruleError):
            return "TypeError"
        if public_name(value) is not None:
            return self.names.of(value)
        return self._constant(name, value)

    def _constant(self, name: str, value: Any) -> str:
        text = _constant_text(value, self.names)
        if text is None:
            raise self.refusal(f"{self.function.__qualname__} uses {name}, which has no text")
        if self.constants.get(name, text) != text:
            raise self.refusal(f"two modules have a constant {name}")
        self.constants[name] = text
        return name


_ABSENT = object()


def _is_cached(value: Any) -> bool:
    """Tell whether a function keeps its results, as ``functools.cache`` makes it do."""
    return hasattr(value, "cache_info")


def _constant_text(value: Any, names: Names) -> str | None:
    """Text of a module-level constant, None where there is none: for an object of the package."""
    if type(value) in (tuple, list):
        opening, closing = "()" if type(value) is tuple else "[]"
        parts = [_constant_text(part, names) for part in value]
        if len(parts) == 1 and type(value) is tuple:
            closing = ",)"
        return None if None in parts else opening + ", ".join(map(str, parts)) + closing
    if type(value) is dict:
        pairs = [(_constant_text(k, names), _constant_text(v, names)) for k, v in value.items()]
        if any(None in pair for pair in pairs):
            return None
        return "{" + ", ".join(f"{key}: {text}" for key, text in pairs) + "}"
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return repr(value)
    if value is np._NoValue:  # stands for an argument that was not given
        return f"{names.of(np)}._NoValue"
    return names.of(value) if public_name(value) is not None else None
