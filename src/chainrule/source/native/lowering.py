"""A program of array operations as a kernel: loops over numbers, what it takes, what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .. import ir
from ..build import base_variable
from ..effects import cannot_be_repeated, has_effects
from ..ir import Access, Assign, Block, Dim, Expr, Index, Lit, Var, statements
from ..templates import map_template, template_leaves
from ..types import Size, Type, unknown_size
from . import (
    operations,  # noqa: F401 (fills the tables)
    runtime,
)
from .accesses import aliases
from .code import INT, STACK, Do, Fresh, Python, Return, number, scalar
from .computed_again import computed_again
from .contraction import coalesce, contract, separate
from .copied_first import with_copies_first
from .early import sizes_first
from .elements import array, number_of
from .exact import exact
from .extents import with_known_extents
from .few import few, with_sizes
from .forgetting import forgetting
from .forwarding import forwarded
from .fusion import fuse
from .gathering import gather
from .given import given_to, opened, with_names_of_one_value
from .hoisting import escaping, held, hoist, merged, reserve
from .homes import at_home
from .inplace import in_place
from .interchange import interchange
from .layout import laid_out
from .masked import without_places
from .nothing import note_tests
from .numbers import cast
from .overwriting import Overwriting
from .own_arrays import with_own_arrays
from .parallel import Notes, spread
from .pooling import pooled
from .raising import raised
from .regions import Region, divide, regions_of
from .remade import made_once
from .saved import given_top_of, top_of
from .scalars import in_numbers
from .second_names import without_second_names
from .sinking import sunk
from .slots import note_slots
from .state import NotNative, State, is_axes, names_of
from .statements import lower_block
from .units import without_units
from .unread import without_dead
from .webs import apart
from .whole_saves import with_whole_saves

_ROUNDS = 8
"""How often sizes are looked for in terms of others: more than any program needs, probably."""


@dataclass(slots=True)
class Kernel:
    """A function of numbers and arrays, and how it is called."""

    name: str
    parameters: list[str]
    body: Block
    results: list[Var]
    types: dict[str, Type]
    stacks: dict[str, Any]
    opening: list[Assign]
    """Takes structured arguments apart, before the kernel is called."""
    template: Any
    """The result of the program, with ``Var`` for what the kernel returns."""
    returned: list[tuple[str, Type]]
    """What the kernel returns, with NumPy's own types."""
    objects: list[str]
    """What only the interpreter sees, and is handed in."""
    made: list[str]
    """What only the interpreter sees, and is part of the result."""
    call: str = ""
    """The parameter that says what has the interpreter run pieces, where there are any."""
    stack: str = ""
    """``taken`` if the stacks of saved values are parameters, ``given`` if they are returned."""
    pushes: bool = False
    """Whether it saves values."""
    may_leave: bool = True
    """Whether NumPy may run the program from the start when machine code leaves."""
    fits_all_sizes: bool = True
    """Whether it can be called with arguments of any sizes."""
    regions: dict[str, Region] = field(default_factory=dict)
    """The parts that are written as LLVM's instructions."""
    notes: Notes = field(default_factory=list)
    """What became of the loops, where they may run in parallel."""
    outside: dict[str, Any] = field(default_factory=dict)
    """What the text refers to and cannot import: functions and classes of the user."""
    pieces: Any = None
    """The ``Pieces`` that the interpreter runs, once the kernel is written."""


def _check_axes(program: ir.Program) -> None:
    """Leave a variable that is a number first and an array with axes later to NumPy."""
    kinds: dict[str, bool] = {}
    for expr in (e for s in ir.statements(program.body) for e in ir.expressions(s)):
        for var in (e for e in ir.walk(expr) if isinstance(e, Var) and e.type.dtype is not None):
            if kinds.setdefault(var.name, is_axes(var.type)) != is_axes(var.type):
                raise NotNative(f"{var.name}, which is a number first and an array later")
    for s in (s for s in ir.statements(program.body) if isinstance(s, Assign)):
        found = s.value.type
        if found.dtype is not None and kinds.get(s.name, is_axes(found)) != is_axes(found):
            raise NotNative(f"{s.name}, which is a number first and an array later")


def to_kernel(
    program: ir.Program,
    wraps: bool = False,
    sizes: dict[Size, int] | None = None,
    parallel: bool = False,
) -> Kernel:
    """Lower a program; raise ``NotNative`` where NumPy has to run it.

    ``sizes``: what the symbols of sizes stand for, for which the kernel may be made. ``parallel``:
    whether loops may run on several threads.
    """
    _check(program)
    may_leave = not has_effects(program) and not cannot_be_repeated(program)
    program = opened(program)
    _check_axes(program)
    opening = [s for s in program.body if isinstance(s, Assign) and isinstance(s.value, Access)]
    given = given_to(program, opening)
    program = with_names_of_one_value(program, given, len(opening))
    known_sizes = few(program, given, sizes or {})
    fitting = _fitting(program, given, known_sizes)
    fresh = Fresh({*program.types, *names_of(program)})
    program = with_own_arrays(with_sizes(program, known_sizes), given, len(opening), fresh)
    program = with_whole_saves(forgetting(program) if parallel else program, fresh)
    program = without_places(with_copies_first(program, fresh), fresh)
    state = State(program, wraps or not may_leave, may_leave)
    program, relied = exact(program, given, may_leave and not wraps)
    state.program = program
    body = program.body[len(opening) :]
    state.unshared = _unshared(program)
    state.pops_are_final = _pops_are_final(body)
    for check in relied:
        state.emit(check)
    for expr in (e for s in ir.statements(program.body) for e in ir.expressions(s)):
        for var in (e for e in ir.walk(expr) if isinstance(e, Var) and e.type.dtype is not None):
            state.types.setdefault(var.name, var.type)
    state.types |= _promoted(program)
    _lower(state, body, given)
    made = [name for name in _objects_of(program.result) if name in state.objects]
    results: list[Var] = []
    returned: list[tuple[str, Type]] = []

    def result(expr: Expr) -> Any:
        if isinstance(expr, Var) and expr.name in state.tuples:
            return tuple(result(part) for part in _parts(state, expr))
        if isinstance(expr, Lit) or expr.type.dtype is None:
            return expr
        var = _result(state, expr)
        results.append(var)
        name = state.fresh("result")
        returned.append((name, expr.type))
        return Var(expr.type, name)

    template = map_template(result, program.result)
    known = {*(p.name for p in program.parameters), *program.hidden, *(s.name for s in opening)}
    kernel = Kernel(
        program.name, given, state.block, results, state.types, state.stacks, opening, template,
        returned, sorted(state.objects & known), made, may_leave=may_leave,
    )  # fmt: skip
    kernel = _with_stacks(kernel, program, state, parallel)
    kernel.body[:0] = fitting
    kernel.fits_all_sizes = not known_sizes
    return kernel


def _fitting(program: ir.Program, given: list[str], sizes: dict[Size, int]) -> Block:
    """Return statements that leave the kernel if an argument has another size than is known."""
    looked: dict[Size, Block] = {}
    for name in given:
        type_ = program.types[name]
        for axis, size in enumerate(type_.sizes):
            if size in sizes:
                dim = Dim(INT, Var(type_, name), axis)
                looked.setdefault(size, [Do((), runtime.sized, (dim, number(sizes[size])), ())])
    return [s for block in looked.values() for s in block]


def _check(program: ir.Program) -> None:
    """Raise ``NotNative`` for what there are no kernels of."""
    if not all(t.dtype is None or t.dtype.isnative for t in program.types.values()):
        raise NotNative("numbers in the byte order of another machine")
    if any(name.startswith(STACK) and t.is_array for name, t in program.types.items()):
        raise NotNative(f"an array with a name that begins with {STACK}")
    if any(isinstance(s, ir.Invoke | ir.Turn) for s in ir.statements(program.body)):
        raise NotNative("a recursive function")


def _lower(state: State, body: Block, given: list[str]) -> None:
    """Append the loops of a program; ``given``: the variables that the kernel takes."""
    _name_sizes(state, given)
    note_tests(state)
    note_slots(state, body)
    lower_block(state, body)


def _with_stacks(kernel: Kernel, program: ir.Program, state: State, parallel: bool) -> Kernel:
    """Let a kernel take or return the stacks, and take what has the interpreter run pieces."""
    if any(isinstance(s, Python) for s in statements(state.block)):
        kernel.call = state.fresh("call")
        kernel.types[kernel.call] = INT
    kernel.pushes = any(isinstance(s, ir.Push) for s in ir.statements(program.body))
    stacks = [Var(state.types[n], n) for s in state.stacks for n in (s, top_of(s))]
    if program.stack and program.stack in {p.name for p in program.parameters}:
        kernel.stack = "taken"
        kernel.parameters += [n for s in state.stacks for n in (s, given_top_of(s))]
        kernel.types |= {given_top_of(s): INT for s in state.stacks}
    elif program.stack in _objects_of(program.result):
        kernel.stack = "given"
        kernel.results += stacks
    kernel.parameters += [kernel.call] * bool(kernel.call)
    state.emit(Return(tuple(kernel.results)))
    for s in state.stacks:  # so that what changes it is not all that binds it
        first = Var(INT, given_top_of(s)) if kernel.stack == "taken" else number(0)
        state.block.insert(0, Assign(top_of(s), first))
    given = {*kernel.parameters}
    body, kernel.notes = improved(state, state.block, given, parallel)
    kernel.body = divide(body, state.types, given)
    kernel.regions = {region.name: region for region in regions_of(kernel.body)}
    return kernel


def _objects_of(template: Any) -> list[str]:
    """Return the variables in a result that are neither numbers nor arrays."""
    leaves = [leaf for _, leaf in template_leaves(template)]
    return [x.name for x in leaves if isinstance(x, Var) and x.type.dtype is None]


def _promoted(program: ir.Program) -> dict[str, Type]:
    """Return the types of variables that hold arrays of one dtype here and of another there."""
    dtypes: dict[str, Any] = {}
    for s in ir.statements(program.body):
        if isinstance(s, Assign) and is_axes(s.value.type) and s.name not in program.buffers:
            dtype: Any = s.value.type.dtype
            dtypes[s.name] = np.result_type(dtypes.get(s.name, dtype), dtype)
    types = program.types
    arrays = [name for name in dtypes if name in types and is_axes(types[name])]
    return {name: replace(types[name], dtype=dtypes[name]) for name in arrays}


def _name_sizes(state: State, given: list[str]) -> None:
    """Bind the sizes of the arguments' axes: what has the same size has the same extent."""
    for name in given:
        type_ = state.types[name]
        for axis, size in enumerate(type_.sizes):
            if state.known_extent(size) is None:
                state.note_extent(size, state.integer(Dim(INT, Var(type_, name), axis)))


def improved(
    state: State, block: Block, given: set[str], parallel: bool = False
) -> tuple[Block, Notes]:
    """Return a block with its loops joined and its temporaries in registers or made once.

    ``parallel``: its loops may run on several threads; the notes say which do.
    """
    block = raised(block, given, state.may_leave and not state.wraps)
    block = _with_sizes_first(block, given)
    block = coalesce(separate(coalesce(block), state.fresh, state.types))
    block = apart(without_units(block, state.fresh, state.types), state.fresh, state.types)
    block = at_home(forwarded(without_second_names(block)), given)
    block = in_numbers(block, state.fresh, state.types, given)
    block = in_place(block, given)
    block = interchange(block, state.fresh, state.types)
    overwriting = Overwriting(block, aliases(block), state.fresh, state.types)
    block = overwriting.without_vain_fills(block)
    block = gather(block, aliases(block), state.fresh, state.types)
    block = overwriting.with_sums_set(block)
    block = contract(fuse(block, aliases(block)), state.fresh, state.types)
    block = without_dead(computed_again(sunk(block, aliases(block)), aliases(block)))
    block = laid_out(block, given, state.fresh, state.types)
    if parallel:
        block, notes = spread(block, given, {*state.stacks}, state.fresh, state.types)
        return pooled(block, state.fresh, state.types), notes
    block = made_once(block, held(block), given, state.fresh, state.types)
    block = hoist(block, escaping(block) | given)
    block = pooled(block, state.fresh, state.types)
    return merged(reserve(block)), []


def _with_sizes_first(block: Block, given: set[str]) -> Block:
    """Return a block that computes sizes first, in which those of its own arrays are known.

    An array is often as large as another one, which is as large as a third: each round finds one
    step, and what is found to be equal by it.
    """
    block = sizes_first(block, given)
    for _ in range(_ROUNDS):
        known = with_known_extents(block, given)
        if known is block:
            break
        block = sizes_first(known, given)
    return block


def _parts(state: State, several: Var) -> list[Expr]:
    """Return the arrays and numbers that a variable of the interpreter would hold together."""
    found: list[Expr] = []
    for k, part in enumerate(state.tuples[several.name]):
        sizes = tuple(unknown_size() for _ in part.extents)
        type_ = Type("array", part.dtype, sizes) if sizes else scalar(part.dtype)
        found.append(Index(type_, several, (number(k),)))
    return found


def _result(state: State, expr: Expr) -> Var:
    if is_axes(expr.type):
        return array(state, expr)
    assert expr.type.dtype is not None
    value = cast(number_of(state, expr), expr.type.dtype)
    return value if isinstance(value, Var) else state.named("result", value)


def _unshared(program: ir.Program) -> set[str]:
    """Return the arrays that one variable alone holds, ever: it is always bound to a new one."""
    shared = {p.name for p in program.parameters} | {*program.hidden}
    found: set[str] = set()
    for s in ir.statements(program.body):
        if isinstance(s, Assign) and is_axes(s.value.type):
            base = base_variable(s.value)
            found.add(s.name)
            if base is not None or not isinstance(s.value, ir.Call):
                shared |= {s.name, *ir.names_in(s.value)}
            for e in ir.walk(s.value):
                if isinstance(e, ir.Choice):
                    shared |= {s.name, *ir.names_in(e)}
        elif isinstance(s, ir.Assign):
            continue
        else:
            shared |= {*ir.written(s)} if not isinstance(s, ir.Store) else set()
            if isinstance(s, ir.Move):
                shared |= {source.name for source in s.sources}
    return found - shared


def _pops_are_final(body: Block) -> bool:
    """Tell whether nothing is pushed once something was popped."""
    popped = False
    for s in body:
        inner = list(ir.statements([s]))
        pops = any(isinstance(t, ir.Pop) for t in inner)
        pushes = any(isinstance(t, ir.Push) for t in inner)
        if pushes and (pops or popped):
            return False
        popped = popped or pops
    return True
