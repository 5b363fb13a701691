"""Neural networks by hand: layers over parameters in arrays, dicts and lists."""

# ruff: noqa: B007, B905, RUF007 - as scientists write it

from functools import partial

import numpy as np

from source.programs.catalogue import numbers, program


def relu(x):
    return np.maximum(x, 0)


def conv2d(input, weights):
    """Deep learning convolution operator (stride = 1), a loop over output pixels."""
    K = weights.shape[0]
    N = input.shape[0]
    H_out = input.shape[1] - K + 1
    W_out = input.shape[2] - K + 1
    C_out = weights.shape[3]
    output = np.empty((N, H_out, W_out, C_out), dtype=input.dtype)
    for i in range(H_out):
        for j in range(W_out):
            output[:, i, j, :] = np.sum(
                input[:, i : i + K, j : j + K, :, np.newaxis] * weights[np.newaxis, :, :, :],
                axis=(1, 2, 3),
            )
    return output


def maxpool2d(x):
    """2x2 max pooling."""
    output = np.empty([x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]], dtype=x.dtype)
    for i in range(x.shape[1] // 2):
        for j in range(x.shape[2] // 2):
            output[:, i, j, :] = np.max(x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, :], axis=(1, 2))
    return output


def softmax(x):
    tmp_max = np.max(x, axis=-1, keepdims=True)
    tmp_out = np.exp(x - tmp_max)
    tmp_sum = np.sum(tmp_out, axis=-1, keepdims=True)
    return tmp_out / tmp_sum


@program(numbers(2, 5, 5, 2, seed=1), numbers(3, 3, 2, 3, seed=2), numbers(3, seed=3))
def conv2d_bias(input, weights, bias):
    return conv2d(input, weights) + bias


@program(
    numbers(1, 14, 14, 1, seed=4), numbers(3, 3, 1, 2, seed=5), numbers(2, seed=6),
    numbers(3, 3, 2, 3, seed=7), numbers(3, seed=8), numbers(12, 5, seed=9), numbers(5, seed=10),
    numbers(5, 4, seed=11), numbers(4, seed=12), 1, 12, step=2.0**-13,
)  # fmt: skip
def lenet(input, conv1, conv1bias, conv2, conv2bias, fc1w, fc1b, fc2w, fc2b, N, C_before_fc1):
    x = relu(conv2d(input, conv1) + conv1bias)
    x = maxpool2d(x)
    x = relu(conv2d(x, conv2) + conv2bias)
    x = maxpool2d(x)
    x = np.reshape(x, (N, C_before_fc1))
    x = relu(x @ fc1w + fc1b)
    return x @ fc2w + fc2b


def batchnorm2d(x, eps=1e-5):
    mean = np.mean(x, axis=0, keepdims=True)
    std = np.std(x, axis=0, keepdims=True)
    return (x - mean) / np.sqrt(std + eps)


@program(
    numbers(3, 4, 4, 3, seed=13), numbers(1, 1, 3, 2, seed=14), numbers(3, 3, 2, 2, seed=15),
    numbers(1, 1, 2, 3, seed=16), step=2.0**-13,
)  # fmt: skip
def residual_block(input, conv1, conv2, conv3):
    """A bottleneck with batch normalization and zero padding written into a larger array."""
    padded = np.zeros((input.shape[0], input.shape[1] + 2, input.shape[2] + 2, conv1.shape[3]))
    padded[:, 1:-1, 1:-1, :] = conv2d(input, conv1)
    x = batchnorm2d(padded)
    x = relu(x)
    x = conv2d(x, conv2)
    x = batchnorm2d(x, eps=1e-3)
    x = relu(x)
    x = conv2d(x, conv3)
    x = batchnorm2d(x)
    return relu(x + input)


@program(
    numbers(4, 3, seed=17), numbers(3, 5, seed=18), numbers(5, seed=19), numbers(5, 4, seed=20),
    numbers(4, seed=21), numbers(4, 3, seed=22), numbers(3, seed=23), step=2.0**-12,
)  # fmt: skip
def mlp(input, w1, b1, w2, b2, w3, b3):
    x = relu(input @ w1 + b1)
    x = relu(x @ w2 + b2)
    x = softmax(x @ w3 + b3)
    return x


@program(numbers(2, 2, 3, 4, seed=24))
def softmax_4d(x):
    """As written by hand, in place."""
    x -= np.max(x, axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= np.sum(x, axis=-1, keepdims=True)
    return x


def layers(sizes, seed):
    return [
        {"W": numbers(m, n, seed=seed + i), "b": numbers(n, seed=seed + 50 + i)}
        for i, (m, n) in enumerate(zip(sizes[:-1], sizes[1:]))
    ]


@program(layers([3, 4, 4, 2], 25), numbers(5, 3, seed=26), np.array([0, 1, 1, 0, 1]), wrt=(0, 1))
def train_a_network(params, x, labels):
    """Backpropagation by hand and three steps of SGD with weight decay, in place on the dicts."""
    losses = []
    for step in range(3):
        activations = [x]
        for i, layer in enumerate(params):
            z = activations[-1] @ layer["W"] + layer["b"]
            activations.append(np.tanh(z) if i < len(params) - 1 else z)
        logits = activations.pop()
        p = np.exp(logits - logits.max(axis=1)[:, None])
        p /= p.sum(axis=1)[:, None]
        losses.append(-np.log(p[range(len(labels)), labels]).mean())
        delta = p.copy()
        delta[np.arange(len(labels)), labels] -= 1
        delta /= len(labels)
        for i in reversed(range(len(params))):
            a = activations[i]
            gW = a.T @ delta + 0.01 * params[i]["W"]
            gb = delta.sum(axis=0)
            if i > 0:
                delta = (delta @ params[i]["W"].T) * (1 - a**2)
            params[i]["W"] -= 0.5 * gW
            params[i]["b"] -= 0.5 * gb
    return losses[0] + losses[-1], params[0]["W"]


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


@program(
    numbers(4, 2, seed=27),
    {"Wx": numbers(2, 12, seed=28), "Wh": numbers(3, 12, seed=29), "b": numbers(12, seed=30)},
    numbers(3, 2, seed=31),
)
def lstm_over_time(xs, cell, readout):
    """Gates as named slices of one product; outputs go into a preallocated array."""
    T, H = xs.shape[0], 3
    h = np.zeros(H)
    c = np.zeros(H)
    ys = np.zeros((T, readout.shape[1]))
    for t in range(T):
        gates = xs[t] @ cell["Wx"] + h @ cell["Wh"] + cell["b"]
        i = sigmoid(gates[:H])
        f = sigmoid(gates[H : 2 * H] + 1.0)
        g = np.tanh(gates[2 * H : 3 * H])
        o = sigmoid(gates[3 * H :])
        c = f * c + i * g
        h = o * np.tanh(c)
        ys[t] = h @ readout
    return ys, (h, c)


@program(numbers(5, seed=32), numbers(3, 3, seed=33), numbers(3, seed=34), numbers(3, seed=35))
def rnn_with_loss(inputs, Whh, Wxh, Why):
    """Predict the next number; hidden states kept in a dict keyed by time."""
    hs = {-1: np.zeros(3)}
    loss = 0.0
    for t in range(len(inputs) - 1):
        hs[t] = np.tanh(Wxh * inputs[t] + np.dot(Whh, hs[t - 1]))
        y = Why.dot(hs[t])
        loss += 0.5 * (y - inputs[t + 1]) ** 2
    return loss / (len(inputs) - 1)


@program(
    numbers(4, 4, seed=36), [numbers(4, 2, seed=37 + i) for i in range(6)], numbers(4, 4, seed=44)
)
def attention_heads(x, weights, wo):
    """Two heads over slices of a list, masked scores, results stored side by side."""
    T = x.shape[0]
    out = np.zeros((T, 4))
    for head in range(2):
        wq, wk, wv = weights[3 * head : 3 * head + 3]
        q, k, v = x @ wq, x @ wk, x @ wv
        scores = q @ k.T / np.sqrt(q.shape[-1])
        for i in range(T):
            scores[i, i + 1 :] = -1e9
        att = softmax(scores)
        out[:, 2 * head : 2 * head + 2] = att @ v
    return x + out @ wo


def dense(w, b, activation, x):
    return activation(x @ w + b)


@program(numbers(3, 3, seed=45), numbers(3, seed=46), numbers(2, 3, seed=47), numbers(3, seed=48))
def stack_of_partials(w, b, x, scale):
    """A network as a list of partial functions and lambdas, applied one after the other."""
    swish = lambda z, beta=1.0: z / (1 + np.exp(-beta * z))
    net = [partial(dense, w, b, np.tanh), lambda z: z * scale, partial(dense, w.T, -b, swish)]
    for layer in net:
        x = layer(x)
    return x


@program(numbers(2, 2, 5, 5, seed=50), numbers(3, 2, 3, 3, seed=51), 2, 1)
def conv_by_columns(x, w, stride, pad):
    """Images first, channels second; patches gathered by index arrays that are computed."""
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    Ho = 1 + (H + 2 * pad - HH) // stride
    Wo = 1 + (W + 2 * pad - WW) // stride
    i0 = np.tile(np.repeat(np.arange(HH), WW), C)
    i1 = stride * np.repeat(np.arange(Ho), Wo)
    j0 = np.tile(np.arange(WW), HH * C)
    j1 = stride * np.tile(np.arange(Wo), Ho)
    i = i0.reshape(-1, 1) + i1.reshape(1, -1)
    j = j0.reshape(-1, 1) + j1.reshape(1, -1)
    k = np.repeat(np.arange(C), HH * WW).reshape(-1, 1)
    cols = xp[:, k, i, j].transpose(1, 2, 0).reshape(HH * WW * C, -1)
    out = (w.reshape(F, -1) @ cols).reshape(F, Ho, Wo, N)
    return out.transpose(3, 0, 1, 2)
