"""``for t in cr.checkpointed(range(n), snapshots=k)``: a loop over the range, with a mark on it."""

from __future__ import annotations

import ast
import types
from typing import Any

from ..checkpointed import checkpointed
from ..ir import Expr
from ..values import Known, Leaf, Value
from . import cells
from .carried import Carried
from .intrinsics import intrinsic
from .iteration import Counted, Iteration
from .state import State


def marked(state: State, node: ast.expr) -> tuple[ast.expr, Value | None]:
    """Return what a ``for`` goes through, and how many snapshots it asks for; None without."""
    from . import expressions

    if not isinstance(node, ast.Call) or not _is_of_module(state, node.func):
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


def _is_of_module(state: State, node: ast.expr) -> bool:
    """Tell a name, or one of a module: it may be looked up once more than Python does."""
    if not isinstance(node, ast.Attribute):
        return isinstance(node, ast.Name)
    if not _is_of_module(state, node.value):
        return False
    owner = state.lookup(node.value.id) if isinstance(node.value, ast.Name) else None
    return isinstance(owner, Known) and isinstance(owner.value, types.ModuleType)


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


def kept_states(state: State, snapshots: Value | None, carried: Carried) -> Expr | None:
    """Return how many states are to be kept: the literal None leaves it to the reverse sweep.

    None is returned for a loop without a mark.
    """
    if snapshots is None:
        return None
    _check_carried(state, carried)
    if isinstance(snapshots, Known):
        wanted: Any = snapshots.value
        if wanted is None or (type(wanted) is int and wanted > 0):
            return snapshots.expr
    elif isinstance(snapshots, Leaf) and snapshots.type.is_number:
        dtype = snapshots.type.dtype
        if dtype is not None and dtype.kind in "iu":
            return snapshots.expr
    raise state.error("snapshots is not a positive integer", "keep one state or more")


def _check_carried(state: State, carried: Carried) -> None:
    """Refuse arrays that are not there, or numbers, before the loop: there is no room for them."""
    plans = list(cells.all_cells(carried.plans.values()))
    names = [cell.base for cell in plans if cell.is_mixed and cell.error is None]
    for name in (*names, *carried.late):
        raise state.error(
            f"{name} is no array of its final shape when a checkpointed loop begins",
            f"bind {name} to one before the loop",
        )


@intrinsic(checkpointed)
def _elsewhere(state: State, *args: Value, **kwargs: Value) -> Value:
    raise state.error(
        "checkpointed is called outside of the head of a for loop",
        "write for t in cr.checkpointed(range(n), snapshots=k)",
    )
