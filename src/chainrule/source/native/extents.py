"""The sizes of arrays that are known, because they are always made with the same ones."""

from __future__ import annotations

from collections import Counter

from .. import ir
from ..ir import Assign, Block, Dim, Expr, Lit, Var, statements
from .accesses import aliases
from .code import Make, Part, Put, bindings, bound_by, mapped

Shape = tuple[int | None, ...]
"""The size of each axis, None where it is not known."""
_Extents = tuple[Expr | None, ...]


def with_known_extents(block: Block, given: set[str]) -> Block:
    """Return a kernel with what is known in place of ``x.shape[0]``; itself if nothing is."""
    binders = Counter(bindings(block))
    once = {name for s in block if not s.blocks for name in bound_by(s) if binders[name] == 1}
    shapes = _known(block, given, once | {name for name in given if not binders[name]})
    if not any(map(any, shapes.values())):
        return block
    found_any = False

    def size(e: Expr) -> Expr:
        nonlocal found_any
        if isinstance(e, Dim) and isinstance(e.base, Var):
            known = shapes.get(e.base.name, ())
            found = known[e.axis] if e.axis < len(known) else None
            found_any = found_any or found is not None
            return size(found) if found else e
        return e

    made = [mapped(s, lambda e: ir.rewrite(e, size)) for s in block]
    return made if found_any else block


def known_shapes(block: Block, given: set[str]) -> dict[str, Shape]:
    """Return what is known of the shapes of arrays; ``given``: the parameters."""
    found = {
        name: tuple(e.value if isinstance(e, Lit) else None for e in extents)
        for name, extents in _known(block, given, set()).items()
    }
    return {name: shape for name, shape in found.items() if any(shape)}


def _known(block: Block, given: set[str], fixed: set[str]) -> dict[str, _Extents]:
    """Return what is known of extents; ``fixed``: what is bound once, before all loops."""
    group = aliases(block)
    found: dict[str, _Extents | None] = {group(name): None for name in given}
    for s in statements(block):
        if isinstance(s, (Make, Part)):
            own = tuple(
                e
                if isinstance(e, Lit) or (_is_name_or_size(e) and ir.names_in(e) <= fixed)
                else None
                for e in s.extents
            )
            found[group(s.name)] = _common(found.get(group(s.name), own), own)
        elif not (isinstance(s, (ir.Move, Put)) or _is_name(s)):
            found |= {group(name): None for name in bound_by(s)}
    names = {*bindings(block)}
    shapes = {name: found.get(group(name)) for name in names}
    return {name: shape for name, shape in shapes.items() if shape is not None}


def _is_name(s: ir.Stmt) -> bool:
    return isinstance(s, Assign) and isinstance(s.value, Var) and s.value.type.is_array


def _is_name_or_size(e: Expr) -> bool:
    return isinstance(e, (Var, Dim))


def _common(a: _Extents | None, b: _Extents) -> _Extents | None:
    if a is None or len(a) != len(b):
        return None
    return tuple(m if m == n else None for m, n in zip(a, b, strict=True))
