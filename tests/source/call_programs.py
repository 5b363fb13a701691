"""Small programs of calls, closures, objects and containers, each with arguments."""

import collections
import dataclasses
import functools

import numpy as np

from source.statement_programs import three

rng = np.random.default_rng(0)


K = 3.0


W = [rng.random(3), rng.random(3)]


CFG = {"lr": 0.1, "n": 3, "name": "a"}


TAB = np.arange(3.0)


def make(k, arr):
    def inner(x, p=2.0, q=arr):
        return x * k + p * q

    return inner


inner = make(2.5, rng.random(3))


def base(x, a, b=2.0, *, c=1.0):
    return x * a + b * c


part = functools.partial(base, a=3.0, c=2.0)


part2 = functools.partial(base, rng.random(3))


class Model:
    def __init__(self):
        self.w = rng.random(3)
        self.n = 3
        self.bias = 0.5

    def act(self, z):
        return np.tanh(z)

    def __call__(self, x):
        return self.act(self.w * x) + self.bias

    def bad(self, x):
        self.w = x
        return x


m = Model()


def deco(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        r = f(*args, **kwargs)
        return r * 2

    return wrapper


@deco
def decorated(x, y=1.0):
    return x + y


lams = [lambda x: x * 2, lambda x: x * 3]


l2 = lambda x, y=2.0: x**y


@dataclasses.dataclass
class P:
    pos: np.ndarray
    vel: np.ndarray

    def energy(self):
        return np.sum(self.vel**2)


NT = collections.namedtuple("NT", "a b")


def step(state, dt):
    x, v = state
    return x + dt * v, v - dt * np.sin(x)


def guard(x):
    if x[0] > 0.1:
        if x[1] > 0.99:
            return x[0]
        x = x * 2
    for i in range(3):
        if x[i] > 0.5:
            return x[i]
    return 0.0


def glob(x):
    for w in W:
        x = x * w + K
    for _ in range(CFG["n"]):
        x = x * CFG["lr"] + TAB
    return x


def usesm(x):
    return m(x) + m.act(x) * m.n


def uselam(x):
    return lams[0](x) + lams[1](x) + l2(x) + l2(x, 3.0)


def dc(p):
    q = P(p.pos + p.vel, p.vel * 0.5)
    for _i in range(3):
        q = P(q.pos + q.vel * 0.1, q.vel)
    q.pos[0] = 3.0
    return q.pos, q.energy()


def nt(s):
    for _i in range(2):
        s = NT(s.a + s.b, s.b * 2)
    return s


def ode(x, v, n):
    s = (x, v)
    for _ in range(n):
        s = step(s, 0.1)
    return s[0]


def dep(x):
    s = 0.0
    for i in range(3):
        for j in range(i, 3):
            s += x[i] * x[j]
    return s


def rowviews(X):
    Y = np.zeros_like(X)
    for row, y in zip(X, Y, strict=True):
        y[:] = row * 2
        y += 1
    return Y


def trans(X):
    X = X.copy()
    T = X.T
    T[0] = 5.0
    X[1] *= 2
    return T


def rav(X):
    X = X.copy()
    r = X.ravel()
    r[0] = 7
    q = X.reshape(-1)
    q[1:] += r[:-1]
    return X


def outparam(x):
    y = np.empty(3)
    np.multiply(x, 2.0, out=y)
    np.add.at(y, [0, 0, 1], 1.0)
    return y


def flag(x):
    found = False
    k = 0
    for i in range(len(x)):
        if x[i] > 0.5 and not found:
            found = True
            k = i
    return x[k] * 2 if found else 0.0


def delv(x):
    y = x * 2
    z = y
    del y
    return z


def lst(xs):
    xs = list(xs)
    xs[0] = xs[0] * 2
    xs.append(xs[1])
    a, *r = xs
    return a, r


def continue_outer(x):
    s = 0.0
    for i in range(3):
        for j in range(3):
            if j == 1:
                continue
            if i == 2:
                break
            s += x[i] * j
        else:
            s += 10 * x[i]
            continue
        s -= 1
    return s


def while_true(x):
    n = 0
    while True:
        x = x * 0.5
        n += 1
        if x < 0.1:
            return x, n


def reduce_(x):
    acc = None
    for i in range(3):
        acc = x[i] if acc is None else acc * x[i]
    return acc


PROGRAMS = [
    (guard, three()),
    (glob, three()),
    (inner, three()),
    (part, three()),
    (part2, 2.0),
    (m, three()),
    (m.act, three()),
    (usesm, three()),
    (decorated, three()),
    (uselam, three()),
    (lams[1], three()),
    (dc, P(three(), 2 * three())),
    (nt, NT(three(), 2.0)),
    (ode, three(), three(), 4),
    (dep, three()),
    (rowviews, np.random.default_rng(5).random((3, 4))),
    (trans, np.random.default_rng(5).random((3, 4))),
    (rav, np.random.default_rng(5).random((3, 4))),
    (outparam, three()),
    (flag, three()),
    (delv, three()),
    (lst, [three(), three()]),
    (continue_outer, three()),
    (while_true, 1.0),
    (reduce_, three()),
]
