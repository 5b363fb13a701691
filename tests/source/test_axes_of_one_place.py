"""Elements and parts of one place with other axes, and memory by columns, in arrays that change."""

import numpy as np
import pytest

import chainrule as cr
from source.oracles import along, assert_close, inner

W = np.linspace(0.3, 1.4, 4)
A = np.arange(12.0).reshape(3, 4)


def element_with_an_axis(w):
    w[1:] *= 2
    t = w[0][None][-1] + w[1:][1][None, None][0]
    return w[1][None] * 3 + w[2][None, None] * w + w[1:][0][None, ...] * t


def reshaped_element(w):
    w[1:] *= 2
    return w * w[1].reshape(1) + np.atleast_2d(w[2]) + np.expand_dims(w[3], 0)


def part_with_an_axis(w):
    w[1:] *= 2
    return w[-1:].reshape(-1, 1) * w


def part_that_is_stored_into(w):
    w[1:] *= 2
    t = w[1:2].reshape(1, 1)
    t *= 3
    return w * t


def column_that_is_stored_into(w):
    c = w.reshape(1, 4)[:, :1].reshape(1)
    c += 3.0
    return w * w


def view_of_an_element(w):
    t = w[1, ...]
    w *= 2
    return t[None] * w + t.reshape(1, 1)[0] + t[..., None]


def column_of_a_row(w):
    t = w[None]
    y = np.kron(t[:, 0], w[:2])
    for _ in range(2):
        t -= w[0]
    return y


def element_of_a_diagonal(w):
    a = w[:, None] * w
    t = np.diagonal(a)
    a *= 2
    return t[1][None] * w + np.stack([t[2][None], t[0][None]])[0] + a


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "f",
    [
        *(element_with_an_axis, reshaped_element, part_with_an_axis, part_that_is_stored_into),
        *(column_that_is_stored_into, view_of_an_element, column_of_a_row),
        element_of_a_diagonal,
    ],
)
def test_axes_of_one_place(f, backend):
    check(f, W, backend)


def rows_reshaped(a):
    a -= a[1, 2]
    return a.reshape(2, -1) ** 2, np.roll(a[::2], 1)


def rows_reshaped_and_stored_into(a):
    a += a[0]
    b = a.reshape(-1)
    b[1:] *= b[:-1]
    return a * a, b[::2]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("f", [rows_reshaped, rows_reshaped_and_stored_into])
def test_arguments_by_columns(f, backend):
    def of_a_product(a):
        return f(a * 1.0)

    check(f, A, backend)
    if f is rows_reshaped:  # the other one would store into a copy of what it reshapes
        check(f, np.asfortranarray(A), backend)
        check(of_a_product, np.asfortranarray(A), backend)


def check(f, x, backend):
    rng = np.random.default_rng(0)
    program = cr.compile(f, backend=backend)
    t = rng.uniform(-1, 1, x.shape)
    y, y_dot = cr.jvp(program, (x,), (t,))
    expected = f(x.copy("K"))
    assert_close(flat(y), flat(expected), "value", 1e-13)
    assert_close(flat(y_dot), along(f, [x], [0], t.ravel(), 2.0**-9), "tangent")
    _, pullback = cr.vjp(program, x)
    parts = expected if isinstance(expected, tuple) else (expected,)
    ct = tuple(rng.uniform(-1, 1, part.shape) for part in parts)
    (x_ct,) = pullback(ct if isinstance(expected, tuple) else ct[0])
    assert_close(inner(ct, y_dot), inner(x_ct, t), "<ct, J t> = <J^T ct, t>", 1e-12)


def flat(y):
    return np.concatenate([np.ravel(part) for part in (y if isinstance(y, tuple) else (y,))])


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("shape", [(4, 4), (2, 4), (5, 2)])
@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_values_of_a_diagonal_are_cut_or_repeated(shape, count, backend):
    def filled(x):
        a = np.ones(shape) * x[-1]
        np.fill_diagonal(a, x[:count].reshape(-1, 1) * 2)
        return a * a

    check(filled, np.linspace(0.3, 1.4, 7), backend)


def ends_with_an_element(v):
    total = v[0]
    for z in v[1:]:
        total += 0.5 * z
    return total * 2, z.reshape(-1), np.squeeze(v[1:2]), np.atleast_2d(total), z[None]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_cotangent_that_becomes_a_number_is_not_changed(backend):
    p = cr.compile(ends_with_an_element, backend=backend)
    _, pullback = cr.vjp(p, W)
    ct = (np.array(0.5), np.array([0.7]), np.array(0.3), np.array([[0.2]]), np.array([0.1]))
    before = [np.copy(part) for part in ct]
    (found,) = pullback(ct)
    np.testing.assert_allclose(found, [1.2, 0.9, 0.6, 1.4])
    assert all(map(np.array_equal, ct, before))


def ends_with_a_reshaped_element(v):
    total = v[0]
    for z in v[1:]:
        total += 0.5 * z
    return total * 2, z.reshape(-1)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_cotangent_is_not_changed_by_what_is_added_to_it(backend):
    _, pullback = cr.vjp(cr.compile(ends_with_a_reshaped_element, backend=backend), W)
    ct = (0.5, np.array([0.7]))
    (found,) = pullback(ct)
    np.testing.assert_allclose(found, [1.0, 0.5, 0.5, 1.2])
    np.testing.assert_array_equal(ct[1], [0.7])


def column_flattened(a):
    flat = a.T.ravel()
    flat *= 2.0
    return flat, a * a


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_ravel_of_one_place_by_many_is_no_view_where_it_has_gaps(backend):
    p = cr.compile(column_flattened, backend=backend)
    for a in (A[:, :1], A[::2, 1:2], A[:1, ::2]):
        try:
            found = p(a.copy(order="K") if a.flags.c_contiguous else a)
        except cr.errors.UnsupportedError as error:
            assert "view or a copy" in str(error)
            continue
        for x, y in zip(found, column_flattened(a.copy()), strict=True):
            np.testing.assert_allclose(x, y)


def few_rows(c):
    u = c.reshape(-1, 3)[:2, :2]
    return u @ u.T + np.eye(2)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_tangent_of_one_place_is_stretched_as_its_value_is(backend):
    p = cr.compile(few_rows, backend=backend)
    for c in (np.ones((1, 3, 1)), np.ones((2, 3, 1))):
        value, tangent = cr.jvp(p, (c,), (c,))
        np.testing.assert_allclose(value, few_rows(c))
        np.testing.assert_allclose(tangent, np.full((2, 2), 4.0))
