"""Programs called on the tape again and again: one operation each, found by types."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr

X = np.array([0.5, -1.0, 2.0])


@pytest.fixture(params=["numpy", "numba"])
def compiled(request, monkeypatch, tmp_path_factory):
    if request.param == "numba":
        pytest.importorskip("numba")
        folder = tmp_path_factory.getbasetemp() / "machine code"
        monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(folder))
    return lambda f: cr.compile(f, backend=request.param)


def wave(x):
    return np.sin(x) * x


def mixed(a, b):
    return a * b + np.sin(b)


def looped(f, n=5):
    def run(x):
        for _ in range(n):
            x = f(x)
        return np.sum(x * x)

    return run


@pytest.mark.parametrize("x", [0.3, np.float32(0.3), X, X.astype(np.float32), X.reshape(3, 1)])
def test_calls_in_a_loop(compiled, x):
    p = compiled(wave)
    for _ in range(2):
        found, expected = cr.grad(looped(p))(x), cr.grad(looped(wave))(x)
        assert type(found) is type(expected)
        assert found.dtype == expected.dtype
        rtol = 1e-4 if expected.dtype == np.float32 else 1e-10
        np.testing.assert_allclose(found, expected, rtol=rtol)
        tangents = [cr.jvp(looped(f), (x,), (x,))[1] for f in (p, wave)]
        np.testing.assert_allclose(*tangents, rtol=rtol)


def test_second_order_and_mixed_modes(compiled):
    p = compiled(wave)
    for _ in range(2):
        np.testing.assert_allclose(cr.hessian(looped(p))(X), cr.hessian(looped(wave))(X))
        second = [cr.grad(lambda x, f=f: np.sum(cr.grad(looped(f))(x) ** 2))(X) for f in (p, wave)]
        np.testing.assert_allclose(*second)
        third = [cr.jvp(lambda x, f=f: cr.hvp(looped(f), (x,), (X,)), (X,), (X,))[1]
                 for f in (p, wave)]  # fmt: skip
        np.testing.assert_allclose(*third)


def test_each_choice_of_traced_arguments(compiled):
    p = compiled(mixed)
    points = [(0.3, 0.4), (X, 0.4), (0.3, X), (X, X + 1), (X, 2)]
    for _ in range(2):
        for a, b in points:
            choices = [0, (0, 1), 1] if not isinstance(b, int) else [0]
            for argnums in choices:
                found = [
                    cr.grad(lambda a, b, f=f: np.sum(f(f(a, b), b) ** 2), argnums=argnums)(a, b)
                    for f in (p, mixed)
                ]
                for one, other in zip(*map(cr_tuple, found), strict=True):
                    np.testing.assert_allclose(one, other)


def cr_tuple(x):
    return x if isinstance(x, tuple) else (x,)


def test_two_traces_at_once(compiled):
    p = compiled(mixed)

    def outer(f):
        return lambda a: cr.grad(lambda b: np.sum(f(a, b) * f(b, a)))(a + 1.0)

    for _ in range(2):
        for a in (0.3, 0.7):
            assert cr.grad(outer(p))(a) == pytest.approx(cr.grad(outer(mixed))(a))


def test_containers(compiled):
    def f(s, k):
        return {"sum": s["v"] + k * s["w"][0], "name": "f"}, s["w"][0] * 2

    def total(p):
        def run(x, y):
            out, twice = p({"v": x, "w": [y, 1]}, 2.0)
            return np.sum(out["sum"] * twice)

        return run

    p = compiled(f)
    for _ in range(2):
        pairs = (cr.grad(total(g), argnums=(0, 1))(X, X + 1) for g in (p, f))
        for found, expected in zip(*pairs, strict=True):
            np.testing.assert_allclose(found, expected)


def test_what_is_changed_after_a_call_is_as_it_was(compiled):
    weight = 2.0
    p = compiled(lambda x, y: weight * np.sum(x * y))

    def f(x):
        nonlocal weight
        y, total = np.ones(3), 0.0
        for now in (2.0, 3.0):
            weight = now
            total = total + p(x, y)
            y[:] = 10.0
        weight = 5.0
        return total

    for _ in range(3):
        np.testing.assert_allclose(cr.grad(f)(X), np.full(3, 2.0 + 30.0))


def test_a_nan_is_looked_at_again(compiled):
    p = compiled(lambda x: np.sqrt(x) * 0.0 * x)
    gradient = cr.grad(lambda x: np.sum(p(x)))
    for x in (np.ones(2), np.zeros(2), np.zeros(2), 1.0, 0.0, 0.0):
        np.testing.assert_array_equal(gradient(x), np.zeros_like(x))


def test_one_value_for_several_arguments(compiled):
    p = compiled(mixed)
    for _ in range(3):
        assert cr.grad(lambda x: p(x, x))(0.3) == pytest.approx(0.6 + np.cos(0.3))


def test_prints_come_once_for_each_call(compiled, capsys):
    def f(x):
        print("here")
        return x * x

    p = compiled(f)
    for _ in range(3):
        cr.grad(lambda x: p(p(x)))(2.0)
        assert capsys.readouterr().out.count("here") == 2


def test_threads(compiled):
    p, start = compiled(wave), threading.Barrier(4)
    expected = cr.grad(looped(wave, 50))(X)

    def run(_):
        start.wait()
        return [cr.grad(looped(p, 50))(X) for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(run, range(4)):
            np.testing.assert_allclose(found, [expected] * 5)


# -- calls that are recorded by functions written for them -----------------------------------------


def three(a, b, c):
    return np.sum(a * b) * c


def test_many_traced_arguments(compiled):
    p = compiled(three)

    def total(f):
        return lambda a, b, c: f(a, b, c) + f(a, a, c * c) * f(b, b, 1.0)

    for _ in range(4):
        for argnums in ((0, 1, 2), (0, 2), (1,)):
            pairs = [cr.grad(total(f), argnums=argnums)(X, X + 1, 0.5) for f in (p, three)]
            for found, expected in zip(*pairs, strict=True):
                np.testing.assert_allclose(found, expected)
        args = (X, X + 1, 0.5)
        pushed = [cr.jvp(total(f), args, args) for f in (p, three)]
        np.testing.assert_allclose(*pushed)


def test_arrays_that_are_not_traced(compiled, monkeypatch):
    from chainrule.tape import captured

    p, copies = compiled(mixed), []
    copied = captured.copied
    monkeypatch.setattr(captured, "copied", lambda x: copies.append(x) or copied(x))
    for y in (np.linspace(0.1, 1.0, 3), np.linspace(0.1, 1.0, 5000)):

        def f(x, p=p, y=y):
            z = y.copy()
            for k in range(6):
                x = p(x, z)
                if k == 2:
                    z *= 0.5
            z[:] = np.nan
            return np.sum(x)

        for _ in range(3):
            copies.clear()
            found = cr.grad(f)(np.ones(y.size))
            np.testing.assert_allclose(found, y**6 / 8)
        assert len(copies) == (0 if y.size < 100 else 2)  # a large one is copied when it changed


def test_a_function_that_is_replaced_before_the_sweep(compiled):
    inner = np.sin
    p = compiled(lambda x: inner(x) * x)

    def f(x):
        nonlocal inner
        inner = np.sin
        y = p(x)
        inner = np.cos
        z = p(x)
        inner = np.tan
        return np.sum(y * z)

    def plain(x):
        return np.sum(np.sin(x) * np.cos(x) * x * x)

    for _ in range(4):
        np.testing.assert_allclose(cr.grad(f)(X), cr.grad(plain)(X))
        np.testing.assert_allclose(cr.jvp(f, (X,), (X,)), cr.jvp(plain, (X,), (X,)))
        np.testing.assert_allclose(cr.hessian(f)(X), cr.hessian(plain)(X))


def test_a_closed_over_value_must_not_be_traced(compiled):
    weight = 2.0
    p = compiled(lambda x: x * weight)

    def f(x):
        nonlocal weight
        weight = x
        return p(2.0 * x)

    for _ in range(3):
        weight = 2.0
        assert cr.grad(lambda x: 1.0 * p(x))(3.0) == 2.0
        with pytest.raises(cr.errors.ChainruleError):
            cr.grad(f)(3.0)


def test_stores_into_arguments_and_results(compiled):
    p, double = compiled(lambda x: x), compiled(lambda x: 2 * x)

    def f(x):
        y = x * 1.0
        a, b = p(y), double(y)
        y[0] = 5.0
        b[1] = 7.0
        c = double(y)
        return np.sum(a * 1.0) * 0.0 + np.sum(b * b) + np.sum(y * c)

    for _ in range(4):
        np.testing.assert_allclose(cr.grad(f)(X), 8 * X * [1, 0, 1] + 4 * X * [0, 1, 1])
        dot = cr.jvp(f, (X,), (np.ones(3),))[1]
        assert dot == pytest.approx(np.sum(8 * X * [1, 0, 1] + 4 * X * [0, 1, 1]))


def test_an_error_in_the_function(compiled):
    p = compiled(lambda x, k: x[k] * x)

    def f(x, k):
        return np.sum(p(x, k))

    for _ in range(3):
        np.testing.assert_allclose(cr.grad(f)(X, 0), [1.5 + 0.5, 0.5, 0.5])
        with pytest.raises(IndexError):
            cr.grad(f)(X, 5)


def test_single_precision_and_complex_numbers(compiled):
    p = compiled(lambda x: x * x)
    for _ in range(4):
        for x in (np.float32(0.5), X.astype(np.float32), np.array([1 + 2j, 0.5])):
            found = cr.grad(lambda x: np.sum(np.real(p(p(x)))))(x)
            expected = cr.grad(lambda x: np.sum(np.real((x * x) * (x * x))))(x)
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_gradient_inside_of_what_is_differentiated(compiled):
    p = compiled(lambda x: np.sum(x**3))
    gradient = cr.grad(p)
    for _ in range(4):
        np.testing.assert_allclose(cr.grad(lambda x: np.sum(gradient(x)))(X), 6 * X)
        np.testing.assert_allclose(cr.jacrev(lambda x: 1 * gradient(x))(X), np.diag(6 * X))
        np.testing.assert_allclose(cr.grad(lambda x: cr.grad(lambda y: p(y) * p(x))(x)[0])(X),
                                   cr.grad(lambda x: 3 * x[0] ** 2 * np.sum(x**3))(X))  # fmt: skip


def test_diagnosis_names_the_function(compiled):
    def root(x):
        return np.sqrt(x)

    p = compiled(root)
    with np.errstate(invalid="ignore"):
        for _ in range(4):
            report = cr.explain_nan(lambda x: np.sum(p(x)))(X)
            assert "The value of root" in str(report)
