"""Samples for arrays made from traced values."""

from __future__ import annotations

import numpy as np

from chainrule.rules import creation
from rules._samples import Sample, Samples, array, complex_array

START, STOP = array(2, low=0.3, high=0.9), array(2, seed=1, low=1.2, high=2.5)

SAMPLES: Samples = {
    np.linspace: [
        Sample((0.3, 1.7), {"num": 5}, diff=(0, 1)),
        Sample((START, STOP, 4), diff=(0, 1)),
        Sample((START, 2.0, 4), {"axis": 1}, diff=(0, 1)),
        Sample((array(2, 1), array(3, seed=1), 4), {"axis": -1}, diff=(0, 1)),
        Sample((0.3, 1.7, 4), {"endpoint": False}, diff=(0, 1)),
        Sample((0.3, 1.7, 4), {"retstep": True}, diff=(0, 1)),
        Sample((0.3, 1.7, 1), diff=(0, 1)),
        Sample((0.3, 1.7, 0), diff=(0, 1)),
        Sample((0.5, 1.7, 3), {"dtype": complex}, diff=(1,)),
        # The differences are taken in float32.
        Sample((START.astype(np.float32), 2.0, 4), rtol=1e-3),
        Sample(([1.0, 2.0], STOP.astype(np.float32), 4), diff=(1,), rtol=1e-3),
        Sample((complex_array(2), complex_array(2, seed=1), 3), diff=(0, 1)),
    ],
    creation.linspace_array.fn: [
        Sample((START, 2.0), {"num": 4, "endpoint": end, "axis": 1}, diff=(0, 1))
        for end in (True, False)
    ],
    np.logspace: [
        Sample((0.1, 0.7), {"num": 5}, diff=(0, 1)),
        Sample((START, STOP, 3), {"axis": 1, "base": 2.0}, diff=(0, 1)),
        Sample((0.1, 0.7, 3), {"base": array(low=1.5, high=2.0)}, diff=(0, 1, "base")),
        Sample((0.1, 0.7, 3), {"base": array(2, low=1.5, high=3.0)}, diff=(0, 1, "base")),
        Sample((0.1, 0.7, 3, False), diff=(0, 1)),
    ],
    np.geomspace: [
        Sample((0.3, 1.7), {"num": 5}, diff=(0, 1)),
        Sample((START, STOP, 3), diff=(0, 1)),
        Sample((START, 2.0, 3), {"axis": -1}, diff=(0, 1)),
        Sample((-0.3, -1.7, 4, False), diff=(0, 1)),
        Sample((0.3, 1.7, 1), diff=(0, 1)),
    ],
    np.full_like: [
        Sample((array(2, 3), array(seed=1)), diff=(0, 1)),
        Sample((array(2, 3), array(3, seed=1)), {"shape": (4, 3)}, diff=(0, 1)),
        Sample((array(2, 3), 2.5)),
        Sample((array(2, 3), 2), {"dtype": complex}),
    ],
}
