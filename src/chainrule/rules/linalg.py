"""Linear algebra: solve, inv, pinv, det, slogdet, cholesky, matrix_power.

The formulas are those of Giles, Collected matrix derivative results for forward and reverse mode
algorithmic differentiation (2008), if nothing else is named. They hold for stacks of matrices, and
for complex ones. A dash is the transpose, * the conjugate transpose.
"""

from __future__ import annotations

import operator

import numpy as np

from .._core import plain
from ._central import conjugate
from ._forms import composite, explicit
from .reductions import ABSENT


def _transposed(x):
    return np.swapaxes(x, -1, -2)


def _adjoint(x):
    return conjugate(np.swapaxes(x, -1, -2))


def _per_matrix(x):
    """Give one number per matrix the axes of the matrices."""
    return np.expand_dims(x, (-2, -1))


# -------------------------------------------------------------------------- systems and inverses


@explicit(np.linalg.solve, args=("a", "b"))
def solve(t, y, a, b):
    """From A y = b: A dy = db - dA y."""
    ta, tb = t
    right = _right_side(ta, tb, _columns(y, np.ndim(b)), np.ndim(b))
    return _without_columns(np.linalg.solve(a, right), np.ndim(b))


@solve.vjp
def solve_vjp(ct, y, a, b):
    ct_b = np.linalg.solve(_transposed(a), _columns(ct, np.ndim(b)))
    ct_a = -np.matmul(ct_b, _transposed(_columns(y, np.ndim(b))))
    return ct_a, _without_columns(ct_b, np.ndim(b))


def _columns(x, ndim):
    """Make a vector, or a stack of them, a matrix of one column; NumPy's b is a vector if 1-d."""
    return x[..., None] if ndim == 1 else x


def _without_columns(x, ndim):
    return x[..., 0] if ndim == 1 else x


def _right_side(ta, tb, y, ndim):
    if ta is None:
        return _columns(tb, ndim)
    if tb is None:
        return -np.matmul(ta, y)
    return _columns(tb, ndim) - np.matmul(ta, y)


@explicit(np.linalg.inv)
def inv(t, y, a):
    return -np.matmul(np.matmul(y, t), y)


@inv.vjp
def inv_vjp(ct, y, a):
    return -np.matmul(np.matmul(_transposed(y), ct), _transposed(y))


def _pseudo_inverse(a, rcond, rtol):
    return np.linalg.pinv(a, rcond, rtol=rtol)


@explicit(_pseudo_inverse, name="pinv")
def pseudo_inverse(t, y, a, rcond, rtol):
    """Where the rank stays as it is: dP = -P dA P + P P* dA* (1 - A P) + (1 - P A) dA* P* P.

    Golub and Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems
    whose variables separate, SIAM J. Numer. Anal. 10 (1973), (4.12).
    """
    rows = np.matmul(np.matmul(y, _adjoint(y)), _outside(_adjoint(t), np.matmul(a, y)))
    columns = np.matmul(_outside_left(_adjoint(t), np.matmul(y, a)), np.matmul(_adjoint(y), y))
    return rows + columns - np.matmul(np.matmul(y, t), y)


@pseudo_inverse.vjp
def pseudo_inverse_vjp(ct, y, a, rcond, rtol):
    p, c, a_conj = conjugate(y), _adjoint(ct), conjugate(a)
    rows = _outside_left(np.matmul(c, np.matmul(p, _transposed(y))), np.matmul(a_conj, p))
    columns = _outside(np.matmul(np.matmul(_transposed(y), p), c), np.matmul(p, a_conj))
    return rows + columns - np.matmul(np.matmul(_transposed(y), ct), _transposed(y))


def _outside(x, projection):
    """Return x (1 - projection)."""
    return x - np.matmul(x, projection)


def _outside_left(x, projection):
    """Return (1 - projection) x."""
    return x - np.matmul(projection, x)


@composite(np.linalg.pinv)
def pinv(a, rcond=None, hermitian=False, *, rtol=ABSENT):
    """Of a Hermitian matrix NumPy reads the lower triangle."""
    whole = half(a) + _adjoint(half(a)) if hermitian else a
    return pseudo_inverse(whole, rcond, rtol)


@composite(np.linalg.matrix_power)
def matrix_power(a, n):
    """Repeated squaring, in the order in which NumPy multiplies."""
    n = operator.index(n)
    if n == 0:
        return np.linalg.matrix_power(plain(a), 0)
    base = np.linalg.inv(a) if n < 0 else a
    return np.matmul(np.matmul(base, base), base) if abs(n) == 3 else _power(base, abs(n))


def _power(square, n, result=None):
    """Return ``result`` times the n-th power, from the lowest binary digit of n to the highest."""
    if n % 2:
        result = square if result is None else np.matmul(result, square)
    if n == 1:
        return result
    return _power(np.matmul(square, square), n // 2, result)


# --------------------------------------------------------------------------------- determinants


@explicit(np.linalg.det)
def det(t, y, a):
    """Jacobi's formula: the trace of adj(A) dA.

    It holds for all matrices, singular or not and of any rank, and to every order. Errors are of
    the size of rounding in the largest element of adj(A).
    """
    return np.sum(_transposed(_adjugate(y, a)) * t, axis=(-2, -1))


@det.vjp
def det_vjp(ct, y, a):
    return _per_matrix(ct) * _transposed(_adjugate(y, a))


def _adjugate(y, a):
    """Return adj(A) = det(A) inv(A), where A is nearly singular without an inverse of it.

    There A is a block of a regular matrix M = [[A, B], [C, D]], with inv(M) = [[P, Q], [R, W]].
    Schur complements give det(A) = det(M) det(W) and inv(A) = P - Q inv(W) R (Horn and Johnson,
    Matrix Analysis, 0.7.3 and 0.8.5), so that adj(A) = det(M) (det(W) P - Q adj(W) R), in which
    nothing is divided. This is so whatever the border: that it is constant costs no derivative.
    """
    b, c, d = _border(plain(a))
    if d.shape[-1] == 0:  # what follows holds then too, but takes longer
        return _per_matrix(y) * np.linalg.inv(a)
    n = a.shape[-1]
    upper, lower = np.concatenate([a, b], axis=-1), np.concatenate([c, d], axis=-1)
    m = np.concatenate([upper, lower], axis=-2)
    inverse = np.linalg.inv(m)
    p, q = inverse[..., :n, :n], inverse[..., :n, n:]
    r, w = inverse[..., n:, :n], inverse[..., n:, n:]
    det_w, adj_w = _polynomial_adjugate(w)
    return _per_matrix(np.linalg.det(m)) * (det_w * p - np.matmul(np.matmul(q, adj_w), r))


def _border(a):
    """Return B, C, D that make [[A, B], [C, D]] regular; without rows and columns if A is.

    They are the singular vectors of the singular values that vanish, or nearly: at the square root
    of the precision derivatives of inv(A) have lost half of the digits. Matrices of a stack that
    need fewer are filled up with the identity.
    """
    n, near_zero = a.shape[-1], np.sqrt(np.finfo(a.dtype).eps)
    if a.size == 0 or not np.any(np.linalg.cond(a, 1) > 1 / near_zero):
        return a[..., :, :0], a[..., :0, :], a[..., :0, :0]
    u, s, vh = np.linalg.svd(np.where(np.isfinite(a), a, 0))
    vanishes = s <= near_zero * s[..., :1]
    k = int(np.max(np.sum(vanishes, axis=-1)))
    scale = np.where(s[..., :1] == 0, 1, s[..., :1])
    border = np.where(vanishes, scale, 0)[..., n - k :]
    d = (scale - border)[..., None] * np.eye(k, dtype=a.dtype)
    return u[..., :, n - k :] * border[..., None, :], border[..., None] * vh[..., n - k :, :], d


def _polynomial_adjugate(w):
    """Return det(W), with axes of a matrix, and adj(W), as polynomials of the elements of W.

    The method of Faddeev and LeVerrier (Householder, The Theory of Matrices in Numerical Analysis,
    6.7); nothing is divided but by 1, 2, 3, ... It is stable because W vanishes.
    """
    k = w.shape[-1]
    identity = np.eye(k, dtype=w.dtype)
    det_w, adj_w = 1 + np.sum(0 * w, axis=(-2, -1), keepdims=True), 0 * w
    for j in range(1, k + 1):
        adj_w = det_w * identity - np.matmul(w, adj_w)
        det_w = np.sum(np.matmul(w, adj_w) * identity, axis=(-2, -1), keepdims=True) / j
    return det_w, adj_w


def _log_of_det(a):
    return np.linalg.slogdet(a)[1]


def _sign_of_det(a):
    return np.linalg.slogdet(a)[0]


@explicit(_log_of_det, name="slogdet")
def log_of_det(t, y, a):
    """The real part of the trace of inv(A) dA."""
    return np.real(np.sum(_transposed(np.linalg.inv(a)) * t, axis=(-2, -1)))


@log_of_det.vjp
def log_of_det_vjp(ct, y, a):
    return _per_matrix(ct) * _transposed(np.linalg.inv(a))


@explicit(_sign_of_det, name="slogdet")
def sign_of_det(t, y, a):
    """Of complex matrices: d log det(A) is the trace of inv(A) dA, its imaginary part the turn."""
    return 1j * y * np.imag(np.sum(_transposed(np.linalg.inv(a)) * t, axis=(-2, -1)))


@sign_of_det.vjp
def sign_of_det_vjp(ct, y, a):
    return _per_matrix(-1j * np.real(1j * ct * y)) * _transposed(np.linalg.inv(a))


@composite(np.linalg.slogdet)
def slogdet(a):
    """The sign of a real determinant is piecewise constant."""
    found = np.linalg.slogdet(plain(a))
    sign = sign_of_det(a) if np.iscomplexobj(a) else found[0]
    return type(found)(sign, log_of_det(a))


# ------------------------------------------------------------------------------------- Cholesky


@explicit(np.linalg.cholesky)
def cholesky(t, y, a, upper=False):
    """From A = L L*: dL = L half(inv(L) dA inv(L)*).

    Murray, Differentiation of the Cholesky decomposition (2016), (8). Of A only the triangle that
    NumPy reads has a derivative.
    """
    lower, change = _turned(y, upper), half(_turned(t, upper))
    inverse = np.linalg.inv(lower)
    change = np.matmul(np.matmul(inverse, change + _adjoint(change)), _adjoint(inverse))
    return _turned(np.matmul(lower, half(change)), upper)


@cholesky.vjp
def cholesky_vjp(ct, y, a, upper=False):
    """Of real matrices: half(inv(L)' (P + P') inv(L)) with P = half(L' ct), Murray's (10)."""
    lower = _turned(y, upper)
    inverse = np.linalg.inv(lower)
    p = half(np.matmul(_transposed(lower), _turned(ct, upper)))
    both = np.matmul(np.matmul(_transposed(inverse), p + _adjoint(p)), conjugate(inverse))
    return _turned(half(both), upper)


def half(x):
    """Keep the lower triangle and half of the diagonal: plus its adjoint it is Hermitian again."""
    return (np.tril(x) + np.tril(x, -1)) / 2


def _turned(x, upper):
    """Turn what belongs to an upper factor U = L* into what belongs to L, and back."""
    return _adjoint(x) if upper else x
