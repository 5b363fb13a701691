"""Both engines on the same programs: values and derivatives to second order agree."""

import contextlib
import copy
import pickle

import numpy as np
import pytest

import chainrule as cr
from programs import PROGRAMS

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=[p.name for p in PROGRAMS])


def drawn(program):
    """Random directions like the arguments, and a cotangent like the output."""
    rng = np.random.default_rng(len(program.name))

    def like(x):
        x = np.asarray(x)
        t = rng.uniform(-1, 1, x.shape)
        return (t + 1j * rng.uniform(-1, 1, x.shape) if x.dtype.kind == "c" else t)[()]

    out = program.function(*program.args)
    tangents = tuple(like(a) for a in program.args)
    return tangents, tuple(map(like, out)) if isinstance(out, tuple) else like(out)


def assert_equal(found, expected):
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            assert_equal(f, e)
        return
    assert np.shape(found) == np.shape(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    # Derivatives that are zero but for rounding (a converged iteration) differ by rounding.
    scale = np.max(np.abs(expected), initial=1e-3)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * scale)


def on_both(derivative):
    """Compare what the two engines return for a derivative."""
    with cr.engine("tape"):
        expected = derivative()
    with cr.engine("source"):
        assert_equal(derivative(), expected)


@each_program
def test_forward_mode(program):
    tangents, _ = drawn(program)
    on_both(lambda: cr.jvp(program.function, program.args, tangents))


@each_program
def test_reverse_mode(program):
    _, ct = drawn(program)

    def products():
        value, pullback = cr.vjp(program.function, *program.args)
        return value, pullback(ct), pullback(ct)

    on_both(products)


@each_program
def test_second_order(program):
    """Forward over reverse of a scalar function of the output."""
    if any(np.iscomplexobj(a) for a in program.args):
        pytest.skip("hvp is for real arguments")
    tangents, ct = drawn(program)
    weights = ct if isinstance(ct, tuple) else (ct,)

    def scalar(*args):
        out = program.function(*args)
        out = out if isinstance(out, tuple) else (out,)
        total = 0.0
        for w, y in zip(weights, out, strict=True):
            total = total + np.real(np.sum(w * np.sin(y)))
        return total

    on_both(lambda: cr.hvp(scalar, program.args, tangents))


def test_a_compiled_program_is_one_step_on_the_tape():
    for program in PROGRAMS[:6]:
        _, ct = drawn(program)
        compiled = cr.compile(program.function)
        with cr.engine("tape"):
            expected = cr.vjp(program.function, *program.args)[1](ct)
            found = cr.vjp(lambda *args, p=compiled: p(*args), *program.args)[1](ct)
        assert_equal(found, expected)


def stored(x):
    out = np.zeros(2)
    out[0] = x
    return out.sum()


def test_what_is_kept_with_a_function_is_not_pickled():
    assert cr.grad(stored)(2.0) == 1.0
    kept = vars(stored)
    assert kept
    assert all(value is None for value in pickle.loads(pickle.dumps(kept)).values())


def test_the_engine_can_be_decided():
    assert cr.which_engine(stored).engine == "source"
    with cr.engine("tape"), pytest.raises(cr.errors.ConversionError):
        cr.grad(stored)(2.0)
    with pytest.raises(cr.errors.ArgumentError, match="no engine 'jit'"), cr.engine("jit"):
        pass


def test_what_the_source_engine_refuses_goes_to_the_tape_before_anything_has_run():
    calls = []

    def f(x):
        calls.append(1)
        try:
            out = np.zeros(2)
            out[0] = x
        finally:
            calls.append(2)
        return out.sum()

    with pytest.raises(cr.errors.ConversionError) as raised:
        cr.grad(f)(2.0)
    assert calls == [1, 2]
    tape, source = str(raised.value).split("The source engine, which follows this, refused")
    assert "converted to" in tape
    assert "A list from outside of the function is changed in it" in source
    assert "make a new one in the function and return it" in source


def halved_if_a_number(x):
    return x / 2 if isinstance(x, float) else np.sum(x)


@pytest.mark.parametrize("x", [3.0, np.float64(3.0), np.array([1.0, 2.0])])
@pytest.mark.parametrize("engine", [None, "source"])
def test_the_class_of_an_argument_decides_as_it_does_without_a_derivative(x, engine):
    expected = np.full(np.shape(x), 0.5 if np.ndim(x) == 0 else 1.0)
    with contextlib.nullcontext() if engine is None else cr.engine(engine):
        np.testing.assert_array_equal(cr.grad(halved_if_a_number)(x), expected)


def test_a_number_is_a_scalar_for_the_source_engine():
    def f(x, y):
        return x * (2 if np.isscalar(x) else 3) + y.sum() * (5 if np.isscalar(y) else 7)

    x, y = 1.5, np.ones(2)
    assert cr.grad(f)(x, y) == cr.grad(cr.compile(f, backend="numpy"))(x, y) == 2
    np.testing.assert_array_equal(cr.grad(f, argnums=1)(x, y), [7, 7])


def scaled_by_another(x, w):
    return np.sum(x * scaled(w, 2.0))


def scaled(w, s):
    w *= s
    return w


def entry_of_a_dict(x, p):
    p["w"] *= 2
    return np.sum(x * p["w"])


def arrays_of_a_list(x, arrays):
    for w in arrays:
        w += 1
    return np.sum(x * arrays[0])


def part_in_another_shape(x, w):
    v = w.reshape(-1)[1:]
    v[0] = 7.0
    return np.sum(x * w)


def by_out(x, w):
    np.multiply(w, 2, out=w)
    return np.sum(x * w)


def sorted_in_place(x, w):
    w.sort()
    np.add.at(w, [0, 0], 1.0)
    return np.sum(x * w)


@pytest.mark.parametrize(
    "f",
    [
        *(scaled_by_another, entry_of_a_dict, arrays_of_a_list, part_in_another_shape, by_out),
        sorted_in_place,
    ],
)
def test_arguments_that_are_not_differentiated_are_not_changed(f):
    x, w = np.array([0.5, 1.5, -1.0]), np.array([3.0, 1.0, 2.0])
    other = {entry_of_a_dict: {"w": w}, arrays_of_a_list: [w]}.get(f, w)
    expected = [f(x + t, copy.deepcopy(other)) - f(x, copy.deepcopy(other)) for t in np.eye(3)]
    np.testing.assert_allclose(cr.grad(f)(x, other), expected)
    np.testing.assert_allclose(cr.value_and_grad(f)(x, other)[1], expected)
    np.testing.assert_allclose(cr.jacrev(f)(x, other), expected)
    np.testing.assert_allclose(cr.jacfwd(f)(x, other), expected)
    assert np.array_equal(w, [3.0, 1.0, 2.0])
