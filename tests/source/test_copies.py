"""Copies go where nobody can tell, and stay where somebody can."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule.source import ir
from chainrule.source.emit import emit
from chainrule.source.simplify import simplify
from source.test_simplify import call, generated, lit, log, program, var


def texts(block, *results):
    text = emit(simplify(program(block, tuple(results)), generated))
    return [line.strip() for line in text[text.index("def ") :].splitlines()[1:]]


def copy(name):
    return call(np.ndarray.copy, var(name))


def sine(name, of="u"):
    return ir.Assign(name, call(np.sin, var(of)))


def test_a_copy_that_is_only_looked_at_is_none():
    block = [sine("x"), ir.Assign("t1", copy("x")), sine("y", "t1"), sine("z", "t1")]
    found = texts(block, var("x"), var("y"), var("z"))
    assert found[:3] == ["x = np.sin(u)", "y = np.sin(x)", "z = np.sin(x)"]


def test_a_copy_stays_where_it_or_the_original_is_changed_or_given_away():
    def found(*between):
        block = [sine("x"), ir.Assign("t1", copy("x")), *between, sine("y", "t1"), sine("z", "x")]
        return texts([*block, sine("w", "t1")], *map(var, "yzw"))

    one = lit(1.0)
    assert "t1 = x.copy()" not in found()
    assert "t1 = x.copy()" in found(ir.Store(var("x"), (), one, "add"))
    assert "t1 = x.copy()" in found(ir.If(var("s"), [ir.Store(var("t1"), (lit(0),), one)]))
    assert "t1 = x.copy()" in found(ir.Effect(call(log, var("x"))))


def test_a_result_is_no_copy_of_what_only_it_holds():
    assert texts([sine("x")], copy("x")) == ["x = np.sin(u)", "return (x,)"]


def test_results_of_their_own_stay_so():
    assert texts([sine("x")], var("x"), copy("x"))[-1] == "return x, x.copy()"
    assert texts([sine("x")], copy("x"), copy("x"))[-1] == "return x, x.copy()"
    assert texts([], copy("u")) == ["return (u.copy(),)"]
    view = ir.Assign("x", call(np.broadcast_to, lit(1.0), lit((4,))))
    assert texts([view], copy("x"))[-1] == "return (x.copy(),)"


def gemver(alpha, A, u, v, x, y, z):
    A += np.outer(u, v)
    x += y @ A + z
    return alpha * A @ x


def test_gradients_do_not_share_memory_and_arguments_stay_as_they_are():
    rng = np.random.default_rng(0)
    args = [0.7, rng.normal(size=(4, 4)), *(rng.normal(size=4) for _ in range(5))]
    before = [np.copy(a) for a in args]
    ct = rng.normal(size=4)
    compiled = cr.compile(gemver, backend="numpy")
    value, pullback = cr.vjp(compiled, *args)
    cts = pullback(ct)
    for a, b in itertools.combinations([value, ct, *args, *cts], 2):
        assert not np.may_share_memory(a, b)
    for a, b in zip(args, before, strict=True):
        np.testing.assert_array_equal(a, b)
    for g in cts[1:]:
        g += 1.0  # each can be changed
    again = pullback(ct)
    for a, b in zip(cts[1:], again[1:], strict=True):
        np.testing.assert_allclose(a - 1.0, b)


def views_of_products(a):
    rows = (a[1:] * 1.0).T
    places = (a + 0.0).diagonal()
    turned = np.flip(np.negative(-a))[:1]
    a += 1.0
    return rows, places * 2, turned, a


def sums_from_nothing(a):
    a[1] = 0.5 * sum(row for row in a[1:])
    return a


@pytest.mark.parametrize("f", [views_of_products, sums_from_nothing])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_view_of_a_product_with_one_is_no_view_of_the_factor(f, backend):
    rng = np.random.default_rng(0)
    program = cr.compile(f, backend=backend)
    for a in (rng.normal(size=(3, 4)), rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))):
        for found, wanted in zip(program(a), f(a.copy()), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-14)
        cr.check_grads(program, (a,), order=2)


def copies_in_loops(text):
    """How many copies the loops of a program make."""
    lines = [line for line in text.splitlines() if ".copy()" in line]
    return sum(line.startswith(" " * 8) for line in lines)


def diagonal_added(a):
    total = 0.0
    for i in range(len(a)):
        total += np.tanh(a[i, i])
    return np.sum((a + total) ** 2)


def diagonal_added_in_a_branch(a):
    total = 0.0
    for _ in range(2):
        for i in range(len(a)):
            if a[i, i] > 0.5:
                total = total + np.tanh(a[i, i]) * a[0, i]
    return np.sum((a + total) ** 2)


@pytest.mark.parametrize("f", [diagonal_added, diagonal_added_in_a_branch])
def test_a_cotangent_is_copied_before_the_loop_that_changes_it(f):
    a = np.linspace(0.1, 1.3, 9).reshape(3, 3)
    gradient = cr.grad(cr.compile(f, backend="numpy"))
    cr.check_grads(f, (a,))
    np.testing.assert_allclose(gradient(a), cr.grad(f)(a), rtol=1e-12)
    assert copies_in_loops(gradient.source) == 0, gradient.source
