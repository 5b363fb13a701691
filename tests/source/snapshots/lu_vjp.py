import numpy as np


def lu_vjp(a, a_ct):
    stack = []
    a = a.copy()
    n = a.shape[0]
    for k in range(n):
        stack.append(a[k + 1 :, k].copy())
        a[k + 1 :, k] /= a[k, k]
        stack.append(a[k + 1 :, k + 1 :].copy())
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    a_value = a.copy()
    a_ct = a_ct.copy()
    # for k in range(n):
    for k in reversed(range(n)):
        # a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
        a[k + 1 :, k + 1 :] = stack.pop()
        stored_ct = -a_ct[k + 1 :, k + 1 :]
        a_ct[k + 1 :, k] += stored_ct @ a[k, k + 1 :]
        a_ct[k, k + 1 :] += a[k + 1 :, k] @ stored_ct
        # a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k] = stack.pop()
        stored_ct_2 = a_ct[k + 1 :, k].copy()
        a_ct[k + 1 :, k] = stored_ct_2 / a[k, k]
        a_ct[k, k] += np.sum(stored_ct_2 * (-(a[k + 1 :, k] / a[k, k]) / a[k, k]))
    return a_value, (a_ct,)
