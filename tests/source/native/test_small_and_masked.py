"""Small arrays as numbers, axes of few places, and masks: where they may stand for arrays."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.native.kernel import Native

# ------------------------------------------------------------------------------- small arrays


def norms(x, w):
    total = 0.0
    for i in range(len(x)):
        d = x[i] * w
        total += np.sqrt(np.sum(d * d)) + d[0]
    return total


def rotated_back(x, w):
    """A name that holds another array while that one is changed."""
    total = 0.0
    for i in range(len(x)):
        a = x[i] * w
        b = a
        b += 1.0
        total += np.sum(a * a)
    return total


def swapped(x, w):
    old, new = w * 1.0, w * 2.0
    for i in range(len(x)):
        new = old * x[i] + new
        old, new = new, old
    return np.sum(old * old) + np.sum(new)


def chosen(x, w):
    total = 0.0
    for i in range(len(x)):
        d = np.cross(x[i], w)
        if d[0] > 0:
            d = d / 2.0
        else:
            d[1] = x[i, 0]
        total += np.dot(d, d)
    return total


def transformed(x, w):
    m = np.eye(3)
    for i in range(3):
        m[i, (i + 1) % 3] = w[i]
    y = x @ m.T
    for i in range(len(y)):
        y[i] = m @ y[i]
    return np.sum(y * y)


def written_by_hand(x, w):
    total = 0.0
    for i in range(len(x)):
        r = np.zeros(3)
        for j in range(3):
            for k in range(3):
                r[j] += x[i, k] * w[j] * (j + k)
        for j in range(2, -1, -1):
            total += r[j] * r[j] * j
    return total


def at_a_computed_place(x, w):
    total = 0.0
    for i in range(len(x)):
        d = x[i] * w
        d[i % 3] = 0.0
        total += np.sum(d * d)
    return total


def orbit(x, w):
    y, v = x[0].copy(), w.copy()
    for _ in range(5):
        k = -y / (np.sum(y * y) ** 1.5 + 1.0)
        v = v + 0.1 * k
        y = y + 0.1 * v
    return np.sum(y * v)


SMALL = [
    norms,
    rotated_back,
    swapped,
    chosen,
    transformed,
    written_by_hand,
    at_a_computed_place,
    orbit,
]


def agree(f, *args, argnums):
    """Compare machine code with NumPy: the value, the gradient, and a Hessian times a vector."""
    native, plain = (cr.compile(f, backend=backend) for backend in ("numba", "numpy"))
    np.testing.assert_allclose(native(*args), f(*args), rtol=1e-13)
    ours, expected = (cr.grad(p, argnums=argnums)(*args) for p in (native, plain))
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
    rest, k = args[1:], argnums[0]
    assert k == 0
    products = [
        cr.hvp(lambda x, p=p: p(x, *rest), (args[0],), (np.cos(args[0]),)) for p in (native, plain)
    ]
    np.testing.assert_allclose(*products, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("f", SMALL, ids=lambda f: f.__name__)
def test_small_arrays(f, rng):
    agree(f, rng.normal(size=(6, 3)), rng.normal(size=3), argnums=(0, 1))


def test_small_arrays_need_no_memory(rng):
    p = cr.compile(norms, backend="numba")
    p(rng.normal(size=(6, 3)), rng.normal(size=3))
    assert "rt.empty" not in p.explain().rpartition("# ----")[2]


@pytest.mark.parametrize("backs", [False, True])
def test_axes_of_few_places_may_have_others(rng, backs):
    """Also where the sweeps forward and back are two programs."""
    p = cr.compile(norms, backend="numba")
    for n in (3, 3, 2, 5, 3):
        x, w = rng.normal(size=(6, n)), rng.normal(size=n)
        expected = cr.grad(cr.compile(norms, backend="numpy"), argnums=(0, 1))(x, w)
        found = cr.vjp(p, x, w)[1](1.0) if backs else cr.grad(p, argnums=(0, 1))(x, w)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        np.testing.assert_allclose(p(x, w), norms(x, w), rtol=1e-13)


def test_other_sizes_are_noticed_before_an_effect(capsys):
    @cr.compile(backend="numba")
    def shown(x):
        print("once")
        return np.sum(x * x)

    for n in (3, 2, 4):
        assert shown(np.ones(n)) == n
    assert capsys.readouterr().out == "once\n" * 3


# -------------------------------------------------------------------------------------- masks


def where_positive(x, y):
    a = x.copy()
    m = a > 0
    a[m] = np.sqrt(a[m]) * y[m] + 1.0
    a[a < -0.5] = 0.0
    v = y[m] * 2
    y = y.copy()
    y[m] += v * x[m]
    y[x < 0] *= 3.0
    return np.sum(a * a) + np.sum(y[m] * y[m]) + np.sum(a[y > 1])


def by_itself(x, y):
    a = x * x + 0.1
    a[a > 0.5] = a[a > 0.5] ** -1.5
    for _ in range(3):
        a[a < y] = a[a < y] * 0.9 + y[a < y] * 0.05
    return np.sum(a * y)


def saved_in_loops(x, y):
    """What is overwritten is saved: by two masks, in branches, in no iteration at all."""
    a = x * x + 0.1
    for k in range(4):
        m = a > 0.3 * k
        a[m] = a[m] ** -1.5 + a[m] * y[m]
        if k % 2:
            a[1][y[1] > 0.8] = np.sqrt(a[1][y[1] > 0.8])
            a[~m] = a[~m] ** 2
    for _ in range(len(x) - 5):
        a[a > 0] = np.exp(a[a > 0])
    a[y > 0.9] = np.sin(a[y > 0.9])
    return np.sum(a * y)


def mask_changes(x, y):
    """The part was taken before the mask was another one."""
    a = x.copy()
    m = a > 0
    v = a[m] * 2.0
    m[0, 0] = not m[0, 0]
    return np.sum(v * v) + np.sum(a[m])


def array_changes(x, y):
    a = x.copy()
    v = a[y > 0] * 2.0
    a[y > 0] = 1.0
    a[y > 0] += v * v
    return np.sum(a * y)


def as_a_vector(x, y):
    v = x[y > 0]
    return np.sum(np.cumsum(v) ** 2) + v[0] * len(v)


def shifted(x, y):
    a = x.copy()
    a[:-1][a[1:] > 0] *= 2.0
    a[::-1][a > 0.2] = 3.0 * y[a > 0.2]
    return np.sum(a * a * y)


def nothing_chosen(x, y):
    a = x.copy()
    a[x > 100.0] = np.log(a[x > 100.0] - 100.0)
    return np.sum(a * a) + np.sum(y[x > 100.0])


def rings(x, y):
    total = 0.0
    for i in range(4):
        m = np.logical_and(y >= 0.3 * i, y < 0.3 * i + 0.5)
        v = x[m]
        total += v.mean() ** 2 + len(v) * np.sum(v * v)
        v = v * y[m]
        total += np.sum(v**3)
    return total


def bound_in_branches(x, y):
    m = y > 0.8
    v = x[m] * 2.0
    if x[0, 0] > 0:
        v = y[m] + v
    a = x * y
    a[m] = v
    return np.sum(a * a)


def rows_by_a_mask(x, y):
    """The mask has a truth value for each row; the array is a square."""
    a = x[:5, :5] * 1.0
    for k in range(3):
        m = y[:5, k] > 0.8
        a[m] = np.sin(a[m]) * a[m]
    return np.sum(a * y[:5, :5])


def complex_numbers(x, y):
    a = x + 1j * y
    for k in range(3):
        m = np.real(a) > 0.2 * k
        a[m] = 0.3 * a[m] ** 2
    return np.sum(np.abs(a))


MASKED = [
    rows_by_a_mask,
    complex_numbers,
    rings,
    saved_in_loops,
    bound_in_branches,
    where_positive,
    by_itself,
    mask_changes,
    array_changes,
    as_a_vector,
    shifted,
    nothing_chosen,
]


@pytest.mark.parametrize("f", MASKED, ids=lambda f: f.__name__)
def test_masks(f, rng):
    agree(f, rng.normal(size=(5, 6)), rng.uniform(0.2, 1.5, size=(5, 6)), argnums=(0, 1))


def test_masked_stores_make_no_list_of_places(rng):
    gradient = cr.grad(cr.compile(where_positive, backend="numba"), argnums=(0, 1))
    gradient(rng.normal(size=(5, 6)), rng.uniform(0.2, 1.5, size=(5, 6)))
    assert "places" not in gradient.explain().rpartition("# ----")[2]


def test_masked_parts_are_saved_as_whole_arrays(rng):
    def f(x):
        for _ in range(3):
            x = x * x
            x[x > 0.5] = np.sqrt(x[x > 0.5])
        return np.sum(x)

    gradient = cr.grad(cr.compile(f, backend="numba"))
    gradient(rng.normal(size=(5, 6)))
    kernel = gradient.explain().rpartition("# ----")[2]
    assert "saved_by_f8" in kernel and "stack_f8" not in kernel and "if x" not in kernel


def test_a_mask_of_another_shape_is_an_error(rng):
    def f(x):
        x = x.copy()
        x[x[:1] > 0] = 1.0
        return np.sum(x)

    with pytest.raises(IndexError):
        cr.compile(f, backend="numba")(rng.normal(size=(3, 4)))


# ------------------------------------------------------------------- products of thin matrices


def columns(x, y):
    w = y[:, :1]
    p = (x * y) @ np.ones((6, 1)) + (x.T[:5, :5] @ w)
    q = w @ w.T
    return np.sum(p * p) + np.sum(q @ (x * x)) + np.sum((x * y).T @ w)


def bones(x, y):
    out = np.zeros((5, 3))
    m = np.eye(3)
    for b in range(4):
        m = m @ (np.eye(3) + 0.1 * np.outer(y[b, :3], y[b, 3:]))
        out += x[:, b : b + 1] * (x[:, 3:] @ m.T)
    return np.sum(out * out)


def test_small_matrices(rng):
    agree(bones, rng.normal(size=(5, 6)), rng.uniform(0.2, 1.5, size=(5, 6)), argnums=(0, 1))


def test_slices_of_one_place_need_no_second_kernel(rng):
    p = cr.compile(bones, backend="numba")
    p(rng.normal(size=(5, 6)), rng.normal(size=(5, 6)))
    assert "stride" not in p.explain().rpartition("# ----")[2]


@pytest.mark.parametrize("start", [-1, 7])
def test_slices_of_no_place_are_empty(start, rng):
    def f(x, k):
        return np.sum(x[:, k : k + 1] * 2.0) + np.sum(x)

    x = rng.normal(size=(3, 7))
    assert cr.compile(f, backend="numba")(x, start) == pytest.approx(np.sum(x), rel=1e-13)


def test_products_with_a_column(rng):
    agree(columns, rng.normal(size=(5, 6)), rng.uniform(0.2, 1.5, size=(5, 6)), argnums=(0, 1))


def test_arrays_that_are_called_like_stacks(rng):
    def f(x, y):
        stack_f8 = x.copy()
        for i in range(1, len(x)):
            stack_f8[i] = stack_f8[i - 1] * y[i]
            stack_f8[0] += stack_f8[i] * x[i]
        return np.sum(stack_f8 * y)

    agree(f, rng.normal(size=5), rng.normal(size=5), argnums=(0, 1))


@pytest.mark.parametrize("size", [(8,), (3, 4)], ids=str)
def test_places_kept_between_two_sweeps(size):
    def f(x):
        first = np.unravel_index(np.argmax(x), x.shape)
        return x[np.nonzero(x < 0.7)] ** 2 * x[first]

    x = np.random.default_rng(0).uniform(0.3, 1.3, size)
    (y, back), (_, other) = (cr.vjp(cr.compile(f, backend=b), x) for b in ("numba", "numpy"))
    np.testing.assert_allclose(back(y)[0], other(y)[0])


def running_medians(x):
    total = np.zeros(len(x) - 2)
    for i in range(len(total)):
        total[i] = np.median(x[i : i + 3]) * x[i]
    return total


def windows_of_a_reshaped_array(x):
    """Its reverse adds up at places that are known, many of them more than once."""
    windows = np.lib.stride_tricks.sliding_window_view(x.reshape(3, 4), (2, 2))
    return np.einsum("ijkl,kl->ij", windows, np.array([[1.0, 0.5], [2.0, -1.0]]))


def windows_and_parts(x):
    a = np.outer(x, x)[:5]
    windows = np.lib.stride_tricks.sliding_window_view(a, (2, 2))
    return np.einsum("ijkl,kl->ij", windows, a[:2, 1:3])


@pytest.mark.parametrize(
    "f", [running_medians, windows_of_a_reshaped_array, windows_and_parts], ids=lambda f: f.__name__
)
def test_derivatives_of_parts_that_overlap(f):
    x = np.random.default_rng(0).uniform(0.3, 1.3, 12)
    cr.check_grads(cr.compile(f, backend="numba"), (x,), order=2)


def sums_between_places_of_a_list(x):
    return np.add.reduceat(x, [0, 2, 5]) + np.searchsorted([0.4, 0.9], x[:3]) * x[1]


def operands_of_one_branch(x):
    """What is saved in the branch has the name of an array of other axes that nobody reads."""
    a = x.reshape(2, 2, 3) * 1.0
    np.einsum("...j->...", a.swapaxes(0, -1))
    if x[1] > 0:
        a[::2] += np.einsum("i,i->", np.squeeze(x), np.squeeze(x))
    return a


@pytest.mark.parametrize(
    "f", [sums_between_places_of_a_list, operands_of_one_branch], ids=lambda f: f.__name__
)
def test_pullbacks_as_numpy_has_them(f):
    x = np.random.default_rng(0).uniform(0.3, 1.3, 12)
    (y, back), (_, other) = (cr.vjp(cr.compile(f, backend=b), x) for b in ("numba", "numpy"))
    np.testing.assert_allclose(back(y)[0], other(y)[0])


def numbers_of_one_branch(x, k):
    if x[int(k)] > 0.8:
        s = x[0] * 2.0
        y = s * x * s
    else:
        t = np.float64(3)
        y = t * x[1:2] * x
    return y


def arrays_of_one_branch(x, k):
    y = x * x
    if x[int(k)] > 0.8:
        s = np.sin(x[1:])
        y[1:] = s * s * x[:-1]
        m = y > 0.5
        y[m] = np.cos(y[m])
    return y


@pytest.mark.parametrize("f", [numbers_of_one_branch, arrays_of_one_branch])
def test_what_only_one_branch_saves_is_handed_on(f):
    """Also where NumPy runs the forward sweep once: for the first negative index."""
    x = np.linspace(0.3, 1.3, 6)
    back = [np.ones(6), np.linspace(-1.0, 1.0, 6)]
    program, other = (cr.compile(f, backend=b) for b in ("numba", "numpy"))
    for k in (0.0, 5.0, -1.0, -6.0, 1.0, -2.0):
        pullbacks = [cr.vjp(p, x, k)[1] for p in (program, other)]
        for ct in back:
            found, expected = (pullback(ct)[0] for pullback in pullbacks)
            np.testing.assert_allclose(found, expected, rtol=1e-13)


def saved_by_numpy(x, k):
    z = x * x + x[: int(k)]
    if x[0] > 0.8:
        s = np.sin(z)
        y = s * s * (z[0] * 2.0)
    else:
        y = z * 2
    return y


def test_what_numpy_saved_in_no_branch_is_not_needed():
    """NumPy runs the forward sweep for the first part that is stretched; what is unset is None."""
    x = np.linspace(0.3, 1.3, 6)
    program, other = (cr.compile(saved_by_numpy, backend=b) for b in ("numba", "numpy"))
    for k in (6.0, 1.0, 1.0, 6.0):
        found, expected = (cr.vjp(p, x, k)[1](np.ones(6))[0] for p in (program, other))
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_an_argument_that_is_none_does_not_keep_machine_code_from_running(monkeypatch):
    def f(x, y=None):
        return x * x if y is None else x * y

    runs = []
    by_numpy = Native._by_numpy
    monkeypatch.setattr(Native, "_by_numpy", lambda *args: runs.append(1) or by_numpy(*args))
    program = cr.compile(f, backend="numba")
    for x in (np.arange(4.0), np.arange(8.0)[::2], np.arange(8.0)[::2]):
        np.testing.assert_array_equal(program(x), x * x)
    assert not runs
