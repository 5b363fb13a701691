"""A derivative in two programs: one that runs forwards once, one that goes back as often as wanted.

The first returns the result and the *residuals*: the variables that the reverse sweep reads, and
the stack of saved values. The second takes these and a cotangent. It consumes nothing: it works on
copies of the arrays that it restores, and on a stack of its own.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from . import ir
from .build import copy, literal
from .deadcode import reads_before
from .fresh import Fresh
from .ir import Access, Assign, Block, Call, Choice, Effect, Expr, Pop, Push, Seq, Store, Var
from .templates import map_template, template_leaves
from .tidy import renamed, uses
from .types import BOOL, OBJECT, Type, of_any_size

Back = tuple[Block, Any]
"""A reverse sweep, and the template of its result."""


def split(
    program: ir.Program, forward: Block, backs: Sequence[Back], cts: Sequence[str], fresh: Fresh
) -> tuple[ir.Program, list[ir.Program]]:
    """Return the program of a forward sweep, and one for each reverse sweep that may follow it.

    ``cts``: the parameters of the reverse sweeps that hold the cotangents.
    """
    opening, backs = _taken_out(backs, fresh)
    forward = [*opening, *forward]
    restored = set[str]().union(*(_restored(body) for body, _ in backs)) & program.buffers
    unset = {s.name for s in forward if isinstance(s, Assign) and s.value == literal(None)}
    shares = any(isinstance(s, Push) and s.stack and not s.copy for s in ir.statements(forward))
    forward = _saved_apart(forward, restored, unset, shares)
    bound = {name for s in ir.statements(forward) for name in ir.written(s)}
    bound |= {p.name for p in program.parameters} | program.hidden.keys()
    needed = set[str]().union(*(_reads(*back) for back in backs))
    assert needed <= bound.union(cts), needed - bound
    residuals = sorted(needed & bound)
    surely = _surely_bound(forward) | {p.name for p in program.parameters} | program.hidden.keys()
    missing = [name for name in residuals if name not in surely]
    stack = fresh("stack", OBJECT)
    has_stack = any(isinstance(s, Push) for s in ir.statements(forward))
    held = [Var(fresh.types[name], name) for name in residuals] + [stack] * has_stack
    first = replace(
        program,
        name=f"{program.name}_forward",
        body=[*(Assign(name, literal(None)) for name in missing), *forward],
        result=(program.result, tuple(held)),
        types=fresh.types,
        stack=stack.name,
    )
    later = replace(
        program,
        name=f"{program.name}_pullback",
        parameters=[ir.Parameter(name) for name in (*(v.name for v in held), *cts)],
        # Of a variable that may be unset nobody can ask for a size.
        types=fresh.types | {name: of_any_size(fresh.types[name]) for name in missing},
        hidden={},
        inputs={},
        static=(),
        guards=(),
        changed=(),
        stack=stack.name,
    )
    taken = [_taken(stack)] if has_stack else []
    names = _plain(residuals, cts, backs, fresh.types)
    later.parameters = [ir.Parameter(names.get(p.name, p.name)) for p in later.parameters]
    back_programs = []
    for body, result in backs:
        body = [*taken, *_Copies(program, unset.union(missing), body).program(held)]
        back_programs.append(renamed(replace(later, body=body, result=result), names))
    return first, back_programs


def _plain(
    residuals: Sequence[str], cts: Sequence[str], backs: Sequence[Back], types: dict[str, Type]
) -> dict[str, str]:
    """Call ``u_2`` just ``u`` where a reverse sweep has no other ``u``."""
    taken = {*cts, *residuals}
    for body, result in backs:
        taken |= {name for s in body for name in uses(s)}
        taken |= ir.names_in(*(leaf for _, leaf in template_leaves(result)))
    names: dict[str, str] = {}
    for name in residuals:
        base = re.sub(r"_\d+$", "", name)
        if base not in taken and base in types and types[base].kind == types[name].kind:
            names[name] = base
            taken.add(base)
    return names


def _taken(stack: Var) -> Effect:
    """``stack = list(stack)``: an effect, since what pops does not name the stack."""
    return Effect(Call(OBJECT, list, (stack,)), (stack.name,))


def _taken_out(backs: Sequence[Back], fresh: Fresh) -> tuple[Block, list[Back]]:
    """Let the forward sweep take apart the arguments that the results of reverse sweeps look at."""
    found: dict[Access, Var] = {}

    def name(e: Expr) -> Expr:
        if isinstance(e, Access):
            return found.setdefault(e, fresh("part", e.type))
        return e

    changed = [(b, map_template(lambda e: ir.rewrite(e, name), result)) for b, result in backs]
    return [Assign(var.name, access) for access, var in found.items()], changed


def _reads(body: Block, result: Any) -> set[str]:
    """Return the variables that a reverse sweep and its result read from before."""
    leaves = tuple(leaf for _, leaf in template_leaves(result))
    return reads_before([*body, Effect(Seq(OBJECT, leaves))])


class _Copies:
    """Lets a reverse sweep restore copies of buffers: what it is given is needed again.

    ``unset``: variables that may hold None instead.
    """

    def __init__(self, program: ir.Program, unset: Collection[str], body: Block) -> None:
        self.unset = unset
        self.copied = _restored(body) & program.buffers
        self.body = body

    def program(self, held: Sequence[Var]) -> Block:
        """Return the reverse sweep, after copies of what is held from the start."""
        return [s for v in held for s in self._copy(v)] + self._block(self.body)

    def _copy(self, v: Var) -> Block:
        if v.name not in self.copied:
            return []
        is_set = Call(BOOL, operator.is_not, (v, literal(None)))
        copied = Assign(v.name, copy(v))
        return [ir.If(is_set, [copied]) if v.name in self.unset else copied]

    def _block(self, block: Block) -> Block:
        kept: Block = []
        for s in block:
            match s:
                case Pop(target=target, index=None) if target.name in self.unset:
                    kept += [s, *self._copy(target)]
                    continue
                case Pop(target=target, index=None) if target.name in self.copied:
                    s = replace(s, copy=True)
                case ir.If(then=then, orelse=orelse):
                    s = replace(s, then=self._block(then), orelse=self._block(orelse))
                case ir.For(body=body) | ir.While(body=body):
                    s = replace(s, body=self._block(body))
            kept.append(s)
        return kept


def _restored(body: Block) -> set[str]:
    """Return the variables whose array some statement changes or restores, under whatever name."""
    every = list(ir.statements(body))
    found = {s.target.name for s in every if isinstance(s, Store)}
    found |= {s.target.name for s in every if isinstance(s, Pop) and s.index is not None}
    while True:
        more = {s.root for s in every if isinstance(s, ir.Alias) and s.name in found}
        for s in every:
            if isinstance(s, ir.Move):
                moved = zip(s.targets, s.sources, strict=True)
                more |= {source.name for target, source in moved if target in found}
        if more <= found:
            return found
        found |= more


def _saved_apart(block: Block, restored: set[str], unset: set[str], shares: bool) -> Block:
    """Let the stack have copies of buffers that the program goes on changing.

    A single sweep back restores such a buffer before it takes it from the stack; here it is a copy
    that is restored. A buffer that is given up at once needs no copy, unless a derivative in the
    program ``shares`` it: that one takes it back from its own list, and changes it.
    """
    saved: Block = []
    for k, s in enumerate(block):
        match s:
            case Push(value=Var(name=name)) if name in restored:
                after = next((t for t in block[k + 1 :] if not isinstance(t, Push)), None)
                given_up = isinstance(after, Assign) and after.name == name and not shares
                if not given_up and name in unset:
                    s = replace(s, value=_copy_if_set(s.value))
                elif not given_up:
                    s = replace(s, copy=True)
            case ir.If(then=then, orelse=orelse):
                arms = (_saved_apart(arm, restored, unset, shares) for arm in (then, orelse))
                s = replace(s, then=next(arms), orelse=next(arms))
            case ir.For(body=body) | ir.While(body=body):
                s = replace(s, body=_saved_apart(body, restored, unset, shares))
        saved.append(s)
    return saved


def _copy_if_set(x: Expr) -> Expr:
    is_set = Call(BOOL, operator.is_not, (x, literal(None)))
    return Choice(x.type, is_set, copy(x), literal(None))


def _surely_bound(block: Block) -> set[str]:
    """Return the variables that a block binds whatever way it takes."""
    found: set[str] = set()
    for s in block:
        if isinstance(s, ir.If):
            found |= _surely_bound(s.then) & _surely_bound(s.orelse)
        elif not isinstance(s, (ir.For, ir.While)):
            found.update(ir.written(s))
    return found
