import numpy as np


def rank_update_grad(alpha, beta, c, a):
    stack = []
    c = c.copy()
    bound = a.shape[0]
    for i in range(bound):
        stack.append(c[i, : i + 1].copy())
        c[i, : i + 1] *= beta
        for k in range(a.shape[1]):
            c[i, : i + 1] += alpha * a[i, k] * a[: i + 1, k]
    c_ct = 2 * c
    # for i in range(a.shape[0]):
    a_ct = np.zeros_like(a)
    alpha_ct = 0.0
    beta_ct = 0.0
    for i in reversed(range(bound)):
        # for k in range(a.shape[1]):
        for k in reversed(range(a.shape[1])):
            # c[i, : i + 1] += alpha * a[i, k] * a[: i + 1, k]
            t_ct = c_ct[i, : i + 1].copy()
            t_ct_2 = np.sum(t_ct * a[: i + 1, k])
            alpha_ct += t_ct_2 * a[i, k]
            a_ct[i, k] += t_ct_2 * alpha
            a_ct[: i + 1, k] += t_ct * (alpha * a[i, k])
        # c[i, : i + 1] *= beta
        c_before = stack.pop()
        stored_ct = c_ct[i, : i + 1].copy()
        c_ct[i, : i + 1] = stored_ct * beta
        beta_ct += np.sum(stored_ct * c_before)
    return alpha_ct, beta_ct, c_ct, a_ct
