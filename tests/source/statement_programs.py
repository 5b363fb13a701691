"""Small programs of loops, branches and stores, each with arguments to run it on."""

import numpy as np


def early(u):
    for i in range(len(u)):
        for j in range(i):
            if u[i] * u[j] > 0.5:
                return u[i] - u[j]
            if u[j] < 0.05:
                break
        else:
            u = u * 1.5
    return 0.0


def swap(u, n):
    u = u.copy()
    un = np.empty_like(u)
    for _ in range(n):
        un[1:-1] = 0.5 * (u[2:] + u[:-2])
        un[0] = u[0]
        un[-1] = u[-1]
        u, un = un, u
    return u, un


def inplace_arg(u):
    u *= 2.0
    u[0] = 3.0
    v = u[1:]
    v += 1.0
    return u.sum()


def contd(x):
    s = 0.0
    for v in x:
        if v < 0.3:
            continue
        s = s + v
        if s > 1.5:
            break
    return s


def mixed(X):
    total = 0
    for i in range(X.shape[0]):
        total += X[i]
    return total


def fib(n, a, b):
    for _ in range(n):
        a, b = b, a + b
    return a


def lists(x):
    h = [x, 2 * x]
    for _i in range(4):
        h[0], h[1] = h[1], h[0] + 0.5 * h[1]
    return h[0]


def app(x, n):
    out = []
    for _i in range(n):
        x = np.sin(x)
        out.append(x)
    return np.array(out)


def callee(a, k=2.0, *rest, scale=1.0):
    a[0] = k
    for r in rest:
        a = a + r
    return a * scale


def caller(x):
    y = x * 1.0
    z = callee(y, 3.0, 1.0, x, scale=2.0)
    callee(y, k=7.0)
    return y, z


def late(x):
    k = 2.0

    def g(y):
        return y * k

    a = g(x)
    k = 3.0
    return a + g(x)


def after(x):
    for i in range(3):
        x = x + i
    return x * i


def reass(x):
    for i in range(3):
        i = i + 2
        x = x * i
    return x


def newton(x):
    it = 0
    while abs(x * x - 2) > 1e-10:
        x = x - (x * x - 2) / (2 * x)
        it += 1
    return x, it


def walrus(x):
    while (y := np.sum(x)) > 0.1:
        x = x * 0.5
    return y, x


def cond(x):
    if np.sum(x) > 1:
        w = x * 2
        t = 1.0
    else:
        w = x
        t = 2
    return w, t


def condbuf(x):
    a = np.zeros(3)
    b = np.ones(3)
    if x[0] > 0.1:
        a = np.zeros(3)
    a[0] = x[1]
    return a, b


def zip_(x, y):
    s = 0.0
    for a, b in zip(x, y, strict=True):
        s = s + a * b
    for k, v in enumerate(x):
        s = s + k * v
    for k in reversed(range(3)):
        s = s * 0.5 + x[k]
    for k, w in enumerate([x, y], 1):
        s = s + np.sum(w) * k
    for a in reversed(x):
        s = s * 0.9 + a
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        s = s + i * a * b
    for i in range(5, 0, -2):
        s = s + x[0] * i
    return s


def chain(x):
    a = b = np.zeros(3)
    a[0] = x[0]
    c, *d = x[0], x[1], x[2]
    (e, f), g = (x[0], x[1]), 3
    return b, c, d, e + f + g


def aliasloop(x):
    u = np.zeros(4)
    for i in range(3):
        v = u[i:]
        v[0] = x[i]
        v += 1
    return u


def dicts(p):
    p = {k: v * 2 for k, v in p.items()}
    for _i in range(3):
        p = {"w": p["w"] * 0.5, "b": p["b"] + p["w"]}
    s = 0
    for _k, v in p.items():
        s = s + np.sum(v)
    return p, s


def perr(x):
    with np.errstate(all="ignore"):
        if np.sum(x) < 0:
            raise ValueError("neg")
        assert x.ndim == 1, "dim"
        return np.sqrt(x)


def multi(x):
    if x[0] > 10:
        return 1.0
    if x[1] > 0.5:
        if x[2] > 0.5:
            return 2.0
        y = x[0]
    else:
        y = x[1]
    return y * 2


def allocin(x, n):
    s = 0.0
    for i in range(n):
        t = np.zeros(3)
        t[0] = x[0] * i
        t[1:] += x[1:]
        s += np.sum(t * t)
    return s


def rec(x, n):
    return x if n == 0 else np.sin(rec(x * 2, n - 1))


def prevb(x):
    prev = x[0]
    s = 0.0
    for i in range(1, 3):
        cur = x[i]
        s = s + cur * prev
        prev = cur
    return s


def bufcarry(x, n):
    u = np.zeros(3)
    for _i in range(n):
        w = np.zeros(3)
        w[0] = u[1] + x[0]
        w[1] = u[0] * x[1]
        u = w
    u[2] = 1
    return u


def values_that_nobody_reads(u):
    t = u.copy()
    np.multiply(t, u[0], out=t) if u[1] > 0.9 else None
    u[0] > 0.5 and np.add(t, u[2], out=t)
    u[0] > 0.5 or u[1] < 0.5 or t.sort()
    return t


def three():
    return np.random.default_rng(1).random(3)


PROGRAMS = [
    (early, np.random.default_rng(2).random(5)),
    (swap, np.random.default_rng(2).random(6), 4),
    (inplace_arg, three()),
    (values_that_nobody_reads, three()),
    (values_that_nobody_reads, np.array([0.3, 0.95, 0.2])),
    (values_that_nobody_reads, np.array([0.4, 0.7, 0.2])),
    (values_that_nobody_reads, np.array([0.7, 0.6, 0.2])),
    (contd, np.random.default_rng(3).random(9)),
    (mixed, np.random.default_rng(4).random((3, 4))),
    (mixed, np.zeros((0, 4))),
    (fib, 5, 1.0, 2.0),
    (lists, three()),
    (app, three(), 3),
    (caller, three()),
    (late, three()),
    (after, 1.0),
    (reass, three()),
    (newton, 1.3),
    (walrus, three()),
    (cond, three()),
    (condbuf, three()),
    (zip_, three(), 2 * three()),
    (chain, three()),
    (aliasloop, three()),
    (dicts, {"w": three(), "b": three()}),
    (perr, three()),
    (multi, three()),
    (multi, np.array([0.3, 0.7, 0.2])),
    (multi, np.array([0.3, 0.7, 0.9])),
    (multi, np.array([11.0, 0.7, 0.9])),
    (allocin, three(), 4),
    (allocin, three(), 0),
    (rec, three(), 3),
    (prevb, three()),
    (bufcarry, three(), 3),
    (bufcarry, three(), 0),
]
