"""Small arrays of integers whose elements decide what a program does."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError

REL = np.random.default_rng(0).normal(size=(4, 2, 2))
CHAIN, STAR = np.array([-1, 0, 1, 2]), np.array([-1, 0, 0, 0])
GLOBAL = CHAIN


def by_argument(rel, parents):
    placed = []
    for i in range(len(parents)):
        if parents[i] == -1:
            placed.append(rel[i])
        else:
            placed.append(placed[parents[i]] @ rel[i])
    return np.sum(np.stack(placed) ** 2)


def by_attribute(rel, tree):
    return by_argument(rel, tree["parents"])


def by_global(rel):
    placed = []
    for i, p in enumerate(GLOBAL):
        placed.append(rel[i] if p < 0 else placed[p] @ rel[i])
    return np.sum(np.stack(placed) ** 2)


def by_rows(rel, edges):
    placed = [rel[0]]
    for parent, child in edges:
        placed.append(placed[parent] @ rel[child])
    return np.sum(np.stack(placed) ** 2)


def expected(rel, parents):
    """The gradient by the tape."""
    with cr.engine("tape"):
        return cr.grad(by_argument)(rel, parents)


def test_each_gets_a_program_of_its_own():
    gradient = cr.grad(cr.compile(by_argument, backend="numpy"))
    for parents in (CHAIN, STAR, CHAIN, STAR.astype(np.int32)):
        np.testing.assert_allclose(gradient(REL, parents), expected(REL, parents))
    found = cr.grad(cr.compile(by_attribute, backend="numpy"), argnums=0)(REL, {"parents": STAR})
    np.testing.assert_allclose(found, expected(REL, STAR))
    edges = np.array([[0, 1], [1, 2], [2, 3]])
    found = cr.grad(cr.compile(by_rows, backend="numpy"))(REL, edges)
    np.testing.assert_allclose(found, expected(REL, CHAIN))


def test_closed_over_ones_are_read_at_each_call(monkeypatch):
    gradient = cr.grad(cr.compile(by_global, backend="numpy"))
    np.testing.assert_allclose(gradient(REL), expected(REL, CHAIN))
    monkeypatch.setitem(globals(), "GLOBAL", STAR)
    np.testing.assert_allclose(gradient(REL), expected(REL, STAR))
    changed = CHAIN.copy()
    monkeypatch.setitem(globals(), "GLOBAL", changed)
    np.testing.assert_allclose(gradient(REL), expected(REL, CHAIN))
    changed[:] = STAR
    np.testing.assert_allclose(gradient(REL), expected(REL, STAR))


def test_what_the_program_changes_is_not_known():
    def f(x, order):
        order[0] = 1
        pair = [x[0], (x[1], x[2])]
        return np.sum(pair[order[0]][0])

    with pytest.raises(UnsupportedError, match="must be known"):
        cr.compile(f, backend="numpy")(np.ones(3), np.array([0, 1]))


def test_numbers_that_can_be_told_apart_as_the_program_runs_need_not_be_known():
    def f(x, y, order):
        return [x, y][order[0]] * 2.0

    program = cr.compile(f, backend="numpy")
    assert program(1.0, 3.0, np.array([0])) == 2.0
    text = program.source
    assert program(1.0, 3.0, np.array([1])) == 6.0
    assert program.source == text


def test_a_repeated_call_is_told_apart_by_elements_and_layout():
    def f(u, order):
        v = u.reshape(-1)
        v[0] = 2.0
        parts = [u, (u, v)]
        return np.sum(parts[order[0]]) if order[1] else np.sum(u)

    program = cr.compile(f, backend="numpy")
    for order in ([0, 1], [0, 0], [0, 1]):
        assert program(np.ones((2, 3)), np.array(order)) == 7.0
    with pytest.raises(UnsupportedError, match="layout"):
        program(np.ones((3, 2)).T, np.array([0, 1]))
