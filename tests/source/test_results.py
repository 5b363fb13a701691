"""Result types are those that NumPy gives, and sizes that are called equal are equal."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from chainrule.source import sizes
from chainrule.source.results import call, result_type
from chainrule.source.samples import Sized, sample
from chainrule.source.types import FLOAT, INT, Type, type_of

F8, F4, I8, C16 = (np.dtype(t) for t in ("f8", "f4", "i8", "c16"))


def array(*symbols, dtype=F8):
    return Type("array", dtype, symbols)


A, V, W = array("n", "m"), array("n"), array("m")
SCALAR = Type("scalar", F8)

TYPES = [
    (np.add, [V, FLOAT], array("n")),
    (np.add, [array("n", dtype=F4), FLOAT], array("n", dtype=F4)),
    (np.add, [array("n", dtype=F4), SCALAR], array("n")),
    (np.multiply, [A, W], Type("array", F8, ("n", "m"))),
    (np.divide, [INT, INT], SCALAR),
    (np.sin, [FLOAT], SCALAR),
    (np.sin, [array()], SCALAR),
    (np.greater, [V, 0.0], array("n", dtype=np.dtype(bool))),
    (np.absolute, [array("n", dtype=C16)], V),
    (np.sum, [A], SCALAR),
    (np.matmul, [A, W], V),
    (np.matmul, [A, array("m", "k")], array("n", "k")),
    (np.matmul, [array("s", "n", "m"), array("m", "k")], array("s", "n", "k")),
    (np.matmul, [V, array("other")], SCALAR),
    (np.dot, [A, array("other", "k")], array("n", "k")),
    (np.dot, [V, FLOAT], V),
    (np.outer, [V, W], array("n", "m")),
    (np.reshape, [A, -1], array(("prod", ("m", "n")))),
    (np.reshape, [A, (-1, Sized("m"))], array("n", "m")),
    (np.reshape, [A, (Sized("m"), Sized("n"))], array("m", "n")),
    (np.transpose, [A], array("m", "n")),
    (np.broadcast_to, [V, (3, Sized("n"))], array(3, "n")),
    (np.concatenate, [[V, array(2)]], array(("sum", 2, (("n", 1),)))),
    (np.diff, [V], array(("max0", ("sum", -1, (("n", 1),))))),
    (np.zeros, [(Sized("n"), 3)], array("n", 3)),
    (np.zeros, [Sized("n"), np.float32], array("n", dtype=F4)),
    (np.array, [[[SCALAR, 1.0], [2, FLOAT]]], array(2, 2)),
    (np.array, [[V, V]], array(2, "n")),
    (np.argsort, [V], array("n", dtype=I8)),
    (np.linalg.inv, [array("n", "n")], array("n", "n")),
    (np.take, [A, array("k", dtype=I8), 1], array("n", "k")),
]


@pytest.mark.parametrize(("fn", "args", "expected"), TYPES)
def test_types(fn, args, expected):
    assert result_type(fn, args) == expected


def test_keywords():
    assert result_type(np.sum, [A], {"axis": 0}) == W
    assert result_type(np.sum, [A], {"axis": 1, "keepdims": True}) == array("n", 1)
    assert result_type(np.zeros, [3], {"dtype": np.complex64}).dtype == np.complex64


def test_several_results():
    found = result_type(np.linalg.eigh, [array("n", "n")])
    assert type(found).__name__ == "EighResult"
    assert tuple(found) == (V, array("n", "n"))


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        (np.nonzero, [V]),
        (np.unique, [V]),
        (np.flatnonzero, [V]),
        (np.zeros, [INT]),
        (np.linalg.solve, [array("a", "b"), array("c")]),
        (lambda x: x[x > 0.52], [V]),
    ],
)
def test_sizes_that_are_not_known_are_all_different(fn, args):
    found = [result_type(fn, args), result_type(fn, args)]
    found = [t[0] if isinstance(t, tuple) else t for t in found]
    assert not {"n", 1, 2, 3, *"abc"} & set(found[0].sizes)


@pytest.mark.parametrize("fn", [np.repeat, np.tile])
def test_a_product_of_two_integers_is_no_constant(fn):
    n, m = sizes.integer("n"), sizes.integer("m")  # of samples 1, 2 and 2, 1
    (found,) = result_type(fn, [array(n, dtype=I8), Sized(m)]).sizes
    assert not isinstance(found, int)


@pytest.mark.parametrize("widths", [INT, (INT, INT), [[INT, INT]]])
def test_a_size_that_depends_on_an_unknown_integer_is_unknown(widths):
    symbols = ["n", "m", "k"]  # of samples 7, 11, 13 and 10, 9, 8: 11 + 2 * 1 and 9 + 2 * 2 are 13
    found = result_type(np.pad, [array(*symbols), widths])
    assert not any(isinstance(n, int) or set(sizes.atoms(n)) & {*symbols} for n in found.sizes)


K, J, L = (sizes.integer(name) for name in "kjl")
TWICE, MORE = sizes.multiply(2, "n"), sizes.add("n", "m")
GUESSED = [
    (np.diff, [array(K), 2]),
    (lambda a: np.array_split(a, 3), [array(K)]),
    (lambda a: a[::2], [array(K)]),
    (np.fft.rfft, [array(MORE)]),
    (np.tril_indices, [Sized(K), -1]),
    (np.triu_indices, [Sized("n"), 0, Sized(3)]),
    (np.ix_, [array("n", dtype=I8), array(K, dtype=np.dtype(bool))]),
    (lambda a, b: np.hstack([a, b]), [array(K, J), array(K, L)]),
    *((fn, [array(*shape)]) for fn in (np.linalg.svd, np.linalg.qr, np.diag)
      for shape in (("n", K), (K, "n"), (TWICE, "m"), ("m", TWICE), (MORE, "k"), ("n", 3), (3, K))),
    *((np.convolve, [array(a), array(b), "same"]) for a, b in (("n", K), (TWICE, "m"), (3, "n"))),
]  # fmt: skip


@pytest.mark.parametrize(("fn", "args"), GUESSED)
def test_what_fits_some_numbers_by_chance_is_not_taken_for_a_size(fn, args):
    found = result_type(fn, args)
    found = found if isinstance(found, (tuple, list)) else [found]
    for numbers in itertools.product((2, 4, 7), repeat=3):
        values = dict(zip(("n", "m", "k"), numbers, strict=True))
        values |= dict(zip((K, J, L), numbers[::-1], strict=True))
        made = fn(*(sample(arg, values) for arg in args))
        for part, expected in zip(found, made if len(found) > 1 else [made], strict=True):
            for size, n in zip(part.sizes, np.shape(expected), strict=True):
                if set(sizes.atoms(size)) <= values.keys():  # else it is unknown
                    assert sizes.evaluate(size, values) == n


def test_sums_of_arrays_whose_sizes_are_computed():
    half = sizes.add(sizes.floor_divide(sizes.integer("n"), 2), 1)
    found = result_type(np.sum, [array(2, half, "m")], {"axis": 2})  # one is 2 * half * m
    assert found == array(2, half)


def test_a_call_that_numpy_refuses_is_refused():
    with pytest.raises(TypeError):
        result_type(np.add, [V, "text"])
    with pytest.raises(ValueError):
        result_type(np.concatenate, [[array(2, "n"), array("n")]])


def test_calls_of_expressions():
    from chainrule.source.ir import Dim, Lit, Seq, Var
    from chainrule.source.types import OBJECT

    x = Var(A, "x")
    shape = Seq(OBJECT, (Dim(INT, x, 1), Lit(INT, 2)))
    assert call(np.zeros, shape).type == array("m", 2)
    shifted = call(np.zeros, Lit(INT, 4))
    assert shifted.type == array(4)


# ------------------------------------------------------------------------------------- sizes


def test_slices_of_one_length_have_one_size():
    n = "n"
    same = [(1, -1), (2, None), (None, -2), (0, sizes.add(n, -2)), (1, sizes.add(n, -1))]
    assert len({sizes.slice_size(n, a, b, 1) for a, b in same}) == 1
    assert sizes.slice_size(n, 1, -1, 1) == sizes.clip(sizes.add(n, -2))
    assert sizes.slice_size(sizes.slice_size(n, 1, None, 1), None, -1, 1) == sizes.slice_size(
        n, 1, -1, 1
    )
    assert sizes.slice_size(n, None, None, -1) == n
    assert sizes.slice_size(n, -1, None, 1) == 1


@pytest.mark.parametrize("n", [4, 5, 9])
def test_the_size_of_a_slice_is_its_length(n):
    ends = [None, 0, 1, 2, -1, -2, -3]
    for start, stop, step in itertools.product(ends, ends, [1, 2, -1]):
        found = sizes.slice_size("n", start, stop, step)
        if isinstance(found, str) and found != "n":
            continue  # unknown
        if isinstance(found, tuple) and found[0] == "slice" and step < 0:
            continue
        expected = len(range(n)[start:stop:step])
        assert sizes.evaluate(found, {"n": n}) == expected, (start, stop, step, found)


def test_arithmetic():
    n, m = "n", "m"
    assert sizes.add(sizes.add(n, 3), -3) == n
    assert sizes.add(n, n, -1) == 0
    assert sizes.multiply(n, m) == sizes.multiply(m, n)
    assert sizes.divide(sizes.multiply(n, m), m) == n
    assert sizes.divide(n, m) is None
    assert sizes.evaluate(sizes.floor_divide(sizes.add(n, 1), 2), {"n": 6}) == 3
    assert sizes.is_positive(sizes.add(n, 1))
    assert sizes.is_positive(sizes.add(n, -1))  # arguments' axes of one place have no symbol
    assert not sizes.is_positive(sizes.add(n, -2))
    assert list(sizes.atoms(sizes.multiply(sizes.add(n, 1), m)))


def test_the_type_of_a_sample_is_the_type_of_the_value():
    for value in (1, 2.0, 1j, True, np.float32(1), np.zeros((2, 3)), np.zeros((), complex)):
        assert result_type(lambda x: x, [type_of(value)]) == type_of(value)
