"""The list of programs: functions as scientists write them, each with example arguments.

None of them knows that it will be differentiated. What a program returns is its output: one number
or array, or a container of them. Arguments that a program changes are its own business: the tests
hand it copies.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from source.oracles import numbers_of

TOPICS = (
    "kernels",
    "stencils",
    "flow",
    "linear_algebra",
    "recurrences",
    "recursion",
    "particles",
    "signal",
    "networks",
    "vision",
    "statistics",
    "solvers",
    "views",
    "language",
    "language_arrays",
    "language_functions",
    "language_data",
    "language_idioms",
)


class Example(NamedTuple):
    """A program and where it is differentiated."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int, ...]
    """Positions of the arguments that are differentiated (all their float and complex parts)."""
    topic: str
    step: float
    """Largest step of the differences: smaller where the output soon changes its branch."""
    analytic: bool
    """Whether it runs on complex arguments and is analytic in them: for the complex step."""


EXAMPLES: dict[str, Example] = {}


def program(
    *args: Any, wrt: tuple[int, ...] | None = None, step: float = 2.0**-9, analytic: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function into the list, with example arguments.

    ``wrt`` left out: every argument that holds a float or complex number.
    """

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        chosen = tuple(i for i, arg in enumerate(args) if holds_floats(arg)) if wrt is None else wrt
        topic = function.__module__.rpartition(".")[2]
        name = function.__name__
        EXAMPLES[name] = Example(name, function, args, chosen, topic, step, analytic)
        return function

    return enter


def holds_floats(tree: Any) -> bool:
    """Tell whether a container, number or array has a float or complex part."""
    return bool(numbers_of(tree))


def numbers(*shape: int, seed: int = 0, low: float = -1.0, high: float = 1.0) -> Any:
    """Return the same random numbers at every call."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def all_examples() -> list[Example]:
    """Load every topic and return its programs, in the order of the files."""
    for topic in TOPICS:
        importlib.import_module(f"source.programs.{topic}")
    return sorted(EXAMPLES.values(), key=lambda example: TOPICS.index(example.topic))
