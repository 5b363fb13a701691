"""What a first call compiles: little besides the loops of the program itself."""

import cProfile
import gc
import linecache
import re

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")

from numba.core import codegen, event

from chainrule.source.native import pipeline, webs
from chainrule.source.native.compiling import text_of
from chainrule.source.native.contraction import uses


class Compiled(event.Listener):
    """Counts the functions that Numba compiles."""

    def __init__(self):
        self.names = []

    def on_start(self, event):
        self.names.append(event.data["dispatcher"].py_func.__name__)

    def on_end(self, event):
        pass


def compiled_by(run):
    """Return the names of the functions that Numba compiles for a call."""
    listener = Compiled()
    with event.install_listener("numba:compile", listener):
        run()
    return listener.names


class Code:
    """What LLVM gets of a kernel."""

    def __init__(self, monkeypatch):
        self.text = ""
        optimize = pipeline._Library._optimize_final_module

        def kept(library):
            self.text = str(library._final_module)
            optimize(library)

        monkeypatch.setattr(pipeline._Library, "_optimize_final_module", kept)

    def instructions(self):
        """Return how many there are in the function that calls the regions."""
        functions = [part.split("\n}")[0] for part in self.text.split("\ndefine ")[1:]]
        kernel = next(part for part in functions if part.startswith("i32 @_ZN9chainrule"))
        return sum(line.startswith("  ") for line in kernel.splitlines())


@pytest.fixture
def code(monkeypatch):
    return Code(monkeypatch)


def layers(x, v, w):
    for _ in range(2):
        x = np.tanh(x @ v) @ w
    return np.sum(x**2)


def test_products_and_new_arrays_need_no_other_function(rng):
    args = [rng.normal(size=shape) for shape in ((5, 8), (8, 6), (6, 8))]
    gradient = cr.grad(cr.compile(layers, backend="numba"), argnums=(1, 2))
    assert compiled_by(lambda: gradient(*args)) == ["kernel"]
    assert {"rt.product(", "rt.product_tn(", "rt.product_nt(", "rt.empty("} <= {
        f"rt.{call.split('(')[0]}(" for call in gradient.explain().split("rt.")
    }
    expected = cr.grad(layers, argnums=(1, 2))(*args)
    for found, wanted in zip(gradient(*args), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10)


def smoothed(a, n):
    for _ in range(n):
        b = np.zeros(a.shape)
        b[1:-1, 1:-1] = a[2:, 1:-1] + a[:-2, 1:-1] + a[1:-1, 2:] + a[1:-1, :-2]
        a = np.where(b > 1.0, b / 4, b)
    return a


def test_calls_of_loops_are_short(code, rng):
    """Of each array a loop takes where it lies and its sizes, which is a dozen instructions."""
    program = cr.compile(smoothed, backend="numba")
    a = rng.normal(size=(5, 6))
    np.testing.assert_allclose(program(a, 3), smoothed(a, 3), rtol=1e-12)
    assert 200 < code.instructions() < 600


def blurred(a, w):
    return np.sum(np.tanh(a[:, :, None] * w), axis=-1)


def test_loops_around_long_ones_stay_loops(code, rng):
    """LLVM would write out a loop of four iterations, with all that is in it."""
    program = cr.compile(blurred, backend="numba")
    a, w = rng.normal(size=(4, 30)), rng.normal(size=7)
    np.testing.assert_allclose(program(a, w), blurred(a, w), rtol=1e-12)
    assert "llvm.loop.unroll.disable" in code.text


def halvings(x):
    y = x
    while np.sum(y**2) > 1.0:
        y = np.sin(y) * 0.7
    return np.sum(y)


def test_stacks_grow_without_another_function(rng):
    gradient = cr.grad(cr.compile(halvings, backend="numba"))
    x = rng.normal(size=40) * 10
    assert compiled_by(lambda: gradient(x)) == ["kernel"]
    assert "rt.room(" in gradient.explain()
    np.testing.assert_allclose(gradient(x), cr.grad(halvings)(x), rtol=1e-10)


def stepped(p):
    w = p.copy()
    for _ in range(3):
        v = np.linalg.inv(w)
        w = w * v + p
        w[0] = w[1] * v[0]
    return np.sum(w)


def test_many_statements_in_a_row_are_a_region(rng):
    """Numba would take milliseconds for each store of an element of a small matrix."""
    gradient = cr.grad(cr.compile(stepped, backend="numba"))
    p = rng.normal(size=(3, 3)) + 3 * np.eye(3)
    np.testing.assert_allclose(gradient(p), cr.grad(stepped)(p), rtol=1e-8)
    kernel = gradient.explain().split("# ---- after loops")[-1]
    assert "    # p_ct[2, 2] = " in kernel
    assert not re.search(r"^ *\w+\[", kernel, re.MULTILINE)


def doubled_solution(a, b):
    return 2 * np.linalg.solve(a, b)


def test_helpers_are_no_machine_code_of_their_own(monkeypatch, rng):
    made = []
    finalize = codegen.JITCodeLibrary._finalize_specific

    def noted(library):
        made.append(library.name)
        finalize(library)

    monkeypatch.setattr(codegen.JITCodeLibrary, "_finalize_specific", noted)
    program = cr.compile(doubled_solution, backend="numba")
    a, b = rng.normal(size=(3, 3)).astype(np.complex64), rng.normal(size=3).astype(np.complex64)
    np.testing.assert_allclose(program(a, b), doubled_solution(a, b), rtol=1e-4)
    assert any(name.startswith("kernel_") for name in made)
    assert not {"solve", "_solve", "_eliminate"} & {*made}


def many_loops(x):
    y = x
    for _ in range(2):
        y = np.sin(np.cumsum(y))
    for _ in range(2):
        y = np.cos(np.cumsum(y))
    return y


def test_what_a_kernel_mentions_is_counted_once(monkeypatch):
    """Not once for each loop: in long programs that would take most of the time."""
    counted = []
    monkeypatch.setattr(webs, "uses", lambda block: counted.append(len(block)) or uses(block))
    program = cr.compile(many_loops, backend="numba")
    program(np.ones(5))
    assert len([n for n in counted if n > 1]) == 1


# ------------------------------------------------------------------------- products of matrices

FORMS = {
    "nn": lambda a, b: a @ b,
    "tn": lambda a, b: np.swapaxes(a, -1, -2) @ b,
    "nt": lambda a, b: a @ np.swapaxes(b, -1, -2),
    "tt": lambda a, b: np.swapaxes(a, -1, -2) @ np.swapaxes(b, -1, -2),
}
SIZES = [(5, 6, 7), (40, 30, 33), (1, 60, 70), (70, 60, 1), (1, 5000, 1), (6, 0, 7), (0, 6, 7)]


@pytest.mark.parametrize("stack", [(), (3,)], ids=["one", "stack"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64])
@pytest.mark.parametrize("form", FORMS)
def test_products(form, dtype, stack, rng):
    """Small and large ones, single rows and columns, and empty ones."""
    program = cr.compile(FORMS[form], backend="numba")
    for n, m, k in SIZES:
        shapes = [(m, n) if form[0] == "t" else (n, m), (k, m) if form[1] == "t" else (m, k)]
        args = [rng.normal(size=(*stack, *s)) + 1j * rng.normal(size=(*stack, *s)) for s in shapes]
        if np.dtype(dtype).kind == "f":
            args = [a.real for a in args]
        args = [a.astype(dtype) for a in args]
        found, expected = program(*args), FORMS[form](*args)
        assert program.backend == "numba"
        assert found.dtype == expected.dtype
        tolerance = 100 * np.finfo(dtype).eps
        size = np.max(np.abs(expected), initial=1.0)
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * size)


def grown(n):
    return np.zeros((n, 8))


def test_arrays_that_are_too_big():
    """What NumPy raises is what machine code raises."""
    program = cr.compile(grown, backend="numba")
    program(3)
    for n in (2**61, 2**56):
        with pytest.raises((ValueError, MemoryError)) as by_numpy:
            grown(n)
        with pytest.raises((ValueError, MemoryError), match=r"too (big|large)") as by_machine_code:
            program(n)
        assert issubclass(by_numpy.type, by_machine_code.type)


def gated(x, steps, rng):
    total = 0.0
    for _ in range(steps):
        gates = np.heaviside(x, 0.5)
        total += np.sum(x * gates) + rng.normal()
    return total, gates


def test_what_the_interpreter_runs_is_not_compiled(rng):
    """It is called by its number: arrays, numbers and objects reach it, and come back."""
    x = rng.normal(size=7)
    program = cr.compile(gated, backend="numba")
    expected = gated(x, 3, np.random.default_rng(5))
    names = compiled_by(lambda: program(x, 3, np.random.default_rng(5)))
    assert names == ["kernel"]
    assert program.explain().count("# by Python") >= 2
    for found, wanted in zip(program(x, 3, np.random.default_rng(5)), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def arranged(a, k):
    return np.partition(a, 1, axis=1), np.partition(a[0], 1) + k, np.partition(a * k, 2, axis=1)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16", "i4", "i8", "u1", "?"])
def test_numbers_of_all_types_reach_the_interpreter(dtype, rng):
    a = rng.integers(0, 9, size=(4, 5)).astype(dtype)
    program = cr.compile(arranged, backend="numba")
    found, expected = program(a, a[0, 0]), arranged(a, a[0, 0])
    assert program.explain().count("# by Python") >= 3
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def announced(x, n):
    for k in range(n):
        print("round", k)
        x = x + np.partition(x, k)
    return np.sum(x)


def test_what_the_interpreter_raises_arrives(capsys):
    """It happens once: a program that has printed is not run again."""
    with pytest.raises(ValueError, match=r"kth\(=3\) out of bounds"):
        cr.compile(announced, backend="numba")(np.ones(3), 9)
    assert capsys.readouterr().out.split() == [
        "round",
        "0",
        "round",
        "1",
        "round",
        "2",
        "round",
        "3",
    ]


def text_of_steps(count):
    """Return a function with so many steps, of copies, columns, second names and single places."""
    step = """
    s = np.sum(x * w, axis=1, keepdims=True)
    y = x / (1.0 + s * s)
    x = np.tanh(y @ w) + y[:, ::-1]
    total = total + np.sum(x[0] ** 2)
    z = np.zeros((5, 6))
    for j in range(5):
        z[:, j] = y[:, j] * total - x[0, j]
    y = z if total > 3.0 else z[:, ::-1]
    x = x + y[:, :5]"""
    return f"def steps(x, w):\n    total = 0.0{step * count}\n    return total\n"


def test_passes_take_time_in_proportion_to_the_program():
    """Counted in calls of functions: twice the statements are not four times the work."""
    calls = []
    x = np.ones((5, 5))
    for count in (6, 12):
        text, file, space = text_of_steps(count), f"<{count} steps>", {"np": np}
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        exec(compile(text, file, "exec"), space)
        gradient = cr.grad(cr.compile(space["steps"], backend="numpy")).specialise(x, x)
        program = gradient._latest().for_machine
        profile = cProfile.Profile()
        profile.runcall(text_of, program)
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[1] < 2.25 * calls[0]


def test_no_garbage_is_looked_for_meanwhile():
    """All that the compiler has loaded would be looked through, several times in a second."""
    text = text_of_steps(3)
    linecache.cache["<garbage>"] = (len(text), None, text.splitlines(True), "<garbage>")
    space, seen = {"np": np}, []
    exec(compile(text, "<garbage>", "exec"), space)
    x = np.ones((5, 5))
    cr.grad(cr.compile(halvings, backend="numba"))(x[0])  # which imports the compiler
    gc.callbacks.append(lambda phase, info: seen.append(phase))
    try:
        gradient = cr.grad(cr.compile(space["steps"], backend="numba"))
        gradient(x, x)
    finally:
        gc.callbacks.pop()
    assert len(seen) < 20
    assert gc.isenabled()
