"""What shares memory with what, and when it is freed."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import chainrule as cr

X = np.array([0.7, -1.3, 0.4, 1.9])


def stored(x, y):
    a = x + 0
    a[:2] = y[:2]
    a[...] = a + y
    return a


SHARING = {
    "sum of two": (lambda x, y: x + y, 2),
    "both the same": (lambda x, y: (x + y, y + x), 2),
    "identity": (lambda x: x, 1),
    "identity twice": (lambda x: (x, x), 1),
    "view": (lambda x: x[:], 1),
    "transpose": (lambda x: x.reshape(2, 2).T, 1),
    "reshape": (lambda x, y: (x + y).reshape(2, 2), 2),
    "broadcast": (lambda x, y: np.broadcast_to(x, (3, 4)) + y, 2),
    "sum": (lambda x, y: np.sum(x) + np.sum(y), 2),
    "stack": (lambda x, y: np.stack([x, y]), 2),
    "concatenate": (lambda x, y: np.concatenate([x, y, x]), 2),
    "where": (lambda x, y: np.where(X > 0, x, y), 2),
    "stored": (stored, 2),
    "unused": (lambda x, y: x * 2, 2),
    "real": (lambda x, y: np.real(x) + np.conj(y) + np.positive(x), 2),
    "split": (lambda x, y: tuple(np.split(x + y, 2)), 2),
    "copy": (lambda x, y: np.copy(x) + y.astype(float), 2),
    "subtract": (lambda x, y, z: (x + y) + (z + (x + y)), 3),
}


@pytest.mark.parametrize("name", SHARING)
def test_gradients_share_no_memory(name):
    f, n = SHARING[name]
    args = [X * (k + 1) for k in range(n)]
    value, pullback = cr.vjp(f, *args)
    values = value if isinstance(value, tuple) else (value,)
    seeds = tuple(np.ones(np.shape(v)) for v in values)
    seed = seeds if isinstance(value, tuple) else seeds[0]
    first, second = pullback(seed), pullback(seed)
    arrays = [*args, *seeds, *first, *second, *(v for v in values if np.ndim(v))]
    arrays = [a for a in arrays if isinstance(a, np.ndarray)]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])
    kept = [g.copy() for g in second]
    for a in (*first, *(v for v in values if np.ndim(v))):
        a[...] = 7.0  # the caller's to change
    for found, expected in zip(pullback(seed), kept, strict=True):
        np.testing.assert_array_equal(found, expected)
    for g in (*first, *second):
        assert g.flags.writeable


def test_tangents_share_no_memory():
    x, t = X.copy(), np.ones(4)
    for f in (lambda x: x, lambda x: x[:], np.real, lambda x: x + 0, np.ravel):
        y, y_dot = cr.jvp(f, (x,), (t,))
        for a, b in ((y, x), (y, t), (y_dot, x), (y_dot, t), (y, y_dot)):
            assert not np.shares_memory(a, b)
    (y, z), (y_dot, z_dot) = cr.jvp(lambda x: (x, x), (x,), (t,))
    assert not np.shares_memory(y, z)
    assert not np.shares_memory(y_dot, z_dot)


def without_collector(work):
    """Run with the cycle collector off: only reference counts free memory."""
    gc.collect()
    was = gc.isenabled()
    gc.disable()
    try:
        return work()
    finally:
        if was:
            gc.enable()


def test_the_graph_is_freed_by_reference_counts():
    def work():
        tracemalloc.start()
        try:

            def f(x):
                for _ in range(20):
                    y = np.sin(x)
                    y[:10] *= 2
                    v = y[::2]
                    v += 1
                    x = y.reshape(100, -1).T.ravel() * x
                return np.sum(x)

            x = np.linspace(0, 1, 10_000)
            gradient = cr.grad(f)
            gradient(x)
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(5):
                gradient(x)
                cr.vjp(f, x)
                cr.jvp(f, (x,), (x,))
                cr.jvp(gradient, (x,), (x,))
            return tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()

    assert without_collector(work) < 200_000  # one pass of f alone makes 3 MB


def test_what_a_pullback_holds_is_freed_with_it():
    def work():
        kept = []

        def f(x):
            c = np.arange(4.0)
            kept.append(weakref.ref(c))
            return np.sum(x * c)

        _, pullback = cr.vjp(f, X)
        assert kept[0]() is not None
        del pullback
        return kept[0]()

    assert without_collector(work) is None


def test_values_that_nobody_needs_are_freed_while_recording():
    def work():
        tracemalloc.start()
        try:

            def f(x):
                for _ in range(200):
                    x = x + 1.0  # the derivative needs no value
                    np.exp(x)  # nobody reads this one
                return np.sum(x)

            x = np.zeros(10_000)
            cr.grad(f)(x)
            tracemalloc.reset_peak()
            base = tracemalloc.get_traced_memory()[0]
            cr.jvp(f, (x,), (x,))
            return (tracemalloc.get_traced_memory()[1] - base) / x.nbytes
        finally:
            tracemalloc.stop()

    assert without_collector(work) < 20  # forward mode keeps a few arrays, not 400
