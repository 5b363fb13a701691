"""Axes of few places, such as three coordinates, are taken to have as many in every call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import ir
from ..ir import Expr
from ..sizes import of_few_places, substituted
from ..templates import map_template
from ..types import Size, Type
from .code import mapped


def few(program: ir.Program, given: list[str], sizes: dict[Size, int]) -> dict[Size, int]:
    """Return the sizes that are few, of those that can be looked at in the arguments."""
    seen = {size for name in given for size in program.types[name].sizes}
    return {size: n for size, n in of_few_places(sizes).items() if size in seen}


def with_sizes(program: ir.Program, sizes: dict[Size, int]) -> ir.Program:
    """Return a program with numbers in place of the symbols of some sizes."""
    if not sizes:
        return program
    types: dict[Type, Type] = {}

    def known(type_: Type) -> Type:
        if type_ not in types:
            own = tuple(substituted(size, sizes) for size in type_.sizes)
            types[type_] = replace(type_, sizes=own) if own != type_.sizes else type_
        return types[type_]

    def change(expr: Expr) -> Expr:
        return ir.rewrite(expr, lambda e: _with_type(e, known(e.type)))

    return replace(
        program,
        body=[mapped(s, change) for s in program.body],
        result=map_template(change, program.result),
        types={name: known(type_) for name, type_ in program.types.items()},
    )


def _with_type(e: Any, type_: Type) -> Expr:
    found: Expr = e if type_ is e.type else replace(e, type=type_)
    return found
