"""Small programs, each for one construct: stores, indexing, views, overlap."""

import numpy as np

from source.programs.catalogue import numbers, program

# -- stores and loads ------------------------------------------------------------------------------


@program(numbers(6, seed=21), 0.5)
def fill_an_empty_array(v, s):
    out = np.empty(8)
    out[0] = s
    out[-1] = s * s
    for i in range(6):
        out[i + 1] = out[i] * v[i] + out[i]
    return out[1:]


@program(numbers(8, seed=22))
def slices_with_steps(v):
    v[::2] = v[1::2] * 2
    v[::-1][:3] += v[3:0:-1]
    v[-1:-4:-1] *= v[:3]
    v[6::-3] -= 0.5
    return v


@program(numbers(7, seed=23))
def overlapping_store(v):
    v[1:] = v[:-1] * 2
    v[:-2] += v[2:]
    v[::-1] = v * v
    v[2:5] = v[1:4] - v[3:6]
    return v


@program(numbers(3, 4, seed=24), numbers(4, seed=25))
def rows_and_columns(a, v):
    a[1] = v
    a[:, 0] = a[:, -1] * 2
    a[2, 1:] += v[:-1]
    a[..., 2] = 0.3
    a[0, ...] *= v
    a[-1][0] = v[2]
    return a


@program(numbers(3, 4, seed=26), numbers(4, seed=27))
def newaxis_and_ellipsis(a, v):
    b = a[:, None, :] * v[None, :, np.newaxis]
    c = b[..., 1] + b[0, ..., 0]
    return c[np.newaxis, 1:].sum(axis=0)


@program(numbers(3, 4, seed=28))
def broadcast_in_a_store(a):
    out = np.zeros((3, 4))
    out[:] = a[0]
    out[1:] += a[1:, :1]
    out[:, 1:3] = a[:, 3:]
    out += a.sum()
    out[2] = a[0, 0]
    return out


@program(numbers(7, seed=29))
def boolean_masks(v):
    m = v > 0
    v[m] = v[m] ** 2
    v[~m] *= 0.5
    v[(v > 0.2) & (v < 0.9)] += 1.0
    v[np.isnan(v)] = 0.0
    return v, v[m].sum()


@program(numbers(3, 4, seed=31), numbers(3, 4, seed=30), step=2.0**-11)
def masks_of_two_dimensions(a, b):
    m = np.abs(a) > 0.5
    a[m] = b[m]
    rows = a.sum(axis=1) > 0
    a[rows] *= 2.0
    a[rows, 1] += b[rows, 0]
    return np.where(m, a, b * a)


@program(numbers(6, seed=32), np.array([0, 3, 3, 5]))
def fancy_indices(v, idx):
    w = v[idx]
    v[idx[1:]] += w[1:] * 2  # a place named twice is written once
    v[[0, 2]] = v[[2, 1]]
    v[-1] = v[idx].sum()
    return v, w * w


@program(numbers(4, 4, seed=33), np.array([0, 2, 1]))
def fancy_indices_in_two_dimensions(a, idx):
    a[idx, idx] += 1.0
    b = a[idx]
    b[:, idx] *= 2.0
    c = a[idx[:, None], idx]
    a[np.arange(4), [3, 2, 1, 0]] = a[0]
    return a, b, c


@program(numbers(5, seed=34), np.array([1, 1, 4, 1]), numbers(4, seed=35))
def add_at_accumulates(v, idx, w):
    np.add.at(v, idx, w * v[idx])
    np.subtract.at(v, [0, 0], w[:2])
    return v


@program(numbers(5, seed=36))
def negative_and_computed_indices(v):
    n = len(v)
    total = v[-1] * v[n // 2]
    for i in range(3):
        v[(2 * i + 1) % n] += v[-i - 1] * v[i - n]
    return v, total


# -- views -----------------------------------------------------------------------------------------


@program(numbers(6, seed=37))
def named_slices_are_views(v):
    left = v[:3]
    right = v[3:]
    left += right
    right[:] = left * right
    left[0] = 5.0 * right[1]
    return v


@program(numbers(3, 4, seed=38))
def views_by_reshape_and_transpose(a):
    flat = a.reshape(-1)
    flat[2:5] *= 2.0
    t = a.T
    t[0] += flat[:3]
    r = a.ravel()
    r[-1] = t[1, 1] ** 2
    s = np.swapaxes(a, 0, 1)
    s[2, :] -= 1.0
    return a * a


@program(numbers(6, seed=39))
def views_of_views(v):
    inner = v[1:][::2][1:]
    inner *= 3.0
    outer = v[::-1]
    outer[:2] = inner
    v += 1.0
    return inner * outer[:2]


@program(numbers(3, 3, seed=40))
def rows_as_views(a):
    for row in a:
        row /= row.sum() + 3.0
    for i in range(3):
        column = a[:, i]
        column[i] = 0.0
        column += column[0] * column[-1]
    return a


@program(numbers(5, seed=41))
def a_copy_is_no_view(v):
    old = v.copy()
    older = np.array(v)
    v[1:-1] = old[2:] - old[:-2]
    old[0] = 3.0
    return v * older + old


@program(numbers(4, 4, seed=42))
def the_diagonal_and_a_block(a):
    block = a[1:3, 1:3]
    d = np.diag(a) * 2
    block[...] = block.T @ block
    np.fill_diagonal(a, d)
    return a


@program(numbers(4, 3, seed=43))
def in_place_methods(a):
    b = a * 1.0
    b[0].fill(2.0)
    b.sort(axis=1)
    np.copyto(b[1], a[2])
    np.multiply(b, a, out=b)
    np.add(b[0], 1.0, out=b[2])
    return b


@program(numbers(3, 3, seed=40), numbers(3, seed=41))
def elements_by_flat(a, v):
    """Every element in order, read and stored through ``flat``."""
    b = np.zeros((3, 3))
    b.flat[::4] = v
    b.flat[1] += 2 * v[0]
    for i in range(b.size):
        a.flat[i] *= b.flat[i]
    s = 0.0
    for k, x in enumerate(a.flat):
        s += k * x**2
    return a, s + sum(a.T.flat)
