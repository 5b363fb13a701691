"""Expressions of the representation as Python text, with as few parentheses as precedence allows.

A call of a function that has an operator is written with the operator where Python's operator means
the same: ``np.add`` of two Python floats, which is a NumPy scalar, stays a call.
"""

from __future__ import annotations

import cmath
import dataclasses
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules.complex import imaginary_part
from . import ir
from .literals import Literals, display
from .names import Names, method_owner
from .types import type_of

# Precedence, from what binds least; a subexpression that binds less than its place asks for is
# put in parentheses.
(
    TERNARY,
    OR,
    AND,
    NOT,
    COMPARE,
    BITOR,
    BITXOR,
    BITAND,
    SHIFT,
    SUM,
    PRODUCT,
    UNARY,
    POWER,
    POSTFIX,
) = range(1, 15)

BINARY: dict[Any, tuple[str, int]] = {
    np.add: ("+", SUM),
    np.subtract: ("-", SUM),
    np.multiply: ("*", PRODUCT),
    np.divide: ("/", PRODUCT),
    np.floor_divide: ("//", PRODUCT),
    np.remainder: ("%", PRODUCT),
    np.matmul: ("@", PRODUCT),
    np.power: ("**", POWER),
    np.left_shift: ("<<", SHIFT),
    np.right_shift: (">>", SHIFT),
    np.bitwise_and: ("&", BITAND),
    np.bitwise_xor: ("^", BITXOR),
    np.bitwise_or: ("|", BITOR),
    np.less: ("<", COMPARE),
    np.less_equal: ("<=", COMPARE),
    np.greater: (">", COMPARE),
    np.greater_equal: (">=", COMPARE),
    np.equal: ("==", COMPARE),
    np.not_equal: ("!=", COMPARE),
    operator.is_: ("is", COMPARE),
    operator.is_not: ("is not", COMPARE),
}
_OF_PYTHON = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "matmul": np.matmul,
    "pow": np.power,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
    "and_": np.bitwise_and,
    "xor": np.bitwise_xor,
    "or_": np.bitwise_or,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
BINARY.update({getattr(operator, name): BINARY[ufunc] for name, ufunc in _OF_PYTHON.items()})

PREFIX: dict[Any, tuple[str, int]] = {
    np.negative: ("-", UNARY),
    np.positive: ("+", UNARY),
    np.invert: ("~", UNARY),
    operator.neg: ("-", UNARY),
    operator.pos: ("+", UNARY),
    operator.invert: ("~", UNARY),
    operator.not_: ("not ", NOT),
}
_PYTHON_OWN: dict[Any, str] = {np.absolute: "abs", np.power: "pow", np.round: "round"}
_OF_MATH: dict[Any, str] = {
    **{getattr(np, name): name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp")},
    **{getattr(np, name): name for name in ("sqrt", "log", "log10")},
    **{getattr(np, f"arc{name}"): f"a{name}" for name in ("sin", "cos", "tan")},
    **{getattr(np, f"arc{name}"): f"a{name}" for name in ("sinh", "cosh", "tanh")},
}
"""Functions of ``math`` and ``cmath``: their results are Python's numbers, which are weak."""
_OF_MATH_ALONE: dict[Any, str] = {
    **{getattr(np, name): name for name in ("expm1", "log1p", "log2", "exp2", "cbrt", "fabs")},
    **{getattr(np, name): name for name in ("hypot", "fmod", "copysign", "degrees", "radians")},
    np.arctan2: "atan2",
    np.nextafter: "nextafter",
}
_PARTS: dict[Any, str] = {np.real: "real", np.imag: "imag", imaginary_part.fn: "imag"}
AUGMENTED = {"add": "+=", "subtract": "-=", "multiply": "*=", "divide": "/="}


class Speller:
    """Writes expressions; ``names`` collects what they need."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.literal = Literals(names)

    def __call__(self, expr: ir.Expr, above: int = 0) -> str:
        """Return the text, in parentheses where the surroundings bind tighter than it does."""
        text, binds = self._spell(expr)
        return f"({text})" if binds < above else text

    def _spell(self, expr: ir.Expr) -> tuple[str, int]:
        match expr:
            case ir.Var(name=name):
                return name, POSTFIX
            case ir.Lit(value=value):
                text = self.literal(value)
                return text, UNARY if text.startswith("-") else POSTFIX
            case ir.Call():
                return self._call(expr)
            case ir.Index(base=base, index=index):
                return f"{self(base, POSTFIX)}[{self.index(index)}]", POSTFIX
            case ir.Slice(start=start, stop=stop, step=step):
                return self._slice_call(start, stop, step), POSTFIX
            case ir.Dim(base=base, axis=axis):
                return f"{self(base, POSTFIX)}.shape[{axis}]", POSTFIX
            case ir.Seq(items=items, kind=kind):
                return display([self(i, TERNARY) for i in items], kind == "tuple"), POSTFIX
            case ir.Choice(condition=condition, a=a, b=b):
                return (
                    f"{self(a, OR)} if {self(condition, OR)} else {self(b, TERNARY)}",
                    TERNARY,
                )
            case ir.Logic(op=op, items=items):
                level = AND if op == "and" else OR
                return f" {op} ".join(self(item, level + 1) for item in items), level
            case ir.Access(root=root, path=path):
                return root + "".join(map(self._step, path)), POSTFIX
        raise TypeError(f"no text for {expr!r}")

    def _step(self, step: tuple[str, Any]) -> str:
        kind, key = step
        return f".{key}" if kind == "attr" else f"[{self.literal(key)}]"

    # -------------------------------------------------------------------------------- calls

    def _call(self, call: ir.Call) -> tuple[str, int]:
        fn, args = call.fn, call.args
        if not call.kwargs and _operator_means_the_same(call):
            if len(args) == 2 and _key(fn, BINARY):
                return self._infix(*BINARY[fn], *args)
            if len(args) == 1 and _key(fn, PREFIX):
                sign, level = PREFIX[fn]
                return sign + self(args[0], level), level
            if fn is operator.contains:
                return self._infix("in", COMPARE, args[1], args[0])
            if _key(fn, _PYTHON_OWN) and all(a.type.kind == "python" for a in args):
                return f"{_PYTHON_OWN[fn]}({self._arguments(call)})", POSTFIX
        special = self._postfix(call) or self._of_math(call)
        if special is not None:
            return special, POSTFIX
        owner = method_owner(fn)
        if owner is not None and args:
            rest = self._arguments(dataclasses.replace(call, args=args[1:]))
            return f"{self(args[0], POSTFIX)}.{fn.__name__}({rest})", POSTFIX
        return f"{self.names.of(fn)}({self._arguments(call)})", POSTFIX

    def _infix(self, sign: str, level: int, a: ir.Expr, b: ir.Expr) -> tuple[str, int]:
        if level == POWER:  # binds to the right, and tighter than a sign on its left
            left, right = self(a, POWER + 1), self(b, UNARY)
            hugging = _is_simple(a) and _is_simple(b) and not left.startswith("(")
            return f"{left}**{right}" if hugging else f"{left} ** {right}", level
        if level == COMPARE:  # a < b < c would be a chain
            return f"{self(a, COMPARE + 1)} {sign} {self(b, COMPARE + 1)}", level
        a, b = _plain_number(a, b), _plain_number(b, a)
        return f"{self(a, level)} {sign} {self(b, level + 1)}", level

    def _of_math(self, call: ir.Call) -> str | None:
        """A function of Python's numbers that gives one."""
        if call.type.kind != "python" or call.type.dtype is None:
            return None
        is_complex = call.type.dtype.kind == "c"
        table = _OF_MATH if is_complex else {**_OF_MATH, **_OF_MATH_ALONE}
        if not _key(call.fn, table):
            return None
        fn = getattr(cmath if is_complex else math, table[call.fn])
        return f"{self.names.of(fn)}({self._arguments(call)})"

    def _postfix(self, call: ir.Call) -> str | None:
        """What is an attribute or a subscript in the text."""
        fn, args = call.fn, call.args
        if call.kwargs or not args:
            return None
        base = args[0]
        if _key(fn, _PARTS) and len(args) == 1 and base.type.dtype is not None:
            return f"{self(base, POSTFIX)}.{_PARTS[fn]}"
        if fn is np.conjugate and len(args) == 1 and call.type.kind == "python":
            return f"{self(base, POSTFIX)}.conjugate()"
        if fn is np.transpose and len(args) == 1 and base.type.is_array and base.type.ndim == 2:
            return f"{self(base, POSTFIX)}.T"
        if fn is np.shape and len(args) == 1 and base.type.is_array:
            return f"{self(base, POSTFIX)}.shape"
        if fn is operator.getitem and len(args) == 2:
            return f"{self(base, POSTFIX)}[{self.index((args[1],))}]"
        if fn is operator.call:
            rest = self._arguments(dataclasses.replace(call, args=args[1:]))
            return f"{self(base, POSTFIX)}({rest})"
        if fn is getattr and len(args) == 2:
            name = args[1]
            if (
                isinstance(name, ir.Lit)
                and isinstance(name.value, str)
                and name.value.isidentifier()
            ):
                return f"{self(base, POSTFIX)}.{name.value}"
        return None

    def _arguments(self, call: ir.Call) -> str:
        given = [self(arg, TERNARY) for arg in call.args]
        return ", ".join(given + [f"{key}={self(value, TERNARY)}" for key, value in call.kwargs])

    # ------------------------------------------------------------------------------ indices

    def index(self, index: tuple[ir.Expr, ...]) -> str:
        """Return what stands between the brackets."""
        text = ", ".join(map(self._index_entry, index)) or "()"
        return f"{text}," if len(index) == 1 and _is_tuple(index[0]) else text

    def _index_entry(self, entry: ir.Expr) -> str:
        if isinstance(entry, ir.Lit) and isinstance(entry.value, slice):
            return self._slice(*_as_literals(entry.value))
        if isinstance(entry, ir.Slice):
            return self._slice(entry.start, entry.stop, entry.step)
        return self(entry, TERNARY)

    def _slice(self, start: ir.Expr | None, stop: ir.Expr | None, step: ir.Expr | None) -> str:
        parts = [start, stop] if step is None else [start, stop, step]
        texts = ["" if part is None else self(part, TERNARY) for part in parts]
        if all(part is None or _is_simple(part) for part in parts):
            return ":".join(texts)
        text = texts[0]
        for part in texts[1:]:  # as black does: a colon is an operator that binds least
            text += (
                (" " if text and not text.endswith(":") else "") + ":" + (f" {part}" * bool(part))
            )
        return text

    def _slice_call(self, *parts: ir.Expr | None) -> str:
        """A slice outside of brackets, with as few arguments as say it."""
        shown = parts if parts[2] is not None else parts[:2] if parts[0] is not None else parts[1:2]
        texts = ["None" if part is None else self(part, TERNARY) for part in shown]
        return f"{self.names.of(slice)}({', '.join(texts)})"


def _operator_means_the_same(call: ir.Call) -> bool:
    """Not so where NumPy would make a NumPy scalar of Python numbers, or an array of a list."""
    if not isinstance(call.fn, np.ufunc):
        return True
    kinds = {arg.type.kind for arg in call.args}
    return bool(kinds & {"array", "scalar"}) or call.type.kind not in ("array", "scalar")


def _plain_number(number: ir.Expr, other: ir.Expr) -> ir.Expr:
    """A float64 as Python's own float, beside which NumPy gives a result of the same dtype."""
    if not isinstance(number, ir.Lit) or type(number.value) is not np.float64:
        return number
    dtype = other.type.dtype
    if other.type.kind not in ("array", "scalar") or dtype is None:
        return number
    if dtype.kind not in "biu" and dtype != np.float64:
        return number
    value = float(number.value)
    return ir.Lit(type_of(value), value)


def _as_literals(value: slice) -> list[ir.Expr | None]:
    parts = (value.start, value.stop, value.step)
    return [None if part is None else ir.Lit(type_of(part), part) for part in parts]


def _key(fn: Callable[..., Any], table: dict[Any, Any]) -> bool:
    try:
        return fn in table
    except TypeError:  # an object that cannot be a key
        return False


def _is_simple(expr: ir.Expr) -> bool:
    """Tell whether a formatter leaves no spaces beside this operand of a power or a slice."""
    if isinstance(expr, ir.Call):
        sign = PREFIX.get(expr.fn) if _key(expr.fn, PREFIX) else None
        return sign is not None and sign[1] == UNARY and _is_simple(expr.args[0])
    return isinstance(expr, ir.Var) or (
        isinstance(expr, ir.Lit) and type(expr.value) in (int, float, complex)
    )


def _is_tuple(expr: ir.Expr) -> bool:
    if isinstance(expr, ir.Lit):
        return isinstance(expr.value, tuple)
    return isinstance(expr, ir.Seq) and expr.kind == "tuple"
