"""Each rule on its own, on plain arrays and without an engine: a failure here is the rule's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule._core import TABLE, PiecewiseConstant, Primitive
from chainrule.rules._forms import Elementwise
from rules._checks import Case, check_direct
from rules._numeric import complex_step, direction, vector
from rules._samples import collect

SAMPLES = collect()
CASES = [
    pytest.param(fn, sample, id=f"{TABLE[fn].name}-{k}")
    for fn, samples in SAMPLES.items()
    if isinstance(TABLE.get(fn), Primitive)
    for k, sample in enumerate(samples)
    if sample.order and sample.direct
]


def test_every_entry_has_samples_unless_it_is_piecewise_constant() -> None:
    missing = [
        entry.name
        for fn, entry in TABLE.items()
        if not isinstance(entry, PiecewiseConstant) and not SAMPLES.get(fn)
    ]
    assert not missing


def test_every_sample_is_of_an_entry() -> None:
    assert [fn for fn in SAMPLES if fn not in TABLE] == []


def test_every_declared_kink_has_a_sample_that_says_what_is_returned() -> None:
    missing = [
        TABLE[fn].name
        for fn, samples in SAMPLES.items()
        if fn in TABLE and TABLE[fn].kinks and not any(s.expect is not None for s in samples)
    ]
    assert not missing


@pytest.mark.parametrize(("fn", "sample"), CASES)
def test_products(fn: Any, sample: Any, rng: np.random.Generator) -> None:
    check_direct(Case(fn, sample), TABLE[fn], rng)


ANALYTIC = [
    pytest.param(fn, sample, id=f"{fn.__name__}-{k}")
    for fn, samples in SAMPLES.items()
    if isinstance(fn, np.ufunc) and isinstance(TABLE[fn], Elementwise)
    if any(loop.endswith("D->D") for loop in fn.types)
    for k, sample in enumerate(samples)
    if sample.expect is None and sample.direct and all(np.isrealobj(x) for x in Case(fn, sample).xs)
]


@pytest.mark.parametrize(("fn", "sample"), ANALYTIC)
def test_tangents_to_full_precision(fn: Any, sample: Any, rng: np.random.Generator) -> None:
    """Where NumPy takes complex values, the complex step leaves no doubt but rounding."""
    case = Case(fn, sample)
    entry = TABLE[fn]
    ts = direction(rng, case.xs)
    args, kwargs = case.bound(case.xs)
    bound = entry.bind(*args, **kwargs)
    y = fn(*args, **kwargs)
    y_dot = entry.jvp(dict(zip(sample.diff, ts, strict=True)), y, bound)
    exact = complex_step(case.plain, case.xs, ts)
    np.testing.assert_allclose(vector([np.broadcast_to(y_dot, y.shape)]), exact, rtol=2e-13)
