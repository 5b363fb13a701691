"""Every program of the catalogue through the source engine, in every mode, to second order."""

import ast
import functools
import inspect
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from chainrule.source.emit import namespace
from chainrule.source.products import spread
from source import oracles
from source.oracles import RTOL_SECOND, Compiled, assert_close, copied, inner, random_like, vector
from source.programs.catalogue import TOPICS, all_examples

EXAMPLES = all_examples()
ALONE = ("fdtd_2d", "lu", "csr_matvec", "stockham_fft", "mlp", "return_from_inside_loops")
"""Whose emitted text is run in a process of its own; that of the others runs here by ``exec``."""

DENSE = ("math_functions", "powers", "methods")
"""Programs with many operations on a line: their adjoints take more than 6 lines for one."""

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])


def drawn(example):
    """Random tangents of the differentiated arguments and a cotangent of the result."""
    rng = np.random.default_rng(len(example.name))
    chosen = [example.args[i] for i in example.wrt]
    y = example.function(*copied(example.args))
    return y, random_like(rng, chosen), random_like(rng, y)


@functools.cache
def compiled(name):
    """The engine at work on an example; what it made is kept between tests."""
    example = next(e for e in EXAMPLES if e.name == name)
    return Compiled(example.function, example.args, example.wrt)


# -- the catalogue itself --------------------------------------------------------------------------


def test_the_catalogue_is_large_and_its_names_differ():
    counts = {topic: sum(e.topic == topic for e in EXAMPLES) for topic in TOPICS}
    assert all(counts.values())
    assert sum(n for topic, n in counts.items() if not topic.startswith("language")) >= 60
    assert sum(n for topic, n in counts.items() if topic.startswith("language")) >= 60


@each_example
def test_an_example_is_deterministic_and_smooth_where_it_is_differentiated(example):
    f, args, wrt, step = example.function, example.args, example.wrt, example.step
    with np.errstate(all="raise", under="ignore"):
        y, again = f(*copied(args)), f(*copied(args))
    assert oracles.fingerprint(y) == oracles.fingerprint(again)
    assert vector(y).size > 0
    slopes = []
    for t in directions(np.random.default_rng(1), vector([args[i] for i in wrt]).size):
        coarse, fine = (oracles.along(f, args, wrt, t, h) for h in (step, step / 4))
        slopes.append(fine)
        assert_close(coarse, fine, "differences at two steps")
        coarse, fine = (oracles.bend(f, args, wrt, t, h) for h in (step, step / 2))
        # A kink at the point would double from one step to the next. Rounding: 4 eps / step**2.
        assert_close(coarse, fine, "second differences at two steps", 1e-5 + 1e-14 / step**2)
    assert np.any(slopes)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.analytic], ids=lambda e: e.name)
def test_the_differences_are_as_good_as_the_complex_step(example):
    f, args, wrt = example.function, example.args, example.wrt
    t = vector(drawn(example)[1])
    exact = oracles.complex_step(f, args, wrt, t)
    assert_close(oracles.along(f, args, wrt, t, example.step), exact, "differences")


# -- values and derivatives ------------------------------------------------------------------------


@each_example
def test_the_program_computes_what_the_function_does(example):
    args = copied(example.args)
    y, _, _ = drawn(example)
    found = compiled(example.name).program(*args)
    kinds = {type(found), type(y)}
    assert len(kinds) == 1 or kinds == {float, np.float64}, kinds
    found_shape, shape = oracles.shape_of(found), oracles.shape_of(y)
    assert found_shape == shape, f"{found_shape} instead of {shape}"
    assert_close(vector(found), vector(y), "value", 1e-13)
    if not holds_generator(example.args):
        same = oracles.fingerprint(args) == oracles.fingerprint(example.args)
        assert same, "an argument was changed"


@each_example
def test_no_call_goes_to_the_tape(example):
    texts = compiled(example.name).texts(drawn(example)[2])
    assert [made.opaque_calls for made in texts.values()] == [[], [], []]


@each_example
def test_forward_mode_against_differences(example):
    _, tangents, _ = drawn(example)
    y, y_dot = compiled(example.name).push(copied(example.args), tangents)
    assert oracles.shape_of(y) == oracles.shape_of(y_dot)
    expected = oracles.along(
        example.function, example.args, example.wrt, vector(tangents), example.step
    )
    assert_close(vector(y_dot), expected, "tangent")


@each_example
def test_reverse_mode_against_differences(example):
    y, _, ct = drawn(example)
    args = copied(example.args)
    found, cts = compiled(example.name).pull(args, ct)
    assert_close(vector(found), vector(y), "value", 1e-13)
    chosen = [example.args[i] for i in example.wrt]
    assert oracles.shape_of(cts) == oracles.shape_of(chosen)
    assert not oracles.leaves_share_memory(cts, args)
    if not holds_generator(args):
        assert oracles.fingerprint(args) == oracles.fingerprint(example.args)
    rng = np.random.default_rng(1)
    for t in directions(rng, vector(chosen).size):
        slope = oracles.along(example.function, example.args, example.wrt, t, example.step)
        assert_close(vector(cts) @ t, slope @ vector(ct), "cotangent")


@each_example
def test_both_products_agree(example):
    _, tangents, ct = drawn(example)
    engine = compiled(example.name)
    _, y_dot = engine.push(copied(example.args), tangents)
    _, cts = engine.pull(copied(example.args), ct)
    assert_close(inner(ct, y_dot), inner(cts, tangents), "<ct, J t> = <J^T ct, t>", 1e-10)


@each_example
def test_forward_over_reverse_against_differences_of_reverse(example):
    _, tangents, ct = drawn(example)
    engine = compiled(example.name)
    found = engine.push_of_pull(copied(example.args), copied(ct), tangents)

    def gradient(*args):
        return engine.pull(args, copied(ct))[1]

    expected = oracles.along(gradient, example.args, example.wrt, vector(tangents), example.step)
    assert_close(vector(found), expected, "second order", RTOL_SECOND)


@each_example
def test_the_other_second_orders_agree(example):
    _, tangents, ct = drawn(example)
    engine = compiled(example.name)
    args = [copied(example.args) for _ in range(3)]
    expected = vector(engine.push_of_pull(args[0], copied(ct), tangents))
    found = engine.pull_of_push(args[1], copied(ct), tangents)
    assert_close(vector(found), expected, "reverse over forward", 1e-9)
    found = engine.pull_of_pull(args[2], copied(ct), tangents)
    assert_close(vector(found), expected, "reverse over reverse", 1e-9)


def directions(rng, size):
    """Every coordinate of a short vector, else five random directions."""
    return np.eye(size) if size <= 12 else rng.uniform(-1, 1, (5, size))


def holds_generator(args):
    return any(isinstance(arg, np.random.Generator) for arg in args)


# -- the emitted text ------------------------------------------------------------------------------


def code_lines(text):
    """Lines of a text that are neither empty nor comments."""
    return [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]


def functions_reached(function):
    """A function and those of its module that it names, however far away."""
    found, queue = {}, [inspect.unwrap(function)]
    while queue:
        f = queue.pop()
        found[f.__qualname__] = f
        tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        known = [inspect.unwrap(f.__globals__.get(name)) for name in sorted(names)]
        queue += [g for g in known if inspect.isfunction(g) and g.__qualname__ not in found]
    return [f for f in found.values() if f.__module__ == function.__module__]


def lines_of_primal(function):
    """Lines of code of a function and the helpers it calls, without decorators and docstrings."""
    total = 0
    for f in functions_reached(function):
        node = ast.parse(textwrap.dedent(inspect.getsource(f))).body[0]
        node.decorator_list = []
        if ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
        first = min(part.lineno for part in node.body)
        lines = textwrap.dedent(inspect.getsource(f)).splitlines()[first - 1 :]
        total += 1 + len(code_lines("\n".join(lines)))
    return total


@each_example
def test_the_text_of_the_adjoint_is_deterministic_and_short(example):
    _, _, ct = drawn(example)
    engine = compiled(example.name)
    made = engine.texts(ct)["adjoint"]
    again = Compiled(example.function, example.args, example.wrt).texts(ct)["adjoint"]
    assert made.text == again.text
    function = made.text[made.text.index(f"def {made.program.name}(") :]
    # Helpers that are inlined and loops that are unrolled count as often as they occur.
    primal = len(code_lines(engine.texts(ct)["primal"].text))
    primal = max(primal, lines_of_primal(example.function))
    lines = len(code_lines(function))
    limit = 6.7 if example.name in DENSE else 6
    assert lines <= limit * primal, f"{lines} lines from {primal}\n{made.text}"


@each_example
def test_the_texts_run_alone(example):
    _, tangents, ct = drawn(example)
    engine = compiled(example.name)
    flat = oracles.numbers_of(copied(tangents))
    expected = {
        "primal": engine.program(*copied(example.args)),
        "tangent": engine.push(copied(example.args), tangents),
        "adjoint": engine.pull(copied(example.args), ct),
    }
    dots = spread(engine.program, engine.values(example.args), engine.places, flat)
    names = list(dict.fromkeys(name for name, _ in engine.places))
    roles = dict(zip([f"dot1 {name}" for name in names], dots, strict=True)) | {"ct": copied(ct)}
    for name, made in engine.texts(ct).items():
        assert "chainrule" not in made.text
        given = dict(zip(engine.program.binder.names, engine.values(example.args), strict=True))
        given |= roles
        arguments = given_to(made, copied(given))
        run = run_in_fresh_process if example.name in ALONE else run_here
        found = run(made, arguments | made.hidden())
        if np.isnan(vector(found)).any():
            made = engine.guarded(ct)
            found = run(made, given_to(made, copied(given)) | made.hidden())
        assert_close(vector(found), vector(expected[name]), name, 1e-13)


def given_to(made, by_role):
    """Arguments of a text by its own names."""
    return {p.name: by_role[made.roles[p.name]] for p in made.program.parameters}


def run_here(made, arguments):
    """Run a text in a namespace that holds nothing but the user's classes, if it makes any."""
    space = dict(namespace(made.simplified))
    assert all(isinstance(value, type) for value in space.values()), space
    exec(made.text, space)
    with np.errstate(all="ignore"):  # a slope may be infinite where its cotangent is zero
        return space[made.program.name](**arguments)


def run_in_fresh_process(made, arguments):
    code = (
        "import pickle, sys\n"
        "text, name, arguments = pickle.load(sys.stdin.buffer)\n"
        "space = {}\n"
        "exec(text, space)\n"
        "found = space[name](**arguments)\n"
        "assert 'chainrule' not in sys.modules\n"
        "sys.stdout.buffer.write(pickle.dumps(found))\n"
    )
    given = pickle.dumps((made.text, made.program.name, arguments))
    done = subprocess.run(
        [sys.executable, "-c", code], input=given, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)
