"""Loops on several threads: which may be, and that results depend on nothing but the arguments.

Chunks run in other orders here, one after the other: where a loop is cut that must not be, results
differ, which threads that happen to be fast enough would not show.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.program import compile_
from source.native.parallel_programs import (
    FORWARDS_ALONE,
    IN_ORDER,
    IN_PARALLEL,
    arguments_for,
    losses_of_samples,
    stencil,
)

pytest.importorskip("numba")

from llvmlite import binding

from chainrule.source.native import chunks, parallel
from chainrule.source.native.lowering import to_kernel
from chainrule.source.native.runtime import chunking

TESTS = Path(__file__).parents[2]


def floats_in(args):
    return tuple(k for k, x in enumerate(args) if isinstance(x, np.ndarray) and x.dtype == float)


def notes_of(function, args, backwards=False):
    """Return what becomes of each loop, by its variable."""
    spec = compile_(function, backend="numpy").specialised(args)
    if backwards:
        names = function.__code__.co_varnames
        spec = spec.pullback([(names[k], ()) for k in floats_in(args)])
    notes = to_kernel(spec.for_machine, parallel=True).notes
    found = {}
    for loop, note in notes:
        found.setdefault(loop.var.name, []).append(note)
    return found


# ----------------------------------------------------------------------------------- the proof


@pytest.mark.parametrize("function", IN_ORDER, ids=lambda f: f.__name__)
def test_iterations_that_need_each_other_run_in_order(function):
    notes = notes_of(function, arguments_for(function))["i"]
    assert len(notes) == 1
    assert notes[0].startswith("in order: ")


@pytest.mark.parametrize("function", IN_PARALLEL, ids=lambda f: f.__name__)
def test_iterations_that_do_not_run_in_parallel(function):
    notes = notes_of(function, arguments_for(function))["i"]
    assert len(notes) == 1
    assert notes[0].startswith("in parallel")


@pytest.mark.parametrize("function", IN_PARALLEL, ids=lambda f: f.__name__)
def test_so_do_those_of_both_sweeps(function):
    notes = notes_of(function, arguments_for(function), backwards=True)["i"]
    in_parallel = [note.startswith("in parallel") for note in notes]
    assert all(in_parallel) == (function not in FORWARDS_ALONE), notes


def test_a_scattering_stencil_keeps_neighbours_apart():
    notes = notes_of(stencil, arguments_for(stencil), backwards=True)
    assert all(note.startswith("in order") for note in notes["_"])
    others = [note for name, found in notes.items() if name != "_" for note in found]
    assert all(note.startswith("in parallel") for note in others)
    assert any("neighbouring chunks one after the other" in note for note in others)


# --------------------------------------------------------------------------- orders of chunks


@pytest.fixture
def order(monkeypatch):
    """Cut all loops into many chunks, and run these in the order of ``order[0]``."""
    monkeypatch.setattr(chunking, "GRAIN", 1)
    monkeypatch.setattr(chunking, "_COPY", 0)
    monkeypatch.setattr(parallel, "_SMALL", 0)
    orders = {
        "forwards": range,
        "backwards": lambda n: reversed(range(n)),
        "mixed": lambda n: [*range(1, n, 2), *reversed(range(0, n, 2))],
    }
    chosen = ["forwards", 0]
    chunk_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)

    def share(function, context, count):
        chosen[1] = max(chosen[1], count)
        chunk = chunk_type(function)
        for k in orders[chosen[0]](count):
            chunk(context, k)

    made = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(share)
    binding.add_symbol("share_in_some_order", ctypes.cast(made, ctypes.c_void_p).value)
    monkeypatch.setattr(chunks, "SYMBOL", "share_in_some_order")
    yield chosen
    chosen.append(made)  # until here machine code may call it


def assert_same_in_all_orders(order, function, args, run):
    expected = run(cr.compile(function, backend="numpy"))
    found = []
    program = cr.compile(function, parallel=True, backend="numba")
    for order[0] in ("forwards", "backwards", "mixed"):
        found.append([np.asarray(x) for x in run(program)])
    assert order[1] > 1
    for values in found[1:]:
        assert [x.tobytes() for x in values] == [x.tobytes() for x in found[0]]
    for a, b in zip(found[0], expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("function", [*IN_PARALLEL, stencil], ids=lambda f: f.__name__)
def test_the_order_of_chunks_does_not_matter(order, function):
    args = arguments_for(function)
    wrt = floats_in(args)

    def run(program):
        value, slopes = cr.value_and_grad(program, argnums=wrt)(*args)
        return [value, *slopes]

    assert_same_in_all_orders(order, function, args, run)


def takes_floats_alone(function):
    args = arguments_for(function)
    return len(floats_in(args)) == len(args)


@pytest.mark.slow
@pytest.mark.parametrize(
    "function", [*filter(takes_floats_alone, IN_PARALLEL)], ids=lambda f: f.__name__
)
def test_nor_does_it_in_tangents_and_pullbacks(order, function):
    args = arguments_for(function)
    tangents = tuple(np.cos(np.arange(x.size)).reshape(x.shape) for x in args)

    def run(program):
        value, dot = cr.jvp(program, args, tangents)
        same, pull = cr.vjp(program, *args)
        return [value, dot, same, *pull(1.5)]

    assert_same_in_all_orders(order, function, args, run)


@pytest.mark.slow
@pytest.mark.parametrize("function", IN_ORDER, ids=lambda f: f.__name__)
def test_loops_in_order_are_right_too(order, function):
    args = arguments_for(function)
    expected = cr.grad(cr.compile(function, backend="numpy"), argnums=floats_in(args))(*args)
    gradient = cr.grad(
        cr.compile(function, parallel=True, backend="numba"), argnums=floats_in(args)
    )
    for order[0] in ("forwards", "backwards"):
        for a, b in zip(gradient(*args), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


# ------------------------------------------------------------------------------------ threads

IN_A_PROCESS = """
import os, threading
import numpy as np, numba
import chainrule as cr
from concurrent.futures import ThreadPoolExecutor
from chainrule.source.native import pool
from source.native.parallel_programs import losses_of_samples, stencil, arguments_for

x, y, w = arguments_for(losses_of_samples, 30_000)
A = np.random.default_rng(0).normal(size=(300, 300))

def bits(derivative, *args):
    value, slopes = derivative(*args)
    return [value.tobytes(), *(g.tobytes() for g in slopes)]

def of(function, wrt):
    program = cr.compile(function, parallel=True, backend="numba")
    return cr.value_and_grad(program, argnums=wrt)

cases = [(of(losses_of_samples, (0, 1, 2)), x, y, w), (of(stencil, (0,)), A, 4)]
expected = [bits(*case) for case in cases]
assert pool._pool.memory[pool._HELPERS] == 3
for threads in (1, 2, 3, 4):
    numba.set_num_threads(threads)
    for _ in range(5):
        assert [bits(*case) for case in cases] == expected, threads

# several threads of Python at once, each with Numba's default
with ThreadPoolExecutor(4) as several:
    found = list(several.map(lambda case: bits(*case), cases * 10))
assert found == expected * 10

# with one thread, it is the thread that asks
numba.set_num_threads(1)
before = pool._pool.memory[pool._FINISHED]
bits(*cases[0])
assert pool._pool.memory[pool._FINISHED] == before

# a process that was forked starts threads of its own
if hasattr(os, "fork"):
    numba.set_num_threads(4)
    child = os.fork()
    if child == 0:
        fine = pool._pool.memory[pool._HELPERS] == 0
        fine = fine and [bits(*case) for case in cases] == expected
        os._exit(0 if fine and pool._pool.memory[pool._HELPERS] == 3 else 1)
    assert os.waitpid(child, 0)[1] == 0
print("fine")
"""


def test_results_do_not_depend_on_the_number_of_threads():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_A_PROCESS],
        cwd=TESTS,
        env={
            **os.environ,
            "NUMBA_NUM_THREADS": "4",
            "PYTHONPATH": os.pathsep.join(filter(None, [*sys.path])),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "fine\n", done.stderr


# ------------------------------------------------------------------------------------ leaving


def test_an_index_that_counts_from_the_end():
    def ends(x, places):
        y = np.zeros(len(x))
        for i in range(len(x)):
            y[i] = x[places[i]] * x[i]
        return np.sum(y)

    x, places = np.linspace(1.0, 2.0, 5_000), np.arange(5_000)
    program = cr.compile(ends, parallel=True, backend="numba")
    by_numpy = cr.compile(ends, backend="numpy")
    np.testing.assert_allclose(program(x, places), by_numpy(x, places))
    places[[70, 4_000]] = -1, -3
    np.testing.assert_allclose(program(x, places), by_numpy(x, places))
    np.testing.assert_allclose(cr.grad(program)(x, places), cr.grad(by_numpy)(x, places))
    places[90] = 5_000
    with pytest.raises(IndexError, match="5000 is out of bounds"):
        program(x, places)


def test_errors_of_iterations_are_those_of_python(order):
    def inverses(x):
        total = 0.0
        for i in range(len(x)):
            total += 1.0 / float(x[i])
        return total

    program = cr.compile(inverses, parallel=True, backend="numba")
    x = np.linspace(1.0, 2.0, 40)
    np.testing.assert_allclose(program(x), np.sum(1 / x))
    x[30] = 0.0
    for order[0] in ("forwards", "backwards"):
        with pytest.raises(ZeroDivisionError):
            program(x)


def test_a_count_that_machine_code_has_no_room_for(order):
    def count(k):
        n = 0
        for i in range(40):
            n += k + i - i
        return n

    program = cr.compile(count, parallel=True, backend="numba")
    assert program(3) == 120
    assert program(2**59) == 40 * 2**59  # the sums of chunks have room, their sum has none
    assert order[1] > 1


# ----------------------------------------------------------------------------------- the option


def test_derivatives_are_parallel_too():
    program = cr.compile(losses_of_samples, parallel=True, backend="numba")
    args = arguments_for(losses_of_samples)
    for derivative in (cr.grad(program), cr.jacfwd(program), cr.grad(program, argnums="w")):
        derivative(*args)
        assert "# for i in range(0, n_1, 1): in parallel" in derivative.explain()
        assert derivative.parallel


def test_it_is_asked_for():
    assert not cr.compile(losses_of_samples).parallel
    program = cr.compile(losses_of_samples, backend="numba")
    program(*arguments_for(losses_of_samples))
    assert "in parallel" not in program.explain()
    again = cr.compile(program, parallel=True)
    assert (again.parallel, again.backend) == (True, "numba")
    assert cr.compile(again) is again
    assert not cr.compile(again, parallel=False).parallel


def test_it_is_kept_by_a_pickle():
    program = cr.compile(losses_of_samples, parallel=True, backend="numba")
    again = pickle.loads(pickle.dumps(program))
    assert (again.parallel, again.backend) == (True, "numba")


def test_numpy_refuses_it():
    with pytest.raises(cr.errors.UnsupportedError, match='backend="numba", parallel=True'):
        cr.compile(losses_of_samples, parallel=True, backend="numpy")


def test_a_derivative_is_compiled_as_its_program():
    gradient = cr.grad(cr.compile(losses_of_samples, backend="numpy"))
    assert cr.compile(gradient) is gradient
    with pytest.raises(cr.errors.ArgumentError, match=r"cr\.grad\(cr\.compile"):
        cr.compile(gradient, backend="numba", parallel=True)
