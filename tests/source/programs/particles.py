"""Bodies, springs, molecules, rays: many small vectors that move."""

# ruff: noqa: B007 - as scientists write it

from dataclasses import dataclass

import numpy as np

from source.programs.catalogue import numbers, program


def get_acc(pos, mass, G, softening):
    """All pairs at once: differences as matrices, a mask keeps the diagonal out."""
    x = pos[:, 0:1]
    y = pos[:, 1:2]
    z = pos[:, 2:3]
    dx = x.T - x
    dy = y.T - y
    dz = z.T - z
    inv_r3 = dx**2 + dy**2 + dz**2 + softening**2
    inv_r3[inv_r3 > 0] = inv_r3[inv_r3 > 0] ** (-1.5)
    ax = G * (dx * inv_r3) @ mass
    ay = G * (dy * inv_r3) @ mass
    az = G * (dz * inv_r3) @ mass
    return np.hstack((ax, ay, az))


def get_energy(pos, vel, mass, G):
    KE = 0.5 * np.sum(np.sum(mass * vel**2))
    x = pos[:, 0:1]
    y = pos[:, 1:2]
    z = pos[:, 2:3]
    inv_r = np.sqrt((x.T - x) ** 2 + (y.T - y) ** 2 + (z.T - z) ** 2)
    inv_r[inv_r > 0] = 1.0 / inv_r[inv_r > 0]
    PE = G * np.sum(np.sum(np.triu(-(mass * mass.T) * inv_r, 1)))
    return KE, PE


@program(
    numbers(4, 1, seed=1, low=0.5, high=2), numbers(4, 3, seed=2), numbers(4, 3, seed=3),
    3, 0.01, 1.0, 0.3, wrt=(0, 1, 2, 5, 6),
)  # fmt: skip
def n_body(mass, pos, vel, Nt, dt, G, softening):
    """Leapfrog in the centre-of-mass frame, with the energies of every step."""
    vel -= np.mean(mass * vel, 0) / np.mean(mass)
    acc = get_acc(pos, mass, G, softening)
    KE = np.ndarray(Nt + 1, dtype=np.float64)
    PE = np.ndarray(Nt + 1, dtype=np.float64)
    KE[0], PE[0] = get_energy(pos, vel, mass, G)
    for i in range(Nt):
        vel += acc * dt / 2.0
        pos += vel * dt
        acc = get_acc(pos, mass, G, softening)
        vel += acc * dt / 2.0
        KE[i + 1], PE[i + 1] = get_energy(pos, vel, mass, G)
    return KE, PE, pos


@dataclass
class Bodies:
    position: np.ndarray
    velocity: np.ndarray
    mass: np.ndarray

    def forces(self, stiffness):
        f = np.zeros_like(self.position)
        for i in range(len(self.mass) - 1):
            r = self.position[i + 1] - self.position[i]
            length = np.sqrt(r.dot(r))
            pull = stiffness * (length - 1.0) * r / length
            f[i] += pull
            f[i + 1] -= pull
        return f

    @property
    def kinetic(self):
        return 0.5 * np.sum(self.mass * np.sum(self.velocity**2, axis=1))


@program(
    Bodies(numbers(4, 2, seed=4) * 2, numbers(4, 2, seed=5), numbers(4, seed=6, low=1, high=2)), 3.0
)
def chain_of_springs(bodies, stiffness):
    """Methods and a property of a dataclass; its arrays change in place."""
    dt = 0.05
    for step in range(4):
        acceleration = bodies.forces(stiffness) / bodies.mass[:, None]
        bodies.velocity[:] += dt * acceleration
        bodies.position[:] += dt * bodies.velocity
    return bodies.position, bodies.kinetic


@program(numbers(5, 2, seed=7) * 2, 1.0, 1.0, 2.5, step=2.0**-13)
def lennard_jones(pos, eps, sigma, cutoff):
    """Pair loop with periodic box, cutoff and `continue`; Newton's third law in place."""
    n = pos.shape[0]
    box = 5.0
    energy = 0.0
    forces = np.zeros((n, 2))
    for i in range(n):
        for j in range(i + 1, n):
            rij = pos[i] - pos[j]
            rij = rij - box * np.round(rij / box)
            r2 = np.sum(rij * rij)
            if r2 > cutoff * cutoff:
                continue
            s6 = (sigma * sigma / (r2 + 0.3)) ** 3
            energy += 4.0 * eps * (s6 * s6 - s6)
            f = 24.0 * eps * (2.0 * s6 * s6 - s6) / (r2 + 0.3)
            forces[i, :] += f * rij
            forces[j, :] -= f * rij
    return energy, forces


@program(numbers(3, seed=8), numbers(3, seed=9), np.array([1.0, 2.0, 3.0]), 0.02, 4)
def rigid_body(omega, torque, inertia, dt, n):
    """Euler's equations and a quaternion, each a tuple or small array of numbers."""
    q = np.array([1.0, 0.0, 0.0, 0.0])
    for _ in range(n):
        w1, w2, w3 = omega
        I1, I2, I3 = inertia
        domega = np.array(
            [
                (torque[0] - (I3 - I2) * w2 * w3) / I1,
                (torque[1] - (I1 - I3) * w3 * w1) / I2,
                (torque[2] - (I2 - I1) * w1 * w2) / I3,
            ]
        )
        omega = omega + dt * domega
        Omega = np.array([[0, -w1, -w2, -w3], [w1, 0, w3, -w2], [w2, -w3, 0, w1], [w3, w2, -w1, 0]])
        q = q + 0.5 * dt * Omega @ q
        q /= np.linalg.norm(q)
    return q, omega


def sdf(p, centre, radius):
    """Signed distance to a sphere melted into a plane."""
    ball = np.linalg.norm(p - centre) - radius
    floor = p[1] + 1.0
    k = 0.3
    h = max(k - abs(ball - floor), 0.0) / k
    return min(ball, floor) - h * h * k * 0.25


@program(np.array([0.1, 0.2, 3.0]), 0.8, np.array([0.5, 0.8, -0.3]), 3, step=2.0**-11)
def ray_marcher(centre, radius, light, size):
    """Sphere tracing of a small image: while, break, early return in a nested function."""

    def shade(px, py):
        d = np.array([px, py, 1.0])
        d = d / np.sqrt(np.sum(d * d))
        t = 0.0
        steps = 0
        while steps < 60:
            p = t * d
            dist = sdf(p, centre, radius)
            if dist < 1e-9:
                break
            if t > 12.0:
                return 0.1 * py
            t += dist
            steps += 1
        n = np.zeros(3)
        for axis in range(3):
            e = np.zeros(3)
            e[axis] = 1e-2
            n[axis] = sdf(p + e, centre, radius) - sdf(p - e, centre, radius)
        n /= np.linalg.norm(n)
        return max(0.0, n @ light / np.linalg.norm(light)) + 0.05 * t

    image = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            image[i, j] = shade((j - size / 2 + 0.45) / size, (size / 2 - i - 0.8) / size)
    return image


@program(numbers(6, 2, seed=16), numbers(6, 2, seed=12) * 0.3, 0.8, step=2.0**-12)
def boids(pos, vel, radius):
    """Flocking with boolean masks over neighbours; a bounce off the walls is a masked store."""
    for _ in range(3):
        new = vel.copy()
        for i in range(len(pos)):
            d = np.sqrt(((pos - pos[i]) ** 2).sum(axis=1) + 1e-6)
            near = (d < radius) & (np.arange(len(pos)) != i)
            if near.any():
                new[i] += 0.1 * (pos[near].mean(axis=0) - pos[i]) + 0.2 * (
                    vel[near].mean(axis=0) - vel[i]
                )
        vel = new
        pos = pos + 0.1 * vel
        outside = np.abs(pos) > 0.9
        vel[outside] *= -1.0
    return pos, vel


@program(numbers(3, 2, seed=13), numbers(3, 2, seed=14), numbers(6, seed=15), 4)
def particle_in_cell(x, v, field, steps):
    """Scatter charge to a ring of cells with np.add.at, gather the force with fancy indices."""
    n = field.shape[0]
    for _ in range(steps):
        place = (x + 3.0) % n
        cell = place.astype(int)
        frac = place - cell
        charge = np.zeros(n)
        np.add.at(charge, cell, 1.0 - frac)
        np.add.at(charge, (cell + 1) % n, frac)
        e = field - 0.2 * (np.roll(charge, -1) - np.roll(charge, 1))
        v = v + 0.05 * ((1.0 - frac) * e[cell] + frac * e[(cell + 1) % n])
        x = x + 0.05 * v
    return x, charge


def separations(a, b):
    m, n = a.shape[0], b.shape[0]
    ax, ay = a[:, 0].reshape((m, 1)), a[:, 1].reshape((m, 1))
    bx, by = b[:, 0].reshape((n, 1)), b[:, 1].reshape(1, n)
    return ax - bx.T, ay - by


@program(numbers(5, 2, seed=20), numbers(5, 2, seed=21), 0.4, 0.8)
def smoothed_particles(pos, vel, mass, h):
    """Columns of positions that are changed in place, as matrices of one column or row."""
    for _ in range(3):
        dx, dy = separations(pos, pos)
        w = mass / (h**2 * np.pi) * np.exp(-(dx**2 + dy**2) / h**2)
        rho = np.sum(w, 1).reshape((pos.shape[0], 1))
        force = -2.0 / h**2 * w * (1.0 / rho + 1.0 / rho.T)
        acc = np.hstack((np.sum(force * dx, 1)[:, None], np.sum(force * dy, 1)[:, None]))
        vel -= 0.1 * acc + 0.05 * vel
        pos += 0.1 * vel
    return pos, (rho.T @ rho).item()
