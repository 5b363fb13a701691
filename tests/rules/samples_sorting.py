"""Samples for sorting, order statistics and selection by value."""

from __future__ import annotations

import numpy as np

from rules._samples import Sample, Samples, array

A = array(2, 3)
B = array(3, 4, seed=1)
CUBE = array(2, 3, 2, seed=2)
NANS = np.array([[0.3, np.nan, -0.8, 0.9], [0.1, -0.5, 0.6, -0.9], [np.nan, np.nan, 0.2, 0.7]])
METHODS = [
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf"),
    *("hazen", "weibull", "median_unbiased", "normal_unbiased"),
    *("lower", "higher", "midpoint", "nearest"),
]

MEDIANS = [
    Sample((A,)),
    Sample((B,), {"axis": -1}),
    Sample((B,), {"axis": 0, "keepdims": True}),
    Sample((CUBE,), {"axis": (0, 2)}),
    Sample((np.float64(0.5),)),
    Sample((array(1),)),
]


def quantiles(scale: int) -> list[Sample]:
    """Return calls of quantile (scale 1) or percentile (scale 100)."""
    return [
        Sample((A, 0.3 * scale)),
        Sample((B, 0.5 * scale), {"axis": -1}),
        Sample((B, [0.0, 0.35 * scale, 1.0 * scale]), {"axis": 0, "keepdims": True}),
        Sample((CUBE, np.array([[0.1, 0.9], [0.4, 0.6]]) * scale), {"axis": (0, 2)}),
        Sample((array(1), 0.7 * scale)),
        Sample((np.float64(0.5), 0.7 * scale)),
        Sample((np.array([1.0, 2.0, 2.0, 3.0]), 0.5 * scale), expect=([0, 0.5, 0.5, 0],)),
        *[Sample((B, [0.2 * scale, 0.61 * scale]), {"axis": 1, "method": m}) for m in METHODS],
    ]


def nan_quantiles(scale: int) -> list[Sample]:
    """Return calls of nanquantile (scale 1) or nanpercentile (scale 100)."""
    return [
        Sample((A, 0.3 * scale)),
        Sample((NANS, 0.3 * scale)),
        Sample((NANS, [0.25 * scale, 0.6 * scale]), {"axis": 1}),
        Sample((np.array([2.0, np.nan, 1.0, 2.0]), 0.5 * scale), expect=([1, 0, 0, 0],)),
        Sample((NANS, 0.4 * scale), {"axis": 0, "keepdims": True, "method": "hazen"}),
    ]


SAMPLES: Samples = {
    np.sort: [
        Sample((A,)),
        Sample((A, 0)),
        Sample((A,), {"axis": None}),
        Sample((CUBE,), {"axis": 1, "kind": "stable"}),
        Sample((array(1),)),
        Sample((np.zeros((2, 0)),)),
        Sample((np.array([2.0, 1.0, 1.0]),), expect=([1, 1, 1],)),
    ],
    np.partition: [
        Sample((B, 1)),
        Sample((B, [0, 2]), {"axis": 0}),
        Sample((B, 5), {"axis": None}),
        Sample((np.array([2.0, 1.0, 1.0]), 1), expect=([1, 1, 1],)),
    ],
    np.median: [
        *MEDIANS,
        Sample((np.array([1.0, 2.0, 2.0, 3.0]),), expect=([0, 0.5, 0.5, 0],)),
        Sample((np.array([2.0, 1.0, 2.0]),), expect=([1, 0, 0],)),
        Sample((NANS[1:2],), {"axis": 0}),
    ],
    np.nanmedian: [
        *MEDIANS,
        Sample((NANS,)),
        Sample((NANS,), {"axis": 1}),
        Sample((NANS,), {"axis": 0, "keepdims": True}),
        Sample((np.array([2.0, np.nan, 1.0, 2.0]),), expect=([1, 0, 0, 0],)),
    ],
    np.quantile: quantiles(1),
    np.percentile: quantiles(100),
    np.nanquantile: nan_quantiles(1),
    np.nanpercentile: nan_quantiles(100),
    np.unique: [
        Sample((B,)),
        Sample((np.array([2.0, 1.0, 2.0, 3.0]),), expect=([1, 1, 0, 1],)),
        Sample(
            (np.array([[2.0, 1.0], [0.5, 3.0], [2.0, 1.0]]),),
            {"axis": 0},
            expect=([[1, 1], [1, 1], [0, 0]],),
        ),
    ],
    **{
        relative: [
            Sample((B,)),
            Sample((np.array([2.0, 1.0, 2.0, 3.0]),), expect=([1, 1, 0, 1],)),
            Sample((np.array([0.5, np.nan, 0.5, 0.1]),), expect=([1, 1, 0, 1],)),
        ]
        for relative in (np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all)
    },
    np.extract: [
        Sample((B > 0, B), diff=(1,)),
        Sample(([True, False, True], A[0]), diff=(1,)),
        Sample((B > 9, B), diff=(1,)),
    ],
    np.compress: [
        Sample(([True, False], A, 0), diff=(1,)),
        Sample(([False, True, True], A), {"axis": -1}, diff=(1,)),
        Sample(([True, False, False, True], A), diff=(1,)),
        Sample(([True], array(), 0), diff=(1,)),
    ],
    np.trim_zeros: [
        Sample((np.array([0.0, 1.0, 0.0, 2.0, 0.0]),), expect=([0, 1, 1, 1, 0],)),
        Sample((np.array([0.0, 1.0, 0.0, 2.0, 0.0]), "f"), expect=([0, 1, 1, 1, 1],)),
        Sample((np.array([0.0, 1.0, 0.0, 2.0, 0.0]), "b"), expect=([1, 1, 1, 1, 0],)),
        Sample((np.zeros(2),), expect=([0, 0],)),
        Sample((np.zeros(1),), expect=([0],)),
        Sample((np.zeros((1, 3)),), {"axis": 0}, expect=(np.zeros((1, 3)),)),
    ],
    np.ediff1d: [
        Sample((A,)),
        Sample((A, array(2, seed=4)), {"to_begin": 0.3}, diff=(0, 1, "to_begin")),
        Sample((array(1),)),
    ],
}
