"""Samples: example calls with which every entry of the rule table is tested.

Each module ``samples_*.py`` beside this one has ``SAMPLES: dict[callable, list[Sample]]``, keyed by
the NumPy function that the table knows. ``collect()`` merges them. Imported as ``rules._samples``
(the folder ``tests`` is on the path).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.rules import load


@dataclass(frozen=True, eq=False)
class Sample:
    """One call ``fn(*args, **kwargs)``, to be differentiated by the arguments named in ``diff``.

    ``diff`` names positions in ``args`` or keywords; each such argument is an array, a number, or a
    list or tuple of arrays (all of which are then differentiated). Other arguments are constants.

    ``order`` is the highest order tested: 2 needs the function smooth within about 0.05 of the
    point; 0 checks the value alone.

    ``expect`` is for kinks, where differences mean nothing: for each differentiated array its
    expected gradient under a cotangent of ones. Only that, and that both products agree, is tested.

    ``direct`` says whether the primitive is also tested on its own, without an engine.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    diff: tuple[int | str, ...] = (0,)
    order: int = 2
    expect: tuple[Any, ...] | None = None
    direct: bool = True
    rtol: float = 1e-6
    """Of first-order checks against differences; raise it with a reason."""


Samples = dict[Callable[..., Any], list[Sample]]


def array(*shape: int, seed: int = 0, low: float = -1.0, high: float = 1.0) -> Any:
    """Distinct values within (low, high), no two closer than a grid step: no accidental ties."""
    n = int(np.prod(shape))
    rng = np.random.default_rng(1000 * seed + n)
    grid = (rng.permutation(n) + 0.5 + 0.3 * (rng.random(n) - 0.5)) / max(n, 1)
    values = low + (high - low) * grid
    return values.reshape(shape) if shape else values[0]


def complex_array(*shape: int, seed: int = 0) -> Any:
    """Complex values within the unit square, none near zero."""
    sign = np.where(array(*shape, seed=seed + 7) > 0, 1.0, -1.0)
    real = array(*shape, seed=seed + 8, low=0.3, high=1.0)
    return sign * real + 1j * array(*shape, seed=seed + 9)


def collect() -> Samples:
    """Fill the table and merge the samples of all modules."""
    load()
    merged: Samples = {}
    for path in sorted(Path(__file__).parent.glob("samples_*.py")):
        module = importlib.import_module(f"rules.{path.stem}")
        for fn, samples in module.SAMPLES.items():
            merged.setdefault(fn, []).extend(samples)
    return merged
