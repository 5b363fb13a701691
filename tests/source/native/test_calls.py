"""Calling compiled programs: ahead of time, from several threads, from SciPy, with small arrays."""

import os
import platform
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.native.store import FOLDER

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def kept_apart(tmp_path_factory, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path_factory.getbasetemp() / "machine code"))


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_slopes(x):
    inner = x[1:] - x[:-1] ** 2
    slopes = np.zeros_like(x)
    slopes[:-1] = -400.0 * x[:-1] * inner - 2.0 * (1.0 - x[:-1])
    slopes[1:] += 200.0 * inner
    return slopes


def compiled(f):
    return cr.compile(f, backend="numba")


X = np.linspace(-1.0, 1.0, 10)


# ------------------------------------------------------------------------------ ahead of time


def squares(x):
    return np.sum(x**2)


@pytest.mark.parametrize("given", ["f8[:]", X], ids=["types", "arguments"])
@pytest.mark.parametrize(
    ("derive", "expected"),
    [
        (lambda p: p, [np.sum(X**2)]),
        (cr.grad, [2 * X]),
        (cr.value_and_grad, [np.sum(X**2), 2 * X]),
    ],
    ids=["primal", "grad", "value_and_grad"],
)
def test_warm_compiles_and_does_not_run(monkeypatch, derive, expected, given):
    program = derive(compiled(squares))
    monkeypatch.setattr("chainrule.source.specialise.Specialisation.call", None)  # nothing may run
    assert program.warm(given) is program
    monkeypatch.undo()
    monkeypatch.setattr("chainrule.source.native.compiling.to_kernel", None)  # nor be compiled now
    found = program(X)
    for a, b in zip(found if isinstance(found, tuple) else [found], expected, strict=True):
        np.testing.assert_allclose(a, b)


# ------------------------------------------------------------------------------------ threads


def test_threads_race_for_the_first_compilation():
    gradient = cr.grad(compiled(rosenbrock))
    starts = threading.Barrier(4)

    def run(k):
        starts.wait()
        return gradient(X + k)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, range(4)))
    for k, slopes in enumerate(found):
        np.testing.assert_allclose(slopes, rosenbrock_slopes(X + k))


def test_threads_call_one_gradient_at_once():
    gradient = cr.grad(compiled(rosenbrock))
    points = [np.random.default_rng(k).normal(size=50 + k % 3) for k in range(60)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(gradient, points))
    for x, slopes in zip(points, found, strict=True):
        np.testing.assert_allclose(slopes, rosenbrock_slopes(x), rtol=1e-10)


def slow(x):
    y = x.copy()
    for _ in range(400):
        y = np.sin(y) + 0.5 * y
    return np.sum(y)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_the_interpreter_goes_on_while_machine_code_runs():
    program = compiled(slow)
    x = np.linspace(0.0, 1.0, 60_000)
    program(x)
    turns = 0
    done = threading.Event()

    def run():
        program(x)
        done.set()

    thread = threading.Thread(target=run)
    start = time.perf_counter()
    thread.start()
    while not done.wait(0.001):
        turns += 1
    thread.join()
    # With the lock held no turn would come before the end; a busy machine may slow the turns.
    assert turns >= 5, (turns, time.perf_counter() - start)


# -------------------------------------------------------------------------------- small calls


def test_a_gradient_is_no_one_elses_memory():
    gradient = cr.grad(compiled(lambda x, y: np.sum(x) + np.sum(x * y)), argnums=(0, 1))
    x, y = X.copy(), X + 1
    for _ in range(3):
        by_x, by_y = gradient(x, y)
        by_y[:] = 0.0
        np.testing.assert_array_equal(x, X)
        assert not any(np.shares_memory(by_x, other) for other in (by_y, x, y))
        np.testing.assert_allclose(by_x, 1 + y)


def test_an_argument_that_is_returned_is_copied():
    gradient = cr.grad(compiled(lambda x, y: np.sum(x * y)))
    y = X + 1
    for _ in range(3):
        found = gradient(X, y)
        np.testing.assert_array_equal(found, y)
        assert not np.shares_memory(found, y)


def test_a_nan_is_looked_at_again_in_every_call():
    gradient = cr.grad(compiled(lambda x: np.sum(np.sqrt(x) * 0.0 * x)))
    ones, zeros = np.ones(3), np.zeros(3)
    for x in (ones, ones, zeros, ones, zeros):
        np.testing.assert_array_equal(gradient(x), np.zeros(3))


def test_arrays_that_lie_otherwise_in_memory():
    def f(A):
        return np.sum(A[0] * A[1]) + A[1, 2]

    gradient = cr.grad(compiled(f))
    A = np.arange(12.0).reshape(3, 4)
    expected = np.zeros((3, 4))
    expected[0], expected[1] = A[1], A[0]
    expected[1, 2] += 1
    locked = A.copy()
    locked.flags.writeable = False
    for given in (A, np.asfortranarray(A), np.repeat(A, 2, axis=1)[:, ::2], locked):
        np.testing.assert_allclose(gradient(given), expected)


# -------------------------------------------------------------------------------------- SciPy


def test_minimize():
    optimize = pytest.importorskip("scipy.optimize")
    program = compiled(rosenbrock)
    start = np.full(5, -0.5)
    both = optimize.minimize(cr.value_and_grad(program), start, jac=True, method="BFGS")
    one = optimize.minimize(program, start, jac=cr.grad(program), method="L-BFGS-B", tol=1e-10)
    np.testing.assert_allclose(both.x, np.ones(5), atol=1e-4)
    np.testing.assert_allclose(one.x, np.ones(5), atol=1e-4)


@pytest.mark.parametrize("method", ["trust-exact", "Newton-CG", "trust-ncg"])
def test_minimize_with_second_derivatives(method):
    optimize = pytest.importorskip("scipy.optimize")
    program = compiled(rosenbrock)
    start = np.full(5, -0.5)
    gradient, hessian = cr.grad(program), cr.hessian(program)
    whole = optimize.minimize(
        program, start, jac=gradient, hess=hessian, method=method, tol=1e-9
    )  # fmt: skip
    np.testing.assert_allclose(whole.x, np.ones(5), atol=1e-4)
    if method != "trust-exact":  # which factorises the Hessian
        product = optimize.minimize(
            program, start, jac=gradient, method=method, tol=1e-9,
            hessp=lambda x, p: cr.hvp(program, (x,), (p,)),
        )  # fmt: skip
        np.testing.assert_allclose(product.x, np.ones(5), atol=1e-4)


def test_minimize_with_arguments_and_constraints():
    optimize = pytest.importorskip("scipy.optimize")
    A, b = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([1.0, -1.0])
    program = compiled(lambda x, A, b: 0.5 * x @ A @ x - b @ x)
    circle = compiled(lambda x: np.sum(x**2) - 0.1)
    found = optimize.minimize(
        cr.value_and_grad(program), np.ones(2), args=(A, b), jac=True, method="SLSQP", tol=1e-12,
        constraints={
            "type": "ineq",
            "fun": lambda x: -circle(x),
            "jac": lambda x: -cr.grad(circle)(x),
        },
    )  # fmt: skip
    assert found.success
    assert circle(found.x) < 1e-9
    slope = A @ found.x - b
    np.testing.assert_allclose(slope[0] * found.x[1], slope[1] * found.x[0], atol=1e-4)


def test_least_squares():
    optimize = pytest.importorskip("scipy.optimize")
    t = np.linspace(0.0, 1.0, 20)

    def residuals(p):
        return p[0] * np.exp(-p[1] * t) - 2.0 * np.exp(-1.5 * t)

    program = compiled(residuals)
    found = optimize.least_squares(program, np.ones(2), jac=cr.jacrev(program))
    np.testing.assert_allclose(found.x, [2.0, 1.5], rtol=1e-6)


def test_solve_ivp():
    integrate = pytest.importorskip("scipy.integrate")

    def slope(t, y):
        return np.stack([y[1], 50.0 * (1.0 - y[0] ** 2) * y[1] - y[0]])

    program = compiled(slope)
    jacobian = cr.jacfwd(program, argnums=1)
    options = {"t_span": (0.0, 10.0), "y0": np.array([2.0, 0.0]), "method": "BDF", "rtol": 1e-8}
    found = integrate.solve_ivp(program, jac=jacobian, **options)
    plain = integrate.solve_ivp(slope, **options)
    assert found.success
    np.testing.assert_allclose(found.y[:, -1], plain.y[:, -1], rtol=1e-5)


def weighed(x):
    return np.sum(np.exp(x) / np.sum(np.exp(x)))


def faults():
    """Return how many pages of memory ten calls of a gradient get from the system."""
    import resource

    gradient, x = cr.grad(cr.compile(weighed, backend="numba")), np.ones(1_000_000)
    found = []
    for _ in range(13):
        gradient(x)
        found.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    return found[-1] - found[2]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about glibc's thresholds")
def test_memory_stays_with_the_process():
    code = "from source.native import test_calls; print(test_calls.faults())"
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 1_000  # a result alone lies on 2,000 pages
