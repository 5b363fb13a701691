"""Interleaved timing: every round times every contender, so that a busy machine is busy for all."""

import gc
import math
import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks._workload import Gradient

BATCH_SECONDS = 0.02
"""Short gradients are called in batches of about this length: the clock's own cost vanishes."""

PATIENCE_SECONDS = 40.0
"""A slow contender takes part in only as many rounds as fit in here (at least one)."""


@dataclass(frozen=True)
class Ratio:
    """The median over rounds of one contender's time over another's in the same round."""

    median: float
    spread: float  # half the distance of the quartiles, as a part of the median
    rounds: int


def measure(gradients: Mapping[str, Gradient], rounds: int) -> dict[str, dict[int, float]]:
    """Seconds a call, by contender and round.

    The order changes from round to round. Garbage is collected before each batch, outside the
    clock, so that nobody pays for what another left; during the batch the collector runs as it
    always does.
    """
    calls, share = {}, {}
    for name, gradient in gradients.items():
        once = _seconds(gradient, 1)
        calls[name] = max(1, math.ceil(BATCH_SECONDS / once))
        share[name] = max(1, min(rounds, int(PATIENCE_SECONDS / (once * calls[name]))))
    order = random.Random(0)
    names = list(gradients)
    times: dict[str, dict[int, float]] = {name: {} for name in names}
    for turn in range(rounds):
        order.shuffle(names)
        for name in names:
            if turn < share[name]:
                times[name][turn] = _seconds(gradients[name], calls[name])
    return times


def _seconds(gradient: Gradient, calls: int) -> float:
    gc.collect()
    start = time.perf_counter()
    for _ in range(calls):
        gradient()
    return (time.perf_counter() - start) / calls


def ratio(times: dict[int, float], base: dict[int, float]) -> Ratio:
    """How many times as long as `base`, from the rounds that both took part in."""
    pairs = [times[turn] / base[turn] for turn in times if turn in base]
    middle = statistics.median(pairs)
    if len(pairs) < 2:
        return Ratio(middle, math.nan, len(pairs))
    low, _, high = statistics.quantiles(pairs, n=4, method="inclusive")
    return Ratio(middle, (high - low) / 2 / middle, len(pairs))
