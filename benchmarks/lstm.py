"""An LSTM written by its user: 100 steps, batch 32, 8 inputs, 8 hidden units, gates side by side.

All peers run the cell as array code; fused recurrent layers compute only the cells they were
written for, and this workload stands for a cell that somebody made up.
"""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def sigmoid(z: Any) -> Any:
    """The formula as NumPy users write it."""
    return 1 / (1 + np.exp(-z))


def hand(xs: Any, wx: Any, wh: Any, b: Any) -> Gradient:
    """Back-propagation through time; the gates' slopes are kept as their values."""
    batch, size = xs.shape[1], wh.shape[0]

    def gradient() -> Any:
        h = c = np.zeros((batch, size))
        kept = []
        for x in xs:
            z = x @ wx + h @ wh + b
            i, f = sigmoid(z[:, :size]), sigmoid(z[:, size : 2 * size])
            o, g = sigmoid(z[:, 2 * size : 3 * size]), np.tanh(z[:, 3 * size :])
            before = h, c
            c = f * c + i * g
            t = np.tanh(c)
            h = o * t
            kept.append((*before, i, f, o, g, t))
        np.sum(h**2)
        h_ct, c_ct = 2 * h, np.zeros_like(c)
        wx_ct, wh_ct, b_ct = np.zeros_like(wx), np.zeros_like(wh), np.zeros_like(b)
        z_ct = np.empty((batch, 4 * size))
        for x, (h, c, i, f, o, g, t) in zip(xs[::-1], reversed(kept), strict=True):
            c_ct = c_ct + h_ct * o * (1 - t * t)
            z_ct[:, :size] = c_ct * g * i * (1 - i)
            z_ct[:, size : 2 * size] = c_ct * c * f * (1 - f)
            z_ct[:, 2 * size : 3 * size] = h_ct * t * o * (1 - o)
            z_ct[:, 3 * size :] = c_ct * i * (1 - g * g)
            wx_ct += x.T @ z_ct
            wh_ct += h.T @ z_ct
            b_ct += z_ct.sum(axis=0)
            h_ct, c_ct = z_ct @ wh.T, c_ct * f
        return [wx_ct, wh_ct, b_ct]

    return gradient


def with_numpy_code(library: str, xs: Any, wx: Any, wh: Any, b: Any) -> Gradient:
    """The loop as plain NumPy has it: chainrule and advect take it."""
    tool = import_module(library)

    batch, size = xs.shape[1], wh.shape[0]

    def loss(wx: Any, wh: Any, b: Any) -> Any:
        h = c = np.zeros((batch, size))
        for x in xs:
            z = x @ wx + h @ wh + b
            i, f = sigmoid(z[:, :size]), sigmoid(z[:, size : 2 * size])
            o, g = sigmoid(z[:, 2 * size : 3 * size]), np.tanh(z[:, 3 * size :])
            c = f * c + i * g
            h = o * np.tanh(c)
        return np.sum(h**2)

    gradient = tool.grad(loss, argnums=(0, 1, 2))
    return lambda: gradient(wx, wh, b)


def with_torch(own_gates: bool, *arrays: Any) -> Gradient:
    """A Python loop over tensors; ``own_gates``: by torch's own sigmoid and chunks."""
    import torch

    xs, *start = (torch.tensor(a) for a in arrays)
    weights = [a.requires_grad_() for a in start]

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + torch.exp(-z))

    def gates(z: Any) -> Any:
        if own_gates:
            i, f, o, g = z.chunk(4, dim=1)
            return torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o), torch.tanh(g)
        size = z.shape[1] // 4
        i, f = sigmoid(z[:, :size]), sigmoid(z[:, size : 2 * size])
        return i, f, sigmoid(z[:, 2 * size : 3 * size]), torch.tanh(z[:, 3 * size :])

    def gradient() -> Any:
        wx, wh, b = weights
        h = c = torch.zeros(xs.shape[1], wh.shape[0], dtype=xs.dtype)
        for x in xs:
            i, f, o, g = gates(x @ wx + h @ wh + b)
            c = f * c + i * g
            h = o * torch.tanh(c)
        return torch.autograd.grad((h**2).sum(), weights)

    return gradient


def with_jax(*arrays: Any) -> Gradient:
    """A compiled scan over the steps."""
    import jax
    import jax.numpy as jnp

    def loss(wx: Any, wh: Any, b: Any, xs: Any) -> Any:
        def cell(state: Any, x: Any) -> Any:
            h, c = state
            i, f, o, g = jnp.split(x @ wx + h @ wh + b, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((xs.shape[1], wh.shape[0]), xs.dtype)
        (h, _), _ = jax.lax.scan(cell, (zeros, zeros), xs)
        return jnp.sum(h**2)

    gradient = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))
    xs, *weights = (jnp.asarray(a) for a in arrays)
    return lambda: jax.block_until_ready(gradient(*weights, xs))


def with_autograd(xs: Any, *weights: Any) -> Gradient:
    """The NumPy loop on its wrapped NumPy."""
    import autograd
    import autograd.numpy as anp

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + anp.exp(-z))

    def loss(wx: Any, wh: Any, b: Any) -> Any:
        size = wh.shape[0]
        h = c = anp.zeros((xs.shape[1], size))
        for x in xs:
            z = x @ wx + h @ wh + b
            i, f = sigmoid(z[:, :size]), sigmoid(z[:, size : 2 * size])
            o, g = sigmoid(z[:, 2 * size : 3 * size]), anp.tanh(z[:, 3 * size :])
            c = f * c + i * g
            h = o * anp.tanh(c)
        return anp.sum(h**2)

    gradient = autograd.grad(loss, argnum=(0, 1, 2))
    return lambda: gradient(*weights)


def with_mygrad(own_gates: bool, xs: Any, *weights: Any) -> Gradient:
    """A Python loop over its tensors; ``own_gates``: with its own sigmoid."""
    import mygrad as mg
    from mygrad.nnet import sigmoid as own_sigmoid

    def written_out(z: Any) -> Any:
        return 1 / (1 + mg.exp(-z))

    sigmoid = own_sigmoid if own_gates else written_out

    def gradient() -> Any:
        wx, wh, b = leaves = [mg.tensor(w) for w in weights]
        size = wh.shape[0]
        h = c = np.zeros((xs.shape[1], size))
        for x in xs:
            z = x @ wx + h @ wh + b
            i, f = sigmoid(z[:, :size]), sigmoid(z[:, size : 2 * size])
            o, g = sigmoid(z[:, 2 * size : 3 * size]), mg.tanh(z[:, 3 * size :])
            c = f * c + i * g
            h = o * mg.tanh(c)
        mg.sum(h**2).backward()
        return [leaf.grad for leaf in leaves]

    return gradient


def inputs(quick: bool) -> tuple[Any, ...]:
    """Random inputs and weights of a usual size."""
    rng = np.random.default_rng(0)
    steps, batch, size = 10 if quick else 100, 32, 8
    wx, wh = (rng.normal(0, 0.3, (size, 4 * size)) for _ in range(2))
    return rng.normal(size=(steps, batch, size)), wx, wh, np.zeros(4 * size)


def lstm(name: str, title: str, own_gates: bool) -> Workload:
    """Return the workload, with the gates of each library's users or with one formula for all."""
    return Workload(
        name,
        title,
        inputs,
        {
            "hand": hand,
            "chainrule": partial(with_numpy_code, "chainrule"),
            "torch": partial(with_torch, own_gates),
            "jax": with_jax,
            "autograd": with_autograd,
            "advect": partial(with_numpy_code, "advect"),
            "mygrad": partial(with_mygrad, own_gates),
        },
    )


LSTM = lstm("lstm", "LSTM, 100 steps, batch 32, hidden 8", own_gates=True)
SAME_LSTM = lstm("lstm-same", "the same, sigmoids and slices written out for all", own_gates=False)
