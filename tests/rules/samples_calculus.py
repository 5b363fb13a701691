"""Samples for differences, gradients, integrals, interpolation, convolution and polynomials."""

from __future__ import annotations

import numpy as np

from rules._samples import Sample, Samples, array, complex_array

A = array(3, 4)
LINE = array(6, seed=1)
SHORT = array(3, seed=2)
GRID = np.array([0.0, 0.7, 1.0, 2.2])
X = np.array([0.35, 1.6, 0.85, 2.05])
MODES = ("full", "same", "valid")


def products() -> list[Sample]:
    """Return calls of convolve and correlate."""
    pairs = [(LINE, SHORT), (SHORT, LINE), (LINE, array(4, seed=3)), (array(4, seed=3), LINE)]
    return [
        *[Sample((a, v, mode), diff=(0, 1)) for a, v in pairs for mode in MODES],
        Sample((LINE, [1, -2]), diff=(0,)),
        Sample((complex_array(4), SHORT, "same"), diff=(0, 1)),
        Sample((complex_array(4), complex_array(2, seed=1)), diff=(0, 1)),
    ]


SAMPLES: Samples = {
    np.diff: [
        Sample((LINE,)),
        Sample((A, 2), {"axis": 0}),
        Sample((A, 0)),
        Sample((A,), {"axis": -2, "prepend": 0.3, "append": A[:1]}, diff=(0, "prepend", "append")),
        Sample((array(1),)),
        Sample((np.zeros(0),)),
    ],
    np.gradient: [
        Sample((LINE,)),
        Sample((A,)),
        Sample((A, 0.5, GRID), {"edge_order": 2}, diff=(0, 1, 2)),
        Sample((A, 0.5), {"axis": 1}, diff=(0, 1)),
        Sample((A, GRID), {"axis": -1}, diff=(0, 1)),
        Sample((A, GRID), {"axis": -1, "edge_order": 2}),
        Sample((A, [0, 1, 2]), {"axis": 0, "edge_order": 2}),
        Sample((A, 2.0), {"axis": (1, 0), "edge_order": 2}, diff=(0, 1)),
        Sample((array(2, seed=3),)),
    ],
    np.trapezoid: [
        Sample((LINE,)),
        Sample((A,), {"dx": 0.3, "axis": 0}, diff=(0, "dx")),
        Sample((A, GRID), diff=(0, 1)),
        Sample((A, array(3, 4, seed=4)), {"axis": 0}, diff=(0, 1)),
        Sample((A, GRID[:3]), {"axis": -2}, diff=(0, 1)),
        Sample((array(1),)),
        Sample(([1, 2, 3, 4], GRID), diff=(1,)),
    ],
    np.interp: [
        Sample((X, GRID, A[0]), diff=(0, 1, 2)),
        Sample((np.float64(0.85), GRID, A[0]), diff=(0, 1, 2)),
        Sample((np.array([-1.0, 0.5, 3.0]), GRID, A[0]), diff=(0, 1, 2)),
        Sample(
            (np.array([[-1.0], [3.0]]), GRID, A[0]),
            {"left": 0.5, "right": -2.0},
            diff=(0, 2, "left", "right"),
        ),
        Sample((np.array([-0.9, 0.35, 2.4, 7.0]), GRID, A[0]), {"period": 2.5}, diff=(0, 1, 2)),
        Sample((np.array([0.5, 2.0]), [1.0], [3.0]), diff=(0,)),
        Sample((X, GRID, complex_array(4)), diff=(2,)),
        Sample((np.array([0.0, 1.0, 3.0]), [0, 1, 3], [0.0, 2.0, 3.0]), expect=([2, 0.5, 0.5],)),
    ],
    np.convolve: [*products(), Sample((LINE, np.float64(0.5)), diff=(0, 1))],
    np.correlate: products(),
    np.vander: [
        Sample((SHORT,)),
        Sample((np.array([0.0, -1.5, 2.0]), 4), {"increasing": True}),
        Sample((SHORT, 1)),
        Sample((SHORT, 0)),
    ],
    np.polyval: [
        Sample((SHORT, A), diff=(0, 1)),
        Sample(([2, 0, -1], LINE), diff=(1,)),
        Sample((SHORT, np.float64(0.4)), diff=(0, 1)),
    ],
    np.polyadd: [Sample((SHORT, LINE), diff=(0, 1)), Sample((LINE, [1, 2]), diff=(0,))],
    np.polysub: [Sample((SHORT, LINE), diff=(0, 1)), Sample((SHORT, SHORT + 0.1), diff=(0, 1))],
    np.polymul: [
        Sample((SHORT, LINE), diff=(0, 1)),
        Sample((np.array([0.0, 0.0, 1.0, 2.0]), SHORT), diff=(1,)),
        Sample((LINE, [0, 0]), diff=(0,)),
    ],
    np.polyder: [Sample((LINE,)), Sample((LINE, 2)), Sample((SHORT, 0)), Sample((array(1),))],
    np.polyint: [
        Sample((SHORT,)),
        Sample((SHORT, 2), {"k": array(2, seed=5)}, diff=(0, "k")),
        Sample((SHORT, 2, 0.5), diff=(0,)),
    ],
}
