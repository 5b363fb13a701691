"""What meets a traced value: odd numbers, subclasses of arrays, copies that are none."""

from collections import OrderedDict
from fractions import Fraction

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError

X = np.array([0.5, 2.0, -1.0])
ONES = np.ones(3)


def in_both_modes(f, x):
    """The value of ``f``, a sum, and its gradient; both modes have to agree."""
    value, g = cr.value_and_grad(f)(x)
    dots = [cr.jvp(f, (x,), (e.reshape(x.shape),))[1] for e in np.eye(x.size)]
    np.testing.assert_allclose(np.reshape(dots, x.shape), g, atol=1e-14)
    return value, g


# -- astype ----------------------------------------------------------------------------------------

CASTS = {
    "copy=False": (lambda x: x.astype(float, copy=False), True),
    "np.astype, copy=False": (lambda x: np.astype(x, float, copy=False), True),
    "by name": (lambda x: x.astype("float64", copy=False), True),
    "default": (lambda x: x.astype(float), False),
    "copy=True": (lambda x: x.astype(float, copy=True), False),
    "another dtype": (lambda x: x.astype(np.complex128, copy=False), False),
}


@pytest.mark.parametrize("name", CASTS)
def test_astype_shares_memory_as_numpys_does(name):
    cast, shares = CASTS[name]

    def f(x):
        x = x * 1
        y = cast(x)
        y[0] = 7.0
        x[1] *= 3
        return np.sum(x * x) + np.real(np.sum(y * x))

    x = np.array(X)
    assert np.shares_memory(cast(x), x) == shares
    value, g = in_both_modes(f, X)
    assert value == pytest.approx(f(X))
    if shares:  # 2 x^2, with x[0] = 7 and x[1] three times itself
        np.testing.assert_allclose(g, 4 * X * [0, 9, 1])
    else:  # y[0] = 7 and y[1] is still x[1]
        np.testing.assert_allclose(g, [2 * X[0] + 7, 18 * X[1] + 6 * X[1], 4 * X[2]])


def test_astype_without_a_copy_is_the_array_itself():
    seen = []

    def f(x):
        y = x * 1
        seen.append(y.astype(float, copy=False) is y)
        seen.append(y.astype(float) is y)
        return np.sum(y)

    cr.grad(f)(X)
    cr.jvp(f, (X,), (X,))
    assert seen == [True, False] * 2


# -- parts of numbers ------------------------------------------------------------------------------


def test_a_real_array_has_no_imaginary_part_to_set():
    def f(x):
        with pytest.raises(TypeError, match="imaginary"):
            x.imag = 3.0
        x.real = 2 * x
        return np.sum(x * x)

    _, g = in_both_modes(f, X)
    np.testing.assert_allclose(g, 8 * X)


# -- numbers that are zero -------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of dividing by zero
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_division_by_a_zero_of_python_is_numpys(zero, dtype):
    for x in (np.array([1.0, 2.0], dtype), dtype(3.0)):
        y, pullback = cr.vjp(lambda x: x / zero, x)
        y_dot = cr.jvp(lambda x: x / zero, (x,), (np.ones_like(x),))[1]
        np.testing.assert_array_equal(y, x / zero)
        for found in (pullback(np.ones_like(y))[0], y_dot):
            assert found.dtype == dtype
            np.testing.assert_array_equal(found.real, 1 / np.float64(zero))
        second = cr.grad(lambda x: np.sum(np.real(cr.grad(lambda x: np.sum((x / zero).real))(x))))
        np.testing.assert_array_equal(second(x), 0 * x)


# -- numbers and subclasses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.sum(x * Fraction(1, 2)), 0.5 * ONES),
        (lambda x: np.sum(Fraction(1, 2) * x), 0.5 * ONES),
        (lambda x: np.sum(x / Fraction(1, 2)), 2 * ONES),
        (lambda x: np.sum((x + Fraction(1, 2)) ** 2), 2 * X + 1),
    ],
)
def test_a_fraction_works_or_is_refused(f, expected):
    try:
        found = in_both_modes(f, X)[1]
    except ChainruleError as error:
        assert "Fraction" in str(error) or "object" in str(error)
        return
    np.testing.assert_allclose(found, expected)
    assert np.asarray(found).dtype == float


def test_a_fraction_and_a_number():
    try:
        g = cr.grad(lambda x: x * Fraction(1, 2) * x)(3.0)
    except ChainruleError as error:
        assert "Fraction" in str(error) or "object" in str(error)
        return
    assert g == 3


M = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
SQUARE = np.array([[1.0, 2.0], [3.0, 4.0]])
with_matrix = pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")


@pytest.mark.parametrize("mode", ["grad", "jvp"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x * M),
        lambda x: np.sum(x + M),
        lambda x: np.sum(np.where(M > 1, x, 0.0) * M),
        lambda x: np.dot(x, M),
    ],
)
def test_masked_arrays_are_refused(f, mode):
    with pytest.raises(ChainruleError, match=r"[Mm]ask"):
        cr.grad(f)(X) if mode == "grad" else cr.jvp(f, (X,), (X,))


def test_a_masked_array_on_the_left_is_refused():
    """Its own operator takes over, and asks for a plain array."""
    for f in (lambda x: np.sum(M * x), lambda x: np.sum(M - x)):
        with pytest.raises(ChainruleError):
            cr.grad(f)(X)
        with pytest.raises(ChainruleError):
            cr.jvp(f, (X,), (X,))


@with_matrix
@pytest.mark.parametrize("mode", ["grad", "jvp"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, m: np.sum(x * m),
        lambda x, m: np.sum(m * x),
        lambda x, m: np.sum(x @ m),
        lambda x, m: np.sum(m @ x),
        lambda x, m: np.sum(x - m),
    ],
)
def test_matrices_are_refused(f, mode):
    m = np.matrix(SQUARE)
    with pytest.raises(ChainruleError, match="matrix"):
        cr.grad(f)(SQUARE, m) if mode == "grad" else cr.jvp(f, (SQUARE, m), (SQUARE, None))


def test_subclasses_that_change_no_meaning_are_fine(tmp_path):
    """A memory map is an array whose numbers happen to be in a file."""
    c = np.memmap(tmp_path / "c", dtype=float, mode="w+", shape=(3,))
    c[:] = [1.0, 2.0, 3.0]
    value, g = in_both_modes(lambda x: np.sum(x * c), X)
    assert value == pytest.approx(np.sum(X * c))
    np.testing.assert_allclose(g, [1, 2, 3])


# -- calls with rare forms -------------------------------------------------------------------------


def test_where_with_one_argument_is_nonzero():
    y = np.array([[0.0, 2.0], [3.0, 0.0]])
    seen = []

    def f(x):
        found = np.where(x)
        seen.append((found, np.nonzero(x), np.where(x > 2)))
        return np.sum(x[found] ** 2)

    value, g = in_both_modes(f, y)
    assert value == 13
    np.testing.assert_allclose(g, 2 * y)
    for one, two, three in seen:
        for a, b, c in zip(one, two, np.nonzero(y), strict=True):
            np.testing.assert_array_equal(a, c)
            np.testing.assert_array_equal(b, c)
        assert [a.tolist() for a in three] == [[1], [0]]


def test_a_shape_given_as_an_array():
    def f(x):
        x = x * 1
        shape = np.array([2, 2])
        y = np.reshape(x, shape)
        v = y[0]
        v *= 2
        y[0] = v
        w = np.reshape(x, np.array([2, 2]))[0]
        w += 1
        y[0] = w
        y[1, 0] *= y[0, 0]
        return np.sum(x**2)

    x = np.arange(1.0, 5.0)
    value, g = in_both_modes(f, x)
    assert value == pytest.approx(f(x.copy()))
    a, b, c, d = x  # (2a + 1)^2 (1 + c^2) + (2b + 1)^2 + d^2
    expected = [4 * (2 * a + 1) * (1 + c * c), 4 * (2 * b + 1), 2 * c * (2 * a + 1) ** 2, 2 * d]
    np.testing.assert_allclose(g, expected)


def test_a_shape_given_as_an_array_and_stored_into_at_once():
    def f(x):
        y = np.reshape(x, np.array([2, 2]))
        z = np.reshape(x, np.array([2, 2]))
        y[0] = y[0] * 2
        y[0] += 1
        x[:2] = y[0]
        z[0:1] = y[0:1]
        z[...] = y
        return np.sum(x**2)

    x = np.arange(1.0, 5.0)
    value, g = in_both_modes(f, x)
    assert value == f(x.copy())
    np.testing.assert_allclose(g, [4 * (2 * 1 + 1), 4 * (2 * 2 + 1), 6, 8])


# -- leaves that are no numbers --------------------------------------------------------------------


@pytest.mark.parametrize("of", [cr.hessian, cr.jacrev, cr.jacfwd, cr.jacobian])
@pytest.mark.parametrize(
    "extra", [{"mode": None}, {"mode": "fast"}, {"flag": True}, {"deep": [None, ("a", None)]}]
)
def test_jacobians_of_a_container_with_other_leaves(of, extra):
    """There is no derivative by None or by a string, and none of it: None, as in a gradient."""

    def f(p):
        return np.sum(p["w"] ** 2 * p["b"]) if of is cr.hessian else p["w"] ** 2 * p["b"]

    full = OrderedDict(w=X, **extra, b=3.0)
    found, expected = of(f)(full), of(f)(OrderedDict(w=X, b=3.0))
    assert list(found) == list(full)
    for key in ("w", "b"):
        if of is cr.hessian:
            np.testing.assert_allclose(found[key]["w"], expected[key]["w"])
            np.testing.assert_allclose(found[key]["b"], expected[key]["b"])
            assert leaves(found[key][next(iter(extra))]) == {None}
        else:
            np.testing.assert_allclose(found[key], expected[key])
    assert leaves(found[next(iter(extra))]) == {None}


def leaves(tree):
    """The set of what is in nested containers, each array as 'a number'."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        return {leaf for item in tree for leaf in leaves(item)}
    return {tree if tree is None or isinstance(tree, str) else "a number"}
