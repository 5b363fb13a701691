"""Derivatives of Programs as a user holds them: the same answers as from the tape."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule._trees import leaves_of
from chainrule.errors import ArgumentError, ShapeError
from chainrule.source.program import compile_
from chainrule.transforms import compiled, compiled_jacobians


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def grad(f, argnums=0, has_aux=False):
    return compiled.grad(compile_(f), argnums, has_aux)


def value_and_grad(f, argnums=0, has_aux=False):
    return compiled.value_and_grad(compile_(f), argnums, has_aux)


def jacrev(f, argnums=0):
    return compiled_jacobians.jacrev(compile_(f), argnums)


def jacfwd(f, argnums=0):
    return compiled_jacobians.jacfwd(compile_(f), argnums)


def hessian(f, argnums=0):
    return compiled_jacobians.hessian(compile_(f), argnums)


def same(a, b, tol=1e-12):
    """Compare two results leaf by leaf: structure, types, shapes, dtypes, numbers."""
    assert type(a) is type(b)
    a, b = list(leaves_of(a)), list(leaves_of(b))
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert (x is None) == (y is None)
        if x is None:
            continue
        assert type(x) is type(y)
        assert np.shape(x) == np.shape(y)
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=tol, atol=tol)


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class State:
    position: Any
    label: str
    speed: float = 1.0


def energy(u, nu):
    u = u.copy()
    for _ in range(3):
        u[1:-1] += nu * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(np.sin(u) ** 2)


def waves(u, nu):
    return np.sum(np.sin(u * nu) ** 2)


def field(u, nu):
    u = u.copy()
    u[1:-1] += nu * (u[2:] * u[:-2])
    return {"u": u, "total": np.sum(u) * nu}


# ----------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize(
    "f, args, argnums",
    [
        (energy, (numbers(6), 0.2), 0),
        (energy, (numbers(6), 0.2), (0, 1)),
        (waves, (numbers(6), 0.2), "nu"),
        (waves, (numbers(6), 0.2), -1),
        (waves, (numbers(6), 0.2), [1]),
        (lambda x: x**2, (3,), 0),
        (lambda x: np.sum(x**2), (np.arange(4),), 0),
        (lambda x: np.sum(x * x), (numbers(3).astype(np.float32),), 0),
        (lambda x: x * 2.0, (np.array(2.0),), 0),
        (lambda x, y: np.sum(y), (numbers(2), numbers(2)), (0, 1)),
        (lambda p: p["a"] * np.sum(p["b"][0]), ({"a": 2.0, "b": [numbers(2), None, "x"]},), 0),
        (lambda p: p.a * np.sum(p.b), (Pair(2.0, numbers(2)),), 0),
        (lambda s: np.sum(s.position) * s.speed, (State(numbers(2), "x", 2.0),), 0),
        (lambda x: x[0] * x[1], ([2.0, 3.0],), 0),
        (lambda *xs: xs[0] * xs[1] ** 2, (2.0, 3.0), (0, 1)),
        (lambda *xs: np.sum(xs[0] ** 2), (numbers(3),), 0),
        (lambda z: np.abs(z * z), (1.0 + 2.0j,), 0),
        (lambda z: np.sum(np.real(z * np.conj(z))), (numbers(2) + 1j,), 0),
        (lambda x: 5.0, (1.0,), 0),
        (lambda x: 5.0, (numbers(2),), 0),
    ],
)
def test_gradients_are_those_of_the_tape(f, args, argnums):
    g, expected = grad(f, argnums), cr.grad(f, argnums)
    for _ in range(2):  # the second call may take a shorter way
        same(g(*args), expected(*args))
    value, gradient = value_and_grad(f, argnums)(*args)
    expected, expected_gradient = cr.value_and_grad(f, argnums)(*args)
    same(gradient, expected_gradient)
    np.testing.assert_allclose(value, expected)


def test_keyword_arguments():
    f = lambda x, *, scale, **more: np.sum(x) * scale * more["k"]
    given = {"scale": 2.0, "k": 3.0}
    for argnums in ("scale", "k", (0, "k")):
        same(grad(f, argnums)(numbers(2), **given), cr.grad(f, argnums)(numbers(2), **given))


def test_aux_is_passed_through():
    f = lambda x: (np.sum(x**2), {"x": x, "n": 3, "text": "a"})
    x = numbers(2)
    g, aux = grad(f, has_aux=True)(x)
    same(g, 2 * x)
    assert aux["n"] == 3
    assert aux["text"] == "a"
    assert np.array_equal(aux["x"], x)
    assert aux["x"] is not x
    (value, _), g = value_and_grad(f, has_aux=True)(x)
    assert value == np.sum(x**2)
    same(g, 2 * x)


@pytest.mark.parametrize(
    "f, args, error, message",
    [
        (lambda x: x * 2, (numbers(2),), ShapeError, "scalar output"),
        (lambda x: (x, x), (1.0,), ArgumentError, "returned a tuple"),
        (lambda x: x * 1j, (1.0,), ArgumentError, "real output"),
        (lambda x: "text", (1.0,), ArgumentError, "returns a number"),
        (lambda x: x, ("text",), ArgumentError, "nothing to differentiate by"),
        (lambda x: x, (True,), ArgumentError, "nothing to differentiate by"),
    ],
)
def test_what_has_no_gradient_is_refused(f, args, error, message):
    with pytest.raises(error, match=message):
        grad(f)(*args)


def test_gradients_own_their_memory():
    x, y = numbers(3), numbers(3, seed=1)
    f = lambda x, y: np.sum(x + y)
    a, b = grad(f, (0, 1))(x, y)
    assert not np.shares_memory(a, b)
    weights = numbers(3)
    g = grad(lambda x: np.sum(weights * x))(x)
    g[:] = 0.0
    assert np.all(weights > 0)
    a, b = grad(lambda x, y: np.dot(x, y) * 1.0, (0, 1))(x, y)
    assert not np.shares_memory(a, y)
    assert not np.shares_memory(b, x)


def test_a_zero_cotangent_beats_an_infinite_slope(capsys):
    def f(x):
        print("run")
        return np.sum(np.where(x > 0, np.sqrt(x), 0.0))

    x = np.array([0.0, 4.0])
    with np.errstate(all="ignore"):
        same(grad(f)(x), np.array([0.0, 0.25]))
    assert capsys.readouterr().out == "run\n"


def test_zero_tangents_beat_infinite_slopes():
    f = lambda x: np.where(x > 0, np.sqrt(x), 0.0) * 2.0
    x, t = np.array([0.0, 4.0]), np.array([0.0, 1.0])
    with np.errstate(all="ignore"):
        same(compiled.jvp(compile_(f), (x,), (t,)), cr.jvp(f, (x,), (t,)))


# ------------------------------------------------------------------------- products, jacobians


def test_products_are_those_of_the_tape():
    u, nu = numbers(6), 0.2
    p = compile_(field)
    dots = (numbers(6, seed=3), 0.7)
    same(compiled.jvp(p, (u, nu), dots), cr.jvp(field, (u, nu), dots))
    same(compiled.jvp(p, (u, nu), (None, 1.0)), cr.jvp(field, (u, nu), (None, 1.0)))
    y, pullback = compiled.vjp(p, u, nu)
    expected, expected_pullback = cr.vjp(field, u, nu)
    same(y, expected)
    for seed in (4, 5):
        ct = {"u": numbers(6, seed=seed), "total": 0.3}
        same(pullback(ct), expected_pullback(ct))
    y, f_jvp = compiled.linearize(p, u, nu)
    same(y, expected)
    same(f_jvp(*dots), cr.jvp(field, (u, nu), dots)[1])


def test_a_pullback_keeps_its_point():
    x = numbers(3)
    _, pullback = compiled.vjp(compile_(lambda x: x**2), x)
    before = x.copy()
    x[:] = 0.0
    same(pullback(np.ones(3)), (2 * before,))
    same(pullback(np.ones(3)), (2 * before,))


@pytest.mark.parametrize(
    "f, args",
    [
        (lambda x: x**2 * np.sum(x), (numbers(3),)),
        (lambda x: {"a": x[0] * x[1], "b": [np.outer(x, x)]}, (numbers(3),)),
        (lambda x: np.sum(x) * 2, (numbers(2, 2),)),
        (lambda x: np.sin(x) * 2, (0.5,)),
        (lambda p: p["a"] * p["b"], ({"a": 2.0, "b": numbers(2)},)),
        (lambda z: z**2, (numbers(2) + 1j,)),
        (lambda x: 3.0, (numbers(2),)),
    ],
)
def test_jacobians_are_those_of_the_tape(f, args):
    same(jacrev(f)(*args), cr.jacrev(f)(*args))
    same(jacfwd(f)(*args), cr.jacfwd(f)(*args))


def test_jacobians_by_several_arguments():
    f = lambda x, y: np.outer(x, y) * 2.0
    args = numbers(2), numbers(3)
    same(jacrev(f, (0, 1))(*args), cr.jacrev(f, (0, 1))(*args))
    same(jacfwd(f, (1, 0))(*args), cr.jacfwd(f, (1, 0))(*args))


# ------------------------------------------------------------------------------- second order


def test_second_derivatives_in_all_mixes():
    u, nu = numbers(5), 0.3
    v, dnu = numbers(5, seed=2), 0.4
    p = compile_(energy)
    g, expected = compiled.grad(p, (0, 1), False), cr.grad(energy, (0, 1))
    hv = compiled_jacobians.hvp(p, (u, nu), (v, dnu))
    same(hv, cr.hvp(energy, (u, nu), (v, dnu)), 1e-10)
    same(hessian(energy)(u, nu), cr.hessian(energy)(u, nu), 1e-10)
    same(compiled_jacobians.jacrev(g, 0)(u, nu), cr.jacrev(expected)(u, nu), 1e-10)
    y, pullback = compiled.vjp(g, u, nu)
    same(y, expected(u, nu), 1e-10)
    same(pullback((v, dnu)), hv, 1e-10)


def test_gradient_of_a_gradient():
    f = lambda x: np.sin(x) * x
    gg = compiled.grad(grad(f), 0, False)
    same(gg(0.7), cr.grad(cr.grad(f))(0.7))


def along(f):
    """The derivative along a direction that depends on the point."""
    return lambda x, nu: cr.jvp(lambda x: f(x, nu), (x,), (x * x,))[1]


def slope(f):
    """A number that the gradient gives."""
    return lambda x, nu: np.sum(cr.grad(f)(x, nu) * np.cos(x))


@pytest.mark.parametrize("order", [3, 4])
def test_derivatives_of_any_order_in_all_mixes(order):
    u, nu = numbers(3), 0.3
    for steps in itertools.product([slope, along], repeat=order - 1):
        f, g = compile_(energy), energy
        for step in steps:
            f, g = step(f), step(g)
        same(cr.grad(f, (0, 1))(u, nu), cr.grad(g, (0, 1))(u, nu), 1e-9)
        same(cr.jvp(f, (u, nu), (u, 1.0)), cr.jvp(g, (u, nu), (u, 1.0)), 1e-9)


def test_third_derivatives_of_functions_that_a_tape_cannot_follow():
    def stored(v):
        out = np.zeros(3)
        for i in range(3):
            out[i] = np.sin(v[i]) * v[0] ** 2
        return out.sum()

    plain = lambda v: np.sum(np.sin(v) * v[0] ** 2)
    v = numbers(3)
    third = cr.jacrev(cr.jacrev(cr.jacrev(stored)))(v)
    same(third, cr.jacfwd(cr.jacfwd(cr.jacfwd(plain)))(v), 1e-10)
    same(cr.grad(lambda v: cr.hessian(stored)(v).sum())(v), third.sum((0, 1)), 1e-10)


def test_third_derivatives_by_the_leaves_of_containers():
    p = compile_(field)
    f = lambda f: lambda x, y: np.sum(f(x, y)["u"] ** 2) + f(x, y)["total"]
    twice = lambda f: lambda x, y: np.sum(cr.grad(lambda x: cr.grad(f)(x, y) @ x)(x) ** 2)
    x = numbers(3)
    for argnums in (0, 1, (0, 1)):
        found = cr.grad(twice(f(p)), argnums)(x, 0.2)
        same(found, cr.grad(twice(f(field)), argnums)(x, 0.2), 1e-9)


def test_programs_among_traced_values():
    u, nu = numbers(5), 0.3
    p, g = compile_(energy), grad(energy)
    loss = lambda f: lambda u, nu: f(u * 2.0, nu) ** 2
    same(cr.grad(loss(p), (0, 1))(u, nu), cr.grad(loss(energy), (0, 1))(u, nu), 1e-10)
    same(cr.hessian(loss(p))(u, nu), cr.hessian(loss(energy))(u, nu), 1e-10)
    norm = lambda g: lambda u, nu: np.sum(g(u, nu) ** 2)
    same(cr.grad(norm(g), (0, 1))(u, nu), cr.grad(norm(cr.grad(energy)), (0, 1))(u, nu), 1e-10)
    same(
        cr.jvp(norm(g), (u, nu), (u, 1.0)), cr.jvp(norm(cr.grad(energy)), (u, nu), (u, 1.0)), 1e-10
    )


def test_containers_of_traced_values():
    p = compile_(field)
    f = lambda f: lambda x: np.sum(f(x, 0.2)["u"]) + f(x, 0.2)["total"]
    x = numbers(5)
    same(cr.grad(f(p))(x), cr.grad(f(field))(x), 1e-10)


def test_a_program_inside_a_compiled_function():
    p = compile_(energy)
    f = lambda u: p(u, 0.2) * 2.0
    u = numbers(5)
    same(grad(f)(u), 2 * cr.grad(energy)(u, 0.2), 1e-10)


def test_texts_have_no_tangent():
    def f(x, form):
        label = f"{x[0]:.3f} of {x}" + str(len(x))
        said = [form % x[1], "{:.1f}".format(x[0]), repr(x)]  # noqa: UP032
        if x[0] < -5:
            raise ValueError(label, said)
        return np.sum(x**2)

    x, t = numbers(3), numbers(3)[::-1].copy()
    p = compile_(lambda x: f(x, "%.2f"))
    assert cr.jvp(p, (x,), (t,))[1] == pytest.approx(2 * x @ t)
    same(cr.hvp(p, (x,), (t,)), 2 * t)
