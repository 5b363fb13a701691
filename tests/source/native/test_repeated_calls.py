"""A call of types seen before takes a short way, which has to look at all that may have changed."""

from typing import NamedTuple

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


def agree(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert [*found] == [*expected]
        found, expected = [*found.values()], [*expected.values()]
    if isinstance(expected, (list, tuple)):
        for a, b in zip(found, expected, strict=True):
            agree(a, b)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected)
    else:
        assert found == pytest.approx(expected)


class Pair(NamedTuple):
    a: np.ndarray
    b: float


def of_a_dict(s):
    return np.sum(s["v"] ** 2) * s["k"]


def of_items(p):
    return np.sum(p[0] * p[1])


def of_a_number(x, n=2):
    return x * x * n


@pytest.mark.parametrize(
    ("f", "args", "expected"),
    [
        (of_a_dict, ({"v": X, "k": 2.0},), {"v": 4 * X, "k": np.float64(14.0)}),
        (of_a_dict, ({"k": np.float32(2.0), "v": X},), {"k": np.float32(14.0), "v": 4 * X}),
        (of_items, ([X, 2.0],), [np.full(3, 2.0), np.float64(0.0)]),
        (of_items, (Pair(X, 2.0),), Pair(np.full(3, 2.0), np.float64(0.0))),
        (of_items, ((X, X + 1),), (X + 1, X)),
        (of_a_number, (3.0,), np.float64(12.0)),
        (of_a_number, (3,), np.float64(12.0)),
        (of_a_number, (np.array(3.0), 1), np.float64(6.0)),
        (of_a_number, (np.float32(3.0),), np.float32(12.0)),
    ],
)
def test_gradients_have_the_containers_and_types_of_their_arguments(compiled, f, args, expected):
    program = compiled(f)
    gradient, both = cr.grad(program), cr.value_and_grad(program)
    for _ in range(3):
        agree(gradient(*args), expected)
        value, found = both(*args)
        agree(found, expected)
        assert value == pytest.approx(f(*args))
        assert isinstance(value, np.generic)


def test_keywords_and_defaults(compiled):
    def f(x, k=2.0, *, power=2):
        return np.sum(k * x**power)

    gradient, by_k = cr.grad(compiled(f)), cr.grad(compiled(f), argnums="k")
    for _ in range(3):
        agree(gradient(X), 4 * X)
        agree(gradient(X, k=3.0), 6 * X)
        agree(gradient(X, 3.0, power=3), 9 * X**2)
        agree(by_k(X, k=1.0), np.float64(14.0))
        with pytest.raises(cr.errors.ArgumentError, match="left at its default"):
            by_k(X)


def test_aux_values_are_handed_on(compiled):
    def f(x):
        return np.sum(x**2), {"twice": 2 * x, "name": "f", "none": None, "count": 3}

    gradient = cr.grad(compiled(f), has_aux=True)
    for _ in range(3):
        found, aux = gradient(X)
        agree(found, 2 * X)
        agree(aux.pop("twice"), 2 * X)
        assert aux == {"name": "f", "none": None, "count": 3}


def test_integers_that_decide_are_looked_at(compiled):
    def f(x, axis):
        return np.sum(np.cumsum(x, axis=axis) ** 2)

    program = compiled(f)
    A = np.arange(6.0).reshape(2, 3)
    for axis in (0, 1, 0, 1):
        assert program(A, axis) == pytest.approx(f(A, axis))
        agree(cr.grad(program)(A, axis), cr.grad(f)(A, axis))


def test_closed_over_values_are_looked_at(compiled):
    weight, factor, square = np.ones(3), 2, True

    def half(x):
        return x / 2

    def f(x):
        y = x * weight if square else half(x)
        return np.sum(y**2) * factor

    program = compiled(f)
    gradient = cr.grad(program)
    for step in range(12):
        weight = np.full(3, 1.0 + step)
        factor = 2 + step // 4
        square = step % 3 > 0
        if step > 8:
            half = np.sin
        assert program(X) == pytest.approx(f(X))
        agree(gradient(X), cr.grad(f)(X))


def test_a_closed_over_array_is_not_handed_out(compiled):
    weight = np.ones(3)
    gradient = cr.grad(compiled(lambda x: np.sum(weight * x)))
    for _ in range(3):
        found = gradient(X)
        assert not np.shares_memory(found, weight)
        found[:] = 7.0
    np.testing.assert_array_equal(weight, np.ones(3))


def test_prints_are_printed_each_time(compiled, capsys):
    def f(x):
        print("here")
        return np.sum(x**2)

    program = compiled(f)
    for k in range(1, 4):
        cr.vjp(program, X)[1](1.0)  # which runs it again, silently
        program(X)
        cr.grad(program)(X)
        assert capsys.readouterr().out.count("here") == 3, k


def test_arrays_that_are_changed_must_not_share_memory(compiled):
    def f(x, y):
        x[0] = y[1]
        return np.sum(x * y)

    program = compiled(f)
    gradient = cr.grad(program)
    for _ in range(2):
        x = X.copy()
        program(x, X)
        gradient(x, X)
        np.testing.assert_array_equal(x, X)
        for run in (program, gradient):
            with pytest.raises(cr.errors.ArgumentError, match="share memory"):
                run(x, x)


def test_a_nan_in_a_container_is_computed_again(compiled):
    def f(p):
        return np.sum(np.sqrt(p["x"]) * 0.0 * p["x"]) + p["k"]

    gradient = cr.grad(compiled(f))
    for x in (np.ones(2), np.zeros(2), np.ones((2, 2)), np.zeros((2, 2)), np.zeros(40)):
        agree(gradient({"x": x, "k": 1.0}), {"x": np.zeros_like(x), "k": np.float64(1.0)})


def test_arrays_in_another_order_after_arrays_in_order(compiled):
    def f(A, b):
        return np.sum((A @ b) ** 2)

    program = compiled(f)
    gradient = cr.grad(program)
    A, b = np.arange(6.0).reshape(2, 3), np.ones(3)
    locked = b.copy()
    locked.flags.writeable = False
    others = np.asfortranarray(A), np.repeat(A, 2, axis=1)[:, ::2], A[::-1][::-1]
    for B in (A, *others, A, *others):
        for c in (b, locked, np.ones(6)[::2]):
            assert program(B, c) == pytest.approx(f(A, b))
            agree(gradient(B, c), 2 * np.outer(A @ b, b))


def test_functions_of_a_library_that_are_closed_over_are_looked_at(compiled):
    wave = np.sin

    def f(x):
        return np.sum(wave(x) * x)

    program = compiled(f)
    gradient = cr.grad(program)
    for wave in (np.sin, np.sin, np.cos, np.sin, np.cos):  # noqa: B007 (f reads it)
        assert program(X) == pytest.approx(f(X))
        agree(gradient(X), cr.grad(f)(X))
