import numpy as np


def square_root_grad(a):
    stack = []
    x = a
    trips = 0
    while abs(x * x - a) > 1e-12 * a:
        stack.append(x)
        x = 0.5 * (x + a / x)
        trips += 1
    x_ct = 1.0
    # while abs(x * x - a) > 1e-12 * a:
    a_ct = 0.0
    for k in range(trips):
        # x = 0.5 * (x + a / x)
        x = stack.pop()
        t_ct = np.multiply(x_ct, 0.5)
        a_ct += t_ct / x
        x_ct = t_ct + t_ct * (-(a / x) / x)
    # x = a
    a_ct += x_ct
    return a_ct
