"""What a workload is: a formula, its inputs, its gradient as each contender's users write it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

Gradient = Callable[[], Any]
"""Runs the formula forward and backward once; returns the gradient, or a list of them."""


@dataclass(frozen=True)
class Workload:
    """One line of the table.

    Attributes:
        name: what `--only` takes.
        title: what the formula is.
        inputs: from `quick` (smaller sizes) to the arguments that every factory takes.
        contenders: from a contender's name to its factory. A factory does what its users do once
            (import, move the inputs, compile) and returns the gradient to be timed.
        rounds: how often every contender is timed.
        rtol: how far a gradient may be from the hand-written one, relative to its largest entry.
        cannot: contenders that cannot do it, and why.
        bytes_per: the name of the unit (a node, say) whose memory is measured too, and the number
            of such units from the inputs.
    """

    name: str
    title: str
    inputs: Callable[[bool], tuple[Any, ...]]
    contenders: Mapping[str, Callable[..., Gradient]]
    rounds: int = 11
    rtol: float = 1e-9
    cannot: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bytes_per: tuple[str, Callable[..., int]] | None = None


class WrongGradientError(Exception):
    """A contender's gradient is not the hand-written one: its time would mean nothing."""


def leaves(gradients: Any) -> list[np.ndarray]:
    """The gradients as plain arrays, whichever library and nesting they came in."""
    if isinstance(gradients, list | tuple):
        return [leaf for part in gradients for leaf in leaves(part)]
    if hasattr(gradients, "detach"):  # a torch tensor
        gradients = gradients.detach()
    return [np.asarray(gradients)]


def check_gradient(got: Any, expected: Any, rtol: float) -> None:
    """Compare with the hand-written gradient: number, shape, dtype and values.

    Raises:
        WrongGradientError: naming the first gradient that differs and by how much.
    """
    got, expected = leaves(got), leaves(expected)
    if len(got) != len(expected):
        raise WrongGradientError(
            f"{len(got)} gradients where the hand-written code has {len(expected)}"
        )
    for i, (a, b) in enumerate(zip(got, expected, strict=True)):
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            raise WrongGradientError(
                f"gradient {i} is {a.dtype}{a.shape}, the hand-written one {b.dtype}{b.shape}"
            )
        scale = np.max(np.abs(b))
        if not np.isfinite(scale) or scale == 0:
            raise WrongGradientError(
                f"the hand-written gradient {i} is no yardstick: its size is {scale}"
            )
        error = np.max(np.abs(a - b)) / scale
        if not error <= rtol:  # a NaN fails too
            raise WrongGradientError(
                f"gradient {i} is off by {error:.1e} of its size (limit {rtol:.0e})"
            )
