"""Programs as objects: decorators, methods, copies, pickles, threads, recursion, nesting."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule._trees import leaves_of
from chainrule.errors import ArgumentError
from chainrule.source.program import Program


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def same(found, expected, rtol=1e-10):
    for a, b in zip(leaves_of(found), leaves_of(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


@cr.compile
def wave(x, k: float = 2.0):
    """A wave of wavenumber k."""
    return np.sum(np.sin(k * x))


def plain_wave(x):
    return np.sum(np.sin(2.0 * x))


@cr.compile
def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


class Model:
    def __init__(self, w):
        self.w = w

    @cr.compile
    def loss(self, x):
        return np.sum((self.w * x) ** 2)

    @staticmethod
    @cr.compile
    def norm(x):
        return np.sum(x**2)


# -- like a function -----------------------------------------------------------------------------


def test_a_program_carries_the_attributes_of_its_function():
    assert (wave.__name__, wave.__doc__) == ("wave", "A wave of wavenumber k.")
    assert wave.__module__ == __name__
    assert wave.__annotations__ == {"k": "float"}
    assert str(inspect.signature(wave)) == "(x, k: 'float' = 2.0)"
    assert str(inspect.signature(cr.grad(wave))) == "(x, k: 'float' = 2.0)"
    assert cr.grad(wave).__name__ == "grad(wave)"
    assert inspect.unwrap(wave) is wave.fn


def test_methods_and_their_derivatives():
    model, x = Model(np.array([1.0, 2.0])), numbers(2)
    expected = 2 * model.w**2 * x
    same(model.loss(x), np.sum((model.w * x) ** 2))
    same(cr.grad(model.loss)(x), expected)
    same(cr.grad(Model.loss, 1)(model, x), expected)
    same(cr.vjp(model.loss, x)[1](1.0), (expected,))
    same(cr.hvp(model.loss, (x,), (x,)), expected)
    same(cr.grad(Model.norm)(x), 2 * x)
    same(cr.grad(model.norm)(x), 2 * x)
    model.w = np.array([3.0, 4.0])
    same(cr.grad(model.loss)(x), 2 * model.w**2 * x)
    assert model.loss.source == Model.loss.source


def test_a_bound_method_can_be_compiled():
    class Plain:
        scale = 3.0

        def f(self, x):
            return self.scale * x**2

    p = cr.compile(Plain().f)
    same((p(2.0), cr.grad(p)(2.0)), (12.0, 12.0))


def test_partial_before_and_after():
    x = numbers(3)
    before, after = cr.compile(functools.partial(wave.fn, k=3.0)), functools.partial(wave, k=3.0)
    for p in (before, after):
        same(p(x), np.sum(np.sin(3 * x)))
        same(cr.grad(p)(x), 3 * np.cos(3 * x))


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_program_itself(copier):
    for p in (wave, cr.grad(wave), cr.hessian(wave), cr.grad(power)):
        assert copier(p) is p


def test_programs_are_pickled_as_functions_are():
    assert pickle.loads(pickle.dumps(wave)) is wave
    made = pickle.loads(pickle.dumps(cr.compile(plain_wave)))
    assert isinstance(made, Program)
    x = numbers(3)
    same(made(x), plain_wave(x))


@pytest.mark.parametrize(
    "of", [cr.grad, cr.value_and_grad, cr.jacfwd, cr.jacrev, cr.hessian], ids=lambda f: f.__name__
)
def test_derivatives_are_pickled_with_their_programs(of):
    x = numbers(3)
    same(pickle.loads(pickle.dumps(of(wave)))(x), of(wave)(x))
    second = cr.grad(cr.grad(power))
    same(pickle.loads(pickle.dumps(second))(2.0, 4), 48.0)


def test_what_has_no_name_is_not_pickled():
    with pytest.raises((pickle.PicklingError, AttributeError), match="pickle"):
        pickle.dumps(cr.compile(lambda x: x))
    wave(numbers(3))
    cr.grad(wave)(numbers(3))
    inner = cr.grad(wave).shown
    with pytest.raises(TypeError, match="pickle the function itself"):
        pickle.dumps(inner)


# -- the text before the first call --------------------------------------------------------------


def test_derivatives_are_shown_for_the_last_call_of_the_program():
    p = cr.compile(wave.fn)
    with pytest.raises(ArgumentError, match="no text yet"):
        _ = cr.grad(p).source
    p(numbers(3))
    assert "def wave_grad" in cr.grad(p).source
    assert "def wave_value_and_grad" in cr.value_and_grad(p).source
    assert "def wave_pullback" in cr.jacobian(p).source
    assert "def wave_jvp" in cr.jacfwd(p).source
    assert "def wave_grad_jvp" in cr.hessian(p).source
    p(0.5)
    assert "_jvp" in cr.grad(cr.grad(p)).source


def test_the_text_before_the_first_call_is_that_of_the_first_call():
    def f(params, n, *rest, scale=1.0):
        return np.sum(params["a"] ** n) * rest[0] * scale

    p = cr.compile(f)
    given = {"a": numbers(4), "b": "text"}
    p(given, 3, 2.0, scale=2.0)
    for of in (cr.grad, cr.jacrev, cr.jacfwd, cr.hessian):
        before = of(p).source
        g = of(p)
        g(given, 3, 2.0, scale=2.0)
        assert g.source == before


def test_every_pass_is_explained():
    p = cr.compile(lambda x: np.sum(np.sin(x) ** 2), backend="numpy")
    g = cr.grad(p)
    g(numbers(3))
    passes = [line[len("# ---- after ") :] for line in g.explain().splitlines() if "----" in line]
    assert passes == ["lower", "reverse", "simplify", "emit"]
    assert "# by x; active:" in g.explain()
    assert g.explain().endswith(g.source)
    assert g.explain().count("import numpy") == 1


# -- several at once -----------------------------------------------------------------------------


def test_threads_with_arguments_of_different_types():
    def f(x, n):
        u = np.zeros(n)
        for i in range(n):
            u[i] = np.sum(x) * i
        return np.sum(u**2)

    p = cr.compile(f)
    g = cr.grad(p)
    errors = []

    def work(k):
        x = np.full((k,) * (k % 3 + 1), 0.5)
        slope = 2 * np.sum(x) * np.sum(np.arange(k) ** 2)
        try:
            for _ in range(10):
                same(p(x, k), f(x, k))
                same(g(x, k), np.full(x.shape, slope))
                same(cr.jacrev(p)(x, k), np.full(x.shape, slope))
        except Exception as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 9)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors


def test_a_program_that_calls_itself():
    same((power(2.0, 4), cr.grad(power)(2.0, 4), cr.grad(cr.grad(power))(2.0, 4)), (16, 32, 48))
    assert power.opaque_calls == []


def test_a_program_inside_another_is_inlined():
    @cr.compile
    def both(x):
        return wave(x * 2.0) + wave(x, k=3.0)

    x = numbers(3)
    same(both(x), np.sum(np.sin(4 * x)) + np.sum(np.sin(3 * x)))
    same(cr.grad(both)(x), 4 * np.cos(4 * x) + 3 * np.cos(3 * x))
    assert "wave" not in both.source
    assert both.opaque_calls == []


# -- traced arguments ----------------------------------------------------------------------------


def energy(u, nu):
    u = u.copy()
    for _ in range(3):
        u[1:-1] += nu * (u[2:] * u[:-2])
    return {"u": u, "total": np.sum(u) ** 2}


@pytest.mark.parametrize("mode", ["grad", "jacfwd", "hessian", "jacrev of grad", "grad of jvp"])
def test_a_program_among_traced_values(mode):
    orders = {
        "grad": lambda f: cr.grad(f, (0, 1)),
        "jacfwd": lambda f: cr.jacfwd(f, (0, 1)),
        "hessian": lambda f: cr.hessian(f, (0, 1)),
        "jacrev of grad": lambda f: cr.jacrev(cr.grad(f), (0, 1)),
        "grad of jvp": lambda f: cr.grad(lambda u, nu: cr.jvp(f, (u, nu), (u, 1.0))[1], (0, 1)),
    }

    def loss(f):
        def of(u, nu):
            found = f(u * 1.5, np.sin(nu))
            return np.sum(found["u"] ** 3) * found["total"]

        return of

    u, nu = numbers(5), 0.3
    with cr.engine("tape"):
        expected = orders[mode](loss(energy))(u, nu)
        same(orders[mode](loss(cr.compile(energy)))(u, nu), expected)


# -- second derivatives of what draws ------------------------------------------------------------


def walk(x, rng):
    u = np.zeros(4)
    u[0] = x
    for i in range(3):
        z = rng.standard_normal()
        u[i + 1] = np.sin(u[i] * z) + 0.3 * u[i] ** 2
        x = x * u[i + 1]
    return x * u[3]


class Walker:
    def __init__(self, rng):
        self.rng = rng


ORDERS = {
    "grad": (1, cr.grad),
    "jacrev": (1, cr.jacrev),
    "jacfwd": (1, cr.jacfwd),
    "jvp": (1, lambda p: lambda x, r: cr.jvp(lambda t: p(t, r), (x,), (1.0,))[1]),
    "vjp": (1, lambda p: lambda x, r: cr.vjp(lambda t: p(t, r), x)[1](1.0)[0]),
    "grad grad": (2, lambda p: cr.grad(cr.grad(p))),
    "hessian": (2, cr.hessian),
    "jacrev grad": (2, lambda p: cr.jacrev(cr.grad(p))),
    "jacfwd grad": (2, lambda p: cr.jacfwd(cr.grad(p))),
    "jvp grad": (2, lambda p: lambda x, r: cr.jvp(lambda t: cr.grad(p)(t, r), (x,), (1.0,))[1]),
    "vjp grad": (2, lambda p: lambda x, r: cr.vjp(lambda t: cr.grad(p)(t, r), x)[1](1.0)[0]),
    "grad grad traced": (2, lambda p: cr.grad(cr.grad(lambda x, r: p(x, r) * 1.0))),
    "grad vjp": (2, lambda p: cr.grad(lambda x, r: cr.vjp(lambda t: p(t, r), x)[1](1.0)[0])),
}


@pytest.mark.parametrize("held", [False, True], ids=["generator", "held by an object"])
@pytest.mark.parametrize("name", ORDERS)
def test_every_run_of_a_derivative_draws_the_same_and_once(name, held):
    def value(x):
        return walk(x, np.random.default_rng(3))

    f = (lambda x, w: walk(x, w.rng)) if held else walk
    rng, once = np.random.default_rng(3), np.random.default_rng(3)
    order, derivative = ORDERS[name]
    found = derivative(cr.compile(f))(0.7, Walker(rng) if held else rng)
    h = 1e-3
    y = [value(0.7 + k * h) for k in (-2, -1, 0, 1, 2)]
    slope = np.dot(y, [1, -8, 0, 8, -1]) / (12 * h)
    bend = np.dot(y, [-1, 16, -30, 16, -1]) / (12 * h**2)
    same(found, slope if order == 1 else bend, 1e-6)
    walk(0.7, once)
    assert rng.bit_generator.state == once.bit_generator.state


def test_one_generator_given_twice_stays_one():
    def f(x, a, b):
        return np.sin(x * a.normal()) * np.sin(x * b.normal())

    p, x, h = cr.compile(f), 0.7, 1e-3
    rng = np.random.default_rng(3)
    found = cr.grad(cr.grad(p))(x, rng, rng)

    def value(x):
        rng = np.random.default_rng(3)
        return f(x, rng, rng)

    same(found, (value(x + h) - 2 * value(x) + value(x - h)) / h**2, 1e-4)


def test_second_gradients_look_like_those_of_the_tape():
    f = lambda x, y: np.sin(x * y) * x
    p = cr.compile(f)
    for argnums in (0, 1, "y", (0, 1)):
        inner, outer = cr.grad(p), cr.grad(f)
        same(cr.grad(inner, argnums)(0.7, 0.3), cr.grad(outer, argnums)(0.7, 0.3))
        same(
            cr.value_and_grad(inner, argnums)(0.7, 0.3), cr.value_and_grad(outer, argnums)(0.7, 0.3)
        )
    with_aux = lambda x, y: (f(x, y), {"y": y})
    found = cr.grad(cr.grad(cr.compile(with_aux), has_aux=True), has_aux=True)(0.7, 0.3)
    same(found, cr.grad(cr.grad(with_aux, has_aux=True), has_aux=True)(0.7, 0.3))
    with pytest.raises(cr.errors.ShapeError, match="scalar output"):
        cr.grad(cr.grad(wave))(numbers(3))
