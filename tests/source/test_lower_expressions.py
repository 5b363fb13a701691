"""Expressions: the lowered program computes what the function computes, of the same types."""

from __future__ import annotations

import cmath
import dataclasses
import functools
import math
from collections import namedtuple

import numpy as np
import pytest

from chainrule.errors import ChainruleError
from chainrule.source.program import compile_

rng = np.random.default_rng(3)
X = rng.normal(size=6)
Y = rng.normal(size=6)
A = rng.normal(size=(3, 6))
B = rng.normal(size=(6, 3))
M = rng.normal(size=(3, 3))
P = np.abs(X) + 0.5
Z = X + 1j * Y
F32 = X.astype(np.float32)
I = np.array([2, 0, 1, 2])
PAIR = namedtuple("PAIR", ["first", "second"])


@dataclasses.dataclass
class State:
    u: np.ndarray
    v: np.ndarray
    mass: float = 2.0

    @property
    def momentum(self):
        return self.mass * self.v

    def energy(self, k):
        return 0.5 * k * (self.u**2).sum() + self.kinetic()

    def kinetic(self):
        return 0.5 * self.mass * np.dot(self.v, self.v)

    @staticmethod
    def double(x):
        return 2 * x

    def __add__(self, other):
        return State(self.u + other.u, self.v + other.v)


def same(found, expected):
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        assert isinstance(found, type(expected))
        for x, y in zip(found, expected, strict=True):
            same(x, y)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            same(found[key], expected[key])
    elif isinstance(expected, str):
        assert found == expected
    else:
        assert np.shape(found) == np.shape(expected)
        assert np.result_type(found) == np.result_type(expected)
        assert isinstance(found, np.ndarray) == isinstance(expected, np.ndarray)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def cases(*functions):
    return pytest.mark.parametrize("f", functions)


def check(f, *args):
    f.__name__ = "f"
    same(compile_(f)(*args), f(*args))


ARRAYS = [
    lambda x, a: x + 1,
    lambda x, a: 2 - x * x / 3,
    lambda x, a: x**2 + x**3.0,
    lambda x, a: x // 0.3 + x % 0.7,
    lambda x, a: -x + +x,
    lambda x, a: a @ x,
    lambda x, a: a @ a.T,
    lambda x, a: x @ x,
    lambda x, a: (x > 0) & (x < 1) | ~(x > 0.5),
    lambda x, a: (x > 0) ^ (x < 0.5),
    lambda x, a: abs(x),
    lambda x, a: x[1:] - x[:-1],
    lambda x, a: x[2:] - 2 * x[1:-1] + x[:-2],
    lambda x, a: x[::-1] * x[::2][0],
    lambda x, a: x[-2::-2],
    lambda x, a: a[:, None, 1:] * a[None, :, 1:],
    lambda x, a: a[..., 0],
    lambda x, a: a[0][1:],
    lambda x, a: a[-1, ::2],
    lambda x, a: a[1, 2],
    lambda x, a: a[[2, 0]],
    lambda x, a: a[:, [1, 1, 3]],
    lambda x, a: a[[0, 1], [2, 3]],
    lambda x, a: x[x > 0],
    lambda x, a: a[x[:3] > 0],
    lambda x, a: x[np.array([0, 2, 2])],
    lambda x, a: x[slice(1, None, 2)],
    lambda x, a: a[(slice(None), 2)],
    lambda x, a: x[np.argsort(x)],
    lambda x, a: x[np.nonzero(x > 0)],
    lambda x, a: x.reshape(2, 3).T.ravel(),
    lambda x, a: x.reshape((3, -1)).sum(axis=0),
    lambda x, a: x.sum() + x.mean() + x.max() + x.min() + x.prod() + x.std() + x.var(),
    lambda x, a: a.sum(axis=1, keepdims=True) + a.mean(axis=0),
    lambda x, a: a.T.shape,
    lambda x, a: (a.shape[0] * a.size, a.ndim, len(a), x.nbytes),
    lambda x, a: np.zeros(a.shape) + np.ones_like(a) + np.full(6, 2.0) + np.empty_like(x) * 0,
    lambda x, a: np.eye(3) + np.identity(3),
    lambda x, a: np.zeros((len(x), 2)),
    lambda x, a: np.arange(len(x)) * x,
    lambda x, a: np.arange(0.0, 3.0, 0.5) + np.linspace(0, 1, 6),
    lambda x, a: np.linspace(x[0], x[1], 5),
    lambda x, a: np.full(4, x[0]),
    lambda x, a: np.full_like(a, x[1]),
    lambda x, a: np.array([[x[0], 1.0], [2, x[1]]]),
    lambda x, a: np.array([x, 2 * x]),
    lambda x, a: np.asarray([x[0], x[1] * 2]),
    lambda x, a: np.array(x[0]),
    lambda x, a: np.array([1, 2, 3]) * x[:3],
    lambda x, a: np.stack([x, x + 1], axis=1),
    lambda x, a: np.concatenate([x, x[:2]]) + np.hstack((x, x[:2])),
    lambda x, a: np.vstack([x, x]),
    lambda x, a: np.where(x > 0, x, -x),
    lambda x, a: np.clip(x, -0.5, 0.5) + np.maximum(x, 0) + np.minimum(x, 0.1),
    lambda x, a: np.exp(-x) * np.sin(x) + np.log(np.abs(x) + 1) + np.sqrt(x * x),
    lambda x, a: np.linalg.norm(x) + np.linalg.norm(a, axis=0),
    lambda x, a: np.outer(x, x) + np.dot(x, x) + np.einsum("i,j->ij", x, x),
    lambda x, a: np.einsum("ij,j->i", a, x),
    lambda x, a: np.tensordot(a, x, 1),
    lambda x, a: np.cumsum(x) + np.diff(x, prepend=0.0),
    lambda x, a: np.roll(x, 1) + np.flip(x),
    lambda x, a: np.sort(x) + x.copy(),
    lambda x, a: x.astype(np.float32),
    lambda x, a: x.astype(int) + (x > 0).astype(float),
    lambda x, a: x.dot(x),
    lambda x, a: x.argmax(),
    lambda x, a: x.flatten(),
    lambda x, a: x.clip(0, 1).round(2),
    lambda x, a: a.transpose(1, 0) + a.swapaxes(0, 1),
    lambda x, a: x.item(2) + float(x[1]) + x[0].item(),
    lambda x, a: np.float64(x[0]),
    lambda x, a: np.add.reduce(x) + np.multiply.reduce(x),
    lambda x, a: np.add.outer(x, x) + np.multiply.outer(x, x),
    lambda x, a: np.maximum.accumulate(x),
    lambda x, a: np.meshgrid(x, x),
    lambda x, a: np.pad(x, 1),
    lambda x, a: np.median(x) + np.quantile(x, 0.3),
    lambda x, a: np.interp(0.3, np.array([0.0, 0.5, 1.0]), x[:3]),
    lambda x, a: np.trapezoid(x, dx=0.1),
    lambda x, a: np.piecewise(x, [x < 0, x >= 0], [lambda t: -t, lambda t: t**2]),
    lambda x, a: np.select([x < 0, x > 1], [-x, x * x], 0.5),
    lambda x, a: np.histogram(x, bins=3, range=(-2.0, 2.0))[0],
    lambda x, a: np.bincount(np.array([0, 1, 1, 2, 0, 1]), x),
    lambda x, a: np.split(x, 3),
    lambda x, a: np.isclose(x, 0.1).any(),
    lambda x, a: np.fft.fftshift(x),
    lambda x, a: np.float32(2) * x,
    lambda x, a: np.pi * x + math.pi + np.e,
    lambda x, a: x.T + x.real + x.imag,
    lambda x, a: np.ndarray(3).shape,
    lambda x, a: np.tril(np.outer(x, x)) + np.diag(x),
    lambda x, a: np.fromfunction(lambda i, j: i + 2 * j, (2, 3)),
    lambda x, a: np.indices((2, 3))[1],
    lambda x, a: np.apply_along_axis(np.sum, 0, a),
    lambda x, a: np.vdot(x, x) + np.inner(x, x),
    lambda x, a: np.square(x, dtype=np.float64),
    lambda x, a: np.atleast_2d(x).shape,
    lambda x, a: np.take(x, [0, 2]) + x.take([1, 1]),
    lambda x, a: np.average(a, axis=0, weights=np.array([1.0, 2.0, 3.0])),
    lambda x, a: np.cov(a),
    lambda x, a: np.ptp(x) + np.sum(x, initial=1.0),
    lambda x, a: x[:, np.newaxis] * x,
    lambda x, a: x.tolist() if False else x.size,
]


@cases(*ARRAYS)
def test_arrays(f):
    check(f, X, A)


@cases(*ARRAYS[:16])
def test_arrays_of_float32(f):
    check(f, F32, A.astype(np.float32))


NUMBERS = [
    lambda x, n: x + n,
    lambda x, n: (n + 1, n - 1, n * 2, n // 2, n % 2, n**2, n / 2, -n, ~n, n << 1, n >> 1, n & 1),
    lambda x, n: x // 0.3 + x % 0.4 + x**2,
    lambda x, n: 2**n,
    lambda x, n: x if x > 0 else -x,
    lambda x, n: math.sin(x) if x > 10 else math.cos(x),
    lambda x, n: 0 < x < 1,
    lambda x, n: 0 < x < 1 < n,
    lambda x, n: x > 0 and n > 2,
    lambda x, n: x > 0 or math.log(x) > 0,
    lambda x, n: not (x > 0 and n > 10),
    lambda x, n: x and n,
    lambda x, n: max(x, 0.5) + min(x, 0.5) + max(x, 0),
    lambda x, n: max(n, 3) + min(n, 3, 2),
    lambda x, n: max([x, 1.0, 2.0]),
    lambda x, n: abs(x) + pow(x, 2) + round(x, 2) + round(x),
    lambda x, n: (int(x), float(n), bool(n), complex(x, 1)),
    lambda x, n: divmod(n, 2),
    lambda x, n: sum([x, 2 * x, 3]) + sum((x, x), 1.5),
    lambda x, n: math.sqrt(x) + math.exp(x) + math.log(x) + math.log(x, 3) + math.atan2(x, 2),
    lambda x, n: math.pow(x, 2) + math.hypot(x, 3.0) + math.tanh(x) + math.fabs(-x) + math.log10(x),
    lambda x, n: math.floor(x) + math.ceil(x) + math.isqrt(n),
    lambda x, n: math.pi * x + math.e + math.inf * 0 if n > 100 else x,
    lambda x, n: np.sin(x) + np.float64(n),
    lambda x, n: [x * k for k in range(3)],
    lambda x, n: [x * k for k in (1, 2, 3) if k != 2],
    lambda x, n: {k: x * v for k, v in {"a": 1, "b": 2}.items()},
    lambda x, n: tuple(a * b for a, b in zip((x, n), (1, 2), strict=True)),
    lambda x, n: [i * v for i, v in enumerate([x, n])],
    lambda x, n: sum(x**k for k in range(4)),
    lambda x, n: list(map(lambda v: v * v, [x, n])),
    lambda x, n: [v for v in reversed([x, n])],
    lambda x, n: sorted([3, 1, 2]),
    lambda x, n: any([x > 10, n > 2]),
    lambda x, n: all([x > 0, n > 2]),
    lambda x, n: len([x, n]) + len((1, 2, 3)) + len({"a": 1}),
    lambda x, n: isinstance(x, float) + isinstance(n, int) + isinstance(x, (int, str)),
    lambda x, n: type(x) is float,
    lambda x, n: (x, n)[0] + [x, n][-1] + (x, n, 3)[1:][0],
    lambda x, n: {"a": x}["a"] + {"a": x}.get("b", 2.0),
    lambda x, n: PAIR(x, n).first + PAIR(first=x, second=n)[1],
    lambda x, n: PAIR(x, n)._replace(first=3.0),
    lambda x, n: (lambda a, b=2: a * b)(x),  # noqa: PLC3002 - is to be lowered
    lambda x, n: (lambda *a, **k: a[0] + k["z"])(x, z=n),  # noqa: PLC3002 - as above
    lambda x, n: functools.reduce(lambda a, b: a * b, [x, n, 2]),
    lambda x, n: functools.partial(lambda a, b: a - b, b=x)(n),
    lambda x, n: (*(x, n), 3),
    lambda x, n: [*[x], n],
    lambda x, n: {**{"a": x}, "b": n},
    lambda x, n: n in (1, 2, 3, 4),
    lambda x, n: x is not None,
    lambda x, n: (y := x * 2) + y,
    lambda x, n: np.zeros(n),
    lambda x, n: np.zeros((n, 2)) + np.arange(n)[:, None],
    lambda x, n: x.real + x.conjugate() + x.imag,
    lambda x, n: math.prod([x, n, 2]) + math.fsum([x, x]),
    lambda x, n: (x > 0) + 1,
    lambda x, n: 1e3 * x + 0x10 + 1_000,
    lambda x, n: 5 if x is None else 7,
]


@cases(*NUMBERS)
def test_numbers(f):
    check(f, 0.7, 4)


COMPLEX = [
    lambda z: z * 2 + 1j,
    lambda z: z.real + z.imag,
    lambda z: abs(z) + np.angle(z),
    lambda z: np.exp(1j * z) + z.conj(),
    lambda z: np.sum(z * np.conj(z)).real,
    lambda z: cmath.exp(complex(z[0])) + cmath.sqrt(z[1]),
    lambda z: np.array([z[0], 1.0]),
    lambda z: z.astype(np.complex64),
    lambda z: np.vdot(z, z),
    lambda z: np.real(z) + np.imag(z),
    lambda z: complex(z[0]).real,
]


@cases(*COMPLEX)
def test_complex(f):
    check(f, Z)


def test_objects_of_the_user():
    def f(s, k):
        return s.energy(k) + s.momentum[0] + State.double(s.mass) + (s + s).u.sum()

    check(f, State(X, Y), 3.0)


def test_new_objects_of_the_user():
    def f(x):
        s = State(x, 2 * x, mass=x[0])
        return s.momentum, dataclasses.replace(s, mass=1.0).mass if False else s.mass

    check(f, X)


def test_lists_and_dicts_that_grow():
    def f(x):
        rows = []
        rows.append(x)
        rows.extend([2 * x, 3 * x])
        rows.insert(0, x[0])
        last = rows.pop()
        table = {"a": x}
        table.update(b=2 * x)
        table.setdefault("c", x)
        return rows, last, list(table.keys()), table

    check(f, X)


def test_an_operand_is_read_before_a_call_changes_it():
    def bump(u):
        u[0] += 1.0
        return u[0]

    def f(x):
        u = x.copy()
        a = u[0] + bump(u)
        b = u[0] * 2 - bump(u) * u[0]
        return a, b, u

    check(f, X)


def test_arms_are_evaluated_only_when_chosen():
    def f(x, i):
        inside = i < 3 and x[i] > 0
        return (math.sqrt(x[i]) if inside else 0.0), (x[i] if 0 <= i < len(x) else -1.0)

    p = compile_(f)
    for i in (0, 2, 100):
        same(p(P, i), f(P, i))


def test_a_list_that_only_one_arm_changes_is_refused():
    def f(x):
        rows = [x[0], x[1]]
        a = rows.pop() if x[0] > 100.0 else 1.0
        return a, rows

    with pytest.raises(ChainruleError):
        compile_(f)(X)


def test_in_place_functions():
    def f(x, a):
        u = x.copy()
        u.sort()
        v = np.zeros_like(x)
        np.copyto(v, u)
        v.fill(3.0)
        np.multiply(x, 2.0, out=u)
        np.add.at(v, [0, 0, 1], x[:3])
        w = np.zeros((3, 3))
        np.fill_diagonal(w, x[:3])
        np.put(v, [4], 7.0)
        np.add(x, 1.0, out=u, where=x > 0)
        return u, v, w

    check(f, X, A)


def test_random_draws_are_constants():
    def f(x, generator):
        return x * generator.normal(size=6) + generator.uniform(0.0, 1.0)

    found = compile_(f)(X, np.random.default_rng(0))
    same(found, f(X, np.random.default_rng(0)))


def test_prints(capsys):
    def f(x):
        print("x =", x, f"{x:.3f}", "%g" % x, end=".\n")  # noqa: UP031 - is to be lowered
        return x

    compile_(f)(0.5)
    assert capsys.readouterr().out == "x = 0.5 0.500 0.5.\n"


REFUSED = [
    (lambda x: [v for v in x[x > 0]], "must be known"),
    (lambda x: x["a"], "index"),
    (lambda x: (1, x)[int(x[0])], "must be known"),
    (lambda x: x.view(), "view"),
    (lambda x: sorted([x, x + 1]), "order"),
    (lambda x: np.zeros(3)[x[0]], "index"),
    (lambda x: np.add(x, 1, where=x > 0), "where"),
    (lambda x: x @ np.zeros((2, 2, 2, 2))[0, 0, 0, 0], "matmul"),
    (lambda x: [k for k in (1, 2) if x[0] > k], "comprehension"),
]


@pytest.mark.parametrize(("f", "word"), REFUSED)
def test_what_is_refused_says_where(f, word):
    with pytest.raises(ChainruleError) as caught:
        compile_(f)(X)
    assert word in str(caught.value)
    assert caught.value.location == f"{__file__}:{f.__code__.co_firstlineno}"
    assert caught.value.instead
