"""Random programs of views, stores, in-place operations and reads, against plain NumPy."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from derivatives import check

# The programs work on a pool of arrays: index 0 is x * 1.0, of shape (2, 3); views and results
# join the pool. Every step is written so that it fits whatever shapes it meets.

BASIC = [
    np.s_[0],
    np.s_[-1],
    np.s_[:1],
    np.s_[1:],
    np.s_[::-1],
    np.s_[::2],
    np.s_[..., 0],
    np.s_[..., :2],
    np.s_[..., ::-1],
    np.s_[..., None],
    np.s_[...],
    np.s_[-1:, ...],
]

VIEWS = [
    lambda a: a.T,
    lambda a: a.reshape(-1),
    np.ravel,
    lambda a: np.reshape(a, (-1, 1)),
    lambda a: np.swapaxes(a, 0, -1),
    lambda a: np.expand_dims(a, 0),
    np.squeeze,
    np.flip,
    np.atleast_2d,
    lambda a: np.moveaxis(a, 0, -1),
    lambda a: np.rot90(np.atleast_2d(a)),
    lambda a: a.reshape(-1, order="F"),
    lambda a: np.split(a, [1])[0],
]

READS = [
    np.sin,
    lambda a: a * a,
    lambda a: a + np.sum(a),
    lambda a: np.tanh(a) * 0.5,
    lambda a: a.copy(),
    lambda a: np.concatenate([a, a]),
    lambda a: np.cumsum(a) * 0.3,
    lambda a: a / (1 + a * a),
]

INDICES = [*BASIC, "mask", "fancy", "duplicates"]


def resolve(index, a):
    """The index for an array; masks and index arrays are made to fit it."""
    if index == "mask":
        return np.resize([True, False, False], a.shape)
    if index == "fancy":
        return [a.shape[0] - 1, 0] if a.shape[0] > 1 else [0]
    if index == "duplicates":
        return np.array([0, a.shape[0] - 1, 0])
    return index


def fitting(b, shape):
    """The numbers of ``b``, repeated or cut to a shape, as a value to be stored."""
    n = int(np.prod(shape))
    if b.size == 0 or n == 0:
        return np.zeros(shape)
    return np.reshape(np.resize(np.ravel(b), (n,)), shape)


def step_view(pool, i, j, k):
    a = pool[i % len(pool)]
    pool.append(VIEWS[k % len(VIEWS)](a) if j % 2 else a[BASIC[k % len(BASIC)]])


def step_read(pool, i, j, k):
    a = pool[i % len(pool)]
    if a.size <= 24:
        pool.append(READS[k % len(READS)](a))


def step_store(pool, i, j, k):
    a, b = pool[i % len(pool)], pool[j % len(pool)]
    index = resolve(INDICES[k % len(INDICES)], a)
    a[index] = fitting(b, np.zeros(a.shape)[index].shape)


def step_in_place(pool, i, j, k):
    a, b = pool[i % len(pool)], pool[j % len(pool)]
    b = fitting(b, a.shape)
    if k % 3 == 0:
        a += b
    elif k % 3 == 1:
        a *= 0.5 + 0.1 * b
    else:
        a -= 0.3 * b


def step_in_place_region(pool, i, j, k):
    a, b = pool[i % len(pool)], pool[j % len(pool)]
    index = resolve(INDICES[k % len(INDICES)], a)
    b = fitting(b, np.zeros(a.shape)[index].shape)
    if j % 2:
        a[index] += b
    else:
        a[index] *= 0.2 * b


def step_out(pool, i, j, k):
    a, b = pool[i % len(pool)], pool[j % len(pool)]
    b = fitting(b, a.shape)
    if k % 2:
        np.add(a, b, out=a)
    else:
        np.multiply(b, 0.5, out=a, where=np.resize([False, True], a.shape))


STEPS = [
    step_view,
    step_view,
    step_read,
    step_store,
    step_store,
    step_in_place,
    step_in_place_region,
    step_out,
]

step = st.tuples(
    st.integers(0, len(STEPS) - 1), st.integers(0, 7), st.integers(0, 7), st.integers(0, 38)
)


def run(program, x, order):
    """Run a program; steps that a scalar or an empty array does not allow are left out."""
    pool = [np.multiply(x, 1.0) if order == "C" else np.multiply(x, 1.0).T]
    for what, i, j, k in program:
        a, b = pool[i % len(pool)], pool[j % len(pool)]
        if a.ndim in (1, 2, 3) and a.size and b.size and (what > 1 or len(pool) < 8):
            STEPS[what](pool, i, j, k)
    parts = [np.ravel(a) for a in pool if a.size]
    return np.concatenate(parts) ** 2


X = np.array([[0.5, -0.9, 0.3], [0.8, 0.2, -0.6]])


@settings(max_examples=400)
@given(st.lists(step, min_size=2, max_size=10), st.sampled_from(["C", "F"]))
def test_random_programs(program, order):
    value = run(program, X, order)
    if np.max(np.abs(value)) < 1e3:  # beyond, the differences are no judge
        check(lambda x: run(program, x, order), X, order=1)


@settings(max_examples=200)
@given(st.lists(step, min_size=2, max_size=7), st.sampled_from(["C", "F"]))
def test_random_programs_to_second_order(program, order):
    value = run(program, X, order)
    if np.max(np.abs(value)) < 1e3:
        check(lambda x: run(program, x, order), X, order=2)
