"""Samples for averages, covariances and the reductions that leave NaN out."""

from __future__ import annotations

import numpy as np

from rules._samples import Sample, Samples, array, complex_array

A = array(2, 3)
B = array(3, 4, seed=1)
CUBE = array(2, 3, 2, seed=2)
C = complex_array(2, 3)
NANS = np.array([[0.3, np.nan, -0.8, 0.9], [0.1, -0.5, 0.6, -0.9], [np.nan, np.nan, 0.2, 0.7]])
MASK = np.array([[True, True, False, True], [True, False, True, True], [True, True, True, False]])
WEIGHTS = array(3, seed=5, low=0.5, high=2.0)

SUMS = [
    Sample((A,)),
    Sample((NANS,)),
    Sample((NANS,), {"axis": -1}),
    Sample((NANS, 0), {"keepdims": True}),
    Sample((NANS,), {"axis": (1, 0)}),
    Sample((NANS,), {"axis": 1, "where": MASK}),
]
CUMULATIVE = [Sample((A,)), Sample((NANS,)), Sample((NANS, 0)), Sample((NANS,), {"axis": -1})]
EXTREMES = [
    *SUMS[:5],
    Sample((np.array([1.0, np.nan, 1.0]),), expect=([0.5, 0, 0.5],)),
]
SPREAD = [*SUMS, Sample((NANS,), {"axis": 1, "ddof": 1}), Sample((C,), {"axis": 1})]

SAMPLES: Samples = {
    np.average: [
        Sample((A,)),
        Sample((CUBE,), {"axis": (0, -1), "keepdims": True}),
        Sample((A, 1, WEIGHTS), diff=(0, 2)),
        Sample((A,), {"weights": np.abs(A) + 0.5}, diff=(0, "weights")),
        Sample((CUBE, (2, 1), array(2, 3, seed=6, low=0.5, high=2.0)), diff=(0, 2)),
        Sample((A, 1, WEIGHTS, True), diff=(0, 2)),
        Sample((A,), {"axis": 0, "returned": True}),
        Sample((A[0],), {"returned": True}),
        Sample((C, 1), {"weights": np.abs(A), "returned": True}, diff=(0, "weights")),
        Sample(([1, 2, 3], 0, WEIGHTS), diff=(2,)),
    ],
    np.cov: [
        Sample((B,)),
        Sample((B,), {"rowvar": False, "bias": True}),
        Sample((A, array(2, 3, seed=7)), diff=(0, 1)),
        Sample((B[0], B[1]), {"ddof": 0}, diff=(0, 1)),
        Sample((B[0],)),
        Sample((B,), {"fweights": [1, 2, 1, 3], "aweights": [0.5, 1.0, 2.0, 0.7]}),
        Sample((B,), {"aweights": [0.5, 1.0, 2.0, 0.7], "ddof": 0}),
        Sample((B,), {"aweights": array(4, low=0.5, high=2.0)}, diff=(0, "aweights")),
        Sample((B,), {"aweights": np.abs(B[0]), "fweights": [1, 2, 1, 3]}, diff=("aweights",)),
        Sample((B,), {"fweights": [1, 2, 1, 3]}),
        Sample((C,)),
    ],
    np.corrcoef: [
        Sample((B,)),
        Sample((B,), {"rowvar": False}),
        Sample((B[0], B[1]), diff=(0, 1)),
        Sample((B[0],)),
        Sample((complex_array(3, 4, seed=2),)),
    ],
    np.nansum: [*SUMS, Sample((NANS,), {"axis": 0, "initial": 0.5})],
    np.nanprod: [*SUMS, Sample((NANS * (np.abs(NANS) != 0.3),), {"axis": 0})],
    np.nanmean: SUMS,
    np.nanvar: SPREAD,
    np.nanstd: [*SPREAD, Sample((np.array([1.0, np.nan, 1.0]),), expect=([0, 0, 0],))],
    np.nanmax: EXTREMES,
    np.nanmin: EXTREMES,
    np.nancumsum: CUMULATIVE,
    np.nancumprod: [*CUMULATIVE, Sample((np.array([2.0, 0.0, np.nan, 3.0, 0.0]),))],
}
