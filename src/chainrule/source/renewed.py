"""Arrays that are overwritten as a whole, and whose old contents are needed, become two arrays.

``x -= np.max(x)`` in a program whose reverse sweep needs the old ``x`` would copy it first, and put
it back on the way. ``x_2 = x - np.max(x)`` keeps both. Only where a statement runs once: in a loop
the arrays would be made again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from . import ir
from .build import CONTIGUOUS, base_variable
from .ir import Alias, Assign, Block, Call, Expr, Lit, Slice, Stmt, Store, Var
from .sharing import copied, is_fresh
from .tangent_expressions import names_in_block
from .tidy import renamed_block
from .types import Type, broadcast_sizes


def renewed(
    program: ir.Program,
    stores: Sequence[Stmt],
    results: Iterable[Expr],
    fresh: Callable[[str, Type], Var],
) -> tuple[ir.Program, dict[str, str]]:
    """Return a program in which some stores make new arrays, with the last name of each array.

    ``stores``: those whose places are needed; ``results``: what is read at the program's end.
    """
    buffers, types = program.buffers, dict(program.types)
    held = ir.names_in(*results)
    names: dict[str, str] = {}
    versions: set[str] = set()
    body: Block = []
    rest = list(program.body)
    for wanted in [any(s is store for store in stores) for s in program.body]:
        s, *rest = rest
        value = _new_value(s, buffers | versions) if wanted and isinstance(s, Store) else None
        if value is None or not isinstance(s, Store) or _is_seen(s, body, rest, held):
            body.append(s)
            continue
        old = s.target.name
        first = next((name for name, last in names.items() if last == old), old)
        new = fresh(first, s.target.type)
        names[first], types[new.name] = new.name, new.type
        body.append(Assign(new.name, value, origin=s.origin))
        versions |= {old, new.name}
        rest = renamed_block(rest, {old: new.name})
    buffers = (buffers | versions) - (versions - _changed(body))
    body = [s for s in body if not _is_own_copy(s, names, buffers)]
    return replace(program, body=body, buffers=buffers, types=types), names


def is_whole(s: Stmt) -> bool:
    """Tell whether a statement is a store to all places of an array with axes, each once."""
    return (
        isinstance(s, Store) and s.target.type.ndim > 0 and not s.at and all(map(_is_full, s.index))
    )


def _is_full(entry: Expr) -> bool:
    match entry:
        case Lit(value=value):
            return value is Ellipsis or (isinstance(value, slice) and value == slice(None))
        case Slice(start=None, stop=None, step=None):
            return True
    return False


def _new_value(s: Store, buffers: frozenset[str]) -> Expr | None:
    """Return what a store leaves in its array as a new one, None if that is not sure."""
    array, value = s.target, s.value
    if array.name not in buffers or value.type.dtype is None:
        return None
    if s.op is not None:
        weak = value.type.kind == "python" and value.type.dtype.kind in "bif"
        fits = weak if value.type.dtype != array.type.dtype else True
        if not fits or array.type.dtype.kind not in "fc":  # type: ignore[union-attr]
            return None
        if broadcast_sizes(array.type.sizes, value.type.sizes) != array.type.sizes:
            return None
        return Call(array.type, getattr(np, s.op), (array, value))
    if (value.type.dtype, value.type.sizes) != (array.type.dtype, array.type.sizes):
        return None
    if not value.type.is_array or any(isinstance(e, ir.Seq) for e in ir.walk(value)):
        return None
    return value if is_fresh(value) else Call(array.type, np.ndarray.copy, (value,))


def _is_seen(s: Store, before: Block, after: Block, held: set[str]) -> bool:
    """Tell whether the store may be seen under another name, or needs the array's own memory."""
    name = s.target.name
    later = held | names_in_block(after)
    for t in ir.statements(before):
        if isinstance(t, Alias) and t.root == name and t.name in later:
            return True
    for t in ir.statements([*before, *after]):
        if isinstance(t, ir.Move | ir.Opaque | ir.Invoke) and name in ir.mentioned(t):
            return True
        for e in (e for expr in ir.expressions(t) for e in ir.walk(expr)):
            if isinstance(e, Call) and e.fn in CONTIGUOUS:
                base = base_variable(e.args[0])
                if base is not None and base.name == name:
                    return True
    return False


def _changed(body: Block) -> set[str]:
    """Return the arrays that are changed in place, or that have views with a name."""
    everything = list(ir.statements(body))
    stored = {s.target.name for s in everything if isinstance(s, Store | ir.Pop)}
    return stored.union(
        *({s.root} for s in everything if isinstance(s, Alias)),
        *(ir.mentioned(s) for s in everything if isinstance(s, ir.Move)),
    )


def _is_own_copy(s: Stmt, names: Iterable[str], buffers: frozenset[str]) -> bool:
    """Tell whether an argument is copied that nothing changes any more."""
    if not isinstance(s, Assign) or s.name not in names or s.name in buffers:
        return False
    return copied(s.value) == Var(s.value.type, s.name)
