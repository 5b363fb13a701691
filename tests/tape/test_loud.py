"""What cannot be right is an error that says where, and what to write instead."""

import ctypes
import inspect
import math
import re

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.errors import (
    ChainruleError,
    ConversionError,
    MutationError,
    UnsupportedError,
)

X = np.array([0.7, -1.3, 0.4, 1.9])


def modes(f):
    """Run a function of X under each transform; give the errors that came out."""
    ones = np.ones(4)
    yield "reverse", lambda: cr.vjp(f, X)[1]
    yield "forward", lambda: cr.jvp(f, (X,), (ones,))
    yield "reverse in forward", lambda: cr.jvp(lambda x: cr.vjp(f, x)[0], (X,), (ones,))
    yield "forward in reverse", lambda: cr.vjp(lambda x: cr.jvp(f, (x,), (ones,))[1], X)


def error_line(f, marker="# HERE"):
    """The file and line of the marked line of ``f``."""
    lines, start = inspect.getsourcelines(f)
    offset = next(i for i, line in enumerate(lines) if marker in line)
    return f"{__file__}:{start + offset}"


def assert_loud(f, kind, advice=r"Instead: \S"):
    """The error comes out in every mode, with advice and the marked line of ``f``."""
    for mode, run in modes(f):
        with pytest.raises(kind) as caught:
            run()
        message = str(caught.value)
        assert re.search(advice, message), (mode, message)
        assert error_line(f) in message, (mode, message)


# -- shuffles --------------------------------------------------------------------------------------


def shuffled_rows(x):
    rows = np.stack([x, 2 * x])
    np.random.default_rng(len(rows)).shuffle(rows)  # HERE
    return rows


def shuffled_rows_of_all(x):
    rows = np.stack([x, 2 * x])
    np.random.shuffle(rows)  # HERE  # noqa: NPY002
    return rows


@pytest.mark.filterwarnings("ignore:you are shuffling")
@pytest.mark.parametrize("f", [shuffled_rows, shuffled_rows_of_all], ids=lambda f: f.__name__)
def test_a_shuffle_of_rows_is_refused(f):
    with cr.engine("tape"):
        assert_loud(f, MutationError, r"permutation")


@pytest.mark.filterwarnings("ignore:you are shuffling")
def test_numbers_are_shuffled():
    def f(x):
        y = x * np.arange(4.0)
        np.random.default_rng(0).shuffle(y)
        return y * np.arange(4.0)

    with cr.engine("tape"):
        np.testing.assert_allclose(cr.jvp(f, (X,), (X,))[1], f(X))
        np.testing.assert_allclose(cr.vjp(f, X)[1](np.ones(4))[0] @ X, np.sum(f(X)))


# -- conversions -----------------------------------------------------------------------------------


def scalar_float(x):
    return float(x[0]) * x  # HERE


def math_function(x):
    return math.sin(x[0]) * x  # HERE


def to_int(x):
    return x * int(x[3])  # HERE


def to_complex(x):
    return x * complex(x[0])  # HERE


def as_index(x):
    return x[: x[3]]  # HERE


def as_an_index_value(x):
    return x * [10, 20][x[0]]  # HERE


def as_a_count(x):
    return sum(x[0] for _ in range(x[3]))  # HERE


def as_index_array(x):
    return x[np.floor(x) if isinstance(x, np.ndarray) else x]  # HERE


def np_asarray(x):
    return np.asarray(x) * 2  # HERE


def np_array_of_one(x):
    return np.array(x)  # HERE


def np_array_of_elements(x):
    return np.array([x[0], x[1]])  # HERE


def np_array_of_rows(x):
    return np.array([x, x * 2])  # HERE


def np_array_of_mixed(x):
    return np.array([1.0, x[1]])  # HERE


def np_full(x):
    return np.full(3, x[0])  # HERE


def np_sum_of_a_list(x):
    return np.sum([x[0], x[1]])  # HERE


def np_concatenator(x):
    return np.r_[x, x]  # HERE


def np_column_concatenator(x):
    return np.c_[x, x]  # HERE


def np_vectorize(x):
    return np.vectorize(lambda v: v * 2)(x)  # HERE


def ndarray_dot(x):
    return np.ones(4).dot(x)  # HERE


def np_float64_constructor(x):
    return np.float64(x[0])  # HERE


def ndarray_constructor_of_dtype(x):
    return np.float64(x)  # HERE


def np_fromiter(x):
    return np.fromiter((v for v in x), float)  # HERE


def np_ascontiguousarray(x):
    return np.ascontiguousarray(x)  # HERE


def np_asanyarray(x):
    return np.asanyarray(x)  # HERE


def buffer(x):
    return memoryview(x)  # HERE


def statistics_of_floats(x):
    return math.fsum(x)  # HERE


def formatted_as_number(x):
    return "%f" % x[0]  # HERE  # noqa: UP031


@pytest.mark.parametrize(
    "f",
    [
        scalar_float,
        math_function,
        to_int,
        to_complex,
        as_index,
        as_an_index_value,
        as_a_count,
        as_index_array,
        np_asarray,
        np_array_of_one,
        np_array_of_elements,
        np_array_of_rows,
        np_array_of_mixed,
        np_full,
        np_sum_of_a_list,
        np_concatenator,
        np_column_concatenator,
        np_vectorize,
        ndarray_dot,
        np_float64_constructor,
        ndarray_constructor_of_dtype,
        np_fromiter,
        np_ascontiguousarray,
        np_asanyarray,
        statistics_of_floats,
        formatted_as_number,
    ],
    ids=lambda f: f.__name__,
)
def test_a_conversion_is_loud(f):
    assert_loud(f, ConversionError)


def test_the_buffer_protocol_is_closed():
    with pytest.raises(TypeError):
        cr.grad(buffer)(X)
    with pytest.raises(TypeError):
        cr.grad(lambda x: ctypes.c_double(x[0]))(X)


# -- errors that somebody swallows -----------------------------------------------------------------


def swallowed_by_numpy(x):
    p = np.zeros(4)
    try:  # noqa: SIM105
        p[0] = x[0]  # HERE
    except ValueError:
        pass  # NumPy turns the conversion error into its own
    return p * x


def swallowed_by_the_user(x):
    try:
        s = float(x[0])  # HERE
    except TypeError:
        s = 1.0
    return s * x


def swallowed_by_a_bare_except(x):
    try:
        s = np.asarray(x[0])  # HERE
    except:  # noqa: E722
        s = 1.0
    return s * x


def swallowed_then_another_error(x):
    try:  # noqa: SIM105
        float(x[0])  # HERE
    except TypeError:
        pass
    raise KeyError("because of it")


def swallowed_by_hasattr_like_code(x):
    def number_or_none(v):
        try:
            return math.floor(v)  # HERE
        except Exception:
            return None

    return x * (number_or_none(x[0]) or 1)


@pytest.mark.parametrize(
    "f",
    [
        swallowed_by_numpy,
        swallowed_by_the_user,
        swallowed_by_a_bare_except,
        swallowed_then_another_error,
    ],
    ids=lambda f: f.__name__,
)
def test_a_swallowed_error_is_raised_at_the_end(f):
    assert_loud(f, ConversionError)


def test_floor_is_a_conversion_or_right():
    with pytest.raises(ConversionError):
        cr.vjp(swallowed_by_hasattr_like_code, X)


def test_an_error_of_the_user_comes_through_untouched():
    class OwnError(Exception):
        pass

    def f(x):
        raise OwnError("mine")

    for _, run in modes(f):
        with pytest.raises(OwnError, match="mine"):
            run()


# -- functions without a rule, and values out of their place ---------------------------------------


@pytest.mark.parametrize(
    ("ufunc", "name"),
    [
        (scipy.special.erf, "scipy.special.erf"),
        (np.bitwise_count, "numpy.bitwise_count"),
        (np.frompyfunc(lambda v: v, 1, 1), "<lambda>"),
    ],
)
def test_a_ufunc_without_a_rule_is_named_with_its_module(ufunc, name):
    with cr.engine("tape"), pytest.raises(UnsupportedError) as caught:
        cr.grad(ufunc)(1.0)
    assert str(caught.value).startswith(name)


def test_a_function_without_a_rule():
    def f(x):
        return np.i0(x)  # HERE

    for _, run in modes(f):
        with pytest.raises(UnsupportedError) as caught:
            run()
        assert error_line(f) in str(caught.value)
        assert "i0" in str(caught.value)
        assert "cr.primitive" in str(caught.value)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.piecewise(x, [x > 0], [lambda v: v, 0]),
        lambda x: np.apply_along_axis(lambda v: v * 2, 0, x),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2),
        lambda x: np.lib.stride_tricks.as_strided(x, (2,), (8,)),
        lambda x: x.view(np.int64),
        lambda x: np.bincount([0, 1, 0, 1], weights=x),
        lambda x: np.histogram([0.1, 0.2, 0.3, 0.4], weights=x)[0],
        lambda x: np.poly1d(x)(2.0) * x,
        lambda x: np.block([x, x]),
        np.asarray_chkfinite,
        lambda x: np.insert(x, 1, x[0]),
        lambda x: np.append(x, x[0]),
        lambda x: np.delete(x, 1),
        lambda x: np.ma.masked_array(x, x > 0) * 2,
        lambda x: np.random.default_rng(0).normal(x[0], 1.0) * x,
        lambda x: np.polynomial.Polynomial(x)(2.0) * x,
        lambda x: np.nan_to_num(x, copy=False) + x,
        lambda x: np.require(x, requirements="W"),
        lambda x: np.fromfunction(lambda i: x[0] * i, (4,)),
        lambda x: np.float_power(x**2, x),
        lambda x: np.trapezoid(x, dx=x[0]),
        lambda x: np.resize(x, 6),
        lambda x: np.linalg.norm(x, ord=3),
        lambda x: np.searchsorted(x, 0.5) * x,
        lambda x: np.may_share_memory(x, x) * x,
        lambda x: np.shape(x)[0] * x,
        lambda x: np.ndim(x) * np.size(x) * x,
        lambda x: np.iscomplexobj(x) + x,
        lambda x: np.result_type(x, np.float32).itemsize * x,
        lambda x: np.allclose(x, x) * x,
        lambda x: np.array2string(x) and x,
        lambda x: np.einsum_path("i,i", x, x) and x,
    ],
)
def test_a_function_of_numpy_is_right_or_loud(f):
    """Whatever NumPy does with a traced value: the right value and derivative, or our error."""
    try:
        with np.errstate(all="ignore"):
            value, pullback = cr.vjp(f, X)
    except ChainruleError:
        return
    expected = f(X)
    np.testing.assert_allclose(value, expected)
    h = 1e-6
    ct = np.cos(np.arange(np.size(value))).reshape(np.shape(value))
    gradient = pullback(ct)[0]
    for i, unit in enumerate(np.eye(4)):
        slope = np.sum(ct * (np.asarray(f(X + h * unit)) - np.asarray(f(X - h * unit)))) / (2 * h)
        assert gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-7)


def test_a_leaked_value_is_loud_or_has_its_value():
    kept = []

    def f(x):
        kept.append(x * 2)
        return np.sum(x)

    cr.grad(f)(X)
    leaked = kept[0]
    assert "Traced" in repr(leaked)

    def g(y):
        return np.sum(y * leaked)

    try:
        gradient = cr.grad(g)(X)
    except ChainruleError:
        return
    np.testing.assert_allclose(np.asarray(cr.stop_gradient(gradient)), 2 * X)


def test_object_and_masked_arguments():
    with pytest.raises(ChainruleError):
        cr.grad(np.sum)(np.array([1.0, None], dtype=object))
    masked = np.ma.masked_array(X, X < 0)
    try:
        gradient = cr.grad(lambda x: np.sum(x * x))(masked)
    except ChainruleError:
        return
    assert np.ma.getmaskarray(gradient).tolist() == (X < 0).tolist(), "the mask was dropped"
