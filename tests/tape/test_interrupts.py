"""Ctrl-C in the middle of a sweep: the next one is right."""

import gc
import linecache
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import chainrule as cr

X = np.array([0.7, -1.3, 0.4])
PACKAGE = os.path.dirname(cr.__file__) + os.sep


class Interrupter:
    """Raises KeyboardInterrupt as the ``n``-th line of the library's own code is reached."""

    def __init__(self, n):
        self.n = n
        self.count = 0

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *exception):
        sys.settrace(self.before)

    def trace(self, frame, event, arg):
        file = frame.f_code.co_filename
        if not file.startswith((PACKAGE, "<chainrule")):
            return None
        if event == "line" and not _of_the_collector(frame):
            self.count += 1
            if self.count == self.n:
                raise KeyboardInterrupt
        return self.trace


def _of_the_collector(frame):
    """Tell a line at the border of a block that pauses Python's cycle collector.

    No signal arrives there: Python looks for them within calls and loops, and a trace function
    would break what `with` and `finally` promise.
    """
    file = frame.f_code.co_filename
    line = linecache.getline(file, frame.f_lineno)
    words = ("COLLECTOR_PAUSED", "OLD_GENERATION_SPARED", "gc.")
    return file.endswith("collector.py") or any(word in line for word in words)


def interrupted(work, n):
    """Run ``work`` up to line ``n``; tell whether it got that far."""
    try:
        with Interrupter(n):
            work()
    except KeyboardInterrupt:
        return True
    finally:
        assert gc.isenabled()
    return False


def stored(x):
    a = np.sin(x)
    a[:2] *= x[1:]
    v = a[::-1]
    v += np.exp(a)
    return np.sum(a * x) + np.prod(v)


def diamond(x):
    a = np.tanh(x)
    b = a * a
    c = a + b
    return np.sum(b * c + a)


def with_infinite_slope(x):  # the sweep is repeated with the guarded pullbacks
    return np.sum(np.where(x > 0, np.sqrt(np.maximum(x, 0)), x * x))


def with_checkpoint(x):
    return np.sum(cr.checkpoint(lambda u: np.sin(u) * u)(x) * x)


def several(x):
    return np.sum(np.stack(np.split(np.concatenate([x, x * x]), 2)) @ np.cos(x))


PROGRAMS = [stored, diamond, with_infinite_slope, with_checkpoint, several]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_interrupted_at_every_line(f):
    expected = cr.vjp(f, X)[1](1.0)[0]
    _, pullback = cr.vjp(f, X)
    n = 1
    while interrupted(lambda: pullback(1.0), n):  # noqa: B023
        for _ in range(2):
            np.testing.assert_array_equal(pullback(1.0)[0], expected, err_msg=f"line {n}")
        _, pullback = cr.vjp(f, X)
        n += 1
    assert n > 50  # it was interrupted at all


def test_interrupted_sweeps_one_after_the_other():
    expected = cr.vjp(stored, X)[1](1.0)[0]
    _, pullback = cr.vjp(stored, X)
    n = 1
    while interrupted(lambda: pullback(1.0), n):  # noqa: B023
        for k in (n // 2, n, 2 * n // 3, 5):  # with no whole sweep in between
            interrupted(lambda: pullback(1.0), k)  # noqa: B023
        np.testing.assert_array_equal(pullback(1.0)[0], expected)
        _, pullback = cr.vjp(stored, X)
        n += 3
    assert n > 50


def test_other_outputs_of_an_interrupted_tape():
    """The next sweep may start elsewhere: from another output, which shares part of the graph."""

    def f(x):
        a = np.sin(x)
        b = np.exp(a)
        return np.sum(b * a), np.sum(a * x)

    def first(pullback):
        return pullback((1.0, 0.0))[0]

    def second(pullback):
        return pullback((0.0, 1.0))[0]

    expected = [first(cr.vjp(f, X)[1]), second(cr.vjp(f, X)[1])]
    _, pullback = cr.vjp(f, X)
    n = 1
    while interrupted(lambda: first(pullback), n):  # noqa: B023
        np.testing.assert_array_equal(second(pullback), expected[1])
        np.testing.assert_array_equal(first(pullback), expected[0])
        _, pullback = cr.vjp(f, X)
        n += 1
    assert n > 50


def test_an_interrupted_tangent_map():
    expected = cr.linearize(stored, X)[1](X)
    _, tangent = cr.linearize(stored, X)
    n = 1
    while interrupted(lambda: tangent(X), n):  # noqa: B023
        assert tangent(X) == expected
        _, tangent = cr.linearize(stored, X)
        n += 3
    assert n > 50


def test_an_interrupted_inner_sweep():
    """The tape of an outer derivative goes on after an inner sweep that was interrupted."""
    lines = []

    def f(a, n):
        _, pullback = cr.vjp(lambda x: np.sum(np.sin(x) * x * a), X)
        lines.append(n is not None and interrupted(lambda: pullback(a[0]), n))
        return np.sum(pullback(a[0])[0] * a)

    expected = cr.grad(f)(X, None)
    for n in range(1, 400, 5):
        np.testing.assert_allclose(cr.grad(f)(X, n), expected, rtol=1e-14)
    assert sum(lines) > 10


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError, MemoryError])
def test_a_rule_that_raises_once(error):
    calls = []

    @cr.primitive
    def cube(x):
        return x**3

    @cube.defvjp
    def cube_vjp(ct, y, x):
        calls.append(1)
        if len(calls) == 1:
            raise error
        return ct * 3 * x**2

    _, pullback = cr.vjp(lambda x: np.sum(np.sin(cube(np.exp(x))) * x), X)
    with pytest.raises(error):
        pullback(1.0)
    expected = cr.grad(lambda x: np.sum(np.sin(np.exp(x) ** 3) * x))(X)
    np.testing.assert_allclose(pullback(1.0)[0], expected, rtol=1e-12)
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals come to the main one"
)
def test_a_real_signal():
    def f(x):
        for _ in range(1000):
            x = x * 1.0001 + 0.1
        return x

    def stop(*args):
        raise KeyboardInterrupt

    _, pullback = cr.vjp(f, 2.0)
    start = time.perf_counter()
    expected = pullback(1.0)[0]
    length = time.perf_counter() - start
    hits = 0
    rng = np.random.default_rng(0)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for _ in range(60):
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.1, 0.9) * length + 1e-6)
                pullback(1.0)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                hits += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert pullback(1.0)[0] == expected
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert hits
