"""Rules that users write: in place, with several outputs, closing over what they should not."""

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, ChainruleError, MutationError, UnsupportedError

X = np.array([2.0, 3.0])
ONES = np.ones(3)
SLOPE = 3 * X**2


def cube(x):
    return x**3


def primitive_of(fn, defvjp=None, defjvp=None):
    made = cr.primitive(fn)
    if defvjp:
        made.defvjp(defvjp)
    if defjvp:
        made.defjvp(defjvp)
    return made


# -- rules that work in place ----------------------------------------------------------------------


def vjp_in_place(ct, y, x):
    ct *= 3 * x**2
    return ct


def vjp_that_spoils(ct, y, x):
    out = ct * 3 * x**2
    ct[...] = np.nan
    return out


def jvp_in_place(tangents, y, x):
    (t,) = tangents
    t *= 3 * x**2
    return t


def jvp_that_spoils(tangents, y, x):
    out = tangents[0] * 3 * x**2
    tangents[0][...] = 1e9
    return out


RULES = {
    "vjp in place": (vjp_in_place, None),
    "vjp that spoils": (vjp_that_spoils, None),
    "jvp in place": (None, jvp_in_place),
    "jvp that spoils": (None, jvp_that_spoils),
}


def of_a_shared_value(p, x):
    y = x * 1.0
    return p(y) + y * y


SIBLINGS = {
    "before": lambda p, x: p(x) + np.sin(x),
    "after": lambda p, x: np.sin(x) + p(x),
    "itself": lambda p, x: p(x) + x,
    "itself after": lambda p, x: x + p(x),
    "twice": lambda p, x: p(x) + p(x),
    "of a shared value": of_a_shared_value,
    "alone": lambda p, x: p(x),
}


@pytest.mark.parametrize("sibling", SIBLINGS)
@pytest.mark.parametrize("rule", RULES)
def test_rules_in_place(rule, sibling):
    defvjp, defjvp = RULES[rule]
    made = primitive_of(cube, defvjp, defjvp)

    def f(x):
        return SIBLINGS[sibling](made, x)

    def plain(x):
        return SIBLINGS[sibling](cube, x)

    slope = np.diag(cr.jacobian(plain)(X))
    x, seed = X.copy(), np.array([1.0, 0.5])
    for _ in range(2):
        y, pullback = cr.vjp(f, x)
        for _ in range(2):
            np.testing.assert_allclose(pullback(seed)[0], slope * seed)
        y, y_dot = cr.jvp(f, (x,), (seed,))
        np.testing.assert_allclose(y, plain(X))
        np.testing.assert_allclose(y_dot, slope * seed)
        _, tangent = cr.linearize(f, x)
        for _ in range(2):
            np.testing.assert_allclose(tangent(seed), slope * seed)
        np.testing.assert_allclose(cr.grad(lambda x: np.sum(f(x)))(x), slope)
        np.testing.assert_allclose(cr.jacfwd(f)(x), np.diag(slope))
        np.testing.assert_allclose(cr.jacrev(f)(x), np.diag(slope))
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(seed, [1.0, 0.5])


SECOND_ORDER = {
    "hessian": lambda f: cr.hessian(f)(X),
    "reverse over reverse": lambda f: cr.jacrev(cr.grad(f))(X),
    "forward over reverse": lambda f: cr.jacfwd(cr.grad(f))(X),
    "forward over forward": lambda f: cr.jacfwd(cr.jacfwd(f))(X),
    "reverse over forward": lambda f: cr.jacrev(cr.jacfwd(f))(X),
}


@pytest.mark.parametrize("mode", SECOND_ORDER)
@pytest.mark.parametrize("rule", RULES)
def test_rules_in_place_at_second_order(rule, mode):
    """A plain cotangent cannot hold a traced product: right, or refused as such stores are."""
    made = primitive_of(cube, *RULES[rule])
    try:
        found = SECOND_ORDER[mode](lambda x: np.sum(made(x) + np.sin(x)))
    except MutationError:
        assert "in place" in rule
        return
    np.testing.assert_allclose(found, np.diag(6 * X - np.sin(X)), atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_two_outputs_and_a_rule_in_place(rule):
    """Each output's cotangent, and each argument's tangent, is a copy too."""
    defvjp, defjvp = RULES[rule]

    def both_vjp(ct, y, x, z):
        return defvjp(ct[0], y[0], x), defvjp(ct[1], y[1], z)

    def both_jvp(tangents, y, x, z):
        return defjvp(tangents[:1], y[0], x), defjvp(tangents[1:], y[1], z)

    made = primitive_of(
        lambda x, z: (x**3, z**3), both_vjp if defvjp else None, both_jvp if defjvp else None
    )

    def f(x):
        a, b = made(x, x)
        return a + b + x

    np.testing.assert_allclose(cr.grad(lambda x: np.sum(f(x)))(X), 2 * SLOPE + 1)
    np.testing.assert_allclose(cr.jvp(f, (X,), (np.ones(2),))[1], 2 * SLOPE + 1)
    seed = np.ones(2)
    np.testing.assert_allclose(cr.vjp(made, X, X)[1]((seed, seed)), [SLOPE, SLOPE])
    np.testing.assert_array_equal(seed, [1, 1])


def test_a_rule_that_returns_its_cotangent():
    same = primitive_of(lambda x: x * 1, lambda ct, y, x: ct)
    seed = np.ones(2)
    (g,) = cr.vjp(same, X)[1](seed)
    assert not np.shares_memory(g, seed)
    gx, gz = cr.grad(lambda x, z: np.sum(same(x) + same(z)), (0, 1))(X, X)
    gx *= 2
    np.testing.assert_array_equal(gz, [1, 1])


@pytest.mark.parametrize("change", [lambda x: x.__imul__(2), lambda x: x.sort()])
def test_a_function_that_changes_its_argument(change):
    """The caller's arrays and the values of the tape are not what the function is given."""

    def fn(x):
        change(x)
        return 3 * x

    def by_hand(x):
        x = np.array(x)
        change(x)
        return 3 * x

    made = primitive_of(fn, lambda ct, y, x: ct * 5)
    x = np.array([3.0, 2.0])
    for run in (
        lambda: cr.grad(lambda x: np.sum(made(x)))(x),
        lambda: cr.jacfwd(made)(x) @ np.ones(2),
    ):
        np.testing.assert_allclose(run(), [5, 5])
        np.testing.assert_array_equal(x, [3, 2])
    y, y_dot = cr.jvp(lambda x: made(x) + x, (x,), (np.ones(2),))
    np.testing.assert_allclose(y, by_hand(x) + x)
    np.testing.assert_allclose(y_dot, [6, 6])

    def inner(x):  # a value of the tape, which another derivative needs
        z = x * x
        return np.sum(np.sin(z)) + np.sum(made(z)) + np.sum(z * z)

    value, g = cr.value_and_grad(inner)(x)
    z = x * x
    assert value == pytest.approx(np.sum(np.sin(z) + by_hand(z) + z * z))
    np.testing.assert_allclose(g, (np.cos(z) + 5 + 2 * z) * 2 * x)
    np.testing.assert_array_equal(x, [3, 2])


def test_a_rule_with_a_short_way_out():
    """A vjp that returns zeros for a zero cotangent is still transposed right."""

    def early(ct, y, x):
        if not np.any(ct):
            return np.zeros_like(x)
        return ct * 3 * x**2

    made = primitive_of(cube, early)
    jacobian = np.diag(SLOPE)
    np.testing.assert_allclose(cr.jvp(made, (X,), (np.ones(2),))[1], SLOPE)
    np.testing.assert_allclose(cr.linearize(made, X)[1](np.ones(2)), SLOPE)
    np.testing.assert_allclose(cr.jacfwd(made)(X), jacobian)
    np.testing.assert_allclose(cr.jacrev(made)(X), jacobian)
    np.testing.assert_allclose(cr.jacfwd(lambda x: made(x) * 2)(X), 2 * jacobian)


def test_two_outputs_and_a_rule_with_a_short_way_out():
    def early(ct, y, x):
        first = ct[0] * 3 * x**2 if np.any(ct[0]) else 0 * x
        return first + (ct[1] * 2 * x if np.any(ct[1]) else 0 * x)

    made = primitive_of(lambda x: (x**3, np.sum(x * x)), early)
    _, (a_dot, b_dot) = cr.jvp(made, (X,), (np.array([1.0, 0.5]),))
    np.testing.assert_allclose(a_dot, SLOPE * [1, 0.5])
    assert b_dot == pytest.approx(2 * X @ [1, 0.5])


# -- closures --------------------------------------------------------------------------------------


def of_checkpoint(b):
    return cr.checkpoint(lambda u: u * b)


def of_checkpoint_pair(b):
    both = cr.checkpoint(lambda u: (u * u, u * b))
    return lambda a: both(a)[1]


def of_primitive(b):
    return primitive_of(lambda u: u * b, lambda ct, y, u: ct * b)


def of_primitive_jvp(b):
    return primitive_of(lambda u: u * b, None, lambda ts, y, u: ts[0] * b)


CLOSURES = [of_checkpoint, of_checkpoint_pair, of_primitive, of_primitive_jvp]


def reverse(f):
    return cr.grad(f)


def forward(f):
    return lambda x: cr.jvp(f, (x,), (1.0,))[1]


@pytest.mark.parametrize("inner", [reverse, forward])
@pytest.mark.parametrize("outer", [reverse, forward])
@pytest.mark.parametrize("closing", CLOSURES, ids=lambda f: f.__name__)
def test_a_closure_over_a_newer_trace(closing, outer, inner):
    """Applied to the outer variable, it hides the inner one: d/db of a*b would be lost."""
    with pytest.raises(ArgumentError, match="argument"):
        outer(lambda a: inner(lambda b: closing(b)(a))(2.0))(3.0)
    with pytest.raises(ArgumentError, match="argument"):
        outer(lambda a: a * inner(lambda b: closing(b)(a) * b)(2.0))(3.0)


@pytest.mark.parametrize("mode", [reverse, forward])
@pytest.mark.parametrize("closing", CLOSURES, ids=lambda f: f.__name__)
def test_a_closure_over_the_same_trace(closing, mode):
    with pytest.raises(ChainruleError):
        mode(lambda x: closing(x)(2 * x))(3.0)


@pytest.mark.parametrize("inner", [reverse, forward])
@pytest.mark.parametrize("outer", [reverse, forward])
def test_a_checkpoint_closing_over_an_older_trace_is_right(outer, inner):
    def f(a, wrap):
        return inner(wrap(lambda u: u * u * a))(2.0) * a

    expected = outer(lambda a: f(a, lambda g: g))(3.0)
    assert expected == 24  # 2 b a, times a: 4 a^2
    assert outer(lambda a: f(a, cr.checkpoint))(3.0) == expected


# -- several outputs, integers among them ----------------------------------------------------------


def check_against(f, plain, x):
    """Compare value, gradient in both modes and Hessian with those of the plain function."""
    assert f(x) == pytest.approx(plain(x))
    value, g = cr.value_and_grad(f)(x)
    assert value == pytest.approx(plain(x))
    expected = cr.grad(plain)(x)
    np.testing.assert_allclose(g, expected)
    np.testing.assert_allclose([cr.jvp(f, (x,), (e,))[1] for e in np.eye(len(x))], expected)
    np.testing.assert_allclose(cr.hessian(f)(x), cr.hessian(plain)(x), atol=1e-12)
    np.testing.assert_allclose(cr.jacrev(cr.grad(f))(x), cr.hessian(plain)(x), atol=1e-12)


def test_a_checkpoint_that_returns_an_integer():
    def segment(x):
        return np.sin(x), 2, True, "s", np.array([0, 1]), np.argmax(x)

    def f(x, wrap):
        y, n, flag, text, indices, k = wrap(segment)(x)
        assert (n, flag, text, k) == (2, True, "s", np.argmax(cr.stop_gradient(x)))
        for _ in range(n):
            y = y * x[k]
        return np.sum(y) * np.sum(x[indices])

    check_against(lambda x: f(x, cr.checkpoint), lambda x: f(x, lambda g: g), X)


def test_a_primitive_that_returns_an_integer():
    def fn(x):
        return x * x, np.argmax(x)

    reverse_rule = primitive_of(fn, lambda ct, y, x: ct[0] * 2 * x)

    def f(x, made):
        y, k = made(x)
        return np.sum(y) * x[k] + y[k]

    check_against(lambda x: f(x, reverse_rule), lambda x: f(x, fn), X)


def two_shapes(wrap):
    def f(x):
        a, b = wrap(lambda u: (np.sin(u), np.sum(u * u)))(x)
        return np.sum(a) * b

    return f


def test_diagnoses_of_a_checkpoint_with_two_shapes():
    f = two_shapes(cr.checkpoint)
    x = np.ones(3)
    assert cr.explain_nan(f)(x).kind == "none"
    [finding] = cr.why_zero(f)(x)
    assert finding.kind == "nonzero"


def test_a_nan_within_a_checkpoint_with_two_shapes():
    def f(x):
        a, b = cr.checkpoint(lambda u: (np.sqrt(u), np.sum(u)))(x)
        return np.sum(a) + b

    with np.errstate(all="ignore"):
        finding = cr.explain_nan(f)(np.array([-1.0, 1.0, 4.0]))
    assert finding.kind == "value"
    assert __file__ in finding.location


def test_a_zero_behind_a_checkpoint_with_two_shapes():
    def f(x):
        a, b = cr.checkpoint(lambda u: (np.sin(u), np.sum(u * u)))(x)
        return np.sum(a) * 0.0 + np.floor(b)

    [finding] = cr.why_zero(f)(np.ones(3))
    assert finding.kind in ("slope", "cut")
    assert __file__ in finding.location


# -- keyword-only parameters -----------------------------------------------------------------------


def test_a_primitive_with_keyword_only_parameters():
    def power(x, *, n=2, text="t"):
        assert text == "t"
        return x**n

    made = primitive_of(power, lambda ct, y, x, n, text: ct * n * x ** (n - 1))
    assert made(3.0, n=3) == 27
    assert made(3.0) == 9
    for given, slope, second in (({"n": 3}, 27, 18), ({}, 6, 2)):
        assert cr.grad(lambda x: made(x, **given))(3.0) == slope  # noqa: B023
        assert cr.jvp(lambda x: made(x, **given), (3.0,), (1.0,))[1] == slope  # noqa: B023
        assert cr.hessian(lambda x: made(x, **given))(3.0) == second  # noqa: B023


def test_a_keyword_only_parameter_is_not_differentiated():
    made = primitive_of(lambda x, *, k: x * k, lambda ct, y, x, k: ct * k)
    with pytest.raises(ChainruleError):
        cr.grad(lambda x: made(x, k=x))(3.0)


# -- in compiled programs --------------------------------------------------------------------------


@cr.primitive
def by_math(x, n):
    return math.pow(x, n)


@by_math.defvjp
def by_math_vjp(ct, y, x, n):
    return ct * n * x ** (n - 1), None


def stored(x):
    out = np.zeros(3)
    for i in range(3):
        out[i] = by_math(x[i], 2) * x[0]
    return np.sum(out)


# -- rules that return something wrong -------------------------------------------------------------

WRONG_VJPS = {
    "no return": (lambda ct, y, x: None, "lack a return"),
    "too short": (lambda ct, y, x: ct[:1], r"of shape \(1,\) for an argument of shape \(3,\)"),
    "a number": (lambda ct, y, x: np.sum(ct), r"of shape \(\) for an argument of shape \(3,\)"),
    "of another length": (lambda ct, y, x: np.ones(2), r"shape \(2,\)"),
    "too many": (lambda ct, y, x: (ct, ct), "must return 1 cotangents"),
}
WRONG_JVPS = {
    "no return": (lambda t, y, x: None, "lack a return"),
    "a number": (lambda t, y, x: np.sum(t[0]), r"a tangent of shape \(\) for an output"),
    "too long": (lambda t, y, x: np.ones((2, 3)), r"a tangent of shape \(2, 3\) for an output"),
}


@pytest.mark.parametrize("name", WRONG_VJPS)
def test_a_vjp_that_returns_something_wrong(name):
    rule, message = WRONG_VJPS[name]
    with pytest.raises(ChainruleError, match=message):
        cr.grad(lambda x: np.sum(primitive_of(lambda x: x * x, rule)(x)))(np.ones(3))


@pytest.mark.parametrize("name", WRONG_JVPS)
def test_a_jvp_that_returns_something_wrong(name):
    rule, message = WRONG_JVPS[name]
    f = primitive_of(lambda x: x * x, None, rule)
    for derivative in (lambda: cr.jvp(f, (np.ones(3),), (np.ones(3),)), lambda: cr.vjp(f, ONES)):
        with pytest.raises(ChainruleError, match=message):
            derivative()[1](ONES)


def test_a_vjp_may_return_zero_and_what_was_broadcast():
    f = primitive_of(lambda x, w: x * w, lambda ct, y, x, w: (0, ct * x))
    x, w = np.array([1.0, 2.0]), 3.0
    assert cr.grad(lambda w: np.sum(f(x, w)))(w) == 3
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(f(x, w)))(x), [0, 0])
    one = primitive_of(lambda x: np.ones(2) * np.sum(x), lambda ct, y, x: 0.0)
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(one(x)))(ONES), [0, 0, 0])


@pytest.mark.parametrize("hold", [lambda x: [x, x], lambda x: {"a": x}, lambda x: (x, 1.0)])
def test_traced_values_in_containers_are_refused(hold):
    f = primitive_of(lambda xs: np.sum(np.ones(2)), lambda ct, y, xs: (None,))
    with pytest.raises(ArgumentError, match="each as an argument of its own"):
        cr.grad(lambda x: f(hold(x)))(2.0)


@pytest.mark.parametrize("result", [{"a": 1.0}, None, "text"])
def test_a_primitive_returns_numbers(result):
    f = primitive_of(lambda x: result, lambda ct, y, x: ct)
    with pytest.raises(ArgumentError, match=f"of type {type(result).__name__}"):
        cr.grad(f)(2.0)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_programs_call_a_primitive_of_the_user(backend):
    if backend == "numba":
        pytest.importorskip("numba")
    x = np.array([0.5, 1.5, 2.0])
    slope = 2 * x * x[0] + np.array([np.sum(x**2), 0, 0])
    np.testing.assert_allclose(cr.grad(cr.compile(stored, backend=backend))(x), slope)
    tangent = cr.jvp(cr.compile(stored, backend=backend), (x,), (x,))[1]
    np.testing.assert_allclose(tangent, slope @ x)
    np.testing.assert_allclose(cr.grad(stored)(x), slope)


def test_a_program_that_closes_over_a_traced_value():
    def outer(x):
        p = cr.compile(lambda y: np.array([x * y, y]).sum(), backend="numpy")
        return cr.grad(p)(3.0)

    with cr.engine("tape"), pytest.raises(UnsupportedError, match="x is a traced value that the"):
        cr.grad(outer)(2.0)


def test_second_derivatives_of_such_programs_are_refused():
    with pytest.raises(UnsupportedError, match="declared derivative only the tape"):
        cr.hessian(cr.compile(stored, backend="numpy"))(np.array([0.5, 1.5, 2.0]))


@pytest.mark.parametrize("outer", [lambda g, x: cr.jvp(g, (x,), (x,)), lambda g, x: cr.grad(g)(x)])
def test_a_derivative_of_such_a_tangent_is_refused_too(outer):
    x, p = np.array([0.5, 1.5, 2.0]), cr.compile(stored, backend="numpy")
    with pytest.raises(UnsupportedError, match="declared derivative only the tape"):
        outer(lambda x: cr.jvp(p, (x,), (np.ones(3),))[1], x)
