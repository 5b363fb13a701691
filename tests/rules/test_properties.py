"""Properties over shapes, dtypes and layouts that Hypothesis draws."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

import chainrule as cr
from chainrule._core import TABLE
from chainrule.rules import load
from chainrule.rules._forms import Elementwise
from rules._numeric import direction, vector

load()
UFUNCS = [
    f for f, entry in TABLE.items() if isinstance(f, np.ufunc) and isinstance(entry, Elementwise)
]
UNARY = sorted((f for f in UFUNCS if f.nin == 1), key=lambda f: f.__name__)
BINARY = sorted((f for f in UFUNCS if f.nin == 2), key=lambda f: f.__name__)
REDUCTIONS = [np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std]
EPS = {np.dtype(t): np.finfo(t).eps for t in ("f4", "f8", "c8", "c16")}

seeds = st.integers(0, 2**32 - 1)
layouts = st.sampled_from(["C", "F", "spaced", "backward"])


def laid_out(x: Any, layout: str) -> Any:
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "spaced" and x.ndim:
        return np.repeat(x, 2, axis=0)[::2]
    return np.flip(np.flip(x).copy()) if layout == "backward" else x


def values(seed: int, shape: tuple[int, ...], dtype: Any) -> Any:
    """Values between 0.2 and 0.8, where every function here is defined and smooth."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.2, 0.8, shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.uniform(0.2, 0.8, shape)
    return np.asarray(x).astype(dtype)


def check(f: Any, xs: list[Any], seed: int) -> None:
    """Shapes and dtypes of both products, and that they agree."""
    rng = np.random.default_rng(seed)
    y = np.asarray(f(*xs))
    ts, (ct,) = direction(rng, xs), direction(rng, [y])
    value, y_dot = cr.jvp(f, tuple(xs), tuple(ts))
    x_cts = cr.vjp(f, *xs)[1](ct)
    eps = max(EPS[a.dtype] for a in (y, *xs))
    # NumPy's loops for contiguous and for strided arrays may differ in the last digit.
    np.testing.assert_allclose(value, y, rtol=4 * eps)
    assert (np.shape(y_dot), y_dot.dtype) == (y.shape, y.dtype)
    for x_ct, x in zip(x_cts, xs, strict=True):
        assert (np.shape(x_ct), x_ct.dtype) == (x.shape, x.dtype)
    left = vector([ct]) * vector([y_dot])
    right = vector(x_cts) * vector(ts)
    scale = np.sum(np.abs(left)) + np.sum(np.abs(right))
    slack = 30 * eps * (1 + np.sqrt(y.size + sum(x.size for x in xs)))
    assert abs(np.sum(left) - np.sum(right)) <= slack * max(scale, 1e-30)


def takes(f: Any, dtype: Any) -> bool:
    return any(np.dtype(dtype).char in loop[: f.nin] for loop in f.types)


@settings(max_examples=150)
@given(
    f=st.sampled_from(UNARY),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    dtype=st.sampled_from("fdFD"),
    layout=layouts,
    seed=seeds,
)
def test_unary(f: Any, shape: tuple[int, ...], dtype: str, layout: str, seed: int) -> None:
    dtype = dtype if takes(f, dtype) else dtype.lower()
    shift = 1 if f is np.arccosh else 0
    check(f, [laid_out(values(seed, shape, dtype) + np.dtype(dtype).type(shift), layout)], seed)


@settings(max_examples=150)
@given(
    f=st.sampled_from(BINARY),
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3),
    dtypes=st.tuples(st.sampled_from("fdFD"), st.sampled_from("fdFD")),
    arrangement=st.tuples(layouts, layouts),
    seed=seeds,
)
def test_binary(f: Any, shapes: Any, dtypes: Any, arrangement: Any, seed: int) -> None:
    xs = []
    for k, shape in enumerate(shapes.input_shapes):
        dtype = dtypes[k] if takes(f, "D") else dtypes[k].lower()
        xs.append(laid_out(values(seed + k, shape, dtype), arrangement[k]))
    check(f, xs, seed)


@settings(max_examples=150)
@given(
    f=st.sampled_from(REDUCTIONS),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4),
    dtype=st.sampled_from("fd"),
    layout=layouts,
    keepdims=st.booleans(),
    data=st.data(),
    seed=seeds,
)
def test_reductions(
    f: Any, shape: Any, dtype: str, layout: str, keepdims: bool, data: Any, seed: int
) -> None:
    axes = hnp.valid_tuple_axes(len(shape)) if shape else st.just(())
    axis = data.draw(st.one_of(st.none(), axes))
    x = laid_out(values(seed, shape, dtype), layout)
    check(lambda x: f(x, axis=axis, keepdims=keepdims), [x], seed)
