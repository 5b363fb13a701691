"""Recursion that ends by numbers which the program computes: powers, trees, adaptive rules."""

import math

import numpy as np

from source.programs.catalogue import numbers, program

LEFT = np.array([1, 3, -1, 5, -1, -1])
RIGHT = np.array([2, 4, -1, -1, -1, -1])
FIRST = np.array([1, 3, 5, 5, 6, 6])
LAST = np.array([3, 5, 5, 6, 6, 6])
"""Children of the nodes of two trees: at most two, and any number of them."""


@program(0.8, 5)
def power_by_recursion(x, n):
    return 1.0 if n == 0 else x * power_by_recursion(x, n - 1)


@program(0.7, 6)
def two_calls_a_level(x, n):
    """As Fibonacci's numbers: a default argument, keywords, and calls by other names."""

    def f(k, weight=0.5):
        if k < 2:
            return x**k
        return weight * f(k - 1) + f(k - 2, weight=0.3) * x

    return f(n)


@program(0.9, step=2.0**-12)
def until_it_is_small(x):
    """The condition is that of a float, and the value of another function hangs on it."""

    def halve(v, depth):
        if abs(v) < 0.1:
            return v * v, depth
        y, count = halve(0.5 * v, depth + 1)
        return y + np.sin(v), count

    y, count = halve(x, 0)
    return y * count


@program(0.8, 5)
def calls_of_each_other(x, n):
    def even(x, k):
        if k == 0:
            return np.sin(x)
        return odd(1.1 * x, k - 1)

    def odd(x, k):
        if k == 0:
            return x * x
        return even(x + 0.3, k - 1) * x

    return even(x, n) + odd(x, n)


@program(0.8, 2.0, 1e-5, wrt=(0, 1), step=2.0**-14)
def adaptive_simpson_rule(a, b, eps):
    """The interval is halved where the two rules differ."""

    def f(x):
        return math.exp(-x * x * a) * math.sin(3 * x)

    def rule(lo, hi):
        return (hi - lo) / 6 * (f(lo) + 4 * f((lo + hi) / 2) + f(hi))

    def simpson(lo, hi, whole, eps, depth):
        mid = 0.5 * (lo + hi)
        left, right = rule(lo, mid), rule(mid, hi)
        if depth == 0 or abs(left + right - whole) < 15 * eps:
            return left + right + (left + right - whole) / 15
        first = simpson(lo, mid, left, eps / 2, depth - 1)
        return first + simpson(mid, hi, right, eps / 2, depth - 1)

    return simpson(0.0, b, rule(0.0, b), eps, 50)


@program(numbers(6, seed=1), 0.4)
def walk_of_a_binary_tree(value, x):
    """Index arrays from outside of the function, a closed-over array of parameters."""

    def walk(node, depth):
        if node < 0:
            return x**depth
        left, right = walk(LEFT[node], depth + 1), walk(RIGHT[node], depth + 1)
        return np.tanh(value[node]) * left + value[node] * right + left * right

    return walk(0, 0)


@program(numbers(6, seed=2))
def walk_of_a_tree(value):
    """The recursion stands in a loop, and ends where there are no children."""

    def walk(node):
        total = value[node]
        for child in range(FIRST[node], LAST[node]):
            total += np.sin(walk(child)) * value[node]
        return total

    return walk(0)


@program(numbers(7, seed=3))
def halves_of_an_array(v):
    """Arrays of other sizes in each call, as in a merge sort."""

    def merge(v, level):
        if len(v) < 2:
            return v * level
        half = len(v) // 2
        low, high = merge(v[:half], level + 1), merge(1.1 * v[half:], level + 1)
        return np.concatenate([np.sin(low), high * low[0]])

    return merge(v, 1)


@program(numbers(3, 3, seed=4), 6)
def matrix_power_by_squares(a, n):
    if n == 0:
        return np.eye(3)
    if n % 2 == 1:
        return a @ matrix_power_by_squares(a, n - 1)
    b = matrix_power_by_squares(a, n // 2)
    return b @ b


@program(0.7, numbers(3, seed=5), 3)
def arrays_made_in_each_call(x, v, n):
    """Every call makes an array of its own, changes it in place and returns it."""

    def f(v, n):
        w = np.zeros(3)
        for i in range(3):
            w[i] = v[i] * (i + 1) * 0.5
        w[1:] += w[:-1]
        if n == 0:
            return w
        u = f(w, n - 1)
        w[0] = u[0] * x
        u += w * w
        return u

    return f(v, n)


@program(0.4, 2)
def an_array_changed_between_calls(x, n):
    """What is handed over, and what is closed over, changes in place afterwards."""
    u = np.zeros(4)

    def f(v, k):
        if k == 0:
            return v * u[0]
        return f(0.9 * v, k - 1) * v[0]

    total = 0.0
    for i in range(4):
        u[i] = x * (i + 1)
        total += f(u, n).sum()
        u[0] += total * 0.1
    return total + u


@program(0.6, 3)
def a_closure_that_changes(x, n):
    a = x * x

    def f(y, k):
        if k == 0:
            return y * a
        return f(y * a, k - 1)

    first = f(x, n)
    a = np.cos(x)
    return first + f(x, n)


@program(0.4, 3)
def recursion_in_a_while_loop(x, n):
    total = x
    k = 0
    while k < n:
        total = total * np.cos(total) + recursion_in_a_while_loop(0.7 * x, k)
        k += 1
    return total


@program(1.05, 2, 2)
def argument_of_a_recursive_call(x, m, n):
    """Ackermann's function: the number that a call depends on comes from another one."""

    def ackermann(m, n):
        if m == 0:
            return n + 1
        if n == 0:
            return ackermann(m - 1, 1)
        return ackermann(m - 1, ackermann(m, n - 1))

    return x ** ackermann(m, n)


@program(numbers(2, seed=6), 0.9, 1e-3, wrt=(0, 1), step=2.0**-14)
def adaptive_heun_steps(y, h, tol):
    """A step that is too long is taken in two halves; the right-hand side is an argument."""

    def oscillator(y):
        return np.array([y[1], -(y[0] ** 3)])

    def heun(f, y, h):
        slope = f(y)
        return y + 0.5 * h * (slope + f(y + h * slope))

    def advance(f, y, h):
        half = heun(f, heun(f, y, h / 2), h / 2)
        if np.max(np.abs(half - heun(f, y, h))) < tol:
            return half
        return advance(f, advance(f, y, h / 2), h / 2)

    return advance(oscillator, y, h)


@program(0.4 + 0.2j, 4)
def complex_orbit(z, n):
    if n == 0 or abs(z) > 3:
        return z
    return complex_orbit(z * z + 0.2 - 0.3j * z, n - 1)


@program({"w": numbers(2, 2, seed=7), "b": numbers(2, seed=8)}, numbers(2, seed=9), 3)
def a_dict_of_parameters(params, x, n):
    """Containers are arguments and results."""

    def apply(params, state, n):
        x, seen = state
        if n <= 0:
            return {"x": x, "seen": seen}
        x = np.tanh(params["w"] @ x + params["b"])
        return apply(params, (x, seen + x[0]), n - 1)

    return apply(params, (x, 0.0), n)


# -- arrays that are changed in place --------------------------------------------------------------


@program(numbers(6, seed=10))
def quicksort_in_place(v):
    a = 1.0 * v

    def sort(lo, hi):
        if lo >= hi:
            return
        pivot, i = a[hi], lo
        for j in range(lo, hi):
            if a[j] < pivot:
                a[i], a[j] = a[j], a[i]
                i += 1
        a[i], a[hi] = a[hi], a[i]
        sort(lo, i - 1)
        sort(i + 1, hi)

    sort(0, len(a) - 1)
    return a * np.arange(1.0, len(a) + 1)


@program(0.8, 3)
def an_argument_changed_before_and_after(x, n):
    def sweep(u, k):
        u[k] = u[k] * x + np.sin(u[k - 1])
        if k > 0:
            sweep(u, k - 1)
            u[k] += u[0]

    u = np.array([x, x * x, 1.0, 2 * x])
    sweep(u, n)
    return u


@program(numbers(8, seed=11))
def butterflies_on_views(v):
    """Halves of an array are changed by the calls inside, as in a transform in place."""

    def transform(u):
        half = len(u) // 2
        if half == 0:
            return
        low, high = u[:half], u[half:]
        transform(low)
        transform(high)
        t = 0.5 * high
        u[half:] = low - t
        u[:half] += np.sin(t)

    u = v.copy()
    transform(u)
    return u


@program(0.4, 7)
def memoized_in_an_array(x, n):
    memo, known = np.zeros(n + 1), np.zeros(n + 1, dtype=bool)

    def f(k):
        if k < 2:
            return x * (k + 1)
        if not known[k]:
            memo[k] = np.sin(f(k - 1)) + x * f(k - 2)
            known[k] = True
        return memo[k]

    return f(n) + memo


@program(0.7, 4)
def helpers_that_change_an_array(x, n):
    """Two functions that call each other add to one array, by a helper and themselves."""
    out = np.zeros(4)

    def note(k, y):
        out[k % 4] += y

    def f(y, k):
        note(k, y)
        if k <= 0:
            return y
        return g(np.cos(y), k - 1) * x + out[1]

    def g(y, k):
        if k <= 0:
            return y * y
        out[1] += f(y + 0.1, k - 1) * y
        return out[0] * y

    return f(x, n) + out


@program(0.9, numbers(2, seed=12, low=1.0, high=2.0), 3)
def an_argument_of_the_program_changed(x, v, n):
    def f(u, k):
        if k == 0:
            return u.sum()
        u *= x
        u[0] += 1.0
        return f(u, k - 1) * 0.5 + u[1]

    return f(v, n) + (v * v).sum()
