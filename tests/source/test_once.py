"""Reverse sweeps compute and copy nothing once too often, and lose nothing by it."""

import itertools

import numpy as np
import pytest

from chainrule.source import ir
from chainrule.source.emit import emit
from chainrule.source.names import Names
from chainrule.source.parts import merged
from chainrule.source.simplify import simplify
from chainrule.source.spelling import Speller
from source.oracles import Compiled, along, assert_close, leaves_share_memory, vector
from source.test_simplify import FULL, call, generated, lit, log, part_of, program, var

A, B = np.linspace(0.3, 1.4, 6), np.linspace(-1.0, 0.8, 6)


def lines(block, *results):
    text = emit(simplify(program(block, tuple(results)), generated))
    return text[text.index("def ") :].splitlines()[1:]


def texts(block, *results):
    return [line.strip() for line in lines(block, *results)]


# ------------------------------------------------------------------------------------ statements


def test_a_value_that_two_variables_hold_is_computed_once():
    product = call(np.multiply, var("u"), var("v"))
    block = [
        ir.Assign("t1", product),
        ir.Effect(value=call(log, var("t1"), var("t1"))),
        ir.Assign("t2", product),
        ir.Effect(value=call(log, var("t2"), var("t2"))),
    ]
    assert texts(block, lit(0.0)) == ["t1 = u * v", "log(t1, t1)", "log(t1, t1)", "return (0.0,)"]


def test_it_is_computed_again_where_an_operand_has_changed():
    product = call(np.multiply, var("x"), var("v"))
    block = [
        ir.Assign("x", call(np.ndarray.copy, var("u"))),
        ir.Assign("t1", product),
        ir.Effect(value=call(log, var("t1"), var("t1"))),
        ir.Store(var("x"), (lit(0),), lit(0.0)),
        ir.Assign("t2", product),
        ir.Effect(value=call(log, var("t2"), var("t2"))),
    ]
    assert "t2 = x * v" in texts(block, lit(0.0))


def test_two_results_are_two_arrays():
    product = call(np.multiply, var("u"), var("v"))
    block = [ir.Assign("u_ct", product), ir.Assign("v_ct", product)]
    text = " ".join(texts(block, var("u_ct"), var("v_ct")))
    assert text.count("u * v") == 2


def test_an_array_that_is_changed_is_no_other():
    product = call(np.multiply, var("u"), var("v"))
    block = [
        ir.Assign("t1", product),
        ir.Store(var("t1"), (lit(0),), lit(0.0)),
        ir.Assign("t2", product),
        ir.Effect(value=call(log, var("t1"), var("t2"), var("t2"))),
    ]
    assert sum("u * v" in line for line in texts(block, lit(0.0))) == 2


def swap(use):
    """Take a place of ``x``, set it to zero and use what was there."""
    place = part_of(var("x"), 1, 3)
    return [
        ir.Assign("x", call(np.ndarray.copy, var("u"))),
        ir.Store(var("x"), (lit(4),), lit(2.0)),
        ir.Assign("y", call(np.ndarray.copy, var("v"))),
        ir.Store(var("y"), (lit(4),), lit(2.0)),
        ir.Assign("t1", call(np.ndarray.copy, place, kind=place.type)),
        ir.Store(var("x"), place.index, lit(0.0)),
        use,
    ]


def test_a_place_is_used_before_it_is_set_to_zero():
    half = part_of(var("y"), 1, 3)
    taken = var("t1", half.type)
    use = ir.Store(var("y"), half.index, call(np.multiply, taken, lit(2.0), kind=half.type), "add")
    assert texts(swap(use), var("x"), var("y"))[-3:-1] == ["y[1:3] += x[1:3] * 2.0", "x[1:3] = 0.0"]


def test_a_place_is_copied_where_its_array_is_what_uses_it():
    half = part_of(var("x"), 2, 4)
    taken = var("t1", half.type)
    use = ir.Store(var("x"), half.index, call(np.multiply, taken, lit(2.0), kind=half.type), "add")
    found = texts(swap(use), var("x"), var("y"))[-4:-1]
    assert found == ["t1 = x[1:3].copy()", "x[1:3] = 0.0", "x[2:4] += t1 * 2.0"]


def test_what_is_stored_as_it_is_keeps_its_numbers():
    use = ir.Assign("t2", var("t1", part_of(var("x"), 1, 3).type))
    more = ir.Effect(value=call(log, var("t2", part_of(var("x"), 1, 3).type)))
    found = texts([*swap(use), more], var("x"), var("y"))
    assert found[-4:-1] == ["t1 = x[1:3].copy()", "x[1:3] = 0.0", "log(t1)"]


@pytest.mark.parametrize(("op", "sign"), [("add", "+"), ("subtract", "-")])
def test_a_sum_needs_no_copy_first(op, sign):
    block = [
        ir.Assign("x_ct", call(np.ndarray.copy, var("u"))),
        ir.Store(var("x_ct"), (), call(np.sin, var("v")), op),
    ]
    assert texts(block, var("x_ct")) == [f"x_ct = u {sign} np.sin(v)", "return (x_ct,)"]


def test_the_copy_stays_where_the_original_changes_first():
    block = [
        ir.Assign("y", call(np.sin, var("u"))),
        ir.Assign("x_ct", call(np.ndarray.copy, var("y"))),
        ir.Store(var("y"), (lit(0),), lit(0.0)),
        ir.Store(var("x_ct"), (), call(np.sin, var("v")), "add"),
    ]
    assert texts(block, var("x_ct"), var("y"))[1] == "x_ct = y.copy()"


# -------------------------------------------------------------------------------- whole adjoints


def kept_value(a, b):
    u = a.copy()
    u[1:-1] = u[1:-1] + 0.1 * b[1:-1] * u[2:]
    return np.sum(u * u)


def masks(a, b):
    u = a.copy()
    far = u > 0.5
    u[far] = (u[far] + 0.01) ** -1.5
    return np.sum(u * b)


def one_result_twice(a, b):
    return np.sum(a * b) + np.sum(-a) + np.sum(-b)


def diagonal(a, b):
    m = a[:, None] * b
    return np.sum(np.log(3 + np.diag(m)))


WHOLE = [
    (kept_value, ["u_ct[1:-1] = stored_ct", ".copy()\n    u_ct"]),
    (masks, ["unbroadcast", "weight[far].copy()", "u[far].copy()"]),
    (one_result_twice, []),
    (diagonal, ["moveaxis"]),
]


@pytest.mark.parametrize(("f", "needless"), WHOLE, ids=[f.__name__ for f, _ in WHOLE])
def test_needless_steps_are_gone_and_the_numbers_right(f, needless):
    engine = Compiled(f, (A, B), (0, 1))
    _, cts = engine.pull((A, B), 1.0)
    assert not leaves_share_memory(cts, (A, B))
    assert not np.shares_memory(*cts)
    for t in np.eye(12):
        assert_close(vector(cts) @ t, along(f, (A, B), (0, 1), t, 2.0**-9), "cotangent")
    text = engine.texts(1.0)["adjoint"].text
    assert [part for part in needless if part in text] == []


# ------------------------------------------------------------------------------- parts of parts

ENTRIES = [0, 2, -1, slice(None), slice(1, None), slice(None, 3), slice(1, 4), slice(1, -1)]
ENTRIES += [slice(-3, None), slice(None, None, 2), slice(None, None, -1), slice(0, 2), slice(3, 2)]


@pytest.mark.parametrize("n", [5, 8])
def test_one_index_names_the_places_of_two(n):
    array, count = np.arange(n * n).reshape(n, n), 0
    for first in itertools.product(ENTRIES, ENTRIES):
        inner = array[first]
        for second in itertools.product(ENTRIES, repeat=inner.ndim):
            try:
                expected = inner[second]
            except IndexError:
                continue
            base = ir.Index(FULL, var("u"), tuple(map(lit, first)))
            found = merged(ir.Index(FULL, base, tuple(map(lit, second))))
            assert np.array_equal(eval(Speller(Names(()))(found), {"u": array}), expected)
            count += found.base == var("u")
    assert count > 1000


def views(a, b):
    u = a.copy()
    left, rest = u[:3], u[2:]
    for k in range(2):
        left[0] = b[k] * rest[1]
        rest[1:3] *= b[1]
        left[k] += u[1:][k]
    return np.sum(u * b)


def test_a_store_through_a_view_is_one_into_its_array():
    engine = Compiled(views, (A, B), (0, 1))
    _, cts = engine.pull((A, B), 1.0)
    for t in np.eye(12):
        assert_close(vector(cts) @ t, along(views, (A, B), (0, 1), t, 2.0**-9), "cotangent")
    text = engine.texts(1.0)["adjoint"].text
    assert "a_ct[3:5] = stored_ct * b[1]" in text
    assert "][1:3]" not in text.partition("# return")[2]
