"""Recursion that ends by what the program computes: the function becomes one of the program's own.

A call of a user's function is lowered in place. That has no end where a run-time test ends the
recursion. Such a function is lowered once, apart, with the leaves of its arguments as parameters,
and calls of it become ``Invoke``. Two things are found by lowering its body again until they hold:
types of the parameters that serve the calls inside too, and types of the results, starting from
the paths that do not recurse.

Arrays are handed over as values: the function changes none, and those that the caller changes are
copied. ``functions_of`` hands down what is read of the functions around it, and from outside.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from ...errors import UnsupportedError
from .. import sizes
from ..ir import Assign, Call, Expr, Move, Store, Var, names_in, statements, written
from ..tidy import uses
from ..types import INT, Type
from ..values import Function, Items, Known, Leaf, Scope, Value
from . import apart as aparts
from . import closures, memory, signatures, slots
from .apart import FUNCTION, Apart, parameter_site, site
from .signatures import Widened
from .state import Endless, Refine, Site, State, Tables

_KINDS = 8
"""A function is lowered for so many kinds of arguments at most."""


class _Wider(Exception):  # noqa: N818 - a request
    """A call inside a function needs wider types of its parameters."""

    def __init__(self, apart: Apart, arguments: Widened) -> None:
        super().__init__()
        self.apart = apart
        self.arguments = arguments


# ------------------------------------------------------------------------ which are lowered apart


def is_apart(state: State, function: Function) -> bool:
    """Tell whether a function is lowered apart."""
    return ("apart", site(function)) in state.refinements and not refusals(state, function)


def refusals(state: State, function: Function) -> list[UnsupportedError]:
    """Return why a function cannot be lowered apart: an error, or nothing."""
    wanted = ("inline", site(function))
    return [key[2] for key in state.refinements if key[:2] == wanted]


def ask_apart(state: State, function: Function) -> None:
    """Ask that a function be lowered apart; return if that cannot be."""
    if not refusals(state, function):
        raise Refine(("apart", site(function)))


# --------------------------------------------------------------------------------------- calls


def invoke(state: State, function: Function, bound: dict[str, Value]) -> Value:
    """Lower a call of a function that is lowered apart."""
    bound = bound | closures.changed_arrays(state, function, site(function))
    given = Items(list(bound.values()))
    structure = (tuple(bound), signatures.structure(state, given))
    leaves = list(signatures.leaves(given))
    apart = _in_progress(state, function, structure)
    if apart is not None:
        wider = apart.arguments.with_values(leaves)
        if wider is None:
            raise state.error(
                f"The arguments of {apart.name} have other types in a call inside of it",
                "call it with numbers of one type",
            )
        if wider.entries != apart.arguments.entries:
            raise _Wider(apart, wider)
    else:
        apart = _made_before(state, function, structure, leaves)
    if apart is None:
        apart = _made(state, function, structure, bound)
    if apart.result is None:
        raise Endless
    try:
        return aparts.call(state, apart, list(_hints(bound)), leaves)
    except UnsupportedError as error:  # in place it may work, if something else ends it
        raise Refine(("inline", site(function), error)) from error


def _in_progress(state: State, function: Function, structure: Hashable) -> Apart | None:
    apart: Apart
    for apart in reversed(state.in_progress):
        if closures.is_same(apart.function, function) and apart.structure == structure:
            return apart
    return None


def _made_before(
    state: State, function: Function, structure: Hashable, leaves: list[Value]
) -> Apart | None:
    """Return a function that serves a call as it is."""
    apart: Apart
    for apart in state.functions.values():
        if state.types.get(apart.name) != FUNCTION or apart.structure != structure:
            continue
        if apart.function.node is function.node and apart.closure == closures.closure(function):
            wider = apart.arguments.with_values(leaves)
            if wider is not None and wider.entries == apart.arguments.entries:
                return apart
    return None


# ---------------------------------------------------------------------------------- the functions


def _made(state: State, function: Function, structure: Hashable, bound: dict[str, Value]) -> Apart:
    """Lower a function apart."""
    kinds = [a for a in state.in_progress if closures.is_same(a.function, function)]
    leaves = [x for value in bound.values() for x in signatures.leaves(value)]
    base = getattr(function.node, "name", "function")
    apart = Apart(
        state.fresh(base if base != state.program else f"{base}_2", True),
        function,
        structure,
        Widened([signatures.entry_of(x) for x in leaves]),
        closures.closure(function),
        {name: found for name, found in state.types.items() if found != FUNCTION},
        frozenset[Site]().union(*state.sites.values()),
    )
    state.types[apart.name] = FUNCTION
    state.in_progress.append(apart)
    try:
        if len(kinds) >= _KINDS:
            raise state.error(
                f"{base} calls itself with ever other kinds of arguments",
                "call it with arguments of the same types and structure, and the same functions",
            )
        _settle(state, apart, bound)
    except UnsupportedError as error:
        raise Refine(("inline", site(function), error)) from error
    finally:
        state.in_progress.pop()
    state.functions[apart.name] = apart
    return apart


def _settle(state: State, apart: Apart, bound: dict[str, Value]) -> None:
    """Lower the body until the types of parameters and results hold."""
    tables, before, functions = Tables.take(state), slots.Snapshot.take(state), {**state.functions}
    kept = (state.scope, state.origin, state.entered, state.path, state.depth)
    tests, frames, calls = [*state.tests], len(state.frames), len(state.calls)
    for _ in range(50):
        state.tests, state.depth, state.entered = [], 0, 0
        settled = False
        try:
            with state.into([]) as block:
                settled = _is_settled(state, apart, _run(state, apart, bound))
            apart.body = block
        except _Wider as request:
            if request.apart is not apart:
                raise
            apart.arguments, apart.result = request.arguments, None
        except Endless:
            apart.result, state.origin = None, kept[1]
            if len(state.in_progress) > 1:
                raise
            raise state.error(
                f"{apart.name} calls itself on every path, so that it does not end",
                "return a value on some path",
            ) from None
        finally:
            state.scope, state.origin, state.entered, state.path, state.depth = kept
            state.tests = [*tests]
            del state.frames[frames:], state.calls[calls:]
            before.restore()
        if settled:
            return
        tables.restore(state)
        state.functions = {**functions}
    raise state.error(
        f"The types of what {apart.name} takes and returns do not settle",
        "keep the types and the structure of its arguments and results the same",
    )


def _run(state: State, apart: Apart, bound: dict[str, Value]) -> Value:
    """Lower the body once, for parameters of the types found so far; return its result."""
    from . import functions

    function = apart.function
    scope = Scope({}, function.scope, function.scope.globals, function.scope.file)
    state.kept.append(scope)
    state.frames.append(scope)
    state.calls.append((function.node, 0))
    state.scope, called = scope, state.origin
    state.path = (*state.path, state.origin and (state.origin.file, state.origin.line))
    given = iter(_parameters(state, apart, bound))
    values = {name: signatures.rebuilt(x, given) for name, x in bound.items()}
    closed_over = {name: x for name, x in values.items() if closures.is_closed_over(name)}
    scope.variables.update({name: x for name, x in values.items() if name not in closed_over})
    with closures.replaced(function, closed_over):
        for k, leaf in enumerate(x for value in values.values() for x in signatures.leaves(value)):
            if k in apart.changed:  # whatever its names are bound to, this is the array
                scope.variables[f"<changed {k}>"] = leaf
        before = slots.Snapshot.take(state)
        before.contents.pop(id(scope.variables))
        value = memory.held(state, functions.run_body(state, function.node), "result")
        state.origin = called
        closures.check_unchanged(state, before, value, apart.name)
    return value


def _parameters(state: State, apart: Apart, bound: dict[str, Value]) -> list[Value]:
    """Return the leaves of the arguments: variables, and numbers that are always the same."""
    apart.parameters, apart.changed = [], []
    found: list[Value] = []
    for k, (hint, entry) in enumerate(zip(_hints(bound), apart.arguments.entries, strict=True)):
        if isinstance(entry, Known):
            found.append(Known(entry.value))
            continue
        name = state.fresh(slots.base(hint), True)
        apart.parameters.append(name)
        state.types[name], state.definitions[name] = entry, None
        if entry.is_array:
            here = parameter_site(apart.function, hint)
            state.sites[name] = frozenset({here})
            if ("buffer", here) in state.refinements:
                state.emit(Assign(name, Call(entry, memory.COPY, (Var(entry, name),))))
                state.buffers.add(name)
                apart.changed.append(k)
                found.append(Leaf(Var(entry, name), name))
                continue
        found.append(Leaf(Var(entry, name), None, sizes.integer(name) if entry == INT else None))
    return found


def _hints(bound: dict[str, Value]) -> Iterator[str]:
    for name, value in bound.items():
        if signatures.is_leaf(value):
            yield name
        else:
            yield from (f"{name}_{k}" for k, _ in enumerate(signatures.leaves(value)))


def _is_settled(state: State, apart: Apart, value: Value) -> bool:
    """Take note of a result; tell whether the types found before hold for it."""
    leaves = list(signatures.leaves(value))
    kind = signatures.structure(state, value)
    wider, is_first = None, apart.result is None
    if apart.result is not None and kind == signatures.structure(state, apart.result):
        wider = apart.results.with_values(leaves)
    if wider is None:
        apart.result, wider = value, Widened([slots.leaf_type(x) for x in leaves])
        apart.results, apart.sites = Widened([]), [frozenset()] * len(leaves)
    pairs = list(zip(leaves, wider.entries, strict=True))
    outputs = [slots.leaf_expr(x, t) for x, t in pairs if isinstance(t, Type)]
    found = [
        before | closures.others(state, apart.outer_sites, expr)
        for before, expr in zip(apart.sites, outputs, strict=True)
    ]
    before, apart.results = (apart.results.entries, apart.sites), wider
    apart.sites = found
    if is_first or before != (wider.entries, found):
        return False
    _finish(state, apart, outputs)
    return True


def _finish(state: State, apart: Apart, outputs: list[Expr]) -> None:
    """Keep what the body has come to."""
    variables = state.frames[-1].variables
    for k in apart.changed:
        now = slots.readable(variables[f"<changed {k}>"])
        assert isinstance(now, Leaf)
        outputs.append(now.expr)
    apart.outputs = tuple(aparts.handed_over(state, expr) for expr in outputs)
    used = {name for s in state.block for name in uses(s)} | {*apart.parameters}
    used |= names_in(*apart.outputs)
    apart.types = {name: state.types[name] for name in used}
    apart.buffers = frozenset(used & state.buffers - apart.outer.keys())
    for s in statements(state.block):
        for name in written(s) if isinstance(s, (Store, Move)) else ():
            root = state.roots.get(name, name)
            if root in apart.outer:
                state.origin = s.origin
                closures.ask_for(state, apart.function, site(apart.function), root)
