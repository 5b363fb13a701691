"""Numbers that the machine does not have: compiled programs leave to Python where they meet any."""

import math

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")

HUGE = 2**62
BYTES = np.array([1, 200, 255], np.uint8)
SHORT = np.array([1, -128, 127], np.int8)


def arithmetic(n, m):
    return n * m, n + m, n - m


def negatives(n):
    return -n, abs(n), n // -1, ~n


def powers(n, m):
    return n**m


def shifts(n, m):
    return n << m, n >> m


def factorial(n):
    s = 1
    for i in range(1, n):
        s = s * i
    return s


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def congruential(n, s):
    for _ in range(n):
        s = (6364136223846793005 * s + 1442695040888963407) % 2**64
    return s / 2**64


def flat_index(x, n, m):
    s = 0.0
    for i in range(n):
        for j in range(m):
            s += x[i * m + j]
    return s


def summed(x, n):
    s = 0
    for i in range(n):
        s += int(x[i])
    return s


def steps(x, k):
    s = np.zeros(1)
    for i in range(0, 5, k):
        s += x[i]
    return s


def rounded_down(x):
    return int(x), math.floor(x), math.ceil(x)


def float_power(x, y):
    return x**y


def roots(x, n):
    s = 0.0
    for i in range(n):
        s = s + math.sqrt(x - i) + math.exp(math.log(x + 1))
    return s


def by_zero(x, y):
    return x % y, x // y


def integer_powers(a, k):
    return a**k


def bits(a, k):
    return a >> k, a << k


def to_unsigned(x):
    return x.astype(np.uint8), x.astype(np.uint32), x.astype(np.uint64)


def stored(a, n):
    a[0] = n
    return a


def literal_stored(a):
    a[0] = 300
    return a


def added(a, n):
    return a + n, a[1] * n


def compared(a, n):
    return a < n, n == a


def converted(n):
    return np.uint8(n), np.array([n, 1], np.uint8)


def mixed_comparison(n, x):
    return n < x, n == x, n > x


def made_complex(x, y):
    return complex(x, y) * 2


def sizes(a):
    s = np.zeros(3)
    for i in range(3):
        s[i] = abs(a[i])
    return s


def log(x):
    return math.log(x)


def log1p(x):
    return math.log1p(x)


def exp(x):
    return math.exp(x)


def sin(x):
    return math.sin(x)


def acosh(x):
    return math.acosh(x)


CASES = [
    (arithmetic, [(3, 4), (HUGE, 4), (HUGE, HUGE), (-HUGE - 5, HUGE)]),
    (negatives, [(3,), (-(2**63),)]),
    (powers, [(2, 5), (2, 70), (2, -1), (0, -1), (-2, 63)]),
    (shifts, [(5, 3), (1, 70), (3, 63), (1, -1), (-5, 70)]),
    (factorial, [(5,), (30,)]),
    (fibonacci, [(10,), (120,)]),
    (congruential, [(10, 1)]),
    (flat_index, [(np.arange(12.0), 3, 4), (np.arange(12.0), 2**33, 2**31)]),
    (summed, [(np.array([1.5, 5e18, 4e18, 3e18]), n) for n in (2, 4)]),
    (summed, [(np.array([1.5, math.nan]), n) for n in (1, 2)]),
    (steps, [(np.arange(6.0), k) for k in (2, 0, -1)]),
    (rounded_down, [(-3.7,), (1e30,), (math.nan,), (math.inf,)]),
    (float_power, [(2.0, 3.0), (-1.0, 0.5), (0.0, -1.0), (10.0, 400.0), (math.inf, 2.0)]),
    (roots, [(5.0, 3), (5.0, 8), (math.nan, 2), (math.inf, 2)]),
    (by_zero, [(5.5, -2.0), (1.0, 0.0), (-5, 3), (5, 0)]),
    (integer_powers, [(np.arange(6), 2), (np.arange(6), -1), (SHORT, 2)]),
    (bits, [(BYTES, 3), (BYTES, 9), (SHORT, 2), (SHORT, 9)]),
    (to_unsigned, [(np.array([200.5, 0.0]),), (np.array([-1.5]),), (np.array([1e10, 1e19]),)]),
    (stored, [(BYTES, 3), (BYTES, 300), (BYTES, -1), (SHORT, 200)]),
    (literal_stored, [(BYTES,), (SHORT.astype(np.int16),)]),
    (added, [(BYTES, 3), (BYTES, 300), (BYTES, -1), (SHORT, 200)]),
    (compared, [(BYTES, 200), (BYTES, 456), (BYTES, -56), (SHORT, 200)]),
    (converted, [(3,), (300,)]),
    (mixed_comparison, [(3, 3.0), (2**53 + 1, 2.0**53)]),
    (made_complex, [(1.0, 2.0), (1, 2)]),
    (sizes, [(BYTES,), (SHORT,)]),
    (log, [(2.0,), (0.0,), (-1.0,), (math.nan,), (math.inf,)]),
    (log1p, [(2.0,), (-2.0,)]),
    (exp, [(2.0,), (1000.0,), (-math.inf,)]),
    (sin, [(2.0,), (math.inf,)]),
    (acosh, [(2.0,), (0.5,)]),
]


def outcome(program, args):
    """Return what a call gives, or the error that it raises."""
    try:
        with np.errstate(all="ignore"):
            found = program(*args)
    except Exception as error:
        return type(error), str(error)
    return found


def assert_same(found, expected):
    """Compare results, types included, or errors."""
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
        return
    assert type(found) is type(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(("function", "calls"), CASES)
def test_numbers_are_pythons(function, calls):
    for args in calls:  # each by a program of its own: one that has left twice stays with NumPy
        compiled = cr.compile(function, backend="numba")
        expected = outcome(cr.compile(function, backend="numpy"), args)
        for _ in range(2):
            assert_same(outcome(compiled, args), expected)
        assert compiled._latest().native is not None


def test_what_stays_small_is_not_looked_at():
    compiled = cr.compile(flat_index, backend="numba").warm(np.arange(12.0), 3, 4)
    assert "product_of" not in compiled._latest().native.text


def test_integers_from_outside_that_are_not_moderate_are_computed_with_all_the_same():
    compiled = cr.compile(arithmetic, backend="numba")
    for _ in range(2):
        assert compiled(2**40, 3) == arithmetic(2**40, 3)
    native = compiled._latest().native
    native.by_numpy = None  # is not called any more
    assert compiled(2**40, 3) == arithmetic(2**40, 3)


def test_a_program_with_effects_says_that_it_cannot_go_on(capsys):
    def prints(x):
        print(x)
        return math.sqrt(x)

    compiled = cr.compile(prints, backend="numba")
    assert compiled(4.0) == 2.0
    with pytest.raises(ValueError, match="only Python has"):
        compiled(-1.0)
    assert capsys.readouterr().out == "4.0\n-1.0\n"


@pytest.mark.parametrize(
    "ct", [np.array(2.0), np.float64(2.0), 2.0], ids=lambda c: type(c).__name__
)
def test_cotangents_of_arrays_without_axes(ct):
    def f(x):
        total = np.zeros(())
        for row in x:
            total = total * row[0] + np.tensordot(x, x)
        x[0] *= total
        return total

    x = np.random.default_rng(0).uniform(0.3, 1.3, (3, 4))
    (_, back), (_, other) = (cr.vjp(cr.compile(f, backend=b), x) for b in ("numba", "numpy"))
    np.testing.assert_allclose(back(ct)[0], other(ct)[0])
