"""Arrays by rows and by columns: what reshaping makes a view of, and what a copy."""

from inspect import getsource

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError
from chainrule.source.lower import rows
from chainrule.source.program import compile_
from source.oracles import Compiled, along, assert_close, inner, random_like, vector

A = np.random.default_rng(0).uniform(0.5, 1.5, (3, 4))
LAYOUTS = {
    "rows": A,
    "columns": np.asfortranarray(A),
    "steps": np.repeat(A, 2, 1)[:, ::2],
}


# -- views and copies ------------------------------------------------------------------------------


def flat_of_an_argument(a):
    v = a.ravel()
    v[0] = 5.0
    v[1:] *= a[1, 1]
    return a * a, v


def flat_of_what_is_like_an_argument(a):
    u, w = a * 2 + a[0], np.zeros_like(a)
    v, z = u.ravel(), w.reshape(2, -1)
    v[1:] *= u[0, 0]
    z[0] += v[:6]
    return u * u, w * v[3]


def flat_of_a_product(a):
    u = a.T @ a
    u.reshape(-1)[1:3] *= a[0, 0]
    return u


def flat_of_one_of_two(a):
    u = np.zeros((4, 3)).T.copy()
    u[0, 0] = a[0, 0]
    if a[0, 1] > 0:
        w = np.ones((3, 4)) * a
        w[1, 1] = a[0, 1] ** 2
        u = w
    return u * u.ravel()[2]


def columns_of_patches(a):
    """What may be a view or a copy is a copy, as nothing changes while it is read."""
    patches = np.zeros((2, 2, 2, 3))
    for i in range(2):
        for j in range(2):
            patches[i, j] = a[i : i + 2, j : j + 3]
    by_columns = patches.transpose(2, 3, 0, 1).reshape(6, -1)
    total = np.sum(by_columns @ a[0])
    for k in range(3):
        patches[k % 2] *= a[k, 0]
        flat = patches.T.ravel()
        total += flat[k + 1] ** 2
    return total * patches


PROGRAMS = (
    *(flat_of_an_argument, flat_of_what_is_like_an_argument, flat_of_one_of_two),
    *(columns_of_patches, flat_of_a_product),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values_and_derivatives(f, layout):
    a = LAYOUTS[layout]
    engine, rng = Compiled(f, [a], (0,)), np.random.default_rng(1)

    def of_this_layout(x):
        made = np.copy(x) if layout == "rows" else np.repeat(x, 2, 1)[:, ::2]
        return f(np.asfortranarray(x) if layout == "columns" else made)

    try:
        found = engine.program(a)
    except UnsupportedError as error:
        assert layout != "rows" and ("order=" in str(error) or ".copy()" in str(error))
        return
    y = of_this_layout(a)
    assert_close(vector(found), vector(y), "value", 1e-13)
    t, ct = random_like(rng, [a]), random_like(rng, y)
    slope = along(of_this_layout, [a], (0,), vector(t), 2.0**-9)
    assert_close(vector(engine.push([a], [np.asfortranarray(t[0])])[1]), slope, "tangent")
    for given in (ct, tuple(map(np.asfortranarray, ct)) if isinstance(ct, tuple) else ct):
        assert_close(inner(engine.pull([a], given)[1], t), vector(ct) @ slope, "cotangent")


def test_one_program_serves_arguments_of_each_layout():
    gradient = cr.grad(compile_(lambda a: np.sum(flat_of_an_argument(a)[0])))
    by_rows, by_columns = (gradient(LAYOUTS[layout]) for layout in ("rows", "columns"))
    assert by_rows[0, 0] == 0 != by_columns[0, 0]
    assert np.array_equal(gradient(LAYOUTS["rows"]), by_rows)


def copied_by_reshape(a):
    v, w = np.reshape(a, (4, 3), copy=True), a.reshape(-1, copy=True)
    v[0] = 2.0
    w *= a[0, 0]
    return a, v * v, w


def results_of_compositions_changed(a):
    m, q = np.median(a, axis=0), np.nanmax(a, axis=1)
    m[m > 1] = 0.0
    q += m[:3]
    r = np.fliplr(a)
    r[0] *= 2.0
    return m * m, q, a


@pytest.mark.parametrize(
    "f", [copied_by_reshape, results_of_compositions_changed], ids=lambda f: f.__name__
)
def test_what_is_the_functions_own_is_changed(f):
    check_by_rows(f)


def handed_on(a):
    u = np.zeros((3, 4))
    u[0, 0] = a[0, 0]
    if a[0, 1] > 0:
        w = np.copy(np.ones((4, 3)).T)  # by columns
        w[1, 1] = a[0, 1]
        u = w
    v = u.reshape(-1)
    v[1] = a[1, 1]
    return u * u


def by_columns_again(a):
    u = a.copy()
    v = u.reshape(-1, order="F")
    v[1] = a[1, 1]
    return u * u


def filled_by_columns(a):
    u = np.full((3, 4), 2.0, order="F")
    v = u.ravel()
    v[0] = a[0, 0]
    return u * v[0]


def copied_by_columns(a):
    u = np.array(a, order="F")
    v = u.reshape(-1)
    v[0] = a[0, 0] ** 2
    return u * v[0]


def stacked_by_columns(a):
    u = np.stack([a.T, a.T])
    u.reshape(-1)[0] = a[1, 1]
    return u * u


def read_after_a_change(a):
    u = a.copy()
    v = u.T.ravel()
    u[0] = 1.0
    return v * v


def changed_in_the_next_iteration(a):
    u, s = a.copy(), 0.0
    v = u.T.reshape(-1)
    for k in range(3):
        u[k] *= a[0, 0]
        s += v[k]
        v = u.T.reshape(-1)
    return s


def stored_into_at_once(a):
    u = a.copy()
    u.T.reshape(-1)[0] = a[1, 1]
    return u * u


@pytest.mark.parametrize(
    "f",
    [
        *(handed_on, by_columns_again, filled_by_columns, copied_by_columns),
        *(
            stacked_by_columns,
            read_after_a_change,
            changed_in_the_next_iteration,
            stored_into_at_once,
        ),
    ],
    ids=lambda f: f.__name__,
)
def test_a_store_into_what_may_be_a_copy_is_refused(f):
    with pytest.raises(UnsupportedError, match=r"columns|layout"):
        compile_(f)(A)


def read_while_nothing_changes(a):
    w = a[1:].T[::-1, ::2]
    w *= a[0, 0]
    r = w.reshape(-1)
    return np.sum(r) * r[1], np.prod(w), np.median(w), a


def read_anew_in_a_loop(a):
    w, s = a[1:].T, 0.0
    for i in range(3):
        r = w.reshape(-1)
        s = s + r[i] * r[-1]
        w *= 1.5
    return s, a


@pytest.mark.parametrize(
    "f", [read_while_nothing_changes, read_anew_in_a_loop], ids=lambda f: f.__name__
)
def test_what_may_be_a_copy_is_read(f):
    check_by_rows(f)


def check_by_rows(f):
    engine, rng = Compiled(f, [A], (0,)), np.random.default_rng(1)
    y = f(A.copy())
    assert_close(vector(engine.program(A)), vector(y), "value", 1e-13)
    t, ct = random_like(rng, [A]), random_like(rng, y)
    slope = along(f, [A], (0,), vector(t), 2.0**-9)
    assert_close(vector(engine.push([A], t)[1]), slope, "tangent")
    assert_close(inner(engine.pull([A], ct)[1], t), vector(ct) @ slope, "cotangent")


def original_changed(a):
    w = a[1:].T
    w *= 2.0
    r = w.reshape(-1)
    a[1] = 0.0
    return np.sum(r)


def original_changed_in_a_loop(a):
    w = a[1:].T
    r, s = w.reshape(-1), 0.0
    for i in range(3):
        s = s + r[i]
        w *= 2.0
    return s


def part_of_the_copy_changed(a):
    w = a[1:].T
    w *= 2.0
    v = w.reshape(-1)[1:]
    v += 1.0
    return np.sum(w)


def copy_changed_at_once(a):
    w = a * 1.0
    for _ in range(2):
        w = np.tanh(w) + w[:, :1]
    w.reshape(-1)[1] = a[1, 1]
    return w


def kept_in_a_list(a):
    w = a[1:].T
    flat = [w.reshape(-1), w.reshape(2, -1)]
    w *= 2.0
    return np.sum(flat[0])


def changed_row_by_row(a):
    w = a[1:].T
    r = w.reshape(-1)
    for row in a[1:]:
        row *= 2.0
    return np.sum(r)


def test_a_copy_by_rows_is_refused_after_a_change():
    def f(a):
        w = np.ascontiguousarray(a[:, 1:])
        a[0, 1] = 0.0
        return np.sum(w)

    with pytest.raises(UnsupportedError, match="ascontiguousarray"):
        compile_(f)(A)


@pytest.mark.parametrize(
    "f",
    [
        original_changed,
        original_changed_in_a_loop,
        part_of_the_copy_changed,
        copy_changed_at_once,
        kept_in_a_list,
        changed_row_by_row,
    ],
    ids=lambda f: f.__name__,
)
def test_what_may_be_a_copy_is_refused_after_a_change(f):
    with pytest.raises(UnsupportedError, match=r"reshape .*layout(?s:.*)\.copy\(\)") as caught:
        compile_(f)(A)
    first = f.__code__.co_firstlineno
    reshaped = next(k for k, line in enumerate(getsource(f).splitlines()) if "reshape" in line)
    assert f"test_layouts.py:{first + reshaped}" in str(caught.value)


def in_the_order_of_memory(a):
    u, v = a * 2, (a * a).T
    return u.ravel("K") * u.flatten("A"), np.ravel(v, "K"), v.reshape(-1, order="A"), v.flatten("K")


def as_an_argument_lies(a):
    u = np.full_like(a, a[0, 1])
    u.reshape(-1)[1] = a[1, 1]
    w = a.astype(float)
    w.reshape(-1)[2] = a[1, 1]
    return u * w


def asked_for_by_columns(a):
    given = np.add(a, 1, order="F"), np.asfortranarray(a * 2), np.array([a[0], a[1]], order="F")
    return [x.ravel("K") for x in (*given, a.astype(float, order="F"), np.asarray(a, order="F"))]


def asked_for_by_rows(a):
    v = np.multiply(a.T, 2, order="C")
    v.reshape(-1)[1] = a[0, 0]
    return v * v


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "f",
    [in_the_order_of_memory, as_an_argument_lies, asked_for_by_columns, asked_for_by_rows],
    ids=lambda f: f.__name__,
)
def test_order_says_how_an_array_lies(f, layout):
    test_values_and_derivatives(f, layout)


def flat_by_columns(a):
    return np.add(a, 1, order="F").reshape(-1)


def stored_by_columns(a):
    u = np.multiply(a, 2, order="F")
    u.reshape(-1)[0] = a[1, 1]
    return u


def stored_like_columns(a):
    u = np.zeros_like(a, order="F")
    u.reshape(-1)[0] = a[1, 1]
    return u


def one_of_two_orders(a):
    return (a if a[0, 0] > 0 else a.T.copy().T).ravel("K")


def changed_by_columns(a):
    u = np.asfortranarray(a)
    u[0] = 1.0
    return a


@pytest.mark.parametrize(
    "f",
    [stored_by_columns, stored_like_columns, one_of_two_orders, changed_by_columns],
    ids=lambda f: f.__name__,
)
def test_what_is_not_known_of_the_order_is_refused(f):
    with pytest.raises(UnsupportedError, match=r"layout|order=|two arrays"):
        compile_(f)(A)
    assert np.array_equal(compile_(flat_by_columns)(A), flat_by_columns(A))


def test_a_copy_by_columns_is_one():
    def f(a):
        return a.copy(order="F"), np.array(a, order="F"), np.copy(a, order="F")

    assert all(x.flags.f_contiguous for x in compile_(f)(A))


@pytest.mark.parametrize("layouts", [["steps", "columns", "rows"], ["columns"]])
def test_copies_kept_for_later_are_laid_out_as_the_arguments(layouts):
    def f(a, x):
        v = a.ravel()  # a view of rows, a copy of everything else
        v[0] = x * x
        return a[0, 0] * x

    p = compile_(f)
    for layout in layouts:
        a, x = LAYOUTS[layout], 1.5
        expected = 3 * x**2 if layout == "rows" else a[0, 0]
        found = [
            cr.grad(lambda x, a=a: p(a, x))(x),
            cr.jvp(lambda x, a=a: p(a, x), (x,), (1.0,))[1],
            cr.vjp(p, a, x)[1](1.0)[1],
            cr.linearize(p, a, x)[1](np.zeros_like(a), 1.0),
            cr.jacfwd(p, 1)(a, x),
            cr.jacrev(p, 1)(a, x),
        ]
        np.testing.assert_allclose(found, expected)
        assert cr.hessian(p, 1)(a, x) == pytest.approx(6 * x if layout == "rows" else 0.0)


# -- what NumPy does -------------------------------------------------------------------------------

SPECIAL = {
    np.full: lambda a: np.full((3, 4), 1.0),
    np.eye: lambda a: np.eye(3, 4),
    np.identity: lambda a: np.identity(3),
    np.arange: lambda a: np.arange(3),
    np.linspace: lambda a: np.linspace(a[0], a[1], 3),
    np.ndarray.copy: lambda a: np.asfortranarray(a).copy(),
    np.outer: lambda a: np.outer(a[:, 0], a[0]),
    np.matmul: lambda a: np.asfortranarray(a) @ a.T,
    np.dot: lambda a: np.dot(np.asfortranarray(a), a.T),
    np.full_like: lambda a: np.full_like(a, 2.0),
    np.where: lambda a: np.where(a > 1, a, a[0]),
    np.concatenate: lambda a: np.concatenate([a, a], axis=1),
    **{fn: lambda a, fn=fn: fn((3, 4)) for fn in (np.zeros, np.ones, np.empty)},
}


@pytest.mark.parametrize(
    "fn",
    sorted([*rows._BY_ROWS, *rows._LIKE], key=lambda fn: fn.__name__),
    ids=lambda fn: fn.__name__,
)
def test_numpy_lays_results_out_by_rows(fn):
    made = SPECIAL.get(fn, fn)(A)
    assert made.flags.c_contiguous


def test_numpy_lays_sums_out_by_rows():
    strided = np.repeat(A[0], 2)[::2]
    for made in (A * 2 + A, A + strided, A[:, :1] * strided, A[:, :1] + A[0], np.sin(A) ** A):
        assert made.flags.c_contiguous


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("step", [1, 2, -1])
def test_ravel_of_a_vector_is_a_copy_where_it_has_gaps(step, backend):
    def f(v, x):
        t = v.ravel()
        t *= 0.5
        v.ravel()[...] += x
        v *= x
        return t, v

    def given():
        return np.linspace(0.3, 1.4, 12)[::step]

    program = cr.compile(f, backend=backend)
    for found, wanted in zip(program(given(), 2.0), f(given(), 2.0), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-14)
    (t_dot, v_dot), (_, pullback) = (
        cr.jvp(program, (given(), 2.0), (given(), 1.0))[1],
        cr.vjp(program, given(), 2.0),
    )
    v_ct, x_ct = pullback((t_dot, v_dot))  # <ct, J t> = <J^T ct, t>
    np.testing.assert_allclose(t_dot @ t_dot + v_dot @ v_dot, v_ct @ given() + x_ct)
