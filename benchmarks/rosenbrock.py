"""A Hessian times a vector: derivatives of derivatives on short array code."""

from typing import Any

import numpy as np

from benchmarks._workload import Gradient, Workload


def hand(x: Any, v: Any) -> Gradient:
    """The Hessian is tridiagonal: diagonal and off-diagonal from calculus."""

    def product() -> Any:
        head, tail = x[:-1], x[1:]
        off = -400 * head
        out = np.zeros_like(x)
        out[:-1] = (1200 * head**2 - 400 * tail + 2) * v[:-1] + off * v[1:]
        out[1:] += 200 * v[1:] + off * v[:-1]
        return out

    return product


def rosenbrock(x: Any) -> Any:
    """The formula, in operators and slices only: every contender takes it as it is."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def with_chainrule(x: Any, v: Any) -> Gradient:
    """The transformation of that name."""
    import chainrule as cr

    return lambda: cr.hvp(rosenbrock, (x,), (v,))


def with_torch(x0: Any, v0: Any) -> Gradient:
    """Twice backward: the gradient with its graph, then its product with v."""
    import torch

    x, v = torch.tensor(x0, requires_grad=True), torch.tensor(v0)

    def product() -> Any:
        (slope,) = torch.autograd.grad(rosenbrock(x), x, create_graph=True)
        return torch.autograd.grad(slope, x, v)

    return product


def with_jax(x0: Any, v0: Any) -> Gradient:
    """Compiled, forward over reverse."""
    import jax
    import jax.numpy as jnp

    product = jax.jit(lambda x, v: jax.jvp(jax.grad(rosenbrock), (x,), (v,))[1])
    x, v = jnp.asarray(x0), jnp.asarray(v0)
    return lambda: product(x, v).block_until_ready()


def with_autograd(x: Any, v: Any) -> Gradient:
    """The function of that name: reverse over reverse."""
    import autograd

    product = autograd.hessian_vector_product(rosenbrock)
    return lambda: product(x, v)


def with_advect(x: Any, v: Any) -> Gradient:
    """The transformation of that name, which gives the value too."""
    import advect

    product = advect.hvp(rosenbrock)
    return lambda: product(x, vectors=v)[1]


def inputs(quick: bool) -> tuple[Any, ...]:
    """A point and a direction."""
    rng = np.random.default_rng(0)
    n = 100 if quick else 1_000
    return rng.normal(size=n), rng.normal(size=n)


ROSENBROCK = Workload(
    "rosenbrock-hvp",
    "Hessian of Rosenbrock's function times a vector, 1,000 variables",
    inputs,
    {
        "hand": hand,
        "chainrule": with_chainrule,
        "torch": with_torch,
        "jax": with_jax,
        "autograd": with_autograd,
        "advect": with_advect,
    },
    cannot={"mygrad": "first derivatives only"},
)
