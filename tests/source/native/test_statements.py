"""Statements and indices as machine code: what NumPy's program computes, to rounding."""

from __future__ import annotations

import copy
import functools
import threading
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.program import Program
from source.native import statement_programs as programs
from source.oracles import random_like
from source.reshaped_programs import check as check_reshaped

pytest.importorskip("numba")

A = np.array([1.0, -2.0, 3.0, 0.5, 4.0, -1.0])
M = np.arange(12.0).reshape(3, 4) - 4
SQUARE = M[:, :3].copy()
TWICE = np.array([0, 2, 2, 1])

CASES = {
    "periodic": (A,),
    "negative_late": (A, 1),
    "views_of_views": (M,),
    "view_in_a_loop": (M,),
    "view_with_a_changing_number": (A,),
    "without_axes": (2.5,),
    "index_arrays": (A, TWICE),
    "places_named_twice": (A, 1),
    "masks": (M,),
    "mixed_indices": (M, np.array([0, 2, 1])),
    "negative_steps": (A,),
    "overlap": (A,),
    "transposed_onto_itself": (SQUARE,),
    "broadcast_stores": (A, A + 1),
    "casts": (A[:4],),
    "complex_parts": (A + 1j * A[::-1],),
    "choices": (A, 1),
    "until": (A, 3.5),
    "early": (A, 5.0),
    "strides": (A, 2),
    "bound_in_one_branch": (A, 1),
    "begins_with_none": (A,),
    "row_or_none": (M,),
    "empty_arrays": (A, 0),
    "swapped": (A, 3),
    "single": (A.astype(np.float32), np.float32(2)),
    "containers": ({"w": SQUARE, "layers": [SQUARE + 1], "b": A[:3]},),
    "asserts": (np.abs(A),),
    "number_step": (A, 2),
    "second_names": (A, 3),
    "index_of_a_loop_again": (A, 3),
    "places_that_change": (A, np.array([5, 4, 3, 2, 1, 0])),
    "bound_again": (A, 3, 0),
    "saved_before_it_is_set": (0.1 * A, 1),
    "part_at_a_place_from_the_end": (0.1 * M, 1),
}
REVERSED = {
    "part_at_a_place_from_the_end",
    "saved_before_it_is_set",
    "view_in_a_loop",
    "overlap",
    "row_or_none",
    "until",
    "complex_parts",
}
"""Those whose pullbacks run by default."""


def assert_same(found, expected):
    """Compare containers: their classes, dtypes and shapes, and values up to rounding."""
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        for key in found:
            assert_same(found[key], expected[key])
    elif isinstance(found, (list, tuple)):
        assert len(found) == len(expected)
        for x, y in zip(found, expected, strict=True):
            assert_same(x, y)
    elif isinstance(found, (np.ndarray, np.generic)):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        rtol = 1e-5 if found.dtype in (np.float32, np.complex64) else 1e-12
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)
    elif isinstance(found, float):
        assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)
    else:
        assert found == expected


def both(function):
    """Return a function's programs by Numba and by NumPy."""
    return cr.compile(function, backend="numba"), cr.compile(function, backend="numpy")


def code_of(program: Program):
    """Return the machine code of what a Program ran last."""
    made = program._latest()
    assert made.native is not None, made.not_native
    return made.native


def test_integers_without_a_sign():
    compiled, reference = both(programs.unsigned)
    args = np.array([2**64 - 1, 2**62, 5], np.uint64), np.array([-1, 2**62 + 1, 5])
    assert_same(compiled(*args), reference(*args))


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    compiled, reference = both(getattr(programs, name))
    expected = reference(*copy.deepcopy(CASES[name]))
    for _ in range(2):
        args = copy.deepcopy(CASES[name])
        assert_same(compiled(*args), expected)
        assert_same(args, copy.deepcopy(CASES[name]))
    code_of(compiled)


def _is_inexact(x):
    return not isinstance(x, int) and (isinstance(x, dict) or np.asarray(x).dtype.kind in "fc")


def _pulled(program, args):
    """Return the result and the pullback by the arguments that are not integers."""
    names = program.binder.names
    fixed = {name: x for name, x in zip(names, args, strict=True) if not _is_inexact(x)}
    return cr.vjp(functools.partial(program, **fixed), *filter(_is_inexact, args))


@pytest.mark.parametrize(
    "name", [n if n in REVERSED else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_pullbacks(name):
    compiled, reference = both(getattr(programs, name))
    results = []
    for program in (compiled, reference):
        args = copy.deepcopy(CASES[name])
        y, back = _pulled(program, args)
        ct = random_like(np.random.default_rng(1), y)
        results.append((y, back(ct), back(ct)))
    (y, first, second), expected = results
    assert_same(first, second)
    assert_same((y, first), expected[:2])


def test_a_value_from_outside_that_nothing_needs():
    scale = 2.0

    def doubled(v):
        unused = v * scale
        unused[0] = 1.0
        return v * 2

    assert_same(cr.compile(doubled, backend="numba")(A), A * 2)


def test_a_number_that_becomes_an_array_is_left_to_numpy():
    def total(v):
        s = 0
        for i in range(3):
            s = s + v * i
        return np.sum(s * s)

    for program in both(total):
        assert program(A) == total(A)
        np.testing.assert_allclose(cr.grad(program)(A), 18 * A)


# ------------------------------------------------------------------------------------- leaving


def test_a_negative_index_that_was_not_expected_is_expected_from_then_on():
    compiled, reference = both(programs.shifted)
    assert_same(compiled(A, 1), reference(A, 1))
    code = code_of(compiled)
    assert not code.wraps
    assert_same(compiled(A, 0), reference(A, 0))
    assert code.wraps
    code.by_numpy = None  # is not called any more
    assert_same(compiled(A, 0), reference(A, 0))
    assert_same(compiled(A, 1), reference(A, 1))


def test_periodic_indices_never_leave():
    compiled = cr.compile(programs.periodic, backend="numba").specialise(A)
    assert callable(compiled._latest().function)
    code_of(compiled).by_numpy = None
    np.testing.assert_allclose(compiled(A), programs.periodic(A))


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        (programs.number_step, (A, 9), IndexError),
        (programs.asserts, (A[:1],), AssertionError),
        (programs.asserts, (A[::-1].copy(),), ValueError),
        (programs.by_python_numbers, (A, 0), ZeroDivisionError),
    ],
)
def test_exceptions_are_those_of_numpy(function, args, error):
    compiled, reference = both(function)
    with pytest.raises(error) as expected:
        reference(*args)
    with pytest.raises(error) as found:
        compiled(*args)
    assert str(found.value) == str(expected.value)


def test_sizes_that_do_not_agree():
    compiled = cr.compile(programs.added, backend="numba")
    np.testing.assert_array_equal(compiled(A, A), A + A)
    with pytest.raises(ValueError, match="broadcast"):
        compiled(A, A[:4])
    np.testing.assert_array_equal(compiled(A, A), A + A)


# ------------------------------------------------------------------------------------- effects


def test_prints_happen_once(capsys):
    compiled = cr.compile(programs.prints, backend="numba")
    assert compiled(A) == 5.5
    assert capsys.readouterr().out.splitlines()[-1] == "total 5 5.5"
    with pytest.raises(RuntimeError, match=r"negative: -5\.5"):
        compiled(-A)
    assert len(capsys.readouterr().out.splitlines()) == A.size
    assert "print" in code_of(compiled).text


def test_what_has_printed_does_not_run_again(capsys):
    compiled = cr.compile(programs.prints_and_reads, backend="numba")
    assert compiled(A, 2) == 1.5
    assert compiled(A, -1) == 1.0
    with pytest.raises(IndexError):
        compiled(A, 6)
    assert capsys.readouterr().out == "reads 2\nreads -1\nreads 6\n"
    assert code_of(compiled)


def test_generators_are_drawn_from_by_the_interpreter():
    compiled, reference = both(programs.draws)
    rng, other = np.random.default_rng(1), np.random.default_rng(1)
    assert_same(compiled(rng, 4), reference(other, 4))
    assert rng.bit_generator.state == other.bit_generator.state
    assert "rng" in code_of(compiled).text


def test_threads_and_calls_within_calls_keep_their_objects_apart():
    compiled = cr.compile(programs.draws, backend="numba")
    compiled(np.random.default_rng(0), 4)
    found = {}

    def run(seed):
        for _ in range(20):
            found[seed] = compiled(np.random.default_rng(seed), 4)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, value in found.items():
        assert_same(value, programs.draws(np.random.default_rng(seed), 4))


def test_a_function_without_source_is_called_and_pulled_back():
    space = {"np": np}
    exec("def external(x): return np.sin(x) * 2", space)
    external = space["external"]

    def calls(x, w):
        y = external(x) * w
        for _ in range(2):
            y = external(y) + x
        return np.sum(y)

    compiled, reference = both(calls)
    assert_same(compiled(A, 2.0), reference(A, 2.0))
    assert code_of(compiled)
    assert_same(cr.grad(compiled, (0, 1))(A, 2.0), cr.grad(reference, (0, 1))(A, 2.0))
    _, back = cr.vjp(compiled, A, 2.0)
    first, second = back(1.0), back(1.0)
    assert_same(first, second)
    assert_same(first, cr.vjp(reference, A, 2.0)[1](1.0))


# ----------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    "a",
    [
        np.asfortranarray(M),
        M[::-1],
        M[:, ::-1],
        np.repeat(M, 2, axis=1)[:, ::2],
        np.broadcast_to(A[:4], (3, 4)),
        M.astype(M.dtype.newbyteorder()),
    ],
    ids=["fortran", "backwards", "columns backwards", "gaps", "broadcast", "byte order"],
)
def test_arrays_that_lie_in_memory_in_another_way(a):
    compiled, reference = both(programs.views_of_views)
    expected = reference(a)
    a.flags.writeable = False
    assert_same(compiled(a), expected)


def test_empty_and_read_only_arguments():
    compiled, reference = both(programs.added)
    for a in (np.zeros(0), np.zeros((0, 3)), np.zeros((2, 0)), np.array(2.0)):
        a.flags.writeable = False
        assert_same(compiled(a, a), reference(a, a))


def test_parameters_of_every_kind():
    compiled, reference = both(programs.keywords)
    given = {"scale": 3.0, "extra": 1.0}
    assert_same(compiled(A, 2.0, **given), reference(A, 2.0, **given))
    assert_same(compiled(A, 2.0, 5.0, shift=0.0, **given), A * 3.0 + 3.0)
    assert code_of(compiled)


def test_closed_over_values_are_read_at_each_call():
    shift = A.copy()

    def shifted(x):
        return x + shift

    compiled = cr.compile(shifted, backend="numba")
    assert_same(compiled(A), A + A)
    shift[:] = 1.0
    assert_same(compiled(A), A + 1)


def test_explain_says_what_numpy_runs():
    compiled = cr.compile(programs.prints, backend="numba").specialise(A)
    assert "# by Python: it is done for its effect" in compiled.explain()
    other = cr.compile(programs.added, backend="numba")
    swapped = A.astype(A.dtype.newbyteorder())
    assert "# NumPy runs this program: numbers in the byte order of another machine" in (
        other.specialise(swapped, swapped).explain()
    )


# ---------------------------------------------------------------------------------- derivatives


def test_derivatives_of_every_kind():
    def energy(x):
        u = x.copy()
        for _ in range(3):
            u[1:-1] += 0.1 * (u[2:] - u[1:-1] * u[:-2])
        return np.sum(u * u)

    compiled, reference = both(energy)
    for derivative in (cr.grad, cr.hessian, cr.jacrev, cr.value_and_grad):
        assert_same(derivative(compiled)(A), derivative(reference)(A))
    assert_same(cr.jvp(compiled, (A,), (A + 1,)), cr.jvp(reference, (A,), (A + 1,)))
    assert_same(cr.hvp(compiled, (A,), (A + 1,)), cr.hvp(reference, (A,), (A + 1,)))
    y, push = cr.linearize(compiled, A)
    assert_same(y, reference(A))
    assert_same(push(A), cr.jvp(reference, (A,), (A,))[1])


def test_products_of_zero_and_infinity_are_guarded():
    def roots(x):
        return np.sum(np.sqrt(x) * np.array([0.0, 1.0, 2.0]))

    compiled, reference = both(roots)
    x = np.array([0.0, 1.0, 4.0])
    assert_same(cr.grad(compiled)(x), cr.grad(reference)(x))
    assert_same(cr.vjp(compiled, x)[1](1.0), cr.vjp(reference, x)[1](1.0))


def test_nothing_is_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = cr.compile(programs.draws, backend="numba")
        compiled(np.random.default_rng(0), 3)


def test_a_cotangent_that_views_are_taken_of_stays_machine_code():
    def pooled(x):
        y = np.zeros((2, 2, 3))
        for i in range(2):
            y[i] = x[i] * x[i + 1]
        return np.sum(y.reshape(2, -1) ** 3)

    x = np.arange(18.0).reshape(3, 2, 3)
    gradient = cr.grad(cr.compile(pooled, backend="numba"))
    expected = cr.grad(cr.compile(pooled, backend="numpy"))(x)
    np.testing.assert_allclose(gradient(x), expected)
    assert 'order="C"' in gradient.source
    assert "objmode" not in gradient.explain()


def through_two_shapes(a):
    b = a.copy()
    row = b.ravel()
    b.T[1] += row[:3]
    row[::2] *= b[0, 1]
    return b


def through_parts_in_other_shapes(a):
    b = a.copy()
    block = b[1:].reshape(2, 4)
    block[1] += block[0] * b[1, 0]
    b[1:, 1] -= block[1]
    return b


@pytest.mark.parametrize("f", [through_two_shapes, through_parts_in_other_shapes])
def test_memory_of_two_shapes_overlaps(f):
    a = np.random.default_rng(4).normal(size=(3, 3) if f is through_two_shapes else (5, 2))
    np.testing.assert_allclose(cr.compile(f, backend="numba")(a), f(a), rtol=1e-14)


@pytest.mark.parametrize("seed", range(8))
def test_changes_are_seen_in_every_shape(seed):
    check_reshaped(seed, "numba")


def test_stores_at_places_that_lists_and_tuples_name_twice():
    def f(x):
        w = x * x
        w[[0, 0, 1]] += 0.5
        w[[0, 0, 1], :2] *= x[0, 0]
        w[(0, 0, 1), (1, 1, 0)] -= w[2, :3]
        w[[2, 2]] = x[:2]
        return w

    x = np.random.default_rng(0).uniform(0.3, 1.3, (4, 5))
    program = cr.compile(f, backend="numba")
    np.testing.assert_allclose(program(x), f(x))
    cr.check_grads(program, (x,), order=2)


def test_sizes_that_are_numbers_in_a_kernel_are_handed_on():
    """The way back of np.pad is given sizes, which few places make literals."""
    program = cr.compile(lambda a: np.sum(np.pad(a, ((1, 0), (0, 2)), mode="edge") ** 2))
    y, pullback = cr.vjp(program, SQUARE)
    (found,) = pullback(1.0)
    counts = np.outer([2, 1, 1], [1, 1, 3])
    np.testing.assert_allclose(
        (y, *found.ravel()), (program(SQUARE), *(2 * counts * SQUARE).ravel())
    )


def test_values_with_more_axes_than_the_part_they_go_to():
    def f(a, x):
        a[...] = x[None]
        a[1:] = 0.5 * x[None, None, 1:]
        np.copyto(a[::2], (x * x)[None, ::2])
        a[[0, 1]] -= x[:2]
        a[[2, 1]] = x[None, :2]
        return a * a

    a, x = np.ones(3), np.array([0.3, 0.9, -0.7])
    program = cr.compile(f, backend="numba")
    np.testing.assert_allclose(program(a, x), f(a.copy(), x))
    cr.check_grads(program, (a, x), order=2)
