"""From a program to the same program in fewer words: what a careful person would have written.

Passes write one step at a time, with a name for each; here temporaries go back into expressions,
and what nothing reads is dropped. Every rewrite keeps the meaning, dtypes and NaNs included.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from . import ir
from .algebra import plain, simplified, without_sign
from .copies import without_needless_copies
from .deadcode import remove_dead_code
from .fold import fold, map_blocks, map_expressions
from .once import computed_once, late_zeros
from .sharing import Sharing, holders
from .types import INT, OBJECT
from .zeros import first_stores


def simplify(program: ir.Program, generated: Callable[[str], bool]) -> ir.Program:
    """Return a simpler program, to be emitted; ``generated``: whether a name is not the user's.

    Inputs that nothing reads are no longer taken out of their arguments.
    """
    # As the last statement, the result is folded into and kept alive like any other.
    result = ir.Seq(OBJECT, tuple(_leaves(program.result)))
    body = remove_dead_code([*map(_bare, program.body), ir.Effect(value=result)])

    taken_out = {
        s.name for s in body if isinstance(s, ir.Assign) and isinstance(s.value, ir.Access)
    }

    def foldable(name: str) -> bool:  # x_ct is kept, x_ct_2 stands beside it for one step
        beside = re.search(r"_(ct|dot)_\d+$", name) is not None
        return generated(name) or beside or name in taken_out

    body = algebra(fold(_sizes(body, program), foldable), generated)
    body = computed_once(body, lambda name: generated(name) or _is_derivative(name))
    body = late_zeros(first_stores(algebra(fold(body, foldable), generated)))
    body = without_needless_copies(body, lambda name: generated(name) or _is_derivative(name))
    *body, last = remove_dead_code(algebra(fold(body, foldable), generated))
    leaves = iter(ir.children(next(ir.expressions(last))))
    return replace(program, body=body, result=_filled(program.result, leaves))


def _bare(s: ir.Stmt) -> ir.Stmt:
    """An assignment that was kept from being differentiated, as one that can be folded."""
    s = map_blocks(s, lambda block: list(map(_bare, block)))
    match s:
        case ir.Effect(value=ir.Var() | ir.Index() | ir.Dim() as value, names=(name,)):
            return ir.Assign(name, value, origin=s.origin)
    return s


def _leaves(template: Any) -> Iterator[ir.Expr]:
    """Yield the expressions in a result: a container of containers of them."""
    if isinstance(template, ir.Expr):
        yield template
    for part in _parts(template):
        yield from _leaves(part)


def _parts(template: Any) -> Iterable[Any]:
    if isinstance(template, dict):
        return template.values()
    if isinstance(template, (tuple, list)):
        return template
    if is_dataclass(template) and not isinstance(template, (type, ir.Expr)):
        return [getattr(template, field.name) for field in fields(template)]
    return ()


def _filled(template: Any, leaves: Iterator[ir.Expr]) -> Any:
    """Return the result with other expressions in the places of the old ones."""
    if isinstance(template, ir.Expr):
        return next(leaves)
    parts = [_filled(part, leaves) for part in _parts(template)]
    if isinstance(template, dict):
        return dict(zip(template, parts, strict=True))
    if isinstance(template, (tuple, list)):
        return type(template)(*parts) if hasattr(template, "_fields") else type(template)(parts)
    if is_dataclass(template) and not isinstance(template, type):
        filled = copy.copy(template)
        for field, part in zip(fields(template), parts, strict=True):
            object.__setattr__(filled, field.name, part)
        return filled
    return template


# ------------------------------------------------------------------------------------- algebra


def algebra(
    block: ir.Block, generated: Callable[[str], bool], memory: Sharing | None = None
) -> ir.Block:
    """Apply the algebra to the statements that write generated variables, and to the result."""
    done = []
    known = memory or Sharing(block)
    for s in block:
        s = map_blocks(s, lambda inner: algebra(inner, generated, known))
        match s:
            case ir.Assign(name=name) if generated(name) or _is_derivative(name):
                s = map_expressions(s, simplified)
            case ir.Effect(value=ir.Seq()):  # the result
                s = map_expressions(s, simplified)
            case ir.Store(target=ir.Var(name=name)) if generated(name) or _is_derivative(name):
                value = plain(simplified(s.value, is_stored=True))
                if s.op is None and known.of(name) in map(known.of, holders(value)):
                    value = simplified(s.value)  # NumPy may read its own parts too late
                s = _signed_store(replace(s, value=value))
        done.append(s)
    return done


def _is_derivative(name: str) -> bool:
    """Tell whether a name is that of a derivative, which no user has written."""
    return re.search(r"_(ct|dot)(_\d+)?$", name) is not None


def _signed_store(store: ir.Store) -> ir.Store:
    """``x += -y`` is ``x -= y``."""
    positive = without_sign(store.value)
    if positive is None or store.op not in ("add", "subtract"):
        return store
    return replace(store, value=positive, op="subtract" if store.op == "add" else "add")


# --------------------------------------------------------------------------------------- sizes


def _sizes(block: ir.Block, program: ir.Program) -> ir.Block:
    """Ask an argument for a size, not an array that would have to be made for it."""
    parameters = {parameter.name for parameter in program.parameters}
    bound = {name for s in ir.statements(block) for name in ir.written(s)}
    places: dict[Any, ir.Expr] = {}
    for name in sorted(parameters - bound & program.types.keys()):
        kind = program.types[name]
        for axis, size in enumerate(kind.sizes):
            places.setdefault(size, ir.Dim(INT, ir.Var(kind, name), axis))

    def change(e: ir.Expr) -> ir.Expr:
        if isinstance(e, ir.Dim) and e.base.type.is_array:
            if isinstance(e.base, ir.Var) and e.base.name in parameters:
                return e
            size = e.base.type.sizes[e.axis]
            return ir.Lit(INT, size) if isinstance(size, int) else places.get(size, e)
        return e

    return _everywhere(block, lambda expr: ir.rewrite(expr, change))


def _everywhere(block: ir.Block, change: Callable[[ir.Expr], ir.Expr]) -> ir.Block:
    return [
        map_blocks(map_expressions(s, change), lambda inner: _everywhere(inner, change))
        for s in block
    ]
