import numpy as np


def heat_jvp(u, nu, u_dot, nu_dot):
    u_dot = u_dot.copy()
    u = u.copy()
    for _ in range(10):
        t = u[2:] - 2 * u[1:-1] + u[:-2]
        u_dot[1:-1] += nu_dot * t + nu * (u_dot[2:] - 2 * u_dot[1:-1] + u_dot[:-2])
        u[1:-1] += nu * t
    return np.sum(u**2), np.sum(2 * u * u_dot)
