"""Functions written for calls like an earlier one: which calls are theirs, and what they give."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.native.store import FOLDER

pytest.importorskip("numba")

X = np.array([1.0, 2.0, -3.0])


@pytest.fixture(autouse=True)
def kept_apart(tmp_path_factory, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path_factory.getbasetemp() / "machine code"))


@pytest.fixture(params=["numba", "numpy"])
def compiled(request):
    return lambda f: cr.compile(f, backend=request.param)


def same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert [*found] == [*expected]
        found, expected = [*found.values()], [*expected.values()]
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            same(a, b)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    else:
        assert found == pytest.approx(expected)


def transforms(p):
    """Every transform as a function of arguments, by its name."""
    return {
        "program": p,
        "grad": cr.grad(p),
        "value_and_grad": cr.value_and_grad(p),
        "hessian": cr.hessian(p),
        "jacrev": cr.jacrev(p),
        "jacfwd": cr.jacfwd(p),
        "hvp": lambda x, *more: cr.hvp(lambda_of(p, more), (x,), (np.ones_like(x),)),
        "jvp": lambda x, *more: cr.jvp(p, (x, *more), (np.ones_like(x), *[None for _ in more])),
        "vjp": lambda x, *more: pulled(p, x, *more),
    }


def lambda_of(p, more):
    return (lambda x: p(x, *more)) if more else p


def listed(x):
    return x if isinstance(x, tuple) else (x,)


def pulled(p, *args):
    y, pullback = cr.vjp(p, *args)
    return y, pullback(np.ones_like(y))[0]


# -- which calls -----------------------------------------------------------------------------------


def test_a_shortcut_is_taken_from_the_third_call_on(compiled):
    p = compiled(lambda x: np.sum(x**2))
    gradient = cr.grad(p)
    for run in (p, gradient):
        for _ in range(3):
            run(X)
        (shortcut,) = run.shortcuts
        same(shortcut((X,), {}), run(X))
        same(shortcut((np.ones(5),), {}), run(np.ones(5)))  # of any size but 1
        assert len(run.shortcuts) == 1


@pytest.mark.parametrize("name", [*transforms(cr.compile(np.sum, backend="numpy"))])
def test_arguments_of_changing_types(compiled, name):
    def f(x):
        return np.sum(np.sin(x) * x)

    run = transforms(compiled(f))[name]
    points = [X, np.float64(0.5), X.astype(np.float32), np.array([0.5]), X.reshape(1, 3),
              X[::2], X.reshape(3, 1), np.float32(0.5), np.ones(7)]  # fmt: skip
    expected = [transforms(cr.compile(f, backend="numpy"))[name](x) for x in points]
    for _ in range(3):
        for x, value in zip(points, expected, strict=True):
            same(run(x), value)


def test_sizes_that_become_equal_or_one(compiled):
    def f(a, b):
        return np.sum(a * 2) * np.sum(b[None] * 3) + np.sum(a[:, None] * b)

    p = compiled(f)
    gradient = cr.grad(p, argnums=(0, 1))
    for _ in range(3):
        for m, n in [(2, 3), (4, 5), (3, 3), (4, 4), (1, 3), (3, 1), (1, 1), (6, 7)]:
            a, b = np.arange(1.0, m + 1), np.arange(2.0, n + 2)
            assert p(a, b) == pytest.approx(f(a, b))
            same(gradient(a, b), cr.grad(f, argnums=(0, 1))(a, b))


def test_containers_of_another_structure(compiled):
    def f(s):
        total = 0.0
        for k, key in enumerate(s):
            total = total + (k + 1) * np.sum(s[key])
        return total

    p = compiled(f)
    gradient = cr.grad(p)
    points = [{"a": X, "b": 2.0}, {"b": 2.0, "a": X}, {"a": X}, {"a": X, "c": 2.0},
              {"a": 1.0, "b": X}, {"a": X, "b": np.float32(1.0)}]  # fmt: skip
    for _ in range(3):
        for s in points:
            assert p(s) == pytest.approx(f(s))
            found = gradient(s)
            assert [*found] == [*s]
            for k, key in enumerate(s):
                np.testing.assert_allclose(found[key], np.full(np.shape(s[key]), k + 1.0))


@dataclass
class Point:
    x: np.ndarray
    k: float


def test_dataclasses(compiled):
    p = compiled(lambda s, name: np.sum(s.x**2) * s.k if name == "one" else np.sum(s.x) * s.k)
    gradient = cr.grad(p)
    for _ in range(3):
        for name in ("one", "two"):
            found = gradient(Point(X, 2.0), name)
            assert type(found) is Point
            np.testing.assert_allclose(found.x, 4 * X if name == "one" else np.full(3, 2.0))
            assert found.k == pytest.approx(14.0 if name == "one" else 0.0)


def test_integers_among_what_is_differentiated(compiled):
    gradient = cr.grad(compiled(lambda s, n: s["a"] ** 2 * n + s["b"][0]))
    for _ in range(3):
        same(gradient({"a": 3, "b": (1, 2.0)}, 2),
             {"a": np.float64(12.0), "b": (np.float64(1.0), np.float64(0.0))})  # fmt: skip


class Held:
    def __init__(self, k):
        self.k = k


class Table(dict):
    pass


def test_containers_that_are_not_looked_into(compiled):
    gradient = cr.grad(compiled(lambda s, x: s.k**2 * x), argnums=1)
    by_key = cr.grad(compiled(lambda s: s["k"] ** 2))
    for _ in range(4):
        for k in (3, 3.0):
            assert gradient(Held(k), 2.0) == pytest.approx(9.0)
            assert by_key(Table(k=k))["k"] == pytest.approx(6.0)


def test_inputs_of_two_precisions(compiled):
    h = cr.hessian(compiled(lambda a, b: np.sum(a * a * b)), argnums=(0, 1))
    for _ in range(3):
        (aa, ab), (ba, bb) = h(X.astype(np.float32), X)
        for found, expected in ((aa, 2 * X), (ab, 2 * X), (ba, 2 * X), (bb, 0 * X)):
            np.testing.assert_allclose(found, np.diag(expected))


def test_flags_are_told_from_numbers(compiled):
    def f(x, flag):
        return np.sum(x) if flag else np.sum(x * x)

    p, gradient = compiled(f), cr.grad(compiled(f))
    for _ in range(3):
        for flag in (True, False, 1, 0, None, 2.5):
            assert p(X, flag) == pytest.approx(f(X, flag))
            same(gradient(X, flag), np.ones(3) if flag else 2 * X)


def test_pickled_arrays(compiled):
    gradient = cr.grad(compiled(lambda x: np.sum(x**2)))
    copy = pickle.loads(pickle.dumps(X))  # its dtype is another object
    for x in (X, X, X, copy, copy):
        same(gradient(x), 2 * X)
    assert len(gradient.shortcuts) == 1


def test_other_byte_orders_and_subclasses(compiled):
    p = compiled(lambda x: np.sum(x**2))
    gradient = cr.grad(p)
    for _ in range(3):
        same(gradient(X), 2 * X)
        assert p(X) == 14.0
    swapped = X.astype(X.dtype.newbyteorder())
    np.testing.assert_allclose(gradient(swapped), 2 * X)
    for run in (p, gradient):
        with pytest.raises(cr.errors.ArgumentError, match="MaskedArray"):
            run(np.ma.array(X, mask=[0, 1, 0]))


def test_a_layout_that_decides(compiled):
    def f(a, x):
        v = a.ravel()
        v[0] = x
        return a[0, 0] * x

    p = compiled(f)
    gradient = cr.grad(p, argnums=1)
    a = np.arange(1.0, 7.0).reshape(2, 3)
    for _ in range(3):
        for b in (a, np.asfortranarray(a), np.repeat(a, 2, 1)[:, ::2]):
            expected = 4.0 if b.flags.c_contiguous else 1.0
            assert gradient(b, 2.0) == pytest.approx(expected)
            assert cr.jvp(p, (b, 2.0), (None, 1.0))[1] == pytest.approx(expected)
            assert cr.jacrev(p, 1)(b, 2.0) == pytest.approx(expected)
            assert cr.vjp(p, b, 2.0)[1](1.0)[1] == pytest.approx(expected)


def test_keywords_in_any_order_and_arrays_as_defaults(compiled):
    weights = np.ones(3)

    def f(x, w=weights, *rest, k=2.0, **more):
        return np.sum(x * w) * k + sum(rest) + more.get("z", 0.0)

    p = compiled(f)
    gradient = cr.grad(p)
    for _ in range(3):
        for call in (lambda r: r(X), lambda r: r(X, k=3.0), lambda r: r(X, z=1.0, k=3.0),
                     lambda r: r(X, k=3.0, z=1.0), lambda r: r(X, X, 1.0, 2.0, k=1.0),
                     lambda r: r(k=2.0, x=X)):  # fmt: skip
            assert call(p) == pytest.approx(call(f))
            np.testing.assert_allclose(call(gradient), call(cr.grad(f)))
    weights[:] = 5.0
    np.testing.assert_allclose(gradient(X), np.full(3, 10.0))


# -- what is closed over ---------------------------------------------------------------------------


class Settings:
    def __init__(self):
        self.scale, self.steps, self.weights = 2.0, 2, np.ones(3)


@pytest.mark.parametrize("name", ["program", "grad", "jvp", "vjp", "jacrev", "jacfwd", "hessian"])
def test_closed_over_values_that_change(compiled, name):
    settings, table = Settings(), {"a": [1.0, 2.0]}

    def f(x):
        for _ in range(settings.steps):
            x = x * settings.scale * settings.weights
        return np.sum(x * x) * table["a"][1]

    run = transforms(compiled(f))[name]
    for step in range(20):
        if step % 4 == 1:
            settings.scale += 1.0
        if step % 4 == 2:
            settings.weights = np.full(3, float(step))
        if step % 4 == 3:
            table["a"] = [1.0, float(step)]
        if step == 8:
            settings.steps = 3
        if step == 12:
            settings.weights = np.full(1, 2.0)
        if step == 16:
            settings.weights = 3.0
        same(run(X), transforms(cr.compile(f, backend="numpy"))[name](X))


def test_what_is_read_may_call_the_function_itself(compiled):
    class Nested:
        depth = 0

        @property
        def weight(self):
            if self.depth > 2:
                return 1.0
            self.depth += 1
            try:
                return float(gradient(2 * X)[0])
            finally:
                self.depth -= 1

    nested = Nested()

    def g(x, w):
        return np.sum(x * x) * w

    inner = cr.grad(compiled(g))

    def gradient(x):
        return inner(x, nested.weight)

    for _ in range(4):
        np.testing.assert_allclose(gradient(X), 2 * X * 64.0)


# -- results ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "hessian", "jvp", "vjp", "jacfwd"])
def test_results_are_the_callers_own(compiled, name):
    run = transforms(compiled(lambda x: np.sum(x) * 1.0))[name]
    x = X.copy()
    kept = []
    for _ in range(4):
        found = run(x)
        for part in listed(found):
            if isinstance(part, np.ndarray):
                assert not any(np.shares_memory(part, other) for other in (*kept, x))
                kept.append(part)
                part[...] = 7.0
    np.testing.assert_array_equal(x, X)


def test_identity_does_not_hand_its_argument_out(compiled):
    p = compiled(lambda x: x)
    for _ in range(4):
        x, t = X.copy(), np.ones(3)
        y, dot = cr.jvp(p, (x,), (t,))
        z, pullback = cr.vjp(p, x)
        (g,) = pullback(t)
        arrays = [x, t, y, dot, z, g]
        assert not any(np.shares_memory(a, b) for a in arrays for b in arrays if a is not b)
        z[:] = 5.0
        np.testing.assert_array_equal(pullback(t)[0], np.ones(3))


@pytest.mark.parametrize("name", ["grad", "hessian", "jvp", "vjp", "jacrev", "jacfwd"])
def test_nans_are_looked_at_again(compiled, name):
    def f(x):
        return np.sum(np.sqrt(x) * 0.0 * x + x * x)

    run = transforms(compiled(f))[name]
    for x in (np.ones(2), np.ones(2), np.ones(2), np.zeros(2), np.zeros(2)):
        found, expected = run(x), transforms(cr.compile(f, backend="numpy"))[name](x)
        for part, other in zip(listed(found), listed(expected), strict=True):
            np.testing.assert_array_equal(part, other)
            assert name in ("hessian", "jvp", "jacfwd") or np.isfinite(part).all()


def test_a_pullback_outlives_changes_of_what_it_was_made_of(compiled):
    weight = np.ones(3)
    p = compiled(lambda x, n: np.sum(weight * x**n))
    for _ in range(4):
        x = X.copy()
        y, pullback = cr.vjp(p, x, 2)
        x[:] = 0.0
        weight *= 2.0
        with pytest.raises(cr.errors.ShapeError, match="cotangent"):
            pullback(np.ones(2))
        with pytest.raises(cr.errors.ArgumentError, match="one cotangent"):
            pullback(1.0, 2.0)
        for ct in (1, 1.0, np.float64(1.0), np.array(1.0)):
            np.testing.assert_allclose(pullback(ct)[0], weight * X)
        traced = cr.grad(lambda c, back=pullback: np.sum(back(c)[0]))(1.0)
        assert traced == pytest.approx(np.sum(weight * X))
        assert "def " in pullback.source
    assert y > 0


def test_tangents_of_other_types(compiled):
    p = compiled(lambda x, k: x * k)
    for _ in range(4):
        same(cr.jvp(p, (2.0, 3.0), (1, 0.5))[1], np.float64(4.0))
        same(cr.jvp(p, (2.0, 3.0), (1.0, None))[1], np.float64(3.0))
        same(cr.jvp(p, (X, 3.0), (np.ones(3), 0.0))[1], np.full(3, 3.0))
        same(cr.jvp(p, (X.astype(np.float32), 3.0), (np.ones(3), 0.0))[1],
             np.full(3, 3.0, np.float32))  # fmt: skip
        with pytest.raises(cr.errors.ShapeError, match="tangent"):
            cr.jvp(p, (X, 3.0), (np.ones(2), 0.0))


# -- errors, threads -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["program", "grad", "jvp", "jacrev", "hessian"])
def test_errors_of_the_function_come_through(compiled, name):
    def f(x, k):
        return np.sum(x * x) * x[k]

    run = transforms(compiled(f))[name]
    for _ in range(4):
        run(X, 2)
        with pytest.raises(IndexError):
            run(X, 3)
    run(X, 2)


def test_threads_with_arguments_of_several_types(compiled):
    def f(x, k):
        return np.sum(np.sin(x) * k)

    p = compiled(f)
    gradient, start = cr.grad(p), threading.Barrier(4)
    points = [X, np.ones((2, 2)), 0.5, X.astype(np.float32), np.ones(1), np.ones((1, 3))]

    def run(seed):
        rng = np.random.default_rng(seed)
        start.wait()
        for _ in range(200):
            x = points[rng.integers(len(points))]
            k = float(rng.integers(1, 9))
            rtol = 1e-5
            np.testing.assert_allclose(p(x, k), f(x, k), rtol=rtol)
            np.testing.assert_allclose(gradient(x, k), np.cos(x) * k, rtol=rtol)
            np.testing.assert_allclose(
                cr.jvp(p, (x, k), (np.ones_like(x), None))[1], np.sum(np.cos(x) * k), rtol=rtol
            )
            np.testing.assert_allclose(cr.vjp(p, x, k)[1](np.ones_like(p(x, k)))[0],
                                       np.cos(x) * k, rtol=rtol)  # fmt: skip

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))


def test_in_optimizers(compiled):
    optimize = pytest.importorskip("scipy.optimize")

    def f(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    p = compiled(f)
    found = optimize.minimize(
        p, np.zeros(4), jac=cr.grad(p), hess=cr.hessian(p), method="Newton-CG", tol=1e-10
    )
    np.testing.assert_allclose(found.x, np.ones(4), rtol=1e-4)
    q = compiled(lambda x: np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]]))
    for jacobian in (cr.jacrev(q), cr.jacfwd(q)):
        solved = optimize.least_squares(q, np.zeros(4), jac=jacobian)
        np.testing.assert_allclose(solved.x, np.ones(4), rtol=1e-6)
