"""What a loop adds to an array waits for the next loop that adds to the same places.

``for i: c[i] += s * b[i]; t += b[i] * q[i]`` and ``for i: c[i] += t * q[i]; b[i] += t`` cannot be
one loop: the second needs all of ``t``. But the first can leave ``c`` alone: what it would add is
computed in the second from elements that this one has at hand anyway. So ``c`` goes through the
processor once. Adjoints of an inner product beside an update are of this form.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Expr, Index, Lit, Stmt, Var
from .accesses import Alias, touched
from .code import Loop, Put, bindings, renamed
from .contraction import within_blocks
from .fusion import alike, renamed_block

_SIMPLE = {np.add, np.subtract, np.multiply, np.negative}
"""What may be computed twice."""


def sunk(block: Block, alias: Alias) -> Block:
    """Return a block whose loops go through fewer arrays, also in inner blocks."""
    block = [within_blocks(s, lambda inner: sunk(inner, alias)) for s in block]
    for k, first in enumerate(block):
        for put in _additions(first):
            _sink(block, k, put, alias)
    return [s for s in block if not (isinstance(s, Loop) and not s.body)]


def _additions(s: Stmt) -> list[Put]:
    """Return the statements of a loop that add to elements, if it holds no other loops."""
    if not isinstance(s, Loop) or any(t.blocks for t in s.body):
        return []
    return [t for t in s.body if isinstance(t, Put) and t.op is not None]


def _sink(block: Block, k: int, put: Put, alias: Alias) -> None:
    """Move what the loop at ``k`` adds to a later loop, if that is right and costs nothing."""
    first = block[k]
    assert isinstance(first, Loop)
    value = _written_out(put, first.body)
    if value is None or first.var.name not in ir.names_in(*put.index):
        return
    rest = replace(first, body=[t for t in first.body if t is not put])
    put = replace(put, value=value)
    own, array = touched([put], alias), alias(put.array.name)
    needed = own.read | ir.names_in(first.extent)
    for at, s in enumerate([rest, *block[k + 1 :]], k):
        if at > k and isinstance(s, Loop) and alike(first, s):
            [moved] = renamed_block([put], first.var, s.var)
            if isinstance(moved, Put) and _is_at_hand(moved, s, alias):
                block[at] = replace(s, body=[moved, *s.body])
                block[k] = rest
                return
        found = touched([s], alias)
        bound = {*found.bound, *found.gathered} - {first.var.name}
        changed = found.arrays("write", "add") & own.arrays("read") or bound & needed
        if changed or array in found.arrays("read", "write", "add"):
            return


def _written_out(put: Put, body: Block) -> Expr | None:
    """Return a value without the numbers that a loop computes, None if it is more than a few."""
    count = Counter(bindings(body))
    numbers: dict[str, Expr] = {}
    for s in body[: next(k for k, t in enumerate(body) if t is put)]:
        if isinstance(s, Assign) and count[s.name] == 1:
            numbers[s.name] = renamed(s.value, numbers)
    value = renamed(put.value, numbers)
    is_simple = all(_is_simple(e) for e in ir.walk(value))
    return value if is_simple and not ir.names_in(value, *put.index) & {*count} else None


def _is_simple(e: Expr) -> bool:
    if isinstance(e, Call):
        is_float = e.type.dtype is None or e.type.dtype.kind == "f"
        return not is_float or e.fn in _SIMPLE
    return isinstance(e, (Index, Lit, Var))


def _is_at_hand(put: Put, loop: Loop, alias: Alias) -> bool:
    """Tell whether a loop adds to the same place, and uses all that is added, in each iteration.

    No iteration may change what another one adds.
    """
    if put.op is None or any(t.blocks for t in loop.body):
        return False
    if ir.names_in(put.value, *put.index) & {*bindings(loop.body)}:
        return False
    theirs = touched(loop.body, alias)
    places = {(a.name, a.index) for a in theirs.elements}
    changed = theirs.arrays("write", "add")
    for own in touched([put], alias).elements:
        if own.index is None:
            return False
        others = {(a.name, a.index) for a in theirs.elements if a.array == own.array}
        moves = loop.var.name in ir.names_in(*own.index)
        if (own.name, own.index) not in places:
            return False
        if own.array in changed and not (moves and len(others) == 1):
            return False
    adds = [t for t in loop.body if isinstance(t, Put) and t.op is not None]
    return any(t.array == put.array and t.index == put.index for t in adds)
