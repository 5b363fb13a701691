"""Values saved in loops whose bounds, or variables, the loops themselves change."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.native.accesses import POOL
from chainrule.source.native.code import Fresh, Make, number
from chainrule.source.native.pooling import pooled
from chainrule.source.native.slots import SAVED


def variable_is_set(a, x):
    a = a.copy()
    for i in range(len(x)):
        for k in range(3):
            k = (k * 2 + i) % 4
            a[k] = np.sin(a[k]) * x[i]
    return np.sum(a * a)


def outer_variable_is_set(a, x):
    a = a.copy()
    for i in range(len(x)):
        i = 3 - i
        a[i] = np.sin(a[i]) * x[i] * a[0]
    return np.sum(a * a)


def bound_grows(a, x):
    a = a.copy()
    n = 1
    for i in range(len(x)):
        for k in range(n):
            n = n if n > 3 else n + 1
            a[k] = np.sin(a[k]) * x[i] * a[0]
    return np.sum(a * a)


def bound_is_set_inside(a, x):
    a = a.copy()
    n = 4
    for i in range(len(x)):
        m = n - i
        for k in range(m):
            m = 1
            a[k : k + m] = np.sin(a[k : k + m]) * x[i] * a[0]
        n = 4
    return np.sum(a * a)


def bound_of_what_was(a, x):
    a = a.copy()
    for i in range(len(x) - 1):
        j = i
        p = j + 1
        j = 0
        for k in range(p):
            a[k] = np.sin(a[k]) * x[i] * a[j]
    return np.sum(a * a)


def extent_grows(a, x):
    a = a.copy()
    for i in range(3):
        p = 1
        for k in range(2):
            a[k : k + p] = np.sin(a[k : k + p]) * x[i] * a[0]
            p = p + 1
    return np.sum(a * a)


def bound_is_set_between(a, x):
    a = a.copy()
    for i in range(3):
        p = i
        for k in range(p):
            for m in range(p):
                a[m] = np.sin(a[m]) * x[i] * a[k]
            p = 1
    return np.sum(a * a)


def bound_is_the_variable(a, x):
    a = a.copy()
    for i in range(1, len(x)):
        j = i
        for k in range(j):
            j = k
            a[j] += x[k] * a[k] * a[i]
    return np.sum(a * a)


def every_second(a, x):
    a = a.copy()
    for i in range(3):
        for k in range(0, len(x), 2):
            a[k : k + 2] = np.sin(a[k : k + 2]) * x[i] * a[0]
        for k in range(1, len(x), 3):
            a[k - 1] = np.cos(a[k - 1]) * x[k] * a[3]
    return np.sum(a * a)


def every_second_down(a, x):
    a = a.copy()
    for i in range(len(x) - 1, -1, -2):
        for k in range(i, 4, 2):
            a[k] = np.sin(a[k]) * x[i] * a[i]
    return np.sum(a * a)


PROGRAMS = [
    every_second,
    every_second_down,
    variable_is_set,
    outer_variable_is_set,
    bound_grows,
    bound_is_set_inside,
    bound_of_what_was,
    extent_grows,
    bound_is_set_between,
    bound_is_the_variable,
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_machine_code_saves_what_numpy_saves(f, rng):
    args = rng.normal(size=4), rng.normal(size=4)
    v, w = rng.normal(size=4), rng.normal(size=4)
    found = []
    for backend in ("numba", "numpy"):
        p = cr.compile(f, backend=backend)
        slope = cr.compile(lambda a, x, p=p: cr.jvp(p, (a, x), (v, w))[1], backend=backend)
        found.append([*cr.grad(p, argnums=(0, 1))(*args), *cr.grad(slope, argnums=(0, 1))(*args)])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-12)


def test_loops_with_a_step_have_slots(rng):
    gradient = cr.grad(cr.compile(every_second, backend="numba"))
    gradient(rng.normal(size=4), rng.normal(size=4))
    text = gradient.explain().split("# ----")[-1]
    assert "k // 2" in text
    assert "stack" not in text


def test_memory_is_shared_out_in_the_order_of_the_program():
    dtypes = [np.float64, np.int64, np.float32, np.bool_, np.int32, np.complex128]
    block = [
        Make(f"{SAVED}{np.dtype(dtype).name}_{k}", np.dtype(dtype), (number(3),))
        for dtype in dtypes
        for k in range(2)
    ]
    made = [s for s in pooled(block, Fresh(set()), {}) if isinstance(s, Make)]
    assert [s.dtype for s in made] == dtypes
    assert [s.name for s in made] == [f"{POOL}_{k}" for k in range(1, 7)]
