"""``out`` by position and by name, of ufuncs, other functions and methods; casts into arrays."""

import numpy as np
import pytest

from chainrule.errors import UnsupportedError
from chainrule.source.program import compile_
from source.oracles import Compiled, along, assert_close, inner, random_like, vector

X = np.array([0.15, 0.72, 0.33, 0.91])


def masks(x):
    chosen, both = x > 0.5, np.zeros(4, bool)
    np.logical_and(chosen, x < 0.8, both)
    np.logical_not(chosen, chosen)
    np.logical_or(both[1:3], chosen[1:3], both[1:3])
    return np.append(x[chosen], x[both] ** 2)


def integers(x):
    k, total = np.arange(4), np.zeros((), int)
    np.add(k, 1, k)
    np.multiply(k, k, out=k)
    np.remainder(k, 5, k)
    np.clip(k, 1, 3, k)
    k.cumsum(0, None, k)
    np.sum(k, 0, None, total)
    np.maximum.accumulate(k[::-1], 0, None, k[::-1])
    np.take(k, [3, 2, 1, 0], None, k)
    return x[k % 4] * k + total * x


def steps(x):
    k, signs = np.zeros(4), np.zeros(4)
    np.floor(10 * x, k)
    np.sign(x - 0.5, signs)
    np.round(k / 3, 0, k)
    np.rint(k[1:3] / 2, k[1:3])
    return x * k * signs


def floats(x):
    y, z, s = np.zeros(4), np.zeros(4), np.zeros(())
    np.sqrt(x, y, where=x > 0.5)
    np.negative(y, y)
    x.dot(x, s)
    x.cumsum(0, None, z[:])
    np.add.reduce(np.outer(x, x), 0, None, y[:])
    return y * z * np.sum(x, 0, None, s)


def quotients(x):
    q, r = np.zeros(4), np.zeros(4)
    np.divmod(x, 0.2, q, r)
    first, second = np.divmod(3 * x[:2], 0.7, out=(q[:2], r[:2]))
    return q * x + r + first[0] * second[1]


def several(x):
    k = np.zeros(4, int)
    np.add(10 * x, 1, k, casting="unsafe")
    return k * x + np.einsum("i,i->", x, x, out=np.zeros(()))


PROGRAMS = (masks, integers, steps, floats, quotients, several)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values_and_derivatives(f):
    engine, rng = Compiled(f, [X], (0,)), np.random.default_rng(1)
    y = f(X.copy())
    t, ct = random_like(rng, [X]), random_like(rng, y)
    slope = along(f, [X], (0,), vector(t), 2.0**-9)
    assert_close(vector(engine.program(X)), vector(y), "value", 1e-13)
    assert_close(vector(engine.push([X], t)[1]), slope, "tangent")
    assert_close(inner(engine.pull([X], ct)[1], t), vector(ct) @ slope, "cotangent")


def test_machine_code_writes_there_too():
    pytest.importorskip("numba")
    for f in (masks, integers, steps):
        np.testing.assert_allclose(compile_(f, backend="numba")(X), f(X))


def halved(x):
    k = np.arange(4)
    k /= 2
    return x * k


def shifted(x):
    k = np.arange(4)
    k[1:] += 0.5
    return x * k


def counted(x):
    m = x > 0.5
    m += 1
    return x * m


def rotated(x):
    y = x.copy()
    y *= 1j
    return y


def scaled_into_integers(x):
    k = np.zeros(4, int)
    np.multiply(x, 2.5, k)
    return x * k


@pytest.mark.parametrize("f", [halved, shifted, counted, rotated, scaled_into_integers])
def test_what_numpy_does_not_cast_is_refused(f):
    with pytest.raises(np._core._exceptions._UFuncOutputCastingError):
        f(X.copy())
    with pytest.raises(UnsupportedError, match=r"writes numbers of .* into an array of"):
        compile_(f)(X)


def test_what_numpy_casts_is_cast():
    def f(x):
        k, single, m = np.arange(4), np.zeros(4, np.float32), x > 0.5
        k[0] *= 2.5
        k[1:3] = [1.5, 2.5]
        k -= np.array([True, False, True, False])
        single += x
        single *= np.float64(1.5)
        m |= x < 0.2
        k[m] += 1
        return k, single, m

    for found, expected in zip(compile_(f)(X), f(X), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected)
