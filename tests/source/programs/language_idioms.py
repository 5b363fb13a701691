"""Small programs with the idioms that people mix in: slices as values, grids, functional tools."""

import functools
import itertools
import operator
from math import inf, prod

import numpy as np
from numpy import cos, newaxis, pi, sin, sqrt, zeros

from source.programs.catalogue import numbers, program


@program(numbers(6, 5, seed=1))
def slices_as_values(u):
    inside = slice(1, -1)
    west, east = np.s_[1:-1, :-2], np.s_[1:-1, 2:]
    v = u.copy()
    v[inside, inside] = 0.5 * (u[west] + u[east])
    v[(0, 1)] = u[(slice(None), 2)].sum()
    return v


@program(numbers(3, 4, seed=2), 0.7)
def grids_of_coordinates(a, k):
    y, x = np.mgrid[0:3, 0:4]
    X, Y = np.meshgrid(np.linspace(0, 1, 4), np.arange(3), indexing="xy")
    rows, columns = np.indices(a.shape)
    return a * np.sin(k * (x + 2 * y)) + k * X * Y - a[rows, columns[:, ::-1]]


@program(numbers(3, 4, seed=3))
def loops_over_index_tuples(a):
    out = np.zeros(a.shape)
    for i, j in np.ndindex(a.shape):
        out[i, j] = a[i, j] * a[i - 1, j - 1]
    for (i, j), value in np.ndenumerate(a):
        out[i, j] += (i + 1) * value**2
    for i, j in itertools.product(range(3), range(2)):
        out[i, j] -= a[j, i]
    return out


@program(numbers(4, seed=4), 1.3)
def names_imported_from_numpy(v, x):
    w = zeros(4)
    w[:] = cos(v) * sqrt(x) + sin(pi * v)
    return w[:, newaxis] * w


@program(numbers(4, seed=5), 0.4)
def functional_tools(v, x):
    a = functools.reduce(lambda p, q: p * x + q, v)
    b = sum(map(lambda t: t * t, v))
    c = prod([x, v[0], 2.0]) + operator.mul(x, v[1])
    d = functools.reduce(operator.add, [v[i] * i for i in range(4) if i != 2])
    return a * b + c * d


@program(numbers(5, seed=6), 0.3)
def any_all_and_membership(v, x):
    total = 0.0
    if any(t > 0 for t in v) and not all(t > 0 for t in v):
        total += x
    for i in range(5):
        if i in (1, 3):
            total += v[i] ** 2
        elif i not in {0, 2}:
            total -= v[i]
    return total * x


@program(numbers(6, seed=7))
def assignment_expressions(v):
    total, i = 0.0, 0
    while (n := i * i) < 6:
        total += v[n % 6] * (half := 0.5 * v[i])
        i += 1
    return total + half


@program(numbers(3, seed=8), "cubic")
def match_statement(v, kind):
    match kind:
        case "linear":
            return v
        case "square" | "cubic" if len(v) == 3:
            return v**3
        case _:
            return -v


@program(numbers(4, seed=9))
def best_so_far(v):
    best, at = -inf, -1
    for i, x in enumerate(v):
        if x * x > best:
            best, at = x * x, i
    low = float("inf")
    for x in v:
        low = min(low, x)
    return best + low * v[at]


@program(numbers(4, 3, seed=10))
def a_with_block(a):
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = a / (a.sum(axis=1, keepdims=True) ** 2 + 1)
    return ratio


@program(numbers(3, seed=11), numbers(3, 3, seed=12))
def matrix_products_in_place(v, A):
    x = v.copy()
    x @= A
    B = A.T.copy()
    B @= A
    return A.dot(x) @ B, np.kron(v, x), np.tensordot(A, B, axes=([1], [0]))


@program(numbers(6, seed=13))
def differences_and_sums(v):
    a = np.diff(v, prepend=v[-1])
    b = np.cumsum(v)[::-1]
    c = np.gradient(v, 0.5)
    d = np.convolve(v, [0.25, 0.5, 0.25], mode="same")
    return a * b + c * d, np.trapezoid(v, dx=0.1), np.cumprod(v)


@program(numbers(4, seed=14))
def padding_and_rolling(v):
    p = np.pad(v, 1, mode="edge")
    q = np.pad(v, (1, 1), mode="constant")
    return np.roll(p, 2) * q + np.concatenate(([0.0], v, [v[0]])) * np.flip(p)


@program(numbers(2, 3, seed=15), numbers(2, 3, seed=16))
def transposed_lists(a, b):
    total = 0.0
    for x, y in zip(*[a[0], b[1]], strict=True):
        total += x * y
    pairs = list(zip(a[0], b[0], strict=True))
    first, second = pairs[0]
    left, right = zip(*pairs, strict=True)
    return total * first + second * left[1] - right[2]


@program(numbers(5, seed=17))
def lists_of_known_length(v):
    table = [0.0] * 5
    grid = [[0.0 for _ in range(2)] for _ in range(3)]
    for i in range(5):
        table[i] = v[i] * (table[i - 1] + 1)
    for i in range(3):
        for j in range(2):
            grid[i][j] = table[i + j] * v[i]
    table[1:3] = [grid[2][1], 1.0]
    return np.array(grid), sum(table), table[-1] * table[::2][1]


@program(numbers(7, seed=18), 3)
def integers_decide(v, order):
    taps = [1.0]
    for k in range(1, order + 1):
        taps.append(taps[-1] * (order - k + 1) / k)
    width = int(np.ceil(len(taps) / 2))
    quotient, rest = divmod(len(v), order)
    out = 0.0
    for k, tap in enumerate(taps):
        out += tap * v[k] * (-1) ** k
    return out * v[width] + v[quotient] * rest


@program(numbers(4, seed=19), 5.3)
def remainders_and_floors(v, x):
    turns = x // 2.0
    angle = x % 2.0
    return np.mod(3 * v, 1.0) * angle + turns * v + np.floor(v) * x + np.fmod(x, 3.0)


@program(numbers(3, 3, seed=20))
def triangles(a):
    low = np.tril(a, -1)
    sym = low + low.T + np.diag(np.diag(a))
    i, j = np.triu_indices(3, k=1)
    return sym @ a, a[i, j] * a[j, i], np.trace(sym)


@program(numbers(2, 3, seed=21), numbers(3, seed=22))
def conditional_arrays(a, v):
    b = np.where(a > v, a * 2, v)
    c = np.select([v < -0.3, v < 0.5], [v**2, np.sin(v)], default=1.0)
    m = np.isfinite(b) & (b != 0)
    return b * c, b[m].sum(), np.where(m, b, 0.0).mean(axis=-1)


@program(numbers(4, seed=23), np.random.default_rng(5), wrt=(0,))
def draws_of_several_kinds(v, rng):
    order = rng.permutation(4)
    noise = rng.uniform(-0.1, 0.1, size=4)
    pick = rng.integers(0, 4)
    return v[order] * noise + v[pick]


@program(numbers(3, seed=24) + 2)
def printed_progress(v):
    total = 0.0
    for i, x in enumerate(v):
        total += np.log(x)
        if total > 1e6:
            print(f"step {i}: total = {total:.3f}", x)
    return total


@program(numbers(4, seed=25))
def numbers_out_of_arrays(v):
    x = float(v[0])
    y = v[1].item()
    z = v[2:3].sum().astype(np.float64)
    first, *_, last = v
    return x * y + z * first - last * v.tolist()[1]
