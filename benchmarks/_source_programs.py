"""Loop kernels as they are written in plain NumPy, for the benchmark of the source engine.

Each ends in one number, so that it has a gradient. None knows that it will be differentiated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kernel:
    """A program, its arguments by `quick`, and the positions that are differentiated."""

    function: Callable[..., Any]
    title: str
    inputs: Callable[[bool], tuple[Any, ...]]
    argnums: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.function.__name__


KERNELS: dict[str, Kernel] = {}


def kernel(title: str, inputs: Callable[[bool], tuple[Any, ...]], *argnums: int) -> Any:
    """Enter a program."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        KERNELS[function.__name__] = Kernel(function, title, inputs, argnums)
        return function

    return enter


def field(*shape: int, seed: int = 0, low: float = 0.0, high: float = 1.0) -> Any:
    return np.random.default_rng(seed).uniform(low, high, shape)


def grid(quick: bool, n: int, **options: Any) -> Any:
    return field(12 if quick else n, 12 if quick else n, **options)


# -- stencils --------------------------------------------------------------------------------------


@kernel("five points, two arrays in turn, 500 x 500, 20 sweeps", lambda q: (grid(q, 500), 20), 0)
def jacobi(a, steps):
    a = a.copy()
    b = np.zeros(a.shape)
    b[:] = a
    for _ in range(steps // 2):
        b[1:-1, 1:-1] = 0.2 * (
            a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1]
        )
        a[1:-1, 1:-1] = 0.2 * (
            b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1]
        )
    return np.sum(a * a)


@kernel(
    "heat with a conductivity for each point, in place, 400 x 400, 20 steps",
    lambda q: (grid(q, 400), grid(q, 400, seed=1, low=0.5), 0.1, 20),
    *(0, 1),
)
def heat(u, k, dt, steps):
    u = u.copy()
    for _ in range(steps):
        u[1:-1, 1:-1] += (
            dt
            * k[1:-1, 1:-1]
            * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
        )
    return np.sum(u * u)


@kernel(
    "upwind advection and diffusion in a given wind, 400 x 400, 20 steps",
    lambda q: (grid(q, 400), grid(q, 400, seed=1, low=-1), grid(q, 400, seed=2, low=-1), 20),
    *(0, 1, 2),
)
def advection(c, u, v, steps):
    h, dt, kappa = 0.5, 0.05, 0.1
    c = c.copy()
    for _ in range(steps):
        mid = c[1:-1, 1:-1]
        west, east = mid - c[1:-1, :-2], c[1:-1, 2:] - mid
        south, north = mid - c[:-2, 1:-1], c[2:, 1:-1] - mid
        wind_x, wind_y = u[1:-1, 1:-1], v[1:-1, 1:-1]
        slope_x = np.where(wind_x > 0, west, east) / h
        slope_y = np.where(wind_y > 0, south, north) / h
        laplace = (east - west + north - south) / h**2
        c[1:-1, 1:-1] = mid + dt * (kappa * laplace - wind_x * slope_x - wind_y * slope_y)
    return np.sum(c * c)


@kernel(
    "Burgers in two dimensions, two fields, 300 x 300, 20 steps",
    lambda q: (grid(q, 300), grid(q, 300, seed=1), 0.01, 20),
    *(0, 1),
)
def burgers(u, v, nu, steps):
    n = u.shape[0]
    dx = 2.0 / (n - 1)
    dt = min(0.1 * dx * dx / nu, 0.2 * dx)
    u, v = u.copy(), v.copy()
    for _ in range(steps):
        un, vn = u.copy(), v.copy()
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - dt / dx * un[1:-1, 1:-1] * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - dt / dx * vn[1:-1, 1:-1] * (un[1:-1, 1:-1] - un[:-2, 1:-1])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, :-2])
            + nu * dt / dx**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[:-2, 1:-1])
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - dt / dx * un[1:-1, 1:-1] * (vn[1:-1, 1:-1] - vn[1:-1, :-2])
            - dt / dx * vn[1:-1, 1:-1] * (vn[1:-1, 1:-1] - vn[:-2, 1:-1])
            + nu * dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, :-2])
            + nu * dt / dx**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[:-2, 1:-1])
        )
        u[0, :] = u[-1, :] = 1.0
        v[:, 0] = v[:, -1] = 1.0
    return np.sum(u * u) + np.sum(v * v)


# -- linear algebra, particles, learning -----------------------------------------------------------


def matrix(quick: bool, n: int) -> Any:
    n = 8 if quick else n
    return field(n, n, low=-1.0) + n * np.eye(n)


@kernel("LU without pivots, row operations on slices, 400 x 400", lambda q: (matrix(q, 400),), 0)
def lu_rows(a):
    a = a.copy()
    n = a.shape[0]
    for k in range(n - 1):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return np.sum(np.log(np.diag(a)))


@kernel("LU without pivots, element by element, 120 x 120", lambda q: (matrix(q, 120),), 0)
def lu_elements(a):
    a = a.copy()
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            a[i, j] -= a[i, :j] @ a[:j, j]
            a[i, j] /= a[j, j]
        for j in range(i, n):
            a[i, j] -= a[i, :i] @ a[:i, j]
    return np.sum(np.log(np.diag(a)))


def network(quick: bool) -> tuple[Any, ...]:
    sizes = (78, 50, 20, 10) if quick else (784, 500, 200, 10)
    rng = np.random.default_rng(0)
    parameters = []
    for before, after in pairwise(sizes):
        parameters += [rng.normal(0, np.sqrt(2 / before), (before, after)), np.zeros(after)]
    return *parameters, rng.uniform(size=(128, sizes[0])), rng.integers(10, size=128)


@kernel("784-500-200-10, batch 128, all weights and biases", network, *range(6))
def mlp(w1, b1, w2, b2, w3, b3, x, labels):
    a1 = np.maximum(x @ w1 + b1, 0)
    a2 = np.maximum(a1 @ w2 + b2, 0)
    z = a2 @ w3 + b3
    z -= z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


@kernel(
    "all pairs by masks, softened, leapfrog, 300 bodies, 10 steps",
    lambda q: (field(9 if q else 300, 3), field(9 if q else 300, 3, seed=1, low=-1), 0.001, 10),
    *(0, 1),
)
def n_body(position, velocity, dt, steps):
    pos, vel = position.copy(), velocity.copy()
    for _ in range(steps):
        d = pos[None, :, :] - pos[:, None, :]
        weight = np.sum(d * d, axis=2)
        far = weight > 0
        weight[far] = (weight[far] + 0.01) ** -1.5
        vel += dt * np.sum(d * weight[:, :, None], axis=1)
        pos += dt * vel
    return np.sum(pos * pos) + np.sum(vel * vel)


# -- fifty lines, for the time of the transformation -----------------------------------------------


def shallow_water(h, u, v, depth, steps):  # noqa: PLR0915 - the length is the point
    gravity, dt, dx, drag = 9.81, 0.01, 1.0, 0.02
    n, m = h.shape
    h, u, v = h.copy(), u.copy(), v.copy()
    energy = np.zeros(steps)
    flux_x = np.zeros((n, m))
    flux_y = np.zeros((n, m))
    for k in range(steps):
        total = h + depth
        flux_x[:, 1:] = 0.5 * (total[:, 1:] + total[:, :-1]) * u[:, 1:]
        flux_y[1:, :] = 0.5 * (total[1:, :] + total[:-1, :]) * v[1:, :]
        flux_x[:, 0] = 0.0
        flux_y[0, :] = 0.0
        change = np.zeros((n, m))
        change[:, :-1] -= (flux_x[:, 1:] - flux_x[:, :-1]) / dx
        change[:-1, :] -= (flux_y[1:, :] - flux_y[:-1, :]) / dx
        change[:, -1] += flux_x[:, -1] / dx
        change[-1, :] += flux_y[-1, :] / dx
        h += dt * change
        du = np.zeros((n, m))
        dv = np.zeros((n, m))
        du[:, 1:] = -gravity * (h[:, 1:] - h[:, :-1]) / dx
        dv[1:, :] = -gravity * (h[1:, :] - h[:-1, :]) / dx
        speed = np.sqrt(u**2 + v**2 + 1e-6)
        du -= drag * speed * u
        dv -= drag * speed * v
        inner_u = u[1:-1, 1:-1]
        inner_v = v[1:-1, 1:-1]
        slope_x = np.where(inner_u > 0, inner_u - u[1:-1, :-2], u[1:-1, 2:] - inner_u) / dx
        slope_y = np.where(inner_v > 0, inner_v - v[:-2, 1:-1], v[2:, 1:-1] - inner_v) / dx
        du[1:-1, 1:-1] -= inner_u * slope_x
        dv[1:-1, 1:-1] -= inner_v * slope_y
        u += dt * du
        v += dt * dv
        u[:, 0] = 0.0
        v[0, :] = 0.0
        for i in range(1, n - 1):
            if i % 3 == 0:
                h[i, 0] = 0.5 * (h[i - 1, 0] + h[i + 1, 0])
            else:
                h[i, 0] = h[i, 1]
        fastest = np.max(np.abs(u)) + np.max(np.abs(v))
        if fastest > 5.0:
            u *= 5.0 / fastest
            v *= 5.0 / fastest
        kinetic = 0.5 * np.sum(total * (u**2 + v**2))
        potential = 0.5 * gravity * np.sum(h**2)
        energy[k] = kinetic + potential
    mean = np.mean(energy)
    spread = np.sqrt(np.mean((energy - mean) ** 2) + 1e-12)
    return mean + 0.1 * spread


def water(quick: bool) -> tuple[Any, ...]:
    n = 6
    return field(n, n), field(n, n, seed=1), field(n, n, seed=2), field(n, n, seed=3) + 2.0, 3
