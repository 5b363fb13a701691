import numpy as np


def lu_jvp(a, a_dot):
    a_dot = a_dot.copy()
    a = a.copy()
    n = a.shape[0]
    for k in range(n):
        t = a[k + 1 :, k] / a[k, k]
        a_dot[k + 1 :, k] = a_dot[k + 1 :, k] / a[k, k] - t / a[k, k] * a_dot[k, k]
        a[k + 1 :, k] = t
        a_dot[k + 1 :, k + 1 :] -= (
            np.outer(a_dot[k + 1 :, k], a[k, k + 1 :]) + np.outer(a[k + 1 :, k], a_dot[k, k + 1 :])
        )
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a, a_dot
