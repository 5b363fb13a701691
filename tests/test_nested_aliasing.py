"""What an inner derivative holds of an outer one's arrays: their numbers, not their memory."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import MutationError
from derivatives import along

X = np.array([1.0, 2.0, 3.0])
A = np.array([0.7, -1.3, 0.4])
T = np.array([0.5, -1.0, 0.25])
ONES = np.ones(3)


# -- the outer function changes what an inner trace has captured -----------------------------------


def leave(a):
    """Change nothing: what the others are compared with."""


def scale(a):
    a *= 2


def set_one(a):
    a[1] = 5.0


def set_all(a):
    a[...] = 0 * a


def write_out(a):
    np.multiply(a, 3, out=a)


def change_a_view(a):
    a[::-1][0] += 1


CHANGES = [scale, set_one, set_all, write_out, change_a_view]


def captured(a, change):
    a = a * a
    _, pullback = cr.vjp(lambda x: np.sum(x * x * a), X)
    change(a)
    return np.sum(pullback(1.0)[0])


def captured_buffer(a, change):
    b = np.zeros_like(a)
    b[:] = a * a
    _, pullback = cr.vjp(lambda x: np.sum(x * x * b), X)
    change(b)
    return np.sum(pullback(1.0)[0])


def captured_view(a, change):
    a = a * a
    v = a[1:]
    _, pullback = cr.vjp(lambda x: np.sum(x[1:] * x[1:] * v), X)
    change(a)
    return np.sum(pullback(1.0)[0])


def inner_root(a, change):
    a = a * 1.0
    _, pullback = cr.vjp(lambda x: np.sum(x**3), a)
    change(a)
    return np.sum(pullback(1.0)[0])


def inner_changes(a, change):
    a = a * 1.0

    def inner(x):
        y = np.sum(x * x * a * a)
        change(a)
        return y

    return np.sum(cr.grad(inner)(X))


def linearized(a, change):
    a = a * 1.0
    _, tangent = cr.linearize(lambda x: x * a * a, X)
    change(a)
    return np.sum(tangent(ONES))


def linearized_root(a, change):
    a = a * 1.0
    _, tangent = cr.linearize(lambda x: x**3, a)
    change(a)
    return np.sum(tangent(ONES))


def between_two_sweeps(a, change):
    a = a * a
    _, pullback = cr.vjp(lambda x: np.sum(x * x * a), X)
    first = pullback(1.0)[0]
    change(a)
    return np.sum(first + pullback(1.0)[0])


def captured_twice(a, change):
    a = a * a
    _, pullback = cr.vjp(lambda x: np.sum(x * a) * np.sum(x * a), X)
    change(a)
    return np.sum(pullback(1.0)[0])


PROGRAMS = [
    captured,
    captured_buffer,
    captured_view,
    inner_root,
    inner_changes,
    linearized,
    linearized_root,
    between_two_sweeps,
    captured_twice,
]


def reverse(f):
    return cr.grad(f)(A)


def forward(f):
    return np.array([cr.jvp(f, (A,), (e,))[1] for e in np.eye(3)])


def reverse_over_reverse(f):
    return cr.grad(lambda a: np.sum(cr.grad(f)(a) * T))(A)


def forward_over_reverse(f):
    return cr.jvp(cr.grad(f), (A,), (T,))[1]


def reverse_over_forward(f):
    return cr.grad(lambda a: cr.jvp(f, (a,), (T,))[1])(A)


MODES = [reverse, forward, reverse_over_reverse, forward_over_reverse, reverse_over_forward]


@pytest.mark.parametrize("mode", MODES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_a_captured_traced_array_changed_by_the_outer_function(program, mode):
    """The derivative is that of the numbers captured, or it is refused: never another number."""
    expected = mode(lambda a: program(a, leave))
    if mode in (reverse, forward):
        numeric = [along(lambda a: [program(a, leave)], [A], [e]) for e in np.eye(3)]
        np.testing.assert_allclose(expected, np.ravel(numeric), rtol=1e-8)
    for change in CHANGES:
        try:
            found = mode(lambda a: program(a, change))  # noqa: B023
        except MutationError:
            continue
        np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=change.__name__)


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("program", [captured, inner_root, linearized], ids=lambda f: f.__name__)
def test_reverse_mode_gives_the_value_rather_than_refuse(program, change):
    """A record of the tape is not overwritten by a store: there is nothing to refuse."""
    found = cr.grad(lambda a: program(a, change))(A)
    np.testing.assert_allclose(found, cr.grad(lambda a: program(a, leave))(A), rtol=1e-12)


# -- results under an outer trace are the caller's to change ---------------------------------------


def two_gradients(x):
    gx, gy = cr.grad(lambda u, v: np.sum((u + v) * x * x), (0, 1))(x, x)
    gx *= 2
    return gx + 3 * gy


def gradients_of_a_container(x):
    g = cr.grad(lambda p: np.sum((p["a"] + p["b"]) * x * x))({"a": x, "b": x})
    g["a"] *= 2
    return g["a"] + 3 * g["b"]


def gradient_and_seed(x):
    c = x * x
    _, pullback = cr.vjp(lambda u: u + 1, ONES)
    (g,) = pullback(c)
    g *= 2
    return 3 * c + g


def gradient_and_seed_of_identity(x):
    c = x * x
    _, pullback = cr.vjp(lambda u: u, ONES)
    (g,) = pullback(c)
    g[0] = 7.0
    return 3 * c + g


def two_sweeps(x):
    c = x * x
    _, pullback = cr.vjp(lambda u: u + 1, ONES)
    (g,), (h,) = pullback(c), pullback(c)
    g *= 2
    return 3 * h + g


def value_and_primal(x):
    c = x * x
    y, _ = cr.vjp(lambda u: u, c)
    y *= 2
    return 3 * c + y


def two_values(x):
    c = x * x
    (y, z), _ = cr.vjp(lambda u: (u, u), c)
    y *= 2
    return 3 * z + y


def value_and_gradient(x):
    c = x * x
    y, pullback = cr.vjp(lambda u: u * c, c)
    (g,) = pullback(ONES)
    y *= 2
    g -= 1
    return 3 * c + y + g


def value_of_jvp(x):
    c = x * x
    y, _ = cr.jvp(lambda u: u, (c,), (ONES,))
    y *= 2
    return 3 * c + y


def tangent_and_seed(x):
    c = x * x
    y, y_dot = cr.jvp(lambda u: u, (ONES,), (c,))
    y_dot *= 2
    return 3 * c + y_dot + y


def value_and_tangent(x):
    c = x * x
    y, y_dot = cr.jvp(lambda u: u, (c,), (c,))
    y_dot *= 2
    y += 1
    return 3 * c + y_dot + y


def value_of_linearize(x):
    c = x * x
    y, tangent = cr.linearize(lambda u: u, c)
    y_dot = tangent(c)
    y *= 2
    y_dot *= 5
    return 3 * c + y + y_dot


RESULTS = [
    two_gradients,
    gradients_of_a_container,
    gradient_and_seed,
    gradient_and_seed_of_identity,
    two_sweeps,
    value_and_primal,
    two_values,
    value_and_gradient,
    value_of_jvp,
    tangent_and_seed,
    value_and_tangent,
    value_of_linearize,
]


@pytest.mark.parametrize("program", RESULTS, ids=lambda f: f.__name__)
def test_results_under_an_outer_trace_alias_nothing(program):
    def f(x):
        return np.sum(program(x) * T)

    plain = f(A.copy())
    value, gradient = cr.value_and_grad(f)(A)
    assert value == pytest.approx(plain)
    numeric = np.ravel([along(lambda x: [f(x)], [A], [e]) for e in np.eye(3)])
    np.testing.assert_allclose(gradient, numeric, rtol=1e-8)
    value, tangent = cr.jvp(f, (A,), (T,))
    assert value == pytest.approx(plain)
    assert tangent == pytest.approx(numeric @ T, rel=1e-8)


@pytest.mark.parametrize("program", RESULTS, ids=lambda f: f.__name__)
def test_results_under_two_outer_traces_alias_nothing(program):
    def f(x):
        return np.sum(program(x) * T)

    by_gradient = along(lambda x: [cr.grad(f)(x)], [A], [T])
    modes = {"r": lambda f: lambda x: np.sum(cr.grad(f)(x) * T), "f": tangent_of}
    for outer, inner in itertools.product(modes, repeat=2):
        found = modes[outer](modes[inner](f))(A)
        assert found == pytest.approx(by_gradient @ T, rel=1e-7), outer + inner


def tangent_of(f):
    return lambda x: cr.jvp(f, (x,), (T,))[1]


# -- arguments that share memory -------------------------------------------------------------------


def changes_its_first(u, k):
    u *= 2.0
    return np.sum(u * u) + np.sum(k**2)


@pytest.mark.parametrize("parts", [(slice(None), slice(None)), (slice(2), slice(1, None))])
def test_a_change_of_one_of_two_arguments_in_the_same_memory_is_refused(parts):
    a = np.array([1.0, 2.0, 3.0])
    u, k = (a[part] for part in parts)
    with cr.engine("tape"):
        for run in (
            lambda: cr.grad(changes_its_first)(u, k),
            lambda: cr.vjp(changes_its_first, u, k),
            lambda: cr.jvp(changes_its_first, (u, k), (u, k)),
        ):
            with pytest.raises(MutationError, match=r"share memory(?s:.*)copy"):
                run()
    assert np.array_equal(a, [1.0, 2.0, 3.0])


def test_arguments_side_by_side_in_one_memory_may_change():
    a = np.array([1.0, 2.0, 3.0, 4.0])
    with cr.engine("tape"):
        found = cr.grad(changes_its_first, (0, 1))(a[:2], a[2:])
    np.testing.assert_array_equal(found, [[8.0, 16.0], [6.0, 8.0]])
