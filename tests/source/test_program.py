"""Programs as a user holds them: what is made when, and what a run does to the world."""

from __future__ import annotations

import ast
import importlib
import linecache
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule._trees import leaves_of
from chainrule.errors import ArgumentError, UnsupportedError
from chainrule.source.program import Program, compile_
from chainrule.transforms import compiled, compiled_jacobians, programs


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


def energy(u, nu):
    u = u.copy()
    for _ in range(3):
        u[1:-1] += nu * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(np.sin(u) ** 2)


def field(u, nu):
    u = u.copy()
    u[1:-1] += nu * (u[2:] * u[:-2])
    return {"u": u, "total": np.sum(u) * nu}


# ------------------------------------------------------------------------------------ programs


def test_a_program_is_called_like_its_function():
    p = compile_(energy)
    u = numbers(6)
    assert p(u, nu=0.2) == energy(u, 0.2)
    assert p.__name__ == "energy"
    assert isinstance(p, Program)
    assert compile_(p) is p


def test_source_is_that_of_the_last_call():
    p = compile_(lambda x: x * 2)
    with pytest.raises(ArgumentError, match="no text yet"):
        _ = p.source
    p(1.0)
    assert "return x * 2" in p.source
    assert p.opaque_calls == []
    assert "after lower" in p.explain()


def test_source_for_types_alone():
    p = compile_(energy).for_types("f8[:], f8")
    assert "u[1:-1] +=" in p.source.replace("u_2", "u")


def test_derivatives_are_shown_before_they_run():
    u = numbers(5)
    p = compile_(energy)
    assert "def energy_grad" in compiled.grad(p, 0, False).specialise(u, 0.1).source
    hessian = compiled_jacobians.hessian(p, 0)
    assert "def energy_grad_jvp" in hessian.specialise(u, 0.1).source
    hessian(u, 0.1)
    assert "def energy_grad_jvp" in hessian.source
    assert "def field_pullback" in jacrev(field).specialise(u, 0.1).source


def test_one_program_per_signature():
    p = compile_(lambda x, n: x * n)
    for size in (2, 3, 4):
        p(np.ones(size), size)
    assert len(p._families) == 1
    p(np.ones(1), 1)
    assert len(p._families) == 2


def test_static_integers_make_new_programs():
    def f(x, axis):
        return np.sum(x, axis=axis)

    p = compile_(f)
    x = numbers(2, 3)
    for axis in (0, 1, 0, -1):
        assert np.array_equal(p(x, axis), f(x, axis))
    g = jacrev(lambda x, axis: np.sum(x**2, axis=axis))
    assert g(x, 0).shape == (3, 2, 3)
    assert g(x, 1).shape == (2, 2, 3)


def test_closed_over_values_are_read_at_every_call():
    scale = 2.0
    weights = np.array([1.0, 2.0])

    def f(x):
        return np.sum(weights * x) * scale

    p, g = compile_(f), grad(f)
    x = numbers(2)
    assert p(x) == f(x)
    same(g(x), weights * 2.0)
    scale = 5.0
    weights = np.array([7.0, 8.0])
    assert p(x) == f(x)
    same(g(x), weights * 5.0)


def test_known_closed_over_values_are_watched():
    n = 2

    def f(x):
        return x**n

    p = compile_(f)
    assert p(3.0) == 9.0
    n = 3
    assert p(3.0) == 27.0
    n = 2
    assert p(3.0) == 9.0


def test_callers_arrays_stay_as_they_are():
    def f(x):
        x[0] = 5.0
        x *= 2.0
        return np.sum(x**2)

    x = numbers(3)
    before = x.copy()
    for call in (compile_(f), grad(f), jacfwd(f), lambda x: compiled.vjp(compile_(f), x)[1](1.0)):
        call(x)
        assert np.array_equal(x, before)


def test_changed_arguments_must_not_share_memory():
    def f(a, b):
        a[0] = 1.0
        return np.sum(a * b)

    x = numbers(4)
    with pytest.raises(ArgumentError, match="a and b share memory"):
        compile_(f)(x, x[::-1])
    with pytest.raises(ArgumentError, match="share memory"):
        grad(f)(x, x)
    assert compile_(f)(x[:2], x[2:]) == np.sum(np.array([1.0, x[1]]) * x[2:])


def test_programs_are_made_once_from_many_threads():
    p = compile_(energy)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(p(numbers(6), 0.1))) for _ in range(8)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [energy(numbers(6), 0.1)] * 8
    (family,) = p._families.values()
    assert sum(map(len, family.table.values())) == 1


def test_emitted_text_runs_alone():
    g = value_and_grad(energy, (0, 1))
    u = numbers(6)
    value, (u_ct, nu_ct) = g(u, 0.2)
    code = g.source + (
        f"\nvalue, (a, b) = energy_value_and_grad(np.array({u.tolist()}), 0.2)\n"
        "print(repr([float(value), a.tolist(), float(b)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert eval(done.stdout) == [float(value), u_ct.tolist(), float(nu_ct)]


def test_methods_can_be_compiled():
    class Model:
        def __init__(self):
            self.w = np.array([1.0, 2.0])

        @compile_
        def apply(self, x):
            return np.sum(self.w * x)

    model = Model()
    assert model.apply(np.ones(2)) == 3.0
    model.w = np.array([5.0, 6.0])
    assert model.apply(np.ones(2)) == 11.0


def test_compile_is_also_a_decorator():
    @programs.compile
    def twice(x):
        return 2 * x

    @programs.compile(backend="numpy")
    def thrice(x):
        return 3 * x

    assert isinstance(twice, Program)
    assert (twice(1.0), thrice(1.0)) == (2.0, 3.0)
    assert programs.derivatives_of(twice) is compiled
    assert programs.derivatives_of(compiled.grad(twice, 0, False)) is compiled
    assert programs.derivatives_of(jacrev(twice)) is None
    assert programs.derivatives_of(np.sin) is None


def test_an_unknown_backend_is_refused():
    with pytest.raises(UnsupportedError, match="no backend"):
        compile_(energy, backend="abacus")


# ----------------------------------------------------------------------- effects and other runs


def test_prints_happen_once(capsys):
    def f(x):
        print("run", x.shape)
        return np.sum(x**2)

    x = numbers(2)
    p = compile_(f)
    calls = [
        lambda: p(x),
        lambda: grad(f)(x),
        lambda: compiled.vjp(p, x)[1](1.0),
        lambda: compiled.jvp(p, (x,), (x,)),
        lambda: compiled.linearize(p, x)[1](x),
        lambda: jacrev(f)(x),
        lambda: jacfwd(f)(x),
        lambda: cr.grad(lambda x: p(x) * 2.0)(x),
        lambda: cr.jvp(lambda x: p(x) * 2.0, (x,), (x,)),
    ]
    for call in calls:
        call()
        assert capsys.readouterr().out == "run (2,)\n"


def test_random_draws_are_the_same_in_every_product():
    def f(x, rng):
        return np.sum(x * rng.normal(size=3))

    x = numbers(3)
    drawn = np.random.default_rng(5).normal(size=3)
    p = compile_(f)
    rng = np.random.default_rng
    same(grad(f)(x, rng(5)), drawn)
    same(cr.grad(lambda x: p(x, rng(5)))(x), drawn)
    generator = rng(5)
    value, _ = value_and_grad(f)(x, generator)
    np.testing.assert_allclose(value, np.sum(x * drawn))
    assert generator.normal() == rng(5).normal(size=4)[3]


def test_a_draw_that_cannot_be_repeated_is_refused():
    rng = np.random.default_rng(5)
    f = lambda x: np.sum(x * rng.normal(size=3))
    assert np.all(np.isfinite(grad(f)(numbers(3))))
    assert np.all(np.isfinite(compiled.vjp(compile_(f), numbers(3))[1](1.0)))
    _, f_jvp = compiled.linearize(compile_(f), numbers(3))
    with pytest.raises(UnsupportedError, match="other random numbers"):
        f_jvp(numbers(3))


def test_products_use_closed_over_values_as_they_were():
    weights = np.array([1.0, 2.0])
    f = lambda x: np.sum(weights * x**2)
    p = compile_(f)
    x = numbers(2)
    _, pullback = compiled.vjp(p, x)
    expected = 2 * weights * x
    weights[:] = 0.0
    same(pullback(1.0), (expected,))


def test_functions_without_source_go_through_the_tape():
    def make():
        space = {"np": np}
        exec("def hidden(x):\n    return np.sin(x) * x", space)
        return space["hidden"]

    hidden = make()
    f = lambda x: np.sum(hidden(x * 2.0)) * 3.0
    p = compile_(f)
    x = numbers(3)
    assert p(x) == f(x)
    assert p.opaque_calls == ["hidden"]
    same(grad(f)(x), cr.grad(f)(x), 1e-10)
    same(compiled.jvp(p, (x,), (x,)), cr.jvp(f, (x,), (x,)), 1e-10)
    with pytest.raises(UnsupportedError, match="second derivative"):
        compiled_jacobians.hvp(p, (x,), (x,))
    for outer in (lambda g: cr.jvp(g, (x,), (x,)), lambda g: cr.vjp(g, x)[1](1.0)):
        with pytest.raises(UnsupportedError, match="second derivative through hidden"):
            outer(lambda x: cr.jvp(p, (x,), (np.ones(3),))[1])


def test_comments_show_the_users_lines_and_no_rules():
    def f(a):
        b = np.trace(a) * a[0, 0]
        return b + np.trace(a @ a)

    gradient = cr.grad(cr.compile(f, backend="numpy"))
    gradient(np.eye(2))
    comments = [x.strip() for x in gradient.source.splitlines() if x.strip().startswith("#")]
    assert comments == ["# return b + np.trace(a @ a)", "# b = np.trace(a) * a[0, 0]"]


def test_a_file_that_is_changed_and_imported_again(tmp_path, monkeypatch):
    """The text of the function is the one that it was made from."""
    file = tmp_path / "changing_module.py"
    body = ("y = np.zeros(2)", "y[0] = {} * x", "return y.sum()")
    text = "\n    ".join(("import numpy as np\ndef f(x):", *body)) + "\n"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file.write_text(text.format(2))
    module = importlib.import_module("changing_module")
    try:
        assert cr.grad(module.f)(1.0) == grad(module.f)(1.0) == 2
        for factor in (33, 4):  # another length, and the same length as at first
            file.write_text(text.format(factor))
            os.utime(file, (factor, factor))
            importlib.reload(module)
            assert cr.grad(module.f)(1.0) == factor
            assert grad(module.f)(1.0) == factor
        file.write_text(text.format(5))  # and not imported again
        os.utime(file, (5, 5))
        old = module.f
        new = type(old)(old.__code__.replace(), old.__globals__)
        with pytest.raises(UnsupportedError, match="source of f"):
            compile_(new)(1.0)
        file.write_text("this is no Python")
        os.utime(file, (6, 6))
        with pytest.raises(UnsupportedError, match="source of f"):
            compile_(type(old)(old.__code__.replace(), old.__globals__))(1.0)
    finally:
        del sys.modules["changing_module"]


def test_a_cell_of_a_notebook():
    """Its statements are compiled one by one: without the import beside them."""
    file, space = "<cell 7>", {}
    text = "import numpy as np\ndef f(x):\n    return np.array([x, np.sin(x)]).sum()\nk = 1\n"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    for statement in ast.parse(text).body:
        exec(compile(ast.Module([statement], []), file, "exec"), space)
    assert grad(space["f"])(0.5) == cr.grad(space["f"])(0.5) == 1 + np.cos(0.5)


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_odd_reflections(mode):
    def f(x):
        return np.sum(np.pad(x, (2, 3), mode, reflect_type="odd") ** 2)

    with cr.engine("tape"):
        expected = cr.grad(f)(numbers(4))
    same(grad(f)(numbers(4)), expected, 1e-12)


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_arrays_of_one_element_are_arrays(shape):
    def f(x):
        out = np.zeros(shape)
        for i in range(2):
            out[(0,) * len(shape)] += x[i] * x[0]
        return np.sum(out) + np.array([x[1] * 3.0]).sum() + np.mean(out)

    x = numbers(2)
    slope = np.array([2 * (2 * x[0] + x[1]), 2 * x[0] + 3])
    np.testing.assert_allclose(grad(f)(x), slope)
    np.testing.assert_allclose(compiled.jvp(compile_(f), (x,), (x,))[1], slope @ x)
    np.testing.assert_allclose(cr.hessian(compile_(f))(x), [[4, 2], [2, 0]])
