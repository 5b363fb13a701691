"""A plain array that a derivative needs, changed after it was captured: an error."""

import inspect

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, MutationError
from derivatives import along

X = np.array([0.7, -1.3, 0.4, 1.9])


def error_line(f, marker="# HERE"):
    """The file and line of the marked line of ``f``."""
    lines, start = inspect.getsourcelines(f)
    offset = next(i for i, line in enumerate(lines) if marker in line)
    return f"{__file__}:{start + offset}"


SMALL, LARGE = 6, 4096


def change_one_element(c, base):
    c[c.size // 2] += 1e-9


def change_by_base(c, base):
    base[1] = 77.0


def change_by_view(c, base):
    c[:2][1] = 77.0


def change_by_sort(c, base):
    c.sort()


def change_by_swap(c, base):
    c[0], c[1] = c[1], c[0]


def change_by_far_swap(c, base):
    c[0], c[-1] = c[-1], c[0]


def change_by_reverse(c, base):
    c[:] = c[::-1].copy()


def change_by_roll(c, base):
    c[:] = np.roll(c, 1)


def change_by_shuffle(c, base):
    np.random.default_rng(0).shuffle(c)


def change_by_out(c, base):
    np.multiply(c, 2, out=c)


def change_to_nan(c, base):
    c[3] = np.nan


def change_of_sign_of_zero(c, base):
    c[2] = 0.0 if np.signbit(c[2]) else -0.0


CHANGES = [
    change_one_element,
    change_by_base,
    change_by_view,
    change_by_sort,
    change_by_swap,
    change_by_far_swap,
    change_by_reverse,
    change_by_roll,
    change_by_shuffle,
    change_by_out,
    change_to_nan,
]


def capturing(c):
    """Functions that save ``c``, each in another way, with the line that does it."""
    n = c.size
    square = np.diag(np.ones(n)) if n < 100 else None
    yield lambda x: x * c
    yield lambda x: c * np.sin(x)
    yield lambda x: np.power(x, c)
    yield lambda x: np.dot(x, c)
    yield lambda x: np.einsum("i,i->i", x, c)
    yield lambda x: np.where(c > 0, x, 1) * c
    yield lambda x: np.arctan2(x, c)
    yield lambda x: np.convolve(x[:5], c)
    yield lambda x: np.outer(x[:5], c)
    if square is not None:
        yield lambda x: x @ (square * c) * c


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_captured_array_that_changed(size, change):
    count = sum(1 for _ in capturing(np.ones(size)))
    for k in range(count):
        base = np.random.default_rng(1).uniform(1, 2, size)
        c = base[:]
        f = list(capturing(c))[k]
        y, pullback = cr.vjp(f, np.linspace(1, 2, size))
        seed = np.ones(np.shape(y))
        pullback(seed)
        change(c, base)
        with pytest.raises(MutationError) as caught:
            pullback(seed)
        assert __file__ in str(caught.value)
        assert "copy" in str(caught.value)


def test_the_error_names_the_line_that_captured():
    c = np.ones(4)

    def f(x):
        y = np.sin(x)
        y = y * c  # HERE
        return y + 1

    _, pullback = cr.vjp(f, X)
    c[0] = 2
    with pytest.raises(MutationError) as caught:
        pullback(np.ones(4))
    assert error_line(f) in str(caught.value)


def test_a_change_inside_the_function():
    c = np.ones(4)

    def f(x):
        y = x * c
        c[0] += 1
        return np.sum(y * c)

    with pytest.raises(MutationError):
        cr.grad(f)(X)


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_changed_argument(size):
    x = np.linspace(1, 2, size)
    _, pullback = cr.vjp(lambda x: np.sin(x) * x, x)
    x[size // 2] = 5
    with pytest.raises(MutationError):
        pullback(np.ones(size))


@pytest.mark.parametrize("rows", [16, 64, 128, 1000])
@pytest.mark.parametrize("columns", [2, 10, 16, 64])
def test_swapped_rows_of_one_hot_labels(rows, columns):
    """Rows with the same sum, columns with the same sum: plain sums do not tell them apart."""
    labels = np.eye(columns)[np.arange(rows) % columns]
    x = np.random.default_rng(0).uniform(1, 2, labels.shape)
    for i, j in [(0, 1), (0, rows // 2 + 1), (2, rows - 1), (1, 9), (3, 12)]:
        changed = labels.copy()
        _, pullback = cr.vjp(lambda x: np.sum(np.log(x) * changed), x)  # noqa: B023
        changed[[i, j]] = changed[[j, i]]
        if np.array_equal(changed, labels):
            continue
        with pytest.raises(MutationError):
            pullback(1.0)


def test_a_permuted_permutation_matrix():
    p = np.eye(64)
    _, pullback = cr.vjp(lambda x: np.sum(p @ x * np.arange(64.0)), np.arange(64.0))
    p[[0, 2]] = p[[2, 0]]
    with pytest.raises(MutationError):
        pullback(1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128, np.int64, np.int8, bool])
@pytest.mark.parametrize("size", [7, 3001])
def test_captured_dtypes(dtype, size):
    c = (np.arange(size) % 3).astype(dtype)
    _, pullback = cr.vjp(lambda x: np.where(c, x, 2.0) * c, np.ones(size))
    c[size - 1] = not c[size - 1]
    with pytest.raises(MutationError):
        pullback(np.ones(size) * (1 + 0j if dtype is np.complex128 else 1))


def test_an_unchanged_or_restored_array_is_fine():
    c = np.arange(4.0)
    _, pullback = cr.vjp(lambda x: x * c, X)
    c += 1
    c -= 1
    np.testing.assert_array_equal(pullback(np.ones(4))[0], c)


def test_a_mutable_list_is_copied_or_loud():
    c = [1.0, 2.0, 3.0, 4.0]
    _, pullback = cr.vjp(lambda x: x * c, X)
    c[0] = 100.0
    try:
        gradient = pullback(np.ones(4))[0]
    except ChainruleError:
        return
    np.testing.assert_array_equal(gradient, [1.0, 2.0, 3.0, 4.0])


Y = np.array([[1.0, 2.0], [3.0, 4.0]])
W = np.arange(4.0).reshape(2, 2)
LISTS = {  # a list as a parameter, what to change it to, and a call that keeps its argument too
    "take": ([0, 1], [2, 2], lambda x, p: np.take(X, p) * np.take(x.ravel(), p)),
    "take along an axis": ([1, 0], [0, 0], lambda x, p: np.take(x, p, axis=1) ** 2 * W),
    "take method": ([1, 0], [0, 0], lambda x, p: x.take(p, axis=0) ** 2 * W),
    "index": ([1, 0], [0, 0], lambda x, p: x[p] ** 2 * W),
    "index pair": ([0, 1], [1, 1], lambda x, p: x[p, [1, 0]] ** 2),
    "repeat": ([1, 2], [2, 1], lambda x, p: np.repeat(x, p, axis=0) ** 2),
    "repeat method": ([3, 0, 1, 1], [1, 1, 3, 0], lambda x, p: x.repeat(p) ** 2 * np.arange(5.0)),
    "transpose": ([1, 0], [0, 1], lambda x, p: np.transpose(x, axes=p) ** 2 * W),
    "transpose method": ([1, 0], [0, 1], lambda x, p: x.transpose(p) ** 2 * W),
    "roll": ([1, 0], [0, 1], lambda x, p: np.roll(x, p, axis=(0, 1)) ** 2 * W),
    "moveaxis": ([0], [1], lambda x, p: np.moveaxis(x, p, [1]) ** 2 * W),
    "pad": ([1, 0], [0, 1], lambda x, p: np.pad(x, p) ** 2 * np.arange(9.0).reshape(3, 3)),
    "tile": ([1, 2], [2, 1], lambda x, p: (np.tile(x, p) ** 2).ravel() * np.arange(8.0)),
    "split": ([1, 1], [2, 2], lambda x, p: np.split(x, p)[0] ** 2),
    "delete": ([0], [3], lambda x, p: np.delete(x.ravel(), p) ** 2 * np.arange(3.0)),
    "reshape": ([4, 1], [1, 4], lambda x, p: np.reshape(x, p) ** 2 * np.arange(4.0)),
    "where": ([True, False], [False, True], lambda x, p: np.where(p, x, x * x)),
    "average": ([1.0, 2.0], [2.0, 1.0], lambda x, p: np.average(x, axis=0, weights=p) ** 2),
    "dot": ([1.0, 2.0], [2.0, 1.0], lambda x, p: np.dot(x, p) * x[0]),
    "clip": ([1.5, 1.5], [5.0, 5.0], lambda x, p: np.clip(x, p, None) ** 2),
    "interp": ([0.0, 5.0], [0.0, 1.0], lambda x, p: np.interp(x, [0.0, 9.0], p) * x),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_as_a_parameter_changed_afterwards(name):
    """The gradient of the call as it was made, whatever the list holds when it is swept."""
    before, after, call = LISTS[name]

    def f(x):
        given = list(before)
        y = call(x, given)
        given[:] = after
        return np.sum(y)

    def plain(x):
        return np.sum(call(x, list(before)))

    expected = np.array([along(lambda x: [plain(x)], [Y], [e.reshape(2, 2)]) for e in np.eye(4)])
    np.testing.assert_allclose(cr.grad(f)(Y), expected.reshape(2, 2), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(cr.hessian(f)(Y), cr.hessian(plain)(Y))
    assert cr.jvp(f, (Y,), (W,))[1] == pytest.approx(np.sum(W.ravel() * expected.ravel()))


def test_a_list_that_grows_from_call_to_call():
    def f(x):
        indices, total = [], 0.0
        for k in range(3):
            indices.append(k)
            total = total + np.sum(np.take(x, indices) ** 2)
        return total

    np.testing.assert_allclose(cr.grad(f)(X[:3]), 2 * X[:3] * [3, 2, 1])


def test_stop_gradient_gives_memory_of_its_own():
    def f(x):
        y = x * 2
        s = cr.stop_gradient(y)
        s[:] = 100
        return np.sum(y * y)

    np.testing.assert_allclose(cr.grad(f)(X), 8 * X)
