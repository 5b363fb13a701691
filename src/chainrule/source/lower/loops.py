"""Loops: over known items they are unrolled, all others become loops of the program."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from ...errors import UnsupportedError
from .. import sizes
from ..ir import Block, Dim, Expr, For, If, Lit, Stmt, Var, While, names_in, written
from ..ir import statements as all_statements
from ..parse import assigned_in_loop, assigned_names
from ..types import INT, Type, type_of
from ..values import Items, Known, Leaf, Value
from . import absent, binding, branches, checkpointed, going, slots
from .carried import Carried
from .endless import perhaps_endless
from .iteration import Counted, iteration, known_items
from .state import Refine, State, Unreadable

_SHORT = 64
"""Loops of at most so many iterations are unrolled where that helps."""

_LONG = 1000
"""So many iterations of a ``while`` are unrolled at most."""

_TOO_LONG = (
    f"A loop in which a list grows runs more than {_LONG} times",
    "make an array before the loop and store into it",
)

# ------------------------------------------------------------------------------------------ for


def lower_for(state: State, node: ast.For) -> None:
    """Lower a ``for`` loop."""
    from . import statements

    location = place(state, node)
    is_unrolled = ("unroll", location) in state.refinements
    steps, snapshots = checkpointed.marked(state, node.iter)
    found = iteration(state, steps)
    if snapshots is not None:
        found = checkpointed.check_range(state, found, is_unrolled)
    if isinstance(found, Counted) and is_unrolled:
        found = known_items(state, found)
    if isinstance(found, list):
        _unrolled(state, node, found)
    else:
        _counted(state, node, found, location, snapshots)
    if node.orelse:
        statements.execute(state, node.orelse)


def place(state: State, node: ast.stmt) -> Any:
    """Return what identifies a loop when lowering starts over."""
    return (state.path, state.scope.file, node.lineno, node.col_offset)


def _unrolled(state: State, node: ast.For, items: list[Value]) -> None:
    from . import statements

    until, head = getattr(node, "until", None), getattr(node, "head", None)
    kept = state.hidden_name("items")

    def once(k: int, item: Value) -> Value:
        outer, state.path = state.path, (*state.path, k)
        state.scope.variables[kept] = Items(items[k + 1 :])  # what later iterations are given
        statements.assign(state, node.target, item)
        statements.execute(state, node.body)
        slots.forget(state, head)
        del state.scope.variables[kept]
        state.path = outer
        return Known(False) if until is None else slots.readable(state.scope.variables[until])

    def run(first: int, items: list[Value]) -> None:
        k = first
        while (item := going.drawn(items, k)) is not None:
            stop = once(k, item)
            k += 1
            if isinstance(stop, Leaf):
                rest = going.ahead(state, items, k)
                branches.branch(state, stop, lambda: None, partial(run, k, rest))
                return
            if isinstance(stop, Known) and stop.value:
                return
            if k > max(len(items), _LONG):
                raise state.error(*_TOO_LONG)

    run(0, items)


def _counted(
    state: State, node: ast.For, found: Counted, location: Any, snapshots: Value | None
) -> None:
    from . import statements

    flags = getattr(node, "flags", ())
    is_read = ("after", location) in state.refinements  # after the loop
    direct = [] if is_read else _index_targets(node.target, found)
    assigned = [
        name for name in (*assigned_in_loop(node), *_target_names(node.target))
        if name not in direct
    ]  # fmt: skip
    origin, head = state.origin, getattr(node, "head", None)
    with state.into([]) as before:
        bounds = [_bound(state, value) for value in (found.start, found.stop, found.step)]
    state.block += before
    slots.forget(state, head)
    kept = state.hidden_name("rows")
    state.scope.variables[kept] = Items(found.sources)

    def begin() -> Carried:
        carried = Carried(state, dict.fromkeys(assigned), flags)
        carried.skipped = {(id(state.scope.variables), name) for name in direct}
        carried.unroll = _unrolling(state, location, bounds)
        return carried

    index: list[Var] = []

    def body() -> None:
        hint = direct[0] if direct else "k"
        var = Var(INT, state.fresh(hint, bool(direct)))
        state.types[var.name], state.loops[var.name] = INT, location
        index[:] = [var]
        item = found.item(Leaf(var, None, sizes.integer(var.name)))
        _bind_items(state, node.target, item, direct, var)
        statements.execute(state, node.body)
        slots.forget(state, head)

    def first() -> None:
        _bind_items(state, node.target, found.item(found.start), [], Var(INT, ""))
        statements.execute(state, node.body)

    with perhaps_endless(state, bounds) as endless:
        carried, block = _run(state, node, begin, body, first, location)
    state.scope.variables.pop(kept)
    state.origin = origin
    if endless:
        return
    start, stop, step = (_steady(state, bound, block) for bound in bounds)
    wanted = _kept_states(state, snapshots, carried, block)
    state.emit(For(index[0], start, stop, step, block, _until(state, node), snapshots=wanted))
    for name in direct:
        state.scope.variables[name] = Unreadable(Refine(("after", location)))


def _kept_states(
    state: State, snapshots: Value | None, carried: Carried, block: Block
) -> Expr | None:
    found = checkpointed.kept_states(state, snapshots, carried)
    return None if found is None else _steady(state, found, block)


def _run(
    state: State,
    node: ast.For | ast.While,
    start: Callable[[], Carried],
    body: Callable[[], None],
    first: Callable[[], None],
    location: Any,
) -> tuple[Carried, Block]:
    """Lower the body of a loop.

    A name may be read that only the iteration before has bound. Then a first iteration tells its
    type, and it holds a stand-in before the loop: NaN, or an array of size zero.
    """
    carried = start()
    kept = (state.origin, state.path, [*state.tests])
    try:
        return carried, carried.run(body, location)
    except UnsupportedError:
        assigned = set(assigned_names(node.body))
        names = (assigned & getattr(node, "reads", frozenset())) - state.scope.variables.keys()
        carried.reset()
        state.origin, state.path, state.tests[:] = kept
        types = _types_after(state, first, names)
        carried.reset()
        state.origin, state.path, state.tests[:] = kept
        if not types:
            raise
    for name, found in types.items():
        binding.bind(state, name, absent.stand_in(found))
    carried = start()
    carried.late = [name for name, found in types.items() if found.is_array]
    return carried, carried.run(body, location)


def _types_after(state: State, first: Callable[[], None], names: set[str]) -> dict[str, Type]:
    """Return the types that names have after a first iteration, of those with a stand-in."""
    try:
        with state.deeper([]):
            if names:
                first()
    except UnsupportedError:
        return {}
    values = {name: state.scope.variables.get(name) for name in sorted(names)}
    types = {name: slots.leaf_type(v) for name, v in values.items() if v and slots.is_leaf(v)}
    return {name: found for name, found in types.items() if found.is_differentiable}


def _target_names(target: ast.expr) -> list[str]:
    return [
        n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]


def _index_targets(target: ast.expr, found: Counted) -> list[str]:
    """Return the names that stand for the counter itself."""
    if found.is_index:
        return [target.id] if isinstance(target, ast.Name) else []
    if found.first_is_index and isinstance(target, ast.Tuple):
        first = target.elts[0]
        return [first.id] if isinstance(first, ast.Name) else []
    return []


def _unrolling(state: State, location: Any, bounds: list[Expr]) -> Refine | None:
    """Return the request to unroll a loop: that it is short, or first to know its bounds."""
    numbers = [bound.value for bound in bounds if isinstance(bound, Lit)]
    if len(numbers) == len(bounds):
        is_short = len(range(*numbers)) <= _SHORT
        return Refine(("unroll", location)) if is_short else None
    try:
        for bound in bounds:
            state.ask(Leaf(bound))
    except Refine as request:
        return request
    return None


def _bind_items(state: State, target: ast.expr, item: Value, direct: list[str], var: Var) -> None:
    from . import statements

    is_var = isinstance(item, Leaf) and item.expr == var
    if isinstance(target, ast.Name) and target.id in direct and is_var:
        state.scope.variables[target.id] = item
    elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(item, Items) and direct:
        for part, value in zip(target.elts, item.items, strict=True):
            _bind_items(state, part, value, direct, var)
    else:
        statements.assign(state, target, item)


def _bound(state: State, value: Value) -> Expr:
    assert isinstance(value, (Known, Leaf))
    return (
        Lit(INT, int(value.value))
        if isinstance(value, Known) and value.name is None
        else value.expr
    )


def _steady(state: State, bound: Expr, block: Block) -> Expr:
    """A bound that reads what the body assigns is kept in a variable of its own."""
    changed = {name for s in all_statements(block) for name in written(s)}
    reads_memory = not isinstance(bound, (Var, Lit, Dim))
    if names_in(bound) & changed and (isinstance(bound, Var) or reads_memory):
        return state.temporary(bound, "bound")
    return bound


def _until(state: State, node: ast.For | ast.While) -> str | None:
    """Return the variable that ends the loop; None if it is never set."""
    until = getattr(node, "until", None)
    if until is None:
        return None
    flag = state.scope.variables[until]
    return flag.expr.name if isinstance(flag, Leaf) and isinstance(flag.expr, Var) else None


# ---------------------------------------------------------------------------------------- while


def lower_while(state: State, node: ast.While) -> None:
    """Lower a ``while`` loop."""
    from . import expressions, statements

    location = place(state, node)
    if ("unroll", location) in state.refinements:
        _unrolled_while(state, node)
        return
    assigned = assigned_in_loop(node)
    head = getattr(node, "head", None)
    slots.forget(state, head)
    flags = getattr(node, "flags", ())
    origin = state.origin
    test_block: Block = []
    test: list[Known | Leaf] = []
    tested: list[slots.Snapshot] = []
    loops: list[Carried] = []

    def begin() -> Carried:
        loops[:] = [Carried(state, dict.fromkeys(assigned), flags)]
        return loops[0]

    def body() -> None:
        test_block.clear()
        with state.into(test_block):
            test[:] = [expressions.condition(state, node.test)]
        if isinstance(test[0], Known) and not isinstance(node.test, ast.Constant):
            loops[0].unroll_structures = Refine(("unroll", location))
        tested[:] = [slots.Snapshot.take(state)]
        if not isinstance(test[0], Known) or test[0].value:
            statements.execute(state, node.body)
            slots.forget(state, head)

    with perhaps_endless(state) as endless:
        carried, block = _run(state, node, begin, body, body, location)
    state.origin = origin
    if endless:
        return
    if isinstance(test[0], Known) and not test[0].value:
        carried.entry.restore()
        state.block += test_block
    else:
        _after_test(state, carried, tested[0])
        _emit_while(state, node, test[0], test_block, block)
    if node.orelse:
        statements.execute(state, node.orelse)


def _unrolled_while(state: State, node: ast.While) -> None:
    """Run a loop whose condition must be known at every iteration."""
    from . import expressions, statements

    until = getattr(node, "until", None)

    def run(first: int) -> None:
        outer = state.path
        for k in range(first, _LONG):
            state.origin = statements.origin_of(state, node)
            test = expressions.condition(state, node.test)
            if not state.static(test, "the condition of a loop in which a list grows"):
                return
            state.path = (*outer, k)
            statements.execute(state, node.body)
            slots.forget(state, getattr(node, "head", None))
            state.path = outer
            stop = Known(False) if until is None else slots.readable(state.scope.variables[until])
            if isinstance(stop, Leaf):
                branches.branch(state, stop, lambda: None, partial(run, k + 1))
                return
            if isinstance(stop, Known) and stop.value:
                return
        raise state.error(*_TOO_LONG)

    run(0)
    statements.execute(state, node.orelse)


def _after_test(state: State, carried: Carried, tested: slots.Snapshot) -> None:
    """What the condition binds is bound after the loop."""
    heads = carried.heads
    variables = state.scope.variables
    key = id(variables)
    for name, value in slots.entries(tested.contents[key]):
        head = heads.get((key, name), carried.entry.get((key, name)))
        if head is None or not slots.is_same(head, value):
            variables[name] = value


def _emit_while(
    state: State, node: ast.While, test: Known | Leaf, test_block: Block, block: Block
) -> None:
    until = _until(state, node)
    state.block += test_block
    again: Block = [_clone(statement) for statement in test_block]
    if again and until is not None:
        again = [If(Var(type_of(True), until), [], again, origin=state.origin)]
    condition = Lit(type_of(True), True) if isinstance(test, Known) else test.expr
    state.emit(While(condition, [*block, *again], until))


def _clone(statement: Stmt) -> Stmt:
    made = copy.copy(statement)
    for name in ("then", "orelse", "body"):
        if statement.blocks and hasattr(made, name):
            setattr(made, name, [_clone(inner) for inner in getattr(made, name)])
    return made


__all__ = ["lower_for", "lower_while"]
