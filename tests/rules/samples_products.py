"""Samples for products of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import products
from rules._samples import Sample, Samples, array, complex_array


def both(*a: int, b: tuple[int, ...] = (), **kwargs: Any) -> Sample:
    """Two real factors of these shapes, both differentiated."""
    return Sample((array(*a), array(*b, seed=1)), kwargs, diff=(0, 1))


def complex_both(a: tuple[int, ...], b: tuple[int, ...]) -> Sample:
    """Two complex factors."""
    return Sample((complex_array(*a), complex_array(*b, seed=1)), diff=(0, 1))


def einsum(subscripts: str, *arrays: Any, **kwargs: Any) -> Sample:
    """An einsum call, every operand differentiated."""
    return Sample((subscripts, *arrays), kwargs, diff=tuple(range(1, len(arrays) + 1)))


MATMUL = [
    both(2, 3, b=(3, 4)),
    both(3, b=(3,)),
    both(2, 3, b=(3,)),
    both(3, b=(3, 2)),
    both(5, 2, 3, b=(3, 4)),
    both(2, 3, b=(5, 3, 4)),
    both(1, 2, 3, b=(4, 3, 2)),
    both(2, 1, 2, 3, b=(3, 3, 2)),
    both(3, b=(4, 3, 2)),
    both(4, 2, 3, b=(3,)),
    both(0, 3, b=(3, 2)),
    both(2, 0, b=(0, 2)),
    complex_both((2, 3), (3, 2)),
    Sample((array(2, 3), [[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]])),
    Sample((np.asfortranarray(array(2, 3)), array(4, 3, seed=1).T), diff=(0, 1)),
    Sample((array(2, 3), complex_array(3, 2)), diff=(0, 1)),
]
DOT = [
    *(both(*a, b=b) for a in ((), (3,), (2, 3), (2, 2, 3)) for b in ((), (3,), (3, 2))),
    both(3, b=(2, 3, 2)),
    both(2, 3, b=(2, 3, 2)),
    both(2, 1, 3, b=(2, 3, 2)),
    both(b=(2, 3, 2)),
    both(0, 3, b=(3, 2)),
    complex_both((2, 3), (3,)),
]
TENSORDOT = [
    both(2, 3, b=(2, 3)),
    both(2, 3, b=(3, 2), axes=1),
    both(2, 3, b=(4,), axes=0),
    both(2, 3, 4, b=(4, 3, 2), axes=((1, 2), (1, 0))),
    both(2, 3, 4, b=(4, 3, 5), axes=([-1, -2], [0, 1])),
    both(2, 3, b=(4, 3), axes=(1, -1)),
    both(0, 3, b=(3, 2), axes=1),
    Sample((complex_array(2, 3), complex_array(3, 2, seed=1)), {"axes": 1}, diff=(0, 1)),
]
OUTER = [both(2, b=(3,)), both(1, b=(0,)), complex_both((2,), (3,))]

SAMPLES: Samples = {
    np.matmul: MATMUL,
    np.linalg.matmul: MATMUL[:2] + MATMUL[4:6],
    np.dot: DOT,
    np.inner: [
        *(both(*a, b=b) for a in ((), (3,), (2, 3)) for b in ((), (3,), (4, 3), (2, 2, 3))),
        complex_both((2, 3), (2, 3)),
    ],
    np.outer: [*OUTER, both(2, 2, b=(3,)), both(b=(3,)), both(b=())],
    np.linalg.outer: OUTER,
    np.vdot: [both(3, b=(3,)), both(2, 3, b=(2, 3)), both(b=()), complex_both((3,), (3,))],
    np.vecdot: [
        both(3, b=(3,)),
        both(2, 3, b=(3,)),
        both(2, 1, 3, b=(4, 3)),
        complex_both((2, 3), (2, 3)),
    ],
    np.linalg.vecdot: [both(2, 3, b=(3,)), both(3, 2, b=(3, 2), axis=0)],
    np.tensordot: TENSORDOT,
    np.linalg.tensordot: TENSORDOT[:4],
    np.kron: [
        both(2, b=(3,)),
        both(2, 3, b=(3, 2)),
        both(2, b=(3, 2)),
        both(2, 1, 2, b=(2, 2)),
        both(b=(3,)),
        both(0, b=(3,)),
        complex_both((2,), (2, 2)),
    ],
    np.linalg.cross: [
        both(3, b=(3,)),
        both(2, 3, b=(3,)),
        both(3, 2, b=(3, 2), axis=0),
        both(4, 1, 3, b=(2, 3)),
        complex_both((3,), (3,)),
    ],
    np.cross: [
        both(3, b=(3,)),
        both(2, 3, b=(3,)),
        both(3, 2, b=(2, 3), axisa=0),
        both(2, 3, b=(3, 2), axisb=0, axisc=0),
        both(3, 2, b=(3, 2), axis=0),
        both(0, 3, b=(3,)),
    ],
    np.linalg.multi_dot: [
        Sample(([array(2, 3), array(3, 4, seed=1), array(4, 2, seed=2)],)),
        Sample(([array(3), array(3, 4, seed=1), array(4, seed=2)],)),
        Sample(([array(3), array(3, 2, seed=1)],)),
        Sample(([array(2, 3), array(3, 2, seed=1), array(2, 5, seed=2), array(5, seed=3)],)),
    ],
    np.einsum: [
        einsum("ij,jk->ik", array(2, 3), array(3, 4)),
        einsum("ij,jk", array(2, 3), array(3, 4)),
        einsum("ba", array(2, 3)),
        einsum("ii->i", array(3, 3)),
        einsum("ii", array(3, 3)),
        einsum("iji->j", array(2, 3, 2)),
        einsum("iii->", array(2, 2, 2)),
        einsum("ij->", array(2, 3)),
        einsum("ij,kl->ik", array(2, 3), array(2, 4)),
        einsum("...ij,...jk->...ik", array(1, 2, 3), array(2, 2, 3, 2)),
        einsum("i...,i...->...", array(3, 2), array(3, 1)),
        einsum("...i", array(2, 3)),
        einsum("i,i->", array(1), array(3)),
        einsum("ii,i->i", array(1, 1), array(3)),
        einsum("iij,ik->k", array(1, 1, 3), array(4, 2)),
        einsum("ii,i->i", array(3, 3), array(1)),
        einsum(",ij->ji", array(), array(2, 3)),
        einsum("ij, jk, kl -> il", array(2, 3), array(3, 4), array(4, 2), optimize=True),
        einsum("i,j->ij", array(2), array(0)),
        einsum("ij,jk->ik", complex_array(2, 3), complex_array(3, 2, seed=1)),
        Sample((array(2, 3), [0, 1], array(3, 2), [1, 2], [2, 0]), diff=(0, 2)),
        Sample((array(2, 3), [Ellipsis, 1], array(3), [1]), diff=(0, 2)),
    ],
    products._einsum: [
        Sample(
            (array(2, 3), array(3, 4)), {"subscripts": "ij,jk->ik", "optimize": opt, "order": "K"}
        )
        for opt in (False, True)
    ],
}
if hasattr(np, "matvec"):
    SAMPLES[np.matvec] = [both(2, 3, b=(3,)), both(2, 2, 3, b=(3,)), both(2, 3, b=(4, 3))]
    SAMPLES[np.vecmat] = [both(2, b=(2, 3)), both(4, 2, b=(2, 3)), complex_both((2,), (2, 3))]
