"""A function of the program's own, as lowering knows it, and calls of it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

from .. import sizes
from ..ir import Block, Call, Expr, Invoke, Origin, Var
from ..types import Type, unknown_size
from ..values import Function, Leaf, Value
from . import closures, memory, signatures, slots, splitting
from .closures import Closure
from .signatures import Widened
from .state import Site, State

FUNCTION = Type("function")
"""Marks the names of the program's own functions among its variables."""


@dataclass(eq=False)
class Apart:
    """A function of the program, for one kind of arguments."""

    name: str
    function: Function
    structure: Hashable
    arguments: Widened
    closure: Closure
    outer: dict[str, Type]
    """The variables that were there when it was first called."""
    outer_sites: frozenset[Site] = frozenset()
    result: Value | None = None
    """Its result in the last round; None if it is not known yet."""
    results: Widened = field(default_factory=lambda: Widened([]))
    sites: list[frozenset[Site]] = field(default_factory=list)
    """For each result the arrays that are not its own, and whose memory it may be."""
    parameters: list[str] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    """Which leaves of the arguments are arrays that it changes: they are results too, the last."""
    changed_roots: dict[str, Origin | None] = field(default_factory=dict)
    """The buffers of its callers that it changes so, and where it is called with them."""
    body: Block = field(default_factory=list)
    outputs: tuple[Expr, ...] = ()
    types: dict[str, Type] = field(default_factory=dict)
    buffers: frozenset[str] = frozenset()


def site(function: Function) -> Hashable:
    """Return what identifies a function when lowering starts over."""
    node = function.node
    return (function.scope.file, node.lineno, node.col_offset)


def parameter_site(function: Function, hint: str) -> Site:
    """Return where a parameter's array was made: by its callers."""
    return ("handed over", site(function), hint)


# --------------------------------------------------------------------------------------- calls


def call(state: State, apart: Apart, hints: list[str], leaves: list[Value]) -> Value:
    """Emit a call; return its result. Arrays that it changes get their new values."""
    pairs = [
        (k, slots.leaf_expr(value, entry))
        for k, (value, entry) in enumerate(zip(leaves, apart.arguments.entries, strict=True))
        if isinstance(entry, Type)
    ]
    given = dict(pairs)
    _check_apart(state, apart, given)
    args = tuple(e if k in apart.changed else handed_over(state, e) for k, e in pairs)
    meaning = apart.arguments.sizes_in_a_call([slots.leaf_type(value) for value in leaves])
    types = [_at_call(apart, t, meaning) for t in apart.results.entries if isinstance(t, Type)]
    found = [_variable(state, t) for t in types]
    changed = [_variable(state, given[k].type) for k in apart.changed]
    names = tuple(var.name for var in (*found, *changed))
    state.emit(Invoke(names, apart.name, args))
    for k, var in zip(apart.changed, changed, strict=True):
        expr = given[k]
        if isinstance(expr, Var) or memory.shares(expr) is not None:
            memory.store(state, Leaf(expr, memory.root_of(state, expr)), (), var)
    origins = {
        parameter_site(apart.function, hint): closures.origins(state, given[k])
        for k, hint in enumerate(hints)
        if k in given
    }
    assert apart.result is not None
    made = [
        _owned(state, apart, var, [origins.get(s, frozenset({s})) for s in sites])
        for var, sites in zip(found, apart.sites, strict=True)
    ]
    return signatures.rebuilt(apart.result, iter(made))


def _variable(state: State, type_: Type) -> Var:
    name = state.fresh("t")
    state.types[name], state.definitions[name] = type_, None
    return Var(type_, name)


def handed_over(state: State, expr: Expr) -> Expr:
    """Return an array as a value, which nothing changes."""
    if expr.type.is_array and memory.root_of(state, expr) is not None:
        return state.temporary(Call(expr.type, memory.COPY, (expr,)))
    return expr


def _check_apart(state: State, apart: Apart, given: dict[int, Expr]) -> None:
    """Refuse an array that is changed and can be seen by another name too."""
    roots = {k: memory.root_of(state, e) for k, e in given.items() if e.type.is_array}
    for root in (roots[k] for k in apart.changed):
        if root is not None:
            apart.changed_roots[root] = state.origin
        if root is not None and list(roots.values()).count(root) > 1:
            raise state.error(
                f"Two arguments of {apart.name}, which calls itself, share an array, and one is "
                "changed",
                "pass a copy",
            )


def _owned(state: State, apart: Apart, var: Var, origins: list[frozenset[Site]]) -> Leaf:
    """Return a result: its memory may be that of an array which the caller has."""
    if not var.type.is_array:
        return Leaf(var)
    others = frozenset[Site]().union(*origins)
    roots = {b for b in state.buffers if state.sites.get(b, frozenset()) & others}
    if roots:  # as a copy at a join: right as long as none of the arrays changes
        copied = frozenset({("copy", tuple(sorted(roots)), f"the result of {apart.name}")})
        memory.note_sites(state, var.name, copied)
        return Leaf(var)
    here = ("line", state.path, state.origin and (state.origin.file, state.origin.line))
    memory.note_sites(state, var.name, frozenset({here}) | others)
    if not memory.is_buffer_made(state, var):
        return Leaf(var)
    if others:
        raise splitting.two_arrays(state, f"the result of {apart.name}")
    made = state.temporary(Call(var.type, memory.COPY, (var,)))
    return Leaf(made, memory.root_of(state, made))


def _at_call(apart: Apart, result: Type, meaning: dict[Any, Any]) -> Type:
    """Return the type of a result by the sizes of a call's arguments."""
    known = {atom for t in apart.outer.values() for n in t.sizes for atom in sizes.atoms(n)}

    def size(n: Any) -> Any:
        if isinstance(n, int) or n in meaning:
            return meaning.get(n, n)
        is_known = known.issuperset(sizes.atoms(n)) and not sizes.integers(n)
        return n if is_known else unknown_size(sizes.may_be_one(n))

    return replace(result, sizes=tuple(map(size, result.sizes)))
