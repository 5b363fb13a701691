"""In-place operators, views and stores: NumPy's own meaning, in every mode to second order."""

import numpy as np
import pytest

import chainrule as cr
from derivatives import check, inner
from tape import store_programs, view_programs
from tape.store_programs import (
    add_at_accumulates,
    duplicate_index_last_write_wins,
    loop_of_stores_and_whole_reads,
    mask,
    out_with_where,
    overlapping_add,
    recurrence,
    stencil,
    stored_into_then_copied,
)
from tape.view_programs import store_through_a_view, view_then_store_into_the_base

X = np.array([0.7, -1.3, 0.4, 1.9])
W = np.array([1.1, 0.6, -0.8, 0.3])
M = np.array([[0.5, -1.2, 0.9], [1.4, 0.3, -0.7]])

PROGRAMS = [*view_programs.PROGRAMS, *store_programs.PROGRAMS]


@pytest.mark.parametrize(("f", "args"), PROGRAMS)
def test_value_and_derivatives(f, args):
    check(f, *args)


@pytest.mark.parametrize(
    "f",
    [store_through_a_view, overlapping_add, mask, recurrence, out_with_where, stencil],
    ids=lambda f: f.__name__,
)
def test_float32_stays_float32(f):
    args = (X, W)[: f.__code__.co_argcount]
    check(f, *(a.astype(np.float32) for a in args))


@pytest.mark.parametrize(
    "f",
    [
        store_through_a_view,
        view_then_store_into_the_base,
        overlapping_add,
        duplicate_index_last_write_wins,
        add_at_accumulates,
        loop_of_stores_and_whole_reads,
        stored_into_then_copied,
    ],
    ids=lambda f: f.__name__,
)
def test_complex(f):
    z = X * (1 - 0.5j) + 0.3j
    args = (z, W[:3] + 0.2j)[: f.__code__.co_argcount]
    check(f, *args)


@pytest.mark.parametrize("layout", ["strided", "reversed", "fortran", "read-only"])
def test_layouts_of_the_argument(layout):
    base = np.linspace(-1, 1.3, 24).reshape(4, 6)
    x = {
        "strided": base[::2, ::2],
        "reversed": base[:2, 2::-1],
        "fortran": np.asfortranarray(base[:2, :3]),
        "read-only": base[:2, :3].copy(),
    }[layout]
    x.flags.writeable = layout != "read-only"

    def f(m):
        flat = m.reshape(-1)
        flat[1] = m[1, 0] ** 2
        m[0] *= m[1]
        m.T[2] += m[0, 0]
        return np.concatenate([m.ravel() * 2, flat]) ** 2

    def on_a_copy_of_this_layout(m):  # a plain array of the differences has another layout
        return f(m) if cr_traced(m) else f(relayout(m))

    def relayout(m):
        if layout == "fortran":
            return np.array(m, order="F")
        big = np.array(base) if layout != "read-only" else np.zeros((2, 3))
        view = {"strided": big[::2, ::2], "reversed": big[:2, 2::-1], "read-only": big}[layout]
        view[...] = m
        return view

    expected = on_a_copy_of_this_layout(x)
    value, pullback = cr.vjp(f, x)
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    t = np.cos(base[:2, :3])
    forward_value, y_dot = cr.jvp(f, (x,), (t,))
    np.testing.assert_allclose(forward_value, expected, rtol=1e-14)
    h = 1e-6
    numeric = (on_a_copy_of_this_layout(x + h * t) - on_a_copy_of_this_layout(x - h * t)) / (2 * h)
    np.testing.assert_allclose(y_dot, numeric, rtol=1e-7, atol=1e-8)
    ct = np.sin(np.arange(value.size))
    assert inner([ct], [y_dot]) == pytest.approx(inner(pullback(ct), [t]), rel=1e-12)


def cr_traced(x):
    return not isinstance(x, np.ndarray)


# -- derivatives inside derivatives ----------------------------------------------------------------


def two_levels_forward_inside(x):
    def inner_function(t):
        b = np.zeros_like(t, shape=3)
        v = b[:1]
        v[...] = t * x[0]  # an outer value, through a view
        b[1:] = t**2 * x[1:3]
        return b * b

    value, tangent = cr.jvp(inner_function, (x[3] * 1.5,), (x[0] * 1.0,))
    return value * tangent


def two_levels_reverse_inside(x):
    def inner_function(t):
        b = np.zeros_like(t, shape=3)
        v = b[:1]
        v[...] = t * x[0]
        b[1:] = t**2 * x[1:3]
        v *= x[2]
        return np.sum(b * b)

    value, g = cr.value_and_grad(inner_function)(x[3] * 1.5)
    return value * g


def outer_value_stored_into_plain_inner_zeros(x):
    def inner_function(t):
        b = np.zeros_like(t, shape=4)
        w = b.reshape(2, 2)
        w[0, 1] = x[1]  # of the outer derivative only
        b[2:] = x[:2] * 3
        b[0] = t
        return np.sum(b**3 * t)

    return cr.grad(inner_function)(2.0) * x


def outer_value_through_view_forward(x):
    def inner_function(t):
        b = np.zeros_like(t, shape=4)
        w = b.reshape(2, 2)
        w[0, 1] = x[1]
        b[2:] = x[:2] * 3
        b[0] = t
        return b**3 * t

    return cr.jvp(inner_function, (2.0,), (1.0,))[1] * x


@pytest.mark.parametrize(
    "f",
    [
        two_levels_forward_inside,
        two_levels_reverse_inside,
        outer_value_stored_into_plain_inner_zeros,
        outer_value_through_view_forward,
    ],
    ids=lambda f: f.__name__,
)
def test_outer_values_stored_inside(f):
    check(f, X)


def test_in_place_on_a_captured_outer_value_is_seen_by_the_outer_derivative():
    def f(x):
        y = x * x

        def g(t):
            return np.sum(y) * t**2

        y[0] = x[1] ** 3
        return cr.grad(g)(3.0)

    check(f, X)


# -- what NumPy refuses is refused -----------------------------------------------------------------


def put(a, index, value):
    a[index] = value


def add(a, value):
    a += value


@pytest.mark.parametrize("transform", ["forward", "reverse"])
@pytest.mark.parametrize(
    ("store", "error"),
    [
        (lambda a: put(a, 7, 1.0), IndexError),
        (lambda a: put(a, slice(None), np.ones(3)), ValueError),
        (lambda a: put(a, 0, np.ones(2)), ValueError),
        (lambda a: add(a, np.ones((2, 4))), ValueError),
        (lambda a: add(a, 1j), TypeError),
        (lambda a: put(a[0], 0, 1.0), TypeError),
        (lambda a: put(np.diagonal(a.reshape(2, 2)), 0, 1.0), ValueError),
        (lambda a: put(np.broadcast_to(a, (2, 4)), 0, 1.0), ValueError),
    ],
)
def test_a_store_that_numpy_refuses(transform, store, error):
    with pytest.raises(error):
        store(X * 2)

    def f(x):
        a = x * 2
        with pytest.raises(error):
            store(a)
        return np.sum(a * x)  # and the array is as it was

    if transform == "forward":
        assert cr.jvp(f, (X,), (np.ones(4),))[1] == pytest.approx(np.sum(4 * X))
    else:
        np.testing.assert_allclose(cr.grad(f)(X), 4 * X)


def test_a_fortran_ordered_argument_keeps_its_layout_in_every_mix():
    m = np.asfortranarray(M)
    t = np.ascontiguousarray(np.cos(M))

    def f(m):
        flat = m.reshape(-1)  # a copy in this layout: the store must not reach m
        flat[0] = 5.0 * m[0, 1]
        return np.concatenate([m.ravel(), flat]) ** 3

    def tangent(m):
        return cr.jvp(f, (m,), (t,))[1]

    h = 1e-5
    expected = (f(np.asfortranarray(m + h * t)) - f(np.asfortranarray(m - h * t))) / (2 * h)
    np.testing.assert_allclose(tangent(m), expected, rtol=1e-6)
    ct = np.sin(np.arange(12.0))
    gradient = cr.vjp(f, m)[1](ct)[0]
    assert inner([gradient], [t]) == pytest.approx(ct @ expected, rel=1e-7)
    hessian_t = cr.jvp(lambda m: cr.vjp(f, m)[1](ct)[0], (m,), (t,))[1]
    np.testing.assert_allclose(cr.vjp(tangent, m)[1](ct)[0], hessian_t, rtol=1e-12)


def test_the_callers_array_never_changes():
    x = X.copy()

    def f(x):
        x *= 2
        x[0] = 5.0
        x.sort()
        x.reshape(2, 2)[0] += x[2:]
        return np.sum(x * x)

    for run in (cr.grad(f), cr.hessian(f), lambda x: cr.jvp(f, (x,), (x,)), lambda x: cr.vjp(f, x)):
        run(x)
        assert x.tobytes() == X.tobytes()


def test_results_do_not_change_when_the_caller_changes_them():
    y, pullback = cr.vjp(lambda x: x, X.copy())
    first = pullback(np.ones(4))[0]
    y[:] = 100
    first[:] = 100
    np.testing.assert_array_equal(pullback(np.ones(4))[0], np.ones(4))


def test_store_loop_is_linear():
    def steps(n):
        calls = 0

        def f(x):
            nonlocal calls
            out = np.zeros_like(x, shape=n)
            for i in range(n):
                out[i] = x[i % 4] * 2
                calls += 1
            return np.sum(out)

        return f

    n = 20_000  # a copy of the array per store would be 3.2 GB of traffic each way
    np.testing.assert_allclose(cr.grad(steps(n))(X), np.full(4, n / 2))


@pytest.mark.parametrize("index", [1, slice(1, 3), [0, 2]], ids=str)
def test_a_store_through_flat_is_right_or_loud(index):
    def f(x):
        a = (x * 1.0).reshape(2, 2)
        a.T.flat[index] = 50.0
        return a * a

    try:
        value = cr.vjp(f, X)[0]
    except (cr.errors.ChainruleError, TypeError):
        return
    np.testing.assert_array_equal(value, f(X))
