"""``for t in cr.checkpointed(range(n), snapshots=k)``: a loop over the range, with a mark on it."""

from __future__ import annotations

import ast
from typing import Any

from ..checkpointed import checkpointed
from ..ir import Expr
from ..values import Known, Leaf, Value
from . import cells, slots
from .carried import Carried
from .intrinsics import intrinsic
from .iteration import Counted, Iteration
from .state import State


def marked(state: State, node: ast.expr) -> tuple[ast.expr, Value | None]:
    """Return what a ``for`` goes through, and how many snapshots it asks for; None without."""
    from . import expressions

    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return node, None
    called = expressions.evaluate(state, node.func)
    if not isinstance(called, Known) or called.value is not checkpointed:
        return node, None
    given: dict[str | None, ast.expr] = dict(zip(("steps", "snapshots"), node.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in node.keywords}
    plain = not any(isinstance(arg, ast.Starred) for arg in node.args) and len(node.args) < 3
    if not plain or not {"steps"} <= given.keys() <= {"steps", "snapshots"}:
        raise state.error(
            "checkpointed is given other arguments than a range and snapshots",
            "write for t in cr.checkpointed(range(n), snapshots=k)",
        )
    if "snapshots" not in given:
        return given["steps"], Known(None)
    return given["steps"], expressions.evaluate(state, given["snapshots"])


def check_range(state: State, found: Iteration, unrolled: bool) -> Counted:
    """Refuse a checkpointed loop over something else than a range that the program counts."""
    if not isinstance(found, Counted) or not found.is_index:
        raise state.error(
            "checkpointed goes through something else than a range",
            "checkpointed(range(n)), with the items read in the body: x[i]",
        )
    if unrolled:
        raise state.error(
            "The number of the iteration of a checkpointed loop must be known when the program is "
            "made: it picks from a list, or a list grows",
            "put what belongs to the iterations in one array; make arrays before the loop",
        )
    return found


def snapshots_of(state: State, value: Value) -> Expr:
    """Return how many snapshots are asked for; the literal None leaves it to the reverse sweep."""
    wanted: Any = value.value if isinstance(value, Known) else None
    if isinstance(value, Known) and (wanted is None or (type(wanted) is int and wanted > 0)):
        return value.expr
    if isinstance(value, Leaf) and slots.leaf_type(value).dtype is not None:
        if value.type.is_number and value.type.dtype.kind in "iu":  # type: ignore[union-attr]
            return value.expr
    raise state.error("snapshots is not a positive integer", "keep one state or more")


def check_carried(state: State, carried: Carried) -> None:
    """Refuse what has another kind before the loop than in it."""
    for cell in cells.all_cells(carried.plans.values()):
        if cell.is_mixed and cell.error is None:
            raise state.error(
                f"{cell.base} is a number when a checkpointed loop begins, and an array later",
                "bind it to an array of the final shape before the loop",
            )


@intrinsic(checkpointed)
def _elsewhere(state: State, *args: Value, **kwargs: Value) -> Value:
    raise state.error(
        "checkpointed is called outside of the head of a for loop",
        "write for t in cr.checkpointed(range(n), snapshots=k)",
    )
