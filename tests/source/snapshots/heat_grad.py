import numpy as np


def heat_grad(u, nu):
    stack = []
    u = u.copy()
    for _ in range(10):
        stack.append(u[1:-1].copy())
        u[1:-1] += nu * (u[2:] - 2 * u[1:-1] + u[:-2])
    u_ct = 2 * u
    # for _ in range(10):
    nu_ct = 0.0
    for _ in reversed(range(10)):
        # u[1:-1] += nu * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[1:-1] = stack.pop()
        stored_ct = u_ct[1:-1].copy()
        nu_ct += np.sum(stored_ct * (u[2:] - 2 * u[1:-1] + u[:-2]))
        t_ct = stored_ct * nu
        u_ct[2:] += t_ct
        u_ct[1:-1] -= t_ct * 2
        u_ct[:-2] += t_ct
    return u_ct, nu_ct
