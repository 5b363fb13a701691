"""Effects: what a program does besides computing its result, and running it a second time."""

from __future__ import annotations

from dataclasses import replace

from ..errors import UnsupportedError
from . import ir
from .callees import all_statements
from .ir import Access, Assign, Effect, Var


def has_effects(program: ir.Program) -> bool:
    """Tell whether a program prints or draws."""
    found = all_statements(program)
    return any(isinstance(s, Effect) and (not s.names or is_draw(s)) for s in found)


def is_draw(s: Effect) -> bool:
    """Tell a draw from a generator; other effects with names only cut a derivative off."""
    return bool(s.names) and isinstance(s.value, ir.Call)


def cannot_be_repeated(program: ir.Program) -> bool:
    """Tell whether a second run may give other values: it draws, or calls what nobody knows."""
    return any(
        isinstance(s, ir.Opaque) or (isinstance(s, Effect) and is_draw(s))
        for s in all_statements(program)
    )


def without_effects(program: ir.Program) -> ir.Program:
    """Return a program without its prints, to be run again on copies of its arguments.

    Raises:
        UnsupportedError: where it draws from a generator that is not among its arguments.
    """
    given = {p.name for p in program.parameters}
    given |= {s.name for s in program.body if isinstance(s, Assign) and isinstance(s.value, Access)}
    functions = {
        name: replace(f, body=_without(f.body, set())) for name, f in program.functions.items()
    }
    return replace(program, body=_without(program.body, given), functions=functions)


def _without(block: ir.Block, given: set[str]) -> ir.Block:
    kept: ir.Block = []
    for s in block:
        match s:
            case Effect(names=()):
                continue
            case Effect(value=value) if is_draw(s):
                _check_drawn(s, value, given)
            case ir.If():
                s = replace(s, then=_without(s.then, given), orelse=_without(s.orelse, given))
            case ir.For() | ir.While():
                s = replace(s, body=_without(s.body, given))
        kept.append(s)
    return kept


def _check_drawn(s: Effect, value: ir.Expr, given: set[str]) -> None:
    drawn_from = [e for e in ir.walk(value) if isinstance(e, Var) and e.type.kind == "object"]
    if not drawn_from or any(e.name not in given for e in drawn_from):
        raise UnsupportedError(
            "The program must be run a second time, and would draw other random numbers",
            "pass the generator as an argument: its state is then remembered",
            str(s.origin),
        )
