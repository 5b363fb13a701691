"""Random programs as machine code, with their derivatives, beside NumPy's.

Each runs in a process of its own, so that a crash is seen as one. A few run by default: Numba takes
seconds for each. For a long run, set ``CHAINRULE_RANDOM_PROGRAMS`` to a number of programs and
``CHAINRULE_RANDOM_SEED`` to where their seeds start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.program import compile_
from chainrule.source.residuals import run_once
from source.generator import HELPERS, arguments, function_of, random_program
from source.oracles import Compiled, assert_close, copied, random_like, vector

pytest.importorskip("numba")

WRT = (0, 1, 2, 3, 4)
COUNT = int(os.environ.get("CHAINRULE_RANDOM_PROGRAMS", "0")) or 6
FIRST = int(os.environ.get("CHAINRULE_RANDOM_SEED", "100"))
TOGETHER = 3
"""How many programs one process runs: to start one takes longer than some programs."""
TESTS = Path(__file__).parents[2]


def outcomes(made, args, ct, tangents):
    """Return value, pullback, gradient and pushforward, as vectors or as errors."""
    runs = {
        "value": lambda: made.program.call(made.values(copied(args))),
        "pullback": lambda: made.pull(copied(args), ct),
        "two sweeps": lambda: pulled_apart(made, copied(args), ct),
        "both sweeps": lambda: made.adjoint.call([*made.values(copied(args)), ct]),
        "tangent": lambda: made.push(copied(args), tangents),
    }
    found = {}
    for what, run in runs.items():
        try:
            found[what] = vector(run())
        except (ArithmeticError, LookupError, ValueError) as error:
            found[what] = (type(error), str(error))
    return found


def pulled_apart(made, args, ct):
    """Return result and cotangents of two programs, as ``cr.vjp`` does."""
    result, pull = run_once(made.program, made.values(args), made.places)
    return result, list(pull(ct))


def check(seed):
    """Compare one program by both backends; nothing where it is refused for want of a copy."""
    function, args = function_of(random_program(seed), seed), arguments(seed)
    rng = np.random.default_rng(seed)
    ct = random_like(rng, function(*copied(args)))
    tangents = random_like(rng, [args[i] for i in WRT])
    try:
        compile_(function, backend="numpy").specialise(*args)
    except cr.errors.UnsupportedError as error:
        assert ".copy()" in str(error)
        return
    programs = [
        Compiled(compile_(function, backend=name), args, WRT) for name in ("numba", "numpy")
    ]
    found, expected = (outcomes(made, args, ct, tangents) for made in programs)
    for what, value in expected.items():
        if isinstance(value, tuple):
            assert found[what] == value, what
        else:
            assert_close(found[what], value, what, 1e-10)


def check_all(first, count):
    """Run programs one after the other; say which one is running."""
    for seed in range(first, first + count):
        print(seed, flush=True)
        check(seed)


def run_apart(first, count):
    """Run programs in a process of their own; every second one looks at each access of an array."""
    looks = str(first // TOGETHER % 2)
    code = f"from source.native import test_random_programs as t; t.check_all({first}, {count})"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=TESTS,
        env={
            **os.environ,
            "NUMBA_BOUNDSCHECK": looks,
            "PYTHONPATH": os.pathsep.join(filter(None, [*sys.path])),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, TOGETHER))
def test_programs_drawn_by_seed(first):
    done = run_apart(first, min(TOGETHER, FIRST + COUNT - first))
    seed = int(done.stdout.split()[-1])
    source = random_program(seed)[len(HELPERS) :]
    how = f"ended with status {done.returncode}"
    assert done.returncode == 0, f"program {seed} {how}\n{source}\n{done.stderr[-3000:]}"
