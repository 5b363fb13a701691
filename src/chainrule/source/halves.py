"""Functions of two sweeps as two functions: the last thing done before a program is emitted."""

from __future__ import annotations

from dataclasses import replace

from . import ir
from .callees import back_name
from .fold import map_blocks
from .ir import Block, Invoke, Turn
from .split import split
from .tangent import fresh_names


def in_halves(program: ir.Program) -> ir.Program:
    """Return a program whose functions are called in one piece each.

    The first half returns its results and, last, a tuple of what the second one takes.
    """
    functions: dict[str, ir.Program] = {}
    for name, function in program.functions.items():
        turn = next((k for k, s in enumerate(function.body) if isinstance(s, Turn)), None)
        if turn is None:
            functions[name] = function
        else:
            functions |= _halves(function, turn, program.functions)
    functions = {k: replace(f, body=_renamed(f.body)) for k, f in functions.items()}
    return replace(program, body=_renamed(program.body), functions=functions)


def _halves(
    function: ir.Program, k: int, functions: dict[str, ir.Program]
) -> dict[str, ir.Program]:
    turn = function.body[k]
    assert isinstance(turn, Turn)
    fresh = fresh_names(function, functions)
    first, (second,) = split(
        replace(function, result=turn.values),
        function.body[:k],
        [(function.body[k + 1 :], function.result)],
        turn.names,
        fresh,
    )
    values, held = first.result
    back = back_name(function.name)
    return {
        function.name: replace(first, name=function.name, result=(*values, held)),
        back: replace(second, name=back),
    }


def _renamed(block: Block) -> Block:
    done: Block = []
    for s in block:
        if isinstance(s, Invoke) and s.half == "reverse":
            s = replace(s, function=back_name(s.function))
        done.append(map_blocks(s, _renamed))
    return done
