"""Elementwise work on a million numbers: memory traffic and temporaries, not bookkeeping."""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def hand(x: Any) -> Gradient:
    """Value and gradient share the sine, the exponential and the hyperbolic tangent."""

    def gradient() -> Any:
        s, e, t = np.sin(x), np.exp(-(x**2)), np.tanh(x)
        np.sum(s * e + t)
        return (np.cos(x) - 2 * x * s) * e + 1 - t * t

    return gradient


def with_numpy_code(library: str, x: Any) -> Gradient:
    """The formula as plain NumPy has it: chainrule and advect take it."""
    tool = import_module(library)

    gradient = tool.grad(lambda x: np.sum(np.sin(x) * np.exp(-(x**2)) + np.tanh(x)))
    return lambda: gradient(x)


def with_torch(x0: Any) -> Gradient:
    """The same with tensors."""
    import torch

    x = torch.tensor(x0, requires_grad=True)

    def gradient() -> Any:
        y = (torch.sin(x) * torch.exp(-(x**2)) + torch.tanh(x)).sum()
        return torch.autograd.grad(y, x)

    return gradient


def with_jax(x0: Any) -> Gradient:
    """Compiled: the whole gradient is one fused loop."""
    import jax
    import jax.numpy as jnp

    gradient = jax.jit(jax.grad(lambda x: jnp.sum(jnp.sin(x) * jnp.exp(-(x**2)) + jnp.tanh(x))))
    x = jnp.asarray(x0)
    return lambda: gradient(x).block_until_ready()


def with_autograd(x: Any) -> Gradient:
    """The NumPy formula on its wrapped NumPy."""
    import autograd
    import autograd.numpy as anp

    gradient = autograd.grad(lambda x: anp.sum(anp.sin(x) * anp.exp(-(x**2)) + anp.tanh(x)))
    return lambda: gradient(x)


def with_mygrad(x0: Any) -> Gradient:
    """The same with its tensors."""
    import mygrad as mg

    def gradient() -> Any:
        x = mg.tensor(x0)
        mg.sum(mg.sin(x) * mg.exp(-(x**2)) + mg.tanh(x)).backward()
        return x.grad

    return gradient


ELEMENTWISE = Workload(
    "elementwise",
    "sum(sin(x) * exp(-x**2) + tanh(x)), 1,000,000 numbers",
    lambda quick: (np.random.default_rng(0).normal(size=20_000 if quick else 1_000_000),),
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
