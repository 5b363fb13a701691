"""What the forward sweep saves: enough for the reverse sweep, and not all that is computed."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.source import derivatives, needs
from chainrule.source.emit import emit, namespace
from chainrule.source.program import compile_
from chainrule.source.simplify import simplify
from source.oracles import assert_close, copied, random_like, vector
from source.programs.catalogue import all_examples

TOPICS = ("stencils", "linear_algebra", "recurrences", "flow", "language_arrays")
EXAMPLES = [e for e in all_examples() if e.topic in TOPICS]
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])


def adjoint(example, store_all=False):
    """The text of an example's adjoint, and the cotangents that it computes."""
    program = compile_(example.function)
    values = list(program.binder(copied(example.args), {}))
    spec = program.specialised(values)
    names = [spec.program.parameters[i].name for i in example.wrt]
    made = derivatives.pullback(
        spec.program, spec.arguments, [(name, ()) for name in names], store_all=store_all
    )
    made = simplify(made, lambda name: False)
    text = emit(made)
    space = dict(namespace(made))
    exec(text, space)
    return made, text, space[made.name]


def cotangents(example, function):
    y = example.function(*copied(example.args))
    ct = random_like(np.random.default_rng(len(example.name)), y)
    hidden = {name: read() for name, read in function[0].hidden.items()}
    return vector(list(function[2](*copied(example.args), ct, **hidden)[1]))


@each_example
def test_saving_everything_gives_the_same_cotangents(example):
    lean, everything = adjoint(example), adjoint(example, store_all=True)
    assert_close(cotangents(example, lean), cotangents(example, everything), "cotangents", 1e-12)


def test_less_is_saved_than_everything():
    counts = np.array(
        [[adjoint(e, everything)[1].count("stack") for everything in (False, True)]
         for e in EXAMPLES]
    )  # fmt: skip
    assert np.all(counts[:, 0] <= counts[:, 1])
    assert np.sum(counts[:, 0]) < 0.9 * np.sum(counts[:, 1])


def test_a_sweep_that_saves_too_little_is_found_out(monkeypatch):
    """The comparison can fail: without what stores overwrite, many cotangents are wrong."""
    examples = EXAMPLES[:40]
    right = [cotangents(e, adjoint(e)) for e in examples]
    monkeypatch.setattr(needs.Needs, "save", lambda self, s, name, defined: None)
    wrong = 0
    for example, expected in zip(examples, right, strict=True):
        found = cotangents(example, adjoint(example))
        wrong += not np.allclose(found, expected, rtol=1e-6, equal_nan=False)
    assert wrong >= 5


# ---------------------------------------------------- arrays that are changed after they were saved


def after_a_loop(x, w):
    total = 0.0
    for k in range(3):
        u = np.sin(k * x + w)
        total = total + np.sum(u * u * x)
    u[1] = 3.0
    u[2:] += w[2:]
    return total + np.sum(u * w)


def after_a_while_loop(x, w):
    total, k = 0.0, 0
    while k < 3:
        u = np.sin(k * x + w)
        total, k = total + np.sum(u * u * x), k + 1
    u -= x
    return total * np.sum(u * w)


def after_an_inner_loop(x, w):
    total = 0.0
    for _ in range(3):
        for k in range(2):
            u = np.sin(k * x + w + total)
            total = total + 0.1 * np.sum(u * u * x)
        u[1:] -= w[:-1]
        total = total + np.sum(u)
    return total


def by_another_name(x, w):
    total, v = 0.0, w.copy()
    for _ in range(3):
        for k in range(2):
            u = np.sin(k * x + w + total)
            total = total + 0.1 * np.sum(u * u * x)
        u, v = v, u
        v[1:] -= w[:-1]
        total = total + np.sum(v)
    return total


def by_a_view(x, w):
    total = 0.0
    for k in range(3):
        u = np.outer(np.sin(k * x), w)
        total = total + np.sum(u * u)
    v = u.T[1:]
    v[2] = x
    return total * np.sum(u)


def in_a_checkpointed_loop(x, w):
    total = 0.0
    for k in range(3):
        u = np.sin(k * x + w)
        total = total + np.sum(u * u * x)
    for k in cr.checkpointed(range(3)):
        u[k] += w[k]
    return total * np.sum(u * w)


@pytest.mark.parametrize(
    "f",
    [after_a_loop, after_a_while_loop, after_an_inner_loop, by_another_name, by_a_view,
     in_a_checkpointed_loop],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_what_a_loop_has_saved_stays_when_the_array_is_changed(f):
    x, w = np.linspace(0.5, 1.2, 5), np.linspace(0.9, 0.4, 5)
    program = cr.compile(f, backend="numpy")
    cr.check_grads(program, (x, w))
    y, back = cr.vjp(program, x, w)
    for _ in range(2):
        for found, expected in zip(back(y), cr.grad(program, argnums=(0, 1))(x, w), strict=True):
            np.testing.assert_allclose(found, y * expected, rtol=1e-13)


def test_what_a_loop_has_saved_is_not_copied_where_it_stays():
    program = cr.grad(cr.compile(after_a_loop, backend="numpy"))
    program(np.ones(5), np.ones(5))
    assert "append(u.copy())" in program.source
    kept = cr.grad(cr.compile(kept_after_a_loop, backend="numpy"))
    kept(np.ones(5), np.ones(5))
    assert "append(u)" in kept.source


def kept_after_a_loop(x, w):
    total = 0.0
    for k in range(3):
        u = np.sin(k * x + w)
        u[0] = total
        total = total + np.sum(u * u * x)
    u = u * w
    u[0] = x[0]
    return total * np.sum(u)
