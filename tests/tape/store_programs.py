"""Functions that store in place: operators, indices, NumPy's mutators, what is stored."""

import copy

import numpy as np

from tape._table import Table

X = np.array([0.7, -1.3, 0.4, 1.9])
W = np.array([1.1, 0.6, -0.8, 0.3])
M = np.array([[0.5, -1.2, 0.9], [1.4, 0.3, -0.7]])
S = np.array([[0.5, -1.2, 0.9], [1.4, 0.3, -0.7], [-0.2, 0.8, 1.1]])

PROGRAMS = Table()
program = PROGRAMS.program


# -- in-place operators ----------------------------------------------------------------------------


@program(X, W)
def every_in_place_operator(x, w):
    a = x * 1
    a += w
    a *= x
    a -= w**2
    a /= 2 + w**2
    a **= 2
    return a


@program(S)
def in_place_matmul_and_remainder(s):
    a = s * 1
    a @= s
    a %= 10.0
    return a * a


@program(X)
def overlapping_add(x):
    x[1:] += x[:-1]
    return x**2


@program(X)
def overlapping_multiply_backwards(x):
    a = x + 2
    a[:-1] *= a[1:]
    a[::-1] -= a**2
    return a


@program(X)
def shifted_store(x):
    a = x * x
    a[1:] = a[:-1]
    a[:2] = a[2:][::-1]
    return a * x


@program(X)
def swap_by_tuple_assignment_of_scalars(x):
    a = x * x
    a[0], a[3] = a[3], a[0]
    return a * x


@program(S)
def swap_of_row_views_copies_as_numpy_does(s):
    a = s * s
    a[0], a[1] = a[1], a[0]  # views: both rows end up equal
    return a * s


@program(S)
def swap_by_fancy_index(s):
    a = s * s
    a[[0, 1]] = a[[1, 0]]
    return a * s


@program(X)
def self_assignment_is_nothing(x):
    a = x * x
    a[1:3] = a[1:3]
    v = a[:2]
    a[:2] = v
    return a


@program(X)
def scalars_are_rebound(x):
    s = x[0]
    t = s
    s += x[1]
    s *= t
    return s * x


@program(X)
def accumulate_into_elements(x):
    a = np.zeros_like(x)
    for i in range(4):
        for j in range(4):
            a[i] += x[j] * x[i] if i != j else 0.0
    return a


@program(M)
def element_of_a_matrix_in_two_steps(m):
    a = m * m
    a[0][1] = m[1, 2] ** 3
    a[1][::2] *= m[0, 0]
    return a


# -- index kinds -----------------------------------------------------------------------------------


@program(X, W[:3])
def duplicate_index_last_write_wins(x, w):
    a = x * x
    a[[0, 0, 1]] = w
    return a * x


@program(X, W)
def duplicate_index_of_two_axes(x, w):
    a = np.outer(x, x)
    a[[0, 1, 0, 2], [1, 1, 1, 3]] = w**2
    return a


@program(X, W[:3])
def in_place_add_on_duplicates_adds_once(x, w):
    a = x * x
    a[[0, 0, 1]] += w
    return a * x


@program(X, W[:3])
def add_at_accumulates(x, w):
    a = x * x
    np.add.at(a, [0, 0, 1], w**2)
    np.subtract.at(a, (np.array([3, 3]),), w[0])
    return a * x


@program(X)
def mask(x):
    a = x * x
    a[x > 0] = x[x > 0] ** 3
    a[a < 1] *= x[1]
    return a


@program(M)
def mask_of_a_matrix(m):
    a = m * m
    a[m < 0] = 0
    a[m > 0.8] += np.sum(m)
    a[np.array([True, False])] *= m[1]
    return a


@program(S)
def mixed_indices(s):
    a = s * s
    a[[2, 0], 1:] = s[:2, :2]
    a[:, None, 1] += s[0, 0]
    a[..., 2] *= s[1]
    a[1, [True, False, True]] = s[2, 1]
    a[-1] += a[0, np.newaxis, :][0]
    return a


@program(X)
def empty_indices(x):
    a = x * x
    a[[]] = 5.0
    a[2:2] = x[:0]
    a[np.zeros(4, bool)] = 7.0
    return np.concatenate([a, a[[]], x[[]]])


@program(X)
def index_array_changed_afterwards(x):
    index = np.array([0, 1])
    a = x * x
    picked = x[index]
    a[index] = picked * 2
    index[:] = 3
    a[index] += 1
    return a * picked[0]


@program(X)
def numpy_integer_and_negative_indices(x):
    a = x * x
    a[np.int64(1)] = x[np.int32(-1)]
    a[-2] *= a[np.uint8(1)]
    return a


# -- functions that write --------------------------------------------------------------------------


@program(X, W)
def out(x, w):
    a = np.empty_like(x)
    np.multiply(x, w, out=a)
    np.add(a, x, a)
    np.sin(a, out=a)
    return a * w


@program(X, W)
def out_into_a_view(x, w):
    a = x * x
    np.multiply(x[:2], w[2:], out=a[1:3])
    np.exp(a[:1], out=a[3:])
    return a


@program(X, W)
def out_with_where(x, w):
    a = x * w
    np.sqrt(np.abs(w), out=a, where=x > 0)
    np.add(a, w, out=a, where=[True, False, True, False])
    return a**2


@program(M)
def out_of_reductions(m):
    a = np.zeros_like(m[0])
    np.sum(m * m, axis=0, out=a)
    b = np.zeros_like(m)
    np.cumsum(m * 0.9, axis=1, out=b)
    np.clip(b, -1, 1, out=b)
    return a * b


@program(S, W[:3])
def out_of_products(s, w):
    a = np.empty_like(s)
    np.matmul(s, s, out=a)
    b = np.empty_like(w)
    np.dot(a, w, out=b)
    return b**2


@program(X, W)
def copyto_put_place_putmask(x, w):
    a = x * x
    np.copyto(a[:2], w[:2] ** 2)
    np.copyto(a, w, where=x < 0)
    np.put(a, [0, 3, 0], w[:3])
    np.putmask(a, x > 1, w**3)
    np.place(a, x > 0.5, w[:2])
    return a * x


@program(S)
def fill_diagonal_and_put_along_axis(s):
    a = s * s
    np.fill_diagonal(a, s[0, 0] * s[1, 1])
    order = np.argsort(s, axis=1)
    np.put_along_axis(a, order[:, :1], s[:, :1] ** 3, axis=1)
    return a


@program(X)
def fill_sort_and_partition(x):
    a = x * 1
    a[:2].fill(x[3] ** 2)
    a.sort()
    b = x * x
    b[1:].sort()
    return a * b


# -- what is stored --------------------------------------------------------------------------------


@program(X)
def broadcast_values(x):
    a = np.zeros_like(x, shape=(3, 4))
    a[:] = x
    a[1] = x[0] ** 2
    a[:, 1:] *= x[1:]
    a[2, :2] = 7
    return a**2


@program(X)
def leading_ones_are_dropped(x):
    a = x * x
    a[:2] = x[None, 2:] ** 2
    return a


@program(X)
def plain_values_cut_the_path(x):
    a = x * x
    a[1] = 3.0
    a[2:] = [1.0, 2.0]
    return a * x


@program(X)
def store_of_the_array_itself(x):
    a = x * x
    a[...] = a * a
    a[:] = a[::-1]
    return a


@program(X)
def recurrence(x):
    a = np.array([[0.3, -0.4], [0.5, 0.2]])
    h = np.zeros_like(x, shape=(5, 2))
    h[0] = x[:2]
    for i in range(4):
        h[i + 1] = np.tanh(a @ h[i] + x[2:])
    return h


@program(S, X[:3])
def recurrence_with_a_traced_matrix(s, x):
    h = np.zeros((4, 3), like=x)
    h[0] = x
    for i in range(3):
        h[i + 1] = s @ h[i]
    return h


@program(X)
def loop_of_stores_and_whole_reads(x):
    a = np.zeros_like(x)
    total = 0.0
    for i in range(4):
        a[i] = x[i] ** 2 + total
        total = total + np.sum(a * x)
    return a * total


@program(X)
def stencil(x):
    u = np.zeros_like(x, shape=6)
    u[1:5] = x
    for _ in range(3):
        u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
    return u


@program(X)
def gauss_seidel(x):
    u = x * 1
    for _ in range(2):
        for i in range(1, 3):
            u[i] = 0.5 * (u[i - 1] * u[i + 1] + u[i])
    return u


@program(X)
def fortran_order(x):
    a = np.zeros((2, 2), order="F", like=x)
    a[:] = x.reshape(2, 2)
    a.T.reshape(-1)[1:3] = x[:2] ** 2
    flat = np.ravel(a)
    flat[0] = 5.0
    return np.concatenate([a.ravel(), flat]) ** 2


@program(X)
def stored_into_then_copied(x):
    a = x * x
    b, c, d = a.copy(), copy.copy(a), copy.deepcopy(a)
    a *= 2
    b += a
    c[0] = x[1]
    d[1:] *= c[:-1]
    return a + b * c * d


@program(X, W)
def outer_products_into_arrays(x, w):
    a = np.zeros((4, 4), like=x)
    np.multiply.outer(x, w, out=a)
    b = a * x
    np.add.outer(x[:1], w, out=b[2:3])
    np.subtract.outer(w, x, out=b, where=np.eye(4, dtype=bool))
    return a * b


@program(X)
def several_outputs(x):
    a = x * x
    v = a[1:3]
    first = a.sum()
    a[2] = x[0]
    return first, v, a


@program(X, W)
def lists_and_tuples_are_stored(x, w):
    a = np.outer(x, w)
    a[0] = x[0], w[1], 2.0, x[3]
    a[1:3, :2] = [[x[1], 1.0], (w[2], x[0])]
    a[:, 3] = [2.0, w[0] * x[0], *x[:2]]
    a[[0, 3], [1, 1]] = a[0, 0], w[3]
    v = a[2]
    v[:2] = w[1], x[0]
    return a * x
