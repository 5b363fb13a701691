"""Statements and indices as machine code: what NumPy's program computes, to rounding."""

from __future__ import annotations

import copy
import threading
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.source.program import Program
from source.native import statement_programs as programs
from source.oracles import random_like

pytest.importorskip("numba")

A = np.array([1.0, -2.0, 3.0, 0.5, 4.0, -1.0])
M = np.arange(12.0).reshape(3, 4) - 4
SQUARE = M[:, :3].copy()
TWICE = np.array([0, 2, 2, 1])

CASES = {
    "periodic": (A,),
    "negative_late": (A, 1),
    "views_of_views": (M,),
    "view_in_a_loop": (M,),
    "view_with_a_changing_number": (A,),
    "without_axes": (2.5,),
    "index_arrays": (A, TWICE),
    "masks": (M,),
    "mixed_indices": (M, np.array([0, 2, 1])),
    "negative_steps": (A,),
    "overlap": (A,),
    "transposed_onto_itself": (SQUARE,),
    "broadcast_stores": (A, A + 1),
    "casts": (A[:4],),
    "complex_parts": (A + 1j * A[::-1],),
    "choices": (A, 1),
    "until": (A, 3.5),
    "early": (A, 5.0),
    "strides": (A, 2),
    "bound_in_one_branch": (A, 1),
    "begins_with_none": (A,),
    "row_or_none": (M,),
    "empty_arrays": (A, 0),
    "swapped": (A, 3),
    "single": (A.astype(np.float32), np.float32(2)),
    "containers": ({"w": SQUARE, "layers": [SQUARE + 1], "b": A[:3]},),
    "asserts": (np.abs(A),),
    "number_step": (A, 2),
}
REVERSED = {"view_in_a_loop", "index_arrays", "overlap", "row_or_none", "until", "complex_parts"}
"""Those whose pullbacks run by default."""


def assert_same(found, expected):
    """Compare containers: their classes, dtypes and shapes, and values up to rounding."""
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        for key in found:
            assert_same(found[key], expected[key])
    elif isinstance(found, (list, tuple)):
        assert len(found) == len(expected)
        for x, y in zip(found, expected, strict=True):
            assert_same(x, y)
    elif isinstance(found, (np.ndarray, np.generic)):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        rtol = 1e-5 if found.dtype in (np.float32, np.complex64) else 1e-12
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)
    elif isinstance(found, float):
        assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)
    else:
        assert found == expected


def both(function):
    """Return a function's programs by Numba and by NumPy."""
    return cr.compile(function, backend="numba"), cr.compile(function, backend="numpy")


def code_of(program: Program):
    """Return the machine code of what a Program ran last."""
    made = program._latest()
    assert made.native is not None, made.not_native
    return made.native


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    compiled, reference = both(getattr(programs, name))
    expected = reference(*copy.deepcopy(CASES[name]))
    for _ in range(2):
        args = copy.deepcopy(CASES[name])
        assert_same(compiled(*args), expected)
        assert_same(args, copy.deepcopy(CASES[name]))
    code_of(compiled)


def _by_floats(function, args):
    """Return a function of the float arguments alone, and these."""
    places = [k for k, x in enumerate(args) if not isinstance(x, int) and _is_inexact(x)]

    def of_floats(program):
        def call(*floats):
            given = list(args)
            for k, x in zip(places, floats, strict=True):
                given[k] = x
            return program(*given)

        return call

    return of_floats, [args[k] for k in places]


def _is_inexact(x):
    return isinstance(x, dict) or np.asarray(x).dtype.kind in "fc"


def _pulled(program, args):
    whole = [k for k, x in enumerate(args) if not _is_inexact(x) or isinstance(x, int)]
    if whole:
        names = [p for p in program.binder.names]
        fixed = {names[k]: args[k] for k in whole}
        floats = [x for k, x in enumerate(args) if k not in whole]
        return cr.vjp(lambda *xs: program(*xs, **fixed), *floats)
    return cr.vjp(program, *args)


@pytest.mark.parametrize(
    "name", [n if n in REVERSED else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_pullbacks(name):
    compiled, reference = both(getattr(programs, name))
    results = []
    for program in (compiled, reference):
        args = copy.deepcopy(CASES[name])
        y, back = _pulled(program, args)
        ct = random_like(np.random.default_rng(1), y)
        results.append((y, back(ct), back(ct)))
    (y, first, second), expected = results
    assert_same(first, second)
    assert_same((y, first), expected[:2])
