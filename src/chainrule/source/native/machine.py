"""Loops over numbers as LLVM instructions.

Numba takes a millisecond or more to type and lower each operation, LLVM takes microseconds. So the
loops of a kernel, where nothing but numbers and elements of arrays occur, are handed to LLVM as
they are. What that gains besides: arrays are known not to overlap, indices not to be negative, and
sums whose order is free are marked as such one by one.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return"
from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba.core import config

from .. import ir
from ..ir import Block, Call, Choice, Dim, Expr, Index, Lit, Logic, Stmt, Var
from ..types import Type
from . import runtime
from .code import Check, Gather, Loop, Put
from .cost import is_cheap
from .metadata import Distinct, meet_never, parallel, stay_one
from .pending import Pending
from .quotients import changing_in, is_fused, quotient, stays
from .runtime import denormals

BOOL, BYTE, INT = llvm.IntType(1), llvm.IntType(8), llvm.IntType(64)
DOUBLE, FLOAT = llvm.DoubleType(), llvm.FloatType()
FREE = ("reassoc", "nsz", "contract")
"""Flags of an addition whose order is free."""


class NoInstructions(Exception):  # noqa: N818 (a question answered with no)
    """There is something that is not written in instructions here."""


def value_type(dtype: Any) -> Any:
    """Return the type of a number in a register."""
    found = np.dtype(dtype)
    if found.kind == "b":
        return BOOL
    if found.kind in "iu":
        return llvm.IntType(8 * found.itemsize)
    if found.kind == "f" and found.itemsize in (4, 8):
        return DOUBLE if found.itemsize == 8 else FLOAT
    raise NoInstructions(f"numbers of dtype {found}")


def memory_type(dtype: Any) -> Any:
    """Return the type of a number in an array."""
    found = value_type(dtype)
    return BYTE if found is BOOL else found


class Machine:
    """Writes the body of a function: ``arrays`` maps names to ``(pointer, sizes)``."""

    def __init__(
        self,
        builder: Any,
        arrays: dict[str, tuple[Any, list[Any]]],
        types: dict[str, Type],
        leave: dict[int, Any],
    ) -> None:
        self.b = builder
        self.arrays = arrays
        self.types = types
        self.leave = leave
        """Where to jump to, by status, where machine code does not do what Python does."""
        self.slots: dict[str, Any] = {}
        self.counters: dict[str, Any] = {}
        """Variables of loops, in registers."""
        self.shared: set[str] = set()
        self.modes: Any = None
        """Where the processor's modes are kept, if denormal numbers are zero anywhere."""
        self.is_flushing = False
        self.pending = Pending()
        self.changing: Set[str] | None = None
        """What changes in the innermost loop, while one is written."""
        self.access_group: Any = None
        """What marks the accesses of a loop whose iterations do not meet; None in other loops."""

    # ---------------------------------------------------------------------------- variables

    def slot(self, name: str) -> Any:
        """Return where a variable is kept; LLVM puts it into a register."""
        if name not in self.slots:
            with self.b.goto_entry_block():
                kind = value_type(self.types[name].dtype)
                self.slots[name] = self.b.alloca(kind, name=name)
                self.b.store(llvm.Constant(kind, 0), self.slots[name])
        return self.slots[name]

    def bind(self, name: str, value: Any) -> None:
        """Set a variable."""
        self.b.store(value, self.slot(name))

    # -------------------------------------------------------------------- denormal numbers

    @contextmanager
    def flushing(self, is_sweep: bool) -> Iterator[None]:
        """Write, for a part of a reverse sweep, that denormal numbers are zero in it."""
        if not is_sweep or self.is_flushing:
            yield
            return
        self.modes = self.modes or denormals.modes(self.b)
        denormals.set_mode(self.b, self.modes[1])
        self.is_flushing = True
        yield
        self.is_flushing = False
        self.set_back()

    def set_back(self) -> None:
        """Let denormal numbers be what they were before, if they are not."""
        if self.modes is not None:
            denormals.set_mode(self.b, self.modes[0])

    # --------------------------------------------------------------------------- statements

    def block(self, block: Block) -> None:
        """Write the statements of a block."""
        for statement in block:
            if self.pending.forbids(statement, self.shared):
                self.store_pending()
            self.statement(statement)
        self.store_pending()

    def store_pending(self) -> None:
        """Write the stores that were put off."""
        for place, value in self.pending.taken():
            self._marked(self.b.store(value, place))

    def statement(self, s: Stmt) -> None:
        """Write a statement."""
        match s:
            case Loop(var=var, extent=extent, body=body):
                self.changing = changing_in(s, self.shared)
                self.loop(var, extent, body)
                self.changing = None
            case ir.For():
                self._for(s)
            case ir.While():
                self._while(s)
            case ir.If(condition=condition, then=then, orelse=orelse):
                self._if(condition, then, orelse)
            case ir.Assign(name=name, value=value):
                self.bind(name, self.number(value, self.types[name].dtype))
            case Put():
                self._put(s)
            case Gather(name=name, fn=fn, value=value, type=type_):
                self._gather(name, fn, value, type_)
            case Check(holds=holds):
                self.check(self.number(holds))
            case _:
                raise NoInstructions(type(s).__name__)

    def check(self, holds: Any, status: int = runtime.LEFT) -> None:
        """Leave unless a condition holds."""
        on = self.b.append_basic_block("holds")
        branch = self.b.cbranch(holds, on, self.leave[status])
        branch.set_weights([2000, 1])
        self.b.position_at_end(on)

    def loop(self, var: Var, extent: Expr, body: Block, start: Expr | None = None) -> None:
        """Count from 0, or ``start``, to ``extent``."""
        stop = self.number(extent)
        first = llvm.Constant(INT, 0) if start is None else self.number(start)
        before = self.b.block
        head = self.b.append_basic_block("loop")
        after = self.b.append_basic_block("after")
        self.b.cbranch(self.b.icmp_signed(">", stop, first), head, after)
        self.b.position_at_end(head)
        i = self.b.phi(INT, name=var.name)
        i.add_incoming(first, before)
        self.counters[var.name] = i
        outer, never = self.access_group, meet_never(var, body, self.shared)
        self.access_group = Distinct(self.b.module, ()) if never else None
        self.block(body)
        following = self.b.add(i, llvm.Constant(INT, 1), flags=("nuw", "nsw"))
        i.add_incoming(following, self.b.block)
        branch = self.b.cbranch(self.b.icmp_signed("<", following, stop), head, after)
        if self.access_group is not None:
            branch.set_metadata("llvm.loop", parallel(self.b.module, self.access_group))
        stay_one(branch, self.b.module, body)
        self.access_group = outer
        self.b.position_at_end(after)

    def _for(self, s: ir.For) -> None:
        if not isinstance(s.step, Lit):
            raise NoInstructions("a step that is not known")
        with self.flushing(s.is_sweep):
            self._counting(s, s.step.value)

    def _counting(self, s: ir.For, step: int) -> None:
        start, stop = self.number(s.start), self.number(s.stop)
        goes_on = ">" if step < 0 else "<"
        before = self.b.block
        head = self.b.append_basic_block("loop")
        after = self.b.append_basic_block("after")
        self.b.cbranch(self.b.icmp_signed(goes_on, start, stop), head, after)
        self.b.position_at_end(head)
        i = self.b.phi(INT, name=s.var.name)
        i.add_incoming(start, before)
        outer = self.counters.get(s.var.name)
        self.counters[s.var.name] = i
        self.block(s.body)
        following = self.b.add(i, llvm.Constant(INT, step), flags=("nsw",))
        more = self.b.icmp_signed(goes_on, following, stop)
        if s.until:
            more = self.b.and_(more, self.b.not_(self.b.load(self.slot(s.until))))
        i.add_incoming(following, self.b.block)
        stay_one(self.b.cbranch(more, head, after), self.b.module, s.body)
        self.b.position_at_end(after)
        del self.counters[s.var.name]
        if outer is not None:
            self.counters[s.var.name] = outer

    def _while(self, s: ir.While) -> None:
        head = self.b.append_basic_block("while")
        inside = self.b.append_basic_block("body")
        after = self.b.append_basic_block("after")
        self.b.branch(head)
        self.b.position_at_end(head)
        self.b.cbranch(self.number(s.condition), inside, after)
        self.b.position_at_end(inside)
        self.block(s.body)
        if s.until:
            self.b.cbranch(self.b.load(self.slot(s.until)), after, head)
        else:
            self.b.branch(head)
        self.b.position_at_end(after)

    def _if(self, condition: Expr, then: Block, orelse: Block) -> None:
        with self.b.if_else(self.number(condition)) as (yes, no):
            with yes:
                self.block(then)
            with no:
                self.block(orelse)

    def _put(self, s: Put) -> None:
        dtype = s.array.type.dtype
        value = self.number(s.value, dtype)
        if s.op is not None:
            kind = "f" if value.type in (DOUBLE, FLOAT) else ""
            write = getattr(self.b, f"{kind}{s.op[:3]}")
            value = write(self._element(s.array.name, s.index, dtype), value)
        if value.type is BOOL:
            value = self.b.zext(value, BYTE)
        known = self.pending.get(s.array.name, s.index)
        place = known[0] if known else self._pointer(s.array.name, s.index, dtype)
        self.pending.put(s.array.name, s.index, place, value)

    def _element(self, name: str, index: tuple[Expr, ...], dtype: Any) -> Any:
        known = self.pending.get(name, index)
        if known:
            return known[1]
        return self._marked(self.b.load(self._pointer(name, index, dtype)))

    def _marked(self, access: Any) -> Any:
        if self.access_group is not None:
            access.set_metadata("llvm.access.group", self.access_group)
        return access

    def _gather(self, name: str, fn: Any, value: Expr, type_: Type) -> None:
        slot = self.slot(name)
        term = self.number(value, type_.dtype)
        before = self.b.load(slot)
        if fn is runtime.add_in_any_order and term.type in (DOUBLE, FLOAT):
            self.b.store(self.b.fadd(before, term, flags=FREE), slot)
            return
        fn = np.add if fn is runtime.add_in_any_order else fn
        made = self.apply(fn, [before, term], [type_.dtype, type_.dtype], type_.dtype)
        self.b.store(made, slot)

    # ------------------------------------------------------------------------------- arrays

    def _pointer(self, name: str, index: tuple[Expr, ...], dtype: Any) -> Any:
        pointer, sizes = self.arrays[name]
        places = [self.number(i) for i in index]
        if config.BOUNDSCHECK:  # type: ignore[attr-defined]
            for size, place in zip(sizes, places, strict=True):
                self.check(self.b.icmp_unsigned("<", place, size), runtime.OVERRUN)
        offset = places[0]
        for size, place in zip(sizes[1:], places[1:], strict=True):
            offset = self.b.add(
                self.b.mul(offset, size, flags=("nuw", "nsw")), place, flags=("nsw",)
            )
        return self.b.gep(pointer, [offset], inbounds=True)

    # -------------------------------------------------------------------------- expressions

    def number(self, e: Expr, dtype: Any = None) -> Any:
        """Write an expression; return it in a register, as a number of a dtype if one is given."""
        value = self._number(e)
        own = e.type.dtype
        if dtype is None or np.dtype(dtype) == own:
            return value
        return self.cast(value, own, np.dtype(dtype))

    def _number(self, e: Expr) -> Any:
        match e:
            case Var(name=name):
                return self._variable(name, e.type.dtype)
            case Lit(value=value, type=type_):
                return self._literal(value, type_.dtype)
            case Index(base=Var(name=name), index=index, type=type_):
                value = self._element(name, index, type_.dtype)
                return self.b.trunc(value, BOOL) if type_.dtype == np.dtype(bool) else value
            case Dim(base=Var(name=name), axis=axis):
                return self.arrays[name][1][axis]
            case Choice(condition=condition, a=a, b=b, type=type_):
                return self._choice(condition, a, b, type_.dtype)
            case Logic(op=op, items=items):
                return self._logic(op, items)
            case Call():
                return self._call(e)
        raise NoInstructions(f"the expression {type(e).__name__}")

    def _variable(self, name: str, dtype: Any) -> Any:
        if name in self.counters:
            return self.counters[name]
        value = self.b.load(self.slot(name))
        return self.cast(value, self.types[name].dtype, np.dtype(dtype))

    def _literal(self, value: Any, dtype: Any) -> Any:
        kind = value_type(dtype)
        return llvm.Constant(kind, float(value) if kind in (DOUBLE, FLOAT) else int(value))

    def _choice(self, condition: Expr, a: Expr, b: Expr, dtype: Any) -> Any:
        """Write both arms where they cost little, so that there is no branch; else one of them."""
        test = self.number(condition)
        if is_cheap(a) and is_cheap(b):
            return self.b.select(test, self.number(a, dtype), self.number(b, dtype))
        found = []
        with self.b.if_else(test) as (yes, no):
            for arm, expr in ((yes, a), (no, b)):
                with arm:
                    found.append((self.number(expr, dtype), self.b.block))
        phi = self.b.phi(value_type(dtype))
        for value, block in found:
            phi.add_incoming(value, block)
        return phi

    def _logic(self, op: str, items: Sequence[Expr]) -> Any:
        first, *rest = items
        value = self.number(first)
        if not rest:
            return value
        before = self.b.block
        on, after = self.b.append_basic_block("rest"), self.b.append_basic_block("known")
        self.b.cbranch(value, *((on, after) if op == "and" else (after, on)))
        self.b.position_at_end(on)
        other = self._logic(op, rest)
        end = self.b.block
        self.b.branch(after)
        self.b.position_at_end(after)
        phi = self.b.phi(BOOL)
        phi.add_incoming(llvm.Constant(BOOL, op == "or"), before)
        phi.add_incoming(other, end)
        return phi

    def _call(self, e: Call) -> Any:
        from .special import SPECIAL

        special = SPECIAL.get(e.fn) if _hashable(e.fn) else None
        if special is not None:
            return special(self, e)
        dtypes = [arg.type.dtype for arg in e.args]
        values = [self.number(arg) for arg in e.args]
        is_double = all(value.type is DOUBLE for value in values)
        if e.fn is np.divide and is_double and stays(e.args[1], self.changing) and is_fused():
            return quotient(self, *values)
        return self.apply(e.fn, values, dtypes, e.type.dtype)

    def apply(self, fn: Any, values: list[Any], dtypes: list[Any], dtype: Any) -> Any:
        """Write a function of numbers of these dtypes."""
        from .instructions import instruction

        return instruction(self, fn, values, dtypes, np.dtype(dtype))

    def cast(self, value: Any, own: Any, dtype: Any) -> Any:
        """Write a conversion."""
        from .instructions import convert

        return convert(self.b, value, np.dtype(own), np.dtype(dtype))


def _hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True
