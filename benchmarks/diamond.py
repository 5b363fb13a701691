"""A value used twice, 5,000 times over: 2**5000 paths, and a sweep must visit each node once."""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def hand(depth: int, x: Any) -> Gradient:
    """The map is linear: nothing need be kept."""

    def gradient() -> Any:
        y = x
        for _ in range(depth):
            y = (y + y) * 0.4999
        np.sum(y)
        ct = np.ones_like(x)
        for _ in range(depth):
            ct = ct * 0.4999
            ct = ct + ct
        return ct

    return gradient


def with_numpy_code(library: str, depth: int, x: Any) -> Gradient:
    """The formula as plain NumPy has it: chainrule and advect take it."""
    tool = import_module(library)

    def diamond(y: Any) -> Any:
        for _ in range(depth):
            y = (y + y) * 0.4999
        return np.sum(y)

    gradient = tool.grad(diamond)
    return lambda: gradient(x)


def with_torch(depth: int, x0: Any) -> Gradient:
    """A Python loop over tensors."""
    import torch

    x = torch.tensor(x0, requires_grad=True)

    def gradient() -> Any:
        y = x
        for _ in range(depth):
            y = (y + y) * 0.4999
        return torch.autograd.grad(y.sum(), x)

    return gradient


def with_jax(depth: int, x0: Any) -> Gradient:
    """A compiled loop."""
    import jax
    import jax.numpy as jnp

    def diamond(y: Any) -> Any:
        return jnp.sum(jax.lax.fori_loop(0, depth, lambda _, y: (y + y) * 0.4999, y))

    gradient = jax.jit(jax.grad(diamond))
    x = jnp.asarray(x0)
    return lambda: gradient(x).block_until_ready()


def with_autograd(depth: int, x: Any) -> Gradient:
    """The NumPy formula on its wrapped NumPy."""
    import autograd
    import autograd.numpy as anp

    def diamond(y: Any) -> Any:
        for _ in range(depth):
            y = (y + y) * 0.4999
        return anp.sum(y)

    gradient = autograd.grad(diamond)
    return lambda: gradient(x)


def with_mygrad(depth: int, x0: Any) -> Gradient:
    """A Python loop over its tensors."""
    import mygrad as mg

    def gradient() -> Any:
        x = mg.tensor(x0)
        y = x
        for _ in range(depth):
            y = (y + y) * 0.4999
        y.sum().backward()
        return x.grad

    return gradient


DIAMOND = Workload(
    "diamond",
    "y = (y + y) * 0.4999 for 10 numbers, depth 5,000",
    lambda quick: (250 if quick else 5_000, np.linspace(0.1, 1.0, 10)),
    {
        "hand": hand,
        "chainrule": partial(with_numpy_code, "chainrule"),
        "torch": with_torch,
        "jax": with_jax,
        "autograd": with_autograd,
        "advect": partial(with_numpy_code, "advect"),
        "mygrad": with_mygrad,
    },
)
