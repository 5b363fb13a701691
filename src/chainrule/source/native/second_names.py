"""An array that gets a second name is used by its first one.

``x_ct = t`` where ``t`` is used again leaves one array with two names, and what is done under one
of them is not compared with what is done under the other: loops over the same places stay apart.
"""

from __future__ import annotations

from collections import Counter

from ..ir import Assign, Block, Stmt, Var
from .accesses import touched
from .code import Make, bindings, bound_by
from .contraction import renamed_array, uses, within_blocks


def without_second_names(block: Block) -> Block:
    """Return a kernel in which fewer names hold an array that has another name."""
    return _inside(block, uses(block))


class _Looked:
    """What a statement mentions and binds, those in its blocks included: looked up once."""

    def __init__(self, s: Stmt) -> None:
        self.uses = uses([s])
        self.bound = {*bindings([s])}


def _inside(block: Block, total: Counter[str]) -> Block:
    out = [within_blocks(s, lambda inner: _inside(inner, total)) for s in block]
    if not any(map(_is_second_name, out)):
        return out
    looked = [_Looked(s) for s in out]
    k = 0
    while k < len(out):
        end = _end(out, looked, k, total)
        if end is None:
            k += 1
            continue
        s = out[k]
        assert isinstance(s, Assign) and isinstance(s.value, Var)
        for j in (j for j in range(k + 1, end) if s.name in looked[j].uses):
            total.subtract(looked[j].uses)
            out[j] = renamed_array(out[j], s.name, s.value.name)
            looked[j] = _Looked(out[j])
            total.update(looked[j].uses)
        total.subtract(looked[k].uses)
        del out[k], looked[k]
    return out


def _is_second_name(s: Stmt) -> bool:
    return isinstance(s, Assign) and isinstance(s.value, Var) and s.value.type.is_array


def _end(block: Block, looked: list[_Looked], k: int, total: Counter[str]) -> int | None:
    """Return up to where a name that is given here can be replaced by the array's first one."""
    s = block[k]
    if not (isinstance(s, Assign) and isinstance(s.value, Var) and s.value.type.is_array):
        return None
    name, first = s.name, s.value.name
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
