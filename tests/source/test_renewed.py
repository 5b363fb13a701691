"""Arrays that are overwritten as a whole become two where their old contents are needed."""

import numpy as np
import pytest

import chainrule as cr

A = np.linspace(0.3, 1.4, 12).reshape(3, 4)
B = np.linspace(-0.5, 0.9, 4)


def softmax(a, b):
    a -= np.max(a, axis=-1, keepdims=True)
    np.exp(a, out=a)
    a /= np.sum(a, axis=-1, keepdims=True)
    return a * b


def own_array(a, b):
    t = a * b
    t[:] = np.sin(t)
    t[...] = t * t
    t *= a
    return t, np.sum(t)


def parts_change_later(a, b):
    a *= a
    a[1:] *= a[0] * b
    a *= np.sin(a)
    a[:, 0] = a[:, 1] ** 2
    return a


def loop_afterwards(a, b):
    a *= a
    for i in range(1, len(a)):
        a[i] *= a[i - 1] * b
    a *= a
    return a


def taken_from_a_variable(a, b):
    t = np.exp(a) * a
    a[...] = t
    a[0] *= b
    return a * t


NEW = [softmax, own_array, parts_change_later, loop_afterwards, taken_from_a_variable]


def seen_by_a_view(a, b):
    v = a[1:]
    a *= a
    return v * b, a


def changed_by_a_view(a, b):
    v = a[1:]
    a *= a * b
    v *= v
    return a


def view_in_a_loop(a, b):
    v, s = a.T, 0.0
    a *= a
    for i in range(3):
        s = s + v[i] * v[i]
        a *= np.sin(a)
    return s, a


def reshaped(a, b):
    t = np.zeros((3, 4))
    t += a * b
    t *= t
    flat = t.reshape(-1)
    flat[2] = 1.5
    t *= t
    return t


def two_names(a, b):
    c = a
    a *= a * b
    return a * c


def in_a_branch(a, b):
    if b[0] < 0:
        a *= a
    a *= a * b
    return a


def hands_over(a, b):
    c = a * b
    for _ in range(3):
        c *= c
        a, c = c, a
    a *= a
    return a, c


def smaller_than_it(a, b):
    a[...] = np.sin(a[0]) * b
    a += b * a
    return a


def result_of_a_function(a, b):
    def change(x):
        x *= x
        return x

    return change(a) * b + a, a


SEEN = [
    *(seen_by_a_view, changed_by_a_view, view_in_a_loop, reshaped, two_names, in_a_branch),
    *(hands_over, smaller_than_it, result_of_a_function),
]


def check(f, backend, *args):
    p = cr.compile(f, backend=backend)
    given = [x.copy(order="K") for x in args]
    found, _ = cr.vjp(p, *given)
    expected = f(*(x.copy(order="K") for x in args))
    for x, y in zip(_parts(found), _parts(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)
    for x, y in zip(given, args, strict=True):
        np.testing.assert_array_equal(x, y)
    cr.check_grads(p, args, order=2 if backend == "numpy" else 1)


def _parts(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("f", NEW + SEEN, ids=lambda f: f.__name__)
def test_derivatives(f, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    check(f, backend, A, B)
    if backend == "numpy":
        check(f, backend, np.asfortranarray(A), B)


@pytest.mark.parametrize("f", [softmax, own_array])
def test_nothing_is_saved_or_put_back(f):
    def total(a, b):
        return sum(np.sum(y) for y in _parts(f(a, b)))

    text = cr.grad(cr.compile(total, backend="numpy").specialise(A, B)).source
    assert "stack" not in text
    assert "a = a.copy()" not in text


def larger_than_it(a, b):
    total = np.sum(a**3)
    a += b
    return a * total


def test_what_does_not_fit_raises_as_in_numpy():
    one, many = A[:1], np.outer(B, B)
    with pytest.raises(ValueError, match="broadcast"):
        larger_than_it(one.copy(), many)
    with pytest.raises(ValueError, match="broadcast"):
        cr.vjp(cr.compile(larger_than_it, backend="numpy"), one, many)
