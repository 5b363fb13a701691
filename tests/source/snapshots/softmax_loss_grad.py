import numpy as np


def softmax_loss_grad(z, target):
    t1 = np.max(z)
    z_2 = z - t1
    t2 = np.exp(z_2)
    z_2_ct = np.zeros_like(z_2)
    z_2_ct[target] -= 1.0
    # return np.log(np.sum(np.exp(z))) - z[target]
    z_2_ct += 1.0 / np.sum(t2) * t2
    # z = z - np.max(z)
    z_ct = z_2_ct
    chosen = (z == t1) | (z != z)
    t5 = np.maximum(np.sum(chosen, axis=None, keepdims=True), 1).astype(np.float64)
    z_ct = z_ct + np.sum(-z_2_ct) * (chosen * (1 / t5))
    return z_ct
