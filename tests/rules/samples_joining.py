"""Samples for joining, splitting and padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import joining
from rules._samples import Sample, Samples, array, complex_array


def joined(*shapes: tuple[int, ...], **kwargs: Any) -> Sample:
    """One call with a list of arrays, all differentiated."""
    return Sample(([array(*shape, seed=k) for k, shape in enumerate(shapes)],), kwargs)


MIXED = ([array(2, seed=1), array(2).astype(np.float32), complex_array(2)],)

SAMPLES: Samples = {
    np.concatenate: [
        joined((2, 3), (1, 3), (4, 3)),
        joined((2, 3), (2, 1), axis=-1),
        joined((2, 3), (4,), (1, 1), axis=None),
        joined((0,), (3,)),
        joined((3,)),
        Sample(MIXED, rtol=1e-3),  # the differences are taken in float32
        Sample(([array(2), array(3, seed=1)],), {"dtype": complex}),
        Sample(((array(2), array(3, seed=1)),), {"axis": 0}),
    ],
    joining.concatenate_arrays.fn: [
        Sample(
            (array(2, 3), array(2, 1, seed=1)),
            {"axis": -1, "dtype": None, "casting": "same_kind"},
            diff=(0, 1),
        ),
        Sample(
            (array(2, 3), np.ones((4, 3)), array(1, 3, seed=1)),
            {"axis": 0, "dtype": None, "casting": "same_kind"},
            diff=(0, 2),
        ),
    ],
    np.stack: [
        joined((2, 3), (2, 3)),
        joined((2, 3), (2, 3), axis=1),
        joined((2, 3), (2, 3), (2, 3), axis=-1),
        joined((), (), ()),
        joined((0,), (0,)),
    ],
    np.vstack: [
        joined((3,), (2, 3)),
        joined((3,), (3,)),
        joined((), ()),
        joined((1, 2, 2), (3, 2, 2)),
    ],
    np.hstack: [
        joined((3,), (2,)),
        joined((2, 3), (2, 1)),
        joined((), (2,)),
        joined((2, 0), (2, 2)),
    ],
    np.dstack: [
        joined((3,), (3,)),
        joined((2, 3), (2, 3)),
        joined((2, 1, 2), (2, 1, 3)),
        joined(
            (),
        ),
    ],
    np.column_stack: [joined((3,), (3, 2)), joined((3,), (3,)), joined((2, 2), (2, 1))],
    np.block: [
        joined((2,), (3,)),
        Sample((array(2, 3),)),
        joined((2, 1), (2, 3)),
        joined((), (3,)),
    ],
    np.append: [
        Sample((array(2, 3), array(4, seed=1)), diff=(0, 1)),
        Sample((array(2, 3), array(1, 3, seed=1), 0), diff=(0, 1)),
        Sample((array(2, 3), array(2, 1, seed=1)), {"axis": -1}, diff=(0, 1)),
        Sample((array(), array(seed=1)), diff=(0, 1)),
    ],
    np.insert: [
        Sample((array(4), 1, array(seed=1)), diff=(0, 2)),
        Sample((array(4), [1, 3, -1], array(3, seed=1)), diff=(0, 2)),
        Sample((array(4), [2, 2], array(2, seed=1)), diff=(0, 2)),
        Sample((array(4), [1], array(3, seed=1)), diff=(0, 2)),
        Sample((array(4), slice(0, 4, 2), array(seed=1)), diff=(0, 2)),
        Sample((array(2, 3), 2, array(2, seed=1), 1), diff=(0, 2)),
        Sample((array(2, 3), [1], array(2, 1, seed=1), 1), diff=(0, 2)),
        Sample((array(2, 3), -1, array(3, seed=1), 0), diff=(0, 2)),
        Sample((array(2, 3), [0, 2], array(2, seed=1)), {"axis": -1}, diff=(0, 2)),
        Sample((array(2, 3), np.array([True, False, True]), 0.5, 1)),
        Sample((array(2, 3), 6, array(2, seed=1)), diff=(0, 2)),
        Sample((array(3), [], 1.0)),
    ],
    np.delete: [
        Sample((array(4), 1)),
        Sample((array(4), [0, -1, 0])),
        Sample((array(2, 3), slice(0, 2), 1)),
        Sample((array(2, 3), np.array([True, False, True])), {"axis": -1}),
        Sample((array(2, 3), 4)),
        Sample((array(3), [])),
    ],
    np.array_split: [
        Sample((array(5), 3)),
        Sample((array(2, 5), [1, 3]), {"axis": -1}),
        Sample((array(2), 3)),
        Sample((array(4, 2), (3, 2, 9))),
    ],
    np.split: [
        Sample((array(4, 2), 2)),
        Sample((array(2, 4), [1], -1)),
        Sample((array(4), np.array([1, 3]))),
    ],
    np.hsplit: [Sample((array(4), 2)), Sample((array(2, 4), [1, 2])), Sample((array(2, 4, 1), 2))],
    np.vsplit: [Sample((array(4, 2), 2)), Sample((array(4, 1), [1])), Sample((array(3, 0), 3))],
    np.dsplit: [
        Sample((array(1, 2, 4), 2)),
        Sample((array(2, 1, 3), [2])),
        Sample((array(1, 1, 2), 1)),
    ],
    np.pad: [
        Sample((array(3), 2)),
        Sample((array(), 2)),
        Sample((array(2, 3), ((1, 2), (0, 3))), {"constant_values": ((1.0, 2.0), (3.0, 4.0))}),
        Sample((array(3), (1, 2)), {"constant_values": array(seed=1)}, diff=(0, "constant_values")),
        Sample(
            (array(2, 2), 1), {"constant_values": array(2, seed=1)}, diff=(0, "constant_values")
        ),
        Sample((array(0), 2)),
        Sample((array(2, 3), 1, "edge")),
        Sample((array(3), (7, 9), "wrap")),
        Sample((array(2, 3), ((0, 1), (2, 0)), "wrap")),
        Sample((array(3), (7, 9), "reflect")),
        Sample((array(2, 3), (1, 2), "reflect")),
        Sample((array(1, 3), 2, "reflect")),
        Sample((array(3), (2, 9)), {"mode": "symmetric"}),
        Sample((array(3), (5, 4)), {"mode": "reflect", "reflect_type": "odd"}),
        Sample((array(2, 3), ((5, 0), (1, 7))), {"mode": "symmetric", "reflect_type": "odd"}),
        Sample((array(2, 3), ((1, 2), (3, 0)), "linear_ramp")),
        Sample(
            (array(3), 2, "linear_ramp"), {"end_values": array(2, seed=1)}, diff=(0, "end_values")
        ),
        Sample((array(2, 3), (1, 2), "mean")),
        Sample((array(5), (1, 2), "mean"), {"stat_length": (2, 3)}),
        Sample((array(2, 3), 1, "maximum")),
        Sample((array(5), (2, 1)), {"mode": "minimum", "stat_length": 2}),
        Sample((array(5), 1, "median")),
        Sample((array(3), 0, "edge")),
        Sample((complex_array(3), (1, 2), "reflect")),
    ],
}
if hasattr(np, "unstack"):
    SAMPLES[np.unstack] = [
        Sample((array(2, 3),)),
        Sample((array(2, 3),), {"axis": -1}),
        Sample((array(3),)),
    ]
