"""Products: matmul, dot and its relatives, tensordot, einsum, kron, cross.

Each is linear in every one of its arguments, so a rule only states the transposes. The case by
number of dimensions is decided on shapes, in one helper per argument: the helper of an argument
that nobody needs is never called.
"""

from __future__ import annotations

import functools
import string

import numpy as np

from ..errors import UnsupportedError
from ._forms import composite, linear, piecewise_constant
from .indexing import scatter_add

# ------------------------------------------------------------------------------ matmul and dot


@linear(np.matmul, np.linalg.matmul, args=("a", "b"))
def matmul(ct, a, b):
    return _matmul_left(ct, a.ndim, b), _matmul_right(ct, a, b.ndim)


@linear(np.dot, args=("a", "b"))
def dot(ct, a, b):
    return _dot_left(ct, np.ndim(a), b), _dot_right(ct, a, np.ndim(b))


def _matmul_left(ct, n, b):
    """Cotangent of the left factor, up to the sum over axes along which it was broadcast."""
    if type(b) is np.ndarray and b.ndim == 2 == ct.ndim:  # the common case, without delay
        return ct @ b.T
    m = np.ndim(b)
    if m == 1:  # y[..., i] = sum_k a[..., i, k] b[k]
        return np.multiply(ct if n == 1 else ct[..., None], b)
    if n == 1:  # y[..., j] = sum_k a[k] b[..., k, j]
        return np.matmul(b, ct) if m == 2 else np.matmul(b, ct[..., None])[..., 0]
    if n == 2 < m:  # one matrix for the whole stack: contract instead of summing a stack
        axes = (*range(m - 2), m - 1)
        return np.tensordot(ct, b, (axes, axes))
    return np.matmul(ct, np.swapaxes(b, -1, -2))


def _matmul_right(ct, a, m):
    """Cotangent of the right factor, up to the sum over axes along which it was broadcast."""
    if type(a) is np.ndarray and a.ndim == 2 == ct.ndim:
        return a.T @ ct
    n = np.ndim(a)
    if m == 1 and n <= 2:
        return np.matmul(ct, a) if n == 2 else np.multiply(a, ct)
    if n == 1:
        return np.multiply(np.reshape(a, (-1, 1)), ct[..., None, :])
    if m <= 2 < n:
        axes = tuple(range(n - 1))
        return np.tensordot(a, ct, (axes, axes))
    return np.matmul(np.swapaxes(a, -1, -2), ct)


def _dot_left(ct, n, b):
    m = np.ndim(b)
    if n == 0 or m == 0:
        return np.multiply(ct, b)
    if m <= 2:
        return _matmul_left(ct, n, b)
    free = (*range(m - 2), m - 1)
    return np.tensordot(ct, b, (tuple(range(n - 1, n + m - 2)), free))


def _dot_right(ct, a, m):
    n = np.ndim(a)
    if n == 0 or m == 0:
        return np.multiply(a, ct)
    if n <= 2 and m <= 2:
        return _matmul_right(ct, a, m)
    free = tuple(range(n - 1))
    return np.moveaxis(np.tensordot(a, ct, (free, free)), 0, max(m - 2, 0))


# ------------------------------------------------------------ the other products of two arrays


@linear(np.inner, args=("a", "b"))
def inner(ct, a, b):
    return _inner_left(ct, np.ndim(a), b), _inner_right(ct, a, np.ndim(b))


def _inner_left(ct, n, b):
    m = np.ndim(b)
    if n == 0 or m == 0:
        return np.multiply(ct, b)
    return np.tensordot(ct, b, (tuple(range(n - 1, n + m - 2)), tuple(range(m - 1))))


def _inner_right(ct, a, m):
    n = np.ndim(a)
    if n == 0 or m == 0:
        return np.multiply(a, ct)
    return np.tensordot(ct, a, (tuple(range(n - 1)), tuple(range(n - 1))))


@linear(np.outer, args=("a", "b"))
def outer(ct, a, b):
    return (
        np.reshape(np.matmul(ct, np.ravel(b)), np.shape(a)),
        np.reshape(np.matmul(np.ravel(a), ct), np.shape(b)),
    )


@composite(np.linalg.outer)
def linalg_outer(x1, x2):
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"np.linalg.outer takes 1-d arrays, not {np.ndim(x1)}-d, {np.ndim(x2)}-d")
    return np.outer(x1, x2)


@composite(np.vdot)
def vdot(a, b):
    return np.dot(np.conjugate(np.ravel(a)), np.ravel(b))


def vecdot(x1, x2, axis=-1):
    x1, x2 = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    if np.shape(x1)[-1] != np.shape(x2)[-1]:
        raise ValueError(f"vecdot of vectors of {np.shape(x1)[-1]} and {np.shape(x2)[-1]} numbers")
    return np.sum(np.multiply(np.conjugate(x1), x2), axis=-1)


def linalg_vecdot(x1, x2, axis=-1):
    return vecdot(x1, x2, axis=axis)


def matvec(x1, x2):
    return np.matmul(x1, np.expand_dims(x2, -1))[..., 0]


def vecmat(x1, x2):
    return np.matmul(np.expand_dims(np.conjugate(x1), -2), x2)[..., 0, :]


composite(np.vecdot)(vecdot)
composite(np.linalg.vecdot)(linalg_vecdot)
if hasattr(np, "matvec"):  # NumPy 2.2
    composite(np.matvec)(matvec)
    composite(np.vecmat)(vecmat)


@linear(np.tensordot, np.linalg.tensordot, args=("a", "b"))
def tensordot(ct, a, b, axes=2):
    return _tensordot_left(ct, a, b, axes), _tensordot_right(ct, a, b, axes)


def _tensordot_axes(n, m, axes):
    """Return summed and free axes of both factors."""
    try:
        over_a, over_b = axes
    except TypeError:
        over_a, over_b = tuple(range(n - axes, n)), tuple(range(axes))
    over_a = tuple(i % n for i in np.atleast_1d(over_a).tolist()) if n else ()
    over_b = tuple(i % m for i in np.atleast_1d(over_b).tolist()) if m else ()
    free_a = tuple(i for i in range(n) if i not in over_a)
    free_b = tuple(i for i in range(m) if i not in over_b)
    return tuple(map(int, over_a)), tuple(map(int, over_b)), free_a, free_b


def _tensordot_left(ct, a, b, axes):
    n, m = np.ndim(a), np.ndim(b)
    over_a, over_b, free_a, free_b = _tensordot_axes(n, m, axes)
    ct_a = np.tensordot(ct, b, (tuple(range(len(free_a), np.ndim(ct))), free_b))
    # What is left of b are its summed axes, in its own order: order[k] is where axis k belongs.
    order = [over_a[over_b.index(axis)] for axis in sorted(over_b)]
    return np.transpose(ct_a, np.argsort([*free_a, *order]).tolist())


def _tensordot_right(ct, a, b, axes):
    n, m = np.ndim(a), np.ndim(b)
    over_a, over_b, free_a, free_b = _tensordot_axes(n, m, axes)
    ct_b = np.tensordot(a, ct, (free_a, tuple(range(len(free_a)))))
    order = [over_b[over_a.index(axis)] for axis in sorted(over_a)]
    return np.transpose(ct_b, np.argsort([*order, *free_b]).tolist())


@composite(np.kron)
def kron(a, b):
    n = max(np.ndim(a), np.ndim(b))
    shape_a = (1,) * (n - np.ndim(a)) + np.shape(a)
    shape_b = (1,) * (n - np.ndim(b)) + np.shape(b)
    # Axis by axis (i, 1) * (1, k) -> (i, k), read as one axis of length i * k.
    spread_a = np.reshape(a, [size for k in shape_a for size in (k, 1)])
    spread_b = np.reshape(b, [size for k in shape_b for size in (1, k)])
    sizes = [i * k for i, k in zip(shape_a, shape_b, strict=True)]
    return np.reshape(np.multiply(spread_a, spread_b), sizes)


# --------------------------------------------------------------------------------------- cross


@linear(np.linalg.cross, args=("x1", "x2"))
def cross3(ct, x1, x2, axis=-1):
    return np.linalg.cross(x2, ct, axis=axis), np.linalg.cross(ct, x1, axis=axis)


@composite(np.cross)
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    if axis is not None:
        axisa, axisb, axisc = axis, axis, axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    sizes = {np.shape(a)[-1], np.shape(b)[-1]}
    if not sizes <= {2, 3}:
        raise ValueError(f"np.cross takes vectors of 2 or 3 components, not {sorted(sizes)}")
    if sizes == {2}:  # only the third component, which is then no axis of its own
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return np.moveaxis(np.linalg.cross(_in_space(a), _in_space(b)), -1, axisc)


def _in_space(vectors):
    """Give vectors of the plane the third component 0."""
    if np.shape(vectors)[-1] == 3:
        return vectors
    return np.concatenate([vectors, np.zeros((*np.shape(vectors)[:-1], 1), vectors.dtype)], axis=-1)


@composite(np.linalg.multi_dot)
def multi_dot(arrays):
    """Multiply in the order that costs least, as NumPy does."""
    arrays = list(arrays)
    if len(arrays) < 2:
        raise ValueError("np.linalg.multi_dot takes at least two arrays")
    is_row, is_column = np.ndim(arrays[0]) == 1, np.ndim(arrays[-1]) == 1
    if is_row:
        arrays[0] = np.expand_dims(arrays[0], 0)
    if is_column:
        arrays[-1] = np.expand_dims(arrays[-1], 1)
    product = _multiply_chain(arrays, _best_splits([np.shape(x) for x in arrays]), 0, len(arrays))
    if is_row and is_column:
        return product[0, 0]
    return product[0] if is_row else product[:, 0] if is_column else product


def _best_splits(shapes):
    """Where to split each run start:stop of factors: the textbook's matrix-chain order."""
    sizes = [shape[0] for shape in shapes] + [shapes[-1][1]]
    n = len(shapes)
    cost = {(i, i + 1): 0 for i in range(n)}
    best = {}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length
            options = [
                (cost[i, k] + cost[k, j] + sizes[i] * sizes[k] * sizes[j], k)
                for k in range(i + 1, j)
            ]
            cost[i, j], best[i, j] = min(options)
    return best


def _multiply_chain(arrays, best, start, stop):
    if stop - start == 1:
        return arrays[start]
    k = best[start, stop]
    left = _multiply_chain(arrays, best, start, k)
    return np.dot(left, _multiply_chain(arrays, best, k, stop))


# -------------------------------------------------------------------------------------- einsum


@composite(np.einsum)
def einsum(*operands, optimize=False, order="K"):
    """Normalise a call: subscripts with an arrow and without an ellipsis, one letter per axis."""
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], operands[1:]
    else:
        subscripts, arrays = _from_sublists(operands)
    normal = _normal_subscripts(subscripts, tuple(np.ndim(x) for x in arrays))
    return einsum_of_arrays(*arrays, subscripts=normal, optimize=optimize, order=order)


def _einsum(*arrays, subscripts, optimize, order):
    return np.einsum(subscripts, *arrays, optimize=optimize, order=order)


@linear(_einsum, name="einsum")
def einsum_of_arrays(ct, i, *arrays, subscripts, optimize, order):
    terms, out = _split_subscripts(subscripts)
    others = [k for k in range(len(arrays)) if k != i]
    elsewhere = set(out).union(*(terms[k] for k in others))
    target = "".join(label for label in dict.fromkeys(terms[i]) if label in elsewhere)
    inputs = ",".join([out, *(terms[k] for k in others)])
    ct = np.einsum(f"{inputs}->{target}", ct, *(arrays[k] for k in others), optimize=bool(optimize))
    return ct if target == terms[i] else _spread(ct, target, terms[i], np.shape(arrays[i]))


def _spread(ct, target, term, shape):
    """Lay ``ct``, with axes ``target``, out over an operand: along missing axes, on diagonals.

    Along its own axes it is longer than an operand that was stretched, or shorter than one against
    which all else was; both are left to what is done for all rules, but on a diagonal.
    """
    labels = dict.fromkeys(term)  # each once, in order; ``target`` has a part of them
    known = dict(zip(target, np.shape(ct), strict=True))
    own = {label: shape[term.index(label)] for label in labels}
    is_diagonal = len(labels) < len(term)
    sizes = [max(known.get(x, 1), own[x]) if is_diagonal else known.get(x, own[x]) for x in labels]
    ct = np.broadcast_to(np.reshape(ct, [known.get(label, 1) for label in labels]), sizes)
    if not is_diagonal:
        return ct
    axes = [np.minimum(np.arange(n), own[x] - 1) for n, x in zip(sizes, labels, strict=True)]
    places = dict(zip(labels, np.ix_(*axes), strict=True))
    return scatter_add(ct, tuple(places[label] for label in term), shape)


def _split_subscripts(subscripts):
    inputs, out = subscripts.split("->")
    return inputs.split(","), out


def _from_sublists(operands):
    """Turn ``x, [0, 1], y, [1], [0]`` into the string form."""
    pairs = len(operands) // 2
    arrays = operands[: 2 * pairs : 2]
    terms = [_as_letters(sublist) for sublist in operands[1 : 2 * pairs : 2]]
    out = f"->{_as_letters(operands[-1])}" if len(operands) % 2 else ""
    return ",".join(terms) + out, arrays


def _as_letters(sublist):
    return "".join("..." if k is Ellipsis else string.ascii_letters[k] for k in sublist)


@functools.cache
def _normal_subscripts(subscripts, ndims):
    """Return the subscripts with an explicit output and letters in place of each ellipsis."""
    inputs, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {len(ndims)} operands for {len(terms)} terms in {subscripts!r}")
    if "..." in inputs and arrow and "..." not in out:
        raise ValueError(f"einsum: the output of {subscripts!r} lacks the ellipsis")
    free = [letter for letter in string.ascii_letters if letter not in subscripts]
    spans = [n - len(t.replace("...", "")) for t, n in zip(terms, ndims, strict=True)]
    widest = max([s for s, t in zip(spans, terms, strict=True) if "..." in t], default=0)
    if widest > len(free):
        raise UnsupportedError(f"einsum: {subscripts!r} needs more than 52 different axes")
    rest = "".join(free[:widest])
    filled = [t.replace("...", rest[widest - s :]) for s, t in zip(spans, terms, strict=True)]
    if not arrow:
        letters = inputs.replace(",", "").replace("...", "")
        out = "..." + "".join(sorted(x for x in set(letters) if letters.count(x) == 1))
    return f"{','.join(filled)}->{out.replace('...', rest)}"


piecewise_constant(np.einsum_path)
