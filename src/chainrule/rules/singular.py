"""Matrix norms of singular values: the largest, the smallest, and their sum.

With A = U S V*, a singular value's gradient is the dyad u v*, and that of their sum the polar
factor U V*. Both are primitives whose derivatives are written with themselves, so that every order
follows; neither depends on the phases that a factorization chooses. Of the two Hermitian matrices
A A* and A* A the smaller one is worked with: matrices have no more rows than columns here. A star
is the conjugate transpose, <a, b> the real inner product of ``_forms``.
"""

from __future__ import annotations

import numpy as np

from ._central import conjugate
from ._forms import explicit


def _adjoint(x):
    return conjugate(np.swapaxes(x, -1, -2))


def _per_matrix(x):
    return np.expand_dims(x, (-2, -1))


def _inner(x, y):
    """Return the real inner product of matrices, with the axes of a matrix."""
    return np.sum(np.real(conjugate(x) * y), axis=(-2, -1), keepdims=True)


# ------------------------------------------------------------------------------ the norms


def _norm(a, ord):
    return np.linalg.norm(a, ord, axis=(-2, -1))


KINKS = {"singular values tie, or are 0": "as the decomposition picks; 0 for those that are 0"}


@explicit(_norm, kinks=KINKS, name="singular_norm")
def singular_norm(t, y, a, ord):
    return _inner(_slope(a, ord), t)[..., 0, 0]


@singular_norm.vjp
def singular_norm_vjp(ct, y, a, ord):
    return _per_matrix(ct) * conjugate(_slope(a, ord))


def _slope(a, ord):
    """Return the gradient of a norm: the polar factor or a dyad."""
    return polar_factor(a) if ord == "nuc" else dyad(a, 0 if ord == 2 else -1)


# ------------------------------------------------------------------------------ a dyad


def _dyad(a, k):
    """Return u v* of the k-th singular value; zero where that vanishes."""
    if a.size == 0:
        return np.zeros_like(a)
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.where(_per_matrix(s[..., k]) == 0, 0, u[..., :, k, None] * vh[..., k, None, :])


@explicit(_dyad, name="dyad")
def dyad(t, y, a, k):
    """With P = u u* and B = A A*: dP = R dB P + P dB R, where R is the reduced resolvent.

    Kato, Perturbation Theory for Linear Operators, II (2.14). The dyad is P A over its value s.
    """
    value, projector, resolvent = _spectrum(y, a)
    half = np.matmul(np.matmul(resolvent, _change_of_square(t, a)), projector)
    change = np.matmul(half + _adjoint(half), a) + np.matmul(projector, t)
    return (change - y * _inner(y, t)) / value


@dyad.vjp
def dyad_vjp(ct, y, a, k):
    value, projector, resolvent = _spectrum(y, a)
    g = conjugate(ct) / value
    half = np.matmul(np.matmul(projector, np.matmul(a, _adjoint(g))), resolvent)
    both = half + _adjoint(half)
    both = both + np.matmul(np.matmul(resolvent, np.matmul(a, _adjoint(g))), projector)
    both = both + np.matmul(np.matmul(projector, np.matmul(g, _adjoint(a))), resolvent)
    return conjugate(np.matmul(both, a) + np.matmul(projector, g) - y * _inner(g, y))


def _spectrum(y, a):
    """Return s, P, and R = (s^2 - B)^-1 on the complement of u, 0 on u."""
    value, projector = _inner(y, a), np.matmul(y, _adjoint(y))
    square = value * value
    identity = np.eye(np.shape(a)[-2], dtype=a.dtype)
    shifted = square * (identity + projector) - np.matmul(a, _adjoint(a))
    return value, projector, np.linalg.inv(shifted) - projector / square


def _change_of_square(t, a):
    half = np.matmul(t, _adjoint(a))
    return half + _adjoint(half)


# ------------------------------------------------------------------------------ the polar factor


def _polar_factor(a):
    """Return U V*, without the singular values that vanish."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    tiny = np.finfo(s.dtype).eps * np.shape(a)[-1] * s[..., :1]
    return np.matmul(u * (s > tiny)[..., None, :], vh)


@explicit(_polar_factor, name="polar_factor")
def polar_factor(t, y, a):
    """From A = H P with H the root of A A*: H dH + dH H = d(A A*), dP = inv(H) (dA - dH P)."""
    h = np.matmul(a, _adjoint(y))
    change = sylvester(h, _change_of_square(t, a))
    return np.linalg.solve(h, t - np.matmul(change, y))


@polar_factor.vjp
def polar_factor_vjp(ct, y, a):
    h = np.matmul(a, _adjoint(y))
    g = np.linalg.solve(h, conjugate(ct))
    z = sylvester(h, np.matmul(g, _adjoint(y)))
    return conjugate(g - np.matmul(z + _adjoint(z), a))


def _sylvester(h, c):
    """Solve H X + X H = C for a Hermitian H that is not negative."""
    w, q = np.linalg.eigh(h)
    sums = w[..., :, None] + w[..., None, :]
    inner = np.matmul(np.matmul(_adjoint(q), c), q)
    found = np.where(sums == 0, 0, inner / np.where(sums == 0, 1, sums))
    return np.matmul(np.matmul(q, found), _adjoint(q))


@explicit(_sylvester, args=("h", "c"), name="sylvester")
def sylvester(t, y, h, c):
    th, tc = t
    if th is None:
        return sylvester(h, tc)
    moved = np.matmul(th, y) + np.matmul(y, th)
    return sylvester(h, -moved if tc is None else tc - moved)


@sylvester.vjp
def sylvester_vjp(ct, y, h, c):
    z = sylvester(h, conjugate(ct))
    y_star = _adjoint(y)
    return -conjugate(np.matmul(z, y_star) + np.matmul(y_star, z)), conjugate(z)


def norm_of_singular_values(x, ord, axes, keepdims):
    """Return the norm of order 2, -2 or 'nuc' over two axes."""
    x = np.moveaxis(x, axes, (-2, -1))
    wide = x if np.shape(x)[-2] <= np.shape(x)[-1] else np.swapaxes(x, -1, -2)
    y = singular_norm(wide, ord)
    return np.expand_dims(y, tuple(sorted(axes))) if keepdims else y
