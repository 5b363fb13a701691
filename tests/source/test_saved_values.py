"""What the forward sweep saves: enough for the reverse sweep, and not all that is computed."""

import numpy as np
import pytest

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
