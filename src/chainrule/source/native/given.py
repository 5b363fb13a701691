"""What a kernel is given: numbers and arrays of a program's arguments, each under one name."""

from __future__ import annotations

from dataclasses import replace

from .. import ir
from ..ir import Access, Assign, Block, Expr, Var
from ..templates import map_template, template_leaves
from ..tidy import renamed
from .code import Fresh, mapped
from .state import NotNative, names_of


def opened(program: ir.Program) -> ir.Program:
    """Return a program that takes its structured arguments apart before anything else."""
    names: dict[Access, str] = {}
    types = dict(program.types)
    fresh = Fresh({*types, *(p.name for p in program.parameters), *program.hidden})

    def change(e: Expr) -> Expr:
        if not isinstance(e, Access):
            return e
        if e not in names:
            names[e] = fresh(e.root)
            types[names[e]] = e.type
        return Var(e.type, names[e])

    body = [mapped(s, lambda e: ir.rewrite(e, change)) for s in program.body]
    result = map_template(lambda e: ir.rewrite(e, change), program.result)
    opening: Block = [Assign(name, access) for access, name in names.items()]
    return replace(program, body=[*opening, *body], types=types, result=result)


def given_to(program: ir.Program, opening: list[Assign]) -> list[str]:
    """Return the variables that the kernel takes: numbers and arrays that the program reads."""
    read = {name for s in ir.statements(program.body) for e in ir.expressions(s)
            for name in ir.names_in(e)}  # fmt: skip
    for s in ir.statements(program.body):
        read |= {*ir.written(s)}
        if isinstance(s, (ir.For, ir.While)):
            read |= {*filter(None, (s.until, s.trips))}
    read |= ir.names_in(*(leaf for _, leaf in template_leaves(program.result)))
    names = [*(p.name for p in program.parameters), *program.hidden, *(s.name for s in opening)]
    found = []
    for name in dict.fromkeys(names):
        type_ = program.types.get(name)
        if name in read and type_ is not None and type_.dtype is not None:
            found.append(name)
        elif name in read and type_ is None:
            raise NotNative(f"{name}, of which no type is known")
    return found


def with_names_of_one_value(program: ir.Program, given: list[str], count: int) -> ir.Program:
    """Return a program that binds another name where it changes a number that it is given.

    Passes take a name that is bound once to have one value. ``count``: how many statements take
    structured arguments apart.
    """
    bound = {name for s in ir.statements(program.body[count:]) for name in ir.written(s)}
    numbers = [name for name in given if name in bound and program.types[name].is_number]
    fresh = Fresh({*program.types, *names_of(program)})
    names = {name: fresh(name) for name in numbers}
    first = [Assign(new, Var(program.types[old], old)) for old, new in names.items()]
    body = renamed(replace(program, body=program.body[count:]), names)
    types = program.types | {new: program.types[old] for old, new in names.items()}
    return replace(body, body=[*program.body[:count], *first, *body.body], types=types)
