import numpy as np


def leapfrog_grad(x, v, dt):
    stack = []
    x = x.copy()
    new = np.empty_like(x)
    for _ in range(5):
        stack.append(new[:].copy())
        new[:] = x + dt * v
        v = v - dt * np.sin(new)
        x, new = new, x
    x_ct = v.copy()
    v_ct = x.copy()
    # for _ in range(5):
    new_ct = np.zeros_like(new)
    for _ in reversed(range(5)):
        # for _ in range(5):
        new, x = x, new
        new_ct, x_ct = x_ct, new_ct
        # v = v - dt * np.sin(new)
        new_ct -= v_ct * dt * np.cos(new)
        # new[:] = x + dt * v
        new[:] = stack.pop()
        stored_ct = new_ct[:].copy()
        new_ct[:] = 0.0
        x_ct += stored_ct
        v_ct = v_ct + stored_ct * dt
    return x_ct, v_ct
