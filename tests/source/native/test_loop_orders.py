"""Loops in another order, arrays in place or transposed, places for saved values: as NumPy."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr
from source.native import order_programs as programs

pytest.importorskip("numba")


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.2, 1.0, shape)


U = uniform(5, 6, 7)
CUBE = uniform(5, 5, 5)
WIDE = uniform(6, 6, 7, seed=1)
ROW = uniform(6)

MOVED = {
    "columns": (U, WIDE),
    "other_arm": (U,),
    "backwards": (U,),
}
STAYING = {
    "neighbours": (U,),
    "shifted_by_one_level": (U,),
    "scaled_by_the_level": (U,),
    "number_that_passes_on": (U,),
    "turned": (CUBE,),
    "index_from_an_array": (U, np.array([2, 0, 1, 4, 3])),
    "stops": (U,),
}
OTHERS = {
    "sums_of_levels": (U,),
    "shared_ends": (U,),
    "kept_from_before": (U,),
    "every_second": (U,),
    "old_and_new": (ROW, ROW[::-1].copy()),
    "read_again": (ROW, 3),
    "orthogonal": (uniform(7, 6),),
    "triangles": (ROW,),
    "ranges_of_others": (ROW, 5, 2, 6),
    "loops_in_branches": (ROW, True),
    "early_end": (ROW, 0.8),
    "growing": (ROW, 3),
}


def both(name):
    function = getattr(programs, name)
    return cr.compile(function, backend="numba"), cr.compile(function, backend="numpy")


def copied(args):
    return [x.copy() if isinstance(x, np.ndarray) else x for x in args]


def floats(args):
    return tuple(k for k, x in enumerate(args) if isinstance(x, np.ndarray) and x.dtype == float)


def assert_same(name, args):
    """Compare values and gradients; return both programs of machine code."""
    compiled, reference = both(name)
    gradient = cr.value_and_grad(compiled, argnums=floats(args))
    by_numpy = cr.value_and_grad(reference, argnums=floats(args))
    value, slopes = gradient(*copied(args))
    expected, others = by_numpy(*copied(args))
    np.testing.assert_allclose(compiled(*copied(args)), reference(*copied(args)), rtol=1e-12)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for found, wanted in zip(slopes, others, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
    return compiled, gradient


def loops_of(program):
    """Return the loops of a kernel, each with its variable and the loop around it."""
    _, _, text = program.explain().partition("# ---- after loops")
    found, around = [], []
    for line in text.splitlines():
        line = re.sub(r"^( *)# ", r"\1", line)
        depth = len(line) - len(line.lstrip())
        around = [a for a in around if a[0] < depth]
        loop = re.match(r" *for (\w+) in range", line)
        if loop:
            found.append((loop[1], around[-1][1] if around else ""))
            around.append((depth, loop[1]))
    return found


def is_moved(program):
    """Tell whether all loops over levels are inside loops over columns."""
    outer = [around for var, around in loops_of(program) if re.match(r"k(_2)?(_\d+)*$", var)]
    return [name.startswith("i_") for name in outer]


@pytest.mark.parametrize("name", MOVED)
def test_levels_go_inside_columns(name):
    for program in assert_same(name, MOVED[name]):
        assert any(is_moved(program))


@pytest.mark.parametrize("name", STAYING)
def test_levels_stay_outside_where_columns_need_each_other(name):
    for program in assert_same(name, STAYING[name]):
        assert not any(is_moved(program))


@pytest.mark.parametrize("name", OTHERS)
def test_same_numbers(name):
    assert_same(name, OTHERS[name])


def test_arrays_without_columns():
    args = np.zeros((0, 6, 7)), np.zeros((1, 6, 7))
    assert_same("columns", args)


@pytest.mark.parametrize(
    ("name", "args", "error"),
    [
        ("next_level", (U,), IndexError),
        ("next_level", (U[:0],), IndexError),
        ("not_below", (U, 2), ValueError),
        ("not_below", (U[:0], 2), ValueError),
    ],
)
def test_exceptions_are_those_of_numpy(name, args, error):
    for program in both(name):
        with pytest.raises(error):
            program(*args)
    assert_same("not_below", (U, 9))


def test_sizes_in_a_branch_that_is_not_taken():
    assert_same("branch_of_other_sizes", (U, uniform(6, 6, seed=2), 1))
    assert_same("branch_of_other_sizes", (U, uniform(9, 6, seed=2), 9))
    compiled, _ = both("branch_of_other_sizes")
    with pytest.raises(ValueError, match="broadcast"):
        compiled(U, uniform(9, 6), 1)


def test_columns_of_results_and_arguments():
    a = uniform(6, 5)
    compiled, reference = both("column_by_column")
    np.testing.assert_allclose(compiled(a, 3), reference(a, 3))
    _, back = cr.vjp(lambda x: compiled(x, 3), a)
    _, other = cr.vjp(lambda x: reference(x, 3), a)
    for found, expected in zip(back(a), other(a), strict=True):
        np.testing.assert_allclose(found, expected)
    compiled, reference = both("argument_returned")
    found, total = compiled(a, 3)
    np.testing.assert_array_equal(found, a)
    assert total == pytest.approx(reference(a, 3)[1])
    assert_same("argument_changed", (a, 3))


def test_arrays_that_are_used_by_rows_stay_as_they_are():
    def f(x):
        w = x[1:-1].T[::-1, ::2]
        w *= 2.0
        return np.repeat(w, 2), np.kron(w, w)

    x = uniform(5, 6)
    compiled, reference = (cr.compile(f, backend=b) for b in ("numba", "numpy"))
    (y, back), (_, other) = cr.vjp(compiled, x), cr.vjp(reference, x)
    np.testing.assert_allclose(back(y)[0], other(y)[0])
