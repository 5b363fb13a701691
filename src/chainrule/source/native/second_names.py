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


def _inside(block: Block, total: Counter[str]) -> Block:
    out = [within_blocks(s, lambda inner: _inside(inner, total)) for s in block]
    k = 0
    while k < len(out):
        end = _end(out, k, total)
        s = out[k]
        if end is not None:
            assert isinstance(s, Assign) and isinstance(s.value, Var)
            new = [renamed_array(t, s.name, s.value.name) for t in out[k + 1 : end]]
            total.update(uses(new))
            total.subtract(uses(out[k:end]))
            out[k:end] = new
        else:
            k += 1
    return out


def _end(block: Block, k: int, total: Counter[str]) -> int | None:
    """Return up to where a name that is given here can be replaced by the array's first one."""
    s = block[k]
    if not (isinstance(s, Assign) and isinstance(s.value, Var) and s.value.type.is_array):
        return None
    name, first = s.name, s.value.name
    end = next((j for j in range(k + 1, len(block)) if name in {*bindings([block[j]])}), None)
    if end is None:
        end = len(block)
        if uses(block[k:])[name] != total[name]:
            return None
    elif not _is_new(block[end], name):
        return None
    between = block[k + 1 : end]
    if not uses(between)[first] or first in {*bindings(between)}:
        return None  # where nothing else uses the array, ``coalesce`` gives it this name
    return end


def _is_new(s: Stmt, name: str) -> bool:
    """Tell whether a statement binds a name anew, whatever it was before."""
    return isinstance(s, (Assign, Make)) and name in bound_by(s) and name not in touched([s]).read
