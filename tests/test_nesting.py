"""Derivatives inside derivatives, and what the user adds: primitives, checkpoints."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from derivatives import along

X = np.array([0.7, -1.3, 0.4])


# -- nesting ---------------------------------------------------------------------------------------


def test_perturbations_are_not_confused():
    assert cr.grad(lambda x: x * cr.grad(lambda y: x + y)(1.0))(1.0) == 1

    def forward(f, x):
        return cr.jvp(f, (x,), (1.0,))[1]

    assert forward(lambda x: x * forward(lambda y: x + y, 1.0), 1.0) == 1
    assert forward(lambda x: x * cr.grad(lambda y: x + y)(1.0), 1.0) == 1
    assert cr.grad(lambda x: x * forward(lambda y: x + y, 1.0))(1.0) == 1
    # d/dy x y^2 at y = x is 2 x^2; times x, differentiated: 6 x^2
    assert cr.grad(lambda x: cr.grad(lambda y: x * y**2)(x) * x)(3.0) == 54


def test_a_constant_of_an_inner_derivative():
    def f(x):
        return cr.grad(lambda y: x**2)(1.0) + x  # the inner one does not depend on y

    assert cr.grad(f)(3.0) == 1
    assert cr.jvp(f, (3.0,), (1.0,))[1] == 1


@pytest.mark.parametrize(
    "inner",
    [
        lambda f, y: cr.linearize(f, y)[1](y)[0],
        lambda f, y: cr.jacfwd(f)(y)[0, 0],
        lambda f, y: cr.jacrev(f)(y)[0, 0],
        lambda f, y: cr.vjp(f, y)[1](y)[0][0],
        lambda f, y: cr.jvp(f, (y,), (y,))[1][0],
        lambda f, y: cr.hessian(lambda y: f(y)[0] * y[0])(y)[0, 0],
        lambda f, y: cr.hvp(lambda y: f(y)[0] * y[0], (y,), (y,))[0],
    ],
)
def test_an_inner_output_that_depends_on_outer_arguments_only(inner):
    def f(x):
        return inner(lambda y: x * x, 1.0 * x) + x[1]

    np.testing.assert_array_equal(cr.grad(f)(X), [0, 1, 0])
    assert cr.jvp(f, (X,), (X,))[1] == X[1]


def test_a_shared_value_of_three_levels():
    def f(x):
        def g(y):
            def h(z):
                return np.sin(x * y * z)

            return cr.grad(h)(y) * x

        return cr.grad(g)(x)

    # h' = xy cos(xyz) at z = y; g = x^2 y cos(x y^2); its derivative at y = x.
    def by_hand(x):
        return x**2 * np.cos(x**3) - 2 * x**5 * np.sin(x**3)

    assert f(0.8) == pytest.approx(by_hand(0.8))
    h = 1e-5
    numeric = (by_hand(0.8 + h) - by_hand(0.8 - h)) / (2 * h)
    assert cr.grad(f)(0.8) == pytest.approx(numeric, rel=1e-8)


def reverse(f):
    return cr.grad(f)


def forward(f):
    return lambda x: cr.jvp(f, (x,), (1.0,))[1]


@pytest.mark.parametrize(
    "modes",
    list(itertools.product([forward, reverse], repeat=4)),
    ids=lambda modes: "".join(mode.__name__[0] for mode in modes),
)
def test_depth_four_in_all_mixes(modes):
    def f(x):
        a = np.zeros_like(x, shape=3)
        a[0] = np.exp(0.5 * x)
        v = a[1:]
        v += a[0] * x
        a[2] *= np.sin(x)
        return a[0] * a[1] + a[2] ** 2 / x

    def closed(x):  # e^x x + e^x x sin(x)^2, as a complex function for differences on a circle
        return np.exp(x) * x * (1 + np.sin(x) ** 2)

    derivative = f
    for mode in modes:
        derivative = mode(derivative)
    circle = np.exp(2j * np.pi * np.arange(32) / 32)
    expected = 24 * np.real(np.mean(closed(0.7 + 0.5 * circle) / (0.5 * circle) ** 4))
    assert derivative(0.7) == pytest.approx(expected, rel=1e-9)


def test_depth_four_of_arrays():
    def f(x):
        return np.sum(np.prod(x) * np.sin(x) * x[::-1])

    def directional(f, t):
        return lambda x: cr.jvp(f, (x,), (t,))[1]

    t, u = np.array([1.0, 0.5, -0.3]), np.array([0.2, -1.0, 0.8])
    fourth = directional(directional(lambda x: np.sum(cr.grad(f)(x) * u), t), u)(X)
    mixed = t @ cr.hessian(directional(directional(f, u), u))(X) @ t
    other = directional(directional(directional(directional(f, t), u), t), u)(X)
    swapped = directional(directional(directional(directional(f, u), t), u), t)(X)
    assert other == pytest.approx(swapped, rel=1e-12)
    assert other == pytest.approx(mixed, rel=1e-12)
    third = directional(lambda x: cr.hessian(f)(x) @ t, u)(X)
    numeric = along(lambda x: [cr.hessian(f)(x) @ t], [X], [u])
    np.testing.assert_allclose(third, numeric, rtol=1e-7)
    numeric = along(lambda x: [directional(lambda x: np.sum(cr.grad(f)(x) * u), t)(x)], [X], [u])
    assert fourth == pytest.approx(numeric[0], rel=1e-8)


# -- user-defined primitives, checks ---------------------------------------------------------------


def test_a_primitive_of_the_user_in_every_mix():
    @cr.primitive
    def cube(x):
        return np.asarray(x) ** 3

    @cube.defvjp
    def cube_vjp(ct, y, x):
        return ct * 3 * x**2

    @cr.primitive
    def scale(x, k):
        return np.asarray(x) * np.asarray(k)

    @scale.defjvp
    def scale_jvp(tangents, y, x, k):
        return tangents[0] * k + x * tangents[1]

    def f(x):
        return np.sum(scale(cube(x), np.sum(x)))

    def plain(x):
        return np.sum(x**3 * np.sum(x))

    np.testing.assert_allclose(cr.grad(f)(X), cr.grad(plain)(X))
    np.testing.assert_allclose(cr.hessian(f)(X), cr.hessian(plain)(X))
    np.testing.assert_allclose(cr.jvp(f, (X,), (X,))[1], cr.jvp(plain, (X,), (X,))[1])
    cr.check_grads(f, (X,))


def test_check_grads_finds_a_wrong_rule():
    @cr.primitive
    def wrong(x):
        return np.asarray(x) ** 2

    wrong.defvjp(lambda ct, y, x: ct * 2.001 * x)
    for modes in (("fwd",), ("rev",), ("fwd", "rev")):
        with pytest.raises(AssertionError):
            cr.check_grads(wrong, (X,), order=1, modes=modes)


def test_check_grads_hands_on_what_holds_no_number():
    def f(mode, x, scale=None):
        return np.sum(np.sin(x) if mode == "sine" else x) * (scale or 1)

    cr.check_grads(f, ("sine", X, None))
    cr.check_grads(f, ("sine", X, 2.0))


def test_a_checkpoint_of_what_the_tape_cannot_follow():
    def powers(x, n=3):
        out = np.zeros(n)
        for i in range(n):
            out[i] = x[i] ** (i + 1)
        return out

    def f(x):
        return np.sum(cr.checkpoint(powers)(x, n=3) * x)

    np.testing.assert_allclose(cr.grad(f)(X), [2, 3, 4] * X ** [1, 2, 3])
    np.testing.assert_allclose(cr.hessian(f)(X), np.diag([2, 6, 12] * X ** [0, 1, 2]))


def test_checkpoint_changes_nothing_but_memory():
    def segment(x, k):
        y = np.sin(x) * k
        y[0] *= 2
        return y, {"sum": y.sum(), "text": "t"}

    def f(x, wrap):
        for k in (1.0, 2.0, 3.0):
            x, more = wrap(segment)(x, k)
            x = x * more["sum"]
        return np.sum(x)

    def plain(g):
        return g

    for transform in (cr.grad, cr.hessian):
        np.testing.assert_allclose(
            transform(lambda x: f(x, cr.checkpoint))(X), transform(lambda x: f(x, plain))(X)
        )
