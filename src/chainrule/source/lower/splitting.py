"""Names that stand for one of two arrays: where one of them changes, what follows is lowered twice.

After ``v = a if c else b`` a store into ``v`` changes ``a`` or ``b``. A join of the two arms gives
``v`` a copy, which serves as long as it is only read. If it is stored into, or read after a change
of ``a`` or ``b``, lowering starts over, and the statements that follow in the block move into both
arms, where ``v`` is known. A short loop that hands arrays on between names is unrolled. The same is
done for names of values of two kinds, and for lists of two lengths.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from ...errors import UnsupportedError
from .state import Refine, State

_MOST = 6
"""How many branches may be split: each may double the text."""


def place(state: State, node: ast.stmt | ast.expr) -> Any:
    """Return what identifies a branch when lowering starts over."""
    return ("split", (state.path, state.scope.file, node.lineno, node.col_offset))


def with_rest(state: State, node: ast.stmt, rest: Sequence[ast.stmt]) -> ast.If | None:
    """Return a branch with what follows it in both arms, if lowering has asked for that."""
    match node:
        case ast.If(test=test, body=body, orelse=orelse) if place(state, node) in state.refinements:
            arms = [body, orelse]
        case ast.Assign(targets=targets, value=ast.IfExp(test=test) as chosen) if (
            place(state, chosen) in state.refinements
        ):
            values = (chosen.body, chosen.orelse)
            arms = [[ast.copy_location(ast.Assign(targets, x), node)] for x in values]
        case _:
            return None
    made = ast.If(test, [*arms[0], *rest], [*arms[1], *rest])
    made.assumed = getattr(node, "assumed", test)  # type: ignore[attr-defined]
    return ast.copy_location(made, node)


def two_arrays(state: State, name: str, where: Sequence[Any] = ()) -> Exception:
    """Return the error for a name of one of two arrays, one of which changes; or what may help.

    ``where``: the branches to split, from the inside out, or the loop to unroll.
    """
    request = asked(state, where)
    if request is not None:
        return request
    shown = "What is chosen by a condition" if name.startswith("chosen") else name
    return UnsupportedError(
        f"{shown} names different arrays after the two arms of an if, or from one iteration of "
        "a loop to the next, and one of them is changed in place afterwards",
        f"write .copy() where {'it' if shown != name else name} is bound, if it need not be the "
        "array itself; or put the statements that change it into both arms of the if",
        state.location,
    )


def asked(state: State, where: Sequence[Any]) -> Refine | None:
    """Return the request to split the innermost of these branches that is not split yet."""
    splits = sum(isinstance(key, tuple) and key[0] == "split" for key in state.refinements)
    helping = [key for key in where if key not in state.refinements]
    return Refine(helping[0]) if helping and splits < _MOST else None
