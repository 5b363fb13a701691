"""A training step's gradient: 784-500-200-10, batch 128, ReLU, softmax, cross-entropy.

Parameters are a flat list w1, b1, w2, b2, w3, b3; the loss and all six gradients are computed.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def hand(x: Any, y: Any, parameters: list[Any]) -> Gradient:
    """Back-propagation as a textbook writes it."""
    w1, b1, w2, b2, w3, b3 = parameters

    def gradient() -> Any:
        a1 = np.maximum(x @ w1 + b1, 0)
        a2 = np.maximum(a1 @ w2 + b2, 0)
        z = a2 @ w3 + b3
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        np.mean(np.log(total[:, 0]) - (z * y).sum(axis=1))
        d3 = (e / total - y) / np.asarray(len(x), x.dtype)
        d2 = (d3 @ w3.T) * (a2 > 0)
        d1 = (d2 @ w2.T) * (a1 > 0)
        return [x.T @ d1, d1.sum(0), a1.T @ d2, d2.sum(0), a2.T @ d3, d3.sum(0)]

    return gradient


def with_numpy_code(library: str, x: Any, y: Any, parameters: list[Any]) -> Gradient:
    """The loss as plain NumPy has it: chainrule and advect take it."""
    tool = import_module(library)

    def loss(parameters: list[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        a1 = np.maximum(x @ w1 + b1, 0)
        a2 = np.maximum(a1 @ w2 + b2, 0)
        z = a2 @ w3 + b3
        z = z - np.max(z, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(z), axis=1)) - np.sum(z * y, axis=1))

    value_and_grad = tool.value_and_grad(loss)
    return lambda: value_and_grad(parameters)[1]


def with_torch(x0: Any, y0: Any, parameters: list[Any]) -> Gradient:
    """Its own ReLU and fused cross-entropy."""
    import torch
    from torch.nn import functional

    x, labels = torch.tensor(x0), torch.tensor(y0.argmax(axis=1))
    leaves = [torch.tensor(p, requires_grad=True) for p in parameters]

    def gradient() -> Any:
        w1, b1, w2, b2, w3, b3 = leaves
        a1 = torch.relu(x @ w1 + b1)
        a2 = torch.relu(a1 @ w2 + b2)
        loss = functional.cross_entropy(a2 @ w3 + b3, labels)
        return torch.autograd.grad(loss, leaves)

    return gradient


def with_jax(x0: Any, y0: Any, parameters: list[Any]) -> Gradient:
    """Compiled, with its own ReLU and log-softmax."""
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        a1 = jax.nn.relu(x @ w1 + b1)
        a2 = jax.nn.relu(a1 @ w2 + b2)
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(a2 @ w3 + b3) * y, axis=1))

    value_and_grad = jax.jit(jax.value_and_grad(loss))
    arguments = [jnp.asarray(p) for p in parameters], jnp.asarray(x0), jnp.asarray(y0)
    return lambda: jax.block_until_ready(value_and_grad(*arguments))[1]


def with_autograd(x: Any, y: Any, parameters: list[Any]) -> Gradient:
    """The NumPy loss on its wrapped NumPy."""
    import autograd
    import autograd.numpy as anp

    def loss(parameters: list[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        a1 = anp.maximum(x @ w1 + b1, 0)
        a2 = anp.maximum(a1 @ w2 + b2, 0)
        z = a2 @ w3 + b3
        z = z - anp.max(z, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - anp.sum(z * y, axis=1))

    value_and_grad = autograd.value_and_grad(loss)
    return lambda: value_and_grad(parameters)[1]


def with_mygrad(x: Any, y: Any, parameters: list[Any]) -> Gradient:
    """Its own ReLU and fused cross-entropy."""
    import mygrad as mg
    from mygrad.nnet import relu
    from mygrad.nnet.losses import softmax_crossentropy

    labels = y.argmax(axis=1)

    def gradient() -> Any:
        leaves = [mg.tensor(p) for p in parameters]
        w1, b1, w2, b2, w3, b3 = leaves
        a1 = relu(x @ w1 + b1)
        a2 = relu(a1 @ w2 + b2)
        softmax_crossentropy(a2 @ w3 + b3, labels).backward()
        return [leaf.grad for leaf in leaves]

    return gradient


def inputs(dtype: type[np.floating[Any]], quick: bool) -> tuple[Any, ...]:
    """Random images and labels, He weights; the values do not change the work."""
    rng = np.random.default_rng(0)
    sizes = (78, 50, 20, 10) if quick else (784, 500, 200, 10)
    parameters = []
    for before, after in pairwise(sizes):
        parameters.append(rng.normal(0, np.sqrt(2 / before), (before, after)).astype(dtype))
        parameters.append(np.zeros(after, dtype))
    x = rng.uniform(size=(128, sizes[0])).astype(dtype)
    y = np.eye(10, dtype=dtype)[rng.integers(10, size=128)]
    return x, y, parameters


CONTENDERS: dict[str, Callable[..., Gradient]] = {
    "hand": hand,
    "chainrule": partial(with_numpy_code, "chainrule"),
    "torch": with_torch,
    "jax": with_jax,
    "autograd": with_autograd,
    "advect": partial(with_numpy_code, "advect"),
    "mygrad": with_mygrad,
}
MLP_F64 = Workload(
    "mlp-f64",
    "gradient of a 784-500-200-10 network, batch 128, float64",
    lambda quick: inputs(np.float64, quick),
    CONTENDERS,
    rounds=21,
)
MLP_F32 = Workload(
    "mlp-f32",
    "gradient of a 784-500-200-10 network, batch 128, float32",
    lambda quick: inputs(np.float32, quick),
    CONTENDERS,
    rounds=21,
    rtol=1e-4,  # sums of 784 float32 products in another order: 784 * 6e-8
)
