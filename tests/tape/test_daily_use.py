"""A traced value in daily use: it prints, compares, iterates and copies as an array does."""

import copy
import datetime

import numpy as np
import pytest

import chainrule as cr
from derivatives import check

X = np.array([0.7, -1.3, 0.4, 1.9])
M = np.array([[0.5, -1.2, 0.9], [1.4, 0.3, -0.7]])


def seen(look, x=X):
    """What ``look`` returns for a traced value, in forward, reverse and nested traces."""
    results = []

    def f(t):
        results.append(look(t * 1.0))
        return t

    ones = np.ones_like(x)
    cr.vjp(f, x)
    cr.jvp(f, (x,), (ones,))
    cr.vjp(lambda t: cr.jvp(f, (t,), (ones,))[1], x)
    cr.jvp(lambda t: cr.vjp(f, t)[0], (x,), (ones,))
    assert len(results) == 4
    return results


# -- showing ---------------------------------------------------------------------------------------


def test_repr_shows_the_numbers_and_that_it_is_traced():
    for text in seen(repr):
        assert "0.7" in text
        assert "1.9" in text
        assert text != repr(X)


def test_repr_of_a_large_array_is_short():
    for text in seen(repr, np.linspace(0, 1, 100_000)):
        assert len(text) < 500


@pytest.mark.parametrize(
    "show",
    [
        str,
        lambda x: f"{x}",
        lambda x: f"{x[0]:.3f}",
        lambda x: f"{x[1]:+8.2e}|{x[2]:>10}",
        lambda x: f"{x.sum():.2f}",
        lambda x: f"{x[0]:g}",
        lambda x: "{:.1f}".format(x[3]),  # noqa: UP032
        lambda x: "%s" % x,  # noqa: UP031
        lambda x: np.array2string(x, precision=2),
        lambda x: format(x[0], ".1%"),
    ],
)
def test_formats_show_the_numbers_as_numpy_does(show):
    assert seen(show) == [show(X)] * 4


def test_a_store_shows_at_once():
    def look(x):
        v = x[:2]
        x[0] = 5.0
        v[1] = 7.0
        return str(x), str(v)

    assert seen(look) == [("[5.  7.  0.4 1.9]", "[5. 7.]")] * 4


def test_a_format_that_numpy_refuses():
    with pytest.raises(TypeError):
        format(X, ".2f")

    def f(x):
        with pytest.raises(TypeError):
            format(x, ".2f")
        return x

    cr.vjp(f, X)


# -- comparing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "compare",
    [
        lambda x: x > 0,
        lambda x: x <= 0.5,
        lambda x: x == x[0],
        lambda x: x != X,
        lambda x: x < x[::-1],
        lambda x: x <= np.float64(0.4),
        lambda x: np.greater(x, 0.5),
        np.isfinite,
        np.signbit,
        lambda x: np.logical_and(x > 0, x),
        np.logical_not,
        lambda x: np.isclose(x, 0.7),
        lambda x: (x > 0) & (x < 1),
        lambda x: ~(x > 0),
        np.argsort,
        lambda x: np.nonzero(x > 0)[0],
        lambda x: np.argwhere(x > 0.5),
        lambda x: np.searchsorted(np.array([0.0, 1.0]), x),
        lambda x: np.digitize(x, np.array([0.0, 1.0])),
        lambda x: x.argmax(),
        lambda x: x.argmin(),
        lambda x: np.count_nonzero(x > 0),
        lambda x: (x > 1).any(),
        lambda x: x.any(),
        lambda x: x.all(),
        lambda x: x.astype(int),
        lambda x: x.astype(bool),
        np.shape,
        lambda x: (x.ndim, x.size, x.itemsize, x.nbytes, len(x)),
        lambda x: x.dtype,
        lambda x: np.ones(x.shape) * x.size,
    ],
)
def test_what_has_no_derivative_is_plain(compare):
    expected = compare(X)
    for found in seen(compare):
        assert type(found) is type(expected)
        np.testing.assert_array_equal(found, expected)


def test_comparisons_of_scalars_branch():
    def f(x):
        total = x[0] * 0
        for v in x:
            if v > 1:
                total += v**2
            elif v < 0:
                total -= v**3
            else:
                total += np.sin(v)
        return total * x

    check(f, X)


def test_bool_and_truth():
    assert (
        seen(lambda x: (bool(x[0]), bool(x[0] * 0), not x[1], bool(x[:1])))
        == [(True, False, False, True)] * 4
    )

    def f(x):
        with pytest.raises(ValueError, match="ambiguous"):
            bool(x)
        with pytest.raises(ValueError, match="ambiguous"):
            assert x == x
        return x

    cr.vjp(f, X)
    cr.jvp(f, (X,), (X,))


def test_membership_min_max_sorted():
    assert seen(lambda x: (0.4 in x, 0.5 in x)) == [(True, False)] * 4
    check(lambda x: max(x) * min(x) * x, X)
    check(lambda x: sorted(x)[1] * x, X)
    check(lambda x: max(x[0], 0.1) * x, X)


def test_equality_with_other_things():
    assert all(found is False or not np.any(found) for found in seen(lambda x: x[0] == None))  # noqa: E711
    assert all(found is False or not np.any(found) for found in seen(lambda x: x[0] == "text"))


def test_traced_values_are_not_hashable_as_arrays_are():
    def look(x):
        with pytest.raises(TypeError, match="hash"):
            hash(x)
        return True

    assert seen(look) == [True] * 4


# -- iterating -------------------------------------------------------------------------------------


def test_iteration_and_unpacking():
    def f(m):
        (a, b, c), second = m
        first, *rest = m[0]
        total = a * b + c * second[0] + first * rest[1]
        for i, row in enumerate(m):
            for v, w in zip(row, reversed(list(row)), strict=True):
                total = total + (i + 1) * v * w
        return total * m

    check(f, M)


def test_builtins_over_elements():
    check(lambda x: sum(x) * x, X)
    check(lambda x: sum(v**2 for v in x) * np.stack([x[i] for i in (2, 0)]), X)
    check(lambda x: np.stack(list(map(np.sin, x))) * x, X)
    check(lambda x: np.concatenate([row * i for i, row in enumerate(x.reshape(2, 2))]), X)
    check(lambda x: sum(x[i] * x[-i] for i in range(len(x))) * x, X)
    check(lambda x: abs(x) * divmod(x, 0.6)[1] + (-x) ** 2 - (+x), X)
    check(lambda x: x // 0.3 * x + round(x[0], 1) * x, X)


def test_len_and_iteration_of_a_scalar():
    def f(x):
        with pytest.raises(TypeError):
            len(x[0])
        with pytest.raises(TypeError):
            list(x[0])
        return x

    cr.vjp(f, X)
    cr.jvp(f, (X,), (X,))


# -- copying, items, methods -----------------------------------------------------------------------


def test_copies_are_independent():
    def f(x):
        parts = [x.copy(), copy.copy(x), copy.deepcopy(x), np.copy(x), np.array([0.0]) + x[:]]
        nested = copy.deepcopy({"a": [x, x]})
        for i, part in enumerate(parts):
            part[i % 4] *= 3
        nested["a"][0][0] = 10.0
        return sum(parts) * nested["a"][1] * x

    check(lambda x: f(x) if not isinstance(x, np.ndarray) else f(x.copy()), X)


def test_item():
    check(lambda x: x.item(2) * x[1].item() * x, X)
    check(lambda m: m.item(4) * m.item((0, 1)) * m.item(1, 2) * m, M)
    check(lambda x: x.sum().item() * x, X)
    for n in seen(lambda x: np.argmax(x).item() + (x > 0).sum().item()):
        assert type(n) is int

    def f(x):
        with pytest.raises(ValueError, match=r"size|one element"):
            x.item()
        with pytest.raises(IndexError):
            x.item(9)
        return x

    cr.vjp(f, X)


def test_tolist_gives_what_can_be_computed_with():
    check(lambda m: m.tolist()[1][2] * m + m[0].tolist()[0], M)
    check(lambda m: np.stack([np.stack(row) for row in (m * m).tolist()]), M)


METHODS = {
    "sum": lambda m: m.sum() * m.sum(axis=0) + m.sum(1, keepdims=True),
    "prod": lambda m: m.prod(axis=1),
    "mean": lambda m: m.mean() + m.mean(axis=-1),
    "var": lambda m: m.var() + m.std(axis=0, ddof=1) if m.shape[0] > 1 else m,
    "max": lambda m: m.max(axis=0) * m.min(),
    "cumsum": lambda m: m.cumsum() * m.cumsum(axis=0).ravel(),
    "cumprod": lambda m: m.cumprod(axis=1),
    "clip": lambda m: m.clip(-0.6, 0.8),
    "clip by keyword": lambda m: m.clip(max=0.8),
    "round": lambda m: m.round(1) * m,
    "ravel": lambda m: m.ravel() * m.flatten() * m.ravel("F"),
    "reshape": lambda m: m.reshape(3, 2) * m.reshape((3, -1)) + m.reshape(-1)[0],
    "reshape order": lambda m: m.reshape((3, 2), order="F") ** 2,
    "squeeze": lambda m: m[:1].squeeze() * m[:, :1].squeeze(axis=1)[0],
    "swapaxes": lambda m: m.swapaxes(0, 1) @ m,
    "transpose": lambda m: m.transpose() @ m + m.T @ m.transpose(0, 1) + m.transpose((1, 0)) @ m,
    "mT": lambda m: m.mT @ m,
    "diagonal": lambda m: m.diagonal() * m.trace() + m.trace(1),
    "repeat": lambda m: m.repeat(2, axis=1) ** 2,
    "take": lambda m: m.take([0, 0, 5]) ** 2,
    "compress flat": lambda m: m.compress([True, False, True]) ** 2,
    "compress": lambda m: m.compress([True, False, True], axis=1) ** 2,
    "dot": lambda m: m.dot(m.T).dot(m),
    "conj": lambda m: m.conj() * m.conjugate() * m.real + m.imag,
    "astype": lambda m: m.astype(float) ** 2 + m.astype(complex).real,
    "flat": lambda m: sum(m.flat) * m.flat[2],
    "argsort": lambda m: m.ravel()[m.argsort(axis=None)] ** 2,
    "nonzero": lambda m: m[(m > 0).nonzero()] ** 2,
    "choose": lambda m: np.choose([0, 1, 0], [m[0], m[1]]) ** 2,
    "iadd on copy": lambda m: m.copy().__iadd__(m) * m,
    "__array_namespace__-free": lambda m: np.add.reduce(m * m) + np.multiply.reduce(m, axis=0),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_right(name):
    check(METHODS[name], M)


def test_every_method_of_an_array_is_there_or_says_what_to_do():
    """No AttributeError for a name that ndarray has: a method, an attribute or a clear error."""
    missing = []

    def f(x):
        for name in dir(np.ndarray):
            if not name.startswith("_") and not hasattr(type(x), name):
                missing.append(name)
        return x

    cr.vjp(f, X)
    cr.jvp(f, (X,), (X,))
    allowed = {"base", "ctypes", "data", "device", "setfield", "to_device"}  # the memory itself
    assert set(missing) <= allowed


def test_unknown_attributes_are_pythons_own_error():
    """By no ``__getattr__``: with one, each of the sweep's reads of a slot is many times slower."""

    def f(x):
        assert not hasattr(type(x), "__getattr__")
        with pytest.raises(AttributeError, match="no attribute 'gradient'"):
            x.gradient  # noqa: B018
        return x

    cr.vjp(f, X)
    cr.jvp(f, (X,), (X,))


def test_sort_and_fill_in_place():
    def f(x):
        a = x * 2
        assert a.sort() is None
        b = x * 1
        b[1:3].fill(x[0])
        return a * b

    check(f, X)


def test_types_of_the_surroundings():
    today = datetime.date(2020, 1, 1)

    def f(x, options):
        assert options["when"] == today
        return np.sum(x * options["scale"])

    gradient = cr.grad(f)(X, {"when": today, "scale": 3})
    np.testing.assert_array_equal(gradient, np.full(4, 3.0))


def test_shape_attribute_arithmetic_and_zeros():
    def f(x):
        rows, columns = x.shape
        out = np.zeros((rows, columns), like=x) + np.ones_like(x) * np.zeros_like(x)
        out += np.full_like(x, 2.0) * x.size / len(x) + np.eye(rows, columns)
        return out * x

    check(f, M)


def test_it_does_not_pass_for_an_array():
    assert seen(lambda x: isinstance(x, np.ndarray)) == [False] * 4
    assert seen(callable) == [False] * 4
