"""The programs of the catalogue as machine code, with their derivatives, beside NumPy's programs.

Numba takes seconds for each, so that a sample has to do; every program is lowered.
"""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from chainrule.source.program import compile_
from source.oracles import Compiled, copied, numbers_of, random_like, vector
from source.programs.catalogue import all_examples

pytest.importorskip("numba")

from chainrule.source.native.compiling import why_not

EXAMPLES = {example.name: example for example in all_examples()}
SAMPLE = {
    "complex_numbers",
    "draws_of_several_kinds",
    "fancy_indices",
    "gauss_with_pivoting",
    "horizontal_diffusion",
    "in_place_methods",
    "kalman_filter",
    "ray_marcher",
    "soft_dtw",
}
"""Programs that need most of what lowering can do."""
MORE = [pytest.param(n, marks=pytest.mark.slow) for n in [*EXAMPLES][::6] if n not in SAMPLE]
"""Every sixth of the others."""

each_of_the_sample = pytest.mark.parametrize("name", sorted(SAMPLE))


class Both:
    """A program of the catalogue by Numba and by NumPy, with the same random directions."""

    def __init__(self, name: str) -> None:
        self.example = e = EXAMPLES[name]
        self.programs = []
        for backend in ("numba", "numpy"):
            made = Compiled(compile_(e.function, backend=backend), e.args, e.wrt)
            assert made.program.backend == backend
            self.programs.append(made)
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.ct = random_like(rng, e.function(*copied(e.args)))
        self.tangents = random_like(rng, [e.args[i] for i in e.wrt])

    def assert_same(self, run) -> None:
        """Compare what both programs make of copies of the arguments."""
        native, by_numpy = (run(made, copied(self.example.args)) for made in self.programs)
        dtypes = [np.asarray(x).dtype for x in numbers_of(native)]
        assert dtypes == [np.asarray(x).dtype for x in numbers_of(by_numpy)]
        single = any(dtype in (np.float32, np.complex64) for dtype in dtypes)
        found, expected = vector(native), vector(by_numpy)
        scale = max(1.0, np.max(np.abs(expected[np.isfinite(expected)]), initial=0))
        tolerance = (1e-4 if single else 1e-9) * scale
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_program_is_lowered(name):
    e = EXAMPLES[name]
    made = Compiled(compile_(e.function, backend="numpy"), e.args, e.wrt)
    specs = made.texts(random_like(np.random.default_rng(0), e.function(*copied(e.args))))
    for role in ("primal", "adjoint"):
        is_recursive = bool(specs[role].program.functions)
        expected = "a recursive function" if is_recursive else ""
        assert why_not(specs[role].for_machine) == expected, role


@each_of_the_sample
def test_values(name):
    Both(name).assert_same(lambda made, args: made.program.call(made.values(args)))


@pytest.mark.parametrize("name", [*sorted(SAMPLE), *MORE])
def test_pullbacks(name):
    both = Both(name)
    both.assert_same(lambda made, args: made.pull(args, both.ct))


@pytest.mark.slow
@each_of_the_sample
def test_tangents(name):
    both = Both(name)
    both.assert_same(lambda made, args: made.push(args, both.tangents))


@pytest.mark.slow
@each_of_the_sample
def test_tangents_of_pullbacks(name):
    both = Both(name)
    both.assert_same(lambda made, args: made.push_of_pull(args, both.ct, both.tangents))
