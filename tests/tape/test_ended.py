"""Traced values that outlive the call that made them: refused, and shown as what they are."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import TraceError

X = np.array([3.0, 4.0])


def leaked(transform, which):
    """Return a traced value that a call has left behind."""
    kept = {}

    def f(x):
        a = x * 2
        a += x
        b = x * 3
        b[0] = 5.0
        c = np.zeros_like(x)
        c[0] = x[0]
        kept.update(assigned=a, stored=b, view=b[:1], reshaped=b.reshape(1, 2))
        kept.update(buffer=c, part=c[:1], record=x * 2, argument=x, scalar=c[0])
        return np.sum(a) + np.sum(b) + np.sum(c)

    transform(f)
    return kept[which]


TRANSFORMS = {
    "grad": lambda f: cr.grad(f)(X),
    "vjp": lambda f: cr.vjp(f, X),
    "linearize": lambda f: cr.linearize(f, X),
    "jvp": lambda f: cr.jvp(f, (X,), (X,)),
    "hessian": lambda f: cr.hessian(f)(X),
    "checkpoint": lambda f: cr.grad(cr.checkpoint(f))(X),
}
OF_A_TAPE = ["grad", "vjp", "linearize", "checkpoint"]
STORED = {"assigned": 3 * X, "stored": [5, 12], "view": [5], "reshaped": [[5, 12]]}
OTHERS = {"buffer": [3, 0], "part": [3], "record": 2 * X, "argument": X, "scalar": 3}


def add(x):
    return x + 1


def subtract_from(x):
    return 1 - x


def reduce(x):
    return np.sum(x)


def index(x):
    return x[0]


def store(x):
    x[0] = 1.0


def in_place(x):
    x *= 2


def join(x):
    return np.concatenate([x, x], axis=-1)


def ravel(x):
    return x.ravel()


USES = [add, subtract_from, reduce, index, store, in_place, join, ravel]


@pytest.mark.parametrize("use", USES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("which", STORED)
@pytest.mark.parametrize("transform", OF_A_TAPE)
def test_an_array_stored_into_is_refused_after_the_call(transform, which, use):
    with pytest.raises(TraceError, match="ended"):
        use(leaked(TRANSFORMS[transform], which))


@pytest.mark.parametrize("which", [*STORED, *OTHERS])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_leaked_value_has_its_last_numbers_or_none(transform, which):
    """What is not refused shows the numbers that it had as the call ended, never older ones."""
    expected = np.asarray({**STORED, **OTHERS}[which], dtype=float)
    uses = (lambda x: x + 0, lambda x: x[...], lambda x: x[:1], lambda x: x[0], np.sum, np.copy)
    for use in uses:
        try:
            found = cr.stop_gradient(use(leaked(TRANSFORMS[transform], which)))
            wanted = use(expected)
        except (TraceError, IndexError):
            continue
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("which", [*STORED, *OTHERS])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_leaked_value_within_another_derivative(transform, which):
    """Whatever it is: no derivative comes back that depends on it."""
    old = leaked(TRANSFORMS[transform], which)
    for run in (
        lambda: cr.grad(lambda z: np.sum(z * old))(2.0),
        lambda: cr.grad(lambda z: np.sum(old))(2.0),
        lambda: cr.vjp(lambda z: (z, np.sum(old)), 2.0),
        lambda: cr.jvp(lambda z: np.sum(z * old), (2.0,), (1.0,)),
        lambda: cr.jvp(lambda z: np.sum(old), (2.0,), (1.0,)),
        lambda: cr.jvp(lambda z: old, (2.0,), (1.0,)),
        lambda: cr.jvp(lambda z: (z, {"kept": old}), (2.0,), (1.0,)),
        lambda: cr.linearize(lambda z: z * old, 2.0),
        lambda: cr.linearize(lambda z: old, 2.0),
        lambda: cr.jacfwd(lambda z: z * old)(2.0),
        lambda: cr.jacrev(lambda z: z * old)(2.0),
    ):
        with pytest.raises(TraceError, match="ended"):
            run()


@pytest.mark.parametrize("which", [*STORED, *OTHERS])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_leaked_value_can_be_shown(transform, which):
    old = leaked(TRANSFORMS[transform], which)
    assert repr(old).startswith("Traced(")
    assert repr([old]) == f"[{old!r}]"
    if transform in OF_A_TAPE and which in STORED:
        assert "ended" in repr(old)


@pytest.mark.parametrize("mode", ["jvp", "grad"])
def test_an_inner_value_that_leaks_into_the_outer_function(mode):
    """It belongs to an inner call that has ended: the outer derivative may not use it."""

    def outer(a):
        kept = []

        def inner(x):
            kept.append(x * a)
            return np.sum(x * a)

        cr.grad(inner)(X)
        return np.sum(kept[0] * a)

    with pytest.raises(TraceError, match="ended"):
        if mode == "grad":
            cr.grad(outer)(2.0)
        else:
            cr.jvp(outer, (2.0,), (1.0,))


def test_a_stopped_copy_may_be_kept():
    kept = []

    def f(x):
        b = np.zeros_like(x)
        b[:] = x * x
        kept.append(cr.stop_gradient(b))
        return np.sum(b)

    cr.grad(f)(X)
    np.testing.assert_array_equal(kept[0] + 1, X * X + 1)
