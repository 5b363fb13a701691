"""The parts of a kernel where nothing but numbers and elements occur, each as one call.

A region is a run of statements without a new array, a call or a return in it: loops, branches, many
assignments of numbers. It takes arrays and numbers, and returns the numbers that it has changed.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return"
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import ir
from ..ir import Assign, Block, Lit, Stmt, Var, statements
from ..types import Type
from . import runtime
from .accesses import aliases, touched
from .code import Check, Do, Gather, Loop, Parallel, Put, bindings, scalar
from .contraction import uses
from .machine import Machine, NoInstructions, value_type

_MANY = 6
"""So many statements more than results are a region without a loop: Numba takes ten times as long
for each as LLVM does."""


@dataclass(slots=True)
class Region(Stmt):
    """``(*results, status) = name(*arrays, *numbers)``; a status other than 0 leaves."""

    name: str
    body: Block
    arrays: tuple[Var, ...]
    numbers: tuple[Var, ...]
    results: tuple[Var, ...]
    may_leave: bool
    apart: tuple[bool, ...]
    """For each array, whether no other one of the region overlaps it where something is written."""
    is_sweep: bool
    """Whether it is a part of a reverse sweep's loop."""

    def function(self, module: Any, name: str, types: dict[str, Type]) -> Any:
        """Add its function to an LLVM module."""
        parts = (self.arrays, self.numbers, self.results)
        arrays, numbers, results = ([var.name for var in part] for part in parts)
        return function(
            module, name, self.body, arrays, numbers, results, types, list(self.apart),
            self.is_sweep,
        )  # fmt: skip


def divide(block: Block, types: dict[str, Type], parameters: set[str]) -> Block:
    """Return a kernel with its regions as statements."""
    made = _Regions(block, types, parameters)
    found = made.divided(block)
    return [*made.beginnings(found), *found]


def regions_of(block: Block) -> list[Region]:
    """Return the regions of a kernel."""
    return [s for s in _all(block) if isinstance(s, Region)]


def _all(block: Block) -> list[Stmt]:
    return [t for s in block for t in (s, *(x for inner in s.blocks for x in _all(inner)))]


class _Regions:
    """Finds regions, and what goes in and out of them."""

    def __init__(self, block: Block, types: dict[str, Type], parameters: set[str]) -> None:
        self.types = types
        self.parameters = parameters
        self.total = uses(block)
        self.group = aliases(block, parts=True)
        self.binders = Counter(bindings(block))
        self.leaving: set[int] = set()
        """Which statements hold something that may leave."""
        self.trial = _Trial(types)
        self.count = 0
        self.depth = 0
        self.is_sweep = False
        """Whether a loop of a reverse sweep is around."""

    def beginnings(self, block: Block) -> Block:
        """Return zeros for the numbers that a region takes and that may not be bound before it."""
        bound = {*self.parameters}
        missing: dict[str, Var] = {}
        for s in block:
            for region in regions_of([s]):
                missing |= {v.name: v for v in region.numbers if v.name not in bound}
            if isinstance(s, Region):
                bound |= {var.name for var in s.results}
            elif isinstance(s, Assign):
                bound.add(s.name)
        return [
            Assign(n, Lit(scalar(var.type.dtype), np.dtype(var.type.dtype).type(0).item()))
            for n, var in missing.items()
        ]

    def divided(self, block: Block) -> Block:
        """Return a block with runs of statements of numbers as regions."""
        out: Block = []
        run: Block = []
        for s in block:
            if is_of_numbers(s) and self._can_be([s]):
                run.append(s)
                continue
            out += self._closed(run)
            run = []
            if isinstance(s, Parallel):
                out.append(self._parallel(s))
            else:
                out += self._flushing(self._inside(s))
        return out + self._closed(run)

    def _flushing(self, s: Stmt) -> Block:
        """Return a statement of a reverse sweep; products take denormal numbers for zero."""
        if not (self.is_sweep and isinstance(s, Do) and s.fn in runtime.PRODUCTS):
            return [s]
        begin, end = (Do((), fn, (), ()) for fn in (runtime.begin_flushing, runtime.end_flushing))
        return [begin, s, end]

    def _inside(self, s: Stmt) -> Stmt:
        match s:
            case ir.For(body=body) | ir.While(body=body) | Loop(body=body):
                before = self.depth, self.is_sweep
                self.depth += 1
                self.is_sweep = self.is_sweep or (isinstance(s, ir.For) and s.is_sweep)
                new = self.divided(body)
                self.depth, self.is_sweep = before
                return replace(s, body=new)
            case ir.If(then=then, orelse=orelse):
                return replace(s, then=self.divided(then), orelse=self.divided(orelse))
        return s

    def _closed(self, run: Block) -> Block:
        """Return a run as a region, if it is worth it and can be written in instructions."""
        is_straight = not any(s.blocks for s in run)
        if is_straight and len(run) < _MANY:
            return run
        own = touched(run)
        inner = {s.var.name for s in statements(run) if isinstance(s, (Loop, ir.For))}
        mentioned = uses(run)
        changed = (own.bound | set(own.gathered)) - inner
        names = {*mentioned} - inner
        arrays = sorted(n for n in names if self.types[n].is_array and self.types[n].ndim)
        numbers = sorted(names - {*arrays})
        first = _bound_first(run)
        inside = Counter(bindings(run))
        elsewhere = {n for n in mentioned if self.binders[n] > inside[n]} | self.parameters
        carried = {n for n in changed if self.depth and n not in first}
        results = [n for n in sorted(changed) if mentioned[n] < self.total[n] or n in carried]
        if is_straight and len(run) - len(results) < _MANY:
            return run
        first |= {n for n in numbers if n not in elsewhere | carried}
        self.count += 1
        return [
            Region(
                f"region_{self.count}",
                run,
                tuple(self._var(n) for n in arrays),
                tuple(self._var(n) for n in numbers if n not in first),
                tuple(self._var(n) for n in results),
                any(id(s) in self.leaving for s in run),
                self._apart(arrays, own.arrays("write", "add")),
                self.is_sweep,
            )
        ]

    def _parallel(self, s: Parallel) -> Region:
        from .chunks import region_of

        self.count += 1
        written = touched(s.body).arrays("write", "add") | {
            var.name for var in (*s.summed, *s.copies, *s.own)
        }
        return region_of(
            s,
            f"region_{self.count}",
            self.types,
            lambda arrays: self._apart(arrays, written),
            self.is_sweep,
        )

    def _var(self, name: str) -> Var:
        return Var(self.types[name], name)

    def _can_be(self, run: Block) -> bool:
        try:
            if self.trial.write(run):
                self.leaving |= {id(s) for s in run}
        except NoInstructions:
            return False
        return True

    def _apart(self, arrays: list[str], written: set[str]) -> tuple[bool, ...]:
        found: list[bool] = []
        for name in arrays:
            others = [n for n in arrays if n != name and self.group(n) == self.group(name)]
            shared = others and ({*others, name} & written)
            found.append(not shared)
        return tuple(found)


def is_of_numbers(s: Stmt) -> bool:
    """Tell whether a statement, with all in it, is about numbers and elements alone."""
    if isinstance(s, Assign):
        return not (s.value.type.is_array and s.value.type.ndim)
    if isinstance(s, (Loop, ir.For, ir.While, ir.If)):
        return all(is_of_numbers(t) for inner in s.blocks for t in inner)
    return isinstance(s, (Put, Gather, Check))


def _bound_first(run: Block) -> set[str]:
    """Return the numbers that are bound at the top of a run before anything reads them."""
    found: set[str] = set()
    seen: set[str] = set()
    for s in run:
        own = touched([s])
        seen |= own.read | set(own.gathered)
        if isinstance(s, Assign) and s.name not in seen:
            found.add(s.name)
        seen |= own.bound
    return found


class _Trial:
    """Writes runs into a function of its own, to see whether they can be written, and may leave."""

    def __init__(self, types: dict[str, Type]) -> None:
        self.types = types
        self._begin()

    def _begin(self) -> None:
        from llvmlite import ir as llvm

        kind = llvm.FunctionType(llvm.VoidType(), [])
        self.made = llvm.Function(llvm.Module(), kind, "trial")
        self.made.append_basic_block("entry")
        builder = llvm.IRBuilder(self.made.append_basic_block("start"))
        self.machine = Machine(builder, {}, self.types, _Leaves(self.made))

    def write(self, run: Block) -> bool:
        """Tell whether a run may leave; raise ``NoInstructions`` if it cannot be written."""
        inner = {s.var.name for s in statements(run) if isinstance(s, (Loop, ir.For))}
        for name in {*uses(run)} - inner:
            self._note(name)
        before = len(self.made.blocks)
        try:
            self.machine.block(run)
        except NoInstructions:
            self._begin()  # somewhere in the middle of it
            raise
        return any(block.name.startswith("holds") for block in self.made.blocks[before:])

    def _note(self, name: str) -> None:
        """Let there be such a variable."""
        from llvmlite import ir as llvm

        from .machine import INT, memory_type

        type_ = self.types[name]
        value_type(type_.dtype)
        if type_.is_array and type_.ndim and name not in self.machine.arrays:
            pointer = llvm.Constant(memory_type(type_.dtype).as_pointer(), llvm.Undefined)
            size = llvm.Constant(INT, llvm.Undefined)
            self.machine.arrays[name] = pointer, [size] * type_.ndim
            self.machine.shared.add(name)


class _Leaves(dict[int, Any]):
    """The blocks of a function where it leaves, by status: those that it has a use for."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def __missing__(self, status: int) -> Any:
        self[status] = self.made.append_basic_block("leave")
        return self[status]


def function(
    module: Any,
    name: str,
    run: Block,
    arrays: list[str],
    numbers: list[str],
    results: list[str],
    types: dict[str, Type],
    apart: list[bool],
    is_sweep: bool = False,
    machine: type[Machine] = Machine,
) -> Any:
    """Add the function of a region to an LLVM module, which a machine of this type writes.

    It takes a pointer and the sizes of each array, then the numbers; it returns a struct of the
    results and a status: where that is not 0, Python has to take over, and the rest is nothing.
    """
    from llvmlite import ir as llvm

    from .machine import INT, memory_type

    kinds: list[Any] = []
    for array in arrays:
        kinds += [memory_type(types[array].dtype).as_pointer(), *[INT] * types[array].ndim]
    kinds += [value_type(types[n].dtype) for n in numbers]
    outs = [value_type(types[n].dtype) for n in results]
    returned = llvm.LiteralStructType([*outs, INT])
    made = llvm.Function(module, llvm.FunctionType(returned, kinds), name)
    made.linkage = "internal"
    made.attributes.add("nounwind")
    made.attributes.add("noinline")
    builder = llvm.IRBuilder(made.append_basic_block("entry"))
    left = _Leaves(made)
    given = iter(made.args)
    memory: dict[str, tuple[Any, list[Any]]] = {}
    for array, is_apart in zip(arrays, apart, strict=True):
        pointer = next(given)
        if is_apart:
            pointer.add_attribute("noalias")
        memory[array] = (pointer, [next(given) for _ in range(types[array].ndim)])
    start = made.append_basic_block("start")
    written = machine(builder, memory, types, left)
    written.shared = {a for a, is_apart in zip(arrays, apart, strict=True) if not is_apart}
    for n in numbers:
        builder.store(next(given), written.slot(n))
    builder.branch(start)
    builder.position_at_end(start)
    with written.flushing(is_sweep):
        written.block(run)
    value: Any = llvm.Constant(returned, llvm.Undefined)
    found = [builder.load(written.slot(name)) for name in results]
    for k, part in enumerate((*found, llvm.Constant(INT, 0))):
        value = builder.insert_value(value, part, k)
    builder.ret(value)
    for status, block in left.items():
        builder.position_at_end(block)
        written.set_back()
        nothing = [llvm.Constant(kind, 0) for kind in outs]
        builder.ret(llvm.Constant(returned, [*nothing, llvm.Constant(INT, status)]))
    return made


def intrinsic_of(region: Region, types: dict[str, Type], unique: str) -> Any:
    """Return the function that Numba calls for a region."""
    from numba.core import types as numba_types
    from numba.np.numpy_support import from_dtype

    from .frames import field_of
    from .runtime.intrinsics import with_parameters

    arrays = [var.name for var in region.arrays]
    numbers = [var.name for var in region.numbers]
    results = [var.name for var in region.results]
    outs = [from_dtype(np.dtype(types[n].dtype)) for n in results]

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        name = f"{unique}_{region.name}"
        made = region.function(builder.module, name, types)
        given: list[Any] = []
        for type_, value in zip(signature.args, args, strict=True):
            if isinstance(type_, numba_types.Array):
                given.append(field_of(context, builder, type_, value, "data"))
                shape = field_of(context, builder, type_, value, "shape")
                given += [builder.extract_value(shape, k) for k in range(type_.ndim)]
            else:
                given.append(value)
        found = builder.call(made, given)
        values = [builder.extract_value(found, k) for k in range(len(outs) + 1)]
        return context.make_tuple(builder, signature.return_type, values)

    def typing(typingctx: Any, *args: Any) -> Any:
        wanted = [from_dtype(np.dtype(types[n].dtype)) for n in numbers]
        given = [*args[: len(arrays)], *wanted]
        return numba_types.Tuple((*outs, numba_types.intp))(*given), code

    names = [f"a{k}" for k in range(len(arrays) + len(numbers))]
    return with_parameters(region.name, names, typing)
