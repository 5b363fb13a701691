"""Loops with bounded memory: the same derivatives to the bit, few states, few iterations again."""

import functools
import importlib.util
import inspect
import math
import re
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.checkpointed import default_snapshots, snapshot_slots, steps_to_snapshot
from source import checkpointed_programs as programs

X = np.array([0.31, 0.72, 0.15, 0.58, 0.44])
C = 0.3
CASES = [(n, k) for n in (0, 1, 2, 3, 10) for k in (1, 2, 3, 7, 60)] + [(50, 3), (50, 7)]

each_program = pytest.mark.parametrize("f", programs.ALL, ids=lambda f: f.__name__)


@pytest.fixture(scope="module")
def unmarked(tmp_path_factory):
    """The same programs without the marks on their loops."""
    call = r"cr\.checkpointed\((range\((?:[^()]|\([^()]*\))*\))[^)]*\)"
    text, count = re.subn(call, r"\1", inspect.getsource(programs))
    assert count == len(programs.ALL) + 1 and "checkpointed(" not in text
    path = tmp_path_factory.mktemp("unmarked") / "unmarked_programs.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("unmarked_programs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_two(f, n=6, k=2):
    return cr.compile(lambda x, c: f(x, c, n, k))


def same(a, b):
    return all(
        np.array_equal(s, t) and np.asarray(s).dtype == np.asarray(t).dtype
        for s, t in zip(a, b, strict=True)
    )


# ------------------------------------------------------------------------------- the schedule


@functools.cache
def fewest(n, k):
    """How many iterations must run again, by trying every place of the next snapshot."""
    if n <= 1:
        return 0
    if k == 1:
        return n * (n - 1) // 2
    return min(m + fewest(n - m, k - 1) + fewest(m, k) for m in range(1, n))


def closed_form(n, k):
    """Griewank and Walther 2000, theorem 1."""
    r = next(r for r in range(n + 1) if n <= math.comb(k + r, k))
    return r * n - math.comb(k + r, r - 1) if r else 0


def again(n, k):
    """How often each iteration runs again in the reverse sweep of a loop, as it is emitted."""
    slots = snapshot_slots(k, n)
    runs, starts, top = np.zeros(n, int), [0] * slots, 0
    for last in reversed(range(n)):
        now = starts[top]
        while now < last:
            stop = now + steps_to_snapshot(last + 1 - now, slots - top)
            assert now < stop <= last
            runs[now:stop] += 1
            now = stop
            if now < last:
                top += 1
                starts[top] = now
        if starts[top] == last:
            top -= 1
    return runs


def test_the_schedule_runs_as_few_iterations_as_can_be():
    for n in range(1, 40):
        for k in range(1, 12):
            assert np.sum(again(n, k)) == closed_form(n, k) == fewest(n, k)


def test_ten_thousand_iterations_with_twenty_snapshots():
    runs = again(10_000, 20)
    assert np.sum(runs) == closed_form(10_000, 20) == 37_976
    assert np.max(runs) == 4


@pytest.mark.parametrize("n", [1, 2, 3, 4, 10, 1000, 9999])
def test_by_default_no_iteration_runs_more_than_twice_again(n):
    k = default_snapshots(n)
    assert np.max(again(n, k)) <= 2
    assert k == 1 or math.comb(k + 1, 2) < n  # with one less, some would


# ---------------------------------------------------------------------------- the derivatives


@each_program
def test_value_and_gradient_are_those_of_the_loop_without_a_mark(f, unmarked):
    marked = cr.value_and_grad(cr.compile(f), argnums=(0, 1))
    plain = cr.value_and_grad(cr.compile(getattr(unmarked, f.__name__)), argnums=(0, 1))
    for n, k in CASES:
        value, gradient = marked(X, C, n, k)
        expected, expected_gradient = plain(X, C, n, k)
        assert value == expected == f(X, C, n, k), (n, k)
        assert same(gradient, expected_gradient), (n, k)


@each_program
def test_gradient_against_differences(f):
    if f is programs.single_precision:
        pytest.skip("differences in single precision tell little")
    cr.check_grads(of_two(f), (X, C))


@each_program
def test_a_pullback_can_be_used_again(f, unmarked):
    value, pull = cr.vjp(of_two(f), X, C)
    expected, expected_pull = cr.vjp(of_two(getattr(unmarked, f.__name__)), X, C)
    assert value == expected
    for ct in (1.0, 2.5, 1.0):
        assert same(pull(ct), expected_pull(ct))


@each_program
def test_second_order(f, unmarked):
    plain = getattr(unmarked, f.__name__)
    hessian = cr.hessian(of_two(plain), argnums=(0, 1))(X, C)
    found = cr.hessian(of_two(f), argnums=(0, 1))(X, C)
    is_single = f is programs.single_precision
    for row, expected_row in zip(found, hessian, strict=True):
        for block, expected in zip(row, expected_row, strict=True):
            np.testing.assert_allclose(block, expected, rtol=1e-6 if is_single else 1e-12)
    v = np.linspace(-1, 1, 5)
    by_x = cr.compile(lambda x: f(x, C, 6, 2))
    backwards = cr.grad(lambda x: cr.jvp(by_x, (x,), (v,))[1])(X)
    np.testing.assert_allclose(backwards, hessian[0][0] @ v, rtol=1e-4 if is_single else 1e-10)


@each_program
def test_forward_mode_does_not_see_the_mark(f, unmarked):
    given = (X, C), (np.cos(X), 1.0)
    assert same(cr.jvp(of_two(f), *given), cr.jvp(of_two(getattr(unmarked, f.__name__)), *given))


def test_jacobian_of_an_array_result():
    def trace(x, n, mark):
        u = x.copy()
        if mark:
            for _ in cr.checkpointed(range(n), 2):
                u[1:] += np.sin(u[:-1]) * u[1:]
        else:
            for _ in range(n):
                u[1:] += np.sin(u[:-1]) * u[1:]
        return u

    found = cr.jacobian(cr.compile(trace))(X, 7, True)
    assert np.array_equal(found, cr.jacobian(cr.compile(trace))(X, 7, False))
    np.testing.assert_allclose(found, cr.jacfwd(cr.compile(trace))(X, 7, True), rtol=1e-12)


def test_assertions_are_made_once():
    def grow(x, n):
        for _ in cr.checkpointed(range(n), 2):
            assert np.sum(x) < 1000, "too large"
            x = x * (1 + 0.1 * x)
        return np.sum(x)

    gradient = cr.grad(cr.compile(grow))
    cr.check_grads(lambda x: cr.compile(grow)(x, 6), (X,))
    gradient(X, 6)
    code = [line for line in gradient.source.splitlines() if "#" not in line]
    assert sum("too large" in line for line in code) == 1
    with pytest.raises(AssertionError, match="too large"):
        gradient(X * 100, 60)


# ----------------------------------------------------------------------- memory, time and text


class CountingNumPy:
    """NumPy that counts how often the sine is taken."""

    count = 0

    def __getattr__(self, name):
        return getattr(np, name)

    def sin(self, x):
        self.count += 1
        return np.sin(x)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (10, 1), (10, 3), (57, 4), (57, 100)])
def test_the_emitted_program_runs_as_few_iterations_as_can_be(n, k):
    def chain(x, n, k):
        for _ in cr.checkpointed(range(n), k):
            x = 0.9 * np.sin(x)
        return x

    gradient = cr.value_and_grad(cr.compile(chain))
    expected = gradient(0.5, n, k)
    space = {}
    exec(gradient.source, space)
    space["np"] = counting = CountingNumPy()
    assert space["chain_value_and_grad"](0.5, n, k) == expected
    # What follows the sine in an iteration needs no value of it: its own run has no sine.
    assert counting.count == n + closed_form(n, min(n, k))


def peak(call):
    call()
    tracemalloc.start()
    call()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_is_that_of_the_snapshots(unmarked):
    x, k = np.linspace(0, 1, 1000), 5
    marked, plain = (cr.grad(cr.compile(f)) for f in (programs.heat, unmarked.heat))
    state = x.nbytes
    assert peak(lambda: plain(x, C, 400, k)) > 400 * state
    # Beside the snapshots: the state, what one iteration computes, the cotangents.
    few, many = (peak(lambda n=n: marked(x, C, n, k)) for n in (400, 1600))
    assert few < (k + 20) * state
    assert many < 1.2 * few


def test_what_an_iteration_does_not_need_is_not_kept():
    gradient = cr.grad(cr.compile(programs.trajectory))
    gradient(X, C, 5, 2)
    assert "x_snapshots" in gradient.source
    assert "rows_snapshots" not in gradient.source
    assert "total_snapshots" not in gradient.source


def test_a_loop_that_needs_no_state_keeps_none():
    def weighted(x, n):
        total = 0.0
        for t in cr.checkpointed(range(n), 2):
            total += np.sum(np.sin(x * t))
        return total

    gradient = cr.grad(cr.compile(weighted))
    np.testing.assert_allclose(gradient(X, 4), sum(t * np.cos(X * t) for t in range(4)))
    assert "snapshots" not in gradient.source.replace("snapshots=", "")


def test_the_text_runs_alone(tmp_path):
    gradient = cr.grad(cr.compile(programs.heat), argnums=(0, 1))
    expected = gradient(X, C, 20, 3)
    path = tmp_path / "alone.py"
    call = f"print([*heat_grad(np.array({X.tolist()}), {C}, 20, 3)[0]][1].hex())"
    path.write_text(f"{gradient.source}\n\n{call}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == float(expected[0][1]).hex(), done.stderr
    assert "chainrule" not in gradient.source


# -------------------------------------------------------------------------- what it refuses


def prints(x):
    for _ in cr.checkpointed(range(3), 2):
        print("step")
        x = x * np.sin(x)
    return np.sum(x)


def becomes_an_array(x):
    s = 0.0
    for _ in cr.checkpointed(range(3), 2):
        s = np.sin(s + x)
    return np.sum(s)


def bound_by_an_iteration(x):
    first = True
    for _ in cr.checkpointed(range(3), 2):
        if first:
            m = x * x
            first = False
        else:
            m = np.sin(m + x)
    return np.sum(m)


def goes_through_an_array(x):
    s = 1.0
    for v in cr.checkpointed(x, 2):
        s = s * v
    return s


def picks_from_a_list(x):
    weights = [x, 2 * x, x * x]
    for t in cr.checkpointed(range(3), 2):
        x = x * weights[t]
    return np.sum(x)


def within_enumerate(x):
    for _, _ in enumerate(cr.checkpointed(range(3), 2)):
        x = x * x
    return np.sum(x)


def too_few(x):
    for _ in cr.checkpointed(range(3), snapshots=0):
        x = x * x
    return np.sum(x)


def too_many_arguments(x):
    for _ in cr.checkpointed(range(3), 2, 1):
        x = x * x
    return np.sum(x)


def bound_in_a_while(x):
    for _ in cr.checkpointed(range(3), 2):
        m = 0
        while m < 2:
            y = x * m
            m += 1
        x = x * np.sin(y)
    return np.sum(x)


REFUSED = {
    prints: "An iteration that prints runs again",
    becomes_an_array: "s is no array of its final shape when a checkpointed loop begins",
    bound_by_an_iteration: "m is no array of its final shape when a checkpointed loop begins",
    goes_through_an_array: "checkpointed goes through something else than a range",
    picks_from_a_list: "The number of the iteration of a checkpointed loop must be known",
    within_enumerate: "checkpointed is called outside of the head of a for loop",
    too_few: "snapshots is not a positive integer",
    too_many_arguments: "checkpointed is given other arguments than a range and snapshots",
    bound_in_a_while: "y may not be bound when a checkpointed loop begins",
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f):
    with pytest.raises(cr.errors.UnsupportedError, match=REFUSED[f]) as caught:
        cr.grad(cr.compile(f))(X)
    assert f"{__file__}:" in str(caught.value)
    assert "Instead: " in str(caught.value)


def test_random_draws_are_refused():
    def walk(x, rng):
        for _ in cr.checkpointed(range(3), 2):
            x = x + np.sin(x) * rng.normal()
        return x

    with pytest.raises(cr.errors.UnsupportedError, match="draws random numbers runs again"):
        cr.grad(cr.compile(walk))(0.5, np.random.default_rng(0))


def test_a_state_that_changes_its_shape_is_refused():
    def shrinking(x, n):
        for _ in cr.checkpointed(range(n), 2):
            x = x[1:] * x[:-1]
        return np.sum(x)

    with pytest.raises(ValueError, match="x has another shape than before the checkpointed loop"):
        cr.grad(cr.compile(shrinking))(X, 4)


def test_fewer_than_one_snapshot_is_refused_when_it_is_known():
    with pytest.raises(ValueError, match="one snapshot or more"):
        cr.grad(cr.compile(programs.heat))(X, C, 3, 0)


# -------------------------------------------------------------------------- without a program


def test_it_is_the_range_itself():
    assert cr.checkpointed(range(2, 9, 3), 2) == range(2, 9, 3)
    assert cr.checkpointed(range(3), snapshots=np.int64(2)) == range(3)


@pytest.mark.parametrize("snapshots", [0, -1, 1.5, "2"])
def test_snapshots_must_be_a_positive_integer(snapshots):
    with pytest.raises(cr.errors.ArgumentError, match="not a positive integer"):
        cr.checkpointed(range(3), snapshots)


def test_it_goes_through_a_range():
    with pytest.raises(cr.errors.ArgumentError, match="a range, not a list"):
        cr.checkpointed([0, 1, 2])


def test_a_plain_function_goes_to_the_source_engine():
    def chain(x):
        for _ in cr.checkpointed(range(20), 3):
            x = 0.9 * np.sin(x)
        return x

    verdict = cr.which_engine(chain)
    assert verdict.engine == "source"
    assert "a checkpointed loop, of which it would keep every iteration" in repr(verdict)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cr.grad(chain)(0.5)
        _, tangent = cr.jvp(chain, (0.5,), (1.0,))
    np.testing.assert_allclose(found, tangent, rtol=1e-13)
    with cr.engine("tape"), pytest.warns(UserWarning, match="memory is not bounded"):
        np.testing.assert_allclose(cr.grad(chain)(0.5), found, rtol=1e-13)


def test_what_the_source_engine_refuses_runs_on_the_tape_once(capsys):
    with pytest.warns(UserWarning, match="memory is not bounded"):
        found = cr.grad(prints)(X)
    assert capsys.readouterr().out == "step\n" * 3
    with warnings.catch_warnings(), cr.engine("tape"):
        warnings.simplefilter("ignore")
        assert np.array_equal(found, cr.grad(prints)(X))
