"""Fluids: advection, Burgers, cavity and channel flow, shallow water, lattice Boltzmann."""

# ruff: noqa: B007 - as scientists write it

import numpy
import numpy as np

from source.programs.catalogue import numbers, program


@program(numbers(7, 7, seed=1), numbers(7, 7, seed=2, low=0.2), numbers(7, 7, seed=3, low=0.2), 0.1)
def advection_diffusion(c, vx, vy, kappa):
    """First-order upwind for positive winds, ghost cells filled by a nested function."""
    dx = dy = 0.5
    dt = 0.1

    def boundary(q):
        q[0, :] = q[-2, :]
        q[-1, :] = q[1, :]
        q[:, 0] = q[:, -2]
        q[:, -1] = q[:, 1]

    c = np.array(c)
    for _ in range(4):
        boundary(c)
        lap = np.zeros_like(c)
        lap[1:-1, 1:-1] = (
            (c[2:, 1:-1] - 2 * c[1:-1, 1:-1] + c[:-2, 1:-1]) / dx**2
            + (c[1:-1, 2:] - 2 * c[1:-1, 1:-1] + c[1:-1, :-2]) / dy**2
        )  # fmt: skip
        adv_x = vx[1:-1, 1:-1] * (c[1:-1, 1:-1] - c[:-2, 1:-1]) / dx
        adv_y = vy[1:-1, 1:-1] * (c[1:-1, 1:-1] - c[1:-1, :-2]) / dy
        c[1:-1, 1:-1] += dt * (kappa * lap[1:-1, 1:-1] - adv_x - adv_y)
    return c


@program(numbers(9, seed=4), 0.07)
def burgers_1d(u, nu):
    """Element by element, with the old time level kept and periodic ends."""
    nx = u.shape[0]
    dx, dt = 2.0 / (nx - 1), 0.02
    for n in range(4):
        un = u.copy()
        for i in range(1, nx - 1):
            u[i] = (
                un[i]
                - un[i] * dt / dx * (un[i] - un[i - 1])
                + nu * dt / dx**2 * (un[i + 1] - 2 * un[i] + un[i - 1])
            )
        u[0] = (
            un[0]
            - un[0] * dt / dx * (un[0] - un[-2])
            + nu * dt / dx**2 * (un[1] - 2 * un[0] + un[-2])
        )
        u[-1] = u[0]
    return u


@program(numbers(6, 6, seed=5), numbers(6, 6, seed=6), 0.05, step=2.0**-12)
def burgers_2d(u, v, nu):
    """Upwinding by the sign of the wind: masks choose the difference."""
    dx = 0.4
    dt = 0.05
    for _ in range(3):
        un, vn = u.copy(), v.copy()
        for f, fn in ((u, un), (v, vn)):
            back = (fn[1:-1, 1:-1] - fn[1:-1, :-2]) / dx
            ahead = (fn[1:-1, 2:] - fn[1:-1, 1:-1]) / dx
            fx = np.where(un[1:-1, 1:-1] > 0, back, ahead)
            back = (fn[1:-1, 1:-1] - fn[:-2, 1:-1]) / dx
            ahead = (fn[2:, 1:-1] - fn[1:-1, 1:-1]) / dx
            fy = np.where(vn[1:-1, 1:-1] > 0, back, ahead)
            lap = fn[1:-1, 2:] + fn[1:-1, :-2] + fn[2:, 1:-1] + fn[:-2, 1:-1] - 4 * fn[1:-1, 1:-1]
            f[1:-1, 1:-1] += dt * (nu * lap / dx**2 - un[1:-1, 1:-1] * fx - vn[1:-1, 1:-1] * fy)
    return u, v


def build_up_b(b, rho, dt, u, v, dx, dy):
    b[1:-1, 1:-1] = rho * (
        1
        / dt
        * ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx) + (v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy))
        - ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx)) ** 2
        - 2 * ((u[2:, 1:-1] - u[0:-2, 1:-1]) / (2 * dy) * (v[1:-1, 2:] - v[1:-1, 0:-2]) / (2 * dx))
        - ((v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy)) ** 2
    )


def pressure_poisson(nit, p, dx, dy, b):
    pn = np.empty_like(p)
    pn = p.copy()
    for q in range(nit):
        pn = p.copy()
        p[1:-1, 1:-1] = (
            (pn[1:-1, 2:] + pn[1:-1, 0:-2]) * dy**2 + (pn[2:, 1:-1] + pn[0:-2, 1:-1]) * dx**2
        ) / (2 * (dx**2 + dy**2)) - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1]
        p[:, -1] = p[:, -2]
        p[0, :] = p[1, :]
        p[:, 0] = p[:, 1]
        p[-1, :] = 0


@program(
    4, 3, numbers(5, 5, seed=7), numbers(5, 5, seed=8), 0.02, 0.5, 0.5, numbers(5, 5, seed=9),
    1.0, 0.1, step=2.0**-11,
)  # fmt: skip
def cavity_flow(nt, nit, u, v, dt, dx, dy, p, rho, nu):
    """Navier-Stokes in a driven cavity: helpers change the arrays they are given."""
    un = np.empty_like(u)
    vn = np.empty_like(v)
    b = np.zeros(u.shape)
    for n in range(nt):
        un = u.copy()
        vn = v.copy()
        build_up_b(b, rho, dt, u, v, dx, dy)
        pressure_poisson(nit, p, dx, dy, b)
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, 0:-2])
            - vn[1:-1, 1:-1] * dt / dy * (un[1:-1, 1:-1] - un[0:-2, 1:-1])
            - dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, 0:-2])
            + nu
            * (
                dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, 0:-2])
                + dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[0:-2, 1:-1])
            )
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, 0:-2])
            - vn[1:-1, 1:-1] * dt / dy * (vn[1:-1, 1:-1] - vn[0:-2, 1:-1])
            - dt / (2 * rho * dy) * (p[2:, 1:-1] - p[0:-2, 1:-1])
            + nu
            * (
                dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, 0:-2])
                + dt / dy**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[0:-2, 1:-1])
            )
        )
        u[0, :] = 0
        u[:, 0] = 0
        u[:, -1] = 0
        u[-1, :] = 1  # the lid
        v[0, :] = 0
        v[-1, :] = 0
        v[:, 0] = 0
        v[:, -1] = 0
    return u, v, p


@program(
    numbers(5, 4, seed=10, low=0.5), numbers(5, 4, seed=11) * 0.1, numbers(5, 4, seed=12), 0.3, 0.15
)
def channel_flow(u, v, p, F, nu):
    """Steps until the flow hardly changes; in each, the pressure is iterated in a while loop."""
    dt, dx, dy = 0.1, 0.5, 0.5
    udiff = 1.0
    stepcount = 0
    while udiff > 0.02 and stepcount < 6:
        un = u.copy()
        b = (np.roll(u, -1, axis=1) - np.roll(u, 1, axis=1)) / (2 * dx) + (
            np.roll(v, -1, axis=0) - np.roll(v, 1, axis=0)
        ) / (2 * dy)
        it = 0
        err = 1.0
        while it < 30 and err > 5e-2:
            pn = p.copy()
            p[1:-1, :] = 0.25 * (
                np.roll(pn, -1, axis=1)[1:-1] + np.roll(pn, 1, axis=1)[1:-1] + pn[2:] + pn[:-2]
            ) - 0.25 * dx**2 * (b[1:-1] / dt)
            p[0, :] = p[1, :]
            p[-1, :] = p[-2, :]
            err = numpy.abs(p - pn).sum() / p.size
            it += 1
        grad_p = (np.roll(p, -1, axis=1) - np.roll(p, 1, axis=1))[1:-1] / (2 * dx)
        u[1:-1] = (
            un[1:-1]
            - dt * un[1:-1] * (un[1:-1] - np.roll(un, 1, axis=1)[1:-1]) / dx
            - dt * grad_p
            + dt * F
            + nu * dt / dy**2 * (un[2:] - 2 * un[1:-1] + un[:-2])
        )
        v[1:-1] -= dt * (p[2:] - p[:-2]) / (2 * dy)
        u[0, :] = u[-1, :] = 0.0
        udiff = (numpy.sum(u) - numpy.sum(un)) / numpy.sum(u)
        udiff = abs(udiff)
        stepcount += 1
    return u, v


@program(numbers(8, seed=13, low=0.8, high=1.2), numbers(8, seed=14) * 0.1, analytic=True)
def shallow_water(h, hu):
    """Lax-Friedrichs steps of two coupled fields; a fluxes function returns a pair."""
    g, dx, dt = 9.81, 1.0, 0.05

    def fluxes(h, hu):
        vel = hu / h
        return hu, hu * vel + 0.5 * g * h * h

    for _ in range(4):
        f1, f2 = fluxes(h, hu)
        hp, hm = np.roll(h, -1), np.roll(h, 1)
        up, um = np.roll(hu, -1), np.roll(hu, 1)
        h = 0.5 * (hp + hm) - dt / (2 * dx) * (np.roll(f1, -1) - np.roll(f1, 1))
        hu = 0.5 * (up + um) - dt / (2 * dx) * (np.roll(f2, -1) - np.roll(f2, 1))
    return {"depth": h, "momentum": hu}


WEIGHTS = np.array([4 / 9] + [1 / 9] * 4 + [1 / 36] * 4)
CX = np.array([0, 1, 0, -1, 0, 1, -1, -1, 1])
CY = np.array([0, 0, 1, 0, -1, 1, 1, -1, -1])
OPPOSITE = np.array([0, 3, 4, 1, 2, 7, 8, 5, 6])


def equilibrium(rho, ux, uy):
    feq = np.zeros((9, *rho.shape))
    usq = 1.5 * (ux**2 + uy**2)
    for i in range(9):
        cu = 3 * (CX[i] * ux + CY[i] * uy)
        feq[i] = rho * WEIGHTS[i] * (1 + cu + 0.5 * cu**2 - usq)
    return feq


@program(numbers(4, 5, seed=15, low=0.9, high=1.1), numbers(4, 5, seed=16) * 0.1, 0.8)
def lattice_boltzmann(rho, ux, tau):
    """D2Q9: collide, stream, bounce back at an obstacle given by a mask."""
    solid = np.zeros(rho.shape, dtype=bool)
    solid[1:3, 2] = True
    f = equilibrium(rho, ux, np.zeros_like(ux))
    for step in range(3):
        rho = f.sum(axis=0)
        ux = (CX[:, None, None] * f).sum(axis=0) / rho
        uy = (CY[:, None, None] * f).sum(axis=0) / rho
        fout = f - (f - equilibrium(rho, ux, uy)) / tau
        for i in range(9):
            fout[i, solid] = f[OPPOSITE[i], solid]
        for i in range(9):
            f[i] = np.roll(np.roll(fout[i], CX[i], axis=0), CY[i], axis=1)
    return np.sum(f, axis=0), f[1] - f[3]


@program(numbers(10, seed=18, low=0.2), 0.45, step=2.0**-11)
def van_leer(q, courant):
    """Finite volumes with a slope limiter, looping over cells with branches."""
    n = len(q)
    for step in range(3):
        slope = [0.0] * n
        for i in range(1, n - 1):
            left, right = q[i] - q[i - 1], q[i + 1] - q[i]
            if left * right > 0:
                slope[i] = 2 * left * right / (left + right)
        flux = np.zeros(n + 1)
        for i in range(1, n):
            flux[i] = q[i - 1] + 0.5 * (1 - courant) * slope[i - 1]
        flux[0] = flux[n] = q[n - 1]
        q = q - courant * (flux[1:] - flux[:-1])
    return q
