"""Small programs that store, index, branch and loop in every way that NumPy code does."""

from __future__ import annotations

import numpy as np


def periodic(u):
    v = np.zeros_like(u)
    for i in range(u.shape[0]):
        v[i] = u[i - 1] - 2 * u[i] + u[i - 2]
    return v


def negative_late(u, k):
    v = u.copy()
    for i in range(3):
        v[i - k] = v[i] * 2
    return v


def views_of_views(a):
    b = a.copy()
    row = b[1]
    part = row[1:]
    part[0] = 5.0
    part[1:] *= 2.0
    column = b.T[2]
    column[:] = column + 1
    return b, row.sum()


def view_in_a_loop(a):
    b = a.copy()
    for i in range(b.shape[0]):
        row = b[i]
        row[1:] = row[:-1] * 0.5
        row[0] += float(i)
    return b


def view_with_a_changing_number(a):
    b = a.copy()
    k = 0
    view = b[k : k + 2]
    k = 3
    view[0] = 7.0 * a[1]
    view = b[k:]
    view[0] += 1.0
    return b


def without_axes(x):
    a = np.zeros(())
    a[...] = x * 2
    a += 1.0
    b = np.array(3.0)
    b[()] = a
    return a * b, b


def places_named_twice(x, k):
    """Indices that are known, or stand in brackets."""
    z, w, a = np.zeros(6), x.copy(), np.outer(x, x)
    z[[1, 1]] += x[:2]
    z[[k, 2, k]] += x[1:4]
    z[[k, k]] = x[2:4]
    w[[1, 1]] -= x[:2]
    w[[0, 3]] = w[[3, 0]]
    np.add.at(w, [k, k], x[:2])
    a[[0, 0], [k, k]] += x[:2]
    a[:, [1, 1]] *= 2.0
    windows = np.lib.stride_tricks.sliding_window_view(x, k + 2)
    return np.sum(z * w) + np.sum(a[[0, k, k]] ** 2) + np.sum(windows.max(-1)[[1, 1]] * x[k])


def index_arrays(a, i):
    b = a.copy()
    b[i] = np.arange(1.0, 1.0 + i.shape[0])
    c = a.copy()
    c[i] += 1.0
    d = a.copy()
    np.add.at(d, i, 1.0)
    e = a.copy()
    e[[0, 2]] *= 3.0
    f = a.copy()
    f[i] -= a[:1]
    return b, c, d, e, f


def masks(a):
    b = a.copy()
    b[b > 0] = 0.0
    c = a.copy()
    c[c > 0] = c[c > 0] * 2
    d = a.copy()
    d[d[:, 0] > 0] = -1.0
    e = a.copy()
    e[0, a[0] > 0] += 2.0
    return b, c, d, e, a[a > 10.0].sum()


def mixed_indices(a, i):
    b = a[1:, i]
    c = a[i, 1:]
    d = a[i, :, None]
    e = a[None, ::-1, i]
    f = a[..., i, ::2]
    g = np.zeros_like(a)
    g[i, 1:] = a[i, :-1]
    return b, c, d, e, f, g


def negative_steps(a):
    b = a[::-1]
    c = a[4:1:-1]
    d = a[-2::-2]
    e = np.zeros_like(a)
    e[::-1] = a
    e[5:1:-2] += 1.0
    return b, c, d, e


def overlap(a):
    b = a.copy()
    b[1:] += b[:-1]
    c = a.copy()
    c[:-1] = c[1:]
    d = a.copy()
    d[::-1] = d
    e = a.copy()
    e[1:] = e[:-1] * 2 + e[1:]
    return b, c, d, e


def transposed_onto_itself(a):
    b = a.copy()
    b[:] = b.T
    c = a.copy()
    c += c.T
    d = a.copy()
    d[0, :] = d[:, 0]
    return b, c, d


def broadcast_stores(a, row):
    b = np.empty((3, a.shape[0]))
    b[:] = a
    b[1] = 2.0
    b[:, 0] = row[:3]
    b[:2, 1:] += row[:2, None]
    b[2:] = row[:1]
    return b


def casts(x):
    i = np.zeros(4, dtype=np.int64)
    i[:] = x
    i[1] = 2.9
    f = np.zeros(4, dtype=np.float32)
    f[:] = x / 3
    b = np.zeros(4, dtype=bool)
    b[:2] = x[:2] > 0
    z = np.zeros(4, dtype=complex)
    z[1:] = x[1:]
    return i, f, b, z


def complex_parts(z):
    w = z.copy()
    w.real[0] = 5.0
    w.imag *= 2.0
    re = w.real
    re[1:] += w.imag[:-1]
    return w, np.abs(w)


def choices(a, flag):
    b = a * 2 if flag > 0 else -a
    c = a if a.sum() > 0 and np.all(a > -10) else np.zeros_like(a)
    d = np.max(a) if flag > 1 or a[0] < 0 else np.sum(a)
    return b, c, d


def until(a, bound):
    total = 0.0
    for i in range(a.shape[0]):
        if a[i] > bound:
            break
        if a[i] < 0:
            continue
        total += a[i]
    n = 0
    while n < 50:
        n += 1
        total *= 0.9
        if total < 1 or n > 20:
            break
    return total, n


def early(a, bound):
    for i in range(a.shape[0]):
        for j in range(3):
            if a[i] * j > bound:
                return a * i, j
    return a, -1


def strides(a, step):
    total = np.zeros(3)
    for i in range(a.shape[0] - 1, -1, -step):
        total[i % 3] += a[i] * i
    for i in range(0, a.shape[0], step):
        total += a[i]
    for i in range(5, 2):
        total += 100.0 + i
    return total


def bound_in_one_branch(a, flag):
    if flag > 0:
        b = a * 2
        k = 3
    else:
        k = 1
    if flag > 0:
        a = b + k
    return a * k


def begins_with_none(a):
    best = None
    where = -1
    for i in range(a.shape[0]):
        if best is None or a[i] > best:
            best = a[i]
            where = i
    return best, where


def row_or_none(a):
    last = None
    total = np.zeros(a.shape[1])
    for i in range(a.shape[0]):
        if last is not None:
            total += last * a[i]
        last = a[i] * 2
    return total


def empty_arrays(a, m):
    b = a[:0]
    c = np.zeros((0, 3))
    d = np.concatenate([b, a[2:2], a])
    e = b.copy()
    e[:] = 1.0
    e += b
    for i in range(m):
        d[i] += 1
    return b.sum(), c * 2, d, e, c.T @ c, a[a > 1e9]


def swapped(u, n):
    v = np.zeros_like(u)
    for _ in range(n):
        v[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u, v = v, u
    return u


def single(x, y):
    a = np.zeros(3, dtype=np.float32)
    a[0] = x[0] * y
    a[1:] = np.sin(x[1:3]) + np.float32(2)
    return a * 2, x / 3, x.astype(np.float64) / 3


def containers(p):
    w = p["w"] @ p["layers"][0] + p["b"]
    return {"out": [w, (w.sum(), 3)], "n": len(p["layers"]), "name": "net"}


def keywords(x, *rest, scale, shift=1.0, **more):
    return x * scale + shift + rest[0] + more["extra"]


def asserts(a):
    assert a.shape[0] > 1, "too short"
    if a[0] < 0:
        raise ValueError("negative")
    return np.sqrt(a)


def prints(a):
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i]
        print("total", i, total)
    if total < 0:
        raise RuntimeError(f"negative: {total}")
    return total


def prints_and_reads(a, i):
    print("reads", i)
    return a[i] / i


def draws(rng, n):
    total = rng.standard_normal(n)
    for _ in range(2):
        total = total + rng.uniform(0, 1, size=n)
    return total


def number_step(a, k):
    i = 0
    b = a.copy()
    while i < a.shape[0]:
        b[i] = b[i - k] + i
        i += k
    return b


def shifted(u, start):
    v = u.copy()
    for i in range(start, u.shape[0]):
        v[i] += 2 * u[i - 1]
    return v


def by_python_numbers(a, n):
    return a * (1 / n)


def added(a, b):
    return a + b


def second_names(x, n):
    """The second name of an array is bound after it was computed."""
    y = x
    t = x
    z = x
    for k in range(n):
        t = x * (k + 1)
        y = t
        z = y[::-1] + t
    return y, t, z


def index_of_a_loop_again(x, n):
    """A variable of a loop is an ordinary one before and after it."""
    s = 0.0
    k = 2
    for j in range(3):
        s += k * x[j]
        for k in range(n):
            s += x[k]
        s += k
    while k > 0:
        s += x[k] * k
        k -= 1
    return s, k


def places_that_change(x, ix):
    """The places that are read and written move within a loop."""
    a = np.zeros((7, 8))
    for i in range(1, 6):
        p = ix[i]
        a[i, p] = a[i - 1, p + 1] + x[i]
    return a


def bound_again(x, m, k):
    """What a loop binds stays as it was where the loop has no iterations."""
    n = x.shape[0] - 1
    s = x[0]
    for i in range(k):
        s += x[n] * i
        n = m + 1
    return s, n


def unsigned(v, u):
    """Integers without a sign are compared as what they are."""
    larger = np.zeros(3, np.uint64)
    for i in range(3):
        larger[i] = max(v[i], v[2 - i])
    return larger, u < v, u == v


def saved_before_it_is_set(x, c):
    """What one branch makes is saved in every iteration, also where it was not made yet."""
    u = x.copy()
    s = x[0]
    for i in range(4):
        if i > c:
            t = np.tanh(u)
            w = np.tanh(u[:2])
            s = s + np.sum(t * t) + np.sum(w * w)
        u[1:] = u[:-1] * s
    return s, u


def part_at_a_place_from_the_end(a, n):
    """A part whose place an iteration computes: no check of it comes before the loop."""
    b = a.copy()
    k = 0
    while k < n:
        k += 1
        for i in range(b.shape[0]):
            u = b[:, -1 - k]
            u[0] = a[i, 0] * u[1]
    return b * b
