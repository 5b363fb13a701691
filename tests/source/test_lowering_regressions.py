"""Programs that the source engine once refused: names, loops, jumps and values that may be None."""

import ast
import dataclasses
import textwrap

import numpy as np
import pytest

from chainrule.errors import UnsupportedError
from chainrule.source.emit import emit
from chainrule.source.liveness import annotate
from source.oracles import Compiled, along, assert_close, copied, inner, random_like, vector
from source.test_lower_statements import assert_same, lowered

X = np.random.default_rng(0).uniform(-1, 1, 5)
A = np.random.default_rng(1).uniform(-1, 1, (4, 3))


@dataclasses.dataclass
class Body:
    """A place and a speed."""

    x: np.ndarray
    v: np.ndarray
    t: float = 0.0


# -- jumps -----------------------------------------------------------------------------------------


def loops_in_an_if_that_nothing_leaves(x, n):
    s = 0.0
    if x[0] < 2.0:
        for i in range(n):
            if x[i] > 0.9:
                break
            if x[i] < -0.5:
                continue
            s += x[i] ** 2
    else:
        k = 0
        while True:
            s += x[k]
            k += 1
            if k > 3:
                break
    return s * n


def early_return_beside_a_rebinding(a, n):
    u, w = a[0].copy(), np.zeros(3)
    if a[0, 0] > -2.0:
        if a[1, 0] > 3.0:
            return u * 2.0
        for i in range(n):
            w, u = u, w
            u[1] = np.sum(w) + i
    else:
        u[2] += 0.5
        w *= u
    if np.sum(w) > 9.0:
        return w
    return u * w


# -- names that are not read again -----------------------------------------------------------------


def a_list_handed_over(bodies, n, dt):
    for _ in range(n):
        new = []
        for body in bodies:
            v = body.v - dt * body.x
            new.append(Body(body.x + dt * v, v, body.t))
        bodies = new
    return [b.x for b in bodies]


def the_array_of_a_loop_is_rebound(a):
    s = 0.0
    for row in a:
        a = np.tanh(row)
        s += a.sum()
    return s


def the_items_of_a_loop_are_rebound(x, n):
    p, q = x, 2.0 * x
    for _ in range(n):
        for v in (p, q):
            q = np.tanh(q * v) + 1.0
            p = np.sin(q)
    return p + q


def a_name_read_by_a_function_defined_inside(x, n):
    k = x[0]

    def scaled(t):
        return t * k

    for i in range(n):
        if x[i] > 0.0:
            k = x[i]
        s = scaled(x[i])
        k = s + 0.5
    return scaled(k)


# -- two names for one array -----------------------------------------------------------------------


def a_row_of_the_output_is_carried(x, n):
    out = np.zeros((n + 1, 5))
    row = out[0]
    row[:] = x
    for i in range(1, n + 1):
        new = out[i]
        new[:] = np.sin(row) * 2.0
        row = new
    return out


def a_state_is_read_from_its_record(x, n):
    h = x
    states = np.zeros((n, 5))
    for t in range(n):
        states[t] = np.tanh(h * 1.5 + x)
        h = states[t]
    return states, h


def an_argument_is_the_first_of_the_new_ones(u, n):
    old = u
    for _ in range(n):
        new = np.zeros_like(u)
        new[1:-1] = old[2:] * 0.5 + old[:-2] * 0.3
        new[0] = new[1]
        old = new
    return old, new


def buffers_swapped_in_one_arm(x, n):
    a, b = x.copy(), x[::-1].copy()
    for _ in range(n):
        if a[0] > b[0]:
            a, b = b, a
        a[1:] += 0.5 * b[:-1]
        b[0] = np.sin(a[0])
    return a, b


# -- None or a number ------------------------------------------------------------------------------


def best_so_far(x, n):
    best, at = None, None
    for i in range(n):
        v = np.sin(x[i]) * 2.0
        if best is None or v > best:
            best = v
            at = i
    if best is None:
        return 0.0
    return best + x[at]


def previous_array(x, n):
    previous = None
    total = 0.0
    for k in range(n):
        current = np.tanh(x * (k + 1))
        if previous is not None:
            total = total + np.sum(current * previous)
        previous = current
    return total


def none_on_one_path(x):
    extra = None
    if x[0] > 0.0:
        extra = x * 0.3
    kept = extra
    y = np.cos(x) if kept is None else np.cos(x) * kept
    if kept is not None:
        y = y + kept
    return y


def _root(a, b):
    d = b * b - a
    if d < 0.0:
        return None
    return b - np.sqrt(d)


def a_function_that_may_return_none(x, n):
    s = 0.0
    for i in range(n):
        t = _root(x[i] * 0.3, x[i - 1])
        if t is None:
            continue
        s += t * x[i]
    return s


# -- bound by the iteration before -----------------------------------------------------------------


def read_from_the_iteration_before(x, n):
    s = 0.0
    for i in range(n):
        if i > 0:
            s += x[i] * before  # noqa: F821 - bound by the iteration before
        before = np.sin(x[i])
    return s, before


def bound_in_the_first_iteration(a):
    first = True
    s = 0.0
    for row in a:
        v = row * row
        if first:
            m = v
            first = False
        else:
            m = 0.5 * (m + v)
        s += np.sum(m)
    return s, m


def bound_at_the_start_of_a_while(x, n):
    k = 0
    while k < n:
        if k == 0:
            u = np.zeros(5)
            u[0] = x[0]
        u[1:] += np.sin(u[:-1]) + x[1:]
        k += 1
    return np.sum(u * u)


# -- results ---------------------------------------------------------------------------------------


def an_object_is_returned(body, n):
    for _ in range(n):
        v = body.v - 0.1 * body.x
        body = Body(body.x + 0.1 * v, v, body.t + 0.1)
    return body


PROGRAMS = [
    (loops_in_an_if_that_nothing_leaves, (X, 5), (0,)),
    (early_return_beside_a_rebinding, (A, 3), (0,)),
    (a_list_handed_over, ([Body(X, X + 1.0), Body(X * 2.0, X)], 3, 0.1), (0,)),
    (the_array_of_a_loop_is_rebound, (A,), (0,)),
    (the_items_of_a_loop_are_rebound, (X, 3), (0,)),
    (a_name_read_by_a_function_defined_inside, (X, 5), (0,)),
    (a_row_of_the_output_is_carried, (X, 3), (0,)),
    (a_state_is_read_from_its_record, (X, 3), (0,)),
    (an_argument_is_the_first_of_the_new_ones, (X, 3), (0,)),
    (buffers_swapped_in_one_arm, (X, 4), (0,)),
    (best_so_far, (X, 5), (0,)),
    (previous_array, (X, 4), (0,)),
    (none_on_one_path, (X,), (0,)),
    (none_on_one_path, (-X,), (0,)),
    (a_function_that_may_return_none, (X, 5), (0,)),
    (read_from_the_iteration_before, (X, 5), (0,)),
    (bound_in_the_first_iteration, (A,), (0,)),
    (bound_at_the_start_of_a_while, (X, 3), (0,)),
    (an_object_is_returned, (Body(X, X + 1.0, 0.5), 3), (0,)),
]


@pytest.mark.parametrize(("fn", "args", "wrt"), PROGRAMS, ids=lambda c: getattr(c, "__name__", ""))
def test_values_and_both_products(fn, args, wrt):
    _, made = lowered(fn, *args)
    y = fn(*copied(args))
    assert_same(y, made(*copied(args)))
    rng = np.random.default_rng(2)
    tangents, ct = random_like(rng, [args[i] for i in wrt]), random_like(rng, y)
    engine = Compiled(fn, args, wrt)
    _, y_dot = engine.push(copied(args), tangents)
    expected = along(fn, args, wrt, vector(tangents), 2.0**-10)
    assert_close(vector(y_dot), expected, "tangent", 1e-7)  # the steps stay in one branch
    _, cts = engine.pull(copied(args), ct)
    assert_close(inner(ct, y_dot), inner(cts, tangents), "<ct, J t> = <J^T ct, t>", 1e-10)


# -- what is refused or raised ---------------------------------------------------------------------


def test_a_carried_part_of_a_buffer_must_not_be_changed():
    def f(x, n):
        buffer = np.zeros(10)
        part = buffer[:5]
        for _ in range(n):
            part[:] = part + x
            part = buffer[5:]
        return buffer

    with pytest.raises(UnsupportedError, match="part names different arrays"):
        lowered(f, X, 100)  # a loop of few turns is written out


def test_a_carried_part_must_not_be_read_once_the_buffer_has_changed():
    def f(x, n):
        buffer = np.zeros(5)
        part = buffer[1:]
        for k in range(n):
            buffer[k] = x[k] + part[0]
            part[0] + part[1]
            part = buffer[: k + 1]
        return buffer

    with pytest.raises(UnsupportedError, match="part"):
        lowered(f, X, 100)


def test_reading_what_is_none_raises_when_the_program_runs():
    def f(x, n):
        best = None
        for i in range(n):
            if x[i] > 0.0:
                best = x[i]
        return best * 2.0

    _, made = lowered(f, X, 5)
    assert made(X, 5) == f(X, 5)
    with pytest.raises(TypeError, match="best is None"):
        made(-np.abs(X), 5)


def test_an_object_that_computes_when_it_is_made_is_not_returned():
    @dataclasses.dataclass
    class Doubled:
        x: np.ndarray

        def __post_init__(self):
            self.x = 2.0 * self.x

    def f(x):
        return Doubled(x)

    with pytest.raises(UnsupportedError, match="returns a Doubled"):
        lowered(f, X)


def test_what_is_not_read_again_is_not_carried():
    def f(x, n):
        for k in range(n):
            t = np.sin(x)
            x = x + t * k
        return x

    program, _ = lowered(f, X, 3)
    assert emit(program).count("np.sin") == 1


# -- liveness --------------------------------------------------------------------------------------


def live(source):
    """Return the names that live after each branch and at the head of each loop."""
    body = ast.parse(textwrap.dedent(source)).body
    annotate(body)
    nodes = [node for statement in body for node in ast.walk(statement)]
    found = [getattr(node, "head", getattr(node, "live", None)) for node in nodes]
    return [sorted(names) for names in found if names is not None]


def test_a_name_that_is_bound_before_it_is_read_does_not_live_at_the_head():
    assert live("for i in n:\n    t = x\n    x = t\ny = x") == [["x"]]
    assert live("while c:\n    t = x\n    x = t\ny = t") == [["c", "t", "x"]]


def test_a_store_into_an_array_does_not_bind_it():
    assert live("for i in n:\n    a[i] = b\nc = 1") == [["a", "b"]]
    assert live("for i in n:\n    a += b\nc = a") == [["a", "b"]]


def test_what_an_inner_function_reads_lives_everywhere():
    assert live("if c:\n    k = 1\nk = 2\ndef f():\n    return k") == [["k"]]
