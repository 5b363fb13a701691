"""Arrays that a loop makes for itself get names of their own.

A sweep back takes ``w`` back under the name that the sweep forward had for it. Where each iteration
makes the array before it uses it, and nothing uses it after the loop, the two have nothing to do
with each other.
"""

from __future__ import annotations

from .. import ir
from ..ir import Assign, Block, Stmt, statements
from ..types import Type
from .code import Fresh, Loop, Make, bound_by
from .contraction import renamed_array, uses
from .exposure import exposed, exposed_after


def apart(block: Block, fresh: Fresh, types: dict[str, Type]) -> Block:
    """Return a kernel whose outermost loops share fewer names of arrays."""
    out = list(block)
    total, later = uses(block), exposed_after(block)
    for k, s in enumerate(block):
        if not isinstance(s, (ir.For, ir.While, Loop)):
            continue
        made = {name for t in statements(s.body) if _names_array(t) for name in bound_by(t)}
        if not made:
            continue
        inside = uses([s])
        shared = {name for name in made if inside[name] < total[name]}
        for name in sorted(shared - exposed(s.body) - later[k]):
            new = fresh(name)
            total[name] -= inside[name]
            types[new] = types[name]
            out[k] = renamed_array(out[k], name, new)
    return out


def _names_array(s: Stmt) -> bool:
    """Tell whether a statement makes an array, or gives one a name."""
    return isinstance(s, Make) or (isinstance(s, Assign) and s.value.type.is_array)
