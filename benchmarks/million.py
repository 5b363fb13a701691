"""A chain of a million recorded operations: no recursion limit, linear time, bytes a node.

One sine a step on 10 numbers, so that steps and recorded operations are the same number.
"""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def hand(n: int, x0: Any) -> Gradient:
    """Keep every x going forward, multiply the cosines going backward."""

    def gradient() -> Any:
        x, xs = x0, []
        for _ in range(n):
            xs.append(x)
            x = np.sin(x)
        np.sum(x)
        ct = np.ones_like(x0)
        while xs:
            ct = ct * np.cos(xs.pop())
        return ct

    return gradient


def with_numpy_code(library: str, n: int, x0: Any) -> Gradient:
    """The formula as plain NumPy has it: chainrule and advect take it."""
    tool = import_module(library)

    def chain(x: Any) -> Any:
        for _ in range(n):
            x = np.sin(x)
        return np.sum(x)

    gradient = tool.grad(chain)
    return lambda: gradient(x0)


def with_torch(n: int, x0: Any) -> Gradient:
    """A Python loop over tensors."""
    import torch

    x = torch.tensor(x0, dtype=torch.float64, requires_grad=True)

    def gradient() -> Any:
        y = x
        for _ in range(n):
            y = torch.sin(y)
        return torch.autograd.grad(y.sum(), x)

    return gradient


def with_jax(n: int, x0: Any) -> Gradient:
    """A compiled loop; it keeps arrays only, there are no nodes."""
    import jax
    import jax.numpy as jnp

    def chain(x: Any) -> Any:
        return jnp.sum(jax.lax.fori_loop(0, n, lambda _, x: jnp.sin(x), x))

    gradient = jax.jit(jax.grad(chain))
    x = jnp.asarray(x0)
    return lambda: gradient(x).block_until_ready()


def with_autograd(n: int, x0: Any) -> Gradient:
    """The NumPy formula on its wrapped NumPy."""
    import autograd
    import autograd.numpy as anp

    def chain(x: Any) -> Any:
        for _ in range(n):
            x = anp.sin(x)
        return anp.sum(x)

    gradient = autograd.grad(chain)
    return lambda: gradient(x0)


def with_mygrad(n: int, x0: Any) -> Gradient:
    """A Python loop over its tensors."""
    import mygrad as mg

    def gradient() -> Any:
        x = mg.tensor(x0)
        y = x
        for _ in range(n):
            y = mg.sin(y)
        y.sum().backward()
        return x.grad

    return gradient


MILLION = Workload(
    "million-chain",
    "x = sin(x) for 10 numbers, 1,000,000 steps",
    lambda quick: (10_000 if quick else 1_000_000, np.linspace(0.1, 1.0, 10)),
    {
        "hand": hand,
        "chainrule": partial(with_numpy_code, "chainrule"),
        "torch": with_torch,
        "jax": with_jax,
        "autograd": with_autograd,
        "advect": partial(with_numpy_code, "advect"),
        "mygrad": with_mygrad,
    },
    rounds=5,
    bytes_per=("step", lambda n, x0: n),
)
