"""In-place operators, views and stores: NumPy's own meaning, in every mode to second order."""

import copy

import numpy as np
import pytest
from derivatives import check, inner

import chainrule as cr

X = np.array([0.7, -1.3, 0.4, 1.9])
W = np.array([1.1, 0.6, -0.8, 0.3])
M = np.array([[0.5, -1.2, 0.9], [1.4, 0.3, -0.7]])
S = np.array([[0.5, -1.2, 0.9], [1.4, 0.3, -0.7], [-0.2, 0.8, 1.1]])

PROGRAMS = []


def program(*args):
    """Enter a function into the table of programs, with the arrays that it is checked on."""

    def enter(f):
        PROGRAMS.append(pytest.param(f, args, id=f.__name__))
        return f

    return enter


# -- views -----------------------------------------------------------------------------------------


@program(X)
def store_through_a_view(x):
    a = x * 1.0
    v = a[:1]
    v *= 3
    return a**2


@program(X)
def view_of_the_argument(x):
    v = x[:2]
    v *= x[2:]
    return np.sin(x) * x[::-1]


@program(X)
def view_then_store_into_the_base(x):
    y = x[:2]
    x += 3
    return y**2


@program(X)
def result_then_store(x):
    y = np.tanh(x)
    y += 3
    return y * x


@program(X)
def consumer_before_a_store_keeps_its_value(x):
    a = np.exp(x)
    before = a * a
    a[1] = x[0] * x[2]
    return before * a


@program(X)
def view_before_and_after_a_store(x):
    a = x * x
    early = a[1:3]
    first = np.sin(early)
    a[2] = x[0] ** 3
    late = a[1:3]
    early[0] = x[3] ** 2
    return np.concatenate([first, early * late, a])


@program(X)
def view_of_a_view(x):
    a = x * 2
    v = a[1:]
    w = v[::-1]
    u = w[1:]
    u *= x[:2]
    v[0] += x[3] ** 2
    return a * w[0]


@program(X)
def two_views_that_overlap(x):
    a = x * x
    left, right = a[:3], a[1:]
    left *= 2
    right *= left
    left += right
    return a**2


@program(X)
def view_kept_over_many_stores(x):
    a = np.zeros_like(x)
    v = a[::2]
    for i in range(4):
        a[i] = x[i] * (v.sum() + 1)
    return a


@program(X)
def zero_dimensional_view(x):
    a = x * x
    v = a[0, ...]
    v *= x[1]
    return a * 2


@program(X[:1])
def squeezed_view(x):
    a = x * x
    v = np.squeeze(a)
    v *= 3
    return a**2


@program(M)
def row_view_by_iteration(m):
    a = m * m
    for row in a:
        row *= row[0]
    return a


@program(M)
def unpacked_rows(m):
    a = m * m
    top, bottom = a
    top += bottom**2
    bottom *= top
    return a


# -- stores through other views --------------------------------------------------------------------


@program(M)
def through_reshape(m):
    a = m * m
    a.reshape(-1)[1:4] = m[0] ** 3
    return a


@program(M)
def through_reshape_after_a_store(m):
    a = m * m
    a[0, 0] = m[1, 1]
    flat = np.reshape(a, (3, 2))
    flat *= m.T
    return a**2


@program(M)
def through_transpose(m):
    a = m * m
    a.T[0] = m[:, 1] * m[:, 2]
    b = np.transpose(a)
    b += b[1] ** 2
    return a


@program(M)
def through_transpose_after_a_store(m):
    a = m * m
    a[1] = m[0] ** 3
    b = a.T
    b[0] *= b[1]
    return a * a


@program(M)
def through_ravel(m):
    a = m * m
    np.ravel(a)[::2] = m.ravel()[1::2]
    return a**2


@program(M)
def through_ravel_that_copies(m):
    a = m * m
    flat = np.ravel(a.T)
    flat[0] = m[0, 1]
    return np.concatenate([flat, np.ravel(a)]) ** 2


@program(M)
def through_reshape_of_a_stored_transpose(m):
    a = m * m
    a[0] *= 2
    flat = a.T.reshape(-1)
    flat *= 3
    return np.concatenate([flat, a.ravel()]) ** 2


@program(S)
def through_swapaxes_moveaxis_flip(s):
    a = s * s
    np.swapaxes(a, 0, 1)[0] = s[1] ** 3
    np.moveaxis(a, 0, 1)[2] *= s[0]
    np.flip(a)[0] += s[2] ** 2
    a[::-1, ::-1][1:, 1:] *= s[1, 1]
    return a


@program(S)
def through_flip_after_a_store(s):
    a = s * s
    a[0] = s[2]
    f = np.flip(a, 0)
    f[0] *= s[1]
    e = np.expand_dims(a, 1)
    e[1, 0] += s[0] ** 2
    return a**2


@program(S)
def through_rot90_fliplr_flipud(s):
    a = s * s
    np.rot90(a)[0] *= 2
    np.fliplr(a)[1] += s[0] ** 2
    np.flipud(a)[:2] *= s[1:]
    return a


@program(X)
def through_atleast_2d(x):
    a = x * x
    row = np.atleast_2d(a)
    row *= x[::-1]
    return a


@program(X)
def through_split(x):
    a = x * x
    left, _ = np.split(a, 2)
    left *= x[2:]
    return a**2


@program(M)
def through_array_split_of_rows(m):
    a = m * m
    for part in np.array_split(a, 2, axis=1):
        part[0] += part[1] ** 2
    return a


@program(S)
def diagonal_of_a_stored_array(s):
    a = s * s
    a[1] = s[0] ** 3
    return np.diagonal(a) ** 2 + np.diag(a) * np.trace(a)


@program(S)
def diagonal_read_before_and_after_a_store(s):
    a = s * s
    d = np.diagonal(a)
    before = d * d
    a[1, 1] = s[0, 0] ** 3
    return before * d


@program(X)
def broadcast_view_of_a_stored_array(x):
    a = x * x
    wide = np.broadcast_to(a, (2, 4))
    a[1] = x[0] ** 3
    return wide * np.broadcast_to(a, (3, 1, 4)) ** 2


@program(X)
def flat_reads_and_stores(x):
    a = (x * x).reshape(2, 2)
    a[0, 1] = x[3] ** 3
    return a.flat[1] * np.array([1.0, 2.0]) * a.flat[2]


# -- in-place operators ----------------------------------------------------------------------------


@program(X, W)
def every_in_place_operator(x, w):
    a = x * 1
    a += w
    a *= x
    a -= w**2
    a /= 2 + w**2
    a **= 2
    return a


@program(S)
def in_place_matmul_and_remainder(s):
    a = s * 1
    a @= s
    a %= 10.0
    return a * a


@program(X)
def overlapping_add(x):
    x[1:] += x[:-1]
    return x**2


@program(X)
def overlapping_multiply_backwards(x):
    a = x + 2
    a[:-1] *= a[1:]
    a[::-1] -= a**2
    return a


@program(X)
def shifted_store(x):
    a = x * x
    a[1:] = a[:-1]
    a[:2] = a[2:][::-1]
    return a * x


@program(X)
def swap_by_tuple_assignment_of_scalars(x):
    a = x * x
    a[0], a[3] = a[3], a[0]
    return a * x


@program(S)
def swap_of_row_views_copies_as_numpy_does(s):
    a = s * s
    a[0], a[1] = a[1], a[0]  # views: both rows end up equal
    return a * s


@program(S)
def swap_by_fancy_index(s):
    a = s * s
    a[[0, 1]] = a[[1, 0]]
    return a * s


@program(X)
def self_assignment_is_nothing(x):
    a = x * x
    a[1:3] = a[1:3]
    v = a[:2]
    a[:2] = v
    return a


@program(X)
def bound_twice(x):
    a = b = x * x
    a *= 2
    b += a
    return a * b


@program(X)
def scalars_are_rebound(x):
    s = x[0]
    t = s
    s += x[1]
    s *= t
    return s * x


@program(X)
def accumulate_into_elements(x):
    a = np.zeros_like(x)
    for i in range(4):
        for j in range(4):
            a[i] += x[j] * x[i] if i != j else 0.0
    return a


@program(M)
def element_of_a_matrix_in_two_steps(m):
    a = m * m
    a[0][1] = m[1, 2] ** 3
    a[1][::2] *= m[0, 0]
    return a


# -- index kinds -----------------------------------------------------------------------------------


@program(X, W[:3])
def duplicate_index_last_write_wins(x, w):
    a = x * x
    a[[0, 0, 1]] = w
    return a * x


@program(X, W)
def duplicate_index_of_two_axes(x, w):
    a = np.outer(x, x)
    a[[0, 1, 0, 2], [1, 1, 1, 3]] = w**2
    return a


@program(X, W[:3])
def in_place_add_on_duplicates_adds_once(x, w):
    a = x * x
    a[[0, 0, 1]] += w
    return a * x


@program(X, W[:3])
def add_at_accumulates(x, w):
    a = x * x
    np.add.at(a, [0, 0, 1], w**2)
    np.subtract.at(a, (np.array([3, 3]),), w[0])
    return a * x


@program(X)
def mask(x):
    a = x * x
    a[x > 0] = x[x > 0] ** 3
    a[a < 1] *= x[1]
    return a


@program(M)
def mask_of_a_matrix(m):
    a = m * m
    a[m < 0] = 0
    a[m > 0.8] += np.sum(m)
    a[np.array([True, False])] *= m[1]
    return a


@program(S)
def mixed_indices(s):
    a = s * s
    a[[2, 0], 1:] = s[:2, :2]
    a[:, None, 1] += s[0, 0]
    a[..., 2] *= s[1]
    a[1, [True, False, True]] = s[2, 1]
    a[-1] += a[0, np.newaxis, :][0]
    return a


@program(X)
def empty_indices(x):
    a = x * x
    a[[]] = 5.0
    a[2:2] = x[:0]
    a[np.zeros(4, bool)] = 7.0
    return np.concatenate([a, a[[]], x[[]]])


@program(X)
def index_array_changed_afterwards(x):
    index = np.array([0, 1])
    a = x * x
    picked = x[index]
    a[index] = picked * 2
    index[:] = 3
    a[index] += 1
    return a * picked[0]


@program(X)
def numpy_integer_and_negative_indices(x):
    a = x * x
    a[np.int64(1)] = x[np.int32(-1)]
    a[-2] *= a[np.uint8(1)]
    return a


# -- functions that write --------------------------------------------------------------------------


@program(X, W)
def out(x, w):
    a = np.empty_like(x)
    np.multiply(x, w, out=a)
    np.add(a, x, a)
    np.sin(a, out=a)
    return a * w


@program(X, W)
def out_into_a_view(x, w):
    a = x * x
    np.multiply(x[:2], w[2:], out=a[1:3])
    np.exp(a[:1], out=a[3:])
    return a


@program(X, W)
def out_with_where(x, w):
    a = x * w
    np.sqrt(np.abs(w), out=a, where=x > 0)
    np.add(a, w, out=a, where=[True, False, True, False])
    return a**2


@program(M)
def out_of_reductions(m):
    a = np.zeros_like(m[0])
    np.sum(m * m, axis=0, out=a)
    b = np.zeros_like(m)
    np.cumsum(m * 0.9, axis=1, out=b)
    np.clip(b, -1, 1, out=b)
    return a * b


@program(S, W[:3])
def out_of_products(s, w):
    a = np.empty_like(s)
    np.matmul(s, s, out=a)
    b = np.empty_like(w)
    np.dot(a, w, out=b)
    return b**2


@program(X, W)
def copyto_put_place_putmask(x, w):
    a = x * x
    np.copyto(a[:2], w[:2] ** 2)
    np.copyto(a, w, where=x < 0)
    np.put(a, [0, 3, 0], w[:3])
    np.putmask(a, x > 1, w**3)
    np.place(a, x > 0.5, w[:2])
    return a * x


@program(S)
def fill_diagonal_and_put_along_axis(s):
    a = s * s
    np.fill_diagonal(a, s[0, 0] * s[1, 1])
    order = np.argsort(s, axis=1)
    np.put_along_axis(a, order[:, :1], s[:, :1] ** 3, axis=1)
    return a


@program(X)
def fill_sort_and_partition(x):
    a = x * 1
    a[:2].fill(x[3] ** 2)
    a.sort()
    b = x * x
    b[1:].sort()
    return a * b


# -- what is stored --------------------------------------------------------------------------------


@program(X)
def broadcast_values(x):
    a = np.zeros_like(x, shape=(3, 4))
    a[:] = x
    a[1] = x[0] ** 2
    a[:, 1:] *= x[1:]
    a[2, :2] = 7
    return a**2


@program(X)
def leading_ones_are_dropped(x):
    a = x * x
    a[:2] = x[None, 2:] ** 2
    return a


@program(X)
def plain_values_cut_the_path(x):
    a = x * x
    a[1] = 3.0
    a[2:] = [1.0, 2.0]
    return a * x


@program(X)
def store_of_the_array_itself(x):
    a = x * x
    a[...] = a * a
    a[:] = a[::-1]
    return a


@program(X)
def recurrence(x):
    a = np.array([[0.3, -0.4], [0.5, 0.2]])
    h = np.zeros_like(x, shape=(5, 2))
    h[0] = x[:2]
    for i in range(4):
        h[i + 1] = np.tanh(a @ h[i] + x[2:])
    return h


@program(S, X[:3])
def recurrence_with_a_traced_matrix(s, x):
    h = np.zeros((4, 3), like=x)
    h[0] = x
    for i in range(3):
        h[i + 1] = s @ h[i]
    return h


@program(X)
def loop_of_stores_and_whole_reads(x):
    a = np.zeros_like(x)
    total = 0.0
    for i in range(4):
        a[i] = x[i] ** 2 + total
        total = total + np.sum(a * x)
    return a * total


@program(X)
def stencil(x):
    u = np.zeros_like(x, shape=6)
    u[1:5] = x
    for _ in range(3):
        u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
    return u


@program(X)
def gauss_seidel(x):
    u = x * 1
    for _ in range(2):
        for i in range(1, 3):
            u[i] = 0.5 * (u[i - 1] * u[i + 1] + u[i])
    return u


@program(X)
def fortran_order(x):
    a = np.zeros((2, 2), order="F", like=x)
    a[:] = x.reshape(2, 2)
    a.T.reshape(-1)[1:3] = x[:2] ** 2
    flat = np.ravel(a)
    flat[0] = 5.0
    return np.concatenate([a.ravel(), flat]) ** 2


@program(X)
def stored_into_then_copied(x):
    a = x * x
    b, c, d = a.copy(), copy.copy(a), copy.deepcopy(a)
    a *= 2
    b += a
    c[0] = x[1]
    d[1:] *= c[:-1]
    return a + b * c * d


@program(X)
def several_outputs(x):
    a = x * x
    v = a[1:3]
    first = a.sum()
    a[2] = x[0]
    return first, v, a


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
