"""What a loop adds to an array waits for the next loop that adds to the same places."""

import re

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")


def without_its_part(q, a):
    q, a = q.copy(), a.copy()
    for k in range(len(a)):
        q -= a[k] * 0.5
        a[k] -= q * np.dot(q, a[k])
    return np.sum(q * q) + np.sum(a * a * a)


def two_updates(q, a):
    total = 0.0
    x, y = q.copy(), a[0].copy()
    for k in range(1, len(a)):
        x += 2.0 * a[k]
        s = np.sum(x * a[k])
        x += s * a[k]
        y += x * s
        total += s
    return total * np.sum(y * x)


def what_is_added_changes(q, a):
    x, w = q.copy(), a[0].copy()
    for k in range(1, len(a)):
        x += 2.0 * w
        s = np.sum(w * a[k])
        w *= s
        x += s * a[k] + w
    return np.sum(x * w)


def read_between(q, a):
    x = q.copy()
    for k in range(1, len(a)):
        x += 2.0 * a[k]
        s = np.sum(x * a[k])
        t = np.max(x)
        x += s * a[k] + t
    return np.sum(x * x)


def moved_places(q, a):
    x, w = q.copy(), a[0].copy()
    for k in range(1, len(a)):
        x[1:] += 2.0 * w[1:]
        s = np.sin(np.sum(x * a[k]))
        x[:-1] += s * w[:-1]
        x[1:] += s * w[:-1]
        w[1:] += s * w[:-1]
    return np.sum(x * w)


def number_changes(q, a):
    x, s = q.copy(), 1.0
    for k in range(1, len(a)):
        x += s * a[k]
        s = np.sum(np.sin(x) * a[k])
        x += s * a[k]
    return np.sum(x * x)


def more_places(q, a):
    x, w = q.copy(), a[0].copy()
    for k in range(1, len(a)):
        x[:5] += 2.0 * w[:5]
        s = np.sin(np.sum(w[:5] * a[k, :5]))
        x += s * w
        w = w * 0.9
    return np.sum(x * w)


def other_places(q, a):
    x, w = q.copy(), a[0].copy()
    for k in range(1, len(a)):
        x[1:] += 2.0 * w[1:]
        s = np.sin(np.sum(w[1:] * a[k, 1:]))
        x[:-1] += s * w[1:]
        w[1:] += s * a[k, 1:]
    return np.sum(x * w)


def what_is_added_is_turned(q, a):
    x, w = q.copy(), a[0].copy()
    for k in range(1, len(a)):
        x += 2.0 * w
        s = np.sin(np.sum(w * a[k]))
        w[:] = w[::-1] * s
        x += s * a[k] * w
    return np.sum(x * w)


def in_two_steps(q, a):
    x, w = q.copy(), a[0].copy()
    for k in range(1, len(a)):
        r = w * 2.0
        r += a[k]
        r -= w * a[k]
        x += r
        s = 0.1 * np.sin(np.sum(w * a[k]))
        x += s * a[k] * w
        w += s * a[k]
    return np.sum(x * w)


def places_become_fewer(q, a):
    x, w, n = q.copy(), a[0].copy(), len(q)
    for k in range(1, len(a)):
        x[:n] += 2.0 * w[:n]
        s = np.sin(np.sum(w[:n] * a[k, :n]))
        if s > 0.1 and n > 2:
            n = n - 1
        x[:n] += s * w[:n]
        w[:n] += s * a[k, :n]
    return np.sum(x * w)


PROGRAMS = [
    without_its_part, two_updates, what_is_added_changes, read_between, moved_places,
    number_changes, more_places, other_places, what_is_added_is_turned, in_two_steps,
    places_become_fewer,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_results_and_gradients(f, rng):
    q, a = 0.4 * rng.normal(size=7), 0.4 * rng.normal(size=(20, 7))
    by_numba, by_numpy = (cr.compile(f, backend=b) for b in ("numba", "numpy"))
    np.testing.assert_allclose(by_numba(q, a), f(q, a), rtol=1e-12)
    found, expected = (cr.grad(p, argnums=(0, 1))(q, a) for p in (by_numba, by_numpy))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-12)


def test_an_inner_product_leaves_alone_what_is_added_later(rng):
    gradient = cr.grad(cr.compile(without_its_part, backend="numba"), argnums=(0, 1))
    gradient(rng.normal(size=7), rng.normal(size=(20, 7)))
    kernel = gradient.explain().rpartition("# ----")[2]
    assert re.search(r"q_ct\[(\w+)\] \+= -a_ct\[.*\n.* q_ct\[\1\] \+= ", kernel)


def saved_on_a_stack(q, a):
    """What is added is computed from values that lie on a stack, in a sweep of its own."""
    w, v = q.copy(), np.zeros_like(q)
    for k in range(len(a)):
        s = np.dot(w, a[k])
        v += w * w * s
        w = w * np.sin(a[k])
    return np.sum(v * v) + np.sum(w)


def test_saved_values_on_a_stack(rng):
    q, a = 0.4 * rng.normal(size=7), 0.4 * rng.normal(size=(20, 7))
    (y, back), (_, other) = (
        cr.vjp(cr.compile(saved_on_a_stack, backend=b), q, a) for b in ("numba", "numpy")
    )
    for x, z in zip(back(y), other(y), strict=True):
        np.testing.assert_allclose(x, z, rtol=1e-11, atol=1e-12)
