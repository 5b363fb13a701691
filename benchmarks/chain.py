"""A long chain of small operations: what the record of an operation costs, and little else.

The map has slope 1 at its fixed point 0, so the gradient neither vanishes nor explodes.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def hand(n: int, x0: Any) -> Gradient:
    """Keep every x going forward, multiply the slopes going backward."""

    def gradient() -> Any:
        x, xs = x0, []
        for _ in range(n):
            xs.append(x)
            x = np.sin(x) * 0.9 + 0.1 * x
        np.sum(x)
        ct = np.ones_like(x0)
        for x in reversed(xs):
            ct = ct * (np.cos(x) * 0.9 + 0.1)
        return ct

    return gradient


def with_numpy_code(library: str, n: int, x0: Any) -> Gradient:
    """The formula as plain NumPy has it: chainrule and advect take it."""
    tool = import_module(library)

    def chain(x: Any) -> Any:
        for _ in range(n):
            x = np.sin(x) * 0.9 + 0.1 * x
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
            y = torch.sin(y) * 0.9 + 0.1 * y
        return torch.autograd.grad(y.sum(), x)

    return gradient


def with_jax(n: int, x0: Any) -> Gradient:
    """A compiled loop: unrolled, 10,000 steps would take minutes to compile."""
    import jax
    import jax.numpy as jnp

    def chain(x: Any) -> Any:
        def step(_: Any, x: Any) -> Any:
            return jnp.sin(x) * 0.9 + 0.1 * x

        return jnp.sum(jax.lax.fori_loop(0, n, step, x))

    gradient = jax.jit(jax.grad(chain))
    x = jnp.asarray(x0)
    return lambda: gradient(x).block_until_ready()


def with_autograd(n: int, x0: Any) -> Gradient:
    """The NumPy formula on its wrapped NumPy."""
    import autograd
    import autograd.numpy as anp

    def chain(x: Any) -> Any:
        for _ in range(n):
            x = anp.sin(x) * 0.9 + 0.1 * x
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
            y = mg.sin(y) * 0.9 + 0.1 * y
        y.sum().backward()
        return x.grad

    return gradient


CONTENDERS: dict[str, Callable[..., Gradient]] = {
    "hand": hand,
    "chainrule": partial(with_numpy_code, "chainrule"),
    "torch": with_torch,
    "jax": with_jax,
    "autograd": with_autograd,
    "advect": partial(with_numpy_code, "advect"),
    "mygrad": with_mygrad,
}
VECTOR = np.linspace(0.1, 1.0, 10)

SCALAR_CHAIN = Workload(
    "scalar-chain",
    "x = sin(x) * 0.9 + 0.1 * x, a number, 10,000 steps",
    lambda quick: (500 if quick else 10_000, np.float64(0.5)),
    CONTENDERS,
)
VECTOR_CHAIN = Workload(
    "vector-chain",
    "the same for 10 numbers, 10,000 steps",
    lambda quick: (500 if quick else 10_000, VECTOR),
    CONTENDERS,
)
SHORT_CHAIN = Workload(
    "short-chain",
    "the same for 10 numbers, 1,000 steps",
    lambda quick: (100 if quick else 1_000, VECTOR),
    CONTENDERS,
)
