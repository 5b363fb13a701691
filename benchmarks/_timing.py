"""Interleaved timing: every round times every contender, so that a busy machine is busy for all."""

import math
import random
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks._worker import Worker

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


def measure(workers: Mapping[str, Worker], rounds: int) -> dict[str, dict[int, float]]:
    """Seconds a call, by contender and round. The order changes from round to round."""
    calls, share = {}, {}
    for name, worker in workers.items():
        once = worker.seconds(1)
        calls[name] = max(1, math.ceil(BATCH_SECONDS / once))
        share[name] = max(1, min(rounds, int(PATIENCE_SECONDS / (once * calls[name]))))
    order = random.Random(0)
    names = list(workers)
    times: dict[str, dict[int, float]] = {name: {} for name in names}
    for turn in range(rounds):
        order.shuffle(names)
        for name in names:
            if turn < share[name]:
                times[name][turn] = workers[name].seconds(calls[name])
    return times


def ratio(times: dict[int, float], base: dict[int, float]) -> Ratio:
    """How many times as long as `base`, from the rounds that both took part in."""
    pairs = [times[turn] / base[turn] for turn in times if turn in base]
    middle = statistics.median(pairs)
    if len(pairs) < 2:
        return Ratio(middle, math.nan, len(pairs))
    low, _, high = statistics.quantiles(pairs, n=4, method="inclusive")
    return Ratio(middle, (high - low) / 2 / middle, len(pairs))
