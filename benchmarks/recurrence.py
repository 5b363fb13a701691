"""A linear recurrence stored row by row, `out[i + 1] = A @ out[i]`; gradients by A and out[0]."""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def hand(n: int, a: Any, x0: Any) -> Gradient:
    """The adjoint recurrence; the matrix's gradient is one product at the end."""

    def gradient() -> Any:
        out = np.zeros_like(x0, shape=(n + 1, len(x0)))
        out[0] = x0
        for i in range(n):
            out[i + 1] = a @ out[i]
        np.sum(out**2)
        ct = 2 * out
        transposed = a.T
        for i in range(n - 1, -1, -1):
            ct[i] += transposed @ ct[i + 1]
        return [ct[1:].T @ out[:-1], ct[0]]

    return gradient


def with_numpy_code(library: str, n: int, a: Any, x0: Any) -> Gradient:
    """The loop as plain NumPy has it: chainrule and advect take it."""
    tool = import_module(library)

    def loss(a: Any, x0: Any) -> Any:
        out = np.zeros_like(x0, shape=(n + 1, len(x0)))
        out[0] = x0
        for i in range(n):
            out[i + 1] = a @ out[i]
        return np.sum(out**2)

    gradient = tool.grad(loss, argnums=(0, 1))
    return lambda: gradient(a, x0)


def with_torch(n: int, a0: Any, x0: Any) -> Gradient:
    """A list, stacked at the end: its backward refuses a product whose operand's array changed."""
    import torch

    a = torch.tensor(a0, requires_grad=True)
    x = torch.tensor(x0, requires_grad=True)

    def gradient() -> Any:
        out = [x]
        for i in range(n):
            out.append(a @ out[i])
        return torch.autograd.grad((torch.stack(out) ** 2).sum(), (a, x))

    return gradient


def with_jax(n: int, a0: Any, x0: Any) -> Gradient:
    """A compiled scan: its arrays cannot be stored into."""
    import jax
    import jax.numpy as jnp

    def loss(a: Any, x: Any) -> Any:
        def step(x: Any, _: Any) -> Any:
            following = a @ x
            return following, following

        _, out = jax.lax.scan(step, x, length=n)
        return jnp.sum(x**2) + jnp.sum(out**2)

    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))
    a, x = jnp.asarray(a0), jnp.asarray(x0)
    return lambda: jax.block_until_ready(gradient(a, x))


def with_autograd(n: int, a: Any, x0: Any) -> Gradient:
    """A list, stacked at the end: it has no stores."""
    import autograd
    import autograd.numpy as anp

    def loss(a: Any, x: Any) -> Any:
        out = [x]
        for i in range(n):
            out.append(a @ out[i])
        return anp.sum(anp.stack(out) ** 2)

    gradient = autograd.grad(loss, argnum=(0, 1))
    return lambda: gradient(a, x0)


def with_mygrad(n: int, a0: Any, x0: Any) -> Gradient:
    """Row assignment, which it records."""
    import mygrad as mg

    def gradient() -> Any:
        a, x = mg.tensor(a0), mg.tensor(x0)
        out = mg.zeros((n + 1, len(x0)), dtype=x0.dtype)  # its default is float32
        out[0] = x
        for i in range(n):
            out[i + 1] = a @ out[i]
        mg.sum(out**2).backward()
        return [a.grad, x.grad]

    return gradient


def inputs(quick: bool) -> tuple[Any, ...]:
    """A rotation, shrunk so little that the last row still matters."""
    rng = np.random.default_rng(0)
    a = 0.999 * np.linalg.qr(rng.normal(size=(10, 10)))[0]
    return 50 if quick else 1_000, a, rng.normal(size=10)


RECURRENCE = Workload(
    "recurrence",
    "out[i + 1] = A @ out[i], 1,000 rows of 10 numbers",
    inputs,
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
