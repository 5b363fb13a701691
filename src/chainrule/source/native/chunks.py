"""Parallel loops as LLVM functions: one does a chunk, one finds a chunk's arguments, one shares.

The caller's arguments lie on its stack, with room for what each chunk returns. ``pool`` runs the
chunks; their sums are then added in order.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return"
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from llvmlite import ir as llvm
from numba.core import config

from .. import ir
from ..ir import Assign, Block, Stmt, Var
from ..types import Type
from . import runtime
from .code import INT as INTEGER
from .code import (
    STACK,
    Loop,
    Parallel,
    Part,
    Reshape,
    bindings,
    dtype_of,
    plus,
    times,
)
from .contraction import uses
from .flow import exposed
from .machine import BYTE, DOUBLE, FLOAT, INT, Machine, memory_type, value_type
from .pool import SYMBOL
from .regions import Region, function

_FROM, _TO = Var(INTEGER, "from'"), Var(INTEGER, "to'")
"""The iterations of a chunk; no variable of a program is called so."""


@dataclass(slots=True)
class ParallelRegion(Region):
    """A parallel loop as one call."""

    loop: Parallel

    def function(self, module: Any, name: str, types: dict[str, Type]) -> Any:
        """Add its function, and those of its chunks, to an LLVM module."""
        return _Written(module, name, self, types).whole()


@dataclass(slots=True)
class _Between(Stmt):
    """Some iterations of a ``Loop``."""

    loop: Loop


class _ChunkMachine(Machine):
    """Writes a chunk: arrays of its own, which lie in memory made before, are names there."""

    def statement(self, s: Stmt) -> None:
        match s:
            case _Between(loop=loop):
                self.loop(loop.var, _TO, loop.body, _FROM)
            case Part(name=name, array=array, start=start, size=size, extents=extents):
                pointer, sizes = self.arrays[array.name]
                first = self.number(start)
                if config.BOUNDSCHECK:  # type: ignore[attr-defined]
                    end = self.b.add(first, self.number(size))
                    self.check(self.b.icmp_unsigned("<=", end, sizes[0]), runtime.OVERRUN)
                place = self.b.gep(pointer, [first], inbounds=True)
                self.arrays[name] = (place, [self.number(e) for e in extents])
                if array.name.startswith(STACK):
                    self.shared |= {name, array.name}
            case Reshape(name=name, array=array, extents=extents):
                pointer, _ = self.arrays[array.name]
                self.arrays[name] = (pointer, [self.number(e) for e in extents])
                self.shared |= {name, array.name}
            case Assign(name=name, value=Var(name=source)) if source in self.arrays:
                self.store_pending()
                self.arrays[name] = self.arrays[source]
                self.shared |= {name, source}
            case _:
                super().statement(s)


def region_of(
    loop: Parallel,
    name: str,
    types: dict[str, Type],
    apart: Callable[[list[str]], tuple[bool, ...]],
    is_sweep: bool,
) -> ParallelRegion:
    """Return the region of a parallel loop; ``apart`` says which arrays overlap no other one.

    ``is_sweep``: whether it is a part of a reverse sweep's loop.
    """
    run = loop.body
    inside = {*bindings(run)}

    def is_array(n: str) -> bool:
        return types[n].is_array and types[n].ndim > 0

    owned = {var.name for var in (*loop.summed, *loop.copies, *loop.own)}
    bound = {n for n in inside if is_array(n)}
    arrays = sorted({n for n in uses(run) if n not in inside and is_array(n)} - bound | owned)
    results = [*loop.sums, *loop.tops, *loop.last]
    extra = (loop.trips, loop.chunks, *loop.own_sizes, *loop.sizes, *loop.changes, *results)
    numbers = {n for n in exposed(run, set()) if not is_array(n)} | {var.name for var in extra}
    leaves = may_leave(loop, types) or any(dtype_of(v).kind == "i" for v in loop.sums)
    return ParallelRegion(
        name, run, tuple(Var(types[n], n) for n in arrays),
        tuple(Var(types[n], n) for n in sorted(numbers)), tuple(results), leaves,
        apart(arrays), is_sweep, loop,
    )  # fmt: skip


def may_leave(loop: Parallel, types: dict[str, Type]) -> bool:
    """Tell whether a chunk may leave; raise ``NoInstructions`` if it cannot be written."""
    names = {*uses(loop.body), *(var.name for var in loop.own)}
    arrays = [n for n in names if types[n].is_array and types[n].ndim]
    for n in names:
        value_type(types[n].dtype)
    module = llvm.Module()
    run, kinds = _run(loop), {**types, _FROM.name: INTEGER, _TO.name: INTEGER}
    apart = [False] * len(arrays)
    made = function(module, "trial", run, arrays, [], [], kinds, apart, False, _ChunkMachine)
    return any(block.name.startswith("holds") for block in made.blocks)


def _run(parallel: Parallel) -> Block:
    """Return the loop of a chunk."""
    loop = parallel.body[0]
    if isinstance(loop, Loop):
        return [_Between(loop)]
    assert isinstance(loop, ir.For)
    first, last = (plus(loop.start, times(k, loop.step)) for k in (_FROM, _TO))
    return [replace(loop, start=first, stop=last)]


class _Written:
    def __init__(self, module: Any, name: str, region: ParallelRegion, types: Any) -> None:
        self.module, self.name, self.loop = module, name, region.loop
        self.types = {**types, _FROM.name: INTEGER, _TO.name: INTEGER}
        self.arrays = [var.name for var in region.arrays]
        self.numbers = [var.name for var in region.numbers]
        self.results = [var.name for var in region.results]
        copies = {var.name for var in self.loop.copies}
        self.passed = [n for n in self.arrays if n not in copies]
        """The arrays that a chunk sees."""
        apart = dict(zip(self.arrays, region.apart, strict=True))
        self.outs = [value_type(types[n].dtype) for n in self.results]
        self.returned = llvm.LiteralStructType([*self.outs, INT])
        self.chunk = function(
            module, f"{name}_chunk", _run(self.loop), self.passed,
            [*self.numbers, _FROM.name, _TO.name], self.results, self.types,
            [apart[n] for n in self.passed], region.is_sweep, _ChunkMachine,
        )  # fmt: skip
        kinds: list[Any] = []
        for n in self.arrays:
            kinds += [memory_type(types[n].dtype).as_pointer(), *[INT] * types[n].ndim]
        self.kinds = kinds + [value_type(types[n].dtype) for n in self.numbers]
        room = self.returned.as_pointer()
        self.context = llvm.LiteralStructType([*self.kinds, room, INT, INT])
        """Arguments, where results go, and which chunks: from one on, every so many."""

    def _function(self, name: str, kinds: list[Any], result: Any) -> Any:
        made = llvm.Function(self.module, llvm.FunctionType(result, kinds), name)
        made.attributes.add("nounwind")
        made.attributes.add("noinline")
        made.linkage = "internal"
        self.b = llvm.IRBuilder(made.append_basic_block("entry"))
        return made

    def _taken(self, values: list[Any]) -> None:
        """Note which value is which argument."""
        given = iter(values)
        self.memory = {n: [next(given) for _ in range(1 + self.types[n].ndim)] for n in self.arrays}
        self.value = {n: next(given) for n in self.numbers}

    # -------------------------------------------------------------------------------- a chunk

    def taking(self) -> Any:
        """Write the function that finds out what belongs to a chunk, and does it."""
        made = self._function(f"{self.name}_taking", [BYTE.as_pointer(), INT], llvm.VoidType())
        b = self.b
        context = b.bitcast(made.args[0], self.context.as_pointer())
        fields = [
            b.load(b.gep(context, [_whole(0), _whole(k)])) for k in range(len(self.kinds) + 3)
        ]
        *given, room, first, stride = fields
        self._taken(given)
        k = b.add(first, b.mul(made.args[1], stride))
        trips, chunks = self.value[self.loop.trips.name], self.value[self.loop.chunks.name]
        low = b.sdiv(b.mul(trips, k), chunks)
        high = b.sdiv(b.mul(trips, b.add(k, llvm.Constant(INT, 1))), chunks)
        is_first = b.icmp_signed("==", k, llvm.Constant(INT, 0))
        for memory, size in zip(self.loop.own, self.loop.own_sizes, strict=True):
            pointer, _ = self.memory[memory.name]
            length = self.value[size.name]
            self.memory[memory.name] = [b.gep(pointer, [b.mul(k, length)]), length]
        self._take_copies(k, is_first)
        values = {**self.value, _FROM.name: low, _TO.name: high}
        for var, fn in zip(self.loop.sums, self.loop.gather, strict=True):
            if fn is runtime.add_in_any_order:
                before = values[var.name]
                values[var.name] = b.select(is_first, before, _nothing(before.type))
        for top, change in zip(self.loop.tops, self.loop.changes, strict=True):
            moved = b.mul(low, self.value[change.name])
            values[top.name] = b.add(values[top.name], moved)
        args = [x for n in self.passed for x in self.memory[n]]
        args += [values[n] for n in (*self.numbers, _FROM.name, _TO.name)]
        b.store(b.call(self.chunk, args), b.gep(room, [k]))
        b.ret_void()
        return made

    def _take_copies(self, k: Any, is_first: Any) -> None:
        """Let all chunks but the first add to zeros of their own."""
        b = self.b
        loop = self.loop
        for array, copies, size in zip(loop.summed, loop.copies, loop.sizes, strict=True):
            place, length = self.memory[array.name][0], self.value[size.name]
            before = b.mul(b.sub(k, llvm.Constant(INT, 1)), length)
            with b.if_else(is_first) as (yes, no):
                with yes:
                    end = b.block
                with no:
                    own = b.gep(self.memory[copies.name][0], [before])
                    self._each(length, partial(self._set_zero, own))
                    other = b.block
            phi = b.phi(place.type)
            phi.add_incoming(place, end)
            phi.add_incoming(own, other)
            self.memory[array.name][0] = phi

    def _set_zero(self, array: Any, i: Any) -> None:
        self.b.store(_zero(array), self.b.gep(array, [i]))

    def _each(self, count: Any, do: Callable[[Any], None], start: int = 0) -> None:
        """Write a loop over the numbers from ``start`` to ``count``."""
        b, before = self.b, self.b.block
        head, after = b.append_basic_block("each"), b.append_basic_block("after")
        first = llvm.Constant(INT, start)
        b.cbranch(b.icmp_signed(">", count, first), head, after)
        b.position_at_end(head)
        k = b.phi(INT)
        k.add_incoming(first, before)
        do(k)
        following = b.add(k, llvm.Constant(INT, 1))
        k.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, count), head, after)
        b.position_at_end(after)

    # ----------------------------------------------------------------------------- all chunks

    def whole(self) -> Any:
        """Write the function that shares out the chunks and puts together what they made."""
        taking = self.taking()
        made = self._function(self.name, self.kinds, self.returned)
        b = self.b
        self._taken(list(made.args))
        chunks = self.value[self.loop.chunks.name]
        context = b.alloca(self.context)
        room = b.alloca(self.returned, llvm.Constant(INT, runtime.MOST_CHUNKS))
        for k, x in enumerate([*made.args, room]):
            b.store(x, b.gep(context, [_whole(0), _whole(k)]))
        one, two = llvm.Constant(INT, 1), llvm.Constant(INT, 2)
        if self.loop.apart:  # first those with even numbers, then those between them
            self._share(taking, context, 0, 2, b.sdiv(b.add(chunks, one), two))
            self._share(taking, context, 1, 2, b.sdiv(chunks, two))
        else:
            self._share(taking, context, 0, 1, chunks)
        for arrays in zip(self.loop.summed, self.loop.copies, self.loop.sizes, strict=True):
            self._add_copies(*arrays, chunks)
        self._put_together(room, chunks)
        return made

    def _share(self, taking: Any, context: Any, first: int, stride: int, count: Any) -> None:
        b, count_of = self.b, len(self.kinds)
        for k, value in ((count_of + 1, first), (count_of + 2, stride)):
            b.store(llvm.Constant(INT, value), b.gep(context, [_whole(0), _whole(k)]))
        share = self.module.globals.get(SYMBOL)
        if share is None:
            kinds = [taking.type, BYTE.as_pointer(), INT]
            share = llvm.Function(self.module, llvm.FunctionType(llvm.VoidType(), kinds), SYMBOL)
        with b.if_then(b.icmp_signed(">", count, llvm.Constant(INT, 0))):
            b.call(share, [taking, b.bitcast(context, BYTE.as_pointer()), count])

    def _add_copies(self, array: Var, copies: Var, size: Var, chunks: Any) -> None:
        b = self.b
        target, source = self.memory[array.name][0], self.memory[copies.name][0]
        length = self.value[size.name]
        is_float = target.type.pointee in (DOUBLE, FLOAT)
        others = b.sub(chunks, llvm.Constant(INT, 1))

        def add_chunk(k: Any) -> None:
            own = b.gep(source, [b.mul(k, length)])

            def add(i: Any) -> None:
                place = b.gep(target, [i])
                plus_ = b.fadd if is_float else b.add
                b.store(plus_(b.load(place), b.load(b.gep(own, [i]))), place)

            self._each(length, add)

        self._each(others, add_chunk)

    def _put_together(self, room: Any, chunks: Any) -> None:
        """Return the sums of all chunks, what the last one left, and the first status that is one.

        The sums go from chunk to chunk in memory: LLVM keeps them in registers.
        """
        b, count = self.b, len(self.outs)
        gather = dict(zip((v.name for v in self.loop.sums), self.loop.gather, strict=True))
        total = b.alloca(self.returned)
        b.store(b.load(room), total)
        machine = Machine(b, {}, self.types, {})

        def put(k: Any) -> None:
            found = b.load(b.gep(room, [k]))
            for n, name in enumerate(self.results):
                place = b.gep(total, [_whole(0), _whole(n)])
                value = b.extract_value(found, n)
                if name in gather:
                    dtype = self.types[name].dtype
                    value = self._gathered(machine, gather[name], b.load(place), value, dtype)
                b.store(value, place)
            place = b.gep(total, [_whole(0), _whole(count)])
            before = b.load(place)
            is_well = b.icmp_signed("==", before, llvm.Constant(INT, 0))
            b.store(b.select(is_well, b.extract_value(found, count), before), place)

        self._total = total
        self._each(chunks, put, start=1)
        b.ret(b.load(total))

    def _gathered(self, m: Machine, fn: Any, a: Any, b: Any, dtype: Any) -> Any:
        if fn is not runtime.add_in_any_order:
            return m.apply(fn, [a, b], [dtype, dtype], dtype)
        if a.type in (DOUBLE, FLOAT):
            return self.b.fadd(a, b)
        found = self.b.sadd_with_overflow(a, b)
        status = self.b.gep(self._total, [_whole(0), _whole(len(self.outs))])
        with self.b.if_then(self.b.extract_value(found, 1), likely=False):
            self.b.store(llvm.Constant(INT, runtime.LEFT), status)
        return self.b.extract_value(found, 0)


def _whole(value: int) -> Any:
    return llvm.Constant(llvm.IntType(32), value)


def _zero(pointer: Any) -> Any:
    kind = pointer.type.pointee
    return llvm.Constant(kind, 0.0 if kind in (DOUBLE, FLOAT) else 0)


def _nothing(kind: Any) -> Any:
    """Return what a sum begins with: -0.0, to which -0.0 may be added."""
    return llvm.Constant(kind, -0.0 if kind in (DOUBLE, FLOAT) else 0)
