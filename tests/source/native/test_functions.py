"""NumPy's functions as machine code: the results of each are those of NumPy."""

import linecache

import numpy as np
import pytest

from chainrule.source.program import Program

pytest.importorskip("numba")

RNG = np.random.default_rng(0)
ARGS = {
    "A": RNG.normal(size=(3, 4)),
    "B": RNG.normal(size=(4, 5)),
    "S": RNG.normal(size=(4, 4)) + 4 * np.eye(4),
    "T": RNG.normal(size=(2, 3, 4)),
    "U": RNG.normal(size=(2, 4, 5)),
    "x": RNG.normal(size=4),
    "y": RNG.normal(size=5),
    "e": np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0]),
    "one": np.array([[1.5], [2.5], [-1.0]]),
    "none": np.zeros((0, 4)),
    "C": RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4)),
    "F": RNG.normal(size=(3, 4)).astype(np.float32),
    "I": RNG.integers(-5, 9, size=(3, 4)),
    "M": RNG.normal(size=(3, 4)) > 0,
    "ties": np.array([2.0, 1.0, 2.0, np.nan, 1.0] * 5),
    "i": np.array([2, 0, 3, 1, 2, 2]),
    "n": 3,
    "s": 0.7,
}

COMPILED = {
    "products": [
        "A @ B", "T @ U", "T @ B", "x @ U", "np.dot(A, U)", "np.inner(T, A)", "none @ B",
        "np.tensordot(T, U, axes=([0, 2], [0, 1]))", "np.vdot(C, C)", "np.outer(A, y)", "I @ i[:4]",
    ],
    "sums of products": [
        "np.einsum('ij,jk,k->i', A, B, y)", "np.einsum('bij,bjk->bik', T, U)",
        "np.einsum('ii->i', S)", "np.einsum('...ij,...jk->...ik', T, U)",
        "np.einsum('i,j->ij', x, y)", "np.cross(A[:, :3], T[0, :, 1:])",
    ],
    "diagonals": [
        "np.diag(x, 1)", "np.diag(A, -1)", "np.diagonal(T, offset=-1, axis1=1, axis2=2)",
        "np.trace(A, 1)", "np.eye(n, 4)", "np.eye(3, 5, 1)", "np.tri(3, 5, 1)", "np.tril(A)",
        "np.triu(T, 1)",
    ],
    "shapes": [
        "np.reshape(A, -1, order='F')", "np.moveaxis(T, (0, 1), (2, 0))", "np.rot90(A)",
        "np.flipud(A)", "np.roll(A, 1)", "np.roll(A, (1, 2), axis=(0, 1))",
        "np.squeeze(x[None, :, None])",
    ],
    "repetition": [
        "np.repeat(A, 2, axis=-1)", "np.repeat(x, i[:4])", "np.tile(A, (2, 1, 3))",
        "np.pad(A, ((1, 0), (0, 2)))", "np.pad(x, 2, mode='reflect')", "np.append(x, 1.0)",
        "np.concatenate([A, C], axis=0)",
    ],
    "choosing": [
        "np.take(A, i % 3, axis=0)", "np.take(A, i, mode='wrap')", "np.choose(I % 2, [A, F])",
        "np.clip(A, -1, s)", "np.nonzero(M)", "np.argwhere(M)", "np.where(M, A, C)",
        "np.flatnonzero(I)",
    ],
    "ranges": [
        "np.arange(0, s, 0.1)", "np.linspace(x, 2 * x, 3, axis=1)",
        "np.linspace(0, 1, n, endpoint=False)", "np.indices((3, n))", "np.meshgrid(x, y)",
        "np.full((2, 4), x)", "np.full((2, n), s)", "np.zeros_like(A, shape=(2, n))",
        "np.ones_like(I, shape=n)", "np.full_like(F, x, shape=(n, 4))",
        "np.zeros_like(A, shape=None)", "np.zeros_like(A, shape=np.shape(T))",
    ],
    "reductions": [
        "np.sum(I, dtype=float)", "np.sum(A, where=M)", "np.max(A, initial=0.0)", "np.std(C)",
        "np.var(F, axis=0)", "np.argmax(T, axis=-1)", "np.argmin(A)", "np.argmax(M, axis=0)",
        "np.cumsum(A)", "np.cumprod(A, axis=0)", "np.cumsum(M)", "np.linalg.norm(T, axis=(1, 2))",
        "np.sum(none, axis=0)", "np.all(none, axis=1)",
    ],
    "order": [
        "np.argsort(ties, kind='stable')", "np.sort(A, axis=0)", "np.median(A, axis=0)",
        "np.searchsorted(e, x)", "np.digitize(x, e)", "np.bincount(i, weights=e)",
        "np.histogram(x, e)", "np.histogram(x, 4, (-1.0, 1.0))", "np.convolve(x, y, 'same')",
        "np.convolve(x, y, 'valid')",
    ],
}  # fmt: skip


def function(expressions, names):
    """Return a function that computes all of them."""
    lines = ",\n        ".join(expressions)
    text = f"def f({', '.join(names)}):\n    return (\n        {lines},\n    )\n"
    file = f"<{expressions[0]}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = {"np": np}
    exec(compile(text, file, "exec"), space)
    return space["f"]


def assert_same(found, wanted, what):
    """Compare types, dtypes, shapes and values."""
    if isinstance(wanted, (tuple, list)):
        assert len(found) == len(wanted), what
        for a, b in zip(found, wanted, strict=True):
            assert_same(a, b, what)
        return
    assert type(found) is type(wanted), what
    a, b = np.asarray(found), np.asarray(wanted)
    assert (a.dtype, a.shape) == (b.dtype, b.shape), what
    if a.dtype.kind in "fc":
        eps = float(np.finfo(a.dtype).eps)
        np.testing.assert_allclose(a, b, rtol=200 * eps, atol=200 * eps, err_msg=what)
        real = a.dtype.kind == "f"
        assert not real or np.array_equal(np.signbit(a[a == 0]), np.signbit(b[a == 0])), what
    else:
        np.testing.assert_array_equal(a, b, err_msg=what)


def compare(expressions, args, by_python=False):
    """Compile the expressions as one program, and compare with what NumPy computes."""
    f = function(expressions, list(args))
    program = Program(f, backend="numba")
    with np.errstate(all="ignore"):
        wanted = f(*args.values())
        found = program(*args.values())
        native = program._latest().native
        assert native is not None
        left = []
        native.by_numpy = lambda: left.append(1) or f
        found = native.function(*args.values())
    assert not left, "the machine code left"
    assert by_python or "by Python" not in native.text
    for what, a, b in zip(expressions, found, wanted, strict=True):
        assert_same(a, b, what)


@pytest.mark.parametrize("topic", COMPILED)
def test_function(topic):
    compare(COMPILED[topic], ARGS)


def test_linear_algebra():
    compare(
        ["np.linalg.solve(S, x)", "np.linalg.inv(S)", "np.linalg.det(S)", "np.linalg.slogdet(S)",
         "np.linalg.solve(S, B)", "np.linalg.cholesky(S @ S.T)"],
        ARGS,
        by_python=True,
    )  # fmt: skip


def test_singular_matrix_is_numpys_error():
    def solve(a, b):
        return np.linalg.solve(a, b)

    program = Program(solve, backend="numba")
    program(np.eye(2), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError):
        program(np.ones((2, 2)), np.ones(2))


# ------------------------------------------------------------------------- numbers of all dtypes

_DTYPES = ["?", "b", "h", "i", "q", "B", "H", "I", "Q", "f", "d", "F", "D"]
_UNARY = [
    "negative", "absolute", "sign", "exp", "log", "sqrt", "square", "sin", "tanh", "floor", "ceil",
    "trunc", "rint", "isfinite", "isnan", "signbit", "logical_not", "invert", "conjugate",
]  # fmt: skip
_BINARY = [
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "maximum",
    "minimum", "fmax", "arctan2", "hypot", "logaddexp", "less", "equal", "logical_and",
    "bitwise_xor", "left_shift",
]  # fmt: skip


def numbers(dtype, second):
    """Return numbers of a dtype, the awkward ones among them."""
    if dtype.kind == "b":
        return np.array([0, 1, 1, 1] if second else [0, 1, 0, 1], dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        first = [5, info.max, info.min, 7]
        return np.array([3, 2, 1 if info.min == 0 else -1, 5] if second else first, dtype)
    if dtype.kind == "f":
        values = (
            [2.0, 0.5, 3.0, -1.5, np.nan, 2.0] if second else [1.5, -2.5, -0.0, np.inf, 1.0, -7.0]
        )
        return np.array(values, dtype)
    return np.array([2 - 1j, 1j, 1 + 1j] if second else [1 + 2j, -1.5 + 0.5j, 3 - 4j], dtype)


NUMBERS = {
    name + letter: numbers(np.dtype(letter), name == "b") for letter in _DTYPES for name in "ab"
}


def supported(expression):
    """Tell whether NumPy computes it, in a precision that Numba has."""
    try:
        with np.errstate(all="ignore"):
            found = eval(expression.replace("?", "B_"), {"np": np, **_spelled(NUMBERS)})
    except (TypeError, ValueError, OverflowError):
        return False
    return np.asarray(found).dtype != np.float16


def _spelled(values):
    return {name.replace("?", "B_"): value for name, value in values.items()}


@pytest.mark.parametrize("name", [*_UNARY, *_BINARY])
def test_number(name):
    if name in _UNARY:
        calls = [f"np.{name}(a{d})" for d in _DTYPES]
    else:
        calls = [f"np.{name}(a{d}, b{d})" for d in _DTYPES]
        calls += [f"np.{name}(a{d}, 2)" for d in _DTYPES]
        calls += [f"np.{name}(a{d}[:3], b{e}[:3])" for d, e in ("?q", "bB", "qQ", "hd", "df", "qD")]
    calls = [call.replace("?", "B_") for call in calls if supported(call)]
    compare(calls, _spelled(NUMBERS), by_python=True)
