"""An array that a program is given, and calls something else in a loop, is copied before it.

``for ...: x = x + dt * v`` would make an array in every iteration: the first one is the caller's
and must not be overwritten. A copy of it may be, in every iteration, by what ``x`` becomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .. import ir
from ..build import copy
from ..ir import Assign, Block, Var
from ..templates import map_template
from ..tidy import renamed_block, renamed_expression
from .code import Fresh
from .state import is_axes


def with_own_arrays(program: ir.Program, given: list[str], start: int, fresh: Fresh) -> ir.Program:
    """Return a program that loops over arrays of its own; ``start``: where it reads arguments."""
    bound = set(_bound_in_loops(program.body))
    arrays = [Var(program.types[name], name) for name in given if name in bound]
    names = {x.name: fresh(x.name) for x in arrays if is_axes(x.type)}
    if not names:
        return program
    opening, body = program.body[:start], program.body[start:]
    copies: Block = [Assign(names[x.name], copy(x)) for x in arrays if x.name in names]
    return replace(
        program,
        body=[*opening, *copies, *renamed_block(body, names)],
        result=map_template(lambda e: renamed_expression(e, names), program.result),
        types=program.types | {new: program.types[old] for old, new in names.items()},
    )


def _bound_in_loops(block: Block) -> Iterator[str]:
    loops = (s for s in ir.statements(block) if isinstance(s, ir.For | ir.While))
    inside = (t for loop in loops for t in ir.statements(loop.body))
    return (t.name for t in inside if isinstance(t, Assign))
