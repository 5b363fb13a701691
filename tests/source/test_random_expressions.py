"""Random programs that call much of NumPy, on parts of arrays that change: values and derivatives.

A fixed small number of programs runs by default. For a long run, set ``CHAINRULE_RANDOM_PROGRAMS``
to a number of programs and ``CHAINRULE_RANDOM_SEED`` to where their seeds start.
"""

import itertools
import os

import numpy as np
import pytest

import chainrule as cr
from source.generated_statements import copied, is_array, is_small, program
from source.generator import function_of

LONG = int(os.environ.get("CHAINRULE_RANDOM_PROGRAMS", "0"))
FIRST = int(os.environ.get("CHAINRULE_RANDOM_SEED", "0"))
STEP = 2.0**-16
numbering = itertools.count(10**6)

pytestmark = pytest.mark.filterwarnings("ignore")  # NumPy's own, of what a program computes


def check(seed, backend):
    """Compare a program's value, tangent and cotangent; return whether there was anything to."""
    text, args = program(seed)
    function = function_of(text, next(numbering))
    if backend == "tape":
        function = of_products(function)
    y = outcome(function, args)
    if y is None:
        return False
    rng = np.random.default_rng(seed)
    t = [rng.normal(size=np.shape(x)) if is_array(x) else rng.normal() for x in args]
    ct = tuple(rng.normal(size=np.shape(part)) for part in y)
    compiled = function if backend == "tape" else cr.compile(function, backend=backend)
    given = copied(args)
    try:
        value, y_dot = cr.jvp(compiled, tuple(given), tuple(t))
        _, pullback = cr.vjp(compiled, *given)
    except cr.errors.ChainruleError:
        return False
    cts = pullback(ct)
    assert all(map(np.array_equal, given, args)), "an argument was changed"
    assert list(map(kind_of, value)) == list(map(kind_of, y))
    assert list(map(kind_of, cts)) == list(map(kind_of, args))
    assert [np.shape(part) for part in y_dot] == [np.shape(part) for part in y]
    assert np.allclose(flat(value), flat(y), rtol=1e-10, atol=1e-10)
    assert np.isclose(flat(ct) @ flat(y_dot), flat(cts) @ flat(t), rtol=1e-8, atol=1e-8)
    slopes = [slope(function, args, t, h) for h in (STEP, STEP / 4)]
    if None in map(type, slopes) or not agree(*slopes, 1e-5):
        return True  # not smooth here: products that agree are all that can be asked for
    assert agree(flat(y_dot), slopes[1], 1e-4)
    return True


def outcome(function, args):
    """Return the result of a program, None where it has none, or one of large numbers."""
    try:
        y = function(*copied(args))
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
        return None
    return y if all(is_small(np.asarray(part)) for part in y) else None


def of_products(function):
    """The function of arrays that a tape may store into."""

    def products(x, v, w, a, c):
        return function(x * 1.0, v * 1.0, w * 1.0, a * 1.0, c * 1.0)

    return products


def kind_of(x):
    return np.shape(x), np.asarray(x).dtype


def flat(parts):
    return np.concatenate([np.ravel(part) for part in parts])


def slope(function, args, t, h):
    """Return the difference quotient along ``t``, None where a program fails beside the point."""
    ends = []
    for step in (h, -h):
        moved = copied(args)
        for k, t_k in enumerate(t):
            if is_array(moved[k]):
                moved[k] += step * t_k
            else:
                moved[k] = moved[k] + step * t_k
        y = outcome(function, moved)
        ends.append(None if y is None else flat(y))
    if ends[0] is None or ends[1] is None or ends[0].shape != ends[1].shape:
        return None
    return (ends[0] - ends[1]) / (2 * h)


def agree(a, b, rtol):
    size = max(1.0, np.max(np.abs(b), initial=0))
    return a.shape == b.shape and np.max(np.abs(a - b), initial=0) <= rtol * size


@pytest.mark.parametrize("seed", range(FIRST, FIRST + (LONG or 40)))
@pytest.mark.parametrize("backend", ["numpy", "tape"])
def test_random_programs(seed, backend):
    checked(seed, backend)


@pytest.mark.parametrize("seed", range(FIRST + 40, FIRST + 40 + (LONG or 4)))
def test_random_programs_as_machine_code(seed):
    pytest.importorskip("numba")
    checked(seed, "numba")


def checked(seed, backend):
    try:
        if not check(seed, backend):
            pytest.skip("refused, or numbers that are not finite")
    except Exception as error:
        error.add_note(program(seed)[0])
        raise


def test_the_generator_draws_what_makes_programs_hard():
    text = "".join(program(seed)[0] for seed in range(150))
    wanted = ["for ", "while ", "if ", "else:", "np.add.at", "out=", ".reshape", ".T", "[None]"]
    wanted += ["+= ", "*= ", "[::-1]", "np.copyto", ".ravel()", "> 0.2]", "np.cumsum"]
    assert [word for word in wanted if text.count(word) < 2] == []


def test_most_programs_run():
    assert np.mean([check(seed, "numpy") for seed in range(2000, 2030)]) > 0.6
