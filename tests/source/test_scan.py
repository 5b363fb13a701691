"""The scan that picks the engine: what the tape cannot follow is found before the call."""

import copy
import functools
import gc
import inspect
import math
import threading
import time
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, ConversionError, MutationError, UnsupportedError
from chainrule.source.scan import Verdict, scan, which_engine
from chainrule.transforms._calls import Call
from chainrule.transforms._runs import ReverseRun
from programs import PROGRAMS
from source.programs.catalogue import all_examples

WEIGHTS = np.ones((3, 3))
LAYERS = [np.ones(3), np.ones(3)]
SCALE = 2.0
X = np.array([0.3, 0.7, 1.1])


def line_of(f, marker="# HERE"):
    """The file and line of the marked line of ``f``."""
    lines, start = inspect.getsourcelines(f)
    return f"{__file__}:{start + next(i for i, text in enumerate(lines) if marker in text)}"


def on_the_tape(f):
    """Differentiate by the tape, whichever engine the transforms would choose."""
    ReverseRun(Call(f, 0, (X,), {}), False)


# -- what the tape cannot follow -------------------------------------------------------------------


def store_into_zeros(x):
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2  # HERE
    return out.sum()


def store_a_slice(x):
    out = np.empty_like(WEIGHTS)
    out[1:, 0] = x[1:]  # HERE
    return out[1:, 0].sum()


def enumerate_elements(x):
    total = 0.0
    for (k,), v in np.ndenumerate(x):  # HERE
        total += v**2 * k
    return total


def store_into_a_view(x):
    out = np.zeros((3, 3))
    row = out[0, :]
    row[:] = x  # HERE
    return out.sum()


def add_in_place(x):
    total = np.zeros(3)
    total += x  # HERE
    return total.sum()


def add_into_a_part(x):
    total = np.zeros(3)
    total[:2] += x[:2]  # HERE
    return total.sum()


def output_argument(x):
    out = np.empty(3)
    np.multiply(x, 2.0, out=out)  # HERE
    return out.sum()


def output_at_its_position(x):
    out = np.empty(3)
    np.multiply(x, 2.0, out)  # HERE
    return out.sum()


def added_at(x):
    out = np.zeros(2)
    np.add.at(out, [0, 1, 1], x)  # HERE
    return (out**2).sum()


def copied_to(x):
    out = np.zeros(3)
    np.copyto(out, x)  # HERE
    return out.sum()


def filled(x):
    out = np.zeros(3)
    out.fill(x[0])  # HERE
    return out.sum()


def array_of_values(x):
    return np.array([x[0], x[1] ** 2]).sum()  # HERE


def array_of_a_list(x):
    values = []
    for v in x:
        values.append(v * v)
    return np.array(values).sum()  # HERE


def as_an_array(x):
    x = np.asarray(x, dtype=float)  # HERE
    return (x * x).sum()


def scalar_type(x):
    return np.float64(x[0]) * x[1]  # HERE


def python_float(x):
    return float(x[0]) * x[1]  # HERE


def python_int(x):
    return int(x[0]) * x[1]  # HERE


def function_of_math(x):
    return math.sin(x[0]) * x[1]  # HERE


def function_of_math_of_a_sum(x):
    total = 0.0
    for v in x:
        total += v
    return math.exp(total)  # HERE


def full_of_a_value(x):
    return np.full(3, x[0]).sum()  # HERE


def dot_of_a_plain_array(x):
    return WEIGHTS.dot(x).sum()  # HERE


def dot_of_a_transpose(x):
    return WEIGHTS.T.dot(x).sum()  # HERE


def sum_of_a_list(x):
    return np.sum([x[0], x[1] ** 2])  # HERE


def joined_with_a_list(x):
    return np.concatenate([x, [x[0]]]).sum()  # HERE


def joined_lists(x):
    rows = []
    for v in x:
        rows.append([v, 1.0])
    return np.vstack(rows).sum()  # HERE


def joined_by_r_(x):
    return np.r_[x, x * x].sum()  # HERE


def in_a_list_of_arrays(x):
    parts = [np.zeros(3) for _ in range(2)]
    parts[1][0] = x[0]  # HERE
    return parts[1].sum()


def fill_from(x, out):
    out[:] = x * x  # HERE


def in_a_called_function(x):
    out = np.zeros(3)
    fill_from(x, out)
    return out.sum()


def in_a_nested_function(x):
    out = np.zeros(3)

    def put(i):
        out[i] = x[i]  # HERE

    for i in range(3):
        put(i)
    return out.sum()


def in_a_function_that_is_handed_on(x):
    def integrate(rate, y):
        return y + 0.1 * rate(y)

    def rate(y):
        return np.array([y[0], -y[1], y[2]])  # HERE

    return integrate(rate, x).sum()


def in_a_lambda(x):
    square = lambda v: math.pow(v, 2)  # HERE
    return square(x[0])


def in_a_comprehension(x):
    return sum([math.cos(v) for v in x])  # HERE


def in_a_branch(x):
    return math.log(x[0]) if x[0] > 0 else x[0]  # HERE


def by_a_keyword(x):
    return math.fsum(v for v in x * SCALE)  # HERE


def through_a_dict(x):
    state = {"u": np.zeros(3)}
    state["u"][0] = x[0]  # HERE
    return state["u"].sum()


def row_of_zeros(x):
    out = np.zeros((3, 2))
    for i in range(3):
        row = out[i]
        row[0] = x[i]  # HERE
    return out.sum()


def rows_taken_apart(x):
    a, b = np.zeros((2, 3))
    a[:] = x  # HERE
    return a.sum() + b.sum()


def noise(x):
    rng = np.random.default_rng(0)
    out = rng.normal(size=3)
    out += x  # HERE
    return out.sum()


def grid_points(x):
    a, b = np.meshgrid(np.arange(3.0), np.arange(3.0))
    a += x  # HERE
    return (a * b).sum()


def through_reduce(x):
    return functools.reduce(lambda a, b: a + math.sin(b), x)  # HERE


def formatted(x):
    assert "%.3f" % x[0] != ""  # HERE  # noqa: UP031
    return x.sum()


class Accumulator:
    def __init__(self, n):
        self.total = np.zeros(n)

    def add(self, x):
        self.total[:] = x  # HERE


def in_an_object(x):
    accumulator = Accumulator(3)
    accumulator.add(x)
    return accumulator.total.sum()


@dataclass
class Pair:
    a: np.ndarray
    b: np.ndarray


def in_a_dataclass(x):
    pair = Pair(np.zeros(3), x)
    pair.a[:] = x  # HERE
    return pair.a.sum() + pair.b.sum()


def through_a_swap(x):
    new, old = np.zeros(3), x
    for _ in range(3):
        new[1:] = old[:-1]  # HERE
        new, old = old, new
    return old.sum()


def class_of_an_array(x):
    return x.sum() if isinstance(x, np.ndarray) else 2 * x  # HERE


def class_of_an_element(x):
    scale = 2 if isinstance(x[0], (int, float)) else 3  # HERE
    return scale * x.sum()


def type_of_an_element(x):
    return x.sum() if type(x[0]) is np.float64 else 2 * x.sum()  # HERE


def class_of_a_number(x):
    return 2 * x[0] if np.isscalar(x[0]) else x.sum() + 7  # HERE


def length_of_an_element(x):
    return x.sum() + 7 if hasattr(x[0], "__len__") else 2 * x[0]  # HERE


def pattern_of_a_class(x):
    match x[1]:  # HERE
        case float():
            return x[0]
        case _:
            return x[2] + 7


SOURCE = [
    value
    for name, value in list(globals().items())
    if inspect.isfunction(value) and "# HERE" in inspect.getsource(value) and name != "line_of"
]
SOURCE.remove(fill_from)


def marked(f):
    """The function that has the marked line: the program itself, or the one that it calls."""
    return {in_a_called_function: fill_from, in_an_object: Accumulator.add}.get(f, f)


@pytest.mark.parametrize(
    "f", [*SOURCE, in_a_called_function, in_an_object], ids=lambda f: f.__name__
)
def test_the_source_engine_is_chosen_with_the_line(f):
    verdict = scan(f)
    assert verdict.engine == "source"
    assert line_of(marked(f)) in [place for place, _ in verdict.reasons]
    f(X)  # is a program that runs


@pytest.mark.parametrize(
    "f", [*SOURCE, in_a_called_function, in_an_object], ids=lambda f: f.__name__
)
def test_the_tape_does_not_follow_these(f):
    """Each alarm is one that the tape itself would raise, or its value is another."""
    try:
        with cr.engine("tape"):
            value = cr.value_and_grad(f)(X)[0]
    except ChainruleError:
        return
    assert value != f(X)


def test_an_assigned_shape_is_left_to_the_source_engine():
    def f(x):
        y = x * x[0]
        y.shape = 1, 3  # HERE
        return np.sum(y @ y.T)

    verdict = scan(f)
    assert verdict.engine == "source"
    assert [place for place, _ in verdict.reasons] == [line_of(f)]
    assert cr.grad(f)(X) == pytest.approx(cr.grad(lambda x: x[0] ** 2 * np.sum(x * x))(X))


def counts_in_an_outer_function(x):
    k = 0

    def next_one():
        nonlocal k
        k += 1
        return x[k - 1]

    try:
        total = np.sum(np.array([next_one() for _ in range(3)]) ** 2)  # HERE
    finally:
        k = 0
    return total


def test_nonlocal_names_of_a_function_that_is_read_are_no_obstacle():
    verdict = scan(counts_in_an_outer_function)
    assert (verdict.engine, verdict.refused) == ("source", ())
    assert cr.grad(counts_in_an_outer_function)(X) == pytest.approx(2 * X)


# -- what the tape can follow ----------------------------------------------------------------------


def literals(x):
    return np.array([1.0, 2.0, 3.0]) @ x


def zeros_only_read(x):
    return (np.zeros(3) + x).sum()


def zeros_rebound(x):
    total = np.zeros(3)
    for _ in range(2):
        total = total + x
    return total.sum()


def math_of_a_size(x):
    n = x.shape[0]
    return x.sum() / math.sqrt(n) * math.pi


def math_of_a_length(x):
    return x.sum() / math.log(len(x) + 1)


def math_of_a_counter(x):
    total = 0.0
    for i, v in enumerate(x):
        total += v / math.factorial(i)
    return total


def math_of_the_other_of_a_pair(x):
    return sum(v * math.sin(t) for t, v in zip(range(3), x, strict=True))


def float_of_a_constant(x):
    return float(WEIGHTS[0, 0]) * x[0]


def stores_of_plain_values(x):
    weights = np.zeros(3)
    for i in range(3):
        weights[i] = 1.0 / (i + 1)
    return weights @ x


def stores_of_decisions(x):
    mask = np.zeros(3, dtype=bool)
    for i in range(3):
        mask[i] = x[i] > 0.5
    return x[mask].sum()


def stores_of_orders(x):
    order = np.zeros(3, dtype=int)
    order[:] = np.argsort(x)
    return x[order][0]


def zeros_like_the_argument(x):
    out = np.zeros_like(x)
    out[0] = x[1]
    return out.sum()


def zeros_with_like(x):
    out = np.zeros(5, like=x)
    out[:3] = x
    return out.sum()


def full_with_like(x):
    return np.full(3, x[0], like=x) @ x


def list_stored_into(x):
    values = [0.0, 0.0]
    values[0] = x[0]
    values[1] += x[1]
    return sum(values)


def dict_stored_into(x):
    state = {}
    state["a"] = x[0]
    return state["a"] * 2


def stacked(x):
    path = []
    for _ in range(3):
        path.append(x)
    path = np.stack(path)
    return np.sum(path)


def int_of_a_rounded_value(x):
    k = int(np.floor(x[0] * 2))
    return x[k]


def cut(x):
    return float(cr.stop_gradient(x[0])) * x[1]


def traced_dot(x):
    return x.dot(WEIGHTS).sum() + np.dot(WEIGHTS, x).sum()


def numbers_summed(x):
    total = np.sum(WEIGHTS)
    total += x[0]
    return total


def element_of_a_constant(x):
    s = WEIGHTS[0, 0]
    for v in x:
        s -= v
    return s


def layers_of_constants(x):
    for w in LAYERS:
        x = np.tanh(w * x)
    return x.sum()


def inner_gradient(x):
    return cr.grad(lambda v: v**3)(x[0])


def ordered(x):
    return sorted([x[0], x[1]])[0] + max(x[0], x[1])


def classes_of_containers(x, layers=()):
    layers = [layers] if not isinstance(layers, (list, tuple)) else layers
    assert not isinstance(x, (list, dict, str))
    assert repr(type(x))
    return x.sum() + len(layers)


TAPE = [
    *[literals, zeros_only_read, zeros_rebound, math_of_a_size, math_of_a_length],
    *[math_of_a_counter, math_of_the_other_of_a_pair, float_of_a_constant],
    *[stores_of_plain_values, stores_of_decisions, stores_of_orders, zeros_like_the_argument],
    *[zeros_with_like, full_with_like, list_stored_into, dict_stored_into, stacked],
    *[int_of_a_rounded_value, cut, traced_dot, numbers_summed, element_of_a_constant],
    *[layers_of_constants, inner_gradient, ordered, classes_of_containers],
]


@pytest.mark.parametrize("f", TAPE, ids=lambda f: f.__name__)
def test_the_tape_is_kept(f):
    assert scan(f) == Verdict("tape")
    on_the_tape(f)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_the_programs_for_all_engines_stay_on_the_tape(program):
    assert scan(program.function, tuple(range(len(program.args)))) == Verdict("tape")


@pytest.mark.parametrize("example", all_examples(), ids=lambda e: e.name)
def test_the_choice_is_right(example):
    """The source engine is chosen exactly where the tape would lose a value, or its type."""
    if "isinstance(" in inspect.getsource(example.function):
        assert scan(example.function, example.wrt).engine == "source"
        return
    try:
        ReverseRun(Call(example.function, example.wrt, copy.deepcopy(example.args), {}), False)
        expected = "tape"
    except (ConversionError, MutationError):
        expected = "source"
    except UnsupportedError:
        expected = "tape"  # a function without a rule has none in the other engine either
    assert scan(example.function, example.wrt).engine == expected


# -- which arguments, and what callables -----------------------------------------------------------


def two(x, n, *, scale=1.0):
    return x * math.sqrt(n) * math.exp(scale)


def test_only_differentiated_arguments_count():
    assert scan(two).engine == "tape"
    assert scan(two, "x").engine == "tape"
    assert scan(two, 1).engine == "source"
    assert scan(two, (0, 1)).engine == "source"
    assert scan(two, [0]).engine == "tape"
    assert scan(two, "scale").engine == "source"
    assert scan(two, -1).engine == "source"  # which one it is depends on the call


def test_an_array_that_is_given_is_plain():
    def f(x, out):
        out[:] = x
        return out.sum()

    assert scan(f).engine == "source"
    assert scan(f, (0, 1)).engine == "tape"


def test_partials_and_methods():
    class Model:
        def __init__(self):
            self.w = WEIGHTS

        def energy(self, x):
            return self.w.dot(x).sum()

        def __call__(self, x):
            return math.sin(x)

    assert scan(functools.partial(two, n=3)).engine == "tape"
    assert scan(functools.partial(two, 1.0)).engine == "source"
    assert scan(functools.partial(two, 1.0), "scale").engine == "source"
    assert scan(Model().energy).engine == "source"
    assert scan(functools.partial(Model().energy)).engine == "source"
    assert scan(Model()).engine == "source"
    assert scan(lambda x: Model().energy(x)).engine in ("tape", "source")


def test_decorated_functions():
    def timed(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            return f(*args, **kwargs)

        return wrapper

    assert scan(timed(two)).engine == "tape"
    assert scan(timed(two), 1).engine == "source"
    assert scan(timed(store_into_zeros)).engine == "source"
    assert scan(timed(zeros_like_the_argument)).engine == "tape"


def test_records_and_dataclasses():
    State = namedtuple("State", "u n")

    @dataclass
    class Grid:
        u: np.ndarray
        h: float

    def from_record(state):
        return math.sin(state.u)

    def with_grid(grid):
        return (grid.u * grid.h).sum() / math.sqrt(grid.u.shape[0])

    def made_inside(x):
        s = State(x, 3)
        return np.array([s.u[0]])[0]

    assert scan(from_record).engine == "source"
    assert scan(with_grid).engine == "tape"
    assert scan(made_inside).engine == "source"
    assert from_record(State(0.0, 1)) == 0
    assert with_grid(Grid(X, 1.0)) > 0


def test_what_is_no_function_of_the_user_stays_on_the_tape():
    assert scan(np.sin) == Verdict("tape")
    assert scan(math.sin) == Verdict("tape")
    assert scan(np.sum) == Verdict("tape")
    assert scan(functools.partial(np.sum, axis=0)) == Verdict("tape")


def test_derivatives_inside_derivatives():
    """The outer one records what the inner one does, whichever engine that uses."""
    assert scan(cr.grad(store_into_zeros)) == Verdict("tape")
    assert scan(lambda x: cr.grad(store_into_zeros)(x).sum()) == Verdict("tape")


def test_derivatives_of_what_closes_over_traced_values():
    """The inner derivative is not asked for what the outer one traces."""

    def by(transform):
        def outer(x):
            def inner(y):
                out = np.zeros(2)
                out[0] = y * y * x[0]  # HERE
                return out.sum()

            return transform(inner)

        return outer

    for transform in (
        lambda f: cr.grad(f)(3.0),
        lambda f: cr.value_and_grad(f)(3.0)[1],
        lambda f: cr.jvp(f, (3.0,), (1.0,))[1],
        lambda f: cr.vjp(f, 3.0)[1](1.0)[0],
        lambda f: cr.hvp(f, (3.0,), (1.0,)),
    ):
        outer = by(transform)
        assert scan(outer).engine == "source"
        factor = 2.0 if "hvp" in transform.__code__.co_names else 6.0
        np.testing.assert_allclose(cr.grad(outer)(X), factor * np.eye(len(X))[0])
    assert scan(lambda x: cr.jvp(store_into_zeros, (x,), (x,))[1]) == Verdict("tape")
    assert scan(lambda x: cr.vjp(store_into_zeros, x)[0]) == Verdict("tape")
    assert scan(lambda x: 2 * cr.checkpoint(store_into_zeros)(x)) == Verdict("tape")


def test_primitives_of_the_user_are_not_looked_into():
    @cr.primitive
    def power(x):
        return math.pow(x, 3)

    assert scan(lambda x: power(x) + 1.0) == Verdict("tape")
    assert scan(power) == Verdict("tape")


# -- where the source engine cannot either ---------------------------------------------------------


def test_what_the_source_engine_refuses_stays_on_the_tape():
    def f(x):
        out = np.zeros(3)
        try:
            out[0] = x[0]
        except ValueError:
            out[0] = 1.0
        return out.sum()

    verdict = scan(f)
    assert verdict.engine == "tape"
    assert verdict.reasons
    assert [what for _, what in verdict.refused] == ["try/except"]
    assert "does not take" in repr(verdict)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a generator (yield)", "def g():\n        yield math.sin(x)\n    return next(g())"),
        ("a class definition", "class C:\n        pass\n    return math.sin(x)"),
        ("a with statement other", "with open(p) as f:\n        return math.sin(x)"),
        ("a global statement", "global p\n    p = math.sin(x)\n    return p"),
        ("eval", "return eval('x') * math.sin(x)"),
        ("exec", "exec('y = 1')\n    return math.sin(x)"),
    ],
)
def test_constructs_that_are_refused(what, text, tmp_path):
    file = tmp_path / "user.py"
    file.write_text(f"import math\np = 'here'\ndef f(x):\n    {text}\n")
    namespace = {}
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    verdict = scan(namespace["f"])
    assert verdict.engine == "tape"
    assert any(what in found for _, found in verdict.refused)
    assert all(place.startswith(str(file)) for place, _ in verdict.refused)


def test_without_source_there_is_nothing_to_say():
    namespace = {"math": math}
    exec("def f(x):\n    return math.sin(x)", namespace)
    assert scan(namespace["f"]).engine == "tape"


def test_errstate_and_match_of_values_are_taken():
    def f(x, kind="sin"):
        with np.errstate(all="ignore"):
            match kind:
                case "sin":
                    return math.sin(x)
                case _:
                    return math.cos(x)

    def g(x):
        match x:
            case (a, b):
                return math.sin(a) + b

    assert scan(f).engine == "source"
    assert scan(g).engine == "tape"


# -- the walk ends ---------------------------------------------------------------------------------


def test_recursion_ends():
    def power(x, n):
        return 1.0 if n == 0 else x * power(x, n - 1)

    def even(x, n):
        return math.sin(x) if n == 0 else odd(x, n - 1)

    def odd(x, n):
        return x if n == 0 else even(x, n - 1)

    assert scan(power).engine == "tape"
    assert scan(even).engine == "source"


def test_functions_that_grow_on_the_way_end():
    def f(x, k=lambda v: v):
        return f(x, lambda v: k(v) + 1) if x > 0 else k(x)

    assert scan(f).engine == "tape"


def test_several_lambdas_on_one_line():
    a, b = (lambda x: math.sin(x) + 1), (lambda x: x * x)
    assert [scan(a).engine, scan(b).engine] == ["source", "tape"]


# -- the cache -------------------------------------------------------------------------------------


def make(g):
    return lambda x: g(x) * 1.0


def test_one_code_with_other_closures():
    assert scan(make(math.sin)).engine == "source"
    assert scan(make(np.sin)).engine == "tape"
    assert scan(make(store_into_zeros)).engine == "source"
    assert scan(make(literals)).engine == "tape"
    assert scan(make(make(math.sin))).engine == "source"
    assert scan(make(make(np.sin))).engine == "tape"


def helper(x):
    return np.sin(x)


def calls_helper(x):
    return helper(x)


def test_a_function_that_is_redefined(monkeypatch):
    assert scan(calls_helper).engine == "tape"
    monkeypatch.setitem(globals(), "helper", math.sin)
    assert scan(calls_helper).engine == "source"
    monkeypatch.undo()
    assert scan(calls_helper).engine == "tape"


def test_what_a_compiled_function_returns_is_no_list():
    def of_a_dict(s):
        return s["v"] * s["k"]

    program = cr.compile(of_a_dict, backend="numpy")
    gradient = cr.grad(cr.compile(lambda s: np.sum(s["v"]), backend="numpy"))
    for f in (
        lambda x: np.sum(program({"v": x, "k": 2.0})),
        lambda x: np.sum(gradient({"v": x})["v"]),
    ):
        assert scan(f).engine == "tape"
        np.testing.assert_allclose(cr.grad(f)(np.ones(3)), cr.grad(f)(np.ones(3)))


def test_a_verdict_is_kept():
    assert scan(store_into_zeros) is scan(store_into_zeros)
    assert scan(make(literals)) is scan(make(literals))


def test_a_look_up_is_cheap():
    """Far from the two microseconds that are aimed at only on a machine that is very busy."""
    scan(in_a_called_function)
    gc.collect()
    best = min(_seconds(in_a_called_function) for _ in range(5))
    assert best < 20e-6


def _seconds(f, calls=2000):
    start = time.perf_counter()
    for _ in range(calls):
        scan(f)
    return (time.perf_counter() - start) / calls


def test_threads_may_scan_at_once():
    functions = [make(f) for f in SOURCE]
    found = {}

    def work(k):
        found[k] = [scan(f).engine for f in functions]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set(engines) for engines in found.values()] == [{"source"}] * 4


# -- what is shown ---------------------------------------------------------------------------------


def test_which_engine_says_why():
    text = repr(which_engine(store_into_zeros))
    assert text.startswith("the source engine")
    assert f"{line_of(store_into_zeros)}: a traced value is stored into out" in text
    assert repr(which_engine(literals)) == "the tape engine, which can follow all of it"
