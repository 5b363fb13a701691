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
