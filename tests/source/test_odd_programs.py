"""Small odd programs: names that share memory, indices that change, memory laid out by columns."""

import copy
import functools

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.program import compile_
from source.oracles import Compiled, assert_close, filled, inner, random_like, vector

rng = np.random.default_rng(5)
V = rng.uniform(0.3, 1.5, 6)
A = rng.uniform(0.3, 1.5, (3, 4))
Z = V + 1j * V[::-1]


# -- indices that are read from the array that a store changes -------------------------------------


def mask_of_the_array_itself(x):
    y = x.copy()
    y[y > 0.8] = 0.8 * x[0]
    y[y < y[1]] += y[2]
    return y * x


def index_from_the_array_itself(x):
    k = np.array([0, 2, 1, 3])
    y = np.zeros(6)
    for i in range(3):
        k[k[i]] = k[i + 1]
        y[k[i]] += x[i] * x[k[i + 1]]
    return y * y


def array_as_its_own_index(x):
    k = np.array([1, 0, 2])
    k[k[0]] = 2
    s = x[k[1]]
    k[k[1]] = 0
    s *= x[k[2]]
    k[k] = k[::-1].copy()
    return s * x[k]


def slice_bound_in_the_array_itself(x):
    y = np.array([2.0, 1.0, 0.0, 3.0, 1.0, 2.0]) * x[0] / x[0]
    y[: int(y[0] + 0.5)] = x[1:3]
    return y**2


def indices_that_change_later(x):
    y, idx = x.copy(), np.array([0, 1, 2])
    y[idx] *= 2
    idx += 1
    y[idx] *= x[0]
    idx[:] = 5
    y[idx[0]] = x[1]
    return y**2


def a_scan_that_names_its_place_by_a_counter(x):
    stack, n, s = np.zeros(8), 0, 0.0
    for v in x:
        stack[n] = v
        n += 1
        if v > 0.8:
            n -= 1
            s += stack[n] ** 2 * n
        if n > 2:
            stack[n - 2] = stack[n - 1] * stack[n - 2]
            n -= 1
    return s + stack[:n].sum()


# -- names that share memory -----------------------------------------------------------------------


def numbers_without_axes(x):
    y = np.array(x[0])
    y += x[1]
    y *= 2
    z = y
    z[()] = z * x[2]
    return y * z


def view_of_a_view(x):
    y = np.zeros((3, 4))
    y[1:][:, 2:][0] = x[:2]
    y[:2][1][0:2] += x[2:4]
    v = y[1:, 1:3]
    v *= x[0]
    return y + x[5]


def views_that_are_bound_anew(x):
    y = x.copy()
    v = y[:2]
    for k in range(4):
        v = y[k : k + 2]
        v[1] *= x[k]
        v[0] += v[1]
    return y + v[0]


def view_that_is_only_read(x):
    y = x.copy()
    v = y[:3]
    if x[0] > 100:
        v = y[3:]
    return v * y[:3]


def parts_that_overlap(x):
    y = x.copy()
    y[1:] *= y[:-1]
    y[::-1] -= 0.5 * y
    y[0], y[1:3] = y[1] * 2, y[:2]
    return y


def rows_swapped_through_views(a):
    b = a.copy()
    b[0], b[1] = b[1], b[0]
    c = b[:, 1]
    c /= c.sum()
    b.T[3] = c[0] * a[:, 0]
    return b


def a_name_bound_late(x):
    y = x.copy()

    def get():
        return y

    y[0] = 2 * x[1]
    z = get()
    y = y * 3
    return z * get()


def copies(x):
    tree = {"w": x, "l": [x[0]]}
    deep, shallow = copy.deepcopy(tree), copy.copy(tree["l"])
    deep["w"][0] = 5.0
    deep["l"].append(2.0)
    shallow.append(x[1])
    return tree["w"] * deep["w"], len(tree["l"]) * sum(shallow)


def places_of_a_condition(x):
    (i,) = np.where(x > 0.7)
    y = x.copy()
    y[i] *= 2
    return y * x


def remembered(x):
    @functools.lru_cache
    def square(n):
        return n * n

    return x * square(3)


# -- classes, complex numbers, memory laid out by columns ------------------------------------------


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def apply(self, x):
        return self.factor * x


class Shifted(Scaled):
    def __init__(self, factor, shift):
        super().__init__(factor)
        self.shift = shift

    def apply(self, x):
        return super().apply(x) + self.shift


MODEL = Shifted(2.0, 3.0)


def methods_of_parents(x):
    return MODEL.apply(x) * Shifted(x[0], x[1]).apply(x)


def parts_of_a_complex_buffer(z):
    y = z.copy()
    y.real[:] *= 2
    y.imag[0] = z.real[1]
    return y * z, y.imag


def parts_that_are_assigned(z):
    y = z.copy()
    y.real = 2 * z.imag
    y.imag = y.imag * z.real[0]
    y.imag[1:] += z.real[1:]
    return y * z


def complex_sum(x):
    s = 0j
    for v in x:
        s = s * 1j + v
    return abs(s), s.real * s.imag


def reshaped(a):
    b = np.zeros((3, 4))
    b[:] = a
    flat = b.reshape(-1)
    flat[3:7] *= 2
    c = a.copy().ravel()
    c[:4] += a[1]
    return b * c.reshape(3, 4) + a.ravel()[2] * a.T.ravel()[5]


def copied_in_either_order(a):
    b, c = np.copy(a), a.copy()
    b[0] *= 2
    c[:, 0] *= b[1, 1]
    return b * c


W = np.cos(np.arange(12.0).reshape(4, 3))


def changed_through_a_reshaped_view(a):
    b = a.copy()
    flat = b.ravel()
    s = np.sum(flat[2:] ** 2)
    flat[1] *= 3.0
    flat[4:] *= flat[:-4]
    return s * np.sum(np.sin(b.T) * W)


def rows_of_unknown_number(a):
    """The chosen rows may be one, which einsum stretches."""
    one, some = a[a[:, 0] > np.sort(a[:, 0])[1]], a[a[:, 1] > 0.4]
    w = np.einsum("ij,ij->j", one, a[:2]) + np.einsum("ij,kj->j", some, one)
    return w * np.einsum("ij,i->j", one, a[:, 0] ** 2)


def arrays_of_one_place(x):
    """Sums of them hand on a number, where a transpose needs the axes."""
    r = x.reshape(1, 6)
    one, stack = r @ r.T, np.stack([r]) @ np.ones((6, 1))
    s = np.sum(r @ x.reshape(6, 1)) * np.mean(one @ one) + np.sum(np.dot(r, r.T))
    s += np.sum(np.linalg.inv(r @ r.T)) + np.sum(stack) + np.sum(np.linalg.solve(one, one * x[0]))
    return s + np.sum(np.einsum("ij,kj->ik", r, r)) + np.sum(np.kron(one, one))


PROGRAMS = [
    arrays_of_one_place,
    rows_of_unknown_number,
    *(mask_of_the_array_itself, index_from_the_array_itself, array_as_its_own_index),
    *(slice_bound_in_the_array_itself, indices_that_change_later),
    *(a_scan_that_names_its_place_by_a_counter, numbers_without_axes, view_of_a_view),
    *(views_that_are_bound_anew, view_that_is_only_read, parts_that_overlap),
    *(rows_swapped_through_views, a_name_bound_late, copies, places_of_a_condition),
    *(remembered, methods_of_parents, parts_of_a_complex_buffer, complex_sum, reshaped),
    *(copied_in_either_order, parts_that_are_assigned),
    changed_through_a_reshaped_view,
]
ARGUMENT = {"a": A, "z": Z, "x": V}


def along(f, x, t, step=2.0**-8):
    """Differences of ``f`` along ``t``; what is laid out by columns stays so."""

    def moved(h):
        (y,) = filled([x], vector(x) + h * vector(t))
        return vector(f(np.asfortranarray(y) if x.flags.f_contiguous else y))

    coarse, fine = ((moved(h) - moved(-h)) / (2 * h) for h in (step, step / 2))
    return (4 * fine - coarse) / 3


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives_against_differences(f, by_columns):
    x = ARGUMENT[f.__code__.co_varnames[0]]
    if by_columns:
        x = np.asfortranarray(x)
    y, before = f(x.copy(order="K")), x.copy(order="K")
    made = Compiled(f, (x,), (0,))
    assert_close(vector(made.program(x)), vector(y), "result")
    draws = np.random.default_rng(1)
    t, ct = random_like(draws, x), random_like(draws, y)
    _, dot = made.push((x,), (t,))
    _, (pulled,) = made.pull((x,), ct)
    assert_close(vector(dot), along(f, x, t), "tangent", 1e-6)
    assert_close(inner(pulled, t), inner(ct, dot), "cotangent")
    assert pulled.shape == x.shape
    assert pulled.dtype == x.dtype
    assert np.array_equal(x, before), "the argument was changed"


def test_a_copy_keeps_the_order_that_the_user_asked_for():
    def f(a):
        return np.copy(a), a.copy(), a.copy(order="K"), np.copy(a, order="C")

    x = np.asfortranarray(A)
    for found, expected in zip(compile_(f)(x), f(x), strict=True):
        assert found.flags.c_contiguous == expected.flags.c_contiguous
    assert "np.copy(a), a.copy()" in compile_(f).specialise(x).source


# -- float32 ---------------------------------------------------------------------------------------


def scaled(x, s):
    return (x * s + s**2).sum() * s


def stored(x, s):
    y = x.copy()
    for i in range(3):
        y[i] = y[i] * s + s
    return y.sum()


def carried(x, s):
    for _ in range(3):
        x = x * s
        s = s * 1.5
    return x.sum() + s


def converted(x, s):
    y = np.full(3, s, dtype=np.float32)
    return np.float32(s) * (y * x).sum() + np.array([s, s * 2]).sum()


@pytest.mark.parametrize("f", [scaled, stored, carried, converted])
def test_a_python_float_beside_float32_arrays_has_a_float64_derivative(f):
    x = np.array([0.3, 0.7, 1.1], np.float32)
    x_ct, s_ct = cr.grad(cr.compile(f), argnums=(0, 1))(x, 1.3)
    assert x_ct.dtype == np.float32
    assert type(s_ct) is np.float64
    h = 2.0**-6
    differences = (f(x.astype(float), 1.3 + h) - f(x.astype(float), 1.3 - h)) / (2 * h)
    np.testing.assert_allclose(s_ct, differences, rtol=2e-3)
    y, pullback = cr.vjp(cr.compile(f), x, 1.3)
    x_ct, s_ct = pullback(np.ones_like(y))
    assert (x_ct.dtype, type(s_ct)) == (np.float32, np.float64)


def test_a_computed_index_of_a_list_is_checked_as_python_does():
    def at(x, rows):
        return rows[int(x[0])] @ x

    program, rows = cr.compile(at), [V, 2 * V, 3 * V]
    for k in (-3, -1, 0, 2):
        x = np.array([k, *V[1:]])
        assert program(x, rows) == at(x, rows)
    for k in (-4, 3):
        with pytest.raises(IndexError, match="list index out of range"):
            program(np.array([k, *V[1:]]), rows)


DIVISIONS = [
    lambda x, a: np.sum(np.sin(x / a)),
    lambda x, a: np.sum(np.where(x > 1, x / a, 0)),
    lambda x, a: np.sum(x * np.log(a)),
    lambda x, a: np.sum(x // a),
    lambda x, a: np.sum(np.exp(-x / a)),
]


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value)")
@pytest.mark.parametrize("a", [0.0, -0.0, 0])
@pytest.mark.parametrize("f", DIVISIONS)
def test_a_zero_of_pythons_that_numpy_divides_by_is_no_error_in_derivatives(f, a):
    x = np.array([1.0, 2.0, 3.0])
    p = cr.compile(f, backend="numpy")
    with cr.engine("tape"):
        by_tape = cr.vjp(f, x, a)[1](1.0), cr.jvp(f, (x, a), (x, 1.0))
    found = cr.vjp(p, x, a)[1](1.0), cr.jvp(p, (x, a), (x, 1.0))
    for ours, theirs in zip(found, by_tape, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
    single = x.astype(np.float32)
    dtype = np.asarray(f(single, a)).dtype
    assert [y.dtype for y in cr.jvp(p, (single, a), (single, 0.0))] == [dtype] * 2


LISTS = [
    lambda x: np.choose([[0, 1, 0], [1, 1, 0]], [x[0], x[1]]),
    lambda x: np.where([[False, True, False], [True, True, False]], x[0], x[1]),
    lambda x: np.piecewise(x[0], [[True, False, False], [False, True, True]], [1.0, np.sin]),
    lambda x: np.searchsorted([1.0, 2.5, 4.0], x) * x,
]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("f", LISTS)
def test_lists_of_known_numbers_are_arrays(f, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    x = np.array([[0.5, 1.5, 3.0], [2.0, 4.5, 3.5]])
    p = cr.compile(f, backend=backend)
    np.testing.assert_allclose(p(x), f(x))
    assert not p.specialise(x).opaque_calls
    t = np.cos(x)
    slope = (f(x + 1e-6 * t) - f(x - 1e-6 * t)) / 2e-6
    np.testing.assert_allclose(cr.jvp(p, (x,), (t,))[1], slope, atol=1e-8)  # rounding over 1e-6
    pulled = cr.vjp(p, x)[1](np.ones_like(slope))[0]
    np.testing.assert_allclose(np.sum(pulled * t), np.sum(slope), atol=1e-8)


def test_integers_stay_integers_where_the_tape_follows_a_call():
    space = {"np": np}
    exec("def picked(ks, x):\n    return sum(x[k] * k for k in ks if isinstance(k, int))", space)
    picked = space["picked"]  # a function without a source
    p = cr.compile(lambda x: picked([1, 2], x) * x, backend="numpy")
    x = np.array([1.0, 2.0, 3.0])
    assert p.specialise(x).opaque_calls == ["picked"]
    np.testing.assert_allclose(cr.vjp(p, x)[1](np.ones(3))[0], [8.0, 14.0, 20.0])
    np.testing.assert_allclose(cr.jvp(p, (x,), (x,))[1], 2 * p(x))
