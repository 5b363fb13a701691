"""Functions that store through views of every kind."""

import numpy as np

from tape._table import Table

X = np.array([0.7, -1.3, 0.4, 1.9])
M = np.array([[0.5, -1.2, 0.9], [1.4, 0.3, -0.7]])
S = np.array([[0.5, -1.2, 0.9], [1.4, 0.3, -0.7], [-0.2, 0.8, 1.1]])

PROGRAMS = Table()
program = PROGRAMS.program


# -- views -----------------------------------------------------------------------------------------


@program(X)
def store_through_a_view(x):
    a = x * 1.0
    v = a[:1]
    v *= 3
    return a**2


@program(X)
def view_of_the_argument(x):
    v = x[:2]
    v *= x[2:]
    return np.sin(x) * x[::-1]


@program(X)
def view_then_store_into_the_base(x):
    y = x[:2]
    x += 3
    return y**2


@program(X)
def result_then_store(x):
    y = np.tanh(x)
    y += 3
    return y * x


@program(X)
def consumer_before_a_store_keeps_its_value(x):
    a = np.exp(x)
    before = a * a
    a[1] = x[0] * x[2]
    return before * a


@program(X)
def view_before_and_after_a_store(x):
    a = x * x
    early = a[1:3]
    first = np.sin(early)
    a[2] = x[0] ** 3
    late = a[1:3]
    early[0] = x[3] ** 2
    return np.concatenate([first, early * late, a])


@program(X)
def view_of_a_view(x):
    a = x * 2
    v = a[1:]
    w = v[::-1]
    u = w[1:]
    u *= x[:2]
    v[0] += x[3] ** 2
    return a * w[0]


@program(X)
def two_views_that_overlap(x):
    a = x * x
    left, right = a[:3], a[1:]
    left *= 2
    right *= left
    left += right
    return a**2


@program(X)
def view_kept_over_many_stores(x):
    a = np.zeros_like(x)
    v = a[::2]
    for i in range(4):
        a[i] = x[i] * (v.sum() + 1)
    return a


@program(X)
def zero_dimensional_view(x):
    a = x * x
    v = a[0, ...]
    v *= x[1]
    return a * 2


@program(X[:1])
def squeezed_view(x):
    a = x * x
    v = np.squeeze(a)
    v *= 3
    return a**2


@program(M)
def row_view_by_iteration(m):
    a = m * m
    for row in a:
        row *= row[0]
    return a


@program(M)
def unpacked_rows(m):
    a = m * m
    top, bottom = a
    top += bottom**2
    bottom *= top
    return a


# -- stores through other views --------------------------------------------------------------------


@program(M)
def through_reshape(m):
    a = m * m
    a.reshape(-1)[1:4] = m[0] ** 3
    return a


@program(M)
def through_reshape_after_a_store(m):
    a = m * m
    a[0, 0] = m[1, 1]
    flat = np.reshape(a, (3, 2))
    flat *= m.T
    return a**2


@program(M)
def through_transpose(m):
    a = m * m
    a.T[0] = m[:, 1] * m[:, 2]
    b = np.transpose(a)
    b += b[1] ** 2
    return a


@program(M)
def through_transpose_after_a_store(m):
    a = m * m
    a[1] = m[0] ** 3
    b = a.T
    b[0] *= b[1]
    return a * a


@program(M)
def through_ravel(m):
    a = m * m
    np.ravel(a)[::2] = m.ravel()[1::2]
    return a**2


@program(M)
def through_ravel_that_copies(m):
    a = m * m
    flat = np.ravel(a.T)
    flat[0] = m[0, 1]
    return np.concatenate([flat, np.ravel(a)]) ** 2


@program(M)
def through_reshape_of_a_stored_transpose(m):
    a = m * m
    a[0] *= 2
    flat = a.T.reshape(-1)
    flat *= 3
    return np.concatenate([flat, a.ravel()]) ** 2


@program(S)
def through_swapaxes_moveaxis_flip(s):
    a = s * s
    np.swapaxes(a, 0, 1)[0] = s[1] ** 3
    np.moveaxis(a, 0, 1)[2] *= s[0]
    np.flip(a)[0] += s[2] ** 2
    a[::-1, ::-1][1:, 1:] *= s[1, 1]
    return a


@program(S)
def through_flip_after_a_store(s):
    a = s * s
    a[0] = s[2]
    f = np.flip(a, 0)
    f[0] *= s[1]
    e = np.expand_dims(a, 1)
    e[1, 0] += s[0] ** 2
    return a**2


@program(S)
def through_rot90_fliplr_flipud(s):
    a = s * s
    np.rot90(a)[0] *= 2
    np.fliplr(a)[1] += s[0] ** 2
    np.flipud(a)[:2] *= s[1:]
    return a


@program(X)
def through_atleast_2d(x):
    a = x * x
    row = np.atleast_2d(a)
    row *= x[::-1]
    return a


@program(X)
def through_split(x):
    a = x * x
    left, _ = np.split(a, 2)
    left *= x[2:]
    return a**2


@program(M)
def through_array_split_of_rows(m):
    a = m * m
    for part in np.array_split(a, 2, axis=1):
        part[0] += part[1] ** 2
    return a


@program(S)
def diagonal_of_a_stored_array(s):
    a = s * s
    a[1] = s[0] ** 3
    return np.diagonal(a) ** 2 + np.diag(a) * np.trace(a)


@program(S)
def diagonal_read_before_and_after_a_store(s):
    a = s * s
    d = np.diagonal(a)
    before = d * d
    a[1, 1] = s[0, 0] ** 3
    return before * d


@program(X)
def broadcast_view_of_a_stored_array(x):
    a = x * x
    wide = np.broadcast_to(a, (2, 4))
    a[1] = x[0] ** 3
    return wide * np.broadcast_to(a, (3, 1, 4)) ** 2


@program(X)
def flat_reads_and_stores(x):
    a = (x * x).reshape(2, 2)
    a[0, 1] = x[3] ** 3
    return a.flat[1] * np.array([1.0, 2.0]) * a.flat[2]


@program(X)
def conjugate_of_real_numbers_is_the_array_itself(x):
    a, c = x * 1, x * 1j
    a.conj()[0] = x[1] ** 2
    a.conjugate()[1] *= x[0]
    c.conj()[0] = 5
    return a * np.real(c * 1j)


@program(X)
def parts_of_complex_numbers(x):
    z = x * (0.5 + 2j)
    z.real[0] = z.imag[1] ** 2
    z.imag[2:] *= x[0]
    z.imag = np.abs(z)
    z.real = z.imag * x
    np.real(z)[3] = 4.0
    return np.real(z * z), np.imag(z)


@program(M)
def in_place_result_keeps_the_layout_of_the_array(m):
    b = np.tanh(m.T) * 0.5  # Fortran order
    np.add(b, np.reshape(m, (3, 2)), out=b)
    v = b.reshape(-1)  # therefore a copy
    v += 1
    return b * b
