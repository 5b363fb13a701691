"""Sizes that are called equal are equal: by the text that follows from it, and by the numbers."""

import numpy as np
import pytest

import chainrule as cr
from source.oracles import Compiled, along, assert_close, vector

A, B = np.linspace(0.3, 1.4, 6), np.linspace(-1.0, 0.8, 6)
M = np.linspace(-1.0, 1.0, 36).reshape(6, 6) + 3 * np.eye(6)


def adjoint_of(f, args, wrt):
    """The text of the adjoint, which gives the right numbers."""
    engine = Compiled(f, args, wrt)
    y, cts = engine.pull(args, 1.0)
    assert_close(y, f(*args), "value", 1e-13)
    for k in range(vector(cts).size):
        t = np.eye(vector(cts).size)[k]
        assert_close(vector(cts) @ t, along(f, args, wrt, t, 2.0**-9), "cotangent")
    return engine.texts(1.0)["adjoint"].text


# ------------------------------------------------------------------- nothing to sum at run time


def dot_of_slices(a):
    a = a.copy()
    for i in range(len(a)):
        for j in range(i):
            a[i, j] -= a[i, :j] @ a[:j, j]
    return np.sum(a)


def rows_below(a):
    a = a.copy()
    for k in range(len(a) - 1):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return np.sum(a * a)


def windows(a, b):
    total = 0.0
    for i in range(len(a) - 2):
        w = a[i : i + 3] * b[0]
        total += np.sum(w * a[i : i + 3] ** 2)
    return total


def integer_of_a_size(a, b):
    half = len(a) // 2
    total = 0.0
    for k in range(half):
        total += np.sum(a[: half - k] * b[: half - k])
    return total


def size_given(a, n):
    u, v = np.zeros((n, n)), np.zeros((n, n))
    u[1 : n - 1, 1 : n - 1] = a[0]
    v[1 : n - 1, 1 : n - 1] = u[1 : n - 1, 1 : n - 1] * a[1] + u[2:n, 1 : n - 1]
    return np.sum(v * u)


def updated_in_a_loop(a, b):
    x = a
    for k in range(3):
        g = np.zeros(6)
        g[0] = b[k] * x[1]
        x = x - 0.1 * g * x
    return np.sum(x * x)


def product_with_rows(a, b):
    total = 0.0
    for i in range(1, len(a)):
        total += a[:i, 0] @ b[:i]
    return total


CLEAR = [
    (dot_of_slices, (M,), (0,)),
    (rows_below, (M,), (0,)),
    (windows, (A, B), (0, 1)),
    (integer_of_a_size, (A, B), (0, 1)),
    (size_given, (A, 6), (0,)),
    (updated_in_a_loop, (A, B), (0, 1)),
    (product_with_rows, (M, B), (0, 1)),
]


@pytest.mark.parametrize(("f", "args", "wrt"), CLEAR, ids=[f.__name__ for f, _, _ in CLEAR])
def test_equal_slices_are_known_to_be_equal(f, args, wrt):
    assert "unbroadcast" not in adjoint_of(f, args, wrt)


def deep_sum(a, b):
    return np.sum((a[2:5] + b * b) * a[0] + b)


def test_a_value_is_not_computed_again_for_its_shape():
    text = adjoint_of(deep_sum, (A, B[:1].repeat(3)), (0, 1))
    assert "unbroadcast(" in text  # a[2:5] may have one element
    assert text.count("a[2:5] + b * b") == 2  # for the cotangent of a[0], and for the value


# ---------------------------------------------------------- what changes keeps no symbol: size 1


def slice_of_the_iteration_before(a, b):
    t, total = a[:1], 0.0
    for j in range(1, 3):
        total += np.sum(t * b[:j])
        t = a[:j] * b[0]
    return total


def number_that_becomes_a_slice(a, b):
    t, total = 0.5, 0.0
    for j in range(1, 3):
        total += np.sum(t * b[:j])
        t = a[:j] * b[0]
    return total


def integer_that_shrinks(a, b, m):
    t, total = a[:m], 0.0
    while m >= 1:
        total += np.sum(t * b[:m])
        m = m // 4
        t = t * b[1]
    return total


def integer_assigned_twice(a, b, p, q):
    total = 0.0
    for k in range(2):
        m = p + 0 * k
        u = a[:m]
        m = q + 0 * k
        total += np.sum(u * b[:m] * a[k])
    return total


def integer_read_twice(a, b, ends):
    total = 0.0
    for k in range(2):
        m = ends[k]
        u = a[:m]
        m = ends[k + 1]
        total += np.sum(u * b[:m] * a[k])
    return total


def one_element_of_a_slice(a, b):
    return np.sum(a * b[5:]) + np.sum(np.sin(a[1:] * b[5:]))


def integer_from_an_array(a, b, ends):
    total = 0.0
    t = a[:1]
    for k in range(2):
        end = ends[k]
        total += np.sum(t * b[:end])
        t = a[:end]
    return total


def bound_in_one_iteration(a, b):
    total = 0.0
    for j in range(3):
        if j == 1:
            t = a[:j]
        elif j == 0:
            t = b[:3]
        total += np.sum(t * b[: j + 1]) if j else 0.0
    return total


def last_of_an_inner_loop(a, b):
    total = 0.0
    t = a[:1]
    for k in range(1, 3):
        for j in range(k, k + 1):
            u = b[:j] * t
        total += np.sum(u * t)
        t = a[:k]
    return total


def kept_in_a_list(a, b):
    kept = [a[:1], a[:1]]
    total = 0.0
    for j in range(1, 3):
        total += np.sum(kept[0] * b[:j])
        kept[0] = a[:j]
    return total + np.sum(kept[0] * kept[1])


def from_the_end(a, b, k):
    return np.sum(a[:k] * b[:k]) + np.sum(a[k:] * b[0]) + np.sum(a[k : k + 2]) * b[1]


def of_two_given_sizes(a, p, q):
    u, v = np.zeros(p), np.zeros(q)
    u[:] = a[0]
    v[:] = a[1]
    return np.sum(u * v + np.concatenate([u, v])[:p])


def stored_where_it_is_stretched(a, b, p):
    c = np.zeros(4)
    for i in range(2):
        c[i : i + 2] += a[i : i + p] * b[0]
    return np.sum(c * b[:4])


CHANGING = [
    (slice_of_the_iteration_before, (A, B), (0, 1)),
    (number_that_becomes_a_slice, (A, B), (0, 1)),
    (integer_that_shrinks, (A, B, 4), (0, 1)),
    (integer_assigned_twice, (A, B, 3, 1), (0, 1)),
    (integer_assigned_twice, (A, B, 1, 3), (0, 1)),
    (integer_read_twice, (A, B, np.array([3, 1, 2])), (0, 1)),
    (one_element_of_a_slice, (A, B), (0, 1)),
    (integer_from_an_array, (A, B, np.array([1, 2])), (0, 1)),
    (bound_in_one_iteration, (A, B), (0, 1)),
    (last_of_an_inner_loop, (A, B), (0, 1)),
    (kept_in_a_list, (A, B), (0, 1)),
    (from_the_end, (A, B, -1), (0, 1)),
    (from_the_end, (A, B, 2), (0, 1)),
    (of_two_given_sizes, (A, 3, 1), (0,)),
    (of_two_given_sizes, (A, 1, 1), (0,)),
    (stored_where_it_is_stretched, (A, B, 1), (0, 1)),
    (stored_where_it_is_stretched, (A, B, 2), (0, 1)),
]


@pytest.mark.parametrize(
    ("f", "args", "wrt"), CHANGING, ids=[f"{f.__name__}-{a[2:]}" for f, a, _ in CHANGING]
)
def test_an_axis_that_happens_to_have_size_1_is_summed(f, args, wrt):
    adjoint_of(f, args, wrt)


# ---------------------------------------------------------------------- places that may not exist


def selected_first(x):
    return len(x[x > 5][:1]) * np.sum(x * x)


def place_behind_the_end(x):
    return np.sum(x[2:3] * 3.0 + x[:1] ** 2) + x[2:][:1].shape[0] * np.sum(x)


def last_selected(x):
    m = x[x > 0.5]
    return np.sum(m[-1:] * x) + np.prod(m) + (np.max(m) if len(m) else np.sum(x))


def squeezed(x):
    return np.sum(np.squeeze(x[2:3]) ** 2) + x[:1].shape[0]


def trimmed(x):
    return np.sum(np.trim_zeros(x * (x > 0.5)) ** 2)


def product_of_columns(x):
    a = x.reshape(len(x) // 3, 3)
    return np.sum(np.prod(a, axis=0)) + np.prod(a) + np.sum(a.cumprod(axis=0))


def row_times_row(x):
    return np.sum(x[:1] * x[1:2] * x[-1:] + x[-2:-1])


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 6])
@pytest.mark.parametrize(
    "f",
    [selected_first, place_behind_the_end, last_selected, squeezed, trimmed, row_times_row],
)
def test_places_that_may_not_exist(f, n, backend):
    x = np.linspace(0.13, 0.94, n)
    program = cr.compile(f, backend=backend)
    assert_close(program(x), f(x), "value", 1e-13)
    found = cr.grad(program)(x)
    assert found.shape == x.shape
    expected = [along(f, [x], [0], t, 2.0**-12)[0] for t in np.eye(n)]
    assert_close(found, np.reshape(expected, n), "gradient")


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("n", [0, 3, 6])
def test_products_over_no_rows(n, backend):
    x = np.linspace(0.13, 0.94, n)
    program = cr.compile(product_of_columns, backend=backend)
    assert program(x) == product_of_columns(x)
    assert cr.grad(program)(x).shape == x.shape


def squeezed_column(x):
    return np.sum(np.squeeze(x.reshape(2, -1)[:, :1]) * x[:2]) + np.sum(np.squeeze(np.repeat(x, 2)))


def test_squeeze_asks_for_the_shapes_that_an_array_comes_from():
    adjoint_of(squeezed_column, (A,), (0,))


def test_squeeze_of_a_selection_is_refused():
    with pytest.raises(cr.errors.UnsupportedError, match=r"name them: np.squeeze\(x, axis="):
        cr.compile(lambda x: np.sum(np.squeeze(x[x > 0.5]) ** 2))(A)


def another_shape_in_each_iteration(x):
    y = x.reshape(2, -1) * 1.0
    for _ in range(2):
        y = x.reshape(2, 3, -1).max(1)
    return np.sum(y * y)


def another_shape_in_some_iterations(x):
    y = x.reshape(2, -1) * 2.0
    k = 0
    while k < 3:
        k += 1
        if x[0] * k > 0.5:
            y = np.cumsum(y, axis=1)[:, :-1]
    return np.sum(y * y)


@pytest.mark.parametrize("f", [another_shape_in_each_iteration, another_shape_in_some_iterations])
def test_a_name_gets_arrays_of_other_shapes_in_a_loop(f):
    adjoint_of(f, (A,), (0,))
    assert_close(cr.grad(cr.compile(f))(A), cr.grad(f)(A), "machine code", 1e-13)


def test_a_dtype_that_is_given_is_not_left_out():
    """``np.dtype(float) == None`` is true."""

    def filled(x):
        return np.full_like(x, 2) * 0.5, np.full(2, 3, dtype=x.dtype), np.full_like(x, len(x))

    for found, wanted in zip(cr.compile(filled)(A), filled(A), strict=True):
        assert found.dtype == wanted.dtype == float
        assert np.array_equal(found, wanted)


def doubled_squares(u, k):
    y = np.zeros(len(u))
    for n in range(len(u)):
        y[n] += u[n] * 2
    return np.sum(y**2) + np.sum(k)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("sizes", [(0, 3, 0, 1, 4), (3, 0, 2), (1, 0, 1)])
def test_calls_after_one_with_no_places_are_served_by_other_programs(sizes, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    program = cr.compile(doubled_squares, backend=backend)
    for n in sizes:
        u, k = np.arange(n) + 1.0, np.ones(2)
        assert program(u, k) == doubled_squares(u, k)
        assert cr.jvp(program, (u, k), (u, k))[1] == 8 * u @ u + 2
        for gradient in (cr.grad(program)(u, k), cr.vjp(program, u, k)[1](1.0)[0]):
            np.testing.assert_array_equal(gradient, 8 * u)


def arrays_of_a_number_that_grows(u, n):
    m, s = 1, 0.0
    for _ in range(n):
        a = np.zeros(m) + u[0]
        m = m + 2
        b = np.zeros(m) + u[1]
        s += np.sum(a * b)
    return s


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_arrays_of_a_number_that_was_bound_again_have_another_size(backend):
    if backend == "numba":
        pytest.importorskip("numba")
    u, n, f = np.linspace(0.3, 1.4, 6), 1, arrays_of_a_number_that_grows
    program = cr.compile(f, backend=backend)
    assert_close(program(u, n), f(u, n), "value", 1e-13)
    wanted = [(f(u + h, n) - f(u - h, n)) / 2e-6 for h in 1e-6 * np.eye(6)]
    np.testing.assert_allclose(cr.grad(program)(u, n), wanted, rtol=1e-7, atol=1e-8)
