import numpy as np


def perceptron_grad(w1, b1, w2, x, y):
    hidden = np.tanh(x @ w1 + b1)
    out = hidden @ w2
    out_ct = np.divide(1.0, x.shape[0] * w2.shape[1]) * (2 * (out - y))
    # out = hidden @ w2
    hidden_ct = out_ct @ w2.T
    w2_ct = hidden.T @ out_ct
    # hidden = np.tanh(x @ w1 + b1)
    t_ct = hidden_ct * (1 - hidden * hidden)
    b1_ct = np.sum(t_ct, axis=0)
    w1_ct = x.T @ t_ct
    return w1_ct, b1_ct, w2_ct
