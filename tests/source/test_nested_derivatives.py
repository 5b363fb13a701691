"""Derivatives inside a function that is compiled: ``cr.grad(f)(x)`` as a part of the program."""

import inspect
import itertools
import re
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, ShapeError, UnsupportedError
from source import oracles
from source.composed_programs import PROGRAMS, swirled
from source.generator import HELPERS, arguments, function_of, random_program
from source.nested_programs import W, X, leapfrog
from source.oracles import RTOL_SECOND, Compiled, assert_close, copied, inner, random_like, vector
from source.test_random_programs import FIRST_SEED, LONG, WRT, is_refused

STEP = 2.0**-12
CONSTANTS = ("stopped", "stopped_in", "stopped_on_some_paths", "stopped_on_the_way")
"""Programs whose derivative is meant to differ from that of their values."""


@pytest.mark.parametrize("p", PROGRAMS, ids=[p.function.__name__ for p in PROGRAMS])
def test_a_program(p):
    wrt = tuple(k for k, arg in enumerate(p.args) if not isinstance(arg, int))
    rng = np.random.default_rng(3)
    engine = Compiled(p.function, p.args, wrt)
    t, ct = random_like(rng, [p.args[k] for k in wrt]), 0.7
    assert_close(vector(engine.program(*copied(p.args))), vector(p.function(*p.args)), "value")
    _, y_dot = engine.push(copied(p.args), t)
    _, cts = engine.pull(copied(p.args), ct)
    assert_close(inner(ct, y_dot), inner(cts, t), "<ct, J t> = <J^T ct, t>", 1e-10)
    if p.function.__name__ not in CONSTANTS:
        slope = oracles.along(p.function, p.args, wrt, vector(t), STEP)
        assert_close(vector(y_dot), slope, "tangent", 1e-7)
    second = engine.push_of_pull(copied(p.args), ct, t)
    for other in (engine.pull_of_push, engine.pull_of_pull):
        found = other(copied(p.args), ct, t)
        assert_close(vector(found), vector(second), other.__name__, 1e-9)
    if p.tape:
        compare_with_the_tape(p, wrt, ct, t, cts, second)
    else:
        expected = oracles.along(lambda *xs: engine.pull(xs, ct)[1], p.args, wrt, vector(t), STEP)
        assert_close(vector(second), expected, "second order", RTOL_SECOND)


def restricted(p):
    """Return a program as a function of its floats, which come first."""
    rest = [arg for arg in p.args if isinstance(arg, int)]
    return lambda *xs: p.function(*xs, *rest)


def compare_with_the_tape(p, wrt, ct, t, cts, second):
    with cr.engine("tape"):
        expected = cr.grad(p.function, wrt)(*p.args)
        hessian_t = cr.hvp(restricted(p), p.args[: len(wrt)], tuple(t))
    assert_close(vector(cts), ct * vector(expected), "the tape's gradient", 1e-9)
    assert_close(vector(second), ct * vector(hessian_t), "the tape's second order", 1e-8)


def test_a_pullback_is_called_again():
    """What it is given stays as it is, though the inner sweep changes arrays in place."""
    expected = cr.grad(cr.compile(swirled), (0, 1))(X, W)
    _, pull = cr.vjp(cr.compile(swirled), X, W)
    for _ in range(2):
        assert_close(vector(pull(1.0)), vector(expected), "cotangents")


# -- random programs: the derivative of a derivative, against the tangent of the adjoint -----------


def pulled_and_squared(function):
    def outer(x, y, v, w, a, ct):
        _, back = cr.vjp(lambda x, y, v, w, a: function(x, y, v, w, a, 3), x, y, v, w, a)
        gx, gy, gv, gw, ga = back(ct)
        return gx * 1.3 + gy * gx + np.sum(np.sin(gv)) + np.sum(gw * gw) + np.sum(np.sin(ga))

    return outer


numbering = itertools.count()


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + (LONG or 4)))
def test_random_programs(seed):
    source = random_program(seed, 12)
    function, args = function_of(source, next(numbering)), arguments(seed)
    if is_refused(function, args):
        pytest.skip("refused for want of a copy")
    rng = np.random.default_rng(seed)
    t, ct = random_like(rng, list(args[:5])), random_like(rng, function(*copied(args)))
    program = cr.compile(pulled_and_squared(function))
    try:
        gradient = cr.grad(program, WRT)(*copied(args)[:5], ct)
    except UnsupportedError as error:
        assert ".copy()" in str(error)
        pytest.skip("refused for want of a copy")
    except Exception as error:
        error.add_note(source[len(HELPERS) :])
        raise
    engine = Compiled(function, args, WRT)
    gx, gy, gv, gw, ga = engine.pull(copied(args), ct)[1]
    outer_ct = [1.3 + gy, gx, np.cos(gv), 2 * gw, np.cos(ga)]
    second = engine.push_of_pull(copied(args), ct, t)
    assert_close(inner(list(gradient), t), inner(outer_ct, second), source[len(HELPERS) :], 1e-9)


# -- what is around it -----------------------------------------------------------------------------

cubed = cr.grad(lambda z: np.sum(z**3))
of_program = cr.value_and_grad(cr.compile(lambda z: np.sum(z**3)))
bent = cr.hessian(lambda z: np.sum(z**3))
sloped = cr.jacobian(cr.compile(lambda z: z**2))


def test_derivatives_that_were_made_outside():
    def f(x):
        value, gradient = of_program(x)
        return cubed(x) + gradient + value, bent(x) @ x, sloped(x) @ x

    first, second, third = cr.compile(f)(X)
    np.testing.assert_allclose(first, 6 * X**2 + np.sum(X**3))
    np.testing.assert_allclose(second, 6 * X**2)
    np.testing.assert_allclose(third, 2 * X**2)


@pytest.mark.parametrize("make", [cr.grad, cr.hessian, lambda f: cr.grad(cr.compile(f))])
def test_a_derivative_is_compiled_itself(make):
    def f(x):
        return np.sum(x**3)

    made = make(f)
    np.testing.assert_allclose(cr.compile(made)(X), made(X))


def test_a_derivative_of_a_function_without_a_text():
    compiled = cr.compile(lambda x: cr.grad(np.sin)(x) * cr.jvp(np.cos, (x,), (1.0,))[1])
    np.testing.assert_allclose(compiled(0.7), -np.cos(0.7) * np.sin(0.7))


def test_integers_count_as_floats():
    def at(n):
        return cr.grad(lambda k: np.sum(k * k) * 1.5)(n)

    assert cr.compile(at)(3) == 9.0
    assert cr.compile(lambda: cr.grad(lambda k: k * k)(3))() == 6.0
    assert cr.compile(at)(np.array([1, 2])).tolist() == [3.0, 6.0]


def test_what_is_no_number_has_no_gradient():
    f = cr.compile(
        lambda x: cr.grad(lambda p: np.sum(p["x"]))({"x": x, "kind": "plain", "n": None})
    )
    assert f(X) == {"x": pytest.approx(np.ones(3)), "kind": None, "n": None}


def test_a_zero_cotangent_beats_an_infinite_slope():
    def f(x):
        return cr.grad(lambda z: np.sum(np.where(z > 0.5, np.sqrt(z - 0.5), 0)))(x)

    assert cr.compile(f)(np.full(3, 0.5)).tolist() == [0, 0, 0]
    assert cr.compile(f)(np.full(3, 1.5)).tolist() == [0.5] * 3


def with_an_infinite_factor_around(x):
    factor = 1 / (x - 0.5)
    return cr.grad(lambda z: np.sum(np.where(x > 0.5, z * factor, z)))(x)


def with_an_infinite_factor_left_out(x):
    factor = 1 / (x - 0.5)

    def f(z):
        y = z * factor
        return y[1] * y[2]

    return cr.grad(f)(x)


def with_an_overflow_left_out(x):
    return cr.grad(lambda z: np.sum(np.where(z > 0.6, z, np.exp(2000 * z))))(x)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:overflow")
@pytest.mark.parametrize(
    "f",
    [
        with_an_infinite_factor_around,
        with_an_infinite_factor_left_out,
        with_an_overflow_left_out,
    ],
)
def test_what_is_left_out_may_be_infinite(f):
    x = np.array([0.5, 0.7, 1.1])
    with cr.engine("tape"):
        expected = f(x)
    np.testing.assert_allclose(cr.compile(f)(x), expected)
    if f is not with_an_overflow_left_out:
        assert np.all(np.isfinite(expected))


def test_the_function_is_run_once(capsys):
    def f(x):
        def said(z):
            print("called")
            return np.sum(np.log(z))

        return cr.value_and_grad(said)(x)[1]

    np.testing.assert_allclose(cr.compile(f)(X), 1 / X)
    assert capsys.readouterr().out == "called\n"


def test_the_gradient_can_be_changed_in_place():
    def f(x):
        kept = []
        for k in range(3):
            g = cr.grad(lambda z: np.sum(z**2) * (k + 1))(x)  # noqa: B023
            g[0] = 0.0
            kept.append(g)
            h = g
            h *= 2
        return kept

    for k, g in enumerate(cr.compile(f)(X)):
        np.testing.assert_allclose(g, 4 * (k + 1) * X * [0, 1, 1])


def test_arguments_stay_as_they_are():
    x = X.copy()

    def f(x):
        def inner(z):
            z[0] = z[1] * 3
            return np.sum(z**2)

        return cr.grad(inner)(x) + x

    np.testing.assert_allclose(cr.compile(f)(x), [X[0], 20 * X[1] + X[1], 2 * X[2] + X[2]])
    assert x.tolist() == X.tolist()


def test_a_pullback_is_that_of_the_place_where_it_was_made():
    def f(x, w, changed):
        scale, u = 2.0, x.copy()
        y, back = cr.vjp(lambda a: a**2 * scale * u, x)
        if changed:
            scale = 5.0
            u[:] = 7.0
        return np.sum(back(w)[0] * y)

    program = cr.compile(f)
    expected = np.sum(4 * X**2 * W * 2 * X**3)
    np.testing.assert_allclose(program(X, W, True), expected)
    expected = 40 * X**4 * W, 8 * X**5
    for found, gradient in zip(cr.grad(program, (0, 1))(X, W, True), expected, strict=True):
        np.testing.assert_allclose(found, gradient)


def test_the_text_runs_alone():
    program = cr.compile(leapfrog)
    expected = cr.grad(program)(X, W)
    text = cr.grad(program).source
    assert "chainrule" not in re.sub("cr\\.", "", text)
    call = f"print(repr(leapfrog_grad(np.array({X.tolist()}), np.array({W.tolist()})).tolist()))"
    run = subprocess.run([sys.executable, "-c", text + call], capture_output=True, check=True)
    assert eval(run.stdout) == pytest.approx(expected.tolist())


def test_the_text_of_a_step():
    def step(x, w):
        g = cr.grad(lambda z: np.sum((z * w - 1) ** 2))(x)
        return x - 0.1 * g

    program = cr.compile(step)
    program(X, W)
    assert len(program.source.splitlines()) <= 8
    assert "stack" not in program.source


# -- errors --------------------------------------------------------------------------------------


def no_scalar(x):
    return cr.grad(lambda z: z * 2)(x)  # HERE


def no_number(x):
    return cr.grad(lambda z: (z, z))(x)  # HERE


def no_such_argument(x):
    return cr.grad(np.sum, 1)(x)  # HERE


def no_such_name(x):
    return cr.grad(np.sum, "w")(x)  # HERE


def named_twice(x):
    return cr.grad(np.sum, (0, -1))(x)  # HERE


def no_pair(x):
    return cr.grad(np.sum, has_aux=True)(x)  # HERE


def nothing_to_differentiate(x):
    return cr.grad(lambda z: np.sum(x))("text")  # HERE


def two_cotangents(x):
    _, back = cr.vjp(np.sin, x)
    return back(x, x)  # HERE


def cotangent_of_another_shape(x):
    _, back = cr.vjp(np.sin, x)
    return back(1.0)  # HERE


def cotangent_of_another_structure(x):
    _, back = cr.vjp(lambda z: (z, z), x)
    return back([x])  # HERE


def complex_cotangent(x):
    _, back = cr.vjp(np.sin, x)
    return back(1j * x)  # HERE


def two_tangents(x):
    return cr.jvp(np.sin, (x,), (x, x))  # HERE


def no_jacobian(x):
    return cr.jacobian(lambda z: "text")(x)  # HERE


@pytest.mark.parametrize(
    ("f", "kind", "message"),
    [
        (no_scalar, ShapeError, "scalar output"),
        (no_number, ArgumentError, "returned a tuple"),
        (no_such_argument, ArgumentError, "argnums=1"),
        (no_such_name, ArgumentError, "argnums='w'"),
        (named_twice, ArgumentError, "twice"),
        (no_pair, ArgumentError, "pair"),
        (nothing_to_differentiate, ArgumentError, "nothing to differentiate"),
        (two_cotangents, ArgumentError, "one cotangent, not 2"),
        (cotangent_of_another_shape, ShapeError, "0 axes"),
        (cotangent_of_another_structure, ArgumentError, "structure"),
        (complex_cotangent, ArgumentError, "complex cotangent"),
        (two_tangents, ArgumentError, "1 primals and 2 tangents"),
        (no_jacobian, ArgumentError, "no Jacobian"),
    ],
)
def test_errors_have_the_line_of_the_derivative(f, kind, message):
    with pytest.raises(kind, match=message) as caught:
        cr.compile(f)(X)
    lines, start = inspect.getsourcelines(f)
    line = start + next(i for i, text in enumerate(lines) if "# HERE" in text)
    assert str(caught.value).endswith(f"{__file__}:{line}")
