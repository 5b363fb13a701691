"""Every sample of every rule, through the engine: values, both products, second order, layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule._core import TABLE
from rules import _checks
from rules._checks import Case
from rules._samples import Sample, collect

SAMPLES = collect()


def cases(wanted: Any) -> pytest.MarkDecorator:
    """Parametrize by the samples for which ``wanted(sample, its number)`` holds."""
    chosen = [
        pytest.param(fn, sample, id=f"{TABLE[fn].name}-{k}")
        for fn, samples in SAMPLES.items()
        for k, sample in enumerate(samples)
        if fn in TABLE and wanted(sample, k)
    ]
    return pytest.mark.parametrize(("fn", "sample"), chosen)


def smooth(order: int) -> Any:
    return lambda sample, k: sample.expect is None and sample.order >= order


@cases(lambda sample, k: True)
def test_value(fn: Any, sample: Sample) -> None:
    _checks.check_value(Case(fn, sample))


@cases(smooth(1))
def test_first_order(fn: Any, sample: Sample, rng: np.random.Generator) -> None:
    _checks.check_first(Case(fn, sample), rng)


@cases(lambda sample, k: sample.expect is not None)
def test_kink(fn: Any, sample: Sample, rng: np.random.Generator) -> None:
    _checks.check_expected(Case(fn, sample), rng)


@cases(smooth(2))
def test_second_order(fn: Any, sample: Sample, rng: np.random.Generator) -> None:
    _checks.check_second(Case(fn, sample), rng)


@cases(lambda sample, k: smooth(1)(sample, k) and k < 3)
def test_memory(fn: Any, sample: Sample, rng: np.random.Generator) -> None:
    _checks.check_memory(Case(fn, sample), rng)


@cases(lambda sample, k: smooth(1)(sample, k) and k < 3)
def test_single_precision(fn: Any, sample: Sample, rng: np.random.Generator) -> None:
    _checks.check_single(Case(fn, sample), rng)


@cases(lambda sample, k: smooth(1)(sample, k) and k < 3)
def test_layouts(fn: Any, sample: Sample, rng: np.random.Generator) -> None:
    _checks.check_layouts(Case(fn, sample), rng)


@cases(smooth(1))
def test_order_in_memory(fn: Any, sample: Sample) -> None:
    _checks.check_order_in_memory(Case(fn, sample))


@cases(lambda sample, k: smooth(1)(sample, k) and k < 3 and not sample.kwargs)
def test_empty(fn: Any, sample: Sample, rng: np.random.Generator) -> None:
    empty = _checks.emptied(Case(fn, sample))
    if empty is not None:
        _checks.check_empty(empty, rng)
