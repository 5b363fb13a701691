"""The functional API: arguments, containers, dtypes, policies, nesting."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, ChainruleError, ShapeError
from derivatives import along

X = np.array([0.7, -1.3, 0.4])
Point = namedtuple("Point", "x y")


@dataclass
class Params:
    w: np.ndarray
    b: float
    name: str = "layer"


@dataclass(frozen=True)
class Frozen:
    a: np.ndarray
    rest: dict = field(default_factory=dict)


# -- grad and value_and_grad -----------------------------------------------------------------------


def f3(x, y, z=2.0):
    return np.sum(x * x) * y + z * y


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 2 * X * 3),
        (1, np.sum(X * X) + 2),
        (-1, np.sum(X * X) + 2),
        ("y", np.sum(X * X) + 2),
        ("x", 2 * X * 3),
        ((0, 1), (2 * X * 3, np.sum(X * X) + 2)),
        ([1, 0], (np.sum(X * X) + 2, 2 * X * 3)),
        (("y", 0), (np.sum(X * X) + 2, 2 * X * 3)),
        ((0,), (2 * X * 3,)),
    ],
)
def test_argnums(argnums, expected):
    value, gradient = cr.value_and_grad(f3, argnums=argnums)(X, 3.0)
    assert value == pytest.approx(f3(X, 3.0))
    assert type(gradient) is type(expected) or not isinstance(expected, tuple)
    for found, wanted in zip(
        gradient if isinstance(expected, tuple) else [gradient],
        expected if isinstance(expected, tuple) else [expected],
        strict=True,
    ):
        np.testing.assert_allclose(found, wanted)


def test_keyword_arguments():
    assert cr.grad(f3, argnums="z")(X, 3.0, z=5.0) == 3
    assert cr.grad(f3, argnums=2)(X, 3.0, z=5.0) == 3
    assert cr.grad(f3, argnums=2)(X, 3.0, 5.0) == 3
    gx, gz = cr.grad(f3, argnums=(0, "z"))(X, y=3.0, z=5.0)
    np.testing.assert_allclose(gx, 6 * X)
    assert gz == 3
    assert cr.grad(lambda *, w: w * w, argnums="w")(w=3.0) == 6
    assert cr.grad(lambda **kw: kw["w"] ** 2, argnums="w")(w=3.0) == 6
    assert cr.grad(lambda *args: args[2] ** 2, argnums=2)(1.0, 2.0, 3.0) == 6


@pytest.mark.parametrize("argnums", [7, -4, "nothing", (0, 9), 2.5, None])
def test_wrong_argnums(argnums):
    with pytest.raises(ArgumentError):
        cr.grad(f3, argnums=argnums)(X, 3.0)


def test_has_aux():
    def f(x):
        y = x * x
        return np.sum(y), {"y": y, "text": "kept", "n": 3}

    gradient, aux = cr.grad(f, has_aux=True)(X)
    np.testing.assert_allclose(gradient, 2 * X)
    assert type(aux["y"]) is np.ndarray
    np.testing.assert_allclose(aux["y"], X * X)
    assert aux["text"] == "kept"
    (value, aux), gradient = cr.value_and_grad(f, has_aux=True)(X)
    assert value == pytest.approx(np.sum(X * X))
    assert aux["n"] == 3
    y, pullback, aux = cr.vjp(lambda x: (x * 2, x.sum()), X, has_aux=True)
    assert aux == pytest.approx(X.sum())
    np.testing.assert_allclose(pullback(y)[0], 2 * y)
    y, y_dot, aux = cr.jvp(lambda x: (x * 2, x.sum()), (X,), (X,), has_aux=True)
    np.testing.assert_allclose(y_dot, 2 * X)
    assert type(aux) is np.float64
    with pytest.raises(ArgumentError, match="has_aux"):
        cr.grad(np.sum, has_aux=True)(X)


def test_aux_of_a_nested_derivative_keeps_its_path():
    def f(x):
        gradient, aux = cr.grad(lambda t: (np.sum(t * t * x), t * x), has_aux=True)(x)
        return np.sum(gradient * aux)  # 2 x^2 * x^2

    np.testing.assert_allclose(cr.grad(f)(X), 8 * X**3)


def test_the_wrapped_function_keeps_its_name():
    assert cr.grad(f3).__name__ == "f3"


# -- containers ------------------------------------------------------------------------------------


def total(tree):
    """A function that touches each number of each container of these tests."""
    if isinstance(tree, dict):
        return sum(total(v) * (i + 1) for i, v in enumerate(tree.values()))
    if isinstance(tree, (Params, Frozen)):
        return sum(total(v) for v in vars(tree).values())
    if isinstance(tree, (list, tuple)):
        return sum(total(v) * (i + 2) for i, v in enumerate(tree))
    return 0.0 if tree is None or isinstance(tree, (str, bool)) else np.sum(tree * tree)


TREES = [
    {"a": X, "b": 2.0},
    [X, [2.0, X[:2]]],
    (X, (2.0,)),
    Point(X, 3.0),
    Params(X, 2.0),
    Frozen(X, {"deep": [Point(1.0, X)]}),
    OrderedDict(b=X, a=1.0),
    {"none": None, "text": "word", "flag": True, "x": X, "list": [None, 1.0]},
    [],
    {"empty": (), "x": 2.0},
    {1: X, "two": {3: X}},
]


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_containers(tree):
    if tree == []:
        with pytest.raises(ArgumentError):
            cr.grad(total)(tree)
        return
    gradient = cr.grad(total)(tree)
    assert type(gradient) is type(tree)

    def compare(g, t, scale):
        if t is None or isinstance(t, (str, bool)):
            assert g is None
        elif isinstance(t, dict):
            assert list(g) == list(t)
            for i, k in enumerate(t):
                compare(g[k], t[k], scale * (i + 1))
        elif isinstance(t, (Params, Frozen)):
            for k in vars(t):
                compare(getattr(g, k), getattr(t, k), scale)
        elif isinstance(t, (list, tuple)):
            assert type(g) is type(t)
            for i, (a, b) in enumerate(zip(g, t, strict=True)):
                compare(a, b, scale * (i + 2))
        else:
            np.testing.assert_allclose(g, 2 * scale * np.asarray(t))

    compare(gradient, tree, 1)


def test_one_array_at_two_places_of_a_container():
    gradient = cr.grad(lambda p: np.sum(p["a"] ** 2) + 3 * np.sum(p["b"]))({"a": X, "b": X})
    np.testing.assert_allclose(gradient["a"], 2 * X)
    np.testing.assert_allclose(gradient["b"], [3, 3, 3])


def test_containers_out():
    def f(x):
        return {"sin": np.sin(x), "pair": (x * 2, 5.0), "none": None, "text": "as it is"}

    y, pullback = cr.vjp(f, X)
    assert y["text"] == "as it is"
    ct = {"sin": np.ones(3), "pair": (np.ones(3), 1.0), "none": None, "text": None}
    np.testing.assert_allclose(pullback(ct)[0], np.cos(X) + 2)
    y, y_dot = cr.jvp(f, (X,), (np.ones(3),))
    np.testing.assert_allclose(y_dot["sin"], np.cos(X))
    assert y_dot["pair"][1] == 0


def test_containers_through_jvp_and_jacobians():
    tree = {"a": X, "b": (2.0, Point(X, 1.0))}
    tangent = {"a": X, "b": (1.0, Point(X * 2, None))}
    value, y_dot = cr.jvp(total, (tree,), (tangent,))
    assert value == pytest.approx(total(tree))
    gradient = cr.grad(total)(tree)
    by_hand = np.sum(gradient["a"] * X) + gradient["b"][0] + np.sum(gradient["b"][1].x * 2 * X)
    assert y_dot == pytest.approx(by_hand)
    for jacobian in (cr.jacfwd, cr.jacrev, cr.jacobian):
        found = jacobian(lambda p: p["a"] * p["c"])({"a": X, "c": 2.0})
        np.testing.assert_allclose(found["a"], 2 * np.eye(3))
        np.testing.assert_allclose(found["c"], X)


@pytest.mark.parametrize("wrapped", [lambda f: f, lambda f: cr.compile(f, backend="numpy")])
def test_a_primal_without_a_tangent_stays_an_integer(wrapped):
    def f(n, x, rate):
        for i in range(n):
            x = x + rate * np.sin(x) * i
        return x

    value, y_dot = cr.jvp(wrapped(f), (3, X, 0.5), (None, np.ones(3), None))
    np.testing.assert_allclose(value, f(3, X, 0.5))
    h = 1e-6
    np.testing.assert_allclose(y_dot, (f(3, X + h, 0.5) - f(3, X - h, 0.5)) / (2 * h), rtol=1e-8)
    assert not np.any(cr.jvp(wrapped(f), (3, X, 0.5), (None, None, None))[1])


# -- jacobians, hessians, products -----------------------------------------------------------------


def vector_function(x, k=1.0):
    return np.stack([x[0] * x[1] * k, np.sin(x[2]), x[0] ** 2 * x[2], x.sum()])


@pytest.mark.parametrize("jacobian", [cr.jacfwd, cr.jacrev, cr.jacobian])
def test_jacobians(jacobian):
    expected = np.stack([along(vector_function, [X], [e]) for e in np.eye(3)], axis=1)
    np.testing.assert_allclose(jacobian(vector_function)(X), expected, atol=1e-10)
    found = jacobian(vector_function, argnums=(0, 1))(X, 2.0)
    assert isinstance(found, tuple)
    assert found[1].shape == (4,)
    matrix = jacobian(lambda m: m @ m.T)(np.arange(6.0).reshape(2, 3))
    assert matrix.shape == (2, 2, 2, 3)
    np.testing.assert_allclose(matrix, matrix.swapaxes(0, 1))
    assert jacobian(np.sin)(0.0) == 1
    assert np.shape(jacobian(np.sum)(X)) == (3,)
    assert np.shape(jacobian(lambda s: s * X)(2.0)) == (3,)
    assert jacobian(lambda x: x * 2)(X.astype(np.float32)).dtype == np.float32
    assert jacobian(lambda x: x[:0])(X).shape == (0, 3)


def test_hessian_and_hvp():
    def f(x):
        return np.sum(np.sin(x) * x[::-1] ** 2)

    hessian = cr.hessian(f)(X)
    expected = np.stack([along(lambda x: [cr.grad(f)(x)], [X], [e]) for e in np.eye(3)])
    np.testing.assert_allclose(hessian, expected, atol=1e-9)
    np.testing.assert_allclose(hessian, hessian.T)
    v = np.array([1.0, -2.0, 0.5])
    for product in (cr.jvp(cr.grad(f), (X,), (v,))[1], cr.vjp(cr.grad(f), X)[1](v)[0]):
        np.testing.assert_allclose(product, hessian @ v)


def test_linearize():
    y, push = cr.linearize(vector_function, X)
    np.testing.assert_allclose(y, vector_function(X))
    for t in np.eye(3):
        np.testing.assert_allclose(push(t), cr.jvp(vector_function, (X,), (t,))[1])


def test_stop_gradient():
    assert cr.grad(lambda x: x * cr.stop_gradient(x) ** 2)(3.0) == 9
    assert cr.jvp(lambda x: x * cr.stop_gradient(x), (3.0,), (1.0,))[1] == 3
    assert cr.grad(cr.grad(lambda x: x**2 * cr.stop_gradient(x)))(3.0) == 6
    tree = cr.grad(lambda x: cr.stop_gradient({"a": [x]})["a"][0] * x)(2.0)
    assert tree == 2


# -- policies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (lambda x: x * 2, ShapeError),
        (lambda x: x[:1], ShapeError),
        (lambda x: X * 2, ShapeError),
        (lambda x: (np.sum(x), 1.0), ArgumentError),
        (lambda x: {"loss": np.sum(x)}, ArgumentError),
        (lambda x: None, ArgumentError),
        (lambda x: "text", ArgumentError),
        (lambda x: np.sum(x) * 1j, ArgumentError),
        (lambda x: 2j, ArgumentError),
        (lambda x: [np.sum(x)], ArgumentError),
    ],
)
def test_an_output_that_has_no_gradient(output, error):
    for transform in (cr.grad, cr.value_and_grad):
        with pytest.raises(error) as caught:
            transform(output)(X)
        assert "Instead" in str(caught.value)


def test_an_unused_argument_has_zeros():
    gx, gy = cr.grad(lambda x, y: np.sum(y), argnums=(0, 1))(X, X)
    np.testing.assert_array_equal(gx, np.zeros(3))
    np.testing.assert_array_equal(gy, np.ones(3))
    assert cr.grad(lambda x: 3.0)(2.0) == 0
    assert cr.grad(lambda x: 3)(X.astype(np.float32)).dtype == np.float32
    assert cr.grad(lambda x: np.sum(np.floor(x)))(X).tolist() == [0, 0, 0]
    assert cr.jvp(lambda x: 3.0, (2.0,), (1.0,)) == (3.0, 0.0)
    np.testing.assert_array_equal(cr.jacobian(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    np.testing.assert_array_equal(cr.jacfwd(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    np.testing.assert_array_equal(cr.hessian(np.sum)(X), np.zeros((3, 3)))
    assert cr.vjp(lambda x: 3.0, X)[1](1.0)[0].tolist() == [0, 0, 0]


def test_none_and_strings_are_passed_through():
    def f(x, mode, extra=None):
        assert mode == "double"
        assert extra is None
        return 2 * np.sum(x)

    np.testing.assert_array_equal(cr.grad(f)(X, "double"), np.full(3, 2.0))
    tree = {"x": X, "mode": "m", "n": None}
    gradient = cr.grad(lambda p: np.sum(p["x"]) if p["mode"] else 0)(tree)
    assert gradient["mode"] is None
    assert gradient["n"] is None
    for nothing in ("text", None, True, np.array([True]), np.array(["a"]), [], {"a": None}):
        with pytest.raises(ArgumentError):
            cr.grad(lambda x: 1.0)(nothing)


@pytest.mark.parametrize(
    ("primals", "tangents"),
    [
        ((X,), (np.ones(2),)),
        ((X,), (1.0,)),
        ((X,), ()),
        ((X,), (X, X)),
        (X, X),
        ((X,), (X * 1j,)),
        (({"a": X},), ({},)),
        (({"a": X, "b": X},), ({"a": X, "c": X},)),
    ],
)
def test_tangents_that_do_not_fit(primals, tangents):
    with pytest.raises(ChainruleError):
        cr.jvp(lambda *a: a[0], primals, tangents)


def test_tangents_of_a_dict_are_matched_by_key():
    def f(p):
        return {"first": 2 * p["a"], "second": 3 * p["b"]}

    value = {"a": X, "b": 2.0}
    _, y_dot = cr.jvp(f, (value,), ({"b": 10.0, "a": X * 0 + 1},))
    assert y_dot["second"] == 30
    np.testing.assert_allclose(y_dot["first"], [2, 2, 2])
    (gradient,) = cr.vjp(f, value)[1]({"second": 10.0, "first": np.ones(3)})
    assert gradient["b"] == 30
    np.testing.assert_allclose(gradient["a"], [2, 2, 2])


def test_not_a_function():
    for transform in (cr.grad, cr.value_and_grad, cr.jacfwd, cr.jacrev, cr.hessian):
        with pytest.raises(ArgumentError):
            transform(3.0)
    with pytest.raises(ArgumentError):
        cr.vjp(3.0, X)


def test_callables_of_every_kind():
    class Callable:
        def __call__(self, x):
            return np.sum(x * x)

        def method(self, x):
            return np.sum(x * x)

    for f in (Callable(), Callable().method, partial(lambda k, x: np.sum(x**k), 2)):
        np.testing.assert_allclose(cr.grad(f)(X), 2 * X)
    np.testing.assert_allclose(cr.grad(np.sum)(X), np.ones(3))
    assert cr.grad(np.sin)(0.0) == 1


def test_the_function_runs_once():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(np.where(x > 0, np.sqrt(np.abs(x)), 0.0))

    cr.value_and_grad(f)(np.array([0.0, 1.0]))  # the guarded sweep does not run f again
    assert len(calls) == 1


def test_scipy_minimize_takes_it_as_it_is():
    optimize = pytest.importorskip("scipy.optimize")

    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    start = np.full(5, -1.2)
    found = optimize.minimize(cr.value_and_grad(rosenbrock), start, jac=True, method="BFGS")
    np.testing.assert_allclose(found.x, np.ones(5), atol=1e-5)
    found = optimize.minimize(
        rosenbrock,
        start,
        jac=cr.grad(rosenbrock),
        hess=cr.hessian(rosenbrock),
        method="trust-exact",
    )
    np.testing.assert_allclose(found.x, np.ones(5), atol=1e-6)
