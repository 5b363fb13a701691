"""Small programs, each for one construct: constructors, numbers, dtypes, methods, checks."""

# ruff: noqa: B905 - as scientists write it

import math

import numpy as np

from source.programs.catalogue import numbers, program

TABLE = np.array([0.5, -1.0, 2.0])

# -- constructors ----------------------------------------------------------------------------------


@program(0.3, numbers(3, seed=15), 3)
def constructors(x, v, n):
    a = np.zeros(n) + x
    b = np.ones((n,)) * v
    c = np.full(n, x)
    d = np.eye(n) @ v
    e = np.arange(n) * x
    f = np.linspace(0.0, 1.0, n) * v
    g = np.ndarray(n)
    g[:] = x
    return a + b * c + d * e + f * g


@program(0.3, numbers(3, seed=16))
def constructors_like(x, v):
    a = np.zeros_like(v)
    b = np.empty_like(v)
    c = np.full_like(v, 2.0)
    d = np.ones_like(v)
    a[0] = x
    b[:] = v[::-1]
    c[1] = v[0] * x
    d -= v
    return a + b * c * d


@program(0.3, numbers(2, seed=17))
def arrays_of_computed_numbers(x, v):
    a = np.array([x, 2 * x, v[0]])
    m = np.array([[np.cos(x), -np.sin(x)], [np.sin(x), np.cos(x)]])
    b = np.array([v, v * x])
    c = np.asarray([1.0, 2, x])
    return m @ b, a * c


@program(0.3, numbers(2, seed=18), numbers(2, seed=19))
def stacks(x, a, b):
    s = np.stack([a, b, a * x])
    h = np.hstack((a, [x], b))
    c = np.concatenate([h, s.ravel()])
    v = np.vstack([a, b])
    return c, np.column_stack((a, b)) @ v


@program(0.3, 1.1)
def linspace_and_arange_of_traced_ends(x, y):
    t = np.linspace(x, y, 4)
    return t**2, np.full((2, 2), x * y)


# -- numbers ---------------------------------------------------------------------------------------


@program(0.6, 1.4)
def math_functions(x, y):
    a = math.sin(x) * math.cos(y) + math.tan(x) - math.atan2(x, y)
    b = math.exp(-x) + math.log(y) + math.sqrt(x * y) + math.pow(y, x)
    c = math.hypot(x, y) + math.fabs(-x) + math.tanh(x) + math.log1p(x)
    return a * b + c + math.floor(y) * x + math.pi


@program(numbers(4, seed=20), 0.7)
def python_builtins(v, x):
    a = sum(v) + sum([x, x * x], 1.0)
    b = min(x, 0.9) * max(v[0], x, v[1]) + max(v) - min(v)
    c = abs(-x) + pow(x, 3) + len(v) * x + round(x) * x
    d = float(x) * int(2.7) + divmod(7, 3)[0] * x
    return a * b + c * d, sum(a * b for a, b in zip(v, reversed(v)))


@program(numbers(6, seed=21), 7)
def integer_work(v, n):
    k = n // 2
    m = n % 4
    bits = (n >> 1) ^ 5
    total = 0.0
    while n > 1:
        total += v[n % 6] * (n & 3)
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        if n > 30:
            n = 1
    return total + v[k] * m + v[bits - 1]


@program(numbers(6, seed=22))
def integer_arrays(v):
    idx = np.arange(6)
    idx[2:] -= 1
    count = np.zeros(3, dtype=int)
    for i in idx:
        count[i % 3] += 1
    order = np.argsort(v)[::-1]
    return v[idx] * v[order], count * v[:3], v[np.argmax(v)] * np.count_nonzero(v > 0)


@program(numbers(3, seed=23) + 1j * numbers(3, seed=24), 0.4)
def complex_numbers(z, x):
    w = z * (1 + 2j * x) + z.conj()
    w[0] = abs(w[1]) ** 2
    w.imag[2] = x
    return w.real * w.imag, np.abs(w), w**2, np.angle(w[1]) * x


@program(0.4, 0.9)
def real_numbers_into_a_complex_array(x, y):
    z = np.zeros(3, dtype=complex)
    z[0] = x
    z[1] = complex(x, y)
    z[2] = z[0] * z[1] + 1j * y
    return z, np.sum(z * np.conj(z)).real


@program(0.4, 0.7, numbers(3, seed=25))
def powers(x, y, v):
    return x**y + x**-2 + 2.0**x + x**0.5, v**2, np.abs(v) ** x, (-v) ** 3


# -- array attributes and methods ------------------------------------------------------------------


@program(numbers(3, 4, seed=26))
def attributes(a):
    n, m = a.shape
    if a.ndim == 2 and a.size == n * m and a.dtype == np.float64:
        a = a.T * n
    return a * m + a.shape[0] + len(a)


@program(numbers(3, 4, seed=27))
def methods(a):
    b = a.sum(axis=0) * a.mean() + a.max(axis=0) - a.min() + a.std(axis=0) * a.var()
    c = a.reshape(4, 3).dot(a).transpose()
    d = a.flatten().cumsum()[a.argmax()] + a.prod(axis=1).sum() + a.trace()
    return b, c.clip(-0.4, 0.4), d * a.squeeze().item(2)


@program(numbers(4, seed=28))
def casts(v):
    k = (3 * v).astype(int)
    w = v.astype(np.float64, copy=True)
    w[0] = 2.0
    half = (v > 0).astype(float) * v
    return k * v + w, half * np.float64(v[1]), np.int64(2) * v


@program(numbers(3, 3, seed=29) + 2 * np.eye(3), numbers(3, seed=30))
def library_calls(a, v):
    x = np.linalg.solve(a, v)
    y = np.linalg.det(a) * np.trace(a) + np.linalg.norm(v)
    return np.einsum("i,ij->j", x, a @ a.T), y * np.outer(v, x), np.linalg.inv(a)


@program(numbers(5, seed=31))
def where_and_clip(v):
    a = np.where(v > 0, np.sqrt(np.abs(v)), v**2)
    b = np.clip(v, -0.3, 0.4)
    return a * b + np.maximum(v, 0.1) * np.minimum(v, a) + np.abs(v) * np.sign(v)


# -- kept in the primal ----------------------------------------------------------------------------


@program(0.4, numbers(3, seed=32))
def assert_and_raise(x, v):
    assert x > 0, "x must be positive"
    assert v.shape == (3,)
    if np.any(v > 2):
        raise ValueError(f"too large: {v.max()}")
    for y in v:
        if y > 3:
            raise ValueError("never")
        x = x + y * x
    return x


@program(0.4)
def global_and_docstring(x):
    """Return a number; this string and the bare constant below do nothing."""
    if TABLE.size > 2:
        pass
    ...
    y: float = x * TABLE[2]
    del x
    return y * y


@program(numbers(3, seed=33), None, "scaled")
def options_by_none_and_string(v, weights=None, mode="plain"):
    if weights is None:
        weights = np.ones(len(v))
    if mode == "scaled":
        weights = weights * v[0]
    elif mode in ("plain", "none"):
        weights = weights * 0
    if isinstance(v, np.ndarray) and mode != "plain":
        v = v * weights
    return v.sum() if weights is not None else 0.0


@program(0.4, 0.0, wrt=(0,))
def unselected_arms_are_not_evaluated(x, y):
    a = np.sqrt(x) if x > 0 else np.log(x)
    b = x / y if y != 0 else x * 3
    return a * b + y


@program(numbers(3, seed=34), [numbers(3, 3, seed=k) for k in (35, 36, 37)], step=2.0**-12)
def a_layer_chosen_by_what_is_computed(x, layers):
    k = 0
    while np.sum(x * x) < 50 and k < 7:
        x = np.sin(layers[int(3 * abs(np.sin(x[0]))) - 3] @ x) + 1
        k += 1
    return x


@program(numbers(3, seed=38), [numbers(3, 3, seed=k) for k in (35, 36, 37)], step=2.0**-12)
def tuples_chosen_by_what_is_computed(x, layers):
    steps = [(w, w[0], 2.0 + n) for n, w in enumerate(layers)]
    for _ in range(3):
        w, b, scale = steps[np.argmax(x)]
        x = np.tanh(w @ x + b) * scale
        steps[0][1][:] *= x[1]
    return x
