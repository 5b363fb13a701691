"""Shorter names: a variable that takes over from another one takes its name too.

Passes that come before give every value a name of its own: ``u_2 = u.copy()``. Where ``u`` is not
read any more, a person would write ``u = u.copy()``. What numbers are left are counted from 2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import fields, replace
from typing import Any

from . import ir
from .fold import locals_of
from .ir import Assign, Block, Expr, Stmt, Var
from .templates import map_template, template_leaves

_NAMES = ("name", "root", "until", "trips", "pullback", "stack", "of")
"""Fields of statements that hold the name of a variable, or nothing."""
_NUMBERED = re.compile(r"(.*?)_(\d+)$")


def tidy(program: ir.Program, taken: Collection[str] = (), is_own: bool = False) -> ir.Program:
    """Return the same program with shorter names, other than those that are taken.

    Parameters keep theirs, unless it is one of a program's own functions.
    """
    parameters = {p.name for p in program.parameters}
    fixed = {*parameters, *program.hidden, program.name, *program.functions, *taken}
    program = _without_copies(program, fixed)
    program = renamed(program, _successors(program, fixed))
    program = renamed(program, _nested_successors(program, fixed))
    names = _renumbered(program, fixed - parameters if is_own else fixed)
    given = [replace(p, name=names.get(p.name, p.name)) for p in program.parameters]
    program = renamed(replace(program, parameters=given), names)
    return replace(program, body=_with_needed_notes(program.body))


def _with_needed_notes(block: Block) -> Block:
    """Leave out comments that nothing follows."""
    out: Block = []
    for s in block:
        if isinstance(s, Assign) and s.value == Var(s.value.type, s.name):
            continue
        if isinstance(s, ir.Note) and out and isinstance(out[-1], ir.Note):
            out.pop()
        new = replace(s)
        for f in ("then", "orelse", "body"):
            if hasattr(new, f):
                setattr(new, f, _with_needed_notes(getattr(new, f)))
        out.append(new)
    while out and isinstance(out[-1], ir.Note):
        out.pop()
    return out


# ----------------------------------------------------------------------------- which names


def _without_copies(program: ir.Program, fixed: set[str]) -> ir.Program:
    """Leave out ``x = y`` where ``y`` ends and ``x`` begins: it was ``x`` from the start."""
    k = 0
    while k < len(program.body):
        match program.body[k]:
            case Assign(name=name, value=Var(name=old)) if not {name, old} & fixed:
                first, last = _spans(program)
                same = _type(program, name) == _type(program, old)
                if same and first[name] == last[old] == k and first.get(old, k) < k:
                    body = [*program.body[:k], *program.body[k + 1 :]]
                    program = renamed(replace(program, body=body), {old: name})
                    continue
        k += 1
    return program


def _spans(program: ir.Program) -> tuple[dict[str, int], dict[str, int]]:
    """Return the first and the last statement in which each variable occurs."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for k, s in enumerate(program.body):
        for name in uses(s):
            first.setdefault(name, k)
            last[name] = k
    for name in _read_by(program.result):
        last[name] = len(program.body)
    return first, last


def _successors(program: ir.Program, fixed: set[str]) -> dict[str, str]:
    """Map variables to those whose names they can take over, at the top level of the program."""
    first, last = _spans(program)
    mapping: dict[str, str] = {}
    holder: dict[str, str] = {}
    """Base name -> the variable that holds that name at present."""
    for k, s in enumerate(program.body):
        if not isinstance(s, Assign) or first.get(s.name) != k or s.name in fixed:
            continue
        base = _base(s.name)
        before = holder.get(base, base)
        if base == s.name or _type(program, before) != _type(program, s.name):
            continue
        if before in last and last[before] <= k:
            mapping[s.name] = base
            holder[base] = s.name
    return mapping


def _nested_successors(program: ir.Program, fixed: set[str]) -> dict[str, str]:
    """Map variables to those whose names they can take over, within each nested block."""
    own = locals_of(program.body) - fixed - _read_by(program.result)
    total = Counter(name for s in program.body for name in uses(s))
    mapping: dict[str, str] = {}

    def visit(block: Block) -> dict[str, str]:
        found = [Counter(uses(s)) for s in block]
        count = sum(found, Counter[str]())
        last = {name: k for k, names in enumerate(found) for name in names}
        first = {name: k for k, names in reversed([*enumerate(found)]) for name in names}
        here = {name for name in own & count.keys() if count[name] == total[name]}
        holder: dict[str, str] = {}
        for k, s in enumerate(block):
            for inner in s.blocks:
                holder = visit(inner) | holder
            if not isinstance(s, Assign) or s.name not in here or first[s.name] != k:
                continue
            base = _base(s.name)
            before = holder.get(base, base)
            same = _type(program, before) == _type(program, s.name)
            if before != s.name and before in here and last[before] <= k and same:
                mapping[s.name] = mapping.get(before, before)
            holder[base] = s.name
        return holder

    visit(program.body)
    return mapping


def _base(name: str) -> str:
    """``u_2`` and ``u_2_ct`` are called after ``u`` and ``u_ct``."""
    parts = re.split(r"(_\d+)(?=_ct|_dot|$)", name)
    return "".join(parts[::2])


def _type(program: ir.Program, name: str) -> Any:
    found = program.types.get(name)
    return None if found is None else (found.kind, found.dtype, found.ndim)


def _renumbered(program: ir.Program, fixed: set[str]) -> dict[str, str]:
    """Map numbered variables to the smallest free numbers, in the order of their appearance."""
    names = dict.fromkeys(p.name for p in program.parameters)
    names |= dict.fromkeys(name for s in program.body for name in uses(s))
    found = {name: _NUMBERED.fullmatch(name) for name in names if name not in fixed}
    taken = fixed | {name for name, match in found.items() if match is None}
    taken |= {e.root for s in ir.statements(program.body) for e in _accesses(s)}
    mapping: dict[str, str] = {}
    for name, match in found.items():
        if match is None:
            continue
        base, count = match[1], 1
        new = base
        while new in taken:
            count += 1
            new = f"{base}_{count}"
        taken.add(new)
        mapping[name] = new
    return mapping


def _accesses(s: Stmt) -> Iterator[ir.Access]:
    for expr in ir.expressions(s):
        yield from (e for e in ir.walk(expr) if isinstance(e, ir.Access))


def uses(s: Stmt) -> Iterator[str]:
    """Yield the variables of a statement and of the blocks in it."""
    for t in ir.statements([s]):
        for expr in ir.expressions(t):
            yield from sorted(ir.names_in(expr))
        yield from filter(None, (getattr(t, f, None) for f in _NAMES))
        yield from ir.written(t)


def _read_by(template: Any) -> set[str]:
    return ir.names_in(*(leaf for _, leaf in template_leaves(template)))


# ------------------------------------------------------------------------------- renaming


def renamed(program: ir.Program, names: dict[str, str]) -> ir.Program:
    """Return the program with other names for some variables; its parameters keep theirs."""
    if not names:
        return program
    gone = {*names, *names.values()}
    types = {name: found for name, found in program.types.items() if name not in gone}
    types.update({new: program.types[old] for old, new in names.items() if old in program.types})
    return replace(
        program,
        body=renamed_block(program.body, names),
        result=map_template(lambda e: renamed_expression(e, names), program.result),
        types=types,
        buffers=frozenset(names.get(name, name) for name in program.buffers),
    )


def renamed_expression(expr: Expr, names: dict[str, str]) -> Expr:
    """Return an expression with other names for some variables."""

    def change(e: Expr) -> Expr:
        return replace(e, name=names[e.name]) if isinstance(e, Var) and e.name in names else e

    return ir.rewrite(expr, change)


def renamed_block(block: Block, names: dict[str, str]) -> Block:
    """Return statements with other names for some variables."""
    return [_statement(s, names) for s in block]


def _statement(s: Stmt, names: dict[str, str]) -> Stmt:
    new = replace(s)
    for f in fields(s):
        value = getattr(s, f.name)
        if isinstance(value, Expr):
            setattr(new, f.name, renamed_expression(value, names))
        elif isinstance(value, list):
            setattr(new, f.name, renamed_block(value, names))
        elif isinstance(value, tuple):
            setattr(new, f.name, tuple(_part(part, names) for part in value))
        elif f.name in _NAMES and isinstance(value, str):
            setattr(new, f.name, names.get(value, value))
    return new


def _part(part: Any, names: dict[str, str]) -> Any:
    if isinstance(part, Expr):
        return renamed_expression(part, names)
    return names.get(part, part) if isinstance(part, str) else part
