"""Programs that take derivatives themselves: solvers, integrators, layers that hold a gradient.

Written as for the tape, with ``cr.grad`` and its relatives in the function.
"""

from collections import namedtuple
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import chainrule as cr

X = np.array([0.3, 0.7, 1.1])
W = np.array([0.5, -0.6, 0.7])


class Program(NamedTuple):
    """A function, its arguments, and whether the tape can follow what it does with them."""

    function: object
    args: tuple
    tape: bool


PROGRAMS = []


def program(*args, tape=True):
    """Enter a function into the list, with example arguments."""

    def enter(function):
        PROGRAMS.append(Program(function, args, tape))
        return function

    return enter


def loss(x, w):
    return np.sum((np.tanh(x * w) - x) ** 2)


def energy(q):
    return 0.5 * np.sum(q**2) + np.sum(np.cos(q))


dloss = cr.grad(loss)


@program(X, W)
def gd(x, w):
    for _ in range(4):
        x = x - 0.1 * cr.grad(loss)(x, w)
    return np.sum(x * x * w)


@program(X, W)
def gd_closure(x, w):
    for k in range(3):
        g = cr.grad(lambda z: np.sum((np.sin(z * w) - k) ** 2))(x)  # noqa: B023
        x = x - 0.1 * g
    return np.sum(x * w)


@program(X, W)
def made_outside(x, w):
    return np.sum(dloss(x, w) ** 2)


@program(0.7)
def newton(x):
    f = lambda z: z**3 - 2 * z - 5 + np.sin(z)
    df = cr.grad(f)
    for _ in range(4):
        x = x - f(x) / df(x)
    return x


@program(0.7, 1.3)
def newton_min(x, a):
    f = lambda z: z**4 + a * z**2 - z * np.exp(a * z * 0.1)
    for _ in range(3):
        x = x - cr.grad(f)(x) / cr.grad(cr.grad(f))(x)
    return x * a


@program(X, W)
def leapfrog(q, p):
    H = lambda q, p: 0.5 * np.sum(p**2) + np.sum(1 - np.cos(q)) + 0.1 * np.sum(q[1:] * q[:-1])
    for _ in range(5):
        p = p - 0.05 * cr.grad(H)(q, p)
        q = q + 0.1 * cr.grad(H, 1)(q, p)
        p = p - 0.05 * cr.grad(H, argnums=0)(q, p)
    return np.sum(q * p)


def looped(x, w):
    s = 0.0
    u = x.copy()
    for i in range(3):
        u[1:] = u[1:] * u[:-1] + w[1:]
        s = s + np.sum(np.sin(u)) * w[i]
    return s


@program(X, W)
def inner_loop(x, w):
    g = cr.grad(looped)(x, w)
    return np.sum(g * g * w)


@program(X, W)
def inner_loop_both(x, w):
    v, (g, h) = cr.value_and_grad(looped, (0, 1))(x, w)
    return v * np.sum(g * h)


@program(X, W)
def confusion(x, w):
    return np.sum(cr.grad(lambda z: np.sum(z * x * w))(x) * x)


@program(2.0)
def confusion_classic(x):
    return x * cr.grad(lambda y: x + y)(1.0)


@program(2.0)
def confusion_classic2(x):
    return cr.grad(lambda y: y * cr.grad(lambda z: x * y * z**2)(y))(x)


@program(X, W)
def use_vjp(x, w):
    y, back = cr.vjp(lambda a, b: np.outer(np.sin(a), b) @ a, x, w)
    ga, gb = back(y * w)
    return np.sum(ga * gb) + np.sum(y)


@program(X, W)
def use_vjp_loop(x, w):
    _, back = cr.vjp(lambda a: np.sin(a) * w, x)
    s = 0.0
    for k in range(3):
        e = np.zeros(3)
        e[k] = 1.0
        (r,) = back(e)
        s = s + np.sum(r * r * x)
    return s


@program(X, W)
def use_jvp(x, w):
    y, d = cr.jvp(lambda a, b: np.sin(a) * b / (1 + a * a), (x, w), (w, x))
    return np.sum(y * d * x)


@program(X, W)
def use_jvp_loop(x, w):
    y, d = cr.jvp(looped, (x, w), (w, x * x))
    return y * d


@program(X, W)
def use_linearize(x, w):
    y, lin = cr.linearize(lambda a: np.cumsum(a * w * a), x)
    return np.sum(lin(w) * lin(x) * y)


@program(X, W)
def use_hvp(x, w):
    return np.sum(cr.hvp(energy, (x,), (w,)) * x)


@program(X, W, tape=False)
def use_jacobian(x, w):
    J = cr.jacobian(lambda a: np.array([a[0] * a[1], np.sin(a[2]) * a[0], a[1] ** 2 + w[0]]))(x)
    return np.sum(np.linalg.solve(J, w) * x)


@program(X, W)
def use_jacfwd(x, w):
    J = cr.jacfwd(lambda a: np.sin(a) * w * np.sum(a))(x)
    return np.sum(J @ w * x)


@program(X, W)
def use_hessian(x, w):
    H = cr.hessian(lambda a: np.sum(a**3 * w) + a[0] * a[1])(x)
    return np.sum(np.linalg.solve(H, w))


@program(X, W, tape=False)
def newton_nd(x, w):
    f = lambda a: np.array([a[0] ** 2 + a[1] - w[0], a[0] - a[1] ** 3 - w[1], a[2] * 2 + a[0]])
    for _ in range(3):
        x = x - np.linalg.solve(cr.jacobian(f)(x), f(x))
    return np.sum(x * w)


@program(X, W)
def stopped(x, w):
    return np.sum(x * cr.stop_gradient(x * w) * w)


@program(X, W)
def stopped_in(x, w):
    return np.sum(cr.grad(lambda z: np.sum(z * z * cr.stop_gradient(z) * w))(x) * x)


@program(X)
def dicts(x):
    f = lambda p: np.sum(p["a"] * p["b"][0]) * p["b"][1]
    g = cr.grad(f)({"a": x, "b": [x * x, 2.0]})
    return np.sum(g["a"]) + np.sum(g["b"][0] * x) + g["b"][1]


@program(X, W)
def aux(x, w):
    g, (v, n) = cr.grad(lambda a: (np.sum(a**3), (np.sin(a), 3)), has_aux=True)(x)
    return np.sum(g * v) * n


@program(X, W)
def whiles(x, w):
    def f(z):
        s = 0.0
        k = 0
        while np.sum(z * z) > 0.05 and k < 20:
            z = z * 0.7
            s = s + np.sum(np.sin(z) * w)
            k += 1
        return s

    g = cr.grad(f)(x)
    return np.sum(g * g)


@program(X, W)
def breaks(x, w):
    def f(z):
        s = 0.0
        for i in range(10):
            s = s + z[i % 3] * s + z[0]
            if s > 2.0:
                break
            s = s * np.sin(s) + z[1]
        return s * z[2]

    return np.sum(cr.grad(f)(x) * w)


@program(X, W)
def branch(x, w):
    def f(z):
        if z[0] * w[0] > 0:
            return np.sum(z * z * w)
        return np.sum(z)

    return np.sum(cr.grad(f)(x) ** 2)


@program(X, W)
def store_result(x, w):
    g = cr.grad(loss)(x, w)
    g[0] = 2 * g[1]
    g *= w
    return np.sum(g * x)


@program(X, W, tape=False)
def stores(x, w):
    h = np.zeros((3, 3))
    for i in range(3):
        h[i] = cr.grad(lambda z: z[i] * np.sum(z * w))(x)  # noqa: B023
    return np.sum(h @ h @ w)


@program(X, W)
def sqrt_where(x, w):
    f = lambda z: np.sum(np.where(z > 0.5, np.sqrt(np.abs(z - 0.5) * w**2), 0 * z))
    return np.sum(cr.grad(f)(x) * x)


@program(X, W)
def third(x, w):
    f = lambda z: np.sum(np.sin(z) * z**2 * w)
    g = lambda z: np.sum(cr.grad(f)(z) ** 2)
    return np.sum(cr.grad(g)(x) * w)


@program(X, W)
def third_loop(x, w):
    g = lambda z: np.sum(cr.grad(looped)(z, w) ** 2)
    return np.sum(cr.grad(g)(x) * w)


@program(X, W)
def in_place_arg(x, w):
    def f(z):
        z = z * 1.0
        z[1:] += z[:-1] ** 2
        return np.sum(z * w)

    u = x.copy()
    u[0] = 3 * u[1]
    g = cr.grad(f)(u)
    u[1] = g[0]
    return np.sum(u * g)


@program(X, W)
def hyper(x, w):
    def inner(w):
        z = np.zeros(3)
        for _ in range(3):
            z = z - 0.2 * cr.grad(lambda z: np.sum((z - x) ** 2) + np.sum(w * w * z * z))(z)
        return np.sum((z - 1) ** 2)

    return np.sum(cr.grad(inner)(w) * w)


@program(np.arange(9.0).reshape(3, 3) / 9 + np.eye(3), X)
def matrices(A, x):
    f = lambda z: np.sum(np.sin(A.T @ z) * (A @ z)) + np.sum(np.exp(z) / (1 + z**2))
    g = cr.grad(f)(x)
    G = cr.grad(lambda B: np.sum((B @ g) ** 2) / np.sum(B))(A)
    return np.sum(G * A)


State = namedtuple("State", "q p")


@dataclass
class Well:
    depth: float
    centre: np.ndarray

    def energy(self, q):
        return self.depth * np.sum(np.log(1 + (q - self.centre) ** 2))


@program(X, W)
def of_a_method(x, w):
    well = Well(1.5, w)
    return np.sum(cr.grad(well.energy)(x) ** 2)


@program(X, 1.5)
def of_an_attribute(x, depth):
    gradient = cr.grad(lambda well: well.energy(x))(Well(depth, x**2))
    return gradient.depth * np.sum(gradient.centre**2)


@program(X, W)
def of_a_namedtuple(q, p):
    force = cr.grad(lambda s: np.sum(s.q**2 * s.p) + np.sum(np.sin(s.p)))(State(q, p))
    return np.sum(force.q * p) - np.sum(force.p**2)


@program(X, W)
def by_name_and_keyword(x, w):
    def f(a, *, b, c=2.0):
        return np.sum(a * b**2) * c

    g = cr.grad(f, argnums="b")(x, b=w)
    h, k = cr.grad(f, argnums=("a", "c"))(x, b=w, c=1.5)
    return np.sum(g * h) * k


@program(X, W)
def given_as_an_argument(x, w):
    def minimize(gradient, z):
        for _ in range(3):
            z = z - 0.1 * gradient(z)
        return z

    return np.sum(minimize(cr.grad(lambda z: np.sum((z - x) ** 4) + np.sum(z * w)), w) * x)


@program(1.3, 0.4)
def implicit_function(a, y):
    def residual(y, a):
        return y**3 + a * y - np.sin(a)

    while abs(residual(y, a)) > 1e-13:
        y = y - residual(y, a) / cr.grad(residual)(y, a)
    return y


@program(X, W)
def several_outputs(x, w):
    (y, z), back = cr.vjp(lambda a: (np.sin(a) * w, {"s": np.sum(a**3)}), x)
    (g,) = back((w * x, {"s": 2.0}))
    return np.sum(y * g) + z["s"]


@program(X, W)
def hessian_by_pairs(x, w):
    f = lambda a, b: np.sum(a**2 * b**3)
    (h_aa, h_ab), (_, h_bb) = cr.hessian(f, argnums=(0, 1))(x, w)
    return np.sum(h_aa @ x) + np.sum(h_ab @ w) * np.sum(h_bb * h_bb)


@program(X, W)
def product_of_several(x, w):
    f = lambda a, b: np.sum(np.exp(a) * b**2)
    u, v = cr.hvp(f, (x, w), (w, x))
    return np.sum(u * v)


@program(X, W)
def physics_informed(t, w):
    net = lambda s: np.sum(np.tanh(s * w + 0.1) * w)
    total = 0.0
    for k in range(3):
        slope = cr.grad(net)(t[k])
        bend = cr.grad(cr.grad(net))(t[k])
        total = total + (bend + slope + net(t[k])) ** 2
    return total


@program(X, W)
def recursion_inside(x, w):
    def power(a, n):
        return 1.0 if n == 0 else np.sum(a * w) * power(a, n - 1)

    return np.sum(cr.grad(lambda a: power(a, 3))(x) ** 2)


@program(X, W, tape=False)
def scratch_array_inside(x, w):
    def f(a):
        out = np.zeros((3, 2))
        for i in range(3):
            out[i, 0] = a[i] * w[i]
            out[i, 1] = out[i - 1, 0] ** 2
        return np.sum(out[:, 0] * out[:, 1])

    return np.sum(cr.grad(f)(x) ** 2)


@program(X, W, tape=False)
def gradient_kept_in_an_array(x, w):
    path = np.zeros((4, 3))
    path[0] = x
    for k in range(3):
        path[k + 1] = path[k] - 0.1 * cr.grad(loss)(path[k], w)
    return np.sum(path[-1] * path[1])
