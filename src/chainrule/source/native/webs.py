"""Arrays that a loop makes for itself get names of their own.

A sweep back takes ``w`` back under the name that the sweep forward had for it. Where each iteration
makes the array before it uses it, and nothing uses it after the loop, the two have nothing to do
with each other.
"""

from __future__ import annotations

from collections import Counter

from .. import ir
from ..ir import Block
from ..types import Type
from .code import Fresh, Loop, Make, statements
from .contraction import renamed_array, uses
from .exposure import exposed


def apart(block: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return a kernel whose outermost loops share fewer names of arrays."""
    out = list(block)
    counts = [uses([s]) for s in block]
    total = Counter[str]()
    for count in counts:
        total.update(count)
    for k, s in enumerate(block):
        if not isinstance(s, (ir.For, ir.While, Loop)):
            continue
        inside = counts[k]
        made = {t.name for t in statements(s.body) if isinstance(t, Make)}
        shared = {name for name in made if inside[name] < total[name]}
        if not shared:
            continue
        needed = exposed(s.body) | exposed(out[k + 1 :])
        for name in sorted(shared - needed):
            new = fresh(name)
            types[new] = types[name]
            out[k] = renamed_array(out[k], name, new)
            total[new] = inside[name]
            total[name] -= inside[name]
    return out
