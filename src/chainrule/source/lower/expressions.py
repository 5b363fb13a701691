"""Evaluation of Python expressions on abstract values."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..ir import Note
from ..values import Function, Known, Leaf, Mapping, Value
from . import absent, attributes, calls, displays, indexing, operators, order, slots
from . import statements as statement_forms
from .containers import items_of, known, settle, settled
from .state import Endless, State

# ------------------------------------------------------------------------------- in order


def evaluate(state: State, node: ast.expr) -> Value:
    """Evaluate an expression: compute what is known, emit statements for the rest."""
    return absent.read(state, unread(state, node), node)


def unread(state: State, node: ast.expr) -> Value:
    """Evaluate an expression whose value may be None, or must not be read."""
    handler = _HANDLERS.get(type(node))
    if handler is None:
        name = type(node).__name__
        raise state.error(
            f"The expression {ast.unparse(node)!r} ({name}) is not supported",
            _ADVICE.get(type(node), "write it with plain functions and loops"),
        )
    return handler(state, node)


_ADVICE: dict[type, str] = {
    ast.Await: "call a plain function",
    ast.Yield: "collect the values in a list and return it",
    ast.YieldFrom: "collect the values in a list and return it",
}


def evaluate_all(
    state: State, nodes: Sequence[ast.expr], one: Callable[[State, ast.expr], Value] = evaluate
) -> list[Value]:
    """Evaluate several expressions from left to right, as Python does, each by ``one``."""
    found: list[Value] = []
    for node in nodes:
        mark = len(state.block)
        value = one(state, node)
        if found and len(state.block) > mark:
            found = order.keep_before(state, found, mark)
        found.append(value)
    return found


def condition(state: State, node: ast.expr) -> Known | Leaf:
    """Evaluate an expression for its truth: known, or a plain bool."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return operators.negation(state, condition(state, node.operand))
    if isinstance(node, ast.BoolOp):
        return _condition_of_several(state, node)
    return operators.truth(state, evaluate(state, node))


def _condition_of_several(state: State, node: ast.BoolOp) -> Known | Leaf:
    """``and`` and ``or`` where only the truth counts."""
    op = "and" if isinstance(node.op, ast.And) else "or"
    first = condition(state, node.values[0])
    rest = _rest(node, node.values[1:])
    if isinstance(first, Known):
        return first if bool(first.value) is (op == "or") else condition(state, rest)
    with _aside(state, rest) as block, absent.assuming(state, node.values[0], op == "and"):
        second = condition(state, rest)
    if not block:
        return operators.logic(state, op, [first, second])
    truth = ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), rest))
    arms = (truth, ast.Constant(False)) if op == "and" else (ast.Constant(True), truth)
    chosen = _if(node, *arms)
    chosen.assumed = node.values[0]  # type: ignore[attr-defined]
    return operators.truth(state, _branch(state, chosen, first))


def _if(node: ast.expr, body: ast.expr, orelse: ast.expr) -> ast.IfExp:
    made = ast.copy_location(ast.IfExp(ast.Constant(True), body, orelse), node)
    return ast.fix_missing_locations(made)


# ----------------------------------------------------------------------- names and literals


def _constant(state: State, node: ast.Constant) -> Value:
    return Known(node.value)


def _name(state: State, node: ast.Name) -> Value:
    return state.lookup(node.id)


def _attribute(state: State, node: ast.Attribute) -> Value:
    return attributes.attribute(state, evaluate(state, node.value), node.attr)


def _subscript(state: State, node: ast.Subscript) -> Value:
    base = evaluate(state, node.value)
    mark = len(state.block)
    index = indexing.index_value(state, node.slice)
    if len(state.block) > mark:
        (base,) = order.keep_before(state, [base], mark)
    return indexing.subscript(state, base, index)


def _named(state: State, node: ast.NamedExpr) -> Value:
    value = evaluate(state, node.value)
    statement_forms.assign(state, node.target, value)
    return evaluate(state, ast.copy_location(ast.Name(node.target.id, ast.Load()), node))


def _lambda(state: State, node: ast.Lambda) -> Value:
    return Function(node, state.scope, defaults(state, node.args))


def defaults(state: State, arguments: ast.arguments) -> dict[str, Value]:
    """Evaluate the default values in a function definition, which keep their values."""
    positional = [*arguments.posonlyargs, *arguments.args]
    count = len(arguments.defaults)
    found = {
        a.arg: settle(state, evaluate(state, node))
        for a, node in zip(positional[len(positional) - count :], arguments.defaults, strict=True)
    }
    for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            found[a.arg] = settle(state, evaluate(state, default))
    return found


# ------------------------------------------------------------------------------- operators

_BINARY: dict[type, Any] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.Pow: np.power,
    ast.MatMult: np.matmul,
    ast.LShift: np.left_shift,
    ast.RShift: np.right_shift,
    ast.BitAnd: np.bitwise_and,
    ast.BitOr: np.bitwise_or,
    ast.BitXor: np.bitwise_xor,
}
_UNARY: dict[type, Any] = {ast.USub: np.negative, ast.UAdd: np.positive, ast.Invert: np.invert}
_COMPARE: dict[type, Any] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


def ufunc_of(op: ast.operator) -> Any:
    """Return the ufunc of a binary operator."""
    return _BINARY[type(op)]


def _binary(state: State, node: ast.BinOp) -> Value:
    a, b = evaluate_all(state, [node.left, node.right])
    return operators.binary(state, _BINARY[type(node.op)], a, b)


def _unary(state: State, node: ast.UnaryOp) -> Value:
    if isinstance(node.op, ast.Not):
        return condition(state, node)
    return operators.unary(state, _UNARY[type(node.op)], evaluate(state, node.operand))


def _compare(state: State, node: ast.Compare) -> Value:
    if (flag := absent.tested(state, node)) is not None:
        return flag
    if len(node.ops) == 1:
        a, b = evaluate_all(state, [node.left, node.comparators[0]])
        return compare(state, node.ops[0], a, b)
    return _chain(state, node)


def _chain(state: State, node: ast.Compare) -> Value:
    """``a < b < c`` is ``a < b and b < c``: c is evaluated where a is less than b."""
    a, b = evaluate_all(state, [node.left, node.comparators[0]])
    b = settled(state, b)
    names = [state.hidden_name("middle"), state.hidden_name("first")]
    state.scope.variables[names[0]] = b
    state.scope.variables[names[1]] = operators.truth(state, compare(state, node.ops[0], a, b))
    middle, first = (ast.copy_location(ast.Name(name, ast.Load()), node) for name in names)
    rest = ast.copy_location(ast.Compare(middle, node.ops[1:], node.comparators[1:]), node)
    found = condition(state, ast.copy_location(ast.BoolOp(ast.And(), [first, rest]), node))
    for name in names:
        del state.scope.variables[name]
    return found


def compare(state: State, op: ast.cmpop, a: Value, b: Value) -> Value:
    """Apply one comparison."""
    if isinstance(op, (ast.Is, ast.IsNot)):
        same = _is_same(a, b)
        return Known(same if isinstance(op, ast.Is) else not same)
    if isinstance(op, (ast.In, ast.NotIn)):
        found = _contains(state, b, a)
        return found if isinstance(op, ast.In) else operators.negation(state, found)
    return operators.binary(state, _COMPARE[type(op)], a, b)


def _is_same(a: Value, b: Value) -> bool:
    if isinstance(a, Known) and isinstance(b, Known):
        return a.value is b.value or (type(a.value) is int and a.value == b.value)
    if isinstance(a, Leaf) and isinstance(b, Leaf):
        return a.expr == b.expr
    return a is b


def _contains(state: State, container: Value, item: Value) -> Known | Leaf:
    (ok, found), (item_ok, wanted) = known(container), known(item)
    if isinstance(container, Mapping) and item_ok:
        return Known(wanted in container.items)
    if ok and item_ok:
        return Known(wanted in found)
    tests = [
        operators.truth(state, operators.binary(state, np.equal, item, part))
        for part in items_of(state, container)
    ]
    return operators.logic(state, "or", tests)


# ------------------------------------------------------------- and, or, conditional expressions


@contextmanager
def _aside(state: State, *nodes: ast.expr) -> Iterator[list[Any]]:
    """Evaluate what may not be evaluated at all: into a block of its own, then forgotten.

    The block is not empty where the evaluation emits statements or changes a list or a dict.
    """
    block: list[Any] = []
    calls_something = any(isinstance(part, ast.Call) for node in nodes for part in ast.walk(node))
    before = slots.Snapshot.take(state) if calls_something else None
    with state.into(block):
        try:
            yield block
        except Endless:
            block.append(Note(text="it does not come back"))
    if before is not None and before.differs(slots.Snapshot.take(state)):
        block.append(Note(text="a container changes"))
        before.restore()


def _logic(state: State, node: ast.BoolOp) -> Value:
    op = "and" if isinstance(node.op, ast.And) else "or"
    first = evaluate(state, node.values[0])
    rest = node.values[1:]
    found = operators.truth(state, first)
    if isinstance(found, Known):
        if bool(found.value) is (op == "or"):
            return first
        return evaluate(state, _rest(node, rest))
    with _aside(state, *rest) as block, absent.assuming(state, node.values[0], op == "and"):
        second = evaluate(state, _rest(node, rest))
        test = operators.truth(state, second)
    if block or not (_is_bool(first) and _is_bool(second)):
        return _as_branch(state, node, first, rest)
    return operators.logic(state, op, [found, test])


def _rest(node: ast.BoolOp, rest: list[ast.expr]) -> ast.expr:
    return rest[0] if len(rest) == 1 else ast.copy_location(ast.BoolOp(node.op, rest), node)


def _is_bool(value: Value) -> bool:
    if isinstance(value, Known):
        return isinstance(value.value, (bool, np.bool_))
    if not isinstance(value, Leaf) or value.type.dtype is None:
        return False
    return value.type.is_number and value.type.dtype.kind == "b"


def _as_branch(state: State, node: ast.BoolOp, first: Value, rest: list[ast.expr]) -> Value:
    """``a and b`` as ``b if a else a``, where b is more than an expression or not a truth value."""
    name = state.hidden_name("test")
    state.scope.variables[name] = settled(state, first)
    read = ast.copy_location(ast.Name(name, ast.Load()), node)
    arms = (_rest(node, rest), read) if isinstance(node.op, ast.And) else (read, _rest(node, rest))
    chosen = ast.copy_location(ast.IfExp(read, *arms), node)
    chosen.assumed = node.values[0]  # type: ignore[attr-defined]
    return _conditional(state, chosen)


def _conditional(state: State, node: ast.IfExp) -> Value:
    test = condition(state, node.test)
    if isinstance(test, Known):
        return evaluate(state, node.body if test.value else node.orelse)
    state.tests.append(test)
    assumed = getattr(node, "assumed", node.test)
    with _aside(state, node.body, node.orelse) as block:
        with absent.assuming(state, assumed, True):
            a = evaluate(state, node.body)
        with absent.assuming(state, assumed, False):
            b = evaluate(state, node.orelse)
    state.tests.pop()
    if not block and _may_be_chosen(a) and _may_be_chosen(b):
        return operators.choice(state, test, a, b)  # type: ignore[arg-type]
    return _branch(state, node, test)


def _may_be_chosen(value: Value) -> bool:
    if isinstance(value, Known):
        return type(value.value) in (bool, int, float, complex)
    return isinstance(value, Leaf) and value.type.is_number


def _branch(state: State, node: ast.IfExp, test: Leaf) -> Value:
    """Write a conditional expression as an ``if`` statement."""
    name, flag = state.hidden_name("chosen"), state.hidden_name("flag")
    state.scope.variables[flag] = test

    def assign(value: ast.expr) -> list[ast.stmt]:
        return [ast.Assign([ast.Name(name, ast.Store())], value)]

    statement = ast.If(ast.Name(flag, ast.Load()), assign(node.body), assign(node.orelse))
    ast.copy_location(statement, node)
    ast.fix_missing_locations(statement)
    statement.assumed = getattr(node, "assumed", node.test)  # type: ignore[attr-defined]
    statement_forms.execute(state, [statement])
    return state.scope.variables[name]


_HANDLERS: dict[type, Callable[[State, Any], Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.NamedExpr: _named,
    ast.Lambda: _lambda,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _logic,
    ast.IfExp: _conditional,
    ast.Tuple: displays.tuple_display,
    ast.List: displays.tuple_display,
    ast.Dict: displays.dict_display,
    ast.Set: displays.set_display,
    ast.ListComp: displays.comprehension,
    ast.GeneratorExp: displays.comprehension,
    ast.SetComp: displays.comprehension,
    ast.DictComp: displays.dict_comprehension,
    ast.JoinedStr: displays.text,
    ast.Call: calls.evaluate_call,
    ast.Slice: indexing.index_value,
}
