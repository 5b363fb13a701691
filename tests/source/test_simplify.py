"""Simplifying keeps the meaning: random programs give the same numbers, prints and errors."""

import itertools
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.source import ir
from chainrule.source.conditionals import conditional_expressions
from chainrule.source.emit import emit, namespace
from chainrule.source.simplify import simplify
from chainrule.source.tidy import tidy
from chainrule.source.types import BOOL, INT, OBJECT, Type, type_of

FULL = Type("array", np.dtype(float), ("n",))
HALF = Type("array", np.dtype(float), ("h",))
BOOLS = Type("array", np.dtype(bool), ("n",))
NUMBER = Type("scalar", np.dtype(float))


def generated(name):
    return name.startswith("t")


def var(name, kind=FULL):
    return ir.Var(kind, name)


def lit(value):
    return ir.Lit(type_of(value), value)


def call(fn, *args, kind=FULL, **kwargs):
    return ir.Call(kind, fn, args, tuple(kwargs.items()))


def part_of(base, start, stop):
    return ir.Index(HALF, base, (ir.Slice(OBJECT, lit(start), lit(stop), None),))


def program(body, result, parameters=("u", "v", "s")):
    return ir.Program("f", [ir.Parameter(name) for name in parameters], body, result, {}, {})


def run(prog, *args):
    """Execute a program's text; return its result and what it logged."""
    logged: list[Any] = []
    space = namespace(prog)
    if "log" in space:
        space["log"] = lambda *values: logged.append([np.copy(x) for x in values])
    exec(emit(prog), space)
    return space["f"](*args), logged


def log(*values):
    raise AssertionError("run() puts its own in place of this one")


# ------------------------------------------------------------------------------ random programs


class Generator:
    """Makes a random program out of every kind of statement; it keeps the rules of memory."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.count = 0
        self.known: list[ir.Var] = [var("u"), var("v"), var("s", NUMBER)]
        self.buffers: list[ir.Var] = []  # and views of them

    def program(self) -> ir.Program:
        body: ir.Block = []
        for _ in range(2):
            name = self.name()
            body.append(ir.Assign(name, self.rnd.choice([call(np.zeros_like, var("u"))])))
            self.buffers.append(var(name))
        self.statements(body, self.rnd.randint(3, 14), depth=0)
        chosen = [self.any_of(kind) for kind in (FULL, HALF, NUMBER)]
        results = self.rnd.sample([*chosen, *self.buffers], 3)
        return program(body, tuple(map(self.maybe_copied, results)))

    def name(self) -> str:
        self.count += 1
        return self.rnd.choice(["t", "t", "ta_", "tb_ct_", "x"]) + str(self.count)

    def statements(self, body: ir.Block, count: int, depth: int) -> None:
        """Append statements; what they bind is known in this block only."""
        known, buffers = list(self.known), list(self.buffers)
        for _ in range(count):
            kinds = (
                [self.assign] * 6 + [self.store] * 3 + [self.alias] + [self.rebind, self.copy] * 2
            )
            kinds += [self.copied] * 2
            kinds += [self.alias, self.effect, self.saved, self.view_of_value, self.note]
            kinds += [self.branch, self.loop] if depth < 2 else []
            self.rnd.choice(kinds)(body, depth)
        if depth:
            self.known, self.buffers = known, buffers

    # ------------------------------------------------------------------------ expressions

    def any_of(self, kind: Type) -> ir.Expr:
        """Return a variable of a kind, or a number or slice in its place."""
        found = [v for v in self.known if v.type == kind]
        if found and self.rnd.random() < 0.8:
            return self.rnd.choice(found)
        if kind == NUMBER:
            return lit(np.float64(self.rnd.choice([0.5, -1.5])))
        if kind == HALF:
            start = self.rnd.choice([0, 2])
            return call(np.positive, part_of(self.any_of(FULL), start, start + 2), kind=HALF)
        return var("u")

    def read(self, kind: Type) -> ir.Expr:
        """Return an operand: a value, a buffer as it is now, or a literal that algebra knows."""
        pick = self.rnd.random()
        found = [b for b in self.buffers if b.type == kind]
        if pick < 0.3 and found:
            return self.rnd.choice(found)
        if pick < 0.4:
            return lit(self.rnd.choice([0, 1, -1, 1.0, 0.5]))
        return self.any_of(kind)

    def expr(self, kind: Type, depth: int = 2) -> ir.Expr:
        """Return a computation: never a bare variable, whose memory it would share."""
        a = self.operand(kind, depth)
        if self.rnd.random() < 0.2:
            return call(self.rnd.choice([np.negative, np.sin]), a, kind=kind)
        if kind != NUMBER and self.rnd.random() < 0.1:
            return call(np.full_like, a, lit(self.rnd.choice([1.0, 0.5, -1.5])), kind=kind)
        fn = self.rnd.choice([np.add, np.subtract, np.multiply])
        b = self.operand(kind if self.rnd.random() < 0.7 else NUMBER, depth)
        return call(fn, *self.rnd.sample([a, b], 2), kind=kind)

    def operand(self, kind: Type, depth: int) -> ir.Expr:
        pick = self.rnd.random()
        if depth and pick < 0.4:
            return self.expr(kind, depth - 1)
        if pick < 0.5:
            condition = call(np.greater, self.any_of(NUMBER), lit(0.2), kind=BOOL)
            return ir.Choice(kind, condition, self.operand_of(kind), self.operand_of(kind))
        return self.operand_of(kind)

    def operand_of(self, kind: Type) -> ir.Expr:
        found = self.read(kind)
        return found if found.type == kind else self.any_of(kind)

    # ------------------------------------------------------------------------- statements

    def assign(self, body: ir.Block, depth: int) -> None:
        kind = self.rnd.choice([FULL, FULL, HALF, NUMBER])
        name = self.name()
        body.append(ir.Assign(name, self.expr(kind)))
        self.known.append(var(name, kind))

    def copy(self, body: ir.Block, depth: int) -> None:
        source = self.rnd.choice(self.known)
        name = self.name()
        body.append(ir.Assign(name, source))
        self.known.append(var(name, source.type))

    def copied(self, body: ir.Block, depth: int) -> None:
        source = self.rnd.choice([*self.known, *self.buffers])
        name = self.name()
        body.append(ir.Assign(name, self.maybe_copied(source)))
        if isinstance(body[-1].value, ir.Var) and source in self.buffers:
            body.pop()  # it would show later stores
        else:
            self.known.append(var(name, source.type))

    def maybe_copied(self, expr: ir.Expr) -> ir.Expr:
        is_array = expr.type.is_array and self.rnd.random() < 0.6
        return call(np.ndarray.copy, expr, kind=expr.type) if is_array else expr

    def view_of_value(self, body: ir.Block, depth: int) -> None:
        source = self.any_of(FULL)
        name = self.name()
        body.append(ir.Assign(name, part_of(source, 1, 3)))
        self.known.append(var(name, HALF))

    def rebind(self, body: ir.Block, depth: int) -> None:
        """Assign a number or an array anew, as loops do."""
        target = self.rnd.choice(self.known)
        if target.name not in ("u", "v", "s"):
            body.append(ir.Assign(target.name, self.expr(target.type)))

    def alias(self, body: ir.Block, depth: int) -> None:
        roots = [b for b in self.buffers if b.type == FULL]
        root = self.rnd.choice(roots)
        start = self.rnd.choice([0, 1, 2])
        name = self.name()
        body.append(ir.Alias(name, part_of(root, start, start + 2), root.name))
        self.buffers.append(var(name, HALF))

    def store(self, body: ir.Block, depth: int) -> None:
        target = self.rnd.choice(self.buffers)
        op = self.rnd.choice([None, "add", "subtract"])
        index: tuple[ir.Expr, ...] = ()
        kind = target.type
        if kind == FULL and self.rnd.random() < 0.6:
            start = self.rnd.choice([0, 1, 2])
            index = (ir.Slice(OBJECT, lit(start), lit(start + 2), None),)
            kind = HALF
        value = self.expr(kind) if self.rnd.random() < 0.7 else self.operand_of(kind)
        body.append(ir.Store(target, index, value, op))

    def effect(self, body: ir.Block, depth: int) -> None:
        shown = self.rnd.choice([self.any_of(FULL), *self.buffers])
        body.append(ir.Effect(call(log, shown, kind=OBJECT)))

    def note(self, body: ir.Block, depth: int) -> None:
        body.append(ir.Note("a remark"))

    def saved(self, body: ir.Block, depth: int) -> None:
        """Save a part of a buffer, change the buffer, and bring the part back."""
        target = self.rnd.choice(self.buffers)
        if self.rnd.random() < 0.5:
            body.append(ir.Push(target, copy=True))
            self.store(body, depth)
            self.assign(body, depth)
            body.append(ir.Pop(target, ()))
        else:
            name = self.name()
            body.append(ir.Push(self.expr(target.type)))
            self.store(body, depth)
            body.append(ir.Pop(var(name, target.type)))
            self.known.append(var(name, target.type))

    def branch(self, body: ir.Block, depth: int) -> None:
        condition = call(np.greater, self.any_of(NUMBER), lit(0.1), kind=BOOL)
        statement = ir.If(condition)
        self.statements(statement.then, self.rnd.randint(0, 5), depth + 1)
        self.statements(statement.orelse, self.rnd.randint(0, 3), depth + 1)
        body.append(statement)

    def loop(self, body: ir.Block, depth: int) -> None:
        counter = var(self.name(), INT)
        statement = ir.For(counter, lit(0), lit(self.rnd.randint(0, 3)), lit(1))
        if self.rnd.random() < 0.3:
            statement.until = self.name()
            body.append(ir.Assign(statement.until, lit(False)))
        counted = self.name()
        body.append(ir.Assign(counted, lit(0)))
        name = self.name()
        statement.body.append(ir.Assign(name, call(np.float64, counter, kind=NUMBER)))
        self.known.append(var(name, NUMBER))
        self.statements(statement.body, self.rnd.randint(1, 6), depth + 1)
        self.known.pop()
        count = call(np.add, var(counted, INT), lit(1), kind=INT)
        statement.body.append(ir.Assign(counted, count))
        if statement.until:
            stop = call(np.greater, self.any_of(NUMBER), lit(0.3), kind=BOOL)
            statement.body.append(ir.Assign(statement.until, stop))
        body.append(statement)
        if self.rnd.random() < 0.5:  # as a reverse sweep does
            bounds = (statement.start, statement.stop, statement.step)
            back = ir.For(counter, *bounds, trips=counted, backwards=True)
            self.statements(back.body, self.rnd.randint(1, 6), depth + 1)
            body.append(back)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=4), rng.normal(size=4), np.float64(0.7)


def assert_same(before, after):
    for a, b in zip(flat(*before), flat(*after), strict=True):
        assert (type(a), np.shape(a)) == (type(b), np.shape(b))
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b)


def flat(result, logged):
    return [*result, *(value for values in logged for value in values)]


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False))
def test_random_programs_keep_their_meaning(rnd):
    prog = Generator(rnd).program()
    text = emit(prog)
    simple = simplify(prog, generated)
    assert emit(prog) == text, "the program itself must not change"
    expected = run(prog, *arguments())
    found = run(simple, *(given := arguments()))
    assert_same(expected, found)
    assert_no_more_sharing(prog, arguments(), found[0], given)
    short = replace(simple, body=conditional_expressions(simple.body, generated))
    assert_same(expected, run(tidy(short), *arguments()))


def assert_no_more_sharing(prog, given, found, found_given):
    """Results share memory with each other and with arguments where they did before, no more."""
    expected = run(prog, *given)[0]
    before, after = [*expected, *given], [*found, *found_given]
    for i, j in itertools.combinations(range(len(before)), 2):
        was_shared = np.may_share_memory(before[i], before[j])
        assert was_shared or not np.may_share_memory(after[i], after[j])


def test_random_programs_become_shorter():
    lines = [0, 0]
    for seed in range(50):
        prog = Generator(random.Random(seed)).program()
        lines[0] += emit(prog).count("\n")
        lines[1] += emit(simplify(prog, generated)).count("\n")
    assert lines[1] < 0.8 * lines[0]


# ------------------------------------------------------------------------------ rewrite by rewrite


def body_of(block, result=None):
    """Return the lines of a simplified program, without those around its body."""
    prog = simplify(program(block, var("x") if result is None else result), generated)
    lines = emit(prog).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("def "))
    return [line[4:] for line in lines[start + 1 :]]


def test_a_temporary_goes_back_into_its_only_use():
    block = [
        ir.Assign("t1", call(np.sin, var("u"))),
        ir.Assign("t2", call(np.multiply, var("t1"), var("v"))),
        ir.Assign("x", call(np.add, var("t2"), var("u"))),
    ]
    assert body_of(block) == ["x = np.sin(u) * v + u", "return x"]


def test_the_result_is_computed_where_it_is_returned_unless_the_user_named_it():
    assert body_of([ir.Assign("t1", call(np.sin, var("u")))], var("t1")) == ["return np.sin(u)"]
    assert body_of([ir.Assign("x", call(np.sin, var("u")))]) == ["x = np.sin(u)", "return x"]


def test_what_is_used_twice_is_computed_once():
    block = [
        ir.Assign("t1", call(np.sin, var("u"))),
        ir.Assign("x", call(np.multiply, var("t1"), var("t1"))),
    ]
    assert body_of(block) == ["t1 = np.sin(u)", "x = t1 * t1", "return x"]


def test_nothing_is_moved_into_a_loop_a_branch_or_an_arm():
    use = ir.Store(var("x"), (), var("t1"), "add")
    start = [ir.Assign("x", call(np.copy, var("u"))), ir.Assign("t1", call(np.sin, var("v")))]
    inside = call(np.greater, var("s", NUMBER), lit(0), kind=BOOL)
    loop = ir.For(var("k", INT), lit(0), lit(3), lit(1), [use])
    assert "t1 = np.sin(v)" in body_of([*start, loop])
    assert "t1 = np.sin(v)" in body_of([*start, ir.If(inside, [use])])
    choice = ir.Store(var("x"), (), ir.Choice(FULL, inside, var("t1"), var("u")), "add")
    assert "t1 = np.sin(v)" in body_of([*start, choice])


def test_nothing_is_moved_over_what_changes_it():
    block = [
        ir.Assign("x", call(np.ndarray.copy, var("u"))),
        ir.Assign("t1", call(np.multiply, var("x"), lit(2.0))),
        ir.Store(var("x"), (lit(0),), lit(0.0)),
        ir.Store(var("x"), (), var("t1"), "add"),
    ]
    expected = ["x = u.copy()", "t1 = x * 2.0", "x[0] = 0.0", "x += t1", "return x"]
    assert body_of(block) == expected


def test_a_line_does_not_grow_beyond_the_page():
    block: list[ir.Stmt] = [ir.Assign("t0", call(np.sin, var("u")))]
    for k in range(40):
        block.append(ir.Assign(f"t{k + 1}", call(np.sin, var(f"t{k}"))))
    lines = body_of(block, var("t40"))
    assert 3 < len(lines) < 8
    assert max(map(len, lines)) <= 96


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (call(np.add, lit(0), call(np.sin, var("u"))), "return np.sin(u)"),
        (call(np.multiply, lit(1), call(np.sin, var("u"))), "return np.sin(u)"),
        (call(np.multiply, call(np.sin, var("u")), lit(-1)), "return -np.sin(u)"),
        (call(np.negative, call(np.negative, call(np.sin, var("u")))), "return np.sin(u)"),
        (call(np.subtract, var("u"), call(np.negative, var("v"))), "return u + v"),
        (call(np.add, var("u"), call(np.multiply, lit(-2.0), var("v"))), "return u - 2.0 * v"),
        (call(np.multiply, var("u"), call(np.power, var("v"), lit(1))), "return u * v"),
        # Memory of its own, and what is no identity for infinities, stays.
        (call(np.multiply, lit(1), var("u")), "return u.copy()"),
        (call(np.multiply, lit(0), var("u")), "return 0 * u"),
        (call(np.subtract, var("u"), var("u")), "return u - u"),
    ],
)
def test_algebra(value, line):
    assert body_of([ir.Assign("t1", value)], var("t1")) == [line]


def test_arrays_made_to_be_looked_at_are_not_made():
    filled = call(np.full_like, call(np.sin, var("u")), lit(1.0))
    assert body_of([ir.Assign("t1", filled)], var("t1")) == ["return np.full_like(u, 1.0)"]
    product = call(np.multiply, filled, call(np.cos, var("u")))
    assert body_of([ir.Assign("t1", product)], var("t1")) == ["return np.cos(u)"]
    smaller = call(np.multiply, call(np.full_like, var("u"), lit(1.0)), var("s", NUMBER))
    assert body_of([ir.Assign("t1", smaller)], var("t1")) == ["return np.full_like(u, 1.0) * s"]
    never = call(
        np.bitwise_and, call(np.equal, var("u"), lit(0), kind=BOOLS), lit(False), kind=BOOLS
    )
    chosen = call(np.power, call(np.where, never, lit(1), var("u")), lit(-0.5))
    assert body_of([ir.Assign("t1", chosen)], var("t1")) == ["return u**-0.5"]


def test_a_size_is_asked_of_an_argument():
    block = [ir.Assign("t1", call(np.sin, call(np.exp, var("u"))))]
    prog = program(block, ir.Dim(INT, var("t1"), 0))
    prog.types.update(u=FULL, v=HALF)
    assert emit(simplify(prog, generated)).endswith("    return u.shape[0]\n")


def test_a_place_that_is_set_to_zero_and_added_to():
    target, place = var("t1"), (lit(0),)
    begin = [ir.Assign("t1", call(np.copy, var("u"))), ir.Store(target, place, lit(0.0))]
    add = ir.Store(target, place, lit(2.0), "add")
    assert body_of([*begin, add], target)[1:] == ["t1[0] = 2.0", "return t1"]
    itself = ir.Store(target, place, ir.Index(NUMBER, target, (lit(1),)), "add")
    assert body_of([*begin, itself], target)[1:3] == ["t1[0] = 0.0", "t1[0] += t1[1]"]
    other = ir.Store(target, (lit(1),), lit(2.0), "add")
    assert body_of([*begin, other], target)[1:3] == ["t1[0] = 0.0", "t1[1] += 2.0"]


def test_results_do_not_come_to_share_memory():
    block = [ir.Assign("t1", call(np.multiply, lit(1), var("u"))), ir.Assign("t2", var("u"))]
    assert body_of(block, (var("t1"), var("t2"))) == ["return u.copy(), u"]


def test_algebra_keeps_the_dtype():
    ints = Type("array", np.dtype(int), ("n",))
    value = call(np.multiply, call(np.multiply, lit(1.0), var("i", ints)), var("u"))
    assert body_of([ir.Assign("t1", value)], var("t1")) == ["return 1.0 * i * u"]
    complex_ = Type("array", np.dtype(complex), ("n",))
    scaled = call(np.multiply, lit(1), var("z", complex_), kind=complex_)
    value = call(np.add, scaled, var("u"), kind=complex_)
    assert body_of([ir.Assign("t1", value)], var("t1", complex_)) == ["return 1 * z + u"]


def test_the_users_own_expressions_are_left_alone():
    value = call(np.add, lit(0), call(np.multiply, lit(1), var("u")))
    assert body_of([ir.Assign("x", value)]) == ["x = 0 + 1 * u", "return x"]


def test_a_first_contribution_is_an_assignment():
    zeros = ir.Assign("t1", call(np.zeros_like, var("u")))
    first = ir.Store(var("t1"), (), call(np.sin, var("u")), "add")
    second = ir.Store(var("t1"), (ir.Slice(OBJECT, lit(1), None, None),), lit(1.0), "add")
    lines = ["t1 = np.sin(u)", "t1[1:] += 1.0", "return t1"]
    assert body_of([zeros, first, second], var("t1")) == lines
    copied = ir.Store(var("t1"), (), var("v"), "add")
    assert body_of([zeros, copied, second], var("t1"))[0] == "t1 = v.copy()"
    single = Type("array", np.dtype("f4"), ("n",))
    other = ir.Store(var("t1"), (), call(np.sin, var("w", single), kind=single), "add")
    assert body_of([zeros, other, second], var("t1"))[0] == "t1 = np.zeros_like(u)"
    smaller = ir.Store(var("t1"), (), call(np.sin, var("w", HALF), kind=HALF), "add")
    assert body_of([zeros, smaller, second], var("t1"))[0] == "t1 = np.zeros_like(u)"


def test_dead_code_is_dropped_and_effects_are_kept():
    zeros = ir.Assign("x3", call(np.zeros_like, var("u")))
    feeds_itself = ir.Assign("x2", call(np.add, var("x2"), var("u")))
    block = [
        ir.Note("gone with its statement"),
        ir.Assign("x1", call(np.sin, var("u"))),
        ir.Note("stays"),
        ir.Effect(call(print, lit("hello"), kind=OBJECT)),
        ir.Assign("x2", var("u")),
        ir.For(var("k", INT), lit(0), lit(3), lit(1), [feeds_itself]),
        zeros,
        ir.Store(var("x3"), (lit(0),), lit(1.0)),
        ir.If(lit(True), [ir.Assign("x4", var("u"))]),
        ir.If(var("s", NUMBER), [ir.Raise(call(ValueError, lit("no"), kind=OBJECT))]),
    ]
    assert body_of(block, var("u")) == [
        "# stays",
        'print("hello")',
        "if s:",
        '    raise ValueError("no")',
        "return u",
    ]


def test_a_store_seen_through_a_view_is_kept():
    block = [
        ir.Assign("x", call(np.zeros_like, var("u"))),
        ir.Alias("x2", part_of(var("x"), 0, 2), "x"),
        ir.Store(var("x2"), (), lit(1.0)),
    ]
    assert body_of(block)[1:] == ["x2 = x[0:2]", "x2[...] = 1.0", "return x"]
