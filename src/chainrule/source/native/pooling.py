"""The arrays of saved values lie in one piece of memory.

The system hands out large pieces one by one and takes them back, page by page, at every call; one
piece it leaves in place.
"""

from __future__ import annotations

from .. import ir
from ..ir import Block, Expr, Var
from ..types import Type
from .accesses import POOL
from .code import INT, Fresh, Make, Part, bindings, number, plus, times
from .slots import SAVED


def pooled(block: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return a kernel that makes one array for all saved values of a dtype, as far as it can."""
    out = list(block)
    for dtype in dict.fromkeys(s.dtype for s in block if isinstance(s, Make)):
        made = [s for s in out if isinstance(s, Make) and s.dtype == dtype and _is_saved(s)]
        if len(made) < 2:
            continue
        first = next(k for k, s in enumerate(out) if s is made[0])
        later = {*bindings(out[first:])}
        together = [s for s in made if not ir.names_in(*s.extents) & later]
        if len(together) > 1:
            out = [s for s in out if not any(s is t for t in together)]
            out[first:first] = _in_one(together, fresh, types)
    return out


def _is_saved(make: Make) -> bool:
    return make.name.startswith(SAVED)


def _in_one(makes: list[Make], fresh: Fresh, types: dict[str, Type]) -> Block:
    name = fresh(POOL)
    types[name] = Type("array", makes[0].dtype, (name,))
    pool = Var(types[name], name)
    sizes: Block = []
    parts: Block = []
    start: Expr = number(0)
    for make in makes:
        size: Expr = number(1)
        for extent in make.extents:
            size = times(size, extent)
        parts.append(Part(make.name, pool, start, size, make.extents))
        end = Var(INT, fresh("n"))
        types[end.name] = INT
        sizes.append(ir.Assign(end.name, plus(start, size)))
        start = end
    return [*sizes, Make(name, makes[0].dtype, (start,)), *parts]
