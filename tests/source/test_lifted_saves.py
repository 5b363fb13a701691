"""An element that a loop updates over and over is saved once, where no iteration reads it."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.source import derivatives
from chainrule.source.ir import For, Push, statements
from chainrule.source.program import compile_


def triangular(a, x):
    a = a.copy()
    for i in range(len(x)):
        for k in range(i):
            a[i] -= a[k] * x[k] * a[k]
        a[i] = np.sin(a[i])
    return np.sum(a * a)


def downwards(a, x):
    a = a.copy()
    for i in range(len(x) - 2, -1, -1):
        for k in range(len(x) - 1, i, -1):
            a[i] += x[i] * a[k] * a[k]
        a[i] *= a[i]
    return np.sum(a)


def shifted(a, x):
    a = a.copy()
    for i in range(1, len(x)):
        for k in range(1, i):
            a[i - 1] += x[k] * a[k - 1] * a[k - 1]
        a[i - 1] = a[i - 1] ** 2
    return np.sum(a)


def nothing_to_do(a, x):
    """The place does not exist where there are no iterations."""
    a = a.copy()
    for i in range(len(x)):
        for k in range(1 - len(x)):
            a[i + 99] += x[k] * a[k]
        a[i] = a[i] * a[i]
    return np.sum(a)


LIFTED = [triangular, downwards, shifted]


def meets_itself(a, x):
    a = a.copy()
    for i in range(len(x)):
        for k in range(i + 1):
            a[i] += 0.1 * a[k] * a[k]
    return np.sum(a)


def reads_itself(a, x):
    a = a.copy()
    for i in range(len(x)):
        for k in range(i):
            a[i] += 0.1 * a[i] * a[i] * x[k]
    return np.sum(a)


def read_by_another(a, x):
    a, b = a.copy(), np.zeros(len(x))
    for i in range(len(x)):
        for k in range(i):
            a[i] += x[k]
            b[k] += a[i] * a[i]
    return np.sum(b) + np.sum(a)


def read_through_a_view(a, x):
    a = a.copy()
    v = a[::-1]
    for i in range(len(x)):
        for k in range(i):
            a[i] += v[k] * v[k] * x[k]
    return np.sum(a * a)


def index_changes(a, x):
    a = a.copy()
    i = len(x) - 1
    for k in range(len(x) - 1):
        a[i] += x[k] * a[k] * a[k]
        i = max(i - 1, 0)
    return np.sum(a * a)


def bound_changes(a, x):
    a = a.copy()
    for i in range(1, len(x)):
        j = i
        for k in range(j):
            j = k
            a[j] += x[k] * a[k] * a[i]
    return np.sum(a * a)


def read_after_the_loop(a, x):
    a = a.copy()
    total = 0.0
    for i in range(len(x)):
        for k in range(i):
            a[i] += x[k] * a[k] * a[k]
            total += a[k] * a[i - k]
    return total


def counts_from_the_end(a, x):
    a = a.copy()
    for i in range(len(x)):
        for k in range(-2, i):
            a[i] += x[k] * a[k] * a[k]
    return np.sum(a * a)


KEPT = [
    counts_from_the_end,
    meets_itself,
    reads_itself,
    read_by_another,
    read_through_a_view,
    index_changes,
    bound_changes,
    read_after_the_loop,
]
OTHERS = [nothing_to_do]


def adjoint(f, *args):
    program = compile_(f, backend="numpy")
    spec = program.specialised(list(args))
    return derivatives.pullback(spec.program, spec.arguments, [("a", ()), ("x", ())])


def saves_in_inner_loops(program):
    loops = [s for s in statements(program.body) if isinstance(s, For)]
    inner = [s for s in loops if not any(isinstance(t, For) for t in s.body)]
    return sum(isinstance(t, Push) for s in inner for t in statements(s.body))


@pytest.mark.parametrize("f", LIFTED + KEPT + OTHERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_gradients_are_right(f, backend, rng):
    a, x = rng.normal(size=6), rng.normal(size=6)
    cr.check_grads(cr.compile(f, backend=backend), (a, x))


@pytest.mark.parametrize("f", LIFTED, ids=lambda f: f.__name__)
def test_the_loop_saves_nothing(f):
    assert saves_in_inner_loops(adjoint(f, np.ones(4), np.ones(4))) == 0


@pytest.mark.parametrize("f", KEPT, ids=lambda f: f.__name__)
def test_the_loop_saves_what_is_read(f):
    assert saves_in_inner_loops(adjoint(f, np.ones(4), np.ones(4))) > 0
