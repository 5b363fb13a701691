"""Samples for linear algebra: well-conditioned matrices, singular ones for the determinant."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import linalg
from rules._samples import Sample, Samples, array, complex_array


def regular(*shape: int, seed: int = 0) -> Any:
    """Well-conditioned matrices without symmetry: the identity and something smaller."""
    return 1.5 * np.eye(*shape[-2:]) + array(*shape, seed=seed, low=-0.5, high=0.5)


def complex_regular(*shape: int, seed: int = 0) -> Any:
    """Complex ones; the diagonal is complex too."""
    return (1.5 + 0.5j) * np.eye(shape[-1]) + 0.4 * complex_array(*shape, seed=seed)


def system(a: tuple[int, ...], b: tuple[int, ...], **kwargs: Any) -> Sample:
    """A system of equations, differentiated by both sides."""
    return Sample((regular(*a), array(*b, seed=1)), **{"diff": (0, 1), **kwargs})


def of_rank(*values: float, seed: int = 0) -> Any:
    """A full matrix with these singular values."""
    n = len(values)
    u, _ = np.linalg.qr(array(n, n, seed=seed))
    v, _ = np.linalg.qr(array(n, n, seed=seed + 1))
    return u @ np.diag(values) @ v


COUNTING = np.arange(1.0, 10.0).reshape(3, 3)
"""Singular, but its pivots are not exactly zero."""

SOLVE = [
    system((3, 3), (3,)),
    system((3, 3), (3, 2)),
    system((2, 3, 3), (2, 3, 2)),
    system((2, 3, 3), (3,)),
    system((3, 3), (2, 3, 2)),
    system((2, 1, 3, 3), (4, 3, 2)),
    system((2, 3, 3), (3, 3)),
    system((1, 1), (1,)),
    system((3, 3), (3,), diff=(0,)),
    system((3, 3), (3, 2), diff=(1,)),
    system((2, 3, 3), (3,), diff=(1,)),
    system((2, 3, 3), (3,), diff=(0,)),
    system((0, 0), (0,)),
    system((0, 0), (0, 2)),
    system((3, 3), (3, 0)),
    Sample((complex_regular(3, 3), complex_array(3, seed=1)), diff=(0, 1)),
    Sample((complex_regular(2, 3, 3), complex_array(2, 3, 2, seed=1)), diff=(0, 1)),
    Sample((regular(3, 3), complex_array(3, seed=1)), diff=(0, 1)),
    Sample((complex_regular(3, 3), array(3, 2)), diff=(0, 1)),
    Sample((regular(2, 2), [1.0, 2.0])),
]
SQUARE = [
    Sample((regular(3, 3),)),
    Sample((regular(2, 3, 3),)),
    Sample((complex_regular(3, 3),)),
    Sample((regular(1, 1),)),
    Sample((regular(2, 1, 4, 4),)),
    Sample((complex_regular(2, 2, 2),)),
    Sample((np.zeros((0, 0)),)),
    Sample((np.zeros((0, 3, 3)),)),
]
# Differences of a polynomial are exact at any matrix: singular ones of every rank, in stacks too.
SINGULAR = [
    Sample((np.array([[1.0, 2.0], [2.0, 4.0]]),)),
    Sample((COUNTING,)),
    Sample((of_rank(2.0, 1.0, 0.5, 0.0),)),
    Sample((of_rank(2.0, 1.0, 0.0, 0.0),)),
    Sample((of_rank(2.0, 0.0, 0.0, 0.0),)),
    Sample((np.zeros((1, 1)),)),
    Sample((np.zeros((3, 3)),)),
    Sample((of_rank(2.0, 1.0, 1e-5),)),
    Sample((of_rank(2.0, 1.0, 1e-10),)),
    Sample((of_rank(2.0, 1e-9, 1e-12),)),
    Sample((np.stack([regular(3, 3), COUNTING, of_rank(2.0, 0.0, 0.0), np.zeros((3, 3))]),)),
    Sample((complex_array(3, 1) * complex_array(1, 3, seed=1),)),
    Sample((np.diag([1.0 + 2.0j, 0.5j, 0.0]),)),
]
TALL, WIDE = array(4, 2) + np.eye(4, 2), array(2, 4) + np.eye(2, 4)
POWERS = (-3, -2, -1, 1, 2, 3, 4, 5, 6)


def positive(*shape: int, seed: int = 0, of: Any = array) -> Any:
    """Positive definite matrices."""
    x = of(*shape, seed=seed)
    return np.eye(shape[-1]) + 0.5 * x @ np.conjugate(np.swapaxes(x, -1, -2))


# Only one triangle is read, and of the diagonal the real part.
CHOLESKY = [
    positive(3, 3),
    positive(2, 3, 3),
    positive(3, 3, of=complex_array),
    positive(1, 1),
    positive(2, 4, 4),
    positive(2, 3, 3, of=complex_array),
    np.tril(positive(3, 3)) + np.triu(array(3, 3), 1),
    np.triu(positive(3, 3)) + np.tril(array(3, 3), -1),
    positive(3, 3, of=complex_array) + np.diag([0.5j, 0.1j, -0.2j]),
    np.zeros((0, 0)),
    np.zeros((0, 2, 2)),
]

SAMPLES: Samples = {
    np.linalg.solve: SOLVE,
    np.linalg.inv: SQUARE,
    np.linalg.pinv: [
        Sample((TALL,)),
        Sample((WIDE,)),
        Sample((regular(2, 3, 3),)),
        Sample((np.stack([TALL, 2 * TALL]),)),
        Sample((complex_array(3, 2) + np.eye(3, 2),)),
        Sample((complex_array(2, 3) + np.eye(2, 3), 1e-10)),
        Sample((WIDE,), {"rtol": 1e-10}),
        Sample((array(3, 1),)),
        Sample((np.zeros((0, 3)),)),
        Sample((positive(3, 3),), {"hermitian": True}),
    ],
    np.linalg.matrix_power: [
        *(Sample((regular(3, 3), n)) for n in POWERS),
        Sample((regular(2, 3, 3), 3)),
        Sample((complex_regular(2, 2), -2)),
        Sample((regular(1, 1), 7)),
        Sample((regular(2, 3, 3), 0)),
        Sample((np.zeros((0, 0)), 2)),
    ],
    np.linalg.det: [*SQUARE, *SINGULAR],
    np.linalg.slogdet: [*SQUARE, Sample((-regular(3, 3),))],
    np.linalg.cholesky: [
        Sample((a,), kwargs) for kwargs in ({}, {"upper": True}) for a in CHOLESKY
    ],
}
SAMPLES[linalg._log_of_det] = SQUARE
SAMPLES[linalg._sign_of_det] = [s for s in SQUARE if np.iscomplexobj(s.args[0])]
SAMPLES[linalg._pseudo_inverse] = [
    Sample((a, 1e-12, np._NoValue)) for a in (TALL, WIDE, complex_array(3, 2) + np.eye(3, 2))
]
