"""Programs with checkpointed loops: x and c are differentiated, n iterations, k snapshots."""

import numpy as np

import chainrule as cr


def heat(x, c, n, k):
    u = x.copy()
    for _ in cr.checkpointed(range(n), snapshots=k):
        u[1:-1] += c * u[1:-1] * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def double_buffer(x, c, n, k):
    u = x.copy()
    new = np.zeros_like(u)
    for _ in cr.checkpointed(range(n), k):
        new[1:-1] = u[1:-1] + c * np.sin(u[2:] - u[:-2])
        u, new = new, u
    return np.sum(u * u * new)


def trajectory(x, c, n, k):
    rows = np.zeros((n + 1, x.size))
    rows[0] = x
    total = 0.0
    for t in cr.checkpointed(range(n), k):
        x = x + c * np.cos(x)
        rows[t + 1] = x
        total += np.sum(x * x)
    return np.sum(np.sin(rows)) * total


def matrix_power(x, c, n, k):
    A = np.outer(x, x) + c
    for t in cr.checkpointed(range(n), k):
        x = np.tanh(A @ x) + 0.1 * t
    return np.sum(x**3)


def breaks(x, c, n, k):
    total = 0.0
    for t in cr.checkpointed(range(n), k):
        x = x * x + c
        if np.sum(x) > 40:
            break
        total = total + np.sum(x * t)
    return total + np.sum(x)


def returns_early(x, c, n, k):
    for t in cr.checkpointed(range(n), k):
        x = x * c + np.sin(x)
        if t == 4:
            return np.sum(x * x)
    return np.sum(x) * 3


def integers_and_steps(x, c, n, k):
    j = 1
    sign = True
    for t in cr.checkpointed(range(2, 2 + 3 * n, 3), k):
        j = (j * 5 + t) % 3
        sign = not sign
        x = x * np.sin(x[j]) + (c if sign else -c) * t
    return np.sum(x * j)


def downwards(x, c, n, k):
    for t in cr.checkpointed(range(n, 0, -1), k):
        x = x * c + np.sin(x) / t
    return np.sum(x * x)


def nested(x, c, n, k):
    u = x.copy()
    for i in cr.checkpointed(range(3), 2):
        for _ in cr.checkpointed(range(n), k):
            u[1:] += c * u[:-1] * np.sin(u[1:])
        u *= 0.3 + i * c
    return np.sum(u * u)


def inside_another_loop(x, c, n, k):
    total = 0.0
    for i in range(3):
        u = x * (i + 1)
        w = 1.0
        for _ in cr.checkpointed(range(n), k):
            u[1:] += c * u[:-1] * np.sin(u[1:]) * w
            w = w * c + 0.1 * u[0]
        total = total + np.sum(u * u) * w
    return total


def while_inside(x, c, n, k):
    for _ in cr.checkpointed(range(n), k):
        y = x.copy()
        m = 0
        while np.sum(y * y) > 1.5 and m < 5:
            y *= 0.5 + 0.1 * c * y
            m += 1
        x = x + y * np.sin(x)
    return np.sum(x * x)


def views(x, c, n, k):
    u = x.copy()
    inner = u[1:-1]
    for _ in cr.checkpointed(range(n), k):
        inner += c * (u[2:] - 2 * inner + u[:-2]) * inner
        ends = u[::4]
        ends *= 1 + 0.1 * c
    return np.sum(u**3)


def needed_before(x, c, n, k):
    u = np.sin(x)
    s = np.sum(u * u)
    u[0] = s * s
    y = u * c
    for _ in cr.checkpointed(range(n), k):
        y = y * s * np.sin(y)
        u[1:] = y[:-1] * u[:-1]
        s = s * 0.9
    return np.sum(u * y) * s


def branches(x, c, n, k):
    p = x * 1.0
    for t in cr.checkpointed(range(n), k):
        if t % 2:
            p = p * np.sin(x)
        elif np.sum(p) > 0:
            p = p - c * p**2
    return np.sum(p)


def single_precision(x, c, n, k):
    y = x.astype(np.float32)
    a = 0.5
    for _ in cr.checkpointed(range(n), k):
        a = a * 1.01
        y = y * a * c + np.sin(y)
    return np.sum(y * y).astype(float)


def counter_read_after(x, c, n, k):
    t = 0
    for t in cr.checkpointed(range(n), k):
        x = x * c + np.sin(x) * t
    return np.sum(x * t)


def nothing_to_reverse(x, c, n, k):
    w = np.ones(4)
    for t in cr.checkpointed(range(n), k):
        w = w * np.cos(t)
    return np.sum(x * w[0] * x) * c


def number_left_to_it(x, c, n, k):
    for _ in cr.checkpointed(range(n)):
        x = x * c + np.sin(x)
    return np.sum(x * x) * k


def complex_numbers(x, c, n, k):
    z = x * (0.4 + 0.3j)
    w = 0.1j
    for _ in cr.checkpointed(range(n), snapshots=k):
        z = z * z * c + w
        w = w * np.exp(1j * z[0])
    return np.sum(np.abs(z))


def changed_after_it(x, c, n, k):
    u = x * 2.0
    u[0] = c
    total = np.sum(u**3)
    for t in cr.checkpointed(range(n), k):
        u = np.sin(x * t + total)
        total = total + c * np.sum(u * u)
    u[1:] = 2.0
    u[0] += c
    return total * np.sum(u * x)


ALL = [
    *(heat, double_buffer, trajectory, matrix_power, breaks, returns_early, integers_and_steps),
    *(downwards, nested, inside_another_loop, while_inside, views, needed_before, branches),
    *(single_precision, counter_read_after, nothing_to_reverse, number_left_to_it),
    *(complex_numbers, changed_after_it),
]
