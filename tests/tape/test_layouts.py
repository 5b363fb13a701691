"""How arrays lie in memory decides what is a view, and so what a store changes: as in NumPy."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import chainrule as cr
from chainrule.rules.shape import ravel
from derivatives import check

M = np.array([[0.5, -1.2, 0.9, 0.4], [1.4, 0.3, -0.7, 1.1], [-0.4, 0.8, 0.6, -1.5]])
CUBE = np.linspace(0.3, 1.9, 24).reshape(2, 3, 4) ** 2


def reversed_rows(x):
    return np.ascontiguousarray(x[::-1])[::-1]


def every_second(x):
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]))
    wide[..., ::2] = x
    return wide[..., ::2]


LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "reversed": reversed_rows,
    "stepped": every_second,
}

VIEWS = {
    "ravel": lambda x: x.ravel(),
    "ravel F": lambda x: x.ravel("F"),
    "ravel K": lambda x: x.ravel("K"),
    "ravel A": lambda x: x.ravel("A"),
    "reshape": lambda x: x.reshape(-1),
    "of the transpose": lambda x: x.T.reshape(-1),
    "of the reversed": lambda x: x[::-1].ravel(),
    "of a copy": lambda x: x.copy("K").reshape(-1),
    "of a result": lambda x: (x * 2).reshape(-1),
}


def check_in_layout(f, x, layout):
    """Check ``f``, and the derivative of its tangent by a tangent that lies in C order."""
    x = layout(x)

    def own_copy(value):
        copy = layout(np.array(value))
        assert copy.strides == x.strides
        return copy

    def tangent(x, t):
        return cr.jvp(f, (x,), (t,))[1]

    t = np.cos(np.arange(x.size)).reshape(x.shape)
    found = cr.jvp(tangent, (x, t), (t, np.ones(x.shape)))[1]
    y_dot = cr.jvp(f, (x,), (t,))[1]
    cts = cr.vjp(tangent, x, t)[1](np.ones_like(y_dot))
    inner = np.sum(cts[0] * t) + np.sum(cts[1])
    np.testing.assert_allclose(inner, np.sum(found), rtol=1e-12)

    h = 1e-6
    ends = [f(own_copy(x + s * h * t)) for s in (1, -1)]
    difference = (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(y_dot, difference, atol=1e-7)  # h^2 and rounding over h
    ct = np.sin(np.arange(y_dot.size)).reshape(y_dot.shape)
    gradient = cr.vjp(f, x)[1](ct)[0]
    np.testing.assert_allclose(np.sum(gradient * t), np.sum(ct * y_dot), rtol=1e-12)
    ends = [cr.jvp(f, (own_copy(x + s * h * t),), (t + s * h,))[1] for s in (1, -1)]
    difference = (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(found, difference, atol=1e-7)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_store_through_a_flat_view(layout, view):
    def f(x):
        flat = VIEWS[view](x)
        flat[1] = 7 * x[0, 0]
        return x * x + flat.reshape(x.shape)

    check_in_layout(f, M, LAYOUTS[layout])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_store_through_moved_axes(layout):
    def f(x):
        moved = x.transpose(2, 0, 1)
        moved.reshape(4, 6)[1] = 7 * x[0, 0, 0]
        return x * x

    check_in_layout(f, CUBE, LAYOUTS[layout])


RESULTS = {
    "sort": lambda x: np.sort(x, axis=0),
    "sort of the transpose": lambda x: np.sort(x.T, axis=1),
    "partition": lambda x: np.partition(x, 1, axis=1),
    "pad": lambda x: np.pad(x, 1),
    "insert": lambda x: np.insert(x, 1, 2.0, axis=0),
    "delete": lambda x: np.delete(x, 0, 1),
    "delete several": lambda x: np.delete(x, [0, 2], 1),
    "gradient": lambda x: np.gradient(x, axis=0),
    "piecewise": lambda x: np.piecewise(x, [x > 0.45], [lambda v: 2 * v, 1.0]),
    "block": lambda x: np.block([[x, x]]),
    "select": lambda x: np.select([x > 0.45, x > 0], [x, 2 * x]),
    "percentile": lambda x: np.percentile(x, [20, 70], axis=1),
    "accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "meshgrid": lambda x: np.meshgrid(x[0], x[1])[0],
    "vander": lambda x: np.vander(x[0]),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda v: np.outer(v, v[:2]).T, 1, x),
    "index by columns": lambda x: x[0][np.array([[0, 1], [2, 3]], order="F")],
    "astype by columns": lambda x: x.astype(float, order="F"),
    "ufunc by rows": lambda x: np.multiply(x, 2, order="C"),
    "full by columns": lambda x: np.full_like(x, x[0, 0], order="F"),
}


@pytest.mark.parametrize("layout", ["C", "F", "stepped"])
@pytest.mark.parametrize("result", RESULTS)
def test_results_lie_as_numpys(result, layout):
    def stored(x):
        made = RESULTS[result](x)
        made.reshape(-1)[1] = 7 * x[0, 0]
        return made * made

    def read(x):
        return RESULTS[result](x).ravel("K") * np.cumsum(RESULTS[result](x).flatten("A"))

    check_in_layout(stored, M, LAYOUTS[layout])
    check_in_layout(read, M, LAYOUTS[layout])


def test_functions_along_an_axis_are_called_once():
    calls = []

    def line(v):
        calls.append(1)
        return 2 * v

    cr.jvp(lambda x: np.apply_along_axis(line, 0, x), (np.asfortranarray(M),), (M,))
    assert len(calls) == M.shape[1]


def test_axes_of_stride_zero_stay_where_they_are():
    x = np.broadcast_to(np.arange(4.0)[:, None], (2, 4, 3))
    for moved in (x, x.T, x.swapaxes(0, 1), x[:, :, :1]):
        np.testing.assert_array_equal(ravel(moved, "K"), moved.ravel("K"))


def test_what_is_left_of_an_array_lies_as_numpys():
    def f(x):
        rest = np.delete(x, 0, 1)
        rest.reshape(-1)[1] = 7 * x[0, 0, 0]
        return rest * rest

    check(f, CUBE)


@pytest.mark.parametrize(
    "f",
    [
        lambda w: sliding_window_view(w, 2)[::-1],
        lambda w: sliding_window_view(w * 1.0, 3)[1:4, ::2],
        lambda w: sliding_window_view(w, 2)[[0, 0, 3]],
        lambda w: np.prod(sliding_window_view(w.reshape(2, 3), (2, 2))[0], axis=(1, 2)),
        lambda w: np.broadcast_to(w, (2, 6))[1:, ::2],
    ],
)
def test_parts_of_windows_that_overlap_in_memory(f):
    w, t = np.linspace(0.5, 1.5, 6), np.linspace(-1.0, 1.0, 6)
    with cr.engine("tape"):
        y, y_dot = cr.jvp(f, (w,), (t,))
        _, pullback = cr.vjp(f, w)
        ct = np.arange(1.0, y.size + 1).reshape(y.shape)
        assert np.isclose(np.sum(ct * y_dot), pullback(ct)[0] @ t, rtol=1e-12)
