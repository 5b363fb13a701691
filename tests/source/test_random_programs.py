"""Random programs: primal, tangent, adjoint and second order against differences and the tape.

A fixed small number of programs runs by default. For a long run, set ``CHAINRULE_RANDOM_PROGRAMS``
to a number of programs and ``CHAINRULE_RANDOM_SEED`` to where their seeds start.
"""

import itertools
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.source.program import compile_
from source import oracles
from source.generator import HELPERS, arguments, function_of, programs, random_program
from source.oracles import RTOL_SECOND, Compiled, assert_close, copied, inner, random_like, vector

WRT = (0, 1, 2, 3, 4)
STEP = 2.0**-11  # small: a comparison of values must not turn out differently within a step
LONG = int(os.environ.get("CHAINRULE_RANDOM_PROGRAMS", "0"))
FIRST_SEED = int(os.environ.get("CHAINRULE_RANDOM_SEED", "0"))
numbering = itertools.count()
PHASES = [Phase.generate, *([Phase.shrink] if LONG else [])]  # to shrink takes minutes


def is_smooth(function, args, t):
    """Whether no comparison turns out differently near the point."""
    coarse, fine = (oracles.along(function, args, WRT, t, h) for h in (STEP, STEP / 4))
    if np.max(np.abs(coarse - fine)) > 1e-8 * max(1, np.max(np.abs(fine))):
        return False
    coarse, fine = (oracles.bend(function, args, WRT, t, h) for h in (STEP, STEP / 2))
    return np.max(np.abs(coarse - fine)) <= 1e-4 * max(1, np.max(np.abs(fine)))


def is_refused(function, args):
    """Whether the engine asks for a copy, as it may where two arrays meet under one name."""
    try:
        compile_(function).specialise(*args)
    except cr.errors.UnsupportedError as error:
        if ".copy()" in str(error):
            return True
        raise
    return False


def check(source, seed):
    """Compare everything about one program; return False where there is nothing to compare.

    That is where it is not smooth at the point, or refused for want of a copy.
    """
    function, args = function_of(source, next(numbering)), arguments(seed)
    rng = np.random.default_rng(seed)
    chosen = [args[i] for i in WRT]
    tangents = random_like(rng, chosen)
    if not is_smooth(function, args, vector(tangents)):
        return False
    y = function(*copied(args))
    ct = random_like(rng, y)
    if is_refused(function, args):
        return False
    engine = Compiled(function, args, WRT)
    given_args = copied(args)
    assert_close(vector(engine.program(*given_args)), vector(y), "value", 1e-13)
    _, y_dot = engine.push(given_args, tangents)
    _, cts = engine.pull(given_args, ct)
    slope = oracles.along(function, args, WRT, vector(tangents), STEP)
    assert_close(vector(y_dot), slope, "tangent")
    assert_close(vector(cts) @ vector(tangents), slope @ vector(ct), "cotangent")
    assert_close(inner(ct, y_dot), inner(cts, tangents), "<ct, J t> = <J^T ct, t>", 1e-10)
    compare_with_the_tape(function, args, ct, cts)

    def gradient(*xs):
        return engine.pull(xs, ct)[1]

    second = engine.push_of_pull(given_args, ct, tangents)
    expected = oracles.along(gradient, args, WRT, vector(tangents), STEP)
    assert_close(vector(second), expected, "second order", RTOL_SECOND)
    for other in (engine.pull_of_push, engine.pull_of_pull):
        found = other(given_args, ct, tangents)
        assert_close(vector(found), vector(second), other.__name__, 1e-9)
    assert oracles.fingerprint(given_args) == oracles.fingerprint(args)
    return True


def compare_with_the_tape(function, args, ct, cts):
    """The other engine, where it can follow: it refuses what a plain array cannot hold."""
    given_args = copied(args)

    def traced(x, y, v, w, a):
        # The tape follows stores into arrays that it made, not into the caller's.
        return function(x, y, v * 1.0, w * 1.0, a * 1.0, 3)

    try:
        _, pullback = cr.vjp(traced, *given_args[:5])
    except cr.errors.ChainruleError:
        return
    assert_close(vector(cts), vector(pullback(ct)), "the tape's cotangent", 1e-10)


@settings(
    max_examples=LONG or 20,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(source=programs(), seed=st.integers(0, 20))
def test_programs_drawn_by_hypothesis(source, seed):
    note(source[len(HELPERS) :])
    assume(check(source, seed))


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + (LONG or 20)))
def test_programs_drawn_by_seed(seed):
    source = random_program(seed)
    try:
        if not check(source, seed):
            pytest.skip("refused for want of a copy, or not smooth at the point")
    except Exception as error:
        error.add_note(source[len(HELPERS) :])
        raise


def test_the_generator_draws_what_makes_reversal_hard():
    text = "".join(random_program(seed)[len(HELPERS) :] for seed in range(100))
    wanted = ["for ", "while ", "if ", "elif ", "else:", "break", "continue", "smear(", "v, w = w"]
    wanted += ["[::-1]", "a.T", "reshape", "np.add.at", "+=", "-=", "*=", "np.zeros", ".copy()"]
    assert [word for word in wanted if text.count(word) < 5] == []


def test_the_generated_programs_are_mostly_smooth():
    smooth = []
    for seed in range(60):
        function, args = function_of(random_program(seed), next(numbering)), arguments(seed)
        t = np.random.default_rng(seed).uniform(-1, 1, 32)
        with np.errstate(all="raise", under="ignore"):
            smooth.append(is_smooth(function, args, t))
    assert np.mean(smooth) > 0.9


def test_few_programs_are_refused():
    refused = [
        is_refused(function_of(random_program(seed), next(numbering)), arguments(seed))
        for seed in range(1000, 1030)
    ]
    assert np.mean(refused) <= 0.2
