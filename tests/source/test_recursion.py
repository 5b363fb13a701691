"""Recursive functions as functions of the emitted text: what becomes one, effects, aliasing."""

import contextlib
import io

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError
from source.oracles import assert_close


def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


def test_one_text_serves_every_depth():
    gradient = cr.grad(cr.compile(power))
    assert_close(gradient(0.9, 4), 4 * 0.9**3, "gradient")
    text = gradient.source
    assert_close(gradient(1.001, 300), 300 * 1.001**299, "gradient")
    assert gradient.source == text
    assert text.count("def ") == 3
    assert "power_2_reverse(*power_2_saved, 1.0)" in text


def test_the_text_runs_alone_at_second_order():
    second = cr.hessian(cr.compile(power))
    assert_close(second(0.9, 4), 12 * 0.9**2, "second derivative")
    space = {}
    exec(second.source, space)
    _, found = space["power_grad_jvp"](0.9, 4, 1.0)
    assert_close(found, 12 * 0.9**2, "second derivative")


def test_what_is_known_ends_a_recursion_in_place():
    def f(x):
        def g(k):
            return 1.0 if k == 0 else x * g(k - 1)

        return g(3)

    program = cr.compile(f)
    assert_close(program(0.7), 0.7**3, "value")
    assert program.source.count("def ") == 1


def test_a_known_depth_may_be_large():
    def f(x):
        def g(k):
            return 1.0 if k == 0 else x * g(k - 1)

        return g(80)

    assert_close(cr.grad(cr.compile(f))(0.99), 80 * 0.99**79, "gradient")


def test_lists_that_grow_need_a_known_end():
    def f(x, n):
        def powers(k):
            return [x] if k == 0 else [*powers(k - 1), x**k]

        return sum(powers(n))

    program = cr.compile(f)
    assert_close(cr.grad(program)(0.7, 3), 2 + 2 * 0.7 + 3 * 0.7**2, "gradient")
    assert program.specialise(0.7, 3).source.count("def ") == 1


def test_an_integer_may_end_a_sum_of_floats():
    def f(x, n):
        return 0 if n == 0 else x + f(x * x, n - 1)

    assert_close(cr.grad(cr.compile(f))(0.5, 3), 1 + 2 * 0.5 + 4 * 0.5**3, "gradient")


def test_a_search_may_find_nothing():
    def find(v, i, x):
        if i == len(v):
            return None
        if v[i] > 0.5:
            return v[i] * x
        return find(v, i + 1, x)

    def f(v, x):
        found = find(v, 0, x)
        return x if found is None else 2 * found

    gradient = cr.grad(cr.compile(f), argnums=1)
    assert_close(gradient(np.array([0.1, 0.7, 0.9]), 2.0), 1.4, "found")
    assert_close(gradient(np.array([0.1, 0.2]), 2.0), 1.0, "not found")


def test_arguments_of_several_kinds_make_several_functions():
    def f(x, flag, scale=None):
        if abs(x) < 0.1:
            return x
        rest = f(x / 2, not flag, scale=1.5)
        return rest + (x if flag else x * x) * (1.0 if scale is None else scale)

    x, h = 0.9, 1e-6
    gradient = cr.grad(cr.compile(f))
    assert_close(gradient(x, True), (f(x + h, True) - f(x - h, True)) / (2 * h), "gradient", 1e-8)


def test_prints_happen_once():
    def noisy(x, n):
        print("level", n)
        return np.sqrt(x) if n == 0 else x * noisy(x, n - 1)

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        y, pullback = cr.vjp(cr.compile(lambda x: noisy(x, abs(2))), 0.5)
        pulled = [pullback(ct)[0] for ct in (1.0, 2.0)]
    assert said.getvalue() == "level 2\nlevel 1\nlevel 0\n"
    assert_close(y, 0.5**2.5, "value")
    assert_close(np.array(pulled), 2.5 * 0.5**1.5 * np.array([1, 2]), "cotangents")


def test_an_assertion_inside_is_kept():
    def f(x, n):
        assert n < 10, "too deep"
        return x if n == 0 else f(x * x, n - 1)

    gradient = cr.grad(cr.compile(f))
    assert_close(gradient(0.9, 2), 4 * 0.9**3, "gradient")
    with pytest.raises(AssertionError, match="too deep"):
        gradient(0.9, 20)


def test_draws_are_those_of_the_function():
    def f(x, rng, n):
        return x if n == 0 else f(x * rng.normal(), rng, n - 1)

    expected = np.prod(np.random.default_rng(1).normal(size=3))
    found = cr.grad(cr.compile(f))(0.9, np.random.default_rng(1), 3)
    assert_close(found, expected, "gradient")


@pytest.mark.parametrize("mode", ["grad", "vjp"])
def test_a_zero_cotangent_beats_an_infinite_slope(mode):
    def f(v, n):
        if n == 0:
            return np.where(v > 0, np.sqrt(v), 0.0).sum()
        return f(0.5 * v, n - 1)

    v, program = np.array([0.0, 2.0]), cr.compile(f)
    found = cr.grad(program)(v, 2) if mode == "grad" else cr.vjp(program, v, 2)[1](1.0)[0]
    assert_close(found, np.array([0.0, 0.125 / np.sqrt(0.5)]), "gradient")


def test_float32_stays_float32():
    def f(v, n):
        return v.sum() if n == 0 else f(v * v, n - 1)

    found = cr.grad(cr.compile(f))(np.array([0.5, 0.25], np.float32), 2)
    assert found.dtype == np.float32
    assert_close(found, 4 * np.array([0.5, 0.25]) ** 3, "gradient", 1e-6)


def test_a_program_is_one_primitive_of_the_tape():
    program = cr.compile(power)

    def f(x):
        return np.sin(program(x, 3)) * x

    x = 0.7
    expected = np.sin(x**3) + 3 * x**3 * np.cos(x**3)
    with cr.engine("tape"):
        assert_close(cr.grad(f)(x), expected, "gradient")


def test_a_closed_over_value_is_read_at_every_call():
    kept = np.array([1.0, 2.0])

    def f(x, n):
        return x if n == 0 else f(x * kept[n % 2], n - 1)

    gradient = cr.grad(cr.compile(f))
    assert_close(gradient(0.5, 3), 4.0, "gradient")
    kept[1] = 3.0
    assert_close(gradient(0.5, 3), 9.0, "gradient")


def test_a_result_that_is_an_argument_is_not_changed_behind_its_back():
    def pick(v, n):
        return v if n == 0 else pick(v, n - 1)

    def f(x, n):
        u = np.array([x, x * x])
        r = pick(u, n)
        r[0] = 5.0
        return u.sum()

    with pytest.raises(UnsupportedError, match=r"result of pick"):
        cr.compile(f)(2.0, 2)


def test_a_closed_over_array_that_is_returned_is_not_changed_behind_its_back():
    def f(x, n):
        u = np.array([x, x * x])

        def pick(n):
            return u[1:] if n == 0 else pick(n - 1)

        r = pick(n)
        u[1] = 5.0
        return r.sum()

    with pytest.raises(UnsupportedError, match=r"result of pick"):
        cr.compile(f)(2.0, 2)


def test_a_list_that_is_returned_must_be_a_new_one():
    def pick(items, n):
        return items if n == 0 else pick(items, n - 1)

    def f(x, n):
        items = [x, x * x]
        pick(items, n).append(1.0)
        return sum(items)

    program = cr.compile(f)
    assert_close(program(2.0, 2), f(2.0, 2), "value")


def test_an_element_is_read_before_the_value_is_added_that_changes_it():
    def f(x):
        out = np.zeros(2)

        def note(y):
            out[1] += y
            return 2 * y

        out[1] += note(x)
        out[1] *= note(x * x)
        return out[1]

    assert_close(cr.compile(f)(0.7), f(0.7), "value")
    assert_close(cr.grad(cr.compile(f))(0.7), 12 * 0.7**2, "gradient")


def test_what_is_closed_over_in_vain_is_not_handed_down():
    def f(x, n):
        c = 2 * x

        def g(y, k):
            w = np.zeros(2)
            w[0] = c * y
            return y if k == 0 else g(y * y, k - 1)

        return g(x, n)

    gradient = cr.grad(cr.compile(f))
    assert_close(gradient(0.9, 2), 4 * 0.9**3, "gradient")
    assert "c = " not in gradient.source


def test_a_recursion_over_sizes_that_returns_its_changed_argument_is_one_in_place():
    def two_grids(f):
        def smooth(u, f):
            u[1:-1] += 0.4 * (u[:-2] + u[2:] + f[1:-1] - 2 * u[1:-1])
            return u

        def cycle(u, f):
            u = smooth(u, f)
            if len(u) <= 3:
                return u
            coarse = cycle(np.zeros(len(u) // 2 + 1), f[::2])
            u[::2] += coarse
            u[1::2] += 0.5 * (coarse[:-1] + coarse[1:])
            return smooth(u, f)

        return np.sum(cycle(np.zeros_like(f), f) ** 2)

    f = np.linspace(0.2, 1.1, 9) ** 2
    unit = np.eye(9) * 1e-6
    slopes = [(two_grids(f + e) - two_grids(f - e)) / 2e-6 for e in unit]
    assert_close(cr.grad(cr.compile(two_grids, backend="numpy"))(f), slopes, "gradient", 1e-8)


@cr.compile
def decorated(x, n, axes=(0,)):
    return np.sum(x, axes) if n == 0 else decorated(x * x, n - 1, axes)


def test_a_decorated_function_may_call_itself():
    x = np.array([0.5, 0.9])
    gradient = cr.grad(decorated)
    assert_close(gradient(x, 2), 4 * x**3, "gradient")
    assert "def decorated_2_reverse(" in gradient.source


def test_every_stage_can_be_shown():
    gradient = cr.grad(cr.compile(power))
    gradient(0.9, 2)
    shown = gradient.explain()
    for stage in ("lower", "reverse", "simplify", "emit"):
        assert f"# ---- after {stage}\n" in shown
    assert "def power_2(x, " in shown
    assert "def power_2_reverse(" in shown


# -- with derivatives and checkpointed loops ------------------------------------------------------


def differentiated_inside(x, n):
    return cr.grad(lambda z: power(z, n))(x)


def pushed_inside(x, n):
    return cr.jvp(lambda z: power(z, n), (x,), (1.0,))[1]


def differentiated_by_itself(x, n):
    return x if x > 2.0**n else cr.grad(lambda z: z * differentiated_by_itself(z, n - 1))(x)


@pytest.mark.parametrize("f", [differentiated_inside, pushed_inside, differentiated_by_itself])
def test_derivatives_of_recursive_functions_are_refused_inside_a_program(f):
    with pytest.raises(
        UnsupportedError, match=r"(?s)A derivative.*calls itself.*cr\.grad\(cr\.c"
    ) as e:
        cr.compile(f)(0.9, 3)
    line = f.__code__.co_firstlineno + 1
    assert e.value.location == f"{__file__}:{line}"


def test_a_number_of_derivatives():
    def f(x, n):
        return x if n == 0 else cr.grad(lambda z: z * f(z, n - 1))(x)

    assert_close(cr.compile(f)(0.9, 3), 8 * 0.9, "value")
    assert_close(cr.grad(cr.compile(f))(0.9, 2), 4.0, "gradient")


def test_functions_that_print_do_not_run_again():
    def told(x, n):
        if n == 0:
            print("end")
            return x
        return x * told(x, n - 1)

    def f(x, n):
        for k in cr.checkpointed(range(n), snapshots=1):
            x = 0.5 * told(x, k)
        return x

    with pytest.raises(UnsupportedError, match="prints runs again"):
        cr.grad(cr.compile(f))(0.9, 3)


def test_numpy_runs_recursive_functions():
    pytest.importorskip("numba")
    gradient = cr.grad(cr.compile(power, backend="numba"))
    assert_close(gradient(0.9, 4), 4 * 0.9**3, "gradient")
    assert "NumPy runs this program: a recursive function" in gradient.explain()
