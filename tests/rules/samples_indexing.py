"""Samples for reading and storing by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import indexing
from rules._samples import Sample, Samples, array, complex_array

MASK = array(3, 4, seed=5) > 0
INDICES: list[Any] = [
    0,
    -1,
    np.int64(1),
    slice(None),
    slice(2, 0, -1),
    slice(0, 0),
    (1, 2, 0),
    None,
    (None, 0, Ellipsis, None),
    Ellipsis,
    (Ellipsis, slice(None, None, 2)),
    (),
    [0, 0, 1],
    [],
    np.array([[0, 1], [2, 2]]),
    np.array(2),
    (np.array([0, 0]), np.array([1, 1])),
    (np.array([0, 0]), slice(None), np.array([1, 1])),
    (0, slice(None), [1, 1, 0]),
    ([[0], [2]], [1, 1], slice(0, 1)),
    (slice(None), None, [3, 3]),
    MASK,
    (MASK, 0),
    (slice(None), [True, False, True, True]),
    (MASK, [1] * int(MASK.sum())),
    array(3, 4, 2) > 0,
    True,
    False,
]


def stores(index: Any) -> list[Sample]:
    """Store at one index: a value of the region's shape, one element broadcast over it."""
    a = array(3, 4, 2)
    region = a[index].shape
    return [
        Sample((a, index, array(*region, seed=1)), diff=(0, 2)),
        Sample((a, index, array(seed=2)), diff=(0, 2)),
    ]


SAMPLES: Samples = {
    indexing.getitem.fn: [
        *(Sample((array(3, 4, 2), index)) for index in INDICES),
        Sample((array(), ())),
        Sample((array(), None)),
        Sample((array(0, 2), (slice(None), 1))),
        Sample((complex_array(3), [0, 0, 2])),
    ],
    indexing.scatter_add.fn: [
        *(Sample((array(*array(3, 4, 2)[i].shape, seed=1), i, (3, 4, 2))) for i in INDICES),
        Sample((complex_array(3), [0, 0, 2], (4,))),
    ],
    indexing.setitem.fn: [
        *(sample for index in INDICES for sample in stores(index)),
        Sample((array(3, 2), (slice(None), 0), array(1, 3, seed=1)), diff=(0, 2)),
        Sample((array(3, 2), 1, array(1, 1, 2, seed=1)), diff=(0, 2)),
        Sample((array(3, 2), [1, 1, 0], array(3, 1, seed=1)), diff=(0, 2)),
        Sample((array(3, 2), [1, 1, 0], array(2, 3, seed=1).T), diff=(0, 2)),
        Sample((array(3), 1, array(seed=1)), diff=(2,)),
        Sample((complex_array(3), slice(1, None), array(2, seed=1)), diff=(0, 2)),
    ],
    np.take: [
        Sample((array(2, 3), [0, 0, -1])),
        Sample((array(2, 3), [[0, 1], [1, -1]]), {"axis": 0}),
        Sample((array(2, 3), [2, 0]), {"axis": -1}),
        Sample((array(2, 3), [7, -9, 2]), {"axis": 1, "mode": "wrap"}),
        Sample((array(2, 3), [-5, 9, 1]), {"axis": 1, "mode": "clip"}),
        Sample((array(2, 3), [100, -77]), {"mode": "wrap"}),
        Sample((array(2, 3, 2), 1), {"axis": 1}),
        Sample((array(2, 3), []), {"axis": 1}),
        *[Sample((array(), [0, -1]), {"axis": axis}) for axis in (0, -1, None)],
        Sample((array(), [5, 1]), {"axis": 0, "mode": "clip"}),
        Sample((complex_array(3), [1, 1])),
    ],
    np.take_along_axis: [
        Sample((array(2, 3), np.argsort(array(2, 3), 1), 1)),
        Sample((array(2, 3), np.array([[0], [2]])), {"axis": -1}),
        Sample((array(2, 3, 2), np.array([[[1]]])), {"axis": 0}),
        Sample((array(1, 3), np.array([[0, 0], [1, 2]]), 1)),
        Sample((array(2, 3), np.array([0, 0, -1])), {"axis": None}),
    ],
}
