"""What a case of the benchmark of compiled programs is, and the inputs that the cases share.

A case is a program in plain NumPy. Under the same name, `_compiled_*_hand.py` has it as loops for
Numba, and `_compiled_*_jax.py` as JAX's users write it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._source_programs import Kernel

CASES: dict[str, Kernel] = {}


def case(title: str, inputs: Callable[[bool], tuple[Any, ...]], *argnums: int) -> Any:
    """Enter a program; `inputs` takes `quick`."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES[function.__name__] = Kernel(function, title, inputs, argnums)
        return function

    return enter


def uniform(*shape: int, seed: int = 0, low: float = 0.0, high: float = 1.0) -> Any:
    return np.random.default_rng(seed).uniform(low, high, shape)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Any:
    return np.random.default_rng(seed).normal(0.0, scale, shape)
