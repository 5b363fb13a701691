import numpy as np


def softmax_in_place_grad(x):
    t2 = np.exp(x - np.max(x, axis=-1, keepdims=True))
    t3 = np.sum(t2, axis=-1, keepdims=True)
    x_2 = t2 / t3
    x_4_ct = 2 * x_2
    # x /= np.sum(x, axis=-1, keepdims=True)
    x_3_ct = x_4_ct / t3
    x_3_ct += np.sum(x_4_ct * (-x_2 / t3), axis=1, keepdims=True)
    # np.exp(x, out=x)
    x_3_ct = x_3_ct * t2
    # x -= np.max(x, axis=-1, keepdims=True)
    x_ct = x_3_ct
    chosen = (x == np.max(x, axis=-1, keepdims=True)) | (x != x)
    t5 = np.maximum(np.sum(chosen, axis=-1, keepdims=True), 1).astype(np.float64)
    x_ct = x_ct + np.sum(-x_3_ct, axis=1, keepdims=True) * (chosen * (1 / t5))
    return x_ct
