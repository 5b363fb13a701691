"""What later processes run without a pass but the first: the same program, and no other."""

import dataclasses
import importlib
import itertools
import sys
import textwrap
from collections import namedtuple

import numpy as np
import pytest

import chainrule as cr
from chainrule._core import TABLE
from chainrule.rules._forms import Elementwise
from chainrule.source.native.store import FOLDER, Store
from chainrule.source.outline import NoOutlineError, Outline
from chainrule.source.types import Type

pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def where(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    return Store(tmp_path / "kept")


@pytest.fixture
def nothing_is_made(monkeypatch):
    """Return what lets every pass but the first fail, and the compiler."""

    def forbid():
        monkeypatch.setattr("chainrule.source.derivatives.gradient", None)
        monkeypatch.setattr("chainrule.source.derivatives.pullback", None)
        monkeypatch.setattr("chainrule.source.specialise.tangent", None)
        monkeypatch.setattr("chainrule.source.native.compiling.to_kernel", None)
        monkeypatch.setattr("numba.core.compiler.compile_extra", None)

    return forbid


def gradient(f, **options):
    """Return the gradient of a Program that was not compiled before, as in a new process."""
    return cr.grad(cr.compile(f, backend="numba"), **options)


def waves(x, y):
    return np.sum(np.sin(x) * y**2)


X, Y = np.linspace(0.1, 1.0, 6), np.linspace(1.0, 2.0, 6)


def test_the_second_process_runs_what_is_kept(nothing_is_made):
    first = gradient(waves, argnums=(0, 1))(X, Y)
    nothing_is_made()
    second = gradient(waves, argnums=(0, 1))(X, Y)
    np.testing.assert_array_equal(first, second)


def test_texts_are_made_when_they_are_asked_for():
    texts = []
    for _ in range(2):
        g = gradient(waves)
        g(X, Y)
        assert not g.opaque_calls
        texts.append((g.source, g.explain()))
    assert texts[0] == texts[1]


def test_products_the_function_itself_and_values_are_kept(nothing_is_made):
    def all_of_them():
        p = cr.compile(waves, backend="numba")
        return [
            p(X, Y),
            cr.value_and_grad(p)(X, Y),
            cr.jvp(p, (X, Y), (np.ones(6), np.zeros(6))),
        ]

    first = all_of_them()
    nothing_is_made()
    second = all_of_them()
    np.testing.assert_equal(first, second)


def losses(x, w):
    total = 0.0
    for i in range(len(x)):
        r = np.sin(w[0] * x[i]) - w[1] * x[i]
        total += r * r
    return total


def test_loops_that_run_on_threads_are_kept(nothing_is_made):
    def slope():
        g = cr.grad(cr.compile(losses, backend="numba", parallel=True), argnums=(0, 1))
        found = g(np.linspace(0.0, 1.0, 5000), np.array([1.5, 0.5]))
        return found, g._latest().native

    first, native = slope()
    assert "chunks" in native.text
    nothing_is_made()
    second, native = slope()
    assert native.code.record.has_threads
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def gated(x, k):
    total = 0.0
    for i in range(3):
        total += np.sum(np.heaviside(x - i / 4, 0.5) * x**2) * k
    return total * np.sum(np.nextafter(x, 2.0))


def test_what_the_interpreter_runs_is_kept(nothing_is_made):
    def both():
        p = cr.compile(gated, backend="numba")
        g = cr.grad(p, argnums=(0, 1))
        return p(X, 1.5), g(X, 1.5), g._latest().native

    *first, native = both()
    assert "# by Python" in native.text
    nothing_is_made()
    *second, native = both()
    assert native.code.record.python
    assert native.runs_python
    np.testing.assert_equal(first, second)
    np.testing.assert_allclose(second[0], gated(X, 1.5))
    np.testing.assert_allclose(second[1][0], cr.grad(gated)(X, 1.5))


def drawn(rng, x):
    steps = rng.normal(size=x.shape)
    return np.sum(x * steps) * rng.uniform()


def test_draws_are_kept(nothing_is_made):
    """A generator is handed to the kernel, at the first call and at later ones."""

    def slopes():
        rng, g = np.random.default_rng(3), gradient(drawn, argnums=1)
        return [g(rng, X) for _ in range(3)], g._latest().native

    first, native = slopes()
    assert "# by Python" in native.text
    nothing_is_made()
    second, native = slopes()
    assert native.code.record.python["objects"]
    np.testing.assert_array_equal(first, second)
    rng = np.random.default_rng(3)
    for found in second:
        np.testing.assert_allclose(found, rng.normal(size=X.shape) * rng.uniform())


class Step(namedtuple("Step", ["size"])):
    pass


def printed(x):
    print(Step(0.5), "of", len(x))
    return np.sum(x**2)


def test_prints_are_kept(nothing_is_made, capsys):
    first = cr.compile(printed, backend="numba")(X), capsys.readouterr().out
    nothing_is_made()
    second = cr.compile(printed, backend="numba")(X), capsys.readouterr().out
    assert first == second
    assert "Step(size=0.5) of 6" in second[1]


def decaying(x, rate):
    y = x.copy()
    total = 0.0
    for _ in range(4):
        y = np.where(y > 0, np.sqrt(y), 0.0) * rate
        y[0] = y[0] * y[1]
        total += np.sum(y * x)
    return total, y


def test_both_sweeps_of_a_pullback_are_kept(monkeypatch):
    def pulled(x):
        _, pull = cr.vjp(cr.compile(decaying, backend="numba"), x, 0.5)
        return [pull((ct, np.ones(6))) for ct in (1.0, 2.0)]

    with_zero = np.where(X > 0.5, X, 0.0)  # an infinite slope, which is guarded
    first = pulled(X), pulled(with_zero)
    monkeypatch.setattr("chainrule.source.native.compiling.to_kernel", None)
    monkeypatch.setattr("numba.core.compiler.compile_extra", None)
    second = pulled(X), pulled(with_zero)
    np.testing.assert_equal(first, second)
    assert not np.isnan(second[1][0][0]).any()
    by_numpy = cr.vjp(cr.compile(decaying, backend="numpy"), with_zero, 0.5)[1]((2.0, np.ones(6)))
    np.testing.assert_allclose(second[1][1][0], by_numpy[0])


# ------------------------------------------------------------------------- what a record is for


def kept_names(where):
    return {file.path.name for file in where.files()}


def power_of(n):
    return lambda x: np.sum(x**n)


def test_a_known_number_that_is_closed_over():
    for n in (2, 3, 2):
        np.testing.assert_allclose(gradient(power_of(n))(X), n * X ** (n - 1))


def test_arrays_and_floats_that_are_closed_over_are_read_at_each_call(nothing_is_made):
    def scaled(a, w):
        return lambda x: np.sum(a * np.sin(x) * w)

    np.testing.assert_allclose(gradient(scaled(2.0, Y))(X), 2 * np.cos(X) * Y)
    nothing_is_made()
    np.testing.assert_allclose(gradient(scaled(3.0, 2 * Y))(X), 6 * np.cos(X) * Y)


MODULE = """
    import numpy as np

    def callee(x):
        return {body}

    def f(x):
        return np.sum(callee(x))
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return what writes a module of one name, each time another one."""
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    count = itertools.count()

    def written(body):
        folder = tmp_path / f"version_{next(count)}"
        folder.mkdir()
        monkeypatch.syspath_prepend(folder)
        sys.modules.pop("user_module", None)
        (folder / "user_module.py").write_text(textwrap.dedent(MODULE).format(body=body))
        return importlib.import_module("user_module")

    yield written
    sys.modules.pop("user_module", None)


def test_a_callee_that_has_changed(module):
    np.testing.assert_allclose(gradient(module("np.sin(x)").f)(X), np.cos(X))
    np.testing.assert_allclose(gradient(module("np.cos(x)").f)(X), -np.sin(X))


def test_a_function_that_was_moved_is_the_same(module, where):
    gradient(module("np.sin(x)").f)(X)
    before = kept_names(where)
    gradient(module("np.sin(\n        x\n    )").f)(X)
    assert kept_names(where) == before


def sine(x):
    return np.sum(np.sin(x))


def test_a_rule_of_the_user_that_stands_in_the_table(monkeypatch, where):
    gradient(sine)(X)
    before = kept_names(where)

    def halved(y, x):
        return np.cos(x) / 2

    monkeypatch.setitem(TABLE, np.sin, Elementwise(np.sin, halved, 1))
    np.testing.assert_allclose(gradient(sine)(X), np.cos(X) / 2)
    monkeypatch.undo()
    assert len(kept_names(where) - before) <= 1  # machine code, and no record
    np.testing.assert_allclose(gradient(sine)(X), np.cos(X))


def test_other_options_have_other_records(where):
    counts = []
    for g in (
        gradient(waves),
        gradient(waves, argnums=1),
        gradient(waves, argnums=(0,)),
        cr.value_and_grad(cr.compile(waves, backend="numba")),
        cr.grad(cr.compile(waves, backend="numba", parallel=True)),
    ):
        g(X, Y)
        counts.append(len(kept_names(where)))
    assert sorted({*counts}) == counts
    np.testing.assert_allclose(gradient(waves, argnums=1)(X, Y), 2 * np.sin(X) * Y)


def test_other_types_have_other_records(nothing_is_made):
    x32, y32 = X.astype(np.float32), Y.astype(np.float32)
    calls = [(X, Y), (x32, y32), (X, Y[:1]), (X[None], Y[:, None]), (X, 2.0), (X[:3], Y[:3])]
    found = [gradient(waves)(*args) for args in calls]
    for args, slope in zip(calls, found, strict=True):
        expected = np.broadcast_to(
            np.cos(args[0]) * args[1] ** 2,
            np.broadcast_shapes(np.shape(args[0]), np.shape(args[1])),
        )
        while expected.ndim > slope.ndim or expected.shape != slope.shape:
            axis = next(
                k
                for k, (n, m) in enumerate(zip(expected.shape, slope.shape, strict=True))
                if n != m
            )
            expected = expected.sum(axis, keepdims=True)
        np.testing.assert_allclose(slope, expected, rtol=1e-5)
        assert slope.dtype == args[0].dtype
    nothing_is_made()
    for args, slope in zip(calls, found, strict=True):
        np.testing.assert_array_equal(gradient(waves)(*args), slope)


def test_few_places_are_many_in_another_process_and_in_this_one():
    def lengths(x):
        return np.sum(np.sqrt(np.sum(x * x, axis=1)))

    one = gradient(lengths)
    for count in (3, 7, 2, 3):
        x = np.arange(1.0, 1.0 + 5 * count).reshape(5, count)
        expected = x / np.sqrt(np.sum(x * x, axis=1))[:, None]
        np.testing.assert_allclose(gradient(lengths)(x), expected)
        np.testing.assert_allclose(one(x), expected)


# ------------------------------------------------------------------------- how machine code ends


def test_a_nan_is_looked_at_again():
    def root(x):
        return np.sum(np.where(x > 0, np.sqrt(x), 0.0) * x)

    x = np.array([0.0, 1.0, 4.0])
    first, second = gradient(root)(x), gradient(root)(x)
    np.testing.assert_allclose(first, [0.0, 1.5, 3.0])
    np.testing.assert_allclose(second, first)


def periodic(u):
    v = np.zeros_like(u)
    for i in range(u.shape[0]):
        v[i] = u[i - 1] * u[i]
    return np.sum(v)


def test_negative_indices_are_not_run_by_numpy_in_another_process(nothing_is_made, monkeypatch):
    expected = np.roll(X, 1) + np.roll(X, -1)
    for _ in range(2):
        g = gradient(periodic)
        for _ in range(3):
            np.testing.assert_allclose(g(X), expected)
        nothing_is_made()
        monkeypatch.setattr("chainrule.source.specialise.emit", None)


def test_an_index_that_is_out_of_range_is_an_error_in_another_process():
    def place(x, k):
        y = x.copy()
        y[k] = y[k - 1] * y[0]
        return np.sum(y)

    for _ in range(2):
        g = gradient(place)
        with pytest.raises(IndexError):
            g(X, 6)
        np.testing.assert_allclose(g(X, 0)[-1], 1 + X[0])
        with pytest.raises(IndexError):
            g(X, 6)
        np.testing.assert_allclose(g(X, 3)[3], 0.0)


def test_arrays_in_another_order_of_memory():
    a = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    for _ in range(2):
        squares = gradient(lambda x: np.sum(x * x))
        np.testing.assert_allclose(squares(a), 2 * a)
        np.testing.assert_allclose(squares(a.copy()), 2 * a)


def test_machine_code_that_is_kept_no_more(where):
    gradient(waves)(X, Y)
    largest = max(where.files(), key=lambda file: file.size)
    largest.path.unlink()
    np.testing.assert_allclose(gradient(waves)(X, Y), np.cos(X) * Y**2)
    assert largest.path.exists()


# --------------------------------------------------------------------------- classes of the user

Pair = namedtuple("Pair", "w b")


@dataclasses.dataclass
class Layer:
    w: np.ndarray
    b: float


def fit(layer, x):
    return np.sum((layer.w * x + layer.b) ** 2)


@pytest.mark.parametrize("cls", [Pair, Layer])
def test_results_are_objects_of_the_class_of_this_process(cls, nothing_is_made):
    layer = cls(Y, 0.5)
    first = gradient(fit)(layer, X)
    nothing_is_made()
    second = gradient(fit)(layer, X)
    assert type(first) is type(second) is cls
    np.testing.assert_array_equal(second.w, first.w)
    assert second.b == first.b


# -------------------------------------------------------------------------------------- outlines


def test_sizes_that_are_not_known_are_told_apart_and_not_counted():
    def text(*sizes):
        return Outline().text(Type("array", np.dtype(float), sizes))

    assert text("?7", "#9") == text("?12", "#13") != text("?7", "?7")
    assert text(("sum", 1, (("?7", 2),))) == text(("sum", 1, (("?8", 2),)))
    assert len({text("n0"), text("n1"), text(1), text(2), text("?1"), text("#1")}) == 6


def test_numbers_are_told_apart_by_type_and_sign():
    numbers = [0, 0.0, -0.0, False, None, "0", b"0", 0j, -0j, np.float64(0), np.float32(0)]
    numbers += [np.zeros(1), np.zeros((1, 1)), [0], (0,), {0: 0}, slice(0), range(0), "None"]
    assert len({Outline().text(x) for x in numbers}) == len(numbers)


@pytest.mark.parametrize(
    "thing",
    [lambda x: x, test_numbers_are_told_apart_by_type_and_sign, np.longdouble(1), object(),
     np.frompyfunc(abs, 1, 1), np.random.default_rng(0).normal, {1, 2}, np.array([None])],
)  # fmt: skip
def test_there_is_no_outline_of_what_only_this_process_knows(thing):
    with pytest.raises(NoOutlineError):
        Outline().text(thing)


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (np.sin, "numpy.sin numpy"),
        (np.linalg.solve, "numpy.linalg.solve numpy.linalg solve"),
        (np.add.reduce, "numpy.add numpy"),
        (np.ndarray.copy, "numpy.ndarray numpy"),
        (np.float32, "numpy.float32 numpy float32"),
    ],
)
def test_functions_of_libraries_have_names(function, word):
    assert Outline().text(function).startswith(word)
    assert np.__version__ in Outline().text(function)
