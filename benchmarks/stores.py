"""Ten thousand stores, `out[i] = sin(x[i] + 0.9 * out[i - 1])`, into an array of zeros."""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def hand(x: Any) -> Gradient:
    """The recurrence backward, store by store, as the forward loop has it."""

    def gradient() -> Any:
        n = len(x)
        out, slope = np.zeros_like(x), np.zeros_like(x)
        for i in range(1, n):
            inner = x[i] + 0.9 * out[i - 1]
            out[i] = np.sin(inner)
            slope[i] = np.cos(inner)
        np.sum(out**2)
        out_ct, x_ct = 2 * out, np.zeros_like(x)
        for i in range(n - 1, 0, -1):
            x_ct[i] = out_ct[i] * slope[i]
            out_ct[i - 1] += 0.9 * x_ct[i]
        return x_ct

    return gradient


def with_numpy_code(library: str, x: Any) -> Gradient:
    """The loop as plain NumPy has it: chainrule and advect take it."""
    tool = import_module(library)

    def loss(x: Any) -> Any:
        out = np.zeros_like(x)
        for i in range(1, len(x)):
            out[i] = np.sin(x[i] + 0.9 * out[i - 1])
        return np.sum(out**2)

    gradient = tool.grad(loss)
    return lambda: gradient(x)


def with_torch(x0: Any) -> Gradient:
    """Index assignment, which it records."""
    import torch

    x = torch.tensor(x0, requires_grad=True)

    def gradient() -> Any:
        out = torch.zeros_like(x)
        for i in range(1, len(x)):
            out[i] = torch.sin(x[i] + 0.9 * out[i - 1])
        return torch.autograd.grad((out**2).sum(), x)

    return gradient


def with_jax(x0: Any) -> Gradient:
    """A compiled scan: its arrays cannot be stored into."""
    import jax
    import jax.numpy as jnp

    def loss(x: Any) -> Any:
        def step(previous: Any, x_i: Any) -> Any:
            out_i = jnp.sin(x_i + 0.9 * previous)
            return out_i, out_i

        _, out = jax.lax.scan(step, jnp.zeros((), x.dtype), x[1:])
        return jnp.sum(out**2)

    gradient = jax.jit(jax.grad(loss))
    x = jnp.asarray(x0)
    return lambda: gradient(x).block_until_ready()


def with_autograd(x: Any) -> Gradient:
    """A list of numbers, made an array at the end: it has no stores."""
    import autograd
    import autograd.numpy as anp

    def loss(x: Any) -> Any:
        out = [0.0]
        for i in range(1, len(x)):
            out.append(anp.sin(x[i] + 0.9 * out[i - 1]))
        return anp.sum(anp.array(out) ** 2)

    gradient = autograd.grad(loss)
    return lambda: gradient(x)


def with_mygrad(x0: Any) -> Gradient:
    """Index assignment, which it records."""
    import mygrad as mg

    def gradient() -> Any:
        x = mg.tensor(x0)
        out = mg.zeros_like(x)
        for i in range(1, len(x)):
            out[i] = mg.sin(x[i] + 0.9 * out[i - 1])
        mg.sum(out**2).backward()
        return x.grad

    return gradient


STORES = Workload(
    "stores",
    "out[i] = sin(x[i] + 0.9 * out[i - 1]), 10,000 numbers",
    lambda quick: (np.random.default_rng(0).normal(size=300 if quick else 10_000),),
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
