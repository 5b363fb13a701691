"""The sizes of arrays that are known, because they are always made with the same ones."""

from __future__ import annotations

from .. import ir
from ..ir import Assign, Block, Dim, Expr, Lit, Var
from .accesses import aliases
from .code import Make, Part, Put, bindings, bound_by, mapped, number, statements

Shape = tuple[int | None, ...]
"""The size of each axis, None where it is not known."""


def with_known_extents(block: Block, given: set[str]) -> Block:
    """Return a kernel with numbers in place of ``x.shape[0]`` where it is known."""
    shapes = known_shapes(block, given)

    def size(e: Expr) -> Expr:
        if isinstance(e, Dim) and isinstance(e.base, Var):
            known = shapes.get(e.base.name, ())
            found = known[e.axis] if e.axis < len(known) else None
            return e if found is None else number(found)
        return e

    return [mapped(s, lambda e: ir.rewrite(e, size)) for s in block]


def known_shapes(block: Block, given: set[str]) -> dict[str, Shape]:
    """Return what is known of the shapes of arrays; ``given``: the parameters."""
    group = aliases(block)
    found: dict[str, Shape | None] = {group(name): None for name in given}
    for s in statements(block):
        if isinstance(s, (Make, Part)):
            own = tuple(e.value if isinstance(e, Lit) else None for e in s.extents)
            found[group(s.name)] = _common(found.get(group(s.name), own), own)
        elif not (isinstance(s, (ir.Move, Put)) or _is_name(s)):
            found |= {group(name): None for name in bound_by(s)}
    names = {*bindings(block)}
    shapes = {name: found.get(group(name)) for name in names}
    return {name: shape for name, shape in shapes.items() if shape is not None and any(shape)}


def _is_name(s: ir.Stmt) -> bool:
    return isinstance(s, Assign) and isinstance(s.value, Var) and s.value.type.is_array


def _common(a: Shape | None, b: Shape) -> Shape | None:
    if a is None or len(a) != len(b):
        return None
    return tuple(m if m == n else None for m, n in zip(a, b, strict=True))
