"""An array that gets a second name is used by its first one.

``x_ct = t`` where ``t`` is used again leaves one array with two names, and what is done under one
of them is not compared with what is done under the other: loops over the same places stay apart.
"""

from __future__ import annotations

from collections import Counter

from ..ir import Assign, Block, Stmt, Var
from .accesses import touched
from .code import Make, bound_by
from .contraction import Looked, renamed_array, uses, within_blocks


def without_second_names(block: Block) -> Block:
    """Return a kernel in which fewer names hold an array that has another name."""
    return _inside(block, uses(block))


def _inside(block: Block, total: Counter[str]) -> Block:
    out = [within_blocks(s, lambda inner: _inside(inner, total)) for s in block]
    if not any(map(_second_name, out)):
        return out
    looked = [Looked(s) for s in out]
    k = 0
    while k < len(out):
        names = _second_name(out[k])
        end = names and _end(out, looked, k, names, total)
        if not names or end is None:
            k += 1
            continue
        for j in (j for j in range(k + 1, end) if names[0] in looked[j].uses):
            total.subtract(looked[j].uses)
            out[j] = renamed_array(out[j], *names)
            looked[j] = Looked(out[j])
            total.update(looked[j].uses)
        total.subtract(looked[k].uses)
        del out[k], looked[k]
    return out


def _second_name(s: Stmt) -> tuple[str, str] | None:
    """Return the name that a statement gives to an array, and the array's first one."""
    if isinstance(s, Assign) and isinstance(s.value, Var) and s.value.type.is_array:
        return s.name, s.value.name
    return None


def _end(
    block: Block, looked: list[Looked], k: int, names: tuple[str, str], total: Counter[str]
) -> int | None:
    """Return up to where a name that is given here can be replaced by the array's first one."""
    name, first = names
    end = next((j for j in range(k + 1, len(block)) if name in looked[j].bound), None)
    if end is None:
        end = len(block)
        if sum(own.uses.get(name, 0) for own in looked[k:]) != total[name]:
            return None
    elif not _is_new(block[end], name):
        return None
    between = looked[k + 1 : end]
    if not any(first in own.uses for own in between) or any(first in o.bound for o in between):
        return None  # where nothing else uses the array, ``coalesce`` gives it this name
    return end


def _is_new(s: Stmt, name: str) -> bool:
    """Tell whether a statement binds a name anew, whatever it was before."""
    return isinstance(s, (Assign, Make)) and name in bound_by(s) and name not in touched([s]).read
