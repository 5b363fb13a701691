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


def retained(call, times):
    """Bytes still held after ``times`` calls, with the collector off; its peak over all of them."""

    def work():
        call()
        tracemalloc.start()
        try:
            for _ in range(times):
                call()
            return tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    return without_collector(work)


@pytest.mark.parametrize("made", ["outside", "for each call", "inside"])
def test_gradients_that_capture_arrays_leave_nothing(made):
    x = np.ones(40)
    kept = np.ones((40, 40))  # 12.8 kB, and as much for its fingerprint

    def f(v, w):
        return np.sum(np.tanh((w if made != "inside" else kept.copy()) @ v))

    def call():
        w = kept if made == "outside" else kept.copy()
        cr.grad(f)(x, w)

    held, peak = retained(call, 1000)
    assert held < 500_000
    assert peak < 1_000_000


LARGE = np.ones(100_000)


@cr.primitive
def cubed(x):
    return x**3


cubed.defvjp(lambda ct, y, x: ct * 3 * x**2)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(cr.checkpoint(np.sin)(x * 2)),
        lambda x: np.sum(cr.checkpoint(lambda u: (np.sin(u), np.sum(u)))(x * 2)[0]),
        lambda x: np.sum(cr.checkpoint(lambda u: cr.checkpoint(np.sin)(u) * u)(x)),
        lambda x: np.sum(cubed(x * 2)),
        lambda x: np.sum(cr.primitive(cubed.fn)(2.0) * x),
    ],
    ids=["one", "two outputs", "nested", "primitive", "fresh primitive"],
)
def test_gradients_through_checkpoints_leave_nothing(f):
    held, _ = retained(lambda: cr.grad(f)(LARGE), 20)
    assert held < LARGE.nbytes  # of the graph, none is left
    held, _ = retained(lambda: cr.jvp(f, (LARGE,), (LARGE,)), 20)
    assert held < LARGE.nbytes


def converts(x):
    y = x * 2
    return float(y[0])


def stores_then_raises(x):
    b = np.zeros_like(x)
    b[0] = x[0]
    v = b[:2]
    v *= 2
    raise ZeroDivisionError


def stores_badly(x):
    y = x * 2
    y[:] = np.ones(3)
    return np.sum(y)


def writes_to_plain(x):
    buffer = np.zeros(x.shape)
    buffer[:] = x * 2
    return np.sum(buffer)


@pytest.mark.parametrize(
    "f", [converts, stores_then_raises, stores_badly, writes_to_plain], ids=lambda f: f.__name__
)
def test_calls_that_fail_leave_no_graph(f):
    def call(transform):
        with pytest.raises((ValueError, TypeError, ZeroDivisionError)):
            transform()

    def quietly(transform):  # pytest.raises keeps the traceback, and so its frames, for a while
        try:
            transform()
        except (ValueError, TypeError, ZeroDivisionError):
            return

    for transform in (
        lambda: cr.grad(f)(LARGE),
        lambda: cr.jvp(f, (LARGE,), (LARGE,)),
        lambda: cr.jvp(cr.grad(f), (LARGE,), (LARGE,)),
    ):
        call(transform)
        held, _ = retained(lambda: quietly(transform), 20)  # noqa: B023
        assert held < LARGE.nbytes


def discards_buffers(x, n):
    for _ in range(n):
        b = np.zeros_like(x)
        b[0] = 1.0
    return np.sum(x)


def discards_views(x, n):
    for _ in range(n):
        b = np.zeros_like(x)
        v = b[1:]
        v[0] = 1.0
        b.reshape(100, -1)[0] = 2.0
    return np.sum(x)


def discards_made(x, n):
    for _ in range(n):
        b = np.zeros(x.shape, like=x)
        b[:] = 1.0
    return np.sum(x)


@pytest.mark.parametrize(
    "f", [discards_buffers, discards_views, discards_made], ids=lambda f: f.__name__
)
def test_discarded_buffers_do_not_accumulate(f):
    """While one function runs: a buffer that nothing traced was stored into dies with its name."""
    x = np.ones(10_000)
    for run in (lambda n: cr.grad(f)(x, n), lambda n: cr.jvp(lambda x: f(x, n), (x,), (x,))):
        _, few = retained(lambda: run(10), 1)  # noqa: B023
        _, many = retained(lambda: run(1000), 1)  # noqa: B023
        assert many < few + 5 * x.nbytes


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
