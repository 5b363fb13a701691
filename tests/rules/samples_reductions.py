"""Samples for reductions, cumulative functions and norms."""

from __future__ import annotations

import numpy as np

from chainrule.rules import norms, reductions
from chainrule.rules.singular import dyad, polar_factor, singular_norm, sylvester
from rules._samples import Sample, Samples, array, complex_array

A = array(2, 3)
CUBE = array(2, 3, 2, seed=1)
WIDE = 5.0 * CUBE  # Sums of absolute values far from ties.
MASK = np.array([[True, False, True], [False, False, True]])
ROW_MASK = np.array([True, False, True])
ZEROS = np.array([[1.5, 0.0, -2.0], [0.0, 3.0, 0.0], [2.0, -1.0, 0.5]])
TIED = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
FLAT = np.array([[0.5, 0.5, 0.5], [1.0, 2.0, 4.0]])
C = complex_array(2, 3)
STRIDED = array(4, 6, seed=5)[::2, ::-2].T


def common(last: float = 0.25) -> list[Sample]:
    """Return the calls that every reduction takes."""
    return [
        Sample((A,)),
        Sample((A,), {"axis": -1}),
        Sample((A, 0), {"keepdims": True}),
        Sample((CUBE,), {"axis": (0, -1)}),
        Sample((CUBE, (2, 0)), {"keepdims": True}),
        Sample((np.float64(last),)),
        Sample((array(1, 3, 1, seed=2),), {"axis": 0}),
        Sample((STRIDED,), {"axis": 1}),
    ]


def masks() -> list[Sample]:
    """Return calls with ``where``, of the full shape and broadcast."""
    return [
        Sample((A,), {"where": MASK}),
        Sample((A,), {"where": ROW_MASK, "axis": 1, "keepdims": True}),
    ]


SPREAD = [
    Sample((A,)),
    Sample((A,), {"axis": -1, "ddof": 1}),
    Sample((A, 0), {"keepdims": True}),
    Sample((CUBE,), {"axis": (0, -1), "correction": 1}),
    Sample((A,), {"where": ROW_MASK, "axis": 1, "keepdims": True}),
    Sample((A,), {"where": MASK, "ddof": 1}),
    Sample((C,), {"axis": 1}),
]


def extremes(sign: float) -> list[Sample]:
    """Return calls of max (sign 1) or min (sign -1) with ties, NaN, masks and initial values."""
    return [
        *common(),
        Sample((sign * TIED,), {"axis": 1}, expect=([[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]],)),
        Sample((sign * TIED,), {"axis": (0, 1)}, expect=([[0, 0.5, 0.5], [0, 0, 0]],)),
        Sample((A,), {"axis": 1, "initial": sign * 2.5}),
        Sample((A,), {"axis": 1, "initial": -sign * 9.0, "where": MASK}),
        Sample(
            (sign * TIED,),
            {"axis": 1, "initial": sign * 2.0},
            expect=([[0, 0.5, 0.5], [0.25, 0.25, 0.25]],),
        ),
        Sample((np.array([1.0, np.nan, 2.0]),), expect=([0, 1, 0],)),
        Sample((np.zeros((0, 3)),), {"axis": 1}),
    ]


SAMPLES: Samples = {
    np.sum: [
        *common(),
        *masks(),
        Sample((np.zeros((0, 3)),), {"axis": 0}),
        Sample((A,), {"axis": 1, "initial": 0.7}, diff=(0, "initial")),
        Sample((C,), {"axis": 1}),
        Sample((A,), {"axis": ()}),
    ],
    np.mean: [
        *common(),
        *masks(),
        Sample((array(1),)),
        Sample((C,), {"axis": 1}),
    ],
    np.prod: [
        *common(),
        *masks(),
        Sample((ZEROS,), {"axis": 0}),
        Sample((ZEROS,), {"axis": 1, "initial": 2.0}),
        Sample((np.array([0.0, 2.0, 0.0]),)),
        Sample((np.array([0.0, 2.0, -3.0]),), expect=([-6, 0, 0],)),
        Sample((np.zeros((0, 3)),), {"axis": 0}),
        Sample((C,), {"axis": 1}),
        Sample((ZEROS,), {"where": np.eye(3) == 0, "axis": (1, 0)}),
        Sample((np.float64(0.5),), {"axis": 0}),
    ],
    np.max: extremes(1.0),
    np.amax: [Sample((A,), {"axis": 0}), Sample((np.ones(2),), expect=([0.5, 0.5],))],
    np.min: extremes(-1.0),
    np.amin: [Sample((A,), {"axis": 0}), Sample((np.ones(2),), expect=([0.5, 0.5],))],
    np.var: [*SPREAD, Sample((FLAT,), {"axis": 1}), Sample((array(1),))],
    np.std: [
        *SPREAD,
        Sample((FLAT[0],), expect=([0, 0, 0],)),
        Sample((np.float64(2.0),), expect=(0.0,)),
    ],
    np.ptp: [
        Sample((A,)),
        Sample((A,), {"axis": -1, "keepdims": True}),
        Sample((CUBE,), {"axis": (0, 2)}),
        Sample((TIED[0],), expect=([-1, 0.5, 0.5],)),
    ],
    np.cumsum: [
        Sample((A,)),
        Sample((A, -1)),
        Sample((CUBE,), {"axis": 1}),
        Sample((np.float64(0.5),)),
        Sample((np.zeros((0, 2)),), {"axis": 0}),
        Sample((C,), {"axis": 0}),
    ],
    np.cumprod: [
        Sample((A,)),
        Sample((A, -1)),
        Sample((ZEROS, 0)),
        Sample((ZEROS, 1)),
        Sample((np.array([2.0, 0.0, 3.0]),), expect=([1.0, 8.0, 0.0],)),
        Sample((np.float64(0.5),)),
        Sample((np.float64(0.5), -1)),
        Sample((np.zeros((0, 2)),), {"axis": 0}),
        Sample((C,), {"axis": 1}),
    ],
    np.linalg.norm: [
        Sample((A,)),
        Sample((CUBE,), {"axis": (0, 2), "keepdims": True}),
        Sample((A[0],), {"ord": 2}),
        Sample((A, 3), {"axis": -1}),
        Sample((A, 1.5), {"axis": 0, "keepdims": True}),
        Sample((A, -1), {"axis": 1}),
        Sample((A, 0), {"axis": 1}),
        Sample((A, np.inf), {"axis": 1}),
        Sample((A, -np.inf), {"axis": 0}),
        Sample((A, 1)),
        Sample((A, -1)),
        Sample((WIDE, np.inf), {"axis": (2, 0)}),
        Sample((WIDE, -np.inf), {"axis": (0, 1), "keepdims": True}),
        Sample((A, "fro")),
        Sample((C,), {"axis": 1}),
        Sample((C, 1), {"axis": 0}),
        Sample((np.zeros(3),), expect=([0, 0, 0],)),
        Sample((np.zeros((2, 2)), 3), {"axis": 1}, expect=(np.zeros((2, 2)),)),
        Sample((np.array([0.0, 4.0]), 0.5), expect=([0.0, 1.0],)),
        Sample((A[0], 1.5)),
        Sample((np.zeros((0, 2)), np.inf), {"axis": 0}),
        Sample((np.zeros((0, 2)), np.inf)),
        Sample((np.zeros((2, 0)), 1)),
        *(Sample((A, order)) for order in (2, -2, "nuc")),
        *(Sample((A.T, order)) for order in (2, -2, "nuc")),
        *(Sample((C, order), {"keepdims": True}) for order in (2, -2, "nuc")),
        Sample((CUBE, 2), {"axis": (0, 2)}),
        Sample((CUBE, "nuc"), {"axis": (2, 1), "keepdims": True}),
    ],
    singular_norm.primitives[0].fn: [
        Sample((A, 2)),
        Sample((C, "nuc")),
        Sample((np.eye(2), 2), expect=([[1, 0], [0, 0]],)),
        Sample((np.zeros((2, 3)), -2), expect=(np.zeros((2, 3)),)),
        Sample((np.zeros((2, 3)), "nuc"), expect=(np.zeros((2, 3)),)),
    ],
    dyad.primitives[0].fn: [Sample((A, 0)), Sample((A, -1)), Sample((C, 0))],
    polar_factor.primitives[0].fn: [Sample((A,)), Sample((C,))],
    sylvester.primitives[0].fn: [
        Sample((A @ A.T, array(2, 2)), diff=(1,)),
        Sample((C @ C.T.conj(), complex_array(2, 2)), diff=(1,)),
    ],
    np.linalg.vector_norm: [
        Sample((A,)),
        Sample((CUBE,), {"axis": (0, 2), "ord": 3}),
        Sample((CUBE,), {"keepdims": True}),
        Sample((CUBE + 3.0,), {"axis": (0, 1, 2), "ord": np.inf}),
        Sample((np.zeros((2, 3)),), expect=(np.zeros((2, 3)),)),
        Sample((np.array([2.0, -2.0]),), {"ord": np.inf}, expect=([0.5, -0.5],)),
    ],
    np.linalg.matrix_norm: [
        Sample((CUBE,)),
        Sample((WIDE,), {"ord": 1, "keepdims": True}),
        Sample((A,), {"ord": -np.inf}),
        Sample((np.zeros((2, 3)),), expect=(np.zeros((2, 3)),)),
    ],
    norms.euclidean_norm: [
        Sample((A,), {"axis": 1}),
        Sample((CUBE,), {"axis": (0, 1, 2), "keepdims": True}),
        Sample((np.zeros(2),), expect=([0, 0],)),
    ],
    reductions.logaddexp_reduce: [
        Sample((A,)),
        Sample((A,), {"axis": (0, 1), "keepdims": True}),
        Sample((A,), {"axis": 1, "where": MASK, "initial": 0.3}),
        Sample((np.array([-np.inf, 1.0, 2.0]),), order=1),
        Sample((np.full(2, -np.inf),), expect=([0, 0],)),
        Sample((1000 * A,), {"axis": 1}),
    ],
    reductions.logaddexp2_reduce: [Sample((A,)), Sample((A,), {"axis": -1, "where": ROW_MASK})],
    reductions.add_reduceat: [
        Sample((array(6), [0, 2, 5])),
        Sample((array(2, 6, seed=4), [1, 4]), {"axis": -1}),
    ],
}

if hasattr(np, "cumulative_sum"):  # From NumPy 2.1 on.
    SAMPLES[np.cumulative_sum] = [
        Sample((A[0],)),
        Sample((A,), {"axis": -1, "include_initial": True}),
        Sample((np.float64(0.5),)),
    ]
    SAMPLES[np.cumulative_prod] = [
        Sample((ZEROS,), {"axis": 0}),
        Sample((ZEROS,), {"axis": 1, "include_initial": True}),
    ]
