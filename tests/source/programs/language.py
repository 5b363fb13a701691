"""Small programs, each for one construct: assignment and control flow."""

# ruff: noqa: B007, B905 - as scientists write it

import numpy as np

from source.programs.catalogue import numbers, program

# -- assignment ------------------------------------------------------------------------------------


@program(1.3, 0.4)
def chained_and_tuple_assignment(x, y):
    a = b = x * y
    a, b = b + x, a - y
    (c, d), e = (a * b, a), b
    a, *rest = c, d, e
    return a + 2 * rest[0] - rest[1] * d


@program(numbers(5, seed=1), 0.7)
def augmented_assignment(v, s):
    s += v[0]
    s *= s
    s -= 0.5
    s /= 1 + v[1] ** 2
    s **= 2
    w = v * 2
    w += s
    w *= v
    w -= w[1]
    w /= 3 + s
    w **= 2
    return w


@program(numbers(4, seed=2))
def augmented_assignment_is_seen_through_another_name(v):
    a = v * 1.0
    b = a
    b += 1.0
    a *= a
    b = b + a
    b += 1
    return a - b


@program(numbers(4, seed=3))
def names_are_rebound(x):
    y = x * 2
    x = np.sin(y)
    y = x * y
    x = x + y
    return x * x


@program(numbers(5, seed=4))
def swap_elements(v):
    v[0], v[-1] = v[-1], v[0]
    v[1], v[2] = v[2] * 2, v[1] * v[0]
    return v * v


@program(numbers(4, seed=5), numbers(4, seed=6))
def swap_arrays_in_a_loop(a, b):
    for _ in range(3):
        b[1:] = a[1:] * a[:-1] + b[1:]
        a, b = b, a
    return a, 2 * b


# -- branches --------------------------------------------------------------------------------------


@program(numbers(7, seed=7))
def if_elif_else(v):
    out = np.zeros(7)
    for i, x in enumerate(v):
        if x < -0.5:
            out[i] = x * x
        elif x < 0.0:
            out[i] = np.sin(x)
        elif i % 2 == 0:
            out[i] = -x
        else:
            out[i] = np.exp(x)
    return out


@program(0.3, -0.8)
def conditional_expression(x, y):
    a = x if x > y else y
    b = np.sqrt(x) if x > 0 else 0.0
    c = 1 / y if y else 1e6
    return a * b + (c if a < b else -c)


@program(0.3, 0.8, 2)
def and_or_not(x, y, n):
    total = 0.0
    if x > 0 and y > 0 and n:
        total += x * y
    if x > 1 or not y > 1:
        total += x**2
    if not (x > y or n == 3):
        total *= y
    z = x > 0.5 or y > 0.5
    if z and total > 0:
        total = total + 1 / total
    return total


@program(0.3, 0.8)
def chained_comparison(x, y):
    total = x * y
    if 0 < x < y < 1:
        total += x**3
    if 0 < x <= 0.1 < y:
        total *= 2
    return total if -1 < total < 10 else 0.0


@program(numbers(4, seed=8), 0.6)
def a_branch_binds_different_arrays(v, s):
    if s > 0.5:
        w = v * s
        k = 2.0
    else:
        w = v + s
        k = s
    w[1:] += k * w[:-1]
    return w


@program(numbers(6, seed=9))
def a_branch_without_else_changes_an_array(v):
    total = 0.0
    for i in range(6):
        if v[i] > 0:
            v[i] = v[i] ** 2
            total += v[i]
    return v, total


# -- loops -----------------------------------------------------------------------------------------


@program(numbers(10, seed=10))
def ranges(v):
    total = 0.0
    for i in range(8, 0, -3):
        total += v[i] * v[i - 1]
    for i in range(-1, -8, -2):
        total += v[i] ** 2
    for i in range(1, len(v) - 1, 3):
        for j in range(i - 1, i + 2):
            total *= 1 + 0.1 * v[j]
    for i in range(5, 3):
        total = 0.0
    return total


@program(numbers(4, 4, seed=11))
def triangular_loops(a):
    for i in range(4):
        for j in range(i, 4):
            for k in range(j):
                a[i, j] += 0.5 * a[j, k] * a[i, k]
    return a


@program(numbers(4, 3, seed=12), numbers(4, seed=13))
def iterate_over_arrays(a, v):
    total = np.zeros(3)
    for row in a:
        total += row * row.sum()
    for row, x in zip(a, v):
        total -= x * row
    for i, (row, x) in enumerate(zip(a, v), start=1):
        total += np.sin(row * x) / i
    return total


@program(numbers(5, seed=14))
def while_with_break_and_continue(v):
    i = 0
    total = 0.0
    while i < 20:
        i += 1
        if i % 2 == 0:
            continue
        total += v[i % 5] * i
        if total > 3.0 or i > 11:
            break
        total *= 1.1
    return total * total


@program(0.9, numbers(3, seed=15))
def break_out_of_an_inner_loop(x, v):
    total = 0.0
    for i in range(4):
        y = x
        for j in range(6):
            y = y * (0.6 + 0.1 * v[j % 3])
            if y < 0.2:
                break
            total += y * (i + 1)
        else:
            total += 1.0
        total += y * y
    return total


@program(numbers(6, seed=16) * 2)
def return_from_inside_loops(v):
    total = 1.0
    for i in range(6):
        for j in range(3):
            total += 0.3 * v[i] * v[j]
            if total > 1.5:
                return total * v[i]
        if total < -5:
            return 0.0
    return total


@program(numbers(6, seed=17), 2.5)
def early_returns(v, limit):
    if limit < 0:
        return v
    n = np.sqrt(v @ v)
    if n > limit:
        return v * limit / n
    if n == 0:
        return v
    return v * n


@program(0.7, 2)
def a_loop_forgets_what_was_before(x, n):
    """What the body computes is overwritten by constants, if it is run at all."""
    total, kept = x * x, x
    for k in range(n):
        for _ in range(2):
            total = total * np.cos(x)
        total = 0.2 * k
    while kept > 0.5:
        kept = 0.5
    for k in range(n - 2):
        kept = 3.0 * k
    return total + kept * x + total * x


@program(0.7)
def while_true(x):
    n = 0
    while True:
        x = x + 0.3 * np.cos(x)
        n += 1
        if n == 4:
            break
    return x


@program(numbers(5, seed=18))
def loop_variables_live_on(v):
    last = v[0]
    for i in range(1, 5):
        last = v[i] * last + i
    return last * v[i] + i


@program(numbers(3, seed=19), numbers(3, seed=20))
def loop_over_a_tuple_and_a_list(a, b):
    total = 0.0
    for x in (a, b, a * b):
        total += x.sum() ** 2
    for k, w in enumerate([0.5, a[0], b[1]]):
        total += k * w
    for f in (np.sin, np.tanh):
        total += f(total)
    return total
