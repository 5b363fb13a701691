"""Where Python's numbers are not those of the machine: integers of any size, floats that raise.

A Python integer that leaves 64 bits goes on growing, and ``math.log(0.0)`` is an error. Operations
where that can come to pass are marked: machine code looks at what they give, and leaves. Most need
no mark: how large integers can get is found out first. Arguments are relied on to be moderate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .. import ir
from ..ir import Call, Choice, Dim, Expr, Index, Lit, Seq, Stmt, Var
from ..templates import map_template
from ..types import Type
from . import runtime
from .code import BOOL, Check, apply, mapped

MOST = 2**63
"""What no integer of the machine exceeds in size."""
_STEPS, _STEP = 2**40, 2**20
"""More steps than any program takes, and how much a counter may add in one of them."""

_SUMS: dict[Any, str] = {np.add: "sum_of", np.subtract: "difference_of", np.multiply: "product_of"}
_UNMARKED: dict[Any, Any] = {runtime.sum_of: np.add, runtime.difference_of: np.subtract}
_PYTHON_RAISES = {
    np.power, np.sqrt, np.log, np.log2, np.log10, np.log1p, np.exp, np.exp2, np.expm1, np.sin,
    np.cos, np.tan, np.arcsin, np.arccos, np.sinh, np.cosh, np.arccosh, np.arctanh, np.fmod,
    np.hypot, math.gamma, math.lgamma,
}  # fmt: skip
_TO_INTEGERS = {int, math.floor, math.ceil, math.trunc, np.floor, np.ceil, np.trunc}
_COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
_INTEGER_AND_FLOAT = {("python", np.dtype(np.int64)), ("python", np.dtype(np.float64))}


def exact(program: ir.Program, given: list[str], relies: bool) -> tuple[ir.Program, list[Check]]:
    """Return a program with its marks, and what it relies on; ``given``: what comes from outside.

    ``relies``: whether it may rely on integers from outside being moderate.
    """
    names = [n for n in given if relies and _is_integer(program.types[n])]
    bounds = _Bounds(program, {*names})
    marks = _Marks(bounds)
    body = [marks.statement(s) for s in program.body]
    result = map_template(lambda e: ir.rewrite(e, marks.mark), program.result)
    known = [Var(program.types[n], n) for n in names if n in bounds.relied]
    checks = [Check(apply(runtime.is_moderate, BOOL, var)) for var in known]
    return replace(program, body=body, result=result), checks


def _is_integer(type_: Type) -> bool:
    return type_.kind == "python" and type_.dtype == np.dtype(np.int64)


def _of(e: Expr, functions: Any) -> bool:
    """Tell whether an expression is a call of one of some functions."""
    try:
        return isinstance(e, Call) and not e.kwargs and e.fn in functions
    except TypeError:  # an object that has no hash
        return False


class _Bounds:
    """How large in size the integers of a program can get, ``MOST`` where that is not known."""

    def __init__(self, program: ir.Program, moderate: set[str]) -> None:
        self.moderate = moderate
        self.relied: set[str] = set()
        """Those of them that something was found out from."""
        self.bound = {
            name for s in ir.statements(program.body) for name in _names_bound(s)
        }  # fmt: skip
        self.known: dict[str, int] = {}
        self.saved = 0
        statements = list(ir.statements(program.body))
        if not any(isinstance(s, ir.Push) for s in statements):
            self.saved = MOST  # by another program
        for sweep in range(8):
            before = dict(self.known), self.saved
            for s in statements:
                self._note(s)
            if (self.known, self.saved) == before:
                return
            if sweep > 4:  # what still grows has no bound
                for name in self.known.keys() - {
                    n for n, b in before[0].items() if b == self.known[n]
                }:
                    self.known[name] = MOST
                self.saved = MOST if self.saved != before[1] else self.saved
        self.known = dict.fromkeys(self.bound, MOST)

    def _note(self, s: Stmt) -> None:
        match s:
            case ir.Assign(name=name, value=value):
                self._raise(name, self._after(name, value))
            case ir.For(var=var, start=start, stop=stop):
                self._raise(var.name, max(self.of(start), self.of(stop)))
            case ir.Move(targets=targets, sources=sources):
                for name, source in zip(targets, sources, strict=True):
                    self._raise(name, self.of(source))
            case ir.Push(value=value):
                self.saved = max(self.saved, self.of(value))
            case ir.Pop(target=target):
                self._raise(target.name, self.saved)
            case _:
                for name in ir.written(s):
                    self._raise(name, MOST)
        if isinstance(s, (ir.For, ir.While)) and s.trips:
            self._raise(s.trips, _STEPS)

    def _raise(self, name: str, bound: int) -> None:
        self.known[name] = min(max(self.known.get(name, 0), bound), MOST)

    def _after(self, name: str, value: Expr) -> int:
        """Return the bound of what is assigned; steps of a counter come to a known sum."""
        if isinstance(value, Call) and _of(value, (np.add, np.subtract)):
            first, second = value.args
            if isinstance(first, Var) and first.name == name and self.of(second) <= _STEP:
                return _STEPS * self.of(second)
        return self.of(value)

    def of(self, e: Expr) -> int:
        """Return the bound of an expression."""
        if e.type.dtype is None or e.type.dtype.kind not in "biu":
            return MOST
        most = 1 if e.type.dtype.kind == "b" else 1 << (8 * e.type.dtype.itemsize - 1)
        return min(self._of(e), most if e.type.dtype.kind != "u" else 2 * most)

    def _of(self, e: Expr) -> int:
        match e:
            case Lit(value=int() as value):
                return abs(value)
            case Var(name=name):
                known = self.known.get(name, 0)
                if name in self.moderate:
                    self.relied.add(name)
                    return max(known, runtime.MODERATE)
                return known if name in self.bound else MOST
            case Dim():
                return runtime.MODERATE
            case Choice(a=a, b=b):
                return max(self.of(a), self.of(b))
            case Call(args=args) if args and not e.kwargs:
                return self._of_call(e)
        return MOST

    def _of_call(self, e: Call) -> int:
        found = [self.of(arg) for arg in e.args]
        if _of(e, (np.add, np.subtract)):
            return sum(found)
        if _of(e, (np.multiply,)):
            return math.prod(found)
        if _of(e, (np.remainder,)):
            return found[1]
        if _of(e, (np.floor_divide, np.right_shift, np.negative, np.absolute, abs, int, np.int64)):
            return found[0]
        if _of(e, (max, min, np.maximum, np.minimum)):
            return max(found)
        if _of(e, (np.bitwise_and, np.bitwise_or, np.bitwise_xor)):
            return 2 * max(found) + 1
        exponent = e.args[-1]
        if (
            isinstance(exponent, Lit)
            and isinstance(exponent.value, int)
            and 0 <= exponent.value < 64
        ):
            if _of(e, (np.power,)):
                return int(found[0] ** exponent.value)
            if _of(e, (np.left_shift,)):
                return int(found[0] << exponent.value)
        return MOST


def _names_bound(s: Stmt) -> Iterator[str]:
    yield from ir.written(s)
    if isinstance(s, (ir.For, ir.While)) and s.trips:
        yield s.trips


def _unmarked(index: Expr) -> Expr:
    """Return a place without marks on its sums: one that wraps is out of range, which is seen."""
    if not isinstance(index, Call) or index.fn not in _UNMARKED:
        return index
    return replace(index, fn=_UNMARKED[index.fn], args=tuple(map(_unmarked, index.args)))


class _Marks:
    """Marks the operations of Python numbers that machine code has to look at."""

    def __init__(self, bounds: _Bounds) -> None:
        self.bounds = bounds

    def statement(self, s: Stmt) -> Stmt:
        """Return a statement with marks, also in the blocks in it."""
        made = mapped(s, lambda e: ir.rewrite(e, self.mark))
        return _each_store(made, self._stored)

    def mark(self, e: Expr) -> Expr:
        """Return an expression with a mark where it needs one."""
        if isinstance(e, Index):
            return replace(e, index=tuple(map(_unmarked, e.index)))
        if not isinstance(e, Call) or e.type.dtype is None or not e.args:
            return e
        dtype = e.type.dtype
        if isinstance(e.fn, np.ufunc):
            e = self._narrowed(e)
        elif isinstance(e.fn, type) and issubclass(e.fn, np.integer):
            e = replace(e, args=tuple(self._fitting(a, dtype) for a in e.args))
        elif e.fn in (np.array, np.asarray):
            e = replace(e, args=(self._items(e.args[0], dtype), *e.args[1:]))
        if _of(e, _COMPARISONS):
            return self._compared(e)
        if e.type.kind != "python" or e.type.is_array or e.kwargs:
            return e
        if e.type.dtype == np.dtype(np.int64):
            return self._integer(e)
        if e.type.dtype == np.dtype(np.float64) and _of(e, _PYTHON_RAISES):
            return Call(e.type, runtime.sane, (e, e.args[0], e.args[-1]))
        return e

    def _integer(self, e: Call) -> Expr:
        dtypes = [arg.type.dtype for arg in e.args]
        if _of(e, (np.right_shift,)) and not self._is_shift(e.args[1]):
            return replace(e, args=(e.args[0], Call(e.args[1].type, runtime.shift, e.args[1:])))
        if _of(e, _TO_INTEGERS) and dtypes[0] is not None and dtypes[0].kind == "f":
            return replace(e, args=(Call(e.args[0].type, runtime.whole, e.args),))
        if not all(dtype is not None and dtype.kind in "bi" for dtype in dtypes):
            return e
        bound = self.bounds._of_call(e)
        if bound < MOST:
            return e
        if _of(e, _SUMS):
            return replace(e, fn=getattr(runtime, _SUMS[e.fn]))
        if _of(e, (np.negative, np.absolute, abs, np.floor_divide)):
            return replace(
                e, args=(Call(e.args[0].type, runtime.not_least, e.args[:1]), *e.args[1:])
            )
        if _of(e, (np.left_shift,)):
            return replace(e, fn=runtime.shifted_up)
        return replace(e, fn=runtime.power_of) if _of(e, (np.power,)) else e

    @staticmethod
    def _is_shift(e: Expr) -> bool:
        return isinstance(e, Lit) and 0 <= e.value < 64

    def _narrowed(self, e: Call) -> Call:
        """Return a call whose Python integers have to fit into the dtype of the other operand."""
        others = [
            a.type.dtype for a in e.args if a.type.kind != "python" and a.type.dtype is not None
        ]
        kinds = {dtype.kind for dtype in others}
        if len(e.args) != 2 or not others or not kinds <= {"i", "u"}:
            return e
        return replace(e, args=tuple(self._fitting(a, others[0]) for a in e.args))

    def _fitting(self, e: Expr, dtype: np.dtype[Any]) -> Expr:
        """Return a Python integer that machine code looks at where a dtype may not hold it."""
        if e.type.kind != "python" or e.type.dtype != np.dtype(np.int64) or dtype.kind not in "iu":
            return e
        info = np.iinfo(dtype)
        if isinstance(e, Lit) and info.min <= e.value <= info.max:
            return e
        if dtype == np.dtype(np.int64) or (dtype.kind == "i" and self.bounds.of(e) <= info.max):
            return e
        ends = (Lit(e.type, max(int(info.min), -MOST)), Lit(e.type, min(int(info.max), MOST - 1)))
        return Call(e.type, runtime.fitting, (e, *ends))

    def _items(self, e: Expr, dtype: np.dtype[Any]) -> Expr:
        if isinstance(e, Seq):
            return replace(e, items=tuple(self._items(item, dtype) for item in e.items))
        return self._fitting(e, dtype)

    def _compared(self, e: Call) -> Call:
        """Return a comparison of an integer with a float, which Python does not round before."""
        if {(a.type.kind, a.type.dtype) for a in e.args} != _INTEGER_AND_FLOAT:
            return e
        return replace(e, args=tuple(
            a if a.type.dtype.kind == "f" or self.bounds.of(a) <= 2**53  # type: ignore[union-attr]
            else Call(a.type, runtime.fitting, (a, Lit(a.type, -(2**53)), Lit(a.type, 2**53)))
            for a in e.args
        ))  # fmt: skip

    def _stored(self, s: ir.Store) -> ir.Store:
        dtype = s.target.type.dtype
        return s if dtype is None else replace(s, value=self._fitting(s.value, dtype))


def _each_store(s: Stmt, change: Callable[[ir.Store], ir.Store]) -> Stmt:
    match s:
        case ir.Store():
            return change(s)
        case ir.For(body=body) | ir.While(body=body):
            return replace(s, body=[_each_store(t, change) for t in body])
        case ir.If(then=then, orelse=orelse):
            return replace(
                s,
                then=[_each_store(t, change) for t in then],
                orelse=[_each_store(t, change) for t in orelse],
            )
    return s


_WITHOUT: dict[Any, Any] = {
    **{getattr(runtime, mark): fn for fn, mark in _SUMS.items()},
    runtime.power_of: np.power,
    runtime.shifted_up: np.left_shift,
}
_AROUND = {runtime.sane, runtime.whole, runtime.not_least, runtime.shift, runtime.fitting}


def without_marks(s: Stmt) -> Stmt:
    """Return a statement as Python runs it, whose own numbers need no mark."""
    return mapped(s, lambda e: ir.rewrite(e, _without))


def _without(e: Expr) -> Expr:
    if isinstance(e, Call) and _of(e, _AROUND):
        return e.args[0]
    return replace(e, fn=_WITHOUT[e.fn]) if isinstance(e, Call) and _of(e, _WITHOUT) else e
