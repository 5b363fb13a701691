"""Where a sweep sets places to zero and adds to them again, they are written once."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")


def in_turn(a, n):
    """Two arrays, each computed from the other one."""
    a = a.copy()
    b = a.copy()
    for _ in range(n):
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1])
        a[1:-1, 1:-1] = 0.3 * (b[1:-1, 1:-1] + b[:-2, 1:-1] + b[1:-1, 2:] - b[2:, 1:-1])
    return np.sum(a * a)


def both_count(a, n):
    """The second array has a cotangent when the sweep begins."""
    a = a.copy()
    b = 2 * a
    for _ in range(n):
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1])
        a[1:-1, 1:-1] = 0.3 * (b[1:-1, 1:-1] + b[:-2, 1:-1] + b[1:-1, 2:] - b[2:, 1:-1])
    return np.sum(a * a * b)


def another_part(a, n):
    """More is overwritten than the terms of one row reach, and less."""
    a = a.copy()
    b = a.copy()
    for k in range(n):
        b[1:-1] = 0.2 * (a[1:-1] + a[:-2] + a[2:]) * a[1:-1]
        a[1:-1, 2:-1] = 0.3 * (b[1:-1, 1:-2] + b[:-2, 2:-1] + b[1:-1, 3:] + k * b[2:, 1:-2])
    return np.sum(a * a)


def until_it_is_small(a, n):
    a = a.copy()
    b = a.copy()
    for _ in range(n):
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1])
        a[1:-1, 1:-1] = 0.3 * (b[1:-1, 1:-1] + b[:-2, 1:-1] + b[1:-1, 2:] - b[2:, 1:-1])
        if np.sum(a * a) < 0.5:
            break
    return np.sum(a * a)


def along_rows(a, n):
    a = a.copy()
    b = a.copy()
    for k in range(n):
        for i in range(a.shape[0]):
            b[i, 1:-1] = 0.4 * (a[i, 1:-1] - a[i, :-2] + k * a[i, 2:])
            a[i, 1:-1] = 0.5 * (b[i, 1:-1] - b[i, :-2] + b[i, 2:])
    return np.sum(a * a)


def in_three_dimensions(a, n):
    i = slice(1, -1)
    a = np.stack([a, 2 * a, a * a, 1 - a, a, 3 + a])
    b = a.copy()
    for _ in range(n):
        b[i, i, i] = 0.2 * (a[i, i, i] + a[2:, i, i] + a[:-2, i, i] + a[i, 2:, i] + a[i, i, :-2])
        a[i, i, i] = 0.2 * (b[i, i, i] - b[2:, i, i] + b[:-2, i, i] + b[i, :-2, i] + b[i, i, 2:])
    return np.sum(a * a)


def from_a_copy(a, n):
    a = a.copy()
    for _ in range(n):
        u = a.copy()
        a[1:-1, 1:-1] = u[1:-1, 1:-1] * (0.3 * u[1:-1, :-2] - u[:-2, 1:-1]) + 0.2 * u[2:, 1:-1]
        a[0, :] = a[:, -1].sum()
    return np.sum(a * a)


def by_differences(a, n):
    out = np.zeros_like(a)
    for k in range(n):
        d = a[1:, 1:-1] - a[:-1, 1:-1] * a[1:, 1:-1]
        e = d[1:] * d[:-1]
        out[1:-1, 1:-1] += e[:, :] * k
        out[1:-1, 2:] -= d[1:, :] ** 2
    return np.sum(out * a)


def sets_after_all(a, n):
    """What is zeroed inside is added to where it is larger, and read before."""
    b = 2 * a
    for k in range(n):
        c = np.zeros_like(a)
        c[1:-1, 1:-1] = a[1:-1, 1:-1] * b[1:-1, 1:-1]
        b += c * c + k
        c[:-1, 1:] = b[:-1, 1:]
        b[1:, 1:] *= 0.5 * c[1:, 1:] * c[:-1, :-1]
    return np.sum(b * b)


PROGRAMS = [
    in_turn, both_count, another_part, until_it_is_small, along_rows, in_three_dimensions,
    from_a_copy, by_differences, sets_after_all,
]  # fmt: skip
COMPILED = {f: cr.compile(f, backend="numba") for f in PROGRAMS}


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6, 9, 20])
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_same_cotangents(f, size):
    a = np.random.default_rng(size).uniform(-1, 1, (size, size + 1))
    for n in (0, 1, 3):
        expected = cr.grad(cr.compile(f, backend="numpy"))(a, n)
        found = cr.grad(COMPILED[f])(a, n)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


def sweep(f):
    gradient = cr.grad(COMPILED[f])
    gradient(np.ones((20, 21)), 3)
    text = gradient.explain().split("# ----")[-1]
    return text[text.index("count as zero") :]


def test_no_loops_of_zeros_in_a_sweep():
    lines = sweep(in_turn).splitlines()
    zeros = [len(line) - len(line.lstrip("# ")) for line in lines if line.endswith("= 0.0")]
    outside = [indent for indent in zeros if indent < 20]
    assert len(zeros) == 3
    assert len(outside) == 1  # after the last iteration
    assert "b_ct[i" in sweep(both_count)


def test_only_the_border_is_zeroed_and_added_to():
    text = sweep(from_a_copy)
    places = r"\[\w+, rt.u\(\w+ \+ 1\)\]"
    assert re.search(rf"  a_ct{places} = 0.0 \+ u_ct{places}", text)
    filled = re.findall(r"\n# +(u_ct\[.*\]) = 0.0", text.replace("    #", "#"))
    assert len(filled) == 3  # to the left, to the right, rows at the ends
    assert not re.search(r"a_ct\[rt.u\(\w+ \+ 1\), rt.u\(\w+ \+ 1\)\] = 0.0", text)


def signs_of_sums_set(a, n):
    out = np.zeros_like(a)
    out[1:-1, 1:-1] = 0.0
    out += -0.0 * a
    return np.copysign(a, out)


def signs_of_sums_gathered(a, n):
    out = np.ones_like(a)
    out[1:-1, 1:-1] = 0.0
    out[1:-1, 1:-1] -= 0.0 * a[1:-1, 1:-1]
    out[:-2, 1:-1] -= 0.0 * a[:-2, 1:-1]
    out[1:-1, 2:] -= 0.0 * a[1:-1, 2:]
    out[1:-1, :-2] -= 0.0 * a[1:-1, :-2]
    return np.copysign(a, out)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", [signs_of_sums_set, signs_of_sums_gathered])
def test_zeros_that_are_added_to_have_their_sign(f, dtype):
    a = np.random.default_rng(1).uniform(0.1, 1, (6, 7)).astype(dtype)
    np.testing.assert_array_equal(cr.compile(f, backend="numba")(a, 1), f(a, 1))


# -------------------------------------------------------- zeros that have to be written after all


def subtracted(c, b):
    c[1:-1, 1:-1] = 0.0
    c -= b


def added_to_a_part(c, b):
    c[2:, 1:3] = 0.0
    c[:-1] += b[:-1]


def ones(c, b):
    c[1:-1, 1:-1] = 1.0
    c += b


def in_another_shape(c, b):
    c[1:-1, 1:-1] = 0.0
    v = c.reshape(b.shape[::-1])
    v += b.T


def set_in_another_shape(c, b):
    c[1:-1, 1:-1] = 0.0
    v = c.reshape(b.shape[::-1])
    v[1:-1, 1:-1] = b.T[1:-1, 1:-1]


def other_rows(c, b):
    d = np.stack([c, c * b])
    d[0, 1:-1, 1:-1] = 0.0
    d[1] += b
    c[:] = d[0] * d[1]


def read_by_what_follows(c, b):
    c[1:-1, 1:-1] = 0.0
    c[:] = c * b + 1.0


def read_inside(c, b):
    c[:] = 0.0
    c[1:-1, 1:-1] = c[1:-1, 1:-1] * b[1:-1, 1:-1] + 1.0


def read_before_it(c, b):
    c[1:-1, 1:-1] = 0.0
    s = np.sum(c)
    c[1:-1, 1:-1] = b[1:-1, 1:-1] * s


def beyond_what_follows(c, b):
    c[2:, 2:] = 0.0
    c[1:-1, 1:-1] = b[1:-1, 1:-1]


def changed_by_another_name(c, b):
    v = c.reshape(-1)
    c[1:-1, 1:-1] = 0.0
    v[v.size // 2] = 5.0
    c += b


def changed_by_its_owner(c, b):
    d = c.reshape(-1) * 1.0
    v = d.reshape(b.shape)
    v[1:-1, 1:-1] = 0.0
    d[d.size // 2] = 5.0
    v += b
    c[:] = v


AFTER_ALL = [
    subtracted, added_to_a_part, ones, in_another_shape, other_rows, read_by_what_follows,
    read_before_it, beyond_what_follows, changed_by_another_name, changed_by_its_owner,
    set_in_another_shape, read_inside,
]  # fmt: skip


@pytest.mark.parametrize("change", AFTER_ALL, ids=lambda f: f.__name__)
def test_zeros_count_where_more_is_done_with_them(change):
    def f(a, b):
        c = a.copy()
        change(c, b)
        return np.sum(c * c * a)

    by_numba, by_numpy = (cr.compile(f, backend=b) for b in ("numba", "numpy"))
    for size in (1, 2, 3, 6):
        a, b = np.random.default_rng(size).uniform(0.1, 1, (2, size, size + 1))
        np.testing.assert_allclose(by_numba(a, b), f(a, b), rtol=1e-12)
        found, expected = (cr.grad(p, argnums=(0, 1))(a, b) for p in (by_numba, by_numpy))
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-13)
