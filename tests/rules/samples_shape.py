"""Samples for changing the shape and the order of elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from rules._samples import Sample, Samples, array, complex_array


def calls(*a: int, of: list[tuple[Any, ...]]) -> list[Sample]:
    """Several calls with one array, each with its own further arguments."""
    return [Sample((array(*a), *rest)) for rest in of]


def several(*shapes: tuple[int, ...], **kwargs: Any) -> Sample:
    """One call with several arrays, all differentiated."""
    arrays = tuple(array(*s, seed=k) for k, s in enumerate(shapes))
    return Sample(arrays, kwargs, diff=tuple(range(len(arrays))))


def along_lines(x: Any, power: int) -> Any:
    return np.stack([np.sum(x**power), x[0]])


FORTRAN = np.asfortranarray(array(2, 3, 2))
STRIDED = array(4, 3, 4)[::2, ::-1, 1::2].transpose(1, 0, 2)

SAMPLES: Samples = {
    np.reshape: [
        *calls(2, 3, of=[((3, 2),), (-1,), ((1, 6, 1), "F")]),
        Sample((FORTRAN, (4, 3)), {"order": "F"}),
        Sample((FORTRAN, (4, 3))),
        Sample((array(), (1, 1))),
        Sample((array(0, 2), (2, 0))),
        Sample((complex_array(4), (2, 2))),
    ],
    np.ravel: [
        *(Sample((x,), {"order": order}) for x in (FORTRAN, STRIDED) for order in "CF"),
        # Values alone: differences are taken at points that lie otherwise in memory.
        *(Sample((x,), {"order": order}, order=0) for x in (FORTRAN, STRIDED) for order in "AK"),
        *(Sample((array(2, 3),), {"order": order}) for order in "AK"),
        Sample((array(),)),
        Sample((array(3),)),
        Sample((array(0, 2),)),
    ],
    np.transpose: [
        *calls(2, 3, of=[(), ((1, 0),), ((0, 1),)]),
        *calls(2, 3, 2, of=[((-1, 0, 1),), ([2, 0, 1],), (None,)]),
        Sample((array(),)),
        Sample((complex_array(2, 2),)),
    ],
    np.matrix_transpose: calls(2, 3, of=[()]) + calls(2, 0, 3, of=[()]),
    np.linalg.matrix_transpose: calls(2, 3, of=[()]) + calls(2, 2, 3, of=[()]),
    np.swapaxes: calls(2, 3, 2, of=[(0, 1), (0, -1), (1, 1)]),
    np.moveaxis: calls(2, 3, 2, of=[(0, -1), ([0, 1], [-1, 0]), (-1, -1)]),
    np.rollaxis: calls(2, 3, 4, of=[(0,), (2,), (0, 3), (1, 2), (-1, -3), (0, 2)]),
    np.squeeze: [
        *calls(1, 2, 1, of=[(), (0,), (-1,), ((0, 2),)]),
        *calls(1, 1, of=[()]),
        *calls(2, of=[()]),
    ],
    np.expand_dims: calls(2, 3, of=[(0,), (-1,), ((0, -1),), (1,)]) + calls(of=[(0,)]),
    np.atleast_1d: [several(()), several((2,)), several((), (3,), (2, 2))],
    np.atleast_2d: [several(()), several((2,)), several((), (3,), (2, 2))],
    np.atleast_3d: [several(()), several((2,)), several((), (3,), (2, 2), (1, 2, 2))],
    np.broadcast_to: [
        *calls(3, of=[((2, 3),), ((3,),), (3,)]),
        *calls(2, 1, of=[((3, 2, 4),), ((2, 0),)]),
        *calls(of=[((2, 2),), ((),)]),
        *calls(1, of=[((0,),)]),
    ],
    np.broadcast_arrays: [several((2, 1), (3,)), several((), (2,)), several((2,))],
    np.flip: calls(2, 3, of=[(), (0,), (-1,), ((0, 1),)]) + calls(of=[()]),
    np.fliplr: calls(2, 3, of=[()]) + calls(2, 1, 2, of=[()]),
    np.flipud: calls(2, 3, of=[()]) + calls(3, of=[()]),
    np.roll: [
        *calls(2, 3, of=[(1,), (-4,), (1, 0), (2, -1), ((1, 2), (0, 1)), ((1, 2), 1), (1, (0, 1))]),
        *calls(0, of=[(2,)]),
    ],
    np.rot90: calls(2, 3, of=[(), (2,), (-1,), (1, (1, 0))]) + calls(2, 3, 2, of=[(1, (0, 2))]),
    np.fft.fftshift: calls(5, of=[()]) + calls(2, 3, of=[(), (1,), ((0, 1),)]),
    np.fft.ifftshift: calls(5, of=[()]) + calls(2, 3, of=[(), (1,), ((0, 1),)]),
    np.tile: [
        *calls(2, 3, of=[(2,), ((2, 1),), ((2, 1, 2),), ((),), (1,)]),
        *calls(of=[(3,), ((2, 2),)]),
        *calls(3, of=[(0,), ([2],)]),
    ],
    np.repeat: [
        *calls(2, 3, of=[(2,), (2, 0), (3, -1), ([1, 2], 0), ([2, 0, 1], 1), ([2], 1), (0, 1)]),
        *calls(2, 2, of=[([1, 0, 2, 1],)]),
        *calls(of=[(3,), (3, 0), (2, -1)]),
    ],
    np.resize: calls(2, 3, of=[((2, 2),), (10,), ((3, 0),)]) + calls(0, of=[(2,)]),
    np.lib.stride_tricks.sliding_window_view: [
        *calls(5, of=[(3,), ((1,),)]),
        *calls(3, 4, of=[((2, 2),), (2, 1), ((2, 2), (1, 1)), (2, -1)]),
    ],
    np.diagonal: [
        *calls(3, 3, of=[(), (1,), (-2,), (3,)]),
        *calls(2, 4, of=[(), (1,), (-1,)]),
        *calls(4, 2, of=[(0, 1, 0), (-2,)]),
        *calls(2, 3, 4, of=[(1, 0, 2), (0, -1, 1)]),
    ],
    np.linalg.diagonal: [
        *calls(2, 3, 3, of=[()]),
        Sample((array(2, 3),), {"offset": 1}),
        Sample((array(3, 2),), {"offset": -1}),
    ],
    np.diag: [
        *calls(3, of=[(), (1,), (-2,)]),
        *calls(2, 3, of=[(), (1,), (-1,)]),
        *calls(3, 3, of=[()]),
        *calls(0, of=[()]),
    ],
    np.diagflat: calls(2, 2, of=[(), (1,)]) + calls(of=[(), (-1,)]),
    np.trace: [
        *calls(3, 3, of=[(), (1,), (-1,)]),
        *calls(2, 3, of=[()]),
        *calls(2, 3, 2, of=[(0, 0, 2), (1, -1, 1)]),
    ],
    np.linalg.trace: [*calls(2, 3, 3, of=[()]), Sample((array(2, 3),), {"offset": 1})],
    np.triu: calls(3, 3, of=[(), (1,), (-1,)]) + calls(2, 2, 4, of=[()]) + calls(3, of=[()]),
    np.tril: calls(3, 3, of=[(), (1,), (-1,)]) + calls(2, 2, 4, of=[()]) + calls(3, of=[()]),
    np.apply_along_axis: [
        Sample((np.sum, 0, array(2, 3)), diff=(2,)),
        Sample((along_lines, 1, array(2, 3, 2), 2), diff=(2,)),
        Sample((along_lines, -1, array(2, 3)), {"power": 3}, diff=(2,)),
        Sample((np.cumsum, 0, array(3)), diff=(2,)),
    ],
    np.apply_over_axes: [
        Sample((np.sum, array(2, 3, 2), [0, 2]), diff=(1,)),
        Sample((np.mean, array(2, 3), -1), diff=(1,)),
    ],
    np.meshgrid: [
        several((2,), (3,)),
        several((2,), (3,), (2,), indexing="ij"),
        several((2,), (3,), sparse=True),
        several((2,), (3,), (1,), copy=False),
        several((), (2,)),
        several((3,)),
    ],
}
