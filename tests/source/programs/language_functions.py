"""Small programs, each for one construct: functions and containers."""

import functools
from collections import namedtuple
from dataclasses import dataclass
from functools import partial

import numpy as np

from source.programs.catalogue import numbers, program

GRAVITY = 9.81
TABLE = np.array([0.5, -1.0, 2.0])
ORDER = 3

# -- functions -------------------------------------------------------------------------------------


@program(0.7, 1.9)
def nested_functions_and_closures(x, y):
    scale = x * y

    def outer(a):
        def inner(b):
            return a * b + scale

        return inner(a) * inner(x)

    scale = scale + 1.0
    return outer(y)


@program(0.7, numbers(4, seed=1))
def a_nested_function_changes_an_outer_array(x, v):
    log = np.zeros(4)

    def note(i, value):
        log[i] += value * v[i]

    for i in range(4):
        note(i, x)
        note(3 - i, x * x)
    return log


@program(0.7)
def nonlocal_counter(x):
    total = 0.0

    def add(y):
        nonlocal total
        total += y * y

    for i in range(3):
        add(x + i)
    return total


@program(0.7, numbers(3, seed=2))
def lambdas(x, v):
    square = lambda t: t * t
    apply = lambda f, *args: f(*args)
    return apply(square, x) + apply(lambda a, b: a @ b, v, v) * square(v)


def saturate(x, low=-0.5, *, high=0.5, gain=2.0):
    return gain * x if low < x < high else x


@program(0.3)
def default_and_keyword_arguments(x):
    return saturate(x) + saturate(x, high=0.1) * saturate(gain=x, x=x, low=-1)


def relax(u, n=1):
    for _ in range(n):
        u[1:-1] = 0.5 * (u[2:] + u[:-2])


@program(numbers(6, seed=3))
def a_function_that_changes_its_argument(u):
    v = u * 2
    relax(v)
    relax(u, n=3)
    relax(v[1:], 2)
    return u + v


@program(0.5)
def module_constants(x):
    return GRAVITY * x + TABLE.sum() * x**ORDER + (TABLE * x).sum()


def normalized(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        y = f(*args, **kwargs)
        return y / (1.0 + abs(y))

    return wrapper


@normalized
def energy(x, y):
    return x * x - y * x


@program(0.8, 1.7)
def decorated_function(x, y):
    return energy(x, y) * energy(y=x, x=y)


@program(0.8, numbers(3, seed=4))
def functools_partial(x, v):
    scaled = partial(np.multiply, x)
    powered = partial(pow, x)
    return scaled(v) + powered(2)


@program(0.8, 4)
def recursion(x, n):
    def cheb(k):
        if k == 0:
            return 1.0
        if k == 1:
            return x
        return 2 * x * cheb(k - 1) - cheb(k - 2)

    return cheb(n)


def several(a, b):
    return a * b, a + b, [a, -b]


@program(0.8, 1.7)
def several_results(x, y):
    p, s, (u, w) = several(x, y)
    _, t, _ = several(s, p)
    return p * t + u * w


@program(0.8, numbers(3, seed=5))
def star_arguments(x, v):
    def f(a, *rest, **options):
        out = a
        for r in rest:
            out = out * r
        return out * options["scale"] + options.get("shift", x)

    return f(*[x, v[0], v[1]], scale=v[2]) + f(x, **{"scale": x, "shift": 0.0})


# -- containers ------------------------------------------------------------------------------------


@program({"k": 0.4, "w": [numbers(3, seed=6), 2.0]})
def nested_containers(params):
    w, s = params["w"]
    out = {"y": w * s + params["k"]}
    out["z"] = (out["y"].sum(), [w])
    return out


@program([numbers(2, seed=7), numbers(3, seed=8)])
def a_list_of_arrays_in_place(arrays):
    for a in arrays:
        a *= 2.0
    arrays[0][0] = arrays[1][-1] ** 2
    arrays[1] = arrays[1] * arrays[0][1]
    return arrays


@program(numbers(4, seed=9))
def lists_grow(v):
    out = []
    for i in range(4):
        out.append(v[i] * i)
        if i > 1:
            out.append(v[i] ** 2)
    out.extend([v[0], v[1]])
    out.insert(0, out.pop())
    return np.array(out), len(out) * v[0]


@program(numbers(4, seed=10))
def comprehensions(v):
    squares = [x * x for x in v]
    table = {k: v[k] * k for k in range(3)}
    odd = [v[i] + v[j] for i in range(4) for j in range(i) if (i + j) % 2]
    return sum(squares) + sum(odd) + table[2], np.array([[a * b for a in v] for b in v[:2]])


@program({"a": 0.3, "b": numbers(2, seed=11)})
def dict_methods(d):
    total = 0.0
    for key, value in d.items():
        total = total + value * (2.0 if key == "a" else 3.0)
    for value in d.values():
        total = total - value
    if "c" not in d:
        d["c"] = d.get("missing", 1.5) * d["a"]
    return total * d["c"]


@dataclass(frozen=True)
class Line:
    slope: float
    offset: np.ndarray

    def __call__(self, x):
        return self.slope * x + self.offset

    def shifted(self, by):
        return Line(self.slope, self.offset + by)


@program(Line(0.7, numbers(2, seed=12)), 1.1)
def dataclass_methods(line, x):
    other = line.shifted(x)
    return other(x) * line(2.0) + other.offset


Point = namedtuple("Point", ["x", "y"])


@program(Point(0.4, numbers(2, seed=13)))
def namedtuples(p):
    q = Point(x=p.x * 2, y=p.y[0])
    a, b = q
    r = q._replace(y=p.x)
    return Point(a * b + r.y, p.y * p[0])


class Oscillator:
    def __init__(self, k, c):
        self.k = k
        self.c = c

    def force(self, x, v=0.0):
        return -self.k * x - self.c * v


SYSTEM = Oscillator(0.4, 0.2)


@program(0.9)
def bound_method(x):
    f = SYSTEM.force
    return f(x) * f(x, v=x) + SYSTEM.k * x


@program(0.3, numbers(2, seed=14))
def an_object_made_inside(x, v):
    line = Line(x, v)
    return line(x) + line.slope
