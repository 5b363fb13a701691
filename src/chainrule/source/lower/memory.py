"""Which array's memory an expression names: values, buffers, views; stores into them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import UnsupportedError
from ...rules.complex import imaginary_part
from .. import build, ir
from ..build import CONTIGUOUS
from ..ir import (
    Access,
    Alias,
    Assign,
    Call,
    Choice,
    Expr,
    Index,
    Lit,
    Slice,
    Store,
    Var,
    names_in,
    rewrite,
)
from ..values import Items, Known, Leaf, Mapping, Record, Value
from . import rows
from .common_types import join_types
from .splitting import two_arrays
from .state import Refine, Site, State

PARTS: frozenset[Any] = frozenset({np.real, np.imag, imaginary_part.fn})
"""Views of a complex array; a real one is its own real part."""

_READ_ONLY = (np.broadcast_to, np.diagonal, np.diag, np.lib.stride_tricks.sliding_window_view)
"""Functions whose views NumPy does not let anybody change."""

VIEWS: frozenset[Any] = (build.VIEWS - PARTS) | (frozenset(_READ_ONLY) - {np.diag})
"""Functions whose result is memory of their first argument, those to be read only among them."""

COPY = np.ndarray.copy
"""What copies an array: in C order, so that reshaping the copy makes a view."""

_SHARING = VIEWS | PARTS | CONTIGUOUS

# --------------------------------------------------------------------------------- whose memory


def shares(expr: Expr) -> Expr | None:
    """Return the expression whose memory an array expression is part of; None for a new array."""
    if not expr.type.is_array:
        return None
    if isinstance(expr, Index):
        return expr.base if all(map(_is_basic, expr.index)) else None
    if isinstance(expr, Call) and expr.args:
        if expr.fn in _SHARING or (expr.fn is np.diag and expr.args[0].type.ndim == 2):
            return expr.args[0]
        if build.is_rearranging(expr):
            return expr.args[0]
    return None


def _is_basic(entry: Expr) -> bool:
    if isinstance(entry, Slice):
        return True
    if isinstance(entry, Lit):
        found = entry.value
        is_int = isinstance(found, (int, np.integer)) and not isinstance(found, bool)
        return is_int or found is None or found is Ellipsis or isinstance(found, slice)
    return entry.type.is_number


def root_of(state: State, expr: Expr) -> str | None:
    """Return the buffer whose memory an expression names, None for a value or a new array."""
    if isinstance(expr, Var):
        return expr.name if expr.name in state.buffers else state.roots.get(expr.name)
    base = shares(expr)
    return None if base is None else root_of(state, base)


def sites_of(state: State, expr: Expr) -> frozenset[Site]:
    """Return where the array that an expression names may have been made."""
    if not expr.type.is_array:
        return frozenset()
    if isinstance(expr, Var):
        return state.sites.get(expr.name, frozenset())
    if isinstance(expr, Access):
        return frozenset({("argument", (expr.root, expr.path))})
    if isinstance(expr, Choice):
        return sites_of(state, expr.a) | sites_of(state, expr.b)
    base = shares(expr)
    if base is not None:
        return sites_of(state, base)
    origin = state.origin
    return frozenset({("line", state.path, origin and (origin.file, origin.line))})


def mentions(state: State, value: Value | Expr) -> set[str]:
    """Return the variables that a value needs, with the buffers behind its views."""
    match value:
        case ir.Expr():
            names = names_in(value)
        case Leaf(expr=expr):
            names = names_in(expr)
        case Known(name=name):
            names = names_in(name)
        case _:
            return set()
    return names | {state.roots[name] for name in names if name in state.roots}


# ----------------------------------------------------------------------------------- assignment


def assign(state: State, name: str, expr: Expr) -> None:
    """Emit ``name = expr``; keep the books on its type and on where its memory comes from."""
    found = expr.type
    known = state.types.get(name)
    if name not in state.mixed:  # of which the type is that of the array
        state.types[name] = found if known is None else join_types(known, found) or found
    state.definitions[name] = expr if known is None else None
    if known is not None:
        state.rebound.add(name)
    _note_read_only(state, name, expr)
    if found.is_array:
        sites = sites_of(state, expr)
        note_sites(state, name, sites)
        if name in state.buffers or _wanted(state, sites):
            _require(state, sites)
            state.buffers.add(name)
    state.emit(Assign(name, expr))


def note_sites(state: State, name: str, sites: frozenset[Site]) -> None:
    """Add to the places where the array of a variable may have been made."""
    state.sites[name] = state.sites.get(name, frozenset()) | sites


def _wanted(state: State, sites: frozenset[Site]) -> bool:
    return any(("buffer", site) in state.refinements for site in sites)


def part_or_number(state: State, name: str) -> UnsupportedError:
    """Return the error for a name of a number, or of an array without axes that changes."""
    return state.error(
        f"{name} is bound to a number, and in another place to an array without axes that is "
        "changed in place",
        f"write .copy() where {name} is bound to the array",
    )


def is_copy(state: State, expr: Expr, root: str | None = None) -> Any:
    """Return where one of two arrays (with ``root`` among them) was copied, or None."""
    for site in sites_of(state, expr):
        if isinstance(site, tuple) and site[0] == "copy" and (root is None or root in site[1]):
            return site
    return None


def copied_roots(state: State, expr: Expr) -> frozenset[str] | None:
    """Return the buffers that an array was copied from at joins, None if it was not."""
    found = [site[1] for site in sites_of(state, expr) if site[0] == "copy"]  # type: ignore[index]
    return frozenset(name for names in found for name in names) if found else None


def is_buffer_made(state: State, expr: Expr) -> bool:
    """Tell whether assigning an expression to a variable makes that a buffer."""
    return _wanted(state, sites_of(state, expr))


def _require(state: State, sites: frozenset[Site]) -> None:
    """Ask that all of these sites make buffers."""
    for site in sites:
        if isinstance(site, tuple) and site[0] == "copy":
            raise conflict(state, site)
    missing = [("buffer", site) for site in sites if ("buffer", site) not in state.refinements]
    for site in sites:
        if isinstance(site, tuple) and site[0] == "outside":
            raise state.error(
                f"The array {site[1]}, which comes from outside the function, is changed in it",
                "change a copy of it, or pass it as an argument",
            )
    if missing:
        raise Refine(*sorted(missing, key=repr))


def copied(state: State, expr: Expr, hint: str, error: Exception | None = None) -> Expr:
    """Copy a part of a buffer where NumPy may or may not; right as long as nothing changes.

    ``error``: for when something does.
    """
    root = root_of(state, expr)
    if root is None:
        return expr
    name = state.fresh(hint)
    assign(state, name, Call(expr.type, COPY, (expr,)))
    site = ("copy", (root,), name if error else hint)
    state.sites[name] = frozenset({site})
    if error is not None:
        state.conflicts[site] = error
    return Var(expr.type, name)


def conflict(state: State, copy: Any) -> Exception:
    """Return the error for a copy, by its site, or its original that changes after it was made."""
    return state.conflicts.get(copy) or two_arrays(state, *copy[2:])


def _will_be_buffer(state: State, expr: Expr) -> bool:
    """Note that an array is to be a buffer when lowering starts over, which it will at the end."""
    sites = sites_of(state, expr)
    if not sites or any(isinstance(s, tuple) and s[0] in ("copy", "outside") for s in sites):
        return False
    missing = [("buffer", site) for site in sites if ("buffer", site) not in state.refinements]
    state.wanted.update(missing)
    return bool(missing)


def make_buffer(state: State, expr: Expr) -> None:
    """Ask that the array of an expression is a buffer; return if there is nothing to ask."""
    _require(state, sites_of(state, expr))


def alias(state: State, expr: Expr, hint: str, users: bool = False, home: str | None = None) -> Var:
    """Emit a view of a buffer under a name of its own; where it may be a copy, a copy."""
    root = root_of(state, expr)
    assert root is not None
    part = rows.uncertain(state, expr)
    if part is not None:  # a copy will do as long as neither changes
        copy = copied(state, expr, hint, rows.refusal(state, part.fn.__name__, part.args[0]))
        assert isinstance(copy, Var)
        return copy
    name = home or state.fresh(hint, users)
    expr = _frozen_index(state, expr)
    state.types[name] = expr.type
    state.roots[name] = root
    _note_read_only(state, name, expr)
    state.emit(Alias(name, expr, root))
    return Var(expr.type, name)


def _note_read_only(state: State, name: str, expr: Expr) -> None:
    """Keep the books on which names may not be changed."""
    maker = _read_only(state, expr)
    if maker is not None:
        state.read_only[name] = maker
    else:
        state.read_only.pop(name, None)


def _read_only(state: State, expr: Expr) -> str | None:
    """Return the name of the function by which a view may not be changed, if it is such a view."""
    if isinstance(expr, Var):
        return state.read_only.get(expr.name)
    base = shares(expr)
    if base is None:
        return None
    if isinstance(expr, Call) and expr.fn in _READ_ONLY:
        return str(expr.fn.__name__)
    return _read_only(state, base)


def _frozen_index(state: State, expr: Expr) -> Expr:
    """Keep what an index reads in variables that nothing else assigns."""
    if state.depth == 0:
        return expr

    def freeze(entry: Expr) -> Expr:
        if isinstance(entry, Slice):
            parts = (entry.start, entry.stop, entry.step)
            return Slice(entry.type, *(None if p is None else freeze(p) for p in parts))
        names = names_in(entry)
        if not names or all(name in state.loops or is_constant(state, name) for name in names):
            return entry
        return state.temporary(entry, "k")

    if isinstance(expr, Index):
        base = _frozen_index(state, expr.base)
        return replace(expr, base=base, index=tuple(map(freeze, expr.index)))
    if isinstance(expr, Call) and shares(expr) is not None:
        return replace(expr, args=(_frozen_index(state, expr.args[0]), *expr.args[1:]))
    return expr


def is_constant(state: State, name: str) -> bool:
    """Tell whether a variable of the program is assigned once, outside loops and branches."""
    return name in state.arguments or name in state.hidden


# --------------------------------------------------------------------------------------- values


def held(state: State, value: Value, hint: str = "t", users: bool = False) -> Value:
    """Give what a value consists of names of its own, so that it can be kept."""
    match value:
        case Leaf(expr=expr) if not isinstance(expr, (Var, Lit, Access)):
            return Leaf(state.temporary(expr, hint, users), value.root, value.size)
        case Items(kind="tuple", items=items, cls=cls):
            return Items([held(state, item, hint) for item in items], "tuple", cls)
        case Items(items=items):
            items[:] = [held(state, item, hint) for item in items]
        case Mapping(items=entries) | Record(attributes=entries):
            for key, item in entries.items():
                entries[key] = held(state, item, hint)
    return value


def view(state: State, base: Leaf, expr: Expr) -> Leaf:
    """Return a part of the memory of ``base``."""
    return Leaf(expr, root_of(state, expr))


# --------------------------------------------------------------------------------------- stores


def store(
    state: State,
    target: Leaf,
    index: tuple[Expr, ...],
    value: Expr,
    op: str | None = None,
    at: bool = False,
) -> None:
    """Emit ``target[index] = value``, or with ``op`` ``target[index] += value``."""
    if not target.type.is_array:
        raise state.error(
            f"A store into a {target.type.kind}, which cannot be changed", "store into an array"
        )
    from . import binding, slots

    target = binding.named(state, target)
    maker = _read_only(state, target.expr)
    if maker is not None:
        raise state.error(
            f"A store into the view that np.{maker} returns, which NumPy makes read-only: it "
            "raises a ValueError there",
            f"write np.{maker}(...).copy(), or store into the array itself",
        )
    root = root_of(state, target.expr)
    if root is None:
        if not _will_be_buffer(state, target.expr):
            make_buffer(state, target.expr)
            raise _no_site(state)
        return
    copied = is_copy(state, Var(target.type, root))
    if copied is not None:
        raise conflict(state, copied)
    slots.spoil_copies(state, root)
    var = target.expr
    if not isinstance(var, Var):
        var = alias(state, var, "view")
        copied = is_copy(state, var)
        if copied is not None:
            raise conflict(state, copied)
    before = tuple(_before_store(state, entry, root) for entry in index)
    for old, new in zip(index, before, strict=True):
        if new != old and isinstance(new, Var):
            value = rewrite(value, lambda e, old=old, new=new: new if e == old else e)  # type: ignore[misc]
    state.emit(Store(var, before, value, op, at))


def _before_store(state: State, entry: Expr, root: str) -> Expr:
    """Name what an index reads of the array that the store changes: it holds before the store."""
    if isinstance(entry, Slice):
        parts = (entry.start, entry.stop, entry.step)
        return Slice(
            entry.type, *(None if p is None else _before_store(state, p, root) for p in parts)
        )
    if root not in mentions(state, entry):
        return entry
    if entry.type.is_array and root_of(state, entry) is not None:
        entry = Call(entry.type, COPY, (entry,))
    return state.temporary(entry)


def _no_site(state: State) -> UnsupportedError:
    return state.error(
        "A store into an array of which it is not known where it was made",
        "make it with np.zeros, np.empty or .copy() in the function",
    )
