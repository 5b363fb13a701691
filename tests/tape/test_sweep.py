"""The sweep: size, threads, re-entrance, exceptions, memory, and the second, guarded run."""

import gc
import sys
import threading
import time

import numpy as np
import pytest

import chainrule as cr
from chainrule._collector import COLLECTOR_PAUSED
from chainrule.errors import ChainruleError
from chainrule.source.before_running import before_running

X = np.array([0.7, -1.3, 0.4, 1.9])


# -- size ------------------------------------------------------------------------------------------


def test_a_chain_of_a_million_operations():
    def f(x):
        y = x
        for _ in range(500_000):
            y = y * 0.999999
            y = y + 1e-7
        return y

    assert cr.grad(f)(1.0) == pytest.approx(0.999999**500_000, rel=1e-9)


def test_a_long_chain_of_views_and_stores():
    def f(x):
        a = x * 1
        for _ in range(20_000):
            a[:2] += a[2:]
            a[2:] *= 0.5
        return np.sum(a)

    # The map is linear: the gradient is what it does to the unit vectors.
    expected = [f(unit) for unit in np.eye(4)]
    np.testing.assert_allclose(cr.grad(f)(X), expected, rtol=1e-12)


def test_a_long_chain_of_nested_views():
    def f(x):
        v = x * 1
        for _ in range(3000):
            v = v[::-1]
        return np.sum(v * X)

    np.testing.assert_allclose(cr.grad(f)(X), X)


def test_a_long_chain_to_second_order():
    def f(x):
        for _ in range(3000):
            x = np.sin(x) * 1.0001
        return x

    first = cr.grad(f)
    h = 1e-5
    numeric = (first(0.4 + h) - first(0.4 - h)) / (2 * h)
    assert cr.grad(first)(0.4) == pytest.approx(numeric, rel=1e-5)
    assert cr.jvp(first, (0.4,), (1.0,))[1] == pytest.approx(numeric, rel=1e-5)


def diamond(depth):
    def f(x):
        for _ in range(depth):
            x = (x + x) * 0.5
        return x

    return f


def test_a_diamond_is_linear():
    assert cr.grad(diamond(5000))(3.0) == pytest.approx(1.0)

    def seconds(depth):
        start = time.perf_counter()
        cr.grad(diamond(depth))(3.0)
        return time.perf_counter() - start

    short = min(seconds(2500) for _ in range(5))
    assert min(seconds(5000) for _ in range(5)) < 6 * short


def test_a_diamond_of_vectors_with_both_parents_alike():
    def f(x):
        for _ in range(5000):
            x = np.maximum(x, x) + 0.0 * (x * x)
        return np.sum(x)

    np.testing.assert_allclose(cr.grad(f)(X), np.ones(4))


# -- threads and re-entrance -----------------------------------------------------------------------


def run_in_threads(work, count=8):
    errors, results = [], [None] * count
    barrier = threading.Barrier(count)

    def target(k):
        try:
            barrier.wait()
            results[k] = work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=target, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


@pytest.fixture
def _fast_switching():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_fast_switching")
def test_threads_that_sweep_one_pullback():
    def f(x):
        a = x * x
        v = a[1:]
        for _ in range(60):
            a[:2] = np.sin(a[:2] * x[0])
            v *= x[1:]
            a = a + np.sqrt(np.abs(a))
            v = a[1:]
        left, right = np.split(a, 2)
        return left * right

    _, pullback = cr.vjp(f, X)
    seeds = [np.array([k + 1.0, -k]) for k in range(8)]
    expected = [pullback(seed)[0] for seed in seeds]

    def work(k):
        return [pullback(seeds[k])[0] for _ in range(20)]

    for k, found in enumerate(run_in_threads(work)):
        for gradient in found:
            np.testing.assert_array_equal(gradient, expected[k])


@pytest.mark.usefixtures("_fast_switching")
def test_threads_that_take_derivatives_of_their_own():
    def f(x, k):
        return np.sum(np.tanh(x * k) ** 2 + x[::-1] * x)

    expected = [cr.hessian(f)(X, k) for k in range(8)]
    found = run_in_threads(lambda k: [cr.hessian(f)(X, k) for _ in range(5)])
    for k in range(8):
        for hessian in found[k]:
            np.testing.assert_array_equal(hessian, expected[k])


def test_a_pullback_inside_a_sweep_of_the_same_tape():
    depth, inner = [0], []

    @cr.primitive
    def double(x):
        return x * 2

    @double.defvjp
    def double_vjp(ct, y, x):
        if depth[0] < 2:  # sweep the tape that is being swept
            depth[0] += 1
            inner.append(holder[0](np.full(4, 10.0))[0])
        return ct * 2

    holder = []
    _, pullback = cr.vjp(lambda x: np.sin(double(x * x)) + x, X)
    holder.append(pullback)
    expected = np.cos(2 * X * X) * 4 * X + 1
    np.testing.assert_allclose(pullback(np.ones(4))[0], expected)
    assert len(inner) == 2
    for gradient in inner:
        np.testing.assert_allclose(gradient, 10 * expected)


def test_a_pullback_is_used_again_and_again():
    _, pullback = cr.vjp(lambda x: np.sin(x) * x, X)
    first = pullback(X)[0]
    for _ in range(3):
        np.testing.assert_array_equal(pullback(X)[0], first)


def test_a_pullback_while_an_outer_trace_runs():
    def f(x):
        _, pullback = cr.vjp(lambda t: t * t * x, X)
        return pullback(x)[0] * pullback(np.ones(4))[0]

    np.testing.assert_allclose(cr.vjp(f, X)[1](np.ones(4))[0], 3 * 4 * X**2 * X**2, rtol=1e-12)


# -- exceptions ------------------------------------------------------------------------------------


def test_an_exception_in_a_pullback_leaves_things_usable():
    fail = [True]

    @cr.primitive
    def fragile(x):
        return x * 3

    @fragile.defvjp
    def fragile_vjp(ct, y, x):
        if fail[0]:
            raise ZeroDivisionError("in the rule")
        return ct * 3

    _, pullback = cr.vjp(lambda x: np.sin(fragile(x * 2) * x) * x, X)
    enabled = gc.isenabled()
    with pytest.raises(ZeroDivisionError, match="in the rule"):
        pullback(np.ones(4))
    assert gc.isenabled() == enabled
    fail[0] = False
    expected = np.sin(6 * X * X) + np.cos(6 * X * X) * 12 * X * X
    for _ in range(2):
        np.testing.assert_allclose(pullback(np.ones(4))[0], expected)


def test_an_interrupt_in_the_function_leaves_things_usable():
    def f(x, stop):
        y = np.sin(x)
        y[0] *= 2
        if stop:
            raise KeyboardInterrupt
        return np.sum(y)

    good = cr.grad(f)(X, False)
    for transform in (
        cr.grad,
        cr.hessian,
        lambda f: lambda x, stop: cr.vjp(lambda x: f(x, stop), x),
    ):
        with pytest.raises(KeyboardInterrupt):
            transform(f)(X, True)
    np.testing.assert_array_equal(cr.grad(f)(X, False), good)


def test_a_wrong_cotangent_leaves_things_usable():
    _, pullback = cr.vjp(lambda x: x * x, X)
    for wrong in (np.ones(3), (np.ones(4), 1.0), {"a": 1}, np.ones(4) * 1j):
        with pytest.raises(ChainruleError):
            pullback(wrong)
    np.testing.assert_allclose(pullback(np.ones(4))[0], 2 * X)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_state_of_the_collector_is_restored(enabled):
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        cr.hessian(lambda x: np.sum(x**3))(X)
        assert gc.isenabled() == enabled
        run_in_threads(lambda k: cr.grad(lambda x: np.sum(x**3))(X))
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was else gc.disable)()


def test_the_collector_runs_again_after_a_sweep_that_outlasts_a_compilation():
    """One thread sweeps while another compiles: whoever ends last lets it run again."""
    was = gc.isenabled()
    gc.enable()
    try:
        compilation, sweep = before_running(), COLLECTOR_PAUSED
        compilation.__enter__()
        sweep.__enter__()
        compilation.__exit__(None, None, None)
        assert not gc.isenabled()
        sweep.__exit__()
        assert gc.isenabled()
    finally:
        (gc.enable if was else gc.disable)()


# -- NaN: a zero cotangent beats an infinite slope -------------------------------------------------


def guarded(x):
    return np.where(x > 0, np.sqrt(x) * np.log(x), 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_unselected_arm_gives_zero_to_second_order():
    x = np.array([0.0, 0.5, 0.0, 2.0, -1.0])
    safe = np.where(x > 0, x, 1.0)
    first = np.where(x > 0, (np.log(safe) + 2) / (2 * np.sqrt(safe)), 0)
    second = np.where(x > 0, -np.log(safe) / (4 * safe**1.5), 0)
    ones = np.ones_like(x)

    def gradient(x):
        return cr.vjp(guarded, x)[1](ones)[0]

    def tangent(x):
        return cr.jvp(guarded, (x,), (ones,))[1]

    np.testing.assert_allclose(gradient(x), first)
    np.testing.assert_allclose(tangent(x), first)
    np.testing.assert_allclose(cr.jvp(gradient, (x,), (ones,))[1], second)
    np.testing.assert_allclose(cr.vjp(gradient, x)[1](ones)[0], second)
    np.testing.assert_allclose(cr.vjp(tangent, x)[1](ones)[0], second)
    np.testing.assert_allclose(cr.jvp(tangent, (x,), (ones,))[1], second)


def store_guarded(x):
    y = np.sqrt(x) * np.log(x)
    y[x <= 0] = 0
    return np.sum(y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)),
        lambda x: np.sum(np.where(x > 0, x / np.where(x > 0, x, 0) * x, 0)),
        lambda x: np.sum(np.where(x != 0, np.sin(x) / x, 1.0)),
        lambda x: np.sum(np.sqrt(x)[x > 0]),
        lambda x: np.sum(np.where(x > 0, np.exp(np.log(x) * 2), 0)),
        lambda x: np.sum(np.where(x > 0, np.log(np.sqrt(x)), 0)),
        store_guarded,
    ],
)
def test_other_guarded_functions_are_finite(f):
    x = np.array([0.0, 0.5, 2.0])
    h = 1e-6
    gradient = cr.grad(f)(x)
    assert gradient[0] == 0
    for i in (1, 2):
        step = h * np.eye(3)[i]
        assert gradient[i] == pytest.approx((f(x + step) - f(x - step)) / (2 * h), rel=1e-6)
    np.testing.assert_allclose(cr.jvp(f, (x,), (np.ones(3),))[1], np.sum(gradient))
    assert np.all(np.isfinite(cr.hessian(f)(x)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "inner",
    [
        lambda x: np.sin(np.power(x, [0.5, 0.5, 0.5])),
        lambda x: np.sin(np.float_power(x, np.float32(0.5))),
        lambda x: np.sin(np.sqrt(x)) * np.real(np.exp(1j * x)),
        lambda x: np.real(np.sin(np.sqrt(x + 0j))) * np.sqrt(x),
    ],
)
def test_what_is_recorded_in_another_way_is_guarded_with_the_rest(inner):
    x, v = np.array([0.0, 0.5, 2.0]), np.array([0.3, 1.0, -0.7])

    def f(x):
        return np.sum(np.where(x > 0, inner(x), 0) * x)

    twice = [
        cr.jvp(cr.grad(f), (x,), (v,))[1],
        cr.grad(lambda x: cr.grad(f)(x) @ v)(x),
        cr.grad(lambda x: cr.jvp(f, (x,), (v,))[1])(x),
    ]
    assert twice[0][0] == 0
    assert np.all(np.isfinite(twice[0]))
    np.testing.assert_allclose(twice[1:], [twice[0]] * 2, rtol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_nan_that_belongs_there_stays():
    assert np.isnan(cr.grad(lambda x: np.sqrt(x) * np.log(x))(-1.0))
    gradient = cr.grad(lambda x: np.sum(np.sqrt(x)))(np.array([-1.0, 4.0]))
    assert np.isnan(gradient[0])
    assert gradient[1] == 0.25
    assert cr.grad(np.sqrt)(0.0) == np.inf


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_nan_that_a_sum_would_hide_is_still_guarded():
    """The second sweep is decided by the gradients: one clean leaf must not hide another."""

    def f(x, y):
        return np.sum(np.where(x > 0, np.sqrt(x) * y, 0))

    x, y = np.array([0.0, 4.0]), np.array([3.0, 5.0])
    gx, gy = cr.grad(f, argnums=(0, 1))(x, y)
    np.testing.assert_allclose(gx, [0, 1.25])
    np.testing.assert_allclose(gy, [0, 2.0])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_float32_and_complex_are_guarded_too():
    x = np.array([0.0, 4.0], np.float32)
    gradient = cr.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)))(x)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, [0, 0.25])
    z = np.array([0.0, 4.0 + 0j])
    gradient = cr.grad(lambda z: np.sum(np.where(np.abs(z) > 0, np.sqrt(z), 0)).real)(z)
    np.testing.assert_allclose(gradient, [0, 0.25])
